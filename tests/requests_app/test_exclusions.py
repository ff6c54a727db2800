"""« Exclure d'un établissement »: who decides it, until when, what it leaves as it is, and how it ends."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AccountEvent
from requests_app import exclusions
from requests_app.sourcing import Exclusion
from requests_app.workflow import NotAllowed
from tests import make
from tests.counts import rounds
from tests.make import HOUR, NOW, START
from tests.requests_app.test_races import contest, winners

TODAY = NOW.date()
UNTIL = TODAY + timedelta(days=30)
GIVEN = {"at": NOW, "reason": "Plainte de la clinique", "ends_on": UNTIL}


def exclude(by=None, **given):
    who, where = make.alice(), make.institution()
    return exclusions.exclude(who, where, by=by or make.coordinator(), **GIVEN | given)


def told(kind) -> list[str]:
    return list(AccountEvent.objects.filter(user=make.alice(), kind=kind).values_list("detail", flat=True))


# Deciding


@pytest.mark.django_db
def test_an_exclusion_is_kept_with_its_reason_and_written_in_the_account():
    made = exclude()
    assert (made.reason, made.ends_on, made.by) == (GIVEN["reason"], UNTIL, make.coordinator())
    assert told("excluded") == ["jusqu’au 2\u00a0avr.\u00a02025, CHUM"]


@pytest.mark.django_db
@pytest.mark.parametrize("user", [make.alice, make.requester, make.validator, make.administrator])
def test_only_a_coordinator_excludes_and_lifts(user):
    held = make.exclusion(at=NOW)
    for act in (lambda: exclude(user()), lambda: exclusions.lift(held, by=user(), at=NOW, reason="x")):
        with pytest.raises(NotAllowed, match="Seule la coordination"):
            act()


BAD_ENDS = {"today": 0, "yesterday": -1, "beyond two years": 732}


@pytest.mark.django_db
@pytest.mark.parametrize("days", BAD_ENDS.values(), ids=BAD_ENDS)
def test_an_exclusion_ends_in_the_future_in_two_years_at_most(days):
    with pytest.raises(NotAllowed):
        exclude(ends_on=TODAY + timedelta(days=days))
    assert not Exclusion.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("days", [1, 731])
def test_an_exclusion_may_end_tomorrow_or_in_two_years(days):
    assert exclude(ends_on=TODAY + timedelta(days=days)).pk


@pytest.mark.django_db
def test_an_exclusion_has_a_reason():
    with pytest.raises(NotAllowed, match="raison"):
        exclude(reason="  ")


@pytest.mark.django_db
def test_only_an_interpreter_is_excluded():
    with pytest.raises(NotAllowed, match="pas interprète"):
        exclusions.exclude(make.requester(), make.institution(), by=make.coordinator(), **GIVEN)


@pytest.mark.django_db
def test_pressed_twice_it_is_written_once():
    assert exclude() == exclude(at=NOW + timedelta(seconds=5))
    assert len(told("excluded")) == 1


@pytest.mark.django_db
def test_while_one_holds_another_is_refused_with_its_end():
    exclude()
    for given in ({"at": NOW + HOUR}, {"reason": "Autre chose"}, {"ends_on": UNTIL + timedelta(days=1)}):
        with pytest.raises(NotAllowed, match="jusqu’au 2.avr..2025"):
            exclude(**given)


@pytest.mark.django_db
def test_once_over_or_lifted_another_may_follow():
    first = exclude(ends_on=TODAY + timedelta(days=1))
    after = NOW + timedelta(days=2)
    second = exclude(at=after)
    exclusions.lift(second, by=make.coordinator(), at=after, reason="Réglé")
    third = exclude(at=after + HOUR)
    assert [first.pk, second.pk, third.pk] == sorted(Exclusion.objects.values_list("pk", flat=True))


@pytest.mark.django_db
def test_an_exclusion_holds_to_the_end_of_its_last_day_in_montreal():
    exclude(ends_on=UNTIL)
    last = make.local(f"{UNTIL} 23:59")
    held = [exclusions.in_force(make.alice(), at=at).exists() for at in (last, last + timedelta(minutes=1))]
    assert held == [True, False]


# Lifting


@pytest.mark.django_db
def test_an_exclusion_is_lifted_for_a_reason_and_stays_in_the_file():
    held, by = exclude(), make.coordinator()
    exclusions.lift(held, by=by, at=NOW + HOUR, reason="Malentendu réglé")
    held.refresh_from_db()
    assert (held.lifted_by, held.lifted_at, held.lifted_reason) == (by, NOW + HOUR, "Malentendu réglé")
    assert (held.reason, told("exclusion_lifted")) == (GIVEN["reason"], ["CHUM"])


@pytest.mark.django_db
def test_lifted_twice_by_one_press_it_is_lifted_once():
    held, given = exclude(), {"by": make.coordinator(), "reason": "Réglé"}
    exclusions.lift(held, at=NOW + HOUR, **given)
    exclusions.lift(held, at=NOW + HOUR + timedelta(seconds=2), **given)
    assert len(told("exclusion_lifted")) == 1


@pytest.mark.django_db
def test_an_exclusion_lifted_already_or_over_is_not_lifted():
    held, by = exclude(), make.coordinator()
    with pytest.raises(NotAllowed, match="déjà terminée"):
        exclusions.lift(held, by=by, at=NOW + timedelta(days=31), reason="Réglé")
    exclusions.lift(held, by=by, at=NOW + HOUR, reason="Réglé")
    with pytest.raises(NotAllowed, match="déjà été levée par Corinne"):
        exclusions.lift(held, by=by, at=NOW + 2 * HOUR, reason="Autre")


# What it leaves as it is


def consequence(ends_on=UNTIL):
    found = exclusions.consequence_of(make.alice(), make.institution(), ends_on, at=NOW)
    return [made.pk for made in found.bookings], [held.service_request_id for held in found.offers]


@pytest.mark.django_db
def test_the_consequence_is_what_the_person_has_there_up_to_that_day():
    booked, asked = make.reserved(starts_at=START), make.pending(starts_at=START + 24 * HOUR)
    elsewhere = make.facility("Ailleurs", of=make.other_institution())
    there = {"institution": make.other_institution(), "facility": elsewhere, "by": make.other_requester()}
    make.pending(make.alice(), starts_at=START + 48 * HOUR, **there)
    make.reserved(make.bob(), starts_at=START)
    assert consequence() == ([booked.pk], [asked.pk])


@pytest.mark.django_db
def test_the_consequence_stops_at_the_end_of_the_last_day():
    made = make.reserved(starts_at=make.local("2025-03-06 23:00"))
    day = START.date()
    assert (consequence(day), consequence(day - timedelta(days=1))) == (([made.pk], []), ([], []))


@pytest.mark.django_db
def test_what_is_booked_or_offered_stays_after_the_exclusion():
    made = make.reserved(starts_at=START)
    exclude()
    made.refresh_from_db()
    assert (made.status, made.interpreter) == ("reserved", make.alice())


# The database


LIES = {
    "no reason": ({"reason": ""}, "exclusion_has_a_reason"),
    "lifted by nobody": ({"lifted_at": NOW, "lifted_reason": "x"}, "lifting_is_whole"),
    "lifted for nothing": ({"lifted_at": NOW, "lifted_by": 1}, "lifting_is_whole"),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("lie", "constraint"), LIES.values(), ids=LIES)
def test_the_database_refuses_a_lie_about_an_exclusion(lie, constraint):
    held = make.exclusion(at=NOW)
    given = lie | ({"lifted_by": make.coordinator()} if "lifted_by" in lie else {})
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Exclusion.objects.filter(pk=held.pk).update(**given)
    assert refusal.value.__cause__.diag.constraint_name == constraint


def test_every_constraint_of_an_exclusion_is_tried_here():
    tried = {constraint for _, constraint in LIES.values()}
    assert tried == {constraint.name for constraint in Exclusion._meta.constraints}


# Two coordinators at once


@pytest.mark.django_db(transaction=True)
def test_of_two_coordinators_at_once_one_excludes_and_the_other_is_told():
    who, where = make.alice(), make.institution()
    by = [make.coordinator(), make.person("Camille", make.Role.COORDINATOR)]
    with contest(2) as race:
        for _ in range(rounds("race") // 6):
            acts = [lambda by=one: exclusions.exclude(who, where, by=by, **GIVEN) for one in by]
            assert sorted(winners(race(*acts))) == [False, True]
            assert Exclusion.objects.count() == 1
            Exclusion.objects.all().delete()
