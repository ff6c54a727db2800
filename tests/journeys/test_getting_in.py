"""Getting in as the FAQ writes it: the first connection, the code, the forgotten password, the notification boxes."""

import re
import time
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import expect

from accounts import notify, services
from accounts.models import Throttle, User
from accounts.sessions import ABSOLUTE, SessionStore
from tests import make
from tests.accounts.test_profile import EMAIL, SMS, WARNING
from tests.journeys.conftest import PHONE
from tests.journeys.test_accessible import LOOKS, sideways, violations

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "des bottes de pluie jaunes"
HOME, LOGIN = "Demandes", "Connexion"
RESET = "/connexion/nouveau-mot-de-passe/"


class Post:
    """What the worker sends now, read by whoever it was for."""

    def __init__(self, twilio, smtp):
        self.twilio, self.smtp = twilio, smtp

    def text(self) -> str:
        notify.deliver_due()
        return self.twilio.received[-1]["body"]

    def letter(self) -> str:
        notify.deliver_due()
        return self.smtp.texts()[-1]

    def minutes_later(self):
        Throttle.objects.all().delete()


@pytest.fixture
def post(twilio, smtp):
    return Post(twilio, smtp)


def digits(message: str) -> str:
    return re.search(r"\b\d{6}\b", message)[0]


def alice(**fields) -> User:
    """Alice, with the cellulaire that the BI recorded."""
    User.objects.filter(pk=make.alice().pk).update(mobile_phone="+15145550123", **fields)
    return User.objects.get(username="alice")


def sign_in(page, password=make.PASSWORD):
    page.get_by_label("Identifiant").fill("alice")
    page.get_by_label("Mot de passe").fill(password)
    page.get_by_role("button", name="Se connecter").click()


def sign_out(page):
    page.get_by_role("button", name="Se déconnecter").locator("visible=true").click()


def is_asked(page, way: str):
    """The page says how the code travels: it was asked for."""
    expect(page.get_by_text(re.compile(rf"un code à 6\schiffres par {way}"))).to_be_visible()


def give(page, code: str):
    page.get_by_label("Code de vérification").fill(code)
    page.get_by_role("button", name="Valider le code").click()


def is_at(page, heading: str):
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


# « Comment puis-je me connecter pour la première fois à la nouvelle plateforme? »


def temporary_password(post) -> str:
    services.invite(alice(), by=make.administrator(), at=timezone.now())
    return re.search(r"Mot de passe temporaire\s*:\s+(\S+)", post.letter())[1]


def test_the_first_connection(visit, viewport, post):
    page = visit(None, "/", viewport=viewport)
    sign_in(page, temporary_password(post) + " ")  # « ne pas laisser d'espace après l'avoir collé »
    is_at(page, "Choisissez votre mot de passe")
    page.get_by_label("Nouveau mot de passe").fill(NEW)
    page.get_by_label("Le même, une deuxième fois").fill(NEW)
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_text("••• •••-0123")).to_be_visible()
    page.get_by_role("button", name="Recevoir un code par SMS").click()
    is_asked(page, "SMS")
    give(page, digits(post.text()))
    is_at(page, HOME)
    assert User.objects.get(username="alice").second_factor == "sms"


# « Lors de votre deuxième connexion, vous pourrez sélectionner l'option « courriel » au lieu de l'option « SMS » »


def test_the_second_connection_by_email_and_the_ones_after(visit, post):
    make.protected(alice())
    page = visit(None, "/", viewport=PHONE)
    sign_in(page)
    is_asked(page, "SMS")
    assert digits(post.text())
    post.minutes_later()
    page.get_by_role("button", name="Courriel", exact=True).click()
    is_asked(page, "courriel")
    give(page, digits(post.letter()))
    is_at(page, HOME)
    assert "La façon de vous identifier" in post.letter()
    # « à partir de ce moment, le code vous sera acheminé par courriel »
    sign_out(page)
    post.minutes_later()
    is_at(page, LOGIN)
    sign_in(page)
    is_asked(page, "courriel")
    give(page, digits(post.letter()))
    is_at(page, HOME)
    assert len(post.twilio.received) == 1


