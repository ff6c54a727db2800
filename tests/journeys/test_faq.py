"""The FAQ followed word for word: what it says to click is what is clicked, on a desk and on a phone."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from completion.models import Attachment
from requests_app.models import ServiceRequest
from requests_app.workflow import ServiceType, Status
from tests import make
from tests.completion.make import image
from tests.journeys.conftest import MOBILE, PHONE
from tests.pages import ago, ahead

pytestmark = pytest.mark.django_db(transaction=True)


def of(made) -> str:
    return f"/demandes/{made.pk}/"


def status_of(made):
    return ServiceRequest.objects.get(pk=made.pk).status


def row_of(page, made):
    """The row of a request in the list."""
    return page.locator(f'a.row[href="{of(made)}"]')


# « Comment puis-je me connecter … ? »


def test_connecting_with_the_three_boxes(visit, viewport):
    make.alice()
    page = visit(None, "/", viewport=viewport)
    expect(page.get_by_role("heading", name="Connexion", exact=True)).to_be_visible()
    expect(page.get_by_label("ID d’instance")).to_have_value("CIUSSS")
    page.get_by_label("Identifiant").fill("alice")
    page.get_by_label("Mot de passe").fill(make.PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("heading", name="Demandes", exact=True)).to_be_visible()


def test_a_wrong_password_keeps_the_name_and_says_what_to_look_at(visit):
    make.alice()
    page = visit(None, "/connexion/")
    page.get_by_label("Identifiant").fill("alice")
    page.get_by_label("Mot de passe").fill("autre chose")
    page.get_by_role("button", name="Se connecter").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.get_by_text("Vérifiez qu’il n’y a pas d’espace après le mot de passe temporaire.")).to_be_visible()
    expect(page.get_by_label("Identifiant")).to_have_value("alice")


# « En attente : une demande vous a été transmise et est en attente que vous l'acceptiez ou la refusiez. »


@pytest.mark.parametrize(("answer", "status"), [("Accepter", Status.RESERVED), ("Refuser", Status.UNALLOCATED)])
def test_accepting_or_refusing(visit, viewport, answer, status):
    made = make.pending(at=ago(1), starts_at=ahead())
    page = visit(make.alice(), viewport=viewport)
    row_of(page, made).click()
    expect(page.get_by_text("Une demande vous a été transmise et est en attente")).to_be_visible()
    page.get_by_role("button", name=answer, exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Vous avez")
    assert status_of(made) == status


# « Comment puis-je voir mes demandes selon leur statut? »


def of_each_status() -> dict:
    made = {
        "En attente": make.pending(at=ago(5), starts_at=ahead(9)),
        "Réservé": make.reserved(at=ago(5), starts_at=ahead(8)),
        "Service fourni": make.provided(at=ago(9), starts_at=ago(2)),
        "Annulé": make.cancelled(at=ago(9), starts_at=ago(3)),
        "Achevé": make.completed(at=make.local("2024-11-05 09:00"), starts_at=make.local("2024-11-12 13:00")),
    }
    make.reserved(make.bob(), at=ago(5), starts_at=ahead(8))
    return made


def headings(page) -> list[str]:
    found = page.locator(".group-head h2").all_inner_texts()
    return [re.sub(r"\s*\d+$", "", text.strip()) for text in found]


@pytest.mark.parametrize("script", [True, False])
def test_seeing_my_requests_by_status_on_the_web(visit, script):
    made = of_each_status()
    page = visit(make.alice(), script=script)
    calendar = page.locator(".month").bounding_box()
    assert calendar["x"] > page.locator("#liste").bounding_box()["x"]  # « situé sur le côté droit de la page »
    page.get_by_role("link", name="Depuis le 4\u00a0novembre 2024").click()
    expect(page.get_by_role("status")).to_contain_text("5 demandes, à partir du 4\u00a0novembre 2024")
    assert headings(page) == ["En attente", "Réservé", "Service fourni", "Achevé", "Annulé"]
    column = page.get_by_role("group", name="Statut")
    for status, request in made.items():
        column.get_by_role("checkbox", name=status).check()
        apply(page, script)
        expect(page.locator("a.row")).to_have_count(1)
        expect(row_of(page, request)).to_be_visible()
        column.get_by_role("checkbox", name=status).uncheck()
        apply(page, script)
        expect(page.locator("a.row")).to_have_count(5)


def apply(page, script):
    """« Appliquer » is there for who has no script."""
    button = page.get_by_role("button", name="Appliquer")
    expect(button).to_be_visible(visible=not script)
    if not script:
        button.click()


@pytest.mark.parametrize("script", [True, False])
def test_choosing_a_period_in_the_calendar(visit, script):
    made = of_each_status()
    page = visit(make.alice(), "/?mois=2024-11", script=script)
    page.get_by_role("link", name="lundi 4\u00a0novembre", exact=True).click()
    expect(page.get_by_text("Choisissez la fin de la période.")).to_be_visible()
    page.get_by_role("link", name="mardi 12\u00a0novembre, 1 demande").click()
    expect(page.get_by_role("status")).to_contain_text("1 demande, du 4\u00a0novembre 2024 au 12\u00a0novembre 2024")
    expect(row_of(page, made["Achevé"])).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Choisissez la fin de la période.")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_seeing_my_requests_by_status_on_a_phone(visit, script):
    of_each_status()
    page = visit(make.alice(), viewport=PHONE, script=script, user_agent=MOBILE)
    assert headings(page) == ["En attente", "Réservé"]
    page.get_by_role("link", name="Tous", exact=True).click()
    expect(page.locator(".group-head")).to_have_count(4)
    assert headings(page) == ["En attente", "Réservé", "Service fourni", "Annulé"]
    page.get_by_role("link", name="À venir", exact=True).click()
    expect(page.locator(".group-head")).to_have_count(2)
    assert headings(page) == ["En attente", "Réservé"]


# « Comment puis-je annuler une demande que j'ai déjà acceptée ? »


def withdraw(page):
    """« Procédez seulement aux étapes 4 à 7 »."""
    page.get_by_text("Autres actions").click()
    page.get_by_role("link", name="Marquer comme non alloué").click()
    page.get_by_role("button", name="Confirmer").click()


def test_withdrawing_after_communications(visit, viewport):
    made = make.reserved(at=ago(5), starts_at=ahead(6), are_communications_requested=True)
    make.communication(made, made_at=ago(2, hour=14))
    page = visit(make.alice(), viewport=viewport)
    row_of(page, made).click()
    page.get_by_role("link", name="Écrire à la BI").click()
    expect(page.get_by_label("Copiez")).to_have_value("biq@ssss.gouv.qc.ca")
    expect(page.get_by_label("Corps du courriel")).to_have_value(re.compile("^Je dois me désister de la demande."))
    expect(page.get_by_label("Corps du courriel")).to_have_value(re.compile("14h00 Confirmation du rendez-vous"))
    page.get_by_role("button", name="Envoyer").click()
    withdraw(page)
    expect(row_of(page, made)).to_have_count(0)
    relay = ServiceRequest.objects.get(service_type=ServiceType.MESSAGE_RELAY)
    expect(row_of(page, relay)).to_contain_text("Transmission de message")
    assert (status_of(made), relay.messages.count(), relay.communications.count()) == (Status.UNALLOCATED, 1, 1)


def test_withdrawing_without_communications(visit, viewport):
    made = make.reserved(at=ago(5), starts_at=ahead(6))
    page = visit(make.alice(), of(made), viewport=viewport)
    withdraw(page)
    expect(page.get_by_text("La demande n’est plus dans votre liste.")).to_be_visible()
    expect(page.locator("a.row")).to_have_count(0)
    page.goto(of(made))
    expect(page.get_by_text("Cette demande n’est plus disponible.")).to_be_visible()
    assert not ServiceRequest.objects.filter(service_type=ServiceType.MESSAGE_RELAY).exists()


def test_the_last_48_hours_are_for_the_telephone(visit, viewport):
    made = make.reserved(at=ago(5), starts_at=timezone.now() + 47 * make.HOUR)
    page = visit(make.alice(), of(made), viewport=viewport)
    page.get_by_text("Autres actions").click()
    page.get_by_role("link", name="Marquer comme non alloué").click()
    expect(page.get_by_role("link", name="514-597-3284").first).to_be_visible()
    expect(page.get_by_role("button", name="Confirmer")).to_have_count(0)
    page.get_by_text("Demander un désistement urgent").first.click()
    page.get_by_label("Raison").fill("Je suis malade")
    page.get_by_role("button", name="Demander un désistement urgent").click()
    expect(page.get_by_text("La demande reste réservée en attendant la réponse de la BI.")).to_be_visible()


# « Comment puis-je clore (réaliser) une demande ? »


COMMUNICATIONS = """Communications :
1- {day:%Y-%m-%d} 14h10 Confirmation du rendez-vous
2- {day:%Y-%m-%d} 20.12 Rappel du rendez-vous à l'utilisateur"""


