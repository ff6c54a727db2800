"""« Marquer comme non alloué », the message relay, the urgent withdrawal (rulings 1 and 3)."""

from datetime import timedelta

import pytest

from requests_app import exchanges, services
from requests_app.models import Message, ServiceRequest
from requests_app.workflow import Action, NotAllowed, ServiceType, Status
from tests import make
from tests.make import HOUR, MICROSECOND, NOW, START

pytestmark = pytest.mark.django_db
LATER = NOW + HOUR
LIMIT = START - timedelta(hours=48)


def withdraw(service_request, by=None, at=LATER, note=""):
    return services.mark_unallocated(service_request, by=by or make.alice(), at=at, note=note)


def topics(user):
    return list(user.notifications.filter(channel="email").order_by("id").values_list("topic", flat=True))


# Who may, and when


@pytest.mark.parametrize(("late", "may"), [(-MICROSECOND, True), (timedelta(), False), (MICROSECOND, False)])
def test_one_withdraws_alone_strictly_more_than_48_hours_before(late, may):
    made = make.reserved(make.alice())
    try:
        withdraw(made, at=LIMIT + late)
    except NotAllowed:
        assert not may
    assert (ServiceRequest.objects.get(pk=made.pk).interpreter is None) is may


def test_the_48_hours_count_the_weekend():
    """A withdrawal is in clock time: Saturday 9:59 is more than 48 hours before Monday 10:00."""
    monday = make.local("2025-03-24 10:00")
    made = make.reserved(make.alice(), starts_at=monday)
    withdraw(made, at=make.local("2025-03-22 09:59"))
    assert made.status == Status.UNALLOCATED


def test_too_late_says_what_to_do():
    with pytest.raises(NotAllowed, match="téléphonez à la BI ou demandez un désistement urgent"):
        withdraw(make.reserved(make.alice()), at=START - HOUR)


def test_a_stranger_does_not_withdraw_anybody():
    with pytest.raises(NotAllowed, match="ne vous est pas attribuée"):
        withdraw(make.reserved(make.alice()), by=make.bob())


def test_an_unseen_change_of_time_lets_one_withdraw_until_the_start():
    made = make.modified(make.alice())
    withdraw(made, at=START - MICROSECOND)
    assert made.status == Status.UNALLOCATED


def test_an_unseen_change_of_time_does_not_let_one_withdraw_at_the_start():
    with pytest.raises(NotAllowed, match="48\u00a0h ou moins"):
        withdraw(make.modified(make.alice()), at=START)


def test_an_acknowledged_change_gives_no_right_to_withdraw():
    made = make.modified(make.alice())
    services.acknowledge(made, by=make.alice(), at=LATER)
    with pytest.raises(NotAllowed, match="48\u00a0h ou moins"):
        withdraw(made, at=START - HOUR)


FREEING = {
    "place": {"facility": "Pavillon B"},
    "service": {"service_type": ServiceType.VIDEO},
    "date": {"starts_at": START + timedelta(days=1), "ends_at": START + timedelta(days=1, hours=2)},
}


@pytest.mark.parametrize("fields", FREEING.values(), ids=FREEING)
def test_a_change_of_date_place_or_service_frees_from_the_48_hours(fields):
    made = make.reserved(make.alice())
    if "facility" in fields:
        fields = {"facility": make.facility("Pavillon B")}
    services.modify(made, by=make.coordinator(), at=LATER, note="Accord", **fields)
    withdraw(made, at=START - HOUR)
    assert made.status == Status.UNALLOCATED


@pytest.mark.parametrize("fields", [{"instructions": "Porte 4"}, {"professional_name": "Dr Autre"}])
def test_a_change_of_words_does_not_free_from_the_48_hours(fields):
    made = make.reserved(make.alice())
    services.modify(made, by=make.requester(), at=LATER, **fields)
    with pytest.raises(NotAllowed, match="48\u00a0h ou moins"):
        withdraw(made, at=START - HOUR)


def test_a_change_that_was_undone_does_not_free_from_the_48_hours():
    made = make.modified(make.alice())
    services.modify(made, by=make.coordinator(), at=LATER, note="Accord", ends_at=START + make.LENGTH)
    with pytest.raises(NotAllowed, match="48\u00a0h ou moins"):
        withdraw(made, at=START - HOUR)


def test_a_coordinator_releases_at_any_time_with_a_reason():
    made = make.reserved(make.alice())
    with pytest.raises(NotAllowed, match="Une note est requise"):
        withdraw(made, by=make.coordinator(), at=START + HOUR)
    withdraw(made, by=make.coordinator(), at=START + HOUR, note="Alice est malade")
    assert made.status == Status.UNALLOCATED


