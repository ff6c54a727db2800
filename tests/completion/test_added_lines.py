"""A line of the BI before Achevé, with its reason: who, until when, what it makes of the pay, and what is frozen."""

import re
from datetime import datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from billing import added
from billing.ledger import adjust, ledger
from billing.models import AddedLine, PayLine
from completion import decisions
from completion.facts import pay_facts
from completion.review import pay_of
from requests_app import services as requests
from requests_app.models import CancellationReason, ServiceRequest
from requests_app.moves import Stale
from requests_app.workflow import NotAllowed
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, START
from tests.pages import errors, said, signed_in

pytestmark = pytest.mark.django_db
LATER = START + 6 * HOUR
REASON = "Stationnement payé malgré l’annulation."


def cancelled_late():
    """Cancelled an hour before; Alice was on her way."""
    made = make.reserved()
    requests.cancel(made, by=make.requester(), at=START - HOUR, reason=CancellationReason.BY_REQUESTER)
    return made


def add(made, amount="12.00", *, by=None, reason=REASON, **seen):
    who = by or make.validator()
    return decisions.add_line(made, by=who, at=LATER, amount=Decimal(amount), reason=reason, **seen)


def remove(made, line, *, by=None):
    return decisions.remove_line(made, line=line.pk, by=by or make.validator(), at=LATER)


def total(made) -> Decimal:
    return pay_of(ServiceRequest.objects.get(pk=made.pk))["total"]


def page(made) -> str:
    return reverse("admin:completion_review_change", args=[made.pk])


@pytest.mark.parametrize("build", [filed.provided, cancelled_late])
@pytest.mark.parametrize(("amount", "expected"), [("12.00", "94.00"), ("-12.00", "70.00"), ("-82.00", "0.00")])
def test_a_line_adds_or_takes_off(build, amount, expected):
    made = build()
    add(made, amount)
    assert total(made) == Decimal(expected)


def test_a_total_is_never_negative():
    made = filed.provided()
    with pytest.raises(NotAllowed, match="négatif"):
        add(made, "-82.01")
    assert not made.added_lines.exists()


def test_a_line_that_others_need_is_not_removed():
    made = filed.provided()
    more = add(made, "50.00")
    add(made, "-120.00")
    with pytest.raises(NotAllowed, match="négatif"):
        remove(made, more)


def test_a_report_reduced_under_a_line_cannot_be_validated_so():
    made = make.reserved()
    filed.report(made, distance_km=Decimal("30"))
    add(made, "-100.00")
    filed.report(made, at=LATER, distance_km=None)
    with pytest.raises(NotAllowed, match="négatif"):
        decisions.validate(made, by=make.validator(), at=LATER + HOUR)
    assert not made.pay_lines.exists()


@pytest.mark.parametrize("amount", ["0", "1.005", "NaN", "Infinity", "10000.01", "-10000.01"])
def test_what_is_no_amount_is_refused(amount):
    made = filed.provided()
    with pytest.raises(NotAllowed):
        add(made, amount)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 251])
def test_a_line_has_a_reason(reason):
    with pytest.raises(NotAllowed, match="raison"):
        add(filed.provided(), reason=reason)


@pytest.mark.parametrize("who", [make.alice, make.requester, make.coordinator, make.administrator, make.system])
def test_only_a_validator_adds_or_removes(who):
    made = filed.provided()
    line = add(made)
    with pytest.raises(NotAllowed):
        add(made, by=who())
    with pytest.raises(NotAllowed):
        remove(made, line, by=who())
    assert AddedLine.objects.get() == line


def test_the_verbs_of_the_ledger_ask_the_table_by_themselves():
    made = filed.provided()
    line, given = add(made), {"by": make.coordinator(), "at": LATER}
    with pytest.raises(NotAllowed):
        added.add_line(made, pay_facts(made), amount=Decimal(5), reason="Péage", **given)
    with pytest.raises(NotAllowed):
        added.remove_line(made, pay_facts(made), line=line.pk, **given)


def test_whoever_filed_adds_nothing():
    made = filed.provided()
    ServiceRequest.objects.filter(pk=made.pk).update(filed_by=make.validator())
    with pytest.raises(NotAllowed):
        add(made)


@pytest.mark.parametrize("build", [make.reserved, make.unallocated, make.cancelled])
def test_nothing_is_added_to_what_awaits_no_validation(build):
    with pytest.raises(NotAllowed):
        add(build())


