"""User pays: the sheets of the establishments are the statements' lines, told without interpreter nor patient."""

import tracemalloc
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Institution
from billing import institutions
from billing.institutions import as_file, charge_of, charges, page_of
from billing.ledger import adjust
from billing.models import PayLine, PayPeriod
from requests_app.models import Transition
from tests import make
from tests.billing import make as pay
from tests.billing import month, world
from tests.billing.test_board import copied
from tests.billing.test_documents import amounts as on_paper
from tests.billing.test_documents import pages, spaced
from tests.billing.test_exports import amounts, in_csv, in_xlsx
from tests.make import HOUR, PERSONAL, START
from tests.pages import said, signed_in

pytestmark = pytest.mark.django_db
HIDDEN = (*PERSONAL.values(), "Alice", "Bob", "alice")


def total_of(period: PayPeriod) -> Decimal:
    return sum(statement.total for statement in period.statements.all())


def charged(period, institution) -> list[Decimal]:
    lines = PayLine.objects.filter(paid_on__statement__period=period, service_request__institution=institution)
    return sorted(lines.values_list("amount", flat=True))


def test_the_sheet_in_each_format_is_what_the_statements_pay_to_the_cent():
    period = world.mixed()
    for institution in charges(period):
        expected = charged(period, institution)
        blocks = page_of(period, institution, 1)[0]
        assert sorted(line.amount for block in blocks for line in block.lines) == expected
        assert sorted(amounts(in_csv(as_file(period, institution, "csv")))) == expected
        book = as_file(period, institution, "xlsx")
        assert sorted(amounts(in_xlsx(book))) == expected
        assert in_xlsx(book, 1)[1][::4] == [institution.name, float(institution.charge.total)]
        assert {row[0] for row in in_csv(as_file(period, institution, "csv"))[1:]} == {institution.name}
        paper = on_paper(as_file(period, institution, "pdf"))
        of_blocks = [block.total for block in blocks]
        assert paper == sorted(map(spaced, [*expected, *of_blocks, institution.charge.total]))


def test_neither_the_interpreter_nor_the_patient_is_on_any_sheet():
    period, chum = world.mixed(), make.institution()
    texts = {fmt: str(read(as_file(period, chum, fmt))) for fmt, read in READ.items()}
    texts["page"] = said(signed_in(make.validator()).get(address(period, chum)))
    for fmt, text in texts.items():
        assert [value for value in HIDDEN if value in text] == [], fmt
        assert "Vu avec [interprète]" in text


@pytest.mark.parametrize("typed", ["Bob Nom-de-Bob", "bob@exemple.test", "alice@exemple.test", "ALICE@exemple.test"])
def test_a_reason_names_nobody_who_had_the_request_before_nor_by_their_address(typed):
    made = pay.paid()
    step = made.transitions.last()
    Transition.objects.create(**copied(step, interpreter_id=make.bob().pk))
    given = {"by": make.validator(), "at": START + 6 * HOUR, "amount": Decimal(1)}
    adjust(made.pay_lines.get(kind="service"), reason=f"Vu par {typed}.", **given)
    blocks, _ = page_of(pay.period(), make.institution(), 1)
    assert {line.reason for line in blocks[0].lines if line.number > 1} >= {"Vu par [interprète]."}
    assert [line.reason for line in blocks[0].lines if typed in line.reason] == []


@pytest.mark.long
@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_a_sheet_holds_in_memory_little_more_than_itself(fmt):
    month.validated(requests=8_000, people=20)
    period = pay.period()
    tracemalloc.start()
    size, most = len(as_file(period, make.institution(), fmt)), tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3 * size + 15_000_000


READ = {"csv": in_csv, "xlsx": in_xlsx, "pdf": lambda content: " ".join(" ".join(pages(content)).split())}


def address(period, institution, fmt="") -> str:
    base = f"/paie/releves/{period.pk}/etablissements/{institution.pk}/"
    return f"{base}{fmt}/" if fmt else base


def test_a_late_cancellation_is_told_as_such_and_explained():
    period = world.mixed()
    text = said(signed_in(make.validator()).get(address(period, make.other_institution())))
    assert "Annulation à moins de 2 jours ouvrables (48 h) 2 h × 41,00 $" in text
    assert "Préavis de 24 h en jours ouvrables, moins de 48 h" in text


def test_the_files_of_a_draft_say_that_it_is_one():
    pay.paid()
    draft, valere = pay.period(state=PayPeriod.State.DRAFT), signed_in(make.validator())
    page, chum = valere.get(f"/paie/releves/{draft.pk}/etablissements/"), make.institution()
    assert "Brouillon" in said(page) and "Brouillon" in said(valere.get(address(draft, chum)))
    answer = valere.get(address(draft, chum, "pdf"))
    name = f"brouillon-a-refacturer-{draft.ends_on:%Y%m%d}-{chum.pk}.pdf"
    assert (answer["Content-Disposition"], answer.content[:5]) == (f'attachment; filename="{name}"', b"%PDF-")


def test_the_establishments_are_listed_by_name_and_add_up_to_the_period():
    period = world.mixed()
    Institution.objects.filter(name="CUSM").update(name="Bé")
    rows = charges(period)
    assert [(row.name, row.charge.requests) for row in rows] == [("Bé", 1), ("CHUM", 4)]
    assert sum(row.charge.total for row in rows) == total_of(period)
    text = said(signed_in(make.validator()).get(f"/paie/releves/{period.pk}/etablissements/"))
    assert text.index("Bé 1 82,00") < text.index("CHUM 4 560,66") < text.index("Total de la période 642,66")


def test_a_page_asks_as_many_statements_however_many_requests(django_assert_num_queries):
    for hours in range(3):
        pay.paid(starts_at=START + timedelta(hours=2 * hours))
    period, chum = pay.period(), make.institution()
    with django_assert_num_queries(3):
        blocks, _ = page_of(period, chum, 1)
        assert [str(line.interpreter) for block in blocks for line in block.lines]
    with django_assert_num_queries(2):
        charges(period)
    with django_assert_num_queries(3):
        as_file(period, chum, "pdf")


def test_many_requests_are_read_page_after_page(monkeypatch):
    monkeypatch.setattr(institutions, "PAGE", 2)
    made = [pay.paid(starts_at=START + timedelta(hours=2 * hours)).pk for hours in range(3)]
    period, chum = pay.period(), make.institution()
    found = [page_of(period, chum, number) for number in (1, 2, 3)]
    assert [([block.service_request.pk for block in blocks], more) for blocks, more in found] == [
        (made[:2], True),
        (made[2:], False),
        ([], False),
    ]
    assert charge_of(period, chum).requests == 3


@pytest.mark.parametrize("typed", ["0", "9" * 30, "%00"])
def test_a_page_that_is_none_is_shown_all_the_same(typed):
    pay.paid()
    period, valere = pay.period(), signed_in(make.validator())
    assert valere.get(f"{address(period, make.institution())}?page={typed}").status_code == 200
    # Nothing of the period was for that establishment.
    assert valere.get(address(period, make.other_institution())).status_code == 404


@pytest.mark.parametrize("fmt", ["exe", "%00"])
def test_a_sheet_has_no_other_format(fmt):
    assert signed_in(make.validator()).get(address(pay.statement().period, make.institution(), fmt)).status_code == 404
