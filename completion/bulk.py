"""Many files validated at once: those without any alert, each in its own transaction, as the list showed it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from accounts.french import hour_or_day
from accounts.models import User
from billing.rules import RuleError
from billing.services import NEGATIVE, Tables, estimate
from completion import decisions
from completion.facts import pay_facts
from completion.flagged import flags_of
from completion.models import Review
from completion.queue import is_returned, listed, waiting
from requests_app.models import ServiceRequest
from requests_app.workflow import NotAllowed, Status

# As many as a page of the list shows.
MOST = 100


@dataclass(frozen=True)
class Ready:
    """A file about to be validated: what it pays, in dollars, and the fingerprint that the list showed."""

    row: Review
    amount: Decimal
    seen: str


@dataclass
class Preview:
    """What « Valider les dossiers sans alerte choisis » would do: the files, (number, reason) of the others."""

    ready: list[Ready] = field(default_factory=list)
    aside: list[tuple[int, str]] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum((one.amount for one in self.ready), Decimal("0.00"))


def preview(seen: Mapping[int, str], *, by: User, at: datetime) -> Preview:
    """Of the files chosen in a list, by number, with the fingerprint it had of each; a fixed number of statements."""
    rows = {row.pk: row for row in listed(waiting()).filter(pk__in=seen)}
    flags, tables, gone = flags_of(rows.values()), Tables.read(), _closed(set(seen) - set(rows))
    found = Preview()
    for number, mark in seen.items():
        row = rows.get(number)
        why = _why_aside(row, mark, flags[number], by, tables) if row else _why_gone(gone.get(number), at)
        amount, why = (None, why) if why else paid(row, tables)
        if why:
            found.aside.append((number, why))
        else:
            found.ready.append(Ready(row, amount, mark))
    found.ready.sort(key=lambda one: (one.row.starts_at, one.row.pk))
    return found


def _why_aside(row: Review, seen: str, flags, by: User, tables: Tables) -> str:
    if seen != decisions.fingerprint(row, tables):
        return "elle a changé depuis que la liste a été ouverte."
    if is_returned(row):
        return "elle est retournée à l’interprète et attend sa réponse."
    if row.has_part(by):
        return "vous avez rempli ce dossier\u00a0: une autre personne le valide."
    return flags[0].sentence if flags else ""


def paid(row: Review, tables: Tables) -> tuple[Decimal | None, str]:
    """What validating it pays, in dollars, and why it cannot be validated; a row of `listed` asks nothing more."""
    try:
        total = estimate(row, pay_facts(row), tables=tables).total
    except RuleError as error:
        return None, str(error)
    return total, NEGATIVE if total < 0 else ""


def _closed(pks: Collection[int]) -> dict[int, ServiceRequest]:
    """Those that are completed, with who validated them."""
    completed = ServiceRequest.objects.filter(status=Status.COMPLETED, pk__in=pks)
    return {row.pk: row for row in completed.select_related("validated_by")}


def _why_gone(closed: ServiceRequest | None, at: datetime) -> str:
    if closed is None:
        return "elle n’attend plus de validation."
    when = hour_or_day(closed.validated_at, at)
    return f"déjà validée par {closed.validated_by}{'' if when.startswith('le ') else ' à'} {when}."


@dataclass
class Result:
    """What was validated, by number; what was already, by the same person as shown; (number, reason) of the rest."""

    done: list[int] = field(default_factory=list)
    already: list[int] = field(default_factory=list)
    aside: list[tuple[int, str]] = field(default_factory=list)


def validate_all(seen: Mapping[int, str], *, by: User, at: datetime) -> Result:
    """Validate the files of these numbers, each judged again under its lock; what is refused leaves the others be."""
    result = Result()
    rows = {row.pk: row for row in ServiceRequest.objects.filter(pk__in=seen)}
    for number in seen:
        row = rows.get(number)
        if row is None:
            result.aside.append((number, _why_gone(None, at)))
        elif row.status == Status.COMPLETED and row.validated_by_id == by.pk:
            result.already.append(number)  # the same button pressed twice
        else:
            _validate(row, seen[number], result, by=by, at=at)
    return result


def _validate(row, seen, result, *, by, at) -> None:
    try:
        decisions.validate_clean(row, by=by, at=at, seen=seen)
        result.done.append(row.pk)
    except NotAllowed as error:
        closed = _closed([row.pk]).get(row.pk)
        result.aside.append((row.pk, _why_gone(closed, at) if closed else str(error)))
