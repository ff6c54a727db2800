"""What the flags of real files read: neighbours, receipts, distances, and a fixed number of statements."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import InterpreterProfile
from completion import decisions
from completion.flagged import flags_of
from completion.models import Outcome
from requests_app import services
from requests_app.models import Facility, ServiceRequest
from requests_app.workflow import ServiceType
from tests import make
from tests.completion.make import attach, copies, image, provided, report, row, times
from tests.make import HOUR, LENGTH, START, local

pytestmark = pytest.mark.django_db
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def kinds(made) -> list[str]:
    return [flag.kind.value for flag in flags_of([made])[made.pk]]


def is_clean(made) -> bool:
    return not kinds(made)


def others(made) -> list[int]:
    """The requests that the flags of a file name."""
    return [flag.other for flag in flags_of([made])[made.pk]]


def filed(by=None, **fields):
    """Reserved and reported as said; a distance, hours… are those of the report."""
    known = {
        name: fields.pop(name) for name in list(fields) if name in {"starts_at", "service_type", "facility", "ends_at"}
    }
    made = make.reserved(by, at=(known.get("starts_at") or START) - 3 * DAY, **known)
    report(made, **fields)
    return made


def early(minutes: int) -> dict:
    """The presence as booked on START, begun some minutes before."""
    return {"actual_starts_at": START - minutes * MINUTE, "actual_ends_at": START + LENGTH}


def far_away() -> Facility:
    """A place of the same institution, in another town."""
    place = make.facility("Pavillon du Lac")
    place.latitude += 1
    place.save()
    return place


def test_a_report_as_booked_is_clean():
    assert is_clean(provided())


def test_nothing_asked_reads_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert flags_of([]) == {}


# Presences.


def test_an_overlap_with_a_file_validated_long_ago_is_seen():
    before = filed(starts_at=START - LENGTH)
    decisions.validate(before, by=make.validator(), at=START)
    assert others(filed(**early(10))) == [before.pk]


def test_whoever_came_for_nobody_was_there_all_the_same():
    before = filed(starts_at=START - LENGTH, outcome=Outcome.PATIENT_ABSENT)
    assert others(filed(**early(10))) == [before.pk]


def test_both_files_of_an_overlap_are_flagged():
    before, after = filed(starts_at=START - LENGTH), filed(**early(10))
    found = flags_of([before, after])
    assert [[flag.other for flag in found[made.pk]] for made in (before, after)] == [[after.pk], [before.pk]]


def test_presences_are_compared_across_midnight():
    late = local("2025-03-05 23:00")
    before = filed(starts_at=late, ends_at=late + LENGTH)
    following = late + LENGTH
    after = filed(starts_at=following, actual_starts_at=following - 5 * MINUTE, actual_ends_at=following + LENGTH)
    assert others(after) == [before.pk]


def test_the_hour_that_comes_twice_is_two_hours():
    """On 2 November 2025, 1 h 30 comes twice: the first is over when the second begins."""
    first = local("2025-11-02 01:00")
    second = local("2025-11-02 01:00").replace(fold=1)
    filed(starts_at=first, ends_at=local("2025-11-02 01:30"))
    after = filed(starts_at=second, ends_at=local("2025-11-02 01:30").replace(fold=1))
    assert kinds(after) == []


def test_another_persons_report_never_counts():
    filed(make.bob(), starts_at=START)
    assert is_clean(filed(make.alice()))


def test_who_took_the_request_over_is_compared_with_their_own_reports():
    made, alices = make.reserved(make.alice()), make.reserved(make.alice(), starts_at=START - LENGTH)
    report(alices, actual_starts_at=alices.starts_at, actual_ends_at=START + HOUR)
    services.reassign(made, make.bob(), by=make.coordinator(), at=START - DAY, note="Échange.")
    bobs = filed(make.bob(), starts_at=START - LENGTH)
    report(made, **early(10))
    assert others(made) == [bobs.pk]


def test_between_two_towns_the_road_does_not_fit_in_the_time():
    before = filed(starts_at=START - LENGTH - HOUR)
    after = filed(facility=far_away())
    found = flags_of([before, after])
    assert [[flag.kind.value for flag in found[made.pk]] for made in (before, after)] == [["travel"], ["travel"]]


@pytest.mark.parametrize("known", [{"service_type": ServiceType.VIDEO}, {"service_type": ServiceType.PHONE}, {}])
def test_nobody_travels_to_a_screen_nor_to_the_same_place(known):
    filed(starts_at=START - LENGTH)
    assert is_clean(filed(**known))


def test_whoever_did_not_come_was_nowhere():
    made = filed(starts_at=START - LENGTH - HOUR, outcome=Outcome.CANCELLED)
    assert is_clean(made)
    assert is_clean(filed(facility=far_away()))


# Receipts.


def test_a_receipt_attached_to_two_requests_names_each_to_the_other():
    first, second = provided(make.alice()), provided(make.bob())
    for made in (first, second):
        attach(made, content=image(size=(61, 41)))
    assert (kinds(first), others(first), others(second)) == (["same_file"], [second.pk], [first.pk])
    assert "d’une autre personne" in flags_of([first])[first.pk][0].sentence


def test_the_receipt_of_whoever_left_is_nobodys():
    left = provided(make.alice())
    attach(left)
    left.attachments.update(interpreter=make.bob())
    made = provided(make.bob())
    report(made, parking_amount=Decimal("9.00"))
    attach(made)
    assert (kinds(made), kinds(left)) == ([], [])


def test_parking_asks_for_a_receipt_of_whoever_holds_the_request():
    made = provided(make.alice())
    report(made, parking_amount=Decimal("9.00"))
    attach(made, kind="other")
    assert kinds(made) == ["parking"]
    attach(made, content=image(size=(61, 41)))
    assert kinds(made) == []


# Distances, communications, dates.


def test_the_shorter_estimate_and_the_policy_of_the_day_judge_the_kilometres():
    made, office = provided(), make.alice().interpreter_profile.home_institution
    InterpreterProfile.objects.update(home_latitude=office.latitude + 1, home_longitude=office.longitude)
    report(made, distance_km=Decimal("16.0"))
    # The head office stands at the facility's door: nothing is estimated from there.
    assert kinds(made) == ["distance", "short_way"]


def test_a_relay_is_judged_from_the_request_it_comes_from():
    made = make.reserved()
    make.communication(made)
    relay = services.mark_unallocated(made, by=make.alice(), at=make.NOW + HOUR)
    assert kinds(relay) == ["unbillable"]
    ServiceRequest.objects.filter(pk=made.pk).update(created_at=make.NOW + MINUTE)
    assert kinds(relay) == ["outside", "unbillable"]


def test_a_relay_returned_before_it_was_filed_counts_from_its_first_filing():
    made = make.reserved(are_communications_requested=True)
    make.communication(made)
    relay = services.mark_unallocated(made, by=make.alice(), at=make.NOW + HOUR)
    decisions.return_for_correction(relay, by=make.validator(), at=make.NOW + DAY, reason="Précisez.")
    assert kinds(relay) == []
    report(relay, at=make.NOW + HOUR + 10 * DAY + 2 * HOUR)
    assert kinds(relay) == ["late"]


def test_the_first_filing_counts_whatever_was_corrected_since():
    made = provided()
    report(made, at=made.ends_at + 30 * DAY)
    assert kinds(made) == []


def test_a_late_cancellation_that_nobody_filed_is_clean():
    made = make.reserved()
    services.cancel(made, by=make.requester(), at=START - HOUR, reason="by_requester")
    assert is_clean(made)


def test_what_a_validator_accepted_is_decided():
    made = provided()
    report(made, communications=[row(START - DAY)])
    assert kinds(made) == ["unbillable"]
    made.refresh_from_db()
    kept = made.communications.get()
    decisions.accept_communication(made, kept, by=make.validator(), at=made.ends_at + DAY, reason="Demandée.")
    assert kinds(made) == []


def late_with_a_line(amount="50.00"):
    made = make.reserved()
    services.cancel(made, by=make.requester(), at=START - HOUR, reason="by_requester")
    who, at = make.validator(), START - HOUR
    return made, decisions.add_line(made, by=who, at=at, amount=Decimal(amount), reason="Stationnement.")


def test_a_line_added_to_a_cancellation_is_seen_once_it_is_reinstated_and_served():
    made, _ = late_with_a_line()
    services.reinstate(made, by=make.coordinator(), at=START - HOUR, note="Erreur.")
    services.assign(made, make.alice(), by=make.coordinator(), at=START - HOUR, note="Comme avant.")
    report(made)
    assert kinds(made) == ["added"]
    assert "50,00\u00a0$ ajoutés par" in flags_of([made])[made.pk][0].sentence


def test_a_line_taken_back_or_of_whoever_held_the_request_before_is_not_seen():
    made, line = late_with_a_line()
    ServiceRequest.objects.filter(pk=made.pk).update(interpreter=make.bob())
    assert kinds(made) == []
    ServiceRequest.objects.filter(pk=made.pk).update(interpreter=make.alice())
    assert kinds(made) == ["added"]
    decisions.remove_line(made, line=line.pk, by=make.validator(), at=START)
    assert kinds(made) == []


# Many at once.


def test_it_reads_what_the_database_says_now_whatever_was_loaded():
    made = provided()
    stale = ServiceRequest.objects.select_related("completion").prefetch_related("communications").get(pk=made.pk)
    report(made, **times(made, length=LENGTH + HOUR), communications=[row(START - DAY)])
    with transaction.atomic():
        stale.lock()
        assert kinds(stale) == ["duration", "unbillable"]


def many(count: int) -> list[ServiceRequest]:
    """Reports of one interpreter that touch one another, with the same receipt and a communication to decide."""
    made = filed(starts_at=START, distance_km=Decimal(20))
    report(made, communications=[row(START - DAY)])
    attach(made)
    return [made, *copies(made, count - 1)]


def test_the_statements_do_not_grow_with_the_rows(django_assert_num_queries):
    made = many(60)
    for number in (1, 10, 60):
        loaded = list(ServiceRequest.objects.filter(pk__in=[one.pk for one in made[:number]]))
        with django_assert_num_queries(7):
            found = flags_of(loaded)
        assert {len(found[one.pk]) for one in loaded} == {3}
    assert [flags_of([one])[one.pk] for one in made[:5]] == [found[one.pk] for one in made[:5]]


def test_an_unrelated_request_changes_the_flags_of_nobody():
    made = many(5)
    before = flags_of(made)
    filed(make.interpreter("Denise"), starts_at=START, parking_amount=Decimal(9))
    filed(make.alice(), starts_at=START + 30 * DAY, distance_km=Decimal(3))
    assert flags_of(made) == before
