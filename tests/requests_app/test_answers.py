"""The signed link of an offer: who opens it, what it shows, what it answers, once (reliability A11, B1, I3)."""

import logging
import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import mail, worker
from accounts import services as accounts
from accounts.drawn import draw
from accounts.french import long_date
from accounts.models import Notification, User
from ims.logs import WithoutKeys
from requests_app import offers, services
from requests_app.answers import INACTIVE, Outcome, address_of, outcome
from requests_app.history import lines
from requests_app.keys import key_of
from requests_app.lost import why_gone
from requests_app.models import CancellationReason, Offer, ServiceRequest
from requests_app.workflow import Action, Status
from tests import make
from tests.make import HOUR
from tests.pages import ahead, copies, form_with, nobody, said, signed_in, written

pytestmark = pytest.mark.django_db
GONE = "Cette demande n’est plus disponible."
PLACE = ["Clinique des Érables", "1, rue de l’Essai", "CHUM"]


def offered(*people, **fields):
    given = {"at": timezone.now() - HOUR, "starts_at": ahead(), "answer_by": timezone.now() + 5 * HOUR}
    return make.pending(*(people or [make.alice()]), **given | fields)


def link_of(made, who=None):
    return address_of(made.offers.filter(interpreter=who or make.alice()).latest("pk"))


def answer(address, action, client=None, **typed):
    """Open the link, press the button."""
    client = client or nobody()
    button = {"accepter": "Accepter", "refuser": "Refuser"}[action]
    return form_with(client.get(address), button).send(client, address, **typed)


def post(address, action, version=None):
    return nobody().post(address, {"action": action, "version": version or ""})


def state(made, who=None):
    offer = made.offers.filter(interpreter=who or make.alice()).latest("pk")
    return ServiceRequest.objects.get(pk=made.pk).status, offer.state


# What the page shows


def test_a_link_shows_the_facts_of_an_offer_and_asks_for_no_session():
    page = nobody().get(link_of(offered()))
    text = said(page)
    shown = ["Langue Espagnol", "Interprétation en présence", "Heure 13 h à 14 h 30", "Durée prévue 1 h 30"]
    assert page.status_code == 200
    assert [fact for fact in [*shown, "Secteur Montréal", "Estimation", "82,00 $"] if fact not in text] == []


def test_a_link_shows_neither_people_nor_place():
    page = nobody().get(link_of(offered()))
    html = page.content.decode() + said(page)
    assert [secret for secret in [*make.PERSONAL.values(), *PLACE] if secret in html] == []


def test_a_link_says_until_when_one_may_answer():
    tomorrow = ahead(1, 16)
    assert "Répondez avant le " in said(nobody().get(link_of(offered(answer_by=tomorrow))))


def test_a_link_leads_to_no_private_page():
    html = nobody().get(link_of(offered())).content.decode()
    assert set(re.findall(r'<a[^>]* href="(/[^"]*)"', html)) == {"/", "/aide/", "/aide/connexion/", "/aide/partie-3/"}


def test_the_page_of_a_link_is_kept_by_nobody_and_says_where_it_is_to_nobody():
    made = offered()
    answer(link_of(made), "refuser")
    for page in (nobody().get(link_of(made)), nobody().get(link_of(offered(make.bob()), make.bob()))):
        assert "no-store" in page["Cache-Control"]
        assert (page["Referrer-Policy"], page["X-Robots-Tag"]) == ("no-referrer", "noindex, nofollow")


def test_the_page_of_a_link_names_nobody_even_to_the_person_signed_in():
    page = signed_in(make.alice()).get(link_of(offered()))
    assert page.status_code == 200
    assert "Nom-de-Alice" not in page.content.decode() and "Se déconnecter" not in said(page)


@pytest.mark.parametrize("others", [0, 12])
def test_the_page_of_a_link_asks_the_database_twice_more_than_for_the_offer(others):
    made = offered(make.alice(), *[make.interpreter(f"Autre-{number}") for number in range(others)])
    copies(made, others)
    address = link_of(made)
    with CaptureQueriesContext(connection) as asked:
        nobody().get(address)
    assert len(asked) == 3, [query["sql"] for query in asked]


# Answering


