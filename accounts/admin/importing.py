"""« Importer des comptes »: a dry run that says what each line would create, then everything in one press."""

from django.contrib import messages
from django.core import signing
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.french import NBSP
from accounts.importing import COLUMNS, MODEL, MOST_LINES, Unreadable, check, check_size, lines_of, text_of
from accounts.services import create_accounts

SALT = "accounts.import"


@require_http_methods(["GET", "HEAD", "POST"])
def import_accounts(request, site_context: dict):
    """The page of the import; nothing is written before « Créer les comptes », which checks the whole file again."""
    if "modele" in request.GET:
        return _model()
    if request.method != "POST":
        return _page(request, site_context)
    try:
        text = _text(request)
        lines = lines_of(text)
    except Unreadable as error:
        return _page(request, site_context, refusal=str(error), status=422)
    check(lines)
    if "creer" in request.POST and not any(line.errors for line in lines):
        return _create(request, site_context, lines)
    return _report(request, site_context, text, lines)


def _text(request) -> str:
    """The file just chosen, or the one that was checked, carried signed by the page."""
    if "creer" not in request.POST:
        chosen = request.FILES.get("file")
        if chosen is None:
            raise Unreadable("Choisissez un fichier.")
        check_size(chosen.size)
        return text_of(chosen.read())
    try:
        carried = signing.loads(request.POST.get("carried", ""), salt=SALT)
    except signing.BadSignature as error:
        raise Unreadable("Choisissez de nouveau le fichier\u00a0: la page n’était plus valable.") from error
    if carried["by"] != request.user.pk:
        raise Unreadable("Choisissez de nouveau le fichier\u00a0: une autre personne l’avait vérifié.")
    return carried["text"]


def _create(request, site_context, lines):
    people = [(line.fields, line.profile) for line in lines]
    try:
        create_accounts(people, by=request.user, at=timezone.now())
    except IntegrityError:
        said = "Quelqu’un vient de créer un de ces comptes. Choisissez de nouveau le fichier pour savoir lequel."
        return _page(request, site_context, refusal=said, status=409)
    made = f"{len(lines)}{NBSP}comptes sont créés" if len(lines) > 1 else "1 compte est créé"
    messages.success(request, f"{made}. L’identifiant et un mot de passe temporaire partent par courriel.")
    return redirect("admin:accounts_user_changelist")


def _report(request, site_context, text, lines):
    wrong = [line for line in lines if line.errors]
    context = {"lines": lines, "wrong": wrong, "errors": sum(len(line.errors) for line in wrong)}
    if not wrong:
        context["carried"] = signing.dumps({"by": request.user.pk, "text": text}, salt=SALT, compress=True)
    return _page(request, site_context, status=422 if wrong else 200, **context)


def _page(request, site_context, *, status=200, **context):
    given = {
        **site_context,
        "title": "Importer des comptes",
        "model": MODEL,
        "columns": list(COLUMNS),
        "most": MOST_LINES,
        "refusal": "",
        "lines": [],
        "wrong": [],
    }
    return render(request, "admin/accounts/user/import.html", given | context, status=status)


def _model() -> HttpResponse:
    # With its mark of UTF-8, a spreadsheet opens the accents as they are.
    response = HttpResponse(MODEL.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="modele-comptes.csv"'
    return response
