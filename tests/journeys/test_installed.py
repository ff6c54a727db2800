"""The installed application, with its worker: what it keeps, what it shows without network, photos made light."""

import base64
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from ims import web_app
from tests import make
from tests.completion.make import attach, provided
from tests.journeys.conftest import MOBILE, PHONE
from tests.pages import ago

pytestmark = pytest.mark.django_db(transaction=True)

READY = "async () => navigator.serviceWorker.controller && (await caches.keys()).length"
# Every answer kept on the device: {cache: {address: what it holds}}.
KEPT = """async () => {
  const kept = {};
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const bytes = new Uint8Array(await (await cache.match(request)).arrayBuffer());
      (kept[name] ??= {})[new URL(request.url).pathname] = new TextDecoder("utf-8").decode(bytes);
    }
  }
  return kept;
}"""


def wait_until(page, condition):
    """Until a function of the page says so; playwright's own wait does not wait for what a promise brings."""
    page.evaluate(f"""async () => {{
      for (let turn = 0; turn < 500; turn++) {{
        if (await ({condition})()) return;
        await new Promise((next) => setTimeout(next, 20));
      }}
      throw new Error("never");
    }}""")


@pytest.fixture
def install(visit):
    """A page in a browser that the worker has taken in charge."""

    def open_page(user, address="/", **more):
        page = visit(user, address, service_workers="allow", **more)
        wait_until(page, READY)
        return page

    return open_page


def sign_in_by_the_form(page):
    page.get_by_label("Identifiant").fill("alice")
    page.get_by_label("Mot de passe").fill(make.PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("heading", name="Demandes", exact=True)).to_be_visible()


# Without network


def test_a_page_that_the_network_cannot_bring_is_the_page_without_network(install, complaints):
    page = install(make.alice())
    page.context.set_offline(True)
    page.goto("/profil/")
    expect(page.get_by_role("heading", name="Brouillons", exact=True)).to_be_visible()
    expect(page.get_by_text("Pas de connexion.")).to_be_visible()
    page.context.set_offline(False)
    page.reload()
    expect(page.get_by_role("heading", name="Profil de l’utilisateur")).to_be_visible()
    complaints[:] = [said for said in complaints if "ERR_INTERNET_DISCONNECTED" not in said]


def test_what_the_server_answers_is_shown_as_it_is(install):
    page = install(make.alice())
    assert page.goto("/demandes/999999/").status == 404
    expect(page.get_by_role("heading", name="Brouillons", exact=True)).to_have_count(0)


def test_signing_out_empties_the_device_and_the_worker_comes_back_by_itself(install):
    make.alice()
    page = install(None, "/connexion/")
    sign_in_by_the_form(page)
    page.get_by_role("button", name="Se déconnecter").first.click()
    expect(page.get_by_role("heading", name="Connexion", exact=True)).to_be_visible()
    wait_until(page, READY)
    assert ["/hors-ligne/" in kept for kept in page.evaluate(KEPT).values()] == [True]


def test_another_release_takes_over_at_once_and_deletes_what_the_former_kept(install, monkeypatch):
    page = install(None, "/connexion/")
    (former,) = page.evaluate("caches.keys()")
    monkeypatch.setattr(web_app, "_version", lambda: "suivante")
    web_app._worker.cache_clear()
    page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.update())")
    wait_until(page, "async () => (await caches.keys()).join() === 'ims-suivante'")
    web_app._worker.cache_clear()
    assert former != "ims-suivante" and "/hors-ligne/" in page.evaluate(KEPT)["ims-suivante"]


# Nothing private


def tour(page, made):
    """All that an interpreter opens of a request, its file and the rest."""
    detail = f"/demandes/{made.pk}/"
    for address in [detail, f"{detail}achevement/", f"{detail}pieces/", "/?vue=tous", "/ma-paie/", "/profil/"]:
        page.goto(address)
    page.goto(detail)
    page.evaluate(f"fetch('{detail}pieces/{made.attachments.get().pk}/').then((answer) => answer.blob())")


def test_after_a_whole_tour_the_device_keeps_files_of_the_house_and_one_page_that_names_nobody(install):
    made = provided(at=ago(9), starts_at=ago(2))
    attach(made, at=ago(1), name="stationnement-canari.jpg")
    page = install(make.alice(), viewport=PHONE, user_agent=MOBILE)
    tour(page, made)
    kept = page.evaluate(KEPT)
    assert len(kept) == 1
    ((_, kept),) = kept.items()
    assert {address for address in kept if not address.startswith("/static/")} == {"/hors-ligne/"}
    canaries = [
        *make.PERSONAL.values(),
        "Nom-de-Alice",
        "canari",
        f"/demandes/{made.pk}/",
        'name="csrfmiddlewaretoken"',
    ]
    assert {word for word in canaries for text in kept.values() if word in text} == set()


# « Ajouter des pièces jointes au besoin »: the photo shrunk on the telephone


