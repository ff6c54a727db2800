"""What coordinators do to a request, and what requesters share with them: create, cancel; `modify` is next door."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts import keyset
from accounts.models import Institution
from accounts.roles import Role
from requests_app import announced, consequences, moves, services
from requests_app.forms import CancelForm, InstitutionForm, NoteForm, RequestForm
from requests_app.models import CancellationReason
from requests_app.views.access import only
from requests_app.views.steps import Refused, done, form_page, step
from requests_app.workflow import Action, NotAllowed


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
    return Institution.objects.filter(pk=keyset.number(request.GET.get("institution", ""))).first()


def _submit(request, form, institution, at):
    note = form.cleaned_data.get("note", "")
    made = services.submit(by=request.user, at=at, note=note, institution=institution, **form.request_fields())
    messages.success(request, "La demande est créée.")
    return redirect("requests:detail", made.pk)


@step(Action.CANCEL, by=(Role.REQUESTER, Role.COORDINATOR))
def cancel(request, service_request):
    """The consequence comes first; when it is another at the instant of the click, it is shown again."""
    at = timezone.now()
    form = CancelForm(request.POST or None, user=request.user, at=at, service_request=service_request)
    is_valid = request.method == "POST" and form.is_valid()
    given = form.cleaned_data if is_valid else {}
    received_at, reason = given.get("received_at") or at, given.get("reason", "")
    shown = consequences.of_cancellation(service_request, by=request.user, received_at=received_at, reason=reason)
    is_final = is_valid and "preview" not in request.POST
    if is_final and _is_as_seen(request, service_request, given["version"], shown):
        return _cancel(request, service_request, given, at)
    context = {"form": form, "service_request": service_request, "at": received_at, "shown": shown}
    context |= {"is_absent": reason == CancellationReason.INTERPRETER_ABSENT, "has_changed": is_final}
    context |= _whose_change(request, service_request, at)
    context["told"] = announced.told_words(shown.told, request.user)
    status = 409 if is_final else 422 if request.method == "POST" and not is_valid else 200
    return render(request, "requests_app/cancel.html", context, status=status)


def _whose_change(request, service_request, at) -> dict:
    """What holds before any reason or notice is chosen: when it is still so, the choice alone changed what follows."""
    before = consequences.of_cancellation(service_request, by=request.user, received_at=at, reason="").stake
    return {"before_choice": before, "is_own_choice": request.POST.get("before_choice") == before}


def _is_as_seen(request, service_request, version, shown) -> bool:
    """Whether the person confirms what happens now; raises Refused when the request itself changed."""
    try:
        moves.check_seen(service_request, version)
        if request.POST.get("seen") == shown.stake:
            return True
        # Whoever made it another may have come between the reading of the request and that of who is told.
        service_request.refresh_from_db(fields=["version"])
        moves.check_seen(service_request, version)
    except moves.Stale as error:
        raise Refused(service_request, error) from error
    return False


def _cancel(request, service_request, given, at):
    arguments = {name: given[name] for name in ("version", "reason", "received_at")}
    note = given.get("note", "")
    return done(request, service_request, "La demande est annulée.", services.cancel, at=at, note=note, **arguments)


def _noted(action, verb, title, said, words):
    """A page of the BI that says what follows (`words` of the request, one sentence each), with a note and a button."""

    @step(action)
    def view(request, service_request):
        form = NoteForm(request.POST or None, initial={"version": service_request.version})
        if request.method == "POST" and form.is_valid():
            return done(request, service_request, said, verb, **form.cleaned_data)
        context = {
            "form": form,
            "service_request": service_request,
            "title": title,
            "action": action,
            "sentences": words(service_request),
        }
        return render(request, "requests_app/noted.html", context, status=422 if request.method == "POST" else 200)

    return view


release = _noted(
    Action.MARK_UNALLOCATED,
    services.mark_unallocated,
    "Marquer comme non alloué",
    "La demande est de nouveau à attribuer.",
    announced.leaving_words,
)
reinstate = _noted(
    Action.REINSTATE,
    services.reinstate,
    "Rétablir la demande",
    "La demande est rétablie.",
    lambda service_request: [
        "La demande redevient «\u00a0Non alloué\u00a0»\u00a0: personne ne l’a.",
        *announced.relay_words(service_request),
    ],
)
