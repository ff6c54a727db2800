"""`manage quote`: a case of pay in JSON, its lines out, whatever the line holds."""

import io
import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from billing import quote
from billing.models import PayPolicy
from requests_app.models import Holiday
from tests.billing.test_oracle import every
from tests.billing.test_rules import CHRISTMAS, NBSP, POLICIES, TORONTO

ROOT = Path(__file__).resolve().parents[2]
VISIT = {
    "service_type": "on_site",
    "starts_at": "2025-03-12T14:00",
    "ends_at": "2025-03-12T15:00",
    "outcome": "rendered",
    "actual_minutes": 60,
}
CANCELLED = {**VISIT, "outcome": "cancelled", "actual_minutes": None, "notice_received_at": "2025-03-10T14:00"}


def answered(line) -> dict:
    """What one line is answered; a case is written as JSON first."""
    line = line if isinstance(line, bytes) else json.dumps(line).encode()
    known = {"policies": POLICIES, "closed_days": frozenset(CHRISTMAS), "tz": TORONTO}
    told = quote.answer(line, **known)
    assert b"\n" not in told
    return json.loads(told)


def amounts(case=VISIT, **known) -> dict:
    return {line["kind"]: line["amount"] for line in answered({**case, **known})["lines"]}


def refused(case=VISIT, **known) -> tuple:
    told = answered({**case, **known})
    assert set(told) == {"error", "field"}
    return told["field"], told["error"].replace(NBSP, " ")


# What is answered.


def test_a_case_is_answered_by_its_lines_its_total_its_policy_and_its_notice():
    told = answered({**VISIT, "actual_minutes": 140, "home_km": "12.0"})
    service, mileage = told.pop("lines")
    assert told == {"total": "102.50", "policy": "2024-11-04", "notice_hours": None}
    reason = service.pop("reason").replace(NBSP, " ")
    assert reason.startswith("140 min de présence, payées 150 min")
    assert service == {"kind": "service", "quantity": "2.5", "unit": "h", "rate": "41.00", "amount": "102.50"}
    assert (mileage["amount"], mileage["reason"].endswith("pas de kilométrage.")) == ("0.00", True)


def test_an_answer_reads_in_french_as_it_is():
    line = quote.answer(json.dumps(VISIT).encode(), policies=POLICIES, closed_days=frozenset(), tz=TORONTO)
    assert "de présence".encode() in line


@pytest.mark.parametrize(
    ("number", "total", "case"),
    [
        (1, "82.00", {"actual_minutes": 75, "home_km": "12.0"}),
        (
            2,
            "139.32",
            {"actual_minutes": 140, "home_km": "18.4", "head_office_km": "22.0", "parking": "14.00"}
            | {"parking_receipt": True},
        ),
        (3, "101.96", {"home_km": "16.1"}),
        (4, "0.00", CANCELLED),
        (4, "82.00", CANCELLED | {"notice_received_at": "2025-03-10T14:01"}),
        (5, "102.50", CANCELLED | {"starts_at": "2025-03-17T10:00", "ends_at": "2025-03-17T12:30"}
            | {"notice_received_at": "2025-03-14T09:00"}),
        (6, "82.00", CANCELLED | {"starts_at": "2024-12-27T10:00", "ends_at": "2024-12-27T12:00"}
            | {"notice_received_at": "2024-12-20T10:01"}),
        (7, "20.50", {"service_type": "message_relay", "actual_minutes": None, "billable_communications": 2}),
        (8, "10.25", CANCELLED | {"notice_received_at": "2025-03-04T14:00", "billable_communications": 1}
            | {"unbillable_communications": 1}),
        (9, "112.75", {"starts_at": "2024-11-01T10:00", "ends_at": "2024-11-01T11:30", "actual_minutes": 90}
            | {"travel_minutes": 45}),
        (10, "133.25", {"actual_minutes": 185}),
        (11, "82.00", {"service_type": "video", "actual_minutes": 35}),
        (12, "248.00", {"service_type": "translation", "actual_minutes": None, "words": 1240}),
    ],
)  # fmt: skip
def test_the_worked_examples_of_the_domain(number, total, case):
    assert answered({**VISIT, **case})["total"] == total


