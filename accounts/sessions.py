"""Sessions in the database that know whose they are (settings.SESSION_ENGINE): Django's own recipe.

30 minutes without a page end a session, 12 hours end it whatever happens (reliability, F8).
"""

import time
from datetime import UTC, datetime, timedelta

from django.contrib import auth
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from accounts import backends

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
RECENT = timedelta(minutes=10)


class SessionStore(DatabaseStore):
    # Whose it is, read with it in one statement (`user_of`).
    owner = None

    @classmethod
    def get_model_class(cls):
        from accounts.models import Session

        return Session

    def _get_session_from_db(self):
        found = self.model.objects.select_related("user")
        held = found.filter(session_key=self.session_key, expire_date__gt=timezone.now())
        # A cookie says what it likes: the database refuses some of it (NUL).
        row = held.first() if self.session_key.isascii() and self.session_key.isalnum() else None
        if row is None:
            self._session_key = None
            return None
        self.owner = row.user
        return row

    def create_model_instance(self, data):
        row = super().create_model_instance(data)
        row.user_id, row.label = data.get(SESSION_KEY), data.get("browser", "")
        signed_in_at = data.get("signed_in_at")
        if signed_in_at:
            row.signed_in_at = datetime.fromtimestamp(signed_in_at, UTC)
            # Each saving counts the idle time anew: near the end, that would go past the 12 hours.
            row.expire_date = min(row.expire_date, row.signed_in_at + ABSOLUTE)
        return row


def user_of(request):
    """The person a request comes from, as Django verifies it, without asking the database for them a second time."""
    request.session.get(SESSION_KEY)  # reads the row
    with backends.known(request.session.owner):
        return auth.get_user(request)


def begin(session, *, browser: str) -> None:
    """Start both clocks of a session that has just been opened by `browser` (words such as « Firefox, Windows »)."""
    session["browser"], session["signed_in_at"] = browser, time.time()
    _renew(session)


def renew_if_half_spent(session) -> None:
    """The one thing a GET may write: at half its idle time, a session in use gets 30 more minutes."""
    renewed_at = session.get("renewed_at")
    if renewed_at is not None and time.time() - renewed_at > IDLE.total_seconds() / 2:
        _renew(session)


def renew(session) -> None:
    """« Rester connecté »: 30 more minutes, within the 12 hours."""
    if "signed_in_at" in session:
        _renew(session)


def last_used_at(row) -> datetime | None:
    """About when a session (a row) was last used: it is renewed at half its idle time."""
    renewed_at = SessionStore().decode(row.session_data).get("renewed_at")
    return datetime.fromtimestamp(renewed_at, UTC) if renewed_at else None


def is_recent(session) -> bool:
    """Whether the password was given less than 10 minutes ago: no need to ask it again."""
    return time.time() - session.get("signed_in_at", 0) < RECENT.total_seconds()


def seconds_left(session) -> int:
    """Before the session ends if no other page is opened."""
    return max(0, int(session.get("renewed_at", time.time()) + session.get_expiry_age() - time.time()))


def _renew(session) -> None:
    session["renewed_at"] = time.time()
    rest = session["signed_in_at"] + ABSOLUTE.total_seconds() - time.time()
    session.set_expiry(int(max(1, min(IDLE.total_seconds(), rest))))
