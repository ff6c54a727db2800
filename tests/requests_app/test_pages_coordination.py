"""The coordinator's pages: retract, « Marquer comme non alloué », reinstate; to whom the steps are closed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from requests_app import exchanges, offers, services
from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.pages import ago, ahead, errors, forms, press, said, signed_in, written

pytestmark = pytest.mark.django_db


def coming(build=make.unallocated, *interpreters, days=14, **fields):
    return build(*interpreters, at=ago(1), starts_at=ahead(days), **fields)


def page_of(made, name):
    return f"/bi/demandes/{made.pk}/{name}/"


def status_of(made):
    return ServiceRequest.objects.get(pk=made.pk).status


@pytest.fixture
def bi():
    return signed_in(make.coordinator())


# Retracting


def test_an_offer_is_retracted(bi):
    made = coming(make.pending, make.alice(), make.bob())
    held = made.offers.get(interpreter=make.alice())
    answer = bi.post(f"/bi/demandes/{made.pk}/offres/{held.interpreter_id}/retirer/")
    assert answer.url == f"/demandes/{made.pk}/"
    assert made.offers.get(pk=held.pk).state == "retracted"


def test_an_offer_answered_meanwhile_is_not_retracted(bi):
    made = coming(make.pending, make.alice(), make.bob())
    offers.refuse(made, by=make.alice(), at=ago(1))
    before = written(made)
    page = bi.post(f"/bi/demandes/{made.pk}/offres/{make.alice().pk}/retirer/")
    assert (page.status_code, "Cette offre n’est plus ouverte." in said(page)) == (409, True)
    assert written(made) == before


@pytest.mark.parametrize("number", [0, 999_999, 10**30])
def test_an_offer_that_never_was_is_not_found(bi, number):
    made = coming(make.pending, make.alice())
    assert bi.post(f"/bi/demandes/{made.pk}/offres/{number}/retirer/").status_code == 404


# Back to « Non alloué »


def test_a_coordinator_marks_a_request_unallocated_with_a_note(bi):
    made = coming(make.reserved, make.alice())
    press(bi, page_of(made, "non-alloue"), "Marquer comme non alloué", note="Alice a téléphoné")
    made.refresh_from_db()
    assert (made.status, made.interpreter, made.transitions.last().note) == (
        Status.UNALLOCATED,
        None,
        "Alice a téléphoné",
    )


def test_marking_unallocated_asks_for_a_note(bi):
    made = coming(make.reserved, make.alice())
    page = press(bi, page_of(made, "non-alloue"), "Marquer comme non alloué")
    assert (page.status_code, errors(page)) == (422, {"note": "Erreur : Une note est requise."})
    assert status_of(made) == Status.RESERVED


def test_a_cancelled_request_is_reinstated_with_a_note(bi):
    made = coming(make.cancelled, make.alice())
    press(bi, page_of(made, "retablir"), "Rétablir", note="Annulée par erreur")
    assert status_of(made) == Status.UNALLOCATED


def test_reinstating_asks_for_a_note(bi):
    made = coming(make.cancelled, make.alice())
    page = press(bi, page_of(made, "retablir"), "Rétablir")
    assert (page.status_code, errors(page), status_of(made)) == (
        422,
        {"note": "Erreur : Une note est requise."},
        Status.CANCELLED,
    )


# Urgent withdrawals


def urgent(hours=20):
    made = make.reserved(make.alice(), at=ago(3), starts_at=timezone.now() + timedelta(hours=hours))
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Je suis malade")
    return made


def test_an_urgent_withdrawal_is_read_on_the_request(bi):
    page = said(bi.get(f"/demandes/{urgent().pk}/"))
    assert "Désistement urgent demandé Je suis malade Accorder" in page


def test_an_urgent_withdrawal_is_granted_by_marking_unallocated(bi):
    made = urgent()
    press(bi, page_of(made, "non-alloue"), "Marquer comme non alloué", note="Accordé")
    assert (status_of(made), made.messages.get().urgency) == (Status.UNALLOCATED, "granted")


def test_an_urgent_withdrawal_is_declined_with_a_reply(bi):
    made = urgent()
    press(bi, f"/demandes/{made.pk}/", "Refuser le désistement", body="Personne d’autre n’est libre")
    assert (status_of(made), made.messages.first().urgency) == (Status.RESERVED, "declined")
    assert made.messages.last().body == "Personne d’autre n’est libre"


def test_declining_asks_for_a_reply_beside_its_own_field(bi):
    made = urgent()
    page = press(bi, f"/demandes/{made.pk}/", "Refuser le désistement", body=" ")
    assert (page.status_code, list(errors(page))) == (422, ["decline_body"])
    assert made.messages.get().urgency == "asked"


def test_declining_twice_is_refused(bi):
    made = urgent()
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=timezone.now(), reply="Non")
    page = bi.post(page_of(made, "refuser-desistement"), {"body": "Non"})
    assert (page.status_code, made.messages.count()) == (409, 2)


# What is refused


STEPS = {
    "offrir": (make.unallocated, make.pending),
    "attribuer": (make.unallocated, make.pending, make.reserved, make.modified),
    "non-alloue": (make.reserved, make.modified),
    "retablir": (make.cancelled,),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("build", make.BUILDERS.values(), ids=make.BUILDERS)
def test_a_page_opens_only_where_its_step_is_possible(bi, name, build):
    past = build in (make.provided, make.completed)
    made = build(at=ago(9), starts_at=ago(3) if past else ahead())
    page = bi.get(page_of(made, name))
    assert page.status_code == (200 if build in STEPS[name] else 409)


@pytest.mark.parametrize("name", ["offrir", "attribuer", "non-alloue", "retablir", "refuser-desistement"])
@pytest.mark.parametrize("user", [make.alice, make.requester, make.validator, make.administrator])
def test_the_pages_of_the_coordination_are_closed_to_others(name, user):
    made, client = coming(make.reserved, make.alice()), signed_in(user())
    before = written(made)
    answers = [client.post(page_of(made, name), {"note": "x", "version": made.version, "body": "x"}).status_code]
    answers += [client.get(page_of(made, name)).status_code] if name != "refuser-desistement" else []
    assert (set(answers), written(made)) == ({403}, before)


@pytest.mark.parametrize("name", ["attribuer", "non-alloue"])
def test_a_stale_page_is_refused_and_shows_what_changed(bi, name):
    made = coming(make.reserved, make.alice())
    make.bob()
    form = next(form for form in forms(bi.get(page_of(made, name))) if "note" in form.fields)
    longer = made.ends_at + timedelta(minutes=30)
    services.modify(made, by=make.requester(), at=ago(1), ends_at=longer)
    before = written(made)
    page = form.send(bi, page_of(made, name), note="Entente", interpreter=make.bob().pk)
    assert (page.status_code, written(made)) == (409, before)
    assert "Ce qui a changé depuis que vous avez ouvert la demande Modifiée" in said(page)
