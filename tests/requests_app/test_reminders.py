"""Whoever does not fill in « Détails de l'achèvement » is reminded: after 2 days, after 7, by day, once each."""

from datetime import UTC, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from accounts import notify
from accounts.models import Notification, User
from accounts.notify import STALE_AFTER
from requests_app import reminders, services
from requests_app.reminders import remind_due
from requests_app.workflow import Status
from tests import make
from tests.make import HOUR, MICROSECOND, NOW, START, local
from tests.pages import copies

pytestmark = pytest.mark.django_db
# A Thursday, 14 h 30; the clocks of Montréal change before the second reminder.
END = (START + make.LENGTH).astimezone(UTC)
DAY = timedelta(days=1)


def told(user=None) -> list:
    """Which reminders somebody got, by e-mail; each also goes by SMS."""
    rows = Notification.objects.filter(topic="reminder", channel="email", user=user or make.alice())
    return [key.split(":")[3] for key in rows.order_by("pk").values_list("dedupe_key", flat=True)]


@pytest.mark.parametrize("status", [Status.RESERVED, Status.MODIFIED])
def test_a_report_two_days_late_is_asked_for_by_e_mail_and_by_sms(status):
    made = make.request(status)
    assert remind_due(made.ends_at + 2 * DAY) == 1
    asked = Notification.objects.filter(topic="reminder").values_list("user__first_name", "channel", "about")
    assert sorted(asked) == [("Alice", "email", f"request:{made.pk}"), ("Alice", "sms", f"request:{made.pk}")]


def test_not_a_moment_before():
    make.reserved()
    assert remind_due(END + 2 * DAY - MICROSECOND) == 0
    assert remind_due(END + 2 * DAY) == 1


def test_each_reminder_is_sent_once_however_often_the_worker_looks():
    make.reserved()
    assert [remind_due(END + 2 * DAY + hours * HOUR) for hours in (0, 1, 2, 24, 48)] == [1, 0, 0, 0, 0]
    assert [remind_due(END + 7 * DAY + hours * HOUR) for hours in (0, 1, 24)] == [1, 0, 0]
    assert told() == ["2 days", "7 days"]


def test_a_worker_that_was_down_for_days_catches_up_with_the_last_reminder_alone():
    make.reserved()
    assert [remind_due(END + 9 * DAY), remind_due(END + 10 * DAY)] == [1, 0]
    assert told() == ["7 days"]


def test_what_ended_long_ago_is_left_to_the_coordinators():
    make.reserved()
    assert remind_due(END + 14 * DAY) == 0


@pytest.mark.parametrize(
    ("hour", "reminded"), [("03:00", 0), ("08:59", 0), ("09:00", 1), ("17:59", 1), ("18:00", 0), ("23:30", 0)]
)
def test_nobody_is_written_to_at_night(hour, reminded):
    make.reserved()
    assert remind_due(local(f"2025-03-09 {hour}")) == reminded


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.RESERVED, Status.MODIFIED}))
def test_nobody_is_asked_for_a_report_that_is_filed_or_that_nobody_owes(status):
    make.request(status)
    assert remind_due(END + 2 * DAY) == 0


def test_whoever_left_is_not_reminded():
    made = make.reserved()
    User.objects.filter(pk=made.interpreter_id).update(is_active=False)
    assert remind_due(END + 2 * DAY) == 0


def test_whoever_is_booked_after_the_fact_is_reminded_too():
    made = make.reserved()
    remind_due(END + 2 * DAY)
    services.reassign(made, make.bob(), by=make.coordinator(), at=END + 2 * DAY, note="Entente")
    assert remind_due(END + 3 * DAY) == 1
    assert (told(make.alice()), told(make.bob())) == (["2 days"], ["2 days"])


@pytest.mark.parametrize("filer", [make.alice, make.coordinator])
def test_a_report_filed_before_the_reminder_left_takes_it_back(filer):
    at = timezone.now().replace(hour=16)
    made = make.reserved(at=at - 9 * DAY, starts_at=at - 3 * DAY)
    remind_due(at)
    services.report(made, is_rendered=True, by=filer(), at=at, note="Dit au téléphone.")
    states = Notification.objects.filter(topic="reminder").values_list("state", flat=True)
    assert (at > timezone.now() - STALE_AFTER, set(states)) == (True, {"closed"})


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_woken_once_for_all_the_reminders(monkeypatch):
    monkeypatch.setattr(notify, "STALE_AFTER", timedelta(days=9999))
    make.reserved(), make.reserved(make.bob())
    OrmQ.objects.all().delete()
    assert (remind_due(END + 2 * DAY), OrmQ.objects.count()) == (2, 1)


def test_when_everybody_was_told_looking_takes_two_statements_and_its_lock(django_assert_num_queries):
    make.reserved()
    remind_due(END + 2 * DAY)
    with django_assert_num_queries(4):
        remind_due(END + 2 * DAY)


def test_an_index_leads_to_those_who_are_late():
    late, filed = make.reserved(), make.completed(make.bob(), at=NOW - 40 * DAY, starts_at=START - 30 * DAY)
    copies(filed, 3000, every=HOUR)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE requests_app_servicerequest")
    waiting = reminders._waiting(END + 2 * DAY)
    assert list(waiting) == [late]
    assert "request_list_of_" in waiting.explain()
    assert "Seq Scan on requests_app_servicerequest" not in waiting.explain()
