"""The coordinator's pages: offer, retract, assign, reassign, « Marquer comme non alloué », reinstate."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import InterpreterProfile
from requests_app import exchanges, offers, services
from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.pages import ago, ahead, errors, form_with, forms, press, said, signed_in, written

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


# Offering


def test_a_request_is_offered_to_several_interpreters_at_once(bi):
    made, chosen = coming(), [make.alice().pk, make.bob().pk]
    answer = press(bi, page_of(made, "offrir"), "Envoyer la demande", interpreters=chosen)
    assert (answer.url, status_of(made)) == (f"/demandes/{made.pk}/", Status.PENDING)
    assert set(made.offers.values_list("interpreter", flat=True)) == set(chosen)


def test_the_number_of_interpreters_asked_is_said(bi):
    made = coming()
    press(bi, page_of(made, "offrir"), "Envoyer la demande", interpreters=[make.alice().pk, make.bob().pk])
    assert "La demande est envoyée à 2 interprètes." in said(bi.get(f"/demandes/{made.pk}/"))


def test_an_offer_waits_until_the_hour_typed(bi):
    made = coming()
    day = f"{ahead(3):%Y-%m-%d}"
    given = {"interpreters": make.alice().pk, "answer_date": day, "answer_time": "13h"}
    press(bi, page_of(made, "offrir"), "Envoyer la demande", **given)
    assert made.offers.get().answer_by == ahead(3)


def test_the_form_proposes_an_answer_by_the_next_day_in_office_hours(bi):
    made = coming()
    make.alice()
    press(bi, page_of(made, "offrir"), "Envoyer la demande", interpreters=make.alice().pk)
    assert made.offers.get().answer_by == ahead(1, hour=17)


def test_only_speakers_of_the_language_who_are_free_are_proposed(bi):
    made, names = coming(), ["Alice", "Bob", "Charlie", "Denis"]
    for name in names:
        make.interpreter(name)
    InterpreterProfile.objects.get(user=make.bob()).languages.set([make.language("arabe")])
    coming(make.reserved, make.charlie())
    page = said(bi.get(page_of(made, "offrir")))
    assert [name for name in names if f"Nom-de-{name}" in page] == ["Alice", "Denis"]


def test_who_was_already_asked_is_not_proposed_again(bi):
    made = coming(make.pending, make.alice())
    make.bob()
    page = said(bi.get(page_of(made, "offrir")))
    assert ("Nom-de-Alice" in page, "Nom-de-Bob" in page) == (False, True)


def test_nobody_free_is_said(bi):
    page = said(bi.get(page_of(coming(), "offrir")))
    assert "Aucun interprète libre" in page


def test_interpreters_are_looked_for_by_name(bi):
    made = coming()
    make.alice(), make.bob()
    page = said(bi.get(page_of(made, "offrir"), {"nom": "nom-de-b"}))
    assert ("Nom-de-Alice" in page, "Nom-de-Bob" in page) == (False, True)


def test_an_offer_to_nobody_is_an_error_beside_the_names(bi):
    made = coming()
    make.alice()
    page = press(bi, page_of(made, "offrir"), "Envoyer la demande")
    assert (page.status_code, errors(page)) == (422, {"interpreters": "Erreur : Choisissez au moins un interprète."})
    assert status_of(made) == Status.UNALLOCATED


def test_an_answer_expected_in_the_past_is_an_error_beside_the_time(bi):
    made = coming()
    given = {"interpreters": make.alice().pk, "answer_date": f"{ago(1):%Y-%m-%d}"}
    page = press(bi, page_of(made, "offrir"), "Envoyer la demande", **given)
    sentence = "Erreur : Le délai de réponse doit être dans le futur."
    assert (page.status_code, errors(page)) == (422, {"answer_time": sentence})


def test_who_was_booked_meanwhile_is_an_error_beside_the_names(bi):
    made = coming()
    form = form_with(bi.get(page_of(made, "offrir") + f"?x={make.alice()}"), "Envoyer la demande")
    coming(make.reserved, make.alice())
    page = form.send(bi, page_of(made, "offrir"), interpreters=make.alice().pk)
    sentence = "Erreur : Une des personnes choisies n’est plus libre à ce moment."
    assert (page.status_code, errors(page)) == (422, {"interpreters": sentence})


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


# Assigning and reassigning


def test_a_request_is_assigned_with_a_note(bi):
    made = coming()
    given = {"interpreter": make.alice().pk, "note": "Entente par téléphone"}
    press(bi, page_of(made, "attribuer"), "Attribuer", **given)
    step = made.transitions.last()
    assert (status_of(made), step.interpreter, step.note) == (Status.RESERVED, make.alice(), "Entente par téléphone")


@pytest.mark.parametrize("field", ["interpreter", "note"])
def test_assigning_asks_for_a_person_and_a_note(bi, field):
    made = coming()
    given = {"interpreter": make.alice().pk, "note": "Entente"} | {field: None}
    page = press(bi, page_of(made, "attribuer"), "Attribuer", **given)
    assert (page.status_code, list(errors(page)), status_of(made)) == (422, [field], Status.UNALLOCATED)


def test_a_reserved_request_is_given_to_another_interpreter(bi):
    made = coming(make.reserved, make.alice())
    page = press(bi, page_of(made, "attribuer"), "Réattribuer", interpreter=make.bob().pk, note="Alice est malade")
    made.refresh_from_db()
    assert (page.status_code, made.status, made.interpreter) == (302, Status.RESERVED, make.bob())


def test_who_has_the_request_is_not_proposed_to_take_it_over(bi):
    made = coming(make.reserved, make.alice())
    make.bob()
    page = bi.get(page_of(made, "attribuer"))
    assert f'value="{make.alice().pk}"' not in page.content.decode()


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