def due(**fields):
    return make.reserved(at=ago(9), starts_at=ago(1), are_communications_requested=True, **fields)


def receipt() -> dict:
    return {"name": "stationnement.jpg", "mimeType": "image/jpeg", "buffer": image()}


def fill_in(page):
    """« Compléter les champs associés au service principalement demandé, aux autres services requis et aux frais »."""
    page.get_by_label("Fin réelle").fill("14h30")
    page.get_by_label("Distance parcourue").fill("18,4")
    page.get_by_label("Stationnement ($)").fill("14,00")
    page.get_by_label("Facture de stationnement").set_input_files(receipt())
    page.get_by_label("Commentaires sur la demande").fill(COMMUNICATIONS.format(day=ago(2)))


def check_closed(page, made):
    """Read-only, with what was filed: 2 h at 41 $, 36.8 km, the parking, 2 communications."""
    expect(page.get_by_text("Détails de l’achèvement enregistrés. La BI du RSSS va les vérifier.")).to_be_visible()
    report = page.locator("#achevement")
    expect(report).to_contain_text(f"1- {ago(2):%Y-%m-%d} 14h10 Confirmation du rendez-vous")
    expect(report).to_contain_text(f"2- {ago(2):%Y-%m-%d} 20h12 Rappel du rendez-vous à l’utilisateur")
    expect(report.locator("input:not([type=hidden]), select, textarea")).to_have_count(0)
    expect(page.locator(".pay tfoot")).to_contain_text("139,32\u00a0$")
    assert (status_of(made), Attachment.objects.get().kind) == (Status.PROVIDED, Attachment.Kind.PARKING_RECEIPT)


