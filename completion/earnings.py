"""« Ma paie »: what an interpreter earns, by the month of the service, and what each amount comes from.

Three parts: estimated (filed or owed, not validated yet: the engine's own estimate), validated (frozen, on no published
statement), paid (on a published statement). A service counts in the month of the local day on which it starts.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from accounts.models import User
from billing.ledger import in_place, paid_by
from billing.models import PayLine, PayPeriod, PayStatement
from billing.payroll import cents, plain
from billing.reasons import as_read, explanation, is_corrective, reason_of, searchable
from billing.rules import Line, RuleError
from billing.services import Tables, estimate, service_date
from completion.facts import pay_facts
from completion.queue import is_returned
from requests_app.masking import eraser_for
from requests_app.models import ServiceRequest
from requests_app.months import back
from requests_app.period import midnight

PAID, VALIDATED, ESTIMATED = "paid", "validated", "estimated"
PARTS = {PAID: "Payé", VALIDATED: "Validé", ESTIMATED: "Estimé"}
# How many files awaiting validation are estimated, the latest services first; the page says so when it bites.
MOST_ESTIMATED = 200
MONTHS_SHOWN = 12
_PUBLIC = [PayPeriod.State.PUBLISHED, PayPeriod.State.EXPORTED]
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Earned:
    """One line of pay as its interpreter reads it: the engine's or the ledger's, in which part, on which statement."""

    line: Line | PayLine
    part: str
    statement: PayStatement | None = None

    @property
    def amount(self) -> Decimal:
        return self.line.amount

    @property
    def label(self) -> str:
        return PARTS[self.part]


@dataclass(frozen=True)
class Work:
    """What one request pays; `error` says what an estimate waits for."""

    service_request: ServiceRequest
    served_on: date
    lines: list[Earned] = field(default_factory=list)
    error: str = ""

    @property
    def total(self) -> Decimal:
        return total(self.lines)

    @property
    def states(self) -> list[Earned]:
        """One line of each state: what is said of the whole; with several, each line says its own."""
        found = {}
        for earned in self.lines:
            found.setdefault((earned.part, earned.statement), earned)
        return list(found.values()) or [Earned(None, ESTIMATED)]

    @property
    def is_returned(self) -> bool:
        return self.states[0].part == ESTIMATED and is_returned(self.service_request)


def total(lines: Iterable[Earned]) -> Decimal:
    """The sum of some lines, in dollars."""
    return sum((earned.amount for earned in lines), ZERO)


def parts_of(works: Iterable[Work]) -> dict[str, Decimal]:
    """What some requests pay in each part, in dollars."""
    lines = [earned for work in works for earned in work.lines]
    return {part: total(earned for earned in lines if earned.part == part) for part in PARTS}


# Estimated


@dataclass(frozen=True)
class Estimates:
    """What awaits validation, latest first; `is_capped` when there is more than MOST_ESTIMATED."""

    works: list[Work]
    is_capped: bool

    def within(self, first: date, last: date) -> list[Work]:
        """Those of some days, in the order of the service."""
        return [work for work in reversed(self.works) if first <= work.served_on <= last]


def estimates_of(user: User) -> Estimates:
    """What their files awaiting validation would pay now; six statements whatever their number."""
    rows, tables = list(_waiting(user)[: MOST_ESTIMATED + 1]), Tables.read()
    return Estimates([estimated(row, tables) for row in rows[:MOST_ESTIMATED]], len(rows) > MOST_ESTIMATED)


def every_estimate_of(user: User, first: date, last: date) -> Estimates:
    """The same for the services of some days, however many: a file that leaves IMS is whole."""
    served = _waiting(user).filter(starts_at__gte=midnight(first), starts_at__lt=midnight(last + timedelta(days=1)))
    tables = Tables.read()
    return Estimates([estimated(row, tables) for row in served], is_capped=False)


def _waiting(user) -> QuerySet[ServiceRequest]:
    waiting = ServiceRequest.objects.assigned_to(user).awaiting_review().order_by("-starts_at", "-id")
    waiting = waiting.select_related("language", "completion")
    return waiting.prefetch_related("communications", "attachments", "added_lines")


def estimated(service_request: ServiceRequest, tables: Tables) -> Work:
    """What one request would pay now; no statement once its facts are read."""
    served_on = service_date(service_request)
    try:
        found = estimate(service_request, pay_facts(service_request), tables=tables)
    except RuleError as error:
        return Work(service_request, served_on, error=str(error))
    return Work(service_request, served_on, [Earned(line, ESTIMATED) for line in found.lines])


# Frozen


def frozen(user: User, first: date, last: date) -> list[Work]:
    """What was validated of the services of some days, each request with its corrections in place; one statement."""
    lines = PayLine.objects.filter(interpreter=user, service_on__range=(first, last)).defer("inputs")
    lines = lines.select_related("service_request__language", "paid_on__statement__period")
    lines = lines.order_by("service_on", "service_request_id", "number")
    grouped = groupby(lines, key=lambda line: line.service_request)
    return [_frozen(service_request, list(rows)) for service_request, rows in grouped]


def _frozen(service_request, lines) -> Work:
    earned = [Earned(line, *_part(line)) for line in in_place(lines)]
    return Work(service_request, lines[0].service_on, earned)


def _part(line) -> tuple[str, PayStatement | None]:
    statement = paid_by(line)
    return (PAID, statement) if statement else (VALIDATED, None)


def sums_by_month(user: User, first: date) -> dict[date, dict[str, Decimal]]:
    """{month: {part: amount}} of what is frozen since the first day of a month; one statement."""
    lines = PayLine.objects.filter(interpreter=user, service_on__gte=first)
    paid = Sum("amount", filter=Q(paid_on__statement__period__state__in=_PUBLIC), default=ZERO)
    found = lines.values(month=TruncMonth("service_on")).annotate(every=Sum("amount"), paid=paid)
    return {row["month"]: {PAID: row["paid"], VALIDATED: row["every"] - row["paid"]} for row in found}


# The months


def first_month(month: date, today: date) -> date:
    """Where the twelve months shown begin: those until today, or until an older month that was chosen."""
    recent = back(today.replace(day=1), MONTHS_SHOWN - 1)
    return recent if month >= recent else back(month, MONTHS_SHOWN - 1)


def amounts_by_month(user: User, first: date, estimates: Estimates) -> dict[date, dict[str, Decimal]]:
    """The three parts of each month from the first on that has any; one statement."""
    known = defaultdict(lambda: dict.fromkeys(PARTS, ZERO))
    for month, parts in sums_by_month(user, first).items():
        known[month] |= parts
    for work in estimates.works:
        if work.served_on >= first:
            known[work.served_on.replace(day=1)][ESTIMATED] += work.total
    return dict(known)


def works_of(user: User, first: date, last: date, estimates: Estimates) -> list[Work]:
    """Every request of some days, frozen or estimated, in the order of the services; one statement."""
    validated = frozen(user, first, last)
    # Read after the estimates: what was validated in between is told once.
    done = {work.service_request.pk for work in validated}
    waiting = [work for work in estimates.within(first, last) if work.service_request.pk not in done]
    return sorted([*validated, *waiting], key=lambda work: (work.served_on, work.service_request.starts_at))


# What may be read


def told(work: Work, reader: User, *, at: datetime) -> Work:
    """A request for the page of its interpreter, each reason as the page of the request shows it."""
    hide = eraser_for(work.service_request, reader, at=at)
    lines = [replace(earned, line=as_read(earned.line, hide)) for earned in work.lines]
    return replace(work, lines=lines)


CSV_HEADER = [
    *("Demande", "Date du service", "Service", "Langue", "Règle", "Quantité", "Unité", "Taux", "Montant"),
    *("Explication", "État", "Relevé", "Correction"),
]


def csv_rows(works: Iterable[Work]) -> Iterable[list]:
    """The lines as a file that leaves IMS: without the persons served, whoever reads it."""
    for work in works:
        for earned in work.lines:
            yield _csv_row(work, earned)


def _csv_row(work, earned) -> list:
    row, line = work.service_request, earned.line
    state = f"{earned.label}, correction demandée" if work.is_returned else earned.label
    return [
        *(row.pk, work.served_on, row.get_service_type_display(), row.language.name, searchable(line.rule)),
        *(plain(line.quantity), line.unit, cents(line.rate), line.amount),
        searchable(explanation(line, reason_of(line, row))),
        *(state, str(earned.statement or ""), "oui" if is_corrective(line) else ""),
    ]