def photo() -> bytes:
    """3 000 by 2 000 pixels held sideways, red on the left, and the place where it was taken."""
    drawn = Image.effect_noise((3000, 2000), 40).convert("RGB")
    drawn.paste((200, 0, 0), (0, 0, 600, 2000))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right: its left is at the top
    exif.get_ifd(0x8825)[1] = "N"
    written = BytesIO()
    drawn.save(written, "JPEG", quality=90, exif=exif)
    return written.getvalue()


LISTEN = """() => {
  const send = XMLHttpRequest.prototype.send;
  window.sent = [];
  XMLHttpRequest.prototype.send = function (body) {
    const file = body.get?.("file");
    if (!file) return send.call(this, body);
    const reader = new FileReader();
    reader.onload = () => window.sent.push({ name: file.name, type: file.type, data: reader.result.split(",")[1] });
    reader.readAsDataURL(file);
    return send.call(this, body);
  };
}"""


@pytest.fixture
def send(visit):
    """What leaves the telephone when a file is chosen: its name, its type, its bytes."""

    def choose(name, kind, content):
        made = make.reserved(at=ago(9), starts_at=ago(1))
        page = visit(make.alice(), f"/demandes/{made.pk}/achevement/", viewport=PHONE, user_agent=MOBILE)
        page.evaluate(LISTEN)
        file = {"name": name, "mimeType": kind, "buffer": content}
        page.get_by_label("Facture de stationnement").set_input_files(file)
        page.wait_for_function("() => window.sent.length && !document.querySelector('.upload progress:not([hidden])')")
        (sent,) = page.evaluate("window.sent")
        return sent["name"], sent["type"], base64.b64decode(sent["data"])

    return choose


def test_a_photo_leaves_the_telephone_small_upright_and_without_its_place(send):
    name, kind, content = send("IMG 0042.JPG", "image/jpeg", photo())
    sent = Image.open(BytesIO(content))
    assert (name, kind, sent.format, sent.size) == ("IMG 0042.jpg", "image/jpeg", "JPEG", (1067, 1600))
    assert dict(sent.getexif()) == {} and len(content) < len(photo()) / 3
    red, _, blue = sent.getpixel((500, 20))
    assert red > 150 > blue


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("facture.pdf", "application/pdf", b"%PDF-1.4 une page"),
        ("cassee.jpg", "image/jpeg", b"ceci n'est pas une photo"),
    ],
)
def test_what_cannot_be_made_lighter_leaves_as_it_is(send, name, kind, content):
    assert send(name, kind, content) == (name, kind, content)


# « Installer l'application »


OFFER = """() => {
  const offer = new Event("beforeinstallprompt", { cancelable: true });
  offer.prompt = () => (window.asked = true);
  dispatchEvent(offer);
}"""


def test_installing_by_the_steps_or_by_the_button_where_there_is_one(visit, viewport):
    page = visit(None, "/connexion/", viewport=viewport)
    page.get_by_role("link", name="Installer l’application").click()
    expect(page.get_by_role("heading", name="iPhone ou iPad")).to_be_visible()
    expect(page.get_by_text("vous y êtes")).to_be_hidden()
    button = page.get_by_role("button", name="Installer l’application")
    expect(button).to_be_hidden()
    page.wait_for_load_state()
    page.evaluate(OFFER)
    button.click()
    assert page.evaluate("window.asked")
    page.evaluate("dispatchEvent(new Event('appinstalled'))")
    expect(page.get_by_role("status")).to_contain_text("L’application est installée")


@pytest.fixture
def application(browser_type, browser_type_launch_args, site, tmp_path):
    """A window of its own, without address bar, as the installed application opens; on a desk's screen."""
    given = dict(browser_type_launch_args)
    given["args"] = [*given["args"], f"--app={site}/aide/installer/"]
    context = browser_type.launch_persistent_context(tmp_path, **given)
    context.set_default_timeout(10_000)
    yield context.pages[0]
    context.close()


def test_a_browser_finds_nothing_to_reproach_to_the_application(application):
    wait_until(application, READY)
    wire = application.context.new_cdp_session(application)
    assert wire.send("Page.getInstallabilityErrors") == {"installabilityErrors": []}
    assert wire.send("Page.getAppManifest")["errors"] == []


def test_the_installed_application_says_that_it_is_and_has_the_words_of_the_telephone(application, site):
    expect(application.get_by_text("L’application est installée sur cet appareil")).to_be_visible()
    expect(application.get_by_role("heading", name="iPhone ou iPad")).to_be_hidden()
    made = make.reserved(at=ago(9), starts_at=ago(1))
    application.goto(f"{site}/connexion/")
    sign_in_by_the_form(application)
    application.goto(f"{site}/demandes/{made.pk}/")
    application.get_by_role("link", name="Détails de l’achèvement", exact=True).click()
    expect(application.get_by_role("heading", name="Détails de l’achèvement")).to_be_visible()
    expect(application.get_by_role("button", name="Mise à jour")).to_be_visible()
