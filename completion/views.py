"""The « Détails de l'achèvement » and the files of a request."""

from functools import wraps

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.roles import Role
from completion import services, uploads
from completion.attachments import may_attach
from completion.communication_forms import Communications, row_initial, typed
from completion.communications import typed_rows
from completion.forms import AttachmentForm, CompletionForm
from completion.models import Outcome
from completion.services import Unfit
from completion.sheet import opens_at
from completion.uploads import Rejected
from requests_app.exchanges import is_communication_billable
from requests_app.models import Channel
from requests_app.views.access import load, refused, seen_version
from requests_app.workflow import ASSIGNED, NotAllowed, Status

# Heavier than any photo of a telephone, so that one over the limit is refused beside its field with the rest kept;
# beyond, nothing is read at all.
MAX_BODY = 4 * uploads.MAX_BYTES
SAVED = "Détails de l’achèvement enregistrés. La BI du RSSS va les vérifier."


def limited(view):
    """413 before the body is read: the token's check reads it, so that check comes after the size's."""
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def measured(request, *args, **kwargs):
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > MAX_BODY:
            return render(request, "errors/413.html", status=413)
        return protected(request, *args, **kwargs)

    return measured


def _load(request, number):
    """The request, for its interpreter and the BI: a requester or the holder of an offer has no part in its report."""
    service_request, user = load(request, number), request.user
    may_write = user.pk == service_request.interpreter_id or user.role == Role.COORDINATOR
    may_read = may_write or user.role == Role.VALIDATOR
    if not (may_write if request.method == "POST" else may_read):
        raise PermissionDenied("Les détails de l’achèvement sont remplis par l’interprète.")
    return service_request


# The form.


@limited
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, number):
    """Fill in or correct a report; read-only before the start and after Achevé."""
    service_request, at = _load(request, number), timezone.now()
    is_open = services.may_file(service_request, request.user, at=at)
    if request.method == "POST":
        if not is_open:
            return refused(request, service_request, NotAllowed(_why_closed(service_request, at)))
        more = "ajouter" in request.POST
        return (_one_more if more else _save)(request, service_request, at)
    if not is_open:
        context = {"service_request": service_request, "why": _why_closed(service_request, at)}
        return render(request, "completion/closed.html", context)
    rows = [row_initial(made) for made in service_request.communications.all()]
    form = CompletionForm(**_about(request, service_request))
    return _page(request, service_request, form, Communications(initial=rows, **_formset(at)))


def _why_closed(service_request, at) -> str:
    if service_request.status in ASSIGNED and at < service_request.starts_at:
        return f"Accessible à partir de {opens_at(service_request.starts_at, at=at)}."
    if service_request.status == Status.COMPLETED:
        return "La demande est achevée\u00a0: les détails de l’achèvement ne changent plus."
    return f"La demande est «\u00a0{service_request.get_status_display()}\u00a0»\u00a0: il n’y a rien à remplir."


def _about(request, service_request) -> dict:
    return {"service_request": service_request, "is_on_behalf": request.user.pk != service_request.interpreter_id}


def _formset(at) -> dict:
    return {"prefix": "communications", "form_kwargs": {"at": at}}


def _page(request, service_request, form, formset, status=200):
    filled = [row for row in formset if row["date"].value() or row["purpose"].value()]
    context = _about(request, service_request) | {
        "completion": getattr(service_request, "completion", None),
        "form": form,
        "formset": formset,
        "attachments": service_request.attachments.current(),
        "communication_count": len(filled),
        "call_count": sum(row["channel"].value() == Channel.PHONE for row in filled),
    }
    return render(request, "completion/edit.html", context, status=status)


def _one_more(request, service_request, at):
    """« Ajouter une communication » without JavaScript: what was typed is shown again, unjudged, with a blank row."""
    form = CompletionForm(initial=request.POST.dict(), **_about(request, service_request))
    if error := _attach_sent(request, service_request, form, at):
        messages.error(request, error)
    formset = Communications(initial=typed(request.POST, "communications"), **_formset(at))
    formset.extra = 1
    return _page(request, service_request, form, formset)


