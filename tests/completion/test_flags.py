"""The flags, each at its limit: just under, on, just over (issue 6, « Flags »)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from completion.flags import FlagKind, flags
from completion.review_facts import Addition, Copy, Exchange, Presence, ReviewFacts

TORONTO = ZoneInfo("America/Toronto")
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
CREATED = datetime(2025, 3, 3, 10, tzinfo=TORONTO)
START = datetime(2025, 3, 6, 13, tzinfo=TORONTO)
END = START + 90 * MINUTE


def facts(**known) -> ReviewFacts:
    """A clean file: on site, 90 minutes as booked, 24 km claimed and estimated, filed an hour after the end."""
    clean = ReviewFacts(
        service_type="on_site",
        starts_at=START,
        ends_at=END,
        created_at=CREATED,
        filed_at=END + HOUR,
        present_from=START,
        present_to=END,
        distance_km=Decimal("24.0"),
        estimated_km=Decimal("24.0"),
        threshold_km=Decimal("16.0"),
    )
    return replace(clean, **known)


def kinds(**known) -> list[str]:
    return [flag.kind.value for flag in flags(facts(**known))]


def sentence(**known) -> str:
    """The only flag's, with plain spaces."""
    (flag,) = flags(facts(**known))
    return flag.sentence.replace("\u00a0", " ")


def presence(start: datetime, end: datetime, road_minutes=None) -> dict:
    return {"presences": (Presence(number=4821, starts_at=start, ends_at=end, road_minutes=road_minutes),)}


def added(amount: str) -> dict:
    return {"additions": (Addition(amount=Decimal(amount), added_by="Violette", reason="Détour."),)}


def made(*instants: datetime, **fields) -> dict:
    """Communications that the request asks for, of one purpose."""
    given = {"purpose": "Confirmation du rendez-vous"} | fields
    return {"exchanges": tuple(Exchange(at=at, **given) for at in instants), "are_communications_requested": True}


def test_a_file_as_booked_has_nothing_to_look_at():
    assert flags(facts()) == []


def test_nothing_filed_and_nothing_known_has_nothing_to_look_at():
    assert flags(ReviewFacts(service_type="phone", starts_at=START, ends_at=END, created_at=CREATED)) == []


# What it cost to come.


@pytest.mark.parametrize(
    ("claimed", "found"),
    [("0", []), ("0.001", ["short_way"]), ("15.999", ["short_way"]), ("16.000", ["short_way"]), ("16.001", [])],
)
def test_up_to_sixteen_kilometres_nothing_should_be_claimed(claimed, found):
    assert kinds(distance_km=Decimal(claimed)) == found


@pytest.mark.parametrize(
    ("claimed", "estimated", "found"),
    [
        ("23.999", "20.0", []),
        ("24.000", "20.0", []),
        ("24.001", "20.0", ["distance"]),
        ("24.0", "0.0", ["distance"]),
        ("24.0", None, []),
        (None, "20.0", []),
    ],
)
def test_a_fifth_above_the_estimate_is_looked_at(claimed, estimated, found):
    claimed, estimated = (value and Decimal(value) for value in (claimed, estimated))
    assert kinds(distance_km=claimed, estimated_km=estimated) == found


@pytest.mark.parametrize(
    ("amount", "has_receipt", "found"),
    [("0.00", False, []), ("0.01", False, ["parking"]), ("0.01", True, []), (None, False, [])],
)
def test_parking_comes_with_its_receipt(amount, has_receipt, found):
    assert kinds(parking_amount=amount and Decimal(amount), has_receipt=has_receipt) == found


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({}, "La facture de stationnement est aussi jointe à la demande 4821 du 5 mars 2025, de la même personne."),
        (
            {"is_receipt": False, "is_same_person": False, "more": 2},
            "Une pièce est aussi jointe à la demande 4821 du 5 mars 2025, d’une autre personne, et à 2 de plus.",
        ),
    ],
)
def test_the_same_file_elsewhere_is_said_with_its_request(known, words):
    copy = Copy(**{"number": 4821, "served_at": START - DAY, "is_receipt": True, "is_same_person": True} | known)
    assert sentence(copies=(copy,)) == words


# Where the interpreter was.


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (START - HOUR, START - SECOND, []),
        (START - HOUR, START, []),
        (START - HOUR, START + SECOND, ["overlap"]),
        (START + MINUTE, END - MINUTE, ["overlap"]),
        (START - HOUR, END + HOUR, ["overlap"]),
        (END - SECOND, END + HOUR, ["overlap"]),
        (END, END + HOUR, []),
        (END + SECOND, END + HOUR, []),
    ],
)
def test_nobody_is_present_in_two_places(start, end, found):
    assert kinds(**presence(start, end)) == found


