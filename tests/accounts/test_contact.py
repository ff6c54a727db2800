"""Changing the cellulaire or the e-mail address from the profile (reliability F11; ASVS 7.5.1, 6.4.6)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import drawn
from accounts.models import AccountEvent, CodeDevice, Notification, Throttle, TrustedBrowser, User
from tests import make
from tests.pages import errors, form_with, press, said, signed_in

pytestmark = pytest.mark.django_db
PROFILE, CODE = "/profil/", "/profil/coordonnees/code/"
SMS, EMAIL = "/profil/coordonnees/?moyen=sms", "/profil/coordonnees/?moyen=email"
NUMBER, ADDRESS = "438 555-0166", "alice.neuve@exemple.test"


def alice() -> User:
    return User.objects.get(pk=make.protected(make.alice()).pk)


def begin(client, at=SMS, address=NUMBER, password=make.PASSWORD):
    return client.post(at, {"address": address, "current_password": password})


def code_of(channel="sms") -> str:
    """The code that the worker draws, and where it sends it."""
    row = Notification.objects.filter(topic="code", channel=channel, state="due").latest("pk")
    return drawn.draw(row)["code"]


def changed(client, at=SMS, address=NUMBER):
    begin(client, at, address)
    return client.post(CODE, {"code": code_of("sms" if at == SMS else "email")})


@pytest.mark.parametrize(
    ("at", "typed", "field", "kept"),
    [
        (SMS, NUMBER, "mobile_phone", "+14385550166"),
        (SMS, "(438) 555.0166", "mobile_phone", "+14385550166"),
        (SMS, "+1 438 555 0166", "mobile_phone", "+14385550166"),
        (EMAIL, ADDRESS, "email", ADDRESS),
    ],
)
def test_a_new_number_or_address_is_kept_once_its_code_came_back(at, typed, field, kept):
    client = signed_in(alice())
    assert begin(client, at, typed).url == CODE
    page = press(client, CODE, "Confirmer", code=code_of("sms" if at == SMS else "email"))
    assert (page.status_code, page.url) == (302, PROFILE)
    assert getattr(alice(), field) == kept


@pytest.mark.parametrize(("at", "typed", "sent_to"), [(SMS, NUMBER, "+14385550166"), (EMAIL, ADDRESS, ADDRESS)])
def test_f11_the_code_goes_to_the_new_one_and_nowhere_else(at, typed, sent_to):
    begin(signed_in(alice()), at, typed)
    assert [row.address for row in Notification.objects.filter(topic="code")] == [sent_to]


def test_f11_until_then_nothing_changes():
    before, client = alice(), signed_in(alice())
    begin(client)
    client.get(PROFILE)
    assert alice().mobile_phone == before.mobile_phone
    assert not AccountEvent.objects.filter(kind="contact_changed").exists()


@pytest.mark.parametrize(
    ("at", "typed", "told"),
    [(SMS, NUMBER, {("sms", "+15145550199"), ("email", "")}), (EMAIL, ADDRESS, {("email", "alice@exemple.test")})],
)
def test_f11_the_former_one_is_told(at, typed, told):
    changed(signed_in(alice()), at, typed)
    assert set(Notification.objects.filter(topic="contact_changed").values_list("channel", "address")) == told


def test_f11_the_history_says_what_changed_and_not_to_what():
    changed(signed_in(alice()))
    event = AccountEvent.objects.get(kind="contact_changed")
    assert (event.by, event.detail) == (alice(), "cellulaire")


def test_f11_the_other_sessions_end_and_the_trusted_browsers_are_forgotten():
    here, elsewhere, now = signed_in(alice()), signed_in(alice()), timezone.now()
    dates = {"created_at": now, "last_used_at": now, "expires_at": now + timedelta(days=30)}
    TrustedBrowser.objects.create(user=alice(), token_hash="x", label="Firefox", **dates)
    changed(here)
    assert [client.get(PROFILE).status_code for client in (here, elsewhere)] == [200, 302]
    assert not TrustedBrowser.objects.exists()


def test_the_next_codes_go_to_the_new_number():
    changed(signed_in(alice()))
    assert CodeDevice.objects.get(user=alice(), channel="sms").destination == "+14385550166"


def test_nothing_is_left_of_the_confirmation():
    changed(signed_in(alice()))
    assert not CodeDevice.objects.filter(user=alice(), confirmed=False).exists()


def test_a_new_number_forgets_stop_and_leaves_the_box_to_its_owner():
    User.objects.filter(pk=alice().pk).update(sms_disabled=True, sms_stopped_at=timezone.now())
    changed(signed_in(alice()))
    assert (alice().sms_stopped_at, alice().sms_disabled) == (None, True)


# What is refused


@pytest.mark.parametrize(
    ("at", "typed", "said_so"),
    [
        (SMS, "555-0166", "10 chiffres"),
        (SMS, "+33 6 12 34 56 78", "Seuls les numéros du Canada"),
        (SMS, "212 555-0166", "Seuls les numéros du Canada"),
        (SMS, "514 555-0199", "C’est déjà votre numéro"),
        (SMS, "", ""),
        (EMAIL, "alice", ""),
        (EMAIL, "a@" + ".".join(["b" * 60] * 5) + ".com", ""),
        (EMAIL, "ALICE@exemple.test", "C’est déjà votre courriel"),
        (EMAIL, "a@exemple.test\nBcc: b@exemple.test", ""),
    ],
)
def test_what_is_no_number_or_address_is_said_beside_its_box_and_kept(at, typed, said_so):
    response = begin(signed_in(alice()), at, typed)
    assert (response.status_code, errors(response).keys()) == (422, {"address"})
    assert said_so in errors(response)["address"].replace("\u00a0", " ")
    assert form_with(response, "Envoyer le code").fields["current_password"] == ""
    assert not Notification.objects.filter(topic="code").exists()


def test_f11_without_the_password_nothing_is_sent():
    response = begin(signed_in(alice()), password="au hasard")
    assert (response.status_code, errors(response).keys()) == (422, {"current_password"})
    assert form_with(response, "Envoyer le code").fields["address"] == NUMBER
    assert not Notification.objects.filter(topic="code").exists()


def test_f11_the_password_is_not_guessed_here_either():
    client = signed_in(alice())
    for _ in range(5):
        begin(client, password="au hasard")
    response = begin(client)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert not Notification.objects.filter(topic="code").exists()


def test_a_number_on_record_and_never_confirmed_is_confirmed_before_it_is_changed():
    User.objects.filter(pk=make.alice().pk).update(mobile_phone="+15145550123")
    client = signed_in(make.alice())
    assert 'href="/connexion/protection/"' in client.get(SMS).content.decode()
    response = begin(client)
    assert (response.status_code, "Confirmez-le d’abord" in said(response)) == (409, True)
    assert not Notification.objects.filter(topic="code").exists()


def test_two_accounts_may_share_a_number_and_an_address():
    make.protected(make.bob(), number="+14385550166")
    changed(signed_in(alice()))
    assert alice().mobile_phone == "+14385550166"


def test_another_way_of_being_reached_does_not_exist():
    assert signed_in(alice()).get("/profil/coordonnees/?moyen=fax").status_code == 404


# The code


def test_a_wrong_code_is_said_beside_its_box_and_never_sent_back():
    client = signed_in(alice())
    begin(client)
    wrong = f"{(int(code_of()) + 1) % 10**6:06}"
    response = client.post(CODE, {"code": wrong})
    assert (response.status_code, errors(response).keys()) == (422, {"code"})
    assert wrong not in response.content.decode()
    assert alice().mobile_phone == "+15145550199"


def test_f11_the_code_of_one_number_does_not_confirm_another():
    client = signed_in(alice())
    begin(client)
    code = code_of()
    Throttle.objects.all().delete()
    begin(client, address="438 555-0177")
    assert client.post(CODE, {"code": code}).status_code == 422
    assert alice().mobile_phone == "+15145550199"


def test_f11_the_code_serves_only_where_it_was_asked_for():
    here, elsewhere = signed_in(alice()), signed_in(alice())
    begin(here)
    assert elsewhere.post(CODE, {"code": code_of()}).url == PROFILE
    assert alice().mobile_phone == "+15145550199"


def test_another_code_is_asked_for_after_a_minute():
    client = signed_in(alice())
    begin(client)
    response = press(client, CODE, "Renvoyer le code", renvoyer="1")
    assert response.status_code == 429
    assert "Attendez" in said(response)
    Throttle.objects.all().delete()
    assert press(client, CODE, "Renvoyer le code", renvoyer="1").url == CODE
    assert client.post(CODE, {"code": code_of()}).url == PROFILE


@pytest.mark.parametrize("address", [NUMBER, "438 555-0177"])
def test_a_code_on_its_way_outlives_the_pause_before_another(address):
    client = signed_in(alice())
    begin(client)
    code = code_of()
    assert begin(client, address=address).status_code == 429
    assert client.post(CODE, {"code": code}).url == PROFILE
    assert alice().mobile_phone == "+14385550166"


def test_without_a_change_under_way_there_is_no_code_to_type():
    assert signed_in(alice()).get(CODE).url == PROFILE
