"""Threads (each side never reads the other), what is new in them, and the FAQ's compose panel."""

import pytest
from django.utils import timezone

from accounts.french import day_and_month
from accounts.models import Notification
from requests_app import exchanges, services
from requests_app.models import Message, Purpose
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


# What is new, and read


def unread(made, user):
    return list(made.messages.unread_by(user).values_list("body", flat=True))


def thread_of(client, made, title="Messages"):
    """What the page says from the title of a thread on."""
    return said(client.get(address_of(made))).partition(title)[2].partition("Historique")[0]


@pytest.mark.parametrize(
    ("user", "new"), [(make.alice, [TO_ALICE]), (make.requester, [TO_RITA]), (make.coordinator, [])]
)
def test_what_the_other_side_wrote_is_new_until_one_says_that_it_is_read(user, new):
    made, client = both_threads(), signed_in(user())
    assert (unread(made, user()), thread_of(client, made).count("Nouveau")) == (new, len(new))
    for _ in new:
        assert press(client, address_of(made), "Marquer comme lu").url == address_of(made, "#messages")
    assert (unread(made, user()), thread_of(client, made).count("Nouveau")) == ([], 0)


def test_opening_the_page_reads_nothing_by_itself():
    made, client = both_threads(), signed_in(make.alice())
    client.get(address_of(made)), client.head(address_of(made)), client.get(address_of(made, "?messages=tous"))
    assert unread(made, make.alice()) == [TO_ALICE]


def test_the_coordination_sees_what_is_new_side_by_side_and_reads_one_at_a_time():
    made, bi = coming(), signed_in(make.coordinator())
    for user, body in ((make.alice(), FROM_ALICE), (make.requester(), FROM_RITA)):
        exchanges.post_message(made, by=user, at=timezone.now(), body=body)
    assert (thread_of(bi, made).count("Nouveau"), "2 nouveaux messages" in said(bi.get(address_of(made)))) == (2, True)
    form = next(form for form in forms(bi.get(address_of(made))) if form.fields.get("thread") == "demandeur")
    form.send(bi, address_of(made))
    assert unread(made, make.coordinator()) == [FROM_ALICE]


def test_a_message_that_came_after_the_page_was_opened_stays_new():
    made, client = both_threads(), signed_in(make.alice())
    form = form_with(client.get(address_of(made)), "Marquer comme lu")
    exchanges.post_message(made, by=make.coordinator(), at=timezone.now(), body="Porte C", interpreter=make.alice())
    form.send(client, address_of(made))
    assert unread(made, make.alice()) == ["Porte C"]


def test_nobody_reads_a_message_of_another_side_by_naming_it():
    made = both_threads()
    keys = ",".join(str(key) for key in made.messages.values_list("pk", flat=True))
    signed_in(make.alice()).post(address_of(made, "messages/lus/"), {"thread": "", "shown": keys})
    assert (unread(made, make.alice()), unread(made, make.requester())) == ([], [TO_RITA])


def test_who_answers_has_read_what_was_shown_and_not_what_came_since():
    made, client = both_threads(), signed_in(make.alice())
    form = form_with(client.get(address_of(made)), "Envoyer")
    exchanges.post_message(made, by=make.coordinator(), at=timezone.now(), body="Porte C", interpreter=make.alice())
    form.send(client, address_of(made), body="D’accord")
    assert unread(made, make.alice()) == ["Porte C"]


def test_writing_from_the_panel_reads_nothing_since_the_thread_is_not_shown():
    made = both_threads()
    press(signed_in(make.alice()), address_of(made, "ecrire/"), "Envoyer", body="Je me désiste")
    assert unread(made, make.alice()) == [TO_ALICE]


def test_the_script_is_answered_without_a_page():
    made, client = both_threads(), signed_in(make.alice())
    form = form_with(client.get(address_of(made)), "Marquer comme lu")
    answer = client.post(form.action, form.fields, headers={"X-Requested-With": "fetch"})
    assert (answer.status_code, answer.content, unread(made, make.alice())) == (204, b"", [])


@pytest.mark.parametrize("shown", ["", "0", "-1", "x", "9" * 40, "9" * 18, "²", "a\x00", ",", "1," * 9000])
def test_a_reading_of_no_message_reads_nothing(shown):
    made, client = both_threads(), signed_in(make.alice())
    assert client.post(address_of(made, "messages/lus/"), {"thread": "", "shown": shown}).status_code == 302
    assert unread(made, make.alice()) == [TO_ALICE]


