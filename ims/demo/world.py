"""The demo's world: people, places, and months of requests, all made by the verbs themselves at their own times."""

import heapq
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import date, datetime
from random import Random

from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from accounts.models import User
from accounts.roles import Role
from ims.demo import absences, ahead, flagged, message_templates, past, paydays, people, places, practices, star, turns
from ims.demo.casting import ANY, ON_SITE, REVISION, SPOKEN, TRANSLATION, Case, Casting
from ims.demo.days import Days
from ims.demo.people import PASSWORD, username

__all__ = ["ACCOUNTS", "PASSWORD", "build", "exists"]

# Who signs in, as the demo prints them (welcome.py says more); the first one has the FAQ's own case.
ACCOUNTS = [
    (username("Lucía Paredes"), Role.INTERPRETER.label, ""),
    (username("Nadia Benkirane"), Role.INTERPRETER.label, "un code par SMS à la connexion"),
    (username("Dominique Lasnier"), Role.REQUESTER.label, "pour le CHUM"),
    (username("Solène Archambeau"), Role.COORDINATOR.label, ""),
    (username("Bruno Tessereau"), Role.VALIDATOR.label, ""),
    (username("Mathilde Kerouac"), Role.ADMINISTRATOR.label, ""),
    (username(people.INVITED), Role.INTERPRETER.label, "première connexion"),
]
REQUESTS, LARGE = 140, 600
_SEED = 20241104

Story = Generator[datetime, datetime, object]


@dataclass(frozen=True)
class Row:
    """So many requests of one story: between which days from today, and what their cases need."""

    count: int
    story: Callable[[Case], Story]
    first: int
    last: int
    kinds: tuple = SPOKEN
    size: int = 1
    lead: tuple[int, int] = (6, 14)
    given: dict | None = None
    requests: int = 1  # a withdrawal after communications makes two


LONG, SHORT = (10, 16), (1, 3)
ASKED, QUIET = {"are_communications_requested": True}, {"are_communications_requested": False}
# The mix of the small world; the large one has five times as many of each, and both are completed with FILLERS.
MIX = [
    Row(1, past.completed, -50, -16, REVISION),
    Row(1, past.completed, -50, -16, TRANSLATION),
    Row(1, past.provided, -11, -4, TRANSLATION),
    Row(10, past.provided, -11, -2, ANY, 2),
    Row(2, past.filed_late, -12, -8),
    Row(2, past.patient_absent_completed, -50, -14, ON_SITE),
    Row(1, past.professional_absent_completed, -50, -14, ON_SITE),
    Row(2, past.patient_absent, -9, -3, ON_SITE),
    Row(1, past.turned_away, -9, -3, ON_SITE),
    Row(1, past.returned, -12, -8, ON_SITE),
    Row(2, past.corrected, -12, -8, ON_SITE),
    Row(1, past.corrected_completed, -45, -18, ON_SITE),
    Row(4, ahead.reserved, -9, -1),
    Row(2, ahead.reserved, 0, 0),
    Row(3, past.cancelled_early, -40, 20, ANY, 1, LONG),
    Row(2, past.cancelled_late, -10, -2),
    Row(1, past.cancelled_late, 1, 1, given=QUIET),
    Row(2, past.cancelled_late_completed, -50, -14),
    Row(2, past.claimed, -20, -5, SPOKEN, 1, LONG, ASKED),
    Row(1, past.nobody_found, -30, -4, SPOKEN, 2),
    Row(1, past.interpreter_absent, -30, -4, ON_SITE),
    Row(1, past.bi_error, -30, 20),
    Row(2, turns.withdrawn, -40, -18, SPOKEN, 2, LONG, ASKED, 2),
    Row(2, turns.reassigned, -40, -15, ON_SITE, 2, given=QUIET),
    Row(2, turns.rescheduled, -40, -14, SPOKEN, 3),
    Row(1, turns.shortened, -40, -14, ON_SITE),
    Row(1, turns.urgency_declined, -30, -14),
    Row(1, turns.urgency_granted, -30, -14, SPOKEN, 2),
    Row(2, turns.start_passed, -6, -1, SPOKEN, 2),
    Row(1, turns.after_the_fact, -25, -14),
    Row(6, ahead.unallocated, 2, 30, ANY, 1, SHORT),
    Row(1, ahead.pending, 6, 30, REVISION, 1, SHORT),
    Row(7, ahead.pending, 4, 35, ANY, 3, SHORT),
    Row(2, ahead.partly_refused, 4, 35, SPOKEN, 3, SHORT),
    Row(1, ahead.pending_changed, 4, 35, SPOKEN, 3, SHORT),
    Row(1, ahead.retracted, 4, 35, SPOKEN, 3, SHORT),
    Row(2, ahead.all_refused, 4, 35, SPOKEN, 2, (3, 5)),
    Row(2, ahead.expired, 4, 35, SPOKEN, 2),
    Row(11, ahead.reserved, 1, 42, ANY, 2),
    Row(2, ahead.taken_last_evening, 3, 20, SPOKEN, 2, (1, 1)),
    Row(2, ahead.changed, 6, 30),
    Row(1, ahead.instructed, 4, 30),
    Row(1, ahead.urgency_asked, 1, 1, given=QUIET),
    Row(1, ahead.withdrawn_free, 6, 30, given=QUIET),
    Row(1, ahead.reinstated, 6, 30, given=QUIET),
]
# Far enough for a year of pay, month by month.
FILLER = Row(1, past.completed, -330, -13, ANY, 2)


