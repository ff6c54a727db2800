"""The pages of errors: in French, saying what was kept; a database out of reach is a 503 that ends by itself."""

import logging
import re
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.template.loader import render_to_string
from django.test import Client
from django.urls import include, path

from accounts.models import User
from ims.logs import WithoutKeys
from requests_app import offers
from requests_app.models import ServiceRequest
from tests import make
from tests.pages import ago, ahead, nobody, said, signed_in


def broken(request):
    raise RuntimeError("what nobody outside should read")


def cut(request):
    raise OperationalError("connection refused")


handler500 = "ims.errors.server_error"
urlpatterns = [path("casse/", broken), path("coupe/", cut), path("", include("ims.urls"))]


# Every page of error


def of_alice(address, **data):
    client = signed_in(make.alice())
    client.raise_request_exception = False
    return client.post(address, data) if data else client.get(address)


def without_its_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.alice())
    return client.post("/disponibilites/", {"x": "1"})


def no_longer_offered():
    made = make.pending(make.alice(), make.bob(), at=ago(2), starts_at=ahead())
    offers.retract(made, make.alice(), by=make.coordinator(), at=ago(1))
    return of_alice(f"/demandes/{made.pk}/accepter/", version=made.version)


def too_heavy():
    made = make.reserved(at=ago(9), starts_at=ago(1))
    return signed_in(make.alice()).post(f"/demandes/{made.pk}/achevement/", {}, CONTENT_LENGTH="999999999")


def too_often():
    client = signed_in(make.protected(make.alice()))
    return [client.post("/connexion/codes-de-recuperation/", {"current_password": "non"}) for _ in range(6)][-1]


def of_a_button():
    return signed_in(make.coordinator()).get("/bi/interpretes/1/exclusions/1/lever/")


def elsewhere():
    return nobody().get("/connexion/", headers={"host": "evil.example"})


# status, how it comes, its title, what was kept, what to do next
ERRORS = [
    (400, elsewhere, "Envoi illisible", "Rien n’a été enregistré.", "recommencez"),
    (403, lambda: of_alice("/bi/"), "Accès refusé", "Rien n’a été changé.", "communiquez avec la BI"),
    (403, without_its_token, "Cette page a expiré", "Rien n’a été enregistré.", "rechargez-la, puis recommencez"),
    (404, lambda: of_alice("/nulle-part/"), "Page introuvable", "Rien n’a été changé.", "retrouvez la demande"),
    (405, of_a_button, "Cette page ne s’ouvre pas seule", "Rien n’a été changé.", "Revenez à la page précédente"),
    (409, no_longer_offered, "Demande non disponible", "Rien n’a été enregistré.", "communiquez avec la BI"),
    (413, too_heavy, "Fichier trop volumineux", "Rien n’a été enregistré.", "choisissez un fichier plus léger"),
    (429, too_often, "Trop d’essais", "Rien n’a été enregistré.", "Attendez 10 minutes"),
    (500, lambda: of_alice("/casse/"), "Une erreur s’est produite", "est intact", "Réessayez dans quelques minutes"),
    (503, lambda: of_alice("/coupe/"), "Service momentanément interrompu", "est intact", "Réessayez bientôt"),
]


@pytest.mark.django_db
@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("status", "happen", "title", "kept", "next_step"), ERRORS, ids=[row[2] for row in ERRORS])
def test_an_error_says_what_happened_what_was_kept_and_what_to_do(status, happen, title, kept, next_step):
    page = happen()
    words, html = said(page), page.content.decode()
    assert (page.status_code, f"<title>{title} — Banque d’interprètes</title>" in html) == (status, True)
    assert [text for text in (title, kept, next_step, "Retour aux demandes") if text not in words] == []


@pytest.mark.parametrize("template", ["400.html", "500.html", "errors/503.html"])
def test_an_error_shown_without_a_database_asks_nothing_of_it(template):
    assert "Retour aux demandes" in render_to_string(template)


@pytest.mark.django_db
def test_a_form_refused_says_so_in_its_title_and_keeps_what_was_typed():
    page = signed_in(make.requester()).post("/demandes/nouvelle/", {"patient_name": "Zéphyrine"})
    assert (page.status_code, "<title>Erreur\u00a0: " in page.content.decode().replace("&nbsp;", "\u00a0")) == (
        422,
        True,
    )
    assert "Zéphyrine" in page.content.decode()


@pytest.mark.django_db
def test_an_unknown_address_says_so_to_a_person_signed_in():
    page = signed_in(make.alice()).get("/nulle-part/")
    assert (page.status_code, "Page introuvable" in said(page), "Retour aux demandes" in said(page)) == (
        404,
        True,
        True,
    )


