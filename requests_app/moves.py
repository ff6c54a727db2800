"""How a request moves: one transaction a verb, one guarded UPDATE, one line of history, and people are told.

`move` is the only place in the house that writes `status`; the verbs themselves are in `services` and `offers`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone
from psycopg import errors

from accounts.models import User
from accounts.roles import Role
from billing.rules import business_notice
from requests_app import changes, workflow
from requests_app.models import Holiday, Message, Offer, ServiceRequest, Transition, WavePlan
from requests_app.notifications import announce
from requests_app.workflow import Action, Facts, NotAllowed, Status

TRIES = 3
# Two people on the same rows: nothing is wrong with what either asked (reliability, B10).
CLASHES = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)


BUSY = "Quelqu’un d’autre enregistre cette demande en ce moment. Réessayez dans quelques secondes."


class Stale(NotAllowed):
    """The request changed since the page was opened, or while the action was running."""


class Busy(NotAllowed):
    """Others kept the request for themselves, three times in a row; nothing was written."""


class Overlap(NotAllowed):
    """The interpreter is booked at that time (ruling 2)."""


def verb(function, *, busy=BUSY):
    """One transaction; a constraint's refusal becomes its French sentence, a clash of two people is tried again.

    Whatever fails, the object handed in first, if any, is left as it was. Raises Busy (`busy`) after TRIES clashes.
    """

    @wraps(function)
    def run(*args, **kwargs):
        for attempt in range(1, TRIES + 1):
            # With a copy of the related objects it holds.
            before = [(row, row.__getstate__()) for row in args[:1]]
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except Exception as error:
                for row, state in before:
                    vars(row).clear()
                    vars(row).update(state)
                if isinstance(error, IntegrityError):
                    raise _refusal(error) from error
                # Within another verb, the whole of that one is tried again.
                if not isinstance(error.__cause__, CLASHES) or connection.in_atomic_block:
                    raise
                if attempt == TRIES:
                    raise Busy(busy) from error

    return run


def _refusal(error: IntegrityError) -> Exception:
    name = error.__cause__.diag.constraint_name
    for model in (ServiceRequest, Offer, Message, WavePlan):
        for constraint in model._meta.constraints:
            if constraint.name == name:
                is_overlap = isinstance(constraint, ExclusionConstraint)
                return (Overlap if is_overlap else NotAllowed)(constraint.violation_error_message)
    return error


# Reading: what the guards and the pages need to know.


def facts_of(service_request: ServiceRequest, user: User, *, at: datetime, **given) -> Facts:
    """The facts of a request for one person at an instant; `given` is what that person brings (a note, oui or non…)."""
    is_offered = service_request.status == Status.PENDING and user.role == Role.INTERPRETER
    facts = {
        "at": at,
        "starts_at": service_request.starts_at,
        "is_assigned": service_request.interpreter_id == user.pk,
        "has_open_offer": is_offered and service_request.offers.open_at(at).filter(interpreter=user).exists(),
        "withdraws_freely": changes.frees_from_notice(service_request),
        "is_filed": service_request.filed_by_id is not None,
        "is_filer": service_request.has_part(user),
        "has_claim": service_request.is_late_cancellation,
        "cancelled_by_report": service_request.notice_received_at is None,
        "is_due_to_review": service_request.is_due_to_review,
    }
    return Facts(**facts | given)


def available_actions(service_request: ServiceRequest, user: User, *, at: datetime) -> list[Action]:
    """The buttons of a request's page for one person."""
    return workflow.available(service_request.status, user.role, facts=facts_of(service_request, user, at=at))


def notice_of(service_request: ServiceRequest, received_at: datetime) -> tuple[timedelta, frozenset]:
    """The business time a notice leaves before the start, and the closed days it was counted with."""
    closed_days = Holiday.objects.closed_between(received_at, service_request.starts_at)
    zone = timezone.get_default_timezone()
    return business_notice(received_at, service_request.starts_at, closed_days=closed_days, tz=zone), closed_days


# The one writer.


@dataclass(frozen=True, kw_only=True)
class Story:
    """What history keeps of a move besides its statuses, and which holders of offers to tell why theirs is gone."""

    note: str = ""
    interpreter: User | None = None
    on_behalf_of: User | None = None
    changed: dict = field(default_factory=dict)
    others: dict = field(default_factory=dict)
    details: dict = field(default_factory=dict)
    by_link: bool = False
    choice: dict = field(default_factory=dict)


def move(service_request, action, *, by, facts, version=None, story=None, **fields) -> Transition:
    """Move a request by the table with one guarded UPDATE, append the history row, tell; or raise NotAllowed, Stale."""
    check_seen(service_request, version)
    source = service_request.status
    target = workflow.next_status(source, action, by.role, facts=facts)
    # One answer among several changes nothing on the others' pages: it must not make them stale.
    bump = 0 if source == target == Status.PENDING and action != Action.MODIFY else 1
    unmoved = ServiceRequest.objects.filter(pk=service_request.pk, status=source, version=service_request.version)
    if not unmoved.update(status=target, version=F("version") + bump, **fields):
        raise Stale("La demande vient de changer.")
    for name, value in {**fields, "status": target, "version": service_request.version + bump}.items():
        setattr(service_request, name, value)
    return record(service_request, action, source, by=by, at=facts.at, story=story or Story())


def record(service_request, action, source, *, by, at, story) -> Transition:
    step = Transition.objects.create(
        service_request=service_request,
        action=action,
        from_status=source or "",
        to_status=service_request.status,
        version=service_request.version,
        by=by,
        at=at,
        note=story.note,
        interpreter=story.interpreter,
        on_behalf_of=story.on_behalf_of,
        changes=story.changed,
        choice=story.choice,
        by_link=story.by_link,
    )
    announce(service_request, step, others=story.others, details=story.details)
    return step


def check_seen(service_request, version: int | None) -> None:
    """Raise Stale when the page was opened on another version of the request; None asks nothing."""
    if version is not None and version != service_request.version:
        raise Stale("La demande a changé depuis que vous l’avez ouverte.")


def hold_serving(*interpreters: User) -> None:
    """Hold the accounts of those about to have an offer or a booking; nobody closes them meanwhile (departures.py).

    Before the request is held, as a departure does. Raises NotAllowed for whoever is not an active interpreter.
    """
    active = User.objects.filter(pk__in=[user.pk for user in interpreters], role=Role.INTERPRETER, is_active=True)
    serving = set(active.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    for user in interpreters:
        if user.pk not in serving:
            raise NotAllowed(f"{user} n’est pas un interprète actif.")
