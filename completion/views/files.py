"""The files of a request: the page that adds them, the bytes of one and of its small copy."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from completion import services, uploads
from completion.attachment_forms import AttachmentForm
from completion.attachments import may_attach
from completion.review import pieces_of
from completion.views.access import limited, load_report, served
from completion.views.sent_files import keep
from requests_app.masking import eraser_for
from requests_app.views.access import refused
from requests_app.workflow import NotAllowed


@limited
@require_http_methods(["GET", "HEAD", "POST"])
def attachments(request, number):
    """The files of a request, and more of them (FAQ « facture de stationnement »: until Achevé)."""
    service_request, at = load_report(request, number), timezone.now()
    if request.method != "POST":
        return _page(request, service_request, AttachmentForm(service_request=service_request), at)
    form = AttachmentForm(request.POST, request.FILES, service_request=service_request)
    answer = _answer_script if _is_script(request) else _answer_page
    return answer(request, service_request, form, at)


def _is_script(request) -> bool:
    """js/upload.js sends one file, and is answered by its line of the list or by a sentence."""
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def _keep(request, service_request, form, at):
    given = form.cleaned_data
    return keep(service_request, given["file"], by=request.user, at=at, kind=given["kind"])


def _answer_page(request, service_request, form, at):
    if not form.is_valid():
        return _page(request, service_request, form, at, status=422)
    sent = _keep(request, service_request, form, at)
    if sent.refusal and not sent.kept:
        return refused(request, service_request, sent.refusal)
    if sent.errors:
        form.add_error("file", sent.errors)
        return _page(request, service_request, form, at, status=422)
    count = len(sent.kept)
    messages.success(request, "Pièce jointe ajoutée." if count == 1 else f"{count} pièces jointes ajoutées.")
    return redirect("requests:detail", service_request.pk)


def _answer_script(request, service_request, form, at):
    if not form.is_valid():
        return _sentence(" ".join(message for each in form.errors.values() for message in each), 422)
    sent = _keep(request, service_request, form, at)
    if sent.errors:
        return _sentence(sent.errors[0], 409 if sent.refusal else 422)
    context = {"service_request": service_request, "piece": sent.kept[0]}
    return render(request, "completion/_uploaded.html", context, status=201)


def _sentence(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def _page(request, service_request, form, at, status=200):
    context = {
        "service_request": service_request,
        "attachments": pieces_of(service_request, eraser_for(service_request, request.user, at=at)),
        "may_attach": may_attach(service_request, request.user, at=at),
        "form": form,
    }
    return render(request, "completion/attachments.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def attachment(request, number, pk):
    """The bytes of one file, for those who may see it; a POST takes it back."""
    service_request, piece = _load(request, number, pk)
    if request.method == "POST":
        return _remove(request, service_request, piece)
    # The name says nothing of a person or a place (ruling 9); a PDF is never opened on our own address.
    name = f"demande-{number}-piece-{piece.pk}.{uploads.EXTENSIONS[piece.content_type]}"
    return served(piece.file, piece.content_type, filename=name, as_attachment=not piece.is_image)


@require_safe
def thumbnail(request, number, pk):
    """The small copy of a photo, for whoever may see the photo; the photo itself when it was kept without one."""
    _, piece = _load(request, number, pk)
    if not piece.is_image:
        raise Http404
    if not piece.thumbnail:
        return served(piece.file, piece.content_type)
    return served(piece.thumbnail, "image/jpeg")


def _load(request, number, pk):
    service_request = load_report(request, number)
    return service_request, get_object_or_404(service_request.attachments.current(), pk=pk)


def _remove(request, service_request, piece):
    is_script = _is_script(request)
    try:
        services.remove_attachment(service_request, piece, by=request.user, at=timezone.now())
    except NotAllowed as error:
        return _sentence(str(error), 409) if is_script else refused(request, service_request, error)
    if is_script:
        return HttpResponse(status=204)
    messages.success(request, "Pièce jointe retirée.")
    return redirect("requests:detail", service_request.pk)
