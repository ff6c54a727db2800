"""A report in words: what was filed, and what one revision changed of another."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.french import decimal, duration, hour, km, long_date, money, short_date
from completion.communications import BLANK
from completion.facts import has_receipt, presence_minutes
from completion.models import Completion, Outcome
from requests_app.exchanges import written
from requests_app.masking import Hide
from requests_app.models import Channel, Communication, ServiceRequest
from requests_app.sheet import communications_requested


@dataclass(frozen=True)
class Fact:
    """One line of a list of facts; `is_flagged` asks the reader to look, `beside` says what it differs from."""

    label: str
    value: str
    is_flagged: bool = False
    beside: str = ""


def requested(service_request: ServiceRequest) -> list[Fact]:
    """« Demandé », without the patient, the people nor the « Consignes », which a validator does not need."""
    start, end = service_request.starts_at, service_request.ends_at
    facts = [
        Fact("Interprète", str(service_request.interpreter)),
        Fact("Langue", service_request.language.name.capitalize()),
        Fact("Service", service_request.get_service_type_display()),
        Fact("Date", long_date(start)),
        Fact("Heures", f"{hour(start)} à {hour(end)}" if service_request.is_spoken else ""),
        Fact("Durée prévue", duration(service_request.booked_minutes) if service_request.is_spoken else ""),
        Fact("Minutes garanties", duration(service_request.guaranteed_minutes)),
        Fact("Établissement", str(service_request.institution)),
        Fact("Installation", str(service_request.facility or "")),
        Fact("Communications demandées", communications_requested(service_request)),
        Fact("Annulation", service_request.get_cancellation_reason_display()),
        Fact("Avis reçu", _moment(service_request.notice_received_at)),
    ]
    empty = {"", duration(0)}
    return [fact for fact in facts if fact.value not in empty]


def reported(service_request: ServiceRequest, hide: Hide) -> list[Fact]:
    """« Réalisé »: what the interpreter filed, and the counts that follow from it; only what has a value.

    `hide` is what the reader may not know of the comments (requests_app/masking.py).
    """
    completion = getattr(service_request, "completion", None)
    made = list(service_request.communications.all())
    facts = _filed(service_request, completion) if completion and completion.revision else []
    calls = sum(row.channel == Channel.PHONE for row in made)
    facts += [Fact("Nombre de communications", str(len(made))), Fact("Appels téléphoniques", str(calls))]
    if completion and completion.comments:
        facts.append(Fact("Commentaires sur la demande", hide(completion.comments)))
    return [fact for fact in facts if fact.value]


def _filed(service_request: ServiceRequest, completion: Completion) -> list[Fact]:
    presence = presence_minutes(completion)
    has_missing_receipt = bool(completion.parking_amount) and not has_receipt(service_request)
    parking = money(completion.parking_amount) if completion.parking_amount else ""
    return [
        *_outcome_fact(completion.outcome),
        Fact("Annulation apprise", _moment(completion.told_at)),
        Fact("Début réel", _moment(completion.actual_starts_at)),
        Fact("Fin réelle", _moment(completion.actual_ends_at)),
        Fact("Durée de présence", duration(presence) if presence else ""),
        Fact("Durée d’attente", duration(completion.waiting_minutes) if completion.waiting_minutes else ""),
        Fact("Mots", decimal(completion.word_count) if completion.word_count is not None else ""),
        Fact("Distance parcourue", f"{km(completion.distance_km)} aller" if completion.distance_km else ""),
        Fact("Durée du trajet", duration(completion.travel_minutes) if completion.travel_minutes else ""),
        Fact("Stationnement", f"{parking}, sans facture" if has_missing_receipt else parking, has_missing_receipt),
    ]


def _outcome_fact(outcome: str) -> list[Fact]:
    if outcome == Outcome.CLAIM:
        return [Fact("Réclamation", "communications faites avant l’annulation")]
    return [Fact("Service fourni", _outcome(outcome))]


def _outcome(outcome: str) -> str:
    if outcome == Outcome.RENDERED:
        return "Oui"
    label = Outcome(outcome).label
    return f"Non\u00a0: {label[0].lower()}{label[1:]}"


def _moment(instant: datetime | None) -> str:
    return f"{short_date(instant)}, {hour(instant)}" if instant else ""


# Two revisions compared.


@dataclass(frozen=True)
class Difference:
    label: str
    before: str
    after: str


_LABELS = {field.name: str(field.verbose_name).capitalize() for field in Completion._meta.fields}


def differences(before: dict, after: dict) -> list[Difference]:
    """What a correction changed, field by field, from the contents that two revisions kept."""
    labels = _LABELS | {"communications": "Communications"}
    told = [Difference(labels[name], *_words(name, before.get(name), after[name])) for name in after]
    return [change for change in told if change.before != change.after]


def _words(name: str, *values) -> list[str]:
    """Before and after; two hours of one day are compared as hours."""
    if name.endswith("_at") and all(values):
        instants = [parse_datetime(value) for value in values]
        if len({_day(instant) for instant in instants}) == 1:
            return [hour(instant) for instant in instants]
    return [_word(name, value) for value in values]


def _word(name: str, value) -> str:
    if value in (None, "", []):
        return "—"
    if name == "outcome":
        return _outcome(value)
    if name == "communications":
        return written(Communication(**_stored(row)) for row in value)
    if name.endswith("_at"):
        return _moment(parse_datetime(value))
    amounts = {"distance_km": km, "parking_amount": money}
    if name in amounts:
        return amounts[name](Decimal(value))
    return duration(value) if name.endswith("_minutes") else str(value)


def _stored(row: dict) -> dict:
    return {name: row[name] for name in ("purpose", *BLANK)} | {"at": parse_datetime(row["made_at"])}


def opens_at(starts_at: datetime, *, at: datetime) -> str:
    """When the report opens, as the FAQ says it: « 11 h », with the day unless it is today."""
    if timezone.localdate(starts_at) == timezone.localdate(at):
        return hour(starts_at)
    return f"{hour(starts_at)}, le {long_date(_day(starts_at))}"


def _day(instant: datetime) -> date:
    return timezone.localdate(instant)
