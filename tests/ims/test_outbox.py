"""« Boîte d'envoi (démo) »: what the providers received, readable by anybody in a demo and by nobody elsewhere."""

import json
import re
import runpy
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.urls import include, path
from django.utils import timezone

from accounts.french import hour
from ims import urls as site
from ims.demo import arrivals, outbox
from ims.demo.arrivals import EMAIL, SMS

PAGE = "/demo/boite-envoi/"
# With DATABASE_URL the tests run as outside a demo: the page is there all the same.
urlpatterns = [*site.urlpatterns, path("demo/", include("ims.demo.urls"))]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR = tmp_path
    return tmp_path / "outbox"


def receive(message) -> None:
    arrivals.keep(outbox._folder(), EMAIL, message.message().as_bytes())


def send(subject="Nouvelle demande", *, to="lucia.paredes@interpretes.example", body="Bonjour."):
    receive(EmailMessage(subject, body, to=[to]))


def text_to(number="+15145550122", body="IMS: nouvelle offre."):
    arrivals.keep(outbox._folder(), SMS, json.dumps({"to": number, "body": body}).encode())


def subjects(client, **query):
    """What each e-mail is about; the text of an SMS."""
    return [letter.subject or letter.body for letter in client.get(PAGE, query).context["letters"]]


def text(client, **query):
    return client.get(PAGE, query).content.decode()


def older(response) -> str:
    return response.context["older"].partition("avant=")[2]


def test_anybody_reads_it_without_signing_in(client):
    send("Demande offerte", body="Bonjour Lucía,\n\nUne demande vous attend.")
    response = client.get(PAGE)
    assert response.status_code == 200
    assert "Demande offerte" in response.content.decode()
    assert "<p>Une demande vous attend.</p>" in response.content.decode()


def test_it_says_when_there_is_nothing_yet(client):
    assert "Aucun message pour le moment" in text(client)


def test_text_messages_and_e_mails_come_together_the_newest_first(client):
    send("premier")
    text_to(body="IMS: deuxième")
    send("troisième")
    assert subjects(client) == ["troisième", "IMS: deuxième", "premier"]


def test_each_says_how_it_came_and_to_whom(client):
    send()
    text_to("+15145550122")
    page = text(client)
    assert "<h2>SMS</h2>" in page and ">514\u00a0555-0122</a>" in page
    assert "<h2>Courriel&nbsp;: Nouvelle demande</h2>" in page and ">lucia.paredes@interpretes.example</a>" in page


def test_the_date_is_the_local_hour_of_arrival(client):
    before = timezone.now()
    send()
    page = text(client)
    assert any(hour(before + timedelta(minutes=late)) in page for late in (0, 1))


def test_one_recipient_can_be_asked_for(client):
    send("à Lucía")
    send("à Nadia", to="nadia.benkirane@interpretes.example")
    text_to()
    assert subjects(client, destinataire=" Nadia ") == ["à Nadia"]
    assert "Aucun message à «&nbsp;personne&nbsp;»." in text(client, destinataire="personne")


@pytest.mark.parametrize("number", ["514\u00a0555-0122", "5145550122", "+1 (514) 555.0122", "0122", "+15145550122"])
def test_a_number_can_be_asked_for_however_it_is_written(client, number):
    text_to("+15145550122", "à Nadia")
    text_to("+15145550199", "à Imane")
    send()
    assert subjects(client, destinataire=number) == ["à Nadia"]


def test_the_link_of_a_number_shows_what_it_received(client):
    text_to("+15145550122", "à Nadia")
    text_to("+15145550199", "à Imane")
    link = re.search(r'href="(\?destinataire=514[^"]*0122)"', text(client))[1]
    assert [letter.body for letter in client.get(PAGE + link).context["letters"]] == ["à Nadia"]


