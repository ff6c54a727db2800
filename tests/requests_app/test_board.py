"""The coordinators' board: what is in each queue, at the limit and beyond; what its rows say of why."""

from datetime import timedelta

import pytest

from accounts.models import User
from requests_app import board, exchanges, offers, reminders, services
from requests_app.models import Message, Offer, WavePlan
from requests_app.queues import DEADLINE_NEAR, START_NEAR
from tests import make
from tests.make import HOUR, LENGTH, MICROSECOND, NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
EVERYTHING = board.Filters()


def rows_of(slug, *, at=NOW, filters=EVERYTHING) -> list[board.Row]:
    return board.rows(board.BY_SLUG[slug], filters, "", at=at)[0]


def numbers_in(slug, **given) -> list[int]:
    return [row.number for row in rows_of(slug, **given)]


def says(slug, *, at=NOW) -> str:
    """What the only row of a queue says of why, with plain spaces."""
    (row,) = rows_of(slug, at=at)
    return f"{row.what} · {row.detail}".replace("\u00a0", " ").removesuffix(" · ")


# Non alloué


def test_what_nobody_has_is_worked_soonest_first():
    late, soon = make.unallocated(starts_at=NOW + 9 * DAY), make.unallocated(starts_at=NOW + 3 * DAY)
    make.reserved(starts_at=NOW + 2 * DAY)
    assert numbers_in("non-alloue") == [soon.pk, late.pk]


def test_at_its_start_a_request_nobody_has_goes_to_début_passé():
    made = make.unallocated(starts_at=NOW + DAY)
    assert (
        numbers_in("non-alloue", at=made.starts_at - MICROSECOND),
        numbers_in("debut-passe", at=made.starts_at),
    ) == (
        [made.pk],
        [made.pk],
    )
    assert numbers_in("non-alloue", at=made.starts_at) == numbers_in("debut-passe", at=made.starts_at - HOUR) == []


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (MICROSECOND, "1 min"),
        (HOUR - MICROSECOND, "59 min"),
        (HOUR, "1 h"),
        (30 * HOUR, "30 h"),
        (96 * HOUR - MICROSECOND, "95 h"),
        (96 * HOUR, "4 j"),
        (timedelta(), "Début passé"),
    ],
)
def test_what_is_left_is_said_in_minutes_in_hours_then_in_days(left, words):
    assert board.left_words(NOW + left, NOW).replace("\u00a0", " ") == words


def offered(*people, **given):
    return make.pending(*people, at=NOW - 2 * HOUR, answer_by=NOW - MICROSECOND, starts_at=NOW + 5 * DAY, **given)


def new():
    make.unallocated(at=NOW - HOUR)


def reinstated():
    made = make.cancelled(at=NOW - DAY, starts_at=NOW + 5 * DAY)
    services.reinstate(made, by=make.coordinator(), at=NOW - HOUR, note="Annulée par erreur.")


def refused():
    made = offered(make.alice(), make.bob())
    for who in (make.alice(), make.bob()):
        offers.refuse(made, by=who, at=NOW - HOUR)


def expired():
    offered()
    offers.expire_due(NOW)


def closed():
    why = "Votre compte est inactif."
    offers.expire(offered(), make.alice(), by=User.objects.system(), at=NOW - HOUR, reason=why)


def refused_or_expired():
    made = offered(make.alice(), make.bob())
    offers.refuse(made, by=make.alice(), at=NOW - HOUR)
    offers.expire_due(NOW)


def retracted():
    offers.retract(offered(), make.alice(), by=make.coordinator(), at=NOW - HOUR)


def withdrawn():
    made = make.reserved(at=NOW - DAY, starts_at=NOW + 5 * DAY)
    services.mark_unallocated(made, by=make.alice(), at=NOW - HOUR)


