"""The pay engine against the worked examples and the boundaries of domain.md, « Pay »."""

import random
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing.rules import (
    LATE_CANCELLATION_NOTICE,
    RULE_NAMES,
    UNITS,
    Facts,
    LineKind,
    Outcome,
    Policy,
    RuleError,
    added_line,
    billed_minutes,
    business_notice,
    is_late_cancellation,
    notice_hours,
    notice_minutes,
    pay_lines,
    policy_for,
    service_date,
    total,
)
from requests_app.business_days import business_time

TORONTO = ZoneInfo("America/Toronto")
CHRISTMAS = {date(2024, 12, 24), date(2024, 12, 25), date(2024, 12, 26)}
SECOND = timedelta(seconds=1)
NBSP = "\N{NO-BREAK SPACE}"
POLICY = Policy(
    effective_from=date(2024, 11, 4),
    hourly_rate=Decimal("41.00"),
    minimum_minutes=120,
    increment_minutes=15,
    communication_fee=Decimal("10.25"),
    mileage_threshold_km=Decimal("16.0"),
    mileage_rate=Decimal("0.620"),
    mileage_mode="round_trip_full",
    travel_time_rate=Decimal("0.00"),
    word_rate_translation=Decimal("0.20"),
    word_rate_revision=Decimal("0.10"),
)
LEGACY = replace(POLICY, effective_from=date(2000, 1, 1), travel_time_rate=Decimal("41.00"))
POLICIES = [LEGACY, POLICY]


def at(text, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=TORONTO, fold=fold)


def facts(starts="2025-03-12 14:00", booked=60, cancelled=None, **known):
    """Charlie's visit on site, rendered as booked unless said otherwise."""
    known = {"service_type": "on_site", "outcome": "rendered", "actual_minutes": booked} | known
    if cancelled:
        known |= {"outcome": "cancelled", "notice_received_at": at(cancelled), "actual_minutes": None}
    starts_at = at(starts)
    ends_at = (starts_at.astimezone(UTC) + timedelta(minutes=booked)).astimezone(TORONTO)
    return Facts(**({"starts_at": starts_at, "ends_at": ends_at} | known))


def lines(*, policy=None, **known):
    about = facts(**known)
    policy = policy or policy_for(service_date(about.starts_at, TORONTO), POLICIES)
    return pay_lines(about, policy=policy, closed_days=CHRISTMAS, tz=TORONTO)


def paid(**known):
    """Amounts by kind, as a pay slip shows them."""
    return {str(line.kind): str(line.amount) for line in lines(**known)}


def pay(**known):
    return str(total(lines(**known)))


def the(kind, **known):
    [line] = [line for line in lines(**known) if line.kind == kind]
    return line


def reason(kind, **known):
    return the(kind, **known).reason.replace(NBSP, " ")


# The worked examples of domain.md, by number.


def test_example_1_a_short_visit_nearby_pays_the_minimum_and_no_mileage():
    assert paid(actual_minutes=75, distance_km=Decimal("12.0")) == {"service": "82.00", "mileage": "0.00"}


def test_example_2_a_visit_with_mileage_and_parking():
    known = {"home_km": Decimal("18.4"), "head_office_km": Decimal("22.0"), "parking": Decimal("14.00")}
    slip = paid(actual_minutes=140, parking_receipt=True, **known)
    assert slip == {"service": "102.50", "mileage": "22.82", "parking": "14.00"}
    assert pay(actual_minutes=140, parking_receipt=True, **known) == "139.32"


@pytest.mark.parametrize(
    ("km", "amount"), [("15.999", "0.00"), ("16.0", "0.00"), ("16.001", "19.84"), ("16.1", "19.96")]
)
def test_example_3_mileage_is_paid_strictly_above_16_km(km, amount):
    assert paid(distance_km=Decimal(km))["mileage"] == amount


def test_example_3_a_near_head_office_outweighs_a_far_home():
    assert paid(home_km=Decimal("30.0"), head_office_km=Decimal("15.5"))["mileage"] == "0.00"


@pytest.mark.parametrize(("cancelled", "amount"), [("13:59", "0.00"), ("14:00", "0.00"), ("14:01", "82.00")])
def test_example_4_exactly_48_business_hours_are_free(cancelled, amount):
    assert paid(cancelled=f"2025-03-10 {cancelled}") == {"late_cancellation": amount}


@pytest.mark.parametrize(("cancelled", "amount"), [("2025-03-14 09:00", "102.50"), ("2025-03-13 09:59", "0.00")])
def test_example_5_a_weekend_does_not_count_as_notice(cancelled, amount):
    assert pay(starts="2025-03-17 10:00", booked=150, cancelled=cancelled) == amount


@pytest.mark.parametrize(("cancelled", "amount"), [("09:59", "0.00"), ("10:00", "0.00"), ("10:01", "82.00")])
def test_example_6_christmas_does_not_count_as_notice(cancelled, amount):
    assert pay(starts="2024-12-27 10:00", booked=120, cancelled=f"2024-12-20 {cancelled}") == amount


def test_example_7_a_message_relay_pays_its_communications_only():
    known = {"service_type": "message_relay", "actual_minutes": None, "booked": 0}
    assert paid(billable_communications=2, **known) == {"communications": "20.50"}


