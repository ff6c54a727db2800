"""The 48 h clock: elapsed time on business days, in local days (domain « Pay », ruling 12)."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from requests_app.business_days import business_time, by_day, is_business_day, local_instant, notice_limit

TORONTO = ZoneInfo("America/Toronto")
TEHRAN = ZoneInfo("Asia/Tehran")
CHRISTMAS = {date(2024, 12, 24), date(2024, 12, 25), date(2024, 12, 26)}
CLOSED = CHRISTMAS | {date(2025, 1, 1), date(2025, 4, 18), date(2025, 4, 21), date(2025, 10, 13), date(2025, 12, 25)}
TWO_DAYS = timedelta(hours=48)
MICROSECOND = timedelta(microseconds=1)


def at(text, tz=TORONTO, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=tz, fold=fold)


def hours(start, end, closed_days=(), tz=TORONTO):
    return business_time(start, end, closed_days=closed_days, tz=tz) / timedelta(hours=1)


def limit(starts_at, closed_days=(), notice=TWO_DAYS):
    return notice_limit(at(starts_at), notice=notice, closed_days=closed_days, tz=TORONTO)


def test_a_business_day_lasts_24_hours():
    assert hours(at("2025-03-10 00:00"), at("2025-03-11 00:00")) == 24


def test_a_weekend_counts_nothing():
    assert hours(at("2025-03-15 00:00"), at("2025-03-17 00:00")) == 0


def test_friday_morning_to_monday_morning_is_what_falls_on_friday_and_monday():
    assert hours(at("2025-03-14 09:00"), at("2025-03-17 10:00")) == 25


def test_a_notice_on_a_closed_day_starts_at_midnight_of_the_next_business_day():
    assert hours(at("2025-03-15 12:34"), at("2025-03-17 10:00")) == 10


@pytest.mark.parametrize(("end", "expected"), [("23:59", 1439), ("00:00", 1440), ("00:01", 1440)])
def test_the_count_stops_at_the_midnight_that_opens_a_weekend(end, expected):
    day = "2025-03-15" if end.startswith("00") else "2025-03-14"
    counted = business_time(at("2025-03-14 00:00"), at(f"{day} {end}"), closed_days=(), tz=TORONTO)
    assert counted == timedelta(minutes=expected)


@pytest.mark.parametrize(
    ("start", "expected"), [("2025-03-16 23:59", 60), ("2025-03-17 00:00", 60), ("2025-03-17 00:01", 59)]
)
def test_the_count_resumes_at_the_midnight_that_closes_a_weekend(start, expected):
    counted = business_time(at(start), at("2025-03-17 01:00"), closed_days=(), tz=TORONTO)
    assert counted == timedelta(minutes=expected)


def test_christmas_counts_nothing():
    assert hours(at("2024-12-24 00:00"), at("2024-12-27 00:00"), CHRISTMAS) == 0


@pytest.mark.parametrize(
    ("day", "expected"), [("2024-12-23", 24), ("2024-12-24", 0), ("2024-12-26", 0), ("2024-12-27", 24)]
)
def test_only_the_three_days_of_christmas_are_closed(day, expected):
    assert hours(at(f"{day} 00:00"), at(f"{day} 00:00") + timedelta(days=1), CHRISTMAS) == expected


def test_a_closed_day_on_a_weekend_is_not_taken_twice():
    assert hours(at("2025-03-14 00:00"), at("2025-03-18 00:00"), {date(2025, 3, 15)}) == 48


@pytest.mark.parametrize(("friday", "monday"), [("2025-03-07", "2025-03-10"), ("2025-10-31", "2025-11-03")])
def test_a_weekend_of_the_clock_change_changes_nothing(friday, monday):
    assert hours(at(f"{friday} 09:00"), at(f"{monday} 09:00")) == 24


@pytest.mark.parametrize(
    ("day", "expected"), [("2021-03-21", 0), ("2021-03-22", 23), ("2021-09-21", 25), ("2021-09-22", 24)]
)
def test_a_business_day_of_the_clock_change_has_23_or_25_hours(day, expected):
    assert hours(at(f"{day} 00:00", TEHRAN), at(f"{day} 00:00", TEHRAN) + timedelta(days=1), tz=TEHRAN) == expected


def test_two_instants_of_the_doubled_hour_are_put_in_their_true_order():
    first, second = at("2025-11-02 01:50"), at("2025-11-02 01:10", fold=1)
    assert hours(first, second) == 0
    with pytest.raises(ValueError, match="^Le début doit précéder la fin.$"):
        hours(second, first)


def test_instants_of_another_zone_are_read_in_local_days():
    assert hours(datetime(2025, 3, 15, 2, tzinfo=UTC), datetime(2025, 3, 15, 6, tzinfo=UTC)) == 2


def test_the_same_instant_leaves_no_time():
    assert hours(at("2025-03-10 10:00"), at("2025-03-10 10:00")) == 0


def test_a_start_after_the_end_is_refused():
    with pytest.raises(ValueError, match="^Le début doit précéder la fin.$"):
        hours(at("2025-03-10 10:00") + MICROSECOND, at("2025-03-10 10:00"))


@pytest.mark.parametrize("naive", [0, 1])
def test_a_naive_instant_is_refused(naive):
    instants = [at("2025-03-10 10:00"), at("2025-03-11 10:00")]
    instants[naive] = instants[naive].replace(tzinfo=None)
    with pytest.raises(ValueError, match="^Une date et une heure doivent avoir un fuseau horaire.$"):
        hours(*instants)


def test_closed_days_may_be_any_iterable():
    assert hours(at("2024-12-23 00:00"), at("2024-12-28 00:00"), iter(sorted(CHRISTMAS))) == 48


def test_ten_years_are_counted_day_by_day():
    days = [date(2015, 1, 1) + timedelta(days=n) for n in range(3653)]
    open_days = sum(is_business_day(day, closed_days=CLOSED) for day in days)
    assert hours(at("2015-01-01 00:00"), at("2025-01-01 00:00"), CLOSED) == 24 * open_days


@pytest.mark.parametrize(("day", "is_open"), [(14, True), (15, False), (16, False), (17, True)])
def test_saturday_and_sunday_are_no_business_days(day, is_open):
    assert is_business_day(date(2025, 3, day), closed_days=()) is is_open


def test_a_closed_day_is_no_business_day():
    assert not is_business_day(date(2024, 12, 25), closed_days=CHRISTMAS)


def test_300_random_pairs_agree_with_counting_the_minutes():
    draw = random.Random(48)
    eves = ["2024-12-22", "2025-03-07", "2025-10-31", "2025-04-17", "2025-06-10"]
    for _ in range(300):
        start = at(f"{draw.choice(eves)} 00:00").astimezone(UTC) + timedelta(minutes=draw.randrange(2 * 1440))
        minutes = [start + timedelta(minutes=n) for n in range(draw.randrange(4 * 1440))]
        local_days = [minute.astimezone(TORONTO).date() for minute in minutes]
        expected = sum(day.isoweekday() not in (6, 7) and day not in CLOSED for day in local_days)
        end = start + timedelta(minutes=len(minutes))
        assert business_time(start, end, closed_days=CLOSED, tz=TORONTO) == timedelta(minutes=expected), (start, end)


def test_the_count_is_told_day_by_day_without_the_closed_days():
    told = by_day(at("2025-03-14 16:00"), at("2025-03-17 14:00"), closed_days=(), tz=TORONTO)
    assert told == [(date(2025, 3, 14), timedelta(hours=8)), (date(2025, 3, 17), timedelta(hours=14))]


def test_no_day_is_told_when_nothing_counts():
    assert by_day(at("2024-12-24 08:00"), at("2024-12-26 08:00"), closed_days=CHRISTMAS, tz=TORONTO) == []


def test_a_day_that_ends_at_midnight_does_not_tell_an_empty_next_day():
    told = by_day(at("2025-03-10 23:00"), at("2025-03-11 00:00"), closed_days=(), tz=TORONTO)
    assert told == [(date(2025, 3, 10), timedelta(hours=1))]


def test_the_limit_is_48_business_hours_before_the_start():
    assert limit("2025-06-12 16:00") == at("2025-06-10 16:00")


def test_the_limit_steps_over_the_weekend():
    assert limit("2025-03-17 10:00") == at("2025-03-13 10:00")


def test_the_limit_steps_over_christmas():
    assert limit("2024-12-27 10:00", CHRISTMAS) == at("2024-12-20 10:00")


def test_a_limit_on_the_edge_of_a_weekend_is_its_end():
    assert limit("2025-03-19 00:00") == at("2025-03-17 00:00")


def test_a_limit_on_the_edge_of_christmas_is_its_end():
    assert limit("2024-12-31 00:00", CHRISTMAS) == at("2024-12-27 00:00")


def test_a_start_on_a_closed_day_leaves_its_notice_before_it():
    assert limit("2025-03-16 10:00") == at("2025-03-13 00:00")


def test_the_limit_is_given_in_local_time():
    starts_at = at("2025-06-12 16:00").astimezone(UTC)
    found = notice_limit(starts_at, notice=TWO_DAYS, closed_days=iter(()), tz=TORONTO)
    assert (found.tzinfo, found.hour) == (TORONTO, 16)


@pytest.mark.parametrize("starts_at", ["2025-03-10 01:00", "2025-03-15 10:00"])
def test_no_notice_at_all_is_due_by_the_start_itself(starts_at):
    assert limit(starts_at, notice=timedelta()) == at(starts_at)


def test_a_negative_notice_is_refused():
    with pytest.raises(ValueError, match="^Un préavis ne peut pas être négatif.$"):
        limit("2025-03-10 10:00", notice=-MICROSECOND)


def test_a_limit_needs_an_aware_start():
    with pytest.raises(ValueError, match="^Une date et une heure doivent avoir un fuseau horaire.$"):
        notice_limit(datetime(2025, 3, 10, 10), notice=TWO_DAYS, closed_days=(), tz=TORONTO)


def test_at_the_limit_the_notice_is_whole_and_a_moment_later_it_is_not():
    draw = random.Random(12)
    for _ in range(300):
        starts_at = at("2024-12-20 00:00") + timedelta(minutes=draw.randrange(450 * 1440))
        notice = timedelta(minutes=draw.choice([1, 60, 1440, 2880, draw.randrange(1, 9999)]))
        found = notice_limit(starts_at, notice=notice, closed_days=CLOSED, tz=TORONTO)
        after = (found.astimezone(UTC) + MICROSECOND).astimezone(TORONTO)
        assert business_time(found, starts_at, closed_days=CLOSED, tz=TORONTO) == notice
        assert business_time(after, starts_at, closed_days=CLOSED, tz=TORONTO) == notice - MICROSECOND


def test_a_local_time_is_read_in_the_zone():
    assert local_instant(date(2025, 3, 12), time(14, 10), TORONTO) == datetime(2025, 3, 12, 18, 10, tzinfo=UTC)


@pytest.mark.parametrize("fold", [0, 1])
def test_the_doubled_hour_of_november_is_its_first_occurrence(fold):
    instant = local_instant(date(2025, 11, 2), time(1, 30, fold=fold), TORONTO)
    assert instant.astimezone(UTC) == datetime(2025, 11, 2, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(("typed", "utc_hour"), [(time(1, 59), 6), (time(3, 0), 7)])
def test_the_hours_around_the_missing_one_exist(typed, utc_hour):
    assert local_instant(date(2025, 3, 9), typed, TORONTO).astimezone(UTC).hour == utc_hour


@pytest.mark.parametrize(("minute", "words"), [(0, "2 h"), (30, "2 h 30"), (59, "2 h 59")])
def test_the_missing_hour_of_march_is_an_error(minute, words):
    with pytest.raises(ValueError) as refused:
        local_instant(date(2025, 3, 9), time(2, minute), TORONTO)
    told = f"L’heure {words} n’existe pas le 9 mars 2025 : on avance l’heure cette nuit-là."
    assert str(refused.value).replace("\u00a0", " ") == told


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date.min, "1er\u00a0janvier 1"),
        (date(1999, 12, 31), "31\u00a0décembre 1999"),
        (date(9999, 1, 1), "1er\u00a0janvier 9999"),
        (date.max, "31\u00a0décembre 9999"),
    ],
)
def test_a_day_no_clock_of_ours_reaches_is_an_error(day, words):
    with pytest.raises(ValueError, match=f"^La date du {words} est trop éloignée[.]$"):
        local_instant(day, time(23, 59), TORONTO)


@pytest.mark.parametrize("day", [date(2000, 1, 1), date(9998, 12, 31)])
def test_the_days_around_the_far_ones_are_read(day):
    assert local_instant(day, time(23, 59), TORONTO).date() == day
