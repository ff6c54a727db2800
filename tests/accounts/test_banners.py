"""What every page reminds of: no notification any more, a second factor to activate, a session that ends."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import sessions
from accounts.models import User
from tests import make
from tests.pages import nobody, press, said, signed_in

pytestmark = pytest.mark.django_db
SILENCED, INVITED = "Vous ne recevez aucune notification.", "Protégez votre compte"
STAY, SNOOZE = "/profil/session/", "/profil/plus-tard/"


def given(user, **fields):
    User.objects.filter(pk=user.pk).update(**fields)
    return signed_in(User.objects.get(pk=user.pk))


def home(user, **fields) -> str:
    return said(given(user, **fields).get("/", follow=True))


def texted():
    return make.protected(make.alice())


# « si vous choisissez de désactiver les 2 notifications… » (ruling 9)


@pytest.mark.parametrize("path", ["/", "/profil/", "/profil/mot-de-passe/", "/demandes/999999/", "/aide/connexion/"])
def test_with_both_boxes_ticked_every_page_says_so(path):
    page = given(texted(), sms_disabled=True, email_disabled=True).get(path)
    assert SILENCED in said(page)
    assert 'href="/profil/#notifications"' in page.content.decode()


@pytest.mark.parametrize("boxes", [(True, False), (False, True), (False, False)])
def test_with_a_box_left_no_page_says_so(boxes):
    sms, email = boxes
    assert SILENCED not in home(texted(), sms_disabled=sms, email_disabled=email)


def test_unticking_one_is_enough():
    client = given(texted(), sms_disabled=True, email_disabled=True)
    press(client, "/profil/", "Sauvegarder", email_disabled=None)
    assert SILENCED not in said(client.get("/"))


@pytest.mark.parametrize("user", [make.requester, make.coordinator])
def test_whoever_reads_email_alone_is_told_when_it_is_off(user):
    assert SILENCED in home(user(), email_disabled=True)
    assert SILENCED not in home(user(), email_disabled=False)


def test_nothing_is_said_to_who_is_outside():
    page = said(nobody().get("/connexion/"))
    assert SILENCED not in page and INVITED not in page


# The invitation (ruling 8; « dismissible for 7 days »)


@pytest.mark.parametrize("user", [make.alice, make.requester])
def test_who_has_no_second_factor_is_invited(user):
    page = signed_in(user()).get("/")
    assert INVITED in said(page)
    assert 'href="/connexion/protection/">Activer</a>' in page.content.decode()


@pytest.mark.parametrize("user", [texted, make.coordinator, make.validator])
def test_who_has_one_is_not(user):
    assert INVITED not in home(user())


def test_later_is_heard_for_seven_days():
    client = signed_in(make.alice())
    assert client.post(SNOOZE).status_code == 302
    assert INVITED not in said(client.get("/"))
    left = User.objects.get(username="alice").invited_again_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


def test_after_seven_days_the_invitation_comes_back():
    assert INVITED in home(make.alice(), invited_again_at=timezone.now())


@pytest.mark.parametrize(
    ("target", "arrived"),
    [("/?du=2025-03-01", "/?du=2025-03-01"), ("//evil.test", "/"), ("https://evil.test/", "/"), ("", "/")],
)
def test_later_leads_back_to_the_page_one_was_reading(target, arrived):
    assert signed_in(make.alice()).post(SNOOZE, {"next": target}).url == arrived


def test_the_reminders_cost_no_statement():
    client = given(make.alice(), email_disabled=True, sms_disabled=True)
    with CaptureQueriesContext(connection) as captured:
        client.get("/aide/connexion/")
        assert len(captured) == 1  # the session with its person


# The end of the session (F8; WCAG 2.2.1)


def opened(*, idle=0, since=0):
    """Alice's session: how many seconds ago it was last renewed, and opened."""
    client = signed_in(make.alice())
    session, now = client.session, time.time()
    session["signed_in_at"], session["renewed_at"] = now - since, now - idle
    session.set_expiry(int(sessions.IDLE.total_seconds()))
    session.save()
    return client


def test_every_page_says_how_long_the_session_has_left():
    page = opened(idle=600, since=600).get("/").content.decode()
    left = int(page.partition('data-left="')[2].partition('"')[0])
    assert 1190 <= left <= 1200


def test_staying_gives_thirty_more_minutes():
    client = opened(idle=600, since=600)
    response = client.post(STAY)
    assert (response.status_code, response.content) == (204, b"")
    assert 1798 <= int(response["X-Session-Left"]) <= 1800


def test_staying_never_goes_past_twelve_hours():
    response = opened(idle=600, since=12 * 3600 - 60).post(STAY)
    assert int(response["X-Session-Left"]) <= 60


def test_one_does_not_stay_in_a_session_that_ended():
    client = opened()
    client.session.flush()
    assert client.post(STAY).url.startswith("/connexion/")


def test_looking_does_not_keep_a_session_only_the_button_does():
    assert opened().get(STAY).status_code == 405


def test_a_page_of_who_is_outside_has_no_dialog():
    assert "<dialog" not in nobody().get("/connexion/").content.decode()


def test_the_login_page_says_why_one_is_there_again():
    assert "Votre session est terminée." in said(nobody().get("/connexion/?fin=1&next=/"))