@pytest.mark.parametrize(
    ("home", "office", "km"), [("30.0", "18.5", "37"), ("18.5", "30.0", "37"), ("18.5", None, "37"), (None, 20, "40")]
)
def test_the_shorter_distance_is_the_claim_or_the_one_there_is(home, office, km):
    told = answered({**VISIT, "home_km": home, "head_office_km": office})
    assert [line["quantity"] for line in told["lines"] if line["kind"] == "mileage"] == [km]


def test_no_distance_at_all_is_a_line_of_zero_that_says_so():
    mileage = answered(VISIT)["lines"][1]
    assert (mileage["amount"], mileage["reason"]) == ("0.00", f"Aucune distance déclarée{NBSP}: pas de kilométrage.")


@pytest.mark.parametrize(
    ("received", "hours"),
    [
        ("2025-03-10T14:00", "48.0000"),
        ("2025-03-10T14:00:00.000001", "47.9999"),
        ("2025-03-10T14:00:01", "47.9997"),
        ("2025-03-10T13:59:59", "48.0002"),
        ("2025-03-12T14:00", "0.0000"),
        ("2025-03-13T14:00", "0.0000"),
        ("2025-03-10T18:00Z", "48.0000"),
        ("2025-03-10T14:00-04:00", "48.0000"),
    ],
)
def test_the_notice_is_told_in_hours_and_never_rounded_up(received, hours):
    assert answered({**CANCELLED, "notice_received_at": received})["notice_hours"] == hours


def test_the_notice_is_told_of_a_written_service_too():
    assert answered({**CANCELLED, "service_type": "revision"})["notice_hours"] == "48.0000"


@pytest.mark.parametrize(
    ("given", "hours"), [({}, "24.0000"), ({"closed_days": None}, "24.0000"), ({"closed_days": []}, "96.0000")]
)
def test_the_closed_days_given_replace_the_table(given, hours):
    christmas = {"starts_at": "2024-12-27T10:00", "ends_at": "2024-12-27T12:00"}
    case = {**CANCELLED, **christmas, "notice_received_at": "2024-12-23T10:00"}
    assert answered({**case, **given})["notice_hours"] == hours


def test_a_day_given_as_closed_counts_for_nothing():
    told = answered({**CANCELLED, "closed_days": ["2025-03-11", "2025-03-11"]})
    assert (told["notice_hours"], told["total"]) == ("24.0000", "82.00")


@pytest.mark.parametrize(("starts", "policy"), [("2024-11-03T23:59", "2000-01-01"), ("2024-11-04T00:00", "2024-11-04")])
def test_the_policy_is_the_one_of_the_local_date_of_the_service(starts, policy):
    case = {**VISIT, "starts_at": starts, "ends_at": "2024-11-04T01:00"}
    assert answered(case)["policy"] == policy


@pytest.mark.parametrize(("written", "minutes"), [("2025-11-02T01:30", 30), ("2025-11-02T01:30-05:00", 90)])
def test_the_doubled_hour_is_its_first_occurrence_unless_an_offset_says(written, minutes):
    facts = quote.facts_of({**VISIT, "starts_at": "2025-11-02T01:00", "ends_at": written}, tz=TORONTO)
    assert (facts.ends_at.timestamp() - facts.starts_at.timestamp()) == minutes * 60


def test_the_missing_hour_of_march_is_an_error_on_its_field():
    field, error = refused(ends_at="2025-03-09T02:30")
    assert (field, error[:44]) == ("ends_at", "L’heure 2 h 30 n’existe pas le 9 mars 2025 :")


# What is refused, beside its field.


@pytest.mark.parametrize(
    "value", ["12,5", "1e3", "NaN", "Infinity", "1_0", " 5", "+5", "٥", "", 16.1, 5.0, True, [], {}]
)
@pytest.mark.parametrize("field", ["home_km", "parking"])
def test_a_decimal_is_a_plain_string_of_digits_and_a_point(field, value):
    error = 'Écrivez un nombre décimal entre guillemets droits, avec un point : "18.4".'
    assert refused(**{field: value}) == (field, error)


@pytest.mark.parametrize("value", ["75", 75.0, 75.5, True, [75], {"m": 75}])
@pytest.mark.parametrize("field", [*quote.MINUTES, *quote.COUNTS])
def test_a_count_is_a_whole_number(field, value):
    assert refused(**{field: value}) == (field, "Indiquez un nombre entier.")