def taken_away():
    made = make.reserved(at=NOW - DAY, starts_at=NOW + 5 * DAY)
    services.mark_unallocated(made, by=make.coordinator(), at=NOW - HOUR, note="Malade.")


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (new, "Nouvelle demande · depuis 9 h"),
        (reinstated, "Demande rétablie · depuis 9 h"),
        (refused, "Tous ont refusé · depuis 9 h"),
        (expired, "Délai passé · depuis 10 h"),
        (closed, "Offre fermée · depuis 9 h"),
        (refused_or_expired, "1 refus, 1 sans réponse · depuis 10 h"),
        (retracted, "Offre retirée · depuis 9 h"),
        (withdrawn, "Désistement : Alice Nom-de-Alice · depuis 9 h"),
        (taken_away, "Retirée à Alice Nom-de-Alice par Corinne Nom-de-Corinne · depuis 9 h"),
    ],
)
def test_a_row_says_why_nobody_has_the_request(happens, words):
    happens()
    assert says("non-alloue") == words


def test_a_change_of_the_request_is_not_why_nobody_has_it():
    made = make.unallocated(at=NOW - DAY)
    services.modify(made, by=make.coordinator(), at=NOW - HOUR, ends_at=made.ends_at + HOUR)
    assert says("non-alloue") == "Nouvelle demande · depuis le 2 mars, 10 h"


def plan(made):
    pace = {"size": 2, "every_minutes": 30, "answer_by": NOW + DAY, "next_at": NOW + HOUR / 2}
    return WavePlan.objects.create(service_request=made, by=make.coordinator(), at=NOW - HOUR, **pace)


def test_waves_in_progress_are_said():
    plan(make.unallocated(at=NOW - HOUR))
    assert says("non-alloue") == "Nouvelle demande · Prochaine vague : 10 h 30"


def test_waves_that_were_stopped_are_not_said():
    plan(make.unallocated(at=NOW - HOUR))
    WavePlan.objects.update(ended_at=NOW, ended_by=make.coordinator(), end=WavePlan.End.STOPPED)
    assert says("non-alloue") == "Nouvelle demande · depuis 9 h"


@pytest.mark.parametrize(("left", "is_soon"), [(START_NEAR, True), (START_NEAR + MICROSECOND, False)])
def test_what_starts_within_two_days_stands_out(left, is_soon):
    make.unallocated(at=NOW - HOUR, starts_at=NOW + left)
    assert rows_of("non-alloue")[0].is_soon == is_soon


# Sans réponse


@pytest.mark.parametrize(
    ("deadline", "start", "is_in"),
    [
        (DEADLINE_NEAR, 9 * DAY, True),
        (DEADLINE_NEAR + MICROSECOND, 9 * DAY, False),
        (30 * HOUR, START_NEAR, True),
        (30 * HOUR, START_NEAR + MICROSECOND, False),
    ],
)
def test_an_offer_without_an_answer_is_watched_near_its_deadline_or_the_start(deadline, start, is_in):
    made = make.pending(at=NOW - HOUR, answer_by=NOW + deadline, starts_at=NOW + start)
    assert numbers_in("sans-reponse") == ([made.pk] if is_in else [])


def test_the_last_of_several_deadlines_decides():
    made = make.pending(make.alice(), at=NOW - HOUR, answer_by=NOW + HOUR, starts_at=NOW + 9 * DAY)
    offers.offer(made, [make.bob()], by=make.coordinator(), at=NOW - HOUR, answer_by=NOW + DAY)
    assert numbers_in("sans-reponse") == []
    Offer.objects.filter(interpreter=make.bob()).update(answer_by=NOW + 2 * HOUR)
    assert says("sans-reponse") == "2 personnes, réponse avant 12 h"


def test_an_offer_is_no_longer_watched_at_the_start():
    made = make.pending(at=NOW - DAY, starts_at=NOW + HOUR)
    instants = (made.starts_at - MICROSECOND, made.starts_at)
    assert [numbers_in("sans-reponse", at=at) for at in instants] == [[made.pk], []]


