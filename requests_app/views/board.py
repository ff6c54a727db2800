"""The coordinators' board `/bi/`: one queue at a time, refreshed each minute where it stands."""

from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts import undelivered
from accounts.directory import language_choices
from accounts.models import HealthRegion
from accounts.roles import Role
from requests_app import board as boards
from requests_app.paging import count_words
from requests_app.views.access import only
from requests_app.workflow import ServiceType

NOT_DELIVERED = "non-remis"


@require_safe
def board(request):
    only(request, Role.COORDINATOR)
    if request.GET.get("file") == NOT_DELIVERED:
        return redirect("accounts:undelivered")
    at, choices = timezone.now(), _choices()
    codes = {name: [code for code, _ in listed] for name, (_, listed) in choices.items()}
    filters = boards.Filters.read(request.GET, regions=codes["region"], languages=codes["langue"])
    context = _context(request, filters, at)
    template = "requests_app/board.html"
    if request.htmx and not request.htmx.history_restore_request:
        template = "requests_app/_board_refreshed.html"
    else:
        context["choices"] = _ticked(choices, filters)
    answer = render(request, template, context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _context(request, filters, at) -> dict:
    counts, lost = boards.numbers(filters, at=at)
    queue = boards.BY_SLUG.get(request.GET.get("file")) or boards.opening(counts)
    after = request.GET.get("apres", "")
    rows, next_key = boards.rows(queue, filters, after, at=at)
    return {
        "at": at,
        "queue": queue,
        "filters": filters,
        "rows": rows,
        "tabs": [
            (listed, count_words(counts[listed.slug], boards.MOST), filters.url(listed)) for listed in boards.QUEUES
        ],
        "lost": count_words(lost, undelivered.MOST),
        "count": count_words(counts[queue.slug], boards.MOST),
        "here": filters.url(queue, after),
        "first_url": filters.url(queue) if after else "",
        "next_url": filters.url(queue, next_key) if next_key else "",
        "everywhere": boards.Filters().url(queue),
    }


def _choices() -> dict[str, tuple[str, list]]:
    """What may be filtered: {name in the address: (label, [(code, words)])}, « all » first."""
    return {
        "region": ("Région", [("", "Toutes"), *HealthRegion.objects.values_list("code", "name")]),
        "langue": ("Langue", [("", "Toutes"), *language_choices()]),
        "type": ("Service", [("", "Tous"), *ServiceType.choices]),
    }


def _ticked(choices, filters) -> list[tuple]:
    """(name, label, codes, the code chosen), for each drop-down."""
    chosen = {"region": filters.region, "langue": filters.language, "type": filters.service_type}
    return [(name, label, listed, chosen[name]) for name, (label, listed) in choices.items()]
