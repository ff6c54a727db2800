"""What changed in a request: what history may keep of it, what an interpreter has not seen yet, what comes too late."""

from datetime import UTC, datetime
from itertools import takewhile

from django.utils import timezone

from requests_app.models import ServiceRequest
from requests_app.workflow import Action, Status

# What « Modifier » may touch. The institution is not: a request never moves to another establishment.
MODIFIABLE = (
    "service_type",
    "language",
    "facility",
    "starts_at",
    "ends_at",
    "professional_name",
    "professional_phone",
    "patient_name",
    "patient_phone",
    "patient_file_number",
    "instructions",
    "are_communications_requested",
)
# History keeps that these changed, never their values (domain.md, « Privacy »).
PERSONAL = frozenset(
    {
        "professional_name",
        "professional_phone",
        "patient_name",
        "patient_phone",
        "patient_file_number",
        "instructions",
    }
)
# Ruling 1: a change of date, time, place or service type gives the right to withdraw until it is acknowledged.
MATERIAL = frozenset({"service_type", "facility", "starts_at", "ends_at"})


def in_utc(fields: dict) -> dict:
    """The same fields with their instants in UTC: within one zone, Python subtracts and compares on the wall clock."""
    return {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in fields.items()}


def between(service_request: ServiceRequest, fields: dict) -> dict:
    """The fields that differ, as history keeps them: {name: [before, after]}, or {name: None} for a personal one.

    Raises TypeError on a name that « Modifier » may not touch.
    """
    compared = whole(service_request, fields)
    return {name: None if name in PERSONAL else values for name, values in compared.items()}


def whole(service_request: ServiceRequest, fields: dict) -> dict:
    """The same with the values of personal fields: for whoever is about to write them, never to be kept."""
    if unknown := fields.keys() - set(MODIFIABLE):
        raise TypeError(f"Not modifiable: {sorted(unknown)}")
    return {
        name: [_kept(getattr(service_request, name)), _kept(value)]
        for name, value in fields.items()
        if not _reads_the_same(getattr(service_request, name), value)
    }


def _reads_the_same(before, after) -> bool:
    """A text typed again ends its lines otherwise (CRLF): it has not changed."""
    if isinstance(before, str) and isinstance(after, str):
        return before.splitlines() == after.splitlines()
    return before == after


def _kept(value):
    """A JSON value that still reads the same when the language or the facility is renamed."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | str) else str(value)


def unseen(service_request: ServiceRequest) -> dict:
    """What changed since the interpreter last had the request « Réservé », merged: first before, last after."""
    return _merged(_unseen_steps(service_request))


def _unseen_steps(service_request) -> list[dict]:
    """What each change not seen yet changed, newest first. A page has the steps read already."""
    if service_request.status != Status.MODIFIED:
        return []
    steps = sorted(service_request.transitions.all(), key=lambda step: step.pk, reverse=True)
    return [step.changes for step in takewhile(lambda step: step.action == Action.MODIFY, steps)]


def _merged(newest_first: list[dict]) -> dict:
    merged = {}
    # The first value met for « after » is the last one written.
    for changed in newest_first:
        for name, values in changed.items():
            after = merged[name][1] if merged.get(name) else values and values[1]
            merged[name] = values and [values[0], after]
    return {name: values for name, values in merged.items() if values is None or values[0] != values[1]}


def frees_from_notice(service_request: ServiceRequest) -> bool:
    """Ruling 1: an unseen change of date, time, place or service type."""
    return not MATERIAL.isdisjoint(unseen(service_request))


def will_free_from_notice(service_request: ServiceRequest, changed: dict) -> bool:
    """The same once `changed`, as `between` gives it, is written too."""
    return not MATERIAL.isdisjoint(_merged([changed, *_unseen_steps(service_request)]))


def moves_day(service_request: ServiceRequest, fields: dict) -> bool:
    """Whether the local date of the start changes."""
    starts_at = fields.get("starts_at", service_request.starts_at)
    return timezone.localdate(starts_at) != timezone.localdate(service_request.starts_at)


def is_substantial(service_request: ServiceRequest, fields: dict) -> bool:
    """Ruling 11: what a requester cannot change late: date, shortening, leaving the booked window, language, type."""
    starts_at = fields.get("starts_at", service_request.starts_at)
    ends_at = fields.get("ends_at", service_request.ends_at)
    is_moved = (
        moves_day(service_request, fields)
        or ends_at - starts_at < service_request.ends_at - service_request.starts_at
        or starts_at < service_request.starts_at
        or ends_at > service_request.ends_at
    )
    other = {name: fields.get(name, getattr(service_request, name)) for name in ("language", "service_type")}
    return is_moved or any(getattr(service_request, name) != value for name, value in other.items())
