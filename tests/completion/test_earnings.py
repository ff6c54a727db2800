"""« Ma paie »: estimated, validated, paid; by the month of the service; each amount with where it comes from."""

import gzip
from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.ledger import adjust
from billing.models import PayLine, PayPeriod
from billing.services import estimate
from completion import earnings, unpaid
from completion.decisions import return_for_correction
from completion.facts import pay_facts
from completion.models import Outcome
from requests_app import services
from requests_app.models import ServiceRequest
from tests import make
from tests.billing import make as billed
from tests.completion import make as filed
from tests.make import HOUR, NOW, START, local
from tests.pages import said, signed_in

pytestmark = pytest.mark.django_db
MARCH = "/ma-paie/?mois=2025-03"
STATEMENTS = 18


def page(address=MARCH, user=None) -> str:
    return said(signed_in(user or make.alice()).get(address))


def parts(address=MARCH, user=None) -> dict:
    """The amounts at the top of the page, in dollars."""
    response = signed_in(user or make.alice()).get(address)
    return {label: amount for _, label, amount, _ in response.context["parts"]}


def frozen() -> Decimal:
    """All that is frozen, in dollars."""
    return sum(PayLine.objects.values_list("amount", flat=True))


def corrected(made, amount="50.00", at=NOW + timedelta(days=30)) -> PayLine:
    line = made.pay_lines.get(kind="service")
    return adjust(line, by=make.validator(), at=at, amount=Decimal(amount), reason="Durée réelle de 1 h")


# The three parts


def test_what_is_filed_is_estimated_by_the_engine_itself():
    made = filed.provided()
    expected = estimate(made, pay_facts(made)).total
    assert parts() == {"Payé": 0, "Validé": 0, "Estimé": expected}
    assert expected > 0
    assert f"Demande {made.pk}" in page()


def test_a_late_cancellation_is_estimated_before_anybody_files_anything():
    made = make.reserved()
    services.cancel(made, by=make.requester(), at=START - HOUR, reason="by_requester")
    assert parts()["Estimé"] > 0


def test_what_is_validated_is_frozen_until_its_statement_is_published():
    billed.paid()
    billed.period(state=PayPeriod.State.DRAFT)
    assert parts() == {"Payé": 0, "Validé": frozen(), "Estimé": 0}


@pytest.mark.parametrize("state", [PayPeriod.State.PUBLISHED, PayPeriod.State.EXPORTED])
def test_what_a_published_statement_pays_is_paid_and_linked_to_it(state):
    billed.paid()
    statement = billed.statement_of(make.alice(), billed.period(state=state))
    response = signed_in(make.alice()).get(MARCH)
    assert [amount for _, _, amount, _ in response.context["parts"]] == [statement.total, 0, 0]
    assert f'<a href="/releves/{statement.pk}/">{statement.number}</a>' in response.content.decode()


def test_a_correction_after_the_statement_waits_for_the_next_one_and_is_marked():
    made = billed.paid()
    billed.period()
    paid = parts()["Payé"]
    corrected(made)
    assert parts() == {"Payé": paid, "Validé": Decimal("50.00") - paid, "Estimé": 0}
    read = page()
    assert "Annule la ligne de 82,00 $" in read and "Correction : Durée réelle de 1 h" in read
    # The whole says both states, and each line its own.
    assert read.count("Payé, relevé") == 3 and read.count("· Validé") == 1
    assert "Total, mars 2025 50,00 $" in page()


def test_an_estimate_that_waits_for_facts_says_so_and_counts_nothing():
    made = filed.provided()
    ServiceRequest.objects.filter(pk=made.pk).update(service_type="translation")
    assert "L’estimation attend des renseignements" in page()
    assert parts()["Estimé"] == 0


def test_a_report_returned_for_correction_leads_back_to_it():
    made = filed.provided()
    return_for_correction(made, by=make.validator(), at=made.ends_at + 2 * HOUR, reason="Quelle heure?")
    assert "correction demandée" in page()


# Months


@pytest.mark.parametrize(
    ("starts_at", "month"),
    [
        ("2025-03-31 23:30", "2025-03"),
        ("2025-04-01 00:00", "2025-04"),
        # Half past ten in the evening of the 30th is already the 31st, then April, in UTC.
        ("2025-04-30 22:30", "2025-04"),
    ],
)
def test_a_service_counts_on_the_local_day_it_starts_estimated_or_frozen(starts_at, month):
    first = filed.provided(starts_at=local(starts_at), at=NOW)
    estimated = parts(f"/ma-paie/?mois={month}")["Estimé"]
    billed.validate(first, by=make.validator(), at=first.ends_at + 2 * HOUR)
    assert parts(f"/ma-paie/?mois={month}")["Validé"] == estimated > 0


def test_twelve_months_and_each_leads_to_its_lines():
    billed.paid()
    chart = signed_in(make.alice()).get(MARCH).context["chart"]
    assert [row.label for row in chart.rows][::11] == ["avril 2024", "mars 2025"]
    assert (len(chart.rows), chart.rows[-1].url) == (12, "/ma-paie/?mois=2025-03#lignes")
    assert chart.rows[-1].total == chart.foot.total == frozen()


