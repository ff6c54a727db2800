"""The calendar at a secret address: what it says, to whom it opens, and the choices of the profile about it.

It is read by a real parser, as a telephone or a mail program would.
"""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from icalendar import Calendar

from ims.logs import WithoutKeys
from requests_app import feed, offers, services
from requests_app.calendars import CalendarFeed
from requests_app.models import ServiceRequest
from requests_app.workflow import ServiceType, Status
from tests import make
from tests.counts import rounds
from tests.make import LENGTH, NOW, START, local
from tests.pages import ago, ahead, copies, nobody, press, said, signed_in
from tests.requests_app.test_races import contest

pytestmark = pytest.mark.django_db
LATER = NOW + make.HOUR


def read(at=LATER, of=make.alice) -> dict:
    """The events of a calendar by request number."""
    events = Calendar.from_ical(feed.calendar_of(of(), at=at)).walk("VEVENT")
    return {int(event["UID"].partition("@")[0].removeprefix("demande-")): event for event in events}


def event_of(made, **given):
    return read(**given)[made.pk]


def path_of(held) -> str:
    return feed.address_of(CalendarFeed.objects.get(pk=held.pk)).removeprefix("http://127.0.0.1:8000")


# What it says


def test_an_event_says_the_service_the_language_the_number_and_the_secteur():
    made = make.reserved()
    event = event_of(made)
    assert event["SUMMARY"] == f"Interprétation en présence, espagnol (demande {made.pk})"
    assert event["LOCATION"] == make.facility().area
    assert event["URL"] == f"http://127.0.0.1:8000/demandes/{made.pk}/"


