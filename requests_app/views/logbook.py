"""Communications as they happen, on the request's page and on the way out of it: logged, completed, taken back."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.roles import Role
from requests_app import exchanges, logbook
from requests_app.forms import CommunicationForm
from requests_app.logbook_forms import AmendForm
from requests_app.views.access import load, only, refused
from requests_app.views.requests import may_leave, page, withdrawal_page
from requests_app.workflow import NotAllowed


@require_POST
def add_communication(request, number):
    """One made just now, in one tap (`maintenant`), or any other by the longer form."""
    service_request, is_leaving = _opened(request, number)
    if (purpose := request.POST.get("maintenant")) in logbook.ONE_TAP:
        return _written(request, service_request, logbook.log_now, is_leaving, purpose=purpose)
    form = CommunicationForm(request.POST, at=timezone.now(), is_planned=service_request.are_communications_requested)
    if not form.is_valid():
        return _again(is_leaving)(request, service_request, status=422, communication_form=form, form=form)
    return _written(request, service_request, exchanges.log_communication, is_leaving, **form.row())


@require_POST
def amend_communication(request, number, pk):
    """« Préciser » one already logged."""
    service_request, is_leaving = _opened(request, number)
    form = AmendForm(request.POST, row=_row(service_request, pk))
    if not form.is_valid():
        return _again(is_leaving)(request, service_request, status=422, amend_form=form, amended=pk, form=form)
    given = form.cleaned_data | {"communication": pk}
    return _written(request, service_request, logbook.amend_communication, is_leaving, **given)


@require_POST
def remove_communication(request, number, pk):
    """« Retirer »: a communication written with an error is then written again."""
    service_request, is_leaving = _opened(request, number)
    row = _row(service_request, pk)
    return _written(request, service_request, logbook.remove_communication, is_leaving, communication=row.pk)


def _opened(request, number):
    """The request, and whether one comes from its withdrawal (`page`), where one then comes back."""
    only(request, Role.INTERPRETER, Role.COORDINATOR)
    service_request = load(request, number)
    is_leaving = request.POST.get("page") == "desistement"
    return service_request, is_leaving and may_leave(service_request, request.user, timezone.now())


def _row(service_request, pk):
    """Raises Http404 for a row of somebody else, of another request, or that was taken back."""
    return get_object_or_404(service_request.communications, interpreter=service_request.interpreter, pk=pk)


def _again(is_leaving):
    return withdrawal_page if is_leaving else page


def _written(request, service_request, verb, is_leaving, **arguments):
    """Call the verb, then the section again, which says what was done; or 409 with why not."""
    try:
        made = verb(service_request, by=request.user, at=timezone.now(), **arguments)
    except NotAllowed as error:
        return refused(request, service_request, error)
    name = "withdraw" if is_leaving else "detail"
    address = reverse(f"requests:{name}", args=[service_request.pk])
    if not is_leaving and logbook.may_amend(service_request, request.user):
        return redirect(f"{address}?communication={made.pk if made else 'retiree'}#communications")
    messages.success(request, "Communication enregistrée." if made else "Communication retirée.")
    return redirect(address)
