"""« Reçu »: the page that people print or keep."""

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from completion.receipt import receipt_of
from completion.views.access import load_report
from requests_app.views.access import refused
from requests_app.workflow import NotAllowed


@require_safe
def receipt(request, number):
    """What was filed and what it pays, for the interpreter and the BI."""
    service_request, at = load_report(request, number), timezone.now()
    try:
        found = receipt_of(service_request, request.user, at=at)
    except NotAllowed as error:
        return refused(request, service_request, error)
    return render(request, "completion/receipt.html", found | {"service_request": service_request, "at": at})
