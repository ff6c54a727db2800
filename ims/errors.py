"""Error pages in French: what happened, what was kept, what to do."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.shortcuts import render


@login_not_required
def csrf_failure(request, reason=""):
    return render(request, "403_csrf.html", status=403)


@login_not_required
def server_error(request):
    """A database out of reach is not our fault nor the person's: 503, and the next request tries again by itself."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return render(None, "500.html", status=500)
    response = render(None, "errors/503.html", status=503)
    response["Retry-After"] = "10"
    return response
