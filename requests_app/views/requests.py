"""What everybody has: a request's page, and the interpreter's own verbs."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.roles import Role
from requests_app import changes, exchanges, moves, offers, services
from requests_app.forms import MessageForm
from requests_app.history import changed_fields, steps_of
from requests_app.models import Message
from requests_app.sheet import changed_labels, sheet
from requests_app.views.access import load, only, refused, seen_version, typed_reason
from requests_app.views.lists import HELP_OF_REQUESTERS
from requests_app.views.threads import threads
from requests_app.workflow import ACTION_HELP, STATUS_HELP, WITHDRAWAL_NOTICE, Action, NotAllowed, ServiceType, Status


@require_safe
def detail(request, number):
    return page(request, load(request, number))


def page(request, service_request, *, status=200, **forms):
    """A request's page; `forms` are those that came back with an error, or the threads that hold one."""
    user, at = request.user, timezone.now()
    steps_of(service_request)  # read once: what changed, the buttons and the history all ask
    actions = moves.available_actions(service_request, user, at=at)
    changed = changes.unseen(service_request)
    found = forms.get("threads") or threads(service_request, user, is_whole=request.GET.get("messages") == "tous")
    context = {
        "service_request": service_request,
        "sheet": sheet(service_request, user, at=at),
        "changed_labels": changed_labels(service_request, changed) if changed else (),
        "actions": {action.value for action in actions},
        "status_help": _status_help(service_request, user),
        "help": {action.value: text for action, text in ACTION_HELP.items()},
        "offer": _own_offer(service_request, user, at),
        "unseen": changed_fields(changed),
        "withdraws_freely": changes.frees_from_notice(service_request),
        "urgent_form": urgent_form(),
        "decline_form": decline_form(),
        "threads": found,
        "new_count": sum(len(thread.new) for thread in found),
        "at": at,
        "form": None,
        **_leaving(service_request, user, actions, found, at),
    }
    return render(request, "requests_app/request.html", context | forms, status=status)


def _status_help(service_request, user) -> str:
    """What the status means for this person; a relay renders no service, it pays the communications made before."""
    is_relay = service_request.service_type == ServiceType.MESSAGE_RELAY
    if is_relay and service_request.status == Status.PROVIDED:
        return "Communications faites avant un désistement. La BI du RSSS doit encore les vérifier."
    words = STATUS_HELP if user.role == Role.INTERPRETER else HELP_OF_REQUESTERS
    return words[Status(service_request.status)]


def _own_offer(service_request, user, at):
    if user.role != Role.INTERPRETER or service_request.status != Status.PENDING:
        return None
    return service_request.offers.open_at(at).filter(interpreter=user).first()


def _leaving(service_request, user, actions, found, at) -> dict:
    """What a page says of leaving a request (rulings 1 and 3): freely, too late, or urgently and what was answered."""
    is_free = Action.MARK_UNALLOCATED in actions
    urgent = [message for thread in found for message in thread.messages if message.urgency]
    answers = [message for message in urgent if not message.is_to_bi]
    return {
        "may_leave": may_leave(service_request, user, at),
        "withdrawal_limit": service_request.starts_at - WITHDRAWAL_NOTICE,
        "may_ask_urgently": exchanges.may_ask_urgently(service_request, user, at=at) and not is_free,
        "urgent": next((message for message in urgent if message.urgency == Message.Urgency.ASKED), None),
        "declined": answers[-1] if answers and answers[-1].at >= _held_since(service_request) else None,
    }


def _held_since(service_request):
    """When its interpreter last got the request: what was refused before is not about this booking."""
    given = {Action.ACCEPT, Action.ASSIGN, Action.REASSIGN}
    return max(
        (step.at for step in steps_of(service_request) if step.action in given), default=service_request.created_at
    )


def urgent_form(data=None) -> MessageForm:
    return MessageForm(data, purpose="urgent", label="Raison", missing="Écrivez la raison.")


def decline_form(data=None) -> MessageForm:
    return MessageForm(data, purpose="decline", label="Réponse", missing="Écrivez votre réponse.")