@pytest.mark.parametrize(
    ("free", "road", "found"),
    [
        (31 * MINUTE, 30, []),
        (30 * MINUTE, 30, []),
        (30 * MINUTE - SECOND, 30, ["travel"]),
        (timedelta(0), 1, ["travel"]),
        (timedelta(0), 0, []),
        (timedelta(0), None, []),
    ],
)
def test_the_road_between_two_services_fits_in_the_time_between_them(free, road, found):
    assert kinds(**presence(START - free - HOUR, START - free, road)) == found
    assert kinds(**presence(END + free, END + free + HOUR, road)) == found


def test_only_the_nearest_places_are_travelled_between():
    for nearest, farthest in ((START - 2 * HOUR, START - 3 * HOUR), (END, END + HOUR)):
        here = Presence(number=1, starts_at=nearest, ends_at=nearest + HOUR, road_minutes=0)
        far = Presence(number=2, starts_at=farthest, ends_at=farthest + HOUR, road_minutes=150)
        assert kinds(presences=(far, here)) == kinds(presences=(here, far)) == []


def test_whoever_was_not_there_overlaps_nobody():
    assert kinds(present_from=None, present_to=None, **presence(START, END, 30)) == []


@pytest.mark.parametrize(
    ("booked", "present", "found"),
    [
        (90, 119, []),
        (90, 120, []),
        (90, 121, ["duration"]),
        (30, 44, []),
        (30, 45, []),
        (30, 46, ["duration"]),
        (60, 90, []),
        (60, 91, ["duration"]),
        (90, 10, []),
        (59, 88, []),
        (59, 89, ["duration"]),
        (0.5, 1, ["duration"]),
    ],
)
def test_half_an_hour_or_half_the_time_over_the_request_is_looked_at(booked, present, found):
    assert kinds(ends_at=START + booked * MINUTE, present_to=START + present * MINUTE) == found


# Communications.


@pytest.mark.parametrize(
    ("apart", "found"),
    [(DAY - SECOND, ["duplicate"]), (DAY, []), (DAY + SECOND, []), (timedelta(0), ["duplicate"])],
)
def test_two_of_one_purpose_within_a_day_are_one(apart, found):
    assert kinds(**made(CREATED + apart, CREATED)) == found


def test_another_purpose_or_another_precision_is_another_communication():
    rows = [Exchange(at=CREATED, purpose="Autre", precision=text) for text in ("Carte", "Adresse")]
    rows.append(Exchange(at=CREATED, purpose="Rappel"))
    assert kinds(exchanges=tuple(rows), are_communications_requested=True) == []
    twice = Exchange(at=CREATED + HOUR, purpose="Autre", precision=" carte")
    assert kinds(exchanges=(*rows, twice), are_communications_requested=True) == ["duplicate"]


@pytest.mark.parametrize(
    ("at", "known", "found"),
    [
        (CREATED - SECOND, {}, ["outside"]),
        (CREATED, {}, []),
        (CREATED + SECOND, {}, []),
        (START - SECOND, {}, []),
        (START, {}, ["outside"]),
        (START + SECOND, {}, ["outside"]),
        (START, {"present_from": START + MINUTE}, []),
        (START, {"present_from": None, "present_to": None}, ["outside"]),
        (END + HOUR, {"service_type": "translation", "ends_at": END + HOUR}, []),
        (END + HOUR, {"service_type": "revision", "ends_at": END + HOUR - SECOND}, ["outside"]),
        (START, {"service_type": "message_relay"}, []),
        (START + SECOND, {"service_type": "message_relay"}, ["outside"]),
        (CREATED + HOUR, {"notice_received_at": CREATED + HOUR + SECOND}, []),
        (CREATED + HOUR, {"notice_received_at": CREATED + HOUR}, []),
        (CREATED + HOUR, {"notice_received_at": CREATED + HOUR - SECOND}, ["outside"]),
        (CREATED + HOUR, {"told_at": CREATED + HOUR}, []),
        (CREATED + HOUR, {"told_at": CREATED + HOUR - SECOND}, ["outside"]),
    ],
)
def test_communications_are_made_between_the_request_and_its_service(at, known, found):
    assert kinds(**made(at), **known) == found


@pytest.mark.parametrize(
    ("requested", "fields", "found"),
    [
        (True, {}, []),
        (False, {}, ["unbillable"]),
        (False, {"requested_by_name": "Camille"}, ["unbillable"]),
        (False, {"requested_by_name": "Camille", "justification": "Nouvelle adresse"}, []),
        (False, {"is_decided": True}, []),
    ],
)
def test_what_the_rule_does_not_pay_waits_for_a_decision(requested, fields, found):
    assert kinds(**made(CREATED, **fields) | {"are_communications_requested": requested}) == found


def test_what_a_validator_accepted_is_not_asked_again():
    assert kinds(**made(CREATED - DAY, CREATED - DAY, is_decided=True)) == []


# When it was filed.


