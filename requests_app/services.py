"""The verbs that move a request. Each is one transaction; `by` is always given and time is an argument.

`_move` is the only place in the house that writes `status`. Lock order everywhere: account, request, offers, completion
(the account of whoever gets a booking, or leaves the bank).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django_q.tasks import async_task
from psycopg import errors

from accounts.french import day_and_month, hour, long_date
from accounts.models import User
from accounts.roles import Role
from billing.rules import business_notice, is_late_cancellation
from requests_app import changes, workflow
from requests_app.models import CancellationReason, Holiday, Message, Offer, ServiceRequest, Transition
from requests_app.notifications import announce, announce_offers, forget_urgency
from requests_app.workflow import ASSIGNED, BOOKED, SPOKEN, Action, Facts, NotAllowed, ServiceType, Status

TRIES = 3


class Stale(NotAllowed):
    """The request changed since the page was opened, or while the action was running."""


class Overlap(NotAllowed):
    """The interpreter is booked at that time (ruling 2)."""


def verb(function):
    """One transaction; a constraint's refusal becomes its French sentence, a deadlock is tried again.

    Whatever fails, the object handed in is left as it was.
    """

    @wraps(function)
    def run(service_request, *args, **kwargs):
        for attempt in range(1, TRIES + 1):
            before = service_request.__getstate__()  # with a copy of the related objects it holds
            try:
                with transaction.atomic():
                    return function(service_request, *args, **kwargs)
            except Exception as error:
                vars(service_request).clear()
                vars(service_request).update(before)
                if isinstance(error, IntegrityError):
                    raise _refusal(error) from error
                is_deadlock = isinstance(error.__cause__, errors.DeadlockDetected)
                if not is_deadlock or connection.in_atomic_block or attempt == TRIES:
                    raise

    return run


def _refusal(error: IntegrityError) -> Exception:
    name = error.__cause__.diag.constraint_name
    for model in (ServiceRequest, Offer, Message):
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
        "is_filer": user.pk in {service_request.filed_by_id, service_request.interpreter_id},
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


def _move(service_request, action, *, by, facts, version=None, story=None, **fields) -> Transition:
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
    return _record(service_request, action, source, by=by, at=facts.at, story=story or Story())


def _record(service_request, action, source, *, by, at, story) -> Transition:
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
    )
    announce(service_request, step, others=story.others, details=story.details)
    return step


def check_seen(service_request, version: int | None) -> None:
    """Raise Stale when the page was opened on another version of the request; None asks nothing."""
    if version is not None and version != service_request.version:
        raise Stale("La demande a changé depuis que vous l’avez ouverte.")


def _check_place(by: User, institution_id: int, facility) -> None:
    if by.role == Role.REQUESTER and by.institution_id != institution_id:
        raise NotAllowed("Cette demande est celle d’un autre établissement.")
    if facility is not None and facility.institution_id != institution_id:
        raise NotAllowed("Cette installation n’appartient pas à l’établissement.")


def _hold_serving(*interpreters: User) -> None:
    """Hold the accounts of those about to have an offer or a booking; nobody closes them meanwhile (departures.py).

    Before the request is held, as a departure does. Raises NotAllowed for whoever is not an active interpreter.
    """
    active = User.objects.filter(pk__in=[user.pk for user in interpreters], role=Role.INTERPRETER, is_active=True)
    serving = set(active.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    for user in interpreters:
        if user.pk not in serving:
            raise NotAllowed(f"{user} n’est pas un interprète actif.")


# Creating and changing.


def submit(*, by: User, at: datetime, note: str = "", **fields) -> ServiceRequest:
    """Create a request « Non alloué »; a coordinator may enter a past start, with a note."""
    fields = changes.in_utc(fields)
    service_request = ServiceRequest(status=Status.UNALLOCATED, requested_by=by, created_at=at, **fields)
    _check_place(by, service_request.institution_id, service_request.facility)
    return _create(service_request, Action.SUBMIT, by=by, at=at, story=Story(note=note))


@verb
def _create(service_request, action, *, by, at, story) -> ServiceRequest:
    facts = Facts(at=at, starts_at=service_request.starts_at, noted=bool(story.note))
    workflow.next_status(None, action, by.role, facts=facts)
    service_request.save()
    _record(service_request, action, None, by=by, at=at, story=story)
    return service_request


@verb
def modify(service_request, *, by: User, at: datetime, version: int | None = None, note: str = "", **fields) -> None:
    """Change what the request asks (names of `changes.MODIFIABLE`); nothing happens when nothing differs.

    Raises NotAllowed (ruling 11: too late for a requester), Overlap (the interpreter is booked at the new time).
    """
    service_request.lock()
    fields = changes.in_utc(fields)
    changed = changes.between(service_request, fields)
    if not changed:
        return
    _check_place(by, service_request.institution_id, fields.get("facility"))
    if "starts_at" in changed and fields["starts_at"] <= at and not (note and by.role == Role.COORDINATOR):
        raise NotAllowed("Le nouveau début est déjà passé.")
    is_late = (
        service_request.status in ASSIGNED
        and is_late_cancellation(notice_of(service_request, at)[0])
        and changes.is_substantial(service_request, fields)
    )
    booked = service_request.booked_minutes
    if not is_late and changes.moves_day(service_request, fields):
        # Another day, announced in time, is another booking: nothing is left to guarantee.
        fields["guaranteed_minutes"] = 0
    if is_late and fields.get("ends_at", service_request.ends_at) - fields.get(
        "starts_at", service_request.starts_at
    ) < timedelta(minutes=booked):
        fields["guaranteed_minutes"] = max(service_request.guaranteed_minutes, booked)
    facts = facts_of(service_request, by, at=at, noted=bool(note), is_late_change=is_late)
    story = Story(
        note=note,
        interpreter=service_request.interpreter,
        changed=changed,
        others=dict.fromkeys(_holders(service_request, at), ""),
    )
    _move(service_request, Action.MODIFY, by=by, facts=facts, version=version, story=story, **fields)
    if "language" in changed:
        _expire_strangers(service_request, at=at)
    if "starts_at" in changed:
        lapsing = service_request.offers.filter(state=Offer.State.OPEN, answer_by__gt=service_request.starts_at)
        lapsing.filter(sent_at__lt=service_request.starts_at).update(answer_by=service_request.starts_at)


def _expire_strangers(service_request, *, at) -> None:
    """Whoever does not speak the new language can no longer accept."""
    speakers = User.objects.filter(interpreter_profile__languages=service_request.language_id)
    held = service_request.offers.filter(state=Offer.State.OPEN).exclude(interpreter__in=speakers)
    for offered in held.select_related("interpreter"):
        reason = "La langue de la demande a changé."
        expire(service_request, offered.interpreter, by=User.objects.system(), at=at, reason=reason)


@verb
def modify_and_release(service_request, *, by, at, version=None, note, **fields) -> None:
    """« Modifier et remettre en non alloué »: when the interpreter is booked at the new time (ruling 11)."""
    mark_unallocated(service_request, by=by, at=at, version=version, note=note)
    modify(service_request, by=by, at=at, note=note, **fields)


# Offers.


def _holders(service_request, at) -> list[User]:
    return [offer.interpreter for offer in service_request.offers.open_at(at).select_related("interpreter")]


def _close(offers, state, *, at, reason: str) -> dict[User, str]:
    """Close open offers; returns their holders with the sentence each is told."""
    closing = offers.filter(state=Offer.State.OPEN)
    told = {offer.interpreter: reason for offer in closing.select_related("interpreter")}
    closing.update(state=state, closed_at=at, reason=reason)
    return told


@verb
def offer(service_request, interpreters: Iterable[User], *, by, at, answer_by: datetime, version=None, note="") -> None:
    """Offer to one or several interpreters until `answer_by`, or the start if it comes first; raises NotAllowed."""
    interpreters = list(interpreters)
    _hold_serving(*interpreters)
    service_request.lock()
    check_seen(service_request, version)
    _expire_lapsed(service_request, at=at)
    facts = facts_of(service_request, by, at=at)
    workflow.next_status(service_request.status, Action.OFFER, by.role, facts=facts)
    if answer_by <= at:
        raise NotAllowed("Le délai de réponse doit être dans le futur.")
    answer_by = min(answer_by, service_request.starts_at)
    limit = hour(answer_by)
    details = {"answer_by": f"{long_date(answer_by)} à {limit}", "reply_by": f"{day_and_month(answer_by)}, {limit}"}
    if not interpreters:
        raise NotAllowed("Choisissez au moins un interprète.")
    for interpreter in interpreters:
        if is_booked(interpreter, service_request):
            raise Overlap(f"{interpreter} a déjà une demande à ce moment.")
        # The offer stands before its history row is told, so that the message's link opens.
        Offer.objects.create(service_request=service_request, interpreter=interpreter, sent_at=at, answer_by=answer_by)
        story = Story(interpreter=interpreter, note=note, details=details)
        _move(service_request, Action.OFFER, by=by, facts=facts, story=story)


def free_for(service_request, interpreters):
    """Of a queryset of users, those who could serve: not its interpreter already, not booked at that time."""
    found = interpreters.exclude(pk=service_request.interpreter_id)
    if not service_request.is_spoken:
        return found
    return found.exclude(Exists(_bookings_over(service_request, OuterRef("pk"))))


def is_booked(interpreter: User, service_request) -> bool:
    """Whether the interpreter serves somebody else during a spoken request."""
    return service_request.is_spoken and _bookings_over(service_request, interpreter.pk).exists()


def _bookings_over(service_request, interpreter_pk):
    return ServiceRequest.objects.filter(
        interpreter_id=interpreter_pk,
        status__in=BOOKED,
        service_type__in=SPOKEN,
        starts_at__lt=service_request.ends_at,
        ends_at__gt=service_request.starts_at,
    ).exclude(pk=service_request.pk)


EXPIRED = "Le délai de réponse est passé."
TAKEN = "Une autre personne a accepté la demande."


@verb
def accept(service_request, *, by, at, version=None) -> None:
    """An interpreter takes an offered request: the first wins, the others are told. Raises Overlap, NotAllowed."""
    _hold_serving(by)
    held = service_request.offers.open_at(at).filter(interpreter=by)
    facts = facts_of(service_request, by, at=at, has_open_offer=held.exists())
    story = Story(interpreter=by)
    step = _move(service_request, Action.ACCEPT, by=by, facts=facts, version=version, story=story, interpreter=by)
    # The guarded UPDATE decided who wins; the offer row decides whether it was still open.
    if not held.update(state=Offer.State.ACCEPTED, closed_at=at):
        raise Stale("Cette demande n’est plus disponible.")
    told = _close(service_request.offers, Offer.State.CLOSED, at=at, reason=TAKEN)
    announce_offers(service_request, step, told)
    async_task("requests_app.services.expire_due")


@verb
def refuse(service_request, *, by, at, reason: str = "") -> None:
    """An interpreter declines; the request is « Non alloué » again when nobody else is asked. No reason is needed."""
    service_request.lock()
    _expire_lapsed(service_request, at=at)
    facts = _answer(service_request, by, by, at=at)
    _close(service_request.offers.filter(interpreter=by), Offer.State.REFUSED, at=at, reason=reason)
    _move(service_request, Action.REFUSE, by=by, facts=facts, story=Story(interpreter=by, note=reason))


def _answer(service_request, interpreter, user, *, at) -> Facts:
    """The facts when an interpreter's offer is about to close: does anybody else still have one?"""
    others = service_request.offers.filter(state=Offer.State.OPEN).exclude(interpreter=interpreter)
    return facts_of(service_request, user, at=at, leaves_open_offers=others.exists())


