"""« Qui est qui »: whom a visitor of the demo enters as, what awaits them there, and three things to try."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.french import NBSP
from accounts.models import User
from accounts.roles import Role
from completion import queue
from ims.demo.people import PROTECTED, STAFF, username
from requests_app import board
from requests_app.models import ServiceRequest
from requests_app.paging import CappedCount, count_words
from requests_app.workflow import Status

# Past this, a number says « 100+ ».
MOST = 100


def _offered(user, at):
    return ServiceRequest.objects.offered_to(user, at=at).filter(status=Status.PENDING)


def _of_institution(user, at):
    to_come = ServiceRequest.objects.filter(institution=user.institution_id, starts_at__gt=at)
    return to_come.exclude(status=Status.CANCELLED)


def _unallocated(user, at):
    return board.FIRST.rule(at)


def _to_decide(user, at):
    return queue.to_decide()


def _people(user, at):
    return User.objects.filter(is_active=True).exclude(role=Role.SYSTEM)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One role: who plays it, as (name, what they are); what is counted for the first of them; what to try."""

    title: str
    names: list[tuple[str, str]]
    rows: Callable[[User, datetime], QuerySet]
    counted: tuple[str, str]
    note: str = ""
    steps: tuple[str, ...]


PARTS = [
    Part(
        title="Interprète",
        names=[("Lucía Paredes", "interprète"), (PROTECTED, "interprète")],
        rows=_offered,
        counted=("demande", "en attente de sa réponse"),
        note="Nadia reçoit un code par SMS à chaque connexion\u00a0: ici, il compte comme donné.",
        steps=(
            "Ouvrez une demande «\u00a0En attente\u00a0» et acceptez-la.",
            "Ouvrez une demande «\u00a0Réservé\u00a0» déjà passée, remplissez les détails de l’achèvement et joignez "
            "un reçu de stationnement.",
            "Regardez dans «\u00a0Ma paie\u00a0» ce que cela donne.",
        ),
    ),
    Part(
        title="Demandeur",
        names=[("Dominique Lasnier", "demandeur du CHUM")],
        rows=_of_institution,
        counted=("demande", "à venir pour le CHUM"),
        steps=(
            "Créez une demande par «\u00a0Nouvelle demande\u00a0».",
            "Ouvrez-la et modifiez son heure.",
            "Annulez-la\u00a0: la page dit d’abord ce qui s’ensuit.",
        ),
    ),
    Part(
        title="Coordonnateur (BI)",
        names=[(STAFF[Role.COORDINATOR][0], "coordonnatrice"), (STAFF[Role.COORDINATOR][1], "coordonnateur")],
        rows=_unallocated,
        counted=("demande", "sans interprète"),
        steps=(
            "Dans le tableau, à «\u00a0Non alloué\u00a0», choisissez «\u00a0Offrir\u00a0»\u00a0: les interprètes sont "
            "classés, avec leurs raisons.",
            "Envoyez l’offre à quelques personnes, puis lisez leurs messages dans la boîte d’envoi.",
            "Répondez à une question dans «\u00a0Messages\u00a0».",
        ),
    ),
    Part(
        title="Valideur (BI)",
        names=[(STAFF[Role.VALIDATOR][0], "valideur"), (STAFF[Role.VALIDATOR][1], "valideuse")],
        rows=_to_decide,
        counted=("réalisation", "à valider"),
        steps=(
            "Dans «\u00a0À valider\u00a0», ouvrez un dossier qui a une alerte\u00a0: ce qui était demandé, ce qui a "
            "été réalisé, et la paie.",
            "Validez-le et passez au suivant, ou retournez-le à l’interprète.",
            "Dans «\u00a0Relevés\u00a0», calculez une période de paie.",
        ),
    ),
    Part(
        title="Administrateur",
        names=[(STAFF[Role.ADMINISTRATOR][0], "administratrice")],
        rows=_people,
        counted=("personne", "qui ont un compte"),
        steps=(
            "Dans «\u00a0Comptes\u00a0», ajoutez une personne\u00a0: son accès arrive dans la boîte d’envoi.",
            "Ajoutez un jour férié\u00a0: les 48\u00a0h d’une annulation en tiennent compte.",
            "Ouvrez une politique de rémunération\u00a0: les tarifs et leur historique.",
        ),
    ),
]


@dataclass(frozen=True)
class Card:
    """A part as the page shows it; `doors` are (identifier, « Lucía Paredes, interprète »)."""

    part: Part
    seen: str
    doors: list[tuple[str, str]]


def visitors() -> dict[str, User]:
    """{identifier: person} of those that one may enter as, while their account is active. One statement."""
    names = [username(name) for part in PARTS for name, _ in part.names]
    return {user.username: user for user in User.objects.filter(username__in=names, is_active=True)}


def cards(*, at: datetime) -> list[Card]:
    """What the page shows, in two statements; a part whose first person is gone is not played."""
    known = visitors()
    parts = [part for part in PARTS if username(part.names[0][0]) in known]
    counts = [CappedCount(part.rows(known[username(part.names[0][0])], at), MOST) for part in parts]
    numbers = User.objects.filter(role=Role.SYSTEM).values_list(*counts).get() if counts else ()
    return [Card(part, _seen(part, number), _doors(part, known)) for part, number in zip(parts, numbers, strict=True)]


def _doors(part: Part, known) -> list[tuple[str, str]]:
    return [(username(name), f"{name}, {what}") for name, what in part.names if username(name) in known]


def _seen(part: Part, number: int) -> str:
    """« 3 demandes en attente de sa réponse »."""
    noun, rest = part.counted
    if number == 0:
        return f"Aucune {noun} {rest}."
    return f"{count_words(number, MOST)}{NBSP}{noun}{'s' if number > 1 else ''} {rest}."
