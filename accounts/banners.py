"""What a person is reminded of on every page, read from the account already loaded: no statement."""

from datetime import datetime, timedelta

from accounts.models import User
from accounts.roles import Role

# « Plus tard » is heard for that long.
SNOOZE = timedelta(days=7)
_INVITED_ROLES = {Role.INTERPRETER, Role.REQUESTER}


def is_silenced(user: User) -> bool:
    """Whether no notification reaches the person any more (FAQ, « désactiver les 2 notifications »; ruling 9)."""
    is_texted = user.role == Role.INTERPRETER and user.mobile_phone and not user.sms_disabled
    return user.email_disabled and not is_texted


def is_invited(user: User, at: datetime) -> bool:
    """Whether the second factor is suggested now: the BI has one, others may wait (ruling 8)."""
    is_due = user.invited_again_at is None or user.invited_again_at <= at
    return user.role in _INVITED_ROLES and not user.second_factor and is_due
