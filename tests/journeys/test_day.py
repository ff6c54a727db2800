"""An interpreter's day by the FAQ's own steps, each with what a person sees; on a desk and on a phone, without scripts.

test_faq follows the same steps with scripts.
"""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.french import day_and_month
from requests_app import services
from requests_app.models import ServiceRequest
from requests_app.workflow import ServiceType
from tests import make
from tests.journeys.conftest import DESK, MOBILE, PHONE
from tests.journeys.test_faq import of, row_of
from tests.pages import ago, ahead

pytestmark = pytest.mark.django_db(transaction=True)
PATIENT = make.PERSONAL["patient_name"]
SCREENS = {"desk": {"viewport": DESK}, "phone": {"viewport": PHONE, "user_agent": MOBILE}}


@pytest.fixture(params=SCREENS)
def screen(request):
    return SCREENS[request.param]


def see(page, *texts):
    for text in texts:
        expect(page.get_by_text(text).first).to_be_visible()


def status_is(page, label):
    expect(page.locator(".page-head .status")).to_have_text(label)


def choose(page, name):
    """« Cliquez dans Autres actions (en haut à droite dans la bande bleue), puis sélectionnez l'option »."""
    menu = page.locator("summary", has_text="Autres actions")
    assert menu.bounding_box()["x"] > page.viewport_size["width"] / 2
    menu.click()
    page.get_by_role("link", name=name).click()


# « Que signifient les différents statuts d'une demande ? »

MEANINGS = {
    "pending": "Une demande vous a été transmise et est en attente que vous l’acceptiez ou la refusiez.",
    "reserved": "Vous avez accepté la demande de service. La demande est maintenant réservée.",
    "modified": "Une demande que vous avez déjà réservée a été modifiée",
    "provided": "Vous avez réalisé le service et rempli la section",
    "completed": "Le service fourni a été vérifié et validé par la BI du RSSS.",
    "cancelled": "la demande a été annulée, ou le service n’a pas été rendu.",
}


def test_each_status_says_what_it_means_in_the_words_of_the_faq(visit, screen):
    made = {
        status: make.request(status, at=ago(9), starts_at=ahead(9 + n)) for n, status in enumerate(list(MEANINGS)[:3])
    }
    for n, status in enumerate(list(MEANINGS)[3:]):
        made[status] = make.request(status, at=ago(19), starts_at=ago(2 + n))
    page = visit(make.alice(), "/?vue=tous", script=False, **screen)
    for status, meaning in MEANINGS.items():
        row_of(page, made[status]).click()
        expect(page.locator(".page-head")).to_contain_text(re.compile(re.escape(meaning), re.IGNORECASE))
        page.go_back()


# « En attente »: accepter, refuser


def test_an_offer_hides_whom_and_where_until_it_is_accepted(visit, screen):
    made = make.pending(at=ago(1), starts_at=ahead(), answer_by=ahead(1))
    page = visit(make.alice(), script=False, **screen)
    row_of(page, made).click()
    status_is(page, "En attente")
    see(page, "Montréal", "Acceptez-vous cette demande?", re.compile("Répondez"))
    for hidden in (PATIENT, "Clinique des Érables", "1, rue de l’Essai", "CHUM"):
        expect(page.get_by_text(hidden)).to_have_count(0)
    page.get_by_role("button", name="Accepter", exact=True).click()
    status_is(page, "Réservé")
    see(page, "Vous avez accepté la demande. Elle est maintenant réservée.", PATIENT, "1, rue de l’Essai")


def test_a_refusal_needs_no_reason_and_the_offer_leaves_the_list(visit, screen):
    made = make.pending(at=ago(1), starts_at=ahead())
    page = visit(make.alice(), of(made), script=False, **screen)
    page.get_by_role("button", name="Refuser", exact=True).click()
    see(page, "Vous avez refusé la demande.")
    expect(row_of(page, made)).to_have_count(0)
    page.goto(of(made))
    see(page, "Cette demande n’est plus disponible.")


# « Modifié : … Allez dans la demande pour vérifier la modification apportée. »


def test_a_change_is_shown_before_and_after_then_acknowledged(visit, screen):
    made = make.reserved(at=ago(5), starts_at=ahead())
    later = {"starts_at": made.starts_at + timedelta(hours=2), "ends_at": made.ends_at + timedelta(hours=2)}
    services.modify(made, by=make.coordinator(), at=ago(1), note="Entente", **later)
    page = visit(make.alice(), script=False, **screen)
    expect(page.locator("#liste")).to_contain_text("Modifié")
    row_of(page, made).click()
    status_is(page, "Modifié")
    start = page.locator(".changes tr", has_text="Début")
    expect(start).to_contain_text(re.compile("13\\sh.*15\\sh", re.DOTALL))
    page.get_by_role("button", name="J’ai pris connaissance de la modification").click()
    status_is(page, "Réservé")
    expect(page.locator(".changes")).to_have_count(0)


