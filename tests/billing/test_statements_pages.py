"""The pages of « Relevés »: what is computed and published there, and what an interpreter reads of their own."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services import deactivate
from billing import periods, statements
from billing.ledger import adjust
from billing.models import PayPeriod
from tests import make
from tests.billing import make as pay
from tests.billing import month
from tests.make import local
from tests.pages import form_with, press, said, signed_in

pytestmark = pytest.mark.django_db
HOME = "/paie/releves/"
PERIOD = "du 24 février 2025 au 9 mars 2025"


def valere():
    return signed_in(make.validator())


def address(period) -> str:
    return f"{HOME}{period.pk}/"


def draft():
    return pay.period(state=PayPeriod.State.DRAFT)


def number_of_queries(client, page: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(page).status_code == 200
    return len(queries)


def own(user, period) -> str:
    return f"/releves/{pay.statement_of(user, period).pk}/"


# The periods


def test_before_anything_is_validated_the_page_says_so():
    page = said(valere().get(HOME))
    assert "Rien n’a encore été validé : aucun relevé à calculer." in page
    assert "Calculer" not in page


def test_the_period_that_ended_is_computed_then_shown():
    pay.paid()
    client = valere()
    response = press(client, HOME, "Calculer")
    assert (response.status_code, response["Location"]) == (302, address(PayPeriod.objects.get()))
    assert f"Les relevés {PERIOD} sont calculés." in said(client.get(response["Location"]))


def test_a_period_that_runs_says_from_when_it_is_computed():
    at = timezone.now() - timedelta(hours=1)
    pay.paid(starts_at=at - timedelta(hours=3), validated_at=at)
    page = said(valere().get(HOME))
    opens_on = statements.coming_period()[1] + timedelta(days=1)
    assert f"Elle pourra être calculée à partir du {opens_on.day}" in page.replace("1er", "1")
    assert valere().post(f"{HOME}calculer/").status_code == 409


def test_a_draft_stands_before_the_published_periods():
    pay.paid(distance_km=Decimal("20"))
    pay.period()
    pay.paid(make.bob(), validated_at=pay.ENDED)
    pay.period(state=PayPeriod.State.DRAFT, at=pay.ENDED + pay.FORTNIGHT)
    page = said(valere().get(HOME))
    assert "À publier Période du 10 mars 2025 au 23 mars 2025 Brouillon calculé par Valère" in page
    assert "24 févr. 2025 au 9 mars 2025 Publiée 10 mars 2025 1 106,80 $" in page


def test_periods_are_read_a_year_at_a_time(monkeypatch):
    monkeypatch.setattr(periods, "PERIODS", 2)
    pay.paid()
    for number in range(3):
        pay.period(at=pay.ENDED + number * pay.FORTNIGHT)
    page = valere().get(HOME)
    older = re.search(r'href="(\?avant=[^"]+)"', page.content.decode()).group(1)
    assert [row.starts_on.isoformat() for row in page.context["rows"]] == ["2025-03-24", "2025-03-10"]
    assert [row.starts_on.isoformat() for row in valere().get(HOME + older).context["rows"]] == ["2025-02-24"]


@pytest.mark.parametrize("typed", ["x", "\x00", "2025-13-45", "9" * 30, "2025-02-30"])
@pytest.mark.parametrize("name", ["avant", "apres"])
def test_an_odd_page_is_never_an_error(name, typed):
    pay.paid()
    page = HOME if name == "avant" else address(draft())
    response = valere().get(page, {name: typed})
    assert (response.status_code, response.context["is_first"]) == (200, True)


# One period


def test_a_period_tells_what_it_pays_by_kind_and_to_whom():
    pay.paid(distance_km=Decimal("20"))
    pay.paid(make.bob())
    page = said(valere().get(address(draft())))
    assert "Durée de présence 2 164,00 $ Kilométrage 2 24,80 $ Total 4 188,80 $" in page
    assert re.search(r"2 relevés, par nom .* Nom-de-Alice, Alice R-20250309-\d+ 2 106,80 \$ Nom-de-Bob, Bob", page)


def test_what_publishing_does_is_said_before():
    pay.paid()
    period = draft()
    pay.paid(make.bob(), validated_at=pay.ENDED)
    page = said(valere().get(address(period)))
    assert "1 interprète, pour un total de 82,00 $. Un courriel l’annonce à chaque interprète qui en reçoit." in page
    assert "quelle que soit la date du service, ce que la BI a validé ou corrigé jusqu’à la fin de son dernier" in page
    assert "2 lignes validées ou corrigées depuis la fin de la période iront au relevé suivant." in page
    assert "Une fois publiée, la période ne change plus : une correction va au relevé suivant." in page


def test_who_can_no_longer_sign_in_is_counted_apart():
    pay.paid()
    deactivate(make.alice(), by=make.administrator(), at=pay.ENDED)
    assert "1 relevé d’un compte inactif : à remettre autrement." in said(valere().get(address(draft())))


def test_lines_that_arrived_since_the_computation_can_still_be_taken():
    pay.paid()
    period = draft()
    pay.paid(make.bob())
    client = valere()
    assert "2 lignes de la période, enregistrées depuis le calcul : recalculez" in said(client.get(address(period)))
    press(client, address(period), "Recalculer")
    assert "2 relevés, par nom" in said(client.get(address(period)))


def test_publishing_is_said_and_leaves_nothing_to_press_but_exports():
    pay.paid()
    period, client = draft(), valere()
    page = client.get(press(client, address(period), "Publier")["Location"])
    assert f"Les relevés {PERIOD} sont publiés." in said(page)
    assert "Abandonner" not in said(page) and "Recalculer" not in said(page)


def test_what_changed_since_it_was_read_is_not_published():
    pay.paid()
    period, client = draft(), valere()
    form = form_with(client.get(address(period)), "Publier")
    pay.paid(make.bob())
    draft()
    response = form.send(client, address(period))
    assert response.status_code == 409
    assert "Les relevés ont changé depuis que vous les avez lus. Vérifiez-les, ou recalculez." in said(response)
    assert PayPeriod.objects.get().state == PayPeriod.State.DRAFT


@pytest.mark.parametrize("button", ["Publier", "Abandonner le brouillon", "Recalculer"])
@pytest.mark.parametrize(
    ("verb", "reason"),
    [("discard", "Ce brouillon a été abandonné. Calculez"), ("publish", "Cette période est déjà publiée")],
)
def test_a_page_that_another_validator_made_old_changes_nothing(button, verb, reason):
    pay.paid()
    period, client = draft(), valere()
    form = form_with(client.get(address(period)), button)
    getattr(statements, verb)(period, by=make.validator(), **({"at": pay.ENDED} if verb == "publish" else {}))
    before = list(PayPeriod.objects.values())
    response = form.send(client, address(period))
    assert (response.status_code, reason in said(response)) == (409, True)
    assert list(PayPeriod.objects.values()) == before


@pytest.mark.parametrize("days", ["", "x", "\x00", "2025-02-10", None])
def test_an_old_list_computes_no_other_period(days):
    pay.paid()
    client = valere()
    form = form_with(client.get(HOME), "Calculer")
    if days is None:
        pay.period()
    before = PayPeriod.objects.count()
    response = form.send(client, HOME, **({} if days is None else {"debut": days}))
    assert (response.status_code, PayPeriod.objects.count()) == (409, before)
    assert "La période à calculer n’est plus celle que vous avez lue." in said(response)


@pytest.mark.parametrize("seen", ["", "x", "\x00"])
def test_nothing_is_published_without_having_been_read(seen):
    pay.paid()
    assert valere().post(f"{address(draft())}publier/", {"seen": seen}).status_code == 409


def test_a_draft_is_abandoned():
    pay.paid()
    period, client = draft(), valere()
    assert press(client, address(period), "Abandonner le brouillon")["Location"] == HOME
    assert f"Le brouillon {PERIOD} est abandonné." in said(client.get(HOME))


def test_an_empty_period_may_be_published_to_go_on():
    pay.paid()
    pay.period()
    empty = pay.period(state=PayPeriod.State.DRAFT, at=pay.ENDED + pay.FORTNIGHT)
    client = valere()
    page = said(client.get(address(empty)))
    assert "Rien n’est à payer pour cette période. Publiez-la" in page
    assert "0 interprète, pour un total de 0,00 $." in page and "Un courriel" not in page
    assert press(client, address(empty), "Publier").status_code == 302


def test_the_interpreters_of_a_period_are_read_page_after_page(monkeypatch):
    monkeypatch.setattr(periods, "PEOPLE", 2)
    for who in (make.charlie(), make.alice(), make.bob()):
        pay.paid(who)
    page = valere().get(address(period := draft()))
    following = re.search(r'href="(\?apres=\d+)"', page.content.decode()).group(1)
    names = [row.interpreter.first_name for row in page.context["rows"]]
    assert names == ["Alice", "Bob"]
    assert [row.interpreter.first_name for row in valere().get(address(period) + following).context["rows"]] == [
        "Charlie"
    ]


# One statement


def test_a_statement_explains_each_line_by_request():
    made = pay.paid(distance_km=Decimal("20"))
    page = said(valere().get(own(make.alice(), pay.period())))
    assert f"Demande {made.pk} jeu. 6 mars 2025, interprétation en présence, espagnol. Politique en vigueur" in page
    assert "en vigueur depuis le 4 nov. 2024" in page
    assert "Durée de présence 2 h × 41,00 $" in page and "Kilométrage 40 km × 0,62 $" in page
    assert "Total de la demande 106,80 $" in page and "Total du relevé 106,80 $" in page


def test_a_correction_says_which_statement_had_paid_the_line():
    made = pay.paid()
    first = pay.period()
    line = made.pay_lines.filter(kind="service").get()
    adjust(line, by=make.validator(), at=pay.ENDED, amount=Decimal("0.00"), reason="Personne n’est venu.")
    second = pay.period(at=pay.ENDED + pay.FORTNIGHT)
    page = said(signed_in(make.alice()).get(own(make.alice(), second)))
    former = pay.statement_of(make.alice(), first).number
    assert f"Annule la ligne de 82,00 $, payée par le relevé {former}" in page
    assert "Correction : Personne n’est venu." in page
    assert "validé ou corrigé jusqu’au 23 mars 2025, quelle que soit la date du service." in page
    assert "Le total est négatif" in page and "−82,00 $" in page


def test_an_interpreter_reads_their_statement_once_it_is_published():
    pay.paid()
    period, client = draft(), signed_in(make.alice())
    assert client.get(own(make.alice(), period)).status_code == 404
    statements.publish(period, by=make.validator(), at=pay.ENDED)
    page = said(client.get(own(make.alice(), period)))
    assert "Publié le lundi 10 mars 2025" in page and "Total 82,00 $" in page
    assert signed_in(make.bob()).get(own(make.alice(), period)).status_code == 404


def test_a_draft_says_that_the_interpreter_does_not_see_it():
    pay.paid()
    page = said(valere().get(own(make.alice(), draft())))
    assert "Brouillon : il n’est pas publié, et l’interprète ne le voit pas." in page
    assert "Publié Pas encore" in page


@pytest.mark.parametrize("who", [make.alice, make.validator])
def test_a_statement_names_neither_patient_nor_place(who):
    made = pay.paid(validated_at=local("2025-03-06 18:00"))
    line = made.pay_lines.filter(kind="service").get()
    reason = f"{make.PERSONAL['patient_name']} était absent."
    adjust(line, by=make.validator(), at=local("2025-03-07 09:00"), amount=Decimal("1.00"), reason=reason)
    page = signed_in(who()).get(own(make.alice(), pay.period())).content.decode()
    assert [name for name, value in make.PERSONAL.items() if value in page] == []
    assert made.facility.name not in page and "[usager] était absent." in page


# What it costs


def test_the_pages_ask_the_same_statements_however_many_lines():
    pay.paid()
    client, few = valere(), pay.period()
    found = [number_of_queries(client, page) for page in (HOME, address(few), own(make.alice(), few))]
    month.validated(requests=40, people=10)
    many = pay.period(at=pay.ENDED + pay.FORTNIGHT)
    pages = HOME, address(many), f"/releves/{many.statements.last().pk}/"
    assert [number_of_queries(client, page) for page in pages] == found
    assert max(found) <= 8


# The ways there


@pytest.mark.parametrize(
    ("who", "entries"),
    [
        (make.alice, ["Demandes", "Disponibilités", "Ma paie", "Profil", "Aide"]),
        (make.validator, ["Validation", "Relevés", "Tableau de paie", "Profil", "Aide"]),
        (make.administrator, ["Administration", "Non remis", "Tableau de paie", "Profil", "Aide"]),
    ],
)
def test_the_menu_leads_to_pay(who, entries):
    page = signed_in(who()).get("/profil/").content.decode()
    menu = re.search(r'(?s)<nav class="nav".*?</nav>', page).group()
    assert re.findall(r">([^<>\n]+)</a>", menu) == entries


def test_the_admin_says_what_is_to_compute_and_to_publish():
    pay.paid()
    client, waiting = valere(), statements.ended_periods(timezone.now())
    assert f"Périodes à calculer ({waiting})" in said(client.get("/admin/"))
    draft()
    page = said(client.get("/admin/"))
    assert f"Périodes à calculer ({waiting - 1})" in page and "Périodes à publier (1)" in page
