"""Random cases: the engine, and an oracle written from domain.md alone, pay the same line by line, to the cent.

Hypothesis draws each choice of a case, so that a failure is told by the simplest case that still fails. The same cases
come at each run, for a failure to be seen again; nothing is kept in the tree.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.rules import (
    Facts,
    Policy,
    business_notice,
    is_late_cancellation,
    notice_hours,
    pay_lines,
    policy_for,
    service_date,
    total,
)
from tests.billing import oracle
from tests.counts import rounds

TORONTO = ZoneInfo("America/Toronto")
NEW = Policy(
    effective_from=date(2024, 11, 4),
    hourly_rate=Decimal("41.00"),
    minimum_minutes=120,
    increment_minutes=15,
    communication_fee=Decimal("10.25"),
    mileage_threshold_km=Decimal("16.0"),
    mileage_rate=Decimal("0.620"),
    mileage_mode="round_trip_full",
    travel_time_rate=Decimal("0.00"),
    word_rate_translation=Decimal("0.20"),
    word_rate_revision=Decimal("0.10"),
)
LEGACY = replace(NEW, effective_from=date(2000, 1, 1), travel_time_rate=Decimal("41.00"))
# Rates that halve a cent, increments that do not divide the minimum, other thresholds and ways to count kilometres.
ODD = {
    "hourly_rate": Decimal("43.3333"),
    "minimum_minutes": 100,
    "increment_minutes": 7,
    "communication_fee": Decimal("9.995"),
    "mileage_threshold_km": Decimal("15.5"),
    "mileage_rate": Decimal("0.5955"),
    "travel_time_rate": Decimal("20.0025"),
    "word_rate_translation": Decimal("0.2155"),
    "word_rate_revision": Decimal("0.0925"),
}
# An hour that costs so much tells the minutes paid from the hours shown.
BARE = {"minimum_minutes": 0, "increment_minutes": 1, "hourly_rate": Decimal("612.7775")}
BARE |= {"mileage_threshold_km": Decimal(0)}
TABLES = [
    [LEGACY, NEW],
    [NEW, replace(NEW, effective_from=date(2025, 3, 10), mileage_mode="one_way_full", **ODD), LEGACY],
    [replace(LEGACY, mileage_mode="round_trip_excess", **ODD), replace(NEW, mileage_mode="round_trip_excess", **BARE)],
]
# Weekends of the clock change, ends of month and year, Christmas, a feast on a weekend, the first day of a tariff.
DAYS = [
    *map(date.fromisoformat, ["2024-11-01", "2024-11-03", "2024-11-04", "2024-12-23", "2024-12-24", "2024-12-27"]),
    *map(date.fromisoformat, ["2025-01-01", "2025-03-09", "2025-03-10", "2025-03-12", "2025-04-22", "2025-05-31"]),
    *map(date.fromisoformat, ["2025-11-01", "2025-11-02", "2025-11-03", "2027-12-28", "2024-02-29", "2023-12-27"]),
]
CLOSED = frozenset(date(year, 12, day) for year in (2023, 2024, 2025, 2027) for day in (24, 25, 26, 31))
CLOSED |= {date(2025, 1, 1), date(2025, 1, 2), date(2025, 4, 18), date(2025, 4, 21), date(2025, 6, 24)}
LENGTHS = [1, 35, 60, 99, 100, 101, 119, 120, 121, 134, 135, 136, 185, 1440, 1500]
METRES = [0, 1, 15_499, 15_500, 15_501, 16_000, 16_001, 16_100, 18_400, 22_000]
SPOKEN = ["on_site", "phone", "video"]
OUTCOMES = ["cancelled", "cancelled", "rendered", "patient_absent", "professional_absent", "withdrawn"]


def later(instant: datetime, **elapsed) -> datetime:
    return (instant.astimezone(UTC) + timedelta(**elapsed)).astimezone(TORONTO)


def a_start(draw: Random) -> datetime:
    """Any minute of a day of interest, its midnights and doubled or missing hours included."""
    minutes = draw.choice([0, 1, 90, 150, 600, 840, 1410, 1439, draw.randrange(1440)])
    return later(datetime.combine(draw.choice(DAYS), datetime.min.time(), TORONTO), minutes=minutes)


@cache
def limit_of(starts_at: datetime) -> datetime:
    """An instant that leaves two business days: what is missing is taken from before, until nothing is."""
    limit = starts_at
    while missing := oracle.TWO_DAYS - oracle.notice_by_overlap(limit, starts_at, CLOSED):
        limit = later(limit, microseconds=-missing)
    return limit


def a_notice(draw: Random, starts_at: datetime) -> datetime:
    """At the limit or at the start, or a little off; or any time from ten days before to two hours after."""
    if draw.choice([False, False, True]):
        return later(starts_at, seconds=draw.randrange(-10 * 86_400, 7200))
    base = draw.choice([starts_at, limit_of(starts_at), limit_of(starts_at), limit_of(starts_at)])
    off = draw.choice([0, 0, -1, 1, -60, 60, -3600, 3600])
    return later(base, seconds=off, microseconds=draw.choice([0, 0, 0, -1, 1]))


def some_km(draw: Random) -> Decimal | None:
    metres = draw.choice([None, *METRES, draw.randrange(60_000)])
    return None if metres is None else Decimal(metres).scaleb(-3)


def a_case(draw: Random) -> Facts:
    """Facts that the engine takes: every service and outcome, each figure near its boundaries."""
    service_type = draw.choice([*SPOKEN, "on_site", "message_relay", "translation", "revision"])
    outcome = draw.choice(OUTCOMES if service_type in SPOKEN else ["cancelled", "rendered", "withdrawn"])
    starts_at, is_on_site = a_start(draw), service_type == "on_site"
    length = draw.choice([*LENGTHS, draw.randrange(1, 2000)])
    known = {field: some_km(draw) for field in ("home_km", "head_office_km", "distance_km") if is_on_site}
    if is_on_site:
        known["parking"] = draw.choice([None, Decimal("14.00"), Decimal(draw.randrange(5000)).scaleb(-2)])
    if service_type in ("translation", "revision"):
        known["words"] = draw.choice([0, 1, 1240, draw.randrange(20_000)])
    return Facts(
        service_type=service_type,
        starts_at=starts_at,
        ends_at=later(starts_at, minutes=length, seconds=draw.choice([0, 0, 0, 1, 59])),
        outcome=outcome,
        notice_received_at=a_notice(draw, starts_at) if outcome == "cancelled" else None,
        interpreter_is_at_fault=draw.choice([False] * 9 + [True]),
        guaranteed_minutes=draw.choice([0, 0, 0, 150, 181]),
        actual_minutes=draw.choice([0, *LENGTHS, draw.randrange(2000)]),
        waiting_minutes=draw.choice([0, 45]),
        travel_minutes=draw.choice([0, 0, 44, 45, 46, draw.randrange(600)]),
        parking_receipt=draw.choice([True, False]),
        billable_communications=draw.choice([0, 0, 1, 2, 3, 7]),
        unbillable_communications=draw.choice([0, 0, 1, 2]),
        **known,
    )


def told(line) -> tuple:
    return str(line.kind), Fraction(line.quantity), line.unit, Fraction(line.rate), Fraction(line.amount)


def every(name: str):
    """As many cases as tests/counts.py says, the same at each run, none of them remembered."""
    checks = [HealthCheck.too_slow, HealthCheck.large_base_example]
    return settings(
        max_examples=rounds(name), derandomize=True, database=None, deadline=None, suppress_health_check=checks
    )


@every("pay case")
@given(st.randoms(use_true_random=False))
def test_the_engine_pays_what_the_oracle_pays(draw):
    facts, table, closed_days = a_case(draw), draw.choice(TABLES), draw.choice([CLOSED, CLOSED, frozenset()])
    policy = policy_for(service_date(facts.starts_at, TORONTO), table)
    lines = pay_lines(facts, policy=policy, closed_days=closed_days, tz=TORONTO)
    rows = oracle.expected(facts, oracle.tariff(facts.starts_at, table), closed_days)
    assert [told(line) for line in lines] == rows
    assert Fraction(total(lines)) == sum(row[-1] for row in rows)


@every("minute case")
@given(st.randoms(use_true_random=False))
def test_the_clock_counts_what_the_minutes_count_one_by_one(draw):
    starts_at = a_start(draw)
    received_at = a_notice(draw, starts_at).replace(second=0, microsecond=0)
    minutes = oracle.notice_by_minute(received_at, starts_at, CLOSED)
    notice = business_notice(received_at, starts_at, closed_days=CLOSED, tz=TORONTO)
    assert notice == timedelta(minutes=minutes)
    assert is_late_cancellation(notice) is (minutes < 48 * 60)
    assert notice_hours(notice) <= Decimal(minutes) / 60 < notice_hours(notice) + Decimal("0.0001")


def test_the_random_cases_come_near_every_boundary():
    draw, seen = Random(48), Counter()
    for _ in range(1000):
        facts = a_case(draw)
        seen[facts.service_type, facts.outcome] += 1
        if facts.outcome == "cancelled":
            notice = oracle.notice_by_overlap(facts.notice_received_at, facts.starts_at, CLOSED)
            seen["notice", (notice > oracle.TWO_DAYS) - (notice < oracle.TWO_DAYS)] += 1
            seen["within a minute"] += abs(notice - oracle.TWO_DAYS) <= oracle.MINUTE
    assert len(seen) == 3 * 5 + 3 * 3 + 3 + 1
    assert min(seen.values()) >= 10, seen