def _expire_lapsed(service_request, *, at) -> None:
    """An offer past its deadline counts as closed even before the job ran; each gets its own line of history."""
    for held in service_request.offers.filter(state=Offer.State.OPEN, answer_by__lte=at).select_related("interpreter"):
        expire(service_request, held.interpreter, by=User.objects.system(), at=at, reason=EXPIRED)


@verb
def retract(service_request, interpreter: User, *, by, at, note="") -> None:
    """A coordinator takes back an offer sent by mistake; its holder is told."""
    service_request.lock()
    _expire_lapsed(service_request, at=at)
    facts = _answer(service_request, interpreter, by, at=at)
    held = service_request.offers.filter(interpreter=interpreter)
    told = _close(held, Offer.State.RETRACTED, at=at, reason="La BI a retiré cette offre.")
    if not told:
        raise Stale("Cette offre n’est plus ouverte.")
    story = Story(interpreter=interpreter, note=note, others=told)
    _move(service_request, Action.RETRACT, by=by, facts=facts, story=story)


@verb
def expire(service_request, interpreter: User, *, by, at, reason: str) -> None:
    """Close an offer that can no longer be answered; its holder is told why."""
    service_request.lock()
    facts = _answer(service_request, interpreter, by, at=at)
    held = service_request.offers.filter(interpreter=interpreter)
    if told := _close(held, Offer.State.EXPIRED, at=at, reason=reason):
        story = Story(interpreter=interpreter, note=reason, others=told)
        _move(service_request, Action.EXPIRE, by=by, facts=facts, story=story)


