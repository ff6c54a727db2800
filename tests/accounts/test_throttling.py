"""How often something may be tried, counted before anything costly is done (reliability, F12)."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.utils import timezone

from accounts import throttling
from accounts.models import AccountEvent, Throttle
from accounts.throttling import DAY, MINUTE, Limit, Throttled
from tests import make
from tests.accounts.steps import give_password, is_signed_in
from tests.pages import forms, nobody, said, signed_in

pytestmark = pytest.mark.django_db
THREE = Limit("essai", 3, MINUTE)


class CountedHasher(MD5PasswordHasher):
    """Says how many times a password was hashed."""

    hashed = 0

    def encode(self, password, salt):
        CountedHasher.hashed += 1
        return super().encode(password, salt)


@pytest.fixture
def hashes(settings):
    settings.PASSWORD_HASHERS = ["tests.accounts.test_throttling.CountedHasher"]
    make.alice().set_password(make.PASSWORD)

    def of(act) -> int:
        CountedHasher.hashed = 0
        act()
        return CountedHasher.hashed

    return of


def guess(client, user, number, **extra):
    return [give_password(client, user, f"essai {index}", **extra) for index in range(number)]


# The counters


def test_the_limit_is_reached_and_not_passed():
    for _ in range(3):
        throttling.count(THREE, "x")
    with pytest.raises(Throttled) as refused:
        throttling.count(THREE, "x")
    assert 55 <= refused.value.seconds <= 60
    assert str(refused.value).startswith("Trop d’essais. Attendez ")
    throttling.count(THREE, "y")


def test_only_the_try_that_begins_a_lock_says_so():
    said_so = []
    for _ in range(6):
        try:
            throttling.count(THREE, "x")
        except Throttled as error:
            said_so.append(error.is_first)
    assert said_so == [True, False, False]


def test_a_window_that_is_over_begins_again():
    for _ in range(3):
        throttling.count(THREE, "x")
    Throttle.objects.update(resets_at=timezone.now())
    throttling.count(THREE, "x")
    assert Throttle.objects.get().count == 1


def test_one_taken_back_is_one_more_allowed():
    for _ in range(3):
        throttling.count(THREE, "x")
    throttling.refund(THREE, "x")
    throttling.count(THREE, "x")
    with pytest.raises(Throttled):
        throttling.count(THREE, "x")


def test_taking_back_what_was_not_counted_changes_nothing():
    throttling.refund(THREE, "x")
    assert not Throttle.objects.exists()


def test_the_seconds_left_are_those_of_a_limit_that_is_reached():
    pause = Limit("pause", 1, MINUTE)
    throttling.count(pause, "x")
    with pytest.raises(Throttled) as refusal:
        throttling.check(pause, "x")
    assert 55 <= refusal.value.seconds <= 60
    throttling.check(pause, "y")


def test_what_is_counted_is_not_written_in_clear():
    throttling.count(THREE, "514 555-0123")
    assert "555" not in Throttle.objects.get().subject[:8] and len(Throttle.objects.get().subject) == 64


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (1, "1 seconde"),
        (60, "60 secondes"),
        (61, "2 minutes"),
        (3600, "60 minutes"),
        (3601, "2 heures"),
        (0, "1 seconde"),
    ],
)
def test_a_wait_is_said_in_words(left, words):
    assert throttling.wait_words(timedelta(seconds=left)).replace("\u00a0", " ") == words


@pytest.mark.django_db(transaction=True)
def test_parallel_tries_are_each_counted():
    allowed, start, limit = [], threading.Barrier(8), Limit("ensemble", 5, DAY)

    def attempt():
        start.wait()
        try:
            throttling.count(limit, "x")
            allowed.append(1)
        except Throttled:
            pass
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert (len(allowed), Throttle.objects.get().count) == (5, 8)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "6.6.6.6, 10.1.1.1", "10.1.1.1"),
        (2, "6.6.6.6, 10.1.1.1, 10.2.2.2", "10.1.1.1"),
        (2, "10.2.2.2", "127.0.0.1"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "2001:db8:1:2::9", "2001:db8:1:2::/64"),
        (1, "::ffff:10.1.1.1", "10.1.1.1"),
        (1, "n'importe quoi", "n'importe quoi"),
    ],
)
def test_an_address_is_the_one_our_own_proxies_saw(rf, settings, proxies, forwarded, address):
    settings.PROXIES = proxies
    assert throttling.client_address(rf.get("/", headers={"X-Forwarded-For": forwarded})) == address


# Passwords


def test_F12_the_sixth_try_waits_and_the_page_says_how_long(client):
    response = guess(client, make.alice(), 6)[-1]
    assert response.status_code == 429
    assert 590 <= int(response["Retry-After"]) <= 600
    assert "Trop d’essais. Attendez 10 minutes avant de recommencer." in said(response)
    assert forms(response)[0].fields["username"] == "alice"


def test_F12_a_throttled_try_hashes_nothing(client, hashes):
    user = make.alice()
    assert hashes(lambda: guess(client, user, 5)) >= 5
    assert hashes(lambda: guess(client, user, 20)) == 0


def test_F12_one_address_cannot_keep_the_server_busy(client, hashes):
    people = [make.interpreter(f"I{index}") for index in range(15)]
    assert hashes(lambda: [guess(client, person, 5) for person in people]) <= 60 + len(people)


def test_F12_who_was_locked_here_still_comes_in_from_elsewhere(client):
    guess(client, make.alice(), 10)
    other = nobody()
    assert give_password(other, make.alice(), REMOTE_ADDR="10.0.0.2")["Location"] == "/"
    assert is_signed_in(other)


def test_F12_the_step_is_locked_and_not_the_account(client):
    inside = signed_in(make.alice())
    guess(client, make.alice(), 40)
    assert inside.get("/").status_code == 200
    Throttle.objects.update(resets_at=timezone.now())
    assert give_password(client, make.alice())["Location"] == "/"


def test_F12_many_addresses_together_have_thirty_tries(client):
    user = make.alice()
    answers = [guess(client, user, 5, REMOTE_ADDR=f"10.0.0.{index}") for index in range(10)]
    assert [response.status_code for some in answers for response in some].count(422) == 30


def test_F12_whoever_is_refused_here_spends_nothing_of_the_hospital(client):
    guess(client, make.alice(), 70)
    assert give_password(nobody(), make.bob())["Location"] == "/"


@pytest.mark.long
def test_F12_an_account_has_two_hundred_wrong_passwords_a_day(client):
    user, answers = make.alice(), []
    for index in range(50):
        Throttle.objects.filter(scope=throttling.SIGN_IN_ACCOUNT.scope).delete()
        answers += guess(client, user, 5, REMOTE_ADDR=f"10.0.0.{index}")
    assert [response.status_code for response in answers].count(422) == throttling.SIGN_IN_DAY.most == 200
    assert "Attendez 24 heures" in said(answers[-1])


def test_F12_the_lock_of_an_account_is_written_once_in_its_history(client):
    user = make.alice()
    for index in range(10):
        guess(client, user, 5, REMOTE_ADDR=f"10.0.0.{index}")
    assert list(AccountEvent.objects.filter(user=user).values_list("kind", "detail")) == [
        ("refused", "trop de mots de passe")
    ]


def test_F12_a_whole_hospital_signs_in_from_one_address(client):
    people = [make.interpreter(f"I{index}") for index in range(70)]
    assert {give_password(nobody(), person)["Location"] for person in people} == {"/"}


def test_a_right_password_forgets_the_wrong_ones_before_it(client):
    for _ in range(3):
        guess(client, make.alice(), 4)
        assert give_password(client, make.alice())["Location"] == "/"


# The same work for everybody (F5, F9)


@pytest.mark.parametrize("password", ["autre chose", " autre chose ", make.PASSWORD, make.PASSWORD + "\u00a0"])
def test_F5_a_known_name_costs_what_an_unknown_one_does(client, hashes, password):
    known = make.alice()
    unknown, closed = type(known)(username="personne"), make.bob()
    type(known).objects.filter(pk=closed.pk).update(is_active=False)
    costs = {hashes(lambda who=who: give_password(nobody(), who, password)) for who in (known, unknown, closed)}
    assert len(costs) == 1


# Elsewhere


def test_a_page_that_does_not_say_it_itself_answers_429(client):
    user = make.protected(make.alice())
    inside = signed_in(user)
    for _ in range(5):
        inside.post("/connexion/codes-de-recuperation/", {"current_password": "non"})
    response = inside.post("/connexion/codes-de-recuperation/", {"current_password": make.PASSWORD})
    assert (response.status_code, "Trop d’essais" in said(response)) == (429, True)
    assert int(response["Retry-After"]) > 500
