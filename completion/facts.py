"""What happened, as the pay engine takes it: from the request, its report, its communications and its receipts."""

from collections.abc import Iterable
from datetime import UTC, timedelta

from billing.rules import Facts
from billing.rules import Outcome as Paid
from completion.models import Attachment, Completion, Outcome
from requests_app.exchanges import is_communication_billable
from requests_app.models import CancellationReason, Communication, ServiceRequest

# The interpreter was there: presence is paid, and what it cost to come.
PRESENT = (Outcome.RENDERED, Outcome.PATIENT_ABSENT, Outcome.PROFESSIONAL_ABSENT)


def pay_facts(service_request: ServiceRequest) -> Facts:
    """The facts of a request in every case (domain « Pay »): minutes, kilometres one way, dollars.

    A cancellation received by the BI decides over any report; a reported one counts from when it was told, else from
    the start; a relay pays its communications; nothing filed yet counts as booked.
    """
    return facts_of(service_request, getattr(service_request, "completion", None))


def facts_of(
    service_request: ServiceRequest, completion: Completion | None, made: Iterable[Communication] | None = None
) -> Facts:
    """The same from a report, and from communications (`made`; None: those of the request), that may not be saved."""
    made = service_request.communications.all() if made is None else made
    paid = [is_communication_billable(service_request, row) for row in made]
    return Facts(
        service_type=service_request.service_type,
        starts_at=service_request.starts_at,
        ends_at=service_request.ends_at,
        guaranteed_minutes=service_request.guaranteed_minutes,
        billable_communications=sum(paid),
        unbillable_communications=len(paid) - sum(paid),
        interpreter_is_at_fault=service_request.cancellation_reason == CancellationReason.INTERPRETER_ABSENT,
        **_outcome(service_request, completion),
        **_report(service_request, completion),
    )


def _outcome(service_request: ServiceRequest, completion: Completion | None) -> dict:
    if service_request.notice_received_at:
        return {"outcome": Paid.CANCELLED, "notice_received_at": service_request.notice_received_at}
    if completion is None:
        return {"outcome": Paid.RENDERED}
    notice = completion.told_at or service_request.starts_at if completion.outcome == Outcome.CANCELLED else None
    return {"outcome": str(completion.outcome), "notice_received_at": notice}


def _report(service_request: ServiceRequest, completion: Completion | None) -> dict:
    if completion is None:
        return {"actual_minutes": service_request.booked_minutes if service_request.is_spoken else None}
    return {
        "actual_minutes": presence_minutes(completion),
        "waiting_minutes": completion.waiting_minutes,
        "travel_minutes": completion.travel_minutes,
        "distance_km": completion.distance_km,
        "parking": completion.parking_amount,
        "parking_receipt": has_receipt(service_request),
        "words": completion.word_count,
    }


def presence_minutes(completion: Completion) -> int | None:
    """The reported presence in elapsed minutes, whatever the clocks did that night; None when no time was reported."""
    if completion.actual_starts_at is None:
        return None
    present = completion.actual_ends_at.astimezone(UTC) - completion.actual_starts_at.astimezone(UTC)
    return present // timedelta(minutes=1)


def has_receipt(service_request: ServiceRequest) -> bool:
    """Whether whoever holds the request attached a parking receipt."""
    return any(
        piece.kind == Attachment.Kind.PARKING_RECEIPT and piece.interpreter_id == service_request.interpreter_id
        for piece in service_request.attachments.all()
    )