def test_example_7_a_withdrawal_owes_the_communications_already_made():
    slip = paid(outcome="withdrawn", actual_minutes=None, billable_communications=2)
    assert slip == {"service": "0.00", "communications": "20.50"}


def test_example_8_a_cancellation_in_time_pays_the_billable_communications_only():
    known = {"billable_communications": 1, "unbillable_communications": 1}
    amounts = [str(line.amount) for line in lines(cancelled="2025-03-04 14:00", **known)]
    assert amounts == ["0.00", "10.25", "0.00"]


@pytest.mark.parametrize(
    ("day", "slip"),
    [
        ("2024-11-01", {"service": "82.00", "mileage": "0.00", "travel": "30.75"}),
        ("2024-11-03", {"service": "82.00", "mileage": "0.00", "travel": "30.75"}),
        ("2024-11-04", {"service": "82.00", "mileage": "0.00", "travel": "0.00"}),
    ],
)
def test_example_9_travel_time_is_paid_until_the_new_policy(day, slip):
    assert paid(starts=f"{day} 10:00", actual_minutes=90, travel_minutes=45) == slip


@pytest.mark.parametrize(("minutes", "amount"), [(119, "82.00"), (120, "82.00"), (121, "92.25"), (185, "133.25")])
def test_example_10_the_minimum_then_the_increment(minutes, amount):
    assert paid(actual_minutes=minutes)["service"] == amount


def test_example_11_a_video_service_pays_the_minimum():
    assert paid(service_type="video", actual_minutes=35) == {"service": "82.00"}


def test_example_11_a_distance_typed_on_a_video_service_is_refused():
    with pytest.raises(RuleError, match="en présence") as refused:
        lines(service_type="video", distance_km=Decimal("20.0"))
    assert refused.value.field == "distance_km"


@pytest.mark.parametrize(("service_type", "amount"), [("translation", "248.00"), ("revision", "124.00")])
def test_example_12_words_are_paid_one_by_one_without_minimum(service_type, amount):
    assert paid(service_type=service_type, words=1240, actual_minutes=None) == {"words": amount}


# Service and absence.


@pytest.mark.parametrize(("minutes", "billed"), [(0, 120), (134, 135), (135, 135), (136, 150)])
def test_minutes_are_rounded_up_to_the_increment(minutes, billed):
    assert billed_minutes(minutes, POLICY) == billed


def test_the_minimum_itself_is_rounded_up_to_the_increment():
    assert billed_minutes(10, replace(POLICY, minimum_minutes=100)) == 105


@pytest.mark.parametrize("service_type", ["on_site", "phone", "video"])
def test_every_spoken_service_is_paid_by_presence(service_type):
    assert paid(service_type=service_type, actual_minutes=150)["service"] == "102.50"


@pytest.mark.parametrize("outcome", ["patient_absent", "professional_absent"])
def test_an_absence_is_paid_as_presence_with_mileage_and_parking(outcome):
    known = {"distance_km": Decimal("20"), "parking": Decimal("9.50"), "parking_receipt": True}
    slip = paid(outcome=outcome, actual_minutes=20, **known)
    assert slip == {"service": "82.00", "mileage": "24.80", "parking": "9.50"}


@pytest.mark.parametrize(("outcome", "who"), [("patient_absent", "Usager"), ("professional_absent", "Professionnel")])
def test_an_absence_says_who_was_missing(outcome, who):
    assert reason("service", outcome=outcome, actual_minutes=120).startswith(f"{who} absent, 120 min de présence : ")


def test_waiting_enters_no_formula():
    assert pay(actual_minutes=130, waiting_minutes=500) == pay(actual_minutes=130)


@pytest.mark.parametrize(("actual", "amount"), [(60, "123.00"), (180, "123.00"), (181, "133.25")])
def test_a_late_shortening_pays_at_least_the_original_booked_minutes(actual, amount):
    assert paid(actual_minutes=actual, guaranteed_minutes=180)["service"] == amount


@pytest.mark.parametrize(("guaranteed", "said"), [(180, False), (181, True)])
def test_a_guarantee_is_said_only_when_it_counts(guaranteed, said):
    sentence = f"180 min de présence, {guaranteed} min garanties par un raccourcissement tardif"
    assert reason("service", actual_minutes=180, guaranteed_minutes=guaranteed).startswith(sentence) is said


def test_no_guarantee_is_said_of_a_presence_of_no_minute():
    assert "garanties" not in reason("service", actual_minutes=0)


@pytest.mark.parametrize(("rate", "amount"), [("10.0024", "20.00"), ("10.0025", "20.01"), ("10.0026", "20.01")])
def test_a_line_is_rounded_half_up_to_the_cent(rate, amount):
    assert paid(policy=replace(POLICY, hourly_rate=Decimal(rate)))["service"] == amount


def test_lines_are_rounded_before_they_are_summed():
    policy = replace(POLICY, hourly_rate=Decimal("10.0025"), communication_fee=Decimal("0.005"))
    assert pay(policy=policy, billable_communications=1) == "20.02"


def test_the_amount_comes_from_the_minutes_and_not_from_the_hours_shown():
    line = the("travel", policy=replace(LEGACY, travel_time_rate=Decimal("999999")), travel_minutes=50)
    assert (line.quantity, str(line.amount)) == (Decimal("0.8333"), "833332.50")


