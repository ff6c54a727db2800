"""The interpreter's own buttons: accept, refuse, acknowledge, « Marquer comme non alloué », communications, urgent."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from accounts.french import hour, long_date
from accounts.roles import Role
from requests_app import exchanges, offers, services
from requests_app.models import ServiceRequest
from requests_app.workflow import ACTION_HELP, STEPS, Action, ServiceType, Status
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


# The page


def test_a_request_is_headed_as_it_is_got(alice):
    assert alice.head(address_of(coming())).status_code == 200


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("514-555-0177", "5145550177"),
        ("+1 (514) 555-0177", "+15145550177"),
        ("514 555-0177, poste 12", "5145550177;ext=12"),
        ("514-555-0177 ou 438-555-0142", None),
        ("javascript:alert(1)", None),
        ('514-555-0177"><script>', None),
    ],
)
def test_a_telephone_is_a_link_when_it_reads_as_a_number(alice, typed, address):
    page = alice.get(address_of(coming(professional_phone=typed))).content.decode()
    links = [link for link in re.findall(r'<dd><a href="tel:([^"]*)"', page) if link != "4385550142"]
    assert (links, "><script>" in page) == ([address] if address else [], False)
    assert typed in unescape(page)


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


def test_each_changed_field_is_shown_before_and_after(alice):
    made = coming()
    given = {"facility": make.facility("Pavillon des Ormes"), "patient_name": "Autre personne"}
    services.modify(made, by=make.coordinator(), at=ago(2), note="x", **given)
    page = said(alice.get(address_of(made)))
    assert "Installation Clinique des Érables Pavillon des Ormes" in page and "Usager modifié : à relire" in page


def test_what_changed_is_marked_among_the_facts(alice):
    page = alice.get(address_of(coming(make.modified))).content.decode()
    assert re.findall(r'<dt>([^<]*)</dt><dd class="changed">', page) == ["Heure", "Durée prévue"]


def test_the_right_to_withdraw_after_a_change_is_said_with_its_link(alice):
    made = in_hours(30, make.modified)
    page = alice.get(address_of(made)).content.decode()
    link = f'<a href="{address_of(made, "desistement/")}">vous désister sans la limite de 48&nbsp;h</a>'
    assert (link in page, "Le désistement en ligne était possible" in page) == (True, False)


def test_a_change_of_words_says_nothing_of_withdrawing(alice):
    made = coming()
    services.modify(made, by=make.coordinator(), at=ago(2), note="x", instructions="Porte rouge")
    assert "sans la limite de 48" not in said(alice.get(address_of(made)))


def test_a_second_change_is_shown_instead_of_being_acknowledged_unread(alice):
    made = coming(make.modified)
    form = form_with(alice.get(address_of(made)), ACKNOWLEDGE)
    services.modify(made, by=make.requester(), at=ago(2), ends_at=made.ends_at + make.HOUR)
    before = written(made)
    page = form.send(alice, address_of(made))
    assert (page.status_code, written(made)) == (409, before)
    assert "La demande a changé de nouveau" in said(page) and "Ce qui a changé Champ Avant Maintenant Fin" in said(page)
    assert form_with(page, ACKNOWLEDGE).send(alice, address_of(made)).status_code == 302
    assert fresh(made).status == Status.RESERVED


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


def test_a_communication_is_logged_on_the_way_out_and_becomes_part_of_the_relay(alice):
    made = coming()
    leaving = address_of(made, "desistement/")
    assert "Aucune n’est inscrite." in said(alice.get(leaving))
    assert press(alice, leaving, "Ajouter", **communication()).url == leaving
    assert "14 h 10 : Confirmation du rendez-vous" in said(alice.get(leaving))
    press(alice, leaving, "Confirmer")
    assert ServiceRequest.objects.get(service_type=ServiceType.MESSAGE_RELAY).communications.count() == 1


def test_a_communication_that_cannot_be_is_said_on_the_way_out_too(alice):
    made = coming()
    page = press(alice, address_of(made, "desistement/"), "Ajouter", **communication(time="tantôt"))
    assert (page.status_code, list(errors(page))) == (422, ["time"])
    assert "Confirmer" in said(page) and form_with(page, "Ajouter").fields["page"] == "desistement"


def test_a_communication_that_will_not_be_paid_as_it_is_is_told_before_confirming(alice):
    made = coming()
    make.communication(made, made_at=ago(2))
    assert "Elle ne sera pas payée telle quelle" in said(alice.get(address_of(made, "desistement/")))


def test_what_decides_the_pay_is_said_before_a_communication_is_added(alice):
    words = "celle-ci est payée seulement si vous écrivez qui l’a demandée et pourquoi"
    unasked, asked = coming(), coming(starts_at=ahead(20), are_communications_requested=True)
    pages = [said(alice.get(address_of(made, "desistement/"))) for made in (unasked, asked)]
    assert [words in page for page in pages] == [True, False]


def test_a_communication_written_with_an_error_is_taken_back(alice):
    made = coming()
    make.communication(made, made_at=ago(2))
    leaving = address_of(made, "desistement/")
    assert press(alice, leaving, "Retirer").url == leaving
    assert (made.communications.exists(), "Aucune n’est inscrite." in said(alice.get(leaving))) == (False, True)


def test_a_communication_is_not_taken_back_once_reported(alice):
    made = make.provided(at=ago(5), starts_at=ago(3))
    row = make.communication(made, made_at=ago(2))
    page = alice.post(address_of(made, f"communications/{row.pk}/retirer/"))
    assert (page.status_code, made.communications.count()) == (409, 1)


@pytest.mark.parametrize("key", ["0", "9" * 18, "9" * 40])
def test_a_communication_that_is_not_there_is_not_taken_back(alice, key):
    assert alice.post(address_of(coming(), f"communications/{key}/retirer/")).status_code == 404


def test_a_communication_of_another_request_is_not_taken_back(alice):
    made, other = coming(), coming(make.reserved, make.bob())
    row = make.communication(other, made_at=ago(2))
    page = alice.post(address_of(made, f"communications/{row.pk}/retirer/"))
    assert (page.status_code, other.communications.count()) == (404, 1)


def test_the_relay_that_was_made_is_named(alice):
    made = coming()
    make.communication(made, made_at=ago(2))
    press(alice, address_of(made, "desistement/"), "Confirmer")
    page, relay = alice.get("/"), made.relays.get()
    assert f'<a href="{address_of(relay)}">demande {relay.pk} (transmission de message)</a>' in page.content.decode()


def test_a_relay_that_is_not_paid_as_it_is_says_so_on_the_way_out(alice):
    made = coming(are_communications_requested=False)
    make.communication(made, made_at=ago(2))
    make.communication(made, made_at=ago(3), requested_by_name="Dre Q.", justification="À jeun")
    press(alice, address_of(made, "desistement/"), "Confirmer")
    page, relay = alice.get("/"), made.relays.get()
    assert "1 communication sur 2 ne sera pas payée telle quelle" in said(page)
    assert f'<a href="{address_of(relay)}">complétez-la dans la demande {relay.pk}</a>' in page.content.decode()


def test_who_was_released_meanwhile_logs_nothing_on_the_way_out(alice):
    made = coming()
    form = form_with(alice.get(address_of(made, "desistement/")), "Ajouter")
    services.mark_unallocated(made, by=make.coordinator(), at=ago(1), note="x")
    page = form.send(alice, address_of(made), **communication())
    assert (page.status_code, made.communications.exists()) == (409, False)


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


def test_the_answer_of_the_bi_stands_where_the_urgent_withdrawal_was_asked(alice):
    made = in_hours(30)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Malade")
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=timezone.now(), reply="Personne de libre")
    for name in ("", "desistement/"):
        page = said(alice.get(address_of(made, name)))
        assert "La BI n’a pas accordé le désistement urgent" in page and "Personne de libre" in page
        assert "Demander un désistement urgent" in page


def test_the_answer_to_an_urgent_withdrawal_is_one_of_the_messages_too(alice):
    made = in_hours(30)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Malade")
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=timezone.now(), reply="Personne de libre")
    thread = said(alice.get(address_of(made))).partition("Messages avec la BI")[2]
    assert "Désistement urgent refusé Personne de libre" in thread and "Nouveau" in thread


def test_a_refusal_is_said_before_the_button_is_offered_again(alice):
    made = in_hours(30)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Malade")
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=timezone.now(), reply="Personne")
    urgent = said(alice.get(address_of(made))).partition("Vous ne pouvez plus y aller?")[2]
    assert urgent.index("La BI a déjà refusé") < urgent.index("Demander un désistement urgent")


def test_a_refusal_of_an_earlier_booking_is_not_shown_after_another(alice):
    made = in_hours(30)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Malade")
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=timezone.now(), reply="Personne")
    for who in (make.bob(), make.alice()):
        services.reassign(made, who, by=make.coordinator(), at=timezone.now(), note="Entente")
    page = said(alice.get(address_of(made)))
    assert ("n’a pas accordé" in page, "a déjà refusé" in page) == (False, False)


def test_a_second_urgent_withdrawal_awaits_its_own_answer(alice):
    made = in_hours(30)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Malade")
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=timezone.now(), reply="Personne")
    press(alice, address_of(made), "Demander un désistement urgent", body="J’insiste")
    page = said(alice.get(address_of(made)))
    assert ("attend la réponse de la BI" in page, "n’a pas accordé" in page) == (True, False)


def test_an_urgent_withdrawal_granted_is_told_and_the_request_is_gone(alice):
    made = in_hours(30)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Malade")
    services.mark_unallocated(made, by=make.coordinator(), at=timezone.now(), note="Accordé")
    assert make.alice().notifications.filter(channel="email").latest("id").topic == "removed"
    assert GONE in said(alice.get(address_of(made)))


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
        ({"date": f"{ahead():%Y-%m-%d}"}, "date"),
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


# One sentence of help for each button


@pytest.mark.parametrize(
    ("build", "action"),
    [
        (make.modified, Action.ACKNOWLEDGE),
        (make.reserved, Action.MARK_UNALLOCATED),
        (make.modified, Action.MARK_UNALLOCATED),
    ],
)
def test_a_button_says_what_it_does(alice, build, action):
    help_text = ACTION_HELP[action].replace("\u00a0", " ")
    assert help_text in said(alice.get(address_of(coming(build))))


def test_the_report_says_what_it_asks_once_it_is_open(alice):
    made = make.reserved(at=ago(3), starts_at=timezone.now() - make.HOUR)
    assert ACTION_HELP[Action.PROVIDE] in said(alice.get(address_of(made)))


def test_every_button_of_an_interpreter_has_its_sentence():
    assert set(ACTION_HELP) == {step.action for step in STEPS if step.role == Role.INTERPRETER}


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
