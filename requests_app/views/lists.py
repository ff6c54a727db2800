"""Lists of requests by status, for the BI and for requesters: filtered by the URL, read by key, never counted whole."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import keyset
from accounts.directory import language_choices
from accounts.models import Institution, User
from accounts.roles import Role
from requests_app.board import left_words
from requests_app.models import Message, ServiceRequest
from requests_app.paging import CappedCount, count_words, page_after
from requests_app.period import day_of, midnight
from requests_app.views.access import only
from requests_app.workflow import ASSIGNED, STATUS_HELP, UNASSIGNED, Status

# What a coordinator works on first; closed requests are looked up, newest first.
OPEN = (*UNASSIGNED, *ASSIGNED)
TABS = (*OPEN, Status.PROVIDED, Status.COMPLETED, Status.CANCELLED)
# What a requester asked for, rather than all of their institution.
MINE = "miennes"
# Past this, a count says « 1000+ ».
MOST = 1000
# The FAQ explains the statuses to interpreters; these say what theirs mean to who made the request.
HELP_OF_REQUESTERS = STATUS_HELP | {
    Status.PENDING: "La demande a été offerte, et la BI attend une réponse.",
    Status.RESERVED: "Un ou une interprète a accepté la demande.",
    Status.MODIFIED: "La demande a été modifiée. L’interprète doit vérifier la modification.",
    Status.PROVIDED: "Le service a été rendu. La BI du RSSS doit encore le vérifier.",
}


@dataclass(frozen=True)
class Listed:
    """One row: the request, and what its place in time asks for."""

    service_request: ServiceRequest
    left: str  # before the start; nothing when the request is closed
    is_past_start: bool


@dataclass(frozen=True)
class Asked:
    """What the address keeps of the rows; empty is all of them.

    An institution (for the BI), or what one asked for oneself (for a requester); a language, days.
    """

    institution: str = ""
    by: User | None = None
    language: str = ""
    start: date | None = None
    end: date | None = None
    choices: list = field(default_factory=list)

    @classmethod
    def of(cls, query) -> "Asked":
        """A value that is not among the known ones falls back to all."""
        known = [(str(pk), name) for pk, name in Institution.objects.values_list("pk", "name")]
        institutions = [("", "Tous"), *known]
        institution = _known(query.get("etablissement"), institutions)
        return cls._of(query, ("etablissement", "Établissement", institutions, institution), institution=institution)

    @classmethod
    def of_requester(cls, query, user: User) -> "Asked":
        """The same, for a requester, whose institution is known."""
        listed = [("", "Toutes"), (MINE, "Celles que j’ai demandées")]
        mine = _known(query.get("demandes"), listed)
        return cls._of(query, ("demandes", "Demandes", listed, mine), by=user if mine else None)

    @classmethod
    def _of(cls, query, first_choice, **given) -> "Asked":
        languages = [("", "Toutes"), *language_choices()]
        language = _known(query.get("langue"), languages)
        start, end = day_of(query.get("du")), day_of(query.get("au"))
        if start and end and end < start:
            start, end = end, start
        choices = [first_choice, ("langue", "Langue", languages, language)]
        return cls(language=language, start=start, end=end, choices=choices, **given)

    def __bool__(self):
        return any((self.institution, self.by, self.language, self.start, self.end))

    def kept(self, rows):
        """The rows that answer it; an institution, a requester or a language leads an index of its own."""
        if self.institution:
            rows = rows.filter(institution=self.institution)
        if self.by:
            rows = rows.filter(requested_by=self.by)
        if self.language:
            rows = rows.filter(language=self.language)
        if self.start:
            rows = rows.filter(starts_at__gte=midnight(self.start))
        return rows.filter(starts_at__lt=midnight(self.end + timedelta(days=1))) if self.end else rows

    def url(self, status: Status, after: str = "") -> str:
        given = {"etablissement": self.institution, "langue": self.language, "du": self.start, "au": self.end}
        named = {"statut": status.value, "demandes": MINE if self.by else "", **given, "apres": after}
        return "?" + urlencode({name: value for name, value in named.items() if value})


def _known(value: str | None, listed: list) -> str:
    return value if value in [code for code, _ in listed] else ""


@require_safe
def requests(request):
    """« Demandes » of the BI: everything, one status at a time."""
    only(request, Role.COORDINATOR)
    return request_list(request, asked=Asked.of(request.GET))


def request_list(request, *, asked: Asked = Asked()):
    """One status at a time, soonest first when it is open, newest first when it is closed."""
    at, user = timezone.now(), request.user
    is_staff = user.role == Role.COORDINATOR
    rows = asked.kept(ServiceRequest.objects.visible_to(user, at=at))
    counts = _counts(rows, user)
    chosen = request.GET.get("statut", "")
    status = Status(chosen) if chosen in TABS else _first(counts, is_staff)
    number = request.GET.get("numero", "").strip()
    found, next_key = _found(request, status, number, at, rows)
    context = {
        "rows": [_listed(row, at) for row in found],
        "status": status,
        "tabs": [(tab, counted, asked.url(tab), tab == status) for tab, counted in counts],
        "next_url": asked.url(status, next_key) if next_key else None,
        "number": number,
        "asked": asked,
        "everything": Asked().url(status),
        "is_staff": is_staff,
        "help": "" if is_staff or number else HELP_OF_REQUESTERS[status],
        "has_interpreters": bool(number) or status not in UNASSIGNED,
    }
    return render(request, "requests_app/list.html", context)


def _first(counts, is_staff: bool) -> Status:
    """The BI opens on what it has to assign; a requester on the first of their open requests."""
    held = [] if is_staff else [tab for tab, counted in counts if tab in OPEN and counted != "0"]
    return held[0] if held else Status.UNALLOCATED


def _found(request, status, number: str, at: datetime, rows) -> tuple[list, str | None]:
    """One page of a status; or the request of that number, whatever the filters."""
    news = Message.objects.unread_by(request.user).filter(service_request=OuterRef("pk"))
    if number:
        visible = ServiceRequest.objects.visible_to(request.user, at=at)
        one = visible.annotate(has_news=Exists(news)).with_people().filter(pk=keyset.number(number))
        return list(one), None
    shown = rows.filter(status=status).annotate(has_news=Exists(news)).with_people()
    return page_after(shown, request.GET.get("apres", ""), newest_first=status not in OPEN)


def _counts(rows, user) -> list[tuple[Status, str]]:
    """How many requests in each status, in one query, each counted to MOST at most."""
    counts = [CappedCount(rows.filter(status=tab), MOST) for tab in TABS]
    numbers = User.objects.filter(pk=user.pk).values_list(*counts).get()
    return [(tab, count_words(number, MOST)) for tab, number in zip(TABS, numbers, strict=True)]


def _listed(row: ServiceRequest, at: datetime) -> Listed:
    is_open = row.status in OPEN
    return Listed(row, left_words(row.starts_at, at) if is_open else "", is_open and row.starts_at <= at)
