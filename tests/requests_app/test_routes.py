"""The routing service: what it is asked, once, by the worker; every way it may fail leaves the estimate in place."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import Institution, InterpreterProfile
from requests_app import offers, services
from requests_app.distances import Distances, Source, distances_for
from requests_app.models import Facility, Route
from requests_app.routes import WAITS, ask_due, forget_unused
from requests_app.workflow import ServiceType
from tests import make
from tests.make import HOUR, NOW, START
from tests.providers import NONSENSE, closed_port

pytestmark = pytest.mark.django_db
TENTH = Decimal("0.10000")  # degrees north: 11,12 km, 14,5 by the estimate
ESTIMATED = Distances(
    home_km=Decimal("14.5"),
    head_office_km=Decimal("28.9"),
    home_source=Source.AWAITED,
    head_office_source=Source.AWAITED,
)
PLACES = re.compile(r"45\.|73\.|127\.0")
GIVEN_UP = NOW + timedelta(days=30)


def living(who=None, home=1, office=2):
    """Somebody's home, Alice's when none is named, and the head office, in tenths of a degree north of the clinic."""
    place, profile = make.facility(), InterpreterProfile.objects.filter(user=who or make.alice())
    profile.update(home_latitude=place.latitude + home * TENTH, home_longitude=place.longitude)
    Institution.objects.filter(name="CHUM").update(latitude=place.latitude + office * TENTH)


@pytest.fixture
def booked():
    """Alice's, on site."""
    made = make.reserved()
    living()
    return made


def known(made) -> Distances:
    return distances_for(made, make.alice().pk)


def test_a_way_is_asked_once_for_ever(roads, booked):
    assert [ask_due(NOW), ask_due(NOW), ask_due(GIVEN_UP)] == [2, 0, 0]
    found = known(booked)
    assert (found.home_km, found.head_office_source, roads.visits) == (Decimal("25.0"), Source.ROAD_SERVICE, 1)


def test_without_a_routing_service_nothing_is_asked_nor_kept(roads, booked, settings, django_assert_num_queries):
    settings.ROUTING_URL = ""
    assert ask_due(NOW) == 0
    assert (roads.visits, Route.objects.count(), known(booked).home_source) == (0, 0, Source.ESTIMATE)


def test_a_service_that_is_no_longer_used_says_no_more(roads, booked, settings):
    ask_due(NOW)
    settings.ROUTING_URL = ""
    assert (known(booked).home_km, known(booked).home_source) == (Decimal("14.5"), Source.ESTIMATE)


def test_what_leaves_is_coordinates_and_nothing_else(roads, booked):
    ask_due(NOW)
    [path], [headers] = roads.received, roads.headers
    assert re.fullmatch(r"/table/v1/driving/(-73\.\d{5},45\.\d{5};?){3}\?sources=0;1&destinations=2&.*", path)
    assert path.endswith("&annotations=distance")
    assert headers.keys() <= {"Host", "User-Agent", "Accept-Encoding", "Accept", "Connection"}


@pytest.mark.parametrize(
    ("build", "is_asked"),
    [
        (make.unallocated, False),
        (make.pending, True),
        (make.reserved, True),
        (make.modified, True),
        (make.provided, True),
        (make.cancelled, False),
        (make.completed, False),
        (lambda: make.reserved(service_type=ServiceType.PHONE), False),
    ],
)
def test_what_is_offered_held_or_reviewed_is_asked(roads, build, is_asked):
    build()
    living()
    assert bool(ask_due(NOW)) is is_asked


def test_what_was_reported_as_cancelled_is_reviewed_too(roads):
    made = make.reserved()
    services.report(made, is_rendered=False, by=make.alice(), at=made.ends_at)
    living()
    assert ask_due(NOW) == 2


