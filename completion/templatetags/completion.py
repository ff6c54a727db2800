"""Panels of a request's page: what was reported, and what it pays. Neither is the requester's."""

from django import template
from django.db.models import prefetch_related_objects
from django.utils import timezone

from accounts.roles import Role
from completion import revisions
from completion.attachments import may_attach
from completion.history import whole
from completion.receipt import is_attested
from completion.review import pay_of, pieces_of
from completion.services import may_file
from completion.sheet import reported
from completion.signatures import may_sign, signed
from requests_app.exchanges import unpaid_count, written
from requests_app.masking import eraser_for, masked
from requests_app.workflow import ACTION_HELP, Action, Status

register = template.Library()


def _is_concerned(service_request, user) -> bool:
    return user.pk == service_request.interpreter_id or user.role in {Role.COORDINATOR, Role.VALIDATOR}


def _load(service_request) -> None:
    """Once for both panels of a page: the report is cached by its own relation."""
    # Once completed, the added lines are among the frozen ones.
    estimated = [] if service_request.status == Status.COMPLETED else ["added_lines"]
    prefetch_related_objects([service_request], "communications", "attachments", *estimated)


def _has_something(service_request) -> bool:
    """A report; the communications of a relay, or those accepted after a late cancellation that nobody reported."""
    if service_request.filed_by_id or service_request.relayed_from_id:
        return True
    if not service_request.is_late_cancellation:
        return False
    _load(service_request)
    return any(row.is_accepted for row in service_request.communications.all())


@register.inclusion_tag("completion/_correction.html", takes_context=True)
def correction_asked(context, service_request):
    """« Correction demandée », before all the rest: the report came back to whoever may correct it."""
    user = context["request"].user
    has_report = service_request.filed_by_id or service_request.relayed_from_id
    if not has_report or not _is_concerned(service_request, user):
        return {"is_shown": False}
    completion = getattr(service_request, "completion", None)
    is_back = completion is not None and completion.returned_at is not None
    at = timezone.now()
    if not is_back or not may_file(service_request, user, at=at):
        return {"is_shown": False}
    hide = eraser_for(service_request, user, at=at)
    shown = masked(completion, hide, "return_reason")
    return {"is_shown": True, "service_request": service_request, "completion": shown}


@register.inclusion_tag("completion/_panel.html", takes_context=True)
def completion_panel(context, service_request):
    """« Détails de l'achèvement », read-only, with « Modifier » until Achevé; the files alone before it is filed."""
    user, at = context["request"].user, timezone.now()
    if not _is_concerned(service_request, user):
        return {"is_shown": False}
    if not _has_something(service_request):
        return {"is_shown": False} | _files_alone(service_request, user, at)
    _load(service_request)
    hide = eraser_for(service_request, user, at=at)
    made = service_request.communications.all()
    kept, signatures = revisions.read(service_request)
    return {
        "is_shown": True,
        "service_request": service_request,
        "completion": getattr(service_request, "completion", None),
        "facts": reported(service_request, hide),
        "communications": hide(written(made)),
        "accepted": [masked(row, hide, "accepted_reason") for row in made if row.is_accepted],
        "attachments": pieces_of(service_request, hide),
        "may_file": may_file(service_request, user, at=at),
        "may_attach": may_attach(service_request, user, at=at),
        "filed_key": kept[-1].key if kept else "",
        "savings": revisions.savings(kept, user, hide),
        "signatures": signed(signatures, service_request, user, at=at),
        "may_sign": bool(kept) and may_sign(service_request, user, at=at),
        "has_receipt": is_attested(service_request),
        "help": ACTION_HELP[Action.CORRECT],
        "is_on_behalf": user.role == Role.COORDINATOR,
        "is_filed_on_behalf": service_request.filed_by_id not in (None, service_request.interpreter_id),
    }


def _files_alone(service_request, user, at) -> dict:
    """Those kept during the service, or with a cancellation, that no report goes with yet."""
    has_begun = at >= service_request.starts_at or service_request.status == Status.CANCELLED
    if not has_begun or service_request.interpreter_id is None:
        return {"attachments": []}
    may_add = may_attach(service_request, user, at=at)
    return {
        "service_request": service_request,
        "attachments": pieces_of(service_request, eraser_for(service_request, user, at=at)),
        "may_attach": may_add,
    }


@register.inclusion_tag("completion/_pay_panel.html", takes_context=True)
def pay_panel(context, service_request):
    """The pay lines with the rule that made each: an estimate once there is something to pay, frozen at Achevé."""
    user = context["request"].user
    has_pay = service_request.status in {Status.PROVIDED, Status.CANCELLED, Status.COMPLETED}
    if not has_pay or service_request.interpreter_id is None or not _is_concerned(service_request, user):
        return {"is_shown": False}
    if service_request.status != Status.COMPLETED:
        _load(service_request)
    is_unclaimed = service_request.status == Status.CANCELLED and not service_request.is_due_to_review
    shown = {"is_shown": True, "service_request": service_request, "is_validator": user.role == Role.VALIDATOR}
    shown |= {"reads_statements": user.role == Role.VALIDATOR or user.pk == service_request.interpreter_id}
    claim = "si vous les réclamez" if user.pk == service_request.interpreter_id else "si l’interprète les réclame"
    shown |= {"claim": claim if is_unclaimed and service_request.communications.all() else ""}
    return shown | pay_of(service_request, eraser_for(service_request, user, at=timezone.now()))


@register.inclusion_tag("requests_app/_history.html", takes_context=True)
def history(context, service_request):
    """« Historique »: what happened to a request, and what the BI decided of its pay."""
    return {"lines": whole(service_request, context["request"].user, at=timezone.now())}


@register.inclusion_tag("completion/_claim.html", takes_context=True)
def claim_card(context, service_request):
    """What a cancellation pays its interpreter, and the one way to claim communications (FAQ, « annulé la demande »).

    Nobody reviews a cancellation in time that nobody claims: those logged are claimed as they stand, in one tap.
    """
    if Action.CLAIM not in context["actions"]:
        return {"is_shown": False}
    _load(service_request)
    made = service_request.communications.all()
    return {
        "is_shown": True,
        "service_request": service_request,
        "is_owed": service_request.is_due_to_review,
        "count": len(made),
        "unpaid": unpaid_count(service_request),
        "help": ACTION_HELP[Action.CLAIM],
    }