def test_no_line_makes_no_money():
    assert str(total([])) == "0.00"


# Late cancellation.


def test_the_notice_that_is_free_is_two_business_days():
    assert timedelta(days=2) == LATE_CANCELLATION_NOTICE


@pytest.mark.parametrize(("seconds", "is_late"), [(-1, True), (0, False), (1, False)])
def test_late_is_strictly_less_than_48_hours(seconds, is_late):
    assert is_late_cancellation(timedelta(hours=48) + seconds * SECOND) is is_late


@pytest.mark.parametrize(("received", "seconds"), [("13:59:59", 1), ("14:00:00", 0), ("14:00:01", 0)])
def test_a_notice_at_or_after_the_start_is_no_notice(received, seconds):
    notice = business_notice(at(f"2025-03-12 {received}"), at("2025-03-12 14:00"), closed_days=(), tz=TORONTO)
    assert notice == timedelta(seconds=seconds)


def test_a_notice_after_the_start_is_recognised_within_the_doubled_hour():
    received, starts_at = at("2025-11-02 01:10", fold=1), at("2025-11-02 01:50")
    assert business_notice(received, starts_at, closed_days=(), tz=TORONTO) == timedelta()


@pytest.mark.parametrize("cancelled", ["2025-03-12 14:00", "2025-03-12 15:30"])
def test_a_cancellation_at_or_after_the_start_is_late(cancelled):
    assert pay(cancelled=cancelled) == "82.00"


@pytest.mark.parametrize("monday", ["2025-03-10", "2025-11-03"])
@pytest.mark.parametrize(("minute", "amount"), [("09:59", "0.00"), ("10:00", "0.00"), ("10:01", "82.00")])
def test_the_weekend_of_the_clock_change_moves_no_limit(monday, minute, amount):
    thursday = date.fromisoformat(monday) - timedelta(days=4)
    assert pay(starts=f"{monday} 10:00", cancelled=f"{thursday} {minute}") == amount


@pytest.mark.parametrize(("minutes", "amount"), [(119, "82.00"), (120, "82.00"), (121, "92.25")])
def test_a_late_cancellation_pays_the_booked_minutes(minutes, amount):
    assert pay(booked=minutes, cancelled="2025-03-12 10:00") == amount


@pytest.mark.parametrize(("day", "amount"), [("2025-03-08", "123.00"), ("2025-11-01", "123.00")])
def test_booked_minutes_over_the_clock_change_are_elapsed(day, amount):
    assert pay(starts=f"{day} 23:30", booked=180, cancelled=f"{day} 20:00") == amount


@pytest.mark.parametrize(("seconds", "amount"), [(-1, "102.50"), (0, "102.50"), (1, "112.75")])
def test_a_started_minute_is_booked(seconds, amount):
    ends_at = at("2025-03-12 16:30") + seconds * SECOND
    assert pay(ends_at=ends_at, cancelled="2025-03-12 10:00") == amount


def test_a_late_cancellation_after_a_late_shortening_pays_the_original_minutes():
    assert pay(booked=60, guaranteed_minutes=180, cancelled="2025-03-12 10:00") == "123.00"


def test_a_late_cancellation_pays_neither_mileage_nor_parking_nor_travel():
    known = {"distance_km": Decimal("40"), "parking": Decimal("10"), "parking_receipt": True, "travel_minutes": 30}
    slip = paid(policy=LEGACY, cancelled="2025-03-12 10:00", **known)
    assert slip == {"late_cancellation": "82.00", "mileage": "0.00", "parking": "0.00", "travel": "0.00"}


def test_a_late_cancellation_owes_communications_too():
    assert pay(cancelled="2025-03-12 10:00", billable_communications=1) == "92.25"


def test_an_absent_interpreter_is_paid_nothing_not_even_communications():
    known = {"interpreter_is_at_fault": True, "billable_communications": 2}
    assert paid(cancelled="2025-03-12 10:00", **known) == {"late_cancellation": "0.00", "communications": "0.00"}


def test_an_absent_interpreter_without_communications_has_one_zero_line():
    assert paid(cancelled="2025-03-12 10:00", interpreter_is_at_fault=True) == {"late_cancellation": "0.00"}


@pytest.mark.parametrize("known", [{"interpreter_is_at_fault": True}, {"service_type": "revision"}])
def test_where_no_notice_decides_the_rule_names_none(known):
    assert the("late_cancellation", cancelled="2025-03-12 10:00", **known).rule == "Annulation"


def test_the_fault_counts_only_on_a_cancellation():
    assert pay(interpreter_is_at_fault=True, billable_communications=1) == "92.25"


@pytest.mark.parametrize("service_type", ["message_relay", "translation", "revision"])
def test_only_interpretation_is_paid_when_cancelled_late(service_type):
    assert paid(service_type=service_type, cancelled="2025-03-12 10:00") == {"late_cancellation": "0.00"}


@pytest.mark.parametrize("service_type", ["on_site", "phone", "video"])
def test_every_spoken_service_is_paid_when_cancelled_late(service_type):
    assert pay(service_type=service_type, cancelled="2025-03-12 10:00") == "82.00"


