"""Lists of requests for the BI and for requesters: filtered by the URL, read by key, never counted whole."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import BooleanField, Exists, IntegerField, OuterRef, Q, Subquery, Value
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import User
from accounts.roles import Role
from requests_app.models import Message, ServiceRequest
from requests_app.workflow import ASSIGNED, STATUS_HELP, UNASSIGNED, Status

PAGE = 50
# From this many hours on, what is left is told in days.
IN_DAYS = 96
# What a coordinator works on first; closed requests are looked up, newest first.
OPEN = (*UNASSIGNED, *ASSIGNED)
TABS = (*OPEN, Status.PROVIDED, Status.COMPLETED, Status.CANCELLED)
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
    left: str  # before the start, in whole hours, then in days; nothing when the request is closed
    is_past_start: bool


def request_list(request):
    """One status at a time, soonest first when it is open, newest first when it is closed."""
    at, user = timezone.now(), request.user
    is_staff = user.role == Role.COORDINATOR
    rows = ServiceRequest.objects.visible_to(user, at=at)
    counts = _counts(rows, user)
    asked = request.GET.get("statut", "")
    status = Status(asked) if asked in TABS else _first(counts, is_staff)
    news = Message.objects.unread_by(user).filter(service_request=OuterRef("pk"))
    rows = rows.annotate(has_news=Exists(news))
    number = request.GET.get("numero", "").strip()
    if number:
        is_one = number.isascii() and number.isdecimal() and len(number) < 10
        found, next_url = list(rows.with_people().filter(pk=number)) if is_one else [], None
    else:
        found, next_url = _keyset(rows.filter(status=status), status, request.GET.get("apres", ""))
    context = {
        "rows": [_listed(row, at) for row in found],
        "status": status,
        "tabs": [(tab, counted, tab == status) for tab, counted in counts],
        "next_url": next_url,
        "number": number,
        "is_staff": is_staff,
        "help": "" if is_staff or number else HELP_OF_REQUESTERS[status],
        "awaited": _awaited(user) if is_staff else [],
        "has_interpreters": bool(number) or status not in UNASSIGNED,
    }
    return render(request, "requests_app/list.html", context)


def _first(counts, is_staff: bool) -> Status:
    """The BI opens on what it has to assign; a requester on the first of their open requests."""
    held = [] if is_staff else [tab for tab, counted in counts if tab in OPEN and counted != "0"]
    return held[0] if held else Status.UNALLOCATED


def _keyset(rows, status, after: str) -> tuple[list, str | None]:
    """One page after the (instant, id) of the last row read."""
    is_soonest_first = status in OPEN
    instant, _, pk = after.partition("_")
    instant = _instant(instant)
    if instant and pk.isascii() and pk.isdecimal() and len(pk) < 19:
        beyond = Q(starts_at=instant) & (Q(id__gt=pk) if is_soonest_first else Q(id__lt=pk))
        further = Q(starts_at__gt=instant) if is_soonest_first else Q(starts_at__lt=instant)
        rows = rows.filter(further | beyond)
    order = ("starts_at", "id") if is_soonest_first else ("-starts_at", "-id")
    page = list(rows.with_people().order_by(*order)[: PAGE + 1])
    if len(page) <= PAGE:
        return page, None
    last = page[PAGE - 1]
    key = f"{last.starts_at.isoformat()}_{last.pk}"
    return page[:PAGE], "?" + urlencode({"statut": status.value, "apres": key})


def _instant(text: str) -> datetime | None:
    try:
        instant = parse_datetime(text)
    except ValueError:
        return None
    return instant if instant and instant.tzinfo and 2000 <= instant.year <= 2200 else None


# Past this, a count says « 1000+ »: nobody reads it, and counting a whole table costs more than the page.
MOST = 1000


class CappedCount(Subquery):
    template = "(SELECT count(*) FROM (%(subquery)s) AS capped)"
    output_field = IntegerField()


def _counts(rows, user) -> list[tuple[Status, str]]:
    """How many requests in each status, in one query, each counted to MOST at most."""
    counts = [CappedCount(rows.filter(status=tab).order_by().values("id")[: MOST + 1]) for tab in TABS]
    numbers = User.objects.filter(pk=user.pk).values_list(*counts).get()
    return [(tab, f"{MOST}+" if n > MOST else str(n)) for tab, n in zip(TABS, numbers, strict=True)]


def _awaited(user) -> list[tuple[str, list[int]]]:
    """What cannot wait to be found, soonest first: (what is said, numbers). One statement.

    The requests whose interpreter asked to leave at 48 h or less (ruling 3), and those with messages to read.
    """
    asked = Message.objects.filter(urgency=Message.Urgency.ASKED)
    parts = [_waiting(asked, is_urgent=True), _waiting(Message.objects.unread_by(user), is_urgent=False)]
    found = {True: [], False: []}
    for _, number, is_urgent in sorted(parts[0].union(parts[1], all=True)):
        found[is_urgent].append(number)
    return [("Désistement urgent demandé", found[True]), ("Nouveau message", found[False])]


def _waiting(messages, *, is_urgent: bool):
    """At most a page of requests that have such messages, each once."""
    what = Value(is_urgent, BooleanField())
    rows = messages.order_by("service_request__starts_at", "service_request_id").distinct()
    return rows.values_list("service_request__starts_at", "service_request_id", what)[:PAGE]


def _listed(row: ServiceRequest, at: datetime) -> Listed:
    if row.status not in OPEN:
        return Listed(row, "", False)
    left = row.starts_at - at
    hours = left // timedelta(hours=1)
    return Listed(row, f"{hours}\u00a0h" if hours < IN_DAYS else f"{hours // 24}\u00a0j", left <= timedelta())
