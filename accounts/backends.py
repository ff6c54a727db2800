"""Who has the right password: the same answer and the same work for a name that is known and for one that is not."""

from contextlib import contextmanager
from contextvars import ContextVar

from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password

from accounts import locks, throttling
from accounts.models import User

# What a copy takes along with a temporary password besides ordinary spaces (reliability, F9).
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


_known: ContextVar[User | None] = ContextVar("known", default=None)


@contextmanager
def known(user: User | None):
    """Within it, `get_user` answers with this row when it is the one asked for."""
    token = _known.set(user)
    try:
        yield
    finally:
        _known.reset(token)


class PasswordBackend(ModelBackend):
    """The exact password; a temporary one also without what was pasted around it."""

    def authenticate(self, request, username=None, password=None, **other):
        user = User.objects.filter(username=username.strip().lower(), is_active=True).first()
        # How many hashes depends on what was typed alone, never on the account: time tells nothing (F5).
        found = [_matches(user, candidate) for candidate in dict.fromkeys([password, _bare(password)])]
        is_right = found[0] or (user is not None and user.has_temporary_password and found[-1])
        return user if is_right else None

    def get_user(self, user_id):
        user = _known.get()
        if user is None or user.pk != user_id:
            return super().get_user(user_id)
        return user if self.user_can_authenticate(user) else None


def identify(request, username: str, password: str) -> User | None:
    """The active account of this name and password. Raises Throttled before any hash is computed (F12)."""
    subject, address = username.strip().lower(), throttling.client_address(request)
    # The narrowest first: who is refused here spends neither the account's tries nor the hospital's.
    here = (throttling.SIGN_IN_HERE, f"{subject} {address}")
    wider = [
        (throttling.SIGN_IN_ACCOUNT, subject),
        (throttling.SIGN_IN_DAY, subject),
        (throttling.SIGN_IN_ADDRESS, address),
    ]
    locks.count(subject, [here, *wider])
    user = authenticate(request, username=username, password=password)
    if user is not None:
        # A hospital signs in from one address: who succeeds takes nobody's turn.
        for counted in wider:
            throttling.refund(*counted)
        throttling.forget(*here)
    return user


def _bare(password: str) -> str:
    former = None
    while former != password:
        former, password = password, password.strip().strip(INVISIBLE)
    return password


def _matches(user: User | None, candidate: str) -> bool:
    if user is None:
        make_password(candidate)
        return False
    return user.check_password(candidate)
