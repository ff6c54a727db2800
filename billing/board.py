"""« Tableau de paie »: what the BI pays for the services of some months, from frozen lines only.

One aggregate gives every sum, so that the same cents add up by month, by kind, by region and by establishment.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import TruncMonth

from accounts import keyset
from accounts.models import HealthRegion, Institution
from billing.models import PayLine, PayPeriod
from billing.rules import RULE_NAMES, LineKind
from requests_app.months import back, between, financial_year, following, month_name, month_of
from requests_app.period import last_day, midnight
from requests_app.workflow import Action

MONTHS_SHOWN = 12
COSTLIEST = 10
ZERO = Decimal("0.00")
# As the lines write them.
KINDS = {kind.value: name for kind, name in RULE_NAMES.items()}

# The alerts that were accepted with each validation, counted once a file.
_ALERTS = f"""
SELECT max(alert ->> 'label'), count(DISTINCT step.service_request_id) AS files
FROM requests_app_servicerequest request
JOIN accounts_institution place ON place.id = request.institution_id
JOIN requests_app_transition step ON step.service_request_id = request.id
CROSS JOIN LATERAL jsonb_array_elements(step.choice -> 'alerts') alert
WHERE step.action = '{Action.VALIDATE}' AND request.starts_at >= %(start)s AND request.starts_at < %(end)s
    AND %(region)s IN ('', place.region_id) AND %(institution)s IN (0, place.id)
    AND (%(kind)s = '' OR EXISTS (
        SELECT FROM billing_payline line WHERE line.service_request_id = request.id AND line.kind = %(kind)s
    ))
GROUP BY alert ->> 'kind'
ORDER BY files DESC, 1
"""  # noqa: S608 (the house's own constant; what is given goes by parameters)


@dataclass(frozen=True)
class Known:
    """What may be chosen: the months of the services paid and of the presets, regions, establishments, kinds."""

    months: list[date]
    regions: dict[str, str]
    institutions: dict[int, str]

    @classmethod
    def read(cls, today: date) -> "Known":
        """Three statements."""
        served = PayLine.objects.aggregate(first=Min("service_on"), last=Max("service_on"))
        start = financial_year(today)
        first, last = (day.replace(day=1) if day else start for day in served.values())
        # A platform that begins has the same financial years as any other.
        return cls(
            months=list(between(min(first, back(start, MONTHS_SHOWN)), max(last, back(start, -(MONTHS_SHOWN - 1))))),
            regions=dict(HealthRegion.objects.values_list("pk", "name")),
            institutions=dict(Institution.objects.order_by("name").values_list("pk", "name")),
        )


@dataclass(frozen=True)
class Choice:
    """What the address asks: the service months, both included, and what narrows them; nothing bad is kept."""

    first: date
    last: date
    region: str = ""
    institution: int = 0
    kind: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str], known: Known, today: date) -> "Choice":
        """A value of nobody's falls back silently: the last twelve months, every region, establishment and kind."""
        this_month = today.replace(day=1)
        last = _known(month_of(given.get("au")), known) or this_month
        first = _known(month_of(given.get("du")), known) or back(last, MONTHS_SHOWN - 1)
        first, last = sorted((first, last))
        institution = keyset.number(given.get("etablissement", ""))
        return cls(
            first=first,
            last=last,
            region=given.get("region") if given.get("region") in known.regions else "",
            institution=institution if institution in known.institutions else 0,
            kind=given.get("nature") if given.get("nature") in KINDS else "",
        )

    def of_months(self, first: date, last: date) -> "Choice":
        return replace(self, first=first, last=last)

    def written(self) -> str:
        """As an address keeps it."""
        return urlencode({"du": f"{self.first:%Y-%m}", "au": f"{self.last:%Y-%m}"} | self._narrowed())

    def _narrowed(self) -> dict:
        names = {"region": self.region, "etablissement": self.institution, "nature": self.kind}
        return {name: value for name, value in names.items() if value}

    @property
    def name(self) -> str:
        """As the name of a file keeps it: « 2025-04-2026-03-etablissement-12 »."""
        kept = "".join(f"-{name}-{value}" for name, value in self._narrowed().items())
        return f"{self.first:%Y-%m}-{self.last:%Y-%m}{kept}"

    def lines(self):
        """The frozen lines it keeps."""
        lines = PayLine.objects.filter(service_on__range=(self.first, last_day(self.last)))
        asked = {
            "service_request__institution__region": self.region,
            "service_request__institution": self.institution,
            "kind": self.kind,
        }
        return lines.filter(**{name: value for name, value in asked.items() if value})


def _known(month: date | None, known: Known) -> date | None:
    return month and min(max(month, known.months[0]), known.months[-1])


