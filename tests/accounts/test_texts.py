"""What people read: one text a topic, a text message that fits one segment, an e-mail in text and in HTML."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from accounts import gsm7, mail, topics
from accounts.devices import Channel
from accounts.french import date_range_words, day_and_month, long_date
from accounts.models import Language, Notification
from accounts.notify import AccountTopic
from requests_app.models import CancellationReason, ServiceRequest
from requests_app.notifications import Topic, what_it_pays
from requests_app.workflow import ServiceType
from tests import make

pytestmark = pytest.mark.django_db
TEMPLATES = Path(django_settings.BASE_DIR) / "templates"
BY_SMS = """offered offer_gone offer_changed assigned removed changed cancelled reinstated returned message
urgent_declined reminder code contact_changed""".split()
# They have nothing to answer, and no page that would open.
WITHOUT_LINK = {"offer_gone", "removed", "reinstated", "code", "contact_changed"}
EVERY_TOPIC = [*Topic, *AccountTopic]
ABOUT_A_REQUEST = [topic for topic in Topic if topic != Topic.STATEMENT]
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
DRAWN = {
    "code": "482913",
    "password": "kfw7mzp3hx2t",
    "until": make.START,
    "path": "/connexion/nouveau-mot-de-passe/MTIz/cz1x7d-3f2a/",
}
CANCELLED = [
    what_it_pays(ServiceRequest(service_type=kind, is_late_cancellation=is_late, cancellation_reason=reason))
    for kind in (ServiceType.PHONE, ServiceType.TRANSLATION)
    for is_late in (True, False)
    for reason in CancellationReason
]
LINK = f"/o/9999999/{'k' * 22}/"


def longest(texts) -> str:
    return max(texts, key=len)


def the_longest() -> dict:
    """What a text may have to say at most: 10 million requests, the longest names."""
    return {
        "number": 9_999_999,
        "language": longest(Language.objects.values_list("name", flat=True)),
        "service": longest(ServiceType.labels),
        "date": longest(map(long_date, DAYS)),
        "day": longest(map(day_and_month, DAYS)),
        "hour": "13\u00a0h\u00a045",
        "path": "/demandes/9999999/",
        "days": date_range_words(DAYS[0], DAYS[-1]),
        "reason": "La demande a été annulée.",
        "is_granted": False,
        "pay": longest(said["pay"] for said in CANCELLED),
        "pay_short": longest(said["pay_short"] for said in CANCELLED),
        "answer_by": f"{longest(map(long_date, DAYS))} à 17\u00a0h",
        "reply_by": f"{longest(map(day_and_month, DAYS))}, 13\u00a0h\u00a045",
    }


def row(topic, user=None, **context) -> Notification:
    user = user or make.alice()
    return Notification(user=user, topic=topic, context=context or the_longest(), created_at=timezone.now())


def drawn_for(topic) -> dict:
    return DRAWN if topic in set(AccountTopic) else {"link": LINK} if topic == Topic.OFFERED else {}


def email_of(topic, user=None):
    """The e-mail of a topic; an account's message has no request to speak of."""
    context = {"nothing": ""} if topic in set(AccountTopic) else {}
    return mail.email_for(row(topic, user, **context), drawn_for(topic))


def html_of(message) -> str:
    return message.alternatives[0].content


# Every topic


def test_each_topic_has_its_e_mail_and_each_e_mail_its_topic():
    assert {path.stem for path in (TEMPLATES / "email").glob("[a-z]*.txt")} == set(EVERY_TOPIC)


def test_what_must_be_known_on_the_road_has_a_text_message():
    assert {path.stem for path in (TEMPLATES / "sms").glob("*")} == set(BY_SMS)


@pytest.mark.parametrize("topic", EVERY_TOPIC)
def test_an_e_mail_greets_says_everything_and_ends_with_the_bi(topic):
    body = email_of(topic).body
    assert body.startswith("Bonjour Alice,\n\n")
    assert body.endswith("Banque d’interprètes du RSSS\n514-597-3284\nbiq@ssss.gouv.qc.ca\n")
    assert not re.search(r"None|[{}]|&#|&amp;", body)


