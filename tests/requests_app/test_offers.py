"""Offering, answering, expiring, retracting, assigning: who gets a request, and what the others are told."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from accounts.drawn import draw
from accounts.french import day_and_month
from accounts.models import User
from requests_app import exchanges, moves, offers, services
from requests_app.answers import address_of
from requests_app.models import Offer, ServiceRequest
from requests_app.workflow import Action, NotAllowed, ServiceType, Status
from tests import make
from tests.make import HOUR, MICROSECOND, NOW, START
from tests.pages import ahead

pytestmark = pytest.mark.django_db
LATER = NOW + HOUR


def offer(service_request, *interpreters, at=NOW, answer_by=START, by=None):
    offers.offer(service_request, interpreters, by=by or make.coordinator(), at=at, answer_by=answer_by)


def states(service_request):
    return dict(service_request.offers.values_list("interpreter__first_name", "state"))


def history(service_request):
    return [(step.action, step.to_status) for step in service_request.transitions.order_by("id")]


def told(user, service_request):
    about = f"request:{service_request.pk}"
    return list(user.notifications.filter(channel="email", about=about).order_by("id").values_list("topic", flat=True))


def status_of(service_request):
    return ServiceRequest.objects.get(pk=service_request.pk).status


# Offering


def test_an_offered_request_is_en_attente():
    made = make.pending(make.alice(), make.bob())
    assert made.status == Status.PENDING
    assert states(made) == {"Alice": "open", "Bob": "open"}


def test_an_offer_is_told_to_its_interpreter():
    made = make.pending(make.alice())
    assert told(make.alice(), made) == ["offered"]


def test_an_offer_ends_at_the_start_of_the_service_at_the_latest():
    made = make.pending(make.alice(), answer_by=START + HOUR)
    assert made.offers.get().answer_by == START


def test_an_offer_leaves_time_to_answer():
    with pytest.raises(NotAllowed, match="délai de réponse"):
        offer(make.unallocated(), make.alice(), answer_by=NOW)


def test_a_request_that_has_started_is_not_offered():
    with pytest.raises(NotAllowed, match="heure de début est passée"):
        offer(make.unallocated(), make.alice(), at=START, answer_by=START + HOUR)


def test_an_offer_to_nobody_is_refused():
    with pytest.raises(NotAllowed, match="Choisissez au moins un interprète"):
        offer(make.unallocated())


def test_an_interpreter_has_one_open_offer_for_a_request():
    made = make.pending(make.alice())
    with pytest.raises(NotAllowed, match="déjà une offre ouverte"):
        offer(made, make.alice())
    assert history(made) == [("submit", "unallocated"), ("offer", "pending")]


def test_an_interpreter_may_be_asked_again_after_refusing():
    made = make.pending(make.alice(), make.bob())
    offers.refuse(made, by=make.alice(), at=LATER)
    offer(made, make.alice(), at=LATER)
    assert sorted(made.offers.filter(interpreter=make.alice()).values_list("state", flat=True)) == ["open", "refused"]


def test_an_offer_to_several_is_made_to_all_or_to_none():
    made, gone = make.unallocated(), make.bob()
    User.objects.filter(pk=gone.pk).update(is_active=False)
    with pytest.raises(NotAllowed, match="n’est pas un interprète actif"):
        offer(made, make.alice(), gone)
    assert (status_of(made), made.status, made.offers.count()) == (Status.UNALLOCATED, Status.UNALLOCATED, 0)


@pytest.mark.parametrize("give", [make.requester, make.coordinator, make.validator])
def test_only_an_interpreter_is_offered_a_request(give):
    with pytest.raises(NotAllowed, match="n’est pas un interprète actif"):
        offer(make.unallocated(), give())


def test_an_interpreter_booked_at_that_time_is_not_offered_a_request():
    make.reserved(make.alice())
    with pytest.raises(moves.Overlap, match="déjà une demande à ce moment"):
        offer(make.unallocated(), make.alice())


def test_an_offer_made_on_an_old_page_is_refused():
    made = make.unallocated()
    with pytest.raises(moves.Stale):
        offers.offer(made, [make.alice()], by=make.coordinator(), at=NOW, answer_by=START, version=made.version - 1)


def unsent(user, service_request):
    """What still has to leave by e-mail, with what it says."""
    about = f"request:{service_request.pk}"
    rows = user.notifications.filter(channel="email", state="due", about=about).order_by("id")
    return [(row.topic, row.context["hour"], row.context.get("reply_by")) for row in rows]


def coming(*people, **fields):
    """Offered a moment ago, so that what is told of it is really due."""
    return make.pending(*people, at=timezone.now(), starts_at=ahead(), **fields)


def moves_to(made, hour):
    starts_at = ahead(14, hour)
    services.modify(made, by=make.requester(), at=timezone.now(), starts_at=starts_at, ends_at=starts_at + HOUR)


def test_an_offer_not_sent_yet_leaves_once_and_says_what_the_request_became():
    made = coming(make.alice(), make.bob())
    for hour in (15, 11):
        moves_to(made, hour)
    found = [unsent(user, made) for user in (make.alice(), make.bob())]
    limit = f"{day_and_month(ahead())}, 11\u00a0h"
    assert found == [[("offered", "11\u00a0h", limit)]] * 2


def test_an_offer_that_was_sent_is_told_to_have_changed():
    made = coming(make.alice())
    made_of = make.alice().notifications.all()
    made_of.update(state="sent", sent_at=timezone.now())
    moves_to(made, 15)
    assert unsent(make.alice(), made) == [("offer_changed", "15\u00a0h", None)]


@pytest.mark.parametrize("held", [{"claimed_at": make.NOW}, {"state": "uncertain"}, {"state": "undelivered"}])
def test_an_offer_that_may_have_left_by_one_channel_is_told_to_have_changed_by_both(held):
    made = coming(make.alice())
    make.alice().notifications.filter(channel="sms").update(**held)
    moves_to(made, 15)
    assert unsent(make.alice(), made) == [("offer_changed", "15\u00a0h", None)]
    assert make.alice().notifications.filter(topic="offer_changed").count() == 2
    assert not make.alice().notifications.filter(topic="offered", state="due").exists()


def test_an_offer_whose_holder_has_no_mobile_number_is_still_refreshed():
    made = coming(make.alice())
    make.alice().notifications.filter(channel="sms").update(state="closed")
    moves_to(made, 15)
    assert [row[:2] for row in unsent(make.alice(), made)] == [("offered", "15\u00a0h")]


def test_an_offer_keeps_its_link_when_the_request_changes():
    made = coming(make.alice())
    before = [draw(row) for row in make.alice().notifications.order_by("id")]
    moves_to(made, 15)
    assert [draw(row) for row in make.alice().notifications.order_by("id")] == before
    assert before == [{"link": address_of(made.offers.get())}] * 2


def test_who_loses_an_unsent_offer_to_a_new_language_is_told_only_that():
    made = coming(make.alice())
    services.modify(made, by=make.coordinator(), at=timezone.now(), note="x", language=make.language("arabe"))
    assert [row[0] for row in unsent(make.alice(), made)] == ["offer_gone"]


def test_offering_again_closes_the_offer_that_lapsed_and_tells_its_holder():
    made = make.pending(make.alice(), answer_by=LATER)
    offer(made, make.bob(), at=LATER)
    assert states(made) == {"Alice": "expired", "Bob": "open"}
    assert told(make.alice(), made) == ["offered", "offer_gone"]


# Accepting


def test_the_one_who_accepts_has_the_request():
    made = make.pending(make.alice(), make.bob())
    offers.accept(made, by=make.alice(), at=LATER)
    made.refresh_from_db()
    assert (made.status, made.interpreter) == (Status.RESERVED, make.alice())
    assert states(made) == {"Alice": "accepted", "Bob": "closed"}


def test_the_others_are_told_that_somebody_else_accepted():
    made = make.pending(make.alice(), make.bob())
    offers.accept(made, by=make.alice(), at=LATER)
    notice = make.bob().notifications.get(channel="email", topic="offer_gone")
    assert notice.context["reason"] == "Une autre personne a accepté la demande."
    assert told(make.alice(), made) == ["offered"]


def test_the_requester_is_told_that_the_request_is_taken():
    made = make.pending(make.alice())
    offers.accept(made, by=make.alice(), at=LATER)
    assert told(make.requester(), made) == ["taken"]


def test_second_interpreter_is_told_it_is_too_late():
    made = make.pending(make.alice(), make.bob())
    page_of_bob = ServiceRequest.objects.get(pk=made.pk)
    offers.accept(made, by=make.alice(), at=LATER)
    with pytest.raises(NotAllowed, match="Cette demande n’est plus disponible."):
        offers.accept(page_of_bob, by=make.bob(), at=LATER)
    assert ServiceRequest.objects.get(pk=made.pk).interpreter == make.alice()


def test_a_stranger_accepts_nothing():
    made = make.pending(make.alice())
    with pytest.raises(NotAllowed, match="n’est plus disponible"):
        offers.accept(made, by=make.charlie(), at=LATER)
    assert (status_of(made), made.interpreter) == (Status.PENDING, None)


@pytest.mark.parametrize(("late", "may"), [(-MICROSECOND, True), (timedelta(), False), (MICROSECOND, False)])
def test_an_offer_is_accepted_strictly_before_its_deadline(late, may):
    made = make.pending(make.alice(), answer_by=LATER)
    try:
        offers.accept(made, by=make.alice(), at=LATER + late)
    except NotAllowed:
        assert not may
    assert (status_of(made) == Status.RESERVED) is may


@pytest.mark.parametrize(("late", "may"), [(-MICROSECOND, True), (timedelta(), False), (MICROSECOND, False)])
def test_an_offer_is_accepted_strictly_before_the_start(late, may):
    made = make.pending(make.alice(), answer_by=START + HOUR)
    try:
        offers.accept(made, by=make.alice(), at=START + late)
    except NotAllowed:
        assert not may
    assert (status_of(made) == Status.RESERVED) is may


def test_an_interpreter_who_sees_an_old_page_does_not_accept_what_changed():
    made = make.pending(make.alice())
    seen = made.version
    services.modify(made, by=make.requester(), at=LATER, starts_at=START + HOUR, ends_at=START + 2 * HOUR)
    with pytest.raises(moves.Stale):
        offers.accept(made, by=make.alice(), at=LATER, version=seen)


def test_another_answer_does_not_make_a_page_stale():
    made = make.pending(make.alice(), make.bob(), make.charlie())
    seen = ServiceRequest.objects.get(pk=made.pk)
    offers.refuse(made, by=make.bob(), at=LATER)
    offers.retract(made, make.charlie(), by=make.coordinator(), at=LATER)
    offers.accept(seen, by=make.alice(), at=LATER, version=seen.version)
    assert status_of(made) == Status.RESERVED


def test_a_failed_acceptance_leaves_the_object_as_it_was():
    make.reserved(make.alice())
    other = make.unallocated()
    offer(other, make.bob())
    Offer.objects.filter(service_request=other).update(interpreter=make.alice())
    with pytest.raises(moves.Overlap):
        offers.accept(other, by=make.alice(), at=LATER)
    assert (other.status, other.interpreter, other.interpreter_id) == (Status.PENDING, None, None)


# Double booking (ruling 2)


def overlapping(kind=ServiceType.ON_SITE, shift=HOUR):
    """Alice is booked from 13:00 to 14:30 and accepts another request that starts `shift` after 13:00."""
    other = make.pending(make.alice(), starts_at=START + shift, service_type=kind)
    first = make.pending(make.alice())
    offers.accept(first, by=make.alice(), at=LATER)
    offers.accept(other, by=make.alice(), at=LATER)
    return other


def test_an_interpreter_is_not_booked_twice_at_the_same_time():
    with pytest.raises(moves.Overlap, match="déjà une demande à ce moment"):
        overlapping()


@pytest.mark.parametrize(("shift", "may"), [(make.LENGTH - MICROSECOND, False), (make.LENGTH, True)])
def test_one_service_may_start_when_the_other_ends(shift, may):
    try:
        assert overlapping(shift=shift).status == Status.RESERVED
        assert may
    except moves.Overlap:
        assert not may


@pytest.mark.parametrize("kind", [ServiceType.MESSAGE_RELAY, ServiceType.TRANSLATION, ServiceType.REVISION])
def test_what_is_not_spoken_occupies_nobody(kind):
    assert overlapping(kind).status == Status.RESERVED


def test_a_time_is_free_again_after_a_cancellation():
    make.cancelled(make.alice())
    assert make.reserved(make.alice()).status == Status.RESERVED


# Refusing


def test_a_request_everyone_refused_is_non_alloue():
    made = make.pending(make.alice(), make.bob())
    offers.refuse(made, by=make.alice(), at=LATER, reason="Déjà prise")
    assert status_of(made) == Status.PENDING
    offers.refuse(made, by=make.bob(), at=LATER)
    assert status_of(made) == Status.UNALLOCATED
    assert states(made) == {"Alice": "refused", "Bob": "refused"}


def test_one_refuses_only_what_one_was_offered():
    made = make.pending(make.alice())
    with pytest.raises(NotAllowed, match="n’est plus disponible"):
        offers.refuse(made, by=make.charlie(), at=LATER)
    assert states(made) == {"Alice": "open"}


def test_the_last_refusal_counts_an_offer_past_its_deadline_as_closed():
    made = make.pending(make.alice(), answer_by=LATER)
    offer(made, make.bob())
    offers.refuse(made, by=make.bob(), at=LATER)
    assert status_of(made) == Status.UNALLOCATED
    assert states(made) == {"Alice": "expired", "Bob": "refused"}
    assert history(made)[-2:] == [("expire", "pending"), ("refuse", "unallocated")]


def test_one_does_not_refuse_past_the_deadline():
    made = make.pending(make.alice(), answer_by=LATER)
    with pytest.raises(NotAllowed, match="n’est plus disponible"):
        offers.refuse(made, by=make.alice(), at=LATER)


# Retracting


def test_a_retracted_offer_is_gone_and_its_holder_told():
    made = make.pending(make.alice(), make.bob())
    offers.retract(made, make.alice(), by=make.coordinator(), at=LATER)
    assert (status_of(made), states(made)) == (Status.PENDING, {"Alice": "retracted", "Bob": "open"})
    assert told(make.alice(), made) == ["offered", "offer_gone"]
    assert told(make.bob(), made) == ["offered"]


def test_the_last_offer_retracted_leaves_the_request_non_alloue():
    made = make.pending(make.alice())
    offers.retract(made, make.alice(), by=make.coordinator(), at=LATER)
    assert status_of(made) == Status.UNALLOCATED


def test_an_offer_that_was_answered_is_not_retracted():
    made = make.pending(make.alice(), make.bob())
    offers.refuse(made, by=make.alice(), at=LATER)
    with pytest.raises(moves.Stale, match="n’est plus ouverte"):
        offers.retract(made, make.alice(), by=make.coordinator(), at=LATER)


# Expiring


@pytest.mark.parametrize(("late", "expires"), [(-MICROSECOND, False), (timedelta(), True), (MICROSECOND, True)])
def test_an_offer_expires_at_its_deadline(late, expires):
    made = make.pending(make.alice(), answer_by=LATER)
    assert offers.expire_due(LATER + late) == expires
    assert (status_of(made) == Status.UNALLOCATED) is expires


def test_two_offers_with_one_deadline_expire_together():
    made = make.pending(make.alice(), make.bob(), answer_by=LATER)
    assert offers.expire_due(LATER) == 2
    assert (status_of(made), states(made)) == (Status.UNALLOCATED, {"Alice": "expired", "Bob": "expired"})
    assert history(made)[-2:] == [("expire", "pending"), ("expire", "unallocated")]


def test_an_offer_expires_at_once_when_the_start_is_moved_before_now():
    made = make.pending(make.alice(), answer_by=START)
    past = NOW - HOUR
    services.modify(made, by=make.coordinator(), at=LATER, note="Erreur de date", starts_at=past, ends_at=START)
    assert (status_of(made), made.offers.get().reason) == (Status.UNALLOCATED, "La demande a déjà commencé.")
    assert list(make.alice().notifications.filter(channel="email").values_list("topic", flat=True)) == [
        "offered",
        "offer_gone",
    ]


def test_moving_the_start_earlier_brings_the_deadline_with_it():
    made = make.pending(make.alice(), answer_by=START)
    services.modify(made, by=make.requester(), at=LATER, starts_at=START - HOUR)
    assert made.offers.get().answer_by == START - HOUR


def test_an_offer_expires_when_its_holder_is_booked_elsewhere_at_that_time():
    made, other = make.pending(make.alice()), make.pending(make.alice())
    offers.accept(other, by=make.alice(), at=LATER)
    assert offers.expire_due(LATER) == 1
    assert status_of(made) == Status.UNALLOCATED
    reason = "Vous avez accepté une autre demande à ce moment."
    assert make.alice().notifications.get(channel="email", topic="offer_gone").context["reason"] == reason


def test_an_offer_of_a_translation_does_not_expire_when_its_holder_is_booked():
    make.pending(make.alice(), service_type=ServiceType.TRANSLATION)
    make.reserved(make.alice())
    assert offers.expire_due(LATER) == 0


def test_an_offer_expires_when_its_holder_is_deactivated():
    made = make.pending(make.alice())
    User.objects.filter(username="alice").update(is_active=False)
    assert offers.expire_due(LATER) == 1
    assert status_of(made) == Status.UNALLOCATED


def test_whoever_does_not_speak_the_new_language_loses_the_offer():
    made = make.pending(make.alice(), make.bob())
    make.bob().interpreter_profile.languages.add(make.language("arabe"))
    services.modify(made, by=make.requester(), at=LATER, language=make.language("arabe"))
    assert states(made) == {"Alice": "expired", "Bob": "open"}
    reason = make.alice().notifications.get(channel="email", topic="offer_gone").context["reason"]
    assert reason == "La langue de la demande a changé."


def test_a_request_whose_language_nobody_asked_speaks_is_non_alloue():
    made = make.pending(make.alice(), make.bob())
    services.modify(made, by=make.requester(), at=LATER, language=make.language("arabe"))
    assert (made.status, status_of(made)) == (Status.UNALLOCATED, Status.UNALLOCATED)


def test_expiring_is_done_once():
    make.pending(make.alice(), answer_by=LATER)
    offers.expire_due(LATER)
    assert offers.expire_due(LATER) == 0


def test_accepting_wakes_the_job_that_closes_the_interpreters_other_offers():
    made = make.pending(make.alice())
    OrmQ.objects.all().delete()
    offers.accept(made, by=make.alice(), at=LATER)
    assert "requests_app.offers.expire_due" in [queued.func() for queued in OrmQ.objects.all()]


# Assigning and reassigning


def test_a_coordinator_assigns_after_a_phone_agreement():
    made = make.pending(make.bob(), make.alice())
    services.assign(made, make.alice(), by=make.coordinator(), at=LATER, note="Entente par téléphone")
    assert (status_of(made), made.interpreter) == (Status.RESERVED, make.alice())
    assert states(made) == {"Alice": "accepted", "Bob": "closed"}
    assert (told(make.alice(), made)[-1], told(make.bob(), made)[-1]) == ("assigned", "offer_gone")
    assert told(make.requester(), made) == ["taken"]


def test_an_out_of_hours_service_is_assigned_after_the_fact():
    made = make.unallocated()
    services.assign(made, make.alice(), by=make.coordinator(), at=START + HOUR, note="Garde de nuit")
    assert made.status == Status.RESERVED


def test_assigning_needs_a_note():
    with pytest.raises(NotAllowed, match="Une note est requise"):
        services.assign(make.unallocated(), make.alice(), by=make.coordinator(), at=NOW, note="")


def test_a_booked_interpreter_is_not_assigned():
    make.reserved(make.alice())
    with pytest.raises(moves.Overlap):
        services.assign(make.unallocated(), make.alice(), by=make.coordinator(), at=NOW, note="Entente")


@pytest.mark.parametrize("status", [Status.UNALLOCATED, Status.RESERVED])
def test_only_an_active_interpreter_is_given_a_request(status):
    verb = services.assign if status == Status.UNALLOCATED else services.reassign
    with pytest.raises(NotAllowed, match="n’est pas un interprète actif"):
        verb(make.request(status), make.requester(), by=make.coordinator(), at=NOW, note="Entente")


def test_a_reassigned_request_is_told_to_both():
    made = make.reserved(make.alice())
    services.reassign(made, make.bob(), by=make.coordinator(), at=LATER, note="Alice est malade")
    assert (status_of(made), made.interpreter) == (Status.RESERVED, make.bob())
    assert (told(make.alice(), made)[-1], told(make.bob(), made)) == ("removed", ["assigned"])


def test_a_request_is_not_reassigned_to_the_one_who_has_it():
    with pytest.raises(NotAllowed, match="Alice Nom-de-Alice a déjà la demande."):
        services.reassign(make.reserved(make.alice()), make.alice(), by=make.coordinator(), at=LATER, note="Entente")


def test_reassigning_settles_the_urgent_withdrawal_that_was_asked():
    made = make.reserved(make.alice())
    near = START - HOUR
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=near, body="Je suis malade.")
    services.reassign(made, make.bob(), by=make.coordinator(), at=near, note="Alice est malade")
    assert made.messages.get().urgency == "granted"


def test_the_history_says_each_step():
    made = make.pending(make.alice(), make.bob())
    offers.refuse(made, by=make.bob(), at=LATER)
    offers.accept(made, by=make.alice(), at=LATER)
    steps = [Action.SUBMIT, Action.OFFER, Action.OFFER, Action.REFUSE, Action.ACCEPT]
    assert [action for action, _ in history(made)] == steps