def test_fifty_a_page_then_the_older_ones_and_each_once(client):
    for number in range(120):
        send(f"no {number}")
    seen, query = [], {}
    for _ in range(3):
        response = client.get(PAGE, query)
        seen += [letter.subject for letter in response.context["letters"]]
        query = {"avant": older(response)}
    assert seen == [f"no {number}" for number in reversed(range(120))]
    assert query == {"avant": ""}


def test_a_page_of_older_mail_stands_still_while_new_mail_arrives(client):
    for number in range(52):
        send(f"no {number}")
    link = client.get(PAGE).context["older"]
    send("nouveau")
    found = client.get(f"{PAGE}?{link}").context["letters"]
    assert [letter.subject for letter in found] == ["no 1", "no 0"]


def test_a_search_that_finds_nothing_recent_offers_to_look_further_back(client, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_READ", 3)
    send("ancien", to="bruno.tessereau@bi.example")
    for _ in range(3):
        send()
    response = client.get(PAGE, {"destinataire": "bruno"})
    assert "Aucun message récent" in response.content.decode()
    assert subjects(client, avant=older(response)) == ["ancien"]


@pytest.mark.parametrize("before", ["rien", "rien.eml", "../../etc/passwd", ":", "\x00", "9" * 20 + ".eml"])
def test_an_address_that_names_no_message_shows_the_newest(client, before):
    send("le plus récent")
    assert subjects(client, avant=before) == ["le plus récent"]


def test_html_is_shown_as_text(client):
    send("<script>alert(1)</script>", body="<img src=x onerror=alert(2)>")
    text_to(body="<b>gras</b>")
    page = text(client)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;gras&lt;/b&gt;" in page
    assert "<img" not in page


@pytest.mark.parametrize("write", [send, text_to])
def test_addresses_of_our_site_are_links_and_others_are_not(client, write):
    write(body="Ouvrez http://127.0.0.1:8123/demandes/12/. Pas https://ailleurs.example/demandes/12/")
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


def test_a_message_being_written_waits(client, folder):
    send("entier")
    whole = next(folder.iterdir())
    whole.rename(whole.with_suffix(".draft"))
    assert subjects(client) == []
    whole.with_suffix(".draft").rename(whole)
    assert subjects(client) == ["entier"]


@pytest.mark.parametrize("kind", [EMAIL, SMS])
@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\xff\xfe\x00 nothing", b"Subject: seul\n\n", b"{}", b"[1]", b'{"to":1}']
)
def test_what_is_no_message_is_passed_over(client, kind, content):
    send("entier")
    arrivals.keep(outbox._folder(), kind, content)
    assert "entier" in subjects(client)
    assert client.get(PAGE).status_code == 200


def test_a_message_swept_by_a_fresh_start_is_passed_over(client, folder):
    send("entier")
    (folder / f"{9:020}-00000000.eml").symlink_to(folder / "nowhere")
    assert subjects(client) == ["entier"]


def test_other_files_of_the_folder_are_nobodys(client, folder):
    send("entier")
    (folder / "20261123-1.log").write_text("Subject: ancien\n\nbonjour")
    assert subjects(client) == ["entier"]


def test_an_e_mail_with_both_shows_its_text(client):
    both = EmailMultiAlternatives("les deux", "le texte", to=["a@bi.example"])
    both.attach_alternative("<b>la page</b>", "text/html")
    receive(both)
    page = text(client)
    assert "le texte" in page
    assert "la page" not in page


def test_a_long_subject_is_read_whole(client):
    send("Votre accès à la plateforme de la Banque d’interprètes du RSSS, première connexion")
    assert subjects(client) == ["Votre accès à la plateforme de la Banque d’interprètes du RSSS, première connexion"]


def test_it_is_only_read(client):
    assert client.post(PAGE).status_code == 405


def test_it_exists_only_in_a_demo(settings):
    settings.DEMO = False
    patterns = runpy.run_path(site.__file__)["urlpatterns"]
    assert "demo/" not in {str(entry.pattern) for entry in patterns}
