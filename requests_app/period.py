"""What the address of the interpreter's home asks, and the month of links that choose a period.

The URL is the state; a bad value falls back silently (screens.md, section 9).
"""

import calendar
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from django.utils import timezone

from accounts.french import MONTHS, WEEKDAYS, date_range_words, day_and_month
from requests_app.workflow import Status

# The FAQ's order; the first three want something from the interpreter, and are what is « À venir ».
GROUPS = (
    Status.PENDING,
    Status.MODIFIED,
    Status.RESERVED,
    Status.PROVIDED,
    Status.COMPLETED,
    Status.CANCELLED,
)
UPCOMING = GROUPS[:3]
VIEWS = {"a-venir": UPCOMING, "tous": GROUPS}
LAUNCH = date(2024, 11, 4)
LONGEST_SEARCH = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """After which row of a group the list goes on: « completed.1731430800000000.123 », in microseconds."""

    status: Status
    starts_at: datetime
    pk: int

    @classmethod
    def read(cls, text: str) -> "Place | None":
        status, *numbers = text.split(".")
        if status not in GROUPS or len(numbers) != 2 or not all(_is_number(number) for number in numbers):
            return None
        return cls(Status(status), _EPOCH + timedelta(microseconds=int(numbers[0])), int(numbers[1]))

    def __str__(self):
        return f"{self.status}.{(self.starts_at - _EPOCH) // timedelta(microseconds=1)}.{self.pk}"


def _is_number(text: str) -> bool:
    """Small enough for an instant and for a key of the database."""
    return text.isascii() and text.isdecimal() and len(text) <= 16


@dataclass(frozen=True)
class Choice:
    """What the URL asks: the view, the statuses ticked, a period, words to find, the month shown, where to go on."""

    today: date
    view: str = "tous"
    ticked: tuple = ()
    start: date | None = None
    end: date | None = None
    search: str = ""
    asked_month: date | None = None
    is_picking: bool = False
    after: Place | None = None

    @classmethod
    def of(cls, query, *, today: date, is_phone: bool = False) -> "Choice":
        """A phone opens on « À venir », a desk on « Tous »; a status that is not « À venir » leaves that view."""
        ticked = tuple(status for status in GROUPS if status in query.getlist("statut"))
        view = query.get("vue")
        if view not in VIEWS:
            view = "a-venir" if is_phone else "tous"
        start, end = day_of(query.get("du")), day_of(query.get("au"))
        if start and end and end < start:
            start, end = end, start
        if not set(ticked) <= set(VIEWS[view]):
            view = "tous"
        after = Place.read(query.get("suite", ""))
        return cls(
            today=today,
            view=view,
            ticked=ticked if set(ticked) != set(GROUPS) else (),
            start=start,
            end=end,
            search=" ".join(query.get("cherche", "").replace("\x00", "").split())[:LONGEST_SEARCH],
            asked_month=day_of(f"{query.get('mois', '')}-01"),
            is_picking=query.get("borne") == "au" and start is not None and end is None,
            after=after if after and after.status in (ticked or VIEWS[view]) else None,
        )

    @property
    def statuses(self) -> tuple:
        return self.ticked or VIEWS[self.view]

    @property
    def has_period(self) -> bool:
        return self.start is not None or self.end is not None

    @property
    def filters(self) -> int:
        """How many filters hold: the statuses, the period, the search."""
        return sum([bool(self.ticked), self.has_period, bool(self.search)])

    @property
    def month(self) -> date:
        """The first day of the month shown."""
        return self.asked_month or (self.start or self.today).replace(day=1)

    def url(self, **changed) -> str:
        """The address of the same page with something else chosen, from the top of its list."""
        return self.to(**changed).address

    def to(self, **changed) -> "Choice":
        return replace(self, **{"after": None, "is_picking": False, **changed})

    @property
    def address(self) -> str:
        query = {
            "vue": self.view,
            "statut": [status.value for status in self.ticked],
            "du": self.start,
            "au": self.end,
            "cherche": self.search,
            "mois": f"{self.month:%Y-%m}" if self.month != replace(self, asked_month=None).month else None,
            "borne": "au" if self.is_picking else None,
            "suite": self.after,
        }
        return "/?" + urlencode({name: value for name, value in query.items() if value}, doseq=True)

    @property
    def is_elsewhere(self) -> bool:
        """Another month than today's is shown."""
        return self.month != self.today.replace(day=1)

    def result(self, number: int) -> str:
        """« 46 demandes, du 4 novembre 2024 au 8 décembre 2024 »."""
        words = f"{number} demande{'s' if number > 1 else ''}"
        if self.search:
            words += f" pour «\u00a0{self.search}\u00a0»"
        if self.has_period or self.search:
            return f"{words}, {date_range_words(self.start, self.end)}"
        if self.view == "a-venir":
            return f"{words} à venir"
        return f"{words}, en cours ou des 30 derniers jours"


