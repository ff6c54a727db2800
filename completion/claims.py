"""« Réclamer 2 communications »: those logged before a cancellation, filed as they stand in one tap (domain, claim)."""

import uuid
from datetime import datetime

from django.utils.crypto import salted_hmac

from accounts.models import User
from completion.models import Completion, Outcome
from completion.services import NOTHING_CLAIMED, file
from requests_app.models import ServiceRequest
from requests_app.moves import verb
from requests_app.workflow import NotAllowed


@verb
def claim(service_request: ServiceRequest, *, by: User, at: datetime, version: int) -> Completion:
    """File the claim of a cancelled request with the communications it has; twice from one page is once.

    FAQ « Le demandeur a annulé la demande, est-ce que je serais rémunéré? ». Raises NotAllowed (none is logged, the
    table), Stale.
    """
    service_request.lock()
    if not service_request.communications.filter(interpreter=service_request.interpreter_id).exists():
        raise NotAllowed(NOTHING_CLAIMED)
    key = _key(service_request.pk, version)
    return file(service_request, by=by, at=at, outcome=Outcome.CLAIM, version=version, key=key)


def _key(number: int, version: int) -> uuid.UUID:
    """The same for two taps of one page, and nobody's to guess: a report filed with it would take its place."""
    digest = salted_hmac("completion.claims", f"{number} {version}", algorithm="sha256").digest()
    return uuid.UUID(bytes=digest[:16])
