"""Threads (each side never reads the other) and the FAQ's compose panel."""

import pytest
from django.utils import timezone

from requests_app import exchanges, services
from tests import make
from tests.pages import ago, ahead, errors, form_with, forms, press, said, signed_in, written

pytestmark = pytest.mark.django_db
FROM_ALICE, TO_ALICE = "Je serai là à midi", "Merci Alice, porte B"
FROM_RITA, TO_RITA = "La clinique déménage", "Merci Rita, c’est noté"


def coming(build=make.reserved, *interpreters):
    return build(*interpreters, at=ago(3), starts_at=ahead())


def address_of(made, name=""):
    return f"/demandes/{made.pk}/{name}"


def post(client, made, to, body):
    """Write in the thread `to`, as its form does."""
    form = next(form for form in forms(client.get(address_of(made))) if form.fields.get("to") == to)
    return form.send(client, address_of(made), body=body)


def both_threads():
    made, bi = coming(), signed_in(make.coordinator())
    post(signed_in(make.alice()), made, "", FROM_ALICE)
    post(signed_in(make.requester()), made, "", FROM_RITA)
    post(bi, made, str(make.alice().pk), TO_ALICE)
    post(bi, made, "demandeur", TO_RITA)
    return made


@pytest.mark.parametrize(
    ("user", "read"),
    [
        (make.alice, {FROM_ALICE, TO_ALICE}),
        (make.requester, {FROM_RITA, TO_RITA}),
        (make.coordinator, {FROM_ALICE, TO_ALICE, FROM_RITA, TO_RITA}),
        (make.validator, set()),
    ],
)
def test_each_side_reads_its_own_thread_and_the_coordination_both(user, read):
    page = said(signed_in(user()).get(address_of(both_threads())))
    assert {text for text in (FROM_ALICE, TO_ALICE, FROM_RITA, TO_RITA) if text in page} == read


def test_the_thread_of_an_interpreter_is_not_read_by_the_next_one():
    made = both_threads()
    services.reassign(made, make.bob(), by=make.coordinator(), at=timezone.now(), note="Entente")
    page = said(signed_in(make.bob()).get(address_of(made)))
    assert [text for text in (FROM_ALICE, TO_ALICE, FROM_RITA, TO_RITA, "Alice") if text in page] == []


def test_the_coordination_still_reads_who_withdrew():
    made = both_threads()
    services.mark_unallocated(made, by=make.alice(), at=timezone.now())
    page = said(signed_in(make.coordinator()).get(address_of(made)))
    assert "Messages avec Alice Nom-de-Alice, qui n’a plus la demande" in page and FROM_ALICE in page


def test_a_message_to_who_lost_the_request_meanwhile_is_not_sent_to_another():
    made, bi = both_threads(), signed_in(make.coordinator())
    form = next(form for form in forms(bi.get(address_of(made))) if form.fields.get("to") == str(make.alice().pk))
    services.reassign(made, make.bob(), by=make.coordinator(), at=timezone.now(), note="Entente")
    before = written(made)
    page = form.send(bi, address_of(made), body="Apportez le dossier")
    assert (page.status_code, written(made)) == (409, before)
    assert "Cette personne n’a plus la demande : votre message n’est pas envoyé." in said(page)


@pytest.mark.parametrize("to", ["interpreter", "requester", "999999", "9" * 40, "é", "None"])
def test_a_message_to_an_unknown_side_is_not_sent(to):
    made = both_threads()
    page = signed_in(make.coordinator()).post(address_of(made, "messages/"), {"to": to, "body": "x"})
    assert (page.status_code, made.messages.count()) == (409, 4)


@pytest.mark.parametrize("build", [make.unallocated, make.pending])
def test_a_request_without_interpreter_has_only_the_thread_of_its_requester(build):
    page = signed_in(make.coordinator()).get(address_of(coming(build)))
    assert [form.fields["to"] for form in forms(page) if "to" in form.fields] == ["demandeur"]


@pytest.mark.parametrize("name", ["messages/", "ecrire/"])
def test_the_holder_of_an_offer_has_no_thread_yet(name):
    made = coming(make.pending)
    page = signed_in(make.alice()).post(address_of(made, name), {"body": "x"})
    assert (page.status_code, made.messages.exists()) == (403, False)


