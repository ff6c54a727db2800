"""Two people changed one request: what the form was opened on, what the request is now, what was typed (B5).

The page carries what it was opened on, because history never keeps the values of personal fields. Nothing of it is
trusted: it decides what a second form is filled with, never what is written.
"""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum

from django.db.models import Model
from django.utils import timezone

from accounts.french import duration, hour, short_date
from accounts.models import Language
from requests_app.models import ServiceRequest
from requests_app.workflow import ServiceType

_MINUTE = timedelta(minutes=1)


class Verdict(StrEnum):
    """What becomes of a field in the form shown again; the value is what the page says."""

    THEIRS = "Vous n’y avez pas touché\u00a0: la valeur de maintenant est gardée."
    MINE = "Vous seul(e) l’avez changé\u00a0: votre saisie est gardée."
    BOTH = "Changé des deux côtés\u00a0: votre saisie est dans le formulaire, à vérifier."
    SAME = "Le même changement des deux côtés."


@dataclass(frozen=True)
class Difference:
    """One field, in words: at the opening, now, as typed; and what becomes of it."""

    name: str
    label: str
    opened: str
    now: str
    typed: str
    verdict: Verdict


def snapshot(service_request: ServiceRequest, names) -> dict[str, str]:
    """The fields of a request as a form has them, each a text that compares."""
    start = timezone.localtime(service_request.starts_at)
    own = {name: getattr(service_request, name) for name in names if hasattr(service_request, name)}
    length = timedelta(minutes=service_request.booked_minutes)
    return texts(own | {"date": start.date(), "start_time": start.time(), "duration": length})


def texts(values: Mapping) -> dict[str, str]:
    """Cleaned values as texts that compare: dates in ISO, lengths in minutes, rows by their key."""
    return {name: _text(value) for name, value in values.items()}


def _text(value) -> str:
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, timedelta):
        return str(value // _MINUTE)
    if isinstance(value, bool):
        return "1" if value else ""
    return "\n".join(str(value or "").splitlines())


def opened_on(text: str, names: Container[str]) -> dict[str, str]:
    """What a page says that its form, of the fields `names`, was opened on; nothing that nobody served."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in pairs if name in names and isinstance(value, str) and _is_text(value)}


def _is_text(value: str) -> bool:
    """JSON writes what no page nor database takes: half a character (a lone surrogate), NUL."""
    return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def verdicts(opened: Mapping, now: Mapping, typed: Mapping) -> dict[str, Verdict]:
    """What becomes of each field that is not the same everywhere; an unknown opening counts as changed by others."""
    found = {}
    for name, value in typed.items():
        before = opened.get(name)
        if not before == now[name] == value:
            found[name] = _verdict(before, now[name], value)
    return {name: verdict for name, verdict in found.items() if verdict}


def _verdict(before: str | None, now: str, typed: str) -> Verdict | None:
    if before is None:
        return Verdict.BOTH if now != typed else None
    if typed == before:
        return Verdict.THEIRS
    if now == before:
        return Verdict.MINE
    return Verdict.SAME if now == typed else Verdict.BOTH


def differences(service_request: ServiceRequest, opened, typed, labels: Mapping[str, str]) -> list[Difference]:
    """The fields to show, in the order of `labels` ({name: label}), against the request as it is now."""
    now, names = snapshot(service_request, labels), _names(service_request, opened, typed)
    found = verdicts(opened, now, {name: typed[name] for name in labels})
    return [
        Difference(
            name,
            label,
            _word(name, opened.get(name, ""), names),
            _word(name, now[name], names),
            _word(name, typed[name], names),
            found[name],
        )
        for name, label in labels.items()
        if name in found
    ]


def _names(service_request, *sides) -> dict[str, dict[str, str]]:
    """{field: {key: name}} of the rows that a form shows by their key."""
    languages = {side.get("language", "") for side in sides}
    known = {str(service_request.language_id): service_request.language.name}
    known |= dict(Language.objects.filter(pk__in=languages).values_list("pk", "name"))
    places = service_request.institution.facilities.values_list("pk", "name")
    return {"language": known, "facility": {str(pk): name for pk, name in places}, "service_type": _SERVICES}


_SERVICES = dict(ServiceType.choices)


def _word(name: str, text: str, names: dict) -> str:
    """A text that compares, as a person reads it; what cannot be one is shown as nothing."""
    if name in names:
        return names[name].get(text, "")
    if name == "are_communications_requested":
        return "oui" if text else "non"
    try:
        return _READ[name](text) if text and name in _READ else text
    except (ValueError, OverflowError):
        return ""


_READ = {
    "date": lambda text: short_date(date.fromisoformat(text)),
    "start_time": lambda text: hour(time.fromisoformat(text)),
    "duration": lambda text: duration(int(text)),
}
