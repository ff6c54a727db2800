"""The worked examples of domain.md, « Pay », from the request to its frozen lines, and the tariff of their date."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.ledger import ledger
from billing.models import PayPolicy
from billing.rules import RuleError
from billing.services import estimate, policy_of
from billing.tariff_words import rate_words
from completion.decisions import validate
from completion.facts import pay_facts
from completion.models import Outcome
from requests_app import services as requests
from requests_app.models import CancellationReason, Holiday, ServiceRequest
from requests_app.moves import available_actions
from requests_app.workflow import Action, ServiceType
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, LENGTH, NOW, local

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def minutes(number):
    return timedelta(minutes=number)


def reserved(starts_at, *, booked=90, **fields):
    """Alice's, accepted three weeks before."""
    starts_at = local(starts_at)
    return make.reserved(at=starts_at - 21 * DAY, starts_at=starts_at, ends_at=starts_at + minutes(booked), **fields)


def served(made, *, length=None, **fields):
    """Reported the next day, present as booked unless said otherwise."""
    present = filed.times(made, length=length and minutes(length)) if made.is_spoken else {}
    filed.report(made, at=made.starts_at + DAY, **present | fields)
    return made


def cancelled(made, received_at):
    requests.cancel(made, by=make.requester(), at=local(received_at), reason=CancellationReason.BY_REQUESTER)
    return made


def achieved(made):
    """What was frozen, line by line: « service 82.00 »."""
    validate(made, by=make.validator(), at=made.starts_at + 2 * DAY)
    return [f"{line.kind} {line.amount}" for line in ledger(made)]


def estimated(made):
    fresh = ServiceRequest.objects.get(pk=made.pk)
    return str(estimate(fresh, pay_facts(fresh)).total)


# The tariff


@pytest.mark.parametrize(
    ("starts_at", "in_force"),
    [("2024-11-03 23:59", "2000-01-01"), ("2024-11-04 00:00", "2024-11-04"), ("2024-11-04 00:01", "2024-11-04")],
)
def test_the_tariff_is_that_of_the_local_service_date(starts_at, in_force):
    made = ServiceRequest.objects.get(pk=reserved(starts_at).pk)
    assert str(policy_of(made).effective_from) == in_force


def test_a_service_before_every_tariff_is_refused_in_french():
    PayPolicy.objects.all().delete()
    with pytest.raises(RuleError, match="^Aucune politique de rémunération n’est en vigueur le 6\u00a0mars 2025[.]$"):
        policy_of(make.reserved())


def test_a_new_tariff_pays_the_services_of_its_date_only():
    make.policy("2025-03-07", hourly_rate=Decimal("50"))
    assert [estimated(reserved(f"2025-03-{day} 13:00")) for day in ("06", "07")] == ["82.00", "100.00"]


# The worked examples, frozen


def test_example_1_a_short_visit_nearby():
    made = served(reserved("2025-03-06 13:00"), length=75, distance_km=Decimal("12.0"))
    assert achieved(made) == ["service 82.00", "mileage 0.00"]


def test_example_2_a_visit_with_mileage_and_parking():
    made = reserved("2025-03-06 13:00")
    served(made, length=140, distance_km=Decimal("18.4"), parking_amount=Decimal("14.00"))
    filed.attach(made)
    assert achieved(made) == ["service 102.50", "mileage 22.82", "parking 14.00"]
    assert sum(line.amount for line in ledger(made)) == Decimal("139.32")


@pytest.mark.parametrize(("km", "amount"), [("15.999", "0.00"), ("16.000", "0.00"), ("16.001", "19.84")])
def test_example_3_mileage_is_paid_strictly_above_16_km(km, amount):
    made = served(reserved("2025-03-06 13:00"), distance_km=Decimal(km))
    assert achieved(made)[1] == f"mileage {amount}"


def test_example_3_16_1_km_make_32_2_km():
    made = served(reserved("2025-03-06 13:00"), distance_km=Decimal("16.1"))
    assert achieved(made)[1] == "mileage 19.96"


@pytest.mark.parametrize(
    ("starts_at", "booked", "received_at", "total"),
    [
        ("2025-03-12 14:00", 60, "2025-03-10 13:59", "0.00"),
        ("2025-03-12 14:00", 60, "2025-03-10 14:00", "0.00"),
        ("2025-03-12 14:00", 60, "2025-03-10 14:01", "82.00"),
        ("2025-03-17 10:00", 150, "2025-03-14 09:00", "102.50"),
        ("2025-03-17 10:00", 150, "2025-03-13 09:59", "0.00"),
        ("2024-12-27 10:00", 120, "2024-12-20 09:59", "0.00"),
        ("2024-12-27 10:00", 120, "2024-12-20 10:01", "82.00"),
    ],
)
def test_examples_4_to_6_a_cancellation_pays_below_48_business_hours(starts_at, booked, received_at, total):
    assert estimated(cancelled(reserved(starts_at, booked=booked), received_at)) == total


def test_a_late_cancellation_is_frozen_without_any_report():
    made = cancelled(reserved("2025-03-17 10:00", booked=150), "2025-03-14 09:00")
    assert achieved(made) == ["late_cancellation 102.50"]


