"""What is counted against an account, and the line in its history when it locks a step."""

from django.utils import timezone

from accounts import services, throttling
from accounts.models import AccountEvent, User
from accounts.throttling import Throttled


def count(username: str, limits: list[tuple]) -> None:
    """`throttling.count_all`, for an account that may not exist. Raises Throttled.

    One line when a lock begins, never one for each guess.
    """
    try:
        throttling.count_all(limits)
    except Throttled as error:
        if error.is_first and error.limit.history:
            _record(username, error.limit.history)
        raise


def _record(username: str, detail: str) -> None:
    user = User.objects.filter(username=username).first()
    if user:
        refused = AccountEvent.Kind.REFUSED
        services.record(user, refused, by=User.objects.system(), at=timezone.now(), detail=detail)
