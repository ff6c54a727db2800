"""« Envoi par vagues »: on a moved clock, each wave, each end, two workers, a worker that was down."""

from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection, transaction

from accounts.models import User
from requests_app import candidates, offers, services, waves
from requests_app.models import CancellationReason, Offer, WavePlan
from requests_app.workflow import NotAllowed, Status
from tests import make
from tests.make import HOUR, NOW, START, local
from tests.requests_app.bank import living

pytestmark = pytest.mark.django_db
NAMES = [f"Interprète{number}" for number in range(1, 8)]
MINUTES = timedelta(minutes=1)
End = WavePlan.End


def world(number=7, **fields):
    """A request nobody has, and as many interpreters who could serve it."""
    for name in NAMES[:number]:
        make.interpreter(name)
    return make.unallocated(**fields)


def begin(made, *, at=NOW, size=2, every=30, answer_by=START, **more):
    given = {"size": size, "every_minutes": every, "answer_by": answer_by, **more}
    return waves.start(made, by=make.coordinator(), at=at, **given)


def asked(made, **kept):
    return list(made.offers.filter(**kept).order_by("id").values_list("interpreter__first_name", flat=True))


def sent(made):
    return made.offers.count()


def refuse_all(made, *, at):
    for held in made.offers.filter(state=Offer.State.OPEN).select_related("interpreter"):
        made.refresh_from_db()
        offers.refuse(made, by=held.interpreter, at=at)


def after(minutes):
    return NOW + minutes * MINUTES


def end_of(plan):
    plan.refresh_from_db()
    return plan.end


# Waves


def test_the_first_wave_goes_at_once_to_the_first_of_the_list():
    made = world()
    begin(made)
    assert (sent(made), made.status) == (2, Status.PENDING)


def test_whoever_comes_after_somebody_taken_back_is_asked_though_the_list_still_has_them_first():
    near, far = living("Proche", "1"), living("Loin", "49")
    made = make.unallocated()
    begin(made, size=1)
    offers.retract(made, near, by=make.coordinator(), at=after(5))
    assert [found.interpreter for found in candidates.ranked(made, at=after(30))] == [near, far]
    waves.send_due(after(30))
    assert asked(made) == ["Proche", "Loin"]


def test_a_wave_waits_for_its_hour():
    made = world()
    begin(made)
    assert [waves.send_due(after(29)), sent(made)] == [0, 2]
    assert [waves.send_due(after(30)), sent(made)] == [1, 4]


def test_each_wave_asks_the_next_people_of_the_list_once():
    made = world()
    begin(made, size=3)
    for minutes in (30, 60):
        waves.send_due(after(minutes))
    assert sorted(asked(made)) == NAMES


def test_a_wave_goes_sooner_when_nobodys_answer_is_awaited_any_more():
    made = world()
    begin(made)
    refuse_all(made, at=after(3))
    assert [waves.send_due(after(4)), sent(made)] == [1, 4]
    assert waves.running(made).next_at == after(34)


def test_a_worker_down_for_six_hours_sends_one_wave():
    made = world()
    begin(made)
    assert [waves.send_due(NOW + 6 * HOUR), waves.send_due(NOW + 6 * HOUR + MINUTES)] == [1, 0]


def test_the_history_says_that_it_was_a_wave_and_who_began_it():
    made = world()
    begin(made)
    waves.send_due(after(30))
    steps = made.transitions.filter(action="offer").order_by("id").values_list("by__username", "note")
    said = "commencée par Corinne Nom-de-Corinne"
    assert list(steps) == [("corinne", f"Vague 1, {said}")] * 2 + [("systeme", f"Vague 2, {said}")] * 2


def test_the_history_keeps_the_rank_of_each():
    made = world()
    begin(made)
    assert [step.choice["rank"] for step in made.transitions.filter(action="offer").order_by("id")] == [1, 2]


