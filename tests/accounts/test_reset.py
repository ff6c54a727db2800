"""« J'ai oublié mon mot de passe » (FAQ, « problèmes de connexion »; ruling 8; reliability F5, F6, F7, F12)."""

import logging
import time
from datetime import datetime, timedelta
from io import StringIO
from random import Random

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import drawn, notify, services
from accounts.models import AccountEvent, Notification, Throttle, User
from tests import counts, make
from tests.pages import errors, form_with, nobody, press, said, signed_in

pytestmark = pytest.mark.django_db
ASK, LOGIN = "/connexion/oubli/", "/connexion/"
NEW = "des bottes de pluie jaunes"
DEAD = "Ce lien ne fonctionne plus"


@pytest.fixture
def client():
    return nobody()


def ask(client, username="alice", **more):
    return client.post(ASK, {"username": username}, **more)


def link_of(client, user) -> str:
    """The address in the e-mail, as the worker draws it."""
    ask(client, user.username)
    return drawn.draw(Notification.objects.filter(topic="reset", user=user).latest("pk"))["path"]


def choose(client, link, password=NEW, again=None):
    return client.post(link, {"password": password, "again": again or password})


def password_of(user) -> str:
    return User.objects.get(pk=user.pk).password


# What the FAQ promises


def test_the_link_of_the_email_gives_a_new_password(client):
    link = link_of(client, make.alice())
    response = press(client, link, "Changer le mot de passe", password=NEW, again=NEW)
    assert (response.status_code, response.url) == (302, LOGIN)
    assert "Votre mot de passe est changé." in said(client.get(LOGIN))
    assert User.objects.get(username="alice").check_password(NEW)


def test_nobody_is_signed_in_by_the_link(client):
    choose(client, link_of(client, make.alice()))
    assert client.get("/").url.startswith(LOGIN)


def test_the_sessions_that_were_open_end(client):
    theirs = signed_in(make.alice())
    choose(client, link_of(client, make.alice()))
    assert theirs.get("/").url.startswith(LOGIN)


def test_the_person_is_told_and_the_history_says_it(client):
    choose(client, link_of(client, make.alice()))
    assert Notification.objects.filter(user=make.alice(), topic="password_changed").exists()
    assert AccountEvent.objects.filter(user=make.alice(), kind="password_reset").exists()


@pytest.mark.parametrize(
    ("typed", "name", "said_so"),
    [
        (("court", None), "password", "trop court"),
        (("interprete-2026-alice", None), "password", "un mot trop attendu"),
        ((make.PASSWORD, None), "password", "différent"),
        ((NEW, NEW + "x"), "again", "pas pareils"),
        (("", None), "password", ""),
    ],
)
def test_a_password_that_will_not_do_is_said_beside_its_box(client, typed, name, said_so):
    link, before = link_of(client, make.alice()), password_of(make.alice())
    response = choose(client, link, *typed)
    assert response.status_code == 422
    assert said_so in errors(response)[name]
    assert password_of(make.alice()) == before


# F5: nobody learns which names exist


def account(kind: str) -> str:
    """The name of an account of that kind, known or not."""
    if kind == "unknown":
        return "personne"
    if kind == "inactive":
        User.objects.filter(pk=make.alice().pk).update(is_active=False)
    if kind == "temporary":
        User.objects.filter(pk=make.alice().pk).update(temporary_until=timezone.now() + timedelta(hours=1))
    return make.alice().email if kind == "by e-mail" else make.alice().username


KINDS = ["known", "by e-mail", "unknown", "inactive", "temporary"]


@pytest.mark.parametrize("kind", KINDS)
def test_f5_every_name_gets_the_same_answer(client, kind):
    response = ask(client, account(kind))
    assert (response.status_code, response.url, dict(response.cookies)) == (302, "/connexion/oubli/envoi/", {})
    assert "Si cet identifiant ou ce courriel est celui d’un compte actif" in said(client.get(response.url))