# « Comment puis-je annuler une demande que j'ai déjà acceptée ? », plus de 48 h avant


def test_a_withdrawing_after_communications(visit, screen):
    made = make.reserved(at=ago(5), starts_at=ahead(6), are_communications_requested=True)
    make.communication(made, made_at=ago(2, hour=14))
    page = visit(make.alice(), script=False, **screen)
    row_of(page, made).click()
    page.get_by_role("link", name="Écrire à la BI").click()
    expect(page.get_by_label("Copiez")).to_have_value("biq@ssss.gouv.qc.ca")
    body = page.get_by_label("Corps du courriel")
    day = f"{ago(2):%Y-%m-%d}"
    words = f"{day_and_month(ago(2))} {ago(2).year}"
    expect(body).to_have_value(re.compile(f"a déjà été effectuée le {words}.*1- {day} 14h00 Confirmation", re.DOTALL))
    expect(body).to_have_value(re.compile("Merci et bonne journée\\s+Alice Nom-de-Alice$"))
    page.get_by_role("button", name="Envoyer").click()
    choose(page, "Marquer comme non alloué")
    see(page, re.compile("va disparaître de votre liste de demandes"))
    page.get_by_role("button", name="Confirmer").click()
    relay = ServiceRequest.objects.get(service_type=ServiceType.MESSAGE_RELAY)
    page.goto("/?vue=tous")
    expect(row_of(page, made)).to_have_count(0)
    expect(row_of(page, relay)).to_contain_text("Transmission de message")


def test_b_withdrawing_without_communications(visit, screen):
    made = make.reserved(at=ago(5), starts_at=ahead(6))
    page = visit(make.alice(), of(made), script=False, **screen)
    choose(page, "Marquer comme non alloué")
    see(page, "Avez-vous déjà effectué des communications facturables?", re.compile("^Aucune n’est inscrite"))
    page.get_by_role("button", name="Confirmer").click()
    see(page, "La demande n’est plus dans votre liste.")
    expect(page.locator("a.row")).to_have_count(0)
    page.goto(of(made))
    see(page, "Cette demande n’est plus disponible.")


# 48 h ou moins


def ask_urgently(page, made):
    """The deadline that passed, the telephone, then « Demander un désistement urgent »."""
    page.goto(of(made))
    choose(page, "Marquer comme non alloué")
    limit = timezone.localtime(made.starts_at - timedelta(hours=48))
    expect(page.locator("main")).to_contain_text(re.compile(rf"plus de 48\sh avant.*{limit.hour}\sh", re.DOTALL))
    expect(page.get_by_role("link", name="514-597-3284").first).to_have_attribute("href", re.compile("^tel:"))
    expect(page.get_by_role("button", name="Confirmer")).to_have_count(0)
    page.get_by_text("Demander un désistement urgent").first.click()
    page.get_by_label("Raison").fill("Je suis à l’hôpital")
    page.get_by_role("button", name="Demander un désistement urgent").click()
    see(page, re.compile("La demande reste réservée en attendant la réponse de la BI"))
    page.goto(of(made))
    status_is(page, "Réservé")


def soon():
    start = (timezone.now() + 40 * make.HOUR).replace(minute=0, second=0, microsecond=0)
    return make.reserved(at=ago(5), starts_at=start)


def test_the_bi_declines_an_urgent_withdrawal_with_its_reply(visit):
    made, corinne = soon(), make.coordinator()
    page = visit(make.alice(), script=False, **SCREENS["phone"])
    ask_urgently(page, made)
    desk = visit(corinne, of(made), script=False, **SCREENS["desk"])
    see(desk, "Je suis à l’hôpital")
    desk.get_by_text("Refuser le désistement").first.click()
    desk.get_by_label("Réponse").fill("Personne d’autre ne parle cette langue.")
    desk.get_by_role("button", name="Refuser le désistement").click()
    page.reload()
    status_is(page, "Réservé")
    see(page, "Personne d’autre ne parle cette langue.")


def test_the_bi_grants_an_urgent_withdrawal(visit):
    made, corinne = soon(), make.coordinator()
    page = visit(make.alice(), script=False)
    ask_urgently(page, made)
    desk = visit(corinne, of(made), script=False)
    choose(desk, "Marquer comme non alloué")
    desk.get_by_label("Note").fill("Désistement accordé")
    desk.locator("main form button").last.click()
    status_is(desk, "Non alloué")
    page.reload()
    see(page, "Cette demande n’est plus disponible.")
    page.goto("/")
    see(page, re.compile(f"{made.pk}"))
