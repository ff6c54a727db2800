"""The home in a real browser: filters that stay on the page, the address that follows, Back, the sheet of a phone."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from accounts.models import Session
from tests import make
from tests.journeys.conftest import MOBILE, PHONE
from tests.pages import ago, ahead, copies

pytestmark = pytest.mark.django_db(transaction=True)


def world() -> dict:
    return {
        "En attente": make.pending(at=ago(5), starts_at=ahead(9)),
        "Réservé": make.reserved(at=ago(5), starts_at=ahead(8)),
        "Service fourni": make.provided(at=ago(9), starts_at=ago(2)),
    }


def stays(page):
    """A mark that a page loaded anew would not have."""
    page.evaluate("window.isSame = true")
    return lambda: page.evaluate("window.isSame === true")


def tick(page, status):
    page.get_by_role("checkbox", name=status).check()


def test_a_status_filters_in_place_and_keeps_the_focus(visit):
    world()
    page = visit(make.alice())
    is_same = stays(page)
    tick(page, "Réservé")
    expect(page.locator("a.row")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/\?vue=tous&statut=reserved$"))
    expect(page.get_by_role("checkbox", name="Réservé")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("1 demande")
    assert is_same()


def test_back_brings_the_list_and_the_filters_of_before(visit):
    world()
    page = visit(make.alice())
    tick(page, "Réservé")
    expect(page.locator("a.row")).to_have_count(1)
    tick(page, "En attente")
    expect(page.locator("a.row")).to_have_count(2)
    page.go_back()
    expect(page.locator("a.row")).to_have_count(1)
    expect(page.get_by_role("checkbox", name="En attente")).not_to_be_checked()
    page.go_back()
    expect(page.locator("a.row")).to_have_count(3)
    expect(page.get_by_role("checkbox", name="Réservé")).not_to_be_checked()


def test_back_from_a_request_finds_the_same_list(visit):
    made = world()
    page = visit(make.alice())
    tick(page, "Réservé")
    expect(page.locator("a.row")).to_have_count(1)
    page.locator("a.row").click()
    expect(page).to_have_url(re.compile(f"/demandes/{made['Réservé'].pk}/"))
    page.go_back()
    expect(page.locator("a.row")).to_have_count(1)
    expect(page.get_by_role("checkbox", name="Réservé")).to_be_checked()


def test_presets_and_the_calendar_fill_in_the_dates(visit):
    world()
    page = visit(make.alice())
    is_same = stays(page)
    page.get_by_role("link", name="Depuis le 4\u00a0novembre 2024").click()
    expect(page.get_by_label("Du", exact=True)).to_have_value("2024-11-04")
    today = page.locator(".month h2").inner_text()
    page.get_by_role("link", name="Mois suivant").click()
    expect(page.locator(".month h2")).not_to_have_text(today)
    expect(page.get_by_role("link", name="Mois suivant")).to_be_focused()
    page.get_by_role("link", name="Revenir à").click()
    expect(page.locator(".month h2")).to_have_text(today)
    assert is_same()


def test_a_day_of_the_calendar_does_not_move_the_page_nor_lose_a_tick(visit):
    world()
    copies(make.reserved(at=ago(5), starts_at=ahead(20)), 30, timedelta(days=1))
    page = visit(make.alice())
    page.mouse.wheel(0, 120)
    page.wait_for_function("() => scrollY > 0")
    top = page.evaluate("scrollY")
    page.evaluate("document.querySelector('[value=provided]').checked = true")  # ticked, and not sent yet
    page.locator("#j1").click()
    expect(page).to_have_url(re.compile(r"statut=provided&du=.*-01&borne=au$"))
    expect(page.locator("#j1")).to_be_focused()
    # Shorter now, the page may end before where it was read.
    lowest = page.evaluate("document.documentElement.scrollHeight - innerHeight")
    assert page.evaluate("scrollY") == min(top, lowest)


def test_a_year_half_typed_changes_nothing(visit):
    world()
    page = visit(make.alice())
    page.get_by_label("Du", exact=True).fill("0202-11-04")
    page.wait_for_timeout(700)
    assert page.url.endswith("/")
    tick(page, "Réservé")
    expect(page).to_have_url(re.compile(r"/\?vue=tous&statut=reserved$"))


@pytest.mark.parametrize("answer", [None, 502])
def test_a_filter_without_an_answer_says_so_and_leaves_the_list(visit, complaints, answer):
    world()
    page = visit(make.alice())
    gone = {"status": answer, "body": "<h1>Bad gateway</h1>", "content_type": "text/html"}
    page.route("**/?*", lambda route: route.fulfill(**gone) if answer else route.abort())
    tick(page, "Réservé")
    expect(page.get_by_role("status")).to_have_text(re.compile("n’a pas pu être mise à jour\u00a0: vérifiez votre"))
    expect(page.locator("a.row")).to_have_count(3)
    complaints.clear()  # the browser tells of it too


def test_back_after_the_session_has_ended_leads_to_sign_in(visit):
    world()
    page = visit(make.alice())
    tick(page, "Réservé")
    expect(page.locator("a.row")).to_have_count(1)
    Session.objects.all().delete()
    page.go_back()
    expect(page.get_by_role("heading", name="Connexion", exact=True)).to_be_visible()


def test_a_date_typed_filters_and_stays_under_the_fingers(visit):
    made = make.completed(at=ago(99), starts_at=ago(90))
    page = visit(make.alice())
    page.get_by_label("Du", exact=True).fill(f"{ago(91).date()}")
    expect(page.locator("a.row")).to_have_count(1)
    expect(page.locator("a.row > :nth-child(4)")).to_have_text(str(made.pk))
    expect(page.get_by_label("Du", exact=True)).to_be_focused()


def test_searching_as_one_types(visit):
    made = world()
    page = visit(make.alice())
    page.get_by_label("Numéro, langue ou lieu").press_sequentially(str(made["Réservé"].pk))
    expect(page.locator("a.row")).to_have_count(1)
    expect(page.get_by_role("status")).to_contain_text("toutes les dates")
    page.get_by_label("Numéro, langue ou lieu").fill("navajo")
    expect(page.get_by_text("Rien ne correspond à «\u00a0navajo\u00a0»")).to_be_visible()
    expect(page.get_by_label("Numéro, langue ou lieu")).to_be_focused()
    page.get_by_role("link", name="Tout effacer").click()
    expect(page.locator("a.row")).to_have_count(3)


@pytest.mark.parametrize("script", [True, False])
def test_100_more(visit, script):
    copies(make.completed(at=ago(60), starts_at=ago(1)), 129, timedelta(hours=-3))
    page = visit(make.alice(), script=script)
    expect(page.locator("a.row")).to_have_count(100)
    page.get_by_role("link", name="Afficher 100 de plus").click()
    expect(page.locator("a.row")).to_have_count(130 if script else 30)
    expect(page.get_by_role("link", name="Afficher 100 de plus")).to_have_count(0)
    if script:
        expect(page.locator("a.row").nth(100)).to_be_focused()
    else:
        page.get_by_role("link", name="Revenir au début de la liste").click()
        expect(page.locator("a.row")).to_have_count(100)


def test_the_sheet_of_a_phone_stays_open_until_it_is_closed(visit):
    world()
    page = visit(make.alice(), viewport=PHONE, user_agent=MOBILE)
    page.get_by_role("button", name="Statut et période").click()
    tick(page, "Réservé")
    see = page.get_by_role("button", name="Voir la demande")
    expect(see).to_be_visible()
    tick(page, "En attente")
    page.get_by_role("button", name="Voir les 2 demandes").click()
    expect(page.locator("#filtres")).to_be_hidden()
    expect(page.locator("a.row")).to_have_count(2)
    expect(page.get_by_role("button", name="Statut et période (1)")).to_be_visible()


def test_a_status_that_is_not_à_venir_leaves_that_view(visit):
    world()
    page = visit(make.alice(), viewport=PHONE, user_agent=MOBILE)
    page.get_by_role("button", name="Statut et période").click()
    tick(page, "Service fourni")
    page.get_by_role("button", name="Voir la demande").click()
    expect(page.get_by_role("link", name="Tous", exact=True)).to_have_attribute("aria-current", "page")


def test_the_sheet_without_scripts(visit):
    world()
    page = visit(make.alice(), viewport=PHONE, user_agent=MOBILE, script=False)
    page.get_by_role("button", name="Statut et période").click()
    tick(page, "Réservé")
    page.get_by_role("button", name="Appliquer").click()
    expect(page.locator("a.row")).to_have_count(1)
    expect(page.get_by_role("button", name="Statut et période (1)")).to_be_visible()


def test_the_help_of_a_status_opens_by_touch_and_by_keyboard(visit, viewport):
    world()
    page = visit(make.alice(), viewport=viewport)
    why = page.locator("summary[aria-label*='Réservé']")
    why.click()
    expect(page.get_by_text("Vous avez accepté la demande de service.")).to_be_visible()
    why.press("Enter")
    expect(page.get_by_text("Vous avez accepté la demande de service.")).to_be_hidden()


def test_a_filter_moves_the_end_of_the_session_that_the_page_counts(visit):
    world()
    page = visit(make.alice())
    page.evaluate("localStorage.setItem('session', 1 + Date.now() + 150_000)")
    tick(page, "Réservé")
    expect(page.locator("a.row")).to_have_count(1)
    assert page.evaluate("Number(localStorage.getItem('session')) - Date.now()") > 600_000


def test_filtering_after_the_session_has_ended_leads_to_sign_in(visit):
    world()
    page = visit(make.alice())
    Session.objects.all().delete()
    page.get_by_role("checkbox", name="Réservé").click()
    expect(page.get_by_role("heading", name="Connexion", exact=True)).to_be_visible()


def test_paper_has_the_lists_and_no_filter(visit):
    world()
    page = visit(make.alice())
    page.emulate_media(media="print")
    expect(page.locator("a.row").first).to_be_visible()
    expect(page.get_by_role("status")).to_be_visible()
    for hidden in ("#filtres", "#vues", ".filters-period"):
        expect(page.locator(hidden)).to_be_hidden()
