"""What the form of a report shows before anything is typed: the initial values of its fields."""

from datetime import datetime

from django.utils import timezone

from accounts.french import hour
from completion.mileage import Mileage
from completion.models import Completion
from requests_app.models import ServiceRequest


def proposed(service_request: ServiceRequest, at: datetime, mileage: Mileage | None) -> dict:
    """What was filed; before that, the booked hours that have passed and the distance that would be paid."""
    completion = getattr(service_request, "completion", None)
    shown = {"version": service_request.version, "start_time": hour(service_request.starts_at)}
    if service_request.ends_at <= at:
        shown["end_time"] = hour(service_request.ends_at)
    if completion and completion.revision:
        return shown | _filed(completion)
    return shown | {"distance_km": mileage.claim if mileage else None}


def _filed(completion: Completion) -> dict:
    same = ("word_count", "distance_km", "parking_amount", "comments")
    initial = {name: getattr(completion, name) for name in same}
    initial["is_rendered"] = "oui" if completion.is_rendered else "non"
    initial["what_happened"] = completion.outcome
    initial["travel_minutes"] = completion.travel_minutes or None
    hours, minutes = divmod(completion.waiting_minutes, 60)
    initial |= {"waiting_hours": hours or None, "waiting_minutes": minutes or None}
    if completion.actual_starts_at:
        initial |= {"start_time": hour(completion.actual_starts_at), "end_time": hour(completion.actual_ends_at)}
    if completion.told_at:
        initial |= {"told_date": timezone.localdate(completion.told_at), "told_time": hour(completion.told_at)}
    return initial
