"""What domain.md says a case pays, worked out another way than the engine does: to check it, never to pay anybody.

Exact fractions instead of decimals, microseconds since 1970 instead of dates, the overlap of each local day with the
notice instead of a walk from midnight to midnight. Nothing here calls the engine: of its facts and tariffs, only the
fields are read.
"""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

TORONTO = ZoneInfo("America/Toronto")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = 60 * 1_000_000
TWO_DAYS = 48 * 60 * MINUTE
SPEECH = {"on_site", "phone", "video"}
PRESENCE = {"rendered", "patient_absent", "professional_absent"}


def ticks(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def is_open(day: date, closed_days) -> bool:
    return day.isoweekday() not in (6, 7) and day not in closed_days


def notice_by_overlap(received: datetime, starts: datetime, closed_days) -> int:
    """Business microseconds: how much of each open local day lies between the notice and the start."""
    begin, end, shared = ticks(received), ticks(starts), 0
    first, last = (instant.astimezone(TORONTO).date().toordinal() for instant in (received, starts))
    for day in map(date.fromordinal, range(first, last + 1)):
        if is_open(day, closed_days):
            edges = (day, day + timedelta(days=1))
            opens, closes = (ticks(datetime(edge.year, edge.month, edge.day, tzinfo=TORONTO)) for edge in edges)
            shared += max(0, min(end, closes) - max(begin, opens))
    return shared


def notice_by_minute(received: datetime, starts: datetime, closed_days) -> int:
    """Business minutes between two whole minutes, told one by one."""
    clock, end, count = received.astimezone(UTC), starts.astimezone(UTC), 0
    while clock < end:
        count += is_open(clock.astimezone(TORONTO).date(), closed_days)
        clock += timedelta(minutes=1)
    return count


def tariff(starts: datetime, table):
    """The last row of the table that the local date of the service has reached."""
    day = starts.astimezone(TORONTO).date()
    return sorted((row for row in table if row.effective_from <= day), key=lambda row: row.effective_from)[-1]


def half_up(value: Fraction, parts: int) -> Fraction:
    """To the nearest of `parts` in one, a half going up."""
    return Fraction(floor(value * parts + Fraction(1, 2)), parts)


def row(kind: str, unit: str, rate, quantity=0) -> tuple:
    """(kind, quantity, unit, rate, amount): an hour is shown to 4 decimals, but paid by the minute."""
    rate, quantity = Fraction(rate), Fraction(quantity)
    shown = half_up(quantity, 10_000) if unit == "h" else quantity
    return kind, shown, unit, rate, half_up(quantity * rate, 100)


def expected(facts, pay, closed_days) -> list[tuple]:
    """The rows that these facts earn under the tariff `pay`, zero rows included, in the order of a pay slip."""
    is_paid_nothing = facts.outcome == "cancelled" and facts.interpreter_is_at_fault
    rows = [*time_rows(facts, pay, closed_days), *word_rows(facts, pay)]
    for count, is_owed in ((facts.billable_communications, not is_paid_nothing), (facts.unbillable_communications, 0)):
        rows += [row("communications", "communication", pay.communication_fee, count * is_owed)] * (count > 0)
    if facts.service_type == "message_relay" and facts.outcome == "rendered" and not rows:
        rows.append(row("communications", "communication", pay.communication_fee))
    return rows + road_rows(facts, pay)


def time_rows(facts, pay, closed_days) -> list[tuple]:
    hour, minutes = pay.hourly_rate, None
    if facts.outcome == "withdrawn":
        return [row("service", "h", hour)]
    if facts.outcome == "cancelled":
        kind = "late_cancellation"
        if facts.service_type in SPEECH and not facts.interpreter_is_at_fault:
            if notice_by_overlap(facts.notice_received_at, facts.starts_at, closed_days) < TWO_DAYS:
                minutes = ceil(Fraction(ticks(facts.ends_at) - ticks(facts.starts_at), MINUTE))
    elif facts.service_type in SPEECH:
        kind, minutes = "service", facts.actual_minutes
    else:
        return []
    if minutes is None:
        return [row(kind, "h", hour)]
    due = max(minutes, facts.guaranteed_minutes, pay.minimum_minutes)
    while due % pay.increment_minutes:
        due += 1
    return [row(kind, "h", hour, Fraction(due, 60))]


def word_rows(facts, pay) -> list[tuple]:
    rate = {"translation": pay.word_rate_translation, "revision": pay.word_rate_revision}.get(facts.service_type)
    return [] if rate is None or facts.outcome != "rendered" else [row("words", "mot", rate, facts.words)]


def road_rows(facts, pay) -> list[tuple]:
    """What a journey costs, for who made it: nothing when nobody was there."""
    rows, was_there = [], facts.service_type == "on_site" and facts.outcome in PRESENCE
    estimates = [Fraction(km) for km in (facts.home_km, facts.head_office_km) if km is not None]
    claim = Fraction(facts.distance_km) if facts.distance_km is not None else min(estimates, default=None)
    if was_there or claim:
        threshold = Fraction(pay.mileage_threshold_km)
        far = claim if was_there and claim is not None and claim > threshold else None
        ways = {"one_way_full": (1, 0), "round_trip_full": (2, 0), "round_trip_excess": (2, threshold)}
        times, less = ways[pay.mileage_mode]
        rows.append(row("mileage", "km", pay.mileage_rate, 0 if far is None else times * (far - less)))
    if facts.parking:
        rows.append(row("parking", "facture", facts.parking, was_there and facts.parking_receipt))
    if facts.travel_minutes:
        rate = pay.travel_time_rate
        rows.append(row("travel", "h", rate, Fraction(facts.travel_minutes, 60) if was_there and rate else 0))
    return rows