def test_an_offer_that_is_closed_or_late_is_not_asked(roads):
    late, refused = make.pending(answer_by=NOW + HOUR), make.pending()
    offers.refuse(refused, by=make.alice(), at=NOW)
    living()
    assert [ask_due(NOW + 2 * HOUR), roads.visits] == [0, 0]
    assert late.offers.get().state == "open"


def test_whoever_gave_no_home_has_a_head_office(roads):
    made = make.reserved()
    assert ask_due(NOW) == 1
    assert known(made).home_km is None


def test_people_who_go_to_one_place_are_asked_together(roads):
    make.pending(make.alice(), make.bob())
    living(make.alice(), home=1)
    living(make.bob(), home=Decimal("1.5"))
    assert (ask_due(NOW), roads.visits) == (3, 1)  # two homes, one head office


def test_the_soonest_service_is_asked_first(roads):
    near = make.facility("Pavillon du Lac")
    make.reserved(starts_at=START)
    make.reserved(starts_at=START - HOUR * 24, facility=near)
    Facility.objects.filter(pk=near.pk).update(latitude=near.latitude - TENTH)
    living()
    ask_due(NOW)
    assert [path.split("?")[0].rpartition(",")[2] for path in roads.received] == ["45.41160", "45.51160"]


# Nothing that the service does takes the estimate away.

FAULTS = [*NONSENSE, "400", "429", "500", "503", "401", "redirects", "resets", "nests", "breaks a header"]


@pytest.mark.parametrize("mood", FAULTS)
def test_a_fault_leaves_the_estimate_and_is_asked_again(roads, booked, caplog, mood):
    """Nobody's coordinates are told, and the attempt counts only when it was about these ways."""
    roads.feel(mood)
    assert ask_due(NOW) == 0
    assert (known(booked), roads.visits) == (ESTIMATED, 1)
    attempts = 1 if mood == "400" else 0
    assert set(Route.objects.values_list("attempts", "next_at", "metres")) == {(attempts, NOW + WAITS[0], None)}
    assert "Service d’itinéraires" in caplog.text and not PLACES.search(caplog.text)
    roads.feel("accepts")
    assert ask_due(NOW + WAITS[0]) == 2


@pytest.mark.parametrize("mood", ["hangs", "drips", "truncates"])
def test_a_service_that_never_ends_is_left(roads, booked, mood, settings):
    settings.ROUTING_CONNECT_SECONDS = settings.ROUTING_READ_SECONDS = 0.1
    roads.feel(mood)
    assert ask_due(NOW) == 0
    settings.ROUTING_READ_SECONDS = 10
    roads.feel("accepts")
    assert (known(booked), ask_due(NOW + WAITS[0])) == (ESTIMATED, 2)


def test_a_service_that_is_down_is_asked_again(roads, booked, caplog, settings):
    settings.ROUTING_URL = f"http://127.0.0.1:{closed_port()}"
    assert ask_due(NOW) == 0
    assert "pas de réponse" in caplog.text and not PLACES.search(caplog.text)  # the client's own words hold an address
    settings.ROUTING_URL = roads.url
    assert (known(booked), ask_due(NOW + WAITS[0])) == (ESTIMATED, 2)


def test_a_redirection_is_not_followed(roads, booked):
    roads.feel("redirects", "accepts")
    assert (ask_due(NOW), roads.visits) == (0, 1)


# 11 120 m in a straight line from the home, 22 240 from the head office.
ABSURD = [None, True, "25000", [], -1, 0, 10_000, 500_000, 1e308, 10**400, float("nan"), float("inf")]


@pytest.mark.parametrize("metres", ABSURD, ids=lambda metres: str(metres)[:9])
def test_a_distance_that_cannot_be_is_not_believed(roads, booked, metres):
    roads.metres = metres
    assert (ask_due(NOW), known(booked)) == (0, ESTIMATED)


def test_a_home_beside_the_clinic_may_be_at_no_distance(roads):
    made = make.reserved()
    living(home=0)
    roads.metres = 0
    assert (ask_due(NOW), known(made).home_km) == (1, Decimal("0.0"))