def test_a_link_accepts():
    made = offered()
    response = answer(link_of(made), "accepter")
    assert (response.status_code, response["Location"]) == (302, link_of(made))
    assert state(made) == (Status.RESERVED, Offer.State.ACCEPTED)


def test_a_link_refuses_without_a_reason():
    made = offered()
    answer(link_of(made), "refuser")
    assert state(made) == (Status.UNALLOCATED, Offer.State.REFUSED)


def test_a_link_refuses_with_a_reason_that_the_bi_reads():
    made = offered()
    answer(link_of(made), "refuser", reason="Trop loin\x00" + "!" * 300)
    step = made.transitions.get(action=Action.REFUSE)
    assert (step.note[:10], len(step.note)) == ("Trop loin!", 200)


def test_the_bi_reads_that_an_answer_came_by_the_link_and_the_interpreter_does_not():
    made = offered()
    answer(link_of(made), "accepter")
    made.refresh_from_db()
    said_to = {
        reader: [line.what for line in lines(made, reader, at=timezone.now()) if "ccept" in line.what]
        for reader in (make.coordinator(), make.alice())
    }
    assert said_to[make.coordinator()] == ["Acceptée par Alice Nom-de-Alice, par le lien du message"]
    assert said_to[make.alice()] == ["Acceptée par Alice Nom-de-Alice"]


def test_an_answer_on_the_platform_is_not_said_to_come_by_the_link():
    made = offered()
    signed_in(make.alice()).post(f"/demandes/{made.pk}/accepter/", {"version": made.version})
    assert not made.transitions.filter(by_link=True).exists()


def test_a_link_needs_no_cookie_nor_referer():
    made, client = offered(), Client(enforce_csrf_checks=True)
    response = client.post(link_of(made), {"action": "accepter", "version": made.version}, headers={"origin": "null"})
    assert (response.status_code, client.cookies) == (302, {})


@pytest.mark.parametrize(
    "data", [{}, {"action": "x"}, {"action": ["\x00"]}, {"action": "accepter ", "version": "9" * 99}]
)
def test_a_post_that_no_button_sends_changes_nothing(data):
    made = offered()
    before = written(made)
    response = nobody().post(link_of(made), data)
    assert (response.status_code, written(made) == before) == (422, True)
    assert "Choisissez Accepter ou Refuser." in said(response)


def test_a_link_accepts_only_what_its_page_showed():
    made = offered()
    page = nobody().get(link_of(made))
    services.modify(made, by=make.requester(), at=timezone.now(), ends_at=made.ends_at + HOUR)
    response = form_with(page, "Accepter").send(nobody(), link_of(made))
    assert (response.status_code, state(made)) == (409, (Status.PENDING, Offer.State.OPEN))
    assert "Vérifiez-la, puis répondez." in said(response) and "13 h à 15 h 30" in said(response)


def test_whoever_is_booked_at_that_time_is_told_so():
    made = offered()
    make.reserved(starts_at=made.starts_at + HOUR / 2, at=timezone.now() - HOUR)
    before = written(made)
    response = post(link_of(made), "accepter", made.version)
    assert (response.status_code, written(made) == before) == (409, True)
    assert "Vous avez déjà une demande réservée à ce moment." in said(response)


# GET never acts


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("query", ["", "?action=accepter", "?action=refuser&version=2"])
def test_A11_what_a_mail_scanner_opens_changes_nothing(method, query):
    made = offered()
    before, told = written(made), Notification.objects.count()
    with transaction.atomic():
        connection.cursor().execute("SET LOCAL transaction_read_only = on")
        response = getattr(nobody(), method)(link_of(made) + query)
        transaction.set_rollback(True)
    assert response.status_code == 200
    assert (written(made), Notification.objects.count()) == (before, told)


# Once


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        ("accepter", "Vous avez accepté la demande {}"),
        ("refuser", "Vous avez refusé la demande {}"),
    ],
)
@pytest.mark.parametrize("again", ["accepter", "refuser"])
def test_an_answer_sent_again_changes_nothing_and_says_what_was_answered(first, again, sentence):
    made = offered(make.alice(), make.bob())
    answer(link_of(made), first)
    before = written(made)
    response = post(link_of(made), again, ServiceRequest.objects.get(pk=made.pk).version)
    assert (response.status_code, written(made) == before) == (409, True)
    assert sentence.format(made.pk) in said(response)


