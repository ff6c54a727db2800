"""Closing an account gives back what the person holds, in the same confirmation (domain.md, « Deactivating… »)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, User
from accounts.roles import Role
from accounts.services import Refused, reactivate
from requests_app import moves, offers, services
from requests_app.departures import duties_of, release_and_deactivate
from requests_app.models import Offer, ServiceRequest, Transition
from requests_app.workflow import ASSIGNED, Action, NotAllowed, Status
from tests import counts, make
from tests.counts import rounds
from tests.pages import ahead, errors, forms, press, said, signed_in, written
from tests.requests_app.test_races import contest, winners

pytestmark = pytest.mark.django_db
BUTTON = "Désactiver et libérer 1 demande"


def now():
    return timezone.now()


def address(user) -> str:
    return reverse("requests:deactivate", args=[user.pk])


def leaves(user, **given):
    return release_and_deactivate(user, by=make.administrator(), at=now(), reason="Départ à la retraite.", **given)


def booked(**fields):
    """A coming booking of Alice's, made a few days ago."""
    return make.reserved(at=now() - timedelta(days=3), **{"starts_at": ahead()} | fields)


def offered(*users, **fields):
    return make.pending(*users, at=now() - timedelta(days=3), **{"starts_at": ahead()} | fields)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


# What is released


def test_a_coming_booking_is_given_back_by_the_system_with_the_reason():
    made = booked()
    leaves(make.alice())
    step = made.transitions.latest("id")
    assert (fresh(made).status, fresh(made).interpreter) == (Status.UNALLOCATED, None)
    assert (step.by, step.interpreter, step.note) == (
        make.system(),
        make.alice(),
        "Compte désactivé\u00a0: Départ à la retraite.",
    )


def test_a_modified_booking_is_given_back_too():
    made = make.modified(at=now() - timedelta(days=3), starts_at=ahead())
    leaves(make.alice())
    assert fresh(made).status == Status.UNALLOCATED


def test_an_open_offer_expires_and_the_others_keep_theirs():
    made = offered(make.alice(), make.bob())
    leaves(make.alice())
    assert fresh(made).status == Status.PENDING
    assert made.offers.get(interpreter=make.alice()).state == Offer.State.EXPIRED
    assert made.offers.get(interpreter=make.bob()).state == Offer.State.OPEN


def test_the_last_open_offer_leaves_the_request_to_assign():
    made = offered(make.alice())
    leaves(make.alice())
    assert fresh(made).status == Status.UNALLOCATED


def test_the_requester_is_told_that_somebody_else_is_looked_for():
    made = booked()
    leaves(make.alice())
    told = Notification.objects.filter(about=f"request:{made.pk}", topic="withdrawn", state="due")
    assert [row.user for row in told] == [make.requester()]


def test_whoever_has_left_is_told_nothing():
    booked(), offered(make.alice(), starts_at=ahead(20))
    leaves(make.alice())
    assert not Notification.objects.filter(user=make.alice(), state="due").exists()


def test_communications_already_made_become_a_message_relay():
    made = booked()
    make.communication(made, made_at=now() - timedelta(days=1))
    leaves(make.alice())
    relay = made.relays.get()
    assert (relay.interpreter, relay.communications.count()) == (make.alice(), 1)


@pytest.mark.parametrize("status", [Status.PROVIDED, Status.CANCELLED, Status.COMPLETED])
def test_what_was_done_stays_theirs(status):
    made = make.request(status)
    before = written(made)
    leaves(make.alice())
    assert written(made) == before


def test_a_service_begun_stays_to_be_completed_on_their_behalf():
    made = booked(starts_at=now() - make.HOUR)
    leaves(make.alice())
    services.report(fresh(made), is_rendered=True, by=make.coordinator(), at=made.ends_at, note="En son nom.")
    assert (fresh(made).status, fresh(made).interpreter) == (Status.PROVIDED, make.alice())


def test_a6_the_account_is_closed_and_its_sessions_end_at_once():
    browser = signed_in(make.alice())
    leaves(make.alice())
    event = make.alice().events.get()
    assert browser.get("/").status_code == 302
    assert (event.kind, event.by, event.detail) == ("deactivated", make.administrator(), "Départ à la retraite.")


def test_a_refused_closing_releases_nothing():
    made = booked()
    with pytest.raises(Refused):
        release_and_deactivate(make.alice(), by=make.alice(), at=now(), reason="x")
    assert fresh(made).status == Status.RESERVED
    assert User.objects.get(pk=make.alice().pk).is_active


def test_what_was_not_listed_is_not_released():
    alice, made = make.alice(), booked()
    seen = duties_of(alice, at=now()).fingerprint
    other = booked(starts_at=ahead(20))
    with pytest.raises(moves.Stale):
        leaves(alice, seen=seen)
    assert [fresh(row).status for row in (made, other)] == [Status.RESERVED] * 2


def test_opening_the_account_again_gives_no_booking_back():
    made = booked()
    leaves(make.alice())
    reactivate(make.alice(), by=make.administrator(), at=now())
    assert fresh(made).interpreter is None


# Whoever has left gets nothing more


@pytest.mark.parametrize("verb", ["accept", "assign", "reassign"])
def test_whoever_has_left_gets_no_booking(verb):
    made = booked() if verb == "reassign" else offered(make.bob())
    bob, version = make.bob(), made.version
    User.objects.filter(pk=bob.pk).update(is_active=False)
    given = {"by": bob} if verb == "accept" else {"interpreter": bob, "by": make.coordinator(), "note": "Entente."}
    with pytest.raises(NotAllowed, match="actif"):
        getattr(offers if verb == "accept" else services, verb)(made, at=now(), version=version, **given)
    assert fresh(made).interpreter != bob


