"""The interpreter's home: its groups, their counts, the dots of the month, and what is no longer theirs.

Whatever the filters and the number of requests: one statement for the numbers, one for the rows, one for what is gone.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, DateField, DateTimeField, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, TruncDate
from django.urls import reverse

from accounts import notify
from accounts.french import hour, hour_or_day, short_date
from accounts.models import User
from requests_app.models import Message, ServiceRequest, Transition
from requests_app.notifications import Topic
from requests_app.period import GROUPS, Choice, Place, last_day, midnight
from requests_app.search import found_by
from requests_app.sheet import place_for
from requests_app.workflow import ASSIGNED, STATUS_HELP, Action, Status

CLOSED = (Status.COMPLETED, Status.CANCELLED)
CLOSED_DAYS_BACK = timedelta(days=30)
# What is to come soonest first; the rest newest first.
ASCENDING = (Status.PENDING, *ASSIGNED)
PAGE = 100
TOLD_FOR = timedelta(days=3)
_SHOWN = [
    *["status", "version", "service_type", "starts_at", "ends_at", "validated_at", "interpreter", "language__name"],
    *["facility__name", "facility__area", "institution__name", "institution__region__name"],
]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list, its dates written once."""

    number: int
    url: str
    day: str
    hours: str
    language: str
    service: str
    where: str
    marks: list


@dataclass
class Group:
    status: Status
    rows: list[Row]
    more_url: str | None
    requests: list[ServiceRequest]
    count: int = 0
    page: int = PAGE

    @property
    def label(self) -> str:
        return self.status.label

    @property
    def help(self) -> str:
        return STATUS_HELP[self.status]


# Which rows


def _of_status(user: User, status: Status, *, at: datetime):
    """The rows of an interpreter in one status; an offer past its deadline counts as closed."""
    rows = ServiceRequest.objects
    rows = rows.offered_to(user, at=at) if status == Status.PENDING else rows.assigned_to(user)
    return rows.filter(status=status)


def _within(rows, user: User, choice: Choice, *, at: datetime):
    """Of the search and the period; without either, what closed and asks nothing more goes back 30 days."""
    if not choice.has_period and not choice.search:
        is_recent = ~Q(status__in=CLOSED) | Q(starts_at__gte=at - CLOSED_DAYS_BACK)
        return rows.alias(last=_LAST_ACTION).filter(is_recent | _asks(user))
    return _in_period(_found(rows, choice, at=at), choice.start, choice.end)


_LAST_ACTION = Subquery(Transition.objects.filter(service_request=OuterRef("pk")).order_by("-id").values("action")[:1])


def _asks(user: User) -> Q:
    """A closed row with something to do or to read: it is not old while it has."""
    # Few messages are unread: they are listed once, not looked for row by row.
    news = Message.objects.unread_by(user).values("service_request")
    return Q(pk__in=news) | Q(status=Status.CANCELLED, last=Action.RETURN_FOR_CORRECTION)


def _found(rows, choice: Choice, *, at: datetime):
    return rows.filter(found_by(choice.search, at=at)) if choice.search else rows


def _in_period(rows, start: date | None, end: date | None):
    if start:
        rows = rows.filter(starts_at__gte=midnight(start))
    if end:
        rows = rows.filter(starts_at__lt=midnight(end + timedelta(days=1)))
    return rows


# Numbers: how many a status, and a dot a day


def numbers(user: User, choice: Choice, *, at: datetime) -> tuple[dict[Status, int], dict[date, int]]:
    """How many requests of each status hold in the search and the period, and how many on each day of the month shown.

    The dots are those of the statuses chosen. One statement.
    """
    held = ServiceRequest.objects.assigned_to(user)  # in one of the other statuses
    offered = _of_status(user, Status.PENDING, at=at)
    parts = [_a_status(_within(rows, user, choice, at=at)) for rows in (held, offered)]
    parts += [_a_day(_found(rows, choice, at=at), choice) for rows in (held, offered)]
    counts, dots = dict.fromkeys(GROUPS, 0), {}
    for status, day, number in parts[0].union(*parts[1:], all=True):
        if day:
            dots[day] = dots.get(day, 0) + number
        else:
            counts[Status(status)] += number
    return counts, dots


def _a_status(rows):
    nothing = Cast(Value(None), DateField())
    return rows.order_by().annotate(day=nothing).values_list("status", "day").annotate(number=Count("id"))


def _a_day(rows, choice: Choice):
    if choice.statuses != GROUPS:
        rows = rows.filter(status__in=choice.statuses)
    rows = _in_period(rows, choice.month, last_day(choice.month))
    dated = rows.order_by().annotate(day=TruncDate("starts_at"))
    return dated.values_list("status", "day").annotate(number=Count("id"))


# Rows