@pytest.mark.parametrize(
    ("notice", "shown"),
    [
        (timedelta(hours=48) - timedelta(microseconds=1), 47 * 60 + 59),
        (timedelta(hours=48), 48 * 60),
        (timedelta(hours=48, seconds=59.9), 48 * 60),
        (timedelta(hours=48, minutes=1), 48 * 60 + 1),
        (timedelta(), 0),
    ],
)
def test_a_notice_is_shown_to_the_minute_truncated(notice, shown):
    assert notice_minutes(notice) == shown


@pytest.mark.parametrize(
    ("notice", "shown"),
    [
        (timedelta(), "0.0000"),
        (timedelta(milliseconds=359), "0.0000"),
        (timedelta(milliseconds=360), "0.0001"),
        (timedelta(hours=47, minutes=59), "47.9833"),
        (timedelta(hours=48) - SECOND, "47.9997"),
        (timedelta(hours=48) - timedelta(microseconds=1), "47.9999"),
        (timedelta(hours=48), "48.0000"),
        (timedelta(hours=48) + SECOND, "48.0002"),
        (timedelta(days=400), "9600.0000"),
    ],
)
def test_a_notice_in_hours_is_truncated_to_four_decimals(notice, shown):
    assert str(notice_hours(notice)) == shown


# Mileage, parking, travel.


@pytest.mark.parametrize(
    ("home", "office", "km"), [("20", "30", "40"), ("30", "20", "40"), ("20", None, "40"), (None, "20", "40")]
)
def test_the_claim_is_the_shorter_estimate_or_the_one_there_is(home, office, km):
    known = {"home_km": home and Decimal(home), "head_office_km": office and Decimal(office)}
    assert the("mileage", **known).quantity == Decimal(km)


def test_the_distance_declared_counts_before_the_estimates():
    known = {"distance_km": Decimal("25"), "home_km": Decimal("20"), "head_office_km": Decimal("15")}
    assert the("mileage", **known).quantity == 50


@pytest.mark.parametrize(
    ("mode", "quantity", "amount"),
    [("round_trip_full", "40.5", "25.11"), ("one_way_full", "20.25", "12.56"), ("round_trip_excess", "8.5", "5.27")],
)
def test_each_mileage_mode_pays_its_kilometres(mode, quantity, amount):
    line = the("mileage", policy=replace(POLICY, mileage_mode=mode), distance_km=Decimal("20.25"))
    assert (str(line.quantity), str(line.amount)) == (quantity, amount)


def test_an_unknown_mileage_mode_is_never_paid_by_chance():
    with pytest.raises(ValueError, match="as_the_crow_flies"):
        lines(policy=replace(POLICY, mileage_mode="as_the_crow_flies"), distance_km=Decimal("20"))


def test_kilometres_are_not_rounded_before_the_product():
    assert paid(distance_km=Decimal("20.003"))["mileage"] == "24.80"
    assert the("mileage", distance_km=Decimal("20.003")).quantity == Decimal("40.006")


@pytest.mark.parametrize("service_type", ["phone", "video"])
def test_a_service_at_a_distance_has_no_mileage_line(service_type):
    assert paid(service_type=service_type, distance_km=Decimal("0")) == {"service": "82.00"}


def test_no_distance_on_a_cancellation_makes_no_mileage_line():
    assert paid(cancelled="2025-03-12 10:00", distance_km=Decimal("0")) == {"late_cancellation": "82.00"}


def test_parking_without_a_receipt_is_not_paid_yet():
    line = the("parking", parking=Decimal("14.00"))
    assert (line.amount, line.reason[:34]) == (0, "Facture de stationnement manquante")


@pytest.mark.parametrize("parking", [None, Decimal("0.00")])
def test_no_parking_makes_no_line(parking):
    assert "parking" not in paid(parking=parking, parking_receipt=True)


@pytest.mark.parametrize(("minutes", "amount"), [(44, "30.07"), (45, "30.75"), (46, "31.43")])
def test_legacy_travel_time_is_paid_to_the_minute(minutes, amount):
    assert paid(policy=LEGACY, travel_minutes=minutes)["travel"] == amount


@pytest.mark.parametrize("outcome", ["patient_absent", "professional_absent"])
def test_legacy_travel_time_is_paid_when_somebody_else_was_absent(outcome):
    assert paid(policy=LEGACY, outcome=outcome, travel_minutes=45)["travel"] == "30.75"


@pytest.mark.parametrize("service_type", ["phone", "video"])
def test_legacy_travel_time_is_paid_on_site_only(service_type):
    assert paid(policy=LEGACY, service_type=service_type, travel_minutes=45)["travel"] == "0.00"


def test_no_travel_makes_no_line():
    assert "travel" not in paid(policy=LEGACY)


# Communications.


@pytest.mark.parametrize("outcome", ["rendered", "patient_absent", "professional_absent"])
def test_communications_are_owed_when_the_interpreter_was_present(outcome):
    assert paid(outcome=outcome, billable_communications=3)["communications"] == "30.75"


@pytest.mark.parametrize(
    ("count", "start"), [(1, "1 communication non facturable :"), (2, "2 communications non facturables :")]
)
def test_unbillable_communications_make_a_zero_line_with_the_reason(count, start):
    s = "s" if count > 1 else ""
    why = f"ni demandée{s} dans la demande, ni justifiée{s} avec le nom de la personne, ou après l’avis d’annulation."
    assert paid(unbillable_communications=count)["communications"] == "0.00"
    assert reason("communications", unbillable_communications=count) == f"{start} {why}"