def test_the_nearest_deadline_comes_first():
    late = make.pending(at=NOW - HOUR, answer_by=NOW + 3 * HOUR, starts_at=NOW + 5 * DAY)
    soon = make.pending(at=NOW - HOUR, answer_by=NOW + 2 * HOUR, starts_at=NOW + 6 * DAY)
    assert numbers_in("sans-reponse") == [soon.pk, late.pk]


def test_waves_in_progress_are_said_beside_the_offers():
    plan(make.pending(at=NOW - HOUR, answer_by=NOW + DAY, starts_at=NOW + 30 * HOUR))
    assert says("sans-reponse") == "1 personne, réponse avant le 4 mars, 10 h · Prochaine vague : 10 h 30"


def test_offers_past_their_deadline_that_the_worker_has_not_closed_yet_are_there():
    made = make.pending(at=NOW - 2 * HOUR, answer_by=NOW - HOUR, starts_at=NOW + 5 * DAY)
    assert (numbers_in("sans-reponse"), says("sans-reponse")) == ([made.pk], "Délai passé · les offres se ferment")


# Désistement urgent


def test_an_urgent_withdrawal_is_there_until_it_is_answered():
    made = make.reserved(at=NOW - DAY, starts_at=NOW + 30 * HOUR)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=NOW - HOUR, body="Je suis malade.")
    assert says("desistement-urgent") == "Alice Nom-de-Alice demande à se désister · depuis 9 h"
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=NOW, reply="Personne d’autre.")
    assert numbers_in("desistement-urgent") == []


def test_urgent_withdrawals_are_answered_soonest_first():
    late, soon = (make.reserved(at=NOW - DAY, starts_at=NOW + hours * HOUR) for hours in (30, 20))
    for made in (late, soon):
        exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=NOW - HOUR, body="Je suis malade.")
    assert numbers_in("desistement-urgent") == [soon.pk, late.pk]


def test_an_urgent_withdrawal_of_what_nobody_has_any_more_is_a_message_to_read():
    made = make.unallocated(at=NOW - DAY, starts_at=NOW + 30 * HOUR)
    given = {"interpreter": make.alice(), "author": make.alice(), "is_to_bi": True, "urgency": Message.Urgency.ASKED}
    Message.objects.create(service_request=made, at=NOW - HOUR, body="Je suis malade.", **given)
    assert (numbers_in("desistement-urgent"), says("messages")) == ([], "Alice Nom-de-Alice : 1 message · depuis 9 h")


def test_no_filter_hides_an_urgent_withdrawal():
    made = make.reserved(at=NOW - DAY, starts_at=NOW + 30 * HOUR)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=NOW - HOUR, body="Je suis malade.")
    filters = board.Filters(language="arabe")
    counts, _ = board.numbers(filters, at=NOW)
    assert (numbers_in("desistement-urgent", filters=filters), counts["desistement-urgent"]) == ([made.pk], 1)


# Modifié non vu


def test_a_modification_is_there_until_it_is_seen_or_begun():
    made = make.modified(at=NOW - HOUR, starts_at=NOW + 5 * DAY)
    assert says("modifie-non-vu") == "Pas encore vu par Alice Nom-de-Alice · depuis 9 h"
    assert numbers_in("modifie-non-vu", at=made.starts_at) == []
    services.acknowledge(made, by=make.alice(), at=NOW)
    assert numbers_in("modifie-non-vu") == []


def test_the_last_modification_is_the_one_that_was_not_seen():
    made = make.modified(at=NOW - 3 * HOUR, starts_at=NOW + 5 * DAY)
    services.modify(made, by=make.coordinator(), at=NOW - HOUR, note="Entente.", ends_at=made.ends_at + HOUR)
    assert says("modifie-non-vu") == "Pas encore vu par Alice Nom-de-Alice · depuis 9 h"