def _save(request, service_request, at):
    form = CompletionForm(request.POST, request.FILES, **_about(request, service_request))
    formset = Communications(request.POST, **_formset(at))
    is_valid = form.is_valid() & formset.is_valid()
    # Kept at once: a browser sends a file once, and another field's error must not lose it.
    if error := _attach_sent(request, service_request, form, at):
        form.add_error("attachment", error)
    is_fresh = seen_version(request) == service_request.version
    if is_valid and is_fresh and _claims_nothing(form, formset, at):
        form.add_error(None, "Inscrivez au moins une communication faite avant l’annulation.")
    if not is_valid or form.errors:
        return _page(request, service_request, form, formset, status=422)
    sent = {"communications": formset.rows(), "seen": formset.seen(), **form.report()}
    try:
        services.file(service_request, by=request.user, at=at, **sent)
    except Unfit as error:
        form.refuse(error.field, str(error))
        return _page(request, service_request, form, formset, status=422)
    except NotAllowed as error:
        return refused(request, service_request, error)
    messages.success(request, _said(form, at))
    if unpaid := _unpaid(service_request):
        messages.warning(request, unpaid)
    return redirect("requests:detail", service_request.pk)


def _claims_nothing(form, formset, at) -> bool:
    is_claim = form.report()["outcome"] == Outcome.CLAIM
    return is_claim and not formset.rows() and not typed_rows(form.cleaned_data["comments"], at=at)[0]


def _unpaid(service_request) -> str:
    """Said at once, while the person can still add what is missing (FAQ, « Demandé par »)."""
    made = service_request.communications.all()
    count = sum(not is_communication_billable(service_request, communication) for communication in made)
    if not count:
        return ""
    one = "1 communication ne sera pas payée telle quelle"
    subject = one if count == 1 else f"{count} communications ne seront pas payées telles quelles"
    return f"{subject}\u00a0: indiquez qui l’a demandée et pourquoi (Demandé par, Justification)."


def _attach_sent(request, service_request, form, at) -> str:
    """Keep the file sent with the form, unless the form is stale; what is wrong with it, if anything."""
    upload = request.FILES.get("attachment")
    if upload is None or "attachment" not in form.fields or form.errors.get("attachment"):
        return ""
    if seen_version(request) != service_request.version:
        return ""
    try:
        services.attach(service_request, upload, by=request.user, at=at, kind=form.attachment_kind)
    except (Rejected, NotAllowed) as error:
        return str(error)
    return ""


def _said(form, at) -> str:
    typed_count = len(typed_rows(form.cleaned_data["comments"], at=at)[0])
    if not typed_count:
        return SAVED
    return f"{SAVED} Communications lues dans vos commentaires\u00a0: {typed_count}. Vérifiez-les."


# Files.


@limited
@require_http_methods(["GET", "HEAD", "POST"])
def attachments(request, number):
    """The files of a request, and one more (FAQ « facture de stationnement »: until Achevé)."""
    service_request, at = _load(request, number), timezone.now()
    is_sent = request.method == "POST"
    form = AttachmentForm(*([request.POST, request.FILES] if is_sent else []), service_request=service_request)
    if is_sent and form.is_valid():
        upload, kind = form.cleaned_data["file"], form.cleaned_data["kind"]
        try:
            services.attach(service_request, upload, by=request.user, at=at, kind=kind)
        except Rejected as error:
            form.add_error("file", str(error))
        except NotAllowed as error:
            return refused(request, service_request, error)
        else:
            messages.success(request, "Pièce jointe ajoutée.")
            return redirect("requests:detail", number)
    context = {
        "service_request": service_request,
        "attachments": service_request.attachments.current(),
        "may_attach": may_attach(service_request, request.user, at=at),
        "form": form,
    }
    return render(request, "completion/attachments.html", context, status=422 if is_sent else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def attachment(request, number, pk):
    """The bytes of one file, for those who may see it; a POST takes it back."""
    service_request = _load(request, number)
    piece = get_object_or_404(service_request.attachments.current(), pk=pk)
    if request.method == "POST":
        return _remove(request, service_request, piece)
    try:
        stored = piece.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    # The name says nothing of a person or a place (ruling 9); a PDF is never opened on our own address.
    filename = f"demande-{number}-piece-{piece.pk}.{uploads.EXTENSIONS[piece.content_type]}"
    response = FileResponse(
        stored, content_type=piece.content_type, as_attachment=not piece.is_image, filename=filename
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _remove(request, service_request, piece):
    try:
        services.remove_attachment(service_request, piece, by=request.user, at=timezone.now())
    except NotAllowed as error:
        return refused(request, service_request, error)
    messages.success(request, "Pièce jointe retirée.")
    return redirect("requests:detail", service_request.pk)