@pytest.mark.parametrize(("action", "told"), [("accepter", "accepté"), ("refuser", "refusé")])
def test_after_an_answer_the_link_says_it_for_what_and_where_to_telephone(action, told):
    made = offered()
    answer(link_of(made), action)
    page = nobody().get(link_of(made))
    assert (page.status_code, f"Vous avez {told} la demande {made.pk}" in said(page)) == (200, True)
    when = long_date(made.starts_at).replace("\u00a0", " ")
    assert f"Espagnol, {when} à 13 h." in said(page)
    assert "éléphonez à la BI : 514-597-3284" in said(page)
    hidden = [*make.PERSONAL.values(), *PLACE, "Montréal,"]
    assert [secret for secret in hidden if secret in said(page)] == []


@pytest.mark.parametrize("action", ["accepter", "refuser"])
def test_long_after_an_answer_the_link_says_it_and_nothing_of_the_request(action):
    made = offered()
    answer(link_of(made), action)
    made.offers.update(closed_at=timezone.now() - timedelta(minutes=10))
    page = nobody().get(link_of(made))
    assert page.status_code == 200
    assert [secret for secret in ("Espagnol", "13 h") if secret in said(page)] == []


def test_whoever_is_asked_again_has_another_link():
    made = offered()
    first = link_of(made)
    answer(first, "refuser")
    offers.offer(made, [make.alice()], by=make.coordinator(), at=timezone.now(), answer_by=timezone.now() + HOUR)
    assert link_of(made) != first
    assert "Vous avez refusé" in said(nobody().get(first))
    assert "Accepter" in said(nobody().get(link_of(made)))


# Whose it is


def test_a_key_opens_its_own_offer_alone():
    made = offered(make.alice(), make.bob())
    alices, bobs = (made.offers.get(interpreter=who) for who in (make.alice(), make.bob()))
    stolen = address_of(alices).replace(f"/o/{alices.pk}/", f"/o/{bobs.pk}/")
    assert nobody().get(stolen).status_code == nobody().post(stolen, {"action": "accepter"}).status_code == 404
    assert state(made) == (Status.PENDING, Offer.State.OPEN)


@pytest.mark.parametrize("key", ["x", "x" * 22, "é", "%00", "é" * 22, "a" * 3000])
def test_a_wrong_key_opens_nothing(key):
    offer = offered().offers.get()
    for number in (offer.pk, offer.pk + 1, 10**30):
        assert nobody().get(f"/o/{number}/{key}/").status_code == 404


def test_a_key_for_another_purpose_opens_nothing():
    offer = offered().offers.get()
    other = key_of("calendar", offer.pk, offer.interpreter_id)
    assert nobody().get(f"/o/{offer.pk}/{other}/").status_code == 404


@pytest.mark.parametrize("give", [make.bob, make.requester, make.coordinator, make.administrator])
def test_another_person_signed_in_neither_reads_nor_answers(give):
    made = offered()
    before, client = written(made), signed_in(give())
    assert client.get(link_of(made)).status_code == 403
    assert client.post(link_of(made), {"action": "accepter", "version": made.version}).status_code == 403
    assert written(made) == before


def test_a_link_opens_nothing_else():
    made, client = offered(), nobody()
    answer(link_of(made), "accepter", client)
    assert client.get(f"/demandes/{made.pk}/").status_code == 302


# Once it is too late


def is_over(made):
    User.objects.filter(pk=make.alice().pk).update(is_active=False)


def changes_role(made):
    User.objects.filter(pk=make.alice().pk).update(role="requester", institution=make.institution())


def lapses(made):
    made.offers.update(sent_at=timezone.now() - 2 * HOUR, answer_by=timezone.now() - timedelta(seconds=1))


def expires(made):
    lapses(made)
    offers.expire_due()


def retracted(made):
    offers.retract(made, make.alice(), by=make.coordinator(), at=timezone.now())


def taken(made):
    offers.offer(made, [make.bob()], by=make.coordinator(), at=timezone.now(), answer_by=timezone.now() + HOUR)
    offers.accept(made, by=make.bob(), at=timezone.now())