WRITTEN = {"facility": None, "starts_at": NOW + DAY, "ends_at": NOW + 5 * DAY}


@pytest.mark.parametrize("kind", ["translation", "revision"])
def test_a_modification_of_a_text_is_there_until_its_due_date(kind):
    made = make.modified(at=NOW - HOUR, service_type=kind, **WRITTEN)
    due = made.ends_at
    assert [numbers_in("modifie-non-vu", at=at) for at in (due - MICROSECOND, due)] == [[made.pk], []]


# Début passé


@pytest.mark.parametrize(
    ("build", "words"),
    [(make.unallocated, "Personne n’a la demande"), (make.pending, "Offerte, personne n’a répondu")],
)
def test_a_start_without_an_interpreter_is_there_whether_offered_or_not(build, words):
    build(at=NOW - DAY, starts_at=NOW - HOUR)
    make.reserved(at=NOW - DAY, starts_at=NOW - HOUR)
    assert says("debut-passe") == words


def test_of_a_text_that_nobody_has_the_due_date_is_said():
    make.unallocated(at=NOW - DAY, service_type="translation", **WRITTEN)
    assert says("debut-passe", at=NOW + 2 * DAY) == "Personne n’a la demande · à remettre : le 8 mars, 10 h"


# À remplir en retard


def test_a_report_is_late_more_than_two_days_after_the_end():
    made = make.reserved(at=NOW - 9 * DAY, starts_at=NOW - 2 * DAY - LENGTH)
    assert (numbers_in("a-remplir"), numbers_in("a-remplir", at=NOW + MICROSECOND)) == ([], [made.pk])


def test_a_late_report_leaves_once_filled_and_the_oldest_comes_first():
    old, late, filled = (make.reserved(at=NOW - 30 * DAY, starts_at=NOW - days * DAY) for days in (9, 4, 5))
    services.report(filled, is_rendered=True, by=make.alice(), at=NOW)
    assert numbers_in("a-remplir") == [old.pk, late.pk]


def test_a_late_report_says_for_how_long_and_how_often_its_interpreter_was_reminded():
    made = make.reserved(at=NOW - 30 * DAY, starts_at=NOW - 3 * DAY)
    assert says("a-remplir") == "Alice Nom-de-Alice : fini depuis 2 jours · aucun rappel à ce jour"
    reminders.remind_due(NOW)
    assert says("a-remplir") == "Alice Nom-de-Alice : fini depuis 2 jours · 1 rappel à ce jour"
    later = made.ends_at + 7 * DAY
    reminders.remind_due(later)
    assert says("a-remplir", at=later) == "Alice Nom-de-Alice : fini depuis 7 jours · 2 rappels à ce jour"


def test_nothing_is_left_before_a_late_report():
    make.reserved(at=NOW - 30 * DAY, starts_at=NOW - 3 * DAY)
    assert rows_of("a-remplir")[0].left == ""


# Messages


def test_a_request_whose_messages_the_bi_has_not_read_is_there_once():
    made = make.reserved(at=NOW - DAY)
    for hours in (2, 1):
        exchanges.post_message(made, by=make.alice(), at=NOW - hours * HOUR, body=f"Bonjour {hours}")
    assert says("messages") == "Alice Nom-de-Alice : 2 messages · depuis 8 h"
    exchanges.mark_read(made, by=make.coordinator(), at=NOW, interpreter=make.alice())
    assert numbers_in("messages") == []


def test_the_message_that_has_waited_longest_comes_first():
    soon, late = (
        make.reserved(starts_at=NOW + 3 * DAY, at=NOW - DAY),
        make.reserved(starts_at=NOW + 9 * DAY, at=NOW - DAY),
    )
    for made, hours in ((late, 5), (soon, 4), (late, 3)):
        exchanges.post_message(made, by=make.alice(), at=NOW - hours * HOUR, body=f"Bonjour {hours}")
    assert numbers_in("messages") == [late.pk, soon.pk]


