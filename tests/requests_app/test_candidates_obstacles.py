"""« Pourquoi pas X ? »: each obstacle, whether the verb refuses it, and what history keeps of a choice."""

from datetime import timedelta

import pytest

from accounts.models import InterpreterProfile, User
from requests_app import candidates, offers, services
from requests_app.history import lines
from requests_app.models import CancellationReason, Practice
from requests_app.moves import Overlap
from requests_app.workflow import NotAllowed, ServiceType
from tests import make
from tests.make import HOUR, LENGTH, NOW, START, local
from tests.requests_app.bank import booked, excluded, far_off, living, names, obstacles, of, plain

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
HAS_OFFER = "a une offre ouverte"


# Final: the verb refuses too


def test_an_inactive_account():
    User.objects.filter(pk=living("Alice").pk).update(is_active=False)
    assert obstacles(make.unallocated(), make.alice()) == {"compte inactif": True}


@pytest.mark.parametrize("who", [make.requester, make.coordinator])
def test_whoever_is_not_an_interpreter(who):
    assert obstacles(make.unallocated(), who()) == {"n’est pas interprète": True, "ne parle pas l’espagnol": True}


@pytest.mark.parametrize(
    ("code", "words"),
    [("swahili", "le swahili"), ("arabe", "l’arabe"), ("hebreu", "l’hébreu"), ("hindi", "le hindi")],
)
def test_another_language(code, words):
    made = make.unallocated(language=make.language(code))
    assert obstacles(made, living("Alice")) == {f"ne parle pas {words}": True}


@pytest.mark.parametrize("starts_at", [START - HOUR / 2, START + LENGTH - timedelta(minutes=1), START - 3 * DAY])
def test_booked_then(starts_at):
    length = 60 if starts_at > START - DAY else 5 * 24 * 60
    other = booked(living("Alice"), starts_at, minutes=length)
    hours = {START - HOUR / 2: "de 12 h 30 à 13 h 30", START - 3 * DAY: "de 13 h à 13 h"}
    words = hours.get(starts_at, "de 14 h 29 à 15 h 29")
    assert obstacles(make.unallocated(), make.alice()) == {f"réservé·e {words} (demande {other.pk})": True}


@pytest.mark.parametrize("starts_at", [START - HOUR, START + LENGTH])
def test_touching_ends_are_fine(starts_at):
    booked(living("Alice"), starts_at)
    assert of(make.unallocated(), make.alice()).rank == 1


def test_excluded_from_the_institution_up_to_a_day_included():
    excluded(living("Alice"), "2026-01-12", "Plainte 12")
    words = "exclu·e de cet établissement jusqu’au 12 janvier 2026 : Plainte 12"
    assert obstacles(make.unallocated(), make.alice()) == {words: True}


@pytest.mark.parametrize(
    ("until", "fields", "is_kept_out"),
    [
        ("2025-03-06", {}, True),
        ("2025-03-05", {}, False),
        ("2025-12-31", {"at": START + LENGTH}, False),
    ],
)
def test_an_exclusion_counts_on_the_day_of_the_service(until, fields, is_kept_out):
    excluded(living("Alice"), until, **fields)
    assert bool(of(make.unallocated(), make.alice()).obstacles) == is_kept_out


def test_an_exclusion_lifted_or_of_another_institution_keeps_nobody_out():
    excluded(living("Alice"), lifted_by=make.coordinator(), lifted_at=NOW, lifted_reason="Réglé")
    excluded(make.alice(), institution=make.other_institution())
    assert of(make.unallocated(), make.alice()).rank == 1


def test_the_day_of_the_service_is_that_of_montreal():
    excluded(living("Alice"), "2025-03-06")
    late = make.unallocated(starts_at=local("2025-03-06 23:00"), ends_at=local("2025-03-07 00:30"))
    early = make.unallocated(starts_at=local("2025-03-07 00:00"), ends_at=local("2025-03-07 01:00"))
    assert (of(late, make.alice()).rank, of(early, make.alice()).rank) == (None, 1)


def test_an_open_offer():
    made = make.pending(living("Alice"))
    assert obstacles(made, make.alice()) == {"a déjà une offre ouverte": True}


def test_who_has_the_request():
    made = make.reserved(living("Alice"))
    assert obstacles(made, make.alice()) == {"a déjà la demande": True}


# Not final: the coordinator may choose them all the same


def test_a_service_they_do_not_take_on():
    Practice.objects.create(interpreter=living("Alice"), service_types=["phone", "video"])
    assert obstacles(make.unallocated(), make.alice()) == {"ne fait pas ce service": False}


def test_out_of_their_territory():
    assert obstacles(make.unallocated(), far_off(make.alice())) == {
        "hors de son territoire : à 140 km (rayon de 50 km)": False
    }


