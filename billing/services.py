"""What some facts pay: the tariff of the service date, the closed days of the decision, what the BI added."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import timezone

from billing import rules
from billing.models import AddedLine, PayPolicy
from requests_app.models import Holiday, ServiceRequest

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
        policies = list(PayPolicy.objects.published().order_by("-effective_from"))
        return cls(policies=policies, closed_days=closed_days)


def service_date(service_request: ServiceRequest) -> date:
    """The local date of the service (domain.md, « Pay »)."""
    return rules.service_date(service_request.starts_at, timezone.get_default_timezone())


def policy_of(service_request: ServiceRequest, tables: Tables | None = None) -> PayPolicy:
    """The tariff in force on the service date (domain.md, « Pay »); raises RuleError when none is."""
    day = service_date(service_request)
    if tables:
        return rules.policy_for(day, tables.policies)
    return rules.policy_for(day, PayPolicy.objects.published().filter(effective_from__lte=day))


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
    if tables is None:
        return Holiday.objects.closed_between(facts.notice_received_at, facts.starts_at)
    first, last = sorted(map(timezone.localdate, (facts.notice_received_at, facts.starts_at)))
    return frozenset(day for day in tables.closed_days if first <= day <= last)