def test_a_cancellation_in_time_without_communications_is_never_validated():
    made = cancelled(reserved("2025-03-17 10:00"), "2025-03-13 09:59")
    assert Action.VALIDATE not in available_actions(made, make.validator(), at=made.starts_at)


def test_example_7_a_withdrawal_is_owed_the_communications_already_made():
    made = reserved("2025-03-14 13:00", are_communications_requested=True)
    for hours in (0, 1):
        make.communication(made, made_at=local("2025-03-09 10:00") + hours * HOUR)
    relay = requests.mark_unallocated(made, by=make.alice(), at=local("2025-03-10 13:00"))
    assert achieved(relay) == ["communications 20.50"]


def test_example_8_a_cancellation_in_time_pays_the_billable_communication():
    made = reserved("2025-03-14 13:00")
    make.communication(made, made_at=NOW, requested_by_name="Dre Roy", justification="Une préparation à expliquer.")
    make.communication(made, made_at=NOW + HOUR)
    cancelled(made, "2025-03-06 13:00")
    filed.report(made, at=local("2025-03-06 14:00"), outcome=Outcome.CLAIM)
    assert achieved(made) == ["late_cancellation 0.00", "communications 10.25", "communications 0.00"]


@pytest.mark.parametrize(
    ("day", "lines"),
    [
        ("2024-11-01", ["service 82.00", "mileage 0.00", "travel 30.75"]),
        ("2024-11-03", ["service 82.00", "mileage 0.00", "travel 30.75"]),
        ("2024-11-04", ["service 82.00", "mileage 0.00", "travel 0.00"]),
    ],
)
def test_example_9_travel_time_is_paid_until_the_new_policy(day, lines):
    assert achieved(served(reserved(f"{day} 10:00"), length=90, travel_minutes=45)) == lines


@pytest.mark.parametrize(("length", "amount"), [(119, "82.00"), (120, "82.00"), (121, "92.25"), (185, "133.25")])
def test_example_10_the_minimum_then_the_increment(length, amount):
    assert achieved(served(reserved("2025-03-06 13:00"), length=length))[0] == f"service {amount}"


def test_example_11_a_video_service_pays_the_minimum():
    made = reserved("2025-03-06 13:00", service_type=ServiceType.VIDEO)
    assert achieved(served(made, length=35)) == ["service 82.00"]


def test_example_11_a_distance_is_refused_on_a_video_service():
    made = reserved("2025-03-06 13:00", service_type=ServiceType.VIDEO)
    with pytest.raises(filed.services.Unfit) as refused:
        served(made, length=35, distance_km=Decimal("20"))
    assert refused.value.field == "distance_km"


def test_example_12_a_translation_is_paid_by_the_word():
    made = reserved("2025-03-06 13:00", booked=3 * 24 * 60, service_type=ServiceType.TRANSLATION)
    assert achieved(served(made, word_count=1240)) == ["words 248.00"]


# A cancellation already decided


def test_a_decided_cancellation_keeps_the_closed_days_it_was_counted_with():
    made = cancelled(reserved("2024-12-27 10:00", booked=120), "2024-12-20 10:01")
    Holiday.objects.all().delete()
    assert estimated(made) == "82.00"


def test_a_closed_day_added_later_does_not_make_a_cancellation_late():
    made = cancelled(reserved("2025-03-12 14:00"), "2025-03-10 14:00")
    Holiday.objects.create(date="2025-03-11", name="Tempête")
    assert estimated(made) == "0.00"


def test_a_cancellation_told_by_the_interpreter_is_counted_with_the_closed_days_of_now():
    made = reserved("2025-03-12 14:00")
    filed.report(made, outcome=Outcome.CANCELLED, told_at=local("2025-03-10 14:00"))
    assert estimated(made) == "0.00"
    Holiday.objects.create(date="2025-03-11", name="Tempête")
    assert estimated(made) == "82.00"


# Rates


@pytest.mark.parametrize(
    ("rate", "written"),
    [
        ("41", "41,00\u00a0$"),
        ("0.6200", "0,62\u00a0$"),
        ("0.1000", "0,10\u00a0$"),
        ("0.6250", "0,625\u00a0$"),
        ("0.0625", "0,0625\u00a0$"),
        ("0", "0,00\u00a0$"),
        ("1200.0000", "1\u00a0200,00\u00a0$"),
    ],
)
def test_a_rate_is_shown_with_the_digits_that_count(rate, written):
    assert rate_words(Decimal(rate)) == written


@pytest.mark.parametrize(
    ("kind", "said"), [("service", "2\u00a0h × 41,00\u00a0$"), ("mileage", "40\u00a0km × 0,62\u00a0$")]
)
def test_the_explanation_of_a_line_writes_the_rate_alike(kind, said):
    made = served(reserved("2025-03-06 13:00"), distance_km=Decimal("20"))
    [line] = [line for line in estimate(made, pay_facts(made)).lines if line.kind == kind]
    assert said in line.reason


def test_an_estimate_of_a_reserved_request_is_what_is_booked():
    assert LENGTH == minutes(90)
    assert estimated(make.reserved()) == "82.00"
