"""« Disponibilités », where an interpreter says when they are away; and the marks that a coordinator reads."""

from datetime import time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from requests_app import availability
from requests_app.calendars import Absence, WeeklyHours
from requests_app.workflow import Status
from tests import make
from tests.make import HOUR, local
from tests.pages import ago, ahead, copies, errors, form_with, forms, press, said, signed_in

pytestmark = pytest.mark.django_db
PAGE = "/disponibilites/"


@pytest.fixture
def client():
    return signed_in(make.alice())


def day(number) -> str:
    return f"{ahead(number):%Y-%m-%d}"


def midnight(number):
    return ahead(number, hour=0)


def note(client, **typed):
    return press(client, PAGE, "Noter l’absence", **typed)


def noted() -> list:
    return list(Absence.objects.values_list("starts_at", "ends_at"))


# « Je ne suis pas disponible »


def test_without_a_time_the_first_and_the_last_day_count_whole(client):
    answer = note(client, start_date=day(3), end_date=day(5))
    assert (answer.url, noted()) == (PAGE, [(midnight(3), midnight(6))])


def test_without_a_last_day_the_absence_is_of_that_day(client):
    note(client, start_date=day(3), start_time="13h")
    note(client, start_date=day(5), start_time="9h", end_time="11h")
    assert noted() == [(ahead(3), midnight(4)), (ahead(5, hour=9), ahead(5, hour=11))]


@pytest.mark.parametrize(("typed", "hour"), [("13h", 13), ("8", 8), ("16:00", 16), ("1500", 15)])
def test_a_time_is_typed_as_people_type_it(client, typed, hour):
    note(client, start_date=day(3), start_time=typed, end_date=day(3), end_time="18 h")
    assert noted() == [(ahead(3, hour=hour), ahead(3, hour=18))]


def test_an_absence_of_today_may_have_begun(client):
    note(client, start_date=day(0), end_date=day(0))
    assert noted() == [(midnight(0), midnight(1))]


def test_what_was_noted_is_said(client):
    note(client, start_date=day(3), end_date=day(3))
    assert "C’est noté : vous n’êtes pas disponible le " in said(client.get(PAGE))


BAD = {
    "nothing": ({}, {"start_date"}),
    "no first day": ({"end_date": 5}, {"start_date"}),
    "the end first": ({"start_date": 5, "end_date": 3}, {"end_date"}),
    "the same hour": ({"start_date": 5, "end_date": 5, "start_time": "9h", "end_time": "9h"}, {"end_time"}),
    "all in the past": ({"start_date": -9, "end_date": -3}, {"end_date"}),
    "more than a year": ({"start_date": 3, "end_date": 380}, {"end_date"}),
    "too far": ({"start_date": 900, "end_date": 901}, {"start_date"}),
    "no hour": ({"start_date": 3, "end_date": 3, "start_time": "tard", "end_time": "25h"}, {"start_time", "end_time"}),
}


@pytest.mark.parametrize(("typed", "beside"), BAD.values(), ids=BAD)
def test_a_period_that_cannot_be_is_refused_beside_its_field(client, typed, beside):
    sent = {name: day(value) if isinstance(value, int) else value for name, value in typed.items()}
    answer = client.post(PAGE, sent)
    assert (answer.status_code, set(errors(answer)), noted()) == (422, beside, [])


def test_what_was_typed_is_kept(client):
    answer = note(client, start_date=day(5), end_date=day(3), start_time="9 h 15")
    fields = form_with(answer, "Noter l’absence").fields
    assert (fields["start_date"], fields["start_time"]) == (day(5), "9 h 15")


def test_H3_the_missing_hour_of_march_is_an_error_beside_the_time(client, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: local("2026-03-01 10:00"))
    typed = {"start_date": "2026-03-08", "start_time": "2h30", "end_date": "2026-03-09"}
    found = errors(signed_in(make.bob()).post(PAGE, typed))
    assert set(found) == {"start_time"}
    assert "n’existe pas" in found["start_time"]


ODD = ["\x00", "0001-01-01", "9999-12-31", "2026-02-30", "x" * 5000, "-1", "²"]


@pytest.mark.parametrize("name", ["start_date", "start_time", "end_date", "end_time"])
def test_whatever_is_sent_the_page_answers(client, name):
    typed = {"start_date": day(3), "end_date": day(4)}
    assert {client.post(PAGE, typed | {name: value}).status_code for value in ODD} == {422}


def test_past_absences_are_no_longer_shown(client):
    make.absence(starts_at=ago(3), ends_at=ago(2))
    assert "Aucune absence à venir" in said(client.get(PAGE))


def test_an_absence_is_taken_back(client):
    make.absence(starts_at=ahead(3), ends_at=ahead(4))
    button = next(b for form in forms(client.get(PAGE)) for b in form.buttons if b.startswith("Retirer"))
    press(client, PAGE, button)
    assert noted() == []


def test_nobody_takes_back_the_absence_of_another(client):
    made = make.absence(make.bob(), starts_at=ahead(3), ends_at=ahead(4))
    assert client.post(f"{PAGE}{made.pk}/retirer/").status_code == 404
    assert len(noted()) == 1


# What stays booked