# « Vous avez aussi l'option de réinitialiser votre mot de passe en cliquant sur le champ J'ai oublié mon mot de passe »


def link_in(letter: str) -> str:
    return urlsplit(re.search(r"https?://\S+/connexion/nouveau-mot-de-passe/\S+", letter)[0]).path


def test_the_forgotten_password(visit, post):
    make.protected(alice())
    page = visit(None, "/")
    page.get_by_role("link", name="J’ai oublié mon mot de passe").click()
    page.get_by_label("Identifiant").fill("alice")
    page.get_by_role("button", name="Envoyer le lien").click()
    is_at(page, "Vérifiez vos courriels")
    page.goto(link_in(post.letter()))
    page.get_by_label("Nouveau mot de passe").fill(NEW)
    page.get_by_label("Le même, une deuxième fois").fill(NEW)
    page.get_by_role("button", name="Changer le mot de passe").click()
    is_at(page, LOGIN)
    sign_in(page, NEW)
    is_asked(page, "SMS")
    # The mailbox alone does not open the account.
    expect(page.get_by_role("button", name="Courriel", exact=True)).to_have_count(0)
    give(page, digits(post.text()))
    is_at(page, HOME)


def test_f6_the_link_of_a_reset_leaves_in_no_referer(visit, post):
    page, referers = visit(None, "/connexion/oubli/"), []
    alice()
    page.get_by_label("Identifiant").fill("alice")
    page.get_by_role("button", name="Envoyer le lien").click()
    is_at(page, "Vérifiez vos courriels")
    link = link_in(post.letter())
    page.on("request", lambda request: referers.append(request.all_headers().get("referer", "")))
    page.goto(link)
    page.get_by_role("link", name="Connexion", exact=True).click()
    is_at(page, LOGIN)
    assert [referer for referer in referers if "nouveau-mot-de-passe" in referer] == []
    assert any(referers)


# « Comment puis-je activer et désactiver les notifications d'IMS que je reçois par courriel ou par texto? »


def test_switching_both_notifications_off_and_one_on_again(visit, viewport):
    page = visit(alice(), viewport=viewport)
    page.get_by_role("link", name="Profil", exact=True).click()
    is_at(page, "Profil de l’utilisateur")
    page.get_by_role("checkbox", name=SMS).check()
    expect(page.get_by_text(WARNING)).to_be_hidden()
    page.get_by_role("checkbox", name=EMAIL).check()
    expect(page.get_by_text(WARNING)).to_be_visible()
    page.get_by_role("button", name="Sauvegarder").click()
    expect(page.get_by_text("sauvegardés")).to_be_visible()
    page.get_by_role("link", name="Demandes", exact=True).click()
    page.get_by_role("link", name="Changer dans mon profil").click()
    page.get_by_role("checkbox", name=EMAIL).uncheck()
    page.get_by_role("button", name="Sauvegarder").click()
    expect(page.get_by_text("Vous ne recevez aucune notification.")).to_have_count(0)
    assert User.objects.filter(username="alice", sms_disabled=True, email_disabled=False).exists()


def test_a_new_number_is_confirmed_by_a_code(visit, post):
    page = visit(make.protected(alice()), "/profil/")
    page.get_by_role("link", name="Modifier le cellulaire").click()
    page.get_by_label("Nouveau cellulaire").fill("438 555-0166")
    page.get_by_label("Mot de passe actuel").fill(make.PASSWORD)
    page.get_by_role("button", name="Envoyer le code").click()
    is_at(page, "Confirmer mes coordonnées")
    code = digits(post.text())
    assert post.twilio.received[-1]["to"] == "+14385550166"
    page.get_by_label("Code de vérification").fill(code)
    page.get_by_role("button", name="Confirmer").click()
    is_at(page, "Profil de l’utilisateur")
    expect(page.get_by_text("438\u00a0555-0166")).to_be_visible()
    assert "a été changé" in post.text()
    assert post.twilio.received[-1]["to"] == "+15145550123"


# « Votre session se ferme dans 2 minutes »


