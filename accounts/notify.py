"""Telling people things: rows written with the change that causes them, sent by the worker afterwards.

The row and the task that wakes the worker are INSERTs of the caller's transaction: a rolled-back change tells nobody,
a committed one is never forgotten, and a one-minute schedule sweeps whatever the queue lost.
"""

import time
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django_q.tasks import async_task

from accounts.models import Notification, User

MAX_ATTEMPTS = 5
# A claimed row is invisible to other workers for this long: longer than the slowest provider call.
LEASE = timedelta(minutes=2)
# A world built in the past (the demo, an import) is recorded, never sent.
STALE_AFTER = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing one person must know. `event` makes it unique: the same event is never told twice."""

    user: User
    topic: str
    event: str
    context: dict = field(default_factory=dict)


def tell(notices: list[Notice], *, about: str, at) -> None:
    """Record what people must be told about `about` (a plain string such as « request:123 ») and wake the worker."""
    if not notices:
        return
    closed = at < timezone.now() - STALE_AFTER
    Notification.objects.bulk_create(
        [
            Notification(
                user=notice.user,
                topic=notice.topic,
                about=about,
                context=notice.context,
                dedupe_key=f"{notice.topic}:{about}:{notice.event}:{notice.user.pk}",
                state=Notification.State.CLOSED if closed else Notification.State.DUE,
                created_at=at,
                due_at=at,
            )
            for notice in notices
        ],
        ignore_conflicts=True,
    )
    if not closed:
        async_task("accounts.notify.deliver_due")


def withdraw(*, about: str, users=None) -> None:
    """Close what was not sent yet about something that no longer holds (to some `users`, or to everybody)."""
    due = Notification.objects.filter(about=about, state=Notification.State.DUE)
    if users is not None:
        due = due.filter(user__in=users)
    due.update(state=Notification.State.CLOSED)


def deliver_due() -> int:
    """Send what is due; returns how many were sent. Safe to run from several workers at once.

    It stops well before the queue would kill it in the middle of a sending; the next minute's run goes on.
    """
    sent, until = 0, time.monotonic() + settings.Q_CLUSTER["timeout"] / 2
    while time.monotonic() < until and (notification := _claim()):
        sent += _deliver(notification)
    return sent


def _claim() -> Notification | None:
    """Lease the oldest due row, counting the attempt before anything is called: a killed worker has used one try.

    One at a time: behind a server that hangs, the rest of a batch would lose its tries and its lease untried.
    """
    now = timezone.now()
    due = Notification.objects.filter(state=Notification.State.DUE, due_at__lte=now).order_by("due_at", "id")
    with transaction.atomic():
        claimed = due.select_for_update(skip_locked=True, of=("self",)).select_related("user").first()
        if claimed:
            claimed.due_at, claimed.attempts = now + LEASE, claimed.attempts + 1
            claimed.save(update_fields=["due_at", "attempts"])
    return claimed


def _deliver(notification: Notification) -> bool:
    user = notification.user
    # Preferences are read now, not when the row was written: the person may have changed them since.
    if user.email_disabled or not user.email or not user.is_active:
        return _close(notification, Notification.State.CLOSED)
    if notification.attempts > MAX_ATTEMPTS:
        return _close(notification, Notification.State.UNDELIVERED)
    try:
        email_for(notification).send()
    except Exception as error:  # whatever is wrong with one message, the others must leave
        return _postpone(notification, error)
    Notification.objects.filter(pk=notification.pk).update(
        state=Notification.State.SENT, sent_at=timezone.now(), last_error=""
    )
    return True


def _close(notification: Notification, state: str) -> bool:
    Notification.objects.filter(pk=notification.pk, state=Notification.State.DUE).update(state=state)
    return False


def _postpone(notification: Notification, error: Exception) -> bool:
    wait = timedelta(minutes=2**notification.attempts)
    state = Notification.State.UNDELIVERED if notification.attempts >= MAX_ATTEMPTS else Notification.State.DUE
    Notification.objects.filter(pk=notification.pk, state=Notification.State.DUE).update(
        state=state, due_at=timezone.now() + wait, last_error=type(error).__name__
    )
    return False


def email_for(notification: Notification) -> EmailMessage:
    """The message of a row: its topic's template, whose first line is the subject."""
    text = render_to_string(
        f"email/{notification.topic}.txt",
        {"user": notification.user, "base_url": settings.BASE_URL, **notification.context},
    )
    subject, _, body = text.strip().partition("\n")
    return EmailMessage(subject=subject, body=body.strip() + "\n", to=[notification.user.email])
