"""A page per interpreter: the list of them, what each carries, what reaches them, and what nobody reads there."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import InterpreterProfile, Language, Notification, User
from accounts.roles import Role
from requests_app import availability, candidates, exchanges, exclusions, offers, people, practices, services
from requests_app.models import Absence, CancellationReason, Message, Offer
from requests_app.sourcing import Exclusion
from tests import make
from tests.make import HOUR, NOW, START
from tests.pages import ago, ahead, copies, errors, form_with, forms, said, signed_in

pytestmark = pytest.mark.django_db
LIST = "/bi/interpretes/"


@pytest.fixture
def client():
    return signed_in(make.coordinator())


def page_of(user) -> str:
    return f"{LIST}{user.pk}/"


def named(found) -> list[str]:
    return [row.first_name for row in found]


def crowd(number):
    """So many interpreters more, all of one institution."""
    names = [{"username": f"p{n}", "first_name": f"P{n:03}", "last_name": "Roy"} for n in range(number)]
    made = User.objects.bulk_create(User(role=Role.INTERPRETER, **given) for given in names)
    home = make.institution()
    InterpreterProfile.objects.bulk_create(InterpreterProfile(user=user, home_institution=home) for user in made)


def statements(client, address) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


# The list


def test_a_name_is_found_by_its_words_without_accents():
    User.objects.filter(pk=make.alice().pk).update(first_name="Élise-Anne", last_name="Müller Côté")
    make.bob()
    for name in ("elise", "MULLER anne", "cote  müller", "Élise"):
        assert named(people.listed(at=NOW, name=name)) == ["Élise-Anne"]
    assert people.listed(at=NOW, name="elise bob") == []


def test_the_list_is_narrowed_to_a_language_and_to_a_region():
    make.alice().interpreter_profile.languages.set([Language.objects.get(code="arabe")])
    practices.change_practice(
        make.bob(), by=make.coordinator(), at=NOW, service_types=["phone"], regions=["13"], reach_km=9
    )
    found = [people.listed(at=NOW, language="arabe"), people.listed(at=NOW, region="13")]
    assert [named(rows) for rows in found] == [["Alice"], ["Bob"]]
    assert named(people.listed(at=NOW, region="06")) == ["Alice", "Bob"]


def test_closed_accounts_are_apart():
    User.objects.filter(pk=make.bob().pk).update(is_active=False)
    make.alice()
    assert [named(people.listed(at=NOW, is_active=given)) for given in (True, False)] == [["Alice"], ["Bob"]]


def test_a_row_says_the_offers_and_the_hours_of_the_local_month():
    make.reserved(starts_at=START)
    make.reserved(starts_at=START + 2 * HOUR)
    make.pending(starts_at=make.local("2025-04-01 00:00"))
    make.reserved(at=make.local("2025-02-28 23:59"), starts_at=make.local("2025-03-31 22:00"))
    [row] = people.listed(at=NOW)
    assert (row.offers_this_month, row.minutes_this_month) == (3, 270)


def test_what_was_cancelled_late_and_paid_took_nobodys_time():
    made = make.reserved()
    services.cancel(made, by=make.requester(), at=START - HOUR, reason=CancellationReason.BY_REQUESTER)
    services.validate(made, by=make.validator(), at=START)
    assert people.listed(at=START)[0].minutes_this_month == 0


def test_the_list_and_the_ranking_count_the_same_offers_and_hours():
    for day, build in enumerate((make.provided, make.completed, make.modified, make.cancelled), start=1):
        build(starts_at=START + timedelta(days=day))
    absent = make.reserved(starts_at=START + timedelta(days=6))
    services.report(absent, is_rendered=False, by=absent.interpreter, at=absent.ends_at)
    services.validate(absent, by=make.validator(), at=absent.ends_at + HOUR)
    [row], [ranked] = people.listed(at=START), candidates.ranked(make.unallocated(), at=START)
    figures = [(found.offers_this_month, found.minutes_this_month) for found in (row, ranked)]
    assert figures == [(5, 300)] * 2


def test_who_is_away_now_is_said():
    make.absence(starts_at=NOW - HOUR, ends_at=NOW + HOUR)
    availability.set_weekly_hours(make.bob(), {1: (make.NOW.time(), make.START.time())})
    said_of = {row.first_name: row.unavailable for row in people.listed(at=NOW)}
    assert said_of["Alice"].startswith("absence jusqu’au 3")
    assert said_of["Bob"] == "hors de ses heures habituelles"


def test_pages_follow_one_another_and_lose_nobody(client):
    crowd(120)
    seen, address = [], LIST
    while address:
        page = client.get(address)
        seen += [row.pk for row in page.context["people"]]
        address = page.context["next_url"] and LIST + page.context["next_url"]
    assert (len(seen), len(set(seen))) == (120, 120)


@pytest.mark.parametrize("number", [1, 60])
def test_the_list_asks_4_times_whatever_the_number_of_people(client, number):
    crowd(number)
    assert statements(client, LIST) == 4


@pytest.mark.parametrize("odd", ["nom=%00", "langue=x&region=%00", "apres=" + "9" * 40, "apres=-1", "nom=" + "x" * 500])
def test_what_cannot_be_read_is_not_looked_for(client, odd):
    make.alice()
    assert client.get(f"{LIST}?{odd}").status_code == 200


# One person


def lived(number=1):
    """Alice with so many of everything her page shows."""
    copies(make.reserved(at=ago(9), starts_at=ahead(20)), number - 1, timedelta(hours=3))
    copies(make.completed(at=ago(60), starts_at=ago(50)), number - 1, timedelta(hours=3))
    asked = copies(make.pending(at=ago(2), starts_at=ahead(90)), number - 1, timedelta(hours=3))
    given = {"interpreter": make.alice(), "sent_at": ago(1), "answer_by": ahead(30)}
    Offer.objects.bulk_create(Offer(service_request=made, **given) for made in asked)
    made = make.reserved(at=ago(3), starts_at=ahead(5))
    line = {"service_request": made, "interpreter": make.alice(), "author": make.alice(), "is_to_bi": True}
    Message.objects.bulk_create(Message(**line, at=ago(1), body="x") for _ in range(number))
    post = {"user": make.alice(), "topic": "reminder", "about": "x", "created_at": ago(1), "due_at": ago(1)}
    Notification.objects.bulk_create(
        Notification(**post, state="undelivered", dedupe_key=f"{made.pk}-{n}") for n in range(number)
    )
    by = make.coordinator()
    held = {"interpreter": make.alice(), "institution": make.institution(), "reason": "x", "by": by, "at": ago(9)}
    Exclusion.objects.bulk_create(Exclusion(**held, ends_on=ahead(9).date()) for _ in range(number))
    Absence.objects.bulk_create(
        Absence(interpreter=make.alice(), starts_at=ahead(n), ends_at=ahead(n, 14)) for n in range(number)
    )
    return made


@pytest.mark.parametrize("number", [1, 30])
def test_a_page_asks_9_times_however_much_there_is(client, number):
    lived(number)
    assert statements(client, page_of(make.alice())) == 9


def test_A4_the_page_says_nothing_of_patients_nor_of_where_somebody_lives(client):
    made = lived()
    where = {"home_latitude": "45.51234", "home_longitude": "-73.61234"}
    InterpreterProfile.objects.filter(user=make.alice()).update(**where)
    exchanges.post_message(made, by=make.alice(), at=ago(0, 1), body=make.PERSONAL["patient_name"])
    for address in (page_of(make.alice()), LIST, f"{page_of(make.alice())}exclure/"):
        html = client.get(address).content.decode()
        hidden = [*make.PERSONAL.values(), "1, rue de l’Essai", "45.51234", "45,51234", "73.61234"]
        assert [secret for secret in hidden if secret in html] == []


def test_the_load_counts_each_answer_in_the_month_of_its_offer():
    made = make.pending(make.alice(), make.bob(), starts_at=START)
    offers.refuse(made, by=make.alice(), at=NOW)
    make.reserved(starts_at=START)
    make.pending(answer_by=NOW + HOUR, starts_at=START + 99 * HOUR)
    make.pending(starts_at=START + 9 * HOUR)
    last_month = make.local("2025-02-10 10:00")
    make.pending(at=last_month, answer_by=last_month + HOUR, starts_at=START + 30 * HOUR)
    at = NOW + 2 * HOUR
    this, last = people.loads_of(people.person(make.alice().pk, at=at), at=at)
    assert (this.sent, this.accepted, this.refused, this.unanswered, this.minutes) == (4, 1, 1, 1, 90)
    assert (last.sent, last.unanswered, last.month) == (1, 1, "févr.")


def test_in_january_the_last_month_is_december():
    last, this, following = people.months(make.local("2025-01-31 23:30"))
    assert [f"{timezone.localtime(at):%Y-%m-%d %H}" for at in (last, this, following)] == [
        "2024-12-01 00",
        "2025-01-01 00",
        "2025-02-01 00",
    ]


def test_the_page_leads_to_what_they_hold_and_to_what_they_must_answer(client):
    booked, asked = make.reserved(at=ago(1), starts_at=ahead(3)), make.pending(at=ago(1), starts_at=ahead(4))
    past = make.completed(at=ago(9), starts_at=ago(5))
    context = client.get(page_of(make.alice())).context
    assert ([made.pk for made in context["bookings"]], [made.pk for made in context["history"]]) == (
        [booked.pk],
        [past.pk],
    )
    assert [held.service_request_id for held in context["offers"]] == [asked.pk]


def test_the_history_is_read_page_by_page_and_loses_nothing(client):
    copies(make.completed(at=ago(300), starts_at=ago(290)), 119, timedelta(hours=12))
    seen, address = [], page_of(make.alice())
    while address:
        page = client.get(address)
        seen += [made.starts_at for made in page.context["history"]]
        address = page.context["next_url"] and page_of(make.alice()) + page.context["next_url"]
    assert (len(seen), seen) == (120, sorted(set(seen), reverse=True))


@pytest.mark.parametrize("after", ["x", "2100-01-01T00:00:00-23:59_5", "9999-12-31T23:59:59-23:59_5"])
def test_a_page_of_the_history_that_does_not_exist_is_the_first_one(client, after):
    made = make.completed(at=ago(9), starts_at=ago(5))
    page = client.get(page_of(make.alice()), {"apres": after})
    assert [row.pk for row in page.context["history"]] == [made.pk]


REACHED = {
    "both": ({}, "Par message texte et par courriel"),
    "no text": ({"sms_disabled": True}, "Messages texte désactivés."),
    "stopped": ({"sms_disabled": True, "sms_stopped_at": NOW}, "Messages texte désactivés : a répondu STOP."),
    "no e-mail": ({"email_disabled": True}, "Courriels désactivés."),
    "neither": ({"email_disabled": True, "sms_disabled": True}, "Aucune notification ne lui parvient : téléphonez."),
}


@pytest.mark.parametrize(("chosen", "sentence"), REACHED.values(), ids=REACHED)
def test_the_page_says_what_reaches_them(client, chosen, sentence):
    User.objects.filter(pk=make.alice().pk).update(mobile_phone="+15145550123", **chosen)
    page = client.get(page_of(make.alice()))
    assert sentence in said(page)
    assert 'href="tel:+15145550123"' in page.content.decode()


def test_a_new_message_is_marked_until_it_is_read(client):
    made = make.reserved(at=ago(1), starts_at=ahead(3))
    exchanges.post_message(made, by=make.alice(), at=ago(0, 1), body="Bonjour")
    before = said(client.get(page_of(make.alice())))
    exchanges.mark_read(made, by=make.coordinator(), at=timezone.now(), interpreter=make.alice())
    after = said(client.get(page_of(make.alice())))
    assert [f"Demande {made.pk} Nouveau" in text for text in (before, after)] == [True, False]


def test_what_did_not_arrive_is_sent_again_from_the_page(client):
    User.objects.filter(pk=make.alice().pk).update(mobile_phone="+15145550123")
    make.reserved(at=ago(1), starts_at=ahead(3))
    row = Notification.objects.filter(user=make.alice()).first()
    Notification.objects.filter(pk=row.pk).update(state="undelivered", withdrawn_at=None)
    address = page_of(make.alice())
    again = next(form for form in forms(client.get(address)) if "renvoyer" in form.action)
    answer = client.post(again.action, again.fields, headers={"referer": f"http://testserver{address}"})
    row.refresh_from_db()
    assert (answer.url, row.state) == (address, "due")


@pytest.mark.parametrize("user", [make.coordinator, make.requester])
def test_only_an_interpreter_has_such_a_page(client, user):
    assert client.get(page_of(user())).status_code == 404


# Excluding, from the page


def excluding(client, **typed):
    given = {"institution": make.institution().pk, "ends_on": f"{ahead(30):%Y-%m-%d}", "reason": "Plainte"} | typed
    return client.post(f"{page_of(make.alice())}exclure/", given)


def test_what_it_concerns_is_read_before_it_is_confirmed(client):
    made = make.reserved(at=ago(1), starts_at=ahead(3))
    page = excluding(client)
    assert (page.status_code, Exclusion.objects.exists()) == (200, False)
    assert f'href="/demandes/{made.pk}/"' in page.content.decode()
    confirmed = form_with(page, "Exclure de cet établissement").send(client, page.request["PATH_INFO"], confirmer="1")
    assert (confirmed.url, Exclusion.objects.get().reason) == (page_of(make.alice()), "Plainte")
    assert "Exclusion jusqu’au" in said(client.get(confirmed.url))


def test_nothing_is_confirmed_that_was_not_read(client):
    page = excluding(client, confirmer="1")
    assert (page.status_code, Exclusion.objects.exists()) == (200, False)
    read = form_with(page, "Exclure de cet établissement").fields["seen"]
    make.reserved(at=ago(1), starts_at=ahead(3))
    changed = excluding(client, confirmer="1", seen=read)
    assert (changed.status_code, Exclusion.objects.exists()) == (409, False)


OTHERS = {
    "institution": lambda: {"institution": make.other_institution().pk},
    "day": lambda: {"ends_on": f"{ahead(31):%Y-%m-%d}"},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_is_confirmed_is_what_was_read_even_when_nothing_is_held(client, other):
    make.alice()
    read = form_with(excluding(client), "Exclure de cet établissement").fields["seen"]
    page = excluding(client, confirmer="1", seen=read, **other())
    assert (page.status_code, Exclusion.objects.exists()) == (409, False)


def test_the_page_says_that_the_coordinator_calls(client):
    make.bob()
    assert "Le système n’avertit pas l’interprète" in said(client.get(f"{page_of(make.bob())}exclure/"))


def test_nobody_is_told_by_the_system_of_an_exclusion(client):
    before = Notification.objects.count()
    make.exclusion()
    assert Notification.objects.count() == before


BAD = {
    "nothing": ({"institution": "", "ends_on": "", "reason": ""}, {"institution", "ends_on", "reason"}),
    "no such institution": ({"institution": "\x00"}, {"institution"}),
    "the past": ({"ends_on": "2020-01-01"}, {"ends_on"}),
    "too far": ({"ends_on": "9999-12-31"}, {"ends_on"}),
    "no date": ({"ends_on": "2026-02-30"}, {"ends_on"}),
    "a blank reason": ({"reason": " \n "}, {"reason"}),
    "too long": ({"reason": "x" * 301}, {"reason"}),
}


@pytest.mark.parametrize(("typed", "beside"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_said_beside_its_field(client, typed, beside):
    page = excluding(client, confirmer="1", **typed)
    assert (page.status_code, set(errors(page)), Exclusion.objects.exists()) == (422, beside, False)


def test_a_second_exclusion_is_refused_with_why(client):
    make.exclusion(at=ago(1))
    read = form_with(excluding(client), "Exclure de cet établissement").fields["seen"]
    page = excluding(client, confirmer="1", seen=read)
    assert (page.status_code, "est déjà exclu·e" in said(page), Exclusion.objects.count()) == (409, True, 1)


def test_an_exclusion_is_lifted_from_the_page_for_a_reason(client):
    held = make.exclusion(at=ago(1))
    lift = f"{page_of(make.alice())}exclusions/{held.pk}/lever/"
    page = client.post(lift, {"reason": " "})
    assert (page.status_code, set(errors(page))) == (422, {f"lift{held.pk}_reason"})
    assert client.post(lift, {"reason": "Réglé"}).url == page_of(make.alice())
    assert "levée le" in said(client.get(page_of(make.alice())))
    assert client.post(lift, {"reason": "Encore"}).status_code == 409


def test_the_exclusion_of_another_is_not_lifted_from_here(client):
    held = make.exclusion(make.bob(), at=ago(1))
    assert client.post(f"{page_of(make.alice())}exclusions/{held.pk}/lever/", {"reason": "x"}).status_code == 404
    assert exclusions.in_force(make.bob(), at=timezone.now()).exists()