def test_the_system_releases_a_deactivated_account():
    made = make.reserved(make.alice())
    withdraw(made, by=make.system(), at=START - HOUR)
    assert made.transitions.order_by("id").last().by == make.system()


# What follows


def test_the_request_is_gone_from_the_one_who_withdrew():
    made = make.reserved(make.alice())
    withdraw(made)
    assert not ServiceRequest.objects.visible_to(make.alice(), at=LATER).filter(pk=made.pk).exists()
    assert ServiceRequest.objects.once_known_to(make.alice()).filter(pk=made.pk).exists()


def test_the_requester_is_told_and_the_one_who_withdrew_is_not():
    made = make.reserved(make.alice())
    withdraw(made)
    assert (topics(make.requester()), topics(make.alice())) == (["taken", "withdrawn"], ["offered"])


def test_an_interpreter_released_by_the_bi_is_told():
    withdraw(make.reserved(make.alice()), by=make.coordinator(), note="Erreur")
    assert topics(make.alice())[-1] == "removed"


def test_the_guarantee_of_a_late_shortening_leaves_with_the_interpreter():
    made = make.reserved(make.alice())
    services.modify(made, by=make.coordinator(), at=START - HOUR, note="Accord", ends_at=START + HOUR)
    withdraw(made, at=START - HOUR)
    assert made.guaranteed_minutes == 0


# The message relay


def relay_of(service_request):
    return service_request.relays.get()


def test_the_communications_made_become_a_message_relay():
    made = make.reserved(make.alice(), are_communications_requested=True)
    make.communication(made, made_at=NOW)
    make.communication(made, made_at=NOW + HOUR / 2)
    relay = withdraw(made)
    assert (relay.service_type, relay.status, relay.interpreter) == ("message_relay", Status.PROVIDED, make.alice())
    assert (relay.starts_at, relay.ends_at, relay.created_at) == (LATER, LATER, LATER)
    assert relay.are_communications_requested
    assert (relay.communications.count(), made.communications.count()) == (2, 0)


def test_a_relay_names_no_patient():
    made = make.reserved(make.alice())
    make.communication(made)
    relay = withdraw(made)
    assert (relay.patient_name, relay.patient_phone, relay.patient_file_number) == ("", "", "")
    assert (relay.instructions, relay.professional_name, relay.facility) == ("", "", None)


def test_a_relay_is_the_systems_work_in_its_own_history():
    made = make.reserved(make.alice())
    make.communication(made)
    step = withdraw(made).transitions.get()
    assert (step.action, step.from_status, step.by) == (Action.RELAY, "", make.system())


def test_no_communication_no_relay():
    assert withdraw(make.reserved(make.alice())) is None
    assert ServiceRequest.objects.count() == 1


def test_communications_are_moved_once_and_never_paid_twice():
    made = make.reserved(make.alice())
    make.communication(made)
    withdraw(made)
    services.assign(made, make.alice(), by=make.coordinator(), at=LATER, note="Alice revient")
    assert withdraw(made) is None
    assert relay_of(made).communications.count() == 1


def test_each_interpreter_keeps_their_own_communications():
    made = make.reserved(make.alice())
    make.communication(made)
    services.reassign(made, make.bob(), by=make.coordinator(), at=LATER, note="Alice est malade")
    make.communication(made, made_at=LATER)
    assert (relay_of(made).interpreter, relay_of(made).communications.get().interpreter) == (make.alice(),) * 2
    assert made.communications.get().interpreter == make.bob()


def test_a_release_by_the_system_keeps_the_communications_paid():
    made = make.reserved(make.alice())
    make.communication(made)
    assert withdraw(made, by=make.system()).communications.count() == 1


def test_a_reinstated_request_keeps_the_communications_paid():
    made = make.reserved(make.alice())
    make.communication(made)
    services.cancel(made, by=make.requester(), at=LATER, reason="by_requester")
    services.reinstate(made, by=make.coordinator(), at=LATER, note="Annulée par erreur")
    assert (made.status, relay_of(made).communications.count()) == (Status.UNALLOCATED, 1)


def test_a_relay_occupies_nobody():
    made = make.reserved(make.alice())
    make.communication(made)
    make.reserved(make.alice(), starts_at=START + 4 * HOUR)
    assert withdraw(made, at=NOW + 2 * HOUR).status == Status.PROVIDED


def test_a_relay_is_corrected_returned_and_validated_like_a_service():
    made = make.reserved(make.alice())
    make.communication(made)
    relay = withdraw(made)
    services.return_for_correction(relay, by=make.validator(), at=LATER, note="Précisez")
    services.report(relay, is_rendered=True, by=make.alice(), at=LATER)
    services.validate(relay, by=make.validator(), at=LATER)
    assert relay.status == Status.COMPLETED


# « Demander un désistement urgent »


