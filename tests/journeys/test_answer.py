"""An offer answered from its message, in a real browser, which sends neither Origin nor Referer from that page."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from requests_app.answers import address_of
from requests_app.models import Offer
from requests_app.workflow import Action, Status
from tests import make
from tests.journeys.conftest import PHONE
from tests.pages import ahead

pytestmark = pytest.mark.django_db(transaction=True)


def offered():
    return make.pending(at=timezone.now() - make.HOUR, starts_at=ahead(), answer_by=ahead(3))


def link_of(made):
    return address_of(made.offers.get())


def test_accepting_from_the_message_without_signing_in_nor_scripts(visit, viewport):
    made = offered()
    page = visit(None, link_of(made), viewport=viewport, script=False)
    page.get_by_role("button", name="Accepter").click()
    expect(page.get_by_role("heading", name=f"Vous avez accepté la demande {made.pk}")).to_be_visible()
    made.refresh_from_db()
    assert (made.status, page.context.cookies()) == (Status.RESERVED, [])
    page.get_by_role("link", name="Ouvrir la demande").click()
    expect(page.get_by_label("Identifiant")).to_be_visible()


def test_refusing_from_the_message_with_a_reason(visit):
    made = offered()
    page = visit(None, link_of(made), viewport=PHONE)
    page.get_by_text("Refuser avec une raison").click()
    page.get_by_label("Raison").fill("Trop loin")
    page.get_by_role("button", name="Refuser").click()
    expect(page.get_by_role("heading", name=f"Vous avez refusé la demande {made.pk}")).to_be_visible()
    assert made.transitions.get(action=Action.REFUSE).note == "Trop loin"


def test_the_reason_goes_with_a_refusal_on_the_page_of_the_request_too(visit):
    made = offered()
    page = visit(make.alice(), f"/demandes/{made.pk}/")
    page.get_by_text("Refuser avec une raison").click()
    page.get_by_label("Raison").fill("Trop loin")
    page.get_by_role("button", name="Refuser").click()
    expect(page.get_by_text("Vous avez refusé la demande.")).to_be_visible()
    assert made.offers.get().state == Offer.State.REFUSED
    assert made.transitions.get(action=Action.REFUSE).note == "Trop loin"