@pytest.mark.parametrize("topic", ABOUT_A_REQUEST)
def test_an_e_mail_about_a_request_says_which_one_and_no_more_than_its_topic(topic):
    message, values = email_of(topic), the_longest()
    assert [values[name] for name in ("language", "service", "date", "hour") if values[name] not in message.body] == []
    assert message.subject.startswith("Demande 9999999 : ")
    own = {"reason": topic in {Topic.OFFER_GONE, Topic.REMOVED}, "answer_by": topic == Topic.OFFERED}
    assert {name: values[name] in message.body for name in own} == own


def test_an_e_mail_about_a_statement_says_which_period_and_where_to_read_it():
    message = email_of(Topic.STATEMENT)
    assert message.subject == "Relevé 9999999\u00a0: votre relevé de paie est publié"
    assert "la période du 1er\u00a0janvier 2026 au 31\u00a0décembre 2026 est publié" in message.body
    assert "\n\nhttp" in message.body and "/demandes/9999999/\n\n" in message.body
    assert "$" not in message.body


def test_whoever_loses_a_cancelled_request_reads_what_it_pays():
    cancelled = row(Topic.CANCELLED)
    assert cancelled.context["pay"] in mail.email_for(cancelled, {}).body
    assert cancelled.context["pay_short"] in mail.text_of_sms(cancelled)


def test_the_requester_reads_of_people_in_words_for_everybody():
    assert "un ou une interprète a accepté cette demande" in email_of(Topic.TAKEN).body
    assert "La personne prévue ne peut plus" in email_of(Topic.WITHDRAWN).body


@pytest.mark.parametrize("topic", EVERY_TOPIC)
def test_a_subject_is_short_and_says_nothing_of_anybody(topic):
    alices, bobs = email_of(topic).subject, email_of(topic, make.bob()).subject
    assert alices == bobs
    assert len(alices) < 78
    assert make.alice().username not in alices.lower()


@pytest.mark.parametrize("topic", EVERY_TOPIC)
def test_french_spaces_do_not_break(topic):
    message = email_of(topic)
    assert not re.search(r" [:;!?»]|« ", f"{message.subject}\n{message.body}")
    assert "'" not in message.body


def test_whoever_lost_a_request_gets_no_link_to_a_page_that_would_not_open():
    linked = {topic for topic in Topic if "/demandes/9999999/" in email_of(topic).body}
    assert set(Topic) - linked == {Topic.OFFER_GONE, Topic.REMOVED, Topic.REINSTATED}


# Text messages


@pytest.mark.parametrize("topic", BY_SMS)
def test_a_text_message_fits_one_segment_with_the_longest_values(topic, settings):
    settings.BASE_URL = "https://ims.ssss.gouv.qc.ca"
    text = mail.text_of_sms(row(topic), drawn_for(topic))
    assert set(text) <= gsm7.ALPHABET
    assert (len(text) <= 160, gsm7.is_one_segment(text)) == (True, True), (len(text), text)


@pytest.mark.parametrize("topic", BY_SMS)
def test_a_text_message_says_who_writes_and_nothing_of_anybody(topic):
    alices = mail.text_of_sms(row(topic), drawn_for(topic))
    assert alices.startswith("IMS: ")
    assert alices == mail.text_of_sms(row(topic, make.bob()), drawn_for(topic))


@pytest.mark.parametrize("topic", BY_SMS)
def test_a_text_message_leads_to_the_page_where_one_answers(topic):
    text = mail.text_of_sms(row(topic), drawn_for(topic))
    address = LINK if topic == Topic.OFFERED else "/demandes/9999999/"
    assert text.endswith(address) == (topic not in WITHOUT_LINK)


@pytest.mark.parametrize("topic", sorted(set(BY_SMS) & set(Topic)))
def test_a_text_message_about_a_request_says_its_language_its_day_and_its_hour(topic):
    text = mail.text_of_sms(row(topic), drawn_for(topic))
    assert [said for said in ("créole haitien", "septembre", "13 h 45") if said not in text] == []


def test_the_text_of_a_code():
    assert mail.text_of_sms(row("code"), {"code": "123456"}) == (
        "IMS: votre code est 123456. Valable 5 minutes. Ne le donnez à personne."
    )