def test_a_relay_without_communications_says_that_it_pays_nothing():
    line = the("communications", service_type="message_relay")
    assert (line.amount, line.reason) == (0, "Aucune communication à payer.")


def test_a_relay_with_unbillable_communications_says_it_once():
    assert len(lines(service_type="message_relay", unbillable_communications=1)) == 1


@pytest.mark.parametrize("known", [{}, {"service_type": "translation", "words": 10}, {"outcome": "withdrawn"}])
def test_no_communication_makes_no_line(known):
    assert "communications" not in paid(**known)


# The policy and its date.


@pytest.mark.parametrize(
    ("starts_at", "effective_from"),
    [("2024-11-03 23:59", LEGACY), ("2024-11-04 00:00", POLICY), ("2024-11-04 00:01", POLICY)],
)
def test_the_policy_changes_at_the_local_midnight_of_the_service(starts_at, effective_from):
    assert policy_for(service_date(at(starts_at), TORONTO), POLICIES) == effective_from


def test_the_service_date_is_local_whatever_the_zone_of_the_instant():
    assert service_date(datetime(2024, 11, 4, 4, 59, tzinfo=UTC), TORONTO) == date(2024, 11, 3)


def test_the_order_of_the_policies_does_not_matter():
    assert policy_for(date(2025, 1, 1), reversed(POLICIES)) == POLICY


def test_a_date_before_every_policy_is_refused():
    with pytest.raises(
        RuleError, match="^Aucune politique de rémunération n’est en vigueur le 31\u00a0décembre 1999[.]$"
    ) as refused:
        policy_for(date(1999, 12, 31), POLICIES)
    assert refused.value.field == "starts_at"


# Every line explains itself.


@pytest.mark.parametrize(
    ("kind", "known", "sentence"),
    [
        ("service", {"actual_minutes": 150}, "150 min de présence : 2,5 h × 41,00 $ = 102,50 $."),
        (
            "service",
            {"actual_minutes": 140},
            "140 min de présence, payées 150 min (au moins 120 min, par tranches de 15 min) : "
            "2,5 h × 41,00 $ = 102,50 $.",
        ),
        (
            "late_cancellation",
            {"cancelled": "2025-03-10 14:00:01", "booked": 120},
            "Préavis de 47 h 59 en jours ouvrables, moins de 48 h; 120 min réservées : 2 h × 41,00 $ = 82,00 $.",
        ),
        (
            "late_cancellation",
            {"cancelled": "2025-03-10 14:00"},
            "Préavis de 48 h en jours ouvrables, soit 48 h ou plus : l’annulation n’est pas payée.",
        ),
        (
            "late_cancellation",
            {"cancelled": "2025-03-12 10:00", "interpreter_is_at_fault": True},
            "Annulation pour « interprète absent » : rien n’est payé à l’interprète.",
        ),
        (
            "late_cancellation",
            {"cancelled": "2025-03-12 10:00", "service_type": "revision"},
            "L’annulation ne paie que l’interprétation, en présence ou à distance.",
        ),
        ("service", {"outcome": "withdrawn"}, "Désistement : le service n’a pas été rendu."),
        ("communications", {"billable_communications": 1}, "1 communication facturable : 1 × 10,25 $ = 10,25 $."),
        ("communications", {"billable_communications": 2}, "2 communications facturables : 2 × 10,25 $ = 20,50 $."),
        ("mileage", {"distance_km": Decimal("16.0")}, "16 km aller déclarés : 16 km ou moins, pas de kilométrage."),
        (
            "mileage",
            {"home_km": Decimal("18.40"), "head_office_km": Decimal("22.0")},
            "18,4 km aller depuis le domicile, plus de 16 km : 36,8 km × 0,620 $ = 22,82 $.",
        ),
        (
            "mileage",
            {"home_km": Decimal("22"), "head_office_km": Decimal("20")},
            "20 km aller depuis le siège social, plus de 16 km : 40 km × 0,620 $ = 24,80 $.",
        ),
        ("mileage", {}, "Aucune distance déclarée : pas de kilométrage."),
        (
            "mileage",
            {"distance_km": Decimal("20"), "cancelled": "2025-03-12 10:00"},
            "Service annulé : pas de kilométrage, sauf ligne ajoutée par la BI avec une raison.",
        ),
        (
            "parking",
            {"parking": Decimal("5"), "outcome": "withdrawn"},
            "Désistement : pas de stationnement, sauf ligne ajoutée par la BI avec une raison.",
        ),
        (
            "parking",
            {"parking": Decimal("14.00"), "parking_receipt": True},
            "Facture de stationnement jointe : 1 × 14,00 $ = 14,00 $.",
        ),
        ("travel", {"travel_minutes": 45}, "45 min de déplacement : non rémunéré depuis le 4 novembre 2024."),
        (
            "travel",
            {"travel_minutes": 45, "policy": LEGACY, "service_type": "phone"},
            "45 min de déplacement : payé seulement pour un service en présence.",
        ),
        (
            "travel",
            {"travel_minutes": 45, "policy": LEGACY, "outcome": "withdrawn"},
            "Désistement : pas de temps de déplacement, sauf ligne ajoutée par la BI avec une raison.",
        ),
        ("travel", {"travel_minutes": 45, "policy": LEGACY}, "45 min de déplacement : 0,75 h × 41,00 $ = 30,75 $."),
        ("words", {"service_type": "translation", "words": 1240}, "1 240 mots : 1 240 × 0,20 $ = 248,00 $."),
        ("words", {"service_type": "revision", "words": 1}, "1 mot : 1 × 0,10 $ = 0,10 $."),
        ("words", {"service_type": "revision", "words": 0}, "0 mot : 0 × 0,10 $ = 0,00 $."),
    ],
)
def test_the_reason_is_a_french_sentence(kind, known, sentence):
    assert reason(kind, **known) == sentence


