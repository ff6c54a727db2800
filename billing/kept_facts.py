"""The facts that a pay line kept, in words: label, value. What people typed in them is read through an eraser."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal

from accounts.french import NBSP, duration, hour, km, long_date, money, short_date
from billing.rules import Outcome
from requests_app.masking import Hide
from requests_app.workflow import ServiceType

OUTCOMES = {
    Outcome.RENDERED: "Service rendu",
    Outcome.CANCELLED: "Service annulé",
    Outcome.PATIENT_ABSENT: "Usager absent",
    Outcome.PROFESSIONAL_ABSENT: "Professionnel absent",
    Outcome.WITHDRAWN: "Désistement",
}


def _instant(kept: str) -> str:
    at = datetime.fromisoformat(kept)
    return f"{long_date(at)}, {hour(at)}"


def _of(say: Callable) -> Callable[[str], str]:
    return lambda kept: say(Decimal(kept))


def _days(kept: list[str]) -> str:
    return ", ".join(short_date(date.fromisoformat(day)) for day in kept)


def _yes(_) -> str:
    return "oui"


# In the order in which they are read; the tariff has its own page, and the line links to it.
WORDS = {
    "service_type": ("Type de service", lambda kept: ServiceType(kept).label),
    "outcome": ("Résultat", lambda kept: OUTCOMES[Outcome(kept)]),
    "starts_at": ("Début prévu", _instant),
    "ends_at": ("Fin prévue", _instant),
    "notice_received_at": ("Avis d’annulation reçu", _instant),
    "closed_days": ("Jours fériés comptés", _days),
    "interpreter_is_at_fault": ("Annulée parce que l’interprète était absent(e)", _yes),
    "guaranteed_minutes": ("Durée garantie", duration),
    "actual_minutes": ("Présence", duration),
    "waiting_minutes": ("Attente", duration),
    "travel_minutes": ("Déplacement", duration),
    "distance_km": ("Distance déclarée, aller", _of(km)),
    "home_km": ("Distance estimée du domicile, aller", _of(km)),
    "head_office_km": ("Distance estimée du siège social, aller", _of(km)),
    "parking": ("Stationnement réclamé", _of(money)),
    "parking_receipt": ("Facture de stationnement", _yes),
    "billable_communications": ("Communications payées", str),
    "unbillable_communications": ("Communications non payées", str),
    "words": ("Mots", str),
}


def facts_in_words(inputs: dict, hide: Hide) -> Iterator[tuple[str, str]]:
    """(label, value) of what a line was computed from, but its tariff; what is nothing is left out."""
    for name, (label, say) in WORDS.items():
        if inputs.get(name):
            yield label, say(inputs[name])
    for row in inputs.get("accepted_communications", ()):
        yield f"Communication acceptée, {_instant(row['at'])}", hide(row["accepted_reason"])
    for row in inputs.get("added_lines", ()):
        yield f"Ligne ajoutée{NBSP}: {money(Decimal(row['amount']))}", hide(row["reason"])
