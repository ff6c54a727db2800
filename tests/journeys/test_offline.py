"""An interpreter in a basement: what is typed stays on the telephone, leaves once, and is nobody else's."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from completion.models import Attachment, Completion, CompletionRevision
from requests_app import services
from tests import make
from tests.completion.make import image
from tests.journeys.conftest import MOBILE, PHONE
from tests.journeys.test_accessible import sideways, violations
from tests.pages import ago, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
HELD = "Brouillon sur cet appareil, pas encore envoyé"
GONE_LATER = "Gardé sur cet appareil; il partira quand le réseau reviendra."
SENT = re.compile("Détails de l’achèvement enregistrés")
TYPED = "Deux heures dans le couloir du sous-sol"
PHOTO = {"name": "facture.jpg", "mimeType": "image/jpeg", "buffer": image(size=(300, 200))}
# All that a browser can keep of a site, as one text.
DUMP = """async () => {
  const kept = [JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const asked of await cache.keys()) kept.push(asked.url, await (await cache.match(asked)).text());
  }
  for (const { name, version } of await indexedDB.databases()) {
    const asked = indexedDB.open(name, version);
    const base = await new Promise((done) => (asked.onsuccess = () => done(asked.result)));
    for (const store of base.objectStoreNames) {
      const rows = base.transaction(store).objectStore(store).getAll();
      kept.push(await new Promise((done) => (rows.onsuccess = () => done(JSON.stringify(rows.result)))));
    }
    base.close();
  }
  return kept.join("\\n");
}"""


@pytest.fixture
def telephone(browser, browser_context_args, site):
    """A browser that somebody holds, without the complaints of a cut network; its scripts must not fail."""
    opened, failed = [], []

    def hold(user):
        context = browser.new_context(**browser_context_args, base_url=site, viewport=PHONE, user_agent=MOBILE)
        context.set_default_timeout(10_000)
        context.on("weberror", lambda error: failed.append(str(error.error)))
        opened.append(context)
        enter(context, user, site)
        return context

    yield hold
    for context in opened:
        context.close()
    assert failed == []


def enter(context, user, site):
    """Signed in from now on, whoever was before."""
    client = Client()
    sign_in(client, user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])


def begun(by=None, **fields):
    return make.reserved(by, at=ago(9), starts_at=timezone.now() - 2 * make.HOUR, **fields)


def form_of(made) -> str:
    return f"/demandes/{made.pk}/achevement/"


def at(context, address):
    page = context.new_page()
    page.goto(address)
    return page


def fill_in(page, text=TYPED):
    page.get_by_label("Oui").check()
    page.get_by_label("Commentaires sur la demande").fill(text)


def save(page):
    page.get_by_role("button", name=re.compile("Mise à jour|Sauvegarder")).click()


def until(page, holds, seconds=10):
    """Wait until what this device keeps is so; a predicate of the browser's own would not wait for a promise."""
    for _ in range(seconds * 20):
        if holds(page.evaluate(DUMP)):
            return
        page.wait_for_timeout(50)
    raise AssertionError(page.evaluate(DUMP)[-2000:])


def kept(page, text=TYPED):
    """Wait until this device has the text, or (None) no draft at all."""
    until(page, lambda held: text in held if text else '"drafts"' not in held.partition("\n")[0])


def filed() -> list:
    return [(row.number, row.data["comments"]) for row in CompletionRevision.objects.order_by("pk")]


def ready(page):
    """The worker has the page « hors ligne », and the home was opened under it."""
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.goto("/")
    until(page, lambda held: '"hours"' in held)


# Typed and not sent


def test_a_closed_tab_loses_nothing(telephone):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    fill_in(page)
    page.get_by_role("button", name="Ajouter une communication").click()
    page.get_by_label("Objectif").select_option("reminder")
    kept(page, '"communications-0-purpose":"reminder"')
    page.close()
    page = at(context, form_of(made))
    expect(page.get_by_text(HELD)).to_be_visible()
    page.get_by_role("button", name="Reprendre").click()
    expect(page.get_by_label("Commentaires sur la demande")).to_have_value(TYPED)
    expect(page.get_by_label("Objectif")).to_have_value("reminder")
    assert filed() == []


