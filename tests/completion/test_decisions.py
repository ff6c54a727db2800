"""A validator decides of what the rule alone does not pay (ruling 6): who, when, until when, and what it changes."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from completion import decisions, services
from completion.facts import pay_facts
from completion.review import pay_of
from requests_app import services as requests
from requests_app.exchanges import is_communication_billable
from requests_app.models import CancellationReason, Communication, ServiceRequest
from requests_app.moves import Stale
from requests_app.workflow import NotAllowed, Status
from tests import make
from tests.completion import make as filed
from tests.completion.test_races import ROUNDS, copy, together
from tests.make import HOUR, NOW, START
from tests.pages import errors, said, signed_in

pytestmark = pytest.mark.django_db
END = START + make.LENGTH
LATER = END + 3 * HOUR
REASON = "La clinique l’a confirmé par téléphone."
UNASKED = "La demande ne prévoit pas de communication; il manque le nom de qui l’a demandée et la justification."


def unasked(**fields):
    """A visit rendered, with one communication nobody asked for."""
    made = make.reserved(**fields)
    filed.report(made, communications=[filed.row(made.starts_at - timedelta(days=1))])
    return made


def cancelled_late(**fields):
    """Cancelled an hour before; half an hour later Alice called all the same, and reports nothing."""
    made = make.reserved(are_communications_requested=True, **fields)
    requests.cancel(made, by=make.requester(), at=START - HOUR, reason=CancellationReason.BY_REQUESTER)
    make.communication(made, made_at=START - HOUR / 2)
    return made


def accept(made, *, by=None, at=LATER, reason=REASON, row=None, **seen):
    row, by = row or made.communications.get(), by or make.validator()
    return decisions.accept_communication(made, row, by=by, at=at, reason=reason, **seen)


def take_back(made, *, by=None, at=LATER, **seen):
    row = made.communications.get()
    return decisions.refuse_communication(made, row, by=by or make.validator(), at=at, **seen)


def paid(made) -> Decimal:
    """What the communications of a request pay now."""
    lines = pay_of(ServiceRequest.objects.get(pk=made.pk))["lines"]
    return sum(line.amount for line in lines if line.kind == "communications")


# What it pays


@pytest.mark.parametrize("build", [unasked, cancelled_late])
def test_a_communication_accepted_is_paid(build):
    made = build()
    assert paid(made) == 0
    accept(made)
    assert paid(made) == Decimal("10.25")


def test_an_acceptance_taken_back_pays_nothing_again():
    made = unasked()
    accept(made)
    take_back(made)
    row = made.communications.get()
    assert (paid(made), row.accepted_by, row.accepted_at, row.accepted_reason) == (0, None, None, "")


def test_an_acceptance_says_who_when_and_why():
    row = accept(unasked(), reason=f"  {REASON} ")
    row.refresh_from_db()
    assert (row.accepted_by, row.accepted_at, row.accepted_reason) == (make.validator(), LATER, REASON)


def test_what_was_accepted_is_frozen_with_its_decision():
    made = unasked()
    row = accept(made)
    decisions.validate(made, by=make.validator(), at=LATER)
    kept = made.pay_lines.first().inputs["accepted_communications"]
    assert [(one["id"], one["accepted_by_id"], one["accepted_reason"]) for one in kept] == [
        (row.pk, make.validator().pk, REASON)
    ]
    assert paid(made) == Decimal("10.25")


def test_a_relay_carries_the_decision_of_its_communication():
    made = make.reserved()
    make.communication(made, made_at=NOW)
    relay = requests.mark_unallocated(made, by=make.alice(), at=NOW + HOUR)
    accept(relay)
    assert paid(relay) == Decimal("10.25")


def test_a_cancellation_undone_keeps_the_decision_with_its_relay():
    made = make.reserved()
    make.communication(made, made_at=NOW)
    requests.cancel(made, by=make.requester(), at=START - HOUR, reason=CancellationReason.BY_REQUESTER)
    accept(made, at=START - HOUR / 2)
    requests.reinstate(made, by=make.coordinator(), at=START - HOUR / 3, note="Erreur.")
    assert paid(made.relays.get()) == Decimal("10.25")


# Who, and when


@pytest.mark.parametrize("who", [make.alice, make.requester, make.coordinator, make.administrator, make.system])
@pytest.mark.parametrize("decide", [accept, take_back])
def test_only_a_validator_decides(who, decide):
    made = unasked()
    with pytest.raises(NotAllowed, match="cette action n’est pas possible"):
        decide(made, by=who())
    assert paid(made) == 0


@pytest.mark.parametrize("decide", [accept, take_back])
def test_nobody_decides_of_a_file_they_filed(decide):
    made = unasked()
    ServiceRequest.objects.filter(pk=made.pk).update(filed_by=make.validator())
    with pytest.raises(NotAllowed, match="une autre personne"):
        decide(made)


@pytest.mark.parametrize("status", [Status.RESERVED, Status.MODIFIED, Status.COMPLETED])
@pytest.mark.parametrize("decide", [accept, take_back])
def test_a_decision_is_taken_while_the_request_awaits_its_review(status, decide):
    made = make.request(status)
    made.communications.create(interpreter=make.alice(), at=NOW, purpose="confirmation")
    with pytest.raises(NotAllowed, match=f"«\u00a0{Status(status).label}\u00a0»"):
        decide(made)


def test_a_cancellation_in_time_that_nobody_claimed_awaits_no_decision():
    made = make.cancelled()
    make.communication(made, made_at=NOW)
    with pytest.raises(NotAllowed, match="rien à payer ni à décider"):
        accept(made)


@pytest.mark.parametrize(("reason", "is_fit"), [("", False), (" \n", False), ("x" * 300, True), ("x" * 301, False)])
def test_an_acceptance_has_a_reason_that_fits(reason, is_fit):
    made = unasked()
    try:
        accept(made, reason=reason)
    except NotAllowed as refusal:
        assert "raison" in str(refusal)
    assert (paid(made) > 0) is is_fit


def test_what_the_rule_pays_is_not_decided():
    made = make.reserved(are_communications_requested=True)
    filed.report(made, communications=[filed.row(NOW)])
    with pytest.raises(NotAllowed, match="déjà payée"):
        accept(made)


def test_a_communication_is_accepted_once():
    made = unasked()
    accept(made)
    with pytest.raises(NotAllowed, match="déjà payée"):
        accept(made, reason="Une autre raison.")
    assert made.communications.get().accepted_reason == REASON


def test_what_was_not_accepted_is_not_taken_back():
    with pytest.raises(NotAllowed, match="Aucune décision"):
        take_back(unasked())


def test_a_communication_of_another_request_is_not_decided_here():
    made, other = unasked(), unasked(starts_at=START + timedelta(days=1))
    with pytest.raises(Stale, match="n’est plus celle"):
        accept(made, row=other.communications.get())
    assert paid(other) == 0


@pytest.mark.parametrize("decide", [accept, take_back])
@pytest.mark.parametrize("wrong", [{"version": 1}, {"seen": "0" * 64}])
def test_a_decision_on_a_page_that_has_aged_is_refused(decide, wrong):
    with pytest.raises(Stale):
        decide(unasked(), **wrong)


@pytest.mark.parametrize("missing", [{"accepted_by": None}, {"accepted_at": None}, {"accepted_reason": ""}])
def test_the_database_refuses_half_an_acceptance(missing):
    made = unasked()
    accept(made)
    with pytest.raises(IntegrityError, match="acceptance_is_whole"), transaction.atomic():
        made.communications.update(**missing)


# What follows


def test_a_decision_ages_the_page_of_another_validator():
    made = unasked()
    seen = decisions.fingerprint(made)
    accept(made)
    with pytest.raises(Stale):
        decisions.validate(made, by=make.person("Vera", "validator"), at=LATER, seen=seen)


def test_an_acceptance_falls_when_the_interpreter_changes_the_row():
    made = unasked()
    accept(made)
    changed = [filed.row(made.communications.get().at, purpose="reminder")]
    filed.report(made, at=LATER + HOUR, communications=changed)
    assert (paid(made), made.communications.get().is_accepted) == (0, False)


def test_an_acceptance_outlives_a_correction_of_something_else():
    made = unasked()
    row = accept(made)
    same = [services.exchanged.row_of(row), filed.row(NOW)]
    filed.report(made, at=LATER + HOUR, waiting_minutes=15, communications=same)
    assert paid(made) == Decimal("10.25")


def test_a_revision_keeps_the_decision_as_it_stood():
    made = unasked()
    accept(made)
    filed.report(made, at=LATER + HOUR, waiting_minutes=15)
    first, second = (revision.data["communications"][0] for revision in made.completion.revisions.all())
    assert "accepted_reason" not in first
    assert (second["accepted_reason"], second["accepted_by_id"]) == (REASON, make.validator().pk)
    assert signed_in(make.validator()).get(page(made)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_decision_and_a_correction_have_one_order():
    alice, validator, outcomes = make.alice(), make.validator(), Counter()
    for number in range(ROUNDS):
        made = unasked(starts_at=START + number * timedelta(days=1))
        row, at, seen = made.communications.get(), made.ends_at + 3 * HOUR, decisions.fingerprint(made)
        changed = [filed.row(row.at, purpose="reminder")]

        def decide(made=made, row=row, at=at, seen=seen):
            accept(copy(made), by=validator, at=at, row=row, seen=seen)

        def correct(made=made, at=at, changed=changed):
            filed.report(copy(made), by=alice, at=at, communications=changed)

        results = tuple(together(decide, correct))
        outcomes[results] += 1
        assert results in {("done", "done"), ("refused", "done")}
        kept = Communication.objects.get(service_request=made)
        assert (kept.purpose, is_communication_billable(made, kept)) == ("reminder", False)


@pytest.mark.django_db(transaction=True)
def test_a_decision_and_a_validation_have_one_order():
    validator, other = make.validator(), make.person("Vera", "validator")
    for number in range(ROUNDS):
        made = unasked(starts_at=START + number * timedelta(days=1))
        row, at, seen = made.communications.get(), made.ends_at + 3 * HOUR, decisions.fingerprint(made)

        def decide(made=made, row=row, at=at, seen=seen):
            accept(copy(made), by=validator, at=at, row=row, seen=seen)

        def validate(made=made, at=at, seen=seen):
            decisions.validate(copy(made), by=other, at=at, seen=seen)

        assert sorted(together(decide, validate)) == ["done", "refused"]
        is_accepted = Communication.objects.get(service_request=made).is_accepted
        assert is_accepted is not (copy(made).status == Status.COMPLETED)


# The pages


def page(made) -> str:
    return reverse("admin:completion_review_change", args=[made.pk])


def sent(made, button, **fields) -> dict:
    fresh = ServiceRequest.objects.get(pk=made.pk)
    known = {"version": fresh.version, "seen": decisions.fingerprint(fresh), button: made.communications.get().pk}
    return known | fields


@pytest.mark.parametrize(("build", "why"), [(unasked, UNASKED), (cancelled_late, "Faite après l’avis d’annulation.")])
def test_the_page_says_why_a_communication_is_not_paid(build, why):
    assert f"Non facturable : {why}" in said(signed_in(make.validator()).get(page(build())))


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"requested_by_name": "Mme Roy"}, "il manque la justification."),
        ({"justification": "À jeun"}, "il manque le nom de qui l’a demandée."),
    ],
)
def test_the_page_says_what_is_missing(given, missing):
    made = make.reserved()
    filed.report(made, communications=[filed.row(NOW, **given)])
    assert missing in said(signed_in(make.validator()).get(page(made)))


def test_a_communication_is_paid_then_not_from_the_page():
    made, reader = unasked(), signed_in(make.validator())
    response = reader.post(page(made), sent(made, "payer", reason=REASON), follow=True)
    assert response.redirect_chain == [(page(made), 302)]
    assert "La communication sera payée." in said(response)
    assert f": {REASON}" in said(response)
    response = reader.post(page(made), sent(made, "ne_pas_payer"), follow=True)
    assert "La communication ne sera pas payée." in said(response)
    assert paid(made) == 0


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_the_reason_is_asked_beside_its_field(reason):
    made = unasked()
    response = signed_in(make.validator()).post(page(made), sent(made, "payer", reason=reason))
    assert response.status_code == 422
    assert list(errors(response)) == [f"reason_{made.communications.get().pk}"]
    assert paid(made) == 0


def test_a_decision_on_a_row_changed_meanwhile_writes_nothing():
    made, reader = unasked(), signed_in(make.validator())
    decided = sent(made, "payer", reason=REASON)
    filed.report(made, at=LATER, communications=[filed.row(NOW)])
    response = reader.post(page(made), decided)
    assert (response.status_code, paid(made)) == (409, 0)
    assert decisions.GONE in said(response)


@pytest.mark.parametrize("button", ["payer", "ne_pas_payer"])
@pytest.mark.parametrize("number", ["", "abc", "²", "9" * 19, "999999"])
def test_a_row_that_does_not_exist_is_not_decided(button, number):
    made = unasked()
    response = signed_in(make.validator()).post(page(made), sent(made, button, reason=REASON) | {button: number})
    assert response.status_code == 409


@pytest.mark.parametrize("button", ["payer", "ne_pas_payer"])
def test_a_decision_without_what_was_seen_is_refused(button):
    made = unasked()
    response = signed_in(make.validator()).post(page(made), {button: made.communications.get().pk, "reason": REASON})
    assert response.status_code == 422
    assert "Rouvrez la page, puis recommencez." in said(response)


@pytest.mark.parametrize("who", [make.alice, make.requester, make.coordinator, make.administrator])
@pytest.mark.parametrize("button", ["payer", "ne_pas_payer", "corriger"])
def test_the_buttons_of_the_page_are_the_validators_alone(who, button):
    made = unasked()
    assert signed_in(who()).post(page(made), sent(made, button, reason=REASON)).status_code in (302, 403)
    assert paid(made) == 0


def test_whoever_filed_the_report_is_offered_no_decision():
    made = unasked()
    ServiceRequest.objects.filter(pk=made.pk).update(filed_by=make.validator())
    read = said(signed_in(make.validator()).get(page(made)))
    assert UNASKED in read
    assert "Payer cette communication" not in read


@pytest.mark.parametrize("is_accepted", [True, False])
def test_a_completed_file_shows_what_was_decided_and_nothing_to_decide(is_accepted):
    made = unasked()
    if is_accepted:
        accept(made)
    decisions.validate(made, by=make.validator(), at=LATER)
    read = said(signed_in(make.validator()).get(page(made)))
    assert (REASON in read) is is_accepted
    assert "Payer cette communication" not in read and "Ne pas payer" not in read


@pytest.mark.parametrize("build", [unasked, cancelled_late])
def test_the_interpreter_reads_the_decision_and_not_who_took_it(build):
    made, reader = build(), signed_in(make.alice())
    address = reverse("requests:detail", args=[made.pk])
    assert "payée par décision" not in said(reader.get(address))
    accept(made)
    read = said(reader.get(address))
    assert f"payée par décision de la BI du RSSS : {REASON}" in read
    assert str(make.validator()) not in read


def test_the_page_costs_the_same_for_one_decision_and_for_ten(django_assert_max_num_queries):
    reader, counts = signed_in(make.validator()), []
    for number, length in enumerate((1, 10)):
        made = make.reserved(starts_at=START + timedelta(days=number))
        filed.report(made, communications=[filed.row(NOW + index * HOUR) for index in range(length)])
        for row in made.communications.all()[::2]:
            accept(made, row=row)
        with django_assert_max_num_queries(25) as captured:
            reader.get(page(made))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_facts_of_pay_count_what_was_accepted():
    made = unasked()
    accept(made)
    facts = pay_facts(ServiceRequest.objects.get(pk=made.pk))
    assert (facts.billable_communications, facts.unbillable_communications) == (1, 0)
