"""Panels of a request's page: what was reported, and what it pays. Neither is the requester's."""

from django import template
from django.db.models import prefetch_related_objects
from django.utils import timezone

from accounts.roles import Role
from completion.attachments import may_attach
from completion.review import pay_of
from completion.services import may_file
from completion.sheet import reported
from requests_app.exchanges import written
from requests_app.workflow import ACTION_HELP, Action, Status

register = template.Library()


def _is_concerned(service_request, user) -> bool:
    return user.pk == service_request.interpreter_id or user.role in {Role.COORDINATOR, Role.VALIDATOR}


def _load(service_request) -> None:
    """Once for both panels of a page: the report is cached by its own relation."""
    prefetch_related_objects([service_request], "communications", "attachments")


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
    is_shown = is_back and may_file(service_request, user, at=timezone.now())
    return {"is_shown": is_shown, "service_request": service_request, "completion": completion}


@register.inclusion_tag("completion/_panel.html", takes_context=True)
def completion_panel(context, service_request):
    """« Détails de l'achèvement », read-only, with « Modifier » until Achevé; nothing before anything is filed."""
    user, at = context["request"].user, timezone.now()
    if not _is_concerned(service_request, user) or not _has_something(service_request):
        return {"is_shown": False}
    _load(service_request)
    attachments = service_request.attachments.all()
    return {
        "is_shown": True,
        "service_request": service_request,
        "completion": getattr(service_request, "completion", None),
        "facts": reported(service_request),
        "communications": written(service_request.communications.all()),
        "accepted": [row for row in service_request.communications.all() if row.is_accepted],
        "attachments": [piece for piece in attachments if piece.interpreter_id == service_request.interpreter_id],
        "may_file": may_file(service_request, user, at=at),
        "may_attach": may_attach(service_request, user, at=at),
        "help": ACTION_HELP[Action.CORRECT],
        "is_on_behalf": user.role == Role.COORDINATOR,
        "is_filed_on_behalf": service_request.filed_by_id not in (None, service_request.interpreter_id),
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
    shown = {"is_shown": True, "service_request": service_request, "is_validator": user.role == Role.VALIDATOR}
    return shown | pay_of(service_request)
