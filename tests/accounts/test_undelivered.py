"""« Messages non remis »: those who can do something about it see what did not arrive, and send it again."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from accounts import notify, undelivered
from accounts.models import AccountEvent, Notification, User
from accounts.notify import AccountTopic
from accounts.undelivered import NOT_RESENT, PAGE
from requests_app.notifications import Topic, context_of
from tests import make
from tests.pages import press, said, signed_in

pytestmark = pytest.mark.django_db
PATH = "/bi/non-remis/"
DAY = timedelta(days=1)


def failed(topic=Topic.OFFERED, *, user=None, state="undelivered", age=timedelta(), number=1, **fields):
    """A message that did not arrive."""
    at = timezone.now() - age
    context = {"number": 7, "path": "/demandes/7/"} if topic in set(Topic) else {}
    given = {"user": user or with_a_telephone(), "about": "request:7", "context": context, "channel": "sms", **fields}
    given |= {"dedupe_key": f"{topic}:{number}", "created_at": at, "due_at": at, "attempts": 3}
    return Notification.objects.create(topic=topic, state=state, **given)


def with_a_telephone(**fields):
    return make.person("Alice", make.Role.INTERPRETER, mobile_phone="+15145550123", **fields)


def vars_of(row) -> dict:
    return {field.attname: getattr(row, field.attname) for field in row._meta.fields} | {"id": None}


def coordinator():
    return signed_in(make.coordinator())


def page(**query) -> str:
    return said(coordinator().get(PATH, query))


# Reading


def test_it_says_who_what_how_and_why():
    failed(last_error="Numéro invalide (21211).")
    failed(AccountTopic.PASSWORD_CHANGED, user=make.bob(), state="uncertain", channel="email", number=2)
    text = page()
    assert "Alice Nom-de-Alice" in text and "Demande 7 : une demande vous est offerte" in text
    assert "SMS Non remis Numéro invalide (21211)." in text
    assert "Bob Nom-de-Bob" in text and "Votre mot de passe a été changé Courriel Incertain —" in text


@pytest.mark.parametrize("state", ["due", "sent", "delivered", "closed"])
def test_what_arrived_or_is_on_its_way_is_not_there(state):
    failed(state=state, sent_at=timezone.now())
    assert "Tous les messages sont arrivés" in page()


def test_the_newest_comes_first():
    for age in (2, 0, 1):
        failed(
            user=make.person(f"Jour{age}", make.Role.REQUESTER, institution=make.institution()),
            age=age * DAY,
            number=age,
        )
    text = page()
    assert text.index("Jour0") < text.index("Jour1") < text.index("Jour2")


def test_a_request_is_one_click_away_for_whoever_may_open_it():
    failed()
    link = '<a href="/demandes/7/">Demande 7\u00a0: une demande vous est offerte</a>'
    assert link in coordinator().get(PATH).content.decode()
    read = signed_in(make.administrator()).get(PATH).content.decode()
    assert link not in read and "Demande 7\u00a0: une demande" in read


def test_each_is_seen_once_page_after_page_even_when_they_failed_together():
    at = timezone.now()
    rows = [failed(number=number) for number in range(2 * PAGE + 3)]
    Notification.objects.update(created_at=at)
    browser, seen, address = coordinator(), [], PATH
    while address:
        context = browser.get(address).context
        seen += [row["post"].pk for row in context["rows"]]
        address = context["next_url"] and PATH + context["next_url"]
    assert seen == [row.pk for row in reversed(rows)]


@pytest.mark.parametrize(
    "after",
    [
        *["x", "_", "2025-03-03_1", "2025-03-03T10:00:00+00:00_x", "9999-12-31T23:59:59Z_1", "\x00"],
        *["2100-01-01T00:00:00-23:59_5", "9999-12-31T23:59:59-23:59_5"],
    ],
)
def test_a_page_that_does_not_exist_is_the_first_one(after):
    failed()
    assert "Alice Nom-de-Alice" in page(apres=after)


def test_fifty_lines_take_as_many_statements_as_one(django_assert_num_queries):
    browser = coordinator()
    failed()
    with django_assert_num_queries(3) as few:
        browser.get(PATH)
    for number in range(2, PAGE + 1):
        failed(user=make.interpreter(f"Interprète-{number}"), number=number)
    with django_assert_num_queries(len(few)):
        browser.get(PATH)


def test_an_index_finds_them():
    like, at = vars_of(failed()), timezone.now()
    aged = [{"dedupe_key": f"many:{number}", "created_at": at - number * DAY / 24} for number in range(3000)]
    rows = [Notification(**like | fields) for fields in aged]
    Notification.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_notification")
    with CaptureQueriesContext(connection) as ran:
        undelivered.page_after(timezone.now(), 1), undelivered.recent(timezone.now()).count()
    for query in ran:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            assert "notification_not_delivered" in str(cursor.fetchall())


# Sending again


def test_it_leaves_again_as_if_it_had_never_been_tried(mailoutbox):
    post = failed(channel="email", lost_attempts=2, provider_id="SM1", last_error="Boîte pleine.")
    post.context = context_of(make.reserved()) | {"answer_by": "demain", "reply_by": "demain"}
    post.save()
    OrmQ.objects.all().delete()
    assert press(coordinator(), PATH, "Renvoyer à Alice Nom-de-Alice").status_code == 302
    post.refresh_from_db()
    assert (post.state, post.attempts, post.lost_attempts, post.provider_id, post.last_error) == ("due", 0, 0, "", "")
    assert [task.func() for task in OrmQ.objects.all()] == ["accounts.notify.deliver_due"]
    assert (notify.deliver_due() >= 1, mailoutbox[-1].to) == (True, ["alice@exemple.test"])


def test_the_page_says_that_it_leaves_again():
    failed()
    browser = coordinator()
    press(browser, PATH, "Renvoyer à Alice Nom-de-Alice")
    assert "Le message à Alice Nom-de-Alice part de nouveau" in said(browser.get(PATH))


def test_the_history_of_the_account_says_who_asked():
    failed()
    press(coordinator(), PATH, "Renvoyer à Alice Nom-de-Alice")
    event = AccountEvent.objects.get(kind="resent")
    assert (event.user, event.by) == (make.alice(), make.coordinator())
    assert event.detail == "Demande 7\u00a0: une demande vous est offerte (SMS)"


@pytest.mark.parametrize("topic", sorted(NOT_RESENT))
def test_a_secret_is_not_sent_again_from_here(topic):
    post = failed(topic)
    assert "Renvoyer à" not in page()
    response = coordinator().post(f"{PATH}{post.pk}/renvoyer/")
    post.refresh_from_db()
    assert (response.status_code, post.state) == (409, "undelivered")


def test_nothing_is_sent_again_to_somebody_who_left():
    alice = make.alice()
    alice.is_active = False
    alice.save()
    failed(user=alice)
    assert "Renvoyer à" not in page()


@pytest.mark.parametrize("change", [{"sms_disabled": True}, {"mobile_phone": ""}], ids=str)
def test_nothing_is_sent_again_by_a_channel_that_is_off_or_leads_nowhere(change):
    post = failed()
    User.objects.filter(pk=post.user_id).update(**change)
    response = coordinator().post(f"{PATH}{post.pk}/renvoyer/")
    post.refresh_from_db()
    assert ("Renvoyer à" in page(), response.status_code, post.state) == (False, 409, "undelivered")
    assert "la personne ne peut ou ne veut plus recevoir" in said(response)


@pytest.mark.parametrize("state", ["uncertain", "undelivered"])
def test_what_no_longer_holds_is_seen_and_not_sent_again(state):
    post = failed(state=state)
    notify.withdraw(about="request:7")
    response = coordinator().post(f"{PATH}{post.pk}/renvoyer/")
    post.refresh_from_db()
    assert ("Renvoyer à" in page(), response.status_code, post.state) == (False, 409, state)
    assert "Alice Nom-de-Alice" in page()


@pytest.mark.parametrize("state", ["due", "sent", "delivered", "closed"])
def test_what_arrived_meanwhile_is_not_sent_again(state):
    post = failed(state=state, sent_at=timezone.now())
    response = coordinator().post(f"{PATH}{post.pk}/renvoyer/")
    assert response.status_code == 409
    assert "Ce message ne peut pas être renvoyé" in said(response)
    assert not AccountEvent.objects.filter(kind="resent").exists()


def test_two_clicks_send_it_once():
    post, browser = failed(), coordinator()
    found = [browser.post(f"{PATH}{post.pk}/renvoyer/").status_code for _ in range(2)]
    assert found == [302, 409]


def test_an_unknown_message_is_nobodys():
    assert coordinator().post(f"{PATH}999999/renvoyer/").status_code == 404


# On the coordinators' list


@pytest.mark.parametrize(("age", "number"), [(None, 2), (8 * DAY, 0)])
def test_the_board_says_how_many_did_not_arrive_lately(age, number):
    for key in (1, 2):
        failed(number=key, **({"age": age} if age else {}))
    assert f"Non remis {number}" in said(coordinator().get("/bi/"))


def test_many_are_not_counted_to_the_last(monkeypatch):
    monkeypatch.setattr(undelivered, "MOST", 2)
    for number in range(4):
        failed(number=number)
    assert "Non remis 2+" in said(coordinator().get("/bi/"))


@pytest.mark.parametrize(("user", "page"), [(make.coordinator, "/bi/"), (make.administrator, PATH)])
def test_coordinators_find_it_on_their_board_and_administrators_in_their_menu(user, page):
    assert f'href="{PATH}"' in signed_in(user()).get(page).content.decode()


def test_whoever_was_told_by_email_need_not_be_telephoned():
    make.pending()
    row = Notification.objects.get(topic="offered", channel="sms")
    Notification.objects.filter(pk=row.pk).update(state="undelivered")
    Notification.objects.filter(topic="offered", channel="email").update(state="sent", sent_at=timezone.now())
    assert "Aussi par courriel : envoyé" in said(signed_in(make.coordinator()).get(PATH))