def groups(user: User, choice: Choice, *, at: datetime) -> list[Group]:
    """The groups that have rows, PAGE at most in each, from where the URL says to go on. One statement."""
    statuses = [choice.after.status] if choice.after else choice.statuses
    parts = [_part(user, status, choice, at=at) for status in statuses]
    found = {status: [] for status in statuses}
    for row in parts[0].union(*parts[1:], all=True) if parts[1:] else parts[0]:
        found[row.status].append(row)
    return [_group(Status(status), rows, user, choice, at=at) for status, rows in found.items() if rows]


def _part(user: User, status: Status, choice: Choice, *, at: datetime):
    """One more row than a page says that there is another page."""
    rows = _of_status(user, status, at=at)
    # The limit of 30 days is for the closed ones alone: the index finds the others in their order.
    if choice.has_period or choice.search or status in CLOSED:
        rows = _within(rows, user, choice, at=at)
    is_ascending = status in ASCENDING
    if choice.after:
        rows = rows.filter(_beyond(choice.after, is_ascending))
    order = ("starts_at", "id") if is_ascending else ("-starts_at", "-id")
    people = rows.select_related("language", "facility", "institution__region").only(*_SHOWN)
    return people.annotate(**_marked(user, status)).order_by(*order)[: PAGE + 1]


def _beyond(after: Place, is_ascending: bool) -> Q:
    """What follows a row in the order of its group; the first half is what the index finds."""
    way = "gt" if is_ascending else "lt"
    beyond = Q(**{f"starts_at__{way}": after.starts_at}) | Q(**{f"id__{way}": after.pk})
    return Q(**{f"starts_at__{way}e": after.starts_at}) & beyond


def _marked(user: User, status: Status) -> dict:
    """What a row may say besides itself; a status that cannot have a mark is not asked for it."""
    mine = Message.objects.filter(service_request=OuterRef("pk"), interpreter=user)
    no, is_held = Value(False), status != Status.PENDING
    is_asked = status in ASSIGNED
    is_filed = status in (Status.PROVIDED, Status.CANCELLED)
    return {
        "answer_by": Value(None, DateTimeField()) if is_held else F("offers__answer_by"),
        "has_news": Exists(mine & Message.objects.unread_by(user)) if is_held else no,
        "is_urgent": Exists(mine.filter(urgency=Message.Urgency.ASKED)) if is_asked else no,
        "last_action": _LAST_ACTION if is_filed else Value(""),
    }


def _group(status: Status, rows: list, user: User, choice: Choice, *, at: datetime) -> Group:
    kept = rows[:PAGE]
    kept.sort(key=lambda row: (row.starts_at, row.pk), reverse=status not in ASCENDING)
    place = Place(status, kept[-1].starts_at, kept[-1].pk)
    more_url = choice.url(after=place) if len(rows) > PAGE else None
    return Group(status, [_row(row, user, at=at) for row in kept], more_url, kept)


def _row(row: ServiceRequest, user: User, *, at: datetime) -> Row:
    start = hour(row.starts_at)
    return Row(
        number=row.pk,
        url=reverse("requests:detail", args=[row.pk]),
        day=short_date(row.starts_at, weekday=True),
        hours=f"{start} à {hour(row.ends_at)}" if row.is_spoken else start,
        language=row.language.name.capitalize(),
        service=row.get_service_type_display(),
        where=place_for(row, user, at=at),
        marks=list(_marks(row, at)),
    )


def _marks(row: ServiceRequest, at: datetime):
    """What the interpreter has to do or to read; nothing when all is well."""
    if row.answer_by:
        yield f"Répondez avant {hour_or_day(row.answer_by, at)}"
    if row.is_urgent:
        yield "Désistement urgent demandé"
    if row.status == Status.MODIFIED and row.starts_at > at:
        yield "Modification à vérifier"
    if row.is_assigned and row.starts_at <= at:
        yield "Détails de l’achèvement à remplir"
    if row.last_action == Action.RETURN_FOR_CORRECTION:
        yield "Correction demandée"
    if row.has_news:
        yield "Nouveau message"


# What is no longer theirs


@dataclass(frozen=True)
class Gone:
    number: int
    about: str
    reason: str


_BACK = [Topic.OFFERED, Topic.ASSIGNED]
# What is said after the reason that the message gave, if it gave one.
_THEN = {
    Topic.OFFER_GONE: "",
    Topic.REMOVED: "Vous n’avez plus à vous présenter.",
    Topic.REINSTATED: "Cette demande annulée est rétablie\u00a0: la BI l’attribuera de nouveau.",
}


def gone(user: User, *, at: datetime) -> list[Gone]:
    """Offers and requests lost these last 3 days, newest first, with the reason they were told. One statement."""
    told = notify.told_recently(user, list(_THEN), since=at - TOLD_FOR, unless=_BACK)
    return [
        Gone(said["number"], _about(said), f"{said.get('reason', '')} {_THEN[topic]}".strip()) for topic, said in told
    ]


def _about(said: dict) -> str:
    return f"{said['language']}, {said['date']}, {said['hour']}"
