"""What payroll is handed: files that run nothing, whose totals are the statements', and that never change once made."""

import csv
import hashlib
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from threading import Barrier
from time import process_time

import pytest
from django.db import connection
from django.utils.timezone import localtime
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from accounts.models import Institution, User
from billing.models import PayLine, PayPeriod, PeriodExport
from billing.payroll import HEADER, as_file, export
from requests_app.exports import Sheet, as_csv, as_xlsx, download
from requests_app.models import ServiceRequest
from requests_app.workflow import NotAllowed
from tests import make
from tests.billing import make as pay
from tests.billing import world
from tests.counts import rounds
from tests.make import PERSONAL
from tests.pages import press, said, signed_in

# Marks that begin a formula, blanks and invisible letters before them, what quotes and lines must survive.
ODD = "=+-@|%＝＋－＠−\t\r\n \u00a0\u200b\u2060\ufeff\u00ad\u3164;\"'\\,_x0041é漢12"
TEXTS = st.text(st.sampled_from(ODD), max_size=12) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
)
STATE = PayPeriod.State


def in_csv(content: bytes) -> list[list[str]]:
    text = content.decode("utf-8-sig")
    return list(csv.reader(StringIO(text, newline=""), delimiter=";"))


def in_xlsx(content: bytes, sheet=0) -> list[list]:
    page = load_workbook(BytesIO(content)).worksheets[sheet]
    return [[cell.value for cell in row] for row in page.iter_rows()]


# Formats


@settings(max_examples=rounds("table"), deadline=None, derandomize=True)
@given(st.lists(TEXTS, min_size=3, max_size=3))
def test_every_text_comes_back_whole_apart_from_an_apostrophe(texts):
    sheet = Sheet(name="Feuille", header=texts, rows=[texts])
    cells = list(load_workbook(BytesIO(as_xlsx([sheet]))).active.iter_rows(min_row=2))[0:1]
    assert {cell.data_type for row in cells for cell in row if cell.value} <= {"s"}
    found = [unescape(cell.value or "") for row in cells for cell in row]
    for given_text, of_csv, of_xlsx in zip(texts, in_csv(as_csv(texts, [texts]))[1], found, strict=False):
        assert of_csv in (given_text, f"'{given_text}")
        assert of_xlsx == of_csv


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-2+3", "@A1", "|cmd", "%0", "\tx", "\rx", "\n=1", " =1", "\u00a0=1", "\u200b=1", "\ufeff=1", "＝1"]
    + [f"{filler}=1" for filler in "\u115f\u1160\u2800\u3164\uffa0"],
)
def test_a_text_that_a_spreadsheet_would_compute_is_only_shown(text):
    assert in_csv(as_csv(["a"], [[text]]))[1] == [f"'{text}"]


@pytest.mark.parametrize("text", ["", "Présence", "'=1", "1-2", "a=b", "« = »", "2 h × 41,00\u00a0$", "\u200b", "–"])
def test_an_ordinary_text_is_as_it_was_written(text):
    assert in_csv(as_csv(["a"], [[text, "fin"]]))[1] == [text, "fin"]


def test_numbers_and_dates_stay_what_they_are():
    row = [Decimal("-1234.50"), Decimal("0.625"), 12, date(2025, 3, 6), None]
    assert as_csv("abcde", [row]).splitlines()[1] == b"-1234,50;0,625;12;2025-03-06;"
    shown = list(load_workbook(BytesIO(as_xlsx([Sheet(name="F", header="abcde", rows=[row])]))).active)[1]
    assert [cell.value for cell in shown[:3]] == [-1234.5, 0.625, 12]
    assert (shown[3].value.date(), shown[3].number_format, shown[0].number_format) == (row[3], "yyyy-mm-dd", "#,##0.00")


def test_a_file_carries_no_nul_and_opens_in_french():
    content = as_csv(["a"], [["é\x00\x0b"]])
    assert content == "\ufeffa\r\né\r\n".encode()


ELSEWHERE = """
import hashlib
from datetime import date, datetime
from decimal import Decimal
from requests_app.exports import Sheet, as_csv, as_xlsx
rows = [["=x", Decimal("2.50"), date(2025, 3, 6)]]
for content in (as_csv("abc", rows), as_xlsx([Sheet(name="F", header="abc", rows=rows)])):
    print(hashlib.sha256(content).hexdigest())
"""