def _verb(request, number, verb, said, *, back=None, **arguments):
    """One button of an interpreter, one verb: then the request's page again, or the page that says why not."""
    only(request, Role.INTERPRETER)
    return written(request, load(request, number), verb, said, back=back, **arguments)


def written(request, service_request, verb, said, *, back=None, **arguments):
    """Call a verb, say that it is done (`said`, or what it makes of what the verb made); or 409 with why not."""
    try:
        made = verb(service_request, by=request.user, at=timezone.now(), **arguments)
    except NotAllowed as error:
        return refused(request, service_request, error)
    messages.success(request, said(made) if callable(said) else said)
    return redirect(back) if back else redirect("requests:detail", service_request.pk)


@require_POST
def accept(request, number):
    said = "Vous avez accepté la demande. Elle est maintenant réservée."
    return _verb(request, number, offers.accept, said, version=seen_version(request))


@require_POST
def refuse(request, number):
    said = "Vous avez refusé la demande."
    return _verb(request, number, offers.refuse, said, back="/", reason=typed_reason(request))


@require_POST
def acknowledge(request, number):
    """« J'ai pris connaissance »; a change made since the page was opened is shown, not acknowledged unread."""
    only(request, Role.INTERPRETER)
    service_request, version = load(request, number), seen_version(request)
    if service_request.status == Status.MODIFIED and version != service_request.version:
        return page(request, service_request, status=409, has_changed_again=True)
    said = "Vous avez pris connaissance de la modification."
    return written(request, service_request, services.acknowledge, said, version=version)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request, number):
    """« Marquer comme non alloué », with the FAQ's question on the communications made (ruling 3)."""
    only(request, Role.INTERPRETER)
    service_request = load(request, number)
    if request.method == "POST":
        version = seen_version(request)
        return written(request, service_request, services.mark_unallocated, _withdrawn, back="/", version=version)
    if not may_leave(service_request, request.user, timezone.now()):
        said = "Le service a commencé" if service_request.is_assigned else "Cette demande n’est pas réservée"
        return refused(request, service_request, NotAllowed(f"{said}\u00a0: vous n’avez pas à vous en désister."))
    return withdrawal_page(request, service_request)


def _withdrawn(relay) -> str:
    """What was done, and where the communications are now."""
    said = "La demande n’est plus dans votre liste. La BI va l’attribuer à une autre personne."
    if relay is None:
        return said
    address = reverse("requests:detail", args=[relay.pk])
    made = '{} La <a href="{}">demande {} (transmission de message)</a> a été créée pour vos communications.'
    return format_html(made, said, address, relay.pk) + _unpaid_of(relay, address)


def _unpaid_of(relay, address) -> str:
    """Which of its communications miss what pays them, while it can still be added (FAQ, « Demandé par »)."""
    unpaid, made = exchanges.unpaid_count(relay), relay.communications.count()
    if not unpaid:
        return ""
    words = "ne sera pas payée telle quelle" if unpaid == 1 else "ne seront pas payées telles quelles"
    noun, them = ("communication", "la") if unpaid == 1 else ("communications", "les")
    said = ' {} {} sur {} {}\u00a0: <a href="{}">complétez-{} dans la demande {}</a>.'
    return format_html(said, unpaid, noun, made, words, address, them, relay.pk)


def withdrawal_page(request, service_request, *, status=200, **forms):
    """What the withdrawal does, and the communications it turns into a « transmission de message »; or it is late."""
    at, user = timezone.now(), request.user
    actions = moves.available_actions(service_request, user, at=at)
    context = {
        "service_request": service_request,
        "is_open": Action.MARK_UNALLOCATED in actions,
        "help": ACTION_HELP[Action.MARK_UNALLOCATED],
        "urgent_form": urgent_form(),
        "form": None,
        **_leaving(service_request, user, actions, threads(service_request, user), at),
    }
    return render(request, "requests_app/withdraw.html", context | forms, status=status)


def may_leave(service_request, user, at) -> bool:
    """Whether the FAQ's « Marquer comme non alloué » has a meaning for this person, in time or too late."""
    is_held = service_request.is_assigned and service_request.interpreter_id == user.pk
    return is_held and at < service_request.starts_at
