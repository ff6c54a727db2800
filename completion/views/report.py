"""The « Détails de l'achèvement »: filled in, corrected, read-only before the start and after Achevé."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from completion import services
from completion.communications import besides, typed_rows, unread_said
from completion.forms import CompletionForm
from completion.services import Unfit
from completion.sheet import opens_at
from completion.signature_forms import FIELD_NAMES
from completion.views.access import limited, load_report
from completion.views.page import ROWS, Page, opened, retyped, sent
from completion.views.sent_files import keep
from requests_app.exchanges import unpaid_count
from requests_app.views.access import refused, seen_version
from requests_app.workflow import ASSIGNED, NotAllowed, Status

SAVED = "Détails de l’achèvement enregistrés."
NEXT_STEP = " La BI du RSSS va les vérifier."
NEXT_STEP_ON_BEHALF = " Une personne qui valide va les vérifier."
CHANGED = "La demande a changé depuis que vous avez ouvert cette page. Rien n’a été enregistré."
FILES_LEFT = "La demande a changé depuis que vous avez ouvert cette page\u00a0: aucun fichier n’a été joint."
FILES_LEFT += " Sauvegardez pour voir ce qui a changé, puis choisissez-les de nouveau."
# The buttons that save nothing: what was typed is shown again, unjudged.
AGAIN = frozenset({"ajouter", "maintenant", "estimer", "reprendre"})


@limited
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, number):
    """Fill in or correct a report; read-only before the start and after Achevé."""
    service_request, at = load_report(request, number), timezone.now()
    is_open = services.may_file(service_request, request.user, at=at)
    if request.method == "POST":
        if not is_open:
            return _refused(request, service_request, NotAllowed(_why_closed(service_request, at)), at, is_open=False)
        return (_save if AGAIN.isdisjoint(request.POST) else _again)(request, service_request, at)
    if not is_open:
        context = {"service_request": service_request, "why": _why_closed(service_request, at)}
        return render(request, "completion/closed.html", context)
    return opened(request, service_request, at).shown()


@require_POST
def estimate(request, number):
    """What the form would pay as it is typed: a fragment; nothing is written, and nothing is an error."""
    service_request, at = load_report(request, number), timezone.now()
    if not services.may_file(service_request, request.user, at=at):
        return refused(request, service_request, NotAllowed(_why_closed(service_request, at)))
    found = retyped(request, service_request, at).tally()
    return render(request, "completion/_estimated.html", {"tally": found, "is_out_of_band": True})


def _why_closed(service_request, at) -> str:
    if service_request.status in ASSIGNED and at < service_request.starts_at:
        return f"Accessible à partir de {opens_at(service_request.starts_at, at=at)}."
    if service_request.status == Status.COMPLETED:
        return "La demande est achevée\u00a0: les détails de l’achèvement ne changent plus."
    return f"La demande est «\u00a0{service_request.get_status_display()}\u00a0»\u00a0: il n’y a rien à remplir."


# A button that saves nothing.


def _again(request, service_request, at):
    """« Ajouter », « Maintenant », « Calculer » without JavaScript, and a form taken up again after a refusal."""
    is_resumed = "reprendre" in request.POST
    # Another sending than the refused one, on the request as it is now.
    fresh = {"version": service_request.version, "key": uuid.uuid4()} if is_resumed else {}
    page = retyped(request, service_request, at, **fresh)
    for error in [] if is_resumed else _unfit_files(page) or _attach_sent(page):
        messages.error(request, error)
    page.formset.extra = int("ajouter" in request.POST)
    return page.shown()


def _unfit_files(page: Page) -> list[str]:
    """Why none is kept: what saving says beside the field or on the page of a refusal is said here."""
    files, field = page.request.FILES.getlist("attachment"), page.form.fields.get("attachment")
    if not files or field is None:
        return []
    if seen_version(page.request) != page.service_request.version:
        return [FILES_LEFT]
    try:
        field.validate(files)
    except ValidationError as error:
        return error.messages
    return []


# Saving.


def _save(request, service_request, at):
    page = sent(request, service_request, at)
    seen, is_valid = seen_version(request), page.is_valid()
    if seen and seen != service_request.version and not is_valid:
        # What is wrong with it may be what changed: first that, then what was typed again.
        return _refused(request, service_request, NotAllowed(CHANGED), at)
    # Kept at once: a browser sends a file once, and another field's error must not lose it.
    if errors := _attach_sent(page):
        page.form.add_error("attachment", errors)
    if not is_valid or page.form.errors:
        return page.shown(422)
    try:
        revision = _file(page)
    except Unfit as error:
        page.form.refuse(error.field, str(error))
        return page.shown(422)
    except NotAllowed as error:
        return _refused(request, service_request, error, at)
    _say(page, revision)
    return redirect("requests:detail", service_request.pk)


def _file(page: Page) -> int:
    """File the report; the number of its revision, the one it has when it was already sent or says nothing new."""
    given = {"communications": page.formset.rows(), "seen": page.formset.seen(), **page.form.report()}
    completion = services.file(page.service_request, by=page.request.user, at=page.at, **given)
    sent = completion.revisions.filter(key=given["key"]).first()
    return sent.number if sent else completion.revision


def _attach_sent(page: Page) -> list[str]:
    """Keep the files sent with the form, unless it is stale; what is wrong with them, if anything."""
    files, form, request = page.request.FILES.getlist("attachment"), page.form, page.request
    if "attachment" not in form.fields or form.errors.get("attachment"):
        return []
    if seen_version(request) != page.service_request.version:
        return []
    return keep(page.service_request, files, by=request.user, at=page.at, kind=form.attachment_kind).errors


def _refused(request, service_request, error, at, *, is_open=True):
    """409, with what changed and what was typed, and a way to go on with it on the request as it is now."""
    page = retyped(request, service_request, at)
    words = [*page.form.words(), *page.formset.words(), *(page.signatures.words() if page.signatures else ())]
    fields = [(name, value.replace("\x00", "")) for name, value in request.POST.items() if _is_ours(name)]
    address = reverse("completion:edit", args=[service_request.pk])
    lost = {"has_file": "attachment" in request.FILES, "has_drawing": not FIELD_NAMES.isdisjoint(request.FILES)}
    resume = {"action": address, "fields": fields, **lost} if is_open else None
    return refused(request, service_request, error, typed=words, resume=resume)


def _is_ours(name: str) -> bool:
    is_row = name.startswith(f"{ROWS}-") and len(name) < 60
    return is_row or name in CompletionForm.base_fields or name in FIELD_NAMES


# What is said after saving.


def _say(page: Page, revision: int) -> None:
    typed, _ = typed_rows(page.form.cleaned_data["comments"], at=page.at)
    count = len(besides(page.formset.rows(), typed))
    read = f" Communications lues dans vos commentaires\u00a0: {count}. Vérifiez-les." if count else ""
    receipt = reverse("completion:receipt", args=[page.service_request.pk])
    saved = SAVED + (NEXT_STEP_ON_BEHALF if page.is_on_behalf else NEXT_STEP)
    said = format_html('{}{} <a href="{}">Reçu à imprimer</a>', saved, read, receipt)
    messages.success(page.request, said)
    if unread := unread_said(page.form.cleaned_data["comments"]):
        messages.warning(page.request, unread)
    if unpaid := _unpaid(page.service_request):
        messages.warning(page.request, unpaid)
    if page.signing and (wrong := page.signing.sign(at=page.at, revision=revision)):
        messages.warning(page.request, wrong)


def _unpaid(service_request) -> str:
    """Said at once, while the person can still add what is missing (FAQ, « Demandé par »)."""
    count = unpaid_count(service_request)
    if not count:
        return ""
    one = "1 communication ne sera pas payée telle quelle"
    subject = one if count == 1 else f"{count} communications ne seront pas payées telles quelles"
    asked = "l’a demandée" if count == 1 else "les a demandées"
    return f"{subject}\u00a0: indiquez qui {asked} et pourquoi (Demandé par, Justification)."