def test_the_month_of_the_chart_and_its_lines_add_up_to_the_same():
    made = billed.paid()
    corrected(made)
    filed.provided(starts_at=START + timedelta(days=1))
    response = signed_in(make.alice()).get(MARCH)
    sums = earnings.sums_by_month(make.alice(), START.date().replace(day=1))
    listed = sum(work.total for work in response.context["works"])
    assert response.context["total"] == listed == response.context["chart"].rows[-1].total
    assert sum(sums[START.date().replace(day=1)].values()) + response.context["parts"][2][2] == listed


def test_the_months_of_the_chart_hold_nobody_elses_pay_and_a_draft_has_paid_nothing():
    billed.paid()
    billed.paid(make.bob())
    billed.period(state=PayPeriod.State.DRAFT)
    mine = sum(PayLine.objects.filter(interpreter=make.alice()).values_list("amount", flat=True))
    sums = earnings.sums_by_month(make.alice(), START.date().replace(month=1, day=1))
    assert sums == {START.date().replace(day=1): {earnings.PAID: 0, earnings.VALIDATED: mine}}


def test_what_is_validated_while_the_page_is_read_is_told_once():
    made, (first, last) = filed.provided(), (START.date(), START.date())
    estimates = earnings.estimates_of(make.alice())
    billed.validate(made, by=make.validator(), at=made.ends_at + 2 * HOUR)
    [work] = earnings.works_of(make.alice(), first, last, estimates)
    assert {earned.part for earned in work.lines} == {earnings.VALIDATED}


def test_a_month_that_is_none_is_this_one():
    client = signed_in(make.alice())
    for month in ["", "2025-13", "0001-01", "9999-12", "mars", "2025-03-05", "\x00", "9" * 5000]:
        response = client.get("/ma-paie/", {"mois": month})
        assert (response.status_code, response.context["is_now"]) == (200, True), month


def test_the_ends_of_time_have_a_page_and_a_file():
    client = signed_in(make.alice())
    months = [{"mois": "2000-01"}, {"mois": "2100-12"}, {"annee": "2100"}]
    for address in ("/ma-paie/", "/ma-paie/csv/"):
        assert {client.get(address, month).status_code for month in months} == {200}


@pytest.mark.parametrize(
    "asked", [{"annee": "9" * 30}, {"mois": "2025-13"}, {"mois": "\x00"}, {"annee": "", "mois": "2025-03"}]
)
def test_no_file_holds_another_month_than_the_one_asked_for(asked):
    assert signed_in(make.alice()).get("/ma-paie/csv/", asked).status_code == 404


def test_whoever_never_earned_anything_reads_how_pay_comes():
    told = page("/ma-paie/")
    assert "Vous n’avez encore rien à recevoir." in told
    assert "La BI du RSSS vérifie, puis valide" in told
    assert "Aucun relevé pour le moment." in told


# What to do


def test_what_is_not_filled_in_pays_nothing_yet_and_leads_to_its_report():
    started = make.reserved(starts_at=START)
    make.reserved(starts_at=NOW + timedelta(days=4000))
    response = signed_in(make.alice()).get("/ma-paie/")
    assert "1 demande à remplir : rien n’en est payé" in said(response)
    assert f'href="/demandes/{started.pk}/achevement/"' in response.content.decode()


def test_communications_before_a_cancellation_in_time_lead_to_their_claim():
    made = make.reserved(starts_at=START + timedelta(days=30), are_communications_requested=True)
    make.communication(made)
    services.cancel(made, by=make.requester(), at=NOW + HOUR, reason="by_requester")
    response = signed_in(make.alice()).get(MARCH)
    assert "1 réclamation à faire : " in said(response) and f"demande {made.pk} , 10,25 $" in said(response)
    assert f'href="/demandes/{made.pk}/#reclamation"' in response.content.decode()


def test_what_is_validated_now_goes_on_the_statement_of_the_period_that_runs():
    billed.paid()
    at = local("2025-05-01 12:00")
    assert unpaid.running_period(at) == (date(2025, 4, 21), date(2025, 5, 4))
    billed.period()
    assert unpaid.running_period(at) == (date(2025, 4, 21), date(2025, 5, 4))


def test_more_than_can_be_named_is_said(monkeypatch):
    monkeypatch.setattr(unpaid, "MOST_NAMED", 1)
    for days in range(2):
        make.reserved(starts_at=START + timedelta(days=days))
    assert "Plus de 1 demande à remplir" in page()


