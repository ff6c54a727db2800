from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ims.demo import outbox as letters


@login_not_required
@never_cache
@require_safe
def outbox(request):
    """« Boîte d'envoi (démo) »: what people would have received, without signing in."""
    recipient = request.GET.get("destinataire", "").strip()[:100]
    found, before = letters.read(recipient=recipient, before=request.GET.get("avant", ""))
    older = urlencode({"destinataire": recipient, "avant": before}) if before else ""
    is_first = "avant" not in request.GET
    context = {"letters": found, "recipient": recipient, "older": older, "is_first": is_first}
    return render(request, "demo/outbox.html", context)
