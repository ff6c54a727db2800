"""What everybody has: the home page, a request's page, and the interpreter's own verbs."""

from dataclasses import dataclass

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.roles import Role
from requests_app import changes, exchanges, home, moves, offers, services
from requests_app.forms import CommunicationForm, MessageForm
from requests_app.history import changed_fields
from requests_app.models import Message
from requests_app.sheet import sheet
from requests_app.views.access import load, only, refused, seen_version
from requests_app.views.lists import request_list
from requests_app.workflow import STATUS_HELP, WITHDRAWAL_NOTICE, Action, NotAllowed, Status


@require_GET
def index(request):
    """Each role's first page."""
    if request.user.role == Role.INTERPRETER:
        return interpreter_home(request)
    if request.user.role == Role.REQUESTER:
        return request_list(request)
    return redirect("requests:board" if request.user.role == Role.COORDINATOR else "admin:index")


def interpreter_home(request):
    at = timezone.now()
    today = timezone.localdate(at)
    choice = home.Choice.of(request.GET, today=today)
    groups, counts = home.groups(request.user, choice, at=at, after=request.GET.get("suite", ""))
    statuses = home.UPCOMING if choice.view == "a-venir" else home.GROUPS
    context = {
        "choice": choice,
        "groups": groups,
        "total": sum(counts.get(status.value, 0) for status in choice.statuses),
        "statuses": [(status, counts.get(status.value, 0), status in choice.statuses) for status in statuses],
        "is_filtered": choice.statuses != statuses,
        "month": home.month(request.user, choice, at=at),
        "presets": home.presets(choice, today=today),
        "tabs": [("À venir", "/?vue=a-venir", "a-venir"), ("Tous", "/", "tous")],
        "at": at,
    }
    return render(request, "requests_app/home.html", context)


@require_GET
def detail(request, number):
    return page(request, load(request, number))


def page(request, service_request, *, status=200, **forms):
    """A request's page; `forms` are those that came back with an error."""
    user, at = request.user, timezone.now()
    actions = moves.available_actions(service_request, user, at=at)
    context = {
        "service_request": service_request,
        "sheet": sheet(service_request, user, at=at),
        "actions": {action.value for action in actions},
        "status_help": STATUS_HELP[Status(service_request.status)],
        "offer": _own_offer(service_request, user, at),
        "offers": _open_offers(service_request, user, at),
        "unseen": changed_fields(changes.unseen(service_request)),
        "withdraws_freely": changes.frees_from_notice(service_request),
        "may_leave": _may_leave(service_request, user, at),
        "withdrawal_limit": service_request.starts_at - WITHDRAWAL_NOTICE,
        "urgent": _urgent(service_request, user, at),
        "may_ask_urgently": exchanges.may_ask_urgently(service_request, user, at=at),
        "may_log": exchanges.may_log(service_request, user),
        "communication_form": CommunicationForm(at=at),
        "urgent_form": urgent_form(),
        "decline_form": decline_form(),
        "threads": threads(service_request, user),
        "at": at,
        "form": None,
    }
    return render(request, "requests_app/request.html", context | forms, status=status)


def _own_offer(service_request, user, at):
    if user.role != Role.INTERPRETER or service_request.status != Status.PENDING:
        return None
    return service_request.offers.open_at(at).filter(interpreter=user).first()


def _open_offers(service_request, user, at):
    if user.role != Role.COORDINATOR or service_request.status != Status.PENDING:
        return []
    return service_request.offers.open_at(at).select_related("interpreter").order_by("answer_by")


def _urgent(service_request, user, at):
    is_concerned = user.role == Role.COORDINATOR or service_request.interpreter_id == user.pk
    return service_request.messages.filter(urgency=Message.Urgency.ASKED).first() if is_concerned else None


def urgent_form(data=None) -> MessageForm:
    return MessageForm(data, purpose="urgent", label="Raison")


def decline_form(data=None) -> MessageForm:
    return MessageForm(data, purpose="decline", label="Réponse")


@dataclass
class Thread:
    """Messages with one side: `to` names it in the form, None is a side that no longer answers."""

    title: str
    messages: list
    to: str | None = ""
    side: User | None = None
    form: MessageForm | None = None

    def __post_init__(self):
        if self.to is not None and self.form is None:
            self.form = MessageForm(purpose=f"message{self.to}")


