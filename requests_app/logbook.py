"""Communications as they happen: logged in one tap, completed, taken back while nothing is filed (ruling 6).

`exchanges` keeps who may log one, and what makes it billable.
"""

from datetime import datetime

from accounts.models import User
from requests_app.exchanges import SAME_PRESS, log_communication, may_log
from requests_app.models import Communication, Purpose, ServiceRequest
from requests_app.moves import verb
from requests_app.workflow import ASSIGNED, NotAllowed, Status

# One tap says why: the FAQ's own purposes, by telephone. « Autre » has a text to write.
ONE_TAP = [purpose for purpose in Purpose if purpose != Purpose.OTHER]
AMENDABLE = (*ASSIGNED, Status.CANCELLED)
CLOSED = "Les communications de cette demande se corrigent maintenant dans les détails de l’achèvement."


def may_amend(service_request: ServiceRequest, user: User) -> bool:
    """Whether rows are completed and taken back on the request's page: until something is filed or validated."""
    is_open = service_request.status in AMENDABLE and not service_request.filed_by_id
    return is_open and may_log(service_request, user)


@verb
def log_now(service_request: ServiceRequest, *, by: User, at: datetime, purpose: str) -> Communication:
    """« Je viens de la faire »: one made at `at`, to the minute, by telephone.

    To the minute, as the report's form reads it back: saved there untouched, it stays the same row. A second tap in
    that minute of the clock or in the next is the same one: a second apart, two may be on both sides of a minute.
    Raises NotAllowed as `log_communication` does.
    """
    service_request.lock()
    since = _minute(at - SAME_PRESS)
    same = service_request.communications.filter(interpreter=service_request.interpreter, purpose=purpose)
    if may_log(service_request, by) and (made := same.filter(at__gte=since, at__lte=at).last()):
        return made
    return log_communication(service_request, by=by, at=at, made_at=_minute(at), purpose=purpose)


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


@verb
def amend_communication(
    service_request: ServiceRequest, *, by: User, at: datetime, communication: int, **fields
) -> Communication:
    """« Préciser »: who asked, why, by what means; the row stays the same, with what a validator decided of it.

    Raises NotAllowed once something is filed, and when the row is gone.
    """
    row = _held(service_request, by, communication)
    if row is None:
        raise NotAllowed("Cette communication n’est plus inscrite.")
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=fields)
    return row


@verb
def remove_communication(service_request: ServiceRequest, *, by: User, at: datetime, communication: int) -> None:
    """« Retirer »: a communication logged by mistake; raises NotAllowed once something is filed."""
    if row := _held(service_request, by, communication):
        row.delete()


def _held(service_request, by, communication) -> Communication | None:
    """A row as it stands, of whoever holds the request."""
    service_request.lock()
    if not may_amend(service_request, by):
        raise NotAllowed(CLOSED)
    own = service_request.communications.filter(interpreter=service_request.interpreter)
    return own.filter(pk=communication).first()
