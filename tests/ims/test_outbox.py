"""« Boîte d'envoi (démo) »: what the worker wrote, readable by anybody in a demo and by nobody elsewhere."""

import os
import re
import runpy
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.urls import include, path
from django.utils import timezone

from accounts.french import hour
from ims import urls as site
from ims.demo import outbox

PAGE = "/demo/boite-envoi/"
CLOSING = b"-" * 79 + b"\n"
# With DATABASE_URL the tests run as outside a demo: the page is there all the same.
urlpatterns = [*site.urlpatterns, path("demo/", include("ims.demo.urls"))]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "outbox"
    return settings.EMAIL_FILE_PATH


def send(subject="Nouvelle demande", *, to="lucia.paredes@interpretes.example", body="Bonjour."):
    """One message in a file of its own, which is returned; each is written a while after the one before."""
    EmailMessage(subject, body, to=[to]).send()
    folder = Path(settings.EMAIL_FILE_PATH)
    # The backend names a file by the second and an address in memory, which the next connection may well reuse.
    (written,) = folder.glob("20*.log")
    number = len(list(folder.iterdir()))
    file = written.rename(folder / f"sent-{number}.log")
    os.utime(file, (number, number))
    return file


def subjects(client, **query):
    return [letter.subject for letter in client.get(PAGE, query).context["letters"]]


def text(client, **query):
    return client.get(PAGE, query).content.decode()


def test_anybody_reads_it_without_signing_in(client):
    send("Demande offerte", body="Bonjour Lucía,\n\nUne demande vous attend.")
    response = client.get(PAGE)
    assert response.status_code == 200
    assert "Demande offerte" in response.content.decode()
    assert "<p>Une demande vous attend.</p>" in response.content.decode()


def test_it_says_when_there_is_no_mail_yet(client):
    assert "Aucun courriel pour le moment" in text(client)


def test_the_newest_comes_first_across_files_and_within_one(client):
    send("premier")
    with get_connection() as together:
        together.send_messages([EmailMessage(name, "…", to=["a@bi.example"]) for name in ("deuxième", "troisième")])
    assert subjects(client) == ["troisième", "deuxième", "premier"]


def test_the_date_is_the_local_hour_of_sending(client):
    before = timezone.now()
    send()
    page = text(client)
    assert any(hour(before + timedelta(minutes=late)) in page for late in (0, 1))


def test_one_recipient_can_be_asked_for(client):
    send("à Lucía")
    send("à Nadia", to="nadia.benkirane@interpretes.example")
    assert subjects(client, destinataire=" Nadia ") == ["à Nadia"]
    assert "Aucun courriel à «&nbsp;personne&nbsp;»." in text(client, destinataire="personne")


def test_fifty_a_page_then_the_older_ones_and_each_once(client, folder):
    for number in range(120):
        send(f"no {number}")
    seen, query = [], {}
    for _ in range(3):
        context = client.get(PAGE, query).context
        seen += [letter.subject for letter in context["letters"]]
        query = {"avant": context["older"].partition("avant=")[2].replace("%3A", ":")}
    assert seen == [f"no {number}" for number in reversed(range(120))]
    assert query == {"avant": ""}


def test_a_page_of_older_mail_stands_still_while_new_mail_arrives(client):
    for number in range(52):
        send(f"no {number}")
    older = client.get(PAGE).context["older"]
    send("nouveau")
    found = client.get(f"{PAGE}?{older}").context["letters"]
    assert [letter.subject for letter in found] == ["no 1", "no 0"]


def test_a_search_that_finds_nothing_recent_offers_to_look_further_back(client, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_READ", 3)
    send("ancien", to="bruno.tessereau@bi.example")
    for _ in range(3):
        send()
    response = client.get(PAGE, {"destinataire": "bruno"})
    assert "Aucun courriel récent" in response.content.decode()
    assert subjects(client, avant=response.context["older"].partition("avant=")[2].replace("%3A", ":")) == ["ancien"]


@pytest.mark.parametrize("before", ["rien", "rien.log:000000", "../../etc/passwd:0", ":", "\x00"])
def test_an_address_that_names_no_message_shows_the_newest(client, before):
    send("le plus récent")
    assert subjects(client, avant=before) == ["le plus récent"]


def test_html_is_shown_as_text(client):
    send("<script>alert(1)</script>", body="<img src=x onerror=alert(2)>")
    page = text(client)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<img" not in page


def test_addresses_of_our_site_are_links_and_others_are_not(client):
    send(body="Ouvrez http://127.0.0.1:8123/demandes/12/. Pas https://ailleurs.example/demandes/12/")
    page = text(client)
    assert '<a href="/demandes/12/">http://127.0.0.1:8123/demandes/12/</a>.' in page
    assert 'href="https://ailleurs.example' not in page


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1//ailleurs.example/",
        "http://127.0.0.1/\\ailleurs.example/",
        "http://127.0.0.1@ailleurs.example/",
        "http://127.0.0.1.ailleurs.example/",
        "javascript:alert(1)//http://127.0.0.1",
    ],
)
def test_no_link_leads_out_of_our_site(client, address):
    send(body=address)
    links = re.findall(r'href="([^"]*)"', text(client).partition("<section")[2].partition("</section>")[0])
    assert all(re.fullmatch(r"\?destinataire=.*|/|/[a-z].*", link) for link in links)


def test_a_message_being_written_waits_and_spoils_nothing(client):
    whole = send("entier").read_bytes()
    half = send("à moitié")
    half.write_bytes(half.read_bytes()[:60])
    assert subjects(client) == ["entier"]
    half.write_bytes(whole)
    assert subjects(client) == ["entier", "entier"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", CLOSING * 3, b"\xff\xfe\x00 nothing of the kind\n" + CLOSING, b"Subject: seul\n\ncorps\n" + CLOSING],
)
def test_what_is_no_message_is_passed_over(client, folder, content):
    send("entier")
    (folder / "other.log").write_bytes(content)
    assert subjects(client) == ["entier"]


def test_a_message_without_text_is_passed_over_and_one_with_both_shows_its_text(client):
    both = EmailMultiAlternatives("les deux", "le texte", to=["a@bi.example"])
    both.attach_alternative("<b>la page</b>", "text/html")
    both.send()
    page = text(client)
    assert "le texte" in page
    assert "la page" not in page


def test_it_is_only_read(client):
    assert client.post(PAGE).status_code == 405


def test_it_exists_only_in_a_demo(settings):
    settings.DEMO = False
    patterns = runpy.run_path(site.__file__)["urlpatterns"]
    assert "demo/" not in {str(entry.pattern) for entry in patterns}