def test_an_unknown_address_says_so_to_anybody(client):
    page = client.get("/nulle-part/")
    assert (page.status_code, "Page introuvable" in said(page)) == (404, True)


@pytest.mark.django_db
def test_a_page_that_is_not_for_a_role_says_so():
    page = signed_in(make.alice()).get("/bi/")
    assert (page.status_code, "Votre compte ne donne pas accès à cette page." in said(page)) == (403, True)


@pytest.mark.django_db
def test_a_form_without_its_token_says_that_nothing_was_written():
    made = make.pending(at=ago(1), starts_at=ahead())
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.alice())
    page = client.post(f"/demandes/{made.pk}/accepter/", {"version": made.version})
    assert (page.status_code, "Rien n’a été enregistré." in said(page)) == (403, True)
    assert ServiceRequest.objects.get().status == "pending"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1@evil.example", "", "a" * 300])
def test_another_host_is_refused_in_french(client, host):
    page = client.get("/connexion/", headers={"host": host})
    assert (page.status_code, "Envoi illisible" in said(page), "evil" in page.content.decode()) == (400, True, False)


def test_too_many_fields_are_refused_in_french(client):
    page = client.post("/connexion/", {f"x{index}": "" for index in range(1001)})
    assert (page.status_code, "Envoi illisible" in said(page)) == (400, True)


def test_too_long_a_body_is_refused_in_french(client):
    page = client.post("/connexion/", "x=" + "y" * 1_100_000, content_type="application/x-www-form-urlencoded")
    assert (page.status_code, "Envoi illisible" in said(page)) == (400, True)


@pytest.mark.django_db
def test_the_address_of_a_button_says_that_it_does_not_open_alone():
    page = signed_in(make.coordinator()).get("/bi/interpretes/1/exclusions/1/lever/")
    assert (page.status_code, page["Allow"], "Cette adresse est celle d’un bouton" in said(page)) == (405, "POST", True)


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_an_unforeseen_fault_tells_nothing_of_itself():
    client = signed_in(make.alice())
    client.raise_request_exception = False
    page = client.get("/casse/")
    assert (page.status_code, "Le problème vient de notre côté." in said(page)) == (500, True)
    assert "nobody outside" not in page.content.decode()


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_a_fault_is_not_kept_by_the_browser():
    client = signed_in(make.alice())
    client.raise_request_exception = False
    assert client.get("/casse/")["Cache-Control"] == "private, no-store"


# The database


def ask(live_server, session, address="/"):
    """What the real server answers: status, headers, text."""
    where = urlsplit(live_server.url)
    wire = HTTPConnection(where.hostname, where.port, timeout=20)
    wire.request("GET", address, headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"})
    answer = wire.getresponse()
    text = answer.read().decode()
    wire.close()
    return answer.status, answer.headers, text


@pytest.fixture
def shut():
    """Close the database to everybody and end its connections, or open it again."""
    name = connection.settings_dict["NAME"]
    given = {"dbname": "postgres"} | {
        key: connection.settings_dict[setting]
        for key, setting in {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}.items()
        if connection.settings_dict[setting]
    }
    with psycopg.connect(autocommit=True, **given) as outside:

        def turn(is_open: bool):
            outside.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {"true" if is_open else "false"}')
            if not is_open:
                outside.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

        yield turn
        turn(True)


@pytest.mark.django_db(transaction=True)
def test_a_database_out_of_reach_is_a_503_that_ends_by_itself(live_server, shut):
    session = signed_in(make.alice()).cookies[settings.SESSION_COOKIE_NAME].value
    connection.close()
    shut(False)
    status, headers, text = ask(live_server, session)
    assert (status, headers["Retry-After"], "Service momentanément interrompu" in text) == (503, "10", True)
    shut(True)
    assert ask(live_server, session)[0] == 200


@pytest.mark.django_db(transaction=True)
def test_the_sign_in_page_shows_while_the_database_is_out_of_reach(live_server, shut):
    connection.close()
    shut(False)
    status, _, text = ask(live_server, "", "/connexion/")
    assert (status, "Se connecter" in text) == (200, True)


@pytest.mark.django_db
def test_i3_a_refused_row_is_not_told_to_the_log(caplog):
    """What the database says of a row it refuses holds the values of the row."""
    given = {"username": "secret@exemple.test", "first_name": "Zéphyrine\nRuse", "last_name": "x"}
    try:
        with transaction.atomic():
            User.objects.create(role="roi", **given)
    except IntegrityError:
        record = logging.LogRecord("ims", logging.ERROR, "", 0, "refusé", None, sys.exc_info())
    WithoutKeys().filter(record)
    written = logging.Formatter().format(record)
    assert "user_has_a_known_role" in written
    assert not {"secret@exemple.test", "Zéphyrine", "Ruse"} & set(re.findall(r"[\w@.]+", written))
