"""Pay: an estimate while a request lives, frozen lines at Achevé, a reversal and a new line for what comes later."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction
from django.utils import timezone

from accounts import notify
from accounts.models import User
from accounts.notify import Notice
from accounts.roles import Role
from billing import rules
from billing.models import AddedLine, PayLine, PayPolicy
from requests_app.business_days import by_day, notice_limit
from requests_app.distances import Distances, Origin, distances_for
from requests_app.exchanges import billable_if_cancelled
from requests_app.models import Holiday, Offer, ServiceRequest
from requests_app.notifications import Topic, about, context_of
from requests_app.workflow import NotAllowed, ServiceType, Status

# A larger correction is a typing error.
LARGEST_AMOUNT = Decimal(1_000_000)
SAME_AMOUNT = "C’est déjà le montant de cette ligne."
NEGATIVE = "Le total de la paie serait négatif\u00a0: il est d’au moins 0\u00a0$. Rien n’est enregistré."


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What some facts pay under the policy of the service date."""

    lines: list
    total: Decimal
    policy: PayPolicy
    closed_days: frozenset


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Every tariff and every closed day, read once for many estimates."""

    policies: list[PayPolicy]
    closed_days: frozenset

    @classmethod
    def read(cls) -> "Tables":
        closed_days = frozenset(Holiday.objects.values_list("date", flat=True))
        return cls(policies=list(PayPolicy.objects.order_by("-effective_from")), closed_days=closed_days)


def policy_of(service_request: ServiceRequest, tables: Tables | None = None) -> PayPolicy:
    """The tariff in force on the service date (domain.md, « Pay »); raises RuleError when none is."""
    day = rules.service_date(service_request.starts_at, timezone.get_default_timezone())
    if tables:
        policy = next((known for known in tables.policies if known.effective_from <= day), None)
    else:
        policy = PayPolicy.objects.filter(effective_from__lte=day).order_by("-effective_from").first()
    if policy is None:
        raise rules.RuleError("starts_at", f"Aucune politique de rémunération n’est en vigueur le {day}.")
    return policy


def estimate(service_request: ServiceRequest, facts: rules.Facts, *, tables: Tables | None = None) -> Estimate:
    """The lines these facts pay; raises RuleError on facts that cannot be.

    A cancellation already decided keeps the closed days it was counted with, whatever the table became. For many
    requests, `tables` spare the statements of each.
    """
    policy = policy_of(service_request, tables)
    closed_days = _closed_days(service_request, facts, tables)
    zone = timezone.get_default_timezone()
    lines = rules.pay_lines(facts, policy=policy.as_rules(), closed_days=closed_days, tz=zone)
    lines += [rules.added_line(row.amount, row.reason) for row in added_lines(service_request)]
    return Estimate(lines=lines, total=rules.total(lines), policy=policy, closed_days=closed_days)


def added_lines(service_request: ServiceRequest) -> list[AddedLine]:
    """What the BI added for whoever holds the request now, and did not take back; one query, none once prefetched."""
    rows = service_request.added_lines.all()
    return [row for row in rows if row.interpreter_id == service_request.interpreter_id and not row.removed_at]


def _closed_days(service_request, facts, tables) -> frozenset:
    if service_request.notice_received_at:
        return frozenset(service_request.notice_closed_days)
    if facts.notice_received_at is None:
        return frozenset()
    if tables:
        return tables.closed_days
    return Holiday.objects.closed_between(facts.notice_received_at, facts.starts_at)


# Before accepting an offer: what it would pay.


@dataclass(frozen=True, kw_only=True)
class Way:
    """About how far, one way, and from where. To 0.1 km it would name the place, which an offer hides."""

    km: Decimal
    origin: Origin
    is_less: bool = False

    def __str__(self):
        return f"{'moins de' if self.is_less else 'environ'} {self.km.normalize():f}\u00a0km"


# Several places of a town are as far, to the nearest 5 km.
STEP_KM = Decimal(5)


def way_of(known: Distances, threshold_km: Decimal | None = None) -> Way | None:
    """The distance that counts to the nearest 5 km, on the side of the threshold where it really is: paid or not."""
    if known.counts is None:
        return None
    real = known.shorter
    km = max(STEP_KM, (real / STEP_KM).quantize(Decimal(1), ROUND_HALF_UP) * STEP_KM)
    if threshold_km is not None and real <= threshold_km:
        km = min(km, threshold_km)
    elif threshold_km is not None and km <= threshold_km:
        km = (threshold_km // STEP_KM + 1) * STEP_KM
    return Way(km=km, origin=known.counts, is_less=real < km and real < STEP_KM)


@dataclass(frozen=True, kw_only=True)
class OfferEstimate:
    """What an offer pays if the service lasts as booked; or, when nothing is known of its size, the rate of its `unit`.

    `error` is the French sentence of a rule that cannot take these facts: then there are no lines.
    """

    way: Way | None = None
    lines: list = field(default_factory=list)
    total: Decimal | None = None
    rate: Decimal | None = None
    unit: str = ""
    error: str = ""


def offer_estimate(offer: Offer) -> OfferEstimate:
    """Service rendered, for the booked minutes, from the nearer of the home and the head office (domain.md « Pay »).

    For this interpreter's own eyes: it says about how far they live. Two queries, the request being loaded.
    """
    service_request = offer.service_request
    known = distances_for(service_request, offer.interpreter_id)
    try:
        policy = policy_of(service_request)
        if service_request.service_type in rules.SPOKEN:
            way = way_of(known, policy.mileage_threshold_km)
            lines = _as_booked(service_request, way, policy)
            return OfferEstimate(way=way, lines=lines, total=rules.total(lines))
        rate, unit = _by_the_piece(service_request, policy)
        return OfferEstimate(rate=rate, unit=unit)
    except rules.RuleError as error:
        return OfferEstimate(way=way_of(known), error=str(error))


def _as_booked(service_request, way: Way | None, policy: PayPolicy) -> list:
    facts = rules.Facts(
        service_type=service_request.service_type,
        starts_at=service_request.starts_at,
        ends_at=service_request.ends_at,
        outcome=rules.Outcome.RENDERED,
        guaranteed_minutes=service_request.guaranteed_minutes,
        actual_minutes=service_request.booked_minutes,
        home_km=way.km if way and way.origin == Origin.HOME else None,
        head_office_km=way.km if way and way.origin == Origin.HEAD_OFFICE else None,
    )
    zone = timezone.get_default_timezone()
    lines = rules.pay_lines(facts, policy=policy.as_rules(), closed_days=frozenset(), tz=zone)
    return [_about(line, way) for line in lines]


def _about(line, way: Way | None):
    """The line of the way says that its distance is about so."""
    if line.kind != rules.LineKind.MILEAGE or way is None:
        return line
    return replace(line, reason=f"{'Moins de' if way.is_less else 'Environ'} {line.reason}")


def _by_the_piece(service_request, policy: PayPolicy) -> tuple[Decimal, str]:
    """Nobody counted the words, nor the communications, yet."""
    return {
        ServiceType.TRANSLATION: (policy.word_rate_translation, "mot"),
        ServiceType.REVISION: (policy.word_rate_revision, "mot"),
        ServiceType.MESSAGE_RELAY: (policy.communication_fee, "communication"),
    }[service_request.service_type]


# The ledger.


def ledger(service_request: ServiceRequest) -> list[PayLine]:
    """The frozen lines of a request, in the order they were written; one query."""
    return list(service_request.pay_lines.select_related("policy", "created_by").order_by("number"))


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


@transaction.atomic
def freeze(service_request: ServiceRequest, facts: rules.Facts, *, by: User, at: datetime) -> list[PayLine]:
    """Write the lines of a request for good, with the inputs they came from; called by the validation's transaction.

    Raises RuleError on facts that cannot be, NotAllowed before Achevé and when the lines are already frozen.
    """
    if _locked(service_request.pk).pay_lines.exists():
        raise NotAllowed("Les lignes de paie de cette demande sont déjà figées.")
    found = estimate(service_request, facts)
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


@transaction.atomic
def adjust(line: PayLine, *, by: User, at: datetime, amount: Decimal, reason: str) -> PayLine:
    """After Achevé: reverse a line and write another with the right amount, in dollars; the interpreter is told.

    Returns the new line. Raises NotAllowed when the person is not a validator, filed the report, gives no reason or no
    other amount of money, or when the line is already corrected (domain.md, `adjust`).
    """
    service_request, reason = _locked(line.service_request_id), reason.strip()
    _check_adjustment(line, service_request, by, amount, reason)
    if line.reverses_id or PayLine.objects.filter(reverses=line).exists():
        raise NotAllowed("Cette ligne est déjà corrigée.")
    kept = ("service_request_id", "interpreter_id", "policy_id", "kind", "rule", "inputs")
    common = {name: getattr(line, name) for name in kept} | {"reason": reason, "created_by": by, "created_at": at}
    others = [row.amount for row in service_request.pay_lines.exclude(pk=line.pk)]
    if sum(others) + amount < 0:
        raise NotAllowed(NEGATIVE)
    last = len(others) + 1
    undone = {"quantity": -line.quantity, "unit": line.unit, "rate": line.rate, "amount": -line.amount}
    # What the line said of its quantity was wrong: the new one is its own amount.
    right = {"quantity": Decimal(1), "unit": "correction", "rate": amount, "amount": amount}
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


# Before confirming a cancellation: the clock, and what it pays to whom.

# Two business days are found within it whatever the table holds: a year is never closed from end to end.
LOOK_BACK = timedelta(days=366)
# The days told one by one: those of the limit, and a few before.
SHOWN_DAYS = 5


@dataclass(frozen=True, kw_only=True)
class CancellationPreview:
    """What a cancellation received at an instant would do (ruling 12): the clock, its limit, the pay.

    `late_amount` is what the cancellation itself pays after `limit`: nothing when nobody holds the request or the
    service is not an interpretation. `lines` and `total` are now, with the `communications` already made that are
    paid; `is_never_free` says that the limit had passed when the request was created.
    """

    limit: datetime
    has_started: bool
    is_never_free: bool
    notice_minutes: int
    earlier_minutes: int
    days: list[tuple[date, int]]
    interpreter: User | None
    lines: list
    total: Decimal
    late_amount: Decimal
    communications: int

    @property
    def early_total(self) -> Decimal:
        """What is paid whatever the notice, in dollars."""
        return rules.total(line for line in self.lines if line.kind == rules.LineKind.COMMUNICATIONS)

    @property
    def late_total(self) -> Decimal:
        return self.late_amount + self.early_total

    @property
    def is_paid(self) -> bool:
        """Whether cancelling now pays more than the communications already made."""
        return self.total > self.early_total


def cancellation_preview(
    service_request: ServiceRequest, *, at: datetime, is_absent: bool = False
) -> CancellationPreview:
    """The business clock of a request at `at`, and what cancelling then pays; three queries at most.

    `is_absent`: with the reason « Interprète absent », which pays nothing (ruling 12).
    """
    zone, starts_at = timezone.get_default_timezone(), service_request.starts_at
    closed_days = Holiday.objects.closed_between(min(at, starts_at - LOOK_BACK), starts_at)
    notice = rules.business_notice(at, starts_at, closed_days=closed_days, tz=zone)
    earlier, days = _day_by_day(at, starts_at, closed_days, zone)
    made = 0 if is_absent else billable_if_cancelled(service_request, received_at=at)
    lines, late_lines = _now_and_late(service_request, at, closed_days, zone, made=made, is_absent=is_absent)
    limit = notice_limit(starts_at, notice=rules.LATE_CANCELLATION_NOTICE, closed_days=closed_days, tz=zone)
    return CancellationPreview(
        limit=limit,
        is_never_free=limit.astimezone(UTC) < service_request.created_at.astimezone(UTC),
        has_started=_has_started(at, starts_at),
        notice_minutes=rules.notice_minutes(notice),
        earlier_minutes=earlier,
        days=days,
        interpreter=service_request.interpreter,
        lines=lines,
        total=rules.total(lines),
        late_amount=rules.total(late_lines),
        communications=made,
    )


def _has_started(at, starts_at) -> bool:
    # In UTC, because Python compares two instants of one zone on the wall clock.
    return at.astimezone(UTC) >= starts_at.astimezone(UTC)


def _day_by_day(at, starts_at, closed_days, zone) -> tuple[int, list[tuple[date, int]]]:
    """The clock in minutes: those before the days that are told, then each of these."""
    days = [] if _has_started(at, starts_at) else by_day(at, starts_at, closed_days=closed_days, tz=zone)
    minutes = [(day, length // timedelta(minutes=1)) for day, length in days]
    return sum(length for _, length in minutes[:-SHOWN_DAYS]), minutes[-SHOWN_DAYS:]


def _now_and_late(service_request, at, closed_days, zone, *, made, is_absent) -> tuple[list, list]:
    """What the interpreter is paid when the notice comes at `at`, and what the latest cancellation pays by itself."""
    if service_request.interpreter_id is None:
        return [], []
    policy = policy_of(service_request).as_rules()
    cases = [_cancelled(service_request, at, made), _cancelled(service_request, service_request.starts_at)]
    cases = [replace(case, interpreter_is_at_fault=is_absent) for case in cases]
    now, late = (rules.pay_lines(case, policy=policy, closed_days=closed_days, tz=zone) for case in cases)
    return now, late


def _cancelled(service_request, received_at, billable_communications=0) -> rules.Facts:
    return rules.Facts(
        service_type=service_request.service_type,
        starts_at=service_request.starts_at,
        ends_at=service_request.ends_at,
        outcome=rules.Outcome.CANCELLED,
        notice_received_at=received_at,
        guaranteed_minutes=service_request.guaranteed_minutes,
        billable_communications=billable_communications,
    )
