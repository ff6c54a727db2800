"""Telling people things: rows written with the change that causes them, sent by the worker afterwards.

The row and the task that wakes the worker are INSERTs of the caller's transaction: a rolled-back change tells nobody,
a committed one is never forgotten, and a one-minute schedule sweeps whatever the queue lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from django.db import connection, transaction
from django.db.models import Case, Exists, F, OuterRef, Value, When
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils import timezone
from django_q.models import Failure
from django_q.tasks import async_task

from accounts.devices import Channel
from accounts.models import Notification, User
from accounts.roles import Role

# A world built in the past (the demo, an import) is recorded, never sent.
STALE_AFTER = timedelta(hours=24)
# Whoever waits in front of a page passes before those who read their messages tonight.
AHEAD = timedelta(days=1)
KEPT, FAILURES_KEPT = timedelta(days=365), timedelta(days=7)
# What is forgotten at once, and how many times a night: within the time the queue gives a task.
BATCH, BATCHES = 1000, 50
State = Notification.State


class AccountTopic(StrEnum):
    """What is told about the account itself: never silenced by the two boxes of the profile (ruling 9)."""

    INVITATION = "invitation"
    CODE = "code"
    RESET = "reset"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (the name of a text)
    CONTACT_CHANGED = "contact_changed"
    FACTOR_CHANGED = "factor_changed"


HURRIED = frozenset({AccountTopic.CODE, AccountTopic.RESET})


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing one person must know. `event` makes it unique: the same event is never told twice.

    By the `channels` given, else by those of the person and the topic; to the account's own number and address, or to
    `address` (the former one, after a change).
    """

    user: User
    topic: str
    event: str
    context: dict = field(default_factory=dict)
    channels: Sequence[str] | None = None
    address: str = ""


def tell(notices: list[Notice], *, about: str, at: datetime) -> None:
    """Record what people must be told about `about` (a plain string such as « request:123 ») and wake the worker."""
    if not notices:
        return
    closed = at < timezone.now() - STALE_AFTER
    Notification.objects.bulk_create(
        [
            Notification(
                user=notice.user,
                channel=channel,
                address="" if closed else notice.address,
                topic=notice.topic,
                about=about,
                context=notice.context,
                dedupe_key=key_of(notice, about, channel),
                state=State.CLOSED if closed else State.DUE,
                created_at=at,
                due_at=at - AHEAD if notice.topic in HURRIED else at,
            )
            for notice in notices
            for channel in notice.channels or channels_for(notice.user, notice.topic)
        ],
        ignore_conflicts=True,
    )
    if not closed:
        wake_worker()


def wake_worker() -> None:
    """Wake the worker once a transaction, however many are told.

    What remembers it follows the fate of the task itself: both go with a savepoint that is rolled back.
    """
    if not any(function is _woken for _, function, _ in connection.run_on_commit):
        async_task("accounts.notify.deliver_due")
        transaction.on_commit(_woken)


def _woken() -> None:
    """A mark among what is to be done at the commit: the worker needs no second call."""


def deliver_due() -> int:
    """What the queue and the schedule call; the worker's part knows the services, which know this module."""
    from accounts import worker

    return worker.deliver_due()


def key_of(notice: Notice, about: str, channel: str) -> str:
    """What makes a row unique: the same event is told once to a person by a channel."""
    return f"{notice.topic}:{about}:{notice.event}:{notice.user.pk}:{channel}"


def email_key(key: str) -> str:
    """The key of the e-mail that goes with the text message of `key`."""
    return key.removesuffix(f":{Channel.SMS}") + f":{Channel.EMAIL}"


def channels_for(user: User, topic: str) -> list[Channel]:
    """Interpreters are on the road: what has a text in templates/sms/ also reaches them there. Others read e-mail."""
    return [Channel.SMS, Channel.EMAIL] if user.role == Role.INTERPRETER and has_sms(topic) else [Channel.EMAIL]


@cache
def has_sms(topic: str) -> bool:
    try:
        get_template(f"sms/{topic}.txt")
    except TemplateDoesNotExist:
        return False
    return True