def test_the_same_rows_give_the_same_bytes_elsewhere():
    command = [sys.executable, "-c", ELSEWHERE]
    rows = [["=x", Decimal("2.50"), date(2025, 3, 6)]]
    here = [as_csv("abc", rows), as_xlsx([Sheet(name="F", header="abc", rows=rows)])]
    assert load_workbook(BytesIO(here[1])).properties.created == datetime(2024, 11, 4)
    told = subprocess.run(command, env={"TZ": "Asia/Tokyo", "PYTHONPATH": "."}, capture_output=True, text=True)
    assert told.stdout.split() == [hashlib.sha256(content).hexdigest() for content in here], told.stderr


def test_a_download_is_kept_by_nobody_and_guessed_by_nobody():
    answer = download("paie.csv", b"a", "text/csv")
    told = {name: answer[name] for name in ("Content-Disposition", "X-Content-Type-Options", "Cache-Control")}
    assert told == {
        "Content-Disposition": 'attachment; filename="paie.csv"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }


# A period


def exported(period, fmt="csv", *, by=None, at=pay.ENDED):
    return export(period, fmt, by=by or make.validator(), at=at)


def amounts(rows, column="Montant"):
    place = rows[0].index(column)
    return [Decimal(str(row[place]).replace(",", ".")) for row in rows[1:]]


@pytest.mark.django_db
def test_the_lines_the_statements_and_both_files_pay_the_same_to_the_cent():
    period = world.mixed()
    lines = list(PayLine.objects.filter(paid_on__statement__period=period).order_by("interpreter_id", "pk"))
    workbook = as_file(period, "xlsx")
    told = {"csv": in_csv(as_file(period, "csv")), "xlsx": in_xlsx(workbook)}
    of_each = dict(period.statements.values_list("interpreter_id", "total"))
    expected = sorted((line.pk, line.amount) for line in lines)
    for rows in told.values():
        assert sorted(zip((int(row[0]) for row in rows[1:]), amounts(rows), strict=True)) == expected
    totals = in_xlsx(workbook, 1)
    assert dict(zip((row[1] for row in totals[1:]), amounts(totals, "Total"), strict=True)) == of_each
    assert in_xlsx(workbook, 2)[-1] == ["Total ($)", float(sum(of_each.values()))]


@pytest.mark.django_db
def test_a_line_is_told_with_all_that_payroll_needs():
    period = world.mixed()
    rows = in_csv(as_file(period, "csv"))
    undone = next(dict(zip(HEADER, row, strict=True)) for row in rows[1:] if row[-1])
    line = PayLine.objects.get(reverses__isnull=False)
    assert undone == {
        "Ligne": str(line.pk),
        "Relevé": pay.statement_of(make.alice(), period).number,
        "No d’interprète": str(make.alice().pk),
        "Identifiant": "alice",
        "Interprète": "Alice Nom-de-Alice",
        "Demande": str(line.service_request_id),
        "Date du service": "2025-03-06",
        "Établissement": "CHUM",
        "Code": "service",
        "Règle": "Durée de présence",
        "Quantité": "-2",
        "Unité": "h",
        "Taux": "41,00",
        "Montant": "-82,00",
        "Explication": "Annule la ligne de 82,00 $",
        "Politique du": "2024-11-04",
        "Annule la ligne": str(line.reverses_id),
    }
    assert not [name for name in PERSONAL.values() if name in str(rows)]


def changed_since() -> None:
    """Everything that a file tells and that somebody may change."""
    User.objects.filter(username="alice").update(first_name="Alix", last_name="Nom-de-Plume")
    Institution.objects.filter(name="CHUM").update(name="CHUM (ancien)")
    ServiceRequest.objects.update(patient_name="Vu", instructions="Autre", professional_name="Avec")


@pytest.mark.django_db
def test_exported_again_a_period_is_the_same_file_whatever_changed():
    period = world.mixed()
    first = {fmt: exported(period, fmt) for fmt in PeriodExport.Format}
    changed_since()
    for fmt, made in first.items():
        assert as_file(period, fmt) != bytes(made.content)
        again = exported(period, fmt, at=pay.ENDED + make.HOUR)
        assert (again.pk, bytes(again.content), again.made_at) == (made.pk, bytes(made.content), pay.ENDED)
        assert made.sha256 == hashlib.sha256(made.content).hexdigest()
    period.refresh_from_db()
    assert period.state == STATE.EXPORTED


@pytest.mark.django_db
def test_a_draft_is_not_exported_nor_by_anybody_but_a_validator():
    pay.paid()
    draft = pay.period(state=STATE.DRAFT)
    with pytest.raises(NotAllowed, match="encore un brouillon"):
        exported(draft)
    with pytest.raises(NotAllowed, match="Seul un valideur"):
        exported(draft, by=make.administrator())
    assert not PeriodExport.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_exports_at_once_both_get_the_one_file():
    pay.paid()
    period, by, barrier = pay.period(), make.validator(), Barrier(2, timeout=30)

    def press_export(fmt):
        barrier.wait()
        try:
            made = exported(period, fmt, by=by)
            return made.pk, bytes(made.content)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for fmt in PeriodExport.Format:
            first, second = pool.map(press_export, [fmt, fmt])
            assert first == second
    assert PeriodExport.objects.count() == 2


@pytest.mark.django_db
def test_a_file_asks_one_statement_however_many_lines(django_assert_num_queries):
    pay.paid()
    visited = world.visit()
    world.corrected(visited)
    period = pay.period()
    with django_assert_num_queries(1):
        as_file(period, "xlsx")


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_sixty_thousand_lines_are_written_in_seconds(fmt):
    period, began = many(60_000), process_time()
    as_file(period, fmt)
    assert process_time() - began < 30


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_a_file_holds_in_memory_little_more_than_itself(fmt):
    period = many(20_000)
    tracemalloc.start()
    size, most = len(as_file(period, fmt)), tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3 * size + 15_000_000


def many(lines: int) -> PayPeriod:
    """A published period of one line copied in bulk; the verbs would take an hour."""
    line = PayLine.objects.get(service_request=pay.paid(), kind="service")
    names = [field.attname for field in PayLine._meta.concrete_fields if field.name not in ("id", "number")]
    values = {name: getattr(line, name) for name in names}
    PayLine.objects.bulk_create(
        (PayLine(number=number, **values) for number in range(10, 10 + min(lines, 32_000))), batch_size=2000
    )
    other = values | {"service_request_id": pay.paid(make.bob()).pk}
    rest = range(10, 10 + max(0, lines - 32_000))
    PayLine.objects.bulk_create((PayLine(number=number, **other) for number in rest), batch_size=2000)
    return pay.period()


# Pages


@pytest.fixture
def validator(db):
    return signed_in(make.validator())


def test_the_validator_exports_then_downloads_what_was_made(validator):
    pay.paid()
    period = pay.period()
    page = f"/paie/releves/{period.pk}/"
    assert validator.get(f"{page}export/csv/fichier/").status_code == 404
    press(validator, page, "Exporter (CSV)")
    made = PeriodExport.objects.get()
    told = said(validator.get(page))
    assert f"CSV : exporté le {localtime(made.made_at):%-d}" in told and f"SHA-256 {made.sha256}" in told
    answer = validator.get(f"{page}export/csv/fichier/")
    assert (answer.content, answer["Content-Disposition"]) == (
        bytes(made.content),
        'attachment; filename="paie-20250309.csv"',
    )


def test_a_draft_is_refused_in_words(validator):
    pay.paid()
    draft = pay.period(state=STATE.DRAFT)
    answer = validator.post(f"/paie/releves/{draft.pk}/export/csv/")
    assert (answer.status_code, "Publiez-la avant de l’exporter" in said(answer)) == (409, True)
    assert "Exporter (CSV)" not in said(validator.get(f"/paie/releves/{draft.pk}/"))


def test_a_file_that_was_altered_is_not_handed_over(validator, caplog):
    pay.paid()
    given = {"made_by": make.validator(), "made_at": pay.ENDED, "sha256": "0" * 64}
    made = pay.period().exports.create(format="csv", content=b"autre", **given)
    answer = validator.get(f"/paie/releves/{made.period_id}/export/csv/fichier/")
    assert (answer.status_code, "ne correspond plus" in said(answer)) == (409, True)
    assert "does not match its checksum" in caplog.text


@pytest.mark.parametrize("fmt", ["pdf", "%00"])
def test_no_other_format_exists(validator, fmt):
    period = pay.statement().period
    assert validator.post(f"/paie/releves/{period.pk}/export/{fmt}/").status_code == 404
    assert validator.get(f"/paie/releves/{period.pk}/export/{fmt}/fichier/").status_code == 404