def test_money_and_units_never_break_from_their_figure():
    line = the("service", actual_minutes=3600, policy=replace(POLICY, increment_minutes=1))
    assert line.reason == "3600_min de présence_: 60_h × 41,00_$ = 2_460,00_$.".replace("_", NBSP)


def test_guillemets_never_break_from_their_words():
    line = the("late_cancellation", cancelled="2025-03-12 10:00", interpreter_is_at_fault=True)
    assert f"«{NBSP}interprète absent{NBSP}»{NBSP}:" in line.reason


@pytest.mark.parametrize("quantity", ["120", "1240", "36.8", "0"])
def test_a_quantity_has_no_useless_zero_and_no_exponent(quantity):
    known = (
        {"service_type": "translation", "words": int(quantity)}
        if "." not in quantity
        else {"distance_km": Decimal("18.40")}
    )
    assert str(lines(**known)[-1].quantity) == quantity


def test_every_kind_has_its_unit_and_its_rule_in_french():
    assert set(UNITS) == set(RULE_NAMES) == set(LineKind)


@pytest.mark.parametrize(
    ("kind", "unit", "rate", "rule"),
    [
        ("service", "h", "41.00", "Durée de présence"),
        ("communications", "communication", "10.25", "Communications"),
        ("mileage", "km", "0.620", "Kilométrage"),
        ("parking", "facture", "14.00", "Stationnement sur facture"),
        ("travel", "h", "0.00", "Temps de déplacement"),
    ],
)
def test_a_line_carries_its_unit_its_rate_and_its_rule(kind, unit, rate, rule):
    line = the(kind, billable_communications=1, parking=Decimal("14.00"), travel_minutes=9, distance_km=Decimal(9))
    assert (line.kind, line.unit, str(line.rate), line.rule) == (LineKind(kind), unit, rate, rule)


@pytest.mark.parametrize(
    ("kind", "rate", "known"),
    [
        ("late_cancellation", "41.00", {"cancelled": "2025-03-12 10:00", "interpreter_is_at_fault": True}),
        ("late_cancellation", "41.00", {"cancelled": "2025-03-12 10:00", "service_type": "revision"}),
        ("late_cancellation", "41.00", {"cancelled": "2025-03-01 10:00"}),
        ("service", "41.00", {"outcome": "withdrawn"}),
        ("communications", "10.25", {"unbillable_communications": 1}),
        ("communications", "10.25", {"service_type": "message_relay"}),
        (
            "communications",
            "10.25",
            {"cancelled": "2025-03-12 10:00", "interpreter_is_at_fault": True, "billable_communications": 1},
        ),
        ("mileage", "0.620", {}),
        ("mileage", "0.620", {"distance_km": Decimal("16")}),
        ("mileage", "0.620", {"distance_km": Decimal("20"), "outcome": "withdrawn"}),
        ("parking", "14.00", {"parking": Decimal("14.00")}),
        ("parking", "14.00", {"parking": Decimal("14.00"), "outcome": "withdrawn"}),
        ("travel", "0.00", {"travel_minutes": 45}),
        ("travel", "41.00", {"travel_minutes": 45, "policy": LEGACY, "service_type": "phone"}),
        ("travel", "41.00", {"travel_minutes": 45, "policy": LEGACY, "outcome": "withdrawn"}),
    ],
)
def test_a_line_of_zero_still_says_at_what_rate(kind, rate, known):
    line = the(kind, **known)
    assert (str(line.rate), str(line.quantity), str(line.amount)) == (rate, "0", "0.00")


@pytest.mark.parametrize("amount", ["12.34", "-5.00", "1000000.00", "-1000000.00"])
def test_a_line_that_the_bi_adds_or_takes_off_is_its_amount(amount):
    line = added_line(Decimal(amount), " Deuxième stationnement ")
    told = (line.kind, str(line.quantity), line.unit, str(line.rate), str(line.amount), line.reason, line.rule)
    words = ("Deuxième stationnement", "Ligne ajoutée par la BI")
    assert told == ("adjustment", "1", "ajustement", amount, amount, *words)


NOT_CENTS = "Indiquez un montant en dollars et en cents."


@pytest.mark.parametrize(
    ("amount", "reason", "field", "message"),
    [
        (Decimal("0.00"), "Oubli", "amount", "Le montant ajouté ou retranché n’est pas nul."),
        (Decimal("1.00"), " ", "reason", "Donnez la raison de la ligne ajoutée."),
        *[
            (amount, "Oubli", "amount", NOT_CENTS)
            for amount in (Decimal("1.001"), Decimal("NaN"), Decimal("1000000.01"), Decimal("-1000000.01"), 1, 1.5, "1")
        ],
    ],
)
def test_an_added_line_that_cannot_be_is_refused(amount, reason, field, message):
    with pytest.raises(RuleError) as refused:
        added_line(amount, reason)
    assert (refused.value.field, str(refused.value)) == (field, message)


