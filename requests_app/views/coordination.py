"""What coordinators do to a request, and what requesters share with them: create, modify, cancel."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Institution, User
from accounts.roles import Role
from requests_app import moves, offers, services
from requests_app.availability import with_availability
from requests_app.forms import AssignForm, CancelForm, InstitutionForm, NoteForm, OfferForm, RequestForm
from requests_app.models import ServiceRequest
from requests_app.views.access import load, only, refused
from requests_app.views.lists import request_list
from requests_app.workflow import Action, Guard, NotAllowed, next_status

# The choices of one page: past this, the coordinator narrows by name.
MOST_INTERPRETERS = 60
form_page = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def board(request):
    only(request, Role.COORDINATOR)
    return request_list(request)


@form_page
def create(request):
    only(request, Role.COORDINATOR, Role.REQUESTER)
    institution = _institution(request)
    if institution is None:
        form = InstitutionForm(request.GET if "institution" in request.GET else None)
        status = 422 if form.is_bound else 200
        return render(request, "requests_app/choose_institution.html", {"form": form}, status=status)
    at = timezone.now()
    form = RequestForm(request.POST or None, institution=institution, user=request.user, at=at)
    if request.method == "POST" and form.is_valid():
        try:
            return _submit(request, form, institution, at)
        except NotAllowed as error:
            form.add_error(None, str(error))
    context = {"form": form, "institution": institution, "service_request": None}
    return render(request, "requests_app/form.html", context, status=422 if request.method == "POST" else 200)


def _institution(request) -> Institution | None:
    if request.user.role == Role.REQUESTER:
        return request.user.institution
    chosen = request.GET.get("institution", "")
    is_key = chosen.isascii() and chosen.isdecimal() and len(chosen) < 19
    return Institution.objects.filter(pk=chosen).first() if is_key else None


def _submit(request, form, institution, at):
    note = form.cleaned_data.get("note", "")
    made = services.submit(by=request.user, at=at, note=note, institution=institution, **form.request_fields())
    messages.success(request, "La demande est créée.")
    return redirect("requests:detail", made.pk)


def _allowed(request, number, *actions) -> ServiceRequest:
    """The request, when one of the actions is open to the person; raises Refused with why not."""
    service_request = load(request, number)
    open_now = moves.available_actions(service_request, request.user, at=timezone.now())
    if not set(actions) & set(open_now):
        raise Refused(service_request, _why_not(service_request, request.user, actions[0]))
    return service_request


def _why_not(service_request, user, action) -> NotAllowed:
    """The sentence of the table, as if everything a person types had been given."""
    facts = moves.facts_of(service_request, user, at=timezone.now(), noted=True)
    try:
        next_status(service_request.status, action, user.role, facts=facts)
    except NotAllowed as error:
        return error
    return NotAllowed("Cette action n’est pas possible dans l’état actuel de la demande.")


class Refused(Exception):
    """A page that cannot be opened now; carries what the 409 page needs."""

    def __init__(self, service_request, error):
        self.service_request, self.error = service_request, error


def step(*actions, by=(Role.COORDINATOR,)):
    """A page with a form for one step of the workflow; what the verb refuses becomes the 409 page."""

    def decorate(view):
        @form_page
        def run(request, number):
            only(request, *by)
            try:
                return view(request, _allowed(request, number, *actions))
            except Refused as refusal:
                return refused(request, refusal.service_request, refusal.error)

        run.__name__ = view.__name__
        return run

    return decorate


def _done(request, service_request, said, verb, **arguments):
    try:
        verb(service_request, by=request.user, at=timezone.now(), **arguments)
    except NotAllowed as error:
        raise Refused(service_request, error) from error
    messages.success(request, said)
    return redirect("requests:detail", service_request.pk)


@step(Action.MODIFY, by=(Role.REQUESTER, Role.COORDINATOR))
def modify(request, service_request):
    at, user = timezone.now(), request.user
    institution = service_request.institution
    form = RequestForm(request.POST or None, institution=institution, user=user, at=at, service_request=service_request)
    releases = "release" in request.POST and user.role == Role.COORDINATOR
    context = {"form": form, "institution": institution, "service_request": service_request}
    context |= {"refusal": "", "may_release": releases}
    if request.method != "POST":
        return render(request, "requests_app/form.html", context)
    if form.is_valid() and releases and not form.cleaned_data["note"]:
        form.add_error("note", Guard.NOTED.label)
    if not form.is_valid():
        return render(request, "requests_app/form.html", context, status=422)
    try:
        return _modify(request, service_request, form, services.modify_and_release if releases else services.modify)
    except moves.Stale as error:
        raise Refused(service_request, error) from error
    except NotAllowed as error:
        return _not_modified(request, context, error)


def _not_modified(request, context, error):
    """What was typed is kept: a note, another time, or giving the request back may do."""
    if str(error) == Guard.NOTED_IF_LATE.label:
        context["form"].add_error("note", str(error))
        return render(request, "requests_app/form.html", context, status=422)
    is_overlap = isinstance(error, moves.Overlap)
    context |= {"refusal": str(error), "may_release": is_overlap and request.user.role == Role.COORDINATOR}
    return render(request, "requests_app/form.html", context, status=409)


def _modify(request, service_request, form, verb):
    seen, note = form.cleaned_data["version"], form.cleaned_data.get("note", "")
    verb(service_request, by=request.user, at=timezone.now(), version=seen, note=note, **form.request_fields())
    if service_request.version == seen:
        messages.info(request, "Rien n’a changé.")
    else:
        messages.success(request, "La demande est modifiée.")
    return redirect("requests:detail", service_request.pk)


@step(Action.CANCEL, by=(Role.REQUESTER, Role.COORDINATOR))
def cancel(request, service_request):
    at = timezone.now()
    form = CancelForm(request.POST or None, user=request.user, at=at, service_request=service_request)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and "preview" not in request.POST:
        given = {name: form.cleaned_data[name] for name in ("version", "reason", "received_at")}
        note = form.cleaned_data.get("note", "")
        return _done(request, service_request, "La demande est annulée.", services.cancel, note=note, **given)
    received_at = form.cleaned_data["received_at"] if is_valid else None
    context = {"form": form, "service_request": service_request, "at": received_at or at}
    status = 422 if request.method == "POST" and not is_valid else 200
    return render(request, "requests_app/cancel.html", context, status=status)


def speakers(service_request, name: str):
    """Active interpreters of the request's language, whose name holds what is typed."""
    found = User.objects.filter(
        role=Role.INTERPRETER, is_active=True, interpreter_profile__languages=service_request.language_id
    )
    for word in name.split()[:4]:
        found = found.filter(last_name__icontains=word) | found.filter(first_name__icontains=word)
    return found


