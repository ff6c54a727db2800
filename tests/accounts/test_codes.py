"""The second step: a code by SMS, then by e-mail for who prefers it (FAQ, « authentification multifacteur »)."""

import re
from contextlib import suppress
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import mfa, services, throttling
from accounts.devices import Channel, SecondFactor
from accounts.models import AccountEvent, CodeDevice, Notification, TrustedBrowser, User
from tests import make
from tests.accounts.steps import (
    CODE,
    LOGIN,
    PROTECT,
    a_minute_passes,
    again,
    code_sent_to,
    come_in,
    give_code,
    give_password,
    is_signed_in,
    reset_by_mail,
    wrong,
)
from tests.pages import errors, form_with, nobody, press, said

pytestmark = pytest.mark.django_db
EXPIRED = "Ce code a expiré. Demandez-en un nouveau."


def alice():
    return make.protected(make.alice())


def with_app(user) -> TOTPDevice:
    """An application installed, and chosen."""
    device = mfa.begin_app(user)
    mfa.confirm_app(device)
    services.choose_factor(user, SecondFactor.APP, at=timezone.now())
    return device


def shown_by(device) -> str:
    """What the application displays now."""
    return f"{TOTP(device.bin_key).token():06}"


# What the password alone opens


def test_the_password_opens_nothing_but_the_page_of_the_code(client):
    response = give_password(client, alice())
    assert (response.status_code, response["Location"]) == (302, CODE)
    assert not is_signed_in(client)
    assert client.get("/")["Location"] == "/connexion/?next=/"


def test_the_right_code_opens_the_page_one_asked_for(client):
    user = alice()
    give_password(client, user, at=f"{LOGIN}?next=/%3Fstatut=reserved")
    response = give_code(client, code_sent_to(user))
    assert (response.status_code, response["Location"]) == (302, "/?statut=reserved")
    assert client.get("/").status_code == 200


def test_the_page_says_where_the_code_goes_and_hides_the_number(client):
    user = alice()
    give_password(client, user)
    page = said(client.get(CODE))
    assert "SMS au ••• •••-0199" in page
    assert user.mobile_phone[5:8] not in page


@pytest.mark.parametrize("typed", ["{} {}", " {}{} ", "{}-{}", "{}\u00a0{}", "{}{}\t"])
def test_a_code_is_read_with_the_spaces_it_was_pasted_with(client, typed):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    give_code(client, typed.format(code[:3], code[3:]))
    assert is_signed_in(client)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "x\x00"])
def test_what_is_not_six_digits_is_said_and_is_no_try(client, typed):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    response = give_code(client, typed)
    assert response.status_code == 422
    assert errors(response).keys() == {"code"}
    assert CodeDevice.objects.get().tries == 0
    assert give_code(client, code).status_code == 302


def test_a_code_is_never_sent_back_to_the_page(client):
    user = alice()
    give_password(client, user)
    typed = wrong(code_sent_to(user))
    assert typed not in give_code(client, typed).content.decode()


# Wrong, expired, dead


def test_each_wrong_code_says_how_many_tries_are_left(client):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    heard = [errors(give_code(client, wrong(code)))["code"] for _ in range(5)]
    assert [words for words in heard if "Code incorrect." not in words] == []
    assert "Il reste 4 essais." in heard[0] and "Il reste 1 essai." in heard[3]
    assert "Après 5 essais, ce code n’est plus valable" in heard[4]
    assert give_code(client, code).status_code == 422


def test_F2_a_code_lives_five_minutes(client):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    CodeDevice.objects.update(valid_until=timezone.now() - timedelta(seconds=1))
    response = give_code(client, code)
    assert (response.status_code, errors(response)["code"]) == (422, f"Erreur : {EXPIRED}")
    assert not is_signed_in(client)


