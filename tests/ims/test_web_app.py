"""The installable application: what a telephone reads of it, its worker, its icons. Nothing there is anybody's."""

import json
import re
from itertools import product

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from PIL import Image, ImageChops

from accounts import bank
from ims import web_app
from ims.management.commands import draw_icons
from tests import make
from tests.pages import nobody, said, signed_in

pytestmark = pytest.mark.django_db
ADDRESSES = ["/manifest.webmanifest", "/sw.js", "/aide/installer/"]


def manifest() -> dict:
    return nobody().get("/manifest.webmanifest").json()


def kept_by_the_worker() -> list[str]:
    """The files that the worker's text names."""
    text = nobody().get("/sw.js").content.decode()
    return json.loads(re.search(r"(?m)^const FILES = (\[.*\]);$", text)[1])


@pytest.mark.parametrize("address", ADDRESSES)
def test_anybody_reads_it_without_a_cookie_nor_a_word_to_the_database(address, django_assert_num_queries):
    client = nobody()
    with django_assert_num_queries(0):
        answer = client.get(address)
    assert (answer.status_code, dict(answer.cookies)) == (200, {})


@pytest.mark.parametrize(
    ("address", "kind"),
    [("/sw.js", "text/javascript; charset=utf-8"), ("/manifest.webmanifest", "application/manifest+json")],
)
def test_a_browser_asks_again_each_time_whether_it_changed(address, kind):
    answer = nobody().get(address)
    assert (answer["Content-Type"], answer["Cache-Control"]) == (kind, "no-cache")


def test_the_manifest_is_that_of_an_application():
    read = manifest()
    assert (read["short_name"], read["lang"], read["display"], read["id"]) == ("IMS", "fr-CA", "standalone", "/")
    assert {size for icon in read["icons"] for size in [icon["sizes"]]} == {"192x192", "512x512"}
    assert {icon["purpose"] for icon in read["icons"]} == {"any", "maskable"}
    assert [shortcut["name"] for shortcut in read["shortcuts"]] == ["À venir", "Tous"]


def test_every_address_of_the_manifest_opens_to_an_interpreter():
    read, client = manifest(), signed_in(make.alice())
    found = {url: client.get(url).status_code for url in [read["start_url"], *(s["url"] for s in read["shortcuts"])]}
    assert found == dict.fromkeys(found, 200) and all(url.startswith(read["scope"]) for url in found)


def test_every_icon_is_the_size_that_the_manifest_says():
    read = manifest()
    for icon in [*read["icons"], *(icon for shortcut in read["shortcuts"] for icon in shortcut["icons"])]:
        with Image.open(staticfiles_storage.path(icon["src"].removeprefix("/static/"))) as drawn:
            assert (f"{drawn.width}x{drawn.height}", drawn.format) == (icon["sizes"], "PNG")


def test_the_icon_of_a_telephone_that_cuts_its_own_shape_keeps_its_drawing_in_the_safe_circle():
    with Image.open(finders.find("icons/app-maskable-512.png")) as drawn:
        pixels, radius = drawn.convert("RGB"), 0.4 * 512
    outside = [at for at in product(range(0, 512, 4), repeat=2) if sum((n - 256) ** 2 for n in at) > radius**2]
    assert {pixels.getpixel(at) for at in outside} == {pixels.getpixel((0, 0))}


@pytest.mark.parametrize("drawn", draw_icons.DRAWN, ids=lambda drawn: drawn[0])
def test_the_icons_are_small_and_are_what_the_command_draws(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(draw_icons, "FOLDER", tmp_path)
    monkeypatch.setattr(draw_icons, "DRAWN", [drawn])
    draw_icons.Command().handle()
    kept = finders.find(f"icons/{drawn[0]}")
    with Image.open(kept) as old, Image.open(tmp_path / drawn[0]) as new:
        assert ImageChops.difference(old.convert("RGBA"), new.convert("RGBA")).getbbox() is None
    assert (tmp_path / drawn[0]).stat().st_size < 8 * 1024


def test_the_worker_keeps_files_that_exist_under_names_that_change_with_them():
    for url in kept_by_the_worker():
        name = url.removeprefix("/static/")
        assert staticfiles_storage.exists(name) and re.search(r"\.[0-9a-f]{12}\.\w+$", name), url


def test_the_worker_names_no_page_but_the_one_without_network():
    text = nobody().get("/sw.js").content.decode()
    named = set(re.findall(r'"(/[^"]*)"', text)) - set(kept_by_the_worker())
    assert named == {"/hors-ligne/"}


def test_the_page_without_network_loads_nothing_that_the_worker_does_not_keep():
    page = nobody().get("/hors-ligne/").content.decode()
    loaded = set(re.findall(r'"(/static/[^"]+)"', page))
    # A telephone asks for its icon when it installs, not when it shows a page.
    assert {url for url in loaded if "apple-touch-icon" not in url} == set(kept_by_the_worker())


def test_a_word_changed_in_the_page_makes_another_worker(monkeypatch):
    versions = []
    for telephone in ("514-555-0101", "514-555-0102", "514-555-0101"):
        monkeypatch.setattr(bank, "PHONE", telephone)
        versions.append(web_app._version())
    assert versions[0] == versions[2] != versions[1]


def test_the_page_that_says_how_to_install_it_has_the_words_of_the_faq():
    page = said(nobody().get("/aide/installer/"))
    assert "s’installe depuis le navigateur; elle n’est pas dans le centre de téléchargement" in page
    assert "Case 1 votre identifiant" in page and "l’ID d’instance : inscrivez CIUSSS" in page
    assert "Fermez l’application IMS, puis ouvrez-la de nouveau." in page


def test_the_admin_is_not_in_the_application():
    assert 'rel="manifest"' not in signed_in(make.validator()).get("/admin/").content.decode()