def assigned(made):
    services.assign(made, make.bob(), by=make.coordinator(), at=timezone.now(), note="Au téléphone")


def cancelled(made):
    services.cancel(made, by=make.requester(), at=timezone.now(), reason=CancellationReason.BY_REQUESTER)


def released(made):
    offers.accept(made, by=make.alice(), at=timezone.now())
    services.mark_unallocated(made, by=make.coordinator(), at=timezone.now(), note="Erreur")


def accepted_then_cancelled(made):
    offers.accept(made, by=make.alice(), at=timezone.now())
    cancelled(made)


def withdrawn(made):
    offers.accept(made, by=make.alice(), at=timezone.now())
    services.mark_unallocated(made, by=make.alice(), at=timezone.now())


def reassigned(made):
    offers.accept(made, by=make.alice(), at=timezone.now())
    services.reassign(made, make.bob(), by=make.coordinator(), at=timezone.now(), note="Entente")


def reinstated(made):
    accepted_then_cancelled(made)
    services.reinstate(made, by=make.coordinator(), at=timezone.now(), note="Erreur")


def refused(made):
    offers.refuse(made, by=make.alice(), at=timezone.now())


def departed(made):
    accounts.deactivate(make.alice(), by=make.administrator(), at=timezone.now())


TOO_LATE = {
    is_over: INACTIVE,
    changes_role: "Votre compte n’est plus celui d’un ou d’une interprète.",
    departed: INACTIVE,
    lapses: "Le délai de réponse est passé.",
    expires: "Le délai de réponse est passé.",
    retracted: "La BI a retiré cette offre.",
    taken: "Une autre personne a accepté la demande.",
    assigned: "La demande a été attribuée à une autre personne.",
    cancelled: "La demande a été annulée.",
    accepted_then_cancelled: "La demande a été annulée.",
    released: "La BI vous a retiré cette demande.",
    withdrawn: "Vous vous êtes désisté(e).",
    reassigned: "La BI a attribué la demande à une autre personne.",
    reinstated: "la BI l’a rétablie",
}


@pytest.mark.parametrize("end", TOO_LATE, ids=lambda end: end.__name__)
def test_a_link_that_answers_no_more_says_why_and_nothing_of_the_request(end):
    made = offered()
    address, version = link_of(made), made.version
    end(made)
    before = written(made)
    for page in (nobody().get(address), post(address, "accepter", version), post(address, "refuser")):
        assert (page.status_code, GONE in said(page), TOO_LATE[end] in said(page)) == (410, True, True), said(page)
        hidden = [*make.PERSONAL.values(), *PLACE, "Espagnol", "13 h", "$", f"emande {made.pk}"]
        assert [secret for secret in hidden if secret in said(page)] == []
    assert written(made) == before


def books_elsewhere(made):
    make.reserved(starts_at=made.starts_at + HOUR, at=timezone.now() - HOUR)
    offers.expire_due()


def speaks_another_language(made):
    services.modify(made, by=make.coordinator(), at=timezone.now(), note="x", language=make.language("arabe"))


TOLD = {
    expires: "Le délai de réponse est passé.",
    retracted: "La BI a retiré cette offre.",
    taken: "Une autre personne a accepté la demande.",
    assigned: "La demande a été attribuée à une autre personne.",
    cancelled: "La demande a été annulée.",
    books_elsewhere: "Vous avez accepté une autre demande à ce moment.",
    speaks_another_language: "La langue de la demande a changé.",
}


@pytest.mark.parametrize("end", TOLD, ids=lambda end: end.__name__)
def test_whoever_loses_an_offer_is_told_why(end):
    made = offered()
    end(made)
    told = make.alice().notifications.filter(topic="offer_gone", about=f"request:{made.pk}")
    assert {(row.channel, row.context["reason"]) for row in told} == {("sms", TOLD[end]), ("email", TOLD[end])}