def ask(service_request, by=None, at=START - HOUR):
    return exchanges.ask_urgent_withdrawal(service_request, by=by or make.alice(), at=at, body="Je suis malade.")


@pytest.mark.parametrize(
    ("at", "may"),
    [
        (LIMIT - MICROSECOND, False),
        (LIMIT, True),
        (LIMIT + MICROSECOND, True),
        (START - MICROSECOND, True),
        (START, False),
    ],
)
def test_an_urgent_withdrawal_is_asked_from_48_hours_before_until_the_start(at, may):
    made = make.reserved(make.alice())
    try:
        ask(made, at=at)
    except NotAllowed:
        assert not may
    assert made.messages.filter(urgency="asked").exists() is may


def test_the_request_stays_reserved_while_one_waits_for_the_answer():
    made = make.reserved(make.alice())
    ask(made)
    made.refresh_from_db()
    assert (made.status, made.interpreter) == (Status.RESERVED, make.alice())


def test_every_coordinator_is_told_of_an_urgent_withdrawal():
    first, second = make.coordinator(), make.person("Clovis", "coordinator")
    ask(make.reserved(make.alice()))
    assert (topics(first), topics(second)) == (["urgent_asked"], ["urgent_asked"])


def test_a_stranger_asks_nothing():
    with pytest.raises(NotAllowed, match="ne peut pas être demandé"):
        ask(make.reserved(make.alice()), by=make.bob())


def test_asking_twice_is_one_demand():
    made = make.reserved(make.alice())
    ask(made)
    with pytest.raises(NotAllowed, match="déjà demandé"):
        ask(made)
    assert made.messages.count() == 1


def test_a_coordinator_grants_it_by_releasing_the_request():
    made = make.reserved(make.alice())
    ask(made)
    withdraw(made, by=make.coordinator(), at=START - HOUR, note="Accordé")
    found = made.messages.get()
    assert (found.urgency, found.read_at) == (Message.Urgency.GRANTED, START - HOUR)


def test_a_demand_read_before_it_is_granted_keeps_when_it_was_read():
    made = make.reserved(make.alice())
    ask(made)
    exchanges.mark_read(made, by=make.coordinator(), at=START - HOUR, interpreter=make.alice())
    withdraw(made, by=make.coordinator(), at=START - HOUR / 2, note="Accordé")
    assert made.messages.get().read_at == START - HOUR


@pytest.mark.parametrize("is_rendered", [True, False])
def test_a_report_filed_leaves_no_demand_unanswered_nor_unread(is_rendered):
    made = make.reserved(make.alice())
    ask(made)
    services.report(made, is_rendered=is_rendered, by=make.alice(), at=START + HOUR)
    found = made.messages.get()
    assert (found.urgency, found.read_at) == (Message.Urgency.NONE, START + HOUR)


def test_a_coordinator_declines_it_with_a_reply():
    made = make.reserved(make.alice())
    ask(made)
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=START - HOUR, reply="Personne d’autre.")
    assert [message.urgency for message in exchanges.thread_of(made, make.alice())] == ["declined", "declined"]
    assert topics(make.alice())[-1] == "urgent_declined"
    assert made.status == Status.RESERVED


def test_after_a_refusal_one_may_ask_again():
    made = make.reserved(make.alice())
    ask(made)
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=START - HOUR, reply="Personne d’autre.")
    ask(made, at=START - HOUR / 2)
    assert made.messages.filter(urgency="asked").count() == 1


@pytest.mark.parametrize("give", [make.alice, make.requester, make.validator])
def test_only_a_coordinator_declines(give):
    made = make.reserved(make.alice())
    ask(made)
    with pytest.raises(NotAllowed, match="coordination"):
        exchanges.decline_urgent_withdrawal(made, by=give(), at=START - HOUR, reply="Non")


def test_there_is_nothing_to_decline_when_nothing_was_asked():
    with pytest.raises(NotAllowed, match="n’attend de réponse"):
        exchanges.decline_urgent_withdrawal(make.reserved(), by=make.coordinator(), at=LATER, reply="Non")


def test_the_demand_of_the_one_who_left_does_not_stop_the_next_from_asking():
    made = make.reserved(make.alice())
    ask(made)
    withdraw(made, by=make.coordinator(), at=START - HOUR, note="Accordé")
    services.assign(made, make.bob(), by=make.coordinator(), at=START - HOUR, note="Entente")
    ask(made, by=make.bob())
    assert made.messages.get(urgency="asked").interpreter == make.bob()


def test_one_does_not_ask_on_an_old_page_after_having_been_released():
    made = make.reserved(make.alice())
    old_page = ServiceRequest.objects.get(pk=made.pk)
    withdraw(made, by=make.coordinator(), at=START - HOUR, note="Accordé")
    with pytest.raises(NotAllowed, match="ne peut pas être demandé"):
        ask(old_page)
