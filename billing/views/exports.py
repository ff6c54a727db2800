"""What leaves the house for a period: payroll's file, a statement on paper, the sheet of each establishment."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import keyset
from accounts.models import Institution
from accounts.roles import Role
from billing import institutions as sheets
from billing import payroll
from billing.documents import statement_pdf as drawn
from billing.models import PayPeriod, PeriodExport
from billing.views.statements import readable
from requests_app.exports import PDF, download
from requests_app.views.access import only
from requests_app.workflow import NotAllowed


@require_POST
def export(request, pk: int, fmt: str):
    """«\u00a0Exporter\u00a0»: made once; pressed again, or by two at once, the file already made."""
    only(request, Role.VALIDATOR)
    period = _period(pk)
    _check(fmt, payroll.CONTENT_TYPES)
    try:
        made = payroll.export(period, fmt, by=request.user, at=timezone.now())
    except NotAllowed as error:
        return _refused(request, period, error)
    said = f"Le fichier {made.get_format_display()} est prêt. Téléchargez-le sous «\u00a0Exporter\u00a0»."
    messages.success(request, said)
    return redirect("billing:period", pk)


def _refused(request, period, error):
    context = {"period": period, "message": str(error)}
    return render(request, "billing/export_refused.html", context, status=409)


@require_safe
def exported(request, pk: int, fmt: str):
    """The very bytes that were made, once checked; 404 while nothing is exported in that format."""
    only(request, Role.VALIDATOR)
    _check(fmt, payroll.CONTENT_TYPES)
    made = get_object_or_404(PeriodExport.objects.select_related("period"), period=pk, format=fmt)
    try:
        content = payroll.content_of(made)
    except payroll.Altered as error:
        return _refused(request, made.period, error)
    return download(f"paie-{made.period.ends_on:%Y%m%d}.{fmt}", content, payroll.CONTENT_TYPES[made.format])


@require_safe
def statement_pdf(request, pk: int):
    """A statement on paper, for whoever may read its page; a draft's says so in its name."""
    only(request, Role.INTERPRETER, Role.VALIDATOR)
    found = readable(request.user, pk)
    return download(f"{_draft(found.period)}releve-{found.number}.pdf", drawn(found), PDF)


# User pays


@require_safe
def institutions(request, pk: int):
    """What each establishment is charged for a period."""
    only(request, Role.VALIDATOR)
    period = _period(pk)
    rows = sheets.charges(period)
    total = sum(row.charge.total for row in rows)
    return render(request, "billing/institutions.html", _context(period) | {"rows": rows, "total": total})


@require_safe
def institution(request, pk: int, institution: int):
    """The requests that an establishment is charged, as many a page as are read at once."""
    only(request, Role.VALIDATOR)
    period, found, charge = _sheet(pk, institution)
    page = min(max(keyset.number(request.GET.get("page", "")), 1), sheets.LAST_PAGE)
    blocks, has_more = sheets.page_of(period, found, page)
    shown = {"institution": found, "blocks": blocks, "charge": charge}
    turned = {"is_first": page == 1, "next_page": page + 1 if has_more else None, "formats": sheets.FORMATS}
    return render(request, "billing/institution.html", _context(period) | shown | turned)


@require_safe
def institution_file(request, pk: int, institution: int, fmt: str):
    """The whole sheet as CSV, XLSX or PDF; a draft's says so in its name."""
    only(request, Role.VALIDATOR)
    period, found, _ = _sheet(pk, institution)
    _check(fmt, sheets.CONTENT_TYPES)
    name = f"{_draft(period)}a-refacturer-{period.ends_on:%Y%m%d}-{found.pk}.{fmt}"
    return download(name, sheets.as_file(period, found, fmt), sheets.CONTENT_TYPES[fmt])


def _sheet(pk, institution) -> tuple[PayPeriod, Institution, sheets.Charge]:
    """A period, an establishment and what it is charged; 404 when nothing of the period was for it."""
    period, found = _period(pk), get_object_or_404(Institution, pk=institution)
    charge = sheets.charge_of(period, found)
    if not charge.requests:
        raise Http404
    return period, found, charge


def _context(period) -> dict:
    return {"period": period, "is_draft": period.state == PayPeriod.State.DRAFT}


def _draft(period) -> str:
    """How the name of a file begins."""
    return "brouillon-" if _context(period)["is_draft"] else ""


def _check(fmt: str, known) -> None:
    if fmt not in known:
        raise Http404


def _period(pk) -> PayPeriod:
    return get_object_or_404(PayPeriod, pk=pk)