def test_whoever_is_asked_answers_before_the_deadline_of_all_the_waves():
    made = world()
    begin(made, answer_by=NOW + 5 * HOUR)
    waves.send_due(after(30))
    assert set(made.offers.values_list("answer_by", flat=True)) == {NOW + 5 * HOUR}


def test_a_wave_follows_the_list_as_it_is_then():
    made = world(4)
    begin(made)
    left = [name for name in NAMES[:4] if name not in asked(made)]
    make.reserved(make.interpreter(left[0]), starts_at=START)
    waves.send_due(after(30))
    assert (left[0] in asked(made), left[1] in asked(made)) == (False, True)


def test_whose_offer_was_taken_back_is_not_asked_again():
    made = world(3)
    begin(made)
    mistaken = made.offers.first().interpreter
    offers.retract(made, mistaken, by=make.coordinator(), at=after(1))
    waves.send_due(after(30))
    assert asked(made).count(mistaken.first_name) == 1


def test_what_a_request_lived_before_its_waves_does_not_end_them():
    made = world()
    services.assign(made, make.interpreter(NAMES[6]), by=make.coordinator(), at=after(-60), note="Entente")
    services.mark_unallocated(made, by=make.coordinator(), at=after(-60), note="Erreur")
    plan = begin(made)
    assert (waves.send_due(after(30)), end_of(plan)) == (1, "")


def test_who_did_not_answer_before_the_waves_may_be_asked_again():
    made = world(2)
    offers.offer(made, [make.interpreter(NAMES[0])], by=make.coordinator(), at=after(-60), answer_by=after(-30))
    begin(made, size=1)
    waves.send_due(after(30))
    assert asked(made) == [NAMES[0], NAMES[1], NAMES[0]]


def test_a_wave_is_whole_although_some_of_the_list_were_taken_back():
    made = world(6)
    begin(made)
    for held in made.offers.all():
        offers.retract(made, held.interpreter, by=make.coordinator(), at=after(1))
    waves.send_due(after(30))
    assert (sent(made), len(set(asked(made)))) == (4, 4)


def test_a_changed_request_goes_on_with_its_new_hour():
    made = world()
    begin(made, answer_by=START)
    earlier = START - 24 * HOUR
    services.modify(made, by=make.requester(), at=after(5), starts_at=earlier, ends_at=earlier + HOUR)
    waves.send_due(after(30))
    assert (sent(made), made.offers.latest("id").answer_by) == (4, earlier)


# Ends


def test_waves_end_when_somebody_accepts():
    made = world()
    plan = begin(made)
    offers.accept(made, by=made.offers.first().interpreter, at=after(2))
    assert (waves.send_due(after(3)), end_of(plan), sent(made)) == (0, End.TAKEN, 2)


def test_waves_end_when_the_request_is_assigned_to_somebody_else():
    made = world()
    plan = begin(made)
    services.assign(made, make.alice(), by=make.coordinator(), at=after(2), note="Entente")
    assert (waves.send_due(after(30)), end_of(plan), sent(made)) == (0, End.TAKEN, 2)


def test_waves_end_although_the_one_who_accepted_withdrew_within_the_minute():
    made = world()
    plan = begin(made)
    holder = made.offers.first().interpreter
    offers.accept(made, by=holder, at=after(2))
    services.mark_unallocated(made, by=holder, at=after(2))
    assert (waves.send_due(after(30)), end_of(plan), sent(made)) == (0, End.TAKEN, 2)


def test_waves_end_when_the_request_is_cancelled_even_if_it_is_reinstated_since():
    made = world()
    plan = begin(made)
    services.cancel(made, by=make.coordinator(), at=after(2), reason=CancellationReason.BI_ERROR)
    services.reinstate(made, by=make.coordinator(), at=after(2), note="Par erreur")
    assert (waves.send_due(after(30)), end_of(plan), sent(made)) == (0, End.CLOSED, 2)