def test_F2_a_code_is_good_until_its_last_second(client):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    device = CodeDevice.objects.get()
    assert timedelta(minutes=4, seconds=58) < device.valid_until - timezone.now() <= timedelta(minutes=5)
    CodeDevice.objects.update(valid_until=timezone.now() + timedelta(seconds=5))
    assert give_code(client, code).status_code == 302


def test_F2_the_code_before_a_new_one_is_dead(client):
    user = alice()
    give_password(client, user)
    former = code_sent_to(user)
    a_minute_passes()
    client.post(CODE, {"envoyer": "sms"})
    code_sent_to(user)
    assert give_code(client, former).status_code == 422


def test_F2_a_code_serves_the_browser_that_asked_for_it(client):
    user, other = alice(), nobody()
    give_password(client, user)
    a_minute_passes()
    give_password(other, user)
    code = code_sent_to(user)
    assert give_code(client, code).status_code == 422
    assert give_code(other, code).status_code == 302


def test_F2_a_code_is_of_one_account(client):
    user, bob, other = alice(), make.protected(make.bob(), "+15145550188"), nobody()
    give_password(client, user)
    give_password(other, bob)
    code_sent_to(user)
    assert give_code(client, code_sent_to(bob)).status_code == 422


def test_F2_a_code_serves_once(client):
    user, other = alice(), nobody()
    give_password(client, user)
    code = code_sent_to(user)
    cookies = dict(client.cookies)
    give_code(client, code)
    other.cookies.load({name: morsel.value for name, morsel in cookies.items()})
    assert give_code(other, code)["Location"] == CODE
    assert other.get(CODE)["Location"] == LOGIN


def test_only_the_digest_of_a_code_is_kept(client):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    kept = [str(list(model.objects.values())) for model in (CodeDevice, Notification, AccountEvent)]
    assert [text for text in kept if code in text] == []


# Sending


def test_a_code_goes_out_by_a_button_and_never_by_looking(client):
    user = alice()
    give_password(client, user)
    a_minute_passes()
    client.get(CODE), client.get(f"{CODE}?envoyer=sms"), client.get(LOGIN)
    assert Notification.objects.filter(topic="code").count() == 1


def test_another_code_waits_for_a_minute_and_the_page_says_how_long(client):
    give_password(client, alice())
    response = press(client, CODE, "Renvoyer le code", envoyer="sms")
    assert response.status_code == 429
    assert 55 <= int(response["Retry-After"]) <= 60
    assert re.search(r"Un code vient d’être demandé. Attendez \d\d secondes avant d’en demander", said(response))
    assert Notification.objects.filter(topic="code").count() == 1


def test_coming_back_within_the_minute_sends_nothing_and_the_first_code_still_serves(client):
    user = alice()
    give_password(client, user)
    assert give_password(client, user)["Location"] == CODE
    assert Notification.objects.filter(topic="code").count() == 1
    assert give_code(client, code_sent_to(user)).status_code == 302


def test_a_code_that_will_never_arrive_is_said(client):
    give_password(client, alice())
    assert "n’a pas pu être" not in said(client.get(CODE))
    Notification.objects.update(state="undelivered")
    page = said(client.get(CODE))
    assert "Le code n’a pas pu être envoyé à ce cellulaire." in page
    assert "514-597-3284" in page


def test_C10_a_thousand_resends_send_ten_codes(client):
    user = alice()
    give_password(client, user)
    for _ in range(1000):
        a_minute_passes()
        device = CodeDevice.objects.get()
        try:
            mfa.send_code(device, address="10.0.0.1")
        except throttling.Throttled:
            continue
    assert Notification.objects.filter(topic="code").count() == throttling.CODES_OF_ACCOUNT.most == 10


def test_C10_one_address_asks_for_forty_codes_a_day_to_new_numbers():
    sent = 0
    for index in range(60):
        device = mfa.await_number(make.interpreter(f"I{index}"), f"+1514555{index:04}")
        try:
            mfa.send_code(device, address="10.0.0.1")
        except throttling.Throttled:
            continue
        sent += 1
    assert sent == throttling.CODES_FROM_ADDRESS.most == 40


