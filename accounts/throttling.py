"""How often something may be tried: counted in the database in one statement, before anything costly is done.

What is counted is never stored in clear: a subject (account, address, number) is kept as an HMAC.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.devices import Channel
from accounts.french import NBSP
from accounts.models import Throttle

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """At most `most` in each `window`, which begins with the first one.

    `history`: what the account's history says when the lock begins; empty when it says nothing.
    """

    scope: str
    most: int
    window: timedelta
    said: str = "Trop d’essais. Attendez {wait} avant de recommencer."
    history: str = ""


# Passwords. A colleague who types my name cannot lock me out of my own browser for longer than the short window.
SIGN_IN_HERE = Limit("sign-in: account and address", 5, 10 * MINUTE)
SIGN_IN_ACCOUNT = Limit("sign-in: account", 30, 10 * MINUTE, history="trop de mots de passe")
# From many addresses and for days: 200 passwords of the 4320 that the limit above would let by.
SIGN_IN_DAY = Limit("sign-in: day", 200, DAY, history="trop de mots de passe")
SIGN_IN_ADDRESS = Limit("sign-in: address", 60, 10 * MINUTE)
# Codes sent. CODES_TO_DESTINATION and CODES_FROM_ADDRESS bound what is sent to numbers that are nobody's yet: one's own
# is bounded by the account, so that neither a colleague nor a hospital's one address closes the step of others.
_PAUSE = "Un code vient d’être demandé. Attendez {wait} avant d’en demander un autre."
_CAP = "Trop de codes ont été demandés. Attendez {wait}, ou communiquez avec la BI du RSSS, au 514-597-3284."
# By channel: whoever has not their telephone at hand chooses « courriel » at once (FAQ).
CODE_PAUSE = Limit("code: pause", 1, MINUTE, _PAUSE)
CODES_OF_ACCOUNT = Limit("code: account", 10, DAY, _CAP)
CODES_TO_DESTINATION = Limit("code: destination", 10, DAY, _CAP)
CODES_FROM_ADDRESS = Limit("code: address", 40, DAY, _CAP)
CODES_OF_ALL = Limit("code: everybody", 3000, DAY, _CAP)
# Codes typed, whatever the device they are for. The day counts chances in 10⁶ and forgets none that was wrong: a code
# that was sent is one, the application's are three (it accepts the codes of 90 seconds), so 50 codes or 16 of the
# application. Together at most 50 × 10⁻⁶ = 5 × 10⁻⁵ a day for who has the password.
TRIES_OF_ACCOUNT = Limit("code tries: account", 10, 15 * MINUTE, history="trop de codes incorrects")
TRIES_OF_DAY = Limit("code tries: day", 50, DAY, history="trop de codes incorrects")
# « J'ai oublié mon mot de passe ».
RESETS_OF_ACCOUNT = Limit("reset: account", 3, HOUR)
RESETS_FROM_ADDRESS = Limit("reset: address", 20, HOUR)


class Throttled(Exception):
    """Too many tries: `until` is when the next one is allowed; `str()` is the French sentence.

    `is_first` says that this very try began the lock: what is worth a line in a history.
    """

    def __init__(self, limit: Limit, until: datetime, *, is_first: bool = False):
        self.limit, self.until, self.is_first = limit, until, is_first
        super().__init__(limit.said.format(wait=wait_words(until - timezone.now())))

    @property
    def seconds(self) -> int:
        return max(1, -int((timezone.now() - self.until) // timedelta(seconds=1)))


def wait_words(left: timedelta) -> str:
    """« 45 secondes », « 12 minutes », « 3 heures », rounded up."""
    seconds = max(1, -int(-left // timedelta(seconds=1)))
    for size, word in ((3600, "heure"), (60, "minute"), (1, "seconde")):
        if seconds > size or size == 1:
            number = -(-seconds // size)
            return f"{number}{NBSP}{word}{'s' if number > 1 else ''}"


_COUNT = """
INSERT INTO accounts_throttle AS known (scope, subject, count, resets_at)
VALUES (%(scope)s, %(subject)s, %(by)s, %(end)s)
ON CONFLICT (scope, subject) DO UPDATE SET
  count = CASE WHEN known.resets_at <= %(at)s THEN excluded.count ELSE known.count + excluded.count END,
  resets_at = CASE WHEN known.resets_at <= %(at)s THEN excluded.resets_at ELSE known.resets_at END
RETURNING count, resets_at
"""


def count(limit: Limit, subject: str, by: int = 1) -> None:
    """Count one (or `by`); raise Throttled beyond the limit. Parallel tries are each counted: the row decides."""
    at = timezone.now()
    given = {"scope": limit.scope, "subject": _hidden(limit, subject), "at": at, "by": by, "end": at + limit.window}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, given)
        counted, resets_at = cursor.fetchone()
    if counted > limit.most:
        raise Throttled(limit, resets_at, is_first=counted - by <= limit.most)


def count_all(limits: list[tuple]) -> None:
    """`count` for each (limit, subject) or (limit, subject, by); the first refusal spends none of the others."""
    for index, given in enumerate(limits):
        try:
            count(*given)
        except Throttled:
            for counted in limits[:index]:
                refund(*counted)
            raise


def check(limit: Limit, subject: str) -> None:
    """Raise Throttled when nothing more is allowed now, without counting."""
    row = _rows(limit, subject).filter(resets_at__gt=timezone.now(), count__gte=limit.most).first()
    if row:
        raise Throttled(limit, row.resets_at)


def forget(limit: Limit, subject: str) -> None:
    """Start again from zero: the person has proved who they are."""
    _rows(limit, subject).delete()


def forget_codes(user) -> None:
    """Open the second step again: somebody else's tries had closed it, and the BI knows the person (0.10)."""
    for limit in (CODES_OF_ACCOUNT, TRIES_OF_ACCOUNT, TRIES_OF_DAY):
        forget(limit, str(user.pk))
    for channel in Channel:
        forget(CODE_PAUSE, pause_of(user.pk, channel))


def pause_of(user_pk: int, channel: str) -> str:
    """The subject of CODE_PAUSE."""
    return f"{user_pk} {channel}"


def refund(limit: Limit, subject: str, by: int = 1) -> None:
    """Take back what was counted before one could know that it was allowed."""
    _rows(limit, subject).filter(count__gte=by).update(count=F("count") - by)


def refused(response, error: Throttled | None):
    """The same response, 429 and with when to come back, if something was tried too often."""
    if error:
        response.status_code = 429
        response["Retry-After"] = str(error.seconds)
    return response


def client_address(request) -> str:
    """Where a request comes from, as the last of our own proxies saw it (setting PROXIES): what limits count."""
    passed = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if settings.PROXIES and len(passed) >= settings.PROXIES and passed[-settings.PROXIES]:
        return _household(passed[-settings.PROXIES])
    return _household(request.META.get("REMOTE_ADDR", ""))


def _household(address: str) -> str:
    """A subscriber of IPv6 has 2⁶⁴ addresses: they count as one."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    return str(known.ipv4_mapped or ip_network((int(known), 64), strict=False))


def _rows(limit: Limit, subject: str):
    return Throttle.objects.filter(scope=limit.scope, subject=_hidden(limit, subject))


def _hidden(limit: Limit, subject: str) -> str:
    return salted_hmac(limit.scope, subject, algorithm="sha256").hexdigest()
