"""How far an on-site service is: FAQ « Comment dois-je calculer le kilométrage », domain.md « Mileage »."""

from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import Institution, InterpreterProfile
from requests_app.distances import Distances, Origin, distances, distances_for, road_km, road_km_sql, routes_for
from requests_app.models import Route
from requests_app.workflow import ServiceType
from tests import make

pytestmark = pytest.mark.django_db
MONTREAL, QUEBEC = (Decimal("45.50884"), Decimal("-73.55403")), (Decimal("46.81228"), Decimal("-71.21454"))
NORTH = Decimal("0.10000")  # degrees: 11.12 km


def living(home=None, office=None):
    """Alice's profile, her home and her head office this many tenths of a degree north of the facility."""
    place = make.facility()
    profile = InterpreterProfile.objects.get(user=make.alice())
    if home is not None:
        profile.home_latitude, profile.home_longitude = place.latitude + home * NORTH, place.longitude
        profile.save()
    if office is not None:
        Institution.objects.filter(pk=profile.home_institution_id).update(latitude=place.latitude + office * NORTH)
    return InterpreterProfile.objects.get(pk=profile.pk)


def test_the_distance_of_two_known_cities_is_that_of_the_roads():
    # 231 km in a straight line (law of cosines), 255 by the motorway, 270 by the river: an estimate is no route.
    assert road_km(MONTREAL, QUEBEC) == Decimal("300.6")


@pytest.mark.parametrize(("start", "end"), [(MONTREAL, MONTREAL), ((0, 0), (0, 0))])
def test_a_place_is_at_no_distance_from_itself(start, end):
    assert road_km(start, end) == Decimal("0.0")


def test_the_way_back_is_as_long():
    assert road_km(MONTREAL, QUEBEC) == road_km(QUEBEC, MONTREAL)


def test_opposite_ends_of_the_earth_are_at_half_its_round():
    assert road_km((0, 0), (0, 180)) == Decimal("26019.6")


@pytest.mark.parametrize("point", [(None, None), (Decimal(45), None), (None, Decimal(-73))])
def test_a_point_that_is_unknown_is_at_no_known_distance(point):
    assert road_km(point, MONTREAL) is None
    assert road_km(MONTREAL, point) is None


@pytest.mark.parametrize(
    ("home", "office", "counts", "shorter"),
    [
        ("18.4", "22.0", Origin.HOME, "18.4"),
        ("30.0", "15.5", Origin.HEAD_OFFICE, "15.5"),
        ("16.0", "16.0", Origin.HOME, "16.0"),
        (None, "15.5", Origin.HEAD_OFFICE, "15.5"),
        ("18.4", None, Origin.HOME, "18.4"),
        ("0.0", "3.0", Origin.HOME, "0.0"),
        (None, None, None, None),
    ],
)
def test_the_shorter_distance_counts(home, office, counts, shorter):
    home, office, shorter = (value and Decimal(value) for value in (home, office, shorter))
    found = Distances(home_km=home, head_office_km=office)
    assert (found.counts, found.shorter) == (counts, shorter)


def test_each_distance_is_measured_to_the_facility():
    found = distances(make.unallocated(), living(home=1, office=3))
    assert (found.home_km, found.head_office_km) == (Decimal("14.5"), Decimal("43.4"))


def test_whoever_gave_no_home_leaves_from_the_head_office():
    found = distances(make.unallocated(), living(office=2))
    assert (found.home_km, found.head_office_km, found.counts) == (None, Decimal("28.9"), Origin.HEAD_OFFICE)


@pytest.mark.parametrize("kind", sorted(set(ServiceType) - {ServiceType.ON_SITE}))
def test_only_an_on_site_service_has_a_distance(kind, django_assert_num_queries):
    made, profile = make.unallocated(service_type=kind), living(home=1)
    assert distances(made, profile) == Distances()
    with django_assert_num_queries(0):
        assert distances_for(made, profile.user_id) == Distances()


def test_whoever_has_no_profile_has_no_distance():
    assert distances_for(make.unallocated(), make.requester().pk) == Distances()


def test_the_distances_of_an_account_take_one_query(django_assert_num_queries):
    living(home=1, office=3)
    made, alice = make.unallocated(), make.alice()
    assert made.facility  # loaded, as on a page
    with django_assert_num_queries(1):
        assert distances_for(made, alice.pk).shorter == Decimal("14.5")


def test_only_the_ways_asked_for_are_read(settings):
    """Not those from each of these homes to each of these places."""
    settings.ROUTING_URL = "http://127.0.0.1:1"
    ways = [tuple(map(Decimal, (home, -73, place, -74))) for home in range(4) for place in range(4)]
    names = ("start_latitude", "start_longitude", "end_latitude", "end_longitude")
    Route.objects.bulk_create(Route(**dict(zip(names, way, strict=True))) for way in ways)
    wanted, read = [way for way in ways if way[0] == way[2]], []

    def count(execute, sql, params, many, context):
        execute(sql, params, many, context)
        read.append(context["cursor"].rowcount)

    with connection.execute_wrapper(count):
        known = routes_for([*wanted, wanted[0], (Decimal(9), *wanted[0][1:])]).known
    assert (sorted(known), read) == (wanted, [4])


def test_the_distances_in_sql_are_those_in_python():
    """From every head office, and from odd places, to every other."""
    offices = list(Institution.objects.values_list("latitude", "longitude"))
    odd = [
        (Decimal(0), Decimal(0)),
        (Decimal(0), Decimal(180)),
        (Decimal("89.99999"), Decimal(-60)),
        (None, Decimal(1)),
    ]
    pairs = [(start, end) for start in offices + odd for end in offices + odd]
    arrays = "unnest(%s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) AS pair (a, b, c, d)"
    with connection.cursor() as cursor:
        columns = [list(column) for column in zip(*(start + end for start, end in pairs), strict=True)]
        cursor.execute(f"SELECT {road_km_sql(('a', 'b'), ('c', 'd'))} FROM {arrays}", columns)
        found = [km for (km,) in cursor.fetchall()]
    for pair, km in zip(pairs, found, strict=True):
        expected = road_km(*pair)
        assert km == expected or abs(Decimal(repr(km)) - expected) <= Decimal("0.1"), pair
