"""What the BI reads of its interpreters: the list of them, and for one, load, bookings, offers, history, messages.

Nothing of a patient, nothing of where somebody lives: numbers, dates, languages and institutions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, DurationField, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Extract, JSONObject

from accounts.delivery import Notification
from accounts.french import SHORT_MONTHS, hour
from accounts.models import Language, User
from accounts.roles import Role
from accounts.undelivered import NOT_DELIVERED
from requests_app.availability import MIDNIGHT, available_now, why_unavailable
from requests_app.calendars import Weekday, WeeklyHours
from requests_app.models import Message, Offer, ServiceRequest
from requests_app.practices import region_names
from requests_app.ranking import month_of
from requests_app.workflow import ASSIGNED, BOOKED, SPOKEN, Status

PAGE = 50
# The last ones, on the page of a person; the others are one link away.
SHOWN = 10
# What a month counts as hours: booked, or served.
COUNTED = (*BOOKED, Status.COMPLETED)


@dataclass(frozen=True)
class Load:
    """One month of a person: offers sent in it and what came of them; spoken minutes booked or served in it."""

    month: str
    sent: int
    accepted: int
    refused: int
    unanswered: int
    minutes: int


def months(at: datetime) -> tuple[datetime, datetime, datetime]:
    """The first instants of the local month before that of `at`, of that one, and of the next."""
    this = month_of(at)
    return month_of(this.start - timedelta(days=1)).start, this.start, this.end


def interpreters() -> QuerySet[User]:
    """Every interpreter with their institution; `languages` are the names, in order."""
    spoken = Language.objects.filter(interpreters__user=OuterRef("pk")).order_by("code").values("name")
    rows = User.objects.filter(role=Role.INTERPRETER, interpreter_profile__isnull=False)
    rows = rows.select_related("interpreter_profile__home_institution__region", "practice")
    return rows.annotate(languages=ArraySubquery(spoken))


# The list


def listed(
    *, at: datetime, name: str = "", language: str = "", region: str = "", is_active: bool = True, after: int = 0
) -> list[User]:
    """At most PAGE + 1 interpreters by name, from the one after the account `after`.

    `offers_this_month`, `minutes_this_month` and `unavailable` (why, in words) come with each. One
    statement, two after the first page. Each word of `name` is in the name, accents apart; `region` is that of the
    home institution, or one where they also go.
    """
    rows = interpreters().filter(*_after(after), is_active=is_active)
    for word in name.split()[:6]:
        rows = rows.filter(Q(first_name__unaccent__icontains=word) | Q(last_name__unaccent__icontains=word))
    if language:
        rows = rows.filter(interpreter_profile__languages=language)
    if region:
        is_home = Q(interpreter_profile__home_institution__region=region)
        rows = rows.filter(is_home | Q(practice__regions__contains=[region]))
    found = list(available_now(_with_month(rows, at), at).order_by("last_name", "first_name", "pk")[: PAGE + 1])
    for person in found:
        person.unavailable = why_unavailable(person)
        person.minutes_this_month = (person.time_this_month or timedelta()) // timedelta(minutes=1)
    return found


def _after(pk: int) -> list[Q]:
    last = User.objects.filter(pk=pk).values_list("last_name", "first_name").first() if pk else None
    if last is None:
        return []
    surname, name = last
    same = Q(last_name=surname)
    return [Q(last_name__gt=surname) | same & Q(first_name__gt=name) | same & Q(first_name=name, pk__gt=pk)]


def _with_month(rows, at):
    _, since, until = months(at)
    sent = Offer.objects.filter(interpreter=OuterRef("pk"), sent_at__gte=since, sent_at__lt=until)
    spoken = _spoken(OuterRef("pk"), since, until)
    return rows.annotate(
        offers_this_month=Subquery(sent.order_by().values("interpreter").annotate(n=Count("pk")).values("n")),
        time_this_month=Subquery(
            spoken.values("interpreter").annotate(n=Sum(_length())).values("n"), output_field=DurationField()
        ),
    )


def _spoken(interpreter, since, until):
    """Booked or served; what was cancelled late and paid is « Achevé » too, and took nobody's time."""
    rows = ServiceRequest.objects.filter(interpreter=interpreter, status__in=COUNTED, service_type__in=SPOKEN)
    rows = rows.filter(notice_received_at=None, starts_at__gte=since, starts_at__lt=until)
    return rows.exclude(is_rendered=False).order_by()


def _length():
    return F("ends_at") - F("starts_at")


# One person


def person(pk: int, *, at: datetime) -> User | None:
    """One interpreter with all that is a figure or a name: `load_of` and `hours_of` read it. One statement."""
    last, this, until = months(at)
    offers = Offer.objects.filter(interpreter=OuterRef("pk"), sent_at__gte=last, sent_at__lt=until)
    spoken, hours = _spoken(OuterRef("pk"), last, until), WeeklyHours.objects.filter(interpreter=OuterRef("pk"))
    clock = JSONObject(weekday="weekday", starts="starts_on_clock", ends="ends_on_clock")
    rows = interpreters().annotate(
        other_regions=region_names("practice__regions"),
        counted=Subquery(_one(offers, **_outcomes(last, this, at, "last"), **_outcomes(this, until, at, "this"))),
        worked=Subquery(_one(spoken, last=_seconds(last, this), this=_seconds(this, until))),
        week=ArraySubquery(hours.order_by("weekday").values_list(clock)),
    )
    return available_now(rows, at).filter(pk=pk).first()