def statements_of(client, username) -> list[str]:
    make.system()
    with CaptureQueriesContext(connection) as captured:
        ask(client, username)
    return [query["sql"].split()[0] for query in captured.captured_queries]


@pytest.mark.django_db(transaction=True)  # the worker is woken once a transaction
def test_f5_every_name_costs_the_same_statements(client):
    asked = {}
    for kind in KINDS:
        username = account(kind)
        Throttle.objects.all().delete()
        asked[kind] = statements_of(client, username)
    assert len({tuple(found) for found in asked.values()}) == 1


@pytest.mark.parametrize("kind", KINDS[2:])
def test_f5_only_an_account_in_use_is_sent_a_link(client, kind):
    ask(client, account(kind))
    assert drawn.draw(Notification.objects.filter(topic="reset").latest("pk")) is None


def test_f5_the_worker_closes_what_nobody_must_receive(client):
    ask(client, account("unknown"))
    notify.deliver_due()
    row = Notification.objects.get(topic="reset")
    assert (row.state, mail.outbox) == (Notification.State.CLOSED, [])


def overlap(known: list[float], unknown: list[float]) -> float:
    """The chance that a known name took longer than an unknown one: 0.5 when time tells nothing."""
    pairs = [(left > right) + (left == right) / 2 for left in known for right in unknown]
    return sum(pairs) / len(pairs)


def timed(client, username) -> float:
    Throttle.objects.all().delete()
    start = time.perf_counter()
    ask(client, username)
    return time.perf_counter() - start


def test_f5_time_tells_nothing(client):
    make.alice()
    times = {"alice": [], "personne": []}
    order = Random(5)
    for _ in range(counts.rounds("reset timing")):
        for username in order.sample(list(times), 2):
            times[username].append(timed(client, username))
    width = 0.05 if counts.is_long else 0.15
    assert abs(overlap(*times.values()) - 0.5) < width


def test_f5_what_the_queue_and_the_rows_keep_is_no_name_and_no_secret(client):
    link = link_of(client, make.alice())
    with connection.cursor() as cursor:
        cursor.execute("SELECT n::text FROM accounts_notification n UNION ALL SELECT q::text FROM django_q_ormq q")
        kept = " ".join(text for (text,) in cursor.fetchall())
    assert "alice" not in kept.lower()
    assert link.rsplit("/", 2)[1] not in kept


# F6: the link


def test_f6_the_link_is_drawn_on_our_own_address_whatever_the_headers_say(client, settings):
    make.alice()
    assert ask(client, headers={"X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"}).status_code == 302
    notify.deliver_due()
    body = mail.outbox[0].body
    assert f"{settings.BASE_URL}/connexion/nouveau-mot-de-passe/" in body
    assert "evil" not in body


def test_f6_an_unknown_host_is_refused_before_anything_is_written(client):
    make.alice()
    assert ask(client, headers={"Host": "evil.test"}).status_code == 400
    assert not Notification.objects.exists()


def gone(client, link) -> bool:
    """Whether the link is dead to look at and to use."""
    looked, used = client.get(link), choose(nobody(), link)
    return [looked.status_code, used.status_code] == [410, 410] and DEAD in said(looked)


def test_f6_a_link_serves_once(client):
    link = link_of(client, make.alice())
    choose(client, link)
    assert gone(client, link)


@pytest.mark.parametrize(("seconds", "status"), [(3600, 200), (3601, 410)])
def test_f6_a_link_is_dead_after_one_hour(client, monkeypatch, seconds, status):
    link = link_of(client, make.alice())
    later = datetime.now() + timedelta(seconds=seconds)  # Django counts from a naive clock
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: later)
    assert client.get(link).status_code == status


