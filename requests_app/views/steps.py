"""A page of the BI or of a requester for one step of the workflow: opened when the step is, 409 with why not else."""

from django.contrib import messages
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.roles import Role
from requests_app import moves
from requests_app.models import ServiceRequest
from requests_app.views.access import load, only, refused
from requests_app.workflow import NotAllowed, next_status

form_page = require_http_methods(["GET", "HEAD", "POST"])


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


def done(request, service_request, said, verb, *, at=None, **arguments):
    """Call a verb at `at` (the instant that the page judged; now, unless given), then the request's page again."""
    try:
        verb(service_request, by=request.user, at=at or timezone.now(), **arguments)
    except NotAllowed as error:
        raise Refused(service_request, error) from error
    messages.success(request, said)
    return redirect("requests:detail", service_request.pk)
