"""How IMS writes dates, hours, money and numbers (OQLF). Pure: standard library only, from any floor.

Spaces that must not break are U+00A0. Aware datetimes are shown on the clock of Montréal.
"""

from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

TORONTO = ZoneInfo("America/Toronto")
NBSP = "\u00a0"
MINUS = "\u2212"

WEEKDAYS = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]
MONTHS = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]
SHORT_WEEKDAYS = ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."]
SHORT_MONTHS = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juill.", "août", "sept.", "oct.", "nov.", "déc."]


def _local(value: date) -> date:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError("Une date-heure sans fuseau ne peut pas être affichée.")
    return value.astimezone(TORONTO)


def hour(value: time | datetime) -> str:
    """« 14 h 10 », « 9 h 05 », « 11 h ». A naive datetime is refused."""
    if isinstance(value, datetime):
        value = _local(value)
    minutes = f"{NBSP}{value.minute:02}" if value.minute else ""
    return f"{value.hour}{NBSP}h{minutes}"


def hour_or_day(value: datetime, at: datetime) -> str:
    """« 16 h » on the day of `at`, « le 12 novembre, 16 h » another day."""
    is_today = _local(value).date() == _local(at).date()
    return hour(value) if is_today else f"le {day_and_month(value)}, {hour(value)}"


def day_and_month(value: date) -> str:
    """« 12 novembre », « 1er novembre »."""
    value = _local(value)
    return f"{_day(value)}{NBSP}{MONTHS[value.month - 1]}"


def date_words(value: date) -> str:
    """« 12 novembre 2024 », « 1er novembre 2024 »."""
    return f"{day_and_month(value)} {_local(value).year}"


def long_date(value: date) -> str:
    """« mardi 12 novembre 2024 », « vendredi 1er novembre 2024 »."""
    return f"{WEEKDAYS[_local(value).weekday()]} {date_words(value)}"


def short_date(value: date, weekday: bool = False) -> str:
    """« 12 nov. 2024 »; with its weekday « mar. 12 nov. 2024 »."""
    value = _local(value)
    if weekday:
        return f"{short_day(value)}{NBSP}{value.year}"
    return f"{_day(value)}{NBSP}{SHORT_MONTHS[value.month - 1]}{NBSP}{value.year}"


def short_day(value: date) -> str:
    """« ven. 14 mars », where the year is known."""
    value = _local(value)
    return f"{SHORT_WEEKDAYS[value.weekday()]}{NBSP}{_day(value)}{NBSP}{SHORT_MONTHS[value.month - 1]}"


def date_range_words(start: date | None, end: date | None) -> str:
    """« du 4 novembre 2024 au 8 décembre 2024 »; one day, or one side open, is said as such."""
    if start and end and _local(start) == _local(end):
        return f"le {date_words(start)}"
    if start and end:
        return f"du {date_words(start)} au {date_words(end)}"
    if start:
        return f"à partir du {date_words(start)}"
    return f"jusqu’au {date_words(end)}" if end else "toutes les dates"


def decimal(value: Decimal | int, places: int | None = None) -> str:
    """« 1 041,25 »: comma, thousands apart, rounded half-up to `places`; without `places`, the digits that count."""
    value = Decimal(value)
    if places is not None:
        value = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{abs(value):,f}".replace(",", NBSP).replace(".", ",")
    if places is None and "," in text:
        text = text.rstrip("0").rstrip(",")
    return f"{MINUS}{text}" if value < 0 else text


def money(value: Decimal | int) -> str:
    """« 1 041,00 $ »."""
    return f"{decimal(value, 2)}{NBSP}$"


def km(value: Decimal | int) -> str:
    """« 36,8 km », « 16 km »: kilometres, to the metre."""
    return f"{decimal(value)}{NBSP}km"


def duration(minutes: int) -> str:
    """« 1 h 30 », « 2 h », « 45 min »."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest}{NBSP}min"
    return f"{hours}{NBSP}h{NBSP}{rest:02}" if rest else f"{hours}{NBSP}h"


def _day(value: date) -> str:
    return "1er" if value.day == 1 else str(value.day)
