"""Before confirming a cancellation: the business clock, and what it pays to whom (ruling 12)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import User
from billing import rules
from billing.clock import Clock, clock
from billing.services import policy_of
from requests_app.business_days import notice_limit
from requests_app.exchanges import billable_if_cancelled
from requests_app.models import CancellationReason, Holiday, ServiceRequest
from requests_app.workflow import Status

# Two business days are found within it whatever the table holds: a year is never closed from end to end.
LOOK_BACK = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class CancellationPreview:
    """What a cancellation received at an instant would do (ruling 12): the clock, its limit, the pay.

    `late_amount` is what the cancellation itself pays after `limit`: nothing when nobody holds the request or the
    service is not an interpretation. `lines` and `total` are now, with the `communications` already made that are
    paid; `is_never_free` says that the limit had passed when the request was created.
    """

    limit: datetime
    is_never_free: bool
    clock: Clock
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
    made = 0 if is_absent else billable_if_cancelled(service_request, received_at=at)
    lines, late_lines = _now_and_late(service_request, at, closed_days, zone, made=made, is_absent=is_absent)
    limit = notice_limit(starts_at, notice=rules.LATE_CANCELLATION_NOTICE, closed_days=closed_days, tz=zone)
    return CancellationPreview(
        limit=limit,
        is_never_free=limit.astimezone(UTC) < service_request.created_at.astimezone(UTC),
        clock=clock(at, starts_at, closed_days=closed_days),
        interpreter=service_request.interpreter,
        lines=lines,
        total=rules.total(lines),
        late_amount=rules.total(late_lines),
        communications=made,
    )


@dataclass(frozen=True, kw_only=True)
class CancellationCost:
    """What a cancelled request costs its establishment, in dollars, and nothing of who served it.

    `total` of the lines; `is_late` when the cancellation itself is paid. `is_claimed` is false while what is not the
    cancellation waits for its interpreter to claim it.
    """

    total: Decimal
    is_late: bool
    is_estimate: bool
    is_claimed: bool


def cancellation_cost(service_request: ServiceRequest) -> CancellationCost:
    """The frozen lines of a cancelled request once Achevé, else what they would be; two queries at most.

    From the notice and the closed days kept with the cancellation (ruling 12).
    """
    is_frozen = service_request.status == Status.COMPLETED
    lines = (
        list(service_request.pay_lines.only("service_request", "kind", "amount"))
        if is_frozen
        else _decided_lines(service_request)
    )
    late = rules.total(line for line in lines if line.kind == rules.LineKind.LATE_CANCELLATION)
    return CancellationCost(
        total=rules.total(lines),
        is_late=late > 0,
        is_estimate=not is_frozen,
        is_claimed=is_frozen or service_request.is_due_to_review,
    )


def _decided_lines(service_request) -> list[rules.Line]:
    if service_request.interpreter_id is None:
        return []
    received_at, zone = service_request.notice_received_at, timezone.get_default_timezone()
    is_absent = service_request.cancellation_reason == CancellationReason.INTERPRETER_ABSENT
    made = 0 if is_absent else billable_if_cancelled(service_request, received_at=received_at)
    facts = replace(_cancelled(service_request, received_at, made), interpreter_is_at_fault=is_absent)
    policy = policy_of(service_request).as_rules()
    return rules.pay_lines(facts, policy=policy, closed_days=service_request.notice_closed_days, tz=zone)


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
