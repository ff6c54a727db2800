"""What people do to their own account from « Profil de l'utilisateur », and how they ask to come back into it."""

import secrets
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts import mfa, notify, services
from accounts.banners import SNOOZE
from accounts.devices import Channel, CodeDevice
from accounts.models import AccountEvent, User
from accounts.notify import AccountTopic, Notice

# Of one person: the accounts that share an address.
MOST_ACCOUNTS = 5


@transaction.atomic
def ask_reset(name: str, *, at: datetime) -> None:
    """« J'ai oublié mon mot de passe »: a link to each account of this identifiant or address (some have two).

    The same statements for a name nobody has: the system is told, of nothing. The worker draws the link, or closes the
    row when the account may not be reset (accounts/drawn.py).
    """
    system, event = User.objects.system(), secrets.token_hex(8)
    found = User.objects.filter(Q(username=name) | Q(email__iexact=name)).order_by("pk")[:MOST_ACCOUNTS]
    notices = [
        Notice(user=user, topic=AccountTopic.RESET, event=event, channels=(Channel.EMAIL,))
        for user in list(found) or [system]
    ]
    notify.tell(notices, about="reset", at=at)


def ask_contact(user: User, channel: Channel, address: str, *, client: str) -> tuple[CodeDevice, str]:
    """Send a code to a new number or e-mail address; nothing changes before it comes back (reliability, F11).

    Returns the destination and the challenge the session must keep. Raises Throttled.
    """
    # Before anything changes: the code already on its way stays good.
    if refusal := mfa.refusal_of_code(user, channel):
        raise refusal
    device = mfa.await_address(user, channel, address)
    return device, mfa.send_code(device, address=client)


@transaction.atomic
def confirm_contact(device: CodeDevice, *, at: datetime, keep: str | None = None) -> None:
    """The code came back: the number or address becomes the account's, and other sessions end."""
    user, field = device.user, "mobile_phone" if device.channel == Channel.SMS else "email"
    services.change_contact(user, by=user, at=at, **{field: device.address})
    services.end_sessions(user, keep=keep)


def choose_notifications(user: User, **boxes: bool) -> None:
    """`sms_disabled`, `email_disabled` (FAQ, « activer et désactiver les notifications »; ruling 9).

    Unticking the SMS box after « STOP » tries again: without « START » the provider refuses, and it is ticked again.
    """
    stopped = {} if boxes.get("sms_disabled", True) else {"sms_stopped_at": None}
    User.objects.filter(pk=user.pk).update(**boxes, **stopped)


def choose_shortcuts(user: User, *, uses_shortcuts: bool) -> None:
    """« Raccourcis clavier » on the board (WCAG 2.1.4: off until a person asks for them)."""
    User.objects.filter(pk=user.pk).update(uses_shortcuts=uses_shortcuts)


def snooze(user: User, *, at: datetime) -> None:
    """« Plus tard »: the invitation to protect the account comes back in 7 days."""
    User.objects.filter(pk=user.pk).update(invited_again_at=at + SNOOZE)


@transaction.atomic
def end_other_sessions(user: User, *, at: datetime, keep: str) -> None:
    """« Fermer les autres sessions »: wherever else the account is open, and the browsers that need no code."""
    services.end_sessions(user, keep=keep)
    services.record(user, AccountEvent.Kind.SESSIONS_ENDED, by=user, at=at)
