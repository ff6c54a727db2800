"""How the interpreter's report is read: tolerant times, and communications as the FAQ writes them (ruling 6)."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest

from completion.rules import (
    TypedCommunication,
    format_communications,
    is_billable,
    local_instant,
    parse_communications,
    parse_time,
    unread_lines,
    why_unbillable,
)

TORONTO = ZoneInfo("America/Toronto")
PURPOSES = {
    "Confirmation du rendez-vous": "confirmation",
    "Modification de rendez-vous": "modification",
    "Rappel du rendez-vous à l'utilisateur": "reminder",
    "Explication de procédures/préparations": "explanation",
    "Autre": "other",
}
CONFIRMED = TypedCommunication(day=date(2024, 12, 1), time=time(14, 10), purpose="confirmation")
REMINDED = TypedCommunication(day=date(2024, 12, 5), time=time(20, 12), purpose="reminder")
FAQ = """Communications :

- 1- 2024-12-01 14h10 Confirmation du rendez-vous
- 2- 2024-12-05 20.12 Rappel du rendez-vous à l'utilisateur
"""


def parse(text):
    return parse_communications(text, purposes=PURPOSES)


def write(*rows):
    return format_communications(rows, purposes=PURPOSES)


def other(text):
    return TypedCommunication(day=date(2024, 12, 1), time=time(14, 10), purpose="other", other=text)


# Times.


@pytest.mark.parametrize(
    "typed",
    [
        "14h10",
        "14 h 10",
        "14H10",
        "14.10",
        "14:10",
        "1410",
        " 14h10 ",
        "14\u00a0h\u00a010",
        "14\u202fh\u202f10",
        "14 heures 10",
        "14 h 10 min",
        "2:10 pm",
        "2h10 p.m.",
    ],
)
def test_a_time_is_read_however_it_is_typed(typed):
    assert parse_time(typed) == time(14, 10)


@pytest.mark.parametrize("typed", ["9", "09", "9h", "9 H", "9h00", "9 heures", "900", "0900", "9:00"])
def test_a_time_without_minutes_is_on_the_hour(typed):
    assert parse_time(typed) == time(9, 0)


@pytest.mark.parametrize(
    ("typed", "hour"), [("midi", 12), ("Minuit", 0), ("24h00", 0), ("3pm", 15), ("12 am", 0), ("12 PM", 12)]
)
def test_a_time_is_read_in_words_and_in_half_days(typed, hour):
    assert parse_time(typed) == time(hour)


@pytest.mark.parametrize(("typed", "expected"), [("20.12", time(20, 12)), ("9 h 5", time(9, 5)), ("0h01", time(0, 1))])
def test_a_time_keeps_its_minutes(typed, expected):
    assert parse_time(typed) == expected


@pytest.mark.parametrize(("typed", "expected"), [("0h00", time(0, 0)), ("23h59", time(23, 59)), ("2359", time(23, 59))])
def test_the_day_goes_from_midnight_to_the_last_minute(typed, expected):
    assert parse_time(typed) == expected


@pytest.mark.parametrize("typed", ["24h01", "25", "2500", "14h60", "1460", "99"])
def test_a_time_that_does_not_exist_is_refused_in_french(typed):
    with pytest.raises(ValueError, match="^Cette heure n’existe pas\u00a0: elle va de 0\u00a0h à 23\u00a0h\u00a059.$"):
        parse_time(typed)


@pytest.mark.parametrize(
    "typed",
    ["", "midi 10", "13pm", "14h100", "-9", "14:1", "14.5", "14-10", "14010", "14h10 min 5", "１４h10", "14h10 ou 15h"],
)
def test_anything_else_is_refused_with_an_example(typed):
    with pytest.raises(ValueError, match="^Écrivez l’heure ainsi\u00a0: 14\u00a0h\u00a010.$"):
        parse_time(typed)


# Communications typed in the comment.


def test_the_faq_example_becomes_two_rows():
    rows, rest = parse(FAQ)
    assert rows == [CONFIRMED, REMINDED]
    assert rest == "\n"


@pytest.mark.parametrize(
    "line",
    [
        "1- 2024-12-01 14h10 Confirmation du rendez-vous",
        "- 1- 2024-12-01 14h10 Confirmation du rendez-vous",
        "• 2024-12-01 14h10 Confirmation du rendez-vous",
        "1) 2024-12-01 14h10 Confirmation du rendez-vous",
        "1. 2024-12-01, 14 h 10 : Confirmation du rendez-vous.",
        "1 2024-12-01 à 14:10 – confirmation du rendez vous",
        "2024-12-01 14h10 CONFIRMATION DU RENDEZ-VOUS   ",
        "2024/12/01 1410 Confirmation du rendez‑vous",
        "  12 –\u00a02024-12-1 - 14\u202fh\u202f10 Confirmation du rendez-vous\t",
        "2024-12-01 14 heures 10 Confirmation du rendez-vous",
        "2024-12-01 a\u0300 14h10 Confirmation du rendez-vous",
    ],
)
def test_a_line_is_recognised_however_it_is_typed(line):
    assert parse(line) == ([CONFIRMED], "")


@pytest.mark.parametrize(
    "purpose",
    [
        "Rappel du rendez-vous à l’utilisateur",
        "RAPPEL DU RENDEZ-VOUS A L'UTILISATEUR",
        "rappel du rendez-vous a l utilisateur",
        "Rappel du rendez-vous a\u0300 l'utilisateur;",
    ],
)
def test_apostrophes_accents_and_capitals_do_not_matter(purpose):
    assert parse(f"2- 2024-12-05 20.12 {purpose}")[0] == [REMINDED]


@pytest.mark.parametrize(("label", "code"), PURPOSES.items())
def test_every_purpose_has_its_code(label, code):
    assert [row.purpose for row in parse(f"2024-12-01 14h10 {label}")[0]] == [code]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Appel au CLSC pour l'adresse", "Appel au CLSC pour l'adresse"),
        ("Autre : Appel au CLSC", "Appel au CLSC"),
        ("autre: Appel : 2 fois", "Appel : 2 fois"),
        ("Adresse : 12, rue Cartier", "Adresse : 12, rue Cartier"),
        ("Confirmation du rendez-vous avec le CLSC", "Confirmation du rendez-vous avec le CLSC"),
        ("Confirmation du rendez-vous : reportée", "Confirmation du rendez-vous : reportée"),
        ("Autre", ""),
    ],
)
def test_an_unknown_purpose_becomes_other_with_its_text(typed, kept):
    assert parse(f"1- 2024-12-01 14h10 {typed}") == ([other(kept)], "")


@pytest.mark.parametrize(
    "line",
    [
        "2024-13-01 14h10 Confirmation du rendez-vous",
        "2025-02-29 14h10 Confirmation du rendez-vous",
        "2024-12-01 25h10 Confirmation du rendez-vous",
        "2024-12-01 Confirmation du rendez-vous",
        "2024-12-01 14h10",
        "2024-12-01 14h10 -",
        "2024-12/01 14h10 Confirmation du rendez-vous",
        "14h10 Confirmation du rendez-vous",
        "Le 2024-12-01 14h10 Confirmation du rendez-vous",
        "2024-12-01 9 appels au CLSC",
        "2024-12-01 14h10min Confirmation du rendez-vous",
        "Nombre de communications : 2",
    ],
)
def test_a_line_that_is_not_clearly_a_communication_stays_in_the_comment(line):
    assert parse(line) == ([], line)


NOOR = replace(CONFIRMED, requested_by_name="Noor Imaginaire", justification="urgence")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (", demandé par Noor Imaginaire, urgence", NOOR),
        (", demandé par Noor Imaginaire : urgence", NOOR),
        ("; Demandée par  Noor Imaginaire: urgence", NOOR),
        (" - demande par Noor Imaginaire; urgence", NOOR),
        (" (demande\u0301 par Noor Imaginaire, urgence).", NOOR),
        (", demandé par Noor Imaginaire", replace(NOOR, justification="")),
        (", demandé par Mme Roy, CLSC : urgence", replace(NOOR, requested_by_name="Mme Roy, CLSC")),
        (", justification : urgence", replace(NOOR, requested_by_name="")),
    ],
)
def test_who_asked_and_why_are_read_after_the_purpose(asked, expected):
    assert parse(f"1- 2024-12-01 14h10 Confirmation du rendez-vous{asked}") == ([expected], "")


def test_who_asked_is_read_after_a_free_text():
    [row] = parse("2024-12-01 14h10 Appel au CLSC, demandé par Mme Roy : à jeun")[0]
    assert (row.other, row.requested_by_name, row.justification) == ("Appel au CLSC", "Mme Roy", "à jeun")


@pytest.mark.parametrize(
    "line",
    [
        "01-12-2024 14h10 Confirmation du rendez-vous",
        "2- 2024-13-01 14h10 Appel",
        "Le 2024/12/01 Appel au CLSC",
        "• Confirmation du rendez-vous, dimanche",
        "14h10 Confirmation du rendez-vous",
    ],
)
def test_a_line_that_looks_like_a_communication_is_named_when_it_is_not_read(line):
    text = f"Merci!\n{line}\n2024-12-01 14h10 Confirmation du rendez-vous"
    assert unread_lines(text, purposes=PURPOSES) == [line]


@pytest.mark.parametrize(
    "line", ["Nombre de communications : 2", "Voir le 514-555-0123", "La confirmation du rendez-vous est faite", "3 h"]
)
def test_a_line_of_prose_is_no_communication_to_write_again(line):
    assert unread_lines(line, purposes=PURPOSES) == []


def test_an_hour_followed_by_a_count_keeps_the_count_in_the_text():
    [row] = parse("2024-12-01 14h 2 appels au CLSC")[0]
    assert (row.time, row.other) == (time(14, 0), "2 appels au CLSC")


def test_the_rest_of_the_comment_is_kept_byte_for_byte():
    before, after = "  L’usager\u00a0était en retard.\r\n\r\n", "\tMots: 2 \n fin"
    text = f"{before}Communications :\r\n1- 2024-12-01 14h10 Confirmation du rendez-vous\r\n{after}"
    rows, rest = parse(text)
    assert rows == [CONFIRMED]
    assert rest == before + after


@pytest.mark.parametrize(
    "heading", ["Communications :", "COMMUNICATIONS:", "- Communication\u00a0: ", "communications"]
)
def test_the_heading_goes_with_its_rows(heading):
    assert parse(f"{heading}\n1- 2024-12-01 14h10 Confirmation du rendez-vous\n") == ([CONFIRMED], "")


def test_a_heading_over_the_interpreters_own_words_stays():
    text = "Communications :\nvoir avec la BI\n"
    assert parse(text + "2024-12-01 14h10 Confirmation du rendez-vous") == ([CONFIRMED], text)


@pytest.mark.parametrize("text", ["", "\n", "Communications :", "Communications :\n\n", "Rien à signaler.\r\n"])
def test_a_comment_without_communications_is_left_alone(text):
    assert parse(text) == ([], text)


def test_a_very_long_comment_is_read_at_once():
    started = perf_counter()
    parse(f"1- 2024-12-01 14h10{' ' * 50_000}x{' ' * 50_000}\n{'1-' * 50_000}\n{'Communications' + ' ' * 50_000}!")
    assert perf_counter() - started < 1


# Communications written back.


def test_communications_are_written_in_the_one_format():
    assert write(CONFIRMED, REMINDED) == (
        "Communications :\n"
        "1- 2024-12-01 14h10 Confirmation du rendez-vous\n"
        "2- 2024-12-05 20h12 Rappel du rendez-vous à l'utilisateur"
    )


def test_an_other_purpose_is_written_with_its_text_on_one_line():
    assert write(other("Appel\n  au CLSC")).endswith("1- 2024-12-01 14h10 Autre : Appel au CLSC")


def test_an_other_purpose_without_text_is_written_bare():
    assert write(other("")).endswith("1- 2024-12-01 14h10 Autre")


def test_a_named_purpose_is_written_alone():
    assert write(replace(CONFIRMED, other="au CLSC")) == write(CONFIRMED)


def test_a_morning_hour_is_written_without_a_leading_zero():
    assert "2024-12-01 9h05 Conf" in write(
        TypedCommunication(day=date(2024, 12, 1), time=time(9, 5), purpose="confirmation")
    )


def test_no_communication_writes_nothing():
    assert write() == ""


def test_what_is_written_is_read_back_the_same():
    draw = random.Random(6)
    texts = [
        "Appel au CLSC",
        "Autre : encore",
        "Confirmation du rendez-vous",
        "2024-12-01 14h10 x",
        "12",
        "…",
        "é : à",
        "",
    ]
    for _ in range(300):
        rows = []
        for _ in range(draw.randrange(12)):
            purpose = draw.choice([*PURPOSES.values()])
            day = date(2024, 1, 1) + timedelta(days=draw.randrange(900))
            at = time(draw.randrange(24), draw.randrange(60))
            text = draw.choice(texts) if purpose == "other" else ""
            name, why = draw.choice(["", "Noor", "Mme Roy, CLSC", "Dr. X-Y"]), draw.choice(["", "à jeun", "a, b : c)"])
            asked = {"requested_by_name": name, "justification": why}
            rows.append(TypedCommunication(day=day, time=at, purpose=purpose, other=text, **asked))
        assert parse(write(*rows)) == (rows, "")


# Billable or not (ruling 6).


def billable(*, by_request=False, name="", justification="", at="10:00", notice=None):
    instants = [text and datetime.fromisoformat(f"2025-03-10 {text}").replace(tzinfo=TORONTO) for text in (at, notice)]
    return is_billable(
        requested_by_request=by_request,
        requested_by_name=name,
        justification=justification,
        at=instants[0],
        notice_received_at=instants[1],
    )


def test_a_communication_the_request_asks_for_is_billable():
    assert billable(by_request=True) is True


def test_a_communication_asked_for_by_somebody_with_a_justification_is_billable():
    assert billable(name="Mme Roy", justification="Préparation à jeun") is True


@pytest.mark.parametrize(
    ("name", "why"), [("", ""), ("Mme Roy", ""), ("", "À jeun"), ("Mme Roy", "  "), ("\u00a0", "À jeun")]
)
def test_a_name_or_a_justification_alone_is_not_enough(name, why):
    assert billable(name=name, justification=why) is False


@pytest.mark.parametrize(("at", "expected"), [("09:59", True), ("10:00", True), ("10:01", False)])
def test_a_communication_after_the_notice_of_cancellation_is_not_billable(at, expected):
    assert billable(by_request=True, at=at, notice="10:00") is expected


def test_the_notice_also_stops_what_somebody_asked_for():
    assert billable(name="Mme Roy", justification="À jeun", at="10:01", notice="10:00") is False


@pytest.mark.parametrize("by_request", [True, False])
@pytest.mark.parametrize("name", ["Mme Roy", " "])
@pytest.mark.parametrize("justification", ["À jeun", ""])
@pytest.mark.parametrize("minute", ["09:59", "10:01"])
def test_what_is_not_billable_is_said_why_and_nothing_else_is(by_request, name, justification, minute):
    at, notice = (datetime.fromisoformat(f"2025-03-10 {text}").replace(tzinfo=TORONTO) for text in (minute, "10:00"))
    given = {"requested_by_request": by_request, "requested_by_name": name, "justification": justification}
    given |= {"at": at, "notice_received_at": notice}
    assert bool(why_unbillable(**given)) is not is_billable(**given)


def test_the_doubled_hour_is_compared_in_its_true_order():
    notice = datetime(2025, 11, 2, 1, 50, tzinfo=TORONTO)
    at = datetime(2025, 11, 2, 1, 10, tzinfo=TORONTO, fold=1)
    known = {"requested_by_request": True, "requested_by_name": "", "justification": ""}
    assert is_billable(at=at, notice_received_at=notice, **known) is False


@pytest.mark.parametrize("naive", ["at", "notice_received_at"])
def test_a_naive_instant_is_refused(naive):
    instants = dict.fromkeys(("at", "notice_received_at"), datetime(2025, 3, 10, tzinfo=UTC)) | {
        naive: datetime(2025, 3, 10)
    }
    with pytest.raises(ValueError, match="^Une date et une heure doivent avoir un fuseau horaire.$"):
        is_billable(requested_by_request=True, requested_by_name="", justification="", **instants)


def test_a_typed_communication_has_its_local_instant():
    assert local_instant(CONFIRMED.day, CONFIRMED.time, TORONTO) == datetime(2024, 12, 1, 19, 10, tzinfo=UTC)
