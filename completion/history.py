"""What the BI decided of a file besides the moves of its request, in words, for its history: read from the rows."""

from datetime import datetime
from operator import attrgetter

from django.db.models import prefetch_related_objects

from accounts.french import hour, money, short_date
from accounts.models import User
from billing.ledger import corrections_of
from billing.models import AddedLine
from requests_app.history import Line, lines
from requests_app.masking import eraser_for, masked
from requests_app.models import ServiceRequest
from requests_app.workflow import Status

# Before, nothing is decided of a pay.
_DECIDED = {Status.PROVIDED, Status.CANCELLED, Status.COMPLETED}


def whole(service_request: ServiceRequest, reader: User, *, at: datetime) -> list[Line]:
    """The steps of a request and what was decided of its pay, oldest first, as `reader` may read them.

    The BI and whoever is paid read the decisions, and only the BI the lines added and taken back. Four statements at
    most, fewer when the page has read the communications and the added lines already.
    """
    steps, is_bi = lines(service_request, reader, at=at), reader.is_bi_staff
    if service_request.status not in _DECIDED or not (is_bi or reader.pk == service_request.interpreter_id):
        return steps
    decided = _accepted(service_request, reader) + _corrected(service_request, reader)
    if is_bi:
        decided += _added(service_request, reader)
    hide = eraser_for(service_request, reader, at=at)
    return sorted(steps + [masked(line, hide, "note") for line in decided], key=attrgetter("at"))


def _line(service_request, reader, by, at, what, note="") -> Line:
    who = "vous" if by == reader else str(by) if reader.is_bi_staff else "BI du RSSS"
    return Line(at=at, who=who, what=what, changes=[], note=note, status=service_request.status)


def _accepted(service_request, reader) -> list[Line]:
    made = [row for row in service_request.communications.all() if row.is_accepted]
    prefetch_related_objects(made, "accepted_by")
    return [
        _line(
            service_request,
            reader,
            row.accepted_by,
            row.accepted_at,
            f"Communication du {short_date(row.at)}, {hour(row.at)}, payée par décision de la BI",
            row.accepted_reason,
        )
        for row in made
    ]


def _corrected(service_request, reader) -> list[Line]:
    if service_request.status != Status.COMPLETED:
        return []
    kept = service_request.pay_lines.select_related("created_by").order_by("number")
    return [
        _line(
            service_request,
            reader,
            right.created_by,
            right.created_at,
            f"Ligne de paie corrigée\u00a0: {right.rule}, de {money(wrong.amount)} à {money(right.amount)}",
            right.reason,
        )
        for wrong, _, right in corrections_of(kept)
    ]


def _added(service_request, reader) -> list[Line]:
    """Each line when it was added, and when it was taken back."""
    found, rows = [], list(service_request.added_lines.all())
    prefetch_related_objects(rows, "added_by", "removed_by")
    for row in rows:
        found.append(_line(service_request, reader, row.added_by, row.added_at, _words("ajoutée", row), row.reason))
        if row.removed_at:
            found.append(_line(service_request, reader, row.removed_by, row.removed_at, _words("retirée", row)))
    return found


def _words(done: str, row: AddedLine) -> str:
    return f"Ligne de paie {done}\u00a0: {money(row.amount)}"