def day_of(text: str | None) -> date | None:
    """A day of the address, « 2024-11-04 »; none for anything else, or for a year nobody means."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def midnight(day: date) -> datetime:
    """When a day starts on the clock of Montréal."""
    return timezone.make_aware(datetime.combine(day, time()))


def presets(choice: Choice) -> list[dict]:
    today = choice.today
    spans = {
        "Aujourd’hui": (today, today),
        "7 jours": (today, today + timedelta(days=6)),
        "Ce mois": (today.replace(day=1), last_day(today)),
        "Depuis le 4\u00a0novembre 2024": (LAUNCH, None),
    }
    return [
        {
            "label": label,
            # The calendar stays on today's month: nobody wants to turn two years of pages.
            "url": choice.url(start=start, end=end, asked_month=today.replace(day=1)),
            "is_current": (choice.start, choice.end) == (start, end) and not choice.is_picking,
        }
        for label, (start, end) in spans.items()
    ]


def everything(today: date) -> str:
    """The address of all the requests since IMS exists."""
    return Choice(today=today, start=LAUNCH, asked_month=today.replace(day=1)).address


def last_day(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


# The month at the right: a dot and a label on each day that has requests.


def month(choice: Choice, dots: dict[date, int]) -> dict:
    """Weeks of the month shown (Sunday first) with the number of requests a day, and the links that pick a period."""
    first, last = choice.month, last_day(choice.month)
    weeks = calendar.Calendar(firstweekday=calendar.SUNDAY).monthdatescalendar(first.year, first.month)
    before, after = first - timedelta(days=1), last + timedelta(days=1)
    return {
        "name": f"{MONTHS[first.month - 1]} {first.year}",
        "weeks": [[_cell(day, dots, choice) if day.month == first.month else None for day in week] for week in weeks],
        "previous": _turned(choice, before),
        "next": _turned(choice, after),
        "current": _turned(choice, choice.today) if choice.is_elsewhere else None,
        "current_name": f"{MONTHS[choice.today.month - 1]} {choice.today.year}",
        "previous_name": MONTHS[before.month - 1],
        "next_name": MONTHS[after.month - 1],
        "weekdays": [WEEKDAYS[index - 1] for index in range(7)],
    }


def _turned(choice, day) -> str:
    """The same list beside another month; the end of a period may be in another month than its start."""
    return choice.url(asked_month=day.replace(day=1), is_picking=choice.is_picking)


def _cell(day: date, dots: dict[date, int], choice: Choice) -> dict:
    number = dots.get(day, 0)
    said = f"{WEEKDAYS[day.weekday()]} {day_and_month(day)}"
    if number:
        said += f", {number} demande{'s' if number > 1 else ''}"
    if day == choice.start:
        said += ", début de la période"
    if day == choice.end:
        said += ", fin de la période"
    marks = {
        "dot": number,
        "in": choice.start and choice.end and choice.start <= day <= choice.end,
        "start": day == choice.start,
        "end": day == choice.end,
    }
    return {
        "day": day.day,
        "label": said,
        "classes": " ".join(name for name, is_on in marks.items() if is_on),
        "is_today": day == choice.today,
        "url": _picked(choice, day),
    }


def _picked(choice, day) -> str:
    """The first click is the start; until the second, the period has one open side."""
    if choice.is_picking:
        start, end = sorted((choice.start, day))
        return choice.url(start=start, end=end, asked_month=choice.month)
    return choice.url(start=day, end=None, asked_month=None, is_picking=True)