def test_more_than_is_estimated_is_said(monkeypatch):
    monkeypatch.setattr(earnings, "MOST_ESTIMATED", 1)
    for days in range(2):
        filed.provided(starts_at=START + timedelta(days=days))
    response = signed_in(make.alice()).get(MARCH)
    assert "Plus de 1 demandes attendent d’être validées" in said(response)
    assert [work.served_on.day for work in response.context["works"]] == [START.day + 1]
    file = signed_in(make.alice()).get("/ma-paie/csv/?mois=2025-03").content.decode()
    assert [f";2025-03-{START.day + days:02};" in file for days in range(3)] == [True, True, False]


# Privacy


@pytest.mark.parametrize("address", [MARCH, "/ma-paie/csv/?mois=2025-03", "/ma-paie/csv/?annee=2025"])
def test_nobody_else_s_pay_nor_any_person_served_is_told(address):
    made = billed.paid(make.bob())
    filed.provided(make.alice(), starts_at=START + timedelta(days=1))
    content = signed_in(make.alice()).get(address).content.decode("utf-8-sig")
    told = [value for value in make.PERSONAL.values() if value in content]
    assert (told, f"emandes/{made.pk}/" in content, "Clinique des Érables" in content) == ([], False, False)


def test_a_reason_that_names_the_patient_is_told_as_on_the_request_and_never_in_a_file():
    made = billed.paid()
    line = made.pay_lines.get(kind="service")
    given = {"by": make.validator(), "at": NOW + timedelta(days=30), "amount": Decimal(1)}
    adjust(line, reason=f"Absence de {make.PERSONAL['patient_name']}", **given)
    # Long after Achevé, an interpreter no longer knows whom they served.
    assert "Absence de [usager]" in page()
    assert "Absence de [usager]" in signed_in(make.alice()).get("/ma-paie/csv/?mois=2025-03").content.decode("utf-8")
    works = earnings.frozen(make.alice(), START.date(), START.date())
    told = earnings.told(works[0], make.alice(), at=NOW + timedelta(days=30))
    assert make.PERSONAL["patient_name"] in told.lines[1].line.reason


@pytest.mark.parametrize(
    ("begun", "address"),
    [
        (billed.paid, MARCH),
        (filed.provided, "/ma-paie/csv/?mois=2025-03"),
        (billed.paid, "/demandes/{}/"),
        (billed.paid, "/demandes/{}/achevement/recu/"),
    ],
)
def test_the_sentences_of_the_rules_are_not_taken_for_a_patient(begun, address):
    made = begun()
    ServiceRequest.objects.filter(pk=made.pk).update(patient_name="Min Long")
    content = signed_in(make.alice()).get(address.format(made.pk)).content.decode().replace("\u00a0", " ")
    assert " min de présence" in content


# The file


def test_the_file_of_a_year_adds_up_to_its_months():
    billed.paid()
    billed.period()
    filed.provided(starts_at=local("2025-05-06 13:00"))
    response = signed_in(make.alice()).get("/ma-paie/csv/?annee=2025")
    header, *rows = response.content.decode("utf-8-sig").split("\r\n")[:-1]
    assert header.startswith("Demande;Date du service;Service;Langue;Règle")
    cells = [row.split(";") for row in rows]
    assert {(row[1], row[10]) for row in cells} == {("2025-03-06", "Payé"), ("2025-05-06", "Estimé")}
    assert cells[0][5:9] == ["2", "h", "41,00", "82,00"]
    total = sum(Decimal(row[8].replace(",", ".")) for row in cells)
    assert total == sum(sum(parts(f"/ma-paie/?mois=2025-0{month}").values()) for month in (3, 5))


def test_the_name_of_the_file_says_its_month_and_nobody():
    response = signed_in(make.alice()).get("/ma-paie/csv/?mois=2025-03")
    assert response["Content-Disposition"] == 'attachment; filename="ma-paie-2025-03.csv"'
    assert response["Cache-Control"] == "private, no-store"


# What it costs


@pytest.mark.parametrize("number", [1, 60])
def test_the_database_is_asked_as_often_whatever_there_is_to_show(number, django_assert_num_queries):
    line = billed.paid().pay_lines.first()
    billed.period()
    PayLine.objects.bulk_create(copied(line, number=10 + place) for place in range(number))
    waiting = filed.provided(starts_at=START + timedelta(days=5))
    make.communication(waiting)
    filed.attach(waiting)
    filed.copies(waiting, number, apart=timedelta(hours=2))
    claimable = make.reserved(starts_at=START + timedelta(days=30))
    make.communication(claimable)
    services.cancel(claimable, by=make.requester(), at=NOW + HOUR, reason="by_requester")
    client = signed_in(make.alice())
    with django_assert_num_queries(STATEMENTS):
        page = client.get(MARCH)
    assert len(gzip.compress(page.content)) <= 12 * 1024


def copied(row, **changed):
    values = {name.attname: getattr(row, name.attname) for name in row._meta.concrete_fields if not name.primary_key}
    return type(row)(**values | changed)


def test_an_outcome_that_pays_nothing_is_explained():
    made = make.reserved()
    filed.report(made, outcome=Outcome.RENDERED, distance_km=Decimal(5))
    assert "Kilométrage" in page()
    assert "0,00 $" in page()
