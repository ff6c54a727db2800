"""When an interpreter is not available: absences, usual hours on the clock of Montréal, and who is marked."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from requests_app import availability, candidates
from requests_app.calendars import Absence, WeeklyHours
from requests_app.models import ServiceRequest
from requests_app.workflow import NotAllowed, ServiceType
from tests import make
from tests.counts import rounds
from tests.make import HOUR, LENGTH, MICROSECOND, NOW, START, local
from tests.requests_app.test_races import contest

pytestmark = pytest.mark.django_db
# START is a Thursday at 13 h.
THURSDAY = 3
AFTERNOON = (time(13), time(17))


def is_free(starts_at=START, ends_at=START + LENGTH, who=make.alice):
    user, place = who(), {"institution": make.institution(), "language": make.language()}
    asked = ServiceRequest(service_type=ServiceType.PHONE, starts_at=starts_at, ends_at=ends_at, **place)
    return not candidates.explained(asked, [user], at=NOW)[user.pk].obstacles


def works(*, who=make.alice, **hours):
    """Usual hours, « jeudi=("9:00", "17:00") »."""
    names = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]
    ends = {"24:00": availability.MIDNIGHT}
    typed = {
        names.index(day): tuple(ends.get(text) or time.fromisoformat(text) for text in pair)
        for day, pair in hours.items()
    }
    availability.set_weekly_hours(who(), typed)


# Absences


def test_an_interpreter_who_said_nothing_is_available():
    assert is_free()


@pytest.mark.parametrize(
    ("since", "until", "free"),
    [
        (START - HOUR, START, True),
        (START - HOUR, START + MICROSECOND, False),
        (START + LENGTH - MICROSECOND, START + 5 * HOUR, False),
        (START + LENGTH, START + 5 * HOUR, True),
        (START + HOUR / 4, START + HOUR / 2, False),
    ],
)
def test_an_absence_counts_when_it_meets_the_service_and_not_when_it_touches_it(since, until, free):
    make.absence(starts_at=since, ends_at=until)
    assert is_free() is free


def test_the_absence_of_one_is_not_the_absence_of_another():
    make.absence(make.bob())
    assert is_free()


def test_an_absence_noted_twice_is_there_once():
    for _ in range(2):
        availability.add_absence(make.alice(), START, START + LENGTH, at=NOW)
    assert Absence.objects.count() == 1


def test_absences_that_overlap_become_one():
    for hours in (0, 2, 1):
        availability.add_absence(make.alice(), START + hours * HOUR, START + hours * HOUR + LENGTH, at=NOW)
    assert list(Absence.objects.values_list("starts_at", "ends_at")) == [(START, START + 2 * HOUR + LENGTH)]


def test_absences_that_touch_stay_two_to_be_taken_back_one_by_one():
    availability.add_absence(make.alice(), START, START + HOUR, at=NOW)
    availability.add_absence(make.alice(), START + HOUR, START + 2 * HOUR, at=NOW)
    assert Absence.objects.count() == 2


def test_an_absence_leaves_those_of_others_as_they_are():
    make.absence(make.bob())
    availability.add_absence(make.alice(), START, START + 9 * HOUR, at=NOW)
    assert Absence.objects.get(interpreter=make.bob()).ends_at == START + LENGTH


def test_nobody_notes_absences_without_end():
    day = timedelta(days=1)
    rows = [
        Absence(interpreter=make.alice(), starts_at=START + n * day, ends_at=START + n * day + HOUR) for n in range(50)
    ]
    Absence.objects.bulk_create(rows)
    with pytest.raises(NotAllowed, match="retirez-en une"):
        availability.add_absence(make.alice(), START + 90 * day, START + 91 * day, at=NOW)
    assert Absence.objects.count() == 50


def test_an_absence_that_joins_one_of_fifty_is_noted():
    day = timedelta(days=1)
    for n in range(50):
        make.absence(starts_at=START + n * day, ends_at=START + n * day + HOUR)
    availability.add_absence(make.alice(), START, START + 2 * HOUR, at=NOW)
    assert Absence.objects.count() == 50


@pytest.mark.parametrize(("late", "noted"), [(timedelta(), 1), (MICROSECOND, 2)])
def test_absences_that_overlap_make_none_of_more_than_a_year(late, noted):
    middle, end = START + timedelta(days=200), START + timedelta(days=366) + late
    make.absence(starts_at=START, ends_at=middle + HOUR)
    make.absence(make.bob())
    try:
        availability.add_absence(make.alice(), middle, end, at=NOW)
    except NotAllowed as error:
        assert "raccourcissez-la" in str(error)
    assert make.alice().absences.filter(starts_at=START, ends_at=end).exists() is (noted == 1)
    assert make.alice().absences.count() == 1


@pytest.mark.parametrize("length", [timedelta(), -HOUR])
def test_the_database_refuses_an_absence_that_ends_before_it_starts(length):
    user = make.alice()
    with pytest.raises(IntegrityError), transaction.atomic():
        make.absence(user, ends_at=START + length)


# Usual hours


@pytest.mark.parametrize(
    ("hours", "free"),
    [
        (("13:00", "14:30"), True),
        (("08:00", "17:00"), True),
        (("13:01", "17:00"), False),
        (("08:00", "14:29"), False),
        (("08:00", "24:00"), True),
    ],
)
def test_a_service_keeps_to_the_usual_hours_when_it_fits_in_them_whole(hours, free):
    works(jeudi=hours)
    assert is_free() is free


def test_a_day_without_hours_is_a_day_off():
    works(mercredi=("00:00", "24:00"), vendredi=("00:00", "24:00"))
    assert not is_free()


def test_no_hours_at_all_means_at_all_hours():
    works(mercredi=("08:00", "17:00"))
    works()
    assert is_free()


def test_hours_are_those_of_montreal_in_summer_as_in_winter():
    works(jeudi=("13:00", "15:00"))
    in_winter, in_summer = datetime(2025, 1, 9, 18, tzinfo=UTC), datetime(2025, 7, 10, 17, tzinfo=UTC)
    assert [is_free(at, at + LENGTH) for at in (in_winter, in_summer, in_summer + HOUR)] == [True, True, False]


NIGHT = local("2025-03-06 22:00")


@pytest.mark.parametrize(
    ("hours", "free"),
    [
        ({"jeudi": ("20:00", "24:00"), "vendredi": ("00:00", "06:00")}, True),
        ({"jeudi": ("20:00", "24:00")}, False),
        ({"vendredi": ("00:00", "06:00")}, False),
        ({"jeudi": ("20:00", "23:59"), "vendredi": ("00:00", "06:00")}, False),
        ({"jeudi": ("20:00", "24:00"), "vendredi": ("00:00", "01:00")}, False),
    ],
)
def test_a_service_across_midnight_needs_the_hours_of_both_days(hours, free):
    works(**hours)
    assert is_free(NIGHT, NIGHT + 4 * HOUR) is free


def test_a_service_that_ends_at_midnight_needs_nothing_of_the_next_day():
    works(jeudi=("20:00", "24:00"))
    assert is_free(NIGHT, NIGHT + 2 * HOUR)


@pytest.mark.parametrize(
    ("starts_at", "length", "parts"),
    [
        # 8 March 2026: from 1 h 30, an hour later is 3 h 30; 1 November: 1 h 30 comes twice.
        (local("2026-03-08 01:30"), HOUR, [(6, time(1, 30), time(3, 30))]),
        (local("2026-11-01 00:30"), 2 * HOUR, [(6, time(0, 30), time(1, 30))]),
        (local("2026-11-01 01:45"), HOUR / 2, [(6, time(1, 15), time(1, 45))]),
        (local("2026-10-31 23:00"), 2 * HOUR, [(5, time(23), time.max), (6, time(), time(1))]),
    ],
)
def test_the_day_the_clock_changes_is_read_on_the_clock(starts_at, length, parts):
    ends_at = starts_at.astimezone(UTC) + length
    assert availability.parts_of(starts_at, ends_at) == parts


def test_the_database_keeps_one_pair_of_hours_for_a_day():
    with pytest.raises(IntegrityError), transaction.atomic():
        for _ in range(2):
            given = {"weekday": THURSDAY, "starts_on_clock": time(9), "ends_on_clock": time(17)}
            WeeklyHours.objects.create(interpreter=make.alice(), **given)


@pytest.mark.django_db(transaction=True)
def test_two_saves_at_once_never_mix():
    user = make.alice()
    mornings = dict.fromkeys(range(7), (time(8), time(12)))
    with contest(2) as race:
        for _ in range(rounds("race") // 4):
            week = {THURSDAY: AFTERNOON}
            done = race(*(lambda given=given: availability.set_weekly_hours(user, given) for given in (mornings, week)))
            assert done == [True, True]
            assert WeeklyHours.objects.count() in {1, 7}


@pytest.mark.django_db(transaction=True)
def test_the_same_absence_sent_twice_at_once_is_noted_once():
    user = make.alice()
    with contest(2) as race:
        for _ in range(rounds("race") // 4):
            Absence.objects.all().delete()
            race(*(lambda: availability.add_absence(user, START, START + HOUR, at=NOW) for _ in range(2)))
            assert Absence.objects.count() == 1


# What a coordinator is told


def marked(made):
    """{first name: why not} of every interpreter."""
    found = candidates.explained(made, User.objects.filter(role="interpreter"), at=NOW).values()
    return {one.interpreter.first_name: ", ".join(obstacle.words for obstacle in one.obstacles) for one in found}


def test_each_interpreter_is_marked_with_why():
    made = make.unallocated(service_type=ServiceType.PHONE, facility=None)
    make.absence(make.bob(), ends_at=local("2025-03-09 00:00"))
    works(who=make.charlie, lundi=("08:00", "12:00"))
    make.alice()
    assert marked(made) == {
        "Alice": "",
        "Bob": "absence jusqu’au 8\u00a0mars",
        "Charlie": "hors de ses heures habituelles",
    }


def test_the_absence_that_ends_last_is_the_one_told():
    made = make.unallocated(service_type=ServiceType.PHONE, facility=None)
    for minutes in (30, 80, 50):
        make.absence(starts_at=START, ends_at=START + timedelta(minutes=minutes))
    assert marked(made)["Alice"] == "absence jusqu’au 6\u00a0mars, 14\u00a0h\u00a020"


def test_a_translation_is_done_at_any_hour():
    made = make.unallocated(service_type=ServiceType.TRANSLATION, facility=None, ends_at=START + timedelta(days=3))
    works(lundi=("08:00", "09:00"))
    assert marked(made)["Alice"] == ""


# What stays booked


def kept(periods, at=NOW):
    return availability.booked_during(make.alice(), periods, at=at)


def test_what_is_booked_or_offered_during_an_absence_is_found():
    first, asked = make.reserved(), make.pending(starts_at=START + timedelta(days=1))
    after = make.modified(starts_at=START + timedelta(days=2))
    periods = [(START, START + HOUR), (START + timedelta(days=1), START + timedelta(days=4))]
    assert kept(periods) == [[first], [after, asked]]


def test_of_a_period_that_has_begun_what_is_over_is_not_told():
    make.reserved(starts_at=START, at=NOW)
    after = make.reserved(starts_at=START + 3 * HOUR, at=NOW)
    assert kept([(START, START + 9 * HOUR)], at=START + 2 * HOUR) == [[after]]


@pytest.mark.parametrize("build", [make.provided, make.cancelled, make.completed, make.unallocated])
def test_what_is_over_is_not_to_be_told(build):
    build()
    assert kept([(START, START + LENGTH)]) == [[]]


def test_what_another_holds_is_not_told():
    make.reserved(make.bob())
    assert kept([(START, START + LENGTH)]) == [[]]


def test_an_absence_changes_nothing_of_what_is_booked_or_offered():
    booked, asked = make.reserved(), make.pending(starts_at=START + timedelta(days=1))
    before = list(ServiceRequest.objects.order_by("pk").values())
    availability.add_absence(make.alice(), START - HOUR, START + timedelta(days=3), at=NOW)
    assert list(ServiceRequest.objects.order_by("pk").values()) == before
    assert asked.offers.open_at(NOW).count() == 1
    assert booked.interpreter == make.alice()


# Words


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("2025-03-06 00:00", "2025-03-07 00:00", "le jeu. 6 mars 2025"),
        ("2025-03-06 00:00", "2025-03-10 00:00", "du jeu. 6 mars 2025 au dim. 9 mars 2025"),
        ("2025-03-06 09:00", "2025-03-06 12:30", "le jeu. 6 mars 2025, de 9 h à 12 h 30"),
        ("2025-03-06 13:00", "2025-03-08 00:00", "du jeu. 6 mars 2025, 13 h au ven. 7 mars 2025"),
        ("2025-03-06 00:00", "2025-03-06 12:00", "le jeu. 6 mars 2025, jusqu’à 12 h"),
        ("2025-03-06 13:00", "2025-03-07 00:00", "le jeu. 6 mars 2025, à partir de 13 h"),
        ("2026-11-01 00:00", "2026-11-02 00:00", "le dim. 1er nov. 2026"),
    ],
)
def test_a_period_is_said_with_its_days_included(since, until, words):
    assert availability.period_words(local(since), local(until)).replace("\u00a0", " ") == words
