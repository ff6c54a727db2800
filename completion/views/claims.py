"""The claim of a cancelled request, in one tap."""

from django.contrib import messages
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.roles import Role
from completion import claims
from completion.views.access import load_report
from requests_app.views.access import only, refused, seen_version
from requests_app.workflow import NotAllowed

CLAIMED = "Réclamation envoyée. La BI du RSSS va vérifier vos communications."


@require_POST
def claim(request, number):
    """« Réclamer 2 communications »; those still to write go through the « Détails de l'achèvement »."""
    service_request = load_report(request, number)
    only(request, Role.INTERPRETER)
    try:
        claims.claim(service_request, by=request.user, at=timezone.now(), version=seen_version(request) or 0)
    except NotAllowed as error:
        return refused(request, service_request, error)
    messages.success(request, CLAIMED)
    return redirect("requests:detail", number)
