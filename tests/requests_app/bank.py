"""A small bank around the request of these tests (make.START, 13 h to 14 h 30): who lives where, and did what."""

from datetime import timedelta
from decimal import Decimal

from accounts.models import InterpreterProfile
from requests_app import candidates
from requests_app.distances import ROAD_FACTOR
from requests_app.models import CancellationReason, Exclusion, Facility, Practice
from requests_app.services import cancel
from tests import make
from tests.make import LENGTH, NOW, START

# By road: what a degree of latitude is worth in the distances of the house.
KM_A_DEGREE = Decimal("111.195") * ROAD_FACTOR


def north(km) -> dict:
    """The coordinates at that many kilometres by road from the facility of the requests made here."""
    place = make.facility()
    return {"latitude": make.institution().latitude + Decimal(km) / KM_A_DEGREE, "longitude": place.longitude}


def living(name: str, km="6"):
    """An interpreter whose home is that far, by road."""
    user, point = make.interpreter(name), north(km)
    where = {"home_latitude": point["latitude"], "home_longitude": point["longitude"]}
    InterpreterProfile.objects.filter(user=user).update(**where)
    return user


def far_off(user, km="140", **practice):
    """Who belongs to another region, and lives that far."""
    InterpreterProfile.objects.filter(user=living(user.first_name, km)).update(home_institution=elsewhere())
    if practice:
        Practice.objects.create(interpreter=user, **{"service_types": ["on_site"]} | practice)
    return user


def elsewhere():
    """An institution of another region than that of the requests made here."""
    return make.Institution.objects.exclude(region=make.institution().region).order_by("id").first()


def place(km: str) -> Facility:
    """An installation that far from the facility of the request, by road."""
    made = make.facility(f"Clinique à {km} km")
    Facility.objects.filter(pk=made.pk).update(**north(km))
    return made


def booked(who, starts_at, *, minutes=60, **fields):
    """A reserved request of theirs, taken three weeks before."""
    ends_at = starts_at + timedelta(minutes=minutes)
    return make.reserved(who, at=NOW - timedelta(days=21), starts_at=starts_at, ends_at=ends_at, **fields)


def served(who, times=1, **fields):
    for week in range(1, times + 1):
        start = START - timedelta(weeks=6 + week)
        make.provided(who, at=start - timedelta(days=5), starts_at=start, **fields)


def cancelled_late(who, *, starts_at=START, reason=CancellationReason.BI_ERROR, **fields):
    made = booked(who, starts_at, minutes=LENGTH.seconds // 60, **fields)
    # Nobody is absent before the hour.
    before = timedelta() if reason == CancellationReason.INTERPRETER_ABSENT else timedelta(hours=3)
    cancel(made, by=make.coordinator(), at=starts_at - before, reason=reason, note="Entente")
    return made


def excluded(who, until="2025-12-31", reason="Plainte 12", **fields):
    given = {"institution": make.institution(), "by": make.coordinator(), "at": NOW, **fields}
    return Exclusion.objects.create(interpreter=who, ends_on=until, reason=reason, **given)


def plain(words: str) -> str:
    return words.replace("\u00a0", " ")


def names(service_request, *, at=NOW, **given) -> list[str]:
    """First names, the best first."""
    return [found.interpreter.first_name for found in candidates.ranked(service_request, at=at, **given)]


def of(service_request, who, *, at=NOW):
    return candidates.explained(service_request, [who], at=at)[who.pk]


def reasons(service_request, who, *, at=NOW) -> list[str]:
    """Why they are in the list, as one reads it."""
    found = of(service_request, who, at=at)
    assert found.rank, found.obstacles
    return [plain(words) for words in found.reasons]


def obstacles(service_request, who, *, at=NOW) -> dict[str, bool]:
    """What keeps them out of the list, and whether it is final."""
    found = of(service_request, who, at=at)
    assert bool(found.rank) != bool(found.obstacles)
    return {plain(obstacle.words): obstacle.is_final for obstacle in found.obstacles}