@pytest.mark.parametrize("key", ["", "None", "9" * 40, "a\x00"])
def test_a_thread_that_is_not_there_is_not_read(key):
    made = both_threads()
    page = signed_in(make.coordinator()).post(address_of(made, "messages/lus/"), {"thread": key, "shown": "9" * 15})
    assert page.status_code == 404


def test_the_thread_of_who_left_is_still_read_by_the_coordination():
    made, bi = coming(), signed_in(make.coordinator())
    exchanges.post_message(made, by=make.alice(), at=timezone.now(), body=FROM_ALICE)
    services.mark_unallocated(made, by=make.alice(), at=timezone.now())
    press(bi, address_of(made), "Marquer comme lu")
    assert unread(made, make.coordinator()) == []


# Long threads, empty threads


def long_thread(number, read=True):
    made, at = coming(), timezone.now()
    lines = ({"at": at + n * make.MICROSECOND, "body": f"Ligne {n:02}"} for n in range(1, number + 1))
    given = {"service_request": made, "interpreter": make.alice(), "author": make.coordinator(), "is_to_bi": False}
    Message.objects.bulk_create(Message(**given, **line, read_at=at if read else None) for line in lines)
    return made


def test_a_long_thread_shows_its_last_messages_and_a_link_to_the_others():
    made, client = long_thread(55), signed_in(make.alice())
    page, whole = said(client.get(address_of(made))), said(client.get(address_of(made, "?messages=tous")))
    assert (page.count("Ligne "), whole.count("Ligne ")) == (20, 55)
    assert "Afficher les messages précédents (35)" in page and "Ligne 36" in page and "précédents" not in whole


def test_no_new_message_is_hidden():
    assert said(signed_in(make.alice()).get(address_of(long_thread(25, read=False)))).count("Ligne ") == 25


def test_a_message_of_many_lines_is_kept_as_it_was_typed():
    made = coming()
    post(signed_in(make.alice()), made, "", "Un\r\nDeux")
    assert made.messages.get().body == "Un\nDeux"


def test_what_must_not_be_written_is_said_beside_each_message():
    page = said(signed_in(make.alice()).get(address_of(coming())))
    assert "N’écrivez ni le nom de l’usager, ni un renseignement de santé." in page


def test_an_empty_thread_says_so():
    assert "Aucun message pour le moment." in said(signed_in(make.alice()).get(address_of(coming())))


def test_after_achevé_one_writes_to_the_bi_to_tell_of_an_error():
    made, client = make.completed(at=ago(9), starts_at=ago(3)), signed_in(make.alice())
    page = client.get(address_of(made))
    assert '<a href="#messages">Pour signaler une erreur, écrivez à la BI</a>' in page.content.decode()
    assert 'id="messages"' in page.content.decode()
    form_with(page, "Envoyer").send(client, address_of(made), body="La durée est de 2 h")
    assert made.messages.get().body == "La durée est de 2 h"


def withdrawn_after_communications(body=FROM_ALICE):
    made = coming()
    post(signed_in(make.alice()), made, "", body)
    make.communication(made, made_at=ago(2))
    return made, services.mark_unallocated(made, by=make.alice(), at=timezone.now())


def test_the_conversation_goes_on_where_the_communications_went():
    (made, relay), alice, bi = withdrawn_after_communications(), signed_in(make.alice()), signed_in(make.coordinator())
    page = said(alice.get(address_of(relay)))
    assert FROM_ALICE in page and f"Suite de la demande {made.pk}" in page
    post(bi, relay, str(make.alice().pk), TO_ALICE)
    assert TO_ALICE in said(alice.get(address_of(relay)))


def test_the_bi_reads_on_the_request_where_the_conversation_went():
    made, relay = withdrawn_after_communications()
    page = signed_in(make.coordinator()).get(address_of(made))
    assert f'href="{address_of(relay)}#messages">demande {relay.pk}</a>' in page.content.decode()
    assert FROM_ALICE not in said(page)


def test_the_thread_of_the_requester_does_not_leave_with_the_interpreter():
    made = both_threads()
    make.communication(made, made_at=ago(2))
    relay = services.mark_unallocated(made, by=make.alice(), at=timezone.now())
    read = {row.pk: sorted(row.messages.values_list("body", flat=True)) for row in (made, relay)}
    assert read == {made.pk: sorted([FROM_RITA, TO_RITA]), relay.pk: sorted([FROM_ALICE, TO_ALICE])}