# The page


def test_the_page_lists_what_is_released_and_what_stays():
    made, open_offer = booked(), offered(make.alice(), starts_at=ahead(20))
    begun = booked(starts_at=now() - make.HOUR)
    page = signed_in(make.administrator()).get(address(make.alice()))
    text = said(page)
    assert "Désactiver et libérer 1 demande" in text
    assert [row.pk for row in page.context["duties"].bookings] == [made.pk]
    assert [row.service_request_id for row in page.context["duties"].offers] == [open_offer.pk]
    assert f"Demande {begun.pk}" in text and "Ce que la BI a validé reste dû" in text
    assert not any(word in page.content.decode() for word in make.PERSONAL.values())


def test_one_press_with_a_reason_does_it():
    made, client = booked(), signed_in(make.administrator())
    answer = press(client, address(make.alice()), BUTTON, reason="Retraite.")
    assert answer["Location"] == reverse("admin:accounts_user_change", args=[make.alice().pk])
    assert fresh(made).status == Status.UNALLOCATED
    assert "1 demande est libérée" in said(client.get(answer["Location"]))


def test_a_reason_is_required():
    made = booked()
    page = press(signed_in(make.administrator()), address(make.alice()), BUTTON)
    assert (page.status_code, errors(page)) == (422, {"reason": "Erreur : Indiquez le motif."})
    assert fresh(made).status == Status.RESERVED


def test_what_changed_meanwhile_is_shown_before_anything_is_done():
    made, client = booked(), signed_in(make.administrator())
    form = forms(client.get(address(make.alice())))[-1]
    services.cancel(made, by=make.requester(), at=now(), reason="by_requester")
    page = form.send(client, address(make.alice()), reason="Retraite.")
    assert page.status_code == 409
    assert "vient de changer" in said(page) and "Retraite." in page.content.decode()
    assert forms(page)[-1].send(client, address(make.alice())).status_code == 302


@pytest.mark.parametrize("who", [make.requester, make.coordinator, make.validator])
def test_for_whoever_holds_no_booking_the_page_simply_confirms(who):
    page = signed_in(make.administrator()).get(address(who()))
    assert "Désactiver le compte" in said(page)
    assert "Non alloué" not in said(page)


def test_oneself_and_a_closed_account_are_refused():
    adele = make.administrator()
    bob = make.bob()
    User.objects.filter(pk=bob.pk).update(is_active=False)
    client = signed_in(adele)
    for user, why in ((adele, "son propre compte"), (bob, "déjà inactif")):
        for page in (client.get(address(user)), client.post(address(user), {"reason": "x"})):
            assert page.status_code == 409 and why in said(page)


def test_the_system_and_nobody_are_not_found():
    client = signed_in(make.administrator())
    for pk in (make.system().pk, 999_999, 10**30):
        assert client.get(f"/comptes/{pk}/desactiver/").status_code == 404


def test_the_page_takes_a_fixed_number_of_queries(django_assert_num_queries):
    client = signed_in(make.administrator())
    booked(), offered(make.alice(), starts_at=ahead(40))
    with CaptureQueriesContext(connection) as few:
        client.get(address(make.alice()))
    for day in range(15, 20):
        booked(starts_at=ahead(day)), offered(make.alice(), starts_at=ahead(day + 20, hour=16))
    with django_assert_num_queries(len(few)):
        client.get(address(make.alice()))


# Races


def reopen(made, alice):
    """As before the round, behind the verbs' back."""
    ServiceRequest.objects.filter(pk=made.pk).update(status=Status.PENDING, interpreter=None)
    made.offers.update(state=Offer.State.OPEN, closed_at=None)
    User.objects.filter(pk=alice.pk).update(is_active=True)
    return fresh(made), fresh(alice)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["accept", "assign"])
def test_a6_no_booking_is_left_with_whoever_leaves(verb):
    """The acceptance, or the coordinator's assignment, goes before or is refused."""
    alice, made = make.alice(), offered(make.alice())
    by, adele, at = make.coordinator(), make.administrator(), now()
    take = offers.accept if verb == "accept" else services.assign
    with contest(2) as race:
        for _ in range(rounds("race") // 5):
            page, user = reopen(made, alice)
            given = (
                {"by": fresh(alice)} if verb == "accept" else {"interpreter": fresh(alice), "by": by, "note": "Oui."}
            )
            outcomes = race(
                lambda p=page, g=given: take(p, at=at, version=p.version, **g),
                lambda u=user: release_and_deactivate(u, by=adele, at=at, reason="Retraite."),
            )
            assert winners(outcomes)[1]
            assert not ServiceRequest.objects.filter(interpreter=alice, status__in=ASSIGNED).exists()
            assert not fresh(alice).is_active
    if counts.is_long and verb == "accept":  # of a few rounds, the acceptance may win each
        assert Transition.objects.filter(action=Action.EXPIRE).exists()


@pytest.mark.django_db(transaction=True)
def test_a6_of_two_administrators_who_close_each_other_one_stays():
    pair = [make.administrator(), make.person("Ada", Role.ADMINISTRATOR)]

    def closes(user, by):
        def act():
            try:
                release_and_deactivate(user, by=by, at=now(), reason="x")
            except Refused as refusal:
                raise NotAllowed(str(refusal)) from refusal

        return act

    with contest(2) as race:
        for _ in range(rounds("race") // 5):
            User.objects.filter(role=Role.ADMINISTRATOR).update(is_active=True)
            won = winners(race(closes(fresh(pair[0]), pair[1]), closes(fresh(pair[1]), pair[0])))
            assert sum(won) == 1
            assert User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).count() == 1