def expire_due(at: datetime | None = None) -> int:
    """Close every offer past its deadline or the start, or whose holder is booked then or gone; returns how many.

    The worker calls it each minute and after each acceptance; `at` is now unless given.
    """
    at = at or timezone.now()
    system = User.objects.system()
    booked = ServiceRequest.objects.filter(
        interpreter=OuterRef("interpreter"),
        status__in=BOOKED,
        service_type__in=SPOKEN,
        starts_at__lt=OuterRef("service_request__ends_at"),
        ends_at__gt=OuterRef("service_request__starts_at"),
    )
    due = (
        Offer.objects.filter(state=Offer.State.OPEN)
        .annotate(is_booked=Exists(booked) & Q(service_request__service_type__in=SPOKEN))
        .annotate(is_lapsed=Q(answer_by__lte=at) | Q(service_request__starts_at__lte=at))
        .filter(Q(is_lapsed=True) | Q(interpreter__is_active=False) | Q(is_booked=True))
        .select_related("service_request", "interpreter")
        .order_by("service_request_id", "id")
    )
    expired = 0
    for held in due[:500]:
        reason = EXPIRED
        if not held.is_lapsed:
            reason = (
                "Vous avez accepté une autre demande à ce moment." if held.is_booked else "Votre compte est inactif."
            )
        expire(held.service_request, held.interpreter, by=system, at=at, reason=reason)
        expired += 1
    return expired


