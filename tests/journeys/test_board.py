"""The board in a real browser: its refresh under somebody's fingers, the keyboard alone, the shortcuts, its weight."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from accounts.models import Session, User
from tests import make
from tests.journeys.test_accessible import violations
from tests.pages import ago, ahead, copies

pytestmark = pytest.mark.django_db(transaction=True)
REFRESH = "document.getElementById('file').dispatchEvent(new Event('refresh'))"


def unallocated(day):
    return make.unallocated(at=ago(1), starts_at=ahead(day))


def refreshed(page):
    """What the page does each minute, now."""
    page.wait_for_function("() => !document.getElementById('file').dataset.refresh")
    with page.expect_response(re.compile(r"/bi/\?file=")) as answer:
        page.evaluate(REFRESH)
    return answer.value


def test_a_refresh_shows_a_new_request_and_keeps_the_focus_where_it_was(visit):
    first = unallocated(5)
    page = visit(make.coordinator(), "/bi/")
    expect(page).to_have_title(re.compile(r"^\(1\) Non alloué"))
    offer = page.get_by_role("link", name=f"Offrir la demande {first.pk}")
    offer.focus()
    top = offer.bounding_box()["y"]
    new = unallocated(3)
    assert refreshed(page).request.headers["x-refresh"] == "1"
    expect(page.locator(f"#r-{new.pk}")).to_have_class("fresh")
    expect(page.get_by_role("status")).to_have_text("1 nouvelle demande.")
    expect(page).to_have_title(re.compile(r"^\(2\) Non alloué"))
    expect(page.locator("#n-non-alloue")).to_have_text("2")
    expect(offer).to_be_focused()
    assert page.evaluate("scrollY") == 0 or abs(offer.bounding_box()["y"] - top) < 2


def test_what_is_held_does_not_move_when_rows_come_above_it(visit):
    copies(unallocated(9), 30, timedelta(hours=1))
    page = visit(make.coordinator(), "/bi/")
    assert page.evaluate("scrollY") == 0
    link = page.locator("#file tbody th a").nth(20)
    link.focus()
    top = link.bounding_box()["y"]
    held = link.get_attribute("id")
    copies(unallocated(3), 4, timedelta(hours=1))
    refreshed(page)
    expect(page.locator("tr.fresh")).to_have_count(5)
    expect(page.get_by_role("status")).to_have_text("5 nouvelles demandes.")
    assert abs(page.locator(f"#{held}").bounding_box()["y"] - top) < 2


def test_when_the_request_held_is_gone_the_focus_stays_in_the_queue_and_what_slides_in_is_not_new(visit):
    gone = unallocated(3)
    copies(unallocated(5), 50, timedelta(hours=1))
    page = visit(make.coordinator(), "/bi/?file=non-alloue")
    page.locator(f"#d-{gone.pk}").focus()
    type(gone).objects.filter(pk=gone.pk).update(starts_at=ago(1), ends_at=ago(1) + timedelta(hours=1))
    refreshed(page)
    expect(page.locator(f"#r-{gone.pk}")).to_have_count(0)
    expect(page.locator("#file")).to_be_focused()
    expect(page.locator("#file tbody tr")).to_have_count(50)
    expect(page.get_by_role("status")).to_have_text("")


def test_nothing_is_asked_while_the_tab_is_hidden_and_at_once_when_it_is_seen_again(visit):
    unallocated(5)
    page = visit(make.coordinator(), "/bi/")
    page.wait_for_function("() => !document.getElementById('file').dataset.refresh")
    asked = []
    page.on("request", lambda request: "/bi/" in request.url and asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.isHidden, configurable: true})")
    page.evaluate(f"window.isHidden = true; {REFRESH}")
    page.wait_for_timeout(200)
    assert asked == []
    with page.expect_response(re.compile(r"/bi/\?file=")):
        page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize("answer", [None, 503])
def test_a_refresh_without_an_answer_says_so_and_leaves_the_rows(visit, complaints, answer):
    unallocated(5)
    page = visit(make.coordinator(), "/bi/")
    lost = {"status": answer, "body": '<main id="contenu">Panne</main>', "content_type": "text/html"}
    page.route("**/bi/?file*", lambda route: route.fulfill(**lost) if answer else route.abort())
    page.evaluate(REFRESH)
    expect(page.get_by_role("status")).to_have_text(re.compile("n’a pas pu être mis à jour"))
    expect(page.locator("#file tbody tr")).to_have_count(1)
    page.unroute("**/bi/?file*")
    refreshed(page)
    expect(page.get_by_role("status")).to_have_text("")
    complaints.clear()  # the browser tells of it too


def test_a_refresh_after_the_session_has_ended_leads_to_sign_in(visit):
    page = visit(make.coordinator(), "/bi/?file=messages")
    Session.objects.all().delete()
    page.evaluate(REFRESH)
    expect(page.get_by_role("heading", name="Connexion", exact=True)).to_be_visible()
    assert "file%3Dmessages" in page.url


def test_the_board_works_without_scripts(visit):
    made = unallocated(5)
    page = visit(make.coordinator(), "/bi/", script=False)
    page.get_by_label("Langue").select_option("espagnol")
    page.get_by_role("button", name="Filtrer").click()
    expect(page.locator(f"#r-{made.pk}")).to_be_visible()
    page.get_by_role("link", name="Tout effacer").click()
    expect(page).to_have_url(re.compile(r"/bi/\?file=non-alloue$"))


# The keyboard alone


def tab_to(page, name, most):
    """Tab until a link or a button of that name; each stop shows where it is."""
    for _ in range(most):
        page.keyboard.press("Tab")
        here = page.locator(":focus")
        assert here.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
        if name in here.inner_text():
            return here
    raise AssertionError(f"« {name} » is more than {most} stops away")


def test_the_rows_are_two_stops_away_and_everything_follows_in_order(visit):
    made = unallocated(5)
    page = visit(make.coordinator(), "/bi/")
    tab_to(page, "Aller aux demandes de la file", 2)
    page.keyboard.press("Enter")
    tab_to(page, str(made.pk), 1)
    tab_to(page, "Offrir", 1)
    tab_to(page, "Attribuer", 1).press("Enter")
    expect(page).to_have_url(re.compile(rf"/bi/demandes/{made.pk}/attribuer/$"))


def test_the_queues_then_the_filters_then_the_rows_follow_the_menu(visit):
    unallocated(5)
    page = visit(make.coordinator(), "/bi/")
    for name, most in (("Tableau", 4), ("Désistement urgent", 9), ("Non remis", 8), ("Filtrer", 4), ("Offrir", 2)):
        tab_to(page, name, most)


# Single keys


def with_shortcuts():
    user = make.coordinator()
    User.objects.filter(pk=user.pk).update(uses_shortcuts=True)
    return user


def test_single_keys_do_nothing_until_they_are_switched_on(visit):
    unallocated(5)
    page = visit(make.coordinator(), "/bi/")
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.locator("body")).to_be_focused()
    page.goto("/profil/")
    page.get_by_label("Raccourcis clavier").check()
    page.get_by_role("button", name="Enregistrer ce choix").click()
    page.goto("/bi/")
    page.keyboard.press("j")
    expect(page.locator("#file th a").first).to_be_focused()


def test_single_keys_walk_the_rows_and_do_what_comes_next(visit):
    first, second = unallocated(3), unallocated(5)
    page = visit(with_shortcuts(), "/bi/")
    for key, expected in (("j", first), ("n", second), ("j", second), ("k", first), ("p", first)):
        page.keyboard.press(key)
        expect(page.locator(f"#d-{expected.pk}")).to_be_focused()
    for key, address in (("o", rf"/demandes/{first.pk}/$"), ("f", "/offrir/$"), ("a", "/attribuer/$")):
        page.goto("/bi/")
        page.keyboard.press("j")
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(address))
        page.go_back()
        expect(page.locator(f"#d-{first.pk}")).to_be_focused()


def test_single_keys_are_left_alone_with_a_modifier_and_in_a_field(visit):
    unallocated(5)
    page = visit(with_shortcuts(), "/bi/")
    page.keyboard.press("Alt+j")
    expect(page.locator("body")).to_be_focused()
    page.get_by_label("Langue").focus()
    page.keyboard.press("j")
    expect(page.get_by_label("Langue")).to_be_focused()


def test_the_list_of_the_keys_opens_and_closes_by_the_keyboard(visit):
    page = visit(with_shortcuts(), "/bi/")
    page.keyboard.press("?")
    expect(page.get_by_role("button", name="Fermer")).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Raccourcis clavier")).to_be_hidden()


# What it weighs


def test_a_first_look_takes_6_requests_and_50_kb_at_most(visit):
    copies(unallocated(5), 60, timedelta(hours=1))
    page = visit(make.coordinator(), "about:blank")
    wire = page.context.new_cdp_session(page)
    asked, received = [], []
    wire.send("Network.enable")
    wire.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    wire.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto("/bi/", wait_until="networkidle")
    asked = [url for url in asked if not url.startswith("data:") and "favicon" not in url]
    assert len(asked) <= 6 and sum(received) <= 50 * 1024
