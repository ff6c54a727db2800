"""Months, as the pages about pay and the statistics choose, list and name them; a month is known by its first day."""

from collections.abc import Iterator
from datetime import date, timedelta

from accounts.french import MONTHS
from requests_app.period import day_of, last_day

# The financial year of the Québec government.
_YEAR_STARTS_IN = 4


def month_of(text: str | None) -> date | None:
    """The month of an address, « 2025-03 »; none for anything else, or for a year nobody means."""
    return day_of(f"{text or ''}-01")


def following(month: date) -> date:
    """The month after."""
    return last_day(month) + timedelta(days=1)


def back(month: date, count: int) -> date:
    """The month `count` months before."""
    years, index = divmod(month.year * 12 + month.month - 1 - count, 12)
    return date(years, index + 1, 1)


def between(first: date, last: date) -> Iterator[date]:
    """Each month from one to another, both included."""
    while first <= last:
        yield first
        first = following(first)


def month_name(month: date) -> str:
    """« mars 2025 »."""
    return f"{MONTHS[month.month - 1]} {month.year}"


def financial_year(today: date) -> date:
    """The first month of the financial year of a day."""
    return date(today.year if today.month >= _YEAR_STARTS_IN else today.year - 1, _YEAR_STARTS_IN, 1)
