"""Telling people things: nothing is lost, nothing is sent twice, nothing personal is written down."""

import os
import signal
import smtplib
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from string import punctuation

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from accounts import notify
from accounts.models import Notification
from accounts.notify import MAX_ATTEMPTS, Notice
from requests_app.notifications import Topic, context_of
from requests_app.workflow import ServiceType
from tests import make
from tests.make import HOUR

pytestmark = pytest.mark.django_db
EMAIL = Path(django_settings.BASE_DIR) / "templates" / "email"
CONTEXT = {
    "number": 7,
    "language": "créole haïtien",
    "service": "Interprétation par téléphone",
    "date": "jeudi 6 mars 2025",
    "hour": "13 h",
    "path": "/demandes/7/",
    "reason": "La BI a retiré cette offre.",
    "answer_by": "mardi 4 mars 2025 à 17 h",
}
# What only one text says.
OWN = {"reason": {Topic.OFFER_GONE}, "answer_by": {Topic.OFFERED}}
# Whoever lost the request gets no link to a page that would not open.
WITHOUT_LINK = {Topic.OFFER_GONE, Topic.REMOVED}


def tell(*users, topic=Topic.OFFERED, about="request:7", event="1", at=None):
    notices = [Notice(user=user, topic=topic, event=event, context=CONTEXT) for user in users]
    notify.tell(notices, about=about, at=at or timezone.now())


def the_row():
    return Notification.objects.get()


def lease_is_over():
    Notification.objects.filter(state="due").update(due_at=timezone.now())


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
    assert Notification.objects.get(user=make.alice()).last_error == "TemplateDoesNotExist"


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


# When the mail server fails


class _Smtp(socketserver.StreamRequestHandler):
    """A mail server on the loopback; `server.mood` says how it treats a visitor."""

    def handle(self):
        if self.server.mood == "hangs up":
            return
        if self.server.mood == "is silent":
            self.server.visited.set()
            self.server.closing.wait(10)
            return
        self._say("220 ici")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"RCPT" and self.server.mood == "refuses":
                self._say("550 inconnu")
            elif verb == b"DATA":
                self._say("354 continuez")
                while self.rfile.readline() != b".\r\n":
                    pass
                self.server.received += 1
                self._say("250 reçu")
            else:
                self._say("221 adieu" if verb == b"QUIT" else "250 bien")

    def _say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server(mood):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp) as server:
        server.mood, server.received = mood, 0
        server.visited, server.closing = threading.Event(), threading.Event()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()


@pytest.fixture
def smtp(settings):
    def use(server):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_TIMEOUT = 0.3

    return use


def test_a_mail_server_receives_the_message(smtp):
    tell(make.alice())
    with mail_server("welcomes") as server:
        smtp(server)
        assert (notify.deliver_due(), server.received) == (1, 1)


@pytest.mark.parametrize(
    ("mood", "error"),
    [
        ("refuses", smtplib.SMTPRecipientsRefused),
        ("hangs up", smtplib.SMTPServerDisconnected),
        ("is silent", smtplib.SMTPServerDisconnected),
    ],
    ids=str,
)
def test_a_message_that_is_not_taken_is_postponed(mood, error, smtp):
    tell(make.alice())
    with mail_server(mood) as server:
        smtp(server)
        began = timezone.now()
        assert notify.deliver_due() == 0
    row = the_row()
    assert (row.state, row.attempts, row.last_error) == ("due", 1, error.__name__)
    assert row.due_at >= began + timedelta(minutes=2)


def test_a_message_is_undelivered_after_five_tries(smtp):
    tell(make.alice())
    with mail_server("hangs up") as server:
        smtp(server)
        for attempt in range(1, MAX_ATTEMPTS + 3):
            lease_is_over()
            notify.deliver_due()
            assert the_row().state == ("due" if attempt < 5 else "undelivered")
    assert the_row().attempts == 5


