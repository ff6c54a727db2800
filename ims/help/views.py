"""`/aide/` and its pages: for anybody, signed in or not; no cookie, and the database only for a tariff or addresses."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ims.help import search, values
from ims.help.pages import PAGES, SECTIONS, section_of, written_here

_WRITTEN = {page.slug: page for page in written_here()}
_OFFICES = "sieges-sociaux"


@login_not_required
@require_safe
def index(request):
    """The questions, grouped; with `?q=…`, the pages that have all its words."""
    query = " ".join(request.GET.get("q", "").replace("\0", "").split())[: search.LONGEST]
    found = search.find(query) if query else []
    return render(request, "help/index.html", {"sections": SECTIONS, "query": query, "found": found})


@login_not_required
@require_safe
def page(request, slug):
    """One answer; 404 for a page that is not, or that another room shows at its own address."""
    if slug not in _WRITTEN:
        raise Http404
    shown = PAGES[slug]
    context = values.known() | {"page": shown, "section": section_of(shown), "tariff": values.tariff_in_force()}
    context["offices"] = values.head_offices() if slug == _OFFICES else []
    return render(request, "help/page.html", context)
