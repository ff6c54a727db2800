"""Tariffs and the ledger in the admin: who reads them, what still changes, what never does."""

from decimal import Decimal

import pytest

from billing.models import PayLine, PayPolicy
from completion.decisions import validate
from tests import make
from tests.completion import make as filed
from tests.make import HOUR
from tests.pages import said, signed_in

pytestmark = pytest.mark.django_db
TARIFFS, LINES = "/admin/billing/paypolicy/", "/admin/billing/payline/"
TO_CONFIRM = "Tarifs à confirmer : les montants marqués sont provisoires."


def tariff(**typed):
    """A tariff as the form sends it."""
    rates = ("hourly_rate", "communication_fee", "mileage_rate", "travel_time_rate", "word_rate_translation")
    known = dict.fromkeys(rates, "50") | {"word_rate_revision": "0,10", "mileage_threshold_km": "16"}
    known |= {"minimum_minutes": "120", "increment_minutes": "15", "mileage_mode": "round_trip_full"}
    return known | {"effective_from": "2026-04-01"} | typed


def used():
    """The tariff that paid Alice."""
    made = make.reserved()
    filed.report(made, distance_km=Decimal("20"))
    validate(made, by=make.validator(), at=made.ends_at + 2 * HOUR)
    return made.pay_lines.first().policy


def change(policy, **typed):
    return signed_in(make.administrator()).post(f"{TARIFFS}{policy.pk}/change/", tariff(**typed))


# Tariffs


def test_placeholder_tariffs_are_announced():
    assert TO_CONFIRM in said(signed_in(make.validator()).get(TARIFFS))


def test_confirmed_tariffs_are_not_announced():
    PayPolicy.objects.update(rates_confirmed=True)
    assert "Tarifs à confirmer" not in said(signed_in(make.validator()).get(TARIFFS))


@pytest.mark.parametrize(("typed", "rate"), [("52,5", "52.5"), ("52.5", "52.5"), ("0,0625", "0.0625")])
def test_an_administrator_adds_a_tariff_typed_as_people_type(typed, rate):
    signed_in(make.administrator()).post(f"{TARIFFS}add/", tariff(hourly_rate=typed))
    assert PayPolicy.objects.get(effective_from="2026-04-01").hourly_rate == Decimal(rate)


@pytest.mark.parametrize(
    ("field", "value"), [("hourly_rate", "-1"), ("increment_minutes", "0"), ("mileage_mode", "as_the_crow_flies")]
)
def test_a_tariff_that_cannot_be_is_refused_beside_its_field(field, value):
    page = signed_in(make.administrator()).post(f"{TARIFFS}add/", tariff(**{field: value}))
    assert list(page.context["adminform"].errors) == [field]


def test_two_tariffs_never_start_the_same_day():
    page = signed_in(make.administrator()).post(f"{TARIFFS}add/", tariff(effective_from="2024-11-04"))
    assert list(page.context["adminform"].errors) == ["effective_from"]


def test_a_tariff_that_paid_nobody_may_change():
    policy = PayPolicy.objects.latest("effective_from")
    change(policy, effective_from="2024-11-04")
    policy.refresh_from_db()
    assert policy.hourly_rate == 50


def test_a_tariff_that_paid_somebody_no_longer_changes():
    policy = used()
    change(policy)
    policy.refresh_from_db()
    assert (policy.hourly_rate, str(policy.effective_from)) == (41, "2024-11-04")


def test_a_tariff_that_paid_somebody_can_still_be_confirmed():
    policy = used()
    change(policy, rates_confirmed="on")
    policy.refresh_from_db()
    assert policy.rates_confirmed


def test_a_validator_reads_a_tariff_without_changing_it():
    client, policy = signed_in(make.validator()), PayPolicy.objects.latest("effective_from")
    assert client.get(f"{TARIFFS}{policy.pk}/change/").status_code == 200
    assert client.post(f"{TARIFFS}{policy.pk}/change/", tariff()).status_code == 403


def test_a_tariff_is_never_deleted():
    policy = PayPolicy.objects.latest("effective_from")
    assert signed_in(make.administrator()).post(f"{TARIFFS}{policy.pk}/delete/", {"post": "yes"}).status_code == 403


# The ledger


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (make.validator, 200),
        (make.administrator, 403),
        (make.coordinator, 302),
        (make.requester, 302),
        (make.alice, 302),
    ],
)
def test_the_ledger_is_the_validators(who, status):
    assert signed_in(who()).get(LINES).status_code == status


def test_the_ledger_tells_the_newest_line_first():
    used()
    text = said(signed_in(make.validator()).get(LINES))
    assert text.index("Kilométrage 24,80 $ 20 km aller déclarés") < text.index("Durée de présence 82,00 $ 90 min")


def test_the_ledger_is_filtered_by_kinds_in_french():
    used()
    page = signed_in(make.validator()).get(LINES, {"kind__exact": "mileage"})
    assert "Annulation à moins de 2 jours ouvrables (48 h)" in said(page)
    assert page.context["cl"].result_count == 1


@pytest.mark.parametrize(
    ("typed", "found"), [("nom-de-alice", 2), ("autre", 0), ("999999", 0), ("9" * 30, 0), ("0x1", 0)]
)
def test_the_ledger_is_searched_by_name_or_number(typed, found):
    used()
    page = signed_in(make.validator()).get(LINES, {"q": typed})
    assert page.context["cl"].result_count == found


def test_the_number_of_a_request_finds_its_lines():
    used()
    number = PayLine.objects.first().service_request_id
    page = signed_in(make.validator()).get(LINES, {"q": str(number)})
    assert page.context["cl"].result_count == 2


def test_a_line_is_read_whole():
    used()
    line = PayLine.objects.first()
    text = said(signed_in(make.validator()).get(f"{LINES}{line.pk}/change/"))
    assert "Durée de présence" in text and "Politique du 2024-11-04" in text


@pytest.mark.parametrize("address", ["add/", "{}/change/", "{}/delete/"])
def test_a_line_is_neither_added_changed_nor_deleted(address):
    used()
    line = PayLine.objects.first()
    answer = signed_in(make.validator()).post(LINES + address.format(line.pk), {"amount": "0", "post": "yes"})
    assert answer.status_code == 403


def test_the_ledger_asks_the_database_as_much_for_many_lines(django_assert_max_num_queries):
    used()
    client = signed_in(make.validator())
    with django_assert_max_num_queries(7):
        client.get(LINES)
