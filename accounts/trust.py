"""« Faire confiance à cet appareil 30 jours »: a cookie that stands for the second factor. Interpreters only."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts import browsers
from accounts.models import TrustedBrowser, User
from accounts.roles import Role

LIFE = timedelta(days=30)


def may_trust(user: User) -> bool:
    """The BI's own computers see everybody's files: never them."""
    return user.role == Role.INTERPRETER


def trust(request, response, user: User, *, at: datetime) -> None:
    """Give this browser its cookie; only the digest of the token is kept."""
    token = secrets.token_urlsafe(32)
    TrustedBrowser.objects.create(
        user=user,
        token_hash=_digest(token),
        label=browsers.describe(request),
        created_at=at,
        last_used_at=at,
        expires_at=at + LIFE,
    )
    response.set_cookie(
        settings.TRUST_COOKIE_NAME, token, max_age=LIFE, secure=settings.HTTPS, httponly=True, samesite="Lax"
    )


def is_trusted(request, user: User) -> bool:
    """Whether this browser gave this person's second factor in the last 30 days. Never after a reset (ruling 8)."""
    token = request.COOKIES.get(settings.TRUST_COOKIE_NAME, "")
    if not token or user.reset_at or not may_trust(user):
        return False
    now = timezone.now()
    known = user.trusted_browsers.filter(token_hash=_digest(token), expires_at__gt=now)
    return known.update(last_used_at=now) == 1


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
