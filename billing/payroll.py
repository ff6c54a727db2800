"""What payroll is handed for a period: made once in each format, kept as bytes, and the same file for ever after."""

import hashlib
import logging
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from billing.models import PayLine, PayPeriod, PayStatement, PeriodExport, rate_places
from billing.reasons import explanation, reason_of, searchable
from billing.verbs import pay_verb
from requests_app import exports
from requests_app.models import ServiceRequest
from requests_app.workflow import NotAllowed

logger = logging.getLogger(__name__)
CONTENT_TYPES = {PeriodExport.Format.CSV: exports.CSV, PeriodExport.Format.XLSX: exports.XLSX}
ONLY_VALIDATORS = "Seul un valideur exporte la paie."
NOT_PUBLISHED = "Cette période est encore un brouillon. Publiez-la avant de l’exporter."
IS_ALTERED = (
    "Le fichier conservé ne correspond plus à son empreinte SHA-256\u00a0: il n’est pas remis."
    " Prévenez l’administrateur de la plateforme."
)
# Column, width in characters.
COLUMNS = (
    ("Ligne", 9),
    ("Relevé", 18),
    ("No d’interprète", 10),
    ("Identifiant", 20),
    ("Interprète", 26),
    ("Demande", 10),
    ("Date du service", 12),
    ("Établissement", 30),
    ("Code", 18),
    ("Règle", 30),
    ("Quantité", 10),
    ("Unité", 15),
    ("Taux", 10),
    ("Montant", 12),
    ("Explication", 60),
    ("Politique du", 12),
    ("Annule la ligne", 10),
)
HEADER, WIDTHS = zip(*COLUMNS, strict=True)
NAMES = ("patient_name", "patient_phone", "patient_file_number", "professional_name", "professional_phone")
_READ = (
    "id number kind rule quantity unit rate amount reason service_on service_request_id interpreter_id reverses_id"
).split()
# Read by batches: the lines of a period are never all in memory.
_BATCH = 2000


class Altered(Exception):
    """The bytes that are kept are not those that were made."""


@pay_verb
def export(period: PayPeriod, fmt: str, *, by: User, at: datetime) -> PeriodExport:
    """The file of a published period, made the first time it is asked for; later, or meanwhile, the same one.

    Raises NotAllowed for anybody but a validator, and for a draft; ValueError for a format that is not one.
    """
    if by.role != Role.VALIDATOR:
        raise NotAllowed(ONLY_VALIDATORS)
    fmt = PeriodExport.Format(fmt)
    # Two at once: the second waits here, and finds the file of the first.
    held = PayPeriod.objects.select_for_update().filter(pk=period.pk).first()
    if held is None or held.state == PayPeriod.State.DRAFT:
        raise NotAllowed(NOT_PUBLISHED)
    if kept := held.exports.filter(format=fmt).first():
        return kept
    content = as_file(held, fmt)
    sha256 = hashlib.sha256(content).hexdigest()
    made = held.exports.create(format=fmt, content=content, sha256=sha256, made_by=by, made_at=at)
    PayPeriod.objects.filter(pk=held.pk, state=PayPeriod.State.PUBLISHED).update(state=PayPeriod.State.EXPORTED)
    return made


def content_of(made: PeriodExport) -> bytes:
    """What was handed to payroll, checked against its checksum; raises Altered, logged, when it does not match."""
    content = bytes(made.content)
    if hashlib.sha256(content).hexdigest() != made.sha256:
        logger.error("export %s of period %s does not match its checksum", made.format, made.period_id)
        raise Altered(IS_ALTERED)
    return content


def as_file(period: PayPeriod, fmt: str) -> bytes:
    """The lines of a period in a format: the bytes depend on what was frozen and on names alone. One statement."""
    if fmt == PeriodExport.Format.CSV:
        return exports.as_csv(HEADER, _rows(period, _Totals()))
    totals = _Totals()
    sheets = [
        exports.Sheet(name="Lignes", header=HEADER, rows=_rows(period, totals), widths=WIDTHS),
        exports.Sheet(name="Totaux", header=_Totals.HEADER, rows=totals.rows(), widths=_Totals.WIDTHS),
        exports.Sheet(name="Période", header=("Période de paie", ""), rows=_about(period, totals), widths=(26, 26)),
    ]
    return exports.as_xlsx(sheets)


class _Totals:
    """What each statement pays, added up while its lines are written; read after them."""

    HEADER = ("Relevé", "No d’interprète", "Identifiant", "Interprète", "Lignes", "Total")
    WIDTHS = (18, 10, 20, 26, 8, 14)

    def __init__(self):
        self.counts, self.amounts = {}, {}

    def add(self, who: tuple, amount: Decimal) -> None:
        self.counts[who] = self.counts.get(who, 0) + 1
        self.amounts[who] = self.amounts.get(who, Decimal(0)) + amount

    def rows(self) -> Iterator[tuple]:
        yield from ((*who, self.counts[who], amount) for who, amount in self.amounts.items())

    @property
    def lines(self) -> int:
        return sum(self.counts.values())

    @property
    def amount(self) -> Decimal:
        return sum(self.amounts.values(), Decimal("0.00"))


def _rows(period: PayPeriod, totals: _Totals) -> Iterator[tuple]:
    """The lines by interpreter, in the order of their page, then by service; each written as payroll reads it."""
    lines = PayLine.objects.filter(paid_on__statement__period=period)
    lines = lines.order_by("paid_on__statement", "service_on", "service_request_id", "number")
    people = {"first": "first_name", "last": "last_name", "username": "username"}
    beside = {name: F(f"interpreter__{source}") for name, source in people.items()}
    beside |= {name: F(f"service_request__{name}") for name in NAMES} | {"effective_from": F("policy__effective_from")}
    beside["institution"] = F("service_request__institution__name")
    for line in lines.annotate(**beside).values_list(*_READ, *beside, named=True).iterator(_BATCH):
        number = PayStatement(period=period, interpreter_id=line.interpreter_id).number
        who = (number, line.interpreter_id, line.username, f"{line.first} {line.last}".strip())
        totals.add(who, line.amount)
        yield _row(line, who)


def _row(line, who: tuple) -> tuple:
    about = ServiceRequest(**{name: getattr(line, name) for name in NAMES})
    of_service = (line.service_request_id, line.service_on, line.institution, line.kind, searchable(line.rule))
    money = (plain(line.quantity), line.unit, cents(line.rate), line.amount)
    why = searchable(explanation(line, reason_of(line, about)))
    return (line.id, *who, *of_service, *money, why, line.effective_from, line.reverses_id)


def plain(number: Decimal) -> Decimal:
    """Without the zeros that the database adds: 2.5000 is 2.5, 120.0000 is 120."""
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


def cents(rate: Decimal) -> Decimal:
    """A rate with the digits that count: 41.0000 is 41.00, 0.6250 is 0.625."""
    return round(rate, rate_places(rate))


def _about(period: PayPeriod, totals: _Totals) -> Iterator[tuple]:
    """Which period it is, what it pays in all; neither who exports it nor when."""
    yield from (
        ("Premier jour", period.starts_on),
        ("Dernier jour", period.ends_on),
        ("Publiée le", timezone.localdate(period.published_at)),
        ("Relevés", len(totals.amounts)),
        ("Lignes", totals.lines),
        ("Total ($)", totals.amount),
    )
