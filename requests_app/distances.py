"""How far an on-site service is, one way: an estimate, which the interpreter corrects when they claim.

FAQ « Comment dois-je calculer le kilométrage avec la nouvelle politique? »; domain.md « Mileage ». A home is its
interpreter's own: what is computed here is shown to that person, to whom pays them, and to whom looks for somebody
near (candidates.py), as kilometres only.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from math import asin, ceil, cos, radians, sin, sqrt

from accounts.models import InterpreterProfile
from requests_app.models import ServiceRequest
from requests_app.workflow import ServiceType

EARTH_RADIUS_KM = 6371.0088
# Roads are longer than the straight line: by 20 to 40 % where people live, so 30 % until a real route is asked for.
ROAD_FACTOR = Decimal("1.3")
# An estimate of the time between two places: the road at this speed, and the car to be parked.
TRAVEL_KM_PER_HOUR = 50
PARKING_MINUTES = 10


class Origin(StrEnum):
    HOME = "home"
    HEAD_OFFICE = "head_office"


@dataclass(frozen=True, kw_only=True)
class Distances:
    """Kilometres by road, one way, to 0.1 km; None where a point is unknown or nobody travels."""

    home_km: Decimal | None = None
    head_office_km: Decimal | None = None

    @property
    def counts(self) -> Origin | None:
        """Where the distance that may be claimed begins: the nearer of the two, the home when they are equal."""
        known = [(self.home_km, Origin.HOME), (self.head_office_km, Origin.HEAD_OFFICE)]
        known = [pair for pair in known if pair[0] is not None]
        return min(known, key=lambda pair: pair[0])[1] if known else None

    @property
    def shorter(self) -> Decimal | None:
        """The distance that may be claimed: « la distance la plus courte » (FAQ)."""
        return self.home_km if self.counts == Origin.HOME else self.head_office_km


def distances(service_request: ServiceRequest, profile: InterpreterProfile | None) -> Distances:
    """From the home and from the head office of the home institution to the facility; no query when these are loaded.

    Only an on-site service is travelled to (domain.md « Services »).
    """
    place = service_request.facility
    if service_request.service_type != ServiceType.ON_SITE or place is None or profile is None:
        return Distances()
    there, office = (place.latitude, place.longitude), profile.home_institution
    return Distances(
        home_km=road_km((profile.home_latitude, profile.home_longitude), there),
        head_office_km=road_km((office.latitude, office.longitude), there),
    )


def distances_for(service_request: ServiceRequest, interpreter_id: int) -> Distances:
    """`distances` for an interpreter's account; one query, none when nobody travels."""
    if service_request.service_type != ServiceType.ON_SITE:
        return Distances()
    profiles = InterpreterProfile.objects.select_related("home_institution")
    return distances(service_request, profiles.filter(user=interpreter_id).first())


def road_km(start: tuple, end: tuple) -> Decimal | None:
    """Kilometres by road between two points (latitude, longitude, in degrees): the great circle × ROAD_FACTOR."""
    if None in (*start, *end):
        return None
    (north, east), (to_north, to_east) = ([radians(degrees) for degrees in point] for point in (start, end))
    # The haversine formula, exact enough for two points of one city; the earth is a sphere to 0.5 %.
    half = sin((to_north - north) / 2) ** 2 + cos(north) * cos(to_north) * sin((to_east - east) / 2) ** 2
    straight = Decimal(repr(2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))))
    return (straight * ROAD_FACTOR).quantize(Decimal("0.1"), ROUND_HALF_UP)


def road_minutes(km: Decimal) -> int:
    """Whole minutes to drive so many kilometres and park."""
    return ceil(km * 60 / TRAVEL_KM_PER_HOUR + PARKING_MINUTES)


def road_km_sql(start: tuple[str, str], end: tuple[str, str]) -> str:
    """`road_km` in SQL as a float8, between two points given as their columns; NULL where one is unknown.

    A test compares both on many points, to 0.1 km: a float and a Decimal may round a half apart.
    """
    (north, east), (to_north, to_east) = ([f"radians({column}::float8)" for column in point] for point in (start, end))
    half = f"sin(({to_north} - {north}) / 2) ^ 2 + cos({north}) * cos({to_north}) * sin(({to_east} - {east}) / 2) ^ 2"
    tenths = f"round({20 * EARTH_RADIUS_KM * float(ROAD_FACTOR)} * asin(least(1, sqrt({half}))))"
    return f"CASE WHEN num_nulls({', '.join((*start, *end))}) = 0 THEN {tenths} / 10 END"


def road_minutes_sql(km: str) -> str:
    """`road_minutes` in SQL, of an expression in kilometres."""
    return f"ceil({km} * 60 / {TRAVEL_KM_PER_HOUR} + {PARKING_MINUTES})"
