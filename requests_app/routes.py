"""The ways by road that pages will show, asked of the routing service by the worker: a page never calls out.

Without ROUTING_URL nothing is asked and nothing is kept. An answer is kept for good; a way that fails is asked again,
less and less often, then given up: the estimate stays (distances.py). A service in trouble takes no attempt away.
"""

import logging
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.alone import alone
from accounts.models import Institution, InterpreterProfile
from accounts.providers import Failure
from requests_app import osrm
from requests_app.earth import straight_km
from requests_app.models import Facility, Offer, Route
from requests_app.workflow import ASSIGNED, ServiceType, Status

logger = logging.getLogger(__name__)
# How long each attempt waits for the next one, counted before the call; the last one waits for nothing.
WAITS = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=3), None)
# Ways to one place asked together the first time, under the 100 points of a service as it is installed; then one by
# one, so that a bad point does not keep the others from their answer.
TOGETHER = 64
# Ways written, and ways asked, by one run; and how long it may last, within the time-out of the queue.
MOST_WAYS = 1000
MOST_SECONDS = 25
# A road is no shorter than the straight line, but for what leads from each point to the nearest road; and no detour
# of Québec is longer than this many times the straight line, a fjord's or an island's apart.
OFF_ROAD_KM = 1
MOST_DETOUR = 10
LONGEST_DETOUR_KM = 100

# The ways of what is offered, of what somebody has, and of what the BI is about to validate; those not written yet.
_MISSING = f"""
WITH wanted AS (
    SELECT request.facility_id, request.starts_at, offer.interpreter_id
    FROM requests_app_offer offer JOIN requests_app_servicerequest request ON request.id = offer.service_request_id
    WHERE offer.state = '{Offer.State.OPEN}' AND answer_by > %(at)s AND service_type = '{ServiceType.ON_SITE}'
    UNION ALL
    SELECT facility_id, starts_at, interpreter_id FROM requests_app_servicerequest
    WHERE status = ANY (%(held)s) AND service_type = '{ServiceType.ON_SITE}'
    UNION ALL
    SELECT facility_id, starts_at, interpreter_id FROM requests_app_servicerequest
    WHERE status = '{Status.CANCELLED}' AND interpreter_id IS NOT NULL AND filed_by_id IS NOT NULL
        AND service_type = '{ServiceType.ON_SITE}'
), way AS (
    SELECT start.latitude, start.longitude, place.latitude AS to_latitude, place.longitude AS to_longitude,
        min(wanted.starts_at) AS starts_at
    FROM wanted JOIN requests_app_facility place ON place.id = wanted.facility_id
    JOIN accounts_interpreterprofile profile ON profile.user_id = wanted.interpreter_id
    JOIN accounts_institution office ON office.id = profile.home_institution_id
    CROSS JOIN LATERAL (
        VALUES (home_latitude, home_longitude), (office.latitude, office.longitude)
    ) AS start (latitude, longitude)
    WHERE num_nulls(start.latitude, start.longitude) = 0
    GROUP BY 1, 2, 3, 4
)
INSERT INTO requests_app_route (start_latitude, start_longitude, end_latitude, end_longitude, attempts, next_at)
SELECT latitude, longitude, to_latitude, to_longitude, 0, %(at)s FROM way
WHERE NOT EXISTS (
    SELECT FROM requests_app_route WHERE start_latitude = latitude AND start_longitude = longitude
        AND end_latitude = to_latitude AND end_longitude = to_longitude
)
ORDER BY starts_at, latitude, longitude LIMIT {MOST_WAYS}
ON CONFLICT DO NOTHING
"""  # noqa: S608 (the house's own constants; what is given goes by a parameter)


@alone
def ask_due(at: datetime | None = None) -> int:
    """Ask the routing service for the ways that pages will show and that are due; returns how many it gave.

    The worker calls it each minute; `at` is now unless given. A service in trouble is left alone until the next one.
    """
    if not settings.ROUTING_URL:
        return 0
    at, until, given = at or timezone.now(), monotonic() + MOST_SECONDS, 0
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, {"at": at, "held": [*ASSIGNED, Status.PROVIDED]})
    for routes in _groups(at):
        if monotonic() > until:
            break
        try:
            given += _ask(routes, at)
        except Failure as failure:
            logger.warning("Service d’itinéraires\u00a0: %s", failure)
            if failure.is_general:
                break
    return given


def forget_unused() -> int:
    """Forget the ways from where nobody lives nor has a head office any more, and those to no installation.

    Where somebody lived is not kept once they moved. The worker calls it each night; returns how many were forgotten.
    """
    start = {"latitude": OuterRef("start_latitude"), "longitude": OuterRef("start_longitude")}
    homes = InterpreterProfile.objects.filter(**{f"home_{name}": value for name, value in start.items()})
    ends = Facility.objects.filter(latitude=OuterRef("end_latitude"), longitude=OuterRef("end_longitude"))
    is_used = (Exists(homes) | Exists(Institution.objects.filter(**start))) & Exists(ends)
    return Route.objects.filter(~is_used).delete()[0]


def _groups(at: datetime) -> list[list[Route]]:
    """What is due, those waiting longest first; together, those to one place that were never asked."""
    due = list(Route.objects.filter(next_at__lte=at).order_by("next_at", "id")[:MOST_WAYS])
    alike, found = {}, []
    for route in due:
        alike.setdefault((route.way[2:], route.asked_at is None), []).append(route)
    for (_, is_first_time), routes in alike.items():
        size = TOGETHER if is_first_time else 1
        found += [routes[first : first + size] for first in range(0, len(routes), size)]
    return found


def _ask(routes: list[Route], at: datetime) -> int:
    """One call, counted first: a worker that is killed meanwhile asks again later, and not for ever.

    The attempt is given back when the service itself was in trouble: that says nothing of these ways.
    """
    attempts = routes[0].attempts
    wait, asked = WAITS[attempts], Route.objects.filter(pk__in=[route.pk for route in routes])
    asked.update(attempts=attempts + 1, asked_at=at, next_at=wait and at + wait)
    try:
        lengths = osrm.metres_to(routes[0].way[2:], [route.way[:2] for route in routes])
    except Failure as failure:
        if failure.is_general:
            asked.update(attempts=attempts, next_at=at + WAITS[0])
        raise
    answered = [route for route, metres in zip(routes, lengths, strict=True) if _take(route, metres)]
    return Route.objects.bulk_update(answered, ["metres", "next_at"])


def _take(route: Route, metres) -> bool:
    """Whether the answer can be believed; then the route has it."""
    if isinstance(metres, bool) or not isinstance(metres, int | float):
        return False
    straight = straight_km(route.way[:2], route.way[2:])
    least, most = max(0, straight - OFF_ROAD_KM), straight * MOST_DETOUR + LONGEST_DETOUR_KM
    if not 1000 * least <= metres <= 1000 * most:
        return False
    route.metres, route.next_at = round(metres), None
    return True