def test_C10_a_new_number_receives_ten_codes_a_day_whoever_brings_it():
    sent = 0
    for index in range(20):
        device = mfa.await_number(make.interpreter(f"I{index}"), "+15145550199")
        try:
            mfa.send_code(device, address=f"10.0.0.{index}")
        except throttling.Throttled:
            continue
        sent += 1
    assert sent == 10


def test_a_whole_office_receives_its_codes_at_one_address():
    people = [make.protected(make.interpreter(f"I{index}"), f"+1514555{index:04}") for index in range(45)]
    for person in people:
        give_password(nobody(), person)
    assert Notification.objects.filter(topic="code").count() == 45


def test_nobody_spends_the_codes_of_somebody_elses_number():
    for index in range(12):
        device = mfa.await_number(make.interpreter(f"I{index}"), "+15145550199")
        with suppress(throttling.Throttled):
            mfa.send_code(device, address="10.0.0.1")
    corinne = make.coordinator()
    give_password(nobody(), corinne)
    assert Notification.objects.filter(topic="code", user=corinne).count() == 1


def test_the_codes_of_a_day_are_spent_and_the_page_says_it_once(client):
    user = alice()
    give_password(client, user)
    for _ in range(9):
        a_minute_passes()
        client.post(CODE, {"envoyer": "sms"})
    a_minute_passes()
    response = client.post(CODE, {"envoyer": "sms"})
    for page in (response, client.get(CODE)):
        assert said(page).count("Trop de codes ont été demandés. Attendez 24 heures") == 1
        assert "Possible dans" not in said(page) and "Renvoyer le code" not in said(page)


def test_the_page_of_the_code_makes_few_statements_and_writes_none(client, django_assert_max_num_queries):
    user = alice()
    give_password(client, user)
    CodeDevice.objects.filter(channel="email").delete()
    for way in ("", "?moyen=recuperation"):
        with django_assert_max_num_queries(12) as counted:
            assert client.get(CODE + way).status_code == 200
        assert {query["sql"].split()[0] for query in counted.captured_queries} == {"SELECT"}


def test_looking_at_the_page_makes_no_destination(client):
    user = alice()
    give_password(client, user)
    session = client.session
    session["sign_in"] |= {"method": "email"}
    session.save()
    assert "courriel à a•••@exemple.test" in said(client.get(CODE))
    assert not CodeDevice.objects.filter(channel="email").exists()


def test_recovery_codes_still_serve_whose_number_was_cleared(client):
    user = alice()
    first, *_ = mfa.renew_recovery(user, at=timezone.now())
    User.objects.filter(pk=user.pk).update(mobile_phone="", reset_at=timezone.now())
    assert give_password(client, user)["Location"] == CODE
    assert "Écrivez un des codes de récupération que vous avez notés." in said(client.get(CODE))
    give_code(client, first)
    assert is_signed_in(client)


def test_a_code_asked_of_a_destination_that_is_gone_does_not_bring_it_back():
    device = CodeDevice.objects.get(user=alice())
    CodeDevice.objects.all().delete()
    device.ask("x")
    assert not CodeDevice.objects.exists()


# SMS, then courriel


def test_the_first_time_is_by_sms_only(client):
    user = make.alice()
    user.mobile_phone = "+15145550123"
    user.save()
    client.force_login(user)
    client.post(PROTECT)
    assert "Courriel" not in form_with(client.get(CODE), "Valider le code").buttons
    assert client.post(CODE, {"envoyer": "email"}).status_code == 422
    assert not Notification.objects.filter(channel="email", topic="code").exists()


def test_from_the_second_sign_in_the_code_may_come_by_e_mail_and_the_choice_is_remembered(client):
    user = alice()
    give_password(client, user)
    a_minute_passes()
    press(client, CODE, "Courriel", envoyer="email")
    assert "courriel à a•••@exemple.test" in said(client.get(CODE))
    give_code(client, code_sent_to(user))
    assert is_signed_in(client) and again(user).second_factor == SecondFactor.EMAIL
    a_minute_passes()
    give_password(nobody(), user)
    assert Notification.objects.filter(topic="code").latest("id").channel == Channel.EMAIL


