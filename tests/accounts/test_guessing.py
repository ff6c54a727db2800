"""Guessing and replaying codes, with real threads and real codes (reliability, F1, F2, F3)."""

import threading
from functools import partial

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from accounts import mfa, services, throttling
from accounts.devices import CODE_LIFE
from accounts.models import AccountEvent, CodeDevice, Notification, RecoveryCode, Throttle, TrustedBrowser
from tests import make
from tests.accounts.steps import (
    CODE,
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
    temporary_password_of,
    with_number,
    wrong,
)
from tests.counts import rounds
from tests.pages import nobody, signed_in

pytestmark = pytest.mark.django_db


def alice():
    return make.protected(make.alice())


def a_quarter_passes() -> None:
    """The lock of the codes typed, and the pause between two codes sent, are over; the day is not."""
    Throttle.objects.filter(scope=throttling.TRIES_OF_ACCOUNT.scope).delete()
    a_minute_passes()


def draw_what_is_asked(user) -> None:
    """The worker sends the codes asked for, until the day's ten are spent."""
    if Notification.objects.filter(user=user, topic="code", state="due").exists():
        code_sent_to(user)


# F1


def test_F1_guessing_gets_in_zero_times(client):
    """Someone with the password tries codes from many browsers and addresses, asks for more, waits for each lock."""
    user, answers = alice(), []
    guesses = iter(f"{number:06}" for number in range(10**6))
    for index in range(rounds("guess")):
        if index % 5 == 0:
            a_quarter_passes()
            client = nobody() if index % 25 == 0 else client
            give_password(client, user, REMOTE_ADDR=f"10.0.{index // 200 % 250}.{index % 200}")
            draw_what_is_asked(user)
        answers.append(give_code(client, next(guesses)).status_code)
    assert answers.count(302) == 0 and not is_signed_in(client)
    assert answers.count(422) == throttling.TRIES_OF_DAY.most == 50
    assert answers.count(429) == rounds("guess") - 50


def test_F1_beyond_the_tries_of_a_day_even_the_right_code_is_refused(client):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    for _ in range(throttling.TRIES_OF_DAY.most):
        throttling.count(throttling.TRIES_OF_DAY, str(user.pk))
    response = give_code(client, code)
    assert (response.status_code, is_signed_in(client)) == (429, False)
    assert "Trop d’essais. Attendez" in response.content.decode()


def test_F1_a_code_takes_five_tries_and_then_the_right_one_is_refused(client):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    for _ in range(5):
        give_code(client, wrong(code))
    assert give_code(client, code).status_code == 422


def test_F1_the_tries_follow_the_account_through_its_browsers_and_devices(client):
    user = alice()
    app = mfa.begin_app(user)
    mfa.confirm_app(app)
    give_password(client, user)
    for _ in range(10):
        give_code(client, "000000", at=f"{CODE}?moyen=application")
    other = nobody()
    give_password(other, user)
    code = f"{TOTP(app.bin_key).token():06}"
    assert give_code(other, code, at=f"{CODE}?moyen=application").status_code == 429


def test_F1_a_lock_of_codes_is_written_once_in_the_history(client):
    user = alice()
    give_password(client, user)
    code_sent_to(user)
    for _ in range(14):
        give_code(client, "000000")
    refused = AccountEvent.objects.filter(user=user, kind="refused")
    assert list(refused.values_list("detail", flat=True)) == ["trop de codes incorrects"]


def test_F1_the_count_of_wrong_codes_outlives_the_code():
    assert throttling.TRIES_OF_ACCOUNT.window > CODE_LIFE


def test_the_BI_opens_a_second_step_that_somebody_elses_guesses_had_closed(client):
    user = alice()
    give_password(client, user)
    for _ in range(60):
        give_code(client, "000000")
    services.reset_factor(user, by=make.administrator(), at=timezone.now())
    assert not Throttle.objects.filter(scope__startswith="code tries").exists()


