"""Between the password and the session: what a browser that is signing in has shown so far.

Nothing is open yet. The session keeps {user, until, next, challenge, method} and what ties them to the password; the
same words serve somebody signed in who adds a second factor.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import django_otp
from django.contrib.auth import login
from django.utils.crypto import constant_time_compare

from accounts import browsers, mfa, services, sessions
from accounts.devices import RecoveryDevice, SecondFactor
from accounts.models import AccountEvent, User

KEY = "sign_in"
LIFE = 600  # seconds after the last step that succeeded


@dataclass
class Attempt:
    user: User
    session: object
    is_open: bool  # somebody signed in already, who adds a second factor

    def get(self, name: str) -> str:
        return self.session.get(KEY, {}).get(name, "")

    def keep(self, **values) -> None:
        """Remember more of this attempt, which has LIFE again; a password just chosen does not end it."""
        until, proof = time.time() + LIFE, self.user.get_session_auth_hash()
        known = {"user": self.user.pk, "until": until, "proof": proof}
        self.session[KEY] = self.session.get(KEY, {}) | values | known

    def end(self) -> None:
        self.session.pop(KEY, None)

    @property
    def owes_password(self) -> bool:
        """Whether it began with a temporary password, which opens only the page that replaces it (ruling 10)."""
        return not self.is_open and self.user.has_temporary_password

    @cached_property
    def recovery(self) -> RecoveryDevice | None:
        """Read once a request."""
        return mfa.recovery_of(self.user)

    @cached_property
    def ways(self) -> list[str]:
        """`mfa.methods`, and the recovery codes while some are left; read once a request."""
        return [*mfa.methods(self.user), *([mfa.RECOVERY] if self.recovery else [])]

    @property
    def has_none(self) -> bool:
        """Whether no second factor works now: the person has chosen none, or what they chose is gone."""
        return not (self.user.second_factor and self.ways)

    @property
    def next(self) -> str:
        return self.get("next") or "/"


def begin(request, user: User, *, next_page: str) -> Attempt:
    """After the right password: another session id, and nothing kept of whoever was there before.

    A code already on its way to the same person, asked from this browser, stays good.
    """
    former = request.session.get(KEY, {})
    asked = {name: former[name] for name in ("challenge", "method") if former.get("user") == user.pk and name in former}
    request.session.flush()
    attempt = Attempt(user, request.session, is_open=False)
    attempt.keep(next=next_page, **asked)
    return attempt


def current(request) -> Attempt | None:
    """The attempt of this browser, while it holds; or the session of somebody signed in who owes nothing."""
    if request.user.is_authenticated:
        owes = request.user.must_verify and django_otp.DEVICE_ID_SESSION_KEY not in request.session
        return None if owes else Attempt(request.user, request.session, is_open=True)
    state = request.session.get(KEY, {})
    if state.get("until", 0) < time.time():
        return None
    user = User.objects.filter(pk=state["user"], is_active=True).first()
    # « Renvoyer l'accès », a reset, another password: the attempt that began before is over.
    if user is None or not constant_time_compare(state["proof"], user.get_session_auth_hash()):
        return None
    return Attempt(user, request.session, is_open=False)


def admit(request, attempt: Attempt, *, at: datetime, by: str, device=None, factor: SecondFactor | None = None) -> str:
    """The one place where a session opens, or is raised by a second factor: its id changes, whatever was shown.

    `by` says how, for the history; `factor` is what the person chose and will be asked next time. Returns the page
    they asked for.
    """
    user, following = attempt.user, attempt.next
    attempt.end()
    if attempt.is_open:
        request.session.cycle_key()
        django_otp.login(request, device)
    else:
        _open(request, user, device=device, at=at, by=by)
    if factor:
        services.choose_factor(user, factor, at=at, keep=request.session.session_key)
    if device and user.reset_at:
        user.reset_at = None
        user.save(update_fields=["reset_at"])
    return following


def _open(request, user: User, *, device, at: datetime, by: str) -> None:
    if device:
        user.otp_device = device
    login(request, user)
    sessions.begin(request.session, browser=browsers.describe(request))
    services.record(user, AccountEvent.Kind.SIGNED_IN, by=user, at=at, detail=by)