def told_recently(user: User, topics: Sequence[str], *, since: datetime, unless: Sequence[str] = ()) -> list[tuple]:
    """The (topic, context) of what a person was told of `topics` after `since`, newest first, whether or not it left.

    The e-mail's row is written even for who receives nothing. What was said again under a topic of `unless` later
    holds no more. One statement.
    """
    mine = Notification.objects.filter(user=user, channel=Channel.EMAIL, created_at__gt=since)
    later = mine.filter(topic__in=[*topics, *unless], about=OuterRef("about"), pk__gt=OuterRef("pk"))
    told = mine.filter(~Exists(later), topic__in=topics).order_by("-created_at", "-pk")
    return list(told.values_list("topic", "context"))


def withdraw(*, about: str, users=None, but: Sequence[str] = ()) -> None:
    """Close what was not sent yet about something that no longer holds (to some `users`, or to everybody).

    What did not arrive stays where staff see it, and leaves no more. The topics of `but` still hold.
    """
    outdated = Notification.objects.filter(about=about).exclude(topic__in=but)
    _withdraw(outdated if users is None else outdated.filter(user__in=users))


def withdraw_all(user: User) -> None:
    """Whoever has left is told nothing more, of anything."""
    _withdraw(Notification.objects.filter(user=user))


def _withdraw(outdated) -> None:
    state = Case(When(state=State.DUE, then=Value(State.CLOSED)), default=F("state"))
    # One statement: a row that goes from one state to another meanwhile is not missed.
    unfinished = outdated.filter(state__in=[State.DUE, State.UNCERTAIN, State.UNDELIVERED])
    unfinished.update(state=state, withdrawn_at=timezone.now(), called_at=None, address="")


def refresh(*, about: str, topic: str, context: dict) -> None:
    """Have what was not sent yet say `context`: it still holds, and what it speaks of has changed."""
    Notification.objects.filter(about=about, topic=topic, state=State.DUE, called_at=None).update(context=context)


def refresh_whole(*, about: str, of: str, contexts: dict[int, dict]) -> set[int]:
    """Have every message about `about` whose context says `of` = a key of `contexts` say that context; those refreshed.

    All the messages of a key or none: none when one of them may have left, or there is none. A worker that holds a
    row has read it: that one says the former words. Two statements whatever the number of keys.
    """
    told = Notification.objects.filter(about=about, **{f"context__{of}__in": list(contexts)})
    rows = list(told.exclude(state=State.CLOSED).select_for_update().order_by("pk"))
    left = {row.context[of] for row in rows if row.state != State.DUE or row.claimed_at is not None}
    waiting = [row for row in rows if row.context[of] not in left]
    for row in waiting:
        row.context = contexts[row.context[of]]
    Notification.objects.bulk_update(waiting, ["context"])
    return {row.context[of] for row in waiting}


def send_again(notification: Notification, *, at: datetime) -> bool:
    """« Renvoyer »: try a message that did not arrive as if for the first time. False when it has since arrived.

    Never a code nor an access: whoever awaits one asks for it. The link of an offer is drawn again as it leaves.
    """
    fresh = {"attempts": 0, "lost_attempts": 0, "claimed_at": None, "called_at": None, "provider_id": ""}
    waiting = Notification.objects.filter(pk=notification.pk, state__in=[State.UNCERTAIN, State.UNDELIVERED])
    waiting = waiting.filter(withdrawn_at=None)
    with transaction.atomic():
        is_due = waiting.update(state=State.DUE, due_at=at, last_error="", **fresh)
        if is_due:
            wake_worker()
    return bool(is_due)


def forget_old(at: datetime | None = None) -> int:
    """Forget what was told 12 months ago, and the tasks that failed a week ago; returns how many messages.

    The worker calls it each night; `at` is now unless given.
    """
    at = at or timezone.now()
    Failure.objects.filter(stopped__lt=at - FAILURES_KEPT).delete()
    old = Notification.objects.filter(created_at__lt=at - KEPT).exclude(state=State.DUE).order_by("pk")
    forgotten = 0
    for _ in range(BATCHES):
        count, _ = Notification.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()
        forgotten += count
        if count < BATCH:
            break
    return forgotten
