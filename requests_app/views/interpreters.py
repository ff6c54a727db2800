"""A page per interpreter, for coordinators: whom the BI has, what each carries, what reaches them or does not."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import keyset, undelivered
from accounts.banners import is_silenced
from accounts.models import User
from accounts.roles import Role
from accounts.topics import subject_of
from requests_app import availability, exclusions, people, practices
from requests_app.people_forms import ExclusionForm, FindForm, LiftForm, PracticeForm
from requests_app.sourcing import Exclusion
from requests_app.views.access import only
from requests_app.views.steps import form_page
from requests_app.workflow import NotAllowed


@require_safe
def interpreters(request):
    only(request, Role.COORDINATOR)
    form, after = FindForm(request.GET), keyset.number(request.GET.get("apres", ""))
    search = form.search()
    found = people.listed(at=timezone.now(), after=after, **search)
    page = found[: people.PAGE]
    asked = {name: value for name, value in form.cleaned_data.items() if value}
    context = {
        "find": form,
        "people": page,
        "is_found_by": bool(asked),
        "is_first": not after,
        "first_url": "?" + urlencode(asked),
        "next_url": "?" + urlencode(asked | {"apres": page[-1].pk}) if len(found) > len(page) else "",
    }
    return render(request, "requests_app/interpreters.html", context)


@require_safe
def interpreter(request, pk):
    only(request, Role.COORDINATOR)
    return _page(request, pk)


def _page(request, pk, *, status=200, form=None, lifting: int | None = None):
    """`form` is the « Lever » of the exclusion `lifting`, when it came back with an error."""
    at = timezone.now()
    person = people.person(pk, at=at)
    if person is None:
        raise Http404
    past, next_url = _history(person, at, request.GET.get("apres", ""))
    context = {
        "form": form,
        "person": person,
        "history": past,
        "next_url": next_url,
        "is_first": "apres" not in request.GET,
        "exclusions": _exclusions(person, at, form, lifting),
        **_about(person, at),
        **_carried(person, at),
    }
    return render(request, "requests_app/interpreter.html", context, status=status)


def _about(person, at) -> dict:
    """Who they are for the BI, what reaches them, when they can come."""
    return {
        "home": person.interpreter_profile.home_institution,
        "territory": _territory(person),
        "unreached": people.reach_of(person),
        "is_silenced": is_silenced(person),
        "unavailable": availability.why_unavailable(person),
        "hours": people.hours_of(person),
        "absences": _absences(person, at),
    }


def _carried(person, at) -> dict:
    """What they have now, and what went between them and the BI."""
    return {
        "loads": people.loads_of(person, at=at),
        "bookings": people.bookings_ahead(person, at=at),
        "offers": people.open_offers(person, at=at),
        "messages_of_threads": people.latest_messages(person),
        "posts": [_post(row, person) for row in people.not_arrived(person)],
    }


def _territory(person):
    home = person.interpreter_profile.home_institution.region
    return practices.territory(getattr(person, "practice", None), str(home), person.other_regions)


def _history(person, at, after) -> tuple[list, str]:
    found = people.history(person, at=at, after=keyset.read(after))
    page = found[: people.PAGE]
    if len(found) == len(page):
        return page, ""
    return page, "?" + urlencode({"apres": keyset.written(page[-1].starts_at, page[-1].pk)})


def _absences(person, at) -> list[str]:
    return [availability.period_words(row.starts_at, row.ends_at) for row in availability.coming(person, at=at)]


def _post(row, person) -> dict:
    """A line of « Ce qui n'est pas arrivé »; the person is known already."""
    row.user = person
    return {
        "post": row,
        "subject": subject_of(row),
        "path": row.context.get("path", ""),
        "may_resend": undelivered.may_resend(row),
    }


def _exclusions(person, at, form, lifting) -> list[dict]:
    """All of them, newest first; one that holds can be lifted."""
    rows, today = person.exclusions.select_related("institution", "by", "lifted_by"), timezone.localdate(at)
    return [
        {
            "row": row,
            "is_over": not row.lifted_at and row.ends_on < today,
            "lift": None if row.lifted_at or row.ends_on < today else _lift_form(row, form, lifting),
            "is_open": row.pk == lifting,
        }
        for row in rows
    ]