def test_a_draft_is_deleted_when_asked(telephone):
    made = begun()
    page = at(telephone(make.alice()), form_of(made))
    fill_in(page)
    kept(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(form_of(made))
    page.get_by_role("button", name="Supprimer le brouillon").click()
    kept(page, None)
    expect(page.get_by_label("Commentaires sur la demande")).to_have_value("")
    page.goto("/")
    expect(page.locator("p[data-drafts]")).to_be_hidden()


def test_a_session_that_ended_keeps_the_draft_for_the_same_person(telephone, site):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    fill_in(page)
    kept(page)
    context.clear_cookies()
    save(page)
    expect(page.get_by_role("heading", name="Connexion", exact=True)).to_be_visible()
    enter(context, make.alice(), site)
    page.goto("/")  # what was saved leaves by itself
    expect(page.get_by_text(SENT)).to_be_visible()
    assert filed() == [(1, TYPED)]


# Saved without network


def test_saved_without_network_it_leaves_when_the_network_returns(telephone):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    fill_in(page)
    context.set_offline(True)
    save(page)
    expect(page.get_by_text(GONE_LATER)).to_be_visible()
    assert filed() == []
    context.set_offline(False)
    expect(page.get_by_text(SENT)).to_be_visible()
    kept(page, None)
    assert filed() == [(1, TYPED)]


def test_an_error_of_the_server_then_its_answer_file_once(telephone):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    fill_in(page)
    answers = [lambda route: route.fulfill(status=500, body="Erreur")] * 2
    context.route(f"**{form_of(made)}", lambda route: fail_first(route, answers))
    save(page)
    expect(page.get_by_text("Erreur")).to_be_visible()
    with page.expect_response(lambda answer: answer.status == 500):
        page.goto("/")  # a try of its own meets the second error
    expect(page.locator("p[data-drafts]")).to_be_visible()
    page.goto(f"/demandes/{made.pk}/")
    expect(page.get_by_text(SENT)).to_be_visible()
    kept(page, None)
    assert filed() == [(1, TYPED)]


def fail_first(route, answers):
    """Each of the first POSTs gets its answer; the others go to the server."""
    if route.request.method == "POST" and answers:
        answers.pop()(route)
    else:
        route.continue_()


def test_an_answer_that_the_network_lost_is_not_sent_twice(telephone):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    fill_in(page)
    answers = [lambda route: (route.fetch(max_redirects=0), route.abort())]
    context.route(f"**{form_of(made)}", lambda route: fail_first(route, answers))
    with page.expect_event("requestfailed", lambda lost: lost.method == "POST" and lost.url.endswith(form_of(made))):
        save(page)
    assert filed() == [(1, TYPED)]
    page = at(context, "/")
    expect(page.get_by_text(SENT)).to_be_visible()
    kept(page, None)
    assert filed() == [(1, TYPED)]


RACE = """async () => {
  const place = document.querySelector("[data-device]").dataset.device;
  const { draftOf, put, settle } = await import(place);
  await put("drafts", { number: 7, at: Date.now() - 1000, fields: { comments: "ancien" } });
  const old = await draftOf(7);
  await put("drafts", { number: 7, fields: { comments: "nouveau" } });
  const outcomes = [await settle("drafts", old, old), await settle("drafts", old)];
  return [outcomes, (await draftOf(7)).fields.comments];
}"""


def test_what_was_sent_neither_replaces_nor_deletes_what_was_typed_since(telephone):
    page = at(telephone(make.alice()), form_of(begun()))
    assert page.evaluate(RACE) == [[False, False], "nouveau"]


# The page « hors ligne »


def test_a_report_is_filled_in_without_network_and_sent_once(telephone):
    made = begun()
    context = telephone(make.alice())
    page = at(context, "/")
    ready(page)
    context.set_offline(True)
    page.goto(form_of(made))
    expect(page.get_by_role("heading", name=f"Détails de l’achèvement, demande {made.pk}")).to_be_visible()
    fill_in(page)
    page.get_by_label("Début réel").fill("10 h")
    page.get_by_label("Fin réelle").fill("10 h 30")
    page.get_by_label("Pièces jointes").set_input_files(PHOTO)
    expect(page.get_by_text("facture.jpg").first).to_be_visible()
    save(page)
    expect(page.get_by_text(GONE_LATER)).to_be_visible()
    expect(page.get_by_text(HELD)).to_be_visible()
    assert (filed(), Attachment.objects.count()) == ([], 0)
    context.set_offline(False)
    expect(page.get_by_text(SENT)).to_be_visible()
    expect(page.get_by_text("Rien à envoyer.")).to_be_visible()
    assert (filed(), Attachment.objects.count()) == ([(1, TYPED)], 1)


@pytest.mark.long
def test_a_draft_that_the_server_refuses_is_corrected_on_the_page_of_the_request(telephone):
    begun()
    context = telephone(make.alice())
    page = at(context, "/")
    ready(page)
    context.set_offline(True)
    page.goto("/brouillons/")
    page.get_by_role("button", name="Détails de l’achèvement").click()
    fill_in(page)
    save(page)
    context.set_offline(False)
    expect(page.get_by_text(re.compile("À corriger.*Indiquez l’heure réelle"))).to_be_visible()
    page.get_by_role("button", name="Reprendre").click()
    expect(page.get_by_label("Commentaires sur la demande")).to_have_value(TYPED)
    page.get_by_label("Début réel").fill("10 h")
    page.get_by_label("Fin réelle").fill("10 h 30")
    save(page)
    expect(page.get_by_text(SENT)).to_be_visible()
    assert filed() == [(1, TYPED)]


def test_a_request_that_changed_meanwhile_shows_both_versions(telephone):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    fill_in(page)
    context.set_offline(True)
    save(page)
    expect(page.get_by_text(GONE_LATER)).to_be_visible()
    page.close()
    services.modify(made, by=make.coordinator(), at=timezone.now(), note="Entente", instructions="Autre porte.")
    context.set_offline(False)
    page = at(context, "/brouillons/")
    expect(page.get_by_text(re.compile("La demande a changé depuis"))).to_be_visible()
    page.get_by_role("button", name="Reprendre").click()
    expect(page.get_by_text("Ce qui a changé depuis que vous avez ouvert la demande")).to_be_visible()
    expect(page.get_by_text("Ce que vous aviez saisi")).to_be_visible()
    assert filed() == []
    page.get_by_role("button", name="Reprendre ma saisie").click()
    save(page)
    expect(page.get_by_text(SENT)).to_be_visible()
    assert filed() == [(1, TYPED)]


# Step by step, whatever is cut


def choose(page, *names):
    """Photos that nothing has sent yet."""
    photos = [PHOTO | {"name": name, "buffer": image(size=(300 + n, 200))} for n, name in enumerate(names)]
    page.locator("input[name=attachment]").set_input_files(photos)


@pytest.mark.long
def test_a_photo_chosen_without_network_leaves_with_the_rest(telephone):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    fill_in(page)
    context.set_offline(True)
    choose(page, "facture.jpg")
    expect(page.get_by_text("L’envoi n’a pas abouti.").first).to_be_visible()
    save(page)
    expect(page.get_by_text(GONE_LATER)).to_be_visible()
    page.close()
    context.set_offline(False)
    page = at(context, "/brouillons/")
    expect(page.get_by_text("Rien à envoyer.")).to_be_visible()
    assert (filed(), Attachment.objects.count()) == ([(1, TYPED)], 1)


@pytest.mark.long
@pytest.mark.parametrize("cut", range(6))
def test_nothing_is_lost_nor_kept_twice_wherever_the_network_is_cut(telephone, cut):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    fill_in(page)
    context.set_offline(True)
    choose(page, "un.jpg", "deux.jpg")
    expect(page.get_by_text("L’envoi n’a pas abouti.")).to_have_count(2)
    save(page)
    expect(page.get_by_text(GONE_LATER)).to_be_visible()
    page.close()
    # Two files and the report: each is cut before the server hears of it, or after it has answered.
    asked = []
    context.route(re.compile("/(pieces|achevement)/$"), lambda route: cut_at(route, asked, cut))
    context.set_offline(False)
    at(context, "/").wait_for_timeout(1500)
    page = at(context, "/brouillons/")
    expect(page.get_by_text("Rien à envoyer.")).to_be_visible()
    assert (filed(), Attachment.objects.count()) == ([(1, TYPED)], 2)


def cut_at(route, asked, cut):
    """The POST number `cut` // 2 is lost, or (odd) its answer is."""
    if route.request.method != "POST":
        return route.continue_()
    asked.append(route.request.url)
    if len(asked) - 1 != cut // 2:
        return route.continue_()
    if cut % 2:
        route.fetch(max_redirects=0)
    return route.abort()


EVERY_FIELD = {
    "start_time": "10 h 05",
    "end_time": "10 h 55",
    "waiting_hours": "1",
    "waiting_minutes": "15",
    "distance_km": "12,5",
    "travel_minutes": "25",
    "parking_amount": "8,50",
    "comments": "Ligne 1",
}


@pytest.mark.long
@pytest.mark.parametrize("reload", [True, False], ids=["reloaded", "closed"])
def test_every_field_comes_back_as_it_was_typed(telephone, reload):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_label("Oui").check()
    for name, value in EVERY_FIELD.items():
        page.locator(f"[name={name}]").fill(value)
    if reload:
        page.reload()
    else:
        kept(page, "Ligne 1")
        page.close()
        page = at(context, form_of(made))
    page.get_by_role("button", name="Reprendre").click()
    found = {name: page.locator(f"[name={name}]").input_value() for name in EVERY_FIELD}
    assert (found, page.get_by_label("Oui").is_checked()) == (EVERY_FIELD, True)


def test_the_page_of_drafts_is_accessible(telephone):
    begun()
    page = at(telephone(make.alice()), "/")
    ready(page)
    page.goto("/brouillons/")
    assert violations(page) + sideways(page) == []
    page.get_by_role("button", name="Détails de l’achèvement").click()
    page.get_by_role("button", name="Ajouter une communication").click()
    assert violations(page) + sideways(page) == []


# One person's


def test_nothing_of_a_former_person_is_read_or_sent(telephone, site):
    made = begun()
    context = telephone(make.alice())
    page = at(context, form_of(made))
    fill_in(page)
    context.set_offline(True)
    save(page)
    expect(page.get_by_text(GONE_LATER)).to_be_visible()
    page.close()
    context.set_offline(False)
    enter(context, make.bob(), site)
    asked = []
    context.on("request", lambda request: asked.append((request.method, request.url)))
    page = at(context, "/")
    until(page, lambda held: TYPED not in held)
    page.goto("/brouillons/")
    expect(page.get_by_text("Rien à envoyer.")).to_be_visible()
    assert [url for method, url in asked if method == "POST" or "achevement" in url] == []
    assert Completion.objects.count() == 0


def test_signing_out_warns_then_leaves_nothing(telephone):
    made = begun()
    page = at(telephone(make.alice()), "/")
    ready(page)
    page.goto(form_of(made))
    fill_in(page)
    kept(page)
    held = page.evaluate(DUMP)
    leave = page.get_by_role("button", name="Se déconnecter", exact=True).locator("visible=true")
    leave.click()
    page.get_by_role("button", name="Rester", exact=True).click()
    assert TYPED in page.evaluate(DUMP)
    leave.click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Se déconnecter et le supprimer").click()
    expect(page.get_by_role("heading", name="Connexion", exact=True)).to_be_visible()
    left = page.evaluate(DUMP)
    assert [value for value in make.PERSONAL.values() if value in held] == []
    assert [word for word in (TYPED, str(made.pk), "Alice", *make.PERSONAL.values()) if word in left] == []
