"""Text messages: one segment, the real client of Twilio, and each of its troubles told apart."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.test import RequestFactory
from django.utils import timezone
from twilio.request_validator import RequestValidator

from accounts import gsm7, sms
from accounts.french import NBSP
from accounts.providers import Busy, Refused, Stopped, Unknown
from tests import providers

TO, BODY, URL = "+15145550123", "IMS: bonjour", "http://127.0.0.1:8000/sms/etat/jeton/"


def send(**given):
    return sms.send(TO, BODY, status_url=URL, **given)


def failure_of(mood, twilio):
    twilio.feel(mood)
    with pytest.raises((Refused, Busy, Unknown)) as caught:
        send()
    return caught.value


# The text


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("l’hôpital, ça et là", "l'hopital, ca et là"),
        (f"«{NBSP}Renvoyer{NBSP}» – œuvre…", '"Renvoyer" - oeuvre...'),
        (f"13{NBSP}h 05", "13 h 05"),
        ("ÀÉÊËÎÏÔÛÇ", "AÉEEIIOUÇ"),
        ("créole haïtien", "créole haitien"),
    ],
)
def test_a_text_is_written_with_the_letters_of_telephones(written, sent):
    assert gsm7.plain(written) == sent


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("a" * 160, True), ("a" * 161, False), ("€" * 80, True), ("€" * 81, False), ("ж" * 70, True), ("ж" * 71, False)],
)
def test_a_segment_is_160_letters_or_70_outside_the_alphabet(text, is_one):
    assert gsm7.is_one_segment(text) is is_one


# The call


def test_a_message_reaches_twilio_and_has_a_number_there(twilio):
    sid = send()
    (message,) = twilio.received
    assert (message["sid"], message["to"], message["body"], message["callback"]) == (sid, TO, BODY, URL)


@pytest.mark.parametrize(
    ("mood", "kind"),
    [
        ("21211", Refused),
        ("21408", Refused),
        ("21614", Refused),
        ("21999", Refused),
        ("21610", Stopped),
        ("21611", Busy),
        ("429", Busy),
        ("500", Busy),
        ("503", Busy),
        ("401", Busy),
        ("404", Busy),
        ("resets", Unknown),
        ("hangs", Unknown),
        ("drips", Unknown),
        ("truncates", Unknown),
        ("rambles", Unknown),
        ("says nothing", Unknown),
        ("accepts then drops", Unknown),
        ("accepts then hangs", Unknown),
    ],
)
def test_c4_each_trouble_says_what_to_do_next(mood, kind, twilio, impatient):
    assert type(failure_of(mood, twilio)) is kind
    assert twilio.visits == 1  # the client itself never calls twice


def test_c4_the_wait_that_twilio_asks_for_is_known(twilio):
    assert failure_of("429", twilio).retry_after == 300


def test_c4_a_provider_that_cannot_be_reached_was_not_told_anything(twilio, settings):
    settings.TWILIO_BASE_URL = f"http://127.0.0.1:{providers.closed_port()}"
    assert type(failure_of("accepts", twilio)) is Busy


def test_without_an_account_no_message_leaves(twilio, settings):
    settings.TWILIO_ACCOUNT_SID = ""
    assert "configuré" in str(failure_of("accepts", twilio))
    assert twilio.visits == 0


@pytest.mark.parametrize(("mood", "said"), [("21211", "Numéro invalide (21211)."), ("401", "20003"), ("429", "429")])
def test_staff_read_a_sentence_that_names_nobody(mood, said, twilio):
    text = str(failure_of(mood, twilio))
    assert said in text
    assert TO[-7:] not in text and BODY not in text


@pytest.mark.parametrize("mood", ["accepts", "21211", "resets", "down"])
def test_nothing_of_a_message_is_logged(mood, twilio, settings, caplog):
    caplog.set_level(logging.DEBUG)
    if mood == "down":
        settings.TWILIO_BASE_URL = f"http://127.0.0.1:{providers.closed_port()}"
    twilio.feel(mood)
    for call in (send, lambda: sms.find(TO, BODY, timezone.now())):
        try:
            call()
        except (Refused, Busy, Unknown) as error:
            caplog.records.append(logging.makeLogRecord({"msg": repr([error, error.__cause__])}))
    said = " ".join(record.getMessage() for record in caplog.records)
    assert [word for word in (TO[1:], BODY, "jeton") if word in said] == []


# Looking up


def test_c5_a_message_is_found_by_its_number_its_text_and_its_instant(twilio):
    began = datetime.now(UTC).replace(microsecond=0)
    sid = send()
    assert sms.find(TO, BODY, began) == (sid, "queued")
    assert sms.find(TO, "IMS: autre chose", began) is None
    assert sms.find("+15145550124", BODY, began) is None
    assert sms.find(TO, BODY, began + timedelta(minutes=1)) is None


def test_c5_a_list_that_must_wait_is_not_waited_for(twilio):
    twilio.look_up = "429"
    with pytest.raises(Busy):
        sms.find(TO, BODY, timezone.now())


def test_c5_a_message_is_found_behind_many_newer_ones(twilio):
    sid = send()
    for number in range(120):
        twilio.accept({"To": TO, "Body": f"IMS: {number}"})
    assert sms.find(TO, BODY, timezone.now() - timedelta(minutes=1)) == (sid, "queued")


def test_c5_what_is_older_than_a_message_is_not_read(twilio):
    for number in range(120):
        twilio.accept({"To": TO, "Body": f"IMS: {number}"})["date_created"] = format_datetime(
            datetime(2025, 1, 1, tzinfo=UTC)
        )
    assert (sms.find(TO, BODY, timezone.now()), twilio.pages) == (None, 1)


def test_c5_the_words_that_a_trial_account_adds_do_not_hide_a_message(twilio):
    twilio.accept({"To": TO, "Body": f"Sent from your Twilio trial account - {BODY}"})
    assert sms.find(TO, BODY, timezone.now() - timedelta(minutes=1))


# Signatures


PATH = "/sms/etat/jeton/"
NEWS = {"MessageSid": "SM1", "MessageStatus": "delivered"}


def signed(token=providers.TOKEN, base="http://127.0.0.1:8000", path=PATH, news=NEWS):
    return RequestValidator(token).compute_signature(base + path, news)


def visit(signature, path=PATH, news=NEWS, **headers):
    return RequestFactory().post(path, news, headers={"X-Twilio-Signature": signature}, **headers)


def test_c9_a_signature_is_made_for_our_public_address_whatever_the_proxy_says(twilio, settings):
    settings.BASE_URL = "https://ims.exemple.test"
    signature = signed(base="https://ims.exemple.test")
    assert sms.is_genuine(visit(signature, HTTP_HOST="127.0.0.1"))
    assert not sms.is_genuine(visit(signed(base="http://127.0.0.1:8000"), HTTP_HOST="127.0.0.1:8000"))


@pytest.mark.parametrize(
    "request_of",
    [
        lambda: visit(""),
        lambda: visit("é" * 28),
        lambda: visit(signed(token="autre")),
        lambda: visit(signed(), path="/sms/etat/autre/"),
        lambda: visit(signed(), path=PATH + "?x=1"),
        lambda: visit(signed(), news=NEWS | {"MessageStatus": "failed"}),
        lambda: visit(signed(), news=NEWS | {"ErrorCode": "30003"}),
        *[lambda at=at: visit(signed()[:at] + chr(ord(signed()[at]) ^ 1) + signed()[at + 1 :]) for at in range(27)],
    ],
)
def test_c9_anything_else_is_not_from_twilio(request_of, twilio):
    assert not sms.is_genuine(request_of())


def test_c9_without_a_token_nothing_is_from_twilio(twilio, settings):
    settings.TWILIO_AUTH_TOKEN = ""
    assert not sms.is_genuine(visit(signed(token="")))
