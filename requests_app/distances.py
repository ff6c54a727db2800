"""How far an on-site service is, one way: a real way by road when the routing service gave it, else an estimate.

FAQ « Comment dois-je calculer le kilométrage avec la nouvelle politique? »; domain.md « Mileage ». The interpreter
corrects it when they claim. A home is its interpreter's own: what is found here is shown to that person, to whom pays
them, and to whom looks for somebody near (candidates.py), as kilometres only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from math import ceil

from django.conf import settings

from accounts.french import decimal
from accounts.models import InterpreterProfile
from requests_app.earth import EARTH_RADIUS_KM, straight_km
from requests_app.models import Route, ServiceRequest
from requests_app.workflow import ServiceType

# Roads are longer than the straight line: by 20 to 40 % where people live, so 30 % until a real route is known.
ROAD_FACTOR = Decimal("1.3")
# An estimate of the time between two places: the road at this speed, and the car to be parked.
TRAVEL_KM_PER_HOUR = 50
PARKING_MINUTES = 10


class Origin(StrEnum):
    HOME = "home"
    HEAD_OFFICE = "head_office"


class Source(StrEnum):
    """How a distance was found."""

    ROAD_SERVICE = "road_service"
    ESTIMATE = "estimate"
    # Estimates still, where there is a routing service: it was not asked yet or did not answer, or it was given up.
    AWAITED = "awaited"
    GIVEN_UP = "given_up"


_ESTIMATE = f"estimation à vol d’oiseau ×\u00a0{decimal(ROAD_FACTOR)}"
# Each may follow a distance, or begin a sentence.
HOW = {
    Source.ROAD_SERVICE: "selon l’itinéraire par la route",
    Source.ESTIMATE: _ESTIMATE,
    Source.AWAITED: f"le service d’itinéraires n’a pas encore répondu\u00a0: {_ESTIMATE}",
    Source.GIVEN_UP: f"le service d’itinéraires n’a pas donné ce trajet\u00a0: {_ESTIMATE}",
}


@dataclass(frozen=True, kw_only=True)
class Distances:
    """Kilometres by road, one way, to 0.1 km, and how each was found; None where a point is unknown or nobody travels.

    0.1 km is what is shown, what is compared to the threshold and what is proposed: the three never contradict each
    other. 16,0 km (up to 16 049 m) is not more than 16.
    """

    home_km: Decimal | None = None
    head_office_km: Decimal | None = None
    home_source: Source = Source.ESTIMATE
    head_office_source: Source = Source.ESTIMATE

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

    @property
    def how(self) -> str:
        """How the shorter one was found, in words."""
        return HOW[self.home_source if self.counts == Origin.HOME else self.head_office_source]


# Each way as a whole: four lists apart would read every way from each of these homes to each of these places.
_KNOWN = """
SELECT route.* FROM requests_app_route route
JOIN unnest(%s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) AS wanted (north, east, to_north, to_east)
ON start_latitude = north AND start_longitude = east AND end_latitude = to_north AND end_longitude = to_east
"""


@dataclass(frozen=True)
class Routes:
    """What the routing service said of some ways, read once for a whole page."""

    known: dict[tuple, Route]

    def measure(self, way: tuple) -> tuple[Decimal | None, Source]:
        """Kilometres of a way (its four coordinates), and how they were found; None where a point is unknown."""
        route = self.known.get(way)
        if route and route.metres is not None:
            return _to_the_tenth(Decimal(route.metres) / 1000), Source.ROAD_SERVICE
        is_given_up = route is not None and route.next_at is None
        waiting = Source.GIVEN_UP if is_given_up else Source.AWAITED
        return road_km(way[:2], way[2:]), waiting if settings.ROUTING_URL else Source.ESTIMATE


def routes_for(ways: Iterable[tuple]) -> Routes:
    """What is known of these ways, however many requests they are of: one query, none without a routing service."""
    wanted = {way for way in ways if None not in way}
    if not (settings.ROUTING_URL and wanted):
        return Routes({})
    columns = [list(column) for column in zip(*wanted, strict=True)]
    return Routes({route.way: route for route in Route.objects.raw(_KNOWN, columns)})


def ways_of(service_request: ServiceRequest, profile: InterpreterProfile | None) -> list[tuple]:
    """From the home, then from the head office of the home institution, to the facility: four coordinates each.

    Empty when nobody travels: only an on-site service is travelled to (domain.md « Services »). No query when these
    are loaded.
    """
    place = service_request.facility
    if service_request.service_type != ServiceType.ON_SITE or place is None or profile is None:
        return []
    there, office = (place.latitude, place.longitude), profile.home_institution
    return [(profile.home_latitude, profile.home_longitude, *there), (office.latitude, office.longitude, *there)]


def distances(
    service_request: ServiceRequest, profile: InterpreterProfile | None, routes: Routes | None = None
) -> Distances:
    """From the home and from the head office to the facility; one query at most, none with `routes` read before."""
    ways = ways_of(service_request, profile)
    if not ways:
        return Distances()
    routes = routes or routes_for(ways)
    (home_km, home_source), (office_km, office_source) = (routes.measure(way) for way in ways)
    return Distances(
        home_km=home_km, home_source=home_source, head_office_km=office_km, head_office_source=office_source
    )


def distances_for(service_request: ServiceRequest, interpreter_id: int) -> Distances:
    """`distances` for an interpreter's account; one query more for their profile, none when nobody travels."""
    if service_request.service_type != ServiceType.ON_SITE:
        return Distances()
    profiles = InterpreterProfile.objects.select_related("home_institution")
    return distances(service_request, profiles.filter(user=interpreter_id).first())


def road_km(start: tuple, end: tuple) -> Decimal | None:
    """An estimate of the way between two points (latitude, longitude, in degrees): the great circle × ROAD_FACTOR."""
    if None in (*start, *end):
        return None
    return _to_the_tenth(Decimal(repr(straight_km(start, end))) * ROAD_FACTOR)


def _to_the_tenth(km: Decimal) -> Decimal:
    return km.quantize(Decimal("0.1"), ROUND_HALF_UP)


def road_minutes(km: Decimal) -> int:
    """Whole minutes to drive so many kilometres and park."""
    return ceil(km * 60 / TRAVEL_KM_PER_HOUR + PARKING_MINUTES)


def road_km_sql(start: tuple[str, str], end: tuple[str, str]) -> str:
    """`road_km` in SQL as a float8, between two points given as their columns; NULL where one is unknown.

    What ranks people stays an estimate: the same for all, whoever the routing service knows already.
    A test compares both on many points, to 0.1 km: a float and a Decimal may round a half apart.
    """
    (north, east), (to_north, to_east) = ([f"radians({column}::float8)" for column in point] for point in (start, end))
    half = f"sin(({to_north} - {north}) / 2) ^ 2 + cos({north}) * cos({to_north}) * sin(({to_east} - {east}) / 2) ^ 2"
    tenths = f"round({20 * EARTH_RADIUS_KM * float(ROAD_FACTOR)} * asin(least(1, sqrt({half}))))"
    return f"CASE WHEN num_nulls({', '.join((*start, *end))}) = 0 THEN {tenths} / 10 END"


def road_minutes_sql(km: str) -> str:
    """`road_minutes` in SQL, of an expression in kilometres."""
    return f"ceil({km} * 60 / {TRAVEL_KM_PER_HOUR} + {PARKING_MINUTES})"
