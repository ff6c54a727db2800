"""The verbs that move a request. Each is one transaction; `by` is always given and time is an argument.

Those of offers are in `offers`. Lock order everywhere: account, request, offers, completion (the account of whoever
gets a booking, or leaves the bank).
"""

from datetime import datetime

from django.db.models import F
from django.db.models.functions import Coalesce

from accounts.models import User
from accounts.roles import Role
from requests_app import candidates, changes, consequences, exchanges, workflow
from requests_app.lost import CANCELLED, REASSIGNED, REMOVED
from requests_app.models import CancellationReason, Message, Offer, ServiceRequest, Transition
from requests_app.moves import Story, check_seen, facts_of, hold_serving, move, record, verb
from requests_app.notifications import GRANTED, because, forget_urgency
from requests_app.offers import bring_deadlines, close, expire
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
    if not changes.between(service_request, changes.in_utc(fields)):
        return
    check_seen(service_request, version)
    _check_place(by, service_request.institution_id, fields.get("facility"))
    change = consequences.of_change(service_request, fields, by=by, at=at, note=note)
    if "starts_at" in change.changed:
        # Before people are told: the messages say the deadline.
        bring_deadlines(service_request, change.fields["starts_at"])
    story = Story(
        note=note,
        interpreter=service_request.interpreter,
        changed=change.changed,
        others=dict.fromkeys(change.kept, ""),
    )
    move(service_request, Action.MODIFY, by=by, facts=change.facts, version=version, story=story, **change.fields)
    for holder, reason in change.ended.items():
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
    check_seen(service_request, version)
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    choice = _choice(service_request, Action.ASSIGN, interpreter, by=by, facts=facts)
    reason = "La demande a été attribuée à une autre personne."
    told = close(service_request.offers.exclude(interpreter=interpreter), Offer.State.CLOSED, at=at, reason=reason)
    close(service_request.offers.filter(interpreter=interpreter), Offer.State.ACCEPTED, at=at, reason="")
    story = Story(interpreter=interpreter, note=note, others=told, choice=choice)
    move(service_request, Action.ASSIGN, by=by, facts=facts, version=version, story=story, interpreter=interpreter)


@verb
def reassign(service_request, interpreter: User, *, by, at, version=None, note: str) -> None:
    """A coordinator gives a reserved request to another interpreter; both are told, communications made stay paid."""
    hold_serving(interpreter)
    service_request.lock()
    check_seen(service_request, version)
    former = service_request.interpreter
    facts = facts_of(service_request, by, at=at, noted=bool(note))
    choice = _choice(service_request, Action.REASSIGN, interpreter, by=by, facts=facts)
    changed = {"interpreter": [str(former), str(interpreter)]}
    told = {former: _why_removed(service_request, REASSIGNED)}
    story = Story(interpreter=interpreter, note=note, changed=changed, others=told, choice=choice)
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
    _settle_withdrawal(service_request, at=at)
    _relay(service_request, former, at=at)


def _choice(service_request, action, interpreter, *, by, facts) -> dict:
    """What history keeps of giving the request to somebody; the table speaks first, then what keeps them from it."""
    workflow.next_status(service_request.status, action, by.role, facts=facts)
    return candidates.choose(service_request, [interpreter], at=facts.at, agreed=True)[interpreter.pk]


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
        story=Story(interpreter=former, note=note, details=because(_why_removed(service_request, REMOVED))),
        interpreter=None,
        guaranteed_minutes=0,
    )
    _settle_withdrawal(service_request, at=at)
    return _relay(service_request, former, at=at)


def _why_removed(service_request, otherwise: str) -> str:
    """What whoever loses the request is told: they had asked for it, or `otherwise`. Asked before it is granted."""
    return GRANTED if exchanges.is_urgently_asked(service_request) else otherwise


def _settle_withdrawal(service_request, *, at: datetime, urgency=Message.Urgency.GRANTED) -> None:
    """Ruling 3: whoever asked to leave urgently has left, or did not need to; the demand waits for nobody any more."""
    asked = service_request.messages.filter(urgency=Message.Urgency.ASKED)
    asked.update(urgency=urgency, read_at=Coalesce(F("read_at"), at))
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

TOO_EARLY_TO_BE_ABSENT = "Un interprète n’est absent qu’à partir de l’heure de début\u00a0: choisissez un autre motif."


@verb
def cancel(
    service_request, *, by, at, version=None, reason, received_at: datetime | None = None, note: str = ""
) -> None:
    """Cancel (ruling 12): the notice, its business time and whether it is late are frozen with their inputs.

    `received_at` is when the BI learnt of it: now, or an earlier instant that a coordinator enters with a note.
    """
    service_request.lock()
    facts = facts_of(service_request, by, at=at)
    received_at = received_at or at
    _check_notice(service_request, received_at, by=by, at=at, note=note)
    _check_reason(reason, facts, by=by, note=note)
    decided = consequences.of_cancellation(service_request, by=by, received_at=received_at, reason=reason)
    told = close(service_request.offers, Offer.State.CLOSED, at=at, reason=CANCELLED)
    changed = {"cancellation_reason": ["", CancellationReason(reason).label]}
    if received_at != at:
        changed["notice_received_at"] = ["", received_at.isoformat()]
    story = Story(interpreter=service_request.interpreter, note=note, changed=changed, others=told)
    fields = {"cancellation_reason": reason, **_frozen(decided, received_at)}
    move(service_request, Action.CANCEL, by=by, facts=facts, version=version, story=story, **fields)
    _settle_withdrawal(service_request, at=at)


def _check_notice(service_request, received_at, *, by, at, note) -> None:
    if received_at == at:
        return
    if by.role != Role.COORDINATOR or not note:
        raise NotAllowed("Une note est requise pour un avis reçu plus tôt.")
    if not service_request.created_at <= received_at <= at:
        raise NotAllowed("L’avis doit se situer entre la création de la demande et maintenant.")


def _check_reason(reason, facts: Facts, *, by, note) -> None:
    if by.role == Role.REQUESTER and reason != CancellationReason.BY_REQUESTER:
        raise NotAllowed("Ce motif est réservé à la BI.")
    if reason != CancellationReason.INTERPRETER_ABSENT:
        return
    if not facts.has_started:
        raise NotAllowed(TOO_EARLY_TO_BE_ABSENT)
    if not note:
        raise NotAllowed("Une note est requise pour «\u00a0Interprète absent\u00a0».")


def _frozen(decided: consequences.Cancellation, received_at) -> dict:
    """The notice with the inputs it was counted from (ruling 12)."""
    return {
        "notice_received_at": received_at,
        "notice_business_time": decided.notice,
        "notice_closed_days": sorted(decided.closed_days),
        "is_late_cancellation": decided.is_late,
    }


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
    reported = {"filed_by": by, "is_rendered": is_rendered}
    step = move(service_request, action, by=by, facts=facts, version=version, story=story, **reported)
    _settle_withdrawal(service_request, at=at, urgency=Message.Urgency.NONE)
    return step


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
def validate(service_request, *, by, at, version=None, note="", choice: dict | None = None) -> Transition:
    """« Achevé » (called by the completion room, which freezes facts and pay lines in the same transaction).

    `choice` keeps the alerts that the validator saw and accepted (completion.decisions).
    """
    service_request.lock()
    facts = facts_of(service_request, by, at=at)
    story = Story(note=note, interpreter=service_request.interpreter, choice=choice or {})
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
