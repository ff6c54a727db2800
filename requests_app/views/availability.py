"""« Disponibilités »: an interpreter says when they are away, and when they usually work."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.french import NBSP
from accounts.roles import Role
from requests_app import availability as times
from requests_app.availability_forms import AbsenceForm, WeeklyHoursForm
from requests_app.practices import territory_of
from requests_app.views.access import only
from requests_app.workflow import ASSIGNED, NotAllowed


@require_http_methods(["GET", "HEAD", "POST"])
def availability(request):
    only(request, Role.INTERPRETER)
    at = timezone.now()
    form = AbsenceForm(request.POST if request.method == "POST" else None, at=at)
    if request.method == "POST" and form.is_valid():
        try:
            return _add(request, form.cleaned_data, at)
        except NotAllowed as error:
            form.add_error(None, str(error))
    return _page(request, form, absence_form=form, status=422 if request.method == "POST" else 200)


def _add(request, given, at):
    made = times.add_absence(request.user, given["starts_at"], given["ends_at"], at=at)
    [kept] = times.booked_during(request.user, [(made.starts_at, made.ends_at)], at=at)
    period = times.period_words(made.starts_at, made.ends_at)
    messages.success(request, f"C’est noté\u00a0: vous n’êtes pas disponible {period}. {_kept_words(kept)}".strip())
    return redirect("requests:availability")


def _kept_words(kept) -> str:
    """What an absence does not undo, in a sentence: bookings first, then what waits for an answer."""
    booked = sum(made.status in ASSIGNED for made in kept)
    offered = len(kept) - booked
    counted = [
        _count(booked, "demande réservée", "demandes réservées"),
        _count(offered, "demande à accepter ou à refuser", "demandes à accepter ou à refuser"),
    ]
    if not kept:
        return ""
    same = "elle reste" if len(kept) == 1 else "elles restent"
    said = "ainsi" if offered else ("réservée" if len(kept) == 1 else "réservées")
    return f"Vous avez {' et '.join(filter(None, counted))} pendant cette période\u00a0: {same} {said}."


def _count(number: int, one: str, several: str) -> str:
    return f"{number}{NBSP}{one if number == 1 else several}" if number else ""


@require_POST
def remove_absence(request, pk):
    only(request, Role.INTERPRETER)
    get_object_or_404(request.user.absences, pk=pk).delete()
    messages.success(request, "L’absence est retirée.")
    return redirect("requests:availability")


@require_POST
def weekly_hours(request):
    only(request, Role.INTERPRETER)
    is_copy = request.POST.get("action") == "copier"
    form = WeeklyHoursForm.like_monday(request.POST) if is_copy else WeeklyHoursForm(request.POST, rows=[])
    if not form.is_valid():
        return _page(request, form, hours_form=form, status=422)
    times.set_weekly_hours(request.user, form.cleaned_data["hours"])
    messages.success(request, "Vos heures habituelles sont sauvegardées.")
    return redirect("requests:availability")


def _page(request, form, *, status, absence_form=None, hours_form=None):
    """Both forms; `form` is the one that was sent, whose errors the page sums up."""
    at, user = timezone.now(), request.user
    absences = list(times.coming(user, at=at))
    kept = times.booked_during(user, [(absence.starts_at, absence.ends_at) for absence in absences], at=at)
    for absence, requests in zip(absences, kept, strict=True):
        absence.words = times.period_words(absence.starts_at, absence.ends_at)
        absence.kept = requests
    context = {
        "form": form,
        "absence_form": absence_form or AbsenceForm(at=at),
        "hours_form": hours_form or WeeklyHoursForm(rows=user.weekly_hours.all()),
        "absences": absences,
        "territory": territory_of(user),
    }
    return render(request, "requests_app/availability.html", context, status=status)
