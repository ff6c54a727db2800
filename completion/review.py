"""The validators' queue: what awaits them, oldest first, and what one review page shows."""

from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet
from django.forms import Form

from accounts import keyset
from billing.models import PayLine
from billing.rules import RuleError
from billing.services import estimate, ledger, policy_of
from completion.facts import pay_facts
from completion.models import Review
from completion.sheet import differences
from requests_app.exchanges import is_communication_billable, why_unbillable
from requests_app.models import Communication, ServiceRequest
from requests_app.workflow import Status


def queue(reviews: QuerySet | None = None) -> QuerySet:
    """What awaits validation, oldest first, with what a list shows of each; one query whatever the length."""
    reviews = Review.objects.all() if reviews is None else reviews
    return _listed(reviews.awaiting_review())


def numbered(text: str) -> QuerySet:
    """The request of this number, awaiting validation or completed, as the queue shows it; nothing for other text."""
    found = Review.objects.awaiting_review() | Review.objects.filter(status=Status.COMPLETED)
    return _listed(found.filter(pk=keyset.number(text)))


def _listed(reviews: QuerySet) -> QuerySet:
    mine = Q(attachments__interpreter=F("interpreter"))
    return (
        reviews.select_related("interpreter", "language", "completion")
        .annotate(attachment_count=Count("attachments", filter=mine))
        .order_by("starts_at", "id")
    )


def next_after(service_request: ServiceRequest) -> ServiceRequest | None:
    """The file that follows in the queue, or else its oldest; one returned to its interpreter waits for an answer."""
    waiting = Review.objects.awaiting_review().filter(completion__returned_at=None).exclude(pk=service_request.pk)
    waiting = waiting.order_by("starts_at", "id")
    starts_at = service_request.starts_at
    later = Q(starts_at__gt=starts_at) | Q(starts_at=starts_at, pk__gt=service_request.pk)
    return waiting.filter(later).first() or waiting.first()


def pay_of(service_request: ServiceRequest) -> dict:
    """The pay lines of a request as `billing/_pay_lines.html` takes them: frozen at Achevé, an estimate before."""
    if service_request.status == Status.COMPLETED:
        lines = ledger(service_request)
        policy = lines[0].policy if lines else policy_of(service_request)
        total = sum(line.amount for line in lines)
        return {"lines": lines, "total": total, "policy": policy, "is_estimate": False, "error": ""}
    try:
        found = estimate(service_request, pay_facts(service_request))
    except RuleError as error:
        return {"lines": [], "total": 0, "policy": None, "is_estimate": True, "error": str(error)}
    return {"lines": found.lines, "total": found.total, "policy": found.policy, "is_estimate": True, "error": ""}


def revisions_of(service_request: ServiceRequest) -> list[dict]:
    """Each correction of the report, newest first: who, when, and what it changed of the revision before."""
    completion = getattr(service_request, "completion", None)
    kept = list(completion.revisions.select_related("by")) if completion else []
    pairs = zip(kept, kept[1:], strict=False)
    return [{"revision": after, "changes": differences(before.data, after.data)} for before, after in pairs][::-1]


def correctable(pay: dict) -> list[PayLine]:
    """Of the frozen lines shown, those that neither reverse another nor are reversed: `billing.adjust` takes them."""
    if pay["is_estimate"]:
        return []
    reversed_ids = {line.reverses_id for line in pay["lines"]}
    return [line for line in pay["lines"] if not line.reverses_id and line.pk not in reversed_ids]


@dataclass
class Row:
    """A communication as the review page shows it: paid or not, why the rule alone does not pay it, the decision."""

    communication: Communication
    is_billable: bool
    why: str
    form: Form | None = None


def communications_of(service_request: ServiceRequest) -> list[Row]:
    """Each communication with what ruling 6 makes of it; one query."""
    made = service_request.communications.select_related("accepted_by")
    return [
        Row(row, is_communication_billable(service_request, row), why_unbillable(service_request, row)) for row in made
    ]