def _choices(request, service_request, *, asked=()):
    """The free interpreters of one page (without those already `asked`), and how many were found, at most one more.

    Whoever said that they are not available comes last, marked: nothing is forbidden.
    """
    found = speakers(service_request, request.GET.get("nom", "").replace("\x00", "")).exclude(pk__in=asked)
    free = _by_availability(offers.free_for(service_request, found), service_request)
    keys = list(free.values_list("pk", flat=True)[: MOST_INTERPRETERS + 1])
    shown = User.objects.filter(pk__in=keys[:MOST_INTERPRETERS]).select_related("interpreter_profile__home_institution")
    return _by_availability(shown, service_request), len(keys)


def _by_availability(interpreters, service_request):
    return with_availability(interpreters, service_request).order_by("is_unavailable", "last_name", "first_name")


@step(Action.OFFER)
def offer(request, service_request):
    at = timezone.now()
    asked = service_request.offers.open_at(at).values("interpreter")
    interpreters, found = _choices(request, service_request, asked=asked)
    form = OfferForm(request.POST or None, interpreters=interpreters, at=at, service_request=service_request)
    if request.method == "POST" and form.is_valid():
        chosen = list(form.cleaned_data["interpreters"])
        said = (
            "La demande est envoyée à 1 interprète."
            if len(chosen) == 1
            else f"La demande est envoyée à {len(chosen)} interprètes."
        )
        given = {"answer_by": form.cleaned_data["answer_by"], "version": form.cleaned_data["version"]}
        return _done(request, service_request, said, offers.offer, interpreters=chosen, **given)
    return _choose(request, "requests_app/offer.html", service_request, form, found)


@step(Action.ASSIGN, Action.REASSIGN)
def assign(request, service_request):
    interpreters, found = _choices(request, service_request)
    initial = {"version": service_request.version}
    form = AssignForm(request.POST or None, interpreters=interpreters, initial=initial)
    if request.method == "POST" and form.is_valid():
        verb = services.reassign if service_request.interpreter_id else services.assign
        chosen = form.cleaned_data["interpreter"]
        given = {"note": form.cleaned_data["note"], "version": form.cleaned_data["version"]}
        return _done(
            request, service_request, f"La demande est attribuée à {chosen}.", verb, interpreter=chosen, **given
        )
    return _choose(request, "requests_app/assign.html", service_request, form, found)


def _choose(request, template, service_request, form, found):
    context = {
        "form": form,
        "service_request": service_request,
        "are_more": found > MOST_INTERPRETERS,
        "are_none": not found,
        "name": request.GET.get("nom", ""),
    }
    return render(request, template, context, status=422 if request.method == "POST" else 200)


def _noted(action, verb, title, said, consequence):
    """A page of the BI that says what follows, with a note and a button."""

    @step(action)
    def view(request, service_request):
        form = NoteForm(request.POST or None, initial={"version": service_request.version})
        if request.method == "POST" and form.is_valid():
            return _done(request, service_request, said, verb, **form.cleaned_data)
        context = {
            "form": form,
            "service_request": service_request,
            "title": title,
            "label": action.label,
            "consequence": consequence,
        }
        return render(request, "requests_app/noted.html", context, status=422 if request.method == "POST" else 200)

    return view


release = _noted(
    Action.MARK_UNALLOCATED,
    services.mark_unallocated,
    "Marquer comme non alloué",
    "La demande est de nouveau à attribuer.",
    "L’interprète n’a plus la demande, et un message le lui dit; ses communications deviennent une transmission de "
    "message. Un désistement urgent demandé est ainsi accordé.",
)
reinstate = _noted(
    Action.REINSTATE,
    services.reinstate,
    "Rétablir la demande",
    "La demande est rétablie.",
    "La demande redevient «\u00a0Non alloué\u00a0»\u00a0: personne ne l’a. L’interprète qui l’avait et la personne qui "
    "l’a demandée en sont prévenus.",
)


@require_POST
def retract(request, number, interpreter):
    only(request, Role.COORDINATOR)
    service_request = load(request, number)
    held = service_request.offers.filter(interpreter=interpreter).select_related("interpreter").first()
    if held is None:
        raise Http404
    try:
        return _done(request, service_request, "L’offre est retirée.", offers.retract, interpreter=held.interpreter)
    except Refused as refusal:
        return refused(request, service_request, refusal.error)
