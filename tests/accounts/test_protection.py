"""The first sign-in as the FAQ tells it, and the second factor: a number, an application, recovery codes."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import mfa
from accounts.devices import SecondFactor
from accounts.models import CodeDevice, Notification, RecoveryCode, RecoveryDevice, User
from tests import make
from tests.accounts.steps import (
    APP,
    CHOSEN,
    CODE,
    LOGIN,
    NEW_PASSWORD,
    PROTECT,
    RECOVERY,
    a_minute_passes,
    again,
    choose_password,
    code_sent_to,
    come_in,
    give_code,
    give_password,
    is_signed_in,
    reset_by_mail,
    temporary_password_of,
    with_number,
    wrong,
)
from tests.pages import errors, form_with, forms, nobody, press, said, signed_in

pytestmark = pytest.mark.django_db
NUMBER = "514 555-0144"


def at_the_door(client, user):
    """Past the temporary password and the choice of another: on the page of the first number."""
    give_password(client, user, temporary_password_of(user))
    return choose_password(client)


# The first sign-in


def test_the_first_sign_in_is_a_password_a_number_and_a_code(client):
    user = with_number(make.alice())
    assert give_password(client, user, temporary_password_of(user))["Location"] == NEW_PASSWORD
    assert choose_password(client)["Location"] == PROTECT
    assert "•••-0123" in said(client.get(PROTECT))
    assert press(client, PROTECT, "Recevoir un code par SMS")["Location"] == CODE
    assert give_code(client, code_sent_to(user))["Location"] == "/"
    assert is_signed_in(client) and DEVICE_ID_SESSION_KEY in client.session
    assert again(user).second_factor == SecondFactor.SMS


def test_the_password_one_chose_is_the_one_that_serves(client):
    user = make.alice()
    temporary = temporary_password_of(user)
    give_password(client, user, temporary)
    choose_password(client)
    assert give_password(nobody(), user, CHOSEN)["Location"] == "/"
    assert give_password(nobody(), user, temporary).status_code == 422


@pytest.mark.parametrize("address", ["/", "/profil/", PROTECT, CODE, APP, RECOVERY, "/admin/"])
def test_a_temporary_password_opens_the_page_that_replaces_it_and_no_other(client, address):
    user = with_number(make.administrator())
    give_password(client, user, temporary_password_of(user, by=make.person("Ada", "administrator")))
    response = client.get(address, follow=True)
    assert response.redirect_chain[-1][0].startswith((NEW_PASSWORD, LOGIN))
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("typed", "box", "words"),
    [
        ({"password": "court"}, "password", "trop court"),
        ({"password": "Interprete-2025"}, "password", "un mot trop attendu"),
        ({"password": "Alice au pays des merveilles"}, "password", "votre nom"),
        ({"password": "qwertyuiop123"}, "password", "trop courant"),
        ({"password": CHOSEN, "again": CHOSEN + "!"}, "again", "pas pareils"),
        ({"password": "", "again": ""}, "password", "obligatoire"),
    ],
    ids=str,
)
def test_a_password_that_is_refused_says_why_beside_it(client, typed, box, words):
    user = make.alice()
    give_password(client, user, temporary_password_of(user))
    response = client.post(NEW_PASSWORD, {"again": typed["password"], **typed})
    assert response.status_code == 422
    assert words in errors(response)[box]
    assert again(user).has_temporary_password
    assert forms(response)[0].fields["password"] == ""


def test_the_temporary_password_is_not_kept(client):
    user = make.alice()
    temporary = temporary_password_of(user)
    give_password(client, user, temporary)
    assert "différent" in errors(choose_password(client, temporary))["password"]


@pytest.mark.parametrize(
    "password", ["le train de nuit traverse " * 4, "le chat à moi 🐈 ñandú", "ひらがな ひらがな ひらがな"]
)
def test_a_long_password_and_any_letters_are_accepted(client, password):
    user = make.alice()
    give_password(client, user, temporary_password_of(user))
    assert choose_password(client, password).status_code == 302
    assert give_password(nobody(), user, password)["Location"] == "/"


def test_whoever_has_a_second_factor_and_gets_a_new_access_still_gives_a_code(client):
    user = make.protected(make.alice())
    give_password(client, user, temporary_password_of(user))
    assert choose_password(client)["Location"] == CODE
    assert not is_signed_in(client)


# The number


def test_a_number_on_record_is_confirmed_and_never_replaced(client):
    user = with_number(make.alice())
    at_the_door(client, user)
    assert "Communiquez avec la BI" in said(client.get(PROTECT))
    client.post(PROTECT, {"number": NUMBER})
    give_code(client, code_sent_to(user))
    assert again(user).mobile_phone == "+15145550123"


def test_a_number_one_gives_is_ours_once_its_code_came_back(client):
    user = make.alice()
    at_the_door(client, user)
    press(client, PROTECT, "Recevoir un code par SMS", number=NUMBER)
    assert again(user).mobile_phone == ""
    assert "•••-0144" in said(client.get(CODE))
    code = code_sent_to(user)
    give_code(client, wrong(code))
    assert again(user).mobile_phone == ""
    give_code(client, code)
    assert (again(user).mobile_phone, is_signed_in(client)) == ("+15145550144", True)


@pytest.mark.parametrize(
    "number", ["", "abc", "555-0123", "+33 6 12 34 56 78", "+1 212 555 0123", "911", "\x00", "9" * 31]
)
def test_C10_a_number_that_is_not_of_canada_is_refused_beside_its_box(client, number):
    user = make.alice()
    at_the_door(client, user)
    response = client.post(PROTECT, {"number": number})
    assert response.status_code == 422
    assert errors(response).keys() == {"number"}
    assert not Notification.objects.filter(topic="code").exists()


def test_the_code_of_one_number_does_not_confirm_another(client):
    user = make.alice()
    at_the_door(client, user)
    client.post(PROTECT, {"number": NUMBER})
    code = code_sent_to(user)
    client.post(PROTECT, {"number": "438 555-0199"})
    assert give_code(client, code).status_code == 422
    assert (again(user).mobile_phone, is_signed_in(client)) == ("", False)


def test_a_number_typed_wrong_is_typed_again_after_a_minute(client):
    user = make.alice()
    at_the_door(client, user)
    client.post(PROTECT, {"number": "514 555-0143"})
    a_minute_passes()
    client.post(PROTECT, {"number": NUMBER})
    give_code(client, code_sent_to(user))
    assert again(user).mobile_phone == "+15145550144"


# « Plus tard »


@pytest.mark.parametrize("person", [make.alice, make.requester])
def test_who_is_not_of_the_BI_may_do_it_later(client, person):
    user = person()
    at_the_door(client, user)
    assert press(client, PROTECT, "Plus tard", plus_tard="1")["Location"] == "/"
    assert is_signed_in(client)
    in_a_week = again(user).invited_again_at - timezone.now()
    assert timedelta(days=6, hours=23) < in_a_week <= timedelta(days=7)


@pytest.mark.parametrize("person", [make.coordinator, make.validator])
def test_the_BI_may_not(client, person):
    user = person()
    mfa.CodeDevice.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(second_factor="", mobile_phone="")
    at_the_door(client, again(user))
    assert "Plus tard" not in said(client.get(PROTECT))
    assert client.post(PROTECT, {"plus_tard": "1"}).status_code == 422
    assert not is_signed_in(client)


def test_F7_after_a_reset_by_mail_the_number_on_record_is_confirmed_by_sms(client):
    user = with_number(make.alice())
    reset_by_mail(user)
    assert give_password(client, user)["Location"] == PROTECT
    assert "réinitialisé par courriel" in said(client.get(PROTECT))
    client.post(PROTECT, {"plus_tard": "1", "number": NUMBER})
    assert not is_signed_in(client)
    give_code(client, code_sent_to(user))
    assert is_signed_in(client)
    assert (again(user).mobile_phone, again(user).reset_at) == ("+15145550123", None)


@pytest.mark.parametrize("data", [{}, {"plus_tard": "1"}, {"number": NUMBER}, {"application": "1"}], ids=str)
def test_F7_after_a_reset_without_any_number_one_telephones_the_BI(client, data):
    user = make.alice()
    reset_by_mail(user)
    give_password(client, user)
    assert "Téléphonez à la BI du RSSS" in said(client.get(PROTECT))
    assert client.post(PROTECT, data).status_code == 422
    assert client.post(APP)["Location"] == PROTECT
    assert not is_signed_in(client) and not Notification.objects.filter(topic="code").exists()


# From the profile or the banner


def test_one_may_protect_the_account_later_from_inside(client):
    user = with_number(make.alice())
    give_password(client, user)
    elsewhere, before = signed_in(user), client.session.session_key
    press(client, PROTECT, "Recevoir un code par SMS")
    give_code(client, code_sent_to(user))
    assert again(user).second_factor == SecondFactor.SMS
    assert client.session.session_key != before
    assert client.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302


def test_an_open_session_gives_the_password_again_before_a_first_number():
    user = make.alice()
    client = signed_in(user)
    assert errors(client.post(PROTECT, {"number": NUMBER})).keys() == {"current_password"}
    response = press(client, PROTECT, "Recevoir un code par SMS", number=NUMBER, current_password=make.PASSWORD)
    assert response["Location"] == CODE
    give_code(client, code_sent_to(user))
    assert again(user).mobile_phone == "+15145550144"


@pytest.mark.parametrize(("address", "elsewhere"), [(PROTECT, "/profil/"), (CODE, "/")])
def test_whoever_is_protected_has_nothing_to_do_there(address, elsewhere):
    response = signed_in(make.protected(make.alice())).get(address, follow=True)
    assert response.redirect_chain[-1][0] == elsewhere


# The application


def key_on(page) -> bytes:
    return re.search(r'class="key">([^<]+)<', page.content.decode())[1].replace(" ", "")


def install(client, **begun):
    """Begin, and give the code of an application that read the key on the page."""
    client.post(APP, begun, follow=True)
    page = client.get(APP)
    device = TOTPDevice.objects.get(confirmed=False)
    assert key_on(page) in device.config_url
    return client.post(APP, {"code": f"{TOTP(device.bin_key).token():06}"})


def codes_on(page) -> list[str]:
    return re.findall(r"<li>(\w{4}-\w{4}-\w{4})</li>", page.content.decode())


def test_the_BI_may_take_an_application_instead_of_a_number(client):
    user = make.person("Ada", "administrator")
    CodeDevice.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(second_factor="", mobile_phone="")
    at_the_door(client, again(user))
    page = install(client)
    assert is_signed_in(client) and again(user).second_factor == SecondFactor.APP
    assert len(set(codes_on(page))) == RecoveryCode.objects.count() == 10
    assert client.get("/admin/").status_code == 200


def test_with_a_number_on_record_the_application_comes_after_its_code(client):
    user = with_number(make.alice())
    at_the_door(client, user)
    assert client.post(APP)["Location"] == PROTECT
    press(client, PROTECT, "Recevoir un code par SMS", application="1")
    response = give_code(client, code_sent_to(user))
    assert response["Location"] == f"{APP}?next=%2F"
    install(client)
    assert again(user).second_factor == SecondFactor.APP


def test_the_drawing_obeys_the_content_policy_and_is_never_cut(client):
    come_in(make.protected(make.alice()), client)
    client.post(APP)
    drawing = client.get(APP).content.decode().partition("<svg")[2].partition("</svg>")[0]
    assert "style=" not in drawing and "href" not in drawing
    # Without it, the drawing is cut at the size of the page.
    assert "viewBox" in drawing and "height=" not in drawing


def test_a_wrong_code_installs_nothing(client):
    user = make.protected(make.alice())
    come_in(user, client)
    client.post(APP)
    code = f"{TOTP(TOTPDevice.objects.get().bin_key).token():06}"
    response = client.post(APP, {"code": wrong(wrong(wrong(code)))})
    assert (response.status_code, errors(response).keys()) == (422, {"code"})
    assert (TOTPDevice.objects.get().confirmed, again(user).second_factor) == (False, "sms")


def test_a_new_application_replaces_the_former_and_ends_the_other_sessions(client):
    user = make.protected(make.alice())
    former = mfa.begin_app(user)
    mfa.confirm_app(former)
    come_in(user, client)
    elsewhere = signed_in(user)
    install(client)
    assert TOTPDevice.objects.get(confirmed=True).pk != former.pk
    assert (client.get("/").status_code, elsewhere.get("/").status_code) == (200, 302)


def test_after_ten_minutes_an_open_session_gives_the_password_again(client):
    user = make.protected(make.alice())
    come_in(user, client)
    session = client.session
    session["signed_in_at"] -= 601
    session.save()
    assert client.post(APP).status_code == 422
    assert "pas votre mot de passe" in errors(client.post(APP, {"current_password": "autre"}))["current_password"]
    assert client.post(APP, {"current_password": make.PASSWORD}).status_code == 302


def test_a_key_that_was_shown_is_forgotten_after_ten_minutes(client):
    come_in(make.protected(make.alice()), client)
    client.post(APP)
    TOTPDevice.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    assert "Commencer" in form_with(client.get(APP), "Commencer").buttons


# Recovery codes


def test_recovery_codes_are_renewed_with_the_password_and_shown_once(client):
    user = make.protected(make.alice())
    former = mfa.renew_recovery(user, at=timezone.now())
    come_in(user, client)
    assert "Il vous reste 10 codes." in said(client.get(RECOVERY))
    assert client.post(RECOVERY, {"current_password": "autre"}).status_code == 422
    page = client.post(RECOVERY, {"current_password": make.PASSWORD})
    assert len(set(codes_on(page)) - set(former)) == 10
    assert "no-store" in page["Cache-Control"]
    assert codes_on(client.get(RECOVERY)) == []
    assert not RecoveryDevice.objects.get().codes.filter(code_hash__in=codes_on(page)).exists()


def test_without_a_second_factor_there_are_no_recovery_codes():
    assert signed_in(make.alice()).get(RECOVERY)["Location"] == PROTECT