def test_a_line_of_another_request_is_not_removed():
    made, other = filed.provided(), filed.provided(make.bob())
    line = add(other)
    with pytest.raises(Stale):
        remove(made, line)


def test_a_line_added_meanwhile_stops_whoever_validates():
    made = filed.provided()
    seen = decisions.fingerprint(made)
    add(made)
    with pytest.raises(Stale):
        decisions.validate(made, by=make.validator(), at=LATER, seen=seen)


def test_a_line_is_frozen_with_who_when_and_why():
    made = cancelled_late()
    row = add(made)
    decisions.validate(made, by=make.validator(), at=LATER + HOUR)
    frozen = ledger(made)[-1]
    assert (frozen.kind, frozen.amount, frozen.reason) == ("adjustment", Decimal("12.00"), REASON)
    [kept] = frozen.inputs["added_lines"]
    assert (kept["id"], kept["added_by_id"]) == (row.pk, make.validator().pk)
    assert datetime.fromisoformat(kept["added_at"]) == LATER
    with pytest.raises(NotAllowed):
        add(made)


@pytest.mark.parametrize(("first", "right"), [("-10.00", "-4.00"), ("-10.00", "5.00"), ("10.00", "-5.00")])
def test_after_acheve_an_added_line_is_corrected_like_any_other(first, right):
    made = filed.provided()
    add(made, first)
    decisions.validate(made, by=make.validator(), at=LATER)
    adjust(ledger(made)[-1], by=make.validator(), at=LATER, amount=Decimal(right), reason="Erreur")
    assert sum(line.amount for line in ledger(made)) == Decimal("82.00") + Decimal(right)


def test_no_correction_makes_the_total_negative():
    made = filed.provided()
    add(made, "-60.00")
    decisions.validate(made, by=make.validator(), at=LATER)
    service = PayLine.objects.get(service_request=made, kind="service")
    with pytest.raises(NotAllowed, match="négatif"):
        adjust(service, by=make.validator(), at=LATER, amount=Decimal("50"), reason="Erreur")


# From the page


def press(made, **typed):
    reader = signed_in(make.validator())
    current = reader.get(page(made)).context["current"]
    return reader.post(page(made), current | {"sign": "+", "amount": "12,00", "reason": REASON} | typed)


def test_a_line_is_added_and_taken_back_from_the_page_and_the_interpreter_sees_it():
    made = filed.provided()
    assert press(made, ajouter="1").status_code == 302
    press(made, ajouter="1", sign="-", amount="2")
    assert total(made) == Decimal("92.00")
    assert REASON in said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))
    assert press(made, retirer=made.added_lines.first().pk).status_code == 302
    assert total(made) == Decimal("80.00")


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("amount", ""),
        ("amount", "0"),
        ("amount", "-5"),
        ("amount", "1,005"),
        ("amount", "10000,01"),
        ("amount", "9" * 40),
        ("reason", " "),
        ("sign", "*"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(field, typed):
    made = filed.provided()
    answer = press(made, ajouter="1", **{field: typed})
    assert (answer.status_code, list(errors(answer))) == (422, [f"added_{field}"])
    assert errors(answer)[f"added_{field}"].count("Erreur") == 1  # one sentence
    assert f'href="#id_added_{field}' in answer.content.decode()  # said at the top too
    assert not made.added_lines.exists()


def test_a_refused_line_stays_open_as_it_was_typed():
    answer = press(filed.provided(), ajouter="1", sign="-", amount="90,00")
    assert answer.status_code == 409
    assert re.search(r"<details open><summary>Ajouter une ligne", answer.content.decode())
    assert 'value="90,00"' in answer.content.decode()


def test_history_keeps_a_line_taken_back():
    made = filed.provided()
    remove(made, add(made))
    read = said(signed_in(make.validator()).get(page(made)))
    assert f"Ligne de paie ajoutée : 12,00 $ 6 mars 2025, 19 h, vous « {REASON} »" in read
    assert "Ligne de paie retirée : 12,00 $" in read
    assert "retirée" not in said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))


def test_a_line_is_taken_back_once():
    made = filed.provided()
    line = add(made)
    remove(made, line)
    with pytest.raises(Stale):
        remove(made, line)


def test_what_was_added_for_somebody_else_neither_pays_nor_is_taken_back():
    made = filed.provided()
    line = add(made)
    AddedLine.objects.update(interpreter=make.bob())
    assert total(made) == Decimal("82.00")
    with pytest.raises(Stale):
        remove(made, line)