def test_an_event_begins_and_ends_with_the_service_in_universal_time():
    made = make.reserved()
    event = event_of(made)
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (START, START + LENGTH)
    assert b"DTSTART:20250306T180000Z\r\n" in feed.calendar_of(make.alice(), at=LATER)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("2026-03-08 01:30", datetime(2026, 3, 8, 6, 30, tzinfo=UTC)),
        ("2026-03-08 03:30", datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        ("2026-11-01 00:30", datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
        ("2026-11-01 01:30", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("2026-11-01 02:30", datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
    ],
)
def test_an_event_on_the_day_the_clock_changes_is_at_its_hour(typed, written):
    made = make.reserved(starts_at=local(typed))
    assert event_of(made).decoded("DTSTART") == written


def test_a_calendar_keeps_to_the_rules_of_its_format():
    make.reserved()
    text = feed.calendar_of(make.alice(), at=LATER).decode()
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert text.endswith("END:VCALENDAR\r\n")
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert "\n" not in text.replace("\r\n", "")


@pytest.mark.parametrize(
    "line", ["VERSION:2.0", "CALSCALE:GREGORIAN", "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H"]
)
def test_a_calendar_says_how_to_read_it(line):
    make.alice()
    assert f"{line}\r\n" in feed.calendar_of(make.alice(), at=LATER).decode()


def test_a_due_translation_is_an_instant_that_takes_nobodys_time():
    made = make.reserved(service_type=ServiceType.TRANSLATION, facility=None, ends_at=START + timedelta(days=3))
    event = event_of(made)
    assert event["SUMMARY"].startswith("À remettre\u00a0: traduction, espagnol")
    assert (event.decoded("DTSTART"), event["TRANSP"]) == (START + timedelta(days=3), "TRANSPARENT")
    assert "DTEND" not in event
    assert "LOCATION" not in event


def test_a_call_has_no_place():
    assert "LOCATION" not in event_of(make.reserved(service_type=ServiceType.PHONE))


# Which requests

HELD = [Status.RESERVED, Status.MODIFIED, Status.PROVIDED, Status.COMPLETED, Status.CANCELLED]


@pytest.mark.parametrize("status", Status)
def test_a_calendar_has_what_the_interpreter_holds_or_held_and_no_offer(status):
    made = make.request(status)
    assert (made.pk in read()) is (status in HELD)


@pytest.mark.parametrize("status", HELD)
def test_only_a_cancelled_request_is_cancelled_in_the_calendar(status):
    assert event_of(make.request(status))["STATUS"] == ("CANCELLED" if status == Status.CANCELLED else "CONFIRMED")


def test_a_cancellation_reaches_the_event_that_the_calendar_already_had():
    made = make.reserved()
    before = event_of(made)
    services.cancel(made, by=make.requester(), at=LATER, reason="by_requester")
    after = event_of(made)
    assert (after["UID"], after["STATUS"], after["TRANSP"]) == (before["UID"], "CANCELLED", "TRANSPARENT")
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert (after.decoded("LAST-MODIFIED"), after.decoded("DTSTAMP")) == (LATER, LATER)


def test_a_modified_request_moves_its_event():
    made = make.reserved()
    before = event_of(made)["SEQUENCE"]
    moved = {"starts_at": START + make.HOUR, "ends_at": START + make.HOUR + LENGTH}
    services.modify(made, by=make.coordinator(), at=LATER, note="Entente.", **moved)
    event = event_of(made)
    assert event.decoded("DTSTART") == START + make.HOUR
    assert event["SEQUENCE"] > before


def test_a_withdrawn_request_is_gone_and_its_message_relay_never_comes():
    made = make.reserved(are_communications_requested=True)
    make.communication(made)
    services.mark_unallocated(made, by=make.alice(), at=NOW)
    assert ServiceRequest.objects.filter(service_type=ServiceType.MESSAGE_RELAY).exists()
    assert read() == {}


def test_a_reassigned_request_is_in_its_new_calendar_alone():
    made = make.reserved()
    services.reassign(made, make.bob(), by=make.coordinator(), at=LATER, note="Entente.")
    assert (list(read()), list(read(of=make.bob))) == ([], [made.pk])


@pytest.mark.parametrize(("late", "is_kept"), [(timedelta(), True), (make.MICROSECOND, False)])
def test_a_calendar_goes_60_days_back(late, is_kept):
    made = make.reserved()
    assert (made.pk in read(at=START + LENGTH + timedelta(days=60) + late)) is is_kept


@pytest.mark.parametrize("status", Status)
def test_A4_a_calendar_names_nobody_whatever_the_status(status):
    made = make.request(status)
    make.reserved(starts_at=START + timedelta(days=1))
    text = feed.calendar_of(make.alice(), at=LATER).decode().replace("\r\n ", "")
    hidden = [*make.PERSONAL.values(), made.facility.name, made.facility.address, made.institution.name]
    assert [canary for canary in hidden if canary in text] == []
    assert "BEGIN:VEVENT" in text


# At its address


@pytest.fixture
def held():
    return make.feed()


def test_the_address_answers_without_a_session(held):
    made = make.reserved(at=ago(1), starts_at=ahead())
    answer = nobody().get(path_of(held))
    assert [event["UID"] for event in Calendar.from_ical(answer.content).walk("VEVENT")] == [
        f"demande-{made.pk}@127.0.0.1"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Type", "text/calendar; charset=utf-8"),
        ("Content-Disposition", 'inline; filename="demandes.ics"'),
        ("Cache-Control", "private, no-store"),
        ("X-Robots-Tag", "noindex"),
    ],
)
def test_a_calendar_is_kept_by_nobody_on_the_way(held, name, value):
    assert nobody().get(path_of(held))[name] == value


def test_the_address_answers_a_head_and_no_post(held):
    client = nobody()
    assert (client.head(path_of(held)).status_code, client.post(path_of(held)).status_code) == (200, 405)


def test_reading_a_calendar_writes_nothing(held):
    with transaction.atomic():
        connection.cursor().execute("SET LOCAL transaction_read_only = on")
        assert nobody().get(path_of(held)).status_code == 200


@pytest.mark.parametrize("number", [1, 30])
def test_a_calendar_asks_the_database_twice_whatever_it_holds(held, number):
    copies(make.reserved(at=ago(1), starts_at=ahead()), number - 1, timedelta(hours=3))
    client, path = nobody(), path_of(held)
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    assert (answer.content.count(b"BEGIN:VEVENT"), len(captured)) == (number, 2)


def closed(held):
    feed.close_feed(held.interpreter)


def of_who_left(held):
    held.interpreter.is_active = False
    held.interpreter.save()


def of_another_role(held):
    held.interpreter.role = "requester"
    held.interpreter.institution = make.institution()
    held.interpreter.save()


@pytest.mark.parametrize("spoil", [closed, of_who_left, of_another_role])
def test_an_address_that_no_longer_holds_is_not_found(held, spoil):
    path = path_of(held)
    spoil(held)
    assert nobody().get(path).status_code == 404


@pytest.mark.parametrize("key", ["x", "é" * 22, "a" * 500, "..", "%00"])
def test_a_key_that_nobody_gave_opens_nothing(held, key):
    assert nobody().get(f"/calendrier/{held.pk}/{key}.ics").status_code == 404


def test_the_key_of_one_person_does_not_open_the_calendar_of_another(held):
    key = path_of(held).rpartition("/")[2]
    assert nobody().get(f"/calendrier/{make.feed(make.bob()).pk}/{key}").status_code == 404


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**40])
def test_a_number_that_nobody_has_opens_nothing(number):
    assert nobody().get(f"/calendrier/{number}/abc.ics").status_code == 404


