"""User pays: what each establishment is charged for a period, from the very lines that pay the interpreters.

An establishment knows its requests; neither who served them nor for whom is told (domain.md, « Privacy »).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from django.db.models import Count, F, Func, QuerySet, Sum
from django.db.models.functions import Lower

from accounts.french import hour
from accounts.models import Institution, User
from billing.documents import institution_pdf
from billing.models import PayLine, PayPeriod, PeriodExport
from billing.payroll import NAMES, cents, plain
from billing.periods import Block
from billing.reasons import as_read, explanation, searchable
from requests_app import exports
from requests_app.masking import eraser
from requests_app.models import Transition

# As many requests as are read at once.
PAGE = 100
# A whole sheet is read by batches: its lines are never all in memory.
_BATCH = 2000
LAST_PAGE = 10_000
PDF = "pdf"
FORMATS = [*PeriodExport.Format.choices, (PDF, "PDF")]
CONTENT_TYPES = {PeriodExport.Format.CSV: exports.CSV, PeriodExport.Format.XLSX: exports.XLSX, PDF: exports.PDF}
COLUMNS = (
    ("Établissement", 34),
    ("Premier jour", 12),
    ("Dernier jour", 12),
    ("Demande", 10),
    ("Date du service", 12),
    ("Heure", 10),
    ("Installation", 34),
    ("Service", 34),
    ("Langue", 18),
    ("Règle", 34),
    ("Quantité", 10),
    ("Unité", 15),
    ("Taux", 10),
    ("Montant", 12),
    ("Explication", 60),
    ("Politique du", 12),
    ("Ligne", 9),
    ("Annule la ligne", 10),
)
HEADER, WIDTHS = zip(*COLUMNS, strict=True)
# Of a line, its request and its people, what a sheet tells or hides: a third of the time that whole records take.
_READ = (
    *("service_request_id", "interpreter_id", "number", "kind", "rule", "quantity", "unit", "rate", "amount"),
    *("reason", "service_on", "reverses_id", "policy__effective_from", "service_request__service_type"),
    *("service_request__starts_at", "service_request__facility__name"),
    *(f"service_request__{name}" for name in NAMES),
    *("service_request__language__name", "interpreter__first_name", "interpreter__last_name"),
    *("interpreter__username", "interpreter__mobile_phone", "interpreter__email"),
)


@dataclass(frozen=True)
class Charge:
    """What one establishment is charged: how many requests, dollars."""

    requests: int
    total: Decimal


def charges(period: PayPeriod) -> list[Institution]:
    """The establishments of a period by name, each with its `charge`; two statements. They add up to the period."""
    sums = _lines(period).order_by().values(institution=F("service_request__institution"))
    sums = sums.annotate(requests=Count("service_request", distinct=True), total=Sum("amount"))
    found = {row.pop("institution"): Charge(**row) for row in sums}
    rows = Institution.objects.filter(pk__in=found).order_by(Func(Lower("name"), function="unaccent"), "pk")
    for row in rows:
        row.charge = found[row.pk]
    return list(rows)


def charge_of(period: PayPeriod, institution: Institution) -> Charge:
    """What one establishment is charged in all; one statement."""
    of_it = _lines(period).filter(service_request__institution=institution)
    sums = of_it.aggregate(
        requests=Count("service_request", distinct=True), total=Sum("amount", default=Decimal("0.00"))
    )
    return Charge(**sums)


def _lines(period: PayPeriod) -> QuerySet[PayLine]:
    return PayLine.objects.filter(paid_on__statement__period=period)


def page_of(period: PayPeriod, institution: Institution, number: int) -> tuple[list[Block], bool]:
    """The requests of a page (from 1), each with its lines, and whether others follow; three statements."""
    of_it = _lines(period).filter(service_request__institution=institution)
    # Its lines tell the same day: each request is found once.
    numbers = of_it.order_by("service_on", "service_request_id").values_list("service_request_id", flat=True).distinct()
    start = (number - 1) * PAGE
    found = list(numbers[start : start + PAGE + 1])
    lines = of_it.filter(service_request__in=found[:PAGE])
    return list(_blocks(_read(lines), _others(lines))), len(found) > PAGE


def _read(lines: QuerySet[PayLine]) -> QuerySet[PayLine]:
    beside = ("service_request__language", "service_request__facility", "interpreter", "policy")
    return lines.select_related(*beside).only(*_READ).order_by("service_on", "service_request_id", "number")


def _others(lines: QuerySet[PayLine]) -> dict[int, list[User]]:
    """{request: whoever held it, or was offered it, before the one who is paid}; one statement."""
    steps = Transition.objects.filter(service_request__in=lines.order_by().values("service_request"))
    steps = steps.exclude(interpreter=None).exclude(interpreter=F("service_request__interpreter"))
    found = defaultdict(list)
    for step in steps.select_related("interpreter").distinct("service_request", "interpreter"):
        found[step.service_request_id].append(step.interpreter)
    return found


def _blocks(lines: Iterable[PayLine], others: dict[int, list[User]]) -> Iterator[Block]:
    for pk, same in groupby(lines, key=lambda line: line.service_request_id):
        yield _block([_told(line, others.get(pk, ())) for line in same])


def _block(lines: list[PayLine]) -> Block:
    first = lines[0]
    return Block(first.service_request, first.service_on, first.policy, lines)


def _told(line: PayLine, others: Iterable[User]) -> PayLine:
    """The line as an establishment reads it: a reason that somebody typed names neither patient nor interpreter."""
    people = (line.interpreter, *others)
    return as_read(line, lambda reason: eraser(line.service_request, interpreters=people)(reason))


def as_file(period: PayPeriod, institution: Institution, fmt: str) -> bytes:
    """The whole sheet of an establishment, in a format of CONTENT_TYPES. Two statements in CSV, else three."""
    of_it = _lines(period).filter(service_request__institution=institution)
    lines = _blocks(_read(of_it).iterator(_BATCH), _others(of_it))
    if fmt == PDF:
        return institution_pdf(institution, period, lines, charge_of(period, institution).total)
    whose = (institution.name, period.starts_on, period.ends_on)
    rows = ((*whose, *_row(block, line)) for block in lines for line in block.lines)
    if fmt == PeriodExport.Format.CSV:
        return exports.as_csv(HEADER, rows)
    charge = charge_of(period, institution)
    totals = [(*whose, charge.requests, charge.total)]
    widths = (34, 12, 12, 10, 14)
    sheets = [
        exports.Sheet(name="À refacturer", header=HEADER, rows=rows, widths=WIDTHS),
        exports.Sheet(name="Total", header=(*HEADER[:3], "Demandes", "Total"), rows=totals, widths=widths),
    ]
    return exports.as_xlsx(sheets)


def _row(block: Block, line: PayLine) -> tuple:
    asked = block.service_request
    when = (asked.pk, line.service_on, searchable(hour(asked.starts_at)), str(asked.facility or ""))
    what = (asked.get_service_type_display(), asked.language.name, searchable(line.rule))
    money = (plain(line.quantity), line.unit, cents(line.rate), line.amount)
    why = searchable(explanation(line))
    return (*when, *what, *money, why, block.policy.effective_from, line.pk, line.reverses_id)
