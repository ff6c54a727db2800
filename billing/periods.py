"""What the pages of « Relevés » show: the periods, what one pays by kind and by person, the lines of one statement."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from django.db.models import Count, Q, Sum
from django.utils.dateparse import parse_date

from billing.models import PayLine, PayPeriod, PayPolicy, PayStatement
from billing.reasons import as_read
from billing.rules import RULE_NAMES, LineKind
from billing.statements import closes_at, lines_of, waiting
from requests_app.masking import Hide
from requests_app.models import ServiceRequest

# A year of periods, and as many people as are read at once.
PERIODS, PEOPLE = 26, 100
State = PayPeriod.State


def draft() -> PayPeriod | None:
    """The period that was computed and waits to be published."""
    return PayPeriod.objects.filter(state=State.DRAFT).select_related("computed_by").first()


def published(before: date | None = None) -> tuple[list[PayPeriod], str]:
    """A page of published periods, newest first, with their `paid` (dollars) and `people`; the key of the next page.

    `before` is the last day that the page before ended with; the first page without it.
    """
    rows = PayPeriod.objects.exclude(state=State.DRAFT)
    if before:
        rows = rows.filter(ends_on__lt=before)
    paid = Sum("statements__total", default=Decimal("0.00"))
    found = list(rows.annotate(paid=paid, people=Count("statements")).order_by("-ends_on")[: PERIODS + 1])
    return found[:PERIODS], found[PERIODS - 1].ends_on.isoformat() if len(found) > PERIODS else ""


def day(text: str) -> date | None:
    """A day as an address or a form names it, in ISO 8601; None for anything else."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def by_kind(period: PayPeriod) -> list[tuple[str, int, Decimal]]:
    """(name, lines, dollars) of each kind of line that a period pays, in the order of the rules; one statement."""
    of_period = PayLine.objects.filter(paid_on__statement__period=period).order_by()
    found = {row["kind"]: row for row in of_period.values("kind").annotate(lines=Count("pk"), paid=Sum("amount"))}
    return [(RULE_NAMES[kind], found[kind]["lines"], found[kind]["paid"]) for kind in LineKind if kind in found]


def people(period: PayPeriod, after: int = 0) -> tuple[list[PayStatement], int | None]:
    """A page of the statements of a period, by name, and the key of the next page; `after` is such a key."""
    rows = period.statements.filter(pk__gt=after).select_related("interpreter").order_by("pk")
    found = list(rows[: PEOPLE + 1])
    for row in found:
        row.period = period
    return found[:PEOPLE], found[PEOPLE - 1].pk if len(found) > PEOPLE else None


@dataclass(frozen=True)
class Waiting:
    """Lines that no statement pays: frozen in the period, which computing it again takes, or after its end."""

    in_period: int
    afterwards: int


def waiting_after(period: PayPeriod) -> Waiting:
    """How many lines wait beside a draft; one statement."""
    end = closes_at(period)
    return Waiting(
        **waiting().aggregate(
            in_period=Count("pk", filter=Q(created_at__lt=end)), afterwards=Count("pk", filter=Q(created_at__gte=end))
        )
    )


@dataclass(frozen=True)
class Block:
    """The lines of one service on a statement, and their sum in dollars."""

    service_request: ServiceRequest
    service_on: date
    policy: PayPolicy
    lines: list[PayLine]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))


def blocks(statement: PayStatement, eraser_of: Callable[[ServiceRequest], Hide]) -> list[Block]:
    """A statement service by service, its reasons read through the eraser of each request; one statement."""
    found = []
    for _, lines in groupby(lines_of(statement), key=lambda line: line.service_request_id):
        lines = list(lines)
        hide = eraser_of(lines[0].service_request)
        shown = [as_read(line, hide) for line in lines]
        found.append(Block(lines[0].service_request, lines[0].service_on, lines[0].policy, shown))
    return found
