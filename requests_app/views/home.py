"""Each role's first page; the interpreter's, whose state is its address (screens.md, section 9)."""

from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET
from django_htmx.http import push_url, replace_url

from accounts import sessions
from accounts.roles import Role
from requests_app import held, home, period
from requests_app.views.lists import Asked, request_list
from requests_app.workflow import ASSIGNED, Status

# What a part of the page carries when it comes with the list, to take its place.
OUT_OF_BAND = mark_safe(' hx-swap-oob="true"')
# What is typed letter by letter makes one entry of the browser's history, not one a letter.
TYPED = ("dates", "cherche")
FIELDS = ("filtres", "statuts", *TYPED)


@require_GET
def index(request):
    if request.user.role == Role.INTERPRETER:
        return interpreter_home(request)
    if request.user.role == Role.REQUESTER:
        return request_list(request, asked=Asked.of_requester(request.GET, request.user))
    return redirect("requests:board" if request.user.role == Role.COORDINATOR else "admin:index")


def interpreter_home(request):
    at = timezone.now()
    is_phone = "Mobi" in request.headers.get("User-Agent", "")
    choice = period.Choice.of(request.GET, today=timezone.localdate(at), is_phone=is_phone)
    if request.htmx.trigger == "dates":
        choice = choice.to(asked_month=None)  # the month follows the dates typed
    groups = home.groups(request.user, choice, at=at)
    answer = _answer(request, choice, groups, at)
    # Whoever filters is at work: the page, which stays, learns how long its session now lasts.
    answer["X-Session-Left"] = sessions.seconds_left(request.session)
    patch_vary_headers(answer, ["HX-Request", "User-Agent"])
    return answer


def _answer(request, choice, groups, at):
    """A whole page; to a script that filters, the list and what changes around it; to « de plus », rows alone."""
    if request.htmx and choice.after:
        context = {"group": groups[0] if groups else None, "is_more": True}
        return render(request, "requests_app/_rows.html", context)
    context = _context(request.user, choice, groups, at)
    if not request.htmx:
        mine = [row for group in groups if group.status in ASSIGNED for row in group.requests]
        context |= {"gone": home.gone(request.user, at=at), "held": held.said(mine, at=at), "out_of_band": ""}
        return render(request, "requests_app/home.html", context)
    # A date being typed is left alone: only the links of the calendar change those fields.
    context |= {"out_of_band": OUT_OF_BAND, "keeps_fields": request.htmx.trigger in FIELDS}
    told = replace_url if request.htmx.trigger in TYPED else push_url
    return told(render(request, "requests_app/_filtered.html", context), choice.address)


def _context(user, choice, groups, at) -> dict:
    counts, dots = home.numbers(user, choice, at=at)
    total = sum(counts[status] for status in choice.statuses)
    for group in groups:
        group.count = counts[group.status]
    return {
        "choice": choice,
        "groups": groups,
        "result": choice.result(total),
        "total": total,
        "statuses": [(status, counts[status], status in choice.ticked) for status in period.GROUPS],
        "month": period.month(choice, dots),
        "presets": period.presets(choice),
        "tabs": [(label, f"/?vue={view}", view) for label, view in (("À venir", "a-venir"), ("Tous", "tous"))],
        "empty": _empty(choice),
        "everything": period.everything(choice.today),
        "top_url": choice.url() if choice.after else None,
        "is_more": False,
    }


def _empty(choice) -> str:
    """Why the list is empty, in one sentence."""
    if choice.search:
        return f"Rien ne correspond à «\u00a0{choice.search}\u00a0»\u00a0: cherchez un numéro, une langue ou un lieu."
    if choice.ticked == (Status.PENDING,) and not choice.has_period:
        return "Aucune demande n’attend votre réponse."
    if choice.view == "a-venir" and not choice.filters:
        return "Aucune demande à venir. Celles que la BI vous transmettra s’afficheront ici."
    if choice.ticked and not choice.has_period:
        return f"Aucune demande avec {'ce statut' if len(choice.ticked) == 1 else 'ces statuts'}."
    return "Aucune demande pour cette période."
