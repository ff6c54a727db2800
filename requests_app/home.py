"""The interpreter's home page as values: the period and statuses of the URL, the groups, the month of dots.

The URL is the state; a bad value falls back silently (screens.md, section 9).
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber, TruncDate
from django.utils import timezone

from accounts.french import MONTHS, WEEKDAYS, date_range_words, day_and_month
from requests_app.models import ServiceRequest
from requests_app.sheet import place_for
from requests_app.workflow import ASSIGNED, Status

# The FAQ's order; the first three want something from the interpreter.
GROUPS = (
    Status.PENDING,
    Status.MODIFIED,
    Status.RESERVED,
    Status.PROVIDED,
    Status.COMPLETED,
    Status.CANCELLED,
)
UPCOMING = GROUPS[:3]
CLOSED_DAYS_BACK = timedelta(days=30)
LAUNCH = date(2024, 11, 4)
PAGE = 100


@dataclass(frozen=True)
class Choice:
    """What the URL asks: statuses, first and last day, month shown, and the day chosen first of a range."""

    statuses: tuple
    start: date | None
    end: date | None
    month: date
    view: str
    is_picking: bool

    @classmethod
    def of(cls, query, *, today: date) -> "Choice":
        view = "a-venir" if query.get("vue") == "a-venir" else "tous"
        offered = UPCOMING if view == "a-venir" else GROUPS
        asked = tuple(status for status in offered if status in query.getlist("statut"))
        start, end = _day(query.get("du")), _day(query.get("au"))
        if start and end and end < start:
            start, end = end, start
        month = _day(f"{query.get('mois', '')}-01") or (start or today).replace(day=1)
        return cls(asked or offered, start, end, month, view, query.get("borne") == "au" and bool(start))

    @property
    def is_default(self):
        return self.start is None and self.end is None

    def url(self, **changed) -> str:
        """The address of the same page with something else chosen; None removes a parameter."""
        everything = UPCOMING if self.view == "a-venir" else GROUPS
        query = {
            "vue": self.view if self.view == "a-venir" else None,
            "statut": [str(status) for status in self.statuses] if self.statuses != everything else None,
            "du": self.start,
            "au": self.end,
            "mois": f"{self.month:%Y-%m}" if self.month else None,
        } | changed
        return "/?" + urlencode({name: value for name, value in query.items() if value}, doseq=True)

    @property
    def words(self) -> str:
        return date_range_words(self.start, self.end)


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def within(rows, choice: Choice, *, at: datetime):
    """The rows of the period; by default everything open or to fill in, and what closed in the last 30 days."""
    if choice.is_default:
        is_open = Q(status__in=[Status.PENDING, *ASSIGNED, Status.PROVIDED])
        return rows.filter(is_open | Q(starts_at__gte=at - CLOSED_DAYS_BACK))
    if choice.start:
        rows = rows.filter(starts_at__gte=_midnight(choice.start))
    if choice.end:
        rows = rows.filter(starts_at__lt=_midnight(choice.end + timedelta(days=1)))
    return rows


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


@dataclass
class Group:
    status: Status
    rows: list
    count: int
    more: int = 0
    more_url: str | None = None

    @property
    def label(self):
        return self.status.label


def groups(user, choice: Choice, *, at: datetime, after: str = "") -> list[Group]:
    """The requests of an interpreter grouped by status; three queries, at most PAGE rows a group."""
    mine = within(ServiceRequest.objects.assigned_to(user), choice, at=at)
    offered = within(ServiceRequest.objects.offered_to(user, at=at), choice, at=at)
    counts = dict(mine.order_by().values_list("status").annotate(Count("id")))
    skipped = int(after) if after.isdecimal() and len(after) < 6 and len(choice.statuses) == 1 else 0
    rows = _page(mine.filter(status__in=choice.statuses), skipped)
    if Status.PENDING in choice.statuses:
        waiting = list(offered.with_people().order_by("starts_at", "id")[skipped : skipped + PAGE])
        is_whole = not skipped and len(waiting) < PAGE
        counts[Status.PENDING.value] = len(waiting) if is_whole else offered.count()
        rows += waiting
    else:
        counts[Status.PENDING.value] = offered.count()
    for row in rows:
        row.where = place_for(row, user, at=at)
    made = [_group(status, rows, counts, choice, at, skipped) for status in choice.statuses]
    return [group for group in made if group.rows], counts


def _page(mine, skipped: int) -> list:
    """At most PAGE rows of each status in one query: what is to come soonest first, the rest newest first."""
    upcoming = Q(status__in=ASSIGNED)
    row_number = Window(RowNumber(), partition_by=F("status"), order_by=[F("starts_at"), F("id")])
    newest_first = Window(RowNumber(), partition_by=F("status"), order_by=[F("starts_at").desc(), F("id").desc()])
    rows = []
    for half, rank in ((mine.filter(upcoming), row_number), (mine.exclude(upcoming), newest_first)):
        ranked = half.with_people().annotate(rank=rank).filter(rank__gt=skipped, rank__lte=skipped + PAGE)
        rows += ranked.order_by("rank")
    return rows


def _group(status, rows, counts, choice, at, skipped) -> Group:
    kept = [row for row in rows if row.status == status]
    if status in ASSIGNED:
        # A Réservé whose start has passed comes first: its « Détails de l'achèvement » are due.
        kept.sort(key=lambda row: row.starts_at > at)
    count = counts.get(status.value, 0)
    shown = skipped + len(kept)
    left = max(0, count - shown)
    return Group(status, kept, count, min(left, PAGE), choice.url(statut=[status.value], suite=shown) if left else None)


# The month at the right: a dot and a label on each day that has requests.


def month(user, choice: Choice, *, at: datetime) -> dict:
    """Weeks of the chosen month (Sunday first) with the number of requests a day, and the links that pick a range."""
    first = choice.month
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    span = Choice(GROUPS, first, last, first, "tous", False)
    days = {}
    for rows in (ServiceRequest.objects.assigned_to(user), ServiceRequest.objects.offered_to(user, at=at)):
        dated = within(rows, span, at=at).annotate(day=TruncDate("starts_at")).values("day").order_by()
        for found in dated.annotate(number=Count("id")):
            days[found["day"]] = days.get(found["day"], 0) + found["number"]
    weeks = calendar.Calendar(firstweekday=6).monthdatescalendar(first.year, first.month)
    return {
        "name": f"{MONTHS[first.month - 1]} {first.year}",
        "weeks": [[_cell(day, days, choice, first, at) for day in week] for week in weeks],
        "previous": choice.url(mois=f"{first - timedelta(days=1):%Y-%m}"),
        "next": choice.url(mois=f"{last + timedelta(days=1):%Y-%m}"),
        "previous_name": MONTHS[(first.month - 2) % 12],
        "next_name": MONTHS[first.month % 12],
        "weekdays": [WEEKDAYS[(index - 1) % 7] for index in range(7)],
    }


def _cell(day, days, choice, first, at) -> dict | None:
    if day.month != first.month:
        return None
    number = days.get(day, 0)
    said = f"{WEEKDAYS[day.weekday()]} {day_and_month(day)}"
    if number:
        said += f", {number} demande{'s' if number > 1 else ''}"
    marks = [
        name
        for name, is_on in (
            ("dot", number),
            ("in", choice.start and choice.end and choice.start <= day <= choice.end),
            ("start", day == choice.start),
            ("end", day == choice.end),
        )
        if is_on
    ]
    if choice.is_picking:
        url = choice.url(au=day)
    else:
        # The first click is the start; until the second, it is a range of one open side.
        url = choice.url(du=day, au=None, borne="au")
    return {
        "day": day.day,
        "label": said,
        "classes": " ".join(marks),
        "is_today": day == timezone.localdate(at),
        "url": url,
    }


def presets(choice: Choice, *, today: date) -> list[dict]:
    spans = {
        "Aujourd’hui": (today, today),
        "7 jours": (today, today + timedelta(days=6)),
        "Ce mois": (today.replace(day=1), today.replace(day=calendar.monthrange(today.year, today.month)[1])),
        "Depuis le 4 novembre 2024": (LAUNCH, None),
    }
    return [
        {
            "label": label,
            "url": choice.url(du=start, au=end, mois=None),
            "is_current": (choice.start, choice.end) == (start, end),
        }
        for label, (start, end) in spans.items()
    ]