def test_absent():
    make.absence(living("Alice"), starts_at=START + HOUR, ends_at=local("2025-03-13 00:00"))
    assert obstacles(make.unallocated(), make.alice()) == {"absence jusqu’au 12 mars": False}


def test_outside_their_usual_hours():
    living("Alice").weekly_hours.create(weekday=3, starts_on_clock="08:00", ends_on_clock="14:29")
    assert obstacles(make.unallocated(), make.alice()) == {"hors de ses heures habituelles": False}


def test_refused_this_request():
    made = make.pending(living("Alice"), make.bob())
    offers.refuse(made, by=make.alice(), at=NOW)
    assert obstacles(made, make.alice()) == {"a refusé cette demande": False}


def test_withdrew_from_this_request():
    made = make.reserved(living("Alice"), at=NOW - 7 * DAY)
    services.mark_unallocated(made, by=make.alice(), at=NOW - 7 * DAY)
    assert obstacles(made, make.alice()) == {"s’est désisté·e de cette demande": False}


def test_taken_back_by_the_bank():
    made = make.reserved(living("Alice"))
    services.mark_unallocated(made, by=make.coordinator(), at=NOW, note="Entente")
    assert obstacles(made, make.alice()) == {"retiré·e de cette demande par la BI": False}


def test_given_to_somebody_else_by_the_bank():
    made = make.reserved(living("Alice"))
    services.reassign(made, living("Bob"), by=make.coordinator(), at=NOW, note="Alice est malade")
    services.mark_unallocated(made, by=make.coordinator(), at=NOW, note="Bob aussi")
    assert (obstacles(made, make.alice()), names(made)) == ({"retiré·e de cette demande par la BI": False}, [])


def test_who_lost_the_request_to_a_cancellation_is_in_the_list_again():
    made = make.reserved(living("Alice"))
    services.cancel(made, by=make.requester(), at=NOW, reason=CancellationReason.BY_REQUESTER)
    services.reinstate(made, by=make.coordinator(), at=NOW, note="Par erreur")
    assert names(made) == ["Alice"]


def test_who_has_the_request_again_after_leaving_it_only_has_it():
    made = make.reserved(living("Alice"), at=NOW - 7 * DAY)
    services.mark_unallocated(made, by=make.alice(), at=NOW - 7 * DAY)
    assign(made, make.alice())
    assert list(obstacles(made, make.alice())) == ["a déjà la demande"]


def test_a_tenth_of_a_kilometre_too_far_is_said():
    said = obstacles(make.unallocated(), far_off(make.alice(), "50.1"))
    assert said == {"hors de son territoire : à 50,1 km (rayon de 50 km)": False}


def test_every_obstacle_is_said_the_final_ones_first():
    Practice.objects.create(interpreter=far_off(make.alice()), service_types=["phone"])
    excluded(make.alice()), make.absence()
    said = [obstacle.is_final for obstacle in of(make.unallocated(), make.alice()).obstacles]
    assert said == [True, False, False, False]


# By name


def test_a_name_is_found_without_its_accents_by_each_of_its_words():
    User.objects.filter(pk=living("Alice").pk).update(first_name="Éléonore", last_name="Bélanger-Roy")
    living("Bob")
    made = make.unallocated()
    for typed in ("eleonore", "BÉL éléo", "roy"):
        assert [found.interpreter.first_name for found in candidates.named(made, typed, at=NOW)] == ["Éléonore"]


def test_those_of_the_list_have_their_rank_and_the_others_their_obstacles():
    living("Alice", "6"), living("Bob", "7")
    User.objects.filter(pk=living("Charlie").pk).update(is_active=False)
    found = {one.interpreter.first_name: one for one in candidates.named(make.unallocated(), "nom-de", at=NOW)}
    assert {name: one.rank for name, one in found.items()} == {"Alice": 1, "Bob": 2, "Charlie": None}
    assert [obstacle.words for obstacle in found["Charlie"].obstacles] == ["compte inactif"]
    assert [found[name].interpreter.is_active for name in ("Alice", "Charlie")] == [True, False]


@pytest.mark.parametrize("typed", ["", " ", "\x00", "%", "_", "'", "a" * 100_000, "zz " * 5000, "😀"])
def test_whatever_is_typed_finds_nobody_and_breaks_nothing(typed):
    living("Alice")
    assert candidates.named(make.unallocated(), typed, at=NOW) == []


def test_finding_by_name_takes_two_statements(django_assert_num_queries):
    made, _ = make.unallocated(), [living(f"Personne{place}") for place in range(12)]
    with django_assert_num_queries(2):
        assert len(candidates.named(made, "personne", at=NOW)) == 10


# The verbs


def offer(made, who):
    offers.offer(made, [who], by=make.coordinator(), at=NOW, answer_by=made.starts_at)


def assign(made, who):
    services.assign(made, who, by=make.coordinator(), at=NOW, note="Entente")


def choice(made) -> dict:
    return made.transitions.order_by("id").last().choice


