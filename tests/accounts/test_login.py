"""Signing in: identifiant, mot de passe, « ID d'instance » (FAQ, « Comment puis-je me connecter »); and signing out."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests import make
from tests.accounts.steps import LOGIN, NEW_PASSWORD, is_signed_in, temporary_password_of
from tests.pages import errors, forms, nobody, said

pytestmark = pytest.mark.django_db
LOGOUT = "/deconnexion/"
WRONG = "Identifiant ou mot de passe incorrect."


def sign_in(client, username="alice", password=make.PASSWORD, instance="CIUSSS", at=LOGIN, **extra):
    make.alice()
    return client.post(at, {"username": username, "password": password, "instance": instance}, **extra)


def fields(response):
    return forms(response)[0].fields


# The three boxes


def test_the_page_has_three_boxes_and_the_instance_is_filled_in(client):
    shown = fields(client.get(LOGIN))
    assert (shown["username"], shown["password"], shown["instance"]) == ("", "", "CIUSSS")


def test_the_right_words_open_the_home_page(client):
    response = sign_in(client)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert is_signed_in(client)


@pytest.mark.parametrize("username", ["alice", "ALICE", " Alice "])
def test_the_identifiant_is_read_without_capitals_or_spaces(client, username):
    sign_in(client, username=username)
    assert is_signed_in(client)


@pytest.mark.parametrize("instance", ["CIUSSS", "ciusss", " CIUSSS "])
def test_the_instance_is_read_without_capitals_or_spaces(client, instance):
    sign_in(client, instance=instance)
    assert is_signed_in(client)


def test_a_wrong_instance_is_refused_beside_its_box(client):
    response = sign_in(client, instance="CISSS")
    assert response.status_code == 422
    assert errors(response).keys() == {"instance"}
    assert "L’ID d’instance est CIUSSS." in errors(response)["instance"]
    assert not is_signed_in(client)


@pytest.mark.parametrize("empty", ["username", "password", "instance"])
def test_an_empty_box_is_said_beside_it(client, empty):
    response = sign_in(client, **{empty: ""})
    assert response.status_code == 422
    assert errors(response).keys() == {empty}
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "autre chose"},
        {"username": "personne"},
        {"password": make.PASSWORD + " "},
        {"password": make.PASSWORD.upper()},
    ],
    ids=str,
)
def test_a_wrong_word_is_refused_without_saying_which(client, wrong):
    response = sign_in(client, **wrong)
    assert response.status_code == 422
    assert WRONG in response.content.decode()
    assert not is_signed_in(client)


def test_what_was_typed_is_kept_but_the_password_is_never_sent_back(client):
    response = sign_in(client, username="alice.typo", password="un secret tapé")
    shown = fields(response)
    assert (shown["username"], shown["instance"], shown["password"]) == ("alice.typo", "CIUSSS", "")
    assert "un secret tapé" not in response.content.decode()


def test_what_was_typed_is_not_read_as_html(client):
    response = sign_in(client, username='"><script>alert(1)</script>')
    assert "<script>alert" not in response.content.decode()


@pytest.mark.parametrize("typed", ["a\x00b", "a" * 61, "é" * 60, "' OR 1=1 --"])
def test_whatever_is_typed_the_answer_is_a_page(client, typed):
    response = sign_in(client, username=typed)
    assert response.status_code == 422


@pytest.mark.parametrize("typed", ["x" * 257, "x\x00"])
def test_whatever_the_password_the_answer_is_a_page(client, typed):
    assert sign_in(client, password=typed).status_code == 422


def test_a_deactivated_account_is_refused_like_an_unknown_one(client):
    User.objects.filter(pk=make.alice().pk).update(is_active=False)
    response = sign_in(client)
    assert response.status_code == 422
    assert WRONG in response.content.decode()


def test_an_account_deactivated_meanwhile_is_signed_out(client):
    sign_in(client)
    User.objects.filter(username="alice").update(is_active=False)
    assert client.get("/").status_code == 302


def test_nobody_signs_in_as_the_system(client):
    sign_in(client, username=make.system().username, password="")
    assert not is_signed_in(client)
    assert not make.system().has_usable_password()


# The temporary password (reliability, F9, F10)

PASTED = [
    "{} ",
    " {}",
    "  {}  ",
    "{}\n",
    "{}\r\n",
    "\t{}",
    "{}\t \n",
    "{}\u00a0",
    "\u202f{}",
    "{}\u200b",
    "\ufeff{}",
    "\u2009{}\u2003",
]


@pytest.mark.parametrize("pasted", PASTED, ids=ascii)
def test_F9_a_temporary_password_is_read_without_what_was_pasted_around_it(client, pasted):
    temporary = temporary_password_of(make.alice())
    assert sign_in(client, password=pasted.format(temporary))["Location"] == NEW_PASSWORD


@pytest.mark.parametrize("pasted", PASTED, ids=ascii)
def test_F9_a_password_one_chose_is_read_as_it_is(client, pasted):
    assert sign_in(client, password=pasted.format(make.PASSWORD)).status_code == 422


@pytest.mark.parametrize("password", [" deux espaces autour ", "fin\u00a0"])
def test_F9_a_password_chosen_with_spaces_around_it_keeps_them(client, password):
    alice = make.alice()
    alice.set_password(password)
    alice.save()
    assert sign_in(client, password=password)["Location"] == "/"
    assert sign_in(nobody(), password=password.strip()).status_code == 422


def test_F9_what_is_inside_a_temporary_password_is_not_touched(client):
    temporary = temporary_password_of(make.alice())
    assert sign_in(client, password=f"{temporary[:6]} {temporary[6:]}").status_code == 422


def test_F10_a_temporary_password_that_has_expired_is_said_to_who_has_it(client):
    temporary = temporary_password_of(make.alice())
    User.objects.filter(username="alice").update(temporary_until=timezone.now())
    response = sign_in(client, password=temporary)
    assert (response.status_code, is_signed_in(client)) == (422, False)
    assert "Ce mot de passe temporaire a expiré" in said(response)
    assert "a expiré" not in said(sign_in(client, password="autre chose"))


def test_F10_the_temporary_password_before_a_new_access_is_dead(client):
    former = temporary_password_of(make.alice())
    assert sign_in(client, password=temporary_password_of(make.alice()))["Location"] == NEW_PASSWORD
    assert sign_in(nobody(), password=former).status_code == 422


def test_the_page_leads_who_is_lost_to_help_and_to_a_new_password(client):
    page = client.get(LOGIN).content.decode()
    assert 'href="/connexion/oubli/">J’ai oublié mon mot de passe</a>' in page
    assert 'href="/aide/connexion/">Je n’arrive pas à me connecter</a>' in page


# Where one goes next


@pytest.mark.parametrize("target", ["/demandes/12/", "/?statut=reserve", "/demandes/12/?a=b#c"])
def test_one_returns_to_the_page_one_asked_for(client, target):
    assert sign_in(client, at=LOGIN, query_params={"next": target})["Location"] == target


@pytest.mark.parametrize(
    "target",
    [
        "//evil.test",
        "///evil.test",
        "\\\\evil.test",
        "/\\evil.test",
        "\\/evil.test",
        "https://evil.test",
        "https:evil.test",
        "HTTPS://evil.test",
        "http://testserver.evil.test",
        "http://testserver@evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "\t//evil.test",
        " //evil.test",
        "\x01//evil.test",
        "",
    ],
)
def test_one_is_never_sent_elsewhere(client, target):
    assert sign_in(client, query_params={"next": target})["Location"] == "/"


@pytest.mark.parametrize("target", ["/%2f%2fevil.test", "/%5cevil.test", "/.//evil.test"])
def test_an_address_that_only_looks_dangerous_stays_here(client, target):
    location = sign_in(client, query_params={"next": target})["Location"]
    assert location.startswith("/") and not location.startswith(("//", "/\\"))


@pytest.mark.parametrize("target", ["accueil", "admin:index", "requests:home", "é", "a b"])
def test_a_word_is_not_taken_for_the_name_of_a_page(client, target):
    response = sign_in(client, query_params={"next": target})
    assert response.status_code == 302
    assert response["Location"] != "/admin/"


def test_a_page_asked_for_before_signing_in_is_remembered(client):
    response = client.get("/demandes/12/")
    assert (response.status_code, response["Location"]) == (302, "/connexion/?next=/demandes/12/")


# The session


def test_the_session_changes_when_one_signs_in(client):
    session = client.session
    session["avant"] = 1
    session.save()
    before = session.session_key
    sign_in(client)
    assert client.session.session_key != before


def test_the_session_cookie_is_not_for_scripts(client):
    sign_in(client)
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_a_form_from_elsewhere_is_refused():
    make.alice()
    client = Client(enforce_csrf_checks=True)
    response = sign_in(client)
    assert response.status_code == 403
    assert "Cette page a expiré" in response.content.decode()


def test_the_form_of_the_page_itself_is_accepted():
    client = Client(enforce_csrf_checks=True)
    token = fields(client.get(LOGIN))["csrfmiddlewaretoken"]
    assert sign_in(client, headers={"X-CSRFToken": token}).status_code == 302


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_one_signs_out_by_a_button_only(client, method):
    sign_in(client)
    assert getattr(client, method)(LOGOUT).status_code == 405
    assert is_signed_in(client)


def test_signing_out_ends_the_session_and_clears_the_browser(client):
    sign_in(client)
    response = client.post(LOGOUT)
    assert (response.status_code, response["Location"]) == (302, LOGIN)
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert not is_signed_in(client)


@pytest.mark.parametrize("role", [make.alice, make.coordinator])
def test_one_signs_out_of_a_session_that_has_ended_or_owes_a_code(client, role):
    client.force_login(role())
    if role is make.alice:
        client.session.flush()
    response = client.post(LOGOUT)
    assert (response["Location"], is_signed_in(client)) == (LOGIN, False)


@pytest.mark.parametrize(
    ("referrer", "where"),
    [
        ("http://testserver/profil/?a=b", "/connexion/?next=/profil/%3Fa%3Db"),
        ("https://evil.test/profil/", LOGIN),
        ("", LOGIN),
    ],
)
def test_a_form_sent_too_late_leads_back_to_its_page_and_never_to_its_address(client, referrer, where):
    response = client.post("/profil/sessions/fermer/", headers={"Referer": referrer} if referrer else {})
    assert response["Location"] == where


def test_signing_out_needs_the_token_of_a_page():
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.alice())
    assert client.post(LOGOUT).status_code == 403


@pytest.mark.parametrize("path", ["/", "/demandes/999999/"])
def test_no_page_of_a_signed_in_person_is_kept(client, path):
    client.force_login(make.alice())
    assert client.get(path)["Cache-Control"] == "private, no-store"


def test_the_login_page_is_not_kept_either(client):
    assert "no-store" in client.get(LOGIN)["Cache-Control"]
    assert sign_in(client)["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_signing_in_is_get_or_post(client, method):
    assert getattr(client, method)(LOGIN).status_code == 405