def test_a_validator_does_not_write_in_a_thread():
    made = coming()
    page = signed_in(make.validator()).post(address_of(made, "messages/"), {"body": "x"})
    assert (page.status_code, made.messages.exists()) == (403, False)


@pytest.mark.parametrize(("body", "length"), [("", 0), (" \n ", 0), ("x" * 4001, 4001)])
def test_an_empty_or_endless_message_is_said_beside_its_own_field_and_kept(body, length):
    made, client = both_threads(), signed_in(make.coordinator())
    page = post(client, made, "demandeur", body)
    assert (page.status_code, list(errors(page))) == (422, ["messagedemandeur_body"])
    kept = {form.fields["to"]: len(form.fields["body"].strip()) for form in forms(page) if "to" in form.fields}
    assert kept == {str(make.alice().pk): 0, "demandeur": length}


def test_a_message_is_told_to_the_other_side():
    made = both_threads()
    about = [f"message:{message.pk}" for message in made.messages.order_by("id")]
    told = make.alice().notifications.filter(channel="email", about__in=about).values_list("about", flat=True)
    assert list(told) == [about[2]]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{ 7|add:7 }}", "'; DROP TABLE x; --", "a\u202eb"])
def test_a_message_is_shown_as_it_was_written(text):
    made = coming()
    post(signed_in(make.alice()), made, "", text)
    page = signed_in(make.coordinator()).get(address_of(made))
    assert text in said(page) and "<script>alert" not in page.content.decode()


# « Écrire à la BI »: the compose panel


def test_the_panel_copies_the_bi_and_proposes_the_text_of_the_faq():
    made, client = coming(), signed_in(make.alice())
    page = client.get(address_of(made, "ecrire/"))
    text = form_with(page, "Envoyer").fields["body"]
    assert "Copiez" in said(page) and 'value="biq@ssss.gouv.qc.ca" readonly' in page.content.decode()
    assert text.startswith("Je dois me désister de la demande.") and text.endswith("Alice Nom-de-Alice")


def test_the_text_holds_the_communications_already_logged():
    made, client = coming(), signed_in(make.alice())
    make.communication(made, made_at=ago(2))
    text = form_with(client.get(address_of(made, "ecrire/")), "Envoyer").fields["body"]
    assert f"Communications :\n1- {ago(2):%Y-%m-%d} 13h00 Confirmation du rendez-vous" in text
    assert f"a déjà été effectuée le {ago(2):%Y-%m-%d}." in text


def test_what_is_sent_is_a_message_to_the_bi():
    made, client = coming(), signed_in(make.alice())
    answer = press(client, address_of(made, "ecrire/"), "Envoyer", body="Je dois me désister")
    message = made.messages.get()
    assert (answer.url, message.body, message.interpreter) == (address_of(made), "Je dois me désister", make.alice())


def test_after_achevé_the_panel_is_blank():
    made = make.completed(at=ago(9), starts_at=ago(3))
    page = signed_in(make.alice()).get(address_of(made, "ecrire/"))
    assert form_with(page, "Envoyer").fields["body"] == ""


def test_an_empty_message_is_said_beside_its_field():
    made, client = coming(), signed_in(make.alice())
    page = press(client, address_of(made, "ecrire/"), "Envoyer", body="")
    assert (page.status_code, errors(page)) == (422, {"message_body": "Erreur : Écrivez votre message."})


def test_extra_fields_of_a_message_are_ignored():
    made, client = coming(), signed_in(make.alice())
    post_data = {"to": "", "body": "x", "author": make.bob().pk, "urgency": "granted", "interpreter": make.bob().pk}
    client.post(address_of(made, "messages/"), post_data)
    message = made.messages.get()
    assert (message.author, message.urgency, message.interpreter) == (make.alice(), "", make.alice())


def test_a_reply_comes_after_the_urgent_withdrawal_is_declined():
    made = make.reserved(at=ago(3), starts_at=timezone.now() + make.HOUR * 20)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Malade")
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=timezone.now(), reply="Désolée")
    page = said(signed_in(make.alice()).get(address_of(made)))
    assert page.index("Malade") < page.index("Désolée")
