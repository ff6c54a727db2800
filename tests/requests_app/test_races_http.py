"""Races on the real server: browsers let go together on several processes, as in service (reliability, A3, B1–B3, B9).

One request serves all the rounds of a test, put back by hand. The control that several would win without the guard is
in test_races.
"""

from collections import Counter

import pytest
from django.utils import timezone

from accounts.models import Notification
from accounts.roles import Role
from requests_app import offers, services
from requests_app.answers import address_of
from requests_app.models import Offer, Transition
from requests_app.workflow import Action, Status
from tests import make
from tests.counts import rounds
from tests.pages import ago, ahead
from tests.requests_app.test_races import NOT_CANCELLED, fresh, reset
from tests.visitors import Browser, Said, statuses, together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = max(4, rounds("race") // 10)
GONE = "Cette demande n’est plus disponible."
PLACE = ["Clinique des Érables", "1, rue de l’Essai", "CHUM"]


def page_of(made) -> str:
    return f"/demandes/{made.pk}/"


def leaks(answer: Said) -> list[str]:
    return [word for word in [*make.PERSONAL.values(), *PLACE] if word in answer.text]


def told(user) -> Counter:
    """What a person was told so far: (topic, reason)."""
    rows = Notification.objects.filter(user=user, channel="email")
    return Counter((row.topic, row.context.get("reason", "")) for row in rows)


# A3: what is lost is lost at once


def test_a3_a_tab_left_open_on_a_request_withdrawn_from_is_dead(server):
    made, alice = make.reserved(at=ago(5), starts_at=ahead()), Browser(server, make.alice())
    assert alice.open(page_of(made)).status == 200
    tabs = [alice.fill(f"{page_of(made)}ecrire/", "Envoyer", body="Bonjour"), alice.fill(page_of(made), "Envoyer")]
    assert alice.fill(f"{page_of(made)}desistement/", "Confirmer")().status == 302
    for answer in [tab() for tab in tabs]:
        assert (answer.status, GONE in answer.text, leaks(answer)) == (409, True, [])
    for name in ("", "ecrire/", "desistement/", "achevement/", "pieces/"):
        answer = alice.open(f"{page_of(made)}{name}")
        assert (answer.status, GONE in answer.text, leaks(answer)) == (404, True, [])


def test_a3_a_page_opened_while_its_reader_withdraws_is_whole_or_gone(server):
    made, alice = make.reserved(at=ago(5), starts_at=ahead()), Browser(server, make.alice())
    for _ in range(ROUNDS):
        reset(made, Status.RESERVED, interpreter=make.alice())
        leave = alice.fill(f"{page_of(made)}desistement/", "Confirmer")
        left, *read = together(leave, *[lambda: alice.open(page_of(made))] * 3)
        assert left.status == 302
        assert all((answer.status, GONE in answer.text) in ((200, False), (404, True)) for answer in read)
        again = alice.open(page_of(made))
        assert (again.status, leaks(again)) == (404, [])


# B1: one winner


NAMES = ["Alice", "Bob", "Charlie", "Denise", "Émile", "Flora", "Gaston", "Hélène"]


def by_page(server, offer):
    """Somebody on the page of their offer, about to press « Accepter »."""
    return Browser(server, offer.interpreter).fill(page_of(offer.service_request), "Accepter")


def by_link(server, offer):
    """The same, on the page that the message's link opens, without a session."""
    return Browser(server).fill(address_of(offer), "Accepter")


def asked(made) -> list[Offer]:
    related = ("interpreter", "service_request")
    return list(made.offers.order_by("interpreter_id").select_related(*related))


WAYS = pytest.mark.parametrize(("way", "refusal"), [(by_page, 409), (by_link, 410)])


@WAYS
def test_b1_of_eight_who_accept_at_once_exactly_one_has_the_request(server, way, refusal):
    users = [make.interpreter(name) for name in NAMES]
    made = make.pending(*users, at=ago(2), starts_at=ahead())
    for _ in range(ROUNDS):
        reset(made, Status.PENDING, interpreter=None)
        said_to = together(*[way(server, offer) for offer in asked(made)])
        lost = [answer for answer in said_to if answer.status != 302]
        assert Counter(statuses(said_to)) == {302: 1, refusal: 7}
        assert fresh(made.pk).interpreter == users[statuses(said_to).index(302)]
        assert {(GONE in answer.text, *leaks(answer)) for answer in lost} == {(True,)}
    assert made.transitions.filter(action=Action.ACCEPT).count() == ROUNDS
    topics = set(Notification.objects.filter(user__in=users).values_list("topic", flat=True))
    assert topics == {"offered", "offer_gone"}


def test_b1_one_person_who_accepts_four_times_at_once_by_page_and_by_link_accepts_once(server):
    made = make.pending(at=ago(2), starts_at=ahead())
    for number in range(1, ROUNDS + 1):
        reset(made, Status.PENDING, interpreter=None)
        said_to = together(*[way(server, *asked(made)) for way in (by_page, by_link) * 2])
        assert Counter(statuses(said_to)) == {302: 1, 409: 3}
        assert made.transitions.filter(action=Action.ACCEPT).count() == number


def test_b1_who_lost_is_told_why_and_nothing_else(server):
    made = make.pending(make.alice(), make.bob(), at=ago(2), starts_at=ahead())
    said_to = together(*[by_page(server, offer) for offer in asked(made)])
    loser = [make.alice(), make.bob()][statuses(said_to).index(409)]
    assert told(loser)["offer_gone", offers.TAKEN] == 1
    assert set(told(loser)) == {("offered", ""), ("offer_gone", offers.TAKEN)}


# B2: an acceptance and what a coordinator does at the same instant


def check_cancelled(row, is_accepted):
    assert (row.status, row.interpreter) == (
        (Status.RESERVED, make.alice()) if is_accepted else (Status.CANCELLED, None)
    )


def check_assigned(row, is_accepted):
    assert (row.status, row.interpreter) == (Status.RESERVED, make.alice() if is_accepted else make.bob())


def check_modified(row, is_accepted):
    assert row.status == (Status.RESERVED if is_accepted else Status.PENDING)


CANCELS = ("{}annuler/", "Annuler la demande", {"reason": "bi_error"}, check_cancelled)
ASSIGNS = ("/bi{}attribuer/", "Attribuer", {"note": "Entente par téléphone"}, check_assigned)
MODIFIES = ("{}modifier/", "Enregistrer la modification", {"professional_name": "Dre Autre"}, check_modified)


ACTS = pytest.mark.parametrize("act", [CANCELS, ASSIGNS, MODIFIES], ids=["cancel", "assign", "modify"])


def does(server, made, act):
    """A coordinator on the page of an act, about to press its button."""
    address, button, typed, _ = act
    typed = typed | ({"interpreter": make.bob().pk} if act is ASSIGNS else {})
    return Browser(server, make.coordinator()).fill(address.format(page_of(made)), button, **typed)


@ACTS
@WAYS
def test_b2_an_acceptance_and_a_coordinator_have_one_order(server, way, refusal, act):
    make.bob()
    made = make.pending(at=ago(2), starts_at=ahead())
    for number in range(ROUNDS):
        reset(made, Status.PENDING, interpreter=None, professional_name=f"Dre {number}", **NOT_CANCELLED)
        accepted, acted = together(way(server, *asked(made)), does(server, made, act))
        row, is_accepted = fresh(made.pk), accepted.status == 302
        is_changed = act is MODIFIES and not is_accepted  # the offer still waits, as it now is
        assert accepted.status in (302, 409 if is_changed else refusal)
        assert acted.status == (409 if is_accepted else 302)
        act[-1](row, is_accepted)
        assert row.offers.filter(state=Offer.State.OPEN).exists() is (row.status == Status.PENDING)
        assert leaks(accepted) == []


@ACTS
def test_b2_a_coordinator_who_came_second_reads_who_came_first(server, act):
    make.bob()
    made = make.pending(at=ago(2), starts_at=ahead())
    late = does(server, made, act)
    assert by_page(server, *asked(made))().status == 302
    answer = late()
    assert (answer.status, "La demande a changé depuis que vous l’avez ouverte." in answer.text) == (409, True)
    assert "Acceptée par Alice Nom-de-Alice" in answer.text


WHY = {
    CANCELS[0]: "La demande a été annulée.",
    ASSIGNS[0]: "La demande a été attribuée à une autre personne.",
}


@pytest.mark.parametrize("act", [CANCELS, ASSIGNS], ids=["cancel", "assign"])
@WAYS
def test_b2_who_accepts_what_was_just_closed_reads_that_it_is_gone_and_is_told_why(server, way, refusal, act):
    make.bob()
    made = make.pending(at=ago(2), starts_at=ahead())
    late = way(server, *asked(made))
    assert does(server, made, act)().status == 302
    answer = late()
    assert (answer.status, GONE in answer.text, leaks(answer)) == (refusal, True, [])
    assert told(make.alice())["offer_gone", WHY[act[0]]] == 1


@WAYS
def test_b2_who_accepts_what_was_just_modified_is_shown_it_again(server, way, refusal):
    made = make.pending(at=ago(2), starts_at=ahead())
    late = way(server, *asked(made))
    assert does(server, made, MODIFIES)().status == 302
    answer = late()
    assert (answer.status, fresh(made.pk).status, leaks(answer)) == (409, Status.PENDING, [])
    assert "La demande a changé depuis que vous l’avez ouverte." in answer.text
    assert ("offer_changed", "") in told(make.alice())


# B2: two coordinators on one request


OFFERS = ("/bi{}offrir/", "Envoyer la demande", {}, None)
PAIRS = {
    "assign and assign": (ASSIGNS, ASSIGNS),
    "assign and cancel": (ASSIGNS, CANCELS),
    "assign and modify": (ASSIGNS, MODIFIES),
    "offer and cancel": (OFFERS, CANCELS),
    "offer and assign": (OFFERS, ASSIGNS),
    "modify and cancel": (MODIFIES, CANCELS),
}


def second_coordinator():
    return make.person("Corentin", Role.COORDINATOR)


def two(server, made, pair):
    """Each on the page of an act, with a person of their own to choose."""
    people = [(make.coordinator(), make.bob()), (second_coordinator(), make.charlie())]
    for act, (by, chosen) in zip(pair, people, strict=True):
        address, button, typed, _ = act
        given = {"interpreter": chosen.pk} if act is ASSIGNS else {"interpreters": [chosen.pk]} if act is OFFERS else {}
        yield Browser(server, by).fill(address.format(page_of(made)), button, **typed | given)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_b2_of_two_coordinators_at_once_the_second_is_shown_what_the_first_did(server, pair):
    made = make.unallocated(at=ago(2), starts_at=ahead())
    for number in range(ROUNDS):
        reset(made, Status.UNALLOCATED, interpreter=None, professional_name=f"Dre {number}", **NOT_CANCELLED)
        made.offers.update(state=Offer.State.RETRACTED, closed_at=timezone.now())
        steps = made.transitions.count()
        answers = together(*two(server, made, pair))
        assert sorted(statuses(answers)) == [302, 409]
        assert made.transitions.count() == steps + 1
        late, winner = (0, "Corentin") if answers[0].status == 409 else (1, "Corinne")
        assert f"{winner} Nom-de-{winner}" in answers[late].text


# B3: two overlapping requests, two tabs


def test_b3_of_two_overlapping_requests_accepted_in_two_tabs_one_is_refused(server):
    first, second = (make.pending(at=ago(2), starts_at=ahead(14, hour)) for hour in (13, 14))
    alice = Browser(server, make.alice())
    for _ in range(ROUNDS):
        for made in (first, second):
            reset(made, Status.PENDING, interpreter=None)
        said_to = together(*(alice.fill(page_of(made), "Accepter") for made in (first, second)))
        assert sorted(statuses(said_to)) == [302, 409]
        refusal = next(answer for answer in said_to if answer.status == 409)
        assert ("Vous avez déjà une demande réservée à ce moment." in refusal.text, leaks(refusal)) == (True, [])
        assert [fresh(made.pk).status == Status.RESERVED for made in (first, second)] == [
            status == 302 for status in statuses(said_to)
        ]


def test_b3_the_other_offer_expires_and_its_holder_is_told(server):
    first, second = (make.pending(at=ago(2), starts_at=ahead(14, hour)) for hour in (13, 14))
    assert Browser(server, make.alice()).fill(page_of(first), "Accepter")().status == 302
    assert offers.expire_due() == 1
    assert fresh(second.pk).status == Status.UNALLOCATED
    assert told(make.alice())["offer_gone", "Vous avez accepté une autre demande à ce moment."] == 1


# B9: nobody consents to a change in silence


def later(made, hours=1):
    """The same day, later: a coordinator agreed on it by telephone."""
    made = fresh(made.pk)
    times = {"starts_at": made.starts_at + hours * make.HOUR, "ends_at": made.ends_at + hours * make.HOUR}
    services.modify(made, by=make.coordinator(), at=timezone.now(), note="Entente par téléphone", **times)


SEEN = "J’ai pris connaissance de la modification"


def test_b9_the_page_of_an_older_change_does_not_acknowledge_the_newer(server):
    made, alice = make.reserved(at=ago(5), starts_at=ahead()), Browser(server, make.alice())
    later(made)
    old_page = alice.fill(page_of(made), SEEN)
    later(made)
    answer = old_page()
    assert (answer.status, fresh(made.pk).status) == (409, Status.MODIFIED)
    assert "La demande a changé de nouveau depuis que vous l’avez ouverte." in answer.text
    assert alice.fill(page_of(made), SEEN)().status == 302
    assert fresh(made.pk).status == Status.RESERVED


def test_b9_a_change_and_what_acknowledges_the_one_before_have_one_order(server):
    made, alice, corinne = make.modified(at=ago(5), starts_at=ahead()), *_both(server)
    for number in range(ROUNDS):
        reset(made, Status.MODIFIED, professional_name=f"Dre {number}")
        change = corinne.fill(f"{page_of(made)}modifier/", MODIFIES[1], **MODIFIES[2])
        said_to = together(alice.fill(page_of(made), SEEN), change)
        assert sorted(statuses(said_to)) == [302, 409]
        assert fresh(made.pk).status == (Status.RESERVED if said_to[0].status == 302 else Status.MODIFIED)


def _both(server):
    return Browser(server, make.alice()), Browser(server, make.coordinator())


def test_b9_opening_the_page_acknowledges_nothing(server):
    made, alice = make.modified(at=ago(5), starts_at=ahead()), Browser(server, make.alice())
    assert alice.open(page_of(made)).status == alice.open("/").status == 200
    assert (fresh(made.pk).status, Transition.objects.filter(action=Action.ACKNOWLEDGE).count()) == (Status.MODIFIED, 0)


def test_b9_a_change_over_another_booking_is_refused(server):
    made, other = (make.reserved(at=ago(5), starts_at=ahead(14, hour)) for hour in (10, 13))
    corinne = Browser(server, make.coordinator())
    answer = corinne.fill(f"{page_of(made)}modifier/", MODIFIES[1], start_time="12h30", note="Entente")()
    assert (answer.status, fresh(made.pk).status) == (409, Status.RESERVED)
    assert "a déjà une demande à ce moment" in answer.text


def test_b9_the_right_to_withdraw_lasts_until_the_change_is_acknowledged(server):
    kept, left = (make.reserved(at=ago(5), starts_at=timezone.now() + hours * make.HOUR) for hours in (20, 30))
    alice = Browser(server, make.alice())
    for made in (kept, left):
        later(made)
    too_late = alice.fill(f"{page_of(kept)}desistement/", "Confirmer")
    assert alice.fill(page_of(kept), SEEN)().status == 302
    assert (too_late().status, fresh(kept.pk).status) == (409, Status.RESERVED)
    assert alice.fill(f"{page_of(left)}desistement/", "Confirmer")().status == 302
    assert fresh(left.pk).status == Status.UNALLOCATED
