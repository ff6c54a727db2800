"""The verbs of the « Détails de l'achèvement »: file or correct, return, decide, validate (`attach`: attachments.py).

Each is one transaction, `by` is always given and time is an argument. Lock order: request, then its completion.
"""

import hashlib
import json
import uuid
from datetime import date, datetime
from decimal import Decimal

from accounts.models import User
from billing.rules import RuleError
from billing.services import estimate, freeze
from completion import communications as exchanged
from completion.attachments import attach, remove_attachment
from completion.communications import Unfit
from completion.facts import PRESENT, facts_of, pay_facts
from completion.models import Completion, CompletionRevision, Outcome
from requests_app import moves
from requests_app import services as requests
from requests_app.exchanges import is_communication_billable
from requests_app.models import Communication, ServiceRequest, Transition
from requests_app.moves import Stale, verb
from requests_app.workflow import Action, Guard, NotAllowed, ServiceType, next_status

__all__ = ["Unfit", "accept_communication", "attach", "file", "pay_facts", "refuse_communication"]
__all__ += ["remove_attachment", "return_for_correction", "validate"]

FIELDS = (
    "told_at",
    "actual_starts_at",
    "actual_ends_at",
    "waiting_minutes",
    "word_count",
    "distance_km",
    "travel_minutes",
    "parking_amount",
    "comments",
)
GONE = "Cette communication n’est plus celle que vous avez lue."
FILING = frozenset({Action.PROVIDE, Action.REPORT_CANCELLED, Action.CLAIM, Action.CORRECT})
# The field of a report behind each fact of the pay engine that bears another name.
_FIELD_OF_FACT = {
    "actual_minutes": "actual_ends_at",
    "words": "word_count",
    "parking": "parking_amount",
    "notice_received_at": "told_at",
}


def may_file(service_request: ServiceRequest, user: User, *, at: datetime) -> bool:
    """Whether the « Détails de l'achèvement » are open to this person now (ruling 4; a note may still be asked)."""
    return not FILING.isdisjoint(moves.available_actions(service_request, user, at=at))


# Filing.


@verb
def file(
    service_request: ServiceRequest,
    *,
    by: User,
    at: datetime,
    outcome: str,
    version: int | None = None,
    key: uuid.UUID | None = None,
    note: str = "",
    communications: list[dict] | None = None,
    seen: set[int] | None = None,
    **fields,
) -> Completion:
    """File or correct a report (rulings 4–6): minutes, kilometres one way, dollars; a field left out keeps its value.

    `communications` (rows as `log_communication` takes them) replace those of the request, or only those of `seen`;
    lines typed in `comments` in the FAQ's form become rows. The same `key` again changes nothing.
    Raises NotAllowed (the table), Stale, Unfit (one field).
    """
    service_request.lock()
    digest = _digest(outcome, note, communications, fields)
    if sent := _already_sent(service_request, key, digest):
        return sent
    moves.check_seen(service_request, version)
    completion = _report(service_request, by, at, outcome, fields)
    typed, completion.comments = exchanged.typed_rows(completion.comments, at=at)
    exchanged.replace(service_request, communications, typed, at=at, seen=seen)
    has_claim = service_request.communications.exists()
    requests.report(service_request, is_rendered=completion.is_rendered, by=by, at=at, note=note, has_claim=has_claim)
    _check(service_request, completion, at)
    return _save(service_request, completion, key=key or uuid.uuid4(), digest=digest, by=by, at=at)


def _digest(*sent) -> str:
    return hashlib.sha256(json.dumps(sent, default=str, sort_keys=True).encode()).hexdigest()


def _already_sent(service_request, key, digest) -> Completion | None:
    revision = CompletionRevision.objects.select_related("completion").filter(key=key).first() if key else None
    if revision is None:
        return None
    if revision.completion.service_request_id != service_request.pk or revision.digest != digest:
        raise NotAllowed("Cet envoi a déjà été reçu avec un autre contenu. Rouvrez la page, puis recommencez.")
    return revision.completion


def _report(service_request, by, at, outcome, fields) -> Completion:
    """The report as it will be saved; what its outcome and service have no place for is left out."""
    if unknown := set(fields) - set(FIELDS):
        raise TypeError(f"Unknown fields: {unknown}")
    _check_outcome(service_request, outcome)
    completion = _current(service_request, by, at)
    for name, value in {**fields, "outcome": outcome, "filed_by": by, "updated_at": at}.items():
        setattr(completion, name, value)
    if outcome not in PRESENT or not service_request.is_spoken:
        completion.actual_starts_at = completion.actual_ends_at = None
        completion.waiting_minutes = 0
    if outcome != Outcome.CANCELLED:
        completion.told_at = None
    completion.returned_at, completion.return_reason = None, ""
    return completion


def _current(service_request, by, at) -> Completion:
    found = Completion.objects.filter(service_request=service_request).first()
    # By key: assigned as an object, a report that is refused would stay in the request's cache.
    return found or Completion(service_request_id=service_request.pk, filed_by=by, filed_at=at, updated_at=at)


def _check_outcome(service_request, outcome) -> None:
    is_claim = service_request.notice_received_at is not None
    if is_claim != (outcome == Outcome.CLAIM):
        raise NotAllowed(Guard.REPORTED.label if is_claim else "La demande n’a pas été annulée.")
    if service_request.service_type == ServiceType.MESSAGE_RELAY and outcome not in (Outcome.RENDERED, Outcome.CLAIM):
        raise Unfit("outcome", "Une transmission de message est toujours rendue.")


