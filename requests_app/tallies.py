"""The statements of « Statistiques »: each counts in the database what some days hold, whatever the number of rows.

`asked` is what `spans.Choice.asked` gives. A message relay that IMS made to pay communications is no request: it
counts nowhere. A request typed in after its start was never searched for: no delay, no rate counts it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from accounts.roles import Role
from billing.rules import LATE_CANCELLATION_NOTICE
from requests_app.business_days import is_business_day, notice_limit
from requests_app.models import CancellationReason, Offer
from requests_app.period import midnight
from requests_app.workflow import BOOKED, SPOKEN, Action, Status

# Every status, so that the index by status and start is read from one day to another.
_ASKED = """
FROM requests_app_servicerequest request
JOIN accounts_institution place ON place.id = request.institution_id
WHERE request.status = ANY(%(statuses)s) AND request.starts_at >= %(start)s AND request.starts_at < %(end)s
    AND request.relayed_from_id IS NULL
    AND %(region)s IN ('', place.region_id) AND %(language)s IN ('', request.language_id)
    AND %(service)s IN ('', request.service_type)
"""
# The start has come, and somebody could be looked for before it.
_SEARCHED = "request.created_at < request.starts_at AND request.starts_at <= %(at)s"
_BY_STEP = f"""
SELECT width_bucket(request.starts_at, %(steps)s::timestamptz[]), request.status, request.is_rendered IS TRUE, count(*)
{_ASKED} GROUP BY 1, 2, 3
"""  # noqa: S608 (the house's own constants; what is given goes by parameters, here and below)
_DELAYS = f"""
WITH filled AS MATERIALIZED (
    SELECT held.at - request.created_at AS waited, request.created_at > urgent.limits[request.day]
        + CASE WHEN urgent.open[request.day] THEN request.starts_at - urgent.days[request.day] ELSE interval '0' END
        AS is_urgent
    FROM (SELECT request.*, width_bucket(request.starts_at, %(days)s::timestamptz[]) AS day {_ASKED}) request
    CROSS JOIN (
        SELECT %(days)s::timestamptz[] AS days, %(limits)s::timestamptz[] AS limits, %(open)s::boolean[] AS open
    ) urgent
    CROSS JOIN LATERAL (
        SELECT max(step.at) AS at FROM requests_app_transition step
        WHERE step.service_request_id = request.id AND step.action IN ('{Action.ACCEPT}', '{Action.ASSIGN}')
    ) held
    WHERE request.interpreter_id IS NOT NULL AND held.at <= request.starts_at AND {_SEARCHED}
)
SELECT is_urgent, count(*), percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY waited)
FROM filled GROUP BY ROLLUP (is_urgent)
"""  # noqa: S608
# Cancelled while nobody had it: nobody was missing, unless nobody was found, or the notice came after the start.
_CELLS = f"""
SELECT language_id, region_id, name, count(*), count(*) FILTER (WHERE is_searched),
    count(*) FILTER (WHERE is_searched AND interpreter_id IS NOT NULL), count(*) FILTER (WHERE is_late)
FROM (
    SELECT request.language_id, place.region_id, place.id, place.name, request.interpreter_id, {_SEARCHED} AND NOT (
            request.interpreter_id IS NULL AND request.notice_received_at < request.starts_at
            AND request.cancellation_reason <> '{CancellationReason.NO_INTERPRETER}'
        ) IS TRUE AS is_searched,
        request.is_late_cancellation AND request.interpreter_id IS NOT NULL
            AND request.cancellation_reason = '{CancellationReason.BY_REQUESTER}' AS is_late
    {_ASKED}
) told GROUP BY language_id, region_id, id, name
"""  # noqa: S608
# An offer that lapsed before its time (booked elsewhere, account closed) had no answer to wait for.
_OFFERS = f"""
SELECT language_id, count(*) FILTER (WHERE state = '{Offer.State.REFUSED}'),
    count(*) FILTER (WHERE state = '{Offer.State.EXPIRED}'), count(*) FILTER (WHERE state = '{Offer.State.ACCEPTED}')
FROM (SELECT request.id, request.language_id {_ASKED}) request
JOIN requests_app_offer offer ON offer.service_request_id = request.id
WHERE state IN ('{Offer.State.ACCEPTED}', '{Offer.State.REFUSED}')
    OR state = '{Offer.State.EXPIRED}' AND closed_at >= answer_by