@pytest.mark.parametrize(
    ("cancelled", "rule"),
    [
        ("2025-03-12 10:00", "Annulation à moins de 2_jours ouvrables (48_h)"),
        ("2025-03-01 10:00", "Annulation à 2_jours ouvrables (48_h) ou plus"),
    ],
)
def test_a_cancellation_names_the_faq_rule(cancelled, rule):
    assert the("late_cancellation", cancelled=cancelled).rule == rule.replace("_", NBSP)


def test_a_translation_is_paid_by_the_word():
    line = the("words", service_type="translation", words=10)
    assert (line.unit, str(line.rate), line.rule) == ("mot", "0.20", "Paiement au mot")


@pytest.mark.parametrize("make", [lambda: POLICY, facts, lambda: the("service")])
def test_policies_facts_and_lines_never_change(make):
    value = make()
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)


def test_the_lines_come_in_one_order():
    known = {"parking": Decimal("1"), "travel_minutes": 1, "distance_km": Decimal("1")}
    slip = list(paid(billable_communications=1, **known))
    assert slip == ["service", "communications", "mileage", "parking", "travel"]


def test_in_every_line_quantity_times_rate_is_the_amount():
    draw = random.Random(7)
    for _ in range(500):
        known = {"distance_km": Decimal(draw.randrange(60000)) / 1000, "travel_minutes": draw.choice([0, 15, 90])}
        known |= {"parking": Decimal(draw.randrange(3000)) / 100, "parking_receipt": draw.random() < 0.5}
        known |= {"billable_communications": draw.randrange(4), "unbillable_communications": draw.randrange(3)}
        known |= {"outcome": draw.choice([*Outcome]), "actual_minutes": draw.randrange(600)}
        known |= {"notice_received_at": at("2025-03-07 00:00") + timedelta(minutes=draw.randrange(9000))}
        for line in lines(policy=draw.choice(POLICIES), **known):
            assert abs(line.quantity * line.rate - line.amount) <= Decimal("0.005"), line
            assert line.reason.endswith(".") and line.rule, line


# What cannot be is refused beside its field, in French.


NOT_AN_INSTANT = "Indiquez une date et une heure avec leur fuseau horaire."
NOT_PLAUSIBLE = "L’année n’est pas plausible."
NO_ABSENCE = "Une absence ne se déclare que pour un service d’interprétation."
NO_PRESENCE = "Indiquez la durée de présence, en minutes."
NO_NOTICE = "Indiquez quand l’annulation a été reçue."
NO_WORDS = "Les mots ne se comptent que pour une traduction ou une révision."
NO_DISTANCE = "Une distance ne se déclare que pour un service en présence."
NOT_WHOLE = "Indiquez un nombre entier."
NOT_DECIMAL = "Indiquez un nombre décimal."
TOO_FINE = "Les kilomètres s’écrivent au mètre près : trois décimales au plus."


@pytest.mark.parametrize(
    ("field", "message", "known"),
    [
        ("service_type", "Ce type de service n’existe pas.", {"service_type": "telepathy"}),
        ("outcome", "Ce résultat n’existe pas.", {"outcome": "forgotten"}),
        ("outcome", NO_ABSENCE, {"outcome": "patient_absent", "service_type": "translation"}),
        ("outcome", NO_ABSENCE, {"outcome": "professional_absent", "service_type": "message_relay"}),
        ("starts_at", NOT_AN_INSTANT, {"starts_at": datetime(2025, 3, 12, 14)}),
        ("starts_at", NOT_AN_INSTANT, {"starts_at": "2025-03-12 14:00"}),
        ("starts_at", NOT_PLAUSIBLE, {"starts_at": at("1999-12-31 23:59")}),
        ("ends_at", NOT_AN_INSTANT, {"ends_at": datetime(2025, 3, 12, 15)}),
        ("ends_at", NOT_PLAUSIBLE, {"ends_at": at("2200-01-01 00:00")}),
        ("ends_at", "La fin doit suivre le début.", {"ends_at": at("2025-03-12 14:00")}),
        (
            "ends_at",
            "La fin doit suivre le début.",
            {"service_type": "message_relay", "ends_at": at("2025-03-12 13:59")},
        ),
        ("notice_received_at", NO_NOTICE, {"outcome": "cancelled"}),
        ("notice_received_at", NO_NOTICE, {"outcome": "cancelled", "service_type": "revision"}),
        ("notice_received_at", NOT_AN_INSTANT, {"outcome": "cancelled", "notice_received_at": datetime(2025, 3, 10)}),
        (
            "notice_received_at",
            NOT_AN_INSTANT,
            {"outcome": "cancelled", "service_type": "revision", "notice_received_at": 1},
        ),
        ("actual_minutes", NO_PRESENCE, {"actual_minutes": None}),
        ("actual_minutes", NO_PRESENCE, {"actual_minutes": None, "outcome": "patient_absent"}),
        ("actual_minutes", NOT_WHOLE, {"actual_minutes": Decimal("75.5")}),
        ("actual_minutes", NOT_WHOLE, {"actual_minutes": True}),
        ("guaranteed_minutes", NOT_WHOLE, {"guaranteed_minutes": None}),
        ("words", "Indiquez le nombre de mots.", {"service_type": "revision"}),
        ("words", NO_WORDS, {"words": 2}),
        ("words", NO_WORDS, {"words": 2, "service_type": "message_relay"}),
        ("distance_km", NOT_DECIMAL, {"distance_km": Decimal("NaN")}),
        ("distance_km", NOT_DECIMAL, {"distance_km": Decimal("Infinity")}),
        ("distance_km", NOT_DECIMAL, {"distance_km": 20}),
        ("distance_km", TOO_FINE, {"distance_km": Decimal("16.0001")}),
        ("home_km", NO_DISTANCE, {"home_km": Decimal("20"), "service_type": "phone"}),
        ("head_office_km", NO_DISTANCE, {"head_office_km": Decimal("20"), "service_type": "message_relay"}),
        (
            "parking",
            NO_DISTANCE.replace("Une distance", "Le stationnement"),
            {"parking": Decimal(5), "service_type": "video"},
        ),
        ("parking", NOT_DECIMAL, {"parking": "5.00"}),
        ("parking", NOT_CENTS, {"parking": Decimal("14.005")}),
        ("parking", NOT_CENTS, {"parking": Decimal("0.004"), "outcome": "withdrawn"}),
    ],
)
def test_a_fact_that_cannot_be_is_refused_beside_its_field(field, message, known):
    with pytest.raises(RuleError) as refused:
        lines(policy=POLICY, **known)
    assert (refused.value.field, str(refused.value).replace(NBSP, " ")) == (field, message)


