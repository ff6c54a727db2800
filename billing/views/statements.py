"""« Relevés »: the periods and what each pays, for validators; one statement, for its interpreter once published."""

from datetime import date, timedelta
from functools import partial

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import keyset
from accounts.french import date_range_words
from accounts.roles import Role
from billing import periods as shown
from billing import statements
from billing.documents import takes
from billing.models import PayPeriod, PayStatement
from requests_app.masking import eraser, eraser_for
from requests_app.views.access import only
from requests_app.workflow import NotAllowed


@require_safe
def periods(request):
    """What is to be computed or published now, then the periods paid, newest first."""
    only(request, Role.VALIDATOR)
    return _periods(request)


def _periods(request, message="", status=200):
    draft, before = shown.draft(), shown.day(request.GET.get("avant", ""))
    rows, next_key = shown.published(before)
    days = None if draft else statements.coming_period()
    context = {
        "message": message,
        "draft": draft,
        "days": date_range_words(*days) if days else "",
        "starts_on": days[0].isoformat() if days else "",
        "opens_on": days[1] + timedelta(days=1) if days else None,
        "may_compute": bool(days) and days[1] < timezone.localdate(),
        "rows": rows,
        "next_url": f"?avant={next_key}" if next_key else "",
        "is_first": not before,
    }
    return render(request, "billing/periods.html", context, status=status)


@require_POST
def compute(request):
    """« Calculer » the days that the list showed, « Recalculer » the draft of the page."""
    only(request, Role.VALIDATOR)
    draft = keyset.number(request.POST.get("periode", ""))
    try:
        period = _computed(request, draft)
    except NotAllowed as error:
        return _refused(request, draft, error)
    messages.success(request, f"Les relevés {period.days} sont calculés. Vérifiez-les, puis publiez-les.")
    return redirect("billing:period", period.pk)


def _computed(request, draft: int) -> PayPeriod:
    who_and_when = {"by": request.user, "at": timezone.now()}
    if draft:
        return statements.recompute(PayPeriod(pk=draft), **who_and_when)
    # Days that cannot be read are those of no page of ours.
    return statements.compute(**who_and_when, starts_on=shown.day(request.POST.get("debut", "")) or date.min)


def _refused(request, pk, error):
    """The period as it is now, or the list when somebody abandoned it, with what stood in the way."""
    found = _all().filter(pk=pk).first()
    return _period(request, found, str(error), 409) if found else _periods(request, str(error), 409)


@require_safe
def period(request, pk: int):
    """What a period pays: in all, by kind, and to each interpreter."""
    only(request, Role.VALIDATOR)
    return _period(request, get_object_or_404(_all(), pk=pk))


def _all():
    return PayPeriod.objects.select_related("computed_by", "published_by")


def _period(request, found, message="", status=200):
    after = keyset.number(request.GET.get("apres", ""))
    rows, next_key = shown.people(found, after)
    is_draft = found.state == PayPeriod.State.DRAFT
    context = {
        "message": message,
        "period": found,
        "is_draft": is_draft,
        "totals": statements.totals_of(found),
        "kinds": shown.by_kind(found),
        "waiting": shown.waiting_after(found) if is_draft else None,
        "rows": rows,
        "next_url": f"?apres={next_key}" if next_key else "",
        "is_first": not after,
    }
    return render(request, "billing/period.html", context, status=status)


@require_POST
def publish(request, pk: int):
    """« Publier »: only what the page showed."""
    only(request, Role.VALIDATOR)
    given = {"by": request.user, "at": timezone.now(), "seen": request.POST.get("seen", "")}
    try:
        found = statements.publish(PayPeriod(pk=pk), **given)
    except NotAllowed as error:
        return _refused(request, pk, error)
    messages.success(
        request, f"Les relevés {found.days} sont publiés. Un courriel l’annonce à chaque interprète qui en reçoit."
    )
    return redirect("billing:period", pk)


@require_POST
def discard(request, pk: int):
    """« Abandonner le brouillon »."""
    only(request, Role.VALIDATOR)
    try:
        found = statements.discard(PayPeriod(pk=pk), by=request.user)
    except NotAllowed as error:
        return _refused(request, pk, error)
    messages.success(request, f"Le brouillon {found.days} est abandonné. Ses lignes attendent le prochain calcul.")
    return redirect("billing:periods")


@require_safe
def statement(request, pk: int):
    """One statement, line by line: its interpreter's once published, any for a validator."""
    only(request, Role.INTERPRETER, Role.VALIDATOR)
    found = readable(request.user, pk)
    is_own = found.interpreter_id == request.user.pk
    own = partial(eraser_for, reader=request.user, at=timezone.now())
    context = {
        "statement": found,
        "period": found.period,
        "is_own": is_own,
        "takes": takes(found.period),
        "is_draft": found.period.state == PayPeriod.State.DRAFT,
        "blocks": shown.blocks(found, own if is_own else eraser),
    }
    return render(request, "billing/statement.html", context)


def readable(user, pk: int) -> PayStatement:
    """The statement `pk` if this interpreter or validator may read it. Raises Http404 for a stranger."""
    of_all = PayStatement.objects.select_related("period", "interpreter")
    rows = of_all if user.role == Role.VALIDATOR else statements.published_for(user)
    if found := rows.filter(pk=pk).first():
        return found
    raise Http404