@pytest.mark.parametrize("number", [b"9" * 30, b"1" + b"0" * 5000, b"1000001"])
@pytest.mark.parametrize("field", [b"actual_minutes", b"home_km"])
def test_a_huge_number_is_refused_beside_its_field(field, number):
    line = json.dumps({**VISIT, "actual_minutes": 0}).encode()[:-1] + b', "words": ' + number + b"}"
    told = answered(line.replace(b'"actual_minutes": 0, ', b"").replace(b'"words"', b'"' + field + b'"'))
    assert told == {"error": "Ce nombre est trop grand.", "field": field.decode()}


@pytest.mark.parametrize("value", ["1", 1, "oui", []])
def test_a_receipt_is_there_or_not(value):
    assert refused(parking_receipt=value) == ("parking_receipt", "Indiquez true ou false.")


@pytest.mark.parametrize(
    "value",
    ["2025-03-12", "20250312T1400", "2025-W11-3T14:00", "2025-03-12 14 h", "2025-03-12T14:00\u0000", 0, [], True],
)
@pytest.mark.parametrize("field", quote.INSTANTS)
def test_an_instant_is_a_date_and_a_time(field, value):
    error = "Écrivez une date et une heure : 2025-03-12T14:00, avec ou sans décalage."
    assert refused(CANCELLED, **{field: value}) == (field, error)


@pytest.mark.parametrize(
    "value", ["2025-02-29T14:00", "2025-03-12T24:01", "0000-01-01T00:00", "2025-03-12T14:00+99:00"]
)
def test_an_instant_that_does_not_exist_is_refused(value):
    assert refused(ends_at=value) == ("ends_at", "Cette date ou cette heure n’existe pas.")


@pytest.mark.parametrize(
    "value", ["9999-12-31T23:59", "0001-01-01T00:00Z", "9999-12-31T23:59-05:00", "1999-01-01T00:00"]
)
@pytest.mark.parametrize("field", quote.INSTANTS)
def test_a_year_typed_wrong_is_refused_beside_its_field(field, value):
    assert refused(CANCELLED, **{field: value})[0] == field


@pytest.mark.parametrize("value", ["2025-12-25", [20251225], ["20251225"], [None], {}, 5, ["2025-12-25T00:00"]])
def test_closed_days_are_a_list_of_dates(value):
    assert refused(closed_days=value) == ("closed_days", 'Écrivez une liste de dates : ["2025-12-25"].')


def test_a_closed_day_that_does_not_exist_is_refused():
    assert refused(closed_days=["2025-02-30"]) == ("closed_days", "L’une de ces dates n’existe pas.")


@pytest.mark.parametrize("field", quote.REQUIRED)
@pytest.mark.parametrize("value", ["absent", None])
def test_a_field_that_is_always_needed_is_asked_for(field, value):
    case = {name: known for name, known in VISIT.items() if name != field} | ({} if value else {field: None})
    assert refused(case) == (field, "Ce champ est obligatoire.")


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("service_type", {"service_type": "telepathy"}),
        ("service_type", {"service_type": []}),
        ("outcome", {"outcome": 3}),
        ("notice_received_at", {**CANCELLED, "notice_received_at": None}),
        ("actual_minutes", {"actual_minutes": None}),
        ("home_km", {"service_type": "video", "home_km": "20.0"}),
        ("home_km", {"home_km": "16.0001"}),
        ("parking", {"parking": "-1.00"}),
        ("parking", {"parking": "14.005"}),
        ("words", {"words": 2}),
        ("starts_at", {"starts_at": "2000-01-01T00:00+05:00"}),
    ],
)
def test_what_the_rules_refuse_is_told_beside_its_field(field, known):
    assert refused(**known)[0] == field


@pytest.mark.parametrize("field", ["distance_km", "guaranteed_minutes", "nom", "", "\ud800", "a\u0000b"])
def test_a_field_that_is_not_known_is_refused_rather_than_ignored(field):
    assert refused(**{field: 1}) == (field, "Ce champ n’existe pas.")


