"""Sessions: another id at each step, 30 minutes idle, 12 hours in all, ended at once (reliability, F8, A6)."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import services, sessions
from accounts.models import AccountEvent, Session, User
from tests import make
from tests.accounts.steps import LOGIN, a_minute_passes, code_sent_to, come_in, give_code, give_password, is_signed_in
from tests.pages import nobody

pytestmark = pytest.mark.django_db
MINUTES = 60


def alice():
    return make.protected(make.alice())


def opened(client) -> bool:
    return client.get("/").status_code == 200


def later(client, seconds: int) -> None:
    """As if the browser had been left alone: every clock of its session goes back."""
    session = client.session
    left = session.get_expiry_age() - seconds
    for clock in ("signed_in_at", "renewed_at"):
        session[clock] -= seconds
    session.set_expiry(max(1, left))
    session.save()
    Session.objects.filter(pk=session.session_key).update(expire_date=timezone.now() + timedelta(seconds=left))


# The id


def test_F8_the_id_changes_at_the_password_and_at_the_code(client):
    user = alice()
    session = client.session
    session["avant"] = 1
    session.save()
    ids = [session.session_key]
    give_password(client, user)
    ids.append(client.session.session_key)
    give_code(client, code_sent_to(user))
    ids.append(client.session.session_key)
    assert len(set(ids)) == 3
    assert not Session.objects.filter(pk__in=ids[:2]).exists()


def test_F8_an_id_that_somebody_planted_opens_nothing(client):
    user, thief = alice(), nobody()
    session = thief.session
    session["avant"] = 1
    session.save()
    client.cookies["sessionid"] = thief.cookies["sessionid"] = session.session_key
    come_in(user, client)
    assert opened(client) and not opened(thief)


def test_F8_a_session_that_says_another_person_than_its_row_opens_nobody_elses_page(client):
    come_in(alice(), client)
    Session.objects.update(user=make.bob())
    page = client.get("/profil/")
    assert page.status_code == 200
    assert "Nom-de-Alice" in page.content.decode() and "Nom-de-Bob" not in page.content.decode()


def test_F8_an_id_is_dead_after_signing_out(client):
    come_in(alice(), client)
    kept = client.cookies["sessionid"].value
    client.post("/deconnexion/")
    client.cookies["sessionid"] = kept
    assert not opened(client)


def test_signing_in_as_somebody_else_leaves_nothing_of_the_first(client):
    come_in(alice(), client)
    give_password(client, make.bob())
    assert client.session["_auth_user_id"] == str(make.bob().pk)
    assert "otp_device_id" not in client.session


def test_a_wrong_password_does_not_sign_anybody_out(client):
    come_in(alice(), client)
    give_password(client, make.bob(), "autre chose")
    assert opened(client)


def test_F8_several_browsers_are_open_at_once():
    first = come_in(alice())
    user = make.alice()
    a_minute_passes()
    second = come_in(user)
    assert opened(first) and opened(second)
    assert user.sessions.count() == 2


# The clocks


@pytest.mark.parametrize(("minutes", "is_open"), [(29, True), (31, False)])
def test_F8_thirty_minutes_without_a_page_end_a_session(client, minutes, is_open):
    come_in(alice(), client)
    later(client, minutes * MINUTES)
    assert opened(client) is is_open


def test_F8_a_session_at_work_goes_on(client):
    come_in(alice(), client)
    for _ in range(4):
        later(client, 20 * MINUTES)
        assert opened(client)
    assert 29 * MINUTES < sessions.seconds_left(client.session) <= 30 * MINUTES


def test_F8_twelve_hours_end_a_session_at_work(client):
    come_in(alice(), client)
    for _ in range(36 - 1):
        later(client, 20 * MINUTES)
        assert opened(client)
    later(client, 19 * MINUTES)
    assert opened(client)
    later(client, 2 * MINUTES)
    assert not opened(client)


def test_F8_what_is_kept_in_a_session_near_its_end_does_not_prolong_it(client):
    come_in(alice(), client)
    session = client.session
    session["signed_in_at"] -= 11 * 3600 + 50 * MINUTES
    session["noted"] = "something"
    session.save()
    left = Session.objects.get(pk=session.session_key).expire_date - timezone.now()
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)


def test_a_page_opened_soon_after_another_writes_nothing(client):
    come_in(alice(), client)
    before = Session.objects.get(user__isnull=False).session_data
    opened(client)
    assert Session.objects.get(user__isnull=False).session_data == before


def test_a_session_knows_whose_it_is_and_since_when(client):
    user = alice()
    client.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0"
    come_in(user, client)
    row = user.sessions.get()
    assert (row.label, row.session_key) == ("Firefox, Windows", client.session.session_key)
    assert abs(row.signed_in_at.timestamp() - time.time()) < 60


# Ended at once


@pytest.mark.parametrize(
    "end",
    [
        lambda user: services.deactivate(user, by=make.administrator(), at=timezone.now()),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: services.end_sessions(user),
        lambda user: services.choose_password(user, "un autre secret", at=timezone.now()),
        lambda user: services.reset_factor(user, by=make.administrator(), at=timezone.now()),
        lambda user: services.invite(user, by=make.administrator(), at=timezone.now()),
    ],
    ids=["deactivated", "inactive in the database", "sessions ended", "password", "second factor reset", "access sent"],
)
def test_A6_the_next_request_of_an_ended_session_is_refused(client, end):
    user = alice()
    come_in(user, client)
    end(user)
    response = client.get("/")
    assert (response.status_code, response["Location"]) == (302, f"{LOGIN}?next=/")


def test_A6_whoever_becomes_of_the_BI_owes_a_second_factor_at_once(client):
    user = make.alice()
    give_password(client, user)
    assert opened(client)
    User.objects.filter(pk=user.pk).update(role="coordinator")
    assert client.get("/bi/non-remis/")["Location"].startswith(LOGIN)


def test_signing_in_is_written_in_the_history(client):
    user = alice()
    come_in(user, client)
    assert is_signed_in(client)
    assert list(AccountEvent.objects.filter(user=user, kind="signed_in").values_list("by", "detail")) == [
        (user.pk, "SMS")
    ]


def test_the_attempt_is_forgotten_once_inside(client):
    come_in(alice(), client)
    assert "sign_in" not in client.session
