"""The only 48 h clock, and the local time it is read in (FAQ « Le demandeur a annulé la demande »; domain « Pay »).

Pure: standard library, and the words of a date. Every instant is aware; everything is measured in elapsed time,
never on the wall clock, so a day of the clock change has 23 or 25 hours.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from accounts.french import date_words, hour

_SATURDAY = 5
_DAY = timedelta(days=1)
# Older is a year typed wrong; in the last year that Python knows, an instant may be too late for UTC.
_FIRST_YEAR, _LAST_YEAR = 2000, 9998
# What staff date further ahead, a tariff or a closed day, is a year typed wrong too.
MOST_AHEAD = timedelta(days=5 * 366)


def is_business_day(day: date, *, closed_days: Iterable[date]) -> bool:
    """Whether `day` is neither a weekend day nor one of `closed_days` (domain « Pay », business notice)."""
    return day.weekday() < _SATURDAY and day not in closed_days


def business_time(start: datetime, end: datetime, *, closed_days: Iterable[date], tz: tzinfo) -> timedelta:
    """The elapsed time between two aware instants that falls on business days, in local days of `tz`.

    Raises ValueError when an instant is naive or when `start` is after `end`. Source: domain « Pay », business notice.
    """
    days = by_day(start, end, closed_days=closed_days, tz=tz)
    return sum((spent for _, spent in days), timedelta())


def by_day(start: datetime, end: datetime, *, closed_days: Iterable[date], tz: tzinfo) -> list[tuple[date, timedelta]]:
    """The same time told day by day: (local date, elapsed time) of each business day, in order; closed days left out.

    Raises ValueError as `business_time` does. Source: domain « Pay », every decision explains itself.
    """
    at, until, closed = _elapsed(start), _elapsed(end), frozenset(closed_days)
    if at > until:
        raise ValueError("Le début doit précéder la fin.")
    days, day = [], at.astimezone(tz).date()
    while at < until:
        closes = min(_midnight(day + _DAY, tz), until)
        if is_business_day(day, closed_days=closed):
            days.append((day, closes - at))
        at, day = closes, day + _DAY
    return days


def notice_limit(starts_at: datetime, *, notice: timedelta, closed_days: Iterable[date], tz: tzinfo) -> datetime:
    """The last instant, in local time, that still leaves exactly `notice` of business time before `starts_at`.

    Raises ValueError when `starts_at` is naive or `notice` negative. Source: ruling 12, « jusqu'au … inclus : 0 $ ».
    """
    if notice < timedelta():
        raise ValueError("Un préavis ne peut pas être négatif.")
    limit, missing, closed = _elapsed(starts_at), notice, frozenset(closed_days)
    day = limit.astimezone(tz).date()
    # Walking back from the start and stopping as soon as nothing is missing never enters the closed days before
    # the limit: a limit on their edge is thus their end (Monday 00:00), not their beginning.
    while missing:
        step = limit - _midnight(day, tz)
        if is_business_day(day, closed_days=closed):
            step = min(step, missing)
            missing -= step
        limit, day = limit - step, day - _DAY
    return limit.astimezone(tz)


def is_far(day: date) -> bool:
    """Whether no clock of ours reaches `day`: `local_instant` then refuses it, whatever the time."""
    return not _FIRST_YEAR <= day.year <= _LAST_YEAR


def local_instant(day: date, at: time, tz: tzinfo) -> datetime:
    """The aware instant of a local date and time typed without offset (domain « Pay », local time).

    The doubled hour of November is its first occurrence; the missing hour of March, and a day that `is_far`, raise
    ValueError, in French.
    """
    if is_far(day):
        raise ValueError(f"La date du {date_words(day)} est trop éloignée.")
    instant = datetime.combine(day, at.replace(fold=0), tzinfo=tz)
    if instant.astimezone(UTC).astimezone(tz).replace(tzinfo=None) != instant.replace(tzinfo=None):
        raise ValueError(
            f"L’heure {hour(at)} n’existe pas le {date_words(day)}\u00a0: on avance l’heure cette nuit-là."
        )
    return instant


def _elapsed(instant: datetime) -> datetime:
    """In UTC, because Python compares and subtracts two instants of one zone on the wall clock."""
    if instant.utcoffset() is None:
        raise ValueError("Une date et une heure doivent avoir un fuseau horaire.")
    return instant.astimezone(UTC)


@lru_cache(maxsize=4096)
def _midnight(day: date, tz: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)