@pytest.mark.parametrize(("late", "found"), [(-SECOND, []), (timedelta(0), []), (SECOND, ["late"])])
@pytest.mark.parametrize(
    ("since", "known"),
    [
        (END, {}),
        (END + HOUR, {"present_to": END + HOUR, "ends_at": END + HOUR - SECOND}),
        (END, {"present_from": None, "present_to": None}),
        (START - DAY, {"notice_received_at": START - DAY, "present_from": None, "present_to": None}),
    ],
)
def test_a_report_is_filed_within_ten_days(late, found, since, known):
    """Elapsed days: the clocks change on 9 March."""
    assert kinds(filed_at=since.astimezone(UTC) + 10 * DAY + late, **known) == found


def test_ten_days_are_counted_by_the_clock_that_never_changes():
    """From 6 to 16 March 2025, the clocks of Montréal lose an hour."""
    assert kinds(filed_at=END + 10 * DAY + HOUR) == []
    assert kinds(filed_at=END + 10 * DAY + HOUR + SECOND) == ["late"]


# What is read.


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (
            {"distance_km": Decimal("31.0"), "estimated_km": Decimal("24.2")},
            "31 km déclarés, 24,2 km estimés : 28 % de plus.",
        ),
        (
            {"distance_km": Decimal("24.01"), "estimated_km": Decimal("20.0")},
            "24,01 km déclarés, 20 km estimés : 20,1 % de plus.",
        ),
        ({"estimated_km": Decimal("0.0")}, "24 km déclarés, 0 km estimé."),
        ({"distance_km": Decimal("1.9")}, "1,9 km déclaré : rien n’est payé jusqu’à 16 km (aller)."),
        ({"distance_km": Decimal("2.0")}, "2 km déclarés : rien n’est payé jusqu’à 16 km (aller)."),
        ({"distance_km": Decimal("7.0")}, "7 km déclarés : rien n’est payé jusqu’à 16 km (aller)."),
        (
            {"parking_amount": Decimal("14")},
            "14,00 $ de stationnement : sans facture, il ne peut pas être validé.",
        ),
        ({"present_to": END + 50 * MINUTE}, "2 h 20 de présence, 1 h 30 à la demande : 50 min de plus (56 %)."),
        (
            presence(START - HOUR, START + 10 * MINUTE),
            "La présence chevauche de 10 min celle de la demande 4821 (12 h à 13 h 10).",
        ),
        (
            presence(START - HOUR, START + SECOND),
            "La présence chevauche de 1 min celle de la demande 4821 (12 h à 13 h).",
        ),
        (
            presence(END + 20 * MINUTE, END + HOUR, 36),
            "20 min pour aller à la demande 4821, commencée à 14 h 50 : la route en demande environ 36 min.",
        ),
        (
            made(CREATED, CREATED + HOUR),
            "Confirmation du rendez-vous, 3 mars 2025, 10 h, puis 3 mars 2025, 11 h : "
            "plusieurs échanges pour un même objectif n’en font qu’une.",
        ),
        (
            made(START),
            "Confirmation du rendez-vous, 6 mars 2025, 13 h : pendant ou après le service, 6 mars 2025, 13 h.",
        ),
        (
            made(CREATED) | {"are_communications_requested": False},
            "Confirmation du rendez-vous, 3 mars 2025, 10 h : la demande ne prévoit pas de communication; "
            "il manque le nom de qui l’a demandée et la justification.",
        ),
        (added("50"), "50,00 $ ajoutés par Violette : Détour."),
        (added("-1.99"), "1,99 $ retiré par Violette : Détour."),
        ({"filed_at": END + 12 * DAY + HOUR}, "12 jours entre la fin du service (6 mars 2025) et la première version."),
        (
            {"filed_at": END + 14 * DAY, "service_type": "message_relay", "present_from": None, "present_to": None},
            "13 jours entre le désistement (6 mars 2025) et la première version.",
        ),
        (
            {"filed_at": END + 11 * DAY, "notice_received_at": START + HOUR},
            "Un peu plus de 10 jours entre l’annulation (6 mars 2025) et la première version.",
        ),
        (
            presence(START + 11 * HOUR, START + 12 * HOUR, 36)
            | {"ends_at": START + 10.5 * HOUR, "present_to": START + 10.5 * HOUR},
            "30 min pour aller à la demande 4821, commencée le 7 mars, 0 h : la route en demande environ 36 min.",
        ),
    ],
)
def test_a_flag_says_what_it_counted(known, words):
    assert sentence(**known) == words


def test_the_most_serious_comes_first():
    found = kinds(
        **presence(START - HOUR, END),
        distance_km=Decimal(10),
        estimated_km=Decimal(5),
        parking_amount=Decimal(5),
        filed_at=END + 20 * DAY,
        present_to=END + HOUR,
        exchanges=(Exchange(at=START, purpose="Rappel"), Exchange(at=START + HOUR, purpose="Rappel")),
        copies=(Copy(number=1, served_at=START, is_receipt=True, is_same_person=True),),
        additions=(Addition(amount=Decimal(5), added_by="Violette", reason="Détour"),),
    )
    assert sorted(set(found), key=list(FlagKind).index) == list(dict.fromkeys(found))
    assert set(FlagKind) - set(found) == {FlagKind.TRAVEL}
