"""The interpreter's own buttons: accept, refuse, acknowledge, « Marquer comme non alloué », communications, urgent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.french import hour, long_date
from requests_app import offers, services
from requests_app.models import ServiceRequest
from requests_app.workflow import ServiceType, Status
from tests import make
from tests.pages import ago, ahead, errors, form_with, press, said, signed_in, written

pytestmark = pytest.mark.django_db
GONE = "Cette demande n’est plus disponible."
ACKNOWLEDGE = "J’ai pris connaissance de la modification"


def coming(build=make.reserved, *interpreters, starts_at=None, **fields):
    return build(*interpreters, at=ago(3), starts_at=starts_at or ahead(), **fields)


def in_hours(hours, build=make.reserved):
    return coming(build, starts_at=timezone.now() + timedelta(hours=hours))


def address_of(made, name=""):
    return f"/demandes/{made.pk}/{name}"


def fresh(made):
    return ServiceRequest.objects.get(pk=made.pk)


@pytest.fixture
def alice():
    return signed_in(make.alice())


# Accepting and refusing


def test_an_interpreter_accepts_and_the_request_is_reserved(alice):
    made = coming(make.pending)
    answer = press(alice, address_of(made), "Accepter")
    assert (answer.url, fresh(made).status) == (address_of(made), Status.RESERVED)
    assert "Vous avez accepté la demande. Elle est maintenant réservée." in said(alice.get(answer.url))


def test_the_deadline_of_the_answer_is_said(alice):
    made = coming(make.pending, answer_by=ahead(2))
    assert "Répondez avant le" in said(alice.get(address_of(made))) and "à 13 h." in said(alice.get(address_of(made)))


def test_an_interpreter_refuses_and_no_longer_sees_the_request(alice):
    made = coming(make.pending)
    answer = press(alice, address_of(made), "Refuser")
    assert (answer.url, fresh(made).status) == ("/", Status.UNALLOCATED)
    page = said(alice.get("/"))
    assert "Vous avez refusé la demande." in page and "0 demande," in page


@pytest.mark.parametrize("reason", ["Déjà prise", "x" * 5000, "a\x00b"])
def test_a_refusal_may_be_explained(alice, reason):
    made = coming(make.pending)
    assert alice.post(address_of(made, "refuser/"), {"reason": reason}).status_code == 302
    assert len(made.offers.get().reason) in (10, 200, 2)


def test_the_second_to_accept_is_told_that_it_is_gone_without_any_data(alice):
    made = coming(make.pending, make.alice(), make.bob())
    form = form_with(alice.get(address_of(made)), "Accepter")
    offers.accept(made, by=make.bob(), at=ago(2))
    page = form.send(alice, address_of(made))
    assert (page.status_code, GONE in said(page), "Espagnol" in said(page)) == (409, True, False)
    assert fresh(made).interpreter == make.bob()


def test_an_offer_past_its_deadline_cannot_be_accepted(alice):
    made = coming(make.pending, answer_by=ago(1))
    before = written(made)
    page = alice.post(address_of(made, "accepter/"), {"version": made.version})
    assert (page.status_code, written(made)) == (409, before)


def test_two_requests_at_the_same_time_cannot_both_be_accepted(alice):
    coming(make.reserved)
    made = coming(make.pending, make.bob())
    made.offers.create(interpreter=make.alice(), sent_at=ago(2), answer_by=ahead(13))
    before = written(made)
    page = press(alice, address_of(made), "Accepter")
    assert (page.status_code, written(made)) == (409, before)
    assert "Vous avez déjà une demande réservée à ce moment." in said(page)


def test_a_request_modified_since_it_was_opened_is_not_accepted_unread(alice):
    made = coming(make.pending)
    form = form_with(alice.get(address_of(made)), "Accepter")
    services.modify(made, by=make.requester(), at=ago(2), ends_at=made.ends_at + make.HOUR)
    before = written(made)
    page = form.send(alice, address_of(made))
    assert (page.status_code, written(made)) == (409, before)
    assert "Ce qui a changé depuis que vous avez ouvert la demande Modifiée" in said(page)


@pytest.mark.parametrize("version", ["", "x", "0", "99", "9" * 30])
def test_a_button_without_the_version_of_its_page_writes_nothing(alice, version):
    made = coming(make.pending)
    before = written(made)
    page = alice.post(address_of(made, "accepter/"), {"version": version})
    assert (page.status_code, written(made)) == (409, before)


# Modifié


def test_an_interpreter_acknowledges_a_change(alice):
    made = coming(make.modified)
    press(alice, address_of(made), ACKNOWLEDGE)
    assert fresh(made).status == Status.RESERVED
    assert "Ce qui a changé" not in said(alice.get(address_of(made)))


def test_a_second_change_is_not_acknowledged_unread(alice):
    made = coming(make.modified)
    form = form_with(alice.get(address_of(made)), ACKNOWLEDGE)
    services.modify(made, by=make.requester(), at=ago(2), ends_at=made.ends_at + make.HOUR)
    before = written(made)
    assert (form.send(alice, address_of(made)).status_code, written(made)) == (409, before)


def test_a_changed_hour_frees_from_the_48_hours(alice):
    made = in_hours(30, make.modified)
    page = press(alice, address_of(made, "desistement/"), "Confirmer")
    assert (page.url, fresh(made).status) == ("/", Status.UNALLOCATED)


# « Marquer comme non alloué »


def test_a_withdrawal_makes_the_request_disappear(alice):
    made = coming()
    press(alice, address_of(made, "desistement/"), "Confirmer")
    assert (fresh(made).status, fresh(made).interpreter) == (Status.UNALLOCATED, None)
    page = said(alice.get("/"))
    assert "La demande n’est plus dans votre liste." in page and "0 demande," in page


def test_a_withdrawal_turns_communications_into_a_message_relay(alice):
    made = coming()
    make.communication(made, made_at=ago(2))
    press(alice, address_of(made, "desistement/"), "Confirmer")
    relay = ServiceRequest.objects.get(service_type=ServiceType.MESSAGE_RELAY)
    assert (relay.status, relay.interpreter, relay.communications.count()) == (Status.PROVIDED, make.alice(), 1)


def test_communications_made_are_shown_before_confirming(alice):
    made = coming()
    make.communication(made, made_at=ago(2))
    page = said(alice.get(address_of(made, "desistement/")))
    assert "Ces communications deviennent une demande de transmission de message" in page
    assert "13 h : Confirmation du rendez-vous" in page


def test_at_48_hours_or_less_the_withdrawal_is_refused(alice):
    made = in_hours(47)
    before = written(made)
    sent = alice.post(address_of(made, "desistement/"), {"version": made.version})
    assert (sent.status_code, written(made)) == (409, before)
    assert "Le service commence dans 48 h ou moins" in said(sent)


@pytest.mark.parametrize(("hours", "is_open"), [(49, True), (47, False)])
def test_above_48_hours_the_withdrawal_is_confirmed_and_below_its_limit_is_told(alice, hours, is_open):
    made = in_hours(hours)
    page = said(alice.get(address_of(made, "desistement/")))
    limit = made.starts_at - timedelta(hours=48)
    words = f"avant le {long_date(limit)} à {hour(limit)}".replace("\u00a0", " ")
    assert ("Confirmer" in page, words in page) == (is_open, not is_open)


def test_a_withdrawal_from_a_page_that_changed_is_refused(alice):
    made = coming()
    form = form_with(alice.get(address_of(made, "desistement/")), "Confirmer")
    services.modify(made, by=make.requester(), at=ago(2), ends_at=made.ends_at + make.HOUR)
    before = written(made)
    assert (form.send(alice, address_of(made, "desistement/")).status_code, written(made)) == (409, before)


# Urgent withdrawal


def test_at_48_hours_or_less_an_urgent_withdrawal_is_asked(alice):
    made = in_hours(30)
    press(alice, address_of(made), "Demander un désistement urgent", body="Je suis malade")
    asked = made.messages.get()
    assert (asked.urgency, asked.body, fresh(made).status) == ("asked", "Je suis malade", Status.RESERVED)
    assert "attend la réponse de la BI" in said(alice.get(address_of(made)))


def test_the_telephone_stands_beside_the_urgent_withdrawal(alice):
    assert "Téléphonez à la BI : 514-597-3284" in said(alice.get(address_of(in_hours(30))))


@pytest.mark.parametrize(("typed", "length"), [(" ", 0), ("x" * 5000, 5000)])
def test_an_urgent_withdrawal_is_explained_and_keeps_what_was_typed(alice, typed, length):
    made = in_hours(30)
    page = press(alice, address_of(made), "Demander un désistement urgent", body=typed)
    kept = form_with(page, "Demander un désistement urgent").fields["body"].strip()
    assert (page.status_code, list(errors(page)), len(kept)) == (422, ["urgent_body"], length)
    assert not made.messages.exists()


def test_an_urgent_withdrawal_is_asked_once(alice):
    made = in_hours(30)
    form = form_with(alice.get(address_of(made)), "Demander un désistement urgent")
    statuses = [form.send(alice, address_of(made), body="Malade").status_code for _ in range(2)]
    assert (statuses, made.messages.count()) == ([302, 409], 1)


@pytest.mark.parametrize("hours", [60, -1])
def test_no_urgent_withdrawal_early_nor_after_the_start(alice, hours):
    made = in_hours(hours)
    page = alice.post(address_of(made, "desistement-urgent/"), {"body": "Malade"})
    assert (page.status_code, made.messages.exists()) == (409, False)


# Communications


def communication(**fields):
    day = ago(2)
    given = {"date": f"{day:%Y-%m-%d}", "time": "14h10", "purpose": "confirmation", "channel": "phone"}
    return given | fields


@pytest.mark.parametrize("text", ["14h10", "14 h 10", "14.10", "14:10", "1410"])
def test_a_communication_is_logged_with_its_hour_as_people_type_it(alice, text):
    made = coming()
    press(alice, address_of(made), "Ajouter", **communication(time=text))
    assert timezone.localtime(made.communications.get().at).strftime("%H:%M") == "14:10"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"date": ""}, "date"),
        ({"time": "tantôt"}, "time"),
        ({"date": f"{ahead():%Y-%m-%d}"}, "time"),
        ({"purpose": ""}, "purpose"),
        ({"purpose": "other"}, "purpose_text"),
        ({"channel": "pigeon"}, "channel"),
    ],
)
def test_a_communication_that_cannot_be_is_said_beside_its_field(alice, given, field):
    made = coming()
    page = press(alice, address_of(made), "Ajouter", **communication(requested_by_name="Dre Roy", **given))
    assert (page.status_code, list(errors(page)), made.communications.exists()) == (422, [field], False)
    assert form_with(page, "Ajouter").fields["requested_by_name"] == "Dre Roy"


def test_a_coordinator_logs_a_communication_for_the_interpreter():
    made = coming()
    press(signed_in(make.coordinator()), address_of(made), "Ajouter", **communication())
    assert made.communications.get().interpreter == make.alice()


# Who


NAMES = ["accepter/", "refuser/", "pris-connaissance/", "desistement/", "desistement-urgent/", "ecrire/"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("user", [make.coordinator, make.requester, make.validator, make.administrator])
def test_the_verbs_of_an_interpreter_are_closed_to_others(name, user):
    made, client = coming(), signed_in(user())
    before = written(made)
    page = client.post(address_of(made, name), {"version": made.version, "body": "x"})
    assert (page.status_code, written(made)) == (403, before)


@pytest.mark.parametrize("name", [*NAMES, "communications/", "messages/"])
def test_the_verbs_of_an_interpreter_are_closed_to_a_stranger(name):
    made, client = coming(), signed_in(make.charlie())
    before = written(made)
    page = client.post(address_of(made, name), {"version": made.version, "body": "x"} | communication())
    assert (page.status_code, written(made)) == (404, before)


@pytest.mark.parametrize("name", ["accepter/", "refuser/", "pris-connaissance/", "desistement-urgent/", "messages/"])
def test_a_verb_is_not_a_page(alice, name):
    assert alice.get(address_of(coming(), name)).status_code == 405


@pytest.mark.parametrize("name", [*NAMES, "communications/", "messages/"])
def test_a_former_holder_reads_that_it_is_gone_without_data(alice, name):
    made = coming()
    services.mark_unallocated(made, by=make.alice(), at=ago(2))
    before = written(made)
    page = alice.post(address_of(made, name), {"version": made.version, "body": "x"} | communication())
    assert (page.status_code, GONE in said(page), written(made)) == (409, True, before)
    assert "Espagnol" not in said(page)


@pytest.mark.parametrize("name", ["", "desistement/", "ecrire/"])
def test_a_former_holder_who_opens_the_old_address_reads_that_it_is_gone(alice, name):
    made = coming()
    services.mark_unallocated(made, by=make.alice(), at=ago(2))
    page = alice.get(address_of(made, name))
    assert (page.status_code, GONE in said(page), "Espagnol" in said(page)) == (404, True, False)
