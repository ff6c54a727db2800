"""A request's history in words, for one reader: an interpreter reads of no other, a requester of no offer."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.utils.dateparse import parse_datetime

from accounts.french import hour, short_date
from accounts.models import User
from accounts.roles import Role
from requests_app.masking import Hide, eraser_for
from requests_app.models import ServiceRequest, Transition
from requests_app.sheet import may_see_patient
from requests_app.workflow import Action, ServiceType

_SENTENCES = {
    Action.SUBMIT: "Demande créée",
    Action.RELAY: "Transmission de message créée pour les communications déjà faites",
    Action.OFFER: "Offerte à {interpreter}",
    Action.ACCEPT: "Acceptée par {interpreter}",
    Action.REFUSE: "Refusée par {interpreter}",
    Action.EXPIRE: "Offre expirée pour {interpreter}",
    Action.RETRACT: "Offre retirée à {interpreter}",
    Action.ASSIGN: "Attribuée à {interpreter}",
    Action.REASSIGN: "Réattribuée à {interpreter}",
    Action.MODIFY: "Modifiée",
    Action.ACKNOWLEDGE: "Modification vue par {interpreter}",
    Action.MARK_UNALLOCATED: "Marquée comme non allouée, retirée à {interpreter}",
    Action.PROVIDE: "Détails de l’achèvement remplis\u00a0: service rendu",
    Action.REPORT_CANCELLED: "Détails de l’achèvement remplis\u00a0: service non rendu",
    Action.CANCEL: "Annulée",
    Action.CLAIM: "Réclamation déposée",
    Action.REINSTATE: "Rétablie",
    Action.CORRECT: "Détails de l’achèvement corrigés",
    Action.RETURN_FOR_CORRECTION: "Retournée pour correction",
    Action.VALIDATE: "Vérifiée et validée par la BI",
}
_NOT_FOR_REQUESTER = {Action.OFFER, Action.REFUSE, Action.EXPIRE, Action.RETRACT}
# The notes an interpreter reads: why a report came back. The others are the BI's own.
_NOTE_FOR_INTERPRETER = {Action.RETURN_FOR_CORRECTION}


@dataclass(frozen=True)
class Line:
    """One line of history: when, by whom, what, the changed fields as (label, before, after), the note."""

    at: datetime
    who: str
    what: str
    changes: list
    note: str
    status: str


def steps_of(service_request: ServiceRequest) -> QuerySet[Transition]:
    """The steps of a request, oldest first, with the people of each; read once and kept with it for the whole page."""
    steps = Transition.objects.select_related("by", "on_behalf_of", "interpreter").order_by("id")
    prefetch_related_objects([service_request], Prefetch("transitions", steps))
    return service_request.transitions.all()


def lines(service_request: ServiceRequest, reader: User, *, at: datetime, since_version: int = 0) -> list[Line]:
    """The history `reader` may read at `at`, oldest first; one query. `since_version` keeps what came after it."""
    hidden = set() if reader.is_bi_staff else {"interpreter"}
    if not may_see_patient(service_request, reader, at=at):
        # An offer says no more of a place than its « secteur », nor who works there.
        hidden |= {"facility", "requester"} if reader.role == Role.INTERPRETER else {"facility"}
    steps = [step for step in steps_of(service_request) if step.version > since_version]
    hide = eraser_for(service_request, reader, at=at)
    return [_line(step, reader, hidden, hide) for step in steps if _may_read(step, reader)]


def _may_read(step: Transition, reader: User) -> bool:
    if reader.role == Role.INTERPRETER:
        return step.interpreter_id in {None, reader.pk}
    return reader.is_bi_staff or step.action not in _NOT_FOR_REQUESTER


def _line(step: Transition, reader: User, hidden: set, hide: Hide) -> Line:
    is_note_shown = reader.is_bi_staff or (reader.role == Role.INTERPRETER and step.action in _NOTE_FOR_INTERPRETER)
    return Line(
        at=step.at,
        who=_who(step, reader, hidden),
        what=_what(step, reader),
        changes=changed_fields({name: values for name, values in step.changes.items() if name not in hidden}),
        note=hide(step.note) if is_note_shown else "",
        status=step.to_status,
    )


def _what(step: Transition, reader: User) -> str:
    said = _SENTENCES[Action(step.action)].format(interpreter=step.interpreter or "l’interprète")
    if not reader.is_bi_staff:
        return said
    # Who holds the message may have answered: the BI knows how an answer came.
    more = "par le lien du message" if step.by_link else choice_words(step.choice)
    return f"{said}, {more}" if more else said


def choice_words(choice: dict) -> str:
    """Why this person was chosen (candidates.choice_of): « 3e de 14 : à 6 km », « malgré : absence… », or nothing.

    Of a validation: what was accepted with it, « avec 2 alertes : distance, facture, sans réponse au retour ».
    """
    if "unanswered" in choice:
        return ", ".join(filter(None, (_alerts(choice), "sans réponse au retour")))
    if "alerts" in choice:
        return _alerts(choice)
    if despite := choice.get("despite"):
        return f"malgré\u00a0: {', '.join(despite)}"
    if "rank" not in choice:
        return ""
    place = f"{choice['rank']}{'re' if choice['rank'] == 1 else 'e'} de {choice['among']}"
    return place + (f"\u00a0: {', '.join(choice['reasons'])}" if choice["reasons"] else "")


def _alerts(choice: dict) -> str:
    alerts = choice.get("alerts", ())
    if not alerts:
        return ""
    many = "1\u00a0alerte" if len(alerts) == 1 else f"{len(alerts)}\u00a0alertes"
    return f"avec {many}\u00a0: {', '.join(alert['label'].lower() for alert in alerts)}"


def _who(step: Transition, reader: User, hidden: set) -> str:
    author = step.by
    if author == reader:
        name = "vous"
    elif author.is_bi_staff and not reader.is_bi_staff:
        name = "BI du RSSS"
    elif author.role == Role.REQUESTER and "requester" in hidden:
        name = "demandeur"
    else:
        name = str(author)
    behalf = step.on_behalf_of
    return f"{name}, au nom de {'vous' if behalf == reader else behalf}" if behalf else name


_CHANGED = {"instructions": "modifiées"}
_LABELS = {field.name: str(field.verbose_name).capitalize() for field in ServiceRequest._meta.fields}


def changed_fields(changes: dict) -> list[tuple[str, str, str]]:
    """(label, before, after) for each changed field; a personal one says only that it changed (`before` is None)."""
    order = list(_LABELS)
    return [
        (
            _LABELS[name],
            *((None, _CHANGED.get(name, "modifié")) if values is None else (_word(name, value) for value in values)),
        )
        for name, values in sorted(changes.items(), key=lambda change: order.index(change[0]))
    ]


def _word(name: str, value) -> str:
    if value in (None, ""):
        return "aucune" if name == "facility" else ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if name == "service_type":
        return ServiceType(value).label
    if name.endswith("_at"):
        instant = parse_datetime(value)
        return f"{short_date(instant)}, {hour(instant)}"
    return value