def presets(choice: Choice, today: date) -> Iterator[tuple[str, Choice]]:
    """The periods of one tap, with the other filters as they are."""
    month, start = today.replace(day=1), financial_year(today)
    year = start.year
    yield "12 derniers mois", choice.of_months(back(month, MONTHS_SHOWN - 1), month)
    yield "Ce mois", choice.of_months(month, month)
    yield "Mois dernier", choice.of_months(back(month, 1), back(month, 1))
    so_far = " à ce jour" if today < last_day(back(start, -(MONTHS_SHOWN - 1))) else ""
    yield f"Exercice {year}-{year + 1}{so_far}", choice.of_months(start, back(start, -(MONTHS_SHOWN - 1)))
    yield f"Exercice {year - 1}-{year}", choice.of_months(back(start, MONTHS_SHOWN), back(start, 1))


class Cell(NamedTuple):
    """What one kind of line pays of a month to an establishment: how many lines, and their amount in dollars."""

    month: date
    kind: str
    region: str
    institution: int
    number: int
    amount: Decimal


@dataclass(frozen=True)
class Sums:
    """The amounts of a choice, in dollars, told four ways that add up to the same; two statements in all."""

    choice: Choice
    known: Known

    @cached_property
    def cells(self) -> list["Cell"]:
        """Every amount by month, kind, region and establishment together, however many lines; one statement."""
        place = "service_request__institution"
        lines = self.choice.lines().values_list(TruncMonth("service_on"), "kind", f"{place}__region", place)
        # Only a reversal is negative: what is left is the lines that stand and pay something. Of `pay_by_day` alone.
        standing = Count("amount", filter=Q(amount__gt=0)) - Count("amount", filter=Q(amount__lt=0))
        return [Cell(*row) for row in lines.annotate(number=standing, amount=Sum("amount"))]

    @cached_property
    def total(self) -> Decimal:
        return sum((cell.amount for cell in self.cells), ZERO)

    @cached_property
    def published(self) -> Decimal:
        """What of the total is on a published statement; one more statement."""
        draft = PayPeriod.State.DRAFT
        lines = self.choice.lines().filter(paid_on__isnull=False).exclude(paid_on__statement__period__state=draft)
        return lines.aggregate(paid=Sum("amount", default=ZERO))["paid"]

    def by_month(self) -> list[tuple[str, Decimal]]:
        """In their order, those without any too."""
        found = self._by("month")
        return [(month_name(month), found[month]) for month in between(self.choice.first, self.choice.last)]

    def by_kind(self) -> list[tuple[str, Decimal]]:
        """Like the next two, the largest first, without those that come to nothing."""
        return _largest(self._by("kind"), KINDS)

    def by_region(self) -> list[tuple[str, Decimal]]:
        return _largest(self._by("region"), self.known.regions)

    def by_institution(self) -> list[tuple[str, Decimal]]:
        return _largest(self._by("institution"), self.known.institutions)

    def _by(self, name: str) -> dict:
        found = defaultdict(lambda: ZERO)
        for cell in self.cells:
            found[getattr(cell, name)] += cell.amount
        return found

    # Late cancellations

    @cached_property
    def late(self) -> list[tuple[str, int, Decimal]]:
        """(establishment, how many were paid, amount), the costliest first; corrected to nothing, it is not one."""
        numbers, amounts = Counter(), defaultdict(lambda: ZERO)
        for cell in self.cells:
            if cell.kind == LineKind.LATE_CANCELLATION:
                numbers[cell.institution] += cell.number
                amounts[cell.institution] += cell.amount
        found = [(self.known.institutions[pk], numbers[pk], amount) for pk, amount in amounts.items()]
        return sorted((row for row in found if row[1] or row[2]), key=lambda row: (-row[2], row[0]))

    @property
    def late_amount(self) -> Decimal:
        return sum((amount for *_, amount in self.late), ZERO)

    @property
    def late_number(self) -> int:
        return sum(number for _, number, _ in self.late)

    # Alerts

    @cached_property
    def alerts(self) -> list[tuple[str, int]]:
        """(alert, in how many files it was accepted), the most frequent first; of files with a line of the kind."""
        choice = self.choice
        given = {"region": choice.region, "institution": choice.institution, "kind": choice.kind}
        days = {"start": midnight(choice.first), "end": midnight(following(choice.last))}
        with connection.cursor() as cursor:
            cursor.execute(_ALERTS, given | days)
            return cursor.fetchall()


def _largest(amounts: dict, names: Mapping) -> list[tuple[str, Decimal]]:
    rows = [(names[key], amount) for key, amount in amounts.items() if amount]
    return sorted(rows, key=lambda row: (-row[1], row[0]))
