"""The FAQ followed word for word in a browser: « Comment puis-je clore (réaliser) une demande ? », and the review."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse

from completion.models import Attachment
from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.completion import make as filed
from tests.pages import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest.fixture
def visit(browser, live_server, settings):
    """A page of a signed-in person, at an address."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}  # the live server knows no hashed name
    contexts = []

    def open_page(user, address, *, viewport=DESK, script=True):
        client = Client()
        sign_in(client, user)
        context = browser.new_context(
            viewport=viewport, locale="fr-CA", java_script_enabled=script, service_workers="block"
        )
        contexts.append(context)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(live_server.url + address)
        return page

    yield open_page
    for context in contexts:
        context.close()


def receipt() -> dict:
    return {"name": "stationnement.jpg", "mimeType": "image/jpeg", "buffer": filed.image()}


def detail(service_request) -> str:
    return reverse("requests:detail", args=[service_request.pk])


def test_closing_a_request_on_a_phone(visit):
    made = make.reserved()
    page = visit(make.alice(), detail(made), viewport=PHONE)
    page.get_by_role("link", name="Détails de l’achèvement").click()
    page.get_by_label("Oui").check()
    page.get_by_label("Distance parcourue").fill("18,4")
    page.get_by_label("Stationnement ($)").fill("14,00")
    page.get_by_label("Facture de stationnement").set_input_files(receipt())
    page.get_by_role("button", name="Mise à jour").click()
    page.get_by_text("La BI du RSSS va les vérifier.").wait_for()
    assert ServiceRequest.objects.get(pk=made.pk).status == Status.PROVIDED
    assert Attachment.objects.get().kind == Attachment.Kind.PARKING_RECEIPT


def test_closing_a_request_on_the_web_then_correcting_it(visit):
    made = make.reserved()
    page = visit(make.alice(), detail(made))
    page.get_by_role("link", name="Modifier", exact=True).click()
    page.get_by_role("heading", name="Détails après la demande").wait_for()
    page.get_by_label("Oui").check()
    page.get_by_role("button", name="Sauvegarder").click()
    page.get_by_text("Détails de l’achèvement enregistrés.").wait_for()
    assert page.locator("#achevement input:not([type=hidden])").count() == 0
    page.locator("#achevement").get_by_role("link", name="Modifier", exact=True).click()
    page.get_by_label("Fin réelle").fill("15h")
    page.get_by_role("button", name="Sauvegarder").click()
    page.get_by_text("Détails de l’achèvement enregistrés.").wait_for()
    assert ServiceRequest.objects.get(pk=made.pk).completion.revision == 2


@pytest.mark.parametrize("script", [True, False])
def test_communications_are_added_one_by_one(visit, script):
    made = make.reserved()
    page = visit(make.alice(), reverse("completion:edit", args=[made.pk]), script=script)
    for number, text in enumerate(["10h", "14 h 10"], start=1):
        page.get_by_role("button", name="Ajouter une communication").click()
        line = page.get_by_role("group", name=f"Communication {number}")
        line.get_by_label("Date").fill("2025-03-03")
        line.get_by_label("Heure").fill(text)
        line.get_by_label("Objectif").select_option("Confirmation du rendez-vous")
    page.get_by_label("Oui").check()
    page.get_by_role("button", name="Sauvegarder").click()
    page.get_by_text("2- 2025-03-03 14h10 Confirmation du rendez-vous").wait_for()
    assert made.communications.count() == 2


def test_what_happened_is_asked_only_after_no(visit):
    page = visit(make.alice(), reverse("completion:edit", args=[make.reserved().pk]))
    absent = page.get_by_label("L’usager ne s’est pas présenté")
    assert not absent.is_visible()
    page.get_by_label("Non", exact=True).check()
    absent.check()
    page.get_by_role("button", name="Sauvegarder").click()
    page.get_by_text("Non\u00a0: l’usager ne s’est pas présenté").wait_for()


def test_a_validator_reads_and_validates_the_queue(visit):
    first, second = filed.provided(), filed.provided(starts_at=make.START + make.timedelta(days=1))
    filed.attach(first)
    page = visit(make.validator(), reverse("admin:completion_review_changelist"))
    page.get_by_role("link", name=str(first.pk), exact=True).click()
    for service_request in (first, second):
        page.get_by_role("heading", name=f"Demande {service_request.pk}").wait_for()
        page.get_by_role("button", name="Valider et passer à la suivante").click()
    page.get_by_text("Tout est validé.").wait_for()
    assert ServiceRequest.objects.filter(status=Status.COMPLETED).count() == 2


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_the_form_and_the_review_are_accessible(visit, viewport):
    made = filed.provided()
    filed.attach(made)
    make.communication(made, made_at=made.ends_at)
    pages = {reverse("completion:edit", args=[made.pk]): make.alice, detail(made): make.alice}
    pages[reverse("admin:completion_review_change", args=[made.pk])] = make.validator
    for address, who in pages.items():
        page = visit(who(), address, viewport=viewport)
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_saving_without_a_connection_loses_nothing(visit):
    made = make.reserved()
    page = visit(make.alice(), reverse("completion:edit", args=[made.pk]), viewport=PHONE)
    page.get_by_label("Oui").check()
    page.get_by_label("Commentaires sur la demande").fill("Rencontre prolongée.")
    page.context.set_offline(True)
    page.get_by_role("button", name="Mise à jour").click()
    page.get_by_text("Gardé sur cet appareil; il partira quand le réseau reviendra.").wait_for()
    page.context.set_offline(False)
    page.get_by_text("La BI du RSSS va les vérifier.").wait_for()
    assert ServiceRequest.objects.get(pk=made.pk).completion.comments == "Rencontre prolongée."
