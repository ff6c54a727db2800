"""What interpreters of the demo say of their own time: absences, usual hours, and the calendar of the first one."""

from datetime import time

from accounts.models import User
from ims.demo.days import Days, instant
from requests_app.availability import add_absence, set_weekly_hours
from requests_app.feed import open_feed

# By their place in the list of interpreters: (first day from today, number of days).
AWAY = {0: (18, 5), 1: (2, 12), 4: (0, 3), 9: (6, 1), 24: (1, 20)}
MORNINGS, OFFICE = (time(8), time(12)), (time(8, 30), time(17))
# By their place too: who only works at some hours.
USUAL = {2: dict.fromkeys(range(5), OFFICE), 7: dict.fromkeys((0, 2, 4), MORNINGS), 23: dict.fromkeys(range(5), OFFICE)}


def write(interpreters: list[User], days: Days) -> None:
    """Note them as seen from today; the first account also reads its requests in a calendar."""
    at = instant(days.day(-1), 18 * 60)
    for index, (first, length) in AWAY.items():
        starts_at = instant(days.day(first), 0)
        add_absence(interpreters[index], starts_at, instant(days.day(first + length), 0), at=at)
    for index, hours in USUAL.items():
        set_weekly_hours(interpreters[index], hours)
    open_feed(interpreters[0], at=at)
