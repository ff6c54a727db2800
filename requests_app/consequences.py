"""What a step would do, computed for an instant, written nowhere: shown before somebody confirms (rulings 1, 11, 12).

The verbs of `services` write what is computed here, and `notifications` says here as there who is told: what a page
announces is what happens.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from accounts.models import User
from accounts.roles import Role
from billing.rules import is_late_cancellation
from requests_app import changes, workflow
from requests_app.exchanges import billable_if_cancelled
from requests_app.models import DOUBLE_BOOKED, CancellationReason, ServiceRequest
from requests_app.moves import Overlap, facts_of, notice_of
from requests_app.notifications import concerned, of_others
from requests_app.offers import asked, ended_by, holders, is_booked
from requests_app.workflow import ASSIGNED, SPOKEN, Action, NotAllowed, Status

_TIMES = {"starts_at", "ends_at", "service_type"}
# A new start this near is said before it is confirmed.
_NEAR = timedelta(hours=1)


def _people(told: Iterable[tuple]) -> str:
    """Changes with who is told of what."""
    keys = sorted((user.pk, str(topic)) for user, topic in told)
    return hashlib.sha256(repr(keys).encode()).hexdigest()[:16]


# A modification.


@dataclass(frozen=True, kw_only=True)
class Change:
    """A modification about to be made; `fields` are written, `ended` are the holders whose offer ends, with why."""

    fields: dict
    changed: dict
    status: Status
    facts: workflow.Facts
    told: list[tuple]
    kept: list[User]
    ended: dict[User, str]
    frees: bool

    @property
    def guaranteed_minutes(self) -> int:
        """What stays paid at least, in minutes, when this change sets it (ruling 11)."""
        return self.fields.get("guaranteed_minutes", 0)

    @property
    def stake(self) -> str:
        """What the person confirms besides the fields: when it is another at the click, the page asks again."""
        late = "late" if self.facts.is_late_change else "in time"
        return f"{self.status} {late} {self.guaranteed_minutes} {self.frees} {_people(self.told)}"

    @property
    def warning(self) -> str:
        """What a new start that is near, or past, deserves to be told of."""
        if "starts_at" not in self.changed:
            return ""
        left = self.fields["starts_at"] - self.facts.at.astimezone(UTC)
        if left <= timedelta():
            return "Le nouveau début est déjà passé."
        return "Le nouveau début est dans moins d’une heure." if left < _NEAR else ""

    @property
    def is_plain(self) -> bool:
        """Nobody learns of it and nothing is at stake: it needs no second question."""
        return not (self.told or self.facts.is_late_change or self.warning)


def of_change(
    service_request: ServiceRequest, fields: dict, *, by: User, at: datetime, note: str, is_released: bool = False
) -> Change:
    """The modification of `fields` at `at`; `is_released`: given back in the same step (ruling 11).

    Raises NotAllowed (too late for a requester, a note missing…) and Overlap, as the verb then does.
    """
    fields = changes.in_utc(fields)
    changed = changes.between(service_request, fields)
    status = Status.UNALLOCATED if is_released else Status(service_request.status)
    _check_start(fields, changed, by=by, at=at, note=note)
    facts = _facts_of_change(service_request, fields, status, by=by, at=at, note=note)
    target = workflow.next_status(status, Action.MODIFY, by.role, facts=facts)
    _check_free(service_request, fields, changed, status)
    ended = ended_by(service_request, {name: fields[name] for name in changed}, at=at)
    kept = [holder for holder in holders(service_request, at) if holder not in ended]
    return Change(
        fields=fields | _guarantee(service_request, fields, is_late=facts.is_late_change),
        changed=changed,
        status=_after(service_request, target, ended),
        facts=facts,
        told=_told_of_change(service_request, by, kept, ended, is_released=is_released),
        kept=kept,
        ended=ended,
        frees=_frees(service_request, fields, changed, target, at=at),
    )


def _check_start(fields, changed, *, by, at, note) -> None:
    if "starts_at" in changed and fields["starts_at"] <= at and not (note and by.role == Role.COORDINATOR):
        raise NotAllowed("Le nouveau début est déjà passé.")


def _facts_of_change(service_request, fields, status, *, by, at, note) -> workflow.Facts:
    is_late = status in ASSIGNED and changes.is_substantial(service_request, fields)
    is_late = is_late and is_short_of_time(service_request, at=at)
    return facts_of(service_request, by, at=at, noted=bool(note), is_late_change=is_late)


def _frees(service_request, fields, changed, target, *, at) -> bool:
    """Ruling 1: nobody withdraws once the service has begun."""
    is_to_come = at < fields.get("starts_at", service_request.starts_at)
    return target == Status.MODIFIED and is_to_come and changes.will_free_from_notice(service_request, changed)


def is_short_of_time(service_request: ServiceRequest, *, at: datetime) -> bool:
    """Ruling 11: somebody has it, and less than 48 business hours are left."""
    return service_request.status in ASSIGNED and is_late_cancellation(notice_of(service_request, at)[0])


def _guarantee(service_request, fields, *, is_late: bool) -> dict:
    """Ruling 11: a late shortening pays at least what was booked; another day in time is another booking."""
    booked = service_request.booked_minutes
    start, end = (fields.get(name, getattr(service_request, name)) for name in ("starts_at", "ends_at"))
    if is_late and end - start < timedelta(minutes=booked):
        return {"guaranteed_minutes": max(service_request.guaranteed_minutes, booked)}
    is_moved = not is_late and changes.moves_day(service_request, fields)
    return {"guaranteed_minutes": 0} if is_moved else {}


def _check_free(service_request, fields, changed, status) -> None:
    """Ruling 2, before the database says it: the interpreter serves somebody else at the new time."""
    if status not in ASSIGNED or not changed.keys() & _TIMES:
        return
    times = {name: fields.get(name, getattr(service_request, name)) for name in _TIMES}
    if is_booked(service_request.interpreter, ServiceRequest(pk=service_request.pk, **times)):
        raise Overlap(DOUBLE_BOOKED)


def _after(service_request, target: Status, ended) -> Status:
    """« Non alloué » when the change ends every offer; those past their deadline still wait for the job."""
    if not ended:
        return target
    left = [holder for holder in asked(service_request.offers) if holder not in ended]
    return target if left else Status.UNALLOCATED


def _told_of_change(service_request, by, kept, ended, *, is_released) -> list[tuple]:
    interpreter = service_request.interpreter
    released = concerned(service_request, Action.MARK_UNALLOCATED, by=by, interpreter=interpreter)
    told = released if is_released else []
    told += concerned(service_request, Action.MODIFY, by=by, interpreter=None if is_released else interpreter)
    told += of_others(dict.fromkeys(kept, ""), Action.MODIFY, by=by)
    return told + of_others(ended, Action.EXPIRE, by=User.objects.system() if ended else by)


# A cancellation, and the other steps.


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """A cancellation whose notice came at `received_at` (ruling 12); `billable` communications stay paid."""

    notice: timedelta
    closed_days: frozenset
    is_late: bool
    pays: bool
    billable: int
    told: list[tuple]

    @property
    def stake(self) -> str:
        """What decides the pay, for this reason and this notice, and who is told."""
        return f"{'late' if self.pays else 'free'} {self.billable} {_people(self.told)}"


def of_cancellation(service_request: ServiceRequest, *, by: User, received_at: datetime, reason: str) -> Cancellation:
    """What cancelling does; « Interprète absent » pays nothing, nor what occupies nobody's calendar."""
    notice, closed_days = notice_of(service_request, received_at)
    is_late = is_late_cancellation(notice)
    is_owed = service_request.interpreter_id and service_request.service_type in SPOKEN
    return Cancellation(
        notice=notice,
        closed_days=closed_days,
        is_late=is_late,
        pays=bool(is_late and is_owed and reason != CancellationReason.INTERPRETER_ABSENT),
        billable=billable_if_cancelled(service_request, received_at=received_at),
        told=told_by(service_request, Action.CANCEL, by=by),
    )


# The steps that end every open offer.
_CLOSES_OFFERS = {Action.CANCEL, Action.ASSIGN}


def told_by(service_request: ServiceRequest, action: Action, *, by: User) -> list[tuple]:
    """The (user, topic) that a step tells, besides whoever is still to be chosen."""
    interpreter = None if action in {Action.ASSIGN, Action.REASSIGN} else service_request.interpreter
    told = concerned(service_request, action, by=by, interpreter=interpreter)
    former = [service_request.interpreter] if action == Action.REASSIGN else []
    gone = asked(service_request.offers) if action in _CLOSES_OFFERS else former
    return told + of_others(dict.fromkeys(gone, action), action, by=by)
