"""Telling people things: nothing is lost, nothing is sent twice, nothing personal is written down."""

import threading
import time
from datetime import timedelta
from string import punctuation

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import Failure, OrmQ, Task

from accounts import notify
from accounts.devices import Channel
from accounts.models import Notification
from accounts.notify import Notice
from requests_app.notifications import Topic, context_of
from requests_app.workflow import ServiceType
from tests import make
from tests.make import HOUR

pytestmark = pytest.mark.django_db
CONTEXT = {
    "number": 7,
    "language": "créole haïtien",
    "service": "Interprétation par téléphone",
    "date": "jeudi 6 mars 2025",
    "day": "6 mars",
    "hour": "13 h",
    "path": "/demandes/7/",
    "reason": "La BI a retiré cette offre.",
    "answer_by": "mardi 4 mars 2025 à 17 h",
    "reply_by": "4 mars, 17 h",
}


def tell(*users, topic=Topic.OFFERED, about="request:7", event="1", at=None, channels=(Channel.EMAIL,)):
    notices = [Notice(user=user, topic=topic, event=event, context=CONTEXT, channels=channels) for user in users]
    notify.tell(notices, about=about, at=at or timezone.now())


def the_row():
    return Notification.objects.get()


# Written with the change that causes it


def test_a_change_that_is_rolled_back_tells_nobody():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell(make.alice())
        raise ZeroDivisionError
    assert (Notification.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_a_change_that_is_kept_is_written_and_wakes_the_worker():
    tell(make.alice(), make.bob())
    assert set(Notification.objects.values_list("user__first_name", "state")) == {("Alice", "due"), ("Bob", "due")}
    assert [queued.func() for queued in OrmQ.objects.all()] == ["accounts.notify.deliver_due"]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_wakes_the_worker_once():
    with transaction.atomic():
        tell(make.alice(), event="1")
        tell(make.bob(), event="2")
    assert (Notification.objects.count(), OrmQ.objects.count()) == (2, 1)
    tell(make.alice(), event="3")
    assert OrmQ.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_savepoint_that_is_rolled_back_takes_its_own_wake_up_along():
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            tell(make.alice())
            raise ZeroDivisionError
        assert not OrmQ.objects.exists()
        tell(make.bob())
    assert (Notification.objects.get().user, OrmQ.objects.count()) == (make.bob(), 1)


@pytest.mark.django_db(transaction=True)
def test_a_savepoint_that_is_kept_has_woken_the_worker_for_the_rest():
    with transaction.atomic():
        with transaction.atomic():
            tell(make.alice())
        tell(make.bob())
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_wakes_nobody_and_the_next_one_does():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell(make.alice())
        raise ZeroDivisionError
    assert not OrmQ.objects.exists()
    tell(make.alice())
    assert OrmQ.objects.count() == 1


def test_the_task_says_nothing_of_anybody():
    tell(make.alice())
    task = OrmQ.objects.get().task
    assert (task.get("args", ()), task.get("kwargs", {})) == ((), {})


def test_an_interpreter_is_told_on_the_road_too():
    tell(make.alice(), channels=None)
    assert set(Notification.objects.values_list("channel", flat=True)) == {"sms", "email"}


def test_others_read_their_mail():
    tell(make.requester(), make.coordinator(), channels=None)
    assert set(Notification.objects.values_list("channel", flat=True)) == {"email"}


def test_nobody_to_tell_wakes_nobody():
    tell()
    assert not OrmQ.objects.exists()


def test_the_same_event_is_told_once():
    tell(make.alice())
    tell(make.alice())
    assert Notification.objects.count() == 1


def test_two_events_are_told_twice():
    tell(make.alice(), event="1")
    tell(make.alice(), event="2")
    assert Notification.objects.count() == 2


@pytest.mark.parametrize(("age", "state"), [(23 * HOUR, "due"), (25 * HOUR, "closed")])
def test_what_is_older_than_a_day_is_recorded_and_never_sent(age, state, mailoutbox):
    tell(make.alice(), at=timezone.now() - age)
    assert (the_row().state, OrmQ.objects.exists()) == (state, state == "due")
    assert notify.deliver_due() == len(mailoutbox) == (state == "due")


# Sent by the worker


def test_what_is_due_is_sent_once(mailoutbox):
    tell(make.alice())
    assert (notify.deliver_due(), notify.deliver_due()) == (1, 0)
    assert [message.to for message in mailoutbox] == [["alice@exemple.test"]]
    row = the_row()
    assert (row.state, row.attempts, row.sent_at is not None) == ("sent", 1, True)


def test_what_is_not_due_yet_waits(mailoutbox):
    tell(make.alice(), at=timezone.now() + HOUR)
    assert (notify.deliver_due(), mailoutbox) == (0, [])


@pytest.mark.parametrize("change", [{"email_disabled": True}, {"email": ""}, {"is_active": False}], ids=str)
def test_preferences_are_read_when_it_is_sent(change, mailoutbox):
    alice = make.alice()
    tell(alice)
    type(alice).objects.filter(pk=alice.pk).update(**change)
    assert (notify.deliver_due(), mailoutbox, the_row().state) == (0, [], "closed")


def test_the_oldest_is_sent_first(mailoutbox):
    now = timezone.now()
    tell(make.alice(), at=now - HOUR)
    tell(make.bob(), at=now - 2 * HOUR)
    notify.deliver_due()
    assert [message.to for message in mailoutbox] == [["bob@exemple.test"], ["alice@exemple.test"]]


def test_a_message_that_cannot_be_written_does_not_stop_the_others(mailoutbox):
    now = timezone.now()
    tell(make.alice(), topic="sans_texte", at=now - HOUR)
    tell(make.bob(), at=now)
    assert notify.deliver_due() == 1
    said = "Message impossible à écrire (TemplateDoesNotExist)."
    assert Notification.objects.get(user=make.alice()).last_error == said


# What no longer holds


def test_what_no_longer_holds_is_not_sent(mailoutbox):
    tell(make.alice(), make.bob())
    notify.withdraw(about="request:7", users=[make.alice()])
    notify.deliver_due()
    assert [message.to for message in mailoutbox] == [["bob@exemple.test"]]


def test_withdrawing_for_everybody():
    tell(make.alice(), make.bob())
    notify.withdraw(about="request:7")
    assert set(Notification.objects.values_list("state", flat=True)) == {"closed"}


def test_withdrawing_leaves_what_is_about_something_else():
    tell(make.alice())
    tell(make.alice(), about="request:77")
    notify.withdraw(about="request:7", users=[make.alice()])
    assert Notification.objects.get(state="due").about == "request:77"


def test_what_was_sent_stays_sent(mailoutbox):
    tell(make.alice())
    notify.deliver_due()
    notify.withdraw(about="request:7")
    assert the_row().state == "sent"


def test_what_still_holds_is_not_withdrawn():
    tell(make.alice())
    tell(make.alice(), topic=Topic.ASSIGNED)
    notify.withdraw(about="request:7", but=[Topic.ASSIGNED])
    assert Notification.objects.get(state="due").topic == Topic.ASSIGNED


# What is forgotten


@pytest.mark.parametrize("state", ["sent", "delivered", "uncertain", "undelivered", "closed"])
def test_what_was_told_a_year_ago_is_forgotten(state):
    for days in (364, 366):
        tell(make.alice(), event=str(days), at=timezone.now() - timedelta(days=days))
    Notification.objects.update(state=state, sent_at=timezone.now())
    assert (notify.forget_old(), the_row().dedupe_key.split(":")[3]) == (1, "364")


def test_what_is_still_to_be_sent_is_never_forgotten():
    tell(make.alice())
    assert (notify.forget_old(timezone.now() + timedelta(days=400)), Notification.objects.count()) == (0, 1)


def test_a_night_forgets_a_bounded_number(monkeypatch):
    monkeypatch.setattr(notify, "BATCH", 2)
    monkeypatch.setattr(notify, "BATCHES", 2)
    for number in range(5):
        tell(make.alice(), event=str(number), at=timezone.now() - timedelta(days=366))
    assert [notify.forget_old(), notify.forget_old(), notify.forget_old()] == [4, 1, 0]


def test_tasks_that_failed_a_week_ago_are_forgotten():
    for number, days in enumerate((6, 8)):
        at = timezone.now() - timedelta(days=days)
        Task.objects.create(id=str(number), name=str(days), func="x", started=at, stopped=at, success=False)
    notify.forget_old()
    assert list(Failure.objects.values_list("name", flat=True)) == ["6"]


# Several workers


@pytest.mark.django_db(transaction=True)
def test_four_workers_never_send_a_message_twice(mailoutbox):
    people = [make.interpreter(f"Interprète-{number}") for number in range(40)]
    tell(*people)
    start = threading.Barrier(4)

    def work():
        start.wait()
        notify.deliver_due()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(message.to[0] for message in mailoutbox) == sorted(person.email for person in people)


@pytest.mark.django_db(transaction=True)
def test_a_message_another_worker_is_claiming_is_not_waited_for(mailoutbox):
    tell(make.alice(), make.bob())
    claimed, finished = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            list(Notification.objects.filter(user=make.alice()).select_for_update())
            claimed.set()
            finished.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    claimed.wait(10)
    began = time.monotonic()
    sent = notify.deliver_due()
    finished.set()
    holder.join()
    assert sent == 1
    assert time.monotonic() - began < 5


# The texts


def test_a_text_is_not_html(mailoutbox):
    alice = make.alice()
    type(alice).objects.filter(pk=alice.pk).update(first_name="D’Arcy & l'autre <x>")
    tell(alice)
    notify.deliver_due()
    assert "Bonjour D’Arcy & l'autre <x>," in mailoutbox[0].body


def test_what_is_said_of_a_request_is_its_number_its_service_and_its_hour():
    made = make.reserved(service_type=ServiceType.PHONE)
    assert context_of(made) == {
        "number": made.pk,
        "language": "espagnol",
        "service": "Interprétation par téléphone",
        "date": "jeudi 6\u00a0mars 2025",
        "day": "6\u00a0mars",
        "hour": "13\u00a0h",
        "path": f"/demandes/{made.pk}/",
    }


def test_the_key_of_a_message_says_nothing_of_anybody():
    tell(make.alice(), event="12")
    key = the_row().dedupe_key
    assert key == f"offered:request:7:12:{make.alice().pk}:email"
    assert not set(key) & (set(punctuation) - set(":_-"))
