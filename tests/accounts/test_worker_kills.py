"""Workers killed at every point that matters: nothing is lost, almost nothing is sent twice (C1, C2, C3, C11)."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from itertools import cycle
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from accounts import notify
from accounts.devices import Channel
from accounts.models import Notification
from accounts.notify import Notice
from requests_app.notifications import Topic
from tests import make, providers
from tests.accounts.test_notify import CONTEXT
from tests.counts import rounds

pytestmark = pytest.mark.django_db(transaction=True)
SMS, EMAIL = Channel.SMS, Channel.EMAIL
POINTS = [
    "before the claim",
    "after the claim",
    "called, before the call",
    "accepted, before the record",
    "after the record",
]


def where_to(twilio, smtp):
    """The settings that lead to the providers of a test."""
    host, port = smtp.server_address
    account = {"TWILIO_ACCOUNT_SID": providers.ACCOUNT, "TWILIO_AUTH_TOKEN": providers.TOKEN}
    return account | {
        "TWILIO_FROM": providers.NUMBER,
        "TWILIO_BASE_URL": twilio.url,
        "EMAIL_HOST": host,
        "EMAIL_PORT": str(port),
    }


@pytest.fixture(scope="module")
def mortals(django_db_setup):
    """The process that makes workers, started once."""
    name = f"/{connection.settings_dict['NAME']}"
    where = {"DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])._replace(path=name).geturl(), "DEMO": "0"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.mortal"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | where | {"QUEUE_TIMEOUT": "60"}, **pipes) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def worker(mortals, twilio, smtp):
    """`worker(point="…")` lets a worker live until it dies there; returns its exit code (-9: it was killed)."""

    def live(**order):
        mortals.stdin.write(json.dumps(order | {"settings": where_to(twilio, smtp)}) + "\n")
        mortals.stdin.flush()
        return int(mortals.stdout.readline())

    return live


def tell(number, channel):
    """Tell Alice something of the request `number`, which its text names."""
    person = make.person("Alice", "interpreter", mobile_phone="+15145550123")
    context = CONTEXT | {"number": number, "path": f"/demandes/{number}/"}
    given = {"user": person, "topic": Topic.OFFERED, "event": str(number), "context": context}
    notify.tell([Notice(**given, channels=(channel,))], about=f"request:{number}", at=timezone.now())


def wait_is_over():
    Notification.objects.filter(state__in=["due", "uncertain"]).update(due_at=timezone.now())


def numbers_received(twilio, smtp):
    """How many times each request was told of."""
    texts = [message["body"] for message in twilio.received] + smtp.texts()
    return Counter(int(re.search(r"/demandes/(\d+)/", text)[1]) for text in texts)


@pytest.mark.long
def test_c1_killed_at_five_points_over_many_messages_nothing_is_lost(worker, twilio, smtp):
    numbers = range(1, rounds("notification") + 1)
    for number in numbers:
        tell(number, SMS if number % 2 else EMAIL)
    deaths = Counter()
    for point in cycle(POINTS):
        # The second time: whoever was hit in the last turn is the first of this one, and goes through.
        if worker(point=point, nth=2) == 0:
            break
        deaths[point] += 1
        wait_is_over()
    assert min(deaths[point] for point in POINTS) >= len(numbers) // 10
    for _ in range(3):
        wait_is_over()
        assert worker() == 0
    received = numbers_received(twilio, smtp)
    assert set(received) == set(numbers)
    assert max(received.values()) <= 2
    assert [number for number, times in received.items() if times > 1 and number % 2] == []
    assert Notification.objects.exclude(state__in=["sent", "delivered"]).count() == 0


@pytest.mark.parametrize("channel", [SMS, EMAIL])
@pytest.mark.parametrize(
    ("point", "state", "times"),
    [
        ("before the claim", "sent", 1),
        ("after the claim", "sent", 1),
        ("called, before the call", "sent", 1),
        ("accepted, before the record", "sent", {SMS: 1, EMAIL: 2}),
        ("after the record", "sent", 1),
    ],
)
def test_c1_killed_once_a_message_arrives(point, state, times, channel, worker, twilio, smtp):
    tell(1, channel)
    assert worker(point=point) == -signal.SIGKILL
    for _ in range(3):
        wait_is_over()
        assert worker() == 0
    expected = times[channel] if isinstance(times, dict) else times
    assert (Notification.objects.get().state, numbers_received(twilio, smtp)[1]) == (state, expected)


def test_c1_the_lease_of_a_killed_worker_is_respected(worker, twilio):
    tell(1, SMS)
    worker(point="after the claim")
    assert (worker(), twilio.visits, Notification.objects.get().attempts) == (0, 0, 1)


def test_c1_an_email_killed_twice_after_the_call_is_left_to_staff(worker, smtp):
    tell(1, EMAIL)
    for _ in range(2):
        assert worker(point="accepted, before the record") == -signal.SIGKILL
        wait_is_over()
    assert (worker(), Notification.objects.get().state, len(smtp.received)) == (0, "uncertain", 2)


def test_c2_a_message_that_kills_its_worker_is_parked_after_three(worker, twilio, smtp):
    for number in (12, 13, 14):
        tell(number, EMAIL)
    codes = []
    for _ in range(5):
        codes.append(worker(point="writing", word="'number': 13"))
        wait_is_over()
    row = Notification.objects.get(about="request:13")
    assert codes == [-9, -9, -9, 0, 0]
    assert (row.state, row.lost_attempts, row.last_error) == ("undelivered", 3, "L’envoi s’est interrompu 3 fois.")
    assert set(numbers_received(twilio, smtp)) == {12, 14}


def test_c2_a_text_message_that_kills_its_worker_when_it_leaves_is_left_to_staff(worker, twilio):
    for number in (12, 13, 14):
        tell(number, SMS)
    codes = []
    for _ in range(6):
        codes.append(worker(point="calling", word="/demandes/13/"))
        wait_is_over()
    assert Counter(codes) == {-9: 2, 0: 4}
    assert dict(Notification.objects.values_list("about", "state")) == {
        "request:12": "sent",
        "request:13": "uncertain",
        "request:14": "sent",
    }


def test_c1_a_text_message_that_may_have_left_is_never_said_to_have_failed(worker, twilio):
    tell(1, SMS)
    for point in ("after the claim", "after the claim", "accepted, before the record"):
        assert worker(point=point) == -signal.SIGKILL
        wait_is_over()
    assert (worker(), Notification.objects.get().state, len(twilio.received)) == (0, "uncertain", 1)


# The whole cluster


@contextmanager
def cluster(database_url, twilio, smtp, **settings):
    """The queue's own processes, in a group of their own that nothing survives."""
    queue = {"DATABASE_URL": database_url, "DEMO": "0", "QUEUE_TIMEOUT": "60", "QUEUE_RETRY": "120"}
    where = os.environ | where_to(twilio, smtp) | queue | settings
    command = [sys.executable, "manage.py", "qcluster"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=where, start_new_session=True, **quiet) as main:
        try:
            yield main
        finally:
            with suppress(ProcessLookupError):
                os.killpg(main.pid, signal.SIGKILL)


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_c11_a_cluster_told_to_stop_stops_within_ten_seconds_and_the_next_one_goes_on(database_url, twilio, smtp):
    tell(1, EMAIL)
    with cluster(database_url, twilio, smtp) as main:
        assert until(lambda: smtp.received, 30)
        main.send_signal(signal.SIGTERM)
        main.wait(10)
    tell(2, SMS)
    with cluster(database_url, twilio, smtp):
        assert until(lambda: twilio.received, 30)
        assert until(lambda: Notification.objects.filter(state="sent").count() == 2, 5)
    assert numbers_received(twilio, smtp) == {1: 1, 2: 1}


@pytest.mark.long
def test_c11_a_full_queue_does_not_hold_back_a_cluster_told_to_stop(database_url, twilio, smtp):
    smtp.feel("is slow")
    for number in range(200):
        tell(number, EMAIL)
    with cluster(database_url, twilio, smtp) as main:
        assert until(lambda: len(smtp.received) > 3, 30)
        main.send_signal(signal.SIGTERM)
        main.wait(10)
    assert Notification.objects.filter(state="due").count() > 20
    assert set(numbers_received(twilio, smtp).values()) == {1}


@pytest.mark.long
def test_c3_another_key_loses_the_queue_and_no_message(database_url, twilio, smtp):
    tell(1, EMAIL)
    assert OrmQ.objects.count() == 1
    with cluster(database_url, twilio, smtp, SECRET_KEY="another key"):
        assert until(lambda: smtp.received, 120)