def test_what_the_bi_wrote_and_an_urgent_withdrawal_are_not_messages_to_read():
    made = make.reserved(at=NOW - DAY, starts_at=NOW + 30 * HOUR)
    exchanges.post_message(made, by=make.coordinator(), at=NOW - HOUR, body="Bonjour", interpreter=make.alice())
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=NOW - HOUR, body="Je suis malade.")
    assert numbers_in("messages") == []


# Numbers and filters


def elsewhere(**fields):
    other = make.other_institution()
    return make.unallocated(
        by=make.other_requester(), institution=other, facility=make.facility(of=other), at=NOW - DAY, **fields
    )


def test_every_queue_is_counted():
    make.unallocated()
    make.modified(starts_at=NOW + 5 * DAY)
    make.pending(starts_at=NOW + 30 * HOUR)
    counts, lost = board.numbers(EVERYTHING, at=NOW)
    held = {slug: number for slug, number in counts.items() if number}
    assert (held, lost) == ({"non-alloue": 1, "modifie-non-vu": 1, "sans-reponse": 1}, 0)


@pytest.mark.parametrize(
    ("filters", "is_kept"),
    [
        (board.Filters(region="06"), True),
        (board.Filters(region="16"), False),
        (board.Filters(language="espagnol"), True),
        (board.Filters(language="arabe"), False),
        (board.Filters(service_type="on_site"), True),
        (board.Filters(service_type="phone"), False),
        (board.Filters(region="06", language="espagnol", service_type="on_site"), True),
        (board.Filters(region="06", language="espagnol", service_type="video"), False),
    ],
)
def test_filters_keep_rows_and_counts_alike(filters, is_kept):
    make.unallocated()
    counts, _ = board.numbers(filters, at=NOW)
    assert (len(rows_of("non-alloue", filters=filters)), counts["non-alloue"]) == (is_kept, is_kept)


def test_the_region_is_that_of_the_place_else_of_the_institution():
    laval = make.facility("Clinique de Laval")
    laval.region_id = "13"
    laval.save()
    there = make.unallocated(facility=laval)
    nowhere = make.unallocated(service_type="phone", facility=None, starts_at=NOW + 9 * DAY)
    assert numbers_in("non-alloue", filters=board.Filters(region="13")) == [there.pk]
    assert numbers_in("non-alloue", filters=board.Filters(region=make.institution().region_id)) == [nowhere.pk]


def test_the_board_opens_on_the_most_urgent_queue_that_has_rows():
    assert board.opening(board.numbers(EVERYTHING, at=NOW)[0]).slug == "non-alloue"
    make.modified(starts_at=NOW + 5 * DAY)
    assert board.opening(board.numbers(EVERYTHING, at=NOW)[0]).slug == "modifie-non-vu"
    made = make.reserved(at=NOW - DAY, starts_at=NOW + 30 * HOUR)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=NOW - HOUR, body="Je suis malade.")
    assert board.opening(board.numbers(EVERYTHING, at=NOW)[0]).slug == "desistement-urgent"


def test_a_row_leads_to_the_request_and_to_what_comes_next():
    made = make.unallocated()
    (row,) = rows_of("non-alloue")
    assert row.url == f"/demandes/{made.pk}/"
    assert row.steps == [
        ("Offrir", f"/bi/demandes/{made.pk}/offrir/", "f"),
        ("Attribuer", f"/bi/demandes/{made.pk}/attribuer/", "a"),
    ]


def test_the_account_of_an_interpreter_who_left_is_why_nobody_has_the_request():
    made = make.reserved(at=NOW - DAY, starts_at=NOW + 5 * DAY)
    services.mark_unallocated(made, by=User.objects.system(), at=NOW - HOUR)
    assert says("non-alloue") == "Compte désactivé : Alice Nom-de-Alice · depuis 9 h"
