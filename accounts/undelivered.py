"""What did not arrive, for those who can do something about it: coordinators and administrators."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import notify, worker
from accounts.delivery import Notification
from accounts.devices import Channel
from accounts.models import AccountEvent, User
from accounts.notify import AccountTopic
from accounts.roles import Role
from accounts.services import record
from accounts.topics import subject_of

READERS = frozenset({Role.COORDINATOR, Role.ADMINISTRATOR})
NOT_DELIVERED = (Notification.State.UNCERTAIN, Notification.State.UNDELIVERED)
# Their secret is dead, and whoever needs another one asks for it; an invitation has « Renvoyer l'accès ». The notice of
# a changed number was for the former one, which is kept nowhere.
NOT_RESENT = frozenset({AccountTopic.CODE, AccountTopic.RESET, AccountTopic.INVITATION, AccountTopic.CONTACT_CHANGED})
PAGE = 50
RECENT = timedelta(days=7)
# Past this, a count says « 100+ ».
MOST = 100


class NotResent(Exception):
    """The message arrived meanwhile, is on its way again, no longer holds, or is not one to send again."""


def page_after(instant: datetime | None, pk: int) -> list[Notification]:
    """At most PAGE + 1 messages that did not arrive, newest first, older than the one of (`instant`, `pk`)."""
    rows = Notification.objects.filter(state__in=NOT_DELIVERED).select_related("user")
    if instant:
        rows = rows.filter(Q(created_at__lt=instant) | Q(created_at=instant, pk__lt=pk))
    return list(rows.order_by("-created_at", "-pk")[: PAGE + 1])


def emails_beside(rows: list[Notification]) -> dict[str, Notification]:
    """By key of a text message that did not arrive, the e-mail of the same event, when there is one."""
    keys = {notify.email_key(row.dedupe_key): row.dedupe_key for row in rows if row.channel == Channel.SMS}
    return {keys[email.dedupe_key]: email for email in Notification.objects.filter(dedupe_key__in=keys)}


def recent(at: datetime) -> QuerySet[Notification]:
    """Those of the last 7 days."""
    return Notification.objects.filter(state__in=NOT_DELIVERED, created_at__gt=at - RECENT)


def may_resend(notification: Notification) -> bool:
    """Whether it still holds, is no secret, and would leave: the person may refuse this channel by now."""
    is_sendable = notification.topic not in NOT_RESENT and notification.withdrawn_at is None
    return is_sendable and not worker.why_not(notification)


@transaction.atomic
def resend(notification: Notification, *, by: User, at: datetime) -> None:
    """« Renvoyer », written in the person's history. Raises NotResent."""
    if not may_resend(notification) or not notify.send_again(notification, at=at):
        raise NotResent
    detail = f"{subject_of(notification)} ({notification.get_channel_display()})"
    record(notification.user, AccountEvent.Kind.RESENT, by=by, at=at, detail=detail[:120])
