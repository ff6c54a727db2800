"""What a validator decides of a report: return it, pay a communication, add a line, validate (« Achevé » freezes it).

Each is one transaction, `by` is always given and time is an argument. Lock order: request, then its completion.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from accounts.models import User
from billing import added
from billing.added import check_may_validate
from billing.ledger import freeze, held_tables
from billing.models import AddedLine
from billing.rules import RuleError
from billing.services import Tables, added_lines, estimate
from completion import communications as exchanged
from completion.facts import pay_facts
from completion.flagged import flags_of
from completion.flags import Flag
from completion.models import Outcome
from completion.queue import is_returned
from completion.services import current, digest_of
from requests_app import moves
from requests_app import services as requests
from requests_app.exchanges import is_communication_billable, last_message
from requests_app.models import Communication, ServiceRequest, Transition
from requests_app.moves import Stale, verb
from requests_app.workflow import NotAllowed

GONE = "Cette communication n’est plus celle que vous avez lue."
NEW_ALERT = "Une alerte est apparue depuis que vous avez ouvert la page\u00a0: lisez-la."
UNANSWERED = "Le dossier est retourné à l’interprète et attend sa réponse."
NO_RECEIPT = "Le stationnement réclamé n’a pas de facture\u00a0: il ne peut pas être validé."


def fingerprint(service_request: ServiceRequest, tables: Tables | None = None) -> str:
    """What a reviewer sees and the version does not count: a communication, its acceptance, a receipt, an added line,
    the last message, and the amounts, which follow the tariff of today.

    A few statements; none for a row of `queue.listed`, given `tables`.
    """
    made = [(row.pk, exchanged.kept_of(row)) for row in sorted(service_request.communications.all(), key=_key)]
    holder = service_request.interpreter_id
    pieces = sorted(piece.pk for piece in service_request.attachments.all() if piece.interpreter_id == holder)
    more = sorted((row.pk, str(row.amount), row.reason) for row in added_lines(service_request))
    paid = _amounts(service_request, tables)
    return digest_of(service_request.version, made, pieces, more, paid, last_message(service_request))


def _amounts(service_request, tables) -> list[tuple[str, str]] | str:
    try:
        found = estimate(service_request, pay_facts(service_request), tables=tables)
    except RuleError as error:
        return str(error)
    return [(line.kind, str(line.amount)) for line in found.lines]


def _key(row) -> int:
    return row.pk


def key_of(flag: Flag) -> str:
    """What a form carries of an alert that its page showed."""
    return hashlib.sha256(f"{flag.kind} {flag.sentence}".encode()).hexdigest()[:16]


def _check_seen(service_request, seen, tables=None) -> None:
    if seen is not None and seen != fingerprint(service_request, tables):
        raise Stale("Le dossier ou ses montants ont changé depuis que vous l’avez ouvert\u00a0: relisez-le.")


@verb
def return_for_correction(
    service_request: ServiceRequest, *, by: User, at: datetime, reason: str, version: int | None = None, seen=None
) -> Transition:
    """« Retourner à l'interprète » with a reason, shown until the next correction. Raises NotAllowed, Stale."""
    service_request.lock()
    _check_seen(service_request, seen)
    step = requests.return_for_correction(service_request, by=by, at=at, version=version, note=reason)
    completion = current(service_request, service_request.interpreter, at)
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
    _hold(service_request, by=by, at=at, version=version, seen=seen)
    row = service_request.communications.filter(pk=communication.pk).first()
    if row is None:
        raise Stale(GONE)
    return row


def _hold(service_request, *, by, at, version, seen) -> None:
    service_request.lock()
    _check_seen(service_request, seen)
    moves.check_seen(service_request, version)
    check_may_validate(service_request, by, at=at)


@verb
def add_line(
    service_request: ServiceRequest,
    *,
    by: User,
    at: datetime,
    amount: Decimal,
    reason: str,
    version: int | None = None,
    seen=None,
) -> AddedLine:
    """Add dollars to the pay of a file, or take some off, with a reason, until Achevé. Raises NotAllowed, Stale."""
    _hold(service_request, by=by, at=at, version=version, seen=seen)
    return added.add_line(service_request, pay_facts(service_request), by=by, at=at, amount=amount, reason=reason)


@verb
def remove_line(
    service_request: ServiceRequest, *, line: int, by: User, at: datetime, version: int | None = None, seen=None
) -> AddedLine:
    """Take an added line back, by its key. Raises NotAllowed, Stale."""
    _hold(service_request, by=by, at=at, version=version, seen=seen)
    return added.remove_line(service_request, pay_facts(service_request), line=line, by=by, at=at)


@verb
def validate(
    service_request: ServiceRequest,
    *,
    by: User,
    at: datetime,
    version: int | None = None,
    seen=None,
    alerts: Collection[str] | None = None,
    unanswered: bool = False,
) -> Transition:
    """« Achevé »: the facts and the pay lines are frozen with the move. Raises NotAllowed, Stale.

    `seen` is the `fingerprint` of the page the validator read (the amounts checked are those frozen: the same tables),
    `alerts` the keys of the alerts they accept there (None: nobody read a page), `unanswered` that they do without the
    answer asked for; history keeps what was accepted.
    """
    service_request.lock()
    tables = held_tables()
    _check_seen(service_request, seen, tables)
    flags = flags_of([service_request])[service_request.pk] if alerts is not None else []
    if any(key_of(flag) not in alerts for flag in flags):
        raise Stale(NEW_ALERT)
    is_unanswered = alerts is not None and is_returned(service_request)
    if is_unanswered and not unanswered:
        raise Stale(UNANSWERED)
    kept = [{"kind": flag.kind.value, "label": flag.kind.label, "sentence": flag.sentence} for flag in flags]
    choice = ({"alerts": kept} if kept else {}) | ({"unanswered": True} if is_unanswered else {})
    step = requests.validate(service_request, by=by, at=at, version=version, choice=choice)
    facts = pay_facts(service_request)
    if facts.parking and not facts.parking_receipt:
        raise NotAllowed(NO_RECEIPT)
    try:
        freeze(service_request, facts, tables=tables, by=by, at=at)
    except RuleError as error:
        raise NotAllowed(str(error)) from error
    return step


@verb
def validate_clean(service_request: ServiceRequest, *, by: User, at: datetime, seen: str) -> Transition:
    """One file of many validated together: only as the list showed it (`seen`), and without any alert now.

    Raises NotAllowed with the sentence of its alert, or when its interpreter has to answer; Stale.
    """
    service_request.lock()
    _check_seen(service_request, seen)
    if is_returned(service_request):
        raise NotAllowed(UNANSWERED)
    if flags := flags_of([service_request])[service_request.pk]:
        raise NotAllowed(flags[0].sentence)
    return validate(service_request, by=by, at=at, seen=seen)