def test_a_right_code_forgets_the_wrong_ones_of_the_quarter_and_never_those_of_the_day(client):
    user = alice()
    give_password(client, user)
    code = code_sent_to(user)
    for _ in range(4):
        give_code(client, wrong(code))
    give_code(client, code)
    assert is_signed_in(client)
    assert dict(tries_of(user)) == {throttling.TRIES_OF_DAY.scope: 4}


def tries_of(user):
    return Throttle.objects.filter(scope__startswith="code tries").values_list("scope", "count")


def test_T12_the_application_accepts_three_codes_so_its_tries_count_three(client):
    user = alice()
    app = mfa.begin_app(user)
    mfa.confirm_app(app)
    give_password(client, user)
    answers = []
    for _ in range(20):
        a_quarter_passes()
        answers.append(give_code(client, "000000", at=f"{CODE}?moyen=application").status_code)
    tried = answers.count(422)
    assert (tried, answers.count(429)) == (16, 4)
    assert tried * (2 * app.tolerance + 1) / 10**6 <= 5e-5


def test_tries_refused_by_the_lock_of_a_quarter_do_not_burn_the_day(client):
    user = alice()
    give_password(client, user)
    for _ in range(60):
        give_code(client, "000000")
    assert dict(tries_of(user))[throttling.TRIES_OF_DAY.scope] == 10


# F2: the same code at once


def at_once(acts) -> list:
    """What each act answers, all started together in threads of their own."""
    start, answers = threading.Barrier(len(acts)), []

    def run(act):
        start.wait()
        answers.append(act())
        connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def browsers_of(client, number: int) -> list[Client]:
    """The same browser, several times: the same cookies."""
    copies = [Client() for _ in range(number)]
    for copy in copies:
        copy.handler = nobody().handler
        copy.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    return copies


def accepted(client, code: str, number: int) -> int:
    """How many of `number` posts of the same code, at once, open a session."""
    copies = browsers_of(client, number)
    at_once([lambda copy=copy: give_code(copy, code).status_code for copy in copies])
    return sum("_auth_user_id" in copy.session for copy in copies)


@pytest.mark.django_db(transaction=True)
def test_F2_a_code_posted_four_times_at_once_serves_once_every_time():
    user, served = alice(), []
    for _ in range(rounds("replay")):
        client = nobody()
        Throttle.objects.all().delete()
        give_password(client, user)
        served.append(accepted(client, code_sent_to(user), 4))
    assert set(served) == {1}
    assert AccountEvent.objects.filter(kind="signed_in").count() == len(served) == rounds("replay")


@pytest.mark.django_db(transaction=True)
def test_F2_a_code_posted_six_times_at_once_serves_once():
    user, client = alice(), nobody()
    give_password(client, user)
    assert accepted(client, code_sent_to(user), 6) == 1


@pytest.mark.django_db(transaction=True)
def test_F2_a_code_of_the_application_posted_six_times_at_once_serves_once():
    user, client = alice(), nobody()
    device = mfa.begin_app(user)
    mfa.confirm_app(device)
    type(user).objects.filter(pk=user.pk).update(second_factor="app")
    give_password(client, user)
    assert accepted(client, f"{TOTP(device.bin_key).token():06}", 6) == 1


@pytest.mark.django_db(transaction=True)
def test_F1_wrong_codes_posted_at_once_are_each_counted():
    user, client = alice(), nobody()
    give_password(client, user)
    code = code_sent_to(user)
    at_once([lambda copy=copy: give_code(copy, wrong(code)) for copy in browsers_of(client, 6)])
    assert CodeDevice.objects.get().tries >= 5
    assert Throttle.objects.get(scope=throttling.TRIES_OF_ACCOUNT.scope).count == 6
    assert give_code(client, code).status_code == 422


def quiet(copies):
    """An error of the server is an answer 500, as in a browser."""
    for copy in copies:
        copy.raise_request_exception = False
    return copies