@pytest.mark.parametrize("verb", [offer, assign])
def test_the_choice_is_kept_with_its_rank_and_its_reasons(verb):
    made = make.unallocated()
    living("Alice", "3"), living("Bob", "6")
    verb(made, make.bob())
    kept = choice(made)
    assert (kept["rank"], kept["among"], plain(kept["reasons"][0])) == (2, 2, "à 6 km")


@pytest.mark.parametrize("verb", [offer, assign])
def test_a_choice_despite_something_says_what(verb):
    made = make.unallocated()
    make.absence(living("Alice"))
    verb(made, make.alice())
    assert [plain(words) for words in choice(made)["despite"]] == ["absence jusqu’au 6 mars, 14 h 30"]


@pytest.mark.parametrize("verb", [offer, assign])
@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        # Without the reason: a refusal may be kept where the exclusion's must not.
        (lambda who: excluded(who), r"Alice Nom-de-Alice est exclu·e de cet établissement\.$"),
        (lambda who: InterpreterProfile.objects.get(user=who).languages.clear(), "Alice Nom-de-Alice ne parle pas"),
    ],
)
def test_the_verbs_refuse_a_final_obstacle_and_change_nothing(verb, prepare, said):
    made, who = make.unallocated(), living("Alice")
    prepare(who)
    with pytest.raises(NotAllowed, match=said):
        verb(made, who)
    assert (made.status, made.offers.count(), made.transitions.count()) == ("unallocated", 0, 1)


@pytest.mark.parametrize("verb", [offer, assign])
def test_the_verbs_refuse_who_is_booked_then(verb):
    booked(living("Alice"), START)
    with pytest.raises(Overlap, match="Alice Nom-de-Alice a déjà une demande à ce moment."):
        verb(make.unallocated(), make.alice())


def test_a_second_offer_to_who_has_one_open_is_refused():
    made = make.pending(living("Alice"))
    with pytest.raises(NotAllowed, match="a déjà une offre ouverte"):
        offer(made, make.alice())


def test_who_has_an_open_offer_and_says_yes_by_telephone_is_given_the_request():
    made = make.pending(living("Alice"))
    assign(made, make.alice())
    assert (made.interpreter, choice(made)["rank"], choice(made)["reasons"][-1]) == (make.alice(), 1, HAS_OFFER)


def test_reassigning_keeps_the_rank_of_the_new_one():
    made = make.reserved(living("Alice"))
    services.reassign(made, living("Bob"), by=make.coordinator(), at=NOW, note="Entente")
    assert (choice(made)["rank"], choice(made)["among"]) == (1, 1)


def test_offering_to_many_ranks_them_in_one_statement(django_assert_max_num_queries):
    people = [living(f"Personne{place}", str(place)) for place in range(1, 11)]
    made, by = make.unallocated(), make.coordinator()
    with django_assert_max_num_queries(15 + 10 * 8):
        offers.offer(made, people, by=by, at=NOW, answer_by=made.starts_at)
    assert sorted(step.choice["rank"] for step in made.transitions.filter(action="offer")) == list(range(1, 11))


# What is read of it


def read_by(reader, made) -> str:
    return plain(" | ".join(line.what for line in lines(made, reader, at=NOW)))


def test_the_bank_reads_the_rank_and_the_reasons():
    made = make.unallocated()
    living("Alice", "3"), living("Bob", "6")
    offer(made, make.alice()), offer(made, make.bob())
    said = read_by(make.coordinator(), made)
    assert "Offerte à Alice Nom-de-Alice, 1re de 2 : à 3 km, libre 2 h avant et après" in said
    # Alice has an open offer by then: she is in the list no more.
    assert "Offerte à Bob Nom-de-Bob, 1re de 1 : à 6 km, libre 2 h avant et après" in said


def test_the_bank_reads_despite_what_somebody_was_chosen():
    made = make.unallocated()
    make.absence(living("Alice"))
    assign(made, make.alice())
    said = read_by(make.validator(), made)
    assert "Attribuée à Alice Nom-de-Alice, malgré : absence jusqu’au 6 mars, 14 h 30" in said


@pytest.mark.parametrize("reader", [make.alice, make.bob, make.requester])
def test_interpreters_and_requesters_never_read_a_rank_nor_a_reason(reader):
    made = make.unallocated()
    living("Alice", "3"), far_off(make.bob())
    offer(made, make.alice()), offer(made, make.bob())
    assign(made, make.alice())
    said = read_by(reader(), made)
    assert said and not any(word in said for word in ("malgré", " km", "1re", "libre", "territoire"))


def test_a_written_service_knows_no_booking_but_an_absence():
    made = make.unallocated(service_type=ServiceType.TRANSLATION, facility=None)
    booked(living("Alice"), START)
    make.absence()
    assert list(obstacles(made, make.alice())) == ["absence jusqu’au 6 mars, 14 h 30"]
