"""What each case pays, from the request to the lines (domain « Pay », worked examples)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import PayPolicy
from billing.services import estimate
from completion.facts import pay_facts
from completion.models import Outcome
from requests_app import services as requests
from requests_app.models import CancellationReason, Holiday, ServiceRequest
from requests_app.workflow import ServiceType
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, NOW, START

pytestmark = pytest.mark.django_db
END = START + make.LENGTH


def total(service_request) -> str:
    fresh = ServiceRequest.objects.get(pk=service_request.pk)
    return str(estimate(fresh, pay_facts(fresh)).total)


def cancel(made, *, received_at, reason=CancellationReason.BY_REQUESTER):
    at = max(received_at, NOW + timedelta(minutes=1))
    note = "Avis laissé sur la boîte vocale."
    requests.cancel(made, by=make.coordinator(), at=at, reason=reason, received_at=received_at, note=note)


def test_a_service_on_site_pays_presence_mileage_and_parking():
    made = make.reserved()
    filed.report(
        made,
        at=END + 2 * HOUR,
        distance_km=Decimal("18.4"),
        parking_amount=Decimal("14.00"),
        **filed.times(made, length=timedelta(minutes=140)),
    )
    filed.attach(made)
    assert total(made) == "139.32"


def test_parking_pays_nothing_until_its_receipt_is_attached():
    made = make.reserved()
    filed.report(made, parking_amount=Decimal("14.00"))
    assert total(made) == "82.00"
    filed.attach(made)
    assert total(made) == "96.00"


def test_another_file_is_no_parking_receipt():
    made = make.reserved()
    filed.report(made, parking_amount=Decimal("14.00"))
    filed.attach(made, kind="other")
    assert total(made) == "82.00"


@pytest.mark.parametrize(("minutes", "paid"), [(119, "82.00"), (120, "82.00"), (121, "92.25"), (185, "133.25")])
def test_the_presence_reported_is_paid_with_its_minimum_and_steps(minutes, paid):
    made = make.reserved(service_type=ServiceType.VIDEO)
    filed.report(made, at=START + 5 * HOUR, **filed.times(made, length=timedelta(minutes=minutes)))
    assert total(made) == paid


@pytest.mark.parametrize("outcome", [Outcome.PATIENT_ABSENT, Outcome.PROFESSIONAL_ABSENT])
def test_an_absence_pays_the_presence_and_the_journey(outcome):
    made = make.reserved()
    length = timedelta(minutes=20)
    filed.report(made, outcome=outcome, distance_km=Decimal("16.1"), **filed.times(made, length=length))
    assert total(made) == "101.96"


def test_a_late_shortening_still_pays_what_was_booked():
    made = make.reserved(ends_at=START + 3 * HOUR)
    shorter = {"ends_at": START + HOUR, "note": "Avec l’accord d’Alice."}
    requests.modify(made, by=make.coordinator(), at=START - 2 * HOUR, **shorter)
    filed.report(made, at=START + 2 * HOUR, **filed.times(made, length=HOUR))
    assert total(made) == "123.00"


@pytest.mark.parametrize(
    ("told_at", "paid"),
    [
        (None, "82.00"),  # at the start: no notice at all
        (START - timedelta(hours=48), "0.00"),
        (START - timedelta(hours=48) + timedelta(minutes=1), "82.00"),
    ],
)
def test_a_cancellation_reported_by_the_interpreter_counts_from_when_it_was_told(told_at, paid):
    made = make.reserved()
    filed.report(made, outcome=Outcome.CANCELLED, told_at=told_at)
    assert total(made) == paid


@pytest.mark.parametrize(
    ("received_at", "paid"),
    [("2025-03-10 13:59", "0.00"), ("2025-03-10 14:00", "0.00"), ("2025-03-10 14:01", "82.00")],
)
def test_a_cancellation_by_the_requester_pays_by_its_business_notice(received_at, paid):
    made = make.reserved(starts_at=make.local("2025-03-12 14:00"))
    cancel(made, received_at=make.local(received_at))
    assert total(made) == paid


def test_a_cancellation_keeps_the_closed_days_it_was_decided_with():
    made = make.reserved(at=make.local("2024-12-16 09:00"), starts_at=make.local("2024-12-27 10:00"))
    cancel(made, received_at=make.local("2024-12-20 10:01"))
    assert total(made) == "82.00"
    Holiday.objects.filter(date__year=2024, date__month=12).delete()
    assert total(made) == "82.00"


def test_an_absent_interpreter_is_paid_nothing():
    made = make.reserved(are_communications_requested=True)
    make.communication(made, made_at=NOW)
    cancel(made, received_at=START, reason=CancellationReason.INTERPRETER_ABSENT)
    assert total(made) == "0.00"


def test_communications_made_before_a_cancellation_in_time_are_paid():
    made = make.reserved(starts_at=START + timedelta(days=14))
    make.communication(made, made_at=NOW, requested_by_name="Dre Q.", justification="Préparation à jeun.")
    make.communication(made, made_at=NOW - HOUR)
    cancel(made, received_at=NOW + HOUR)
    assert total(made) == "10.25"


def test_a_communication_after_the_notice_is_not_paid():
    made = make.reserved(are_communications_requested=True, starts_at=START + timedelta(days=14))
    cancel(made, received_at=NOW + HOUR)
    filed.report(made, at=NOW + 3 * HOUR, outcome=Outcome.CLAIM, communications=[filed.row(NOW + 2 * HOUR)])
    assert total(made) == "0.00"


def test_a_relay_pays_its_communications():
    made = make.reserved(are_communications_requested=True)
    for minutes in (0, 5):
        make.communication(made, made_at=NOW + timedelta(minutes=minutes))
    relay = requests.mark_unallocated(made, by=make.alice(), at=NOW + HOUR)
    assert total(relay) == "20.50"


def test_a_translation_pays_its_words():
    made = make.reserved(service_type=ServiceType.TRANSLATION)
    filed.report(made, word_count=1240)
    assert total(made) == "248.00"


@pytest.mark.parametrize(("start", "paid"), [("2024-11-01 10:00", "112.75"), ("2024-11-04 10:00", "82.00")])
def test_travel_time_is_paid_only_before_november_2024(start, paid):
    starts_at = make.local(start)
    made = make.reserved(at=starts_at - timedelta(days=7), starts_at=starts_at)
    filed.report(made, travel_minutes=45)
    assert total(made) == paid


def test_the_presence_is_elapsed_time_over_the_clock_change():
    """2 November 2025: from 1 h (summer) to 1 h 30 after the clocks went back is an hour more than it seems."""
    starts_at = make.local("2025-11-02 00:30")
    made = make.reserved(starts_at=starts_at, ends_at=make.local("2025-11-02 04:00"))
    filed.report(made, at=starts_at + 6 * HOUR, **filed.times(made))
    assert pay_facts(made).actual_minutes == 270


def test_nothing_filed_yet_counts_as_booked():
    assert total(make.reserved()) == "82.00"


def test_the_policy_of_the_service_date_decides():
    PayPolicy.objects.filter(effective_from="2024-11-04").update(hourly_rate=Decimal("50.00"))
    assert total(make.reserved()) == "100.00"
