"""Many clean files in one press: confirmed once, each judged again under its lock, the others left aside and told."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.services import NEGATIVE, Tables
from completion import bulk, decisions, queue
from completion.models import Completion
from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.completion import make as filed
from tests.completion.test_review_alerts import too_long
from tests.make import HOUR, START
from tests.pages import form_with, forms, said, signed_in

pytestmark = pytest.mark.django_db
QUEUE = "/admin/completion/review/"
CHOOSE = "Valider les dossiers sans alerte choisis"
LATER = START + timedelta(days=9)


def day(number) -> dict:
    return {"starts_at": START + timedelta(days=number)}


def choose(reader, *files, address=QUEUE):
    """The list, some of its files ticked, its button pressed: the page that confirms."""
    form = form_with(reader.get(address), CHOOSE)
    return form.send(reader, address, _selected_action=[made.pk for made in files], index="0")


def confirm(reader, answer):
    form = next(form for form in forms(answer) if "confirmer" in form.fields)
    return lambda: reader.post(QUEUE, form.fields | several(answer), follow=True)


def several(answer) -> dict:
    return {"_selected_action": [one.row.pk for one in answer.context["preview"].ready]}


def completed() -> set[int]:
    return set(ServiceRequest.objects.filter(status=Status.COMPLETED).values_list("pk", flat=True))


@pytest.fixture
def reader(db):
    return signed_in(make.validator())


def test_only_a_clean_file_can_be_ticked(reader):
    clean, flagged, back, own = filed.provided(**day(1)), too_long(**day(2)), filed.provided(**day(3)), filed.provided()
    decisions.return_for_correction(back, by=make.validator(), at=LATER, reason="À revoir")
    ServiceRequest.objects.filter(pk=own.pk).update(filed_by=make.validator())
    page = reader.get(QUEUE).content.decode()
    ticked = [made for made in (clean, flagged, back, own) if f'name="vu_{made.pk}"' in page]
    assert (ticked, page.count('name="_selected_action"')) == ([clean], 1)


def test_the_page_that_confirms_says_how_many_and_how_much_and_writes_nothing(reader):
    first, second = filed.provided(**day(1)), filed.provided(**day(2))
    text = said(choose(reader, first, second))
    assert "2 dossiers sans alerte seront validés, pour 164,00 $ en tout." in text
    assert "Valider ces 2 dossiers" in text
    assert completed() == set()


def test_one_press_validates_them_all(reader):
    files = [filed.provided(**day(number)) for number in range(3)]
    text = said(confirm(reader, choose(reader, *files))())
    assert "3 dossiers validés : Achevé." in text
    assert "Tout est validé." in text
    assert completed() == {made.pk for made in files}
    assert all(made.pay_lines.count() for made in files)


def test_the_same_press_twice_validates_once_and_says_so(reader):
    made = filed.provided()
    press = confirm(reader, choose(reader, made))
    press()
    assert "1 dossier était déjà validé par vous." in said(press())
    assert made.pay_lines.filter(kind="service").count() == 1


def gains_an_alert(made):
    completion = Completion.objects.get(service_request=made)
    completion.actual_ends_at += 2 * HOUR
    completion.save()


def changes(made):
    filed.report(made, at=made.ends_at + 2 * HOUR, waiting_minutes=5)


def is_returned(made):
    decisions.return_for_correction(made, by=make.validator(), at=LATER, reason="À revoir")


def is_filed_by_the_validator(made):
    ServiceRequest.objects.filter(pk=made.pk).update(filed_by=make.validator())


def gets_a_receipt(made):
    filed.attach(made)


def is_validated_by_another(made):
    decisions.validate(made, by=make.person("Violette", make.validator().role), at=LATER)


def gains_a_line(made):
    decisions.add_line(made, by=make.validator(), at=LATER, amount=Decimal("5.00"), reason="Détour.")


def is_paid_below_nothing(made):
    """What was taken off a longer way is more than the way corrected pays."""
    filed.report(made, distance_km=Decimal("100"))
    decisions.add_line(made, by=make.validator(), at=LATER, amount=Decimal("-150"), reason="Déjà payé.")
    filed.report(made, at=LATER, distance_km=None)


# What happened to a file, and why it is left aside by whoever saw it so.
WHY = {
    gains_an_alert: "de plus",
    is_returned: "attend sa réponse",
    is_filed_by_the_validator: "une autre personne",
    is_validated_by_another: "déjà validée par Violette",
    gains_a_line: "5,00 $ ajoutés par",
}


@pytest.mark.parametrize("meanwhile", [*WHY, changes, gets_a_receipt])
def test_what_changed_since_the_list_is_left_aside_and_told(reader, meanwhile):
    changed, other = filed.provided(**day(1)), filed.provided(**day(2))
    press = confirm(reader, choose(reader, changed, other))
    meanwhile(changed)
    text = said(press())
    assert "1 dossier validé : Achevé." in text
    assert f"1 laissé de côté. Demande {changed.pk} :" in text
    assert not changed.pay_lines.filter(created_by=make.validator()).exists()


def seen_now(made) -> dict:
    """As a list opened now would have it, whatever it is."""
    return {made.pk: decisions.fingerprint(ServiceRequest.objects.get(pk=made.pk))}


@pytest.mark.parametrize("state", WHY)
def test_a_file_that_is_not_clean_is_refused_with_its_reason(state):
    made, by = filed.provided(), make.validator()
    state(made)
    ((number, why),) = bulk.validate_all(seen_now(made), by=by, at=LATER).aside
    ((_, foreseen),) = bulk.preview(seen_now(made), by=by, at=LATER).aside
    assert number == made.pk
    for told in (foreseen, why):
        assert WHY[state] in told.replace("\u00a0", " ")
    assert not made.pay_lines.filter(created_by=by).exists()


def test_nobody_validates_what_they_served():
    made = filed.provided()
    ServiceRequest.objects.filter(pk=made.pk).update(filed_by=make.coordinator())
    ((_, why),) = bulk.preview(seen_now(made), by=made.interpreter, at=LATER).aside
    assert "une autre personne" in why


def test_a_file_that_would_pay_less_than_nothing_is_left_out_of_the_total():
    made, other = filed.provided(**day(1)), filed.provided(**day(2))
    is_paid_below_nothing(made)
    found = bulk.preview(seen_now(made) | seen_now(other), by=make.validator(), at=LATER)
    assert ([one.row.pk for one in found.ready], found.total) == ([other.pk], Decimal("82.00"))
    tables = Tables.read()
    assert bulk.paid(queue.listed(queue.waiting()).get(pk=made.pk), tables)[1] == NEGATIVE


def test_what_changed_before_the_confirmation_is_left_out_of_it(reader):
    changed, other = filed.provided(**day(1)), filed.provided(**day(2))
    form = form_with(reader.get(QUEUE), CHOOSE)
    changes(changed)
    preview = form.send(reader, QUEUE, _selected_action=[changed.pk, other.pk], index="0").context["preview"]
    assert [one.row.pk for one in preview.ready] == [other.pk]
    assert preview.aside == [(changed.pk, "elle a changé depuis que la liste a été ouverte.")]
    assert preview.total == Decimal("82.00")


def test_a_request_that_no_list_showed_is_left_aside(reader):
    made = filed.provided()
    sent = {"action": "validate_clean", "index": "0", "confirmer": "1", "_selected_action": [made.pk, 999_999]}
    text = said(reader.post(QUEUE, sent, follow=True))
    assert "2 laissés de côté." in text
    assert completed() == set()


@pytest.mark.parametrize("sent", [{}, {"confirmer": "1"}, {"action": "delete_selected"}])
def test_nothing_that_is_sent_breaks_the_list(reader, sent):
    made = filed.provided()
    for pk in ("", "abc", "-1", "\x00", "9" * 40, "²", made.pk):
        fields = {"action": "validate_clean", "index": pk, "_selected_action": pk, f"vu_{pk}": "\x00"}
        assert reader.post(QUEUE, fields | sent).status_code in (200, 302)
    assert completed() == set()


def test_nothing_ticked_is_said(reader):
    filed.provided()
    text = said(reader.post(QUEUE, {"action": "validate_clean", "index": "0"}, follow=True))
    assert "Cochez au moins un dossier." in text
    assert "1 dossier à cocher sur cette page" in text


def test_no_more_than_a_page_at_once(reader):
    many = {"action": "validate_clean", "index": "0", "_selected_action": list(range(1, bulk.MOST + 2))}
    assert reader.post(QUEUE, many).status_code == 302


def test_a_coordinator_validates_nothing(db):
    made = filed.provided()
    sent = {"action": "validate_clean", "index": "0", "confirmer": "1", "_selected_action": made.pk}
    assert signed_in(make.coordinator()).post(QUEUE, sent, follow=True).status_code == 403
    assert completed() == set()


def test_confirming_asks_as_much_for_three_as_for_sixty(reader, django_assert_max_num_queries):
    made = make.reserved(are_communications_requested=True)
    filed.report(made, communications=[filed.row(START - HOUR)])
    filed.attach(made, kind="other")
    made = ServiceRequest.objects.get(pk=made.pk)
    rows, tables = [made, *filed.copies(made, 59)], Tables.read()
    seen = {row.pk: decisions.fingerprint(row, tables) for row in queue.listed(queue.waiting())}
    counted = []
    for number in (3, 60):
        with django_assert_max_num_queries(20) as captured:
            found = bulk.preview(dict(list(seen.items())[:number]), by=make.validator(), at=LATER)
        counted.append(len(captured))
        assert len(found.aside) == number, rows  # one file for all: each says it is on the others
    assert counted[0] == counted[1]
