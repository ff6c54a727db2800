"""The worker's part of telling: it takes what is due, one row at a time, hands it over, and notes what came of it.

A row is claimed and its attempt counted before anything is done, then marked as called just before the provider is
called, both committed: a worker killed at any instant leaves a row that says whether the message may have left.
"""

import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Value, When
from django.utils import timezone

from accounts import mail, outcomes, sms
from accounts.devices import CODE_LIFE, Channel
from accounts.drawn import draw
from accounts.models import Notification, User
from accounts.notify import HURRIED, AccountTopic, channels_for, wake_worker
from accounts.providers import Busy, Failure, Refused, Stopped, Unknown

# A claimed row is invisible to other workers for this long: longer than the slowest provider call.
LEASE = timedelta(minutes=2)
# Seconds that a run lasts before it makes room for the next one: the queue stops between two runs.
SPELL = 2
MAX_ATTEMPTS = 8
# A mail server that is down is waited for: it says nothing of the message.
OUTAGE = timedelta(hours=24)
LONGEST_PAUSE = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
# A message that kills its worker each time is left alone.
MAX_LOST_ATTEMPTS = 3
# What nobody awaits any more; others are worth their eight attempts.
LIVES = {AccountTopic.CODE: CODE_LIFE, AccountTopic.RESET: timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)}
# Nothing needs to be looked up before its news has had time to come by itself.
LOOK_EVERY = timedelta(minutes=3)
# Our clock and the provider's, which counts in whole seconds.
CLOCKS_APART = timedelta(minutes=1)
State = Notification.State


def deliver_due() -> int:
    """Send what is due, then look up what is uncertain; returns how many were sent. Safe from several workers at once.

    It soon makes room for another run, which goes on. A channel whose provider is in trouble is left alone for a
    minute: the rest of its messages would lose their tries.
    """
    sent, until, open_channels = 0, time.monotonic() + SPELL, set(Channel)
    while time.monotonic() < until and (row := _claim(open_channels)):
        sent += _attempt(row, _deliver, open_channels)
    while time.monotonic() < until and (row := _claim_uncertain(open_channels)):
        _attempt(row, _look_up, open_channels)
    if time.monotonic() >= until and _due(open_channels).exists():
        wake_worker()
    return sent


def _attempt(row: Notification, step, open_channels: set) -> bool:
    try:
        return step(row)
    except Failure as failure:
        if failure.is_general:
            open_channels.discard(row.channel)
            _put_off(row.channel)
        return False


@transaction.atomic
def _put_off(channel: str) -> None:
    """Leave alone what waits for a provider in trouble, for a minute and no try: one message pays for all."""
    again_at = timezone.now() + MINUTE
    waiting = _due({channel}).filter(claimed_at=None).select_for_update(skip_locked=True)
    first = When(topic__in=HURRIED, then=Value(again_at - timedelta(seconds=1)))
    Notification.objects.filter(pk__in=waiting.values("pk")).update(due_at=Case(first, default=Value(again_at)))


# Claiming


def _claim(channels) -> Notification | None:
    """Lease the oldest due row, counting the attempt before anything is called: a killed worker has used one try.

    One at a time: behind a server that hangs, the rest of a batch would lose its tries and its lease untried.
    """
    now = timezone.now()
    with transaction.atomic():
        row = _first(_due(channels).filter(*_in_their_order(now)))
        if row:
            # Whoever finished with a row has let go of it: this one's worker was killed.
            row.lost_attempts += row.claimed_at is not None
            row.due_at, row.claimed_at, row.attempts = now + LEASE, now, row.attempts + 1
            row.save(update_fields=["due_at", "claimed_at", "attempts", "lost_attempts"])
    return row


def _claim_uncertain(channels) -> Notification | None:
    """The next text message to look up. A code is not: its text is gone, and whoever awaited it asked for another."""
    if Channel.SMS not in channels:
        return None
    now = timezone.now()
    found = Notification.objects.filter(
        state=State.UNCERTAIN, due_at__lte=now, called_at__isnull=False, channel=Channel.SMS
    )
    with transaction.atomic():
        row = _first(found.exclude(topic=AccountTopic.CODE))
        if row:
            row.due_at = now + LOOK_EVERY
            row.save(update_fields=["due_at"])
    return row


def _due(channels):
    return Notification.objects.filter(state=State.DUE, due_at__lte=timezone.now(), channel__in=channels)


def _in_their_order(now) -> list:
    """A person reads of a request what happened in the order it happened: not while an older message is leaving (C8).

    Nor while one is about to: whoever claims it has not committed yet.
    """
    same = {name: OuterRef(name) for name in ("about", "user", "channel")}
    older = Notification.objects.filter(**same, pk__lt=OuterRef("pk"))
    leaving = older.filter(claimed_at__isnull=False, due_at__gt=now)
    return [~Exists(leaving), ~Exists(older.filter(state=State.DUE, due_at__lte=now))]


def _first(rows) -> Notification | None:
    oldest = rows.order_by("due_at", "id").select_related("user")
    return oldest.select_for_update(skip_locked=True, of=("self",)).first()


# Sending