def test_closing_a_request_on_the_web(visit):
    made = due()
    page = visit(make.alice())
    row_of(page, made).click()
    page.get_by_role("link", name="Modifier", exact=True).click()
    expect(page.get_by_role("heading", name="Détails après la demande")).to_be_visible()
    page.get_by_role("radio", name="Oui").check()
    fill_in(page)
    page.get_by_role("button", name="Sauvegarder").click()
    check_closed(page, made)


def test_closing_a_request_on_a_phone(visit):
    made = due()
    page = visit(make.alice(), viewport=PHONE)
    row_of(page, made).click()
    page.get_by_role("link", name="Détails de l’achèvement").click()
    expect(page.get_by_role("heading", name="Détails de l’achèvement")).to_be_visible()
    page.get_by_role("group", name="Service fourni").get_by_role("radio", name="Oui").check()
    fill_in(page)
    page.get_by_role("button", name="Mise à jour").click()
    check_closed(page, made)


def test_closing_a_request_cancelled_at_the_last_minute(visit, viewport):
    made = due()
    page = visit(make.alice(), f"{of(made)}achevement/", viewport=viewport)
    page.get_by_role("radio", name="Non").check()
    page.get_by_role("radio", name="L’usager ne s’est pas présenté").check()
    page.get_by_role("button", name=re.compile("Sauvegarder|Mise à jour")).click()
    expect(page.locator("h1 + .status, .page-head .status")).to_have_text("Annulé")


def test_the_details_open_at_the_hour_of_the_start(visit, viewport):
    start = (timezone.now() + 30 * make.HOUR).replace(minute=0, second=0, microsecond=0)
    made = make.reserved(at=ago(5), starts_at=start)
    page = visit(make.alice(), of(made), viewport=viewport)
    expect(page.get_by_text("Accessible à partir de")).to_contain_text(f"{timezone.localtime(start).hour}\u00a0h")
    expect(page.get_by_role("link", name=re.compile("^(Modifier|Détails de l’achèvement)$"))).to_have_count(0)


# « Est-ce que je peux corriger moi-même une erreur … ? »


def test_correcting_until_achevé_and_not_after(visit, viewport):
    made = make.provided(at=ago(9), starts_at=ago(1))
    page = visit(make.alice(), of(made), viewport=viewport)
    page.locator("#achevement").get_by_role("link", name="Modifier", exact=True).click()
    page.get_by_role("radio", name="Oui").check()
    page.get_by_label("Fin réelle").fill("16h")
    page.get_by_role("button", name=re.compile("Sauvegarder|Mise à jour")).click()
    expect(page.locator("#achevement")).to_contain_text("16\u00a0h")
    done = make.completed(at=ago(9), starts_at=ago(2))
    page.goto(of(done))
    expect(page.locator("#achevement").get_by_role("link", name="Modifier", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Pour signaler une erreur, écrivez à la BI").click()
    page.get_by_label("Message").fill("J’ai fini à 16 h.")
    page.get_by_role("button", name="Envoyer").click()
    expect(page.get_by_text("J’ai fini à 16 h.")).to_be_visible()