def test_the_thread_of_who_left_without_communications_says_why_nobody_would_answer():
    made = both_threads()
    services.mark_unallocated(made, by=make.alice(), at=timezone.now())
    page = signed_in(make.coordinator()).get(address_of(made))
    assert "Alice Nom-de-Alice n’a plus la demande et ne lirait pas une réponse : téléphonez-lui" in said(page)
    assert [button for form in forms(page) for button in form.buttons if "Envoyer" in button] == [
        "Envoyer au demandeur"
    ]


def test_each_button_of_the_coordination_names_who_will_read():
    page = signed_in(make.coordinator()).get(address_of(both_threads()))
    sent = [button for form in forms(page) for button in form.buttons if "Envoyer" in button]
    assert sent == ["Envoyer à Alice Nom-de-Alice", "Envoyer au demandeur"]


# « Écrire à la BI »: the compose panel


def test_the_panel_copies_the_bi_and_proposes_the_text_of_the_faq():
    made, client = coming(), signed_in(make.alice())
    page = client.get(address_of(made, "ecrire/"))
    text = form_with(page, "Envoyer").fields["body"]
    assert "Copiez" in said(page) and 'value="biq@ssss.gouv.qc.ca" readonly' in page.content.decode()
    assert text.startswith("Je dois me désister de la demande.") and text.endswith("Alice Nom-de-Alice")


def in_words(at):
    return f"{day_and_month(at)} {at.year}"


def test_the_text_holds_the_communications_already_logged():
    made, client = coming(), signed_in(make.alice())
    make.communication(made, made_at=ago(2))
    text = form_with(client.get(address_of(made, "ecrire/")), "Envoyer").fields["body"]
    assert f"Communications :\n1- {ago(2):%Y-%m-%d} 13h00 Confirmation du rendez-vous" in text
    assert f"a déjà été effectuée le {in_words(ago(2))}." in text


def test_the_text_gives_the_day_of_the_confirmation():
    made, client = coming(), signed_in(make.alice())
    make.communication(made, made_at=ago(3), purpose=Purpose.EXPLANATION)
    make.communication(made, made_at=ago(2))
    text = form_with(client.get(address_of(made, "ecrire/")), "Envoyer").fields["body"]
    assert f"La communication pour confirmer le rendez-vous a déjà été effectuée le {in_words(ago(2))}." in text


@pytest.mark.parametrize(("typed", "sent"), [("le (date)", 0), ("le 3 mars", 1)])
def test_the_text_is_not_sent_with_its_blank(typed, sent):
    made, client = coming(), signed_in(make.alice())
    page = press(client, address_of(made, "ecrire/"), "Envoyer", body=typed)
    said_beside = {} if sent else {"message_body": "Erreur : Remplacez (date) par la date de la communication."}
    assert (errors(page), made.messages.count()) == (said_beside, sent)


def test_the_button_that_follows_is_named():
    made, client = coming(), signed_in(make.alice())
    press(client, address_of(made, "ecrire/"), "Envoyer", body="Je me désiste")
    assert "choisissez maintenant « Marquer comme non alloué »" in said(client.get(address_of(made)))


G3 = ["intrus@exemple.test", "a@exemple.test,b@exemple.test", "x\r\nBcc: intrus@exemple.test", "\x00", "é" * 10000]


@pytest.mark.parametrize("given", G3)
def test_G3_nobody_but_the_bi_can_be_written_to(given):
    made, client, bi = coming(), signed_in(make.alice()), make.coordinator()
    names = ("copiez", "Copiez", "cc", "bcc", "to", "email", "recipient", "subject", "interpreter")
    assert (
        client.post(address_of(made, "ecrire/"), dict.fromkeys(names, given) | {"body": "Bonjour"}).status_code == 302
    )
    about = f"message:{made.messages.get().pk}"
    told = Notification.objects.filter(about=about).values_list("user", "address", "channel")
    assert list(told) == [(bi.pk, "", "email")]


def test_G3_the_copy_is_not_a_field_one_can_fill():
    page = signed_in(make.alice()).get(address_of(coming(), "ecrire/"))
    assert set(form_with(page, "Envoyer").fields) == {"csrfmiddlewaretoken", "body"}


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
    thread = thread_of(signed_in(make.alice()), made, "Messages avec la BI")
    assert thread.index("Malade") < thread.index("Désolée")