def _one(rows, **figures):
    """One row of figures, of all those of the outer interpreter."""
    return rows.order_by().values("interpreter").annotate(figures=JSONObject(**figures)).values("figures")


def _outcomes(since, until, at, month) -> dict:
    """How many offers of a month there were, and of each answer; one past its deadline is unanswered."""
    sent, states = Q(sent_at__gte=since, sent_at__lt=until), Offer.State
    silent = Q(state=states.EXPIRED) | Q(state=states.OPEN, answer_by__lte=at)
    kinds = {
        "sent": Q(),
        "accepted": Q(state=states.ACCEPTED),
        "refused": Q(state=states.REFUSED),
        "unanswered": silent,
    }
    return {f"{kind}_{month}": Count("pk", filter=sent & what) for kind, what in kinds.items()}


def _seconds(since, until):
    return Sum(Extract(_length(), "epoch"), filter=Q(starts_at__gte=since, starts_at__lt=until))


def loads_of(found: User, *, at: datetime) -> list[Load]:
    """This month's, then the last one's; `found` comes from `person`."""
    last, this, _ = months(at)
    return [_load(found, start, name) for start, name in ((this, "this"), (last, "last"))]


def _load(found, start, month) -> Load:
    kinds = ("sent", "accepted", "refused", "unanswered")
    figures = {kind: (found.counted or {}).get(f"{kind}_{month}", 0) for kind in kinds}
    minutes = int((found.worked or {}).get(month) or 0) // 60
    return Load(month=SHORT_MONTHS[start.month - 1], minutes=minutes, **figures)


def hours_of(found: User) -> list[str]:
    """The usual hours: « lundi, de 8 h 30 à 17 h »; none means at all hours."""
    return [
        f"{Weekday(row['weekday']).label}, de {_clock(row['starts'])} à {_clock(row['ends'])}" for row in found.week
    ]


def _clock(text: str) -> str:
    given = time.fromisoformat(text)
    return "minuit" if given == MIDNIGHT else hour(given)


def bookings_ahead(interpreter: User, *, at: datetime) -> list[ServiceRequest]:
    """What they hold that has not begun, soonest first, PAGE at most."""
    held = ServiceRequest.objects.assigned_to(interpreter).filter(status__in=ASSIGNED, starts_at__gt=at)
    return list(_described(held).order_by("starts_at", "id")[:PAGE])


def open_offers(interpreter: User, *, at: datetime) -> list[Offer]:
    """What they have still to answer, the nearest deadline first, PAGE at most."""
    rows = Offer.objects.open_at(at).filter(interpreter=interpreter)
    about = [f"service_request__{name}" for name in ("language", "institution", "facility")]
    return list(rows.select_related(*about).order_by("answer_by", "id")[:PAGE])


def history(interpreter: User, *, at: datetime, after: tuple[datetime | None, int] = (None, 0)) -> list[ServiceRequest]:
    """At most PAGE + 1 of their requests begun or closed, newest first, older than the one of the key `after`."""
    rows = ServiceRequest.objects.assigned_to(interpreter).exclude(status__in=ASSIGNED, starts_at__gt=at)
    instant, pk = after
    if instant:
        rows = rows.filter(Q(starts_at__lt=instant) | Q(starts_at=instant, pk__lt=pk))
    return list(_described(rows).order_by("-starts_at", "-id")[: PAGE + 1])


def _described(rows):
    return rows.select_related("language", "institution", "facility")


def latest_messages(interpreter: User) -> list[Message]:
    """The last of their threads, newest first: who wrote, when, about which request. What was written stays there."""
    rows = Message.objects.filter(interpreter=interpreter).defer("body").select_related("author")
    return list(rows.order_by("-at", "-id")[:SHOWN])


def not_arrived(interpreter: User) -> list[Notification]:
    """The last messages to them that did not arrive, newest first."""
    rows = interpreter.notifications.filter(state__in=NOT_DELIVERED).order_by("-created_at", "-pk")
    return list(rows[:SHOWN])


def reach_of(interpreter: User) -> list[str]:
    """What keeps our messages from them, in sentences; nothing for who is reached by both."""
    text = "Messages texte désactivés"
    said: Mapping[str, bool] = {
        f"{text}\u00a0: a répondu STOP.": bool(interpreter.sms_stopped_at),
        f"{text}.": interpreter.sms_disabled and not interpreter.sms_stopped_at,
        "Aucun cellulaire au dossier\u00a0: pas de message texte.": not interpreter.mobile_phone,
        "Courriels désactivés.": interpreter.email_disabled,
        "Aucun courriel au dossier.": not interpreter.email,
    }
    return [sentence for sentence, holds in said.items() if holds]