@pytest.mark.parametrize(
    "since",
    [
        lambda user: services.choose_password(user, NEW + "!", at=timezone.now()),
        lambda user: signed_in(user),
        lambda user: services.deactivate(user, by=make.administrator(), at=timezone.now()),
        lambda user: services.change_contact(user, by=user, at=timezone.now(), email="autre@exemple.test"),
        lambda user: services.invite(user, by=make.administrator(), at=timezone.now()),
    ],
    ids=["password changed", "signed in", "deactivated", "address changed", "invited again"],
)
def test_f6_a_link_is_dead_once_the_account_has_moved(client, since):
    link = link_of(client, make.alice())
    since(User.objects.get(pk=make.alice().pk))
    assert gone(client, link)


def test_f6_the_link_of_one_account_does_not_open_another(client):
    ours, theirs = link_of(client, make.alice()), link_of(client, make.bob())
    assert gone(client, theirs.replace(theirs.split("/")[3], ours.split("/")[3]))


@pytest.mark.parametrize("uid", ["MQ", "x", "é", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA", "4pmh", "-" * 300])
def test_f6_an_address_that_was_never_given_is_a_page(client, uid):
    assert gone(client, f"/connexion/nouveau-mot-de-passe/{uid}/abc-def/")


def test_f6_looking_at_the_page_uses_nothing_and_writes_nothing(client):
    link = link_of(client, make.alice())
    with CaptureQueriesContext(connection) as captured:
        first, second = client.get(link), client.get(link)
    assert [first.status_code, second.status_code] == [200, 200]
    assert {query["sql"].split()[0] for query in captured.captured_queries} <= {"SELECT", "SAVEPOINT", "RELEASE"}


def test_f6_the_address_of_the_page_leaves_in_no_referer_and_in_no_cache(client):
    page = client.get(link_of(client, make.alice()))
    assert page["Referrer-Policy"] == "strict-origin"
    assert "no-store" in page["Cache-Control"]


def test_f6_a_dead_link_offers_another_one(client):
    page = client.get("/connexion/nouveau-mot-de-passe/MQ/abc-def/")
    assert f'href="{ASK}"' in page.content.decode()


@pytest.fixture
def console():
    """What our console handler writes."""
    handler = next(known for known in logging.getLogger().handlers if known.filters)
    written = StringIO()
    former = handler.setStream(written)
    yield written
    handler.setStream(former)


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.test"}], ids=["refused password", "from elsewhere"])
def test_f6_the_logs_do_not_say_a_link(console, headers):
    strict = Client(enforce_csrf_checks=bool(headers))
    link = link_of(nobody(), make.alice())
    answer = strict.post(link, {"password": "court", "again": "court"}, headers=headers)
    logged = console.getvalue()
    assert answer.status_code in (403, 422)
    assert "/connexion/nouveau-mot-de-passe/…" in logged
    assert link not in logged


# How often


def test_one_name_asked_too_often_is_answered_alike_and_nothing_leaves(client):
    make.alice()
    answers = [ask(client).url for _ in range(5)]
    assert len(set(answers)) == 1
    assert Notification.objects.filter(topic="reset").count() == 3


def test_an_address_that_asks_for_everybody_is_told_how_long_to_wait(client):
    for index in range(20):
        ask(client, f"personne{index}")
    response = ask(client, "alice")
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 3600
    assert "Attendez 60 minutes avant de recommencer." in said(response).replace("\u00a0", " ")
    assert form_with(response, "Envoyer le lien").fields["username"] == "alice"


@pytest.mark.parametrize("username", ["", "a\x00b", "x" * 255])
def test_a_name_that_cannot_be_is_said_beside_its_box(client, username):
    response = ask(client, username)
    assert (response.status_code, errors(response).keys()) == (422, {"username"})


@pytest.mark.parametrize("username", ["ALICE", " alice ", "alice@exemple.test", "Alice@Exemple.test"])
def test_the_identifiant_or_the_address_is_read_without_capitals_or_spaces(client, username):
    make.alice()
    ask(client, username)
    assert Notification.objects.filter(topic="reset", user=make.alice()).exists()
