"""The printable receipt: what was filed and what it pays, without the patient, because a printed page travels."""

from datetime import datetime

from django.db.models import prefetch_related_objects

from accounts.french import hour, long_date
from accounts.models import User
from completion import revisions
from completion.review import pay_of, pieces_of
from completion.sheet import Fact, reported
from completion.signatures import signed
from requests_app.exchanges import written
from requests_app.masking import eraser
from requests_app.models import ServiceRequest
from requests_app.sheet import may_see_patient, place_for
from requests_app.workflow import NotAllowed, Status


def is_attested(service_request: ServiceRequest) -> bool:
    """Whether there is something to print: a report, the communications of a relay, or what was validated."""
    return service_request.filed_by_id is not None or service_request.status in (Status.PROVIDED, Status.COMPLETED)


def receipt_of(service_request: ServiceRequest, reader: User, *, at: datetime) -> dict:
    """The contents of the page, for its reader; raises NotAllowed when there is nothing to attest yet.

    What people typed freely is searched for the patient, and for a professional the reader may not know (domain,
    « Privacy »).
    """
    if not is_attested(service_request):
        raise NotAllowed("Les détails de l’achèvement n’ont pas été remplis\u00a0: il n’y a pas encore de reçu.")
    hide = eraser(service_request, is_professional_known=may_see_patient(service_request, reader, at=at))
    kept, signatures = revisions.read(service_request)
    prefetch_related_objects([service_request], "communications", "attachments")
    return {
        "asked": _asked(service_request, reader, at),
        "facts": reported(service_request, hide),
        "communications": hide(written(service_request.communications.all())),
        "pieces": [(piece.name, piece.get_kind_display()) for piece in pieces_of(service_request, hide)],
        "signatures": signed(signatures, service_request, reader, at=at, hide=hide),
        "savings": revisions.savings(kept, reader, hide, is_paper=True),
        **pay_of(service_request, hide),
    }


def _asked(service_request, reader, at) -> list[Fact]:
    start, end = service_request.starts_at, service_request.ends_at
    hours = f", {hour(start)} à {hour(end)}" if service_request.is_spoken else ""
    return [
        Fact("Interprète", str(service_request.interpreter)),
        Fact("Service", f"{service_request.get_service_type_display()}, {service_request.language.name}"),
        Fact("Date", f"{long_date(start)}{hours}"),
        Fact("Lieu", place_for(service_request, reader, at=at)),
    ]