GROUP BY language_id
"""  # noqa: S608
# Everybody who could have hours in a language: who speaks it now, or has some.
_LOADS = f"""
WITH served AS (
    SELECT request.language_id AS language, request.interpreter_id AS interpreter, count(*) AS services,
        (sum(extract(epoch FROM request.ends_at - request.starts_at)) / 60)::bigint AS minutes
    {_ASKED} AND request.service_type = ANY(%(spoken)s) AND request.interpreter_id IS NOT NULL
        AND (request.status = ANY(%(booked)s) OR request.status = '{Status.COMPLETED}' AND request.is_rendered)
    GROUP BY 1, 2
), people AS (
    SELECT known.language_id AS language, account.id AS interpreter
    FROM accounts_interpreterlanguage known
    JOIN accounts_interpreterprofile profile ON profile.id = known.profile_id
    JOIN accounts_user account ON account.id = profile.user_id
    WHERE account.is_active AND account.role = '{Role.INTERPRETER}' AND %(language)s IN ('', known.language_id)
    UNION SELECT language, interpreter FROM served
), loads AS (
    SELECT language, interpreter, coalesce(minutes, 0) AS minutes, coalesce(services, 0) AS services,
        sum(minutes) OVER (PARTITION BY language) AS whole,
        sum(minutes) OVER (PARTITION BY language ORDER BY minutes DESC NULLS LAST, interpreter ROWS UNBOUNDED PRECEDING)
            - coalesce(minutes, 0) AS before,
        row_number() OVER (PARTITION BY language ORDER BY minutes DESC NULLS LAST, interpreter) AS most,
        row_number() OVER (PARTITION BY language ORDER BY minutes NULLS FIRST, interpreter DESC) AS least,
        rank() OVER (PARTITION BY language ORDER BY minutes DESC NULLS LAST) AS rank
    FROM people LEFT JOIN served USING (language, interpreter)
)
"""  # noqa: S608
_SHARED = f"""{_LOADS}
SELECT language, max(whole)::bigint, count(*), count(*) FILTER (WHERE minutes > 0),
    count(*) FILTER (WHERE minutes > 0 AND before * 2 < whole), max(minutes)
FROM loads GROUP BY language HAVING max(whole) > 0 ORDER BY 2 DESC, 1
"""  # noqa: S608
_PEOPLE = f"""{_LOADS}
SELECT language, interpreter, concat_ws(' ', nullif(first_name, ''), last_name), services, minutes, rank
FROM loads JOIN accounts_user ON id = interpreter
WHERE whole > 0 AND (most <= %(ends)s OR least <= %(ends)s) ORDER BY language, most
"""  # noqa: S608


class Delay(NamedTuple):
    """How long requests waited for whoever has them: half at most the median, nine in ten the ninetieth centile."""

    number: int
    median: timedelta
    ninetieth: timedelta


class Cell(NamedTuple):
    """What an establishment asked in a language: requests, those looked for, those found, cancelled late."""

    language: str
    region: str
    institution: str
    number: int
    searched: int
    filled: int
    late: int


class Answers(NamedTuple):
    """What became of the offers of a language that had the time to be answered."""

    language: str
    refused: int
    silent: int
    accepted: int


class Load(NamedTuple):
    """How a language's minutes are shared: among how many people, how many have some, how many have half of them."""

    language: str
    minutes: int
    people: int
    busy: int
    half: int
    most: int


class Person(NamedTuple):
    """What one interpreter has of a language; the rank of the most minutes is 1, and equals share theirs."""

    language: str
    pk: int
    name: str
    services: int
    minutes: int
    rank: int


def by_step(asked: dict, steps: Iterable[date]) -> list[tuple[int, str, bool, int]]:
    """(which of the steps, from 1; status; whether the service was rendered; how many requests)."""
    return _read(_BY_STEP, asked | {"steps": [midnight(day) for day in steps]})


def delays(asked: dict, at: datetime, urgency: "Urgency") -> dict[bool | None, Delay]:
    """From creation to the acceptance that held: of the urgent ones, of the others, of all (None), where there are."""
    found = _read(_DELAYS, asked | {"at": at} | urgency.given)
    return {is_urgent: Delay(number, *reached) for is_urgent, number, reached in found if number}


def cells(asked: dict, at: datetime) -> list[Cell]:
    return [Cell(*row) for row in _read(_CELLS, asked | {"at": at})]


def answers(asked: dict) -> list[Answers]:
    return [Answers(*row) for row in _read(_OFFERS, asked)]


def loads(asked: dict) -> list[Load]:
    """The language with the most hours first; spoken services only, as they are booked."""
    return [Load(*row) for row in _read(_SHARED, asked | _SERVED)]


def people(asked: dict, ends: int) -> list[Person]:
    """Of each language with hours, the `ends` people who have the most and the `ends` who have the least."""
    return [Person(*row) for row in _read(_PEOPLE, asked | _SERVED | {"ends": ends})]


_SERVED = {"spoken": [kind.value for kind in SPOKEN], "booked": [status.value for status in BOOKED]}


def _read(statement: str, given: dict) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchall()


@dataclass(frozen=True)
class Urgency:
    """Until when a request is made in time, day by day of its start: 48 business hours before (business_days.py).

    The clocks change on Sundays: between two business days of the same clock time there are whole days, so the limit
    of a business day follows the clock of the start, and that of a closed day is its midnight's.
    """

    days: Sequence[date]
    closed_days: frozenset[date]

    @property
    def given(self) -> dict:
        """The days, their limits at midnight, and whether they are business days, for the statement."""
        days = [midnight(day) for day in self.days]
        rule = {"notice": LATE_CANCELLATION_NOTICE, "closed_days": self.closed_days}
        zone = timezone.get_default_timezone()
        return {
            "days": days,
            "limits": [notice_limit(day, tz=zone, **rule) for day in days],
            "open": [is_business_day(day, closed_days=self.closed_days) for day in self.days],
        }
