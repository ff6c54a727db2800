"""Who could serve a request, in which order and why (requests_app/candidates.py)."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps

from requests_app import candidates, offers, ranking, services
from requests_app.models import CancellationReason, Facility, Offer, ServiceRequest
from requests_app.ranking import NEIGHBOUR_HOURS, SENTENCES, WEIGHTS, rules
from requests_app.sourcing import MINUTES_TO_ANSWER
from requests_app.workflow import ServiceType
from tests import make
from tests.make import HOUR, LENGTH, NOW, START, local
from tests.requests_app.bank import (
    booked,
    cancelled_late,
    elsewhere,
    far_off,
    living,
    names,
    of,
    place,
    plain,
    reasons,
    served,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
FREE = "libre 2 h avant et après"


# The order


def test_the_nearest_is_first():
    living("Bob", "20"), living("Alice", "6"), living("Charlie", "40")
    assert names(make.unallocated()) == ["Alice", "Bob", "Charlie"]


def test_the_list_says_how_many_are_in_it_and_gives_as_many_as_asked():
    living("Bob", "20"), living("Alice", "6"), living("Charlie", "40")
    found = candidates.ranked(make.unallocated(), at=NOW, limit=2)
    assert [(one.rank, one.among, one.interpreter.first_name) for one in found] == [(1, 3, "Alice"), (2, 3, "Bob")]


def test_at_the_same_distance_who_knows_the_institution_is_first():
    living("Alice"), living("Bob")
    served(make.bob(), 2)
    assert names(make.unallocated()) == ["Bob", "Alice"]


def test_whoever_did_not_answer_is_asked_after_the_others():
    living("Alice", "2"), living("Bob", "45")
    made = make.pending(make.alice(), at=NOW, answer_by=NOW + HOUR)
    assert names(made, at=NOW + 2 * HOUR) == ["Bob", "Alice"]


def test_an_offer_too_short_to_be_read_was_not_left_unanswered():
    living("Alice", "2"), living("Bob", "45")
    answer_by = NOW + timedelta(minutes=MINUTES_TO_ANSWER) - MINUTE
    made = make.pending(make.alice(), at=NOW, answer_by=answer_by)
    assert names(made, at=NOW + 2 * HOUR) == ["Alice", "Bob"]


def test_whose_offer_was_taken_back_is_asked_after_the_others_and_it_is_said():
    living("Alice", "2"), living("Bob", "40")
    made = make.pending(make.alice())
    offers.retract(made, make.alice(), by=make.coordinator(), at=NOW)
    assert names(made) == ["Bob", "Alice"]
    assert reasons(made, make.alice())[-1] == "offre retirée le 3 mars, 10 h"


def test_each_weight_has_its_sentence():
    assert list(SENTENCES) == list(WEIGHTS)
    said = plain(" ".join(rules()))
    assert "{" not in said and "Chaque heure réservée ou servie ce mois-ci : 0,5 point de moins." in said


def test_the_way_that_lacks_time_counts_against_the_nearest():
    living("Alice", "2"), living("Bob", "30")
    booked(make.alice(), START - HOUR, facility=place("40"))
    assert names(make.unallocated()) == ["Bob", "Alice"]


def test_the_hours_of_the_month_leave_room_for_others():
    living("Alice"), living("Bob")
    booked(make.alice(), START - timedelta(days=1))
    assert names(make.unallocated()) == ["Bob", "Alice"]


def test_the_offers_of_the_month_leave_room_for_others():
    living("Alice"), living("Bob")
    make.pending(make.alice(), starts_at=START + timedelta(days=1))
    assert names(make.unallocated()) == ["Bob", "Alice"]


def test_a_tie_goes_to_who_has_fewer_minutes_then_to_the_older_account(monkeypatch):
    living("Charlie"), living("Bob"), living("Alice")
    monkeypatch.setitem(WEIGHTS, "hour", 0), monkeypatch.setitem(WEIGHTS, "offer", 0)
    booked(make.charlie(), START - timedelta(days=1))
    assert names(make.unallocated()) == ["Bob", "Alice", "Charlie"]


def test_who_was_offered_or_has_the_request_is_not_in_its_list():
    living("Alice"), living("Bob")
    made = make.pending(make.alice())
    assert names(made) == ["Bob"]
    offers.accept(made, by=make.alice(), at=NOW)
    assert names(made) == ["Bob"]


# Who is within reach


def test_another_region_within_reach_is_in_the_list():
    far_off(make.alice(), "49.9"), far_off(make.bob(), "50.1")
    assert names(make.unallocated()) == ["Alice"]


def test_a_practice_widens_or_narrows_the_reach():
    far_off(make.alice(), "140", reach_km=150), far_off(make.bob(), "30", reach_km=20)
    assert names(make.unallocated()) == ["Alice"]


def test_a_region_of_the_practice_counts_however_far():
    far_off(make.alice(), "140", regions=[make.institution().region_id])
    assert reasons(make.unallocated(), make.alice())[-1] == "à 140 km"


def test_the_region_is_that_of_the_facility_not_of_its_institution():
    Facility.objects.filter(pk=make.facility().pk).update(region=elsewhere().region)
    far_off(make.alice()), living("Bob", "140")
    assert names(make.unallocated()) == ["Alice"]


def test_by_telephone_nobody_is_too_far():
    far_off(make.alice())
    found = of(make.unallocated(service_type=ServiceType.PHONE, facility=None), make.alice())
    assert (found.rank, found.km, found.reasons) == (1, None, ("libre 2\u00a0h avant et après",))


def test_the_distance_is_from_the_head_office_when_the_home_is_unknown():
    Facility.objects.filter(pk=make.facility().pk).update(latitude=make.institution().latitude)
    make.alice()
    assert reasons(make.unallocated(), make.alice())[0] == "à moins de 1 km"


# Reasons


def test_the_reasons_say_how_far_how_often_and_how_free_what_counts_most_first():
    served(living("Alice", "6"), 4)
    assert reasons(make.unallocated(), make.alice()) == [
        "à 6 km",
        "a déjà servi cet établissement 4 fois",
        FREE,
    ]


def test_a_service_elsewhere_or_cancelled_late_is_not_a_service_to_the_institution():
    served(living("Alice"))
    ServiceRequest.objects.update(institution=make.other_institution())
    late = cancelled_late(make.alice(), starts_at=START - timedelta(days=7))
    services.validate(late, by=make.validator(), at=START - timedelta(days=6))
    assert reasons(make.unallocated(), make.alice()) == ["à 6 km", FREE]


def test_a_service_that_was_not_rendered_is_neither_a_service_nor_hours():
    made = booked(living("Alice"), START - timedelta(days=2))
    services.report(made, is_rendered=False, by=make.alice(), at=made.ends_at)
    services.validate(made, by=make.validator(), at=made.ends_at + HOUR)
    asked = make.unallocated()
    assert (reasons(asked, make.alice()), of(asked, make.alice()).minutes_this_month) == (["à 6 km", FREE], 0)


def test_what_was_reported_before_the_field_existed_is_read_from_the_history():
    rendered, corrected = make.completed(at=NOW), make.provided(make.bob())
    services.report(corrected, is_rendered=False, by=make.bob(), at=corrected.ends_at)
    for made in (make.reserved(make.charlie()), rendered, corrected):
        ServiceRequest.objects.filter(pk=made.pk).update(is_rendered=None)
    migration = import_module("requests_app.migrations.0008_services_rendered_so_far")
    migration.read_what_was_reported(apps, None)
    assert list(ServiceRequest.objects.order_by("id").values_list("is_rendered", flat=True)) == [True, False, None]


def test_many_services_are_not_counted_to_the_last(monkeypatch):
    monkeypatch.setattr("requests_app.reasons.MOST_SERVED", 2)
    served(living("Alice"), 3)
    assert "a déjà servi cet établissement plus de 2 fois" in reasons(make.unallocated(), make.alice())


@pytest.mark.parametrize(
    ("starts_at", "is_free"),
    [(START - 3 * HOUR, True), (START - 3 * HOUR + MINUTE, False), (START + LENGTH + 2 * HOUR, True)]
    + [(START + LENGTH + 2 * HOUR - MINUTE, False)],
)
def test_free_around_is_two_hours_before_and_two_after(starts_at, is_free):
    booked(living("Alice"), starts_at)
    assert (FREE in reasons(make.unallocated(), make.alice())) == is_free


def test_the_way_from_the_request_before_says_the_minutes_that_lack():
    # 30 km at 50 km/h, 36 min, and 10 to park: 46 min for 21.
    booked(living("Alice"), START - 3 * HOUR, minutes=159, facility=place("30"))
    assert "trajet serré depuis sa demande de 10 h : 25 min manquent" in reasons(make.unallocated(), make.alice())


def test_the_way_to_the_request_after_says_the_minutes_that_lack():
    booked(living("Alice"), START + LENGTH + HOUR / 2, facility=place("30"))
    assert "trajet serré vers sa demande de 15 h : 16 min manquent" in reasons(make.unallocated(), make.alice())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"service_type": ServiceType.PHONE, "facility": None},
    ],
)
def test_in_the_same_place_or_by_telephone_nobody_travels(fields):
    booked(living("Alice"), START - HOUR, **fields)
    assert reasons(make.unallocated(), make.alice()) == ["à 6 km"]


def test_requests_that_touch_in_two_places_lack_the_whole_way():
    booked(living("Alice"), START - HOUR, facility=place("5"))
    assert "trajet serré depuis sa demande de 12 h : 16 min manquent" in reasons(make.unallocated(), make.alice())


def test_the_way_to_the_service_of_the_next_day_or_by_telephone_is_nobodys_trouble():
    after = START + LENGTH + NEIGHBOUR_HOURS * HOUR
    booked(living("Alice"), after, facility=place("1300"))
    assert reasons(make.unallocated(), make.alice()) == ["à 6 km", FREE]
    booked(living("Bob"), START + LENGTH + HOUR / 2, service_type=ServiceType.PHONE, facility=place("30"))
    assert reasons(make.unallocated(), make.bob()) == ["à 6 km"]


@pytest.mark.parametrize("who", [make.alice, make.bob])
def test_the_request_itself_is_nobodys_neighbour_nor_pays_anybody(who):
    made = cancelled_late(living("Alice"))
    services.reinstate(made, by=make.coordinator(), at=START - 2 * HOUR, note="Par erreur")
    living("Bob")
    assign = {"by": make.coordinator(), "at": START - 2 * HOUR, "note": "Entente"}
    services.assign(made, who(), **assign)
    row = ranking.read(made, at=START - 2 * HOUR, named=[who().pk])[0]
    assert (row["after_starts_at"], row["is_paid"], row["is_booked"]) == (None, False, False)


def test_over_the_hour_that_comes_twice_two_hours_are_elapsed():
    # The clock shows 0 h 30 to 1 h 30 once more: two hours and a half pass before 2 h.
    booked(living("Alice"), local("2025-11-01 23:30"), minutes=60)
    made = make.unallocated(starts_at=local("2025-11-02 02:00"), ends_at=local("2025-11-02 03:00"))
    assert FREE in reasons(made, make.alice())


def test_who_is_paid_for_a_late_cancellation_then_and_free_is_said():
    cancelled_late(living("Alice", "30"))
    living("Bob", "6")
    assert reasons(make.unallocated(), make.alice())[0] == "déjà payé·e pour une annulation tardive, libre"
    assert names(make.unallocated()) == ["Alice", "Bob"]


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": CancellationReason.INTERPRETER_ABSENT},
        {"starts_at": START - LENGTH},
        {"service_type": ServiceType.TRANSLATION, "facility": None},
    ],
)
def test_nobody_is_paid_for_their_own_absence_for_another_time_nor_for_a_written_service(fields):
    cancelled_late(living("Alice"), **fields)
    assert not any("payé" in words for words in reasons(make.unallocated(), make.alice()))


def test_a_cancellation_in_time_pays_nobody():
    make.cancelled(living("Alice"), at=NOW - timedelta(days=7))
    assert not any("payé" in words for words in reasons(make.unallocated(), make.alice()))


def test_who_did_not_answer_a_first_offer_is_said_even_before_the_worker_closed_it():
    made = make.pending(living("Alice"), answer_by=NOW + HOUR)
    assert reasons(made, make.alice(), at=NOW + HOUR)[-1] == "n’a pas répondu à une première offre"
    offers.expire_due(NOW + 2 * HOUR)
    assert reasons(made, make.alice(), at=NOW + 2 * HOUR)[-1] == "n’a pas répondu à une première offre"


def test_an_offer_that_a_booking_ended_was_not_left_unanswered():
    made = make.pending(living("Alice"), make.bob())
    other = booked(make.alice(), START)
    offers.expire_due(NOW)
    services.cancel(other, by=make.coordinator(), at=NOW, reason=CancellationReason.BI_ERROR)
    assert "n’a pas répondu à une première offre" not in reasons(made, make.alice())


# Fairness


def test_the_figures_are_of_the_local_month():
    who, at = living("Alice"), local("2025-03-31 23:00")
    booked(who, local("2025-03-31 23:30"), minutes=60)
    booked(who, local("2025-04-01 00:30"), minutes=90)
    Offer.objects.update(sent_at=local("2025-03-31 23:29"))
    made = make.unallocated(at=NOW, starts_at=local("2025-04-10 10:00"))
    found = [of(made, who, at=instant) for instant in (at, at + 2 * HOUR)]
    assert [(one.offers_this_month, one.minutes_this_month) for one in found] == [(2, 60), (0, 90)]


def test_hours_served_and_validated_count_written_or_cancelled_ones_do_not():
    who = living("Alice")
    make.provided(who, starts_at=START - timedelta(days=2))
    make.completed(who, starts_at=START - timedelta(days=1))
    late = cancelled_late(who, starts_at=START + timedelta(days=1))
    services.validate(late, by=make.validator(), at=START + timedelta(days=2))
    make.reserved(who, service_type=ServiceType.TRANSLATION, facility=None)
    assert of(make.unallocated(), who).minutes_this_month == 180


# Requests of other kinds


def test_a_written_service_has_no_way_no_hours_and_no_overlap():
    booked(living("Alice", "140"), START)
    make.alice().weekly_hours.create(weekday=0, starts_on_clock="08:00", ends_on_clock="09:00")
    served(make.alice())
    made = make.unallocated(service_type=ServiceType.TRANSLATION, facility=None)
    assert reasons(made, make.alice()) == ["a déjà servi cet établissement une fois"]


def test_a_service_over_midnight_asks_the_hours_of_both_days():
    for who, ends in ((living("Alice"), "01:00"), (living("Bob"), "00:30")):
        who.weekly_hours.create(weekday=3, starts_on_clock="20:00", ends_on_clock="23:59:59.999999")
        who.weekly_hours.create(weekday=4, starts_on_clock="00:00", ends_on_clock=ends)
    made = make.unallocated(starts_at=local("2025-03-06 23:00"), ends_at=local("2025-03-07 01:00"))
    assert names(made) == ["Alice"]


@pytest.mark.parametrize("number", [0, 1, 30])
def test_the_ranking_is_one_statement_whatever_the_number_of_people(number, django_assert_num_queries):
    made, people = make.unallocated(), [living(f"Personne{place}") for place in range(number)]
    with django_assert_num_queries(1):
        found = candidates.ranked(made, at=NOW)
        said = [str(one.interpreter) for one in found]
    with django_assert_num_queries(1 if people else 0):
        known = candidates.explained(made, people, at=NOW)
    assert len(said) == len(known) == number
