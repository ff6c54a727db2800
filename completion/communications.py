"""The communications of a report: the rows that were sent, and the lines typed in its comments (ruling 6)."""

from datetime import datetime

from django.utils import timezone

from completion.rules import TypedCommunication, local_instant, parse_communications
from requests_app.models import Channel, Communication, Purpose, ServiceRequest
from requests_app.workflow import NotAllowed

PURPOSES = {label: code for code, label in Purpose.choices}
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


def _row(line: TypedCommunication, at: datetime) -> dict:
    try:
        made_at = local_instant(line.day, line.time, timezone.get_default_timezone())
    except ValueError as error:
        raise Unfit("comments", str(error)) from error
    if made_at > at:
        raise Unfit("comments", f"La communication du {line.day} ne peut pas être dans le futur.")
    if len(line.other) > Communication._meta.get_field("purpose_text").max_length:
        raise Unfit("comments", f"L’objectif de la communication du {line.day} est trop long.")
    return BLANK | {
        "made_at": made_at,
        "purpose": line.purpose,
        "purpose_text": line.other,
        "channel": Channel.OTHER,
    }


def replace(
    service_request: ServiceRequest, rows: list[dict] | None, typed: list[dict], *, at: datetime, seen: set[int] | None
) -> None:
    """Make the communications of a request those of `rows` (None: those it has) and of the lines `typed` besides.

    A row that did not change stays the same one, and keeps what a validator decided of it; one that did is another.
    `seen` are the rows the person was shown: one logged meanwhile on
    another page stays; None: all of them. Raises Unfit.
    """
    stored = list(service_request.communications.all())
    if rows is None:
        rows, seen = [row_of(made) for made in stored], None
    left = [made for made in stored if seen is None or made.pk in seen]
    for row in _with_typed([BLANK | row for row in rows], typed):
        if same := next((made for made in left if row_of(made) == row), None):
            left.remove(same)
        else:
            _create(service_request, row, at=at)
    service_request.communications.filter(pk__in=[made.pk for made in left]).delete()


def _with_typed(rows: list[dict], typed: list[dict]) -> list[dict]:
    """A line that repeats a row (same instant, same purpose) adds nothing."""
    known = [_identity(row) for row in rows]
    return rows + [row for row in typed if _identity(row) not in known]


def _identity(row: dict) -> tuple:
    return row["made_at"], row["purpose"], row["purpose_text"]


def _create(service_request: ServiceRequest, row: dict, *, at: datetime) -> None:
    if row["made_at"] > at:
        raise Unfit("communications", "Une communication ne peut pas être dans le futur.")
    if row["purpose"] == Purpose.OTHER and not row["purpose_text"]:
        raise Unfit("communications", "Précisez l’objectif de la communication.")
    service_request.communications.create(
        interpreter_id=service_request.interpreter_id,
        at=row["made_at"],
        **{name: value for name, value in row.items() if name != "made_at"},
    )
