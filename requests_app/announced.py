"""The consequences of a step, in words, for the reader who is about to confirm it."""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.devices import Channel
from accounts.models import User
from accounts.roles import Role
from accounts.worker import channels_reaching
from requests_app.consequences import Change
from requests_app.exchanges import is_urgently_asked
from requests_app.models import ServiceRequest
from requests_app.notifications import Topic
from requests_app.workflow import UNASSIGNED


def leaving_words(service_request: ServiceRequest) -> list[str]:
    """Ruling 3, for the BI: what becomes of whoever has the request when they lose it; one sentence each."""
    said = [f"{service_request.interpreter} n’aura plus la demande.", *relay_words(service_request)]
    if is_urgently_asked(service_request):
        said.append("Le désistement urgent demandé est ainsi accordé.")
    return said


def relay_words(service_request: ServiceRequest) -> list[str]:
    """What becomes of the communications made, if there are: they stay paid to whoever made them."""
    if not service_request.communications.filter(interpreter=service_request.interpreter_id).exists():
        return []
    who = service_request.interpreter
    return [f"Les communications déjà faites par {who} deviennent une transmission de message, à son nom."]


_SAID = {
    Topic.CHANGED: "la demande a changé",
    Topic.CHANGED_BY_BI: "la BI a modifié la demande",
    Topic.OFFER_CHANGED: "la demande offerte a changé",
    Topic.OFFER_GONE: "la demande ne lui est plus offerte",
    Topic.CANCELLED: "la demande est annulée",
    Topic.REMOVED: "n’a plus la demande",
    Topic.WITHDRAWN: "la demande est de nouveau à attribuer",
    Topic.REINSTATED: "la demande est rétablie, sans lui être attribuée",
    Topic.REOPENED: "la demande est rétablie",
    Topic.TAKEN: "la demande a son interprète",
}
_HOW = {Channel.SMS: "par SMS", Channel.EMAIL: "par courriel"}
_OFFERS = {Topic.OFFER_CHANGED, Topic.OFFER_GONE}


@dataclass(frozen=True)
class Told:
    """One line of « Qui est prévenu »: who, how (for the BI alone), of what."""

    who: str
    how: str
    what: str


def told_words(told: Iterable[tuple], reader: User, *, why: dict[User, str] | None = None) -> list[Told]:
    """Who is told, for `reader`; `why` is the reason given to each holder whose offer ends.

    A requester knows neither who was asked, nor how anybody has messages sent, nor what a named person earns.
    """
    why = why or {}
    if reader.is_bi_staff:
        return [Told(str(user), _how(user, topic), why.get(user) or _SAID[topic]) for user, topic in told]
    named = [Told(_named(user, reader), "", _SAID[topic]) for user, topic in told if topic not in _OFFERS]
    are_asked = any(topic in _OFFERS for _, topic in told)
    return named + ([Told("Les interprètes à qui la demande est offerte", "", "")] if are_asked else [])


def _named(user: User, reader: User) -> str:
    return str(user) if reader.is_bi_staff or user.role != Role.INTERPRETER else "L’interprète"


def _how(user: User, topic: str) -> str:
    """« par SMS et par courriel », as the person chose; whoever no message reaches is to be called."""
    ways = [_HOW[channel] for channel in channels_reaching(user, topic)]
    return " et ".join(ways) or "aucun message ne peut l’atteindre, téléphonez"


def change_words(service_request: ServiceRequest, change: Change, reader: User) -> list[str]:
    """What a modification does besides telling people, one sentence each."""
    is_moved = change.status != service_request.status
    said = [f"La demande {'passe à' if is_moved else 'reste'} «\u00a0{change.status.label}\u00a0»."]
    if change.warning:
        said.append(change.warning)
    if change.facts.is_late_change:
        said.append("Il reste moins de 48\u00a0h ouvrables\u00a0: votre note garde l’accord de l’interprète.")
    if change.frees:
        who = _named(service_request.interpreter, reader)
        said.append(
            f"{who} pourra se désister sans la limite de 48\u00a0h tant que la modification n’est pas vue, "
            "jusqu’au début du service."
        )
    if reader.is_bi_staff and change.status in UNASSIGNED and has_waves(service_request):
        said.append("L’envoi par vagues continue.")
    return said


def has_waves(service_request: ServiceRequest) -> bool:
    return service_request.wave_plans.filter(ended_at=None).exists()
