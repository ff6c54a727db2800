"""The demo's calendar: everything is dated from today, in office hours mostly, and nothing happens after yesterday.

Instants are given in UTC: Python subtracts two instants of one zone on the wall clock.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random

from accounts.french import TORONTO
from ims.reference import closed_days
from requests_app.business_days import is_business_day, local_instant

_OPENS, _CLOSES = 8 * 60, 17 * 60  # minutes of the day


def instant(day: date, minute: int) -> datetime:
    """The instant of a local day at so many minutes past midnight."""
    return local_instant(day, time(*divmod(minute, 60)), TORONTO).astimezone(UTC)


def local_day(at: datetime) -> date:
    """The day of an instant on the clock of Montréal."""
    return at.astimezone(TORONTO).date()


@lru_cache
def _closed(year: int) -> frozenset[date]:
    return frozenset(closed_days(year))


def is_open(day: date) -> bool:
    """Whether offices are open that day."""
    return is_business_day(day, closed_days=_closed(day.year))


def shift(day: date, business_days: int) -> date:
    """The n-th business day after `day`, or before it when n is negative; the day itself need not be one."""
    step = timedelta(days=1 if business_days > 0 else -1)
    while business_days:
        day += step
        business_days -= is_open(day) * step.days
    return day


def soon(at: datetime, rng: Random, most: int = 200) -> datetime:
    """A while later in office hours: from a quarter of an hour to `most` minutes of work."""
    local = at.astimezone(TORONTO)
    day, minute = local.date(), min(max(local.hour * 60 + local.minute, _OPENS), _CLOSES)
    if not is_open(day):
        day, minute = shift(day, 1), _OPENS
    minute += rng.randint(15, most)
    while minute > _CLOSES:
        day, minute = shift(day, 1), minute - _CLOSES + _OPENS
    return instant(day, minute)


@dataclass(frozen=True)
class Days:
    """Today, and what follows from it: the same day gives the same world, whatever the hour it is built."""

    today: date

    def day(self, offset: int) -> date:
        """The day so many days after today, or before it when negative."""
        return self.today + timedelta(days=offset)

    @property
    def last(self) -> datetime:
        """No event may come later, so that all are past whenever today the world is built."""
        return instant(self.day(-1), 24 * 60 - 1)

    def evening(self, hour: int, minute: int) -> datetime:
        """Yesterday evening, when interpreters answer: recent enough for the worker to send what was told."""
        return instant(self.day(-1), hour * 60 + minute)

    def office_close(self) -> datetime:
        """The end of the last day worked before today."""
        return instant(shift(self.today, -1), _CLOSES)