def test_a_field_given_twice_is_refused():
    line = json.dumps(VISIT).encode()[:-1] + b', "actual_minutes": 600}'
    assert answered(line) == {"error": "Ce champ est donné plus d’une fois.", "field": "actual_minutes"}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"", "La ligne est vide."),
        (b" \r\n", "La ligne est vide."),
        (b"{", "La ligne n’est pas du JSON."),
        (b'{"a": 1} {"b": 2}', "La ligne n’est pas du JSON."),
        (b"\x00", "La ligne n’est pas du JSON."),
        (b"[" * 100_000, "La ligne n’est pas du JSON."),
        (b'{"outcome": "rendu\xe9"}', "La ligne n’est pas écrite en UTF-8."),
        (b"[]", "La ligne doit être un objet JSON, entre accolades."),
        (b"[{}]", "La ligne doit être un objet JSON, entre accolades."),
        (b"1.5", "La ligne doit être un objet JSON, entre accolades."),
        (b"NaN", "La ligne doit être un objet JSON, entre accolades."),
        (b"null", "La ligne doit être un objet JSON, entre accolades."),
    ],
)
def test_a_line_that_is_no_case_is_told_so(line, error):
    assert answered(line) == {"error": error, "field": None}


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*VISIT.values(), "18.4", "-0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@every("quote line")
@given(st.dictionaries(st.sampled_from(sorted(quote.FIELDS)), ANYTHING, max_size=3), st.binary(max_size=3))
def test_whatever_is_sent_is_answered(known, noise):
    for line in ({**VISIT, **known}, {**CANCELLED, **known}, noise, json.dumps(known).encode() + noise):
        assert set(answered(line)) in ({"lines", "total", "policy", "notice_hours"}, {"error", "field"})


def test_a_file_of_windows_is_read():
    assert answered(b"\xef\xbb\xbf" + json.dumps(VISIT).encode() + b"\r\n")["total"] == "82.00"


# The command.


def asked(lines: bytes, monkeypatch, capsysbinary) -> list[dict]:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    call_command("quote")
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


@pytest.mark.django_db
def test_the_command_answers_each_line_and_goes_on_after_a_bad_one(monkeypatch, capsysbinary):
    line = json.dumps(VISIT).encode()
    told = asked(b"\n".join([line, b"\xff", b"", line]), monkeypatch, capsysbinary)
    assert [answer.get("total", answer.get("error", "")[:13]) for answer in told] == [
        "82.00",
        "La ligne n’es",
        "La ligne est ",
        "82.00",
    ]


@pytest.mark.django_db
def test_the_command_reads_the_published_tariffs_and_the_table_of_closed_days(monkeypatch, capsysbinary):
    kept = PayPolicy.objects.published().get(effective_from=date(2024, 11, 4))
    for state, rate in (("published", "60.00"), ("draft", "99.00")):
        kept.pk, kept.state, kept.hourly_rate, kept.effective_from = None, state, Decimal(rate), date(2025, 3, 1)
        kept.published_at = kept.published_at if state == "published" else None
        kept.save()
    Holiday.objects.create(date=date(2025, 3, 11), name="Tempête")
    [told] = asked(json.dumps(CANCELLED).encode(), monkeypatch, capsysbinary)
    assert (told["total"], told["policy"], told["notice_hours"]) == ("120.00", "2025-03-01", "24.0000")


@pytest.mark.django_db
def test_the_tables_are_read_once_whatever_the_lines(monkeypatch, capsysbinary, django_assert_num_queries):
    with django_assert_num_queries(2):
        asked(b"\n".join([json.dumps(VISIT).encode()] * 50), monkeypatch, capsysbinary)


@pytest.mark.django_db
def test_a_base_that_is_not_ready_is_said_so(settings):
    settings.DEMO = False
    with connection.cursor() as cursor:
        cursor.execute("SET search_path TO nowhere")
    with pytest.raises(CommandError, match="lancez d’abord manage.py migrate"):
        call_command("quote")


def started(database_url) -> subprocess.Popen:
    environment = {**os.environ, "DATABASE_URL": database_url, "LC_ALL": "C"}
    command = [sys.executable, "manage.py", "quote"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)


def test_who_asks_line_by_line_is_answered_line_by_line(database_url):
    """Then leaves without a word: the command ends as quietly."""
    with started(database_url) as command:
        for minutes, total in ((60, "82.00"), (150, "102.50")):
            command.stdin.write(json.dumps({**VISIT, "actual_minutes": minutes}).encode() + b"\n")
            command.stdin.flush()
            assert json.loads(command.stdout.readline())["total"] == total
        command.stdout.close()
        command.stdin.write(json.dumps(VISIT).encode() * 2 + b"\n")
        command.stdin.close()
        assert (command.wait(), command.stderr.read()) == (0, b"")