def test_I3_the_key_is_in_no_line_of_the_logs(held):
    path = path_of(held)
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "Not Found: %s", (path,), None)
    WithoutKeys().filter(record)
    assert record.getMessage() == f"Not Found: /calendrier/{held.pk}/…"


# In the profile


@pytest.fixture
def client():
    return signed_in(make.alice())


def test_an_interpreter_opens_an_address_and_copies_it(client):
    answer = press(client, "/profil/", "Créer mon adresse d’abonnement", action="ouvrir")
    page = client.get("/profil/")
    assert answer.url == "/profil/#calendrier"
    assert feed.address_of(CalendarFeed.objects.get()) in page.content.decode()


def test_the_address_opens_in_a_calendar_by_itself(client, held):
    page = client.get("/profil/").content.decode()
    assert f'href="webcal:{feed.address_of(held).removeprefix("http:")}"' in page


def test_a_changed_address_stops_the_former_one_at_once(client, held):
    former = path_of(held)
    press(client, "/profil/", "Changer l’adresse", action="changer")
    assert (nobody().get(former).status_code, nobody().get(path_of(held)).status_code) == (404, 200)


def test_changing_twice_from_one_page_changes_once(client, held):
    for _ in range(2):
        client.post("/profil/calendrier/", {"action": "changer", "numero": 1})
    assert CalendarFeed.objects.get().number == 2
    assert "Cette adresse ne servait déjà plus" in said(client.get("/profil/"))


def test_a_closed_address_never_comes_back(client, held):
    former = path_of(held)
    press(client, "/profil/", "Fermer l’abonnement", action="fermer")
    press(client, "/profil/", "Créer mon adresse d’abonnement", action="ouvrir")
    assert (nobody().get(former).status_code, nobody().get(path_of(held)).status_code) == (404, 200)


@pytest.mark.parametrize("number", ["", "x", "-1", "\x00", "9" * 400, "²"])
def test_a_number_that_the_page_never_gave_changes_nothing(client, held, number):
    assert client.post("/profil/calendrier/", {"action": "changer", "numero": number}).status_code == 302
    assert CalendarFeed.objects.get().number == 1


@pytest.mark.parametrize("give", [make.coordinator, make.requester, make.validator])
def test_who_is_no_interpreter_reads_nothing_of_it(give):
    page = said(signed_in(give()).get("/profil/"))
    assert "Calendrier" not in page
    assert "Disponibilités" not in page


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_open_one_address_or_change_it_once():
    user, at, changed = make.alice(), timezone.now(), []
    with contest(2) as race:
        for _ in range(rounds("race") // 4):
            CalendarFeed.objects.all().delete()
            race(*(lambda: feed.open_feed(user, at=at) for _ in range(2)))
            changed.clear()
            race(*(lambda: changed.append(feed.change_feed(user, seen=1)) for _ in range(2)))
            assert (CalendarFeed.objects.get().number, sorted(changed)) == (2, [False, True])


def test_an_offer_accepted_then_lands_in_the_calendar():
    made = make.pending()
    offers.accept(made, by=make.alice(), at=NOW)
    assert list(read()) == [made.pk]