@pytest.mark.django_db(transaction=True)
def test_a_first_code_posted_six_times_at_once_brings_its_owner_in():
    for index in range(rounds("replay")):
        user, client = with_number(make.interpreter(f"I{index}"), f"+1514555{index:04}"), nobody()
        give_password(client, user, temporary_password_of(user))
        choose_password(client)
        protected = at_once([lambda copy=copy: copy.post(PROTECT) for copy in quiet(browsers_of(client, 6))])
        code, copies = code_sent_to(user), quiet(browsers_of(client, 6))
        answers = at_once([partial(give_code, copy, code) for copy in copies])
        assert {answer.status_code for answer in [*protected, *answers]} == {302}
        # None of the answers takes away the cookie that the right one gave.
        assert [answer.cookies["sessionid"].value == "" for answer in answers if "sessionid" in answer.cookies] == [
            False
        ]
        assert sum(is_signed_in(copy) for copy in copies) == 1


@pytest.mark.django_db(transaction=True)
def test_the_code_of_a_new_number_posted_six_times_at_once_changes_it_once():
    for index in range(rounds("replay")):
        Throttle.objects.all().delete()  # forty new numbers a day from one address
        user = make.protected(make.interpreter(f"I{index}"), f"+1514555{index:04}")
        client = signed_in(user)
        client.post("/profil/coordonnees/", {"address": f"438 555-{index:04}", "current_password": make.PASSWORD})
        code, copies = code_sent_to(user), quiet(browsers_of(client, 6))
        answers = at_once([partial(give_code, copy, code, at="/profil/coordonnees/code/") for copy in copies])
        assert {answer.status_code for answer in answers} == {302}
        assert again(user).mobile_phone == f"+1438555{index:04}"


@pytest.mark.django_db(transaction=True)
def test_recovery_codes_asked_six_times_at_once_are_ten():
    user = make.protected(make.alice())
    client = signed_in(user)
    asked = {"current_password": make.PASSWORD}
    copies = browsers_of(client, 4)
    at_once([lambda copy=copy: copy.post(RECOVERY, asked) for copy in copies])
    assert RecoveryCode.objects.filter(device__user=user).count() == 10


def test_the_second_post_of_a_code_goes_where_the_first_one_did(client):
    user = alice()
    give_password(client, user, at="/connexion/?next=/profil/")
    code = code_sent_to(user)
    (late,) = browsers_of(client, 1)
    give_code(client, code)
    answer = give_code(late, code)
    assert (answer["Location"], "sessionid" in answer.cookies) == (CODE, False)
    assert client.get(answer["Location"])["Location"] == "/"


# F3: what fails afterwards does not give the tries back


class FailsAfterwards:
    """A part of the site that breaks once the view has answered."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        self.get_response(request)
        raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_F3_a_wrong_code_is_counted_even_when_the_request_fails_afterwards(settings):
    user, client = alice(), nobody()
    give_password(client, user)
    code = code_sent_to(user)
    settings.MIDDLEWARE = ["tests.accounts.test_guessing.FailsAfterwards", *settings.MIDDLEWARE]
    broken = Client(raise_request_exception=False)
    broken.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    assert give_code(broken, wrong(code)).status_code == 500
    assert CodeDevice.objects.get().tries == 1
    assert Throttle.objects.get(scope=throttling.TRIES_OF_ACCOUNT.scope).count == 1


@pytest.mark.django_db(transaction=True)
def test_F3_a_code_is_never_checked_where_it_could_be_rolled_back():
    user, client = alice(), nobody()
    give_password(client, user)
    code_sent_to(user)
    with pytest.raises(RuntimeError), transaction.atomic():
        mfa.check_code(user, CodeDevice.objects.get(), "000000")


def test_F3_no_request_is_one_transaction():
    assert django_settings.DATABASES["default"].get("ATOMIC_REQUESTS", False) is False


def test_a_trusted_browser_is_guessed_by_nobody(client):
    user = alice()
    come_in(user, client, trust="on")
    other = nobody()
    other.cookies["trusted"] = TrustedBrowser.objects.get().token_hash
    assert give_password(other, user)["Location"] == CODE