def test_each_wait_is_longer_than_the_one_before(smtp):
    tell(make.alice())
    waits = []
    with mail_server("hangs up") as server:
        smtp(server)
        for _ in range(4):
            lease_is_over()
            notify.deliver_due()
            waits.append(round((the_row().due_at - timezone.now()) / timedelta(minutes=1)))
    assert waits == [2, 4, 8, 16]


def test_a_recovered_server_receives_what_waited(smtp):
    tell(make.alice())
    with mail_server("hangs up") as server:
        smtp(server)
        notify.deliver_due()
        server.mood = "welcomes"
        lease_is_over()
        assert notify.deliver_due() == 1
    row = the_row()
    assert (row.state, row.attempts, row.last_error) == ("sent", 2, "")


# When the worker is killed


DELIVER = "import django; django.setup(); from accounts.notify import deliver_due; deliver_due()"


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_has_used_one_try_of_one_message(database_url, mailoutbox):
    tell(make.alice(), make.bob())
    with mail_server("is silent") as server:
        host, port = server.server_address
        backend = "django.core.mail.backends.smtp.EmailBackend"
        where = {"DATABASE_URL": database_url, "EMAIL_BACKEND": backend, "EMAIL_HOST": host, "EMAIL_PORT": str(port)}
        worker = subprocess.Popen([sys.executable, "-c", DELIVER], env=os.environ | where | {"DEMO": "0"})
        is_waiting = server.visited.wait(30)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert is_waiting
    assert sorted(Notification.objects.values_list("attempts", "state")) == [(0, "due"), (1, "due")]
    assert notify.deliver_due() == 1  # the other one: the first is still leased
    lease_is_over()
    assert notify.deliver_due() == 1
    assert (len(mailoutbox), Notification.objects.filter(state="sent").count()) == (2, 2)


def test_a_message_that_kills_its_worker_each_time_is_given_up(mailoutbox):
    tell(make.alice())
    for _ in range(MAX_ATTEMPTS):
        lease_is_over()
        assert notify._claim()  # and the worker dies
    lease_is_over()
    notify.deliver_due()
    assert (the_row().state, mailoutbox) == ("undelivered", [])


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


@pytest.mark.parametrize("topic", Topic)
def test_each_topic_has_its_text(topic):
    tell(make.alice(), topic=topic)
    message = notify.email_for(the_row())
    assert message.subject.startswith("Demande 7\u00a0: ")
    assert message.body.startswith("Bonjour Alice,\n")
    said = [value for name, value in CONTEXT.items() if name not in {"number", "path", *OWN}]
    assert [value for value in said if value not in message.body] == []
    assert {name: CONTEXT[name] in message.body for name in OWN} == {name: topic in OWN[name] for name in OWN}
    assert ("http://127.0.0.1:8000/demandes/7/\n" in message.body) is (topic not in WITHOUT_LINK)
    assert "None" not in message.body and "{" not in message.body


@pytest.mark.parametrize("topic", Topic)
def test_a_subject_says_nothing_of_anybody(topic):
    tell(make.alice(), topic=topic)
    row, other = the_row(), the_row()
    other.user = make.bob()
    other.context = {name: f"autre {value}" for name, value in CONTEXT.items()} | {"number": 7}
    subjects = {notify.email_for(row).subject, notify.email_for(other).subject}
    assert len(subjects) == 1
    assert len(subjects.pop()) < 78


def test_each_text_belongs_to_a_topic():
    texts = {path.stem for path in EMAIL.glob("*.txt") if not path.stem.startswith("_")}
    assert texts == set(Topic)


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
        "hour": "13\u00a0h",
        "path": f"/demandes/{made.pk}/",
    }


def test_the_key_of_a_message_says_nothing_of_anybody():
    tell(make.alice(), event="12")
    key = the_row().dedupe_key
    assert key == f"offered:request:7:12:{make.alice().pk}"
    assert not set(key) & (set(punctuation) - set(":_-"))