def test_what_is_booked_meanwhile_is_said_and_stays(client):
    first = make.reserved(at=ago(1), starts_at=ahead(3))
    second = make.reserved(at=ago(1), starts_at=ahead(4))
    note(client, start_date=day(3), end_date=day(5))
    page = client.get(PAGE)
    told = "Vous avez 2 demandes réservées pendant cette période : elles restent réservées."
    assert told in said(page)
    assert all(f'href="/demandes/{made.pk}/"' in page.content.decode() for made in (first, second))
    first.refresh_from_db()
    assert first.status == Status.RESERVED


@pytest.mark.parametrize(
    ("builders", "told"),
    [
        ([make.reserved], "Vous avez 1 demande réservée pendant cette période : elle reste réservée."),
        ([make.pending], "Vous avez 1 demande à accepter ou à refuser pendant cette période : elle reste ainsi."),
        ([make.modified, make.pending], "Vous avez 1 demande réservée et 1 demande à accepter ou à refuser"),
    ],
)
def test_a_booking_and_an_offer_are_each_called_by_their_name(client, builders, told):
    for hour, build in enumerate(builders):
        build(at=ago(1), starts_at=ahead(4, hour=9 + 4 * hour))
    note(client, start_date=day(3), end_date=day(5))
    assert told in said(client.get(PAGE))


def test_an_absence_hides_nothing_from_the_home_page(client):
    made = make.reserved(at=ago(1), starts_at=ahead(4))
    note(client, start_date=day(3), end_date=day(5))
    assert f'href="/demandes/{made.pk}/"' in client.get("/?vue=tous").content.decode()


def test_A4_the_page_says_nothing_of_the_patient_nor_of_the_place(client):
    made = make.pending(at=ago(1), starts_at=ahead(4))
    make.absence(starts_at=ahead(3), ends_at=ahead(6))
    page = client.get(PAGE).content.decode()
    hidden = [*make.PERSONAL.values(), made.facility.name, made.facility.address]
    assert [canary for canary in hidden if canary in page] == []
    assert f"/demandes/{made.pk}/" in page


@pytest.mark.parametrize("number", [1, 25])
def test_the_page_asks_the_database_6_times_whatever_it_shows(client, number):
    copies(make.reserved(at=ago(1), starts_at=ahead(3)), number - 1, timedelta(hours=3))
    for index in range(number):
        make.absence(starts_at=ahead(3 + index), ends_at=ahead(3 + index) + HOUR)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(PAGE).content.count(b"Retirer<span") == number
    assert len(captured) == 6


# « Mes heures habituelles »

SAVE, COPY = "Sauvegarder mes heures", "Copier lundi aux autres jours de semaine"


def week() -> dict:
    return {row.weekday: (row.starts_on_clock, row.ends_on_clock) for row in WeeklyHours.objects.all()}


def test_hours_are_saved_for_the_days_that_have_some(client):
    press(client, PAGE, SAVE, from_0="8h30", to_0="17 h", from_6="1300", to_6="0 h")
    assert week() == {0: (time(8, 30), time(17)), 6: (time(13), availability.MIDNIGHT)}


def test_the_hours_of_monday_are_copied_to_the_other_working_days(client):
    press(
        client,
        PAGE,
        COPY,
        action="copier",
        from_0="8h30",
        to_0="17 h",
        from_3="1",
        from_6="13h",
        to_6="15h",
    )
    working = dict.fromkeys(range(5), (time(8, 30), time(17)))
    assert week() == working | {6: (time(13), time(15))}


def test_hours_of_monday_that_cannot_be_are_copied_nowhere(client):
    answer = press(client, PAGE, COPY, action="copier", from_0="8h30", to_0="25h")
    assert (answer.status_code, week()) == (422, {})
    assert "elle va de 0 h à 23 h 59." in errors(answer)["to_0"]


def test_the_form_shows_the_hours_and_saves_them_as_they_are(client):
    availability.set_weekly_hours(make.alice(), {0: (time(8, 30), time(17)), 6: (time(13), availability.MIDNIGHT)})
    before = week()
    press(client, PAGE, SAVE)
    assert week() == before


def test_an_empty_week_is_at_all_hours(client):
    availability.set_weekly_hours(make.alice(), {0: (time(8, 30), time(17))})
    press(client, PAGE, SAVE, from_0="", to_0="")
    assert week() == {}


@pytest.mark.parametrize(
    ("typed", "beside"),
    [
        ({"from_2": "9h"}, {"to_2": "Donnez les deux heures, ou aucune."}),
        ({"to_2": "9h"}, {"from_2": "Donnez les deux heures, ou aucune."}),
        ({"from_2": "9h", "to_2": "8h"}, {"to_2": "La fin doit suivre le début."}),
        ({"from_2": "9h", "to_2": "9h"}, {"to_2": "La fin doit suivre le début."}),
    ],
)
def test_hours_that_cannot_be_are_refused_beside_their_field(client, typed, beside):
    availability.set_weekly_hours(make.alice(), {0: (time(8, 30), time(17))})
    before = week()
    answer = press(client, PAGE, SAVE, **typed)
    assert (answer.status_code, {name: text.removeprefix("Erreur : ") for name, text in errors(answer).items()}) == (
        422,
        beside,
    )
    assert week() == before


def test_whatever_is_sent_for_hours_the_page_answers(client):
    sent = [{"from_1": value, "to_1": "9h"} for value in ODD]
    assert {client.post(f"{PAGE}heures/", typed).status_code for typed in sent} == {422}
