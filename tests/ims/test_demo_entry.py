"""« Qui est qui »: the demo's first page, and a session of each of its people without a password; nowhere else."""

import runpy
from random import Random

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone

from accounts.models import CodeDevice, Session, User
from accounts.roles import Role
from ims import urls as site
from ims.demo import people, places, welcome
from tests import make
from tests.pages import ago, ahead, forms, nobody, said

# With DATABASE_URL the tests run as outside a demo: the pages are there all the same.
urlpatterns = [*site.urlpatterns, path("demo/", include("ims.demo.urls"))]
PAGE = "/demo/"
EVERYBODY = [people.username(name) for part in welcome.PARTS for name, _ in part.names]
LUCIA, BRUNO = "lucia.paredes", "bruno.tessereau"
FIRST_PAGES = {
    Role.INTERPRETER: "/",
    Role.REQUESTER: "/",
    Role.COORDINATOR: "/bi/",
    Role.VALIDATOR: "/admin/",
    Role.ADMINISTRATOR: "/admin/",
}

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("played")]


@pytest.fixture(scope="module")
def played(django_db_setup, django_db_blocker):
    """Everybody of the demo, for all the tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        people.create(places.institutions(), Random(1))  # noqa: S311 (where they live)
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def demo(settings):
    settings.DEMO = True


def enter(client, username):
    return client.post(f"{PAGE}entrer/{username}/")


def who(client) -> str:
    """Whose session it is; empty without one."""
    found = User.objects.filter(pk=client.session.get(SESSION_KEY)).first()
    return found.username if found else ""


def person(username) -> User:
    return User.objects.get(username=username)


@pytest.mark.parametrize("username", EVERYBODY)
def test_each_person_enters_and_lands_on_the_first_page_of_their_role(client, username):
    page = client.get(enter(client, username).url, follow=True)
    assert (page.status_code, who(client)) == (200, username)
    assert page.wsgi_request.path == FIRST_PAGES[person(username).role]


def test_the_page_offers_everybody_it_knows_and_says_what_it_is(client):
    page = client.get(PAGE)
    assert [form.action for form in forms(page)] == [f"{PAGE}entrer/{username}/" for username in EVERYBODY]
    assert "Entrer comme Lucía Paredes, interprète" in said(page)
    assert "Les personnes et les demandes sont fictives" in said(page)


@pytest.mark.parametrize(("number", "seen"), [(0, "Aucune demande en"), (1, "1 demande en"), (2, "2 demandes en")])
def test_the_page_counts_what_awaits_in_two_statements(client, number, seen):
    for day in range(number):
        make.pending(person(LUCIA), at=ago(1), starts_at=ahead(14 + day))
    with CaptureQueriesContext(connection) as captured:
        page = client.get(PAGE)
    assert f"{seen} attente de sa réponse." in said(page).replace("\u00a0", " ")
    assert len(captured) == 2


@pytest.mark.parametrize(
    "username", ["personne", "mateo.quiroga", "imane.oualidi", "%00", "lucia.paredes%00", "système"]
)
def test_nobody_else_is_entered_as(client, username):
    assert (enter(client, username).status_code, who(client)) == (404, "")


def test_a_closed_account_is_neither_offered_nor_entered(client):
    User.objects.filter(username=LUCIA).update(is_active=False)
    assert "Lucía" not in said(client.get(PAGE))
    assert enter(client, LUCIA).status_code == 404


def test_a_link_does_not_enter_nor_a_form_of_another_site(client):
    assert client.get(f"{PAGE}entrer/{LUCIA}/").status_code == 405
    assert enter(Client(enforce_csrf_checks=True), LUCIA).status_code == 403


def test_outside_a_demo_nobody_enters(client, settings):
    settings.DEMO = False
    assert (enter(client, BRUNO).status_code, who(client)) == (404, "")
    assert "demo/" not in {str(entry.pattern) for entry in runpy.run_path(site.__file__)["urlpatterns"]}


def test_the_session_of_the_former_person_ends(client):
    enter(client, BRUNO)
    former = client.session.session_key
    enter(client, LUCIA)
    assert who(client) == LUCIA
    assert not Session.objects.filter(pk=former).exists()
    assert client.get("/admin/").status_code == 302


def test_the_history_of_the_account_says_how_the_session_began(client):
    enter(client, BRUNO)
    assert [(event.get_kind_display(), event.detail) for event in person(BRUNO).events.all()] == [("Connexion", "démo")]


def test_who_owes_a_new_password_chooses_it_first(client):
    User.objects.filter(username=LUCIA).update(temporary_until=timezone.now())
    assert (enter(client, LUCIA).url, who(client)) == ("/connexion/mot-de-passe/", "")


def test_who_owes_a_first_code_gives_it_first(client):
    CodeDevice.objects.filter(user=person(BRUNO)).delete()
    assert (enter(client, BRUNO).url, who(client)) == ("/connexion/protection/", "")


@pytest.mark.parametrize("is_demo", [True, False])
def test_the_first_page_of_nobody_is_who_is_who_in_a_demo_and_the_sign_in_elsewhere(settings, is_demo):
    if is_demo:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "ims.demo.middleware.WelcomeMiddleware"]
    client = Client()
    assert client.get("/").url == (PAGE if is_demo else "/connexion/?next=/")
    assert client.get("/?vue=a-venir").url.startswith("/connexion/")
    enter(client, LUCIA)
    assert client.get("/").status_code == 200


def test_the_sign_in_page_of_a_demo_leads_to_who_is_who(client):
    assert f'href="{PAGE}"' in client.get("/connexion/").content.decode()
    assert nobody().get(PAGE).status_code == 200
