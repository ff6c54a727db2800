from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from django.template import Context, Template

from accounts import french


@pytest.mark.parametrize(
    ("value", "written"),
    [(time(14, 10), "14 h 10"), (time(9, 5), "9 h 05"), (time(11), "11 h"), (time(0, 30), "0 h 30")],
)
def test_hours_follow_the_24_hour_clock(value, written):
    assert french.hour(value) == written.replace(" ", "\u00a0")


def test_an_instant_is_shown_on_the_clock_of_montreal():
    late_evening = datetime(2024, 11, 13, 1, 30, tzinfo=UTC)

    assert french.hour(late_evening) == "20\u00a0h\u00a030"
    assert french.long_date(late_evening) == "mardi 12\u00a0novembre 2024"


def test_an_instant_without_time_zone_is_refused():
    with pytest.raises(ValueError, match="sans fuseau"):
        french.hour(datetime(2024, 11, 12, 14, 10))


def test_the_first_of_a_month_is_1er():
    assert french.long_date(date(2024, 11, 1)) == "vendredi 1er\u00a0novembre 2024"
    assert french.short_date(date(2024, 11, 1)) == "1er\u00a0nov.\u00a02024"


def test_a_short_day_leaves_the_year_out():
    assert french.short_day(date(2024, 11, 1)) == "ven.\u00a01er\u00a0nov."


def test_short_dates_use_the_usual_abbreviations():
    months = [french.short_date(date(2024, month, 12)).split("\u00a0")[1] for month in range(1, 13)]

    assert months == [
        "janv.",
        "févr.",
        "mars",
        "avr.",
        "mai",
        "juin",
        "juill.",
        "août",
        "sept.",
        "oct.",
        "nov.",
        "déc.",
    ]
    assert french.short_date(date(2024, 11, 12), weekday=True) == "mar.\u00a012\u00a0nov.\u00a02024"


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2024, 11, 4), date(2024, 12, 8), "du 4\u00a0novembre 2024 au 8\u00a0décembre 2024"),
        (date(2024, 11, 1), date(2024, 11, 1), "le 1er\u00a0novembre 2024"),
        (date(2024, 11, 4), None, "à partir du 4\u00a0novembre 2024"),
        (None, date(2024, 12, 8), "jusqu’au 8\u00a0décembre 2024"),
        (None, None, "toutes les dates"),
    ],
)
def test_a_period_is_said_in_words(start, end, words):
    assert french.date_range_words(start, end) == words


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("1041", "1_041,00_$"),
        ("41.005", "41,01_$"),
        ("0", "0,00_$"),
        ("-20.5", "−20,50_$"),
        ("-0.001", "0,00_$"),
        ("1234567.8", "1_234_567,80_$"),
    ],
)
def test_money_has_a_comma_and_its_sign_after(amount, written):
    assert french.money(Decimal(amount)) == written.replace("_", "\u00a0")


@pytest.mark.parametrize(
    ("value", "written"),
    [("36.80", "36,8_km"), ("16.0", "16_km"), ("1250", "1_250_km"), ("0.125", "0,125_km"), ("100", "100_km")],
)
def test_kilometres_keep_only_the_digits_that_count(value, written):
    assert french.km(Decimal(value)) == written.replace("_", "\u00a0")


def test_a_number_is_rounded_half_up_to_the_places_asked():
    assert french.decimal(Decimal("2.345"), 2) == "2,35"
    assert french.decimal(Decimal("47.9999"), 4) == "47,9999"
    assert french.decimal(1240) == "1\u00a0240"


@pytest.mark.parametrize(
    ("minutes", "written"), [(0, "0 min"), (45, "45 min"), (60, "1 h"), (65, "1 h 05"), (150, "2 h 30"), (1500, "25 h")]
)
def test_a_duration_is_said_in_hours_and_minutes(minutes, written):
    assert french.duration(minutes) == written.replace(" ", "\u00a0")


def test_templates_have_the_same_words_without_loading_anything():
    template = Template(
        "{{ at|date_longue }}, {{ at|heure }} ; {{ at|date_courte:True }} ; {{ pay|argent }} ; {{ far|km }}"
    )
    context = {"at": datetime(2024, 11, 12, 19, 10, tzinfo=UTC), "pay": Decimal(82), "far": Decimal("18.4")}

    written = template.render(Context(context)).replace("\u00a0", " ")

    assert written == "mardi 12 novembre 2024, 14 h 10 ; mar. 12 nov. 2024 ; 82,00 $ ; 18,4 km"


def test_templates_write_numbers_and_durations():
    template = Template("{{ far|nombre }} ; {{ far|nombre:2 }} ; {{ long|duree }}")

    written = template.render(Context({"far": Decimal("18.4"), "long": 90})).replace("\u00a0", " ")

    assert written == "18,4 ; 18,40 ; 1 h 30"


def test_what_is_absent_prints_nothing():
    assert Template("[{{ none|argent }}{{ none|heure }}]").render(Context({"none": None})) == "[]"


@pytest.mark.parametrize(
    ("number", "word"),
    [(0, "ligne"), (1, "ligne"), (Decimal("1.99"), "ligne"), (2, "lignes"), (-3, "lignes"), ([1, 2], "lignes")],
)
def test_the_plural_begins_at_two(number, word):
    assert Template("{{ number|pluralize:'ligne,lignes' }}").render(Context({"number": number})) == word