def dialog(page):
    return page.get_by_role("dialog", name="Votre session se ferme dans 2 minutes")


def idle(page, minutes: str):
    page.clock.fast_forward(minutes)


def watched(visit, address="/profil/?a=b"):
    page = visit(make.protected(alice()), "about:blank")
    page.clock.install()
    page.goto(address)
    return page


def test_two_minutes_before_the_end_one_is_warned_and_may_stay(visit):
    page = watched(visit)
    idle(page, "27:50")
    expect(dialog(page)).to_be_hidden()
    idle(page, "00:15")
    expect(page.get_by_role("button", name="Rester connecté")).to_be_focused()
    with page.expect_response("**/profil/session/") as answer:
        page.get_by_role("button", name="Rester connecté").click()
    assert answer.value.status == 204
    idle(page, "05:00")
    expect(dialog(page)).to_be_hidden()


def test_escape_keeps_the_session_too(visit):
    page = watched(visit)
    idle(page, "28:05")
    expect(dialog(page)).to_be_visible()
    with page.expect_response("**/profil/session/") as answer:
        page.keyboard.press("Escape")
    assert answer.value.status == 204
    expect(dialog(page)).to_be_hidden()


def test_staying_in_one_tab_keeps_them_all(visit):
    page = watched(visit)
    other = page.context.new_page()
    other.goto(page.url)
    idle(page, "28:05")
    expect(dialog(page)).to_be_visible()
    with page.expect_response("**/profil/session/"):
        page.get_by_role("button", name="Rester connecté").click()
    idle(page, "00:02")
    expect(dialog(other)).to_be_hidden()


def test_at_the_end_one_signs_in_again_and_comes_back(visit):
    page = watched(visit)
    idle(page, "30:01")
    is_at(page, LOGIN)
    expect(page.get_by_text("Votre session est terminée.")).to_be_visible()
    assert "next=%2Fprofil%2F%3Fa%3Db" in page.url


def test_after_twelve_hours_staying_is_not_promised(visit):
    page = visit(make.protected(alice()), "about:blank")
    key = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == settings.SESSION_COOKIE_NAME)
    session = SessionStore(key)
    session["signed_in_at"], session["renewed_at"] = time.time() - ABSOLUTE.total_seconds() + 100, 0
    session.save()
    page.goto("/profil/")
    page.get_by_role("button", name="Rester connecté").click()
    expect(page.get_by_text("Une session dure 12 heures au plus")).to_be_visible()


# A shared tablet


def test_i1_the_back_button_shows_nothing_once_signed_out(visit, viewport):
    page = visit(alice(), "/profil/", viewport=viewport)
    page.goto("/profil/mot-de-passe/")
    sign_out(page)
    is_at(page, LOGIN)
    for _ in range(2):
        page.go_back()
        is_at(page, LOGIN)


# Accessible, whatever the look


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone"])
def test_the_pages_of_the_account_are_accessible(visit, look):
    page, wrong = visit(make.protected(alice(sms_disabled=True, email_disabled=True)), "about:blank", **look), {}
    for address in ["/profil/", "/aide/connexion/", "/connexion/oubli/", "/connexion/oubli/envoi/", f"{RESET}MQ/abc/"]:
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(found => found.open = true)")
        if found := violations(page) + (sideways(page) if look is LOOKS[0] else []):
            wrong[address] = found
    assert wrong == {}


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone"])
def test_the_warning_of_the_session_is_accessible(visit, look):
    page = visit(alice(), "about:blank", **look)
    page.clock.install()
    page.goto("/profil/")
    idle(page, "28:05")
    expect(dialog(page)).to_be_visible()
    assert violations(page) == []


def test_everything_but_the_warning_works_without_scripts(visit):
    page = visit(alice(), "/profil/", viewport=PHONE, script=False)
    page.get_by_role("checkbox", name=SMS).check()
    page.get_by_role("button", name="Sauvegarder").click()
    expect(page.get_by_text("sauvegardés")).to_be_visible()
    page.goto("/")
    page.get_by_role("button", name="Plus tard").click()
    expect(page.get_by_text("Protégez votre compte")).to_have_count(0)
