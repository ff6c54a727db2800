"""Every main page, light and dark, on a desk and on a phone: no axe violation, nothing sideways, no complaint."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from requests_app import offers
from requests_app.answers import address_of
from tests import counts, make
from tests.ims.test_pages import addresses, lived_in
from tests.journeys.conftest import DESK, PHONE
from tests.pages import ago, ahead

pytestmark = pytest.mark.django_db(transaction=True)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LOOKS = [{"viewport": DESK, "color_scheme": "light"}, {"viewport": PHONE, "color_scheme": "dark"}]


def violations(page) -> list[tuple]:
    """(rule, the elements that break it); of the admin, which is Django's, what WCAG asks."""
    rules = WCAG if "/admin/" in page.url else [*WCAG, "best-practice"]
    found = Axe().run(page, options={"runOnly": rules}).response["violations"]
    return [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found]


def sideways(page) -> list[tuple]:
    """The widths at which a page goes beyond the window, and how far."""
    usual, found = page.viewport_size, []
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        if (over := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
            found.append((f"sideways at {width}", over))
    page.set_viewport_size(usual)
    return found


def at_twice_the_text(page) -> list[tuple]:
    """`sideways`, with the letters of the browser doubled."""
    wire = page.context.new_cdp_session(page)
    wire.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    found = sideways(page)
    wire.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    return [(f"{where}, twice the text", over) for where, over in found]


@pytest.mark.parametrize("user", [make.alice, make.requester, make.coordinator, make.validator])
def test_the_pages_of_each_role_are_accessible_and_never_go_sideways(visit, user):
    made, wrong = lived_in(), {}
    # A request looks the same to all in these: once, on Alice's page, is enough.
    same = {f"/demandes/{made[status].pk}/" for status in ("modified", "cancelled", "provided", "completed", "started")}
    # Nor do the queues of the board differ but by their words.
    mine = [page for page in addresses(made)[user] if not page.startswith("/bi/?")]
    mine = [page for page in mine if user is make.alice or page not in same]
    for number, look in enumerate(LOOKS):
        page = visit(user(), "/connexion/", **look)
        # A third of the pages at every run, each in one of the looks; all in both with --long.
        for address in mine if counts.is_long else mine[number::6]:
            page.goto(address)
            if found := violations(page) + sideways(page):
                wrong[f"{address} {look['color_scheme']}"] = found
    assert wrong == {}


PUBLIC = ["/connexion/", "/hors-ligne/", "/demo/", "/aide/?q=introuvable", "/connexion/?fin=1", "/nulle-part/"]


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone"])
def test_the_pages_of_nobody_are_accessible_and_hold_at_twice_the_text(visit, look):
    page, wrong = visit(None, PUBLIC[0], **look), {}
    for address in PUBLIC if counts.is_long else PUBLIC[LOOKS.index(look) :: 2]:
        page.goto(address)
        wrong[address] = violations(page) + sideways(page) + at_twice_the_text(page)
    assert {address: found for address, found in wrong.items() if found} == {}


def test_the_list_of_an_interpreter_holds_at_twice_the_text(visit):
    """A reader who doubles the letters, on a telephone (WCAG 1.4.4): nothing goes sideways."""
    lived_in()
    assert at_twice_the_text(visit(make.alice(), "/", viewport=PHONE)) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_open_menu_and_the_open_sheet_are_accessible(visit, scheme):
    made = make.reserved(at=ago(5), starts_at=ahead())
    page = visit(make.alice(), f"/demandes/{made.pk}/", viewport=PHONE, color_scheme=scheme)
    page.get_by_text("Autres actions").click()
    assert violations(page) == []
    page.goto("/")
    page.get_by_role("button", name="Statut et période").click()
    assert violations(page) == []


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone"])
def test_an_error_page_is_accessible(visit, look):
    page = visit(make.requester(), "/demandes/nouvelle/", **look)
    page.get_by_role("button", name="Créer la demande").click()
    page.locator(".error-summary").wait_for()
    assert violations(page) == []


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone"])
def test_the_pages_that_say_that_an_offer_is_over_are_accessible(visit, look):
    made = make.pending(make.alice(), make.bob(), make.charlie(), at=ago(5), starts_at=ahead())
    offers.refuse(made, by=make.bob(), at=ago(1))
    offers.accept(made, by=make.charlie(), at=ago(1))
    links = [address_of(offer) for offer in made.offers.all()]
    page, wrong = visit(make.alice(), f"/demandes/{made.pk}/", **look), {}
    wrong["gone"] = violations(page) + sideways(page)
    page = visit(None, "/connexion/", **look)
    for link in links:
        page.goto(link)
        wrong[link] = violations(page) + sideways(page)
    assert [found for found in wrong.values() if found] == []