# Who serves.


@verb
def assign(service_request, interpreter: User, *, by, at, version=None, note: str) -> None:
    """A coordinator gives the request to an interpreter who agreed by telephone, or served out of hours."""
    _hold_serving(interpreter)
    service_request.lock()
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    reason = "La demande a été attribuée à une autre personne."
    told = _close(service_request.offers.exclude(interpreter=interpreter), Offer.State.CLOSED, at=at, reason=reason)
    _close(service_request.offers.filter(interpreter=interpreter), Offer.State.ACCEPTED, at=at, reason="")
    story = Story(interpreter=interpreter, note=note, others=told)
    _move(service_request, Action.ASSIGN, by=by, facts=facts, version=version, story=story, interpreter=interpreter)


@verb
def reassign(service_request, interpreter: User, *, by, at, version=None, note: str) -> None:
    """A coordinator gives a reserved request to another interpreter; both are told, communications made stay paid."""
    _hold_serving(interpreter)
    service_request.lock()
    former = service_request.interpreter
    if former == interpreter:
        raise NotAllowed(f"{interpreter} a déjà cette demande.")
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    changed = {"interpreter": [str(former), str(interpreter)]}
    told = {former: "La BI a attribué la demande à une autre personne."} if former else {}
    story = Story(interpreter=interpreter, note=note, changed=changed, others=told)
    _move(
        service_request,
        Action.REASSIGN,
        by=by,
        facts=facts,
        version=version,
        story=story,
        interpreter=interpreter,
        guaranteed_minutes=0,
    )
    _grant_withdrawal(service_request)
    _relay(service_request, former, at=at)


@verb
def acknowledge(service_request, *, by, at, version=None) -> None:
    """« J'ai pris connaissance de la modification »."""
    facts = facts_of(service_request, by, at=at)
    _move(service_request, Action.ACKNOWLEDGE, by=by, facts=facts, version=version, story=Story(interpreter=by))


@verb
def mark_unallocated(service_request, *, by, at, version=None, note: str = "") -> ServiceRequest | None:
    """« Marquer comme non alloué » (ruling 3); returns the message relay when communications had been made."""
    service_request.lock()
    former = service_request.interpreter
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    _move(
        service_request,
        Action.MARK_UNALLOCATED,
        by=by,
        facts=facts,
        version=version,
        story=Story(interpreter=former, note=note),
        interpreter=None,
        guaranteed_minutes=0,
    )
    _grant_withdrawal(service_request)
    return _relay(service_request, former, at=at)


def _grant_withdrawal(service_request) -> None:
    """Ruling 3: whoever asked to leave urgently has left."""
    service_request.messages.filter(urgency=Message.Urgency.ASKED).update(urgency=Message.Urgency.GRANTED)
    forget_urgency(service_request)


def _relay(source, interpreter: User, *, at) -> ServiceRequest | None:
    """Ruling 3: the communications of whoever leaves a request move to a « transmission de message », paid once."""
    made = source.communications.filter(interpreter=interpreter)
    if not made.exists():
        return None
    system = User.objects.system()
    relay = ServiceRequest(
        status=Status.PROVIDED,
        service_type=ServiceType.MESSAGE_RELAY,
        institution_id=source.institution_id,
        language_id=source.language_id,
        starts_at=at,
        ends_at=at,
        are_communications_requested=source.are_communications_requested,
        requested_by=system,
        created_at=at,
        interpreter=interpreter,
        relayed_from=source,
    )
    _create(relay, Action.RELAY, by=system, at=at, story=Story(interpreter=interpreter))
    made.update(service_request=relay)
    return relay