def threads(service_request, user) -> list[Thread]:
    """The threads a person may read: their own; for a coordinator, each interpreter's and the requester's."""
    if user.role == Role.COORDINATOR:
        return _threads_of_coordinator(service_request)
    if user.role == Role.REQUESTER or (user.role == Role.INTERPRETER and service_request.interpreter_id == user.pk):
        return [Thread("Messages avec la BI", exchanges.thread_of(service_request, user))]
    return []


def _threads_of_coordinator(service_request) -> list[Thread]:
    """Whoever held the request wrote what the BI still has to read; only who holds it now reads an answer."""
    current, sides = service_request.interpreter, {}
    for message in service_request.messages.select_related("author", "interpreter"):
        sides.setdefault(message.interpreter, []).append(message)
    found = []
    if current:
        found.append(Thread(f"Messages avec {current}", sides.pop(current, []), str(current.pk), current))
    found.append(Thread("Messages avec le demandeur", sides.pop(None, []), "demandeur"))
    former = "Messages avec {}, qui n’a plus la demande"
    return found + [Thread(former.format(side), messages, None) for side, messages in sides.items()]


def _verb(request, number, verb, said, *, back=None, **arguments):
    """One button of an interpreter, one verb: then the request's page again, or the page that says why not."""
    only(request, Role.INTERPRETER)
    return written(request, load(request, number), verb, said, back=back, **arguments)


def written(request, service_request, verb, said, *, back=None, **arguments):
    """Call a verb, say that it is done; or 409, nothing written, with why not."""
    try:
        verb(service_request, by=request.user, at=timezone.now(), **arguments)
    except NotAllowed as error:
        return refused(request, service_request, error)
    messages.success(request, said)
    return redirect(back) if back else redirect("requests:detail", service_request.pk)


@require_POST
def accept(request, number):
    said = "Vous avez accepté la demande. Elle est maintenant réservée."
    return _verb(request, number, offers.accept, said, version=seen_version(request))


@require_POST
def refuse(request, number):
    reason = request.POST.get("reason", "").replace("\x00", "")[:200]
    return _verb(request, number, offers.refuse, "Vous avez refusé la demande.", back="/", reason=reason)


@require_POST
def acknowledge(request, number):
    said = "Vous avez pris connaissance de la modification."
    return _verb(request, number, services.acknowledge, said, version=seen_version(request))


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request, number):
    """« Marquer comme non alloué », with the FAQ's message when communications were made (ruling 3)."""
    only(request, Role.INTERPRETER)
    service_request = load(request, number)
    if request.method == "POST":
        version = seen_version(request)
        said = "La demande n’est plus dans votre liste. La BI va l’attribuer à une autre personne."
        return _verb(request, number, services.mark_unallocated, said, back="/", version=version)
    at = timezone.now()
    if not _may_leave(service_request, request.user, at):
        said = "Le service a commencé" if service_request.is_assigned else "Cette demande n’est pas réservée"
        return refused(request, service_request, NotAllowed(f"{said}\u00a0: vous n’avez pas à vous en désister."))
    actions = moves.available_actions(service_request, request.user, at=at)
    made = list(service_request.communications.filter(interpreter=request.user))
    for row in made:
        row.is_billable = exchanges.is_communication_billable(service_request, row)
    context = {
        "service_request": service_request,
        "communications": made,
        "is_open": Action.MARK_UNALLOCATED in actions,
        "withdrawal_limit": service_request.starts_at - WITHDRAWAL_NOTICE,
        "form": None,
    }
    return render(request, "requests_app/withdraw.html", context)


def _may_leave(service_request, user, at) -> bool:
    """Whether the FAQ's « Marquer comme non alloué » has a meaning for this person, in time or too late."""
    is_held = service_request.is_assigned and service_request.interpreter_id == user.pk
    return is_held and at < service_request.starts_at


@require_POST
def add_communication(request, number):
    only(request, Role.INTERPRETER, Role.COORDINATOR)
    service_request, at = load(request, number), timezone.now()
    form = CommunicationForm(request.POST, at=at)
    if not form.is_valid():
        return page(request, service_request, status=422, communication_form=form, form=form)
    return written(request, service_request, exchanges.log_communication, "Communication ajoutée.", **form.row())
