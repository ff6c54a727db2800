"""The report and the clock: when it opens, what is prefilled, the nights when clocks change (reliability, H1 to H3)."""

from datetime import timedelta

import pytest

from completion.models import Completion
from requests_app import services as requests
from tests import make
from tests.completion.test_views import form, row, url
from tests.make import HOUR, NOW, START
from tests.pages import errors, said, signed_in

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
END = START + make.LENGTH


def plain(response) -> str:
    return said(response).replace("\u00a0", " ")


@pytest.fixture
def at(monkeypatch):
    """The server's clock, stopped at an instant; the session was opened at that instant."""
    return lambda instant: monkeypatch.setattr("django.utils.timezone.now", lambda: instant)


@pytest.mark.parametrize(("after", "status"), [(-SECOND, 409), (timedelta(), 422), (SECOND, 422)])
def test_a_form_prepared_before_the_start_is_judged_by_the_clock_at_its_arrival(at, after, status):
    made = make.reserved()
    sent = form(made, end_time="13h")
    at(START + after)
    response = signed_in(make.alice()).post(url(made), sent)
    assert response.status_code == status
    assert ("Accessible à partir de 13 h." in plain(response)) is (after < timedelta())


def test_a_form_prepared_before_its_start_was_put_off_is_refused(at):
    made = make.reserved()
    sent = form(made)
    requests.modify(made, by=make.coordinator(), at=NOW, starts_at=START + 3 * HOUR, ends_at=END + 3 * HOUR)
    at(END + SECOND)
    response = signed_in(make.alice()).post(url(made), sent)
    assert response.status_code == 409
    assert "Accessible à partir de 16 h." in plain(response)


@pytest.mark.parametrize(
    ("after", "value"), [(-SECOND, ""), (timedelta(), "14\u00a0h\u00a030"), (SECOND, "14\u00a0h\u00a030")]
)
def test_the_booked_end_is_proposed_once_it_has_passed(at, after, value):
    made = make.reserved()
    at(END + after)
    page = signed_in(make.alice()).get(url(made))
    assert (page.context["form"]["end_time"].value() or "") == value
    assert ("Prévue à 14 h 30; il est 14 h 29." in plain(page)) is (not value)


def test_an_end_in_the_future_says_what_time_it_is(at):
    made = make.reserved()
    at(START + 40 * timedelta(minutes=1))
    response = signed_in(make.alice()).post(url(made), form(made))
    assert response.status_code == 422
    assert (
        errors(response)["end_time"].replace("\u00a0", " ").endswith("ne peut pas être dans le futur : il est 13 h 40.")
    )


@pytest.mark.parametrize(
    ("booked", "start", "end", "minutes"),
    [
        ("2025-11-02 00:30", "0h30", "1h30", 60),  # the first of the two 1 h 30
        ("2025-11-02 00:30", "0h30", "2h30", 180),
        ("2025-11-02 01:00", "1h", "1h59", 59),
        ("2025-03-09 01:00", "1h", "3h30", 90),
        ("2025-03-08 23:30", "23h30", "3h", 150),
    ],
)
def test_a_presence_is_elapsed_time_on_the_nights_when_clocks_change(booked, start, end, minutes):
    made = make.reserved(starts_at=make.local(booked))
    assert signed_in(make.alice()).post(url(made), form(made, start_time=start, end_time=end)).status_code == 302
    kept = made.completion
    assert (kept.actual_ends_at - kept.actual_starts_at) // timedelta(minutes=1) == minutes


@pytest.mark.parametrize(("start", "end", "field"), [("2h", "3h", "start_time"), ("1h", "2h59", "end_time")])
def test_the_missing_hour_of_march_is_an_error_of_its_field(start, end, field):
    made = make.reserved(starts_at=make.local("2025-03-09 01:00"))
    response = signed_in(make.alice()).post(url(made), form(made, start_time=start, end_time=end))
    assert "n’existe pas" in errors(response)[field]


@pytest.mark.parametrize(("end", "is_kept"), [("4h59", True), ("5h", True), ("5h01", False)])
def test_a_presence_of_more_than_16_hours_is_a_typing_error(end, is_kept):
    made = make.reserved()
    response = signed_in(make.alice()).post(url(made), form(made, end_time=end))
    assert Completion.objects.exists() is is_kept
    assert is_kept or "vérifiez les deux heures" in errors(response)["end_time"]


def test_all_that_is_wrong_is_said_at_once(at):
    made = make.reserved()
    at(START + HOUR)
    response = signed_in(make.alice()).post(url(made), form(made, rows=[row(time="")], distance_km="loin"))
    assert set(errors(response)) == {"end_time", "distance_km"}
    assert "Ligne 1, Heure" in said(response)


NOWHERE = row("", "", "")


@pytest.mark.parametrize(
    ("rows", "dated"), [([row(), row("", "")], "1"), ([row(), NOWHERE], "1"), ([NOWHERE, row(), row("", "")], "2")]
)
def test_now_is_the_server_s_without_javascript_too(at, rows, dated):
    made = make.reserved()
    at(END)
    page = signed_in(make.alice()).post(url(made), form(made, rows=rows, maintenant=dated))
    assert [line["time"].value() for line in page.context["formset"]] == ["14h10", "14\u00a0h\u00a030"]
    assert not Completion.objects.exists()