# The end of a request.


@verb
def cancel(
    service_request, *, by, at, version=None, reason, received_at: datetime | None = None, note: str = ""
) -> None:
    """Cancel (ruling 12): the notice, its business time and whether it is late are frozen with their inputs.

    `received_at` is when the BI learnt of it: now, or an earlier instant that a coordinator enters with a note.
    """
    service_request.lock()
    received_at = received_at or at
    if received_at != at:
        if by.role != Role.COORDINATOR or not note:
            raise NotAllowed("Une note est requise pour un avis reçu plus tôt.")
        if not service_request.created_at <= received_at <= at:
            raise NotAllowed("L’avis doit se situer entre la création de la demande et maintenant.")
    if by.role == Role.REQUESTER and reason != CancellationReason.BY_REQUESTER:
        raise NotAllowed("Ce motif est réservé à la BI.")
    notice, closed_days = notice_of(service_request, received_at)
    facts = facts_of(service_request, by, at=at)
    told = _close(service_request.offers, Offer.State.CLOSED, at=at, reason="La demande a été annulée.")
    changed = {"cancellation_reason": ["", CancellationReason(reason).label]}
    _move(
        service_request,
        Action.CANCEL,
        by=by,
        facts=facts,
        version=version,
        story=Story(interpreter=service_request.interpreter, note=note, changed=changed, others=told),
        cancellation_reason=reason,
        notice_received_at=received_at,
        notice_business_time=notice,
        notice_closed_days=sorted(closed_days),
        is_late_cancellation=is_late_cancellation(notice),
    )
    _grant_withdrawal(service_request)


@verb
def reinstate(service_request, *, by, at, version=None, note: str) -> None:
    """Undo a cancellation before the start, when nothing was filed; the request is to be assigned again."""
    service_request.lock()
    former = service_request.interpreter
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    _move(
        service_request,
        Action.REINSTATE,
        by=by,
        facts=facts,
        version=version,
        story=Story(interpreter=former, note=note),
        interpreter=None,
        guaranteed_minutes=0,
        cancellation_reason="",
        notice_received_at=None,
        notice_business_time=None,
        notice_closed_days=[],
        is_late_cancellation=False,
    )
    _relay(service_request, former, at=at)


@verb
def report(service_request, *, is_rendered: bool, by, at, version=None, note="", has_claim=False) -> Transition:
    """File or correct what happened (called by the completion room, which keeps the « Détails de l'achèvement »).

    The action follows from where the request is; `has_claim` says that communications are claimed on a cancelled one.
    """
    service_request.lock()
    action = _report_action(service_request, is_rendered)
    facts = facts_of(
        service_request,
        by,
        at=at,
        noted=bool(note),
        is_rendered=is_rendered,
        has_claim=has_claim or service_request.is_late_cancellation,
    )
    behalf = service_request.interpreter if by != service_request.interpreter else None
    story = Story(note=note, on_behalf_of=behalf, interpreter=service_request.interpreter)
    return _move(service_request, action, by=by, facts=facts, version=version, story=story, filed_by=by)


def _report_action(service_request, is_rendered: bool) -> Action:
    if service_request.status == Status.CANCELLED and not service_request.filed_by_id:
        return Action.CLAIM
    if service_request.status in ASSIGNED:
        return Action.PROVIDE if is_rendered else Action.REPORT_CANCELLED
    return Action.CORRECT


@verb
def return_for_correction(service_request, *, by, at, version=None, note: str) -> Transition:
    """A validator sends the report back with a reason; the interpreter is told."""
    service_request.lock()
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    story = Story(note=note, interpreter=service_request.interpreter)
    return _move(service_request, Action.RETURN_FOR_CORRECTION, by=by, facts=facts, version=version, story=story)


@verb
def validate(service_request, *, by, at, version=None, note="") -> Transition:
    """« Achevé » (called by the completion room, which freezes facts and pay lines in the same transaction)."""
    service_request.lock()
    facts = facts_of(service_request, by, at=at)
    story = Story(note=note, interpreter=service_request.interpreter)
    return _move(
        service_request,
        Action.VALIDATE,
        by=by,
        facts=facts,
        version=version,
        story=story,
        validated_by=by,
        validated_at=at,
    )