def _lift_form(row, form, lifting) -> LiftForm:
    return form if row.pk == lifting else LiftForm(pk=row.pk)


# Excluding


def _person(pk) -> User:
    """An interpreter with their institution; 404 for anybody else."""
    return get_object_or_404(people.interpreters(), pk=pk)


@form_page
def exclude(request, pk):
    """First what it concerns, then the confirmation of what was read."""
    only(request, Role.COORDINATOR)
    person, at = _person(pk), timezone.now()
    if request.method != "POST":
        return _excluding(request, person, ExclusionForm(at=at))
    form = ExclusionForm(request.POST, at=at)
    if not form.is_valid():
        return _excluding(request, person, form, status=422)
    seen, shown = form.cleaned_data.pop("seen"), _concerned(person, form.cleaned_data, at)
    is_confirmed = "confirmer" in request.POST
    if is_confirmed and seen == shown["seen"]:
        return _exclude(request, person, form, shown, at)
    # What was read is no longer what would be done: it is read again.
    has_changed = is_confirmed and seen != ""
    return _excluding(request, person, form, status=409 if has_changed else 200, has_changed=has_changed, **shown)


def _concerned(person, given, at) -> dict:
    """What the page shows before it is confirmed; `seen` is its fingerprint."""
    institution, ends_on = given["institution"], given["ends_on"]
    found = exclusions.consequence_of(person, institution, ends_on, at=at)
    seen = exclusions.fingerprint(institution, ends_on, found)
    return {"institution": institution, "ends_on": ends_on, "found": found, "seen": seen}


def _exclude(request, person, form, shown, at):
    try:
        made = exclusions.exclude(person, by=request.user, at=at, **form.cleaned_data)
    except NotAllowed as error:
        form.add_error(None, str(error))
        return _excluding(request, person, form, status=409, **shown)
    said = f"{made.institution}\u00a0: {person} n’y est plus envoyé·e. Téléphonez-lui pour le lui dire."
    messages.success(request, said)
    return redirect("requests:interpreter", person.pk)


def _excluding(request, person, form, *, status=200, **shown):
    return render(
        request, "requests_app/exclude.html", {"person": person, "form": form, "seen": ""} | shown, status=status
    )


@require_POST
def lift(request, pk, exclusion):
    only(request, Role.COORDINATOR)
    held = get_object_or_404(
        Exclusion.objects.select_related("institution", "interpreter"), pk=exclusion, interpreter=pk
    )
    form = LiftForm(request.POST, pk=held.pk)
    if not form.is_valid():
        return _page(request, pk, status=422, form=form, lifting=held.pk)
    try:
        exclusions.lift(held, by=request.user, at=timezone.now(), **form.cleaned_data)
    except NotAllowed as error:
        messages.error(request, str(error))
        return _page(request, pk, status=409)
    messages.success(request, f"{held.institution}\u00a0: l’exclusion est levée.")
    return redirect("requests:interpreter", pk)


# « Services et territoire »


@form_page
def practice(request, pk):
    only(request, Role.COORDINATOR)
    person, typed = _person(pk), request.POST if request.method == "POST" else None
    home = person.interpreter_profile.home_institution.region
    form = PracticeForm(typed, practice=getattr(person, "practice", None), home_region=home.code)
    if request.method == "POST" and form.is_valid():
        has_changed = practices.change_practice(person, by=request.user, at=timezone.now(), **form.cleaned_data)
        said = "sont sauvegardés" if has_changed else "étaient déjà ainsi\u00a0: rien n’a changé"
        messages.success(request, f"Les services et le territoire {said}.")
        return redirect("requests:interpreter", pk)
    context = {"person": person, "home": home, "form": form}
    return render(request, "requests_app/practice.html", context, status=422 if request.method == "POST" else 200)
