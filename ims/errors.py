"""Error pages in French: what happened, what was kept, what to do."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.shortcuts import render


@login_not_required
def csrf_failure(request, reason=""):
    return render(request, "403_csrf.html", status=403)


@login_not_required
def server_error(request):
    """A database out of reach is not our fault nor the person's: 503, and the next request tries again by itself."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return _standalone("500.html", 500)
    response = _standalone("errors/503.html", 503)
    response["Retry-After"] = "10"
    return response


def _standalone(template: str, status: int) -> HttpResponse:
    try:
        return render(None, template, status=status)
    except ValueError:
        # The static files were not collected: their names are unknown, and the page needs them.
        return HttpResponse("Une erreur s’est produite. Banque d’interprètes du RSSS, 514-597-3284.", status=status)
