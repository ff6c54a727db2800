"""« Détails de l'achèvement » that nobody filled in: their interpreter is reminded after 2 and 7 days (domain.md)."""

from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts import notify
from accounts.alone import alone
from accounts.devices import Channel
from accounts.models import Notification
from accounts.notify import Notice
from requests_app.models import ServiceRequest
from requests_app.notifications import Topic, about, context_of
from requests_app.workflow import ASSIGNED

REMINDERS = (timedelta(days=2), timedelta(days=7))
# A worker that was down for days catches up; what ended before that is the coordinators' business.
LATEST = timedelta(days=14)
# On the clock of Montréal: a text message rings, and nobody fills in a report at night.
FIRST_HOUR, LAST_HOUR = 9, 18


@alone
def remind_due(at: datetime | None = None) -> int:
    """Tell each interpreter of a report that is 2 days late, then 7, once each; returns how many were told.

    The worker calls it each hour; `at` is now unless given.
    """
    at = at or timezone.now()
    if not FIRST_HOUR <= timezone.localtime(at).hour < LAST_HOUR:
        return 0
    due = {_key(row, notice): (row, notice) for row in _waiting(at) for notice in [_notice(row, _due(row, at))]}
    told = Notification.objects.filter(dedupe_key__in=due).values_list("dedupe_key", flat=True)
    new = [due[key] for key in due.keys() - set(told)]
    if new:
        _tell(new, at)
    return len(new)


@transaction.atomic
def _tell(new: list, at: datetime) -> None:
    """All at once: the worker is woken once."""
    for service_request, notice in new:
        notify.tell([notice], about=about(service_request), at=at)


def _waiting(at: datetime):
    """Over, and still reserved: an index leads to them by status and start, which comes before the end."""
    over = at - REMINDERS[0]
    return ServiceRequest.objects.filter(
        status__in=ASSIGNED, starts_at__lt=over, ends_at__gt=at - LATEST, ends_at__lte=over, interpreter__is_active=True
    ).select_related("interpreter", "language")


def times_reminded(rows: list[ServiceRequest]) -> Counter:
    """How many times the interpreter of each of these requests was reminded, by number. One statement."""
    keys = {_key(row, _notice(row, wait)): row.pk for row in rows for wait in REMINDERS}
    found = Notification.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True)
    return Counter(keys[key] for key in found)


def _due(service_request: ServiceRequest, at: datetime) -> timedelta:
    return max(wait for wait in REMINDERS if wait <= at - service_request.ends_at)


def _notice(service_request: ServiceRequest, wait: timedelta) -> Notice:
    context = context_of(service_request)
    return Notice(user=service_request.interpreter, topic=Topic.REMINDER, event=f"{wait.days} days", context=context)


def _key(service_request: ServiceRequest, notice: Notice) -> str:
    """Everybody is told by e-mail, whatever else reaches them."""
    return notify.key_of(notice, about(service_request), Channel.EMAIL)
