"""The communications of a report: the rows that were sent, and the lines typed in its comments (ruling 6)."""

from contextlib import suppress
from datetime import datetime

from django.utils import timezone
from django.utils.text import Truncator

from completion.rules import TypedCommunication, local_instant, parse_communications, unread_lines
from requests_app.exchanges import MAX_COMMUNICATIONS, TOO_MANY
from requests_app.models import Channel, Communication, Purpose, ServiceRequest
from requests_app.workflow import NotAllowed

PURPOSES = {label: code for code, label in Purpose.choices}
AS_THE_FAQ = "2024-12-01 14h10 Confirmation du rendez-vous"
_TOO_LONG = {
    "purpose_text": "L’objectif",
    "requested_by_name": "Le «\u00a0Demandé par\u00a0»",
    "justification": "Le texte de justification",
}
# A row as `log_communication` takes it. A line typed in the FAQ's form says no channel: it is no telephone call.
BLANK = {"purpose_text": "", "channel": Channel.PHONE, "requested_by_name": "", "justification": ""}


class Unfit(NotAllowed):
    """A report that cannot be, because of one of its fields: `field` names it, the message is a French sentence."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def row_of(communication: Communication) -> dict:
    """A stored communication as the row that would write it again."""
    return {"made_at": communication.at, "purpose": communication.purpose} | {
        name: getattr(communication, name) for name in BLANK
    }


def kept_of(communication: Communication) -> dict:
    """The same with what a validator decided of it (ruling 6), for what is kept and compared."""
    names = ("accepted_by_id", "accepted_at", "accepted_reason") if communication.is_accepted else ()
    return row_of(communication) | {name: getattr(communication, name) for name in names}


def typed_rows(comments: str, *, at: datetime) -> tuple[list[dict], str]:
    """The communications typed in the comments, as rows, and the rest of the comment; raises Unfit."""
    typed, rest = parse_communications(comments, purposes=PURPOSES)
    return [_row(line, at) for line in typed], rest.strip()


def good_rows(comments: str, *, at: datetime) -> list[dict]:
    """Those of `typed_rows` that nothing is wrong with: one line to correct hides none of the others."""
    found = []
    for line in parse_communications(comments, purposes=PURPOSES)[0]:
        with suppress(Unfit):
            found.append(_row(line, at))
    return found


def unread_said(comments: str) -> str:
    """Which lines look like communications and stay comments, and how to write them; nothing when there are none."""
    lines = [Truncator(line).chars(80) for line in unread_lines(comments, purposes=PURPOSES)]
    if not lines:
        return ""
    one = "Cette ligne ressemble à une communication, mais n’est pas lue"
    many = "Ces lignes ressemblent à des communications, mais ne sont pas lues"
    named = "; ".join(f"«\u00a0{line}\u00a0»" for line in lines[:3]) + ("; …" if lines[3:] else "")
    advice = f"Écrivez-la ainsi\u00a0: {AS_THE_FAQ}" if len(lines) == 1 else f"Écrivez-les ainsi\u00a0: {AS_THE_FAQ}"
    return f"{one if len(lines) == 1 else many}\u00a0: {named}. {advice}."


def _row(line: TypedCommunication, at: datetime) -> dict:
    try:
        made_at = local_instant(line.day, line.time, timezone.get_default_timezone())
    except ValueError as error:
        raise Unfit("comments", str(error)) from error
    if made_at > at:
        raise Unfit("comments", f"La communication du {line.day} ne peut pas être dans le futur.")
    asked = {"requested_by_name": line.requested_by_name, "justification": line.justification}
    texts = {"purpose_text": line.other, **asked}
    for name, words in _TOO_LONG.items():
        if len(texts[name]) > Communication._meta.get_field(name).max_length:
            raise Unfit("comments", f"{words} de la communication du {line.day} est trop long.")
    return BLANK | {
        "made_at": made_at,
        "purpose": line.purpose,
        "channel": Channel.OTHER,
        **texts,
    }


def planned(
    service_request: ServiceRequest, rows: list[dict] | None, typed: list[dict], *, at: datetime, seen: set[int] | None
) -> list[Communication]:
    """What the communications become with those of `rows` (None: those it has) and the lines `typed` besides.

    A row that did not change stays the same one, and keeps what a validator decided of it; one that did is another,
    not saved. `seen` are the rows the person was shown: one logged meanwhile on another page stays; None: all of
    them. One query; nothing is written. Raises Unfit.
    """
    stored = list(service_request.communications.all())
    if rows is None:
        rows, seen = [row_of(made) for made in stored], None
    left = [made for made in stored if seen is None or made.pk in seen]
    made = [row for row in stored if row not in left]
    rows = [BLANK | row for row in rows]
    for row in rows + besides(rows, typed):
        if same := next((kept for kept in left if row_of(kept) == row), None):
            left.remove(same)
        made.append(same or _new(service_request, row, at=at))
    if len(made) > MAX_COMMUNICATIONS:
        raise Unfit("communications", TOO_MANY)
    return made


def replace(service_request: ServiceRequest, made: list[Communication]) -> None:
    """Make the communications of a request those that `planned` gave."""
    kept = [row.pk for row in made if row.pk]
    service_request.communications.exclude(pk__in=kept).delete()
    Communication.objects.bulk_create(row for row in made if row.pk is None)


def besides(rows: list[dict], typed: list[dict]) -> list[dict]:
    """The lines `typed` that are no row already: one that repeats a row (same instant, same purpose) adds nothing."""
    known = [_identity(row) for row in rows]
    return [row for row in typed if _identity(row) not in known]


def _identity(row: dict) -> tuple:
    return row["made_at"], row["purpose"], row["purpose_text"]


def _new(service_request: ServiceRequest, row: dict, *, at: datetime) -> Communication:
    if row["made_at"] > at:
        raise Unfit("communications", "Une communication ne peut pas être dans le futur.")
    if row["purpose"] == Purpose.OTHER and not row["purpose_text"]:
        raise Unfit("communications", "Précisez l’objectif de la communication.")
    fields = {name: value for name, value in row.items() if name != "made_at"}
    owner = {"service_request_id": service_request.pk, "interpreter_id": service_request.interpreter_id}
    return Communication(**owner, at=row["made_at"], **fields)
