"""The ledger: lines frozen at Achevé with what they came from; later a reversal and a new line, never an edit."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction

from accounts import notify
from accounts.models import User
from accounts.notify import Notice
from accounts.roles import Role
from billing import rules
from billing.models import PayLine, PayPeriod, PayStatement
from billing.reasons import CORRECTION
from billing.services import NEGATIVE, Tables, added_lines, estimate, service_date
from billing.verbs import pay_verb
from requests_app.models import ServiceRequest
from requests_app.notifications import Topic, about, context_of
from requests_app.workflow import NotAllowed, Status

# A larger correction is a typing error.
LARGEST_AMOUNT = Decimal(1_000_000)
SAME_AMOUNT = "C’est déjà le montant de cette ligne."
# Two numbers that no other lock of ours has (alone.py has one a job, in its own family).
_TARIFFS = (1_229_804_871, 1)


def ledger(service_request: ServiceRequest) -> list[PayLine]:
    """The frozen lines of a request, in the order they were written, each with its statement; one query."""
    lines = service_request.pay_lines.select_related("policy", "created_by", "paid_on__statement__period")
    return list(lines.order_by("number"))


def paid_by(line: PayLine) -> PayStatement | None:
    """The published statement that pays a line, if any; no query for the lines of `ledger`."""
    held = getattr(line, "paid_on", None)
    return held.statement if held and held.statement.period.state != PayPeriod.State.DRAFT else None


def corrections_of(lines: Iterable[PayLine]) -> list[tuple[PayLine, PayLine, PayLine]]:
    """Of a ledger, each correction: the line corrected, the one that reverses it, the one written instead."""
    by_number, by_pk = {line.number: line for line in lines}, {line.pk: line for line in lines}
    undone = [line for line in by_pk.values() if line.reverses_id]
    return [(by_pk[line.reverses_id], line, by_number[line.number + 1]) for line in undone]


def in_place(lines: list[PayLine]) -> list[PayLine]:
    """A ledger to read: each correction under the line it corrects, which stays where it was."""
    instead = {wrong.pk: (undone, right) for wrong, undone, right in corrections_of(lines)}
    written_instead = {right.pk for _, right in instead.values()}
    found = []
    for line in lines:
        if not line.reverses_id and line.pk not in written_instead:
            found.append(line)
            while line.pk in instead:
                undone, line = instead[line.pk]
                found += [undone, line]
    return found


def hold(*, to_publish: bool = False) -> None:
    """Keep the tariffs as they are until the transaction ends: taken before any of them is read.

    Those who freeze lines share them; whoever publishes a tariff (`to_publish`) waits to have them alone.
    """
    function = "pg_advisory_xact_lock" if to_publish else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", _TARIFFS)


def held_tables() -> Tables:
    """The tariffs, held until the transaction ends, and the closed days: what is seen and frozen reads them once."""
    hold()
    return Tables.read()


@transaction.atomic
def freeze(
    service_request: ServiceRequest, facts: rules.Facts, *, tables: Tables, by: User, at: datetime
) -> list[PayLine]:
    """Write the lines of a request for good, with the inputs they came from; called by the validation's transaction.

    `tables` are the `held_tables` of that transaction. Raises RuleError on facts that cannot be, NotAllowed before
    Achevé and when the lines are already frozen.
    """
    locked = _locked(service_request.pk)
    if locked.pay_lines.exists():
        raise NotAllowed("Les lignes de paie de cette demande sont déjà figées.")
    found = estimate(service_request, facts, tables=tables)
    if found.total < 0:
        raise NotAllowed(NEGATIVE)
    inputs = _kept(asdict(facts)) | {
        "closed_days": sorted(day.isoformat() for day in found.closed_days),
        "policy": _kept(asdict(found.policy.as_rules())),
        "accepted_communications": _accepted(service_request),
        "added_lines": _added(service_request),
    }
    return PayLine.objects.bulk_create(
        PayLine(
            service_request=service_request,
            interpreter_id=service_request.interpreter_id,
            service_on=service_date(service_request),
            policy=found.policy,
            number=number,
            inputs=inputs,
            created_by=by,
            created_at=at,
            **asdict(line),
        )
        for number, line in enumerate(found.lines, start=1)
    )


def _accepted(service_request) -> list[dict]:
    """Ruling 6: what a validator decided to pay, who, when and why."""
    names = ("id", "at", "accepted_by_id", "accepted_at", "accepted_reason")
    return [_kept(row) for row in service_request.communications.exclude(accepted_by=None).values(*names)]


def _added(service_request) -> list[dict]:
    """What a validator added or took off, who, when and why."""
    names = ("id", "amount", "reason", "added_by_id", "added_at")
    return [_kept({name: getattr(row, name) for name in names}) for row in added_lines(service_request)]


def _locked(pk) -> ServiceRequest:
    """The request, held until the transaction ends: its ledger has one writer at a time. Raises NotAllowed."""
    service_request = ServiceRequest.objects.select_for_update(no_key=True).get(pk=pk)
    if service_request.status != Status.COMPLETED:
        raise NotAllowed("Les lignes de paie s’écrivent à l’achèvement.")
    return service_request


def _kept(values: dict) -> dict:
    """As JSON keeps them: instants and dates in ISO 8601, decimals as text."""
    dates = {name: value.isoformat() for name, value in values.items() if isinstance(value, date)}
    decimals = {name: str(value) for name, value in values.items() if isinstance(value, Decimal)}
    return values | dates | decimals


@pay_verb
def adjust(line: PayLine, *, by: User, at: datetime, amount: Decimal, reason: str) -> PayLine:
    """After Achevé: reverse a line and write another with the right amount, in dollars; the interpreter is told.

    Returns the new line. Raises NotAllowed when the person is not a validator, filed the report, gives no reason or no
    other amount of money, or when the line is already corrected (domain.md, `adjust`).
    """
    service_request, reason = _locked(line.service_request_id), reason.strip()
    _check_adjustment(line, service_request, by, amount, reason)
    if line.reverses_id or PayLine.objects.filter(reverses=line).exists():
        raise NotAllowed("Cette ligne est déjà corrigée.")
    kept = ("service_request_id", "interpreter_id", "service_on", "policy_id", "kind", "rule", "inputs")
    common = {name: getattr(line, name) for name in kept} | {"reason": reason, "created_by": by, "created_at": at}
    others = [row.amount for row in service_request.pay_lines.exclude(pk=line.pk)]
    if sum(others) + amount < 0:
        raise NotAllowed(NEGATIVE)
    last = len(others) + 1
    undone = {"quantity": -line.quantity, "unit": line.unit, "rate": line.rate, "amount": -line.amount}
    # What the line said of its quantity was wrong: the new one is its own amount.
    right = {"quantity": Decimal(1), "unit": CORRECTION, "rate": amount, "amount": amount}
    PayLine.objects.create(**common, **undone, number=last + 1, reverses=line)
    written = PayLine.objects.create(**common, **right, number=last + 2)
    _tell_adjusted(service_request, written)
    return written


def _tell_adjusted(service_request, line) -> None:
    context = context_of(service_request)
    told = Notice(user=line.interpreter, topic=Topic.ADJUSTED, event=str(line.pk), context=context)
    notify.tell([told], about=about(service_request), at=line.created_at)


def _check_adjustment(line, service_request, by, amount, reason) -> None:
    if by.role != Role.VALIDATOR or service_request.has_part(by):
        raise NotAllowed("Seul un valideur qui n’a pas rempli ce dossier peut corriger une ligne.")
    most = PayLine._meta.get_field("reason").max_length
    if not 0 < len(reason) <= most:
        raise NotAllowed(f"Donnez la raison de la correction, en {most}\u00a0caractères au plus.")
    least = least_amount(line)
    if not (amount.is_finite() and least <= amount <= LARGEST_AMOUNT and amount == round(amount, 2)):
        raise NotAllowed(f"Le montant corrigé est en dollars et en cents{'' if least else ', positif ou nul'}.")
    if amount == line.amount:
        raise NotAllowed(SAME_AMOUNT)


def least_amount(line: PayLine) -> Decimal:
    """The least a line may be corrected to, in dollars: only one that the BI added takes something off."""
    return -LARGEST_AMOUNT if line.kind == rules.LineKind.ADJUSTMENT else Decimal(0)