def test_a_choice_is_remembered_only_when_its_code_was_right(client):
    user = alice()
    give_password(client, user)
    a_minute_passes()
    client.post(CODE, {"envoyer": "email"})
    give_code(client, wrong(code_sent_to(user)))
    assert again(user).second_factor == SecondFactor.SMS


@pytest.mark.parametrize("staff", [make.coordinator, make.validator, make.administrator])
def test_the_BI_receives_no_code_by_e_mail(client, staff):
    user = staff()
    give_password(client, user)
    a_minute_passes()
    assert "Courriel" not in said(client.get(CODE))
    assert client.post(CODE, {"envoyer": "email"}).status_code == 422


@pytest.mark.parametrize("asked", ["app", "recovery", "pigeon", "\x00", "sms' --"])
def test_a_way_that_one_does_not_have_sends_nothing(client, asked):
    give_password(client, alice())
    a_minute_passes()
    assert client.post(CODE, {"envoyer": asked}).status_code == 422
    assert client.get(f"{CODE}?moyen=application").status_code == 200
    assert Notification.objects.filter(topic="code").count() == 1


# After « J'ai oublié mon mot de passe »


def test_F7_after_a_reset_by_mail_the_mailbox_is_not_enough(client):
    user = alice()
    User.objects.filter(pk=user.pk).update(second_factor=SecondFactor.EMAIL)
    reset_by_mail(user)
    give_password(client, user)
    assert "le code ne peut pas arriver au même endroit" in said(client.get(CODE))
    a_minute_passes()
    assert client.post(CODE, {"envoyer": "email"}).status_code == 422
    assert set(Notification.objects.filter(topic="code").values_list("channel", flat=True)) == {"sms"}


def test_a_code_by_sms_ends_what_the_reset_began(client):
    user = alice()
    reset_by_mail(user)
    come_in(user, client)
    assert is_signed_in(client) and again(user).reset_at is None


# The application, and the recovery codes


def test_the_application_gives_the_code_and_nothing_is_sent(client):
    user = alice()
    device = with_app(user)
    assert give_password(client, user)["Location"] == CODE
    assert "Ouvrez votre application" in said(client.get(CODE))
    give_code(client, shown_by(device))
    assert is_signed_in(client)
    assert not Notification.objects.filter(topic="code").exists()


def test_F2_a_code_of_the_application_serves_once(client):
    user = alice()
    device = with_app(user)
    give_password(client, user)
    code = shown_by(device)
    give_code(client, code)
    other = nobody()
    give_password(other, user)
    response = give_code(other, code)
    assert (response.status_code, is_signed_in(other)) == (422, False)


def test_whoever_left_the_telephone_with_the_application_takes_a_recovery_code(client):
    user = alice()
    with_app(user)
    first, second, *_ = mfa.renew_recovery(user, at=timezone.now())
    give_password(client, user)
    way = f"{CODE}?moyen=recuperation"
    assert "Un des 10 codes" in said(client.get(way))
    assert give_code(client, first.upper().replace("-", " "), at=way).status_code == 302
    assert is_signed_in(client) and again(user).second_factor == SecondFactor.APP
    other = nobody()
    give_password(other, user)
    assert give_code(other, first, at=way).status_code == 422
    assert give_code(other, second, at=way).status_code == 302


# « Faire confiance à cet appareil 30 jours »


def test_a_trusted_browser_is_not_asked_for_a_code(client):
    user = alice()
    come_in(user, client, trust="on")
    client.post("/deconnexion/")
    assert give_password(client, user)["Location"] == "/"
    assert is_signed_in(client) and DEVICE_ID_SESSION_KEY in client.session
    assert TrustedBrowser.objects.get().token_hash not in str(client.cookies)


