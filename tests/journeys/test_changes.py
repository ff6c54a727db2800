"""Changing a request: the consequence first, and a save over somebody else's."""

import pytest
from playwright.sync_api import expect

from requests_app import services
from requests_app.models import ServiceRequest
from tests import make
from tests.journeys.conftest import PHONE
from tests.pages import ago, ahead

pytestmark = pytest.mark.django_db(transaction=True)


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_requester_modifies_then_cancels_on_a_phone_seeing_the_consequence(visit):
    made = make.reserved(at=ago(3), starts_at=ahead())
    page = visit(make.requester(), f"/demandes/{made.pk}/modifier/", viewport=PHONE)
    page.get_by_label("Durée").fill("2 h")
    page.get_by_role("button", name="Enregistrer la modification").click()
    expect(page.get_by_text("La demande passe à «\u00a0Modifié\u00a0».")).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="Confirmer la modification").click()
    expect(page.get_by_text("La demande est modifiée.")).to_be_visible()
    page.get_by_role("link", name="Annuler la demande").last.click()
    expect(page.get_by_text("0 $; après")).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="Annuler la demande").click()
    expect(page.get_by_text("La demande est annulée.")).to_be_visible()


def test_a_coordinator_who_saves_over_somebody_else_loses_nothing(visit):
    made = make.unallocated(at=ago(3), starts_at=ahead())
    page = visit(make.coordinator(), f"/demandes/{made.pk}/modifier/")
    page.get_by_label("Usager", exact=False).first.fill("Usager Deux")
    services.modify(made, by=make.requester(), at=ago(1), instructions="Porte 9")
    page.get_by_role("button", name="Enregistrer la modification").click()
    expect(page.get_by_role("alert")).to_contain_text("La demande a changé depuis que vous l’avez ouverte.")
    expect(page.get_by_label("Consignes")).to_have_value("Porte 9")
    page.get_by_role("button", name="Enregistrer la modification").click()
    page.get_by_role("button", name="Confirmer la modification").click()
    expect(page.get_by_text("La demande est modifiée.")).to_be_visible()
    now = ServiceRequest.objects.get(pk=made.pk)
    assert (now.patient_name, now.instructions) == ("Usager Deux", "Porte 9")
