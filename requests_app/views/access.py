"""From an address to a request somebody may see, and the pages that refuse: 404, « n'est plus disponible », 409."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.utils import timezone

from accounts import keyset
from accounts.roles import Role
from requests_app import history
from requests_app.lost import why_gone
from requests_app.models import ServiceRequest
from requests_app.moves import Overlap
from requests_app.views.typed import typed_words


class Gone(Exception):
    """The reader was offered this request, or held it: they are told that it is gone and why, without data."""


def only(request, *roles: Role) -> None:
    """403 for another role: what a page is for never depends on the request it is opened on."""
    if request.user.role not in roles:
        raise PermissionDenied


def load(request, number: int) -> ServiceRequest:
    """The request `number` if the signed-in person may see it now; every disclosure passes here.

    Raises Http404 for a stranger, Gone for a former holder (GoneMiddleware: 404 for a GET, 409 for a POST).
    """
    at = timezone.now()
    visible = ServiceRequest.objects.visible_to(request.user, at=at).with_people()
    # With its report, which most of its pages show: one statement less.
    found = visible.select_related("completion").filter(pk=number).first()
    if found:
        return found
    is_former = request.user.role == Role.INTERPRETER
    if is_former and ServiceRequest.objects.once_known_to(request.user).filter(pk=number).exists():
        raise Gone(why_gone(number, request.user))
    raise Http404


def seen_version(request) -> int | None:
    """The version of the page that a button was on; none is a page nobody served."""
    return keyset.number(request.POST.get("version", ""))


def typed_reason(request) -> str:
    """Why somebody refuses an offer, if they say so: 200 characters at most, none is asked (domain.md, `refuse`)."""
    return request.POST.get("reason", "").replace("\x00", "").strip()[:200]


def refused(request, service_request: ServiceRequest, error: Exception, *, typed=None, resume=None):
    """409: nothing was written; the page says why, who changed what since it was opened, and what was typed.

    `typed`: what was, in words, when the page knows better; `resume`: the address and fields that take it up again.
    """
    at = timezone.now()
    current = ServiceRequest.objects.visible_to(request.user, at=at).filter(pk=service_request.pk).first()
    if current is None:
        raise Gone(why_gone(service_request.pk, request.user))
    seen = seen_version(request)
    context = {
        "service_request": current,
        "message": why_not(error, request.user),
        "typed": typed_words(request, current) if typed is None else typed,
        "resume": resume,
        "lines": history.lines(current, request.user, at=at, since_version=seen) if seen else [],
    }
    return render(request, "requests_app/refused.html", context, status=409)


def why_not(error: Exception, user) -> str:
    """The sentence of a refusal, in the second person for whom it is about."""
    if isinstance(error, Overlap) and user.role == Role.INTERPRETER:
        return "Vous avez déjà une demande réservée à ce moment."
    return str(error)