@pytest.mark.parametrize("status", [400, 500])
def test_a_point_far_from_any_road_keeps_nobody_else_from_an_answer(roads, booked, status):
    """Even were the service in trouble over it."""
    home, roads.roadless_status = make.alice().interpreter_profile, status
    roads.roadless = {f"{home.home_longitude:.5f},{home.home_latitude:.5f}"}
    assert (ask_due(NOW), sum(ask_due(NOW + WAITS[0]) for _ in range(2))) == (0, 1)
    found = known(booked)
    assert (found.home_source, found.head_office_source) == (Source.AWAITED, Source.ROAD_SERVICE)


def test_a_service_in_trouble_is_not_insisted_upon(roads, booked):
    make.reserved(starts_at=START + HOUR * 24, facility=make.facility("Pavillon du Lac"))
    Facility.objects.filter(name="Pavillon du Lac").update(latitude=Decimal("45.40000"))
    roads.feel("503")
    assert (ask_due(NOW), roads.visits) == (0, 1)


def test_a_way_that_is_never_given_is_given_up(roads, booked):
    roads.metres = None
    at = NOW
    for wait in [*WAITS, timedelta(0)]:
        ask_due(at)
        at += wait or timedelta(days=365)
    asked = 1 + 2 * (len(WAITS) - 1)  # together, then one by one
    assert (roads.visits, known(booked).home_source) == (asked, Source.GIVEN_UP)
    assert known(booked).shorter == ESTIMATED.shorter


@pytest.mark.parametrize("mood", ["503", "resets"])
def test_a_service_in_trouble_gives_no_way_up(roads, mood):
    """Were it down for a month: its last attempt is still there when it is well again."""
    made = make.reserved()  # from the head office alone
    roads.feel(mood)
    assert ask_due(NOW) == 0
    Route.objects.update(attempts=len(WAITS) - 1, next_at=GIVEN_UP)
    assert [ask_due(GIVEN_UP), ask_due(GIVEN_UP), roads.visits] == [0, 0, 2]
    assert known(made).head_office_source == Source.AWAITED
    roads.feel("accepts")
    assert ask_due(GIVEN_UP + WAITS[0]) == 1


# Places change, and nobody's are kept.


def test_somebody_who_moves_is_asked_about_again(roads, booked):
    ask_due(NOW)
    living(home=3)
    assert known(booked).home_source == Source.AWAITED
    assert (ask_due(NOW), known(booked).home_source) == (0, Source.AWAITED)  # 25 km is less than the straight line
    assert Route.objects.count() == 3


def test_where_somebody_lived_is_forgotten_once_they_moved(roads, booked):
    ask_due(NOW)
    living(home=3)
    assert forget_unused() == 1
    Facility.objects.update(latitude=0)
    assert (forget_unused(), Route.objects.count()) == (1, 0)


def test_what_is_used_is_not_forgotten(roads, booked):
    ask_due(NOW)
    assert (forget_unused(), Route.objects.count()) == (0, 2)


def during_the_call(roads, act) -> list:
    """What `act` gives to another worker while the service answers the first call."""
    seen, answer = [], roads.accept

    def accept(starts):
        roads.accept = answer
        seen.append(act())
        connection.close()
        return answer(starts)

    roads.accept = accept
    return seen


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_comes_during_a_call_asks_nothing(roads, booked):
    asked = during_the_call(roads, lambda: ask_due(NOW + WAITS[0]))
    assert (ask_due(NOW), asked, roads.visits) == (2, [0], 1)


@pytest.mark.django_db(transaction=True)
def test_an_attempt_counts_before_the_service_answers(roads, booked):
    """A worker that is killed during a call has counted it: it does not call for ever."""
    seen = during_the_call(roads, lambda: list(Route.objects.values_list("attempts", flat=True)))
    ask_due(NOW)
    assert seen == [[1, 1]]