def exists() -> bool:
    """Whether the world was built: it is made in one transaction, so its first account says it all."""
    return User.objects.filter(username=ACCOUNTS[0][0]).exists()


@transaction.atomic
def build(*, large: bool, progress: Callable[[str], None], today: date | None = None) -> None:
    """Write the whole world as seen from `today`; `progress` is told in French. A failure leaves nothing behind.

    The same day gives the same world, whatever the hour. Only receipts already written to disk outlive a rollback.
    """
    days, rng = Days(today or timezone.localdate()), Random(_SEED)  # noqa: S311 (always the same draws)
    homes = places.institutions()
    facilities = places.create(homes)
    progress(f"  {len(homes)} établissements, {len(facilities)} installations")
    everybody = people.create(homes, rng)
    progress(f"  {len(everybody.interpreters)} interprètes")
    queued_before = set(OrmQ.objects.values_list("pk", flat=True))
    wanted = LARGE if large else REQUESTS
    casting = Casting(days, everybody, facilities, rng)
    play([*_cast(casting, wanted, 5 if large else 1), *paydays.stories(casting)], days.last, progress)
    absences.write(everybody.interpreters, days)
    practices.write(everybody.interpreters, everybody.coordinators[0], homes, days)
    message_templates.write(everybody.coordinators, days)
    people.invite(homes)
    # Each acceptance and each message woke the worker: once is enough for all that is due.
    OrmQ.objects.exclude(pk__in=queued_before).delete()
    async_task("accounts.notify.deliver_due")


def _cast(casting: Casting, wanted: int, times: int) -> list[Story]:
    """The stories of `wanted` requests: the first account's own before all, while everybody is free."""
    stories = [*star.stories(casting), *flagged.stories(casting)]
    written = len(stories) + 1  # one of them withdraws after communications, which makes a relay
    for row in MIX:
        stories += [_draw(casting, row) for _ in range(row.count * times)]
        written += row.count * times * row.requests
    stories += [_draw(casting, FILLER) for _ in range(wanted - written - len(star.FORMER))]
    return [*stories, *star.former(casting)]


def _draw(casting: Casting, row: Row) -> Story:
    day = casting.day(row.first, row.last)
    return row.story(casting.case(day, kinds=row.kinds, size=row.size, lead=row.lead, **row.given or {}))


def play(stories: list[Story], last: datetime, progress: Callable[[str], None]) -> None:
    """Let every story have its next event in the order of time, so that numbers and history grow as they did.

    Raises ValueError when a story goes back in time, or past `last`.
    """
    waiting = [(next(story), number, story) for number, story in enumerate(stories)]
    heapq.heapify(waiting)
    total = len(waiting)
    while waiting:
        at, number, story = waiting[0]
        try:
            following = story.send(at)
        except StopIteration:
            heapq.heappop(waiting)
            if len(waiting) % -(-total // 4) == 0:
                progress(f"  Demandes\u00a0: {total - len(waiting)} sur {total}")
            continue
        if not at <= following <= last:
            raise ValueError(f"L’événement du {following} ne peut pas suivre celui du {at}.")
        heapq.heapreplace(waiting, (following, number, story))
