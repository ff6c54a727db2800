"""The presence somebody types: the day of a time typed alone, and in words how long, and the days understood."""

from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone

from accounts.french import WEEKDAYS, day_and_month, duration, hour

# Further from the booked start, the day is said beside the time: one of the two may be a typing error.
FAR = timedelta(hours=3)


def nearest_day(booked: datetime, clock: time) -> date:
    """The day that brings a time typed alone closest to the booked start, which may be on either side of midnight."""
    local = timezone.localtime(booked).replace(tzinfo=None)
    days = [local.date() + timedelta(days=step) for step in (0, -1, 1)]
    return min(days, key=lambda day: abs(datetime.combine(day, clock) - local))


def presence_said(starts_at: datetime, ends_at: datetime, *, booked_at: datetime) -> str:
    """« 2 h 20 »; « 1 h 10, du jeudi 6 mars, 23 h 50, au vendredi 7 mars, 1 h » far from the booked start or day."""
    length = duration((ends_at.astimezone(UTC) - starts_at.astimezone(UTC)) // timedelta(minutes=1))
    days = {timezone.localdate(instant) for instant in (starts_at, ends_at, booked_at)}
    if len(days) == 1 and abs(starts_at.astimezone(UTC) - booked_at.astimezone(UTC)) <= FAR:
        return length
    return f"{length}, du {_moment(starts_at)}, au {_moment(ends_at)}"


def _moment(instant: datetime) -> str:
    local = timezone.localtime(instant)
    return f"{WEEKDAYS[local.weekday()]} {day_and_month(local)}, {hour(local)}"
