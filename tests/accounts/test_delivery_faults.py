"""What becomes of a message when a provider fails, a person changes their mind, or the world changes before it leaves.

The numbers C1 to C11 are the rows of reliability.md; worker kills (C1, C2, C11) are in test_worker_kills.py.
"""

import threading
import time
from datetime import timedelta
from itertools import product

import pytest
from django.conf import settings as django_settings
from django.core import signing
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule
from twilio.request_validator import RequestValidator

from accounts import mail, mfa, notify, outcomes, worker
from accounts.devices import Channel, CodeDevice
from accounts.drawn import draw
from accounts.models import AccountEvent, Notification, User
from accounts.notify import AccountTopic, Notice
from accounts.worker import LEASE, MAX_ATTEMPTS
from requests_app import services
from requests_app.notifications import Topic
from tests import make, providers
from tests.accounts.test_notify import CONTEXT
from tests.make import HOUR
from tests.pages import signed_in

pytestmark = pytest.mark.django_db
NUMBER = "+15145550123"
MINUTE = timedelta(minutes=1)
SMS, EMAIL = Channel.SMS, Channel.EMAIL
SOON = 5  # seconds: a page is answered well before any time-out of a provider


def alice(**fields):
    user = make.alice()
    for name, value in ({"mobile_phone": NUMBER} | fields).items():
        setattr(user, name, value)
    user.save()
    return user


def tell(*users, channels=(SMS,), topic=Topic.OFFERED, event="1", **given):
    notices = [
        Notice(user=user, topic=topic, event=event, context=CONTEXT, channels=channels, **given) for user in users
    ]
    notify.tell(notices, about="request:7", at=timezone.now())


def ask_code(user, channel=SMS):
    device, _ = CodeDevice.objects.get_or_create(user=user, channel=channel, confirmed=True)
    mfa.send_code(device, address="127.0.0.1")


def row(**wanted):
    return Notification.objects.get(**wanted)


def states(**wanted):
    """The state of each channel."""
    return dict(Notification.objects.filter(**wanted).values_list("channel", "state"))


def wait_is_over():
    Notification.objects.filter(state__in=["due", "uncertain"]).update(due_at=timezone.now())


def deliver_later():
    wait_is_over()
    return notify.deliver_due()


def minutes_left(found):
    return round((found.due_at - timezone.now()) / MINUTE)


# The web never waits


def test_c4_a_page_that_tells_people_answers_at_once_while_the_providers_hang(twilio, smtp):
    twilio.feel("hangs")
    smtp.feel("is silent")
    made = make.pending(alice(), at=timezone.now(), starts_at=timezone.now() + 90 * HOUR)
    browser = signed_in(make.alice())
    began = time.monotonic()
    answer = browser.post(reverse("requests:accept", args=[made.pk]), {"version": made.version})
    assert (answer.status_code, time.monotonic() - began < SOON) == (302, True)
    assert (twilio.visits, smtp.visits, OrmQ.objects.exists()) == (0, 0, True)


# C3


def test_c3_the_sweeper_delivers_what_the_queue_lost(mailoutbox):
    tell(alice(), channels=(EMAIL,))
    OrmQ.objects.all().delete()
    schedule = Schedule.objects.get(func="accounts.notify.deliver_due")
    assert (schedule.schedule_type, schedule.minutes) == (Schedule.MINUTES, 1)
    assert (import_string(schedule.func)(), len(mailoutbox)) == (1, 1)


# Whoever waits passes first, and nobody holds the worker


def test_a_code_and_a_reset_link_leave_before_what_was_told_earlier(twilio, mailoutbox):
    person = alice()
    tell(*[make.interpreter(f"Interprète-{number}") for number in range(3)], channels=(EMAIL,))
    tell(person, channels=(EMAIL,), topic=AccountTopic.RESET)
    ask_code(person)
    first = [worker._claim({SMS, EMAIL}).topic for _ in range(3)]
    assert first == [AccountTopic.RESET, AccountTopic.CODE, Topic.OFFERED]