@pytest.mark.parametrize("end", TOLD, ids=lambda end: end.__name__)
def test_the_page_of_an_offer_that_is_lost_says_that_it_is_gone(end):
    made, client = offered(), signed_in(make.alice())
    end(made)
    pages = [client.get(f"/demandes/{made.pk}/"), client.post(f"/demandes/{made.pk}/accepter/", {"version": 1})]
    assert [(page.status_code, GONE in said(page)) for page in pages] == [(404, True), (409, True)]


UNSIGNED = {is_over, changes_role, departed, accepted_then_cancelled}
WHY = {end: why for end, why in TOO_LATE.items() if end not in UNSIGNED} | {refused: "Vous avez refusé cette demande."}


@pytest.mark.parametrize("end", WHY, ids=lambda end: end.__name__)
def test_the_page_of_a_request_that_is_lost_says_why_and_nothing_of_the_request(end):
    made, client = offered(), signed_in(make.alice())
    end(made)
    page = client.get(f"/demandes/{made.pk}/")
    assert (page.status_code, WHY[end] in said(page)) == (404, True), said(page)
    hidden = [*make.PERSONAL.values(), *PLACE, "Espagnol", "13 h", "Nom-de-Bob"]
    assert [secret for secret in hidden if secret in said(page)] == []


def test_why_a_request_is_gone_takes_one_statement():
    made, alice = offered(), make.alice()
    reinstated(made)
    with CaptureQueriesContext(connection) as asked:
        assert why_gone(made.pk, alice)
    assert len(asked) == 1


def test_who_never_had_anything_of_a_request_is_told_nothing_of_it():
    assert why_gone(offered().pk, make.bob()) == ""


@pytest.mark.parametrize("build", [make.modified, make.provided, make.completed])
def test_what_was_accepted_is_still_said_to_be_whatever_was_done_of_it_since(build):
    page = nobody().get(link_of(build()))
    assert (page.status_code, "Vous avez accepté la demande" in said(page)) == (200, True)


def test_a_link_answers_until_its_deadline_and_not_at_it():
    offer = offered().offers.select_related("service_request", "interpreter").get()
    at = offer.answer_by
    assert outcome(offer, at=at - make.MICROSECOND) is None
    assert outcome(offer, at=at) == Outcome("gone", "Le délai de réponse est passé.")


# The message


def messages_of(made, who=None):
    rows = (who or make.alice()).notifications.filter(topic="offered", about=f"request:{made.pk}")
    return {row.channel: row for row in rows}


def test_the_e_mail_and_the_text_message_of_an_offer_carry_its_link():
    made = offered(at=timezone.now())
    rows = messages_of(made)
    texts = {
        "email": mail.email_for(rows["email"], draw(rows["email"])).body,
        "sms": mail.text_of_sms(rows["sms"], draw(rows["sms"])),
    }
    assert {channel: link_of(made) in text for channel, text in texts.items()} == {"email": True, "sms": True}


def test_I3_no_row_holds_the_key():
    made = offered(at=timezone.now())
    key = link_of(made).split("/")[-2]
    for row in Notification.objects.all():
        assert key not in str(vars(row))


def test_an_offer_that_nobody_awaits_any_more_is_not_sent():
    made = offered(at=timezone.now())
    lapses(made)
    assert draw(messages_of(made)["email"]) is None


def test_an_offer_told_before_there_were_links_leads_to_the_platform():
    row = Notification(user=make.alice(), topic="offered", context={"path": "/demandes/7/"})
    assert draw(row) == {"link": "/demandes/7/"}


def test_an_uncertain_text_message_of_an_offer_that_is_over_is_left_to_staff():
    made = offered(at=timezone.now())
    row = messages_of(made)["sms"]
    Notification.objects.filter(pk=row.pk).update(state="uncertain", called_at=timezone.now())
    User.objects.update(mobile_phone="+15145550123")
    lapses(made)
    row = Notification.objects.select_related("user").get(pk=row.pk)
    worker._look_up(row)
    row.refresh_from_db()
    assert (row.state, row.called_at) == ("uncertain", None)


def test_I3_no_log_holds_the_key():
    address = link_of(offered())
    record = logging.LogRecord("x", logging.INFO, "x", 1, '"GET %s HTTP/1.1" 200', (address,), None)
    WithoutKeys().filter(record)
    assert address.split("/")[-2] not in record.getMessage()
    assert "/o/" in record.getMessage()