def test_waves_end_when_nobody_is_left():
    made = world(2)
    plan = begin(made)
    assert (waves.send_due(after(30)), end_of(plan), sent(made)) == (0, End.NOBODY_LEFT, 2)


@pytest.mark.parametrize(("minutes", "end"), [(25, End.TOO_LATE), (44, End.TOO_LATE), (45, "")])
def test_waves_end_when_the_deadline_leaves_no_time_to_answer(minutes, end):
    made = world()
    plan = begin(made, answer_by=after(minutes))
    assert (waves.send_due(after(30)), end_of(plan)) == (0 if end else 1, end)


def test_waves_end_at_the_start_of_the_service_which_may_have_come_earlier():
    made = world()
    plan = begin(made)
    soon = after(20)
    services.modify(made, by=make.requester(), at=after(5), starts_at=soon, ends_at=soon + HOUR)
    assert (waves.send_due(after(30)), end_of(plan), sent(made)) == (0, End.TOO_LATE, 2)


def test_waves_end_when_a_coordinator_stops_them_and_the_offers_stay_open():
    made = world()
    plan = begin(made)
    waves.stop(made, by=make.coordinator(), at=after(2))
    assert (waves.send_due(after(30)), end_of(plan), asked(made, state="open")) == (0, End.STOPPED, asked(made))


def test_other_waves_may_be_begun_once_the_first_are_over():
    made = world()
    begin(made)
    waves.stop(made, by=make.coordinator(), at=after(2))
    begin(made, at=after(3))
    assert sent(made) == 4


# At night


@pytest.mark.parametrize(
    ("due", "leaves"),
    [("03 20:59", "03 20:59"), ("03 21:00", "04 07:00"), ("04 06:59", "04 07:00"), ("04 07:00", "04 07:00")],
)
def test_a_wave_of_the_night_waits_for_the_morning(due, leaves):
    assert waves.awake(local(f"2025-03-{due}"), START) == local(f"2025-03-{leaves}")


def test_a_wave_of_the_night_does_not_wait_when_the_service_is_within_a_day():
    night = local("2025-03-05 22:00")
    assert waves.awake(night, night + 24 * HOUR) == night
    assert waves.awake(night, night + 24 * HOUR + MINUTES) == local("2025-03-06 07:00")


def test_waves_sleep_even_when_all_have_refused_and_the_plan_says_so():
    made, evening = world(), local("2025-03-03 20:45")
    plan = begin(made, at=evening)
    refuse_all(made, at=evening + 20 * MINUTES)
    assert [waves.send_due(evening + 20 * MINUTES), sent(made)] == [0, 2]
    plan.refresh_from_db()
    assert plan.next_at == local("2025-03-04 07:00")
    assert [waves.send_due(plan.next_at), sent(made)] == [1, 4]


# What is refused


def test_waves_are_not_begun_twice():
    made = world()
    begin(made)
    with pytest.raises(NotAllowed, match="déjà en cours"):
        begin(made, at=after(1))
    assert sent(made) == 2


def test_waves_to_nobody_are_refused():
    with pytest.raises(NotAllowed, match="personne dans la liste"):
        begin(make.unallocated())


@pytest.mark.parametrize(("given", "sentence"), [({"size": 21}, "1 à 20"), ({"every": 4}, "5 minutes à 24 heures")])
def test_a_wave_that_is_too_large_or_too_quick_is_refused_and_nobody_is_asked(given, sentence):
    made = world(2)
    with pytest.raises(NotAllowed, match=sentence):
        begin(made, **given)
    assert sent(made) == 0


@pytest.mark.parametrize("who", [make.alice, make.requester, make.validator])
def test_only_a_coordinator_stops_waves(who):
    made = world()
    begin(made)
    with pytest.raises(NotAllowed, match="Votre rôle"):
        waves.stop(made, by=who(), at=after(1))
    assert waves.running(made)


