"""What a request's page says of the search: who is asked and why, who answered, the waves, and their buttons."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from requests_app import history, offers, waves
from tests import make
from tests.pages import ago, ahead, form_with, said, signed_in, written

pytestmark = pytest.mark.django_db
NAMES = ["Interprète1", "Interprète2", "Interprète3", "Interprète4"]


@pytest.fixture
def bi():
    return signed_in(make.coordinator())


def coming(build=make.unallocated, *interpreters):
    return build(*interpreters, at=ago(1), starts_at=ahead())


def in_waves(size=2, at=None):
    """A request being offered in waves."""
    for name in NAMES:
        make.interpreter(name)
    made = coming()
    given = {"size": size, "every_minutes": 30, "answer_by": ahead(2)}
    waves.start(made, by=make.coordinator(), at=at or timezone.now(), **given)
    return made


def page_of(client, made):
    return client.get(f"/demandes/{made.pk}/")


# Offers


def test_an_open_offer_is_shown_with_its_deadline_and_why_its_holder_was_chosen(bi):
    made = coming(make.pending, make.alice())
    card = said(page_of(bi, made)).partition("Offres sans réponse ")[2].partition("Retirer")[0]
    assert card.startswith("Alice Nom-de-Alice au plus tard le ")
    why = history.choice_words(made.transitions.last().choice)
    assert why and why.replace("\u00a0", " ") in card


def test_an_answered_offer_is_told_briefly_with_the_reason_given(bi):
    made = coming(make.pending, make.alice(), make.bob())
    offers.refuse(made, by=make.alice(), at=ago(0, 1), reason="Vacances")
    page = said(page_of(bi, made))
    assert "1 offre close Alice Nom-de-Alice, refusée" in page
    assert "« Vacances »" in page


def test_an_offer_past_its_deadline_is_said_to_be_expired_before_the_job_ran(bi):
    made = make.pending(make.alice(), at=ago(2), starts_at=ahead(), answer_by=ago(1))
    page = said(page_of(bi, made))
    assert "1 offre close Alice Nom-de-Alice, expirée" in page
    assert "Offres sans réponse" not in page


def test_an_offer_is_taken_back_from_the_page(bi):
    made = coming(make.pending, make.alice())
    form_with(page_of(bi, made), "Retirer l’offre à Alice Nom-de-Alice").send(bi, "")
    assert made.offers.get().state == "retracted"


@pytest.mark.parametrize("reader", [make.alice, make.requester])
def test_the_search_is_the_coordinations_alone(reader):
    made = coming(make.pending, make.alice(), make.bob())
    page = said(page_of(signed_in(reader()), made))
    assert ("Nom-de-Bob" in page, "Trouver un interprète" in page) == (False, False)


# Waves


def test_the_waves_in_progress_say_where_they_are(bi):
    page = said(page_of(bi, in_waves()))
    assert "Vagues en cours 2 à la fois, toutes les 30 min. 2 personnes sur 4 ont reçu l’offre." in page
    assert "Commencées par Corinne Nom-de-Corinne." in page


def test_a_wave_that_is_due_is_said_to_leave_within_the_minute(bi):
    made = in_waves(at=timezone.now() - 2 * make.HOUR)
    assert "La prochaine vague part dans la minute" in said(page_of(bi, made))


def test_waves_are_stopped_from_the_page_and_their_end_is_said(bi):
    made = in_waves()
    answer = form_with(page_of(bi, made), "Arrêter les vagues").send(bi, "")
    page = said(bi.get(answer.url))
    assert "Les vagues sont arrêtées." in page
    end = "La coordination a arrêté les vagues. Par Corinne Nom-de-Corinne. 2 personnes ont reçu l’offre, en 1 vague."
    assert f"Vagues terminées {end}" in page


def test_waves_that_are_over_are_not_stopped_again(bi):
    made = in_waves()
    waves.stop(made, by=make.coordinator(), at=timezone.now())
    before = written(made)
    page = bi.post(f"/bi/demandes/{made.pk}/vagues/arreter/")
    assert (page.status_code, "Aucun envoi par vagues n’est en cours" in said(page)) == (409, True)
    assert written(made) == before


def test_the_page_asks_as_often_however_many_offers_there_were(bi):
    asked = []
    for size in (1, 3):
        made = in_waves(size=size)
        with CaptureQueriesContext(connection) as captured:
            page_of(bi, made)
        asked.append(len(captured))
    assert asked[0] == asked[1] <= 10