# The account


def test_an_invitation_has_all_that_the_first_sign_in_asks():
    body = email_of(AccountTopic.INVITATION).body
    lines = body.splitlines()
    assert {"alice", "kfw7mzp3hx2t", "http://127.0.0.1:8000/"} <= set(lines)
    assert f"ID d’instance\u00a0: {django_settings.INSTANCE_ID}" in lines
    assert "Copiez-collez le mot de passe, sans espace" in body
    assert "72\u00a0heures, jusqu’au jeudi 6\u00a0mars 2025 à 13\u00a0h" in body
    assert "Si vous n’attendiez pas ce courriel" in body


def test_a_double_click_takes_the_whole_temporary_password_and_nothing_else():
    message = email_of(AccountTopic.INVITATION)
    assert re.search(r"(?m)^kfw7mzp3hx2t$", message.body)
    assert re.search(r"<br>kfw7mzp3hx2t(<br>|</p>)", html_of(message))


def test_a_reset_link_stands_alone_with_its_hour_and_what_to_do_if_it_was_not_asked():
    body = email_of(AccountTopic.RESET).body
    assert f"\n\nhttp://127.0.0.1:8000{DRAWN['path']}\n\n" in body
    assert "1\u00a0heure et ne sert qu’une fois" in body
    assert "Si vous n’avez rien demandé" in body


@pytest.mark.parametrize("topic", ["password_changed", "contact_changed", "factor_changed"])
def test_whoever_did_not_change_their_account_is_told_to_telephone(topic):
    assert re.search(r"Si(non| ce n’est pas vous), téléphonez à la BI sans attendre", email_of(topic).body)


# HTML


@pytest.mark.parametrize("topic", EVERY_TOPIC)
def test_the_html_says_what_the_text_says(topic):
    message = email_of(topic)
    page = re.sub(r"(?s)<head>.*?</head>|<[^>]+>", "", html_of(message))
    assert [line for line in message.body.splitlines() if line and line not in page] == []


@pytest.mark.parametrize("topic", EVERY_TOPIC)
def test_the_html_loads_nothing_from_anywhere(topic):
    assert not re.search(r"(?i)src\s*=|url\(|@import|<link|<script", html_of(email_of(topic)))


def test_the_html_has_links_and_writes_a_name_as_text():
    alice = make.alice()
    alice.first_name = "<b>Alice</b> & l'autre"
    page = html_of(email_of(Topic.OFFERED, alice))
    assert 'href="http://127.0.0.1:8000/demandes/9999999/"' in page
    assert "&lt;b&gt;Alice&lt;/b&gt; &amp; l&#x27;autre" in page


# Their names


def test_each_topic_has_a_french_name_of_its_own():
    assert set(topics.labels()) == set(EVERY_TOPIC)
    assert len(set(topics.labels().values())) == len(EVERY_TOPIC)
    assert topics.label_of(Topic.OFFERED) == "Une demande vous est offerte"
    assert topics.label_of(AccountTopic.CODE) == "Votre code de vérification"
    assert [name for name in topics.labels().values() if re.search(r"[{}%]", name)] == []


def test_a_topic_that_no_text_says_any_more_keeps_its_code():
    assert topics.label_of("former_topic") == "Former_topic"
    assert topics.subject_of(row("former_topic")) == "former_topic"


def test_the_subject_shown_to_the_bi_is_the_subject_that_was_sent():
    for topic in EVERY_TOPIC:
        assert topics.subject_of(row(topic)) == email_of(topic).subject


def test_the_administrator_reads_the_names_and_filters_by_them(client):
    from tests.pages import said, signed_in

    for number, topic in enumerate((Topic.OFFERED, AccountTopic.CODE)):
        made = row(topic)
        made.channel, made.due_at, made.dedupe_key = Channel.EMAIL, made.created_at, str(number)
        made.save()
    browser = signed_in(make.administrator())
    page = said(browser.get("/admin/accounts/notification/", {"topic": "code"}))
    assert "1 notification" in page
    assert "Votre code de vérification" in page