def test_a_first_wave_that_leaves_no_time_to_answer_is_refused():
    made = world()
    with pytest.raises(NotAllowed, match="au moins 15"):
        begin(made, answer_by=after(14))
    assert (sent(made), WavePlan.objects.count()) == (0, 0)


def test_waves_that_do_not_run_are_not_stopped():
    with pytest.raises(NotAllowed, match="Aucun envoi par vagues"):
        waves.stop(make.unallocated(), by=make.coordinator(), at=NOW)


def test_waves_of_a_request_changed_since_its_page_was_opened_are_refused():
    made = world()
    services.modify(made, by=make.requester(), at=NOW, ends_at=made.ends_at + HOUR)
    with pytest.raises(NotAllowed, match="a changé"):
        begin(made, version=made.version - 1)
    assert (sent(made), WavePlan.objects.count()) == (0, 0)


# The worker


def test_what_one_plan_meets_does_not_stop_the_others(caplog):
    broken, sound = world(), make.unallocated()
    for made in (broken, sound):
        begin(made)
    # Another program's row, that no offer can follow: the numbers of its waves have no next one.
    WavePlan.objects.filter(service_request=broken).update(sent=32767)
    assert (waves.send_due(after(30)), sent(broken), sent(sound)) == (1, 2, 4)
    assert f"request {broken.pk}" in caplog.text and caplog.records[-1].levelname == "ERROR"


def test_one_offer_that_does_not_expire_does_not_keep_the_others_open():
    stuck, sound = (make.pending(make.alice(), starts_at=start) for start in (START, START + 24 * HOUR))
    # Another program's row: closed on its own, its request still waits for it, and the table has no such step.
    make.ServiceRequest.objects.filter(pk=stuck.pk).update(status=Status.RESERVED, interpreter=make.bob())
    assert offers.expire_due.__wrapped__(START + 25 * HOUR) == 1
    assert sound.offers.get().state == Offer.State.EXPIRED


def test_a_refused_wave_is_logged_without_its_sentence(caplog):
    made = world()
    begin(made)
    WavePlan.objects.update(by=make.alice())
    caplog.set_level("INFO", logger="requests_app.offers")
    with transaction.atomic():
        offers.attempted(waves.stop, made, by=make.alice(), at=after(1))
    assert [(line.levelname, line.getMessage()) for line in caplog.records if line.name == "requests_app.offers"] == [
        ("INFO", f"stop of request {made.pk}: NotAllowed")
    ]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_wave_once():
    requests = [world()] + [make.unallocated() for _ in range(2)]
    for made in requests:
        begin(made)
    # Without `alone`: what holds is the plan itself.
    run_together([lambda: waves.send_due.__wrapped__(after(30))] * 2)
    assert [sent(made) for made in requests] == [4, 4, 4]


def run_together(acts):
    def run(act):
        try:
            act()
        finally:
            connection.close()

    threads = [Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


@contextmanager
def held_elsewhere(plan):
    """Another worker has just taken the plan."""
    with transaction.atomic():
        WavePlan.objects.select_for_update().get(pk=plan.pk)
        yield


@pytest.mark.django_db(transaction=True)
def test_a_plan_that_another_worker_holds_is_left_to_it():
    made = world()
    plan = begin(made)
    with held_elsewhere(plan):
        run_together([lambda: waves.send_due.__wrapped__(after(30))])
    assert sent(made) == 2


@pytest.mark.django_db(transaction=True)
def test_a_wave_about_to_leave_when_a_coordinator_stops_it_is_the_last():
    made = world()
    begin(made)
    run_together(
        [
            lambda: waves.send_due.__wrapped__(after(30)),
            lambda: waves.stop(made, by=User.objects.get(username="corinne"), at=after(30)),
        ]
    )
    before = sent(made)
    assert (before in (2, 4), waves.send_due(NOW + 3 * HOUR), sent(made)) == (True, 0, before)
