"""When an interpreter is not available: what they write of it, and what a coordinator is told before asking them.

Nothing is forbidden and nothing that is booked or offered is hidden: it is said beside the name. Hours are those of
the clock of Montréal; midnight at the end of a day is MIDNIGHT.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.french import day_and_month, hour, short_date
from accounts.models import User
from accounts.services import lock
from requests_app.calendars import Absence, WeeklyHours
from requests_app.models import Offer, ServiceRequest
from requests_app.workflow import ASSIGNED, NotAllowed

MIDNIGHT = time.max
OUTSIDE_HOURS = "hors de ses heures habituelles"
LONGEST = timedelta(days=366)
# More than anybody needs, and few enough for one page.
MOST_ABSENCES = 50
_DAY = timedelta(days=1)


# Verbs


@transaction.atomic
def add_absence(interpreter: User, starts_at: datetime, ends_at: datetime, *, at: datetime) -> Absence:
    """« Je ne suis pas disponible » between two instants; absences that overlap become one. Raises NotAllowed.

    Sent twice, it is noted once.
    """
    lock(interpreter)
    met = list(interpreter.absences.filter(starts_at__lt=ends_at, ends_at__gt=starts_at))
    merged = [other.pk for other in met]
    if coming(interpreter, at=at).exclude(pk__in=merged).count() >= MOST_ABSENCES:
        raise NotAllowed(f"Vous avez déjà {MOST_ABSENCES} absences à venir\u00a0: retirez-en une d’abord.")
    starts_at = min([starts_at, *(other.starts_at for other in met)])
    ends_at = max([ends_at, *(other.ends_at for other in met)])
    if ends_at - starts_at > LONGEST:
        raise NotAllowed("Avec celles qu’elle rejoint, cette absence dure plus d’un an\u00a0: raccourcissez-la.")
    interpreter.absences.filter(pk__in=merged).delete()
    return Absence.objects.create(interpreter=interpreter, starts_at=starts_at, ends_at=ends_at)


@transaction.atomic
def set_weekly_hours(interpreter: User, hours: Mapping[int, tuple[time, time]]) -> None:
    """Replace the usual hours by {weekday: (from, to)}, Monday being 0; none at all means at all hours."""
    lock(interpreter)
    interpreter.weekly_hours.all().delete()
    WeeklyHours.objects.bulk_create(
        WeeklyHours(interpreter=interpreter, weekday=day, starts_on_clock=start, ends_on_clock=end)
        for day, (start, end) in hours.items()
    )


# Questions of the interpreter's own page


def coming(interpreter: User, *, at: datetime) -> QuerySet:
    """The absences that are not over at the instant `at`, soonest first."""
    return interpreter.absences.filter(ends_at__gt=at)


def booked_during(interpreter: User, periods, *, at: datetime) -> list[list[ServiceRequest]]:
    """For each (start, end), what the interpreter holds or is offered then and that is not over; at most 2 statements.

    An absence hides none of it: the person is told, so that they may withdraw or refuse.
    """
    if not periods:
        return []
    first, last = min(start for start, _ in periods), max(end for _, end in periods)
    held = Q(interpreter=interpreter, status__in=ASSIGNED)
    asked = Exists(Offer.objects.open_at(at).filter(service_request=OuterRef("pk"), interpreter=interpreter))
    met = ServiceRequest.objects.filter(starts_at__lt=last, ends_at__gt=max(first, at)).order_by("starts_at", "id")
    found = [*met.filter(held), *met.filter(asked)]
    return [[made for made in found if made.starts_at < end and made.ends_at > start] for start, end in periods]


# Questions of whoever looks for an interpreter


def available_now(interpreters: QuerySet, at: datetime) -> QuerySet:
    """The same interpreters with `absent_until`, `is_outside_hours` and `is_unavailable` at `at`, in the one statement.

    For one request, its ranking says it (ranking.py).
    """
    met = Absence.objects.filter(interpreter=OuterRef("pk"), starts_at__lte=at, ends_at__gt=at)
    marked = interpreters.annotate(
        absent_until=Subquery(met.order_by("-ends_at").values("ends_at")[:1]),
        is_outside_hours=ExpressionWrapper(_outside(at, at + timedelta(microseconds=1)), BooleanField()),
    )
    is_unavailable = Q(absent_until__isnull=False) | Q(is_outside_hours=True)
    return marked.annotate(is_unavailable=ExpressionWrapper(is_unavailable, BooleanField()))


def why_unavailable(interpreter: User) -> str:
    """« absence jusqu'au 12 novembre », « hors de ses heures habituelles »; nothing for who is available or unasked."""
    if until := getattr(interpreter, "absent_until", None):
        return absence_words(until)
    return OUTSIDE_HOURS if getattr(interpreter, "is_outside_hours", False) else ""


def _outside(starts_at, ends_at) -> Q:
    """Who has usual hours, and none that hold each day's part of the service."""
    theirs = WeeklyHours.objects.filter(interpreter=OuterRef("pk"))
    is_inside = Q()
    for weekday, start, end in parts_of(starts_at, ends_at):
        holding = theirs.filter(weekday=weekday, starts_on_clock__lte=start, ends_on_clock__gte=end)
        is_inside &= Q(Exists(holding))
    return Q(Exists(theirs)) & ~is_inside


def parts_of(starts_at: datetime, ends_at: datetime) -> list[tuple[int, time, time]]:
    """(weekday, from, to) of each local day that a service meets, at most 7; MIDNIGHT is the end of a day.

    In the doubled hour of November the clock may go back meanwhile: what it shows first and last is what counts.
    """
    start, end = timezone.localtime(starts_at), timezone.localtime(ends_at)
    parts, day, since = [], start.date(), start.time()
    while day < end.date() and len(parts) < 7:
        parts.append((day.weekday(), since, MIDNIGHT))
        day, since = day + _DAY, time()
    if day == end.date() and (end.time() > time() or not parts):
        parts.append((day.weekday(), *sorted((since, end.time()))))
    return parts


# Words


def last_day(ends_at: datetime) -> date:
    """The last local day of an absence: the end of a whole day is the next midnight."""
    return timezone.localtime(ends_at.astimezone(UTC) - timedelta(microseconds=1)).date()


def is_midnight(instant: datetime) -> bool:
    return timezone.localtime(instant).time() == time()


def absence_words(ends_at: datetime) -> str:
    """« absence jusqu'au 12 novembre »."""
    return f"absence jusqu’{until_words(ends_at)}"


def until_words(ends_at: datetime) -> str:
    """« au 12 novembre » (that day included), « au 12 novembre, 14 h »."""
    if is_midnight(ends_at):
        return f"au {day_and_month(last_day(ends_at))}"
    return f"au {day_and_month(ends_at)}, {hour(ends_at)}"


def period_words(starts_at: datetime, ends_at: datetime) -> str:
    """« le mar. 12 nov. 2024 », « du lun. 11 nov. 2024, 13 h au mar. 12 nov. 2024 »; the days named are included."""
    start, end = short_date(starts_at, weekday=True), short_date(last_day(ends_at), weekday=True)
    begins = "" if is_midnight(starts_at) else f", {hour(starts_at)}"
    finishes = "" if is_midnight(ends_at) else f", {hour(ends_at)}"
    if start != end:
        return f"du {start}{begins} au {end}{finishes}"
    if begins and finishes:
        return f"le {start}, de {hour(starts_at)} à {hour(ends_at)}"
    since = f", à partir de {hour(starts_at)}" if begins else ""
    return f"le {start}{since}" + (f", jusqu’à {hour(ends_at)}" if finishes else "")
