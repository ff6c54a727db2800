"""Races on the real database: real threads let go together, and exactly one of them wins (reliability, B1 to B6).

One request serves all the rounds of a test: it is put back as it was by hand, behind the verbs' back.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import User
from requests_app import exchanges, moves, offers, services
from requests_app.departures import release_and_deactivate
from requests_app.models import CancellationReason, Communication, Offer, ServiceRequest
from requests_app.workflow import Action, NotAllowed, Status
from tests import make
from tests.counts import rounds
from tests.make import HOUR, NOW, START

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + HOUR


@contextmanager
def contest(size):
    """A race of `size` contestants, to be run as often as wanted; each thread keeps its own connection.

    An act does nothing but its verb: whatever it reads first would let the others go before.
    """
    barrier = Barrier(size, timeout=30)

    def run(act):
        barrier.wait()
        try:
            act()
        except NotAllowed as refusal:
            return refusal
        return True

    with ThreadPoolExecutor(size) as pool:
        # Everyone waits for everyone, so each thread has exactly one of the acts.
        try:
            yield lambda *acts: list(pool.map(run, acts))
        finally:
            list(pool.map(run, [lambda: connection.close()] * size))


def together(*acts):
    """A race run once; what each did: True, or the sentence that refused it."""
    with contest(len(acts)) as race:
        return [outcome if outcome is True else str(outcome) for outcome in race(*acts)]


def winners(outcomes):
    return [outcome is True for outcome in outcomes]


def reset(service_request, status, **fields):
    """Back to `status` for the next round, its offers open again when it is « En attente »."""
    ServiceRequest.objects.filter(pk=service_request.pk).update(status=status, **fields)
    if status == Status.PENDING:
        service_request.offers.update(state=Offer.State.OPEN, closed_at=None)
    return service_request.pk


def fresh(pk):
    return ServiceRequest.objects.get(pk=pk)


def accepts(pk, user):
    page = fresh(pk)
    return lambda: offers.accept(page, by=user, at=LATER, version=page.version)


def cancels(pk, at=LATER):
    page, by, reason = fresh(pk), make.requester(), CancellationReason.BY_REQUESTER
    return lambda: services.cancel(page, by=by, at=at, version=page.version, reason=reason)


NOT_CANCELLED = {
    "cancellation_reason": "",
    "notice_received_at": None,
    "notice_business_time": None,
    "is_late_cancellation": False,
}


def test_of_four_interpreters_who_accept_at_once_exactly_one_has_the_request():
    users = [make.interpreter(name) for name in ("Alice", "Bob", "Charlie", "Denise")]
    made = make.pending(*users)
    with contest(4) as race:
        for _ in range(rounds("race")):
            pk = reset(made, Status.PENDING, interpreter=None)
            won = winners(race(*(accepts(pk, user) for user in users)))
            assert sum(won) == 1
            assert fresh(pk).interpreter == users[won.index(True)]
    assert made.transitions.filter(action=Action.ACCEPT).count() == rounds("race")


def test_without_the_guard_several_would_win():
    """The negative control: reading, then saving, is how one request gets two interpreters."""
    users = [make.interpreter(name) for name in ("Alice", "Bob", "Charlie", "Denise")]
    made = make.pending(*users)

    def read_then_save(pk, user):
        def act():
            page = fresh(pk)
            if page.status != Status.PENDING:
                raise NotAllowed("Trop tard.")
            page.status, page.interpreter = Status.RESERVED, user
            page.save()

        return act

    most = 0
    with contest(4) as race:
        for _ in range(rounds("race")):
            pk = reset(made, Status.PENDING, interpreter=None)
            most = max(most, sum(winners(race(*(read_then_save(pk, user) for user in users)))))
    assert most > 1


def test_of_two_overlapping_requests_accepted_at_once_an_interpreter_gets_one():
    first, second = make.pending(make.alice()), make.pending(make.alice(), starts_at=START + HOUR)
    with contest(2) as race:
        for _ in range(rounds("race")):
            keys = [reset(made, Status.PENDING, interpreter=None) for made in (first, second)]
            outcomes = race(*(accepts(pk, make.alice()) for pk in keys))
            assert sum(winners(outcomes)) == 1
            assert isinstance(next(o for o in outcomes if o is not True), moves.Overlap)
            assert [fresh(pk).status == Status.RESERVED for pk in keys] == winners(outcomes)


def test_a_request_is_accepted_or_cancelled_and_never_both():
    made = make.pending(make.alice())
    with contest(2) as race:
        for _ in range(rounds("race")):
            pk = reset(made, Status.PENDING, interpreter=None, **NOT_CANCELLED)
            accepted, cancelled = winners(race(accepts(pk, make.alice()), cancels(pk)))
            row = fresh(pk)
            assert accepted != cancelled
            assert (row.status, row.interpreter) == (
                (Status.RESERVED, make.alice()) if accepted else (Status.CANCELLED, None)
            )
            assert not row.offers.filter(state=Offer.State.OPEN).exists()


def test_a_request_is_reported_or_cancelled_and_never_both():
    made = make.reserved(make.alice())
    end = START + make.LENGTH

    def reports(pk):
        page, by = fresh(pk), made.interpreter
        return lambda: services.report(page, is_rendered=True, by=by, at=end, version=page.version)

    with contest(2) as race:
        for _ in range(rounds("race")):
            pk = reset(made, Status.RESERVED, filed_by=None, **NOT_CANCELLED)
            reported, cancelled = winners(race(reports(pk), cancels(pk, at=end)))
            row = fresh(pk)
            assert reported != cancelled
            assert row.status == (Status.PROVIDED if reported else Status.CANCELLED)
            assert (row.filed_by is not None, row.notice_received_at is not None) == (reported, cancelled)


def test_when_the_last_two_refuse_at_once_the_request_is_non_alloue_once():
    made = make.pending(make.alice(), make.bob())

    def refuses(pk, user):
        page = fresh(pk)
        return lambda: offers.refuse(page, by=user, at=LATER)

    with contest(2) as race:
        for done in range(1, rounds("race") + 1):
            pk = reset(made, Status.PENDING)
            assert winners(race(refuses(pk, make.alice()), refuses(pk, make.bob()))) == [True, True]
            assert fresh(pk).status == Status.UNALLOCATED
            assert made.transitions.filter(action=Action.REFUSE, to_status=Status.UNALLOCATED).count() == done


def test_an_interpreter_does_not_accept_what_is_being_modified():
    made = make.pending(make.alice())
    times = [START + HOUR, START]

    def modifies(pk, starts_at):
        page, by = fresh(pk), make.requester()
        given = {"starts_at": starts_at, "ends_at": starts_at + make.LENGTH}
        return lambda: services.modify(page, by=by, at=LATER, version=page.version, **given)

    with contest(2) as race:
        for number in range(rounds("race")):
            pk = reset(made, Status.PENDING, interpreter=None, starts_at=times[number % 2 - 1])
            accepted, changed = winners(race(accepts(pk, make.alice()), modifies(pk, times[number % 2])))
            assert accepted != changed
            assert fresh(pk).status == (Status.RESERVED if accepted else Status.PENDING)


@pytest.mark.parametrize("others", [0, 1])
def test_an_offer_is_accepted_or_retracted_and_never_both(others):
    made = make.pending(make.alice(), *[make.bob()][:others])

    def retracts(pk):
        page, alice, by = fresh(pk), make.alice(), make.coordinator()
        return lambda: offers.retract(page, alice, by=by, at=LATER)

    left = Status.PENDING if others else Status.UNALLOCATED
    with contest(2) as race:
        for _ in range(rounds("race")):
            pk = reset(made, Status.PENDING, interpreter=None)
            accepted, retracted = winners(race(accepts(pk, make.alice()), retracts(pk)))
            row = fresh(pk)
            assert accepted != retracted
            assert row.status == (Status.RESERVED if accepted else left)
            state = row.offers.get(interpreter=make.alice()).state
            assert state == (Offer.State.ACCEPTED if accepted else Offer.State.RETRACTED)


def test_a_communication_is_never_left_behind_by_a_withdrawal():
    made = make.reserved(make.alice())

    def logs(pk):
        page, by = fresh(pk), make.alice()
        given = {"purpose": "confirmation", "made_at": NOW}
        return lambda: exchanges.log_communication(page, by=by, at=LATER, **given)

    def withdraws(pk):
        page, by = fresh(pk), make.alice()
        return lambda: services.mark_unallocated(page, by=by, at=LATER)

    with contest(2) as race:
        for _ in range(rounds("race")):
            pk = reset(made, Status.RESERVED, interpreter=make.alice())
            logged, withdrew = winners(race(logs(pk), withdraws(pk)))
            assert withdrew
            assert not made.communications.exists()
            assert Communication.objects.filter(service_request__relayed_from=pk).exists() is logged
            Communication.objects.all().delete()


def test_two_workers_close_an_offer_once():
    made = make.pending(make.alice(), make.bob(), answer_by=LATER)
    with contest(2) as race:
        for done in range(1, rounds("race") + 1):
            pk = reset(made, Status.PENDING)
            assert winners(race(*[lambda: offers.expire_due(LATER)] * 2)) == [True, True]
            assert fresh(pk).status == Status.UNALLOCATED
            assert made.transitions.filter(action=Action.EXPIRE).count() == 2 * done


def test_nobody_who_leaves_the_bank_is_left_with_an_offer():
    alice, made = make.alice(), make.unallocated()
    by, adele = make.coordinator(), make.administrator()
    with contest(2) as race:
        for _ in range(rounds("race") // 6):
            User.objects.filter(pk=alice.pk).update(is_active=True)
            page = fresh(reset(made, Status.UNALLOCATED))
            leaver, asked = (User.objects.get(pk=alice.pk) for _ in range(2))
            outcomes = race(
                lambda p=page, a=asked: offers.offer(p, [a], by=by, at=LATER, answer_by=START),
                lambda u=leaver: release_and_deactivate(u, by=adele, at=LATER, reason="Retraite."),
            )
            assert winners(outcomes)[1]
            assert not made.offers.filter(state=Offer.State.OPEN).exists()
