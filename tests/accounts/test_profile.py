"""« Profil de l'utilisateur » (FAQ, « les notifications »; ruling 9), and where the account is open."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import services, trust
from accounts.devices import SecondFactor
from accounts.models import AccountEvent, Notification, RecoveryDevice, TrustedBrowser, User
from tests import make
from tests.pages import errors, form_with, forms, nobody, press, said, signed_in

pytestmark = pytest.mark.django_db
PROFILE = "/profil/"
SMS = "Désactiver les notifications par message texte"
EMAIL = "Désactiver les notifications par courriel"
WARNING = (
    "Attention, si vous choisissez de désactiver les 2 notifications, assurez-vous de faire un suivi régulier de vos "
    "demandes sur la plateforme Web ou sur l’application mobile, car vous ne saurez pas que vous avez des nouvelles "
    "demandes."
)
EVERYBODY = [make.alice, make.requester, make.coordinator, make.validator, make.administrator]


def page_of(user) -> str:
    return said(signed_in(user).get(PROFILE))


def boxes(user) -> tuple:
    return tuple(User.objects.values_list("sms_disabled", "email_disabled").get(pk=user.pk))


@pytest.mark.parametrize("user", EVERYBODY)
def test_everybody_has_a_profile_in_their_menu(user):
    page = signed_in(user()).get(PROFILE)
    assert '<a href="/profil/" aria-current="page">Profil</a>' in page.content.decode()
    assert f"Identifiant {user().username}" in said(page)


def test_an_interpreter_reads_what_the_bi_has_on_record():
    alice = make.protected(make.alice())
    page = page_of(alice)
    assert "Courriel alice@exemple.test" in page
    assert "Cellulaire 514\u00a0555-0199".replace("\u00a0", " ") in page
    assert "Langues espagnol" in page
    assert f"Établissement {make.institution().name}" in page


def test_a_requester_reads_their_institution():
    assert f"Établissement {make.institution().name}" in page_of(make.requester())


# « vous avez le champ Désactiver les notifications par message texte et Désactiver les notifications par courriel »


def test_an_interpreter_has_both_boxes_and_the_faqs_own_warning():
    page = page_of(make.alice())
    assert SMS in page and EMAIL in page and WARNING in page


@pytest.mark.parametrize("user", EVERYBODY[1:])
def test_whoever_gets_no_text_message_has_the_box_of_the_email_alone(user):
    page = page_of(user())
    assert EMAIL in page and SMS not in page
    assert "sans ces courriels, assurez-vous de faire un suivi régulier" in page


@pytest.mark.parametrize("chosen", [(True, False), (False, True), (True, True), (False, False)])
def test_what_is_ticked_is_saved(chosen):
    alice = make.alice()
    User.objects.filter(pk=alice.pk).update(sms_disabled=not chosen[0], email_disabled=not chosen[1])
    client, (sms, email) = signed_in(alice), ["on" if box else None for box in chosen]
    response = press(client, PROFILE, "Sauvegarder", sms_disabled=sms, email_disabled=email)
    assert (response.status_code, response.url) == (302, PROFILE)
    assert boxes(alice) == chosen
    assert "sauvegardés" in said(client.get(PROFILE))


def test_a_box_one_does_not_have_is_not_ticked_by_hand():
    signed_in(make.requester()).post(PROFILE, {"sms_disabled": "on"})
    assert boxes(make.requester()) == (False, False)


def stopped():
    alice = make.protected(make.alice())
    at = timezone.now() - timedelta(days=2)
    User.objects.filter(pk=alice.pk).update(sms_disabled=True, sms_stopped_at=at)
    return alice


def test_stop_is_explained_with_how_to_undo_it():
    page = page_of(stopped())
    assert "Vous avez répondu STOP" in page
    assert "répondez START au même numéro, puis décochez la case." in page


def test_unticking_the_box_forgets_stop():
    client = signed_in(stopped())
    press(client, PROFILE, "Sauvegarder", sms_disabled=None)
    assert User.objects.get(username="alice").sms_stopped_at is None
    assert "STOP" not in said(client.get(PROFILE))


def test_leaving_the_box_ticked_remembers_stop():
    press(signed_in(stopped()), PROFILE, "Sauvegarder", email_disabled="on")
    assert User.objects.get(username="alice").sms_stopped_at is not None


# The second factor


def test_without_a_second_factor_the_profile_offers_one():
    page = signed_in(make.alice()).get(PROFILE).content.decode()
    assert 'href="/connexion/protection/">Activer le code</a>' in page
    assert "codes-de-recuperation" not in page


def test_with_one_the_profile_says_it_and_offers_the_application_and_the_recovery_codes():
    alice = make.protected(make.alice())
    RecoveryDevice.objects.create(user=alice, name="codes").renew()
    page = signed_in(alice).get(PROFILE)
    assert "Il en reste 10." in said(page)
    assert 'href="/connexion/application/"' in page.content.decode()
    assert 'href="/connexion/codes-de-recuperation/"' in page.content.decode()


def test_one_chooses_to_receive_the_codes_by_email():
    client = signed_in(make.protected(make.alice()))
    response = press(client, PROFILE, "Choisir", factor="email")
    assert response.url == PROFILE
    assert User.objects.get(username="alice").second_factor == SecondFactor.EMAIL
    assert Notification.objects.filter(topic="factor_changed").exists()


@pytest.mark.parametrize("factor", ["email", "app", "", "fax"])
def test_the_bi_cannot_choose_what_it_may_not_use(factor):
    response = signed_in(make.coordinator()).post("/profil/code/", {"factor": factor})
    assert response.status_code == 422
    assert User.objects.get(username="corinne").second_factor == SecondFactor.SMS


def test_after_a_reset_the_email_cannot_be_chosen():
    alice = make.protected(make.alice())
    User.objects.filter(pk=alice.pk).update(reset_at=timezone.now())
    assert signed_in(alice).post("/profil/code/", {"factor": "email"}).status_code == 422


# Changing the password


CHANGE = "/profil/mot-de-passe/"
NEW = "des bottes de pluie jaunes"


def change(client, current=make.PASSWORD, password=NEW, again=NEW):
    return client.post(CHANGE, {"current_password": current, "password": password, "again": again})


def test_the_password_is_changed_with_the_current_one():
    client = signed_in(make.alice())
    response = press(client, CHANGE, "Changer le mot de passe", current_password=make.PASSWORD, password=NEW, again=NEW)
    assert (response.status_code, response.url) == (302, PROFILE)
    assert User.objects.get(username="alice").check_password(NEW)


def test_this_session_goes_on_and_the_others_end():
    here, elsewhere = signed_in(make.alice()), signed_in(make.alice())
    before = here.session.session_key
    change(here)
    assert here.get(PROFILE).status_code == 200
    assert elsewhere.get(PROFILE).status_code == 302
    assert here.session.session_key != before


def test_the_second_factor_of_this_session_stays_given():
    client = signed_in(make.coordinator())
    change(client)
    assert client.get("/bi/").status_code == 200


def test_the_change_of_password_is_told_and_kept():
    change(signed_in(make.alice()))
    assert Notification.objects.filter(topic="password_changed", user=make.alice()).exists()
    assert AccountEvent.objects.filter(kind="password_changed", user=make.alice()).exists()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ({"current": "autre chose"}, "current_password"),
        ({"current": make.PASSWORD + " "}, "current_password"),
        ({"password": "court", "again": "court"}, "password"),
        ({"password": make.PASSWORD, "again": make.PASSWORD}, "password"),
        ({"again": NEW + "."}, "again"),
    ],
)
def test_what_is_wrong_is_said_beside_its_box_and_nothing_is_sent_back(typed, name):
    response = change(signed_in(make.alice()), **typed)
    assert (response.status_code, errors(response).keys()) == (422, {name})
    assert not any(form_with(response, "Changer le mot de passe").fields[box] for box in ("password", "again"))
    assert User.objects.get(username="alice").check_password(make.PASSWORD)


def test_f11_whoever_finds_an_open_session_does_not_guess_the_password():
    client = signed_in(make.alice())
    for _ in range(5):
        assert change(client, current="au hasard").status_code == 422
    response = change(client)
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 600
    assert "Trop d’essais. Attendez" in said(response)
    assert User.objects.get(username="alice").check_password(make.PASSWORD)


# « Sessions ouvertes », « Appareils de confiance »


def test_every_open_session_is_listed_and_this_one_is_named():
    here, _ = signed_in(make.alice()), signed_in(make.alice())
    page = here.get(PROFILE)
    assert said(page).count("(cette session)") == 1
    assert len([form for form in forms(page) if "session" in form.fields]) == 1


def test_no_session_key_is_ever_on_a_page():
    here, elsewhere = signed_in(make.alice()), signed_in(make.alice())
    page = here.get(PROFILE).content.decode()
    assert [client.session.session_key in page for client in (here, elsewhere)] == [False, False]


def test_a_session_left_open_elsewhere_is_closed_from_the_list():
    here, elsewhere = signed_in(make.alice()), signed_in(make.alice())
    form = next(form for form in forms(here.get(PROFILE)) if "session" in form.fields)
    assert form.send(here, PROFILE).url == PROFILE
    assert elsewhere.get(PROFILE).status_code == 302
    assert here.get(PROFILE).status_code == 200


def mark_of(client) -> str:
    """What the list of another session says of this one."""
    other = signed_in(make.bob())
    form = next(form for form in forms(other.get(PROFILE)) if "session" in form.fields)
    return form.fields["session"]


@pytest.mark.parametrize("mark", ["", "é", "0" * 64])
def test_an_unknown_session_is_nobodys(mark):
    assert signed_in(make.alice()).post("/profil/sessions/fermer/", {"session": mark}).status_code == 404


def test_nobody_closes_the_session_of_a_colleague():
    bob = signed_in(make.bob())
    response = signed_in(make.alice()).post("/profil/sessions/fermer/", {"session": mark_of(bob)})
    assert response.status_code == 404
    assert bob.get(PROFILE).status_code == 200


def browser_of(user) -> TrustedBrowser:
    now = timezone.now()
    dates = {"created_at": now, "last_used_at": now, "expires_at": now + trust.LIFE}
    return TrustedBrowser.objects.create(user=user, token_hash=user.username, label="Firefox, Windows", **dates)


def test_closing_the_others_ends_them_all_and_forgets_the_trusted_browsers():
    browser_of(make.alice())
    here, *others = [signed_in(make.alice()) for _ in range(3)]
    press(here, PROFILE, "Fermer les autres sessions")
    assert [client.get(PROFILE).status_code for client in (here, *others)] == [200, 302, 302]
    assert not TrustedBrowser.objects.exists()
    assert AccountEvent.objects.filter(kind="sessions_ended", by=make.alice()).count() == 1


def test_a_trusted_browser_is_forgotten_from_the_list():
    browser_of(make.alice())
    client = signed_in(make.alice())
    press(client, PROFILE, "Oublier Firefox, Windows")
    assert not TrustedBrowser.objects.exists()


@pytest.mark.parametrize("number", ["", "é", "0", "9" * 30, "9" * 5000])
def test_an_unknown_browser_is_nobodys(number):
    assert signed_in(make.alice()).post("/profil/appareils/oublier/", {"appareil": number}).status_code == 404


def test_nobody_forgets_the_browser_of_a_colleague():
    theirs = browser_of(make.bob())
    response = signed_in(make.alice()).post("/profil/appareils/oublier/", {"appareil": theirs.pk})
    assert response.status_code == 404
    assert TrustedBrowser.objects.filter(pk=theirs.pk).exists()


def test_a_browser_no_longer_trusted_is_not_listed():
    TrustedBrowser.objects.filter(pk=browser_of(make.alice()).pk).update(expires_at=timezone.now())
    assert "Appareils de confiance" not in page_of(make.alice())


# I1: a shared tablet


@pytest.mark.parametrize("path", [PROFILE, CHANGE, "/profil/coordonnees/?moyen=sms"])
def test_i1_nothing_of_the_profile_is_kept_by_the_browser(path):
    assert signed_in(make.alice()).get(path)["Cache-Control"] == "private, no-store"


def test_i1_the_cookie_of_a_closed_session_opens_nothing_any_more():
    client = signed_in(make.alice())
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert client.post("/deconnexion/")["Clear-Site-Data"] == '"cache", "storage"'
    replayed = nobody()
    replayed.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert replayed.get(PROFILE).url.startswith("/connexion/")


# A deactivated account


def test_deactivating_ends_every_session_at_once():
    client = signed_in(make.alice())
    services.deactivate(make.alice(), by=make.administrator(), at=timezone.now())
    assert client.get(PROFILE).status_code == 302


# « Raccourcis clavier »: the board's single keys


@pytest.mark.parametrize("ticked", ["on", None])
def test_a_coordinator_switches_the_single_keys_on_and_off(ticked):
    corinne = make.coordinator()
    User.objects.filter(pk=corinne.pk).update(uses_shortcuts=ticked is None)
    client = signed_in(corinne)
    assert press(client, PROFILE, "Enregistrer ce choix", uses_shortcuts=ticked).url == PROFILE
    assert User.objects.get(pk=corinne.pk).uses_shortcuts is (ticked == "on")
    assert f"Les raccourcis clavier sont {'activés' if ticked else 'désactivés'}." in said(client.get(PROFILE))


@pytest.mark.parametrize("user", [make.alice, make.requester, make.validator, make.administrator])
def test_whoever_has_no_board_has_no_single_keys(user):
    assert "Raccourcis" not in page_of(user())
    assert signed_in(user()).post("/profil/raccourcis/", {"uses_shortcuts": "on"}).status_code == 403
