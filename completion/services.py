"""Filing and correcting the « Détails de l'achèvement » (files: attachments.py; what the BI decides: decisions.py).

Each is one transaction, `by` is always given and time is an argument. Lock order: request, then its completion.
"""

import hashlib
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from accounts.french import duration, hour
from accounts.models import User
from billing.rules import RuleError
from billing.services import Estimate, estimate
from completion import communications as exchanged
from completion.attachments import attach, remove_attachment
from completion.communications import Unfit
from completion.facts import PRESENT, facts_of
from completion.models import Completion, CompletionRevision, Outcome
from requests_app import moves
from requests_app import services as requests
from requests_app.models import Communication, ServiceRequest
from requests_app.moves import verb
from requests_app.workflow import Action, Guard, NotAllowed, ServiceType

__all__ = ["Unfit", "attach", "check_presence", "check_told", "file", "preview", "remove_attachment"]

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
# A longer presence is a typing error: an end that precedes the start would else be read as the next day's.
LONGEST_PRESENCE = timedelta(hours=16)
NOTHING_CLAIMED = "Inscrivez au moins une communication faite avant l’annulation."
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
    lines typed in `comments` in the FAQ's form become rows. The same `key` again changes nothing, nor does what the
    last revision says already.
    Raises NotAllowed (the table), Stale, Unfit (one field).
    """
    service_request.lock()
    digest = digest_of(outcome, note, communications, fields)
    if sent := _already_sent(service_request, key, digest):
        return sent
    moves.check_seen(service_request, version)
    completion = _report(service_request, by, at, outcome, fields)
    made = _communications(service_request, completion, communications, at=at, seen=seen)
    if _is_known(service_request, completion, made, by=by, at=at):
        return Completion.objects.get(pk=completion.pk)
    exchanged.replace(service_request, made)
    rendered, has_claim = completion.is_rendered, bool(made)
    requests.report(service_request, is_rendered=rendered, by=by, at=at, note=note, has_claim=has_claim)
    _check(service_request, completion, made, at)
    return _save(service_request, completion, key=key or uuid.uuid4(), digest=digest, by=by, at=at)


def preview(
    service_request: ServiceRequest,
    *,
    by: User,
    at: datetime,
    outcome: str,
    communications: list[dict] | None = None,
    seen: set[int] | None = None,
    **fields,
) -> tuple[Estimate, list[Communication]]:
    """What `file` would make the request pay with the same arguments, and its communications; nothing is written.

    Raises NotAllowed, Unfit.
    """
    completion = _report(service_request, by, at, outcome, fields)
    made = _communications(service_request, completion, communications, at=at, seen=seen)
    return _check(service_request, completion, made, at), made


def _communications(service_request, completion, rows, *, at, seen) -> list[Communication]:
    """Those of the form and those typed in the comments, which keep the rest; not saved yet.

    A claim is « late or with communications » (domain, claim).
    """
    typed, completion.comments = exchanged.typed_rows(completion.comments, at=at)
    made = exchanged.planned(service_request, rows, typed, at=at, seen=seen)
    if completion.outcome == Outcome.CLAIM and not made and not service_request.is_late_cancellation:
        raise Unfit("communications", NOTHING_CLAIMED)
    return made


def digest_of(*sent) -> str:
    """The same for the same contents: instants, decimals and texts alike."""
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
    completion = current(service_request, by, at)
    # A 0, as in the FAQ's example, claims nothing.
    fields |= {name: fields[name] or None for name in ("distance_km", "parking_amount") if name in fields}
    for name, value in {**fields, "outcome": outcome, "filed_by": by, "updated_at": at}.items():
        setattr(completion, name, value)
    if outcome not in PRESENT or not service_request.is_spoken:
        completion.actual_starts_at = completion.actual_ends_at = None
        completion.waiting_minutes = 0
    if outcome not in PRESENT:
        completion.word_count = completion.distance_km = completion.parking_amount = None
        completion.travel_minutes = 0
    if outcome != Outcome.CANCELLED:
        completion.told_at = None
    completion.returned_at, completion.return_reason = None, ""
    return completion


def current(service_request, by, at) -> Completion:
    """The report of a request, or a blank one to save; by no cache."""
    found = Completion.objects.filter(service_request=service_request).first()
    # By key: assigned as an object, a report that is refused would stay in the request's cache.
    return found or Completion(service_request_id=service_request.pk, filed_by=by, filed_at=at, updated_at=at)


def _check_outcome(service_request, outcome) -> None:
    is_claim = service_request.notice_received_at is not None
    if is_claim != (outcome == Outcome.CLAIM):
        raise NotAllowed(Guard.REPORTED.label if is_claim else "La demande n’a pas été annulée.")
    if service_request.service_type == ServiceType.MESSAGE_RELAY and outcome not in (Outcome.RENDERED, Outcome.CLAIM):
        raise Unfit("outcome", "Une transmission de message est toujours rendue.")


def _check(service_request, completion, made, at) -> Estimate:
    """What the clock and the pay engine refuse, said beside the field; the engine reads what is not saved yet."""
    if service_request.is_spoken and completion.outcome in PRESENT:
        check_presence(completion.actual_starts_at, completion.actual_ends_at, at)
    check_told(completion.told_at, at)
    try:
        return estimate(service_request, facts_of(service_request, completion, made))
    except RuleError as error:
        raise Unfit(_FIELD_OF_FACT.get(error.field, error.field), str(error)) from error


def check_presence(starts_at: datetime | None, ends_at: datetime | None, at: datetime) -> None:
    """Raises Unfit on a presence that cannot be at `at` (ruling 4: the server's clock; domain.md `provide`)."""
    if not starts_at or not ends_at:
        raise Unfit("actual_ends_at" if starts_at else "actual_starts_at", "Indiquez l’heure réelle.")
    # In UTC, because Python compares two instants of one zone on the wall clock.
    length = ends_at.astimezone(UTC) - starts_at.astimezone(UTC)
    if length <= timedelta():
        raise Unfit("actual_ends_at", "La fin doit suivre le début.")
    if length > LONGEST_PRESENCE:
        raise Unfit("actual_ends_at", _too_long(starts_at, ends_at, length))
    if ends_at > at:
        raise Unfit("actual_ends_at", f"La fin réelle ne peut pas être dans le futur\u00a0: il est {hour(at)}.")


def check_told(told_at: datetime | None, at: datetime) -> None:
    """Raises Unfit on a cancellation learnt after `at`."""
    if told_at and told_at > at:
        raise Unfit("told_at", f"Vous ne pouvez pas l’avoir appris dans le futur\u00a0: il est {hour(at)}.")


def _too_long(starts_at, ends_at, length) -> str:
    said = f"De {hour(starts_at)} à {hour(ends_at)}, il y aurait {duration(length // timedelta(minutes=1))} de présence"
    return f"{said}\u00a0: vérifiez les deux heures."


def _save(service_request, completion, *, key, digest, by, at) -> Completion:
    completion.revision += 1
    completion.save()
    data = _data(completion, service_request.communications.all())
    CompletionRevision.objects.create(
        completion=completion, number=completion.revision, key=key, digest=digest, by=by, at=at, data=data
    )
    return completion


def _data(completion, made) -> dict:
    data = {name: _kept(getattr(completion, name)) for name in ("outcome", *FIELDS)}
    rows = [exchanged.kept_of(row) for row in made]
    return data | {"communications": [{name: _kept(value) for name, value in row.items()} for row in rows]}


def _is_known(service_request, completion, made, *, by, at) -> bool:
    """Whether this is the last revision again, sent by who may correct it: nothing to keep, to tell or to sign.

    A report returned for correction is filed again as it is, which answers the BI.
    """
    last = CompletionRevision.objects.filter(
        completion=completion.pk, number=completion.revision, completion__returned_at=None
    ).first()
    if last is None or _compared(last.data) != _compared(_data(completion, made)):
        return False
    return Action.CORRECT in moves.available_actions(service_request, by, at=at)


def _compared(data: dict) -> dict:
    """What a report says, however its instants and amounts are written; what a validator decided apart."""
    said = {name: _value(name, data[name]) for name in ("outcome", *FIELDS)}
    rows = [
        {name: _value(name, row[name]) for name in ("made_at", "purpose", *exchanged.BLANK)}
        for row in data["communications"]
    ]
    return said | {"communications": sorted(rows, key=lambda row: sorted(map(str, row.values())))}


def _value(name: str, value):
    if value and name.endswith("_at"):
        return datetime.fromisoformat(value).astimezone(UTC)
    return Decimal(value) if value and name in ("distance_km", "parking_amount") else value


def _kept(value):
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
