"""One request from « Non alloué » to « Achevé », by four people; and the same gestures without any script."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from requests_app.models import ServiceRequest
from tests import make
from tests.pages import ago, ahead

pytestmark = pytest.mark.django_db(transaction=True)


def status_said(page, label):
    expect(page.locator(".page-head .status")).to_have_text(label)


def create(page):
    """The coordinator asks for an interpreter in ten days."""
    page.get_by_role("link", name="Nouvelle demande").click()
    page.get_by_label("Établissement").select_option(str(make.institution().pk))
    page.get_by_role("button", name="Continuer").click()
    page.get_by_label("Type de service").select_option("Interprétation en présence")
    page.get_by_label("Langue").select_option("espagnol")
    page.get_by_label("Installation").select_option("Clinique des Érables")
    page.get_by_label("Date").fill(f"{ahead(10):%Y-%m-%d}")
    page.get_by_label("Début").fill("13h")
    page.get_by_label("Durée").fill("1h30")
    page.get_by_label("Usager", exact=False).first.fill("U. V.")
    page.get_by_role("button", name="Créer la demande").click()
    status_said(page, "Non alloué")


def offer(page):
    page.get_by_role("link", name="Offrir à des interprètes").click()
    page.get_by_role("checkbox", name="Alice Nom-de-Alice").check()
    page.get_by_role("checkbox", name="Bob Nom-de-Bob").check()
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.get_by_text("La demande est envoyée à 2 interprètes.")).to_be_visible()


def accept(page):
    page.locator("a.row").click()
    expect(page.get_by_text("U. V.")).to_have_count(0)
    page.get_by_role("button", name="Accepter").click()
    status_said(page, "Réservé")
    expect(page.get_by_text("U. V.")).to_be_visible()


def modify(page):
    page.reload()
    page.get_by_text("Autres actions").click()
    page.get_by_role("link", name="Modifier la demande").click()
    page.get_by_label("Durée").fill("2h")
    page.get_by_role("button", name="Enregistrer la modification").click()
    page.get_by_role("button", name="Confirmer la modification").click()
    status_said(page, "Modifié")


def acknowledge(page):
    page.reload()
    expect(page.get_by_role("heading", name="Ce qui a changé")).to_be_visible()
    page.get_by_role("button", name="J’ai pris connaissance de la modification").click()
    status_said(page, "Réservé")


def let_the_day_come():
    """Twelve days pass."""
    made = ServiceRequest.objects.get()
    moved = {name: getattr(made, name) - timedelta(days=12) for name in ("created_at", "starts_at", "ends_at")}
    ServiceRequest.objects.filter(pk=made.pk).update(**moved)


def close(page):
    page.reload()
    page.get_by_role("link", name="Modifier", exact=True).click()
    page.get_by_role("radio", name="Oui").check()
    page.get_by_role("button", name="Sauvegarder").click()
    status_said(page, "Service fourni")
    expect(page.locator(".pay")).to_contain_text("Estimation")


def validate(page):
    page.get_by_role("link", name="Réalisations à valider").first.click()
    page.locator("#result_list a").first.click()
    expect(page.get_by_role("heading", name="Demandé", exact=True)).to_be_visible()
    page.get_by_role("button", name="Valider et passer à la suivante").click()
    expect(page.get_by_text("Tout est validé.")).to_be_visible()


def test_a_request_goes_from_non_alloué_to_achevé_and_is_paid(visit):
    make.facility()
    corinne, alice, bob = (visit(who()) for who in (make.coordinator, make.alice, make.bob))
    create(corinne)
    offer(corinne)
    alice.reload()
    accept(alice)
    bob.reload()
    expect(bob.locator("a.row")).to_have_count(0)
    modify(corinne)
    acknowledge(alice)
    let_the_day_come()
    close(alice)
    validate(visit(make.validator()))
    alice.reload()
    status_said(alice, "Achevé")
    expect(alice.locator(".pay tfoot")).to_contain_text("82,00\u00a0$")
    expect(alice.get_by_text("Vérifiée et validée par la BI")).to_be_visible()


def test_two_interpreters_accept_and_the_second_is_told(visit):
    made = make.pending(make.alice(), make.bob(), at=ago(1), starts_at=ahead())
    pages = [visit(who(), f"/demandes/{made.pk}/") for who in (make.alice, make.bob)]
    for page in pages:
        page.get_by_role("button", name="Accepter").click()
    status_said(pages[0], "Réservé")
    expect(pages[1].get_by_text("Cette demande n’est plus disponible.")).to_be_visible()


# Without any script


def test_everything_an_interpreter_does_works_without_scripts(visit, viewport):
    made = make.reserved(at=ago(9), starts_at=ago(1))
    other = make.reserved(at=ago(9), starts_at=ahead(6))
    page = visit(make.alice(), viewport=viewport, script=False)
    if viewport["width"] < 1000:
        page.get_by_role("button", name="Statut et période").click()
    page.get_by_role("checkbox", name="Réservé").check()
    page.get_by_role("button", name="Appliquer").click()
    page.locator(f'a.row[href="/demandes/{made.pk}/"]').click()
    page.locator(f'a[href="/demandes/{made.pk}/achevement/"]').click()
    page.get_by_role("button", name="Ajouter une communication").click()
    page.get_by_label("Date").last.fill(f"{ago(2):%Y-%m-%d}")
    page.get_by_label("Heure", exact=True).fill("14h10")
    page.get_by_label("Objectif").select_option("Confirmation du rendez-vous")
    page.get_by_role("radio", name="Oui").check()
    page.get_by_role("button", name=re.compile("^(Sauvegarder|Mise à jour)$")).click()
    status_said(page, "Service fourni")
    expect(page.locator("#achevement")).to_contain_text("14h10 Confirmation du rendez-vous")
    page.goto(f"/demandes/{other.pk}/")
    page.get_by_text("Autres actions").click()
    page.get_by_role("link", name="Marquer comme non alloué").click()
    page.get_by_role("button", name="Confirmer").click()
    expect(page.get_by_text("La demande n’est plus dans votre liste.")).to_be_visible()


def test_an_error_is_shown_without_scripts(visit):
    page = visit(make.requester(), "/demandes/nouvelle/", script=False)
    page.get_by_role("button", name="Créer la demande").click()
    page.get_by_role("link", name="Langue\u00a0: Ce champ est obligatoire.").click()
    expect(page.get_by_label("Langue")).to_be_in_viewport()


def test_the_menu_closes_with_escape_and_with_a_click_elsewhere(visit):
    made = make.reserved(at=ago(9), starts_at=timezone.now() + timedelta(days=9))
    page = visit(make.alice(), f"/demandes/{made.pk}/")
    choice = page.get_by_role("link", name="Marquer comme non alloué")
    for leave in (lambda: page.keyboard.press("Escape"), lambda: page.get_by_role("heading", level=1).click()):
        page.get_by_text("Autres actions").click()
        expect(choice).to_be_visible()
        leave()
        expect(choice).to_be_hidden()


def test_the_back_button_after_signing_out_shows_nothing(visit):
    made = make.reserved(at=ago(9), starts_at=ahead())
    page = visit(make.alice(), f"/demandes/{made.pk}/")
    page.get_by_role("button", name="Se déconnecter").first.click()
    expect(page.get_by_role("heading", name="Connexion", exact=True)).to_be_visible()
    page.evaluate("history.back()")
    page.wait_for_url("**/connexion/?next=**")
    expect(page.get_by_text("Vandemoortele")).to_have_count(0)


def test_a_broken_policy_would_be_heard(visit, complaints):
    """The control of every journey: the console is listened to."""
    page = visit(None, "/connexion/")
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.wait_for_timeout(100)
    assert "Content Security Policy" in " ".join(complaints)
    complaints.clear()
