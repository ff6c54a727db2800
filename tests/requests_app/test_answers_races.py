"""The signed link of an offer raced against all that may happen at the same instant (reliability, B1 to B3)."""

import pytest
from django.utils import timezone

from requests_app import offers, services
from requests_app.answers import address_of
from requests_app.models import CancellationReason, Offer
from requests_app.moves import Overlap
from requests_app.workflow import Action, NotAllowed, Status
from tests import make
from tests.counts import rounds
from tests.make import HOUR
from tests.pages import ahead, nobody
from tests.requests_app.test_races import NOT_CANCELLED, contest, fresh, reset, winners

pytestmark = pytest.mark.django_db(transaction=True)
# Each round is a whole request for each contestant.
ROUNDS = max(10, rounds("race") // 3)
NAMES = ["Alice", "Bob"]


def offered(*people, hour=13):
    at = timezone.now() - HOUR
    return make.pending(*people, at=at, starts_at=ahead(14, hour), answer_by=at + 24 * HOUR)


def by_link(made, user, action="accepter"):
    """Press a button of the link's page, about to; refused when the page says anything else than « done »."""
    offer, version = made.offers.get(interpreter=user), fresh(made.pk).version
    address, client = address_of(offer), nobody()

    def act():
        response = client.post(address, {"action": action, "version": version})
        if response.status_code != 302:
            raise NotAllowed(str(response.status_code))

    return act


def by_page(made, user):
    page = fresh(made.pk)
    return lambda: offers.accept(page, by=user, at=timezone.now(), version=page.version)


def accepted_by(made):
    return list(made.offers.filter(state=Offer.State.ACCEPTED).values_list("interpreter__first_name", flat=True))


def test_B1_of_two_links_opened_at_once_one_has_the_request():
    users = [make.alice(), make.bob()]
    made = offered(*users)
    with contest(2) as race:
        for _ in range(ROUNDS):
            reset(made, Status.PENDING, interpreter=None)
            won = winners(race(*(by_link(made, user) for user in users)))
            assert sum(won) == 1
            assert (fresh(made.pk).interpreter, accepted_by(made)) == (users[won.index(True)], [NAMES[won.index(True)]])
    assert made.transitions.filter(action=Action.ACCEPT, by_link=True).count() == ROUNDS


def test_B1_a_link_and_a_page_at_once_give_the_request_to_one():
    made = offered(make.alice(), make.bob())
    with contest(2) as race:
        for _ in range(ROUNDS):
            reset(made, Status.PENDING, interpreter=None)
            won = winners(race(by_link(made, make.alice()), by_page(made, make.bob())))
            assert sum(won) == 1
            assert accepted_by(made) == [NAMES[won.index(True)]]


def test_B1_a_person_who_answers_by_the_link_and_on_the_page_answers_once():
    made = offered(make.alice())
    with contest(2) as race:
        for _ in range(ROUNDS):
            reset(made, Status.PENDING, interpreter=None)
            assert sum(winners(race(by_link(made, make.alice()), by_page(made, make.alice())))) == 1
    assert made.transitions.filter(action=Action.ACCEPT).count() == ROUNDS


def test_B1_a_link_that_accepts_and_refuses_at_once_answers_once():
    made = offered(make.alice())
    with contest(2) as race:
        for _ in range(ROUNDS):
            reset(made, Status.PENDING, interpreter=None)
            acts = [by_link(made, make.alice(), action) for action in ("accepter", "refuser")]
            accepted, refused = winners(race(*acts))
            assert accepted != refused
            assert fresh(made.pk).status == (Status.RESERVED if accepted else Status.UNALLOCATED)


def test_B2_a_link_and_a_cancellation_have_one_order():
    made, reason = offered(make.alice()), CancellationReason.BY_REQUESTER

    def cancels():
        page, by, at = fresh(made.pk), make.requester(), timezone.now()
        return lambda: services.cancel(page, by=by, at=at, version=page.version, reason=reason)

    with contest(2) as race:
        for _ in range(ROUNDS):
            reset(made, Status.PENDING, interpreter=None, **NOT_CANCELLED)
            accepted, cancelled = winners(race(by_link(made, make.alice()), cancels()))
            assert accepted != cancelled
            assert fresh(made.pk).status == (Status.RESERVED if accepted else Status.CANCELLED)


def test_B2_a_link_never_accepts_what_is_being_modified():
    made = offered(make.alice())

    def modifies(number):
        page, by, at = fresh(made.pk), make.requester(), timezone.now()
        return lambda: services.modify(page, by=by, at=at, version=page.version, professional_name=f"Dre {number}")

    with contest(2) as race:
        for number in range(ROUNDS):
            reset(made, Status.PENDING, interpreter=None)
            accepted, changed = winners(race(by_link(made, make.alice()), modifies(number)))
            assert accepted != changed
            assert fresh(made.pk).status == (Status.RESERVED if accepted else Status.PENDING)


def test_B3_of_two_overlapping_offers_answered_by_their_links_one_is_taken():
    pair = [offered(make.alice()), offered(make.alice(), hour=14)]
    with contest(2) as race:
        for _ in range(ROUNDS):
            for made in pair:
                reset(made, Status.PENDING, interpreter=None)
            outcomes = race(*(by_link(made, make.alice()) for made in pair))
            assert sorted(map(str, outcomes)) == ["409", "True"]
            assert [fresh(made.pk).status == Status.RESERVED for made in pair] == winners(outcomes)


def test_B3_a_link_does_not_take_what_overlaps_what_a_page_takes():
    first, second = offered(make.alice()), offered(make.alice(), hour=14)
    with contest(2) as race:
        for _ in range(ROUNDS):
            for made in (first, second):
                reset(made, Status.PENDING, interpreter=None)
            linked, paged = race(by_link(first, make.alice()), by_page(second, make.alice()))
            assert isinstance(paged, Overlap) if linked is True else (str(linked), paged) == ("409", True)
