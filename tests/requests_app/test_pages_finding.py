"""« Offrir » and « Attribuer »: who is proposed, « Pourquoi pas X ? », what stays ticked, what is refused."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from requests_app import offers, services
from requests_app.finding_forms import usual_deadline
from requests_app.models import ServiceRequest, WavePlan
from requests_app.workflow import Status
from tests import make
from tests.pages import ago, ahead, errors, form_with, forms, press, said, signed_in, written

pytestmark = pytest.mark.django_db
OFFER, ASSIGN = "Envoyer la demande", "Attribuer"


def coming(build=make.unallocated, *interpreters, days=14, **fields):
    return build(*interpreters, at=ago(1), starts_at=ahead(days), **fields)


def page_of(made, name="offrir"):
    return f"/bi/demandes/{made.pk}/{name}/"


def status_of(made):
    return ServiceRequest.objects.get(pk=made.pk).status


def away(interpreter=make.alice):
    """Absent on the day of the requests made here: an obstacle that may be gone past."""
    return make.absence(interpreter(), starts_at=ahead(13), ends_at=ahead(16, 0))


def opened(bi, made, name="offrir", **query):
    """The form of the page, as a browser has it."""
    return next(form for form in forms(bi.get(page_of(made, name), query)) if "qui" in form.fields)


def again(bi, made, form, name="offrir", **typed):
    """« Chercher »: the same page once more, and its form."""
    page = form.send(bi, page_of(made, name), revoir="chercher", **typed)
    assert page.status_code == 200
    return page, next(form for form in forms(page) if "qui" in form.fields)


def seals(page) -> list[str]:
    """What the « Je confirme » of a page send."""
    parts = page.content.decode().split('name="confirmed" value="')[1:]
    return [part.partition('"')[0] for part in parts]


@pytest.fixture
def bi():
    return signed_in(make.coordinator())


# Offering


def test_a_request_is_offered_to_several_interpreters_at_once(bi):
    made, chosen = coming(), [make.alice().pk, make.bob().pk]
    answer = press(bi, page_of(made), OFFER, interpreters=chosen)
    assert (answer.url, status_of(made)) == (f"/demandes/{made.pk}/", Status.PENDING)
    assert set(made.offers.values_list("interpreter", flat=True)) == set(chosen)


def test_the_number_of_interpreters_asked_is_said(bi):
    made = coming()
    press(bi, page_of(made), OFFER, interpreters=[make.alice().pk, make.bob().pk])
    assert "La demande est envoyée à 2 interprètes." in said(bi.get(f"/demandes/{made.pk}/"))


def test_an_offer_waits_until_the_hour_typed(bi):
    made = coming()
    given = {"interpreters": make.alice().pk, "answer_date": f"{ahead(3):%Y-%m-%d}", "answer_time": "13h"}
    press(bi, page_of(made), OFFER, **given)
    assert made.offers.get().answer_by == ahead(3)


def test_the_form_proposes_an_answer_by_the_next_day_in_office_hours(bi):
    made, chosen = coming(), make.alice().pk
    press(bi, page_of(made), OFFER, interpreters=chosen)
    assert made.offers.get().answer_by == ahead(1, hour=17)


def test_an_answer_expected_after_the_start_is_an_error_beside_the_time(bi):
    made = coming()
    given = {"interpreters": make.alice().pk, "answer_date": f"{ahead(15):%Y-%m-%d}"}
    page = press(bi, page_of(made), OFFER, **given)
    said_beside = errors(page)["answer_time"]
    assert (
        said_beside.startswith("Erreur : Le service commence le ") and "à 13 h : donnez un délai avant." in said_beside
    )


@pytest.mark.parametrize(
    ("left", "usual"), [("72:00", "17:00 +1"), ("12:00", "16:00"), ("0:44", "10:20"), ("0:04", "10:04")]
)
def test_the_deadline_proposed_leaves_half_of_the_time_at_most(left, usual):
    hours, minutes = map(int, left.split(":"))
    found = usual_deadline(make.NOW, make.NOW + hours * make.HOUR + minutes * make.HOUR / 60)
    assert f"{found:%H:%M}" + (" +1" if found.date() > make.NOW.date() else "") == usual


def test_the_same_person_twice_is_asked_once(bi):
    made, chosen = coming(), make.alice().pk
    assert press(bi, page_of(made), OFFER, interpreters=[chosen, chosen]).status_code == 302
    assert made.offers.count() == 1


def test_who_already_has_an_offer_is_named_above_the_list(bi):
    made = coming(make.pending, make.alice())
    make.bob()
    assert "1 personne a déjà une offre : Alice Nom-de-Alice." in said(bi.get(page_of(made)))


def test_an_address_names_no_one_but_interpreters(bi):
    page = bi.get(page_of(coming()), {"interpreters": [make.requester().pk, make.charlie().pk]})
    assert ("Nom-de-Rita" in said(page), "Nom-de-Charlie" in said(page)) == (False, True)


def test_the_page_says_how_the_list_is_ordered(bi):
    make.alice()
    assert "Comment la liste est-elle classée?" in said(bi.get(page_of(coming())))


def test_what_the_request_is_stands_above_the_people(bi):
    page = said(bi.get(page_of(coming(days=2))))
    assert "Espagnol, interprétation en présence" in page
    assert "Clinique des Érables, Montréal Commence dans" in page


def test_each_person_is_shown_with_rank_reasons_and_load(bi):
    made = coming()
    make.alice()
    page = said(bi.get(page_of(made)))
    assert "1 Alice Nom-de-Alice Établissement d’attache : CHUM" in page
    assert "moins de 1 km" in page
    assert "aucune offre, 0 h ce mois" in page


def test_an_offer_to_nobody_is_an_error_beside_the_names(bi):
    made = coming()
    make.alice()
    page = press(bi, page_of(made), OFFER)
    assert (page.status_code, errors(page)) == (422, {"interpreters": "Erreur : Choisissez au moins un interprète."})
    assert status_of(made) == Status.UNALLOCATED


def test_an_answer_expected_in_the_past_is_an_error_beside_the_time(bi):
    made = coming()
    given = {"interpreters": make.alice().pk, "answer_date": f"{ago(1):%Y-%m-%d}"}
    page = press(bi, page_of(made), OFFER, **given)
    sentence = "Erreur : Le délai de réponse doit être dans le futur."
    assert (page.status_code, errors(page)) == (422, {"answer_time": sentence})


def test_nobody_in_the_list_is_said_and_the_search_stays(bi):
    page = bi.get(page_of(coming()))
    assert "Aucun interprète libre ne convient" in said(page)
    assert (OFFER in said(page), "Par vagues" in said(page), "Pourquoi pas quelqu’un d’autre?" in said(page)) == (
        False,
        False,
        True,
    )


# The list, then more of it


def crowd(number):
    for index in range(number):
        make.interpreter(f"Interprete{index:02}")


def boxes(page) -> int:
    """How many people may be ticked."""
    return page.content.decode().count('name="interpreters"')


def test_the_first_20_are_shown_then_the_others_by_their_address(bi):
    made = coming()
    crowd(23)
    assert [boxes(bi.get(page_of(made), query)) for query in ({}, {"montrer": 60})] == [20, 23]


@pytest.mark.parametrize("odd", ["0", "-1", "99999999999999999999", "x", "\x00", "²"])
def test_whatever_number_is_asked_the_list_is_bounded(bi, odd):
    made = coming()
    crowd(23)
    assert boxes(bi.get(page_of(made), {"montrer": odd})) == 20


def test_the_ticks_stay_when_more_of_the_list_is_shown(bi):
    made = coming()
    crowd(23)
    form = opened(bi, made)
    chosen = User.objects.get(username="interprete00").pk
    page = form.send(bi, page_of(made) + "?montrer=60", revoir="suivants", interpreters=chosen, answer_time="9h30")
    kept = form_with(page, OFFER).fields
    assert (kept["interpreters"], kept["answer_time"]) == ([str(chosen)], "9h30")


@pytest.mark.parametrize("name", ["offrir", "attribuer"])
def test_the_page_asks_as_often_whatever_the_number_of_people(bi, name):
    made = coming(make.pending, make.charlie())
    asked = []
    for number in (1, 25):
        crowd(number)
        with CaptureQueriesContext(connection) as captured:
            assert bi.get(page_of(made, name), {"qui": "interprete", "montrer": 60}).status_code == 200
        asked.append(len(captured))
    assert asked[0] == asked[1] <= 10


# « Pourquoi pas X ? »


def test_somebody_out_of_the_list_is_found_by_name_with_what_keeps_them_out(bi):
    made = coming()
    away()
    page = said(bi.get(page_of(made), {"qui": "nom-de-alice"}))
    assert "Alice Nom-de-Alice" in page
    assert "À confirmer : absence jusqu’au" in page
    assert "Je confirme : offrir quand même" in page


def test_somebody_in_the_list_is_found_with_their_rank_and_one_box(bi):
    made = coming()
    make.alice()
    page = bi.get(page_of(made), {"qui": "alice"})
    assert "Dans la liste ci-dessus, au rang 1 sur 1" in said(page)
    assert boxes(page) == 1


def test_somebody_who_cannot_be_asked_has_no_box(bi):
    made = coming()
    coming(make.reserved, make.alice())
    page = bi.get(page_of(made), {"qui": "alice"})
    assert "Impossible : réservé·e" in said(page)
    assert boxes(page) == 0


def test_an_unknown_name_is_said(bi):
    assert "ne porte le nom « Zzyzx »" in said(bi.get(page_of(coming()), {"qui": "Zzyzx"}))


def test_a_search_keeps_the_ticks_and_what_was_typed_and_writes_nothing(bi):
    made = coming()
    chosen, before = make.alice().pk, written(made)
    page, form = again(bi, made, opened(bi, made), interpreters=chosen, answer_time="9h30", qui="bob")
    assert (form.fields["interpreters"], form.fields["answer_time"]) == ([str(chosen)], "9h30")
    assert written(made) == before


def test_who_was_found_and_ticked_stays_through_another_search(bi):
    made = coming()
    away(), make.bob()
    page, form = again(bi, made, opened(bi, made), qui="alice")
    page, form = again(bi, made, form, interpreters=make.alice().pk, confirmed=None, qui="bob")
    assert form.fields["interpreters"] == [str(make.alice().pk)]


@pytest.mark.parametrize("name", ["offrir", "attribuer"])
def test_entrée_presses_the_search_wherever_it_is_pressed(bi, name):
    make.alice()
    page = bi.get(page_of(coming(), name)).content.decode()
    form = page[page.index('<form method="post" novalidate') :]
    assert form[form.index("<button") :].startswith('<button class="visually-hidden" name="revoir" value="chercher"')


@pytest.mark.parametrize("odd", ["\x00", "²", "-1", "0", "9" * 18, "9" * 40, "x"])
def test_whatever_is_ticked_or_looked_for_the_page_answers(bi, odd):
    made = coming()
    form = opened(bi, made)
    sent = form.send(bi, page_of(made), interpreters=odd, qui=odd, way=odd, size=odd, version=odd, confirmed=odd)
    assert sent.status_code in (409, 422)
    assert bi.get(page_of(made), {"qui": odd, "interpreters": odd, "confirmed": odd}).status_code == 200


# « Offrir quand même »


def test_somebody_out_of_the_list_is_not_asked_without_a_confirmation(bi):
    made = coming()
    away()
    form = opened(bi, made, qui="alice")
    page = form.send(bi, page_of(made), interpreters=make.alice().pk)
    assert page.status_code == 422
    assert "Alice Nom-de-Alice : absence jusqu’au" in errors(page)["interpreters"]
    assert made.offers.count() == 0


def test_somebody_out_of_the_list_is_asked_once_confirmed_and_history_says_despite_what(bi):
    made = coming()
    away()
    page = bi.get(page_of(made), {"qui": "alice"})
    # « Je confirme » alone: it is one tick.
    form_with(page, OFFER).send(bi, page_of(made), confirmed=seals(page))
    (despite,) = made.transitions.last().choice["despite"]
    assert despite.startswith("absence jusqu’au")


def test_a_confirmation_is_for_the_obstacles_that_were_read(bi):
    made = coming()
    away()
    page = bi.get(page_of(made), {"qui": "alice"})
    make.absence(make.alice(), starts_at=ahead(14, 0), ends_at=ahead(20, 0))
    asked_again = form_with(page, OFFER).send(bi, page_of(made), interpreters=make.alice().pk, confirmed=seals(page))
    assert (asked_again.status_code, made.offers.count()) == (422, 0)


def test_who_was_booked_meanwhile_is_named_with_why_and_the_others_stay_ticked(bi):
    made = coming()
    chosen = [make.alice().pk, make.bob().pk]
    form = opened(bi, made)
    other = coming(make.reserved, make.alice())
    page = form.send(bi, page_of(made), interpreters=chosen, answer_time="9h30")
    sentence = f"Erreur : Alice Nom-de-Alice : réservé·e de 13 h à 14 h 30 (demande {other.pk})."
    assert (page.status_code, errors(page)) == (422, {"interpreters": sentence})
    kept = form_with(page, OFFER).fields
    assert (kept["interpreters"], kept["answer_time"]) == ([str(make.bob().pk)], "9h30")


def test_who_got_the_offer_from_a_colleague_meanwhile_is_named(bi):
    made = coming(make.pending, make.charlie())
    make.alice()
    form = opened(bi, made)
    offers.offer(made, [make.alice()], by=make.coordinator(), at=timezone.now(), answer_by=ahead(3))
    page = form.send(bi, page_of(made), interpreters=make.alice().pk)
    assert "Alice Nom-de-Alice : a déjà une offre ouverte." in errors(page)["interpreters"]
    assert made.offers.count() == 2


# Two people at once


def test_the_same_form_sent_twice_is_said_to_be_done_and_asks_nobody_twice(bi):
    made = coming()
    make.alice(), make.bob()
    form = opened(bi, made)
    answers = [form.send(bi, page_of(made), interpreters=make.alice().pk).status_code for _ in range(2)]
    assert (answers, made.offers.count()) == ([302, 409], 1)


@pytest.mark.parametrize(("name", "field"), [("offrir", "interpreters"), ("attribuer", "interpreter")])
def test_the_second_coordinator_is_told_what_changed_and_what_they_had_chosen(bi, name, field):
    made, _ = coming(), make.bob()
    form = opened(bi, made, name)
    services.assign(made, make.alice(), by=make.coordinator(), at=timezone.now(), note="Entente")
    before = written(made)
    page = form.send(bi, page_of(made, name), **{field: make.bob().pk, "note": "Bob est d’accord"})
    assert (page.status_code, written(made)) == (409, before)
    assert "Attribuée à Alice Nom-de-Alice" in said(page)
    assert "Bob Nom-de-Bob" in said(page)


# Waves


def test_waves_are_begun_from_the_page(bi):
    made = coming()
    crowd(4)
    press(bi, page_of(made), OFFER, way="waves", size="2", every_minutes="15")
    plan = WavePlan.objects.get()
    assert (plan.size, plan.every_minutes, plan.answer_by, made.offers.count()) == (2, 15, ahead(1, hour=17), 2)


def test_waves_say_whom_they_go_to_first_and_that_ticks_do_not_count(bi):
    made = coming()
    crowd(4)
    first = "aux premières personnes de la liste : Interprete00 Nom-de-Interprete00, Interprete01"
    assert first in said(bi.get(page_of(made)))
    ticked = User.objects.get(username="interprete03")
    answer = press(bi, page_of(made), OFFER, way="waves", size="2", interpreters=ticked.pk)
    assert "les cases cochées n’ont pas compté" in said(bi.get(answer.url))
    assert not made.offers.filter(interpreter=ticked).exists()


ODD_WAVES = [("size", ""), ("size", "21"), ("every_minutes", "4"), ("every_minutes", "x")]


@pytest.mark.parametrize(("name", "value"), ODD_WAVES)
def test_waves_of_an_odd_size_or_pace_are_an_error_beside_it(bi, name, value):
    made = coming()
    make.alice()
    page = press(bi, page_of(made), OFFER, way="waves", **{name: value})
    assert (page.status_code, list(errors(page)), made.offers.count()) == (422, [name], 0)


def test_what_waves_ask_does_not_stop_an_offer_made_now(bi):
    made = coming()
    answer = press(bi, page_of(made), OFFER, interpreters=make.alice().pk, size="many", every_minutes="")
    assert answer.status_code == 302


def test_waves_to_whoever_is_in_the_list_no_more_send_nothing(bi):
    made = coming()
    make.alice()
    form = opened(bi, made)
    away()
    page = form.send(bi, page_of(made), way="waves")
    assert (page.status_code, list(errors(page)), made.offers.count()) == (422, ["interpreters"], 0)


def test_waves_that_leave_no_time_to_answer_are_refused_with_what_was_typed(bi):
    made = coming()
    make.alice()
    soon = timezone.localtime() + 10 * make.HOUR / 60
    given = {"answer_date": f"{soon:%Y-%m-%d}", "answer_time": f"{soon:%Hh%M}"}
    page = press(bi, page_of(made), OFFER, way="waves", **given)
    assert (page.status_code, "Une vague laisse au moins 15 minutes" in said(page)) == (409, True)
    assert form_with(page, OFFER).fields["answer_time"] == given["answer_time"]


# Assigning and reassigning


def test_a_request_is_assigned_with_a_note(bi):
    made = coming()
    given = {"interpreter": make.alice().pk, "note": "Entente par téléphone"}
    press(bi, page_of(made, "attribuer"), ASSIGN, **given)
    step = made.transitions.last()
    assert (status_of(made), step.interpreter, step.note) == (Status.RESERVED, make.alice(), "Entente par téléphone")
    assert step.choice["rank"] == 1


@pytest.mark.parametrize("field", ["interpreter", "note"])
def test_assigning_asks_for_a_person_and_a_note(bi, field):
    made = coming()
    given = {"interpreter": make.alice().pk, "note": "Entente"} | {field: None}
    page = press(bi, page_of(made, "attribuer"), ASSIGN, **given)
    assert (page.status_code, list(errors(page)), status_of(made)) == (422, [field], Status.UNALLOCATED)


def test_a_search_keeps_the_note_and_the_choice(bi):
    made, chosen = coming(), make.alice().pk
    given = {"interpreter": chosen, "note": "Entente", "qui": "bob"}
    _, form = again(bi, made, opened(bi, made, "attribuer"), "attribuer", **given)
    assert (form.fields["interpreter"], form.fields["note"]) == ([str(chosen)], "Entente")


def test_whoever_was_offered_the_request_may_be_given_it_at_once(bi):
    made = coming(make.pending, make.alice())
    assert "a une offre ouverte" in said(bi.get(page_of(made, "attribuer")))
    press(bi, page_of(made, "attribuer"), ASSIGN, interpreter=make.alice().pk, note="Alice a téléphoné")
    assert status_of(made) == Status.RESERVED


def test_somebody_out_of_the_list_is_assigned_once_confirmed(bi):
    made = coming()
    away()
    page = bi.get(page_of(made, "attribuer"), {"qui": "alice"})
    given = {"interpreter": make.alice().pk, "note": "Alice revient plus tôt"}
    answers = [
        form_with(page, ASSIGN).send(bi, page_of(made, "attribuer"), **given, confirmed=confirmed).status_code
        for confirmed in (None, seals(page))
    ]
    assert (answers, status_of(made)) == ([422, 302], Status.RESERVED)


def test_one_chosen_and_another_confirmed_are_one_too_many(bi):
    made, _ = coming(), make.bob()
    away()
    page = bi.get(page_of(made, "attribuer"), {"qui": "alice"})
    given = {"interpreter": make.bob().pk, "note": "Entente", "confirmed": seals(page)}
    answer = form_with(page, ASSIGN).send(bi, page_of(made, "attribuer"), **given)
    assert (answer.status_code, status_of(made)) == (422, Status.UNALLOCATED)
    assert "Choisissez une seule personne" in errors(answer)["interpreter"]


def test_a_reserved_request_is_given_to_another_interpreter(bi):
    made = coming(make.reserved, make.alice())
    page = press(bi, page_of(made, "attribuer"), "Réattribuer", interpreter=make.bob().pk, note="Alice est malade")
    made.refresh_from_db()
    assert (page.status_code, made.status, made.interpreter) == (302, Status.RESERVED, make.bob())


def test_who_has_the_request_is_not_proposed_to_take_it_over(bi):
    made = coming(make.reserved, make.alice())
    make.bob()
    page = bi.get(page_of(made, "attribuer"), {"qui": "alice"})
    assert f'value="{make.alice().pk}"' not in page.content.decode()


def test_a_service_of_yesterday_is_assigned_after_the_fact(bi):
    made = make.unallocated(at=ago(5), starts_at=ago(1))
    given = {"interpreter": make.alice().pk, "note": "Alice y est allée"}
    assert press(bi, page_of(made, "attribuer"), ASSIGN, **given).status_code == 302