def test_a_code_lives_from_the_instant_it_was_asked_for(twilio):
    ask_code(alice())
    assert (timezone.now() - row().created_at < MINUTE, notify.deliver_due(), len(twilio.received)) == (True, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_lasts_makes_room_for_another_one(monkeypatch, mailoutbox):
    monkeypatch.setattr(worker, "SPELL", 0.05)
    tell(*[make.interpreter(f"Interprète-{number}") for number in range(60)], channels=(EMAIL,))
    OrmQ.objects.all().delete()
    assert 0 < notify.deliver_due() < 60
    assert [task.func() for task in OrmQ.objects.all()] == ["accounts.notify.deliver_due"]


def test_a_run_that_sent_everything_wakes_nobody(mailoutbox):
    tell(alice(), channels=(EMAIL,))
    OrmQ.objects.all().delete()
    assert (notify.deliver_due(), OrmQ.objects.exists()) == (1, False)


# C4: Twilio


def test_a_text_message_is_sent_and_keeps_its_number(twilio):
    tell(alice())
    assert notify.deliver_due() == 1
    (message,) = twilio.received
    assert (row().state, row().provider_id, message["to"]) == ("sent", message["sid"], NUMBER)
    assert message["body"] == mail.text_of_sms(row(), draw(row()))


@pytest.mark.parametrize("mood", ["429", "500", "503", "401"])
def test_c4_a_provider_in_trouble_is_tried_again(mood, twilio):
    twilio.feel(mood, "accepts")
    tell(alice())
    assert notify.deliver_due() == 0
    assert (row().state, row().attempts, minutes_left(row())) == ("due", 1, 5 if mood == "429" else 1)
    assert (deliver_later(), row().state, row().attempts, row().last_error) == (1, "sent", 2, "")


def test_c4_a_provider_that_cannot_be_reached_is_tried_again(twilio, settings):
    settings.TWILIO_BASE_URL = f"http://127.0.0.1:{providers.closed_port()}"
    tell(alice())
    notify.deliver_due()
    assert (row().state, row().last_error) == ("due", "Fournisseur de SMS injoignable.")
    settings.TWILIO_BASE_URL = twilio.url
    assert deliver_later() == 1


def test_c4_each_wait_is_longer_then_the_message_is_given_up(twilio):
    twilio.feel("500")
    tell(alice())
    waits = []
    for _ in range(MAX_ATTEMPTS):
        deliver_later()
        waits.append(minutes_left(row(channel=SMS)))
    assert waits[:-1] == [1, 2, 4, 8, 16, 32, 60]
    assert (row(channel=SMS).state, row(channel=SMS).attempts, twilio.visits) == ("undelivered", 8, 8)


def test_c4_a_provider_in_trouble_costs_one_message_a_try_and_the_mail_leaves(twilio, mailoutbox):
    twilio.feel("503")
    tell(alice(), *[make.interpreter(name) for name in ("Bob", "Charlie")], channels=(SMS, EMAIL))
    User.objects.update(mobile_phone=NUMBER)
    assert notify.deliver_due() == len(mailoutbox) == 3
    assert sorted(Notification.objects.filter(channel=SMS).values_list("attempts", flat=True)) == [0, 0, 1]


@pytest.mark.parametrize("mood", ["503", "hangs"])
def test_c4_a_provider_in_trouble_is_asked_by_one_run_a_minute(mood, twilio, impatient):
    twilio.feel(mood)
    ask_code(make.person("Bob", make.Role.INTERPRETER, mobile_phone=NUMBER))
    for event in "123":
        tell(alice(), event=event)
    for _ in range(4):
        notify.deliver_due()
    waiting = Notification.objects.filter(state="due", attempts=0)
    assert (twilio.visits, waiting.count(), {minutes_left(found) for found in waiting}) == (1, 3, {1})


def test_c4_a_code_still_passes_first_after_a_provider_was_in_trouble(twilio):
    twilio.feel("503")
    person = alice()
    User.objects.filter(pk=make.bob().pk).update(mobile_phone=NUMBER)
    tell(person, event="1"), tell(person, event="2")
    first = worker._claim({SMS})
    ask_code(make.person("Charlie", make.Role.INTERPRETER, mobile_phone=NUMBER))
    worker._attempt(first, worker._deliver, {SMS})
    waiting = Notification.objects.filter(attempts=0).order_by("due_at")
    assert [found.topic for found in waiting] == [AccountTopic.CODE, Topic.OFFERED]


@pytest.mark.parametrize(
    ("mood", "said"), [("21211", "Numéro invalide (21211)."), ("21614", "Ce numéro ne reçoit pas de SMS (21614).")]
)
def test_c4_a_refused_text_message_is_undelivered_at_once_and_the_email_goes(mood, said, twilio, mailoutbox):
    twilio.feel(mood)
    tell(alice())
    assert notify.deliver_due() == len(mailoutbox) == 1
    assert (states(), row(channel=SMS).last_error) == ({"sms": "undelivered", "email": "sent"}, said)


def test_c4_the_email_of_the_same_event_is_not_sent_twice(twilio, mailoutbox):
    twilio.feel("21211")
    tell(alice(), channels=(SMS, EMAIL))
    assert notify.deliver_due() == len(mailoutbox) == 1
    assert deliver_later() == 0


def test_c4_the_email_of_a_failed_text_message_is_not_for_who_refuses_email(twilio, mailoutbox):
    twilio.feel("21211")
    tell(alice(email_disabled=True), channels=(SMS, EMAIL))
    notify.deliver_due()
    assert (states(), mailoutbox) == ({"sms": "undelivered", "email": "closed"}, [])


def test_c4_an_email_closed_by_the_box_goes_if_the_box_is_empty_when_the_text_message_fails(twilio, mailoutbox):
    twilio.feel("500", "21211")
    tell(alice(email_disabled=True), channels=(SMS, EMAIL))
    notify.deliver_due()
    assert states() == {"sms": "due", "email": "closed"}
    User.objects.update(email_disabled=False)
    assert (deliver_later(), len(mailoutbox), states()["email"]) == (1, 1, "sent")


def test_c4_stop_ticks_the_box_once_and_is_written_in_the_history(twilio, mailoutbox):
    twilio.feel("21610")
    person = alice()
    tell(person)
    notify.deliver_due()
    person.refresh_from_db()
    assert (person.sms_disabled, person.sms_stopped_at is not None, len(mailoutbox)) == (True, True, 1)
    ask_code(person)
    notify.deliver_due()
    event = AccountEvent.objects.get(user=person)
    assert (event.kind, event.by, twilio.visits) == ("sms_stopped", make.system(), 2)


def test_c4_stop_from_a_former_number_changes_nothing_for_the_new_one(twilio):
    twilio.feel("21610")
    person = alice()
    tell(person, topic=AccountTopic.CONTACT_CHANGED, address="+15145550199")
    notify.deliver_due()
    person.refresh_from_db()
    assert (person.sms_disabled, row(channel=SMS).state, row(channel=SMS).address) == (False, "undelivered", "")


def test_c4_a_message_that_goes_through_after_stop_shows_that_start_was_answered(twilio):
    person = alice(sms_disabled=True, sms_stopped_at=timezone.now())
    ask_code(person)
    assert notify.deliver_due() == 1
    person.refresh_from_db()
    assert (person.sms_disabled, person.sms_stopped_at) == (True, None)


def test_c4_without_a_provider_of_text_messages_all_goes_by_email(settings, mailoutbox):
    settings.TWILIO_ACCOUNT_SID = ""
    tell(alice())
    assert notify.deliver_due() == len(mailoutbox) == 1
    assert row(channel=SMS).last_error == "Aucun fournisseur de SMS n’est configuré."


@pytest.mark.parametrize("mood", ["500", "401"])
def test_c4_a_code_is_given_up_after_its_five_minutes(mood, twilio, mailoutbox):
    twilio.feel(mood)
    ask_code(alice())
    for minutes in (0, 1, 2):
        Notification.objects.update(created_at=F("created_at") - minutes * MINUTE)
        deliver_later()
    assert (states(), row().attempts, mailoutbox) == ({"sms": "undelivered"}, 3, [])


def test_c4_a_code_that_waited_for_the_worker_too_long_is_not_sent(twilio):
    ask_code(alice())
    Notification.objects.update(created_at=timezone.now() - 6 * MINUTE)
    assert (notify.deliver_due(), row().state, twilio.visits) == (0, "undelivered", 0)


# C5: it may have left


@pytest.mark.parametrize("mood", ["accepts then drops", "accepts then hangs", "truncates", "rambles"])
def test_c5_a_message_whose_answer_is_lost_is_looked_up_and_found(mood, twilio, impatient):
    twilio.feel(mood)
    tell(alice())
    assert (notify.deliver_due(), row().state, minutes_left(row())) == (0, "uncertain", 3)
    assert notify.deliver_due() == 0 and row().state == "uncertain"
    deliver_later()
    assert (row().state, row().provider_id, twilio.visits) == ("sent", twilio.received[0]["sid"], 1)


@pytest.mark.parametrize(("news", "state"), [("delivered", "delivered"), ("failed", "undelivered"), ("sent", "sent")])
def test_c5_what_is_found_is_in_the_state_that_twilio_says(news, state, twilio, impatient):
    twilio.feel("accepts then drops")
    tell(alice())
    notify.deliver_due()
    twilio.received[0]["status"] = news
    deliver_later()
    assert row(channel=SMS).state == state


@pytest.mark.parametrize("mood", ["resets", "hangs", "drips"])
def test_c5_a_message_that_is_not_found_is_sent_once_more_then_left_to_staff(mood, twilio, impatient):
    twilio.feel(mood)
    tell(alice())
    for _ in range(6):
        deliver_later()
    assert (row().state, twilio.visits, row().called_at) == ("uncertain", 2, None)


def test_c5_the_one_more_try_may_succeed(twilio, impatient):
    twilio.feel("resets", "accepts")
    tell(alice())
    notify.deliver_due()
    deliver_later()
    assert (deliver_later(), row().state, len(twilio.received)) == (1, "sent", 1)


def test_c5_nothing_is_sent_again_while_the_list_cannot_be_read(twilio, impatient):
    twilio.feel("accepts then drops")
    twilio.look_up = "503"
    tell(alice())
    for _ in range(4):
        deliver_later()
    assert (row().state, twilio.visits) == ("uncertain", 1)
    twilio.look_up = "answers"
    deliver_later()
    assert row().state == "sent"


@pytest.mark.parametrize("mood", ["accepts then drops", "resets"])
def test_c5_a_code_is_never_sent_again_by_itself(mood, twilio, impatient):
    twilio.feel(mood)
    ask_code(alice())
    for _ in range(4):
        deliver_later()
    assert (row().state, twilio.visits) == ("uncertain", 1)


@pytest.mark.parametrize("mood", ["accepts then drops", "is silent after the text"])
def test_c5_an_email_whose_answer_is_lost_is_sent_once_more_at_most(mood, smtp, impatient):
    smtp.feel(mood)
    tell(alice(), channels=(EMAIL,))
    for _ in range(5):
        deliver_later()
    assert (row().state, smtp.visits) == ("uncertain", 2)


def test_c5_a_code_by_email_is_not_sent_again_by_itself_either(smtp):
    smtp.feel("accepts then drops")
    ask_code(alice(), EMAIL)
    for _ in range(3):
        deliver_later()
    assert (row().state, smtp.visits) == ("uncertain", 1)


# C6: the mail server


def test_c6_a_mail_server_receives_both_forms_of_the_message(smtp):
    tell(alice(), channels=(EMAIL,))
    assert (notify.deliver_due(), smtp.recipients) == (1, ["alice@exemple.test"])
    content = smtp.received[0][1]
    assert b"text/plain" in content and b"text/html" in content and b"Auto-Submitted: auto-generated" in content


@pytest.mark.parametrize("mood", ["hangs up", "is silent", "greylists"])
def test_c6_a_server_that_is_down_or_asks_to_wait_gets_the_message_later(mood, smtp, impatient):
    smtp.feel(mood, "accepts")
    tell(alice(), channels=(EMAIL,))
    assert (notify.deliver_due(), row().state, minutes_left(row())) == (0, "due", 1)
    assert (deliver_later(), row().state, len(smtp.received)) == (1, "sent", 1)


def test_c6_a_server_that_refuses_the_connection_gets_the_message_later(smtp, settings):
    settings.EMAIL_PORT = providers.closed_port()
    tell(alice(), channels=(EMAIL,))
    notify.deliver_due()
    assert (row().state, row().last_error) == ("due", "Serveur de courriel injoignable.")


def test_c6_a_message_that_is_greylisted_is_given_up_after_eight_tries(smtp):
    smtp.feel("greylists")
    tell(alice(), channels=(EMAIL,))
    for _ in range(MAX_ATTEMPTS + 2):
        deliver_later()
    assert (row().state, row().attempts, smtp.visits) == ("undelivered", 8, 8)


def test_c6_a_server_that_is_down_costs_no_try_and_each_wait_is_longer(smtp):
    smtp.feel("hangs up")
    tell(alice(), channels=(EMAIL,))
    waits = []
    for age in (0, 1, 2, 4, 8, 16, 60, 600, 1400):
        Notification.objects.update(created_at=timezone.now() - age * MINUTE)
        deliver_later()
        waits.append(minutes_left(row()))
    assert waits == [1, 1, 2, 4, 8, 15, 15, 15, 15]
    assert (row().state, row().attempts) == ("due", 0)


@pytest.mark.parametrize(("topic", "age"), [(Topic.OFFERED, 24 * HOUR), (AccountTopic.RESET, HOUR)])
def test_c6_a_server_that_stays_down_is_given_up_when_the_message_is_too_old(topic, age, smtp):
    smtp.feel("hangs up")
    make.bob(), tell(make.alice(), channels=(EMAIL,), topic=topic)
    User.objects.update(password="x")
    Notification.objects.update(created_at=timezone.now() - age + 30 * MINUTE / 60)
    deliver_later()
    assert (row().state, row().last_error) == ("undelivered", "Serveur de courriel injoignable.")


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT"])
def test_c6_a_server_that_leaves_before_the_text_has_surely_not_taken_it(verb, smtp):
    smtp.feel(f"leaves at {verb}", "accepts")
    tell(alice(), channels=(EMAIL,))
    notify.deliver_due()
    assert (row().state, row().lost_attempts, row().last_error) == ("due", 0, "Serveur de courriel injoignable.")
    assert (deliver_later(), len(smtp.received)) == (1, 1)


def test_c6_a_server_that_refuses_our_greeting_refuses_us_and_not_the_message(smtp):
    smtp.feel("refuses us")
    tell(alice(), make.bob(), channels=(EMAIL,))
    notify.deliver_due()
    assert (smtp.visits, set(Notification.objects.values_list("state", flat=True))) == (1, {"due"})


@pytest.mark.parametrize(("mood", "code"), [("refuses", "550"), ("refuses the text", "554")])
def test_c6_what_a_server_refuses_for_good_is_undelivered_at_once(mood, code, smtp):
    smtp.feel(mood)
    tell(alice(), channels=(EMAIL,))
    notify.deliver_due()
    assert (row().state, row().last_error) == ("undelivered", f"Le serveur de courriel refuse ce message ({code}).")


@pytest.mark.parametrize("mood", ["accepts", "greylists"])
def test_c6_one_bad_recipient_does_not_block_the_others(mood, smtp):
    people = [alice(), make.bob(), make.charlie()]
    smtp.feel(mood, "accepts")
    smtp.bad = {"bob@exemple.test"}
    tell(*people, channels=(EMAIL,))
    notify.deliver_due()
    deliver_later()
    assert sorted(smtp.recipients) == ["alice@exemple.test", "charlie@exemple.test"]
    assert row(user=make.bob()).state == "undelivered"


def test_c6_a_message_that_must_wait_does_not_hold_the_others(smtp):
    smtp.feel("greylists", "accepts")
    tell(alice(), make.bob(), make.charlie(), channels=(EMAIL,))
    assert (notify.deliver_due(), smtp.visits) == (2, 3)


def test_c6_an_address_that_cannot_be_written_is_refused_without_a_call(smtp):
    tell(alice(email="alice exemple@@"), channels=(EMAIL,))
    notify.deliver_due()
    assert (row().state, row().last_error) == ("undelivered", "Adresse de courriel invalide.")


# C7: preferences


TICKED = list(product([False, True], repeat=2))


@pytest.mark.parametrize(("no_sms", "no_email"), TICKED)
def test_c7_each_box_silences_its_channel(no_sms, no_email, twilio, mailoutbox):
    tell(alice(sms_disabled=no_sms, email_disabled=no_email), channels=(SMS, EMAIL))
    notify.deliver_due()
    expected = {"sms": "closed" if no_sms else "sent", "email": "closed" if no_email else "sent"}
    assert states() == expected
    assert (len(twilio.received), len(mailoutbox)) == (not no_sms, not no_email)


@pytest.mark.parametrize(("topic", "boxes"), list(product([AccountTopic.CONTACT_CHANGED, AccountTopic.CODE], TICKED)))
def test_c7_no_box_silences_what_is_about_the_account(topic, boxes, twilio, mailoutbox):
    person = alice(sms_disabled=boxes[0], email_disabled=boxes[1])
    if topic == AccountTopic.CODE:
        ask_code(person)
        assert (notify.deliver_due(), len(twilio.received)) == (1, 1)
    else:
        tell(person, topic=topic, channels=(SMS, EMAIL))
        assert (notify.deliver_due(), len(twilio.received), len(mailoutbox)) == (2, 1, 1)


@pytest.mark.parametrize("topic", [Topic.OFFERED, AccountTopic.CONTACT_CHANGED])
def test_c7_a_closed_account_receives_nothing(topic, twilio, mailoutbox):
    tell(alice(is_active=False), topic=topic, channels=(SMS, EMAIL))
    assert (notify.deliver_due(), twilio.visits, mailoutbox) == (0, 0, [])
    assert states() == {"sms": "closed", "email": "closed"}


def test_a_message_to_a_former_number_goes_there_and_the_number_is_forgotten(twilio):
    tell(alice(), topic=AccountTopic.CONTACT_CHANGED, address="+15145550199")
    assert row().address
    notify.deliver_due()
    assert (twilio.received[0]["to"], row().state, row().address) == ("+15145550199", "sent", "")


def test_a_message_to_nowhere_is_closed(twilio):
    tell(alice(mobile_phone=""))
    assert (notify.deliver_due(), row().state, twilio.visits) == (0, "closed", 0)


# C8: the world has changed


def test_c8_an_offer_withdrawn_before_the_worker_wakes_is_never_announced(twilio, mailoutbox):
    at = timezone.now()
    made = make.pending(alice(), at=at, starts_at=at + 90 * HOUR)
    services.cancel(made, by=make.requester(), at=at, reason="by_requester")
    notify.deliver_due()
    told = set(Notification.objects.filter(state="sent", user=make.alice()).values_list("topic", flat=True))
    assert Topic.OFFERED not in told
    assert not any("offre, " in message["body"] for message in twilio.received)


def test_c8_a_message_withdrawn_while_it_waits_for_another_try_is_not_tried_again(twilio):
    twilio.feel("500", "accepts")
    tell(alice())
    notify.deliver_due()
    notify.withdraw(about="request:7")
    assert (deliver_later(), row().state, twilio.received) == (0, "closed", [])


def test_c8_a_message_withdrawn_while_it_is_written_does_not_leave(twilio):
    tell(alice())
    claimed = worker._claim({SMS})
    notify.withdraw(about="request:7")
    assert (worker._deliver(claimed), row().state, twilio.visits) == (False, "closed", 0)


@pytest.mark.parametrize("mood", ["hangs", "accepts then drops"])
def test_c8_an_uncertain_message_that_no_longer_holds_is_not_sent_again_and_stays_in_sight(mood, twilio, impatient):
    twilio.feel(mood)
    person = alice()
    tell(person, address="+15145550199")
    notify.deliver_due()
    notify.withdraw(about="request:7", users=[person])
    for _ in range(3):
        deliver_later()
    assert (row().state, row().called_at, row().address, twilio.visits) == ("uncertain", None, "", 1)


@pytest.mark.parametrize("state", ["uncertain", "undelivered"])
def test_c8_what_did_not_arrive_and_no_longer_holds_cannot_be_sent_again(state):
    tell(alice())
    Notification.objects.update(state=state)
    notify.withdraw(about="request:7")
    assert not notify.send_again(row(), at=timezone.now())
    assert row().state == state


def test_c8_the_email_of_a_text_message_that_no_longer_holds_is_not_reopened(twilio, impatient):
    twilio.feel("accepts then drops")
    person = alice()
    tell(person)
    notify.deliver_due()
    notify.withdraw(about="request:7")
    call_back(row(), "undelivered", sid=twilio.received[0]["sid"], code="30003")
    assert states() == {"sms": "undelivered"}


def test_c5_the_text_message_of_an_offer_is_looked_up_by_the_very_words_that_left(twilio, impatient):
    at = timezone.now()
    make.pending(alice(), at=at, starts_at=at + 90 * HOUR)
    Notification.objects.filter(channel=EMAIL).delete()
    twilio.feel("accepts then drops")
    notify.deliver_due()
    assert (row().state, len(twilio.received)) == ("uncertain", 1)
    deliver_later()
    assert (row().state, len(twilio.received)) == ("sent", 1)


def test_c8_a_message_withdrawn_while_it_is_looked_up_is_not_sent_again(twilio, impatient):
    twilio.feel("resets")
    tell(alice())
    notify.deliver_due()
    looked_up = row()
    notify.withdraw(about="request:7")
    worker._look_up(looked_up)
    assert row().state == "uncertain"


def test_c8_two_workers_tell_a_request_in_its_order(twilio):
    person = alice()
    tell(person, topic=Topic.ASSIGNED)
    first = worker._claim({SMS})
    notify.withdraw(about="request:7", users=[person])
    tell(person, topic=Topic.REMOVED, event="2")
    assert worker._claim({SMS}) is None
    worker._deliver(first)
    assert worker._claim({SMS}).topic == Topic.REMOVED


def test_c8_a_message_withdrawn_from_the_hands_of_a_worker_holds_the_next_one_no_more(twilio):
    person = alice()
    tell(person, topic=Topic.ASSIGNED)
    first = worker._claim({SMS})
    notify.withdraw(about="request:7")
    tell(person, topic=Topic.REMOVED, event="2")
    outcomes.closed(first, "Sans objet.")
    assert worker._claim({SMS}).topic == Topic.REMOVED


@pytest.mark.parametrize("other", ["person", "channel", "request"])
def test_c8_only_the_same_request_person_and_channel_is_waited_for(other, mailoutbox):
    tell(alice())
    worker._claim({SMS})
    User.objects.filter(pk=make.bob().pk).update(mobile_phone=NUMBER)
    if other == "request":
        notice = Notice(user=alice(), topic=Topic.OFFERED, event="1", context=CONTEXT, channels=(SMS,))
        notify.tell([notice], about="request:8", at=timezone.now())
    else:
        tell(make.bob() if other == "person" else alice(), channels=(EMAIL,) if other == "channel" else (SMS,))
    assert worker._claim({SMS, EMAIL})


def test_c8_a_killed_worker_holds_the_next_message_no_longer_than_its_lease(twilio):
    person = alice()
    tell(person, topic=Topic.ASSIGNED)
    worker._claim({SMS})
    notify.withdraw(about="request:7")
    tell(person, topic=Topic.REMOVED, event="2")
    assert (LEASE == 2 * MINUTE, worker._claim({SMS})) == (True, None)
    Notification.objects.filter(topic=Topic.ASSIGNED).update(due_at=timezone.now() - MINUTE)
    assert worker._claim({SMS}).topic == Topic.REMOVED


@pytest.mark.django_db(transaction=True)
def test_c8_a_message_waits_for_an_older_one_that_another_worker_is_claiming():
    tell(alice(), event="1"), tell(alice(), event="2")
    claimed, finished = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            worker._claim({SMS})
            claimed.set()
            finished.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    claimed.wait(10)
    second = worker._claim({SMS})
    finished.set()
    holder.join()
    assert second is None


def test_indexes_lead_to_what_is_due_withdrawn_and_looked_up():
    tell(alice())
    like = Notification.objects.values().get() | {"id": None, "state": "closed"}
    many = [Notification(**like | {"dedupe_key": str(number), "about": f"request:{number}"}) for number in range(3000)]
    Notification.objects.bulk_create(many)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_notification")
    with CaptureQueriesContext(connection) as ran:
        worker._claim({SMS, EMAIL}), worker._claim_uncertain({SMS}), worker._put_off(SMS), notify.withdraw(about="x")
    found = [query["sql"] for query in ran if query["sql"].startswith(("SELECT", "UPDATE")) and "about" in query["sql"]]
    with connection.cursor() as cursor:
        for sql in found:
            cursor.execute(f"EXPLAIN {sql}")
            assert "Seq Scan on accounts_notification" not in str(cursor.fetchall())
    assert len(found) >= 3


def test_c8_a_code_replaced_while_it_was_claimed_does_not_kill_the_new_one(twilio):
    ask_code(alice())
    first = worker._claim({SMS})
    notify.withdraw(about=first.about)
    CodeDevice.objects.get().draw()
    (hashed,) = CodeDevice.objects.values_list("code_hash")
    assert (draw(first), CodeDevice.objects.values_list("code_hash").get()) == (None, hashed)


def test_c8_a_code_that_nobody_awaits_any_more_is_not_sent(twilio):
    ask_code(alice())
    CodeDevice.objects.update(challenge="")
    assert (notify.deliver_due(), row().state, twilio.visits) == (0, "closed", 0)


# C9: news from Twilio


def call_back(found, status, *, sid=None, token=providers.TOKEN, code="", **headers):
    path = outcomes.status_url(found).removeprefix(django_settings.BASE_URL)
    news = {"MessageSid": sid or found.provider_id, "MessageStatus": status, "ErrorCode": code}
    signature = RequestValidator(token).compute_signature(django_settings.BASE_URL + path, news)
    return Client(enforce_csrf_checks=True).post(path, news, headers={"X-Twilio-Signature": signature, **headers})


def sent_to_alice(**fields):
    tell(alice(**fields), channels=(SMS, EMAIL))
    Notification.objects.filter(channel=EMAIL).update(state="closed", last_error=outcomes.SWITCHED_OFF)
    notify.deliver_due()
    return row(channel=SMS)


def test_c9_news_moves_a_message_forward(twilio):
    assert call_back(sent_to_alice(), "delivered").status_code == 204
    assert row(channel=SMS).state == "delivered"


@pytest.mark.parametrize("last", ["delivered", "undelivered"])
@pytest.mark.parametrize("late", ["queued", "sent", "delivered", "undelivered", "failed"])
def test_c9_nothing_goes_backwards(last, late, twilio):
    call_back(sent_to_alice(), last)
    assert call_back(row(channel=SMS), late).status_code == 204
    assert row(channel=SMS).state == last


def test_c9_a_forged_call_changes_nothing(twilio):
    found = sent_to_alice()
    assert call_back(found, "delivered", token="autre").status_code == 403
    assert Client().post(outcomes.status_url(found), {"MessageStatus": "delivered"}).status_code == 403
    assert row(channel=SMS).state == "sent"


def test_c9_the_host_header_has_no_say(twilio):
    assert call_back(sent_to_alice(), "delivered", Host="localhost").status_code == 204
    assert row(channel=SMS).state == "delivered"


def test_c9_news_of_another_message_changes_nothing(twilio):
    found = sent_to_alice()
    assert call_back(found, "delivered", sid="SM" + "f" * 32).status_code == 204
    assert call_back(found, "delivered", sid="S" * 65).status_code == 204
    assert row(channel=SMS).state == "sent"


def test_c9_an_unknown_or_mutilated_address_changes_nothing(twilio):
    found = sent_to_alice()
    genuine = signing.dumps(found.pk, salt="accounts.sms_status")
    news = {"MessageSid": found.provider_id, "MessageStatus": "delivered"}
    unknown, foreign = signing.dumps(0, salt="accounts.sms_status"), signing.dumps(found.pk, salt="other")
    for token in (unknown, foreign, f"{found.pk}", genuine[:-1], "x"):
        path = reverse("accounts:sms_status", kwargs={"token": token})
        signature = RequestValidator(providers.TOKEN).compute_signature("http://127.0.0.1:8000" + path, news)
        assert Client().post(path, news, headers={"X-Twilio-Signature": signature}).status_code == 204
    assert row(channel=SMS).state == "sent"


def test_c9_stop_may_be_said_by_the_news(twilio):
    call_back(sent_to_alice(), "failed", code="21610")
    person = User.objects.get(username="alice")
    assert (person.sms_disabled, person.sms_stopped_at is not None) == (True, True)
    assert row(channel=SMS).last_error == "La personne a répondu STOP (21610)."


def test_c9_stop_from_a_former_number_is_not_said_of_the_new_one(twilio):
    tell(alice(), topic=AccountTopic.CONTACT_CHANGED, address="+15145550199")
    notify.deliver_due()
    call_back(row(), "failed", code="21610")
    assert (User.objects.get(username="alice").sms_disabled, row(channel=SMS).state) == (False, "undelivered")


@pytest.mark.parametrize(("news", "state"), [("sent", "due"), ("undelivered", "due"), ("delivered", "delivered")])
def test_c9_late_news_does_not_stop_what_staff_send_again_unless_it_arrived(news, state, twilio):
    found = sent_to_alice()
    call_back(found, "undelivered", code="30003")
    notify.send_again(row(channel=SMS), at=timezone.now())
    call_back(found, news, code="30003")
    assert row(channel=SMS).state == state


def test_c9_what_was_looked_up_in_vain_then_is_taken_is_not_sent_twice(twilio, impatient):
    twilio.feel("resets", "accepts")
    tell(alice())
    notify.deliver_due()
    worker._look_up(row())
    call_back(row(), "sent", sid="SM" + "a" * 32)
    assert (row().state, deliver_later(), len(twilio.received)) == ("sent", 0, 0)


@pytest.mark.parametrize(("news", "state"), [("delivered", "delivered"), ("queued", "sent"), ("failed", "undelivered")])
def test_c9_news_settles_an_uncertain_message(news, state, twilio, impatient):
    twilio.feel("accepts then drops")
    tell(alice())
    notify.deliver_due()
    call_back(row(), news, sid=twilio.received[0]["sid"], code="30003")
    assert (row(channel=SMS).state, row(channel=SMS).provider_id) == (state, twilio.received[0]["sid"])
    deliver_later()
    assert twilio.visits == 1


def test_c9_news_that_comes_before_the_answer_is_not_undone_by_it(twilio):
    found = sent_to_alice()
    call_back(found, "delivered")
    outcomes.sent(found, found.provider_id)
    assert row(channel=SMS).state == "delivered"


def test_c9_a_text_message_that_fails_on_its_way_goes_by_email(twilio, mailoutbox):
    call_back(sent_to_alice(), "undelivered", code="30003")
    assert row(channel=SMS).last_error == "Téléphone éteint ou hors réseau (30003)."
    assert notify.deliver_due() == len(mailoutbox) == 1


def test_c9_the_email_of_what_no_longer_holds_stays_closed(twilio, mailoutbox):
    found = sent_to_alice()
    Notification.objects.filter(channel=EMAIL).update(last_error="")
    call_back(found, "failed")
    assert (notify.deliver_due(), states()["email"]) == (0, "closed")


def test_c9_the_failure_of_a_former_try_does_not_stop_the_next_one(twilio):
    found = sent_to_alice()
    Notification.objects.filter(pk=found.pk).update(state="uncertain")
    assert notify.send_again(found, at=timezone.now())
    call_back(found, "failed")
    assert (row(channel=SMS).state, notify.deliver_due()) == ("due", 1)


# « Renvoyer »


@pytest.mark.django_db(transaction=True)
def test_what_did_not_arrive_is_tried_again_as_if_for_the_first_time(twilio, mailoutbox):
    twilio.feel("21211", "accepts")
    tell(alice())
    notify.deliver_due()
    OrmQ.objects.all().delete()
    assert notify.send_again(row(channel=SMS), at=timezone.now())
    assert (OrmQ.objects.count(), notify.deliver_due(), row(channel=SMS).attempts) == (1, 1, 1)
    assert not notify.send_again(row(channel=SMS), at=timezone.now())


def test_what_staff_send_again_is_not_undone_by_a_look_up_that_ends_then(twilio, impatient):
    twilio.feel("resets")
    tell(alice())
    notify.deliver_due()
    looked_up = row()
    notify.send_again(row(), at=timezone.now())
    again = worker._claim({SMS})
    worker._mark_called(again)
    worker._look_up(looked_up)
    assert (row().state, row().claimed_at, row().called_at) == ("due", again.claimed_at, again.called_at)
