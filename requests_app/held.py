"""What an interpreter's own device may keep of a request, for a basement without network (screens.md, 4)."""

import json
from datetime import datetime, timedelta

from accounts.french import hour, short_date
from requests_app.models import ServiceRequest

AHEAD = timedelta(hours=48)


def is_to_keep(service_request: ServiceRequest, *, at: datetime) -> bool:
    """Reserved, spoken, begun or about to: what somebody may have to report from where there is no network."""
    is_near = service_request.starts_at - at <= AHEAD
    return service_request.is_assigned and service_request.is_spoken and is_near


def facts(service_request: ServiceRequest) -> dict:
    """Enough to know which it is and to send its report: nobody, no address, no reason."""
    start, end = service_request.starts_at, service_request.ends_at
    return {
        "number": service_request.pk,
        "version": service_request.version,
        "hours": f"{short_date(start, weekday=True)}, {hour(start)} à {hour(end)}",
        "language": service_request.language.name.capitalize(),
        "place": service_request.place[:60],
        "service": service_request.service_type,
    }


def said(rows: list[ServiceRequest], *, at: datetime) -> str:
    """What a page tells js/device.js, as JSON: the requests to keep, and the numbers of those to keep no more."""
    kept = [facts(row) for row in rows if is_to_keep(row, at=at)]
    gone = [row.pk for row in rows if not is_to_keep(row, at=at)]
    return json.dumps({"kept": kept, "gone": gone}, ensure_ascii=False, separators=(",", ":"))
