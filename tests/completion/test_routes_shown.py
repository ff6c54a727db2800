"""How a distance was found is said where it is shown, in words; no page ever asks the routing service."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Institution, InterpreterProfile
from billing.offer_pay import way_of
from billing.services import policy_of
from completion.flagged import flags_of
from completion.mileage import Mileage, mileage_of
from completion.models import Completion
from requests_app.distances import HOW, Distances, Source, distances_for
from requests_app.models import Route
from requests_app.routes import ask_due
from tests import make
from tests.completion.make import copies, report
from tests.make import HOUR, NOW
from tests.pages import ahead, said, signed_in

pytestmark = pytest.mark.django_db
HOME, OFFICE = Decimal("0.14000"), Decimal("0.20000")  # degrees north: 20,2 and 28,9 km by the estimate
WORDS = {
    "unset": "estimation à vol d’oiseau × 1,3",
    "not asked yet": "le service d’itinéraires n’a pas encore répondu : estimation à vol d’oiseau × 1,3",
    "given": "selon l’itinéraire par la route",
    "given up": "le service d’itinéraires n’a pas donné ce trajet : estimation à vol d’oiseau × 1,3",
}
STATES = pytest.mark.parametrize("state", WORDS)


def living():
    place, profile = make.facility(), InterpreterProfile.objects.filter(user=make.alice())
    profile.update(home_latitude=place.latitude + HOME, home_longitude=place.longitude)
    Institution.objects.filter(name="CHUM").update(latitude=place.latitude + OFFICE)


def become(state, settings, at=NOW):
    """The routing service, as far as Alice's ways are concerned."""
    if state == "unset":
        settings.ROUTING_URL = ""
    if state.startswith("given"):
        ask_due(at)
    if state == "given up":
        Route.objects.update(metres=None, next_at=None)


def plain(response) -> str:
    return said(response).replace("\u00a0", " ")


def check_words(text: str, state: str):
    """Those of the state, and of no other that does not hold them."""
    assert WORDS[state].lower() in text.lower()
    others = [words for words in WORDS.values() if words not in WORDS[state]]
    assert [words for words in others if words.lower() in text.lower()] == []


@STATES
def test_an_offer_says_how_its_distance_was_found(roads, settings, state):
    made = make.pending(at=timezone.now() - HOUR, starts_at=ahead(), answer_by=ahead(3))
    living()
    become(state, settings, timezone.now())
    visits = roads.visits
    check_words(plain(signed_in(make.alice()).get(f"/demandes/{made.pk}/")), state)
    assert roads.visits == visits


@STATES
def test_a_report_says_how_its_distances_were_found(roads, settings, state):
    made = make.reserved()
    living()
    become(state, settings)
    visits = roads.visits
    check_words(plain(signed_in(make.alice()).get(reverse("completion:edit", args=[made.pk]))), state)
    assert roads.visits == visits


@STATES
def test_a_review_says_how_the_distance_it_doubts_was_found(roads, settings, state):
    made = make.reserved()
    living()
    report(made, distance_km=Decimal(40))
    become(state, settings)
    visits, reader = roads.visits, signed_in(make.validator())
    text = plain(reader.get(reverse("admin:completion_review_change", args=[made.pk])))
    km = "25 km" if state == "given" else "20,2 km"
    assert f"estimée : {km} ({WORDS[state]})" in text  # beside « Réalisé »
    assert f"40 km déclarés, {km} estimés : " in text and f"de plus ({WORDS[state]})." in text  # the alert
    assert roads.visits == visits


def test_two_distances_found_otherwise_say_each_how(roads):
    made = make.reserved()
    living()
    ask_due(NOW)
    Route.objects.filter(start_latitude=make.facility().latitude + OFFICE).update(metres=None, next_at=None)
    found = mileage_of(made)
    assert [line.replace("\u00a0", " ") for line in found.estimates] == [
        f"De votre domicile : 25 km ({WORDS['given']})",
        f"Du siège social : 28,9 km ({WORDS['given up']})",
    ]
    assert found.how == ""


# The threshold: 0,1 km is what is shown, compared and proposed.


@pytest.mark.parametrize(
    ("metres", "shown", "is_paid", "told"),
    [
        (15_949, "15.9", False, "environ 15 km"),
        (15_950, "16.0", False, "environ 15 km"),
        (16_000, "16.0", False, "environ 15 km"),
        (16_049, "16.0", False, "environ 15 km"),
        (16_050, "16.1", True, "environ 20 km"),
    ],
)
def test_a_way_shown_as_16_km_is_not_more_than_16(roads, metres, shown, is_paid, told):
    made = make.reserved()
    living()
    roads.metres = metres
    ask_due(NOW)
    known = distances_for(made, make.alice().pk)
    assert (known.home_km, known.home_source) == (Decimal(shown), Source.ROAD_SERVICE)
    proposed = Mileage(known=Distances(home_km=known.home_km), policy=policy_of(made), service_request=made).claim
    assert (proposed is not None) is is_paid
    assert str(way_of(Distances(home_km=known.home_km), Decimal(16))).replace("\u00a0", " ") == told


# A route that comes later


def test_a_route_that_comes_after_a_claim_changes_nothing_that_was_filed(roads):
    made = make.reserved()
    living()
    report(made, distance_km=Decimal(24))
    before = Completion.objects.values().get(service_request=made)
    assert flags_of([made])[made.pk] == []
    roads.metres = 19_000
    ask_due(NOW)
    assert Completion.objects.values().get(service_request=made) == before
    [alert] = flags_of([made])[made.pk]
    assert "19\u00a0km estimés\u00a0: 26\u00a0% de plus" in alert.sentence


def test_many_files_read_their_routes_in_one_statement(roads, django_assert_num_queries):
    made = make.reserved()
    living()
    report(made, distance_km=Decimal(40))
    ask_due(NOW)
    rows = [made, *copies(made, 30, apart=timedelta(days=1))]
    for number in (1, 31):
        with django_assert_num_queries(8):
            found = flags_of(rows[:number])
        assert all(HOW[Source.ROAD_SERVICE] in flags[0].sentence for flags in found.values())
