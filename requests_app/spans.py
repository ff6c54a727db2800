"""The days that « Statistiques » tells of, and what narrows them; the address is the state, a bad value falls back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from accounts.directory import language_choices
from accounts.french import short_date
from accounts.models import HealthRegion
from requests_app.months import back, financial_year, following, month_name
from requests_app.period import day_of, last_day, midnight
from requests_app.workflow import ServiceType, Status

# Months of the calendar, that of the last day among them.
MOST_MONTHS = 24
MONTHS_SHOWN = 3
# A longer period is told by months.
MOST_WEEKS = 27
SERVICES = dict(ServiceType.choices)
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Known:
    """What may be chosen besides the days."""

    regions: dict[str, str]
    languages: dict[str, str]

    @classmethod
    def read(cls) -> "Known":
        """Two statements."""
        return cls(regions=dict(HealthRegion.objects.values_list("pk", "name")), languages=dict(language_choices()))


@dataclass(frozen=True)
class Choice:
    """What the address asks: the days of the services, both included, and what narrows them; nothing bad is kept."""

    first: date
    last: date
    region: str = ""
    language: str = ""
    service: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str], known: Known, today: date) -> "Choice":
        """A value of nobody's falls back silently: the last three months, every region, language and service."""
        first, last = day_of(given.get("du")), day_of(given.get("au"))
        last = last or max(last_day(today), first or today)
        first = first or back(last.replace(day=1), MONTHS_SHOWN - 1)
        first, last = sorted((first, last))
        return cls(
            first=max(first, back(last.replace(day=1), MOST_MONTHS - 1)),
            last=last,
            region=_among(known.regions, given.get("region")),
            language=_among(known.languages, given.get("langue")),
            service=_among(SERVICES, given.get("service")),
        )

    def of_days(self, first: date, last: date) -> "Choice":
        return replace(self, first=first, last=last)

    def written(self) -> str:
        """As an address keeps it."""
        return urlencode({"du": self.first, "au": self.last} | self.narrowed)

    @property
    def narrowed(self) -> dict[str, str]:
        """The filters besides the days, under the names of the address."""
        names = {"region": self.region, "langue": self.language, "service": self.service}
        return {name: value for name, value in names.items() if value}

    @property
    def name(self) -> str:
        """As the name of a file keeps it: « 2025-01-01-2025-03-31-langue-arabe »."""
        return f"{self.first}-{self.last}" + "".join(f"-{name}-{value}" for name, value in self.narrowed.items())

    @property
    def asked(self) -> dict:
        """As the statements of tallies.py take it."""
        narrowed = {"region": self.region, "language": self.language, "service": self.service}
        days = {"start": midnight(self.first), "end": midnight(self.last + timedelta(days=1))}
        return {"statuses": Status.values, **days, **narrowed}

    @property
    def is_by_week(self) -> bool:
        return self.last - self.first < MOST_WEEKS * _WEEK

    def steps(self) -> list[tuple[str, "Choice"]]:
        """Its weeks, from Monday, or its months when they would be too many, named; the ends may be cut."""
        starts = [self.first]
        while (start := self._next(starts[-1])) <= self.last:
            starts.append(start)
        ends = [*(start - timedelta(days=1) for start in starts[1:]), self.last]
        name = short_date if self.is_by_week else month_name
        return [(name(start), self.of_days(start, end)) for start, end in zip(starts, ends, strict=True)]

    def _next(self, day: date) -> date:
        return day + _WEEK - timedelta(days=day.weekday()) if self.is_by_week else following(day)


def _among(listed: Mapping[str, str], value: str | None) -> str:
    return value if value in listed else ""


def presets(choice: Choice, today: date) -> Iterator[tuple[str, Choice]]:
    """The periods of one tap, with the other filters as they are."""
    month, year = today.replace(day=1), financial_year(today)
    yield "3 derniers mois", choice.of_days(back(month, MONTHS_SHOWN - 1), last_day(month))
    yield "Ce mois", choice.of_days(month, last_day(month))
    yield "Mois dernier", choice.of_days(back(month, 1), month - timedelta(days=1))
    yield "12 derniers mois", choice.of_days(back(month, 11), last_day(month))
    for start in (year, back(year, 12)):
        end = back(start, -12) - timedelta(days=1)
        yield f"Exercice {start.year}-{end.year}", choice.of_days(start, end)
