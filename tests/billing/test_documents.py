"""A statement on paper: the page's lines to the cent, any name, any length, the same bytes each time."""

from io import BytesIO
from time import process_time

import pytest
from pypdf import PdfReader

from accounts.french import money
from billing.documents import statement_pdf
from billing.models import PayLine, PayPeriod
from tests import make
from tests.billing import make as pay
from tests.billing import world
from tests.billing.test_exports import many
from tests.make import PERSONAL
from tests.pages import signed_in

pytestmark = pytest.mark.django_db
# Where the column of amounts begins, in points from the left.
COLUMN = 460


def pages(content: bytes) -> list[str]:
    """What each page says, with ordinary spaces."""
    return [page.extract_text().replace("\u00a0", " ") for page in PdfReader(BytesIO(content)).pages]


def amounts(content: bytes) -> list[str]:
    """What the column of amounts says."""
    found = []

    def read(text, _, place, *__):
        if place[4] > COLUMN and "$" in text:
            found.append(text.replace("\u00a0", " ").strip())

    for page in PdfReader(BytesIO(content)).pages:
        page.extract_text(visitor_text=read)
    return sorted(found)


def lines_of(statement):
    return PayLine.objects.filter(paid_on__statement=statement)


def spaced(amount) -> str:
    return money(amount).replace("\u00a0", " ")


def test_every_amount_of_a_statement_is_on_paper_to_the_cent():
    for statement in world.mixed().statements.select_related("interpreter", "period"):
        expected, of_requests = [statement.total], {}
        for line in lines_of(statement):
            expected.append(line.amount)
            of_requests[line.service_request_id] = of_requests.get(line.service_request_id, 0) + line.amount
        assert amounts(statement_pdf(statement)) == sorted(map(spaced, [*expected, *of_requests.values()]))


def test_a_statement_says_what_it_is_and_why_each_line_and_nothing_of_the_patient_nor_the_place():
    statement = pay.statement_of(make.alice(), world.mixed())
    text = " ".join(pages(statement_pdf(statement))[0].split())
    expected = {
        f"Relevé {statement.number}",
        "du 24 février 2025 au 9 mars 2025",
        "Alice Nom-de-Alice",
        "Banque d’interprètes du RSSS",
        "Annule la ligne de 82,00 $, aussi sur ce relevé",
        "Correction : Vu avec Alice",
        "corrigé jusqu’au 9 mars 2025, quelle que soit la date du service.",
        "politique en vigueur depuis le 4 nov. 2024",
        "514-597-3284 · biq@ssss.gouv.qc.ca",
        "18,4 km aller déclarés, plus de 16 km",
        "page 1 de 1",
    }
    assert {told for told in expected if told in text} == expected
    assert [value for value in (*PERSONAL.values(), "Clinique des Érables", "CHUM") if value in text] == []


def test_no_name_stops_a_statement():
    statement = pay.statement()
    latin, others = "Nguyễn Łukasz Šehović **gras**", "محمد Ґалина 山田 Anh\x00\u200b 😀"
    statement.interpreter.first_name = f"{latin} {others}"
    text = pages(statement_pdf(statement))[0]
    assert latin in text and "Anh ?" in text


def test_the_same_statement_is_the_same_file():
    statement = pay.statement()
    assert statement_pdf(statement) == statement_pdf(statement)


def test_a_draft_and_a_total_to_recover_say_so():
    pay.paid()
    draft = pay.period(state=PayPeriod.State.DRAFT)
    statement = pay.statement_of(make.alice(), draft)
    statement.total = -statement.total
    text = pages(statement_pdf(statement))[0]
    assert "État : brouillon" in text and "Total à récupérer" in text
    assert f"Brouillon, relevé {statement.number}" in text
    answer = signed_in(make.validator()).get(f"/releves/{statement.pk}/pdf/")
    assert answer["Content-Disposition"] == f'attachment; filename="brouillon-releve-{statement.number}.pdf"'


@pytest.mark.parametrize("lines", [60, pytest.param(500, marks=pytest.mark.long)])
def test_a_long_statement_is_drawn_in_seconds_on_numbered_pages(lines):
    statement = pay.statement_of(make.alice(), many(lines))
    began = process_time()
    content = statement_pdf(statement)
    assert process_time() - began < 4
    found = pages(content)
    assert [page.splitlines()[-1] for page in found] == [f"page {n} de {len(found)}" for n in range(1, len(found) + 1)]
    assert len(found) >= lines // 25 and spaced(statement.total) in found[-1]


# The page's own door is in tests/test_doors.py.


def test_an_interpreter_downloads_their_statement():
    statement = pay.statement()
    answer = signed_in(make.alice()).get(f"/releves/{statement.pk}/pdf/")
    assert answer["Content-Disposition"] == f'attachment; filename="releve-{statement.number}.pdf"'
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("application/pdf", "nosniff")
    assert (answer["Cache-Control"], answer.content[:5]) == ("private, no-store", b"%PDF-")
