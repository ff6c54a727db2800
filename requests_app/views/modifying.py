"""« Modifier la demande »: the form, the consequence to confirm, and what two people changed at once (B5)."""

import copy

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.roles import Role
from requests_app import announced, changes, consequences, history, moves, services
from requests_app.forms import RequestForm
from requests_app.models import ServiceRequest
from requests_app.views.steps import step
from requests_app.workflow import Action, Guard, NotAllowed


@step(Action.MODIFY, by=(Role.REQUESTER, Role.COORDINATOR))
def modify(request, service_request):
    at = timezone.now()
    form = _form(request, service_request, at, data=request.POST or None)
    if request.method != "POST":
        return _page(request, service_request, form)
    if form.is_valid() and _is_releasing(request) and not form.cleaned_data["note"]:
        form.add_error("note", Guard.NOTED.label)
    if not form.is_valid():
        return _page(request, service_request, form, status=422)
    if "correct" in request.POST:
        return _page(request, service_request, form)
    try:
        moves.check_seen(service_request, form.cleaned_data["version"])
        return _confirmed(request, service_request, form, at)
    except moves.Stale:
        return _conflict(request, service_request.pk, form, at)
    except NotAllowed as error:
        return _not_modified(request, service_request, form, error)


def _form(request, service_request, at, data=None, kept=None) -> RequestForm:
    given = {"institution": service_request.institution, "user": request.user, "at": at, "kept": kept}
    return RequestForm(data, service_request=service_request, **given)


def _is_releasing(request) -> bool:
    return "release" in request.POST and request.user.role == Role.COORDINATOR


def _page(request, service_request, form, status=200, **more):
    context = {"form": form, "institution": service_request.institution, "service_request": service_request}
    context |= {"refusal": "", "is_too_late": False, "may_release": _is_releasing(request), "is_conflict": False}
    context["is_short"] = consequences.is_short_of_time(service_request, at=timezone.now())
    return render(request, "requests_app/form.html", context | more, status=status)


# Saving


def _confirmed(request, service_request, form, at):
    """Save what nobody else learns of; the rest once the consequence was seen, as it is at this very instant."""
    fields, note = form.request_fields(), form.cleaned_data.get("note", "")
    if not changes.between(service_request, changes.in_utc(fields)):
        messages.info(request, "Rien n’a changé.")
        return redirect("requests:detail", service_request.pk)
    given, is_released = {"by": request.user, "at": at, "note": note}, _is_releasing(request)
    change = consequences.of_change(service_request, fields, is_released=is_released, **given)
    if not change.is_plain and request.POST.get("seen") != change.stake:
        return _consequence(request, service_request, form, change, fields)
    verb = services.modify_and_release if is_released else services.modify
    verb(service_request, version=form.cleaned_data["version"], **given, **fields)
    messages.success(request, "La demande est modifiée.")
    return redirect("requests:detail", service_request.pk)


def _consequence(request, service_request, form, change, fields):
    """What follows, to confirm; all that was typed comes along. Nothing is written."""
    has_changed = "seen" in request.POST
    context = {
        "form": form,
        "service_request": service_request,
        "after": _with(service_request, change.fields),
        "change": change,
        "changes": history.changed_fields(changes.whole(service_request, changes.in_utc(fields))),
        "leaving": announced.leaving_words(service_request) if _is_releasing(request) else [],
        "sentences": announced.change_words(service_request, change, request.user),
        "told": announced.told_words(change.told, request.user, why=change.ended),
        "is_released": _is_releasing(request),
        "has_changed": has_changed,
    }
    return render(request, "requests_app/confirm_change.html", context, status=409 if has_changed else 200)


def _with(service_request: ServiceRequest, fields: dict) -> ServiceRequest:
    """The request as it would be: for what a page says of it, never saved."""
    changed = copy.copy(service_request)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


# Not saving


def _not_modified(request, service_request, form, error):
    """What was typed is kept: a note, another time, or giving the request back may do."""
    if str(error) == Guard.NOTED_IF_LATE.label:
        form.add_error("note", str(error))
        return _page(request, service_request, form, status=422)
    context = {"refusal": str(error), "is_too_late": str(error) == Guard.NOT_LATE_CHANGE.label}
    context["may_release"] = isinstance(error, moves.Overlap) and request.user.role == Role.COORDINATOR
    return _page(request, service_request, form, status=409, **context)


def _conflict(request, number, form, at):
    """Somebody changed the request meanwhile: the difference, and a form on what it is now that keeps what was typed.

    What the others changed and this person did not touch stays theirs; a second save knows.
    """
    current = ServiceRequest.objects.with_people().get(pk=number)
    seen, found = form.cleaned_data["version"], form.differences(current)
    fresh = _form(request, current, at, kept=form.kept(found))
    lines = history.lines(current, request.user, at=at, since_version=seen)
    return _page(request, current, fresh, status=409, differences=found, lines=lines, is_conflict=True)