def test_an_untrusted_browser_is_asked_each_time(client):
    user = alice()
    come_in(user, client)
    client.post("/deconnexion/")
    assert give_password(client, user)["Location"] == CODE


@pytest.mark.parametrize(
    "change",
    [
        lambda user: user.trusted_browsers.update(expires_at=timezone.now()),
        lambda user: user.trusted_browsers.all().delete(),
        reset_by_mail,
    ],
    ids=["after 30 days", "forgotten", "after a reset"],
)
def test_a_browser_is_no_longer_trusted(client, change):
    user = alice()
    come_in(user, client, trust="on")
    change(user)
    client.post("/deconnexion/")
    assert give_password(client, user)["Location"] == CODE


def test_the_cookie_of_a_trusted_browser_is_of_one_account(client):
    bob = make.protected(make.bob(), "+15145550188")
    come_in(alice(), client, trust="on")
    client.post("/deconnexion/")
    assert give_password(client, bob)["Location"] == CODE


@pytest.mark.parametrize("person", [make.coordinator, lambda: make.protected(make.requester())])
def test_only_interpreters_have_a_device_to_trust(client, person):
    user = person()
    give_password(client, user)
    assert "Faire confiance" not in said(client.get(CODE))
    give_code(client, code_sent_to(user), trust="on")
    assert is_signed_in(client) and not TrustedBrowser.objects.exists()


def test_the_cookie_of_a_trusted_browser_is_not_for_scripts(client):
    come_in(alice(), client, trust="on")
    cookie = client.cookies["trusted"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == (True, "Lax", "/", 2_592_000)


# Time, and what ends an attempt


@pytest.mark.parametrize("address", [CODE, PROTECT, "/connexion/mot-de-passe/", "/connexion/application/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_without_a_password_there_is_no_second_step(client, address, method):
    response = getattr(client, method)(address)
    assert (response.status_code, response["Location"]) == (302, LOGIN)


def test_a_sign_in_that_takes_more_than_ten_minutes_begins_again(client):
    user = alice()
    give_password(client, user)
    session = client.session
    session["sign_in"] |= {"until": session["sign_in"]["until"] - 600}
    session.save()
    response = client.post(CODE, {"code": code_sent_to(user)}, follow=True)
    assert "Cette connexion n’est plus valable : 10 minutes ont passé" in said(response)
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "change",
    [
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: services.invite(user, by=make.administrator(), at=timezone.now()),
        lambda user: services.choose_password(user, "un autre mot de passe", at=timezone.now()),
    ],
    ids=["deactivated", "another access sent", "another password"],
)
def test_an_attempt_ends_with_the_password_that_began_it(client, change):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    change(user)
    assert give_code(client, code)["Location"] == LOGIN


def test_the_page_of_the_code_is_kept_by_no_browser(client):
    give_password(client, alice())
    assert "no-store" in client.get(CODE)["Cache-Control"]


def test_a_code_needs_the_token_of_a_page():
    user, client = alice(), Client(enforce_csrf_checks=True)
    assert give_code(client, "123456").status_code == 403
    assert not is_signed_in(client) and user


def test_courriel_is_chosen_at_once_instead_of_sms(client):
    """FAQ: « vous pourrez sélectionner l'option "courriel" au lieu de l'option "SMS" »: no minute to wait."""
    user = make.protected(make.alice())
    give_password(client, user)
    assert client.post(CODE, {"envoyer": "email"}).status_code == 302
    assert user.notifications.filter(topic="code", state="due").get().channel == "email"
    assert give_code(client, code_sent_to(user)).status_code == 302
    assert again(user).second_factor == "email"


def test_whoever_answered_stop_is_told_how_to_undo_it(client):
    user = make.protected(make.alice())
    give_password(client, user)
    User.objects.filter(pk=user.pk).update(sms_stopped_at=timezone.now())
    user.notifications.filter(topic="code").update(state="undelivered")
    assert "répondez START au même numéro" in said(client.get(CODE))