@pytest.mark.parametrize("starts", ["2000-01-01 00:00", "2199-12-31 12:00"])
def test_a_year_is_plausible_from_the_first_policy_on(starts):
    assert pay(starts=starts) == "82.00"


@pytest.mark.parametrize("field", ["notice_received_at", "starts_at"])
def test_a_notice_between_naive_instants_is_refused_beside_its_field(field):
    instants = {"notice_received_at": at("2025-03-10 10:00"), "starts_at": at("2025-03-12 10:00")}
    instants[field] = instants[field].replace(tzinfo=None)
    with pytest.raises(RuleError) as refused:
        business_notice(*instants.values(), closed_days=(), tz=TORONTO)
    assert refused.value.field == field


def test_the_date_of_a_naive_start_is_refused_beside_its_field():
    with pytest.raises(RuleError) as refused:
        service_date(datetime(2025, 3, 12, 14), TORONTO)
    assert refused.value.field == "starts_at"


COUNTS = ("billable_communications", "unbillable_communications", "words")
MINUTES = ("guaranteed_minutes", "actual_minutes", "waiting_minutes", "travel_minutes")
DECIMALS = ("distance_km", "home_km", "head_office_km", "parking")
NUMBERS = dict.fromkeys((*MINUTES, *COUNTS), int) | dict.fromkeys(DECIMALS, Decimal)


@pytest.mark.parametrize(("field", "kind"), NUMBERS.items())
def test_a_negative_number_is_refused(field, kind):
    with pytest.raises(RuleError, match="^Indiquez un nombre positif ou nul.$") as refused:
        lines(**{field: kind(-1)})
    assert refused.value.field == field


@pytest.mark.parametrize(("field", "kind"), NUMBERS.items())
def test_a_number_that_is_not_plausible_is_refused(field, kind):
    with pytest.raises(RuleError, match="^Ce nombre est trop grand.$") as refused:
        lines(**{field: kind(1_000_001)})
    assert refused.value.field == field


@pytest.mark.parametrize(("field", "kind"), NUMBERS.items())
def test_a_binary_fraction_never_enters_the_engine(field, kind):
    with pytest.raises(RuleError, match=NOT_WHOLE if kind is int else NOT_DECIMAL) as refused:
        lines(**{field: 1.5})
    assert refused.value.field == field


@pytest.mark.parametrize(("field", "kind"), NUMBERS.items())
def test_nothing_declared_is_written_zero_on_any_service(field, kind):
    assert pay(service_type="phone", **{field: kind(0)}) == "82.00"


def test_a_large_number_that_is_plausible_is_paid():
    assert pay(service_type="translation", words=1_000_000) == "200000.00"


def test_a_message_relay_is_one_instant():
    assert lines(service_type="message_relay", booked=0)


def test_the_minutes_of_a_written_service_are_not_asked():
    assert pay(service_type="revision", words=10, actual_minutes=None) == "1.00"


def test_the_notice_is_measured_by_the_one_clock():
    received, starts_at = at("2024-12-20 10:00"), at("2024-12-27 10:00")
    known = {"closed_days": CHRISTMAS, "tz": TORONTO}
    assert business_notice(received, starts_at, **known) == business_time(received, starts_at, **known)


def test_the_closed_days_are_those_the_caller_froze():
    about = facts(starts="2024-12-27 10:00", cancelled="2024-12-24 09:59")
    assert total(pay_lines(about, policy=POLICY, closed_days=(), tz=TORONTO)) == 0
