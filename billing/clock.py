"""The 48 h business clock told day by day: before a cancellation is confirmed, and after, from what decided it.

Pure but for the house's time zone: whoever calls gives the closed days, those frozen with the decision once taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from django.utils import timezone

from accounts.french import NBSP, duration, hour, short_day
from billing import rules
from billing.models import PayLine
from requests_app.business_days import by_day, is_business_day

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_SATURDAY = 5
# The business days told one by one: those of the limit, and a few before.
SHOWN_DAYS = 5


@dataclass(frozen=True, kw_only=True)
class Step:
    """« ven. 14 mars, 16 h → minuit » « 8 h »: a business day and what it counts; or days that do not, and why."""

    when: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A notice from the instant it came to the start of the service: `minutes` of business time, cut to the minute."""

    received_at: datetime
    starts_at: datetime
    minutes: int
    is_late: bool
    steps: list[Step]

    @property
    def has_started(self) -> bool:
        """Whether the notice came at the start or after it."""
        return _has_started(self.received_at, self.starts_at)

    @property
    def has_seconds(self) -> bool:
        """Whether the hours shown are a little more than what was counted."""
        return bool(self.received_at.second or self.received_at.microsecond)

    @property
    def verdict(self) -> str:
        """« 22 h en jours ouvrables, moins de 48 h : annulation tardive. »"""
        if self.has_started:
            return "L’avis est arrivé au début ou après\u00a0: annulation tardive."
        limit = f"{rules.LATE_CANCELLATION_NOTICE // timedelta(hours=1)}{NBSP}h"
        side = f"moins de {limit}\u00a0: annulation tardive" if self.is_late else f"{limit} ou plus\u00a0: à temps"
        return f"{duration(self.minutes)} en jours ouvrables, {side}."


def clock(received_at: datetime, starts_at: datetime, *, closed_days: Iterable[date]) -> Clock:
    """The clock of a notice between two aware instants. Source: ruling 12 and domain « Pay », business notice."""
    zone, closed = timezone.get_default_timezone(), frozenset(closed_days)
    notice = rules.business_notice(received_at, starts_at, closed_days=closed, tz=zone)
    return Clock(
        received_at=received_at.astimezone(zone),
        starts_at=starts_at.astimezone(zone),
        minutes=rules.notice_minutes(notice),
        is_late=rules.is_late_cancellation(notice),
        steps=[] if _has_started(received_at, starts_at) else _steps(received_at, starts_at, closed, zone),
    )


def clock_of_facts(facts: rules.Facts, closed_days: Iterable[date]) -> Clock | None:
    """The clock behind the pay of a cancellation; None when no clock decides it."""
    is_decided = facts.outcome == rules.Outcome.CANCELLED and facts.service_type in rules.SPOKEN
    if not is_decided or facts.interpreter_is_at_fault or facts.notice_received_at is None:
        return None
    return clock(facts.notice_received_at, facts.starts_at, closed_days=closed_days)


def clock_of_lines(lines: Iterable[PayLine]) -> Clock | None:
    """The same, of frozen lines: from the inputs they kept, whatever the holidays became."""
    inputs = next((line.inputs for line in lines if line.kind == rules.LineKind.LATE_CANCELLATION), None)
    if inputs is None:
        return None
    is_decided = inputs["service_type"] in rules.SPOKEN and not inputs["interpreter_is_at_fault"]
    if not is_decided or not inputs["notice_received_at"]:
        return None
    received_at, starts_at = (datetime.fromisoformat(inputs[name]) for name in ("notice_received_at", "starts_at"))
    return clock(received_at, starts_at, closed_days=map(date.fromisoformat, inputs["closed_days"]))


def _has_started(received_at, starts_at) -> bool:
    # In UTC, because Python compares two instants of one zone on the wall clock.
    return received_at.astimezone(UTC) >= starts_at.astimezone(UTC)


def _steps(received_at, starts_at, closed, zone) -> list[Step]:
    received, starts = received_at.astimezone(zone), starts_at.astimezone(zone)
    counted = by_day(received_at, starts_at, closed_days=closed, tz=zone)
    earlier, shown = counted[:-SHOWN_DAYS], dict(counted[-SHOWN_DAYS:])
    first = next(iter(shown)) if earlier else received.date()
    # A service at midnight takes nothing of its own day.
    last = starts.date() - (_DAY if starts.time() == time() else timedelta())
    days = [first + number * _DAY for number in range((last - first).days + 1)]
    steps = []
    if earlier:
        minutes = sum(spent // _MINUTE for _, spent in earlier)
        steps.append(Step(when=f"avant le {short_day(first)}", what=duration(minutes)))
    for kind, group in groupby(days, key=lambda day: _kind(day, closed)):
        held = list(group)
        steps += [_closed(kind, held)] if kind else [_counted(day, shown[day], received, starts) for day in held]
    return steps


def _kind(day: date, closed) -> str | None:
    """Why a day does not count; None for one that does."""
    if is_business_day(day, closed_days=closed):
        return None
    return "fin de semaine" if day.weekday() >= _SATURDAY else "férié"


def _counted(day: date, spent: timedelta, received, starts) -> Step:
    opens = received.time() if received.date() == day else time()
    closes = starts.time() if starts.date() == day else time()
    is_whole = opens == closes == time()
    hours = "" if is_whole else f", {_clock_words(opens)} → {_clock_words(closes)}"
    return Step(when=f"{short_day(day)}{hours}", what=duration(spent // _MINUTE))


def _clock_words(at: time) -> str:
    return hour(at) if at != time() else "minuit"


def _closed(kind: str, days: list[date]) -> Step:
    """« sam. 15 mars et dim. 16 mars » « fin de semaine »; « du mar. 24 déc. au jeu. 26 déc. » « fériés »."""
    plural = "s" if kind == "férié" and len(days) > 1 else ""
    first, last = short_day(days[0]), short_day(days[-1])
    several = f"{first} et {last}" if len(days) == 2 else f"du {first} au {last}"
    return Step(when=first if len(days) == 1 else several, what=kind + plural)