def _check(service_request, completion, at) -> None:
    """What the clock and the pay engine refuse, said beside the field; the engine reads the report not saved yet."""
    starts_at, ends_at = completion.actual_starts_at, completion.actual_ends_at
    if service_request.is_spoken and completion.outcome in PRESENT:
        if not starts_at or not ends_at:
            raise Unfit("actual_ends_at" if starts_at else "actual_starts_at", "Indiquez l’heure réelle.")
        if ends_at <= starts_at:
            raise Unfit("actual_ends_at", "La fin doit suivre le début.")
        if ends_at > at:
            raise Unfit("actual_ends_at", "La fin réelle ne peut pas être dans le futur.")
    if completion.told_at and completion.told_at > at:
        raise Unfit("told_at", "Vous ne pouvez pas l’avoir appris dans le futur.")
    try:
        estimate(service_request, facts_of(service_request, completion))
    except RuleError as error:
        raise Unfit(_FIELD_OF_FACT.get(error.field, error.field), str(error)) from error


def _save(service_request, completion, *, key, digest, by, at) -> Completion:
    completion.revision += 1
    completion.save()
    data = {name: _kept(getattr(completion, name)) for name in ("outcome", *FIELDS)}
    made = [exchanged.kept_of(row) for row in service_request.communications.all()]
    data["communications"] = [{name: _kept(value) for name, value in row.items()} for row in made]
    CompletionRevision.objects.create(
        completion=completion, number=completion.revision, key=key, digest=digest, by=by, at=at, data=data
    )
    return completion


def _kept(value):
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


# Review.


def fingerprint(service_request: ServiceRequest) -> str:
    """What a reviewer sees and the version does not count: a communication logged or accepted, a receipt added."""
    made = [(row.pk, exchanged.kept_of(row)) for row in service_request.communications.all()]
    pieces = sorted(service_request.attachments.current().values_list("pk", flat=True))
    return _digest(service_request.version, made, pieces)


def _check_seen(service_request, seen) -> None:
    if seen is not None and seen != fingerprint(service_request):
        raise Stale("La réalisation a changé depuis que vous l’avez ouverte\u00a0: relisez-la.")


@verb
def return_for_correction(
    service_request: ServiceRequest, *, by: User, at: datetime, reason: str, version: int | None = None, seen=None
) -> Transition:
    """« Retourner à l'interprète » with a reason, shown until the next correction. Raises NotAllowed, Stale."""
    service_request.lock()
    _check_seen(service_request, seen)
    step = requests.return_for_correction(service_request, by=by, at=at, version=version, note=reason)
    completion = _current(service_request, service_request.interpreter, at)
    completion.outcome = completion.outcome or Outcome.RENDERED
    completion.returned_at, completion.return_reason = at, reason
    completion.save()
    return step


@verb
def accept_communication(
    service_request: ServiceRequest,
    communication: Communication,
    *,
    by: User,
    at: datetime,
    reason: str,
    version: int | None = None,
    seen=None,
) -> Communication:
    """Pay a communication that the rule alone does not, with a reason (ruling 6). Raises NotAllowed, Stale."""
    row = _to_decide(service_request, communication, by=by, at=at, version=version, seen=seen)
    most, reason = Communication._meta.get_field("accepted_reason").max_length, reason.strip()
    if not 0 < len(reason) <= most:
        raise NotAllowed(f"Donnez la raison de payer cette communication, en {most}\u00a0caractères au plus.")
    if is_communication_billable(service_request, row):
        raise NotAllowed("Cette communication est déjà payée.")
    row.accepted_by, row.accepted_at, row.accepted_reason = by, at, reason
    row.save()
    return row


@verb
def refuse_communication(
    service_request: ServiceRequest, communication: Communication, *, by: User, at: datetime, version=None, seen=None
) -> Communication:
    """Take an acceptance back: the rule decides again. Raises NotAllowed, Stale."""
    row = _to_decide(service_request, communication, by=by, at=at, version=version, seen=seen)
    if not row.is_accepted:
        raise NotAllowed("Aucune décision n’a été prise pour cette communication.")
    row.accepted_by, row.accepted_at, row.accepted_reason = None, None, ""
    row.save()
    return row


def _to_decide(service_request, communication, *, by, at, version, seen) -> Communication:
    """The row as it stands, for whoever may validate its file (the table decides), until they do."""
    service_request.lock()
    _check_seen(service_request, seen)
    moves.check_seen(service_request, version)
    facts = moves.facts_of(service_request, by, at=at)
    next_status(service_request.status, Action.VALIDATE, by.role, facts=facts)
    row = service_request.communications.filter(pk=communication.pk).first()
    if row is None:
        raise Stale(GONE)
    return row


@verb
def validate(
    service_request: ServiceRequest, *, by: User, at: datetime, version: int | None = None, seen=None
) -> Transition:
    """« Achevé »: the facts and the pay lines are frozen with the move. Raises NotAllowed, Stale.

    `seen` is the `fingerprint` of the page the validator read.
    """
    service_request.lock()
    _check_seen(service_request, seen)
    step = requests.validate(service_request, by=by, at=at, version=version)
    facts = pay_facts(service_request)
    if facts.parking and not facts.parking_receipt:
        raise NotAllowed("Le stationnement réclamé n’a pas de facture\u00a0: il ne peut pas être validé.")
    try:
        freeze(service_request, facts, by=by, at=at)
    except RuleError as error:
        raise NotAllowed(str(error)) from error
    return step
