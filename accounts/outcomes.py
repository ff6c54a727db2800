"""What comes of a notification. News only moves a row forward: what has arrived is never « à envoyer » again (C9).

Each function returns whether the message has left. `reason` is French, for staff, and names nobody.
"""

from datetime import datetime

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import services, sms
from accounts.devices import Channel
from accounts.models import AccountEvent, Notification, User
from accounts.notify import AccountTopic, email_key, wake_worker

State = Notification.State
SWITCHED_OFF = "La personne a désactivé ce moyen."
_RELEASED = {"claimed_at": None, "called_at": None}
# Twilio's words for what becomes of a message; all the others mean that it has it.
_STATES = dict.fromkeys(["delivered", "read"], State.DELIVERED)
_STATES |= dict.fromkeys(["undelivered", "failed", "canceled"], State.UNDELIVERED)
# From where a row may come to each state.
_BEFORE = {
    State.SENT: {State.DUE, State.UNCERTAIN},
    State.DELIVERED: {State.DUE, State.UNCERTAIN, State.SENT},
    State.UNDELIVERED: {State.DUE, State.UNCERTAIN, State.SENT},
}
_SALT = "accounts.sms_status"


def _move(row: Notification, *states, **fields) -> bool:
    return bool(Notification.objects.filter(pk=row.pk, state__in=states).update(**fields)) or let_go(row)


def let_go(row: Notification) -> bool:
    """It was withdrawn or taken over: keep it no more from what follows about the same request. Always False."""
    if row.claimed_at:
        Notification.objects.filter(pk=row.pk, claimed_at=row.claimed_at).update(claimed_at=None)
    return False


# After a try


def sent(row: Notification, provider_id: str = "") -> bool:
    """The provider has taken it, even if it was withdrawn in that instant."""
    fields = {"state": State.SENT, "sent_at": timezone.now(), "provider_id": provider_id}
    # Its news may have come first: then the row is further already.
    _move(row, State.DUE, State.UNCERTAIN, State.CLOSED, **fields, address="", last_error="", **_RELEASED)
    if row.channel == Channel.SMS and not row.address:
        # They answered « START » since: their telephone takes our messages again.
        User.objects.filter(pk=row.user_id, sms_stopped_at__isnull=False).update(sms_stopped_at=None)
    return True


def closed(row: Notification, reason: str) -> bool:
    """It must not leave."""
    _move(row, State.DUE, state=State.CLOSED, last_error=reason, address="", **_RELEASED)
    return False


def due(row: Notification, reason: str, *, again_at: datetime) -> bool:
    """It is to be tried again."""
    fields = {"due_at": again_at, "last_error": reason, "attempts": row.attempts, "lost_attempts": row.lost_attempts}
    _move(row, State.DUE, **fields, **_RELEASED)
    return False


def due_again(row: Notification) -> bool:
    """It was looked up and not found; staff may have sent it again, or it was withdrawn, meanwhile."""
    looked_up = Notification.objects.filter(pk=row.pk, state=State.UNCERTAIN, called_at=row.called_at)
    looked_up.update(state=State.DUE, due_at=timezone.now(), **_RELEASED)
    return False


def uncertain(row: Notification, reason: str, *, again_at: datetime) -> bool:
    """It may have left; `called_at` stays, to look it up from. A code is not: its text is gone."""
    address = "" if row.topic == AccountTopic.CODE else row.address
    fields = {"due_at": again_at, "last_error": reason, "lost_attempts": row.lost_attempts, "address": address}
    _move(row, State.DUE, state=State.UNCERTAIN, claimed_at=None, **fields)
    return False


def given_up(row: Notification) -> bool:
    """Nothing more will be looked up: it stays « incertain », and staff see it."""
    _move(row, State.UNCERTAIN, called_at=None, address="")
    return False


@transaction.atomic
def undelivered(row: Notification, reason: str) -> bool:
    """It will not arrive by this channel; the e-mail of the same event must."""
    if _move(row, *_BEFORE[State.UNDELIVERED], state=State.UNDELIVERED, last_error=reason, address="", **_RELEASED):
        _fall_back(row)
    return False


@transaction.atomic
def stopped(row: Notification, reason: str) -> bool:
    """« STOP » was answered: no text message any more, and the profile says so."""
    user = User.objects.select_for_update(no_key=True).get(pk=row.user_id)
    if not row.address and not user.sms_stopped_at:
        user.sms_disabled, user.sms_stopped_at = True, timezone.now()
        user.save(update_fields=["sms_disabled", "sms_stopped_at"])
        by, at = User.objects.system(), user.sms_stopped_at
        services.record(user, AccountEvent.Kind.SMS_STOPPED, by=by, at=at)
    return undelivered(row, reason)


def _fall_back(row: Notification) -> None:
    """Have the e-mail of the same event sent, unless it was; the person's box is read when it leaves."""
    if row.channel != Channel.SMS or row.topic == AccountTopic.CODE or row.withdrawn_at:
        return
    now = timezone.now()
    given = {"user": row.user, "topic": row.topic, "about": row.about, "context": row.context}
    key = email_key(row.dedupe_key)
    email, is_new = Notification.objects.get_or_create(
        dedupe_key=key, defaults={**given, "channel": Channel.EMAIL, "created_at": now, "due_at": now}
    )
    if is_new or _reopen(email, now):
        wake_worker()


def _reopen(email: Notification, at: datetime) -> bool:
    silenced = Notification.objects.filter(pk=email.pk, state=State.CLOSED, last_error=SWITCHED_OFF)
    return bool(silenced.update(state=State.DUE, due_at=at, last_error="", attempts=0))


# News from the provider


def status_url(row: Notification) -> str:
    """Where news of a text message comes; the signed number finds a row that has no SID yet."""
    token = signing.dumps(row.pk, salt=_SALT)
    return settings.BASE_URL + reverse("accounts:sms_status", kwargs={"token": token})


def news(token: str, provider_id: str, status: str, code: str) -> None:
    """Take note of what the provider says at `status_url`; what is unknown or late changes nothing."""
    try:
        pk = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return
    if 0 < len(provider_id) <= 64:
        reported(pk, provider_id, status, code)


@transaction.atomic
def reported(pk: int, provider_id: str, status: str, code: str = "") -> bool:
    """Move a text message forward to what its provider says of it; `code` is Twilio's, when it failed."""
    row = Notification.objects.select_for_update().filter(pk=pk, provider_id__in=["", provider_id]).first()
    state = _STATES.get(status, State.SENT)
    if row is None or row.channel != Channel.SMS or row.state not in _BEFORE[state] or _is_of_former_try(row, state):
        return False
    known = {"provider_id": provider_id, "sent_at": row.sent_at or timezone.now()}
    if state != State.UNDELIVERED:
        return _move(row, row.state, state=state, address="", last_error="", **known, **_RELEASED)
    _move(row, row.state, **known)
    # What is about the account may go to another number than its own, and which one is kept nowhere.
    is_stop = code == str(sms.STOP) and row.topic not in set(AccountTopic)
    return (stopped if is_stop else undelivered)(row, sms.reason(code))


def _is_of_former_try(row: Notification, state: State) -> bool:
    """A row that waits for another try is not concerned by news of a former one, unless the message has arrived.

    One that was looked up in vain may at last have been taken: it is not sent twice.
    """
    is_waiting = row.state == State.DUE and row.called_at is None
    return is_waiting and (state == State.UNDELIVERED or (state == State.SENT and not row.lost_attempts))
