"""A validator's day: 24 clean files in one press, six looked at one by one, with the keyboard."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.completion import make as filed
from tests.make import HOUR
from tests.pages import ago

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = "/admin/completion/review/"
CHOOSE = "Valider les dossiers sans alerte choisis"


def visit_of(days: int, **fields):
    return make.reserved(at=ago(60), starts_at=ago(days, hour=9), **fields)


def flagged() -> dict[str, ServiceRequest]:
    """Six files, each with something else to look at, oldest first."""
    made = {}
    made["long"] = visit_of(9)
    filed.report(made["long"], **filed.times(made["long"], length=make.LENGTH + HOUR))
    made["far"] = visit_of(8)
    filed.report(made["far"], distance_km=Decimal("240"))
    made["unasked"] = visit_of(7)
    call = filed.row(made["unasked"].starts_at - HOUR)
    filed.report(made["unasked"], communications=[call])
    made["short"] = visit_of(6)
    filed.report(made["short"], distance_km=Decimal("12"))
    made["twice"] = visit_of(5)
    filed.report(made["twice"], parking_amount=Decimal("14"))
    receipt = filed.image(size=(300, 500))
    filed.attach(made["twice"], content=receipt)
    made["again"] = visit_of(4)
    filed.report(made["again"], parking_amount=Decimal("14"))
    filed.attach(made["again"], content=receipt)
    return made


def clean(number: int) -> None:
    """As many services rendered as booked, a day apart, months ago."""
    first = filed.provided(at=ago(300), starts_at=ago(200))
    filed.copies(first, number - 1, apart=timedelta(days=2))


def status_of(made) -> str:
    return ServiceRequest.objects.get(pk=made.pk).status


def tab_to(page, target):
    """By the keyboard alone, as far as it takes."""
    for _ in range(120):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("the keyboard never reaches it")


def enter(page, target):
    target.focus()
    page.keyboard.press("Enter")


def is_opened(page, made):
    expect(page.get_by_role("heading", name=f"Demande {made.pk}", exact=True)).to_be_visible()
    page.wait_for_load_state()
    # A second press, meant for the file before, does nothing.
    expect(page.locator("button[name=valider]")).not_to_have_attribute("aria-disabled", "true")


def accepts(page):
    """Ctrl+Entrée asks for the tick, then validates."""
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("J’ai vu les alertes")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")


@pytest.mark.long
def test_a_validators_day(visit):
    made, number = flagged(), 24
    clean(number)
    page = visit(make.validator(), QUEUE, viewport={"width": 1280, "height": 800})
    # The clean ones in one bulk action.
    tab_to(page, page.locator("#action-toggle"))
    page.keyboard.press("Space")
    enter(page, page.get_by_role("button", name=CHOOSE))
    expect(page.get_by_text(f"{number} dossiers sans alerte seront validés")).to_be_visible()
    enter(page, page.get_by_role("button", name=f"Valider ces {number} dossiers"))
    expect(page.get_by_text(f"{number} dossiers validés : Achevé.")).to_be_visible()
    # A confirmed alert.
    enter(page, page.locator("#result_list .field-number a").first)
    is_opened(page, made["long"])
    expect(page.get_by_role("button", name="Valider et passer à la suivante")).to_be_in_viewport()
    accepts(page)
    # Returned, with a reason; Ctrl+Entrée in it validates nothing.
    is_opened(page, made["far"])
    enter(page, page.locator(".decide summary"))
    page.get_by_label("Raison du retour").focus()
    page.keyboard.type("240 km pour une visite de 90 minutes?")
    page.keyboard.press("Control+Enter")
    is_opened(page, made["far"])
    enter(page, page.locator("button[name=retourner]"))
    # A communication paid.
    is_opened(page, made["unasked"])
    enter(page, page.locator("summary", has_text="Payer cette communication"))
    page.locator("[name=payer]").locator("xpath=ancestor::form").get_by_label("Raison").focus()
    page.keyboard.type("La clinique l’a confirmé.")
    enter(page, page.locator("[name=payer]"))
    expect(page.get_by_text("La communication sera payée.")).to_be_visible()
    is_opened(page, made["unasked"])
    page.keyboard.press("Control+Enter")
    # A line added, with its reason.
    is_opened(page, made["short"])
    enter(page, page.locator("summary", has_text="Ajouter une ligne"))
    page.get_by_label("Montant ($)").fill("6,50")
    page.locator("#id_added_reason").fill("Détour par la pharmacie.")
    enter(page, page.locator("[name=ajouter]"))
    expect(page.get_by_text("Ligne ajoutée : l’interprète la voit avec sa paie.")).to_be_visible()
    is_opened(page, made["short"])
    accepts(page)
    # A receipt, enlarged and closed.
    is_opened(page, made["twice"])
    enter(page, page.locator("a[data-zoom]"))
    expect(page.locator(".zoom img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".zoom")).to_be_hidden()
    accepts(page)
    is_opened(page, made["again"])
    accepts(page)
    # What was returned waits for its interpreter, then everything is validated.
    expect(page.get_by_text("sur cette page")).to_be_visible()
    assert [name for name, row in made.items() if status_of(row) != Status.COMPLETED] == ["far"]
    far = ServiceRequest.objects.get(pk=made["far"].pk)
    filed.report(far, at=ago(0, hour=0), distance_km=None)
    page.reload()
    enter(page, page.locator("#result_list .field-number a").first)
    is_opened(page, made["far"])
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Tout est validé.")).to_be_visible()