def _deliver(row: Notification) -> bool:
    """Send a claimed row if it still should be; whether it left. Raises the Failure that it has noted."""
    if row.called_at and not _may_repeat(row):
        return outcomes.uncertain(row, "L’envoi s’est interrompu.", again_at=timezone.now() + LOOK_EVERY)
    if row.lost_attempts >= MAX_LOST_ATTEMPTS:
        return outcomes.undelivered(row, "L’envoi s’est interrompu 3 fois.")
    if why := why_not(row):
        return outcomes.closed(row, why)
    if _is_too_late(row, timezone.now()) or row.attempts > MAX_ATTEMPTS:
        return outcomes.undelivered(row, row.last_error or "Trop tard pour l’envoyer.")
    try:
        hand_over = _written(row)
    except Exception as error:  # whatever is wrong with one message, the others must leave
        return _postpone(row, Busy(f"Message impossible à écrire ({type(error).__name__})."))
    if not hand_over:
        return outcomes.closed(row, "Plus personne ne l’attend.")
    return _mark_called(row) and _call(row, hand_over)


def why_not(row: Notification) -> str:
    """Why a message must not leave now; preferences are those of now, not of when the row was written (C7).

    An empty text when it may.
    """
    if not row.user.is_active:
        return "Compte inactif."
    if not _destination(row):
        return "Aucune adresse pour ce moyen."
    is_silenced = row.user.sms_disabled if row.channel == Channel.SMS else row.user.email_disabled
    return outcomes.SWITCHED_OFF if is_silenced and row.topic not in set(AccountTopic) else ""


def channels_reaching(user: User, topic: str) -> list[Channel]:
    """How a message on `topic` would reach a person if it left now."""
    rows = [Notification(user=user, channel=channel, topic=topic) for channel in channels_for(user, topic)]
    return [Channel(row.channel) for row in rows if not why_not(row)]


def _destination(row: Notification) -> str:
    own = row.user.mobile_phone if row.channel == Channel.SMS else row.user.email
    return row.address or own


def _is_too_late(row: Notification, at) -> bool:
    return row.topic in LIVES and at > row.created_at + LIVES[row.topic]


def _may_repeat(row: Notification) -> bool:
    """Whether a message that may have left may be sent again unseen: an e-mail, once; a text message is looked up."""
    return row.channel == Channel.EMAIL and row.topic != AccountTopic.CODE and row.lost_attempts < 2


def _written(row: Notification):
    """What hands the message over, its secret drawn and its text ready; None when nobody awaits it any more."""
    drawn = draw(row)
    if drawn is None:
        return None
    if row.channel == Channel.EMAIL:
        message = mail.email_for(row, drawn)
        return lambda: mail.send(message)
    to, text, status_url = _destination(row), mail.text_of_sms(row, drawn), outcomes.status_url(row)
    return lambda: sms.send(to, text, status_url=status_url)


def _mark_called(row: Notification) -> bool:
    """Say that the provider is about to be called; False when the row was withdrawn or taken over meanwhile (C8)."""
    row.called_at = timezone.now()
    ours = Notification.objects.filter(pk=row.pk, state=State.DUE, claimed_at=row.claimed_at)
    return bool(ours.update(called_at=row.called_at)) or outcomes.let_go(row)


def _call(row: Notification, hand_over) -> bool:
    try:
        provider_id = hand_over() or ""
    except Stopped as failure:
        outcomes.stopped(row, str(failure))
        raise
    except Refused as failure:
        outcomes.undelivered(row, str(failure))
        raise
    except Busy as failure:
        _postpone(row, failure)
        raise
    except Exception as error:  # the message may have left, whatever broke
        _doubt(row, str(error) if isinstance(error, Unknown) else f"Erreur imprévue ({type(error).__name__}).")
        raise Unknown("") from None
    return outcomes.sent(row, provider_id)


def _postpone(row: Notification, failure: Busy) -> bool:
    """Try again after 1, 2, 4… 60 minutes, or when the provider said; give up after eight attempts (C4, C6)."""
    if failure.is_general and row.channel == Channel.EMAIL:
        return _wait_for_server(row, failure)
    wait = timedelta(seconds=failure.retry_after or 60 * min(2 ** (row.attempts - 1), 60))
    again_at = timezone.now() + wait
    if row.attempts >= MAX_ATTEMPTS or _is_too_late(row, again_at):
        return outcomes.undelivered(row, str(failure))
    return outcomes.due(row, str(failure), again_at=again_at)


def _wait_for_server(row: Notification, failure: Busy) -> bool:
    """Try again for a day, as often as the message is young, and count no try: the server refuses everybody (C6)."""
    now = timezone.now()
    again_at = now + min(max(now - row.created_at, MINUTE), LONGEST_PAUSE)
    if again_at > row.created_at + OUTAGE or _is_too_late(row, again_at):
        return outcomes.undelivered(row, str(failure))
    row.attempts -= 1
    return outcomes.due(row, str(failure), again_at=again_at)


def _doubt(row: Notification, reason: str) -> bool:
    """It may have left (C5)."""
    row.lost_attempts += 1
    again_at = timezone.now() + LOOK_EVERY
    keep = outcomes.due if _may_repeat(row) else outcomes.uncertain
    return keep(row, reason, again_at=again_at)


# Looking up


def _look_up(row: Notification) -> bool:
    """What became of a text message whose sending was cut: found, sent again once, or left for staff to see."""
    # No secret may be drawn anew here (it would replace the one sent); the link of an offer is the same again.
    to, drawn = _destination(row), draw(row)
    if not to or drawn is None:
        return outcomes.given_up(row)
    found = sms.find(to, mail.text_of_sms(row, drawn), since=row.called_at - CLOCKS_APART)
    if found:
        return outcomes.reported(row.pk, *found)
    if row.lost_attempts < 2:
        return outcomes.due_again(row)
    return outcomes.given_up(row)
