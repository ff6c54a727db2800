"""Communications and messages: what people write on a request without moving it (rulings 3 and 6)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection, transaction

from accounts.roles import Role
from requests_app import exchanges, offers, services
from requests_app.models import Channel, Message, Purpose
from requests_app.workflow import NotAllowed, Status
from tests import make
from tests.make import HOUR, MICROSECOND, NOW

pytestmark = pytest.mark.django_db
LATER = NOW + HOUR


def topics(user):
    return list(user.notifications.filter(channel="email").order_by("id").values_list("topic", flat=True))


def log(service_request, by, at=LATER, made_at=NOW, **fields):
    given = {"purpose": Purpose.REMINDER, **fields}
    return exchanges.log_communication(service_request, by=by, at=at, made_at=made_at, **given)


# Communications


@pytest.mark.parametrize("status", Status)
def test_communications_are_logged_from_reserve_until_acheve(status):
    made = make.request(status)
    may = status in {Status.RESERVED, Status.MODIFIED, Status.PROVIDED, Status.CANCELLED}
    assert exchanges.may_log(made, make.alice()) is may
    try:
        log(made, make.alice())
    except NotAllowed:
        assert not may
    assert made.communications.exists() is may


@pytest.mark.parametrize("give", [make.bob, make.requester, make.validator])
def test_nobody_else_logs_a_communication(give):
    with pytest.raises(NotAllowed, match="ne peuvent plus être modifiées"):
        log(make.reserved(make.alice()), give())


def test_a_coordinator_logs_it_for_the_interpreter():
    row = log(make.reserved(make.alice()), make.coordinator())
    assert row.interpreter == make.alice()


@pytest.mark.parametrize(("early", "may"), [(-MICROSECOND, True), (0 * HOUR, True), (MICROSECOND, False)])
def test_a_communication_is_not_in_the_future(early, may):
    made = make.reserved(make.alice())
    try:
        log(made, make.alice(), at=LATER, made_at=LATER + early)
    except NotAllowed:
        assert not may
    assert made.communications.exists() is may


@pytest.mark.parametrize(
    ("again", "kept"),
    [
        ({}, 1),
        ({"made_at": NOW + MICROSECOND}, 2),
        ({"purpose": Purpose.EXPLANATION}, 2),
        ({"channel": Channel.EMAIL}, 2),
        ({"purpose_text": "Autre salle"}, 2),
    ],
)
def test_the_same_communication_is_logged_once(again, kept):
    made = make.reserved(make.alice())
    log(made, make.alice())
    try:
        log(made, make.alice(), **again)
    except NotAllowed as refusal:
        assert "déjà inscrite" in str(refusal)
    assert made.communications.count() == kept


def test_an_interpreter_released_meanwhile_logs_nothing():
    made = make.reserved(make.alice())
    old_page = type(made).objects.get(pk=made.pk)
    services.mark_unallocated(made, by=make.coordinator(), at=NOW, note="Erreur")
    with pytest.raises(NotAllowed, match="ne peuvent plus être modifiées"):
        log(old_page, make.alice())


@pytest.mark.parametrize(
    ("asked", "fields", "billable"),
    [
        (True, {}, True),
        (False, {}, False),
        (False, {"requested_by_name": "Dre Roy", "justification": "Rendez-vous déplacé"}, True),
        (False, {"requested_by_name": "Dre Roy"}, False),
        (False, {"justification": "Rendez-vous déplacé"}, False),
    ],
)
def test_a_communication_is_billable_when_asked_for_or_justified(asked, fields, billable):
    made = make.reserved(make.alice(), are_communications_requested=asked)
    assert exchanges.is_communication_billable(made, log(made, make.alice(), **fields)) is billable


@pytest.mark.parametrize(("late", "billable"), [(-MICROSECOND, True), (0 * HOUR, True), (MICROSECOND, False)])
def test_a_communication_after_the_notice_of_cancellation_is_not_billable(late, billable):
    made = make.cancelled(make.alice(), are_communications_requested=True)
    row = log(made, make.alice(), made_at=NOW + late)
    assert exchanges.is_communication_billable(made, row) is billable


def test_communications_are_written_back_as_in_the_faq():
    made = make.reserved(make.alice(), at=make.local("2024-12-01 09:00"))
    made_at = make.local("2024-12-05 20:12")
    log(made, make.alice(), at=made_at, made_at=made_at)
    first = make.local("2024-12-01 14:10")
    log(made, make.alice(), at=made_at, made_at=first, purpose=Purpose.CONFIRMATION, channel=Channel.EMAIL)
    assert exchanges.written(made.communications.all()) == (
        "Communications :\n"
        "1- 2024-12-01 14h10 Confirmation du rendez-vous\n"
        "2- 2024-12-05 20h12 Rappel du rendez-vous à l’utilisateur"
    )


# Messages


def post(service_request, by, interpreter=None, body="Bonjour"):
    return exchanges.post_message(service_request, by=by, at=LATER, body=body, interpreter=interpreter)


def test_a_message_of_the_interpreter_is_told_to_the_coordinators():
    first, second = make.coordinator(), make.person("Clovis", Role.COORDINATOR)
    post(make.reserved(make.alice()), make.alice())
    assert (topics(first), topics(second)) == (["message"], ["message"])


def test_a_coordinator_who_left_is_not_told():
    gone = make.person("Clovis", Role.COORDINATOR, is_active=False)
    post(make.reserved(make.alice()), make.alice())
    assert topics(gone) == []


def test_an_answer_of_the_bi_is_told_to_the_side_it_is_written_to():
    made = make.reserved(make.alice())
    post(made, make.coordinator(), interpreter=make.alice())
    assert (topics(make.alice())[-1], topics(make.requester())) == ("message", ["taken"])
    post(made, make.coordinator())
    assert (topics(make.alice()).count("message"), topics(make.requester())) == (1, ["taken", "message"])


def test_the_requester_and_the_interpreter_never_read_each_other():
    made = make.reserved(make.alice())
    post(made, make.alice(), body="de l’interprète")
    post(made, make.requester(), body="du demandeur")
    read = {user: [m.body for m in exchanges.thread_of(made, user)] for user in (make.alice(), make.requester())}
    assert read == {make.alice(): ["de l’interprète"], make.requester(): ["du demandeur"]}


def test_the_next_interpreter_does_not_read_the_thread_of_the_former():
    made = make.reserved(make.alice())
    post(made, make.alice(), body="Je suis malade")
    services.reassign(made, make.bob(), by=make.coordinator(), at=LATER, note="Entente")
    assert not exchanges.thread_of(made, make.bob()).exists()
    thread = exchanges.thread_of(made, make.coordinator(), interpreter=make.alice())
    assert [message.body for message in thread] == ["Je suis malade"]


def test_a_message_is_still_told_when_the_request_moves_before_it_is_sent():
    at = make.datetime.now(make.TORONTO)
    made = make.pending(make.alice(), at=at, starts_at=at + 99 * HOUR)
    exchanges.post_message(made, by=make.coordinator(), at=at, body="Bonjour")
    offers.accept(made, by=make.alice(), at=at)
    services.cancel(made, by=make.coordinator(), at=at, reason="bi_error")
    due = make.requester().notifications.filter(state="due").order_by("id")
    assert list(due.values_list("topic", flat=True)) == ["message", "cancelled"]


def test_the_thread_of_who_leaves_goes_with_the_communications():
    made = make.reserved(make.alice())
    post(made, make.alice())
    make.communication(made)
    relay = services.mark_unallocated(made, by=make.alice(), at=LATER)
    assert [row.service_request_id for row in exchanges.thread_of(relay, make.alice())] == [relay.pk]


def test_one_does_not_write_on_an_old_page_after_having_been_released():
    made = make.reserved(make.alice())
    old_page = type(made).objects.get(pk=made.pk)
    services.mark_unallocated(made, by=make.coordinator(), at=NOW, note="Erreur")
    with pytest.raises(NotAllowed, match="n’a plus la demande"):
        post(old_page, make.alice())


@pytest.mark.parametrize(("after", "kept"), [(0 * HOUR, 1), (HOUR / 60 - MICROSECOND, 1), (HOUR / 60, 2)])
def test_the_same_words_within_a_minute_are_one_message_told_once(after, kept):
    made = make.reserved(make.alice())
    for at in (LATER, LATER + after):
        exchanges.post_message(made, by=make.coordinator(), at=at, body="Bonjour", interpreter=make.alice())
    assert (made.messages.count(), topics(make.alice()).count("message")) == (kept, kept)


def test_the_same_words_to_two_sides_are_two_messages():
    made = make.reserved(make.alice())
    post(made, make.coordinator(), interpreter=make.alice())
    post(made, make.coordinator())
    assert made.messages.count() == 2


# Read marks


def unread(service_request, user):
    return [message.body for message in service_request.messages.unread_by(user)]


def test_a_message_is_unread_by_the_other_side_alone():
    made = make.reserved(make.alice())
    post(made, make.alice(), body="de l’interprète")
    post(made, make.requester(), body="du demandeur")
    assert unread(made, make.coordinator()) == ["de l’interprète", "du demandeur"]
    assert unread(made, make.alice()) == unread(made, make.requester()) == []


def test_a_side_is_read_by_any_of_its_people_and_only_once():
    made = make.reserved(make.alice())
    post(made, make.alice())
    second = make.person("Clovis", Role.COORDINATOR)
    assert [exchanges.mark_read(made, by=second, at=LATER, interpreter=make.alice()) for _ in range(2)] == [1, 0]
    assert (unread(made, make.coordinator()), made.messages.get().read_at) == ([], LATER)


def test_reading_one_thread_does_not_read_another():
    made = make.reserved(make.alice())
    post(made, make.alice(), body="de l’interprète")
    post(made, make.requester(), body="du demandeur")
    exchanges.mark_read(made, by=make.coordinator(), at=LATER)
    assert unread(made, make.coordinator()) == ["de l’interprète"]


def test_an_answer_reads_what_came_before_it():
    made = make.reserved(make.alice())
    post(made, make.alice())
    post(made, make.coordinator(), interpreter=make.alice(), body="Reçu")
    assert (unread(made, make.coordinator()), unread(made, make.alice())) == ([], ["Reçu"])


def test_declining_an_urgent_withdrawal_reads_the_demand():
    made = make.reserved(make.alice())
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=make.START - HOUR, body="Malade")
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=make.START - HOUR, reply="Non")
    assert (unread(made, make.coordinator()), unread(made, make.alice())) == ([], ["Non"])


# Races


def raw_message(made, body):
    given = {"author": make.coordinator(), "interpreter": make.alice(), "is_to_bi": False}
    return Message.objects.create(service_request=made, at=LATER, body=body, **given)


@pytest.mark.django_db(transaction=True)
def test_a_message_written_first_and_kept_last_is_not_read_unseen():
    made, written, seen = make.reserved(make.alice()), Event(), Event()
    make.coordinator()

    def first():
        with transaction.atomic():
            raw_message(made, "premier")
            written.set()
            seen.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(first)
        written.wait(20)
        shown = [raw_message(made, "second").pk]
        seen.set()
        late.result()
    exchanges.mark_read(made, by=make.alice(), at=LATER, shown=shown)
    assert unread(made, make.alice()) == ["premier"]


@pytest.mark.django_db(transaction=True)
def test_two_quick_clicks_write_once():
    made, alice = make.reserved(make.alice()), make.alice()
    make.coordinator()

    def click(act):
        try:
            act()
        except NotAllowed:
            pass
        finally:
            connection.close()

    acts = [lambda: post(type(made).objects.get(pk=made.pk), alice), lambda: log(made, alice)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(click, acts * 3))
    assert (made.messages.count(), made.communications.count()) == (1, 1)


def test_asking_to_leave_urgently_reads_nothing():
    made = make.reserved(make.alice())
    post(made, make.coordinator(), interpreter=make.alice(), body="Porte B")
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=make.START - HOUR, body="Malade")
    assert unread(made, make.alice()) == ["Porte B"]
