"""From the board to « En attente »: in under ten clicks, with and without scripts; by keyboard; in waves; by two."""

import pytest
from playwright.sync_api import expect

from requests_app import services
from requests_app.models import ServiceRequest
from tests import make
from tests.journeys.conftest import PHONE
from tests.journeys.test_accessible import sideways, violations
from tests.pages import ago, ahead

pytestmark = pytest.mark.django_db(transaction=True)


def world(**fields):
    for name in ("Alice", "Bob", "Charlie"):
        make.interpreter(name)
    return make.unallocated(at=ago(1), starts_at=ahead(5), **fields)


class Hand:
    """A mouse that counts its presses."""

    def __init__(self, page):
        self.page, self.clicks = page, 0

    def press(self, role, name, **more):
        self.clicks += 1
        self.page.get_by_role(role, name=name, **more).first.click()


def status_said(page, label):
    expect(page.locator(".page-head .status")).to_have_text(label)


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no scripts"])
def test_a_request_is_filled_from_the_board_in_under_ten_clicks(visit, viewport, script):
    world()
    page = visit(make.coordinator(), "/bi/", viewport=viewport, script=script)
    hand = Hand(page)
    hand.press("link", "Offrir")
    hand.press("checkbox", "Alice Nom-de-Alice")
    hand.press("checkbox", "Bob Nom-de-Bob")
    hand.press("button", "Envoyer la demande")
    status_said(page, "En attente")
    assert hand.clicks < 10
    assert set(ServiceRequest.objects.get().offers.values_list("interpreter__first_name", flat=True)) == {
        "Alice",
        "Bob",
    }


def test_a_request_is_filled_without_a_mouse(visit):
    world()
    page = visit(make.coordinator(), "/bi/")
    reach(page, "link", "Offrir")
    page.keyboard.press("Enter")
    page.wait_for_url("**/offrir/")
    reach(page, "checkbox", "Alice")
    page.keyboard.press("Space")
    # « Entrée » looks again, and never sends.
    page.keyboard.press("Enter")
    page.wait_for_url("**/offrir/#recherche")
    assert not ServiceRequest.objects.get().offers.exists()
    expect(page.get_by_role("checkbox", name="Alice")).to_be_checked()
    reach(page, "button", "Envoyer la demande")
    page.keyboard.press("Enter")
    status_said(page, "En attente")


def reach(page, role, name):
    """Tab until the focus is there, where it is seen."""
    wanted = page.get_by_role(role, name=name).first
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return expect(wanted).to_be_in_viewport()
    raise AssertionError(f"{name} is not reached by Tab")


def test_somebody_out_of_the_list_is_looked_for_and_asked_all_the_same_without_scripts(visit):
    made = world()
    make.absence(make.charlie(), starts_at=ahead(4), ends_at=ahead(7, 0))
    page = visit(make.coordinator(), f"/bi/demandes/{made.pk}/offrir/", viewport=PHONE, script=False)
    page.get_by_role("checkbox", name="Alice").check()
    page.get_by_label("Pourquoi pas quelqu’un d’autre?").fill("charlie")
    page.keyboard.press("Enter")
    expect(page.get_by_text("À confirmer")).to_be_in_viewport()
    page.get_by_role("checkbox", name="Je confirme").check()
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.get_by_text("La demande est envoyée à 2 interprètes.")).to_be_visible()


def test_waves_are_begun_seen_and_stopped(visit):
    made = world()
    page = visit(make.coordinator(), f"/bi/demandes/{made.pk}/offrir/")
    expect(page.get_by_label("Personnes par vague")).to_be_hidden()
    page.get_by_role("radio", name="Par vagues").check()
    page.get_by_label("Personnes par vague").fill("2")
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.get_by_text("2 à la fois, toutes les 30\u00a0min. 2 personnes sur 3 ont reçu l’offre.")).to_be_visible()
    page.get_by_role("button", name="Arrêter les vagues").click()
    expect(page.get_by_role("heading", name="Vagues terminées")).to_be_visible()


def test_the_second_coordinator_reads_what_the_first_did(visit):
    made = world()
    page = visit(make.coordinator(), f"/bi/demandes/{made.pk}/attribuer/")
    page.get_by_role("radio", name="Bob").check()
    page.get_by_label("Note").fill("Bob est d’accord, par téléphone")
    services.assign(made, make.alice(), by=make.person("Colin", "coordinator"), at=ago(0, 0), note="Entente")
    page.get_by_role("button", name="Attribuer").click()
    expect(page.get_by_text("Attribuée à Alice Nom-de-Alice")).to_be_visible()
    expect(page.get_by_text("Bob est d’accord, par téléphone")).to_be_visible()
    expect(page.get_by_text("Bob Nom-de-Bob")).to_be_visible()


def test_the_pages_of_the_search_are_accessible_and_never_go_sideways(visit):
    made = world()
    make.absence(make.charlie(), starts_at=ahead(4), ends_at=ahead(7, 0))
    address = f"/bi/demandes/{made.pk}/offrir/?qui=charlie"
    page = visit(make.coordinator(), address, viewport=PHONE, color_scheme="dark")
    # At its end, where the bar at the foot covers nobody's link.
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    found = violations(page) + sideways(page)
    page.get_by_role("radio", name="Par vagues").check()
    page.get_by_role("button", name="Envoyer la demande").click()
    status_said(page, "En attente")
    assert found + violations(page) + sideways(page) == []
