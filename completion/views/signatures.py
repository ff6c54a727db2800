"""Signatures (ruling 7): the page that signs a report already filed, and the drawing of one."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from completion.models import Signature
from completion.signature_forms import Signatures
from completion.signatures import may_sign, signed
from completion.views.access import limited, load_report, served
from requests_app.views.access import refused, seen_version
from requests_app.workflow import NotAllowed

SIGNED = "Signature enregistrée."
CHANGED = "La demande a changé depuis que vous avez ouvert cette page\u00a0: relisez-la, puis signez de nouveau."


@limited
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request, number):
    """Sign what is filed, by typed name or by drawing; the form of the report has the same fields."""
    service_request, at = load_report(request, number), timezone.now()
    if not service_request.filed_by_id or not may_sign(service_request, request.user, at=at):
        return refused(request, service_request, NotAllowed("Cette réalisation ne peut pas être signée."))
    is_sent = request.method == "POST"
    sent = [request.POST, request.FILES] if is_sent else []
    forms = Signatures(*sent, service_request=service_request, user=request.user)
    if is_sent and seen_version(request) != service_request.version:
        forms.refuse(CHANGED)
        return _page(request, service_request, forms, status=409)
    if is_sent and forms.is_valid():
        return _keep(request, service_request, forms, at)
    return _page(request, service_request, forms, status=422 if is_sent else 200)


def _keep(request, service_request, forms, at):
    if not forms.given():
        forms.refuse("Cochez la case ou signez dans le cadre.")
        return _page(request, service_request, forms, status=422)
    # Of the report as it was read with the version: a correction made since then is not signed.
    if forms.sign(at=at, revision=service_request.completion.revision):
        return _page(request, service_request, forms, status=422)
    messages.success(request, SIGNED)
    return redirect("requests:detail", service_request.pk)


def _page(request, service_request, forms, *, status):
    wrong = next((form for form in forms if form.errors), None)
    context = {"service_request": service_request, "signatures": forms, "form": wrong, "is_alone": True}
    return render(request, "completion/sign.html", context, status=status)


@require_safe
def signature(request, number, pk):
    """The drawing of one signature, for those who may see whose it is."""
    service_request = load_report(request, number)
    found = get_object_or_404(Signature, pk=pk, completion__service_request=service_request)
    (shown,) = signed([found], service_request, request.user, at=timezone.now())
    if not shown.has_drawing:
        raise Http404
    # The name says nothing of a person (ruling 9).
    return served(found.drawing, "image/png", filename=f"demande-{number}-signature-{found.pk}.png")
