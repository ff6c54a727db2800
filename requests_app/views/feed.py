"""The calendar at its secret address, and the choices of the profile about that address."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import keyset
from accounts.roles import Role
from requests_app import feed
from requests_app.views.access import only

OPENED = "Votre adresse d’abonnement est prête\u00a0: donnez-la à votre calendrier."
CHANGED = (
    "Votre adresse d’abonnement est changée\u00a0: l’ancienne ne répond plus. Donnez la nouvelle à votre calendrier."
)
UNCHANGED = "Cette adresse ne servait déjà plus\u00a0: voici la vôtre."
CLOSED = "L’abonnement est fermé\u00a0: son adresse ne répond plus. Retirez-la de votre calendrier."


@login_not_required
@require_safe
def calendar_feed(request, pk, key):
    """What a calendar program reads, without a session: whoever has the address sees the dates, until it is changed."""
    interpreter = feed.reader_of(pk, key)
    if interpreter is None:
        raise Http404
    response = HttpResponse(feed.calendar_of(interpreter, at=timezone.now()), "text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="demandes.ics"'
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


@require_POST
def calendar_address(request):
    """« Créer mon adresse d'abonnement », « Changer l'adresse », « Fermer l'abonnement »."""
    only(request, Role.INTERPRETER)
    act = ACTIONS.get(request.POST.get("action"))
    if act is None:
        raise Http404
    messages.success(request, act(request))
    return HttpResponseRedirect(f"{reverse('accounts:profile')}#calendrier")


def _open(request) -> str:
    feed.open_feed(request.user, at=timezone.now())
    return OPENED


def _change(request) -> str:
    seen = keyset.number(request.POST.get("numero", ""))
    return CHANGED if feed.change_feed(request.user, seen=seen) else UNCHANGED


def _close(request) -> str:
    feed.close_feed(request.user)
    return CLOSED


ACTIONS = {"ouvrir": _open, "changer": _change, "fermer": _close}
