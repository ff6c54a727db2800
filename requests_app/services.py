"""The verbs that move a request. Each is one transaction; `by` is always given and time is an argument.

Those of offers are in `offers`. Lock order everywhere: account, request, offers, completion (the account of whoever
gets a booking, or leaves the bank).
"""

from datetime import datetime, timedelta

from accounts.models import User
from accounts.roles import Role
from billing.rules import is_late_cancellation
from requests_app import changes, workflow
from requests_app.lost import CANCELLED, REASSIGNED
from requests_app.models import CancellationReason, Message, Offer, ServiceRequest, Transition
from requests_app.moves import Story, facts_of, hold_serving, move, notice_of, record, verb
from requests_app.notifications import forget_urgency
from requests_app.offers import bring_deadlines, close, ended_by, expire, holders
from requests_app.workflow import ASSIGNED, Action, Facts, NotAllowed, ServiceType, Status


def _check_place(by: User, institution_id: int, facility) -> None:
    if by.role == Role.REQUESTER and by.institution_id != institution_id:
        raise NotAllowed("Cette demande est celle d’un autre établissement.")
    if facility is not None and facility.institution_id != institution_id:
        raise NotAllowed("Cette installation n’appartient pas à l’établissement.")


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
    record(service_request, action, None, by=by, at=at, story=story)
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
    ended = ended_by(service_request, {name: fields[name] for name in changed if name in fields}, at=at)
    if "starts_at" in changed:
        # Before people are told: the messages say the deadline.
        bring_deadlines(service_request, fields["starts_at"])
    story = Story(
        note=note,
        interpreter=service_request.interpreter,
        changed=changed,
        others={holder: "" for holder in holders(service_request, at) if holder not in ended},
    )
    move(service_request, Action.MODIFY, by=by, facts=facts, version=version, story=story, **fields)
    for holder, reason in ended.items():
        expire(service_request, holder, by=User.objects.system(), at=at, reason=reason)


@verb
def modify_and_release(service_request, *, by, at, version=None, note, **fields) -> None:
    """« Modifier et remettre en non alloué »: when the interpreter is booked at the new time (ruling 11)."""
    mark_unallocated(service_request, by=by, at=at, version=version, note=note)
    modify(service_request, by=by, at=at, note=note, **fields)


# Who serves.


@verb
def assign(service_request, interpreter: User, *, by, at, version=None, note: str) -> None:
    """A coordinator gives the request to an interpreter who agreed by telephone, or served out of hours."""
    hold_serving(interpreter)
    service_request.lock()
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    reason = "La demande a été attribuée à une autre personne."
    told = close(service_request.offers.exclude(interpreter=interpreter), Offer.State.CLOSED, at=at, reason=reason)
    close(service_request.offers.filter(interpreter=interpreter), Offer.State.ACCEPTED, at=at, reason="")
    story = Story(interpreter=interpreter, note=note, others=told)
    move(service_request, Action.ASSIGN, by=by, facts=facts, version=version, story=story, interpreter=interpreter)


@verb
def reassign(service_request, interpreter: User, *, by, at, version=None, note: str) -> None:
    """A coordinator gives a reserved request to another interpreter; both are told, communications made stay paid."""
    hold_serving(interpreter)
    service_request.lock()
    former = service_request.interpreter
    if former == interpreter:
        raise NotAllowed(f"{interpreter} a déjà cette demande.")
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    changed = {"interpreter": [str(former), str(interpreter)]}
    told = {former: REASSIGNED} if former else {}
    story = Story(interpreter=interpreter, note=note, changed=changed, others=told)
    move(
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
    move(service_request, Action.ACKNOWLEDGE, by=by, facts=facts, version=version, story=Story(interpreter=by))


@verb
def mark_unallocated(service_request, *, by, at, version=None, note: str = "") -> ServiceRequest | None:
    """« Marquer comme non alloué » (ruling 3); returns the message relay when communications had been made."""
    service_request.lock()
    former = service_request.interpreter
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    move(
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
    # With what was said of them: the one who left no longer opens the source, and the BI answers on the relay.
    source.messages.filter(interpreter=interpreter).update(service_request=relay)
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
    told = close(service_request.offers, Offer.State.CLOSED, at=at, reason=CANCELLED)
    changed = {"cancellation_reason": ["", CancellationReason(reason).label]}
    move(
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
    move(
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
    return move(service_request, action, by=by, facts=facts, version=version, story=story, filed_by=by)


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
    return move(service_request, Action.RETURN_FOR_CORRECTION, by=by, facts=facts, version=version, story=story)


@verb
def validate(service_request, *, by, at, version=None, note="") -> Transition:
    """« Achevé » (called by the completion room, which freezes facts and pay lines in the same transaction)."""
    service_request.lock()
    facts = facts_of(service_request, by, at=at)
    story = Story(note=note, interpreter=service_request.interpreter)
    return move(
        service_request,
        Action.VALIDATE,
        by=by,
        facts=facts,
        version=version,
        story=story,
        validated_by=by,
        validated_at=at,
    )
