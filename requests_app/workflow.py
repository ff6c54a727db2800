"""Who may do what to a request, and when: the customer's transition table, as data.

`STEPS` reads like the table of the README (a test compares them). Everything else derives from it: `available` gives
the buttons, `next_status` gives the target or refuses with a French sentence. Nothing here touches the database.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import TextChoices

from accounts.roles import Role

# Ruling 3: an interpreter withdraws alone strictly more than 48 elapsed hours before the start.
WITHDRAWAL_NOTICE = timedelta(hours=48)


class Status(TextChoices):
    UNALLOCATED = "unallocated", "Non alloué"
    PENDING = "pending", "En attente"
    RESERVED = "reserved", "Réservé"
    MODIFIED = "modified", "Modifié"
    PROVIDED = "provided", "Service fourni"
    CANCELLED = "cancelled", "Annulé"
    COMPLETED = "completed", "Achevé"


# The FAQ's own sentences for its five statuses (« Que signifient les différents statuts d'une demande ? »).
STATUS_HELP = {
    Status.UNALLOCATED: "Aucun interprète n’a la demande.",
    Status.PENDING: "Une demande vous a été transmise et est en attente que vous l’acceptiez ou la refusiez.",
    Status.RESERVED: "Vous avez accepté la demande de service. La demande est maintenant réservée.",
    Status.MODIFIED: "Une demande que vous avez déjà réservée a été modifiée (par exemple, modification du temps de "
    "rendez-vous). Allez dans la demande pour vérifier la modification apportée.",
    Status.PROVIDED: "Vous avez réalisé le service et rempli la section Détails de l’achèvement d’IMS après que le "
    "service ait été rendu.",
    Status.CANCELLED: "La demande a été annulée, ou le service n’a pas été rendu.",
    Status.COMPLETED: "Le service fourni a été vérifié et validé par la BI du RSSS.",
}

# The interpreter who holds a request in one of these is booked: nobody else may have that time (ruling 2).
BOOKED = (Status.RESERVED, Status.MODIFIED, Status.PROVIDED)
ASSIGNED = (Status.RESERVED, Status.MODIFIED)
UNASSIGNED = (Status.UNALLOCATED, Status.PENDING)


class ServiceType(TextChoices):
    ON_SITE = "on_site", "Interprétation en présence"
    PHONE = "phone", "Interprétation par téléphone"
    VIDEO = "video", "Interprétation par visioconférence"
    MESSAGE_RELAY = "message_relay", "Transmission de message"
    TRANSLATION = "translation", "Traduction"
    REVISION = "revision", "Révision"


# These occupy somebody's calendar; the other three are "available from – due by".
SPOKEN = (ServiceType.ON_SITE, ServiceType.PHONE, ServiceType.VIDEO)


class Action(TextChoices):
    """Each transition; the label is the button's."""

    SUBMIT = "submit", "Créer la demande"
    RELAY = "relay", "Transmettre le message"
    OFFER = "offer", "Offrir à des interprètes"
    ACCEPT = "accept", "Accepter"
    REFUSE = "refuse", "Refuser"
    EXPIRE = "expire", "Laisser expirer"
    RETRACT = "retract", "Retirer l’offre"
    ASSIGN = "assign", "Attribuer"
    REASSIGN = "reassign", "Réattribuer"
    MODIFY = "modify", "Modifier la demande"
    ACKNOWLEDGE = "acknowledge", "J’ai pris connaissance de la modification"
    MARK_UNALLOCATED = "mark_unallocated", "Marquer comme non alloué"
    PROVIDE = "provide", "Détails de l’achèvement"
    REPORT_CANCELLED = "report_cancelled", "Service non rendu"
    CANCEL = "cancel", "Annuler la demande"
    CLAIM = "claim", "Réclamer des communications"
    REINSTATE = "reinstate", "Rétablir"
    CORRECT = "correct", "Modifier"
    RETURN_FOR_CORRECTION = "return_for_correction", "Retourner à l’interprète"
    VALIDATE = "validate", "Valider"


# What each button of an interpreter does, in the FAQ's words where it has some.
ACTION_HELP = {
    Action.ACCEPT: "La demande vous sera réservée.",
    Action.REFUSE: "La demande ne sera plus visible pour vous. Aucune raison n’est demandée.",
    Action.ACKNOWLEDGE: "Vous gardez la demande, telle qu’elle est maintenant\u00a0: elle redevient réservée.",
    Action.MARK_UNALLOCATED: "La demande ne sera plus visible pour vous et sera dans les demandes à assigner "
    "par la BI.",
    Action.PROVIDE: "Indiquez si le service a été rendu, puis complétez les champs associés au service principalement "
    "demandé, aux autres services requis et aux frais de déplacement.",
    Action.REPORT_CANCELLED: "Cochez non si le service a été annulé.",
    Action.CLAIM: "Si vous avez déjà réalisé des communications facturables avant l’annulation, vous serez "
    "rémunéré(e) pour ces communications.",
    Action.CORRECT: "Vous pouvez corriger votre réalisation par vous-même tant qu’elle n’a pas encore été validée par "
    "la BI du RSSS.",
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the guards may ask, as plain values; the caller reads them under its own lock."""

    at: datetime
    starts_at: datetime
    is_assigned: bool = False
    has_open_offer: bool = False
    leaves_open_offers: bool = False
    withdraws_freely: bool = False
    is_filed: bool = False
    is_filer: bool = False
    has_claim: bool = False
    cancelled_by_report: bool = False
    is_due_to_review: bool = False
    is_late_change: bool = False
    # What the person gives with the action: None while only the buttons are asked for.
    noted: bool | None = None
    is_rendered: bool | None = None

    @property
    def left(self) -> timedelta:
        """Until the start, in elapsed time: within one zone, Python subtracts and compares on the wall clock."""
        return self.starts_at.astimezone(UTC) - self.at.astimezone(UTC)

    @property
    def has_started(self) -> bool:
        return self.left <= timedelta()


class NotAllowed(Exception):
    """The table refuses; the message is a French sentence for the person who asked."""


class Guard(TextChoices):
    """The closed list of conditions; the label is the sentence said when one does not hold."""

    NOT_STARTED = "not_started", "L’heure de début est passée."
    STARTED = "started", "Les détails de l’achèvement s’ouvrent à l’heure de début du service."
    OFFER_OPEN = "offer_open", "Cette demande n’est plus disponible."
    LAST_OFFER = "last_offer", "D’autres interprètes n’ont pas encore répondu."
    OTHER_OFFERS = "other_offers", "Plus aucune offre n’attend de réponse."
    ASSIGNED = "assigned", "Cette demande ne vous est pas attribuée."
    WITHDRAWABLE = (
        "withdrawable",
        "Le service commence dans 48\u00a0h ou moins\u00a0: téléphonez à la BI ou demandez un désistement urgent.",
    )
    NOTED = "noted", "Une note est requise."
    NOTED_IF_STARTED = "noted_if_started", "Le début est passé\u00a0: une note est requise."
    NOTED_IF_LATE = "noted_if_late", "Il reste moins de 48\u00a0h ouvrables\u00a0: notez l’accord de l’interprète."
    NOT_LATE_CHANGE = (
        "not_late_change",
        "Il reste moins de 48\u00a0h ouvrables. Annulez, puis créez une nouvelle demande.",
    )
    NOT_FILED = "not_filed", "Les détails de l’achèvement ont déjà été remplis."
    FILED = "filed", "Les détails de l’achèvement n’ont pas été remplis."
    CLAIMABLE = "claimable", "Cette annulation ne donne droit à aucune réclamation."
    RENDERED = "rendered", "Indiquez si le service a été rendu."
    NOT_RENDERED = "not_rendered", "Indiquez si le service a été rendu."
    REPORTED = "reported", "La demande a été annulée\u00a0: le service ne peut pas être déclaré rendu."
    REVIEWABLE = "reviewable", "Il n’y a rien à payer ni à décider."
    NOT_FILER = "not_filer", "Vous avez rempli ce dossier\u00a0: une autre personne doit le valider."


# What only the person's input can satisfy does not hide a button.
_INPUT = {Guard.NOTED, Guard.NOTED_IF_STARTED, Guard.NOTED_IF_LATE, Guard.RENDERED, Guard.NOT_RENDERED}
_INPUT |= {Guard.NOT_LATE_CHANGE, Guard.LAST_OFFER, Guard.OTHER_OFFERS, Guard.CLAIMABLE}

_HOLDS: dict[Guard, Callable[[Facts], bool]] = {
    Guard.NOT_STARTED: lambda f: not f.has_started,
    Guard.STARTED: lambda f: f.has_started,
    Guard.OFFER_OPEN: lambda f: f.has_open_offer,
    Guard.LAST_OFFER: lambda f: not f.leaves_open_offers,
    Guard.OTHER_OFFERS: lambda f: f.leaves_open_offers,
    Guard.ASSIGNED: lambda f: f.is_assigned,
    # Rulings 1 and 3: elapsed time, strictly more than 48 h; or until an unseen change is acknowledged.
    Guard.WITHDRAWABLE: lambda f: f.left > WITHDRAWAL_NOTICE or (f.withdraws_freely and not f.has_started),
    Guard.NOTED: lambda f: bool(f.noted),
    Guard.NOTED_IF_STARTED: lambda f: not f.has_started or bool(f.noted),
    Guard.NOTED_IF_LATE: lambda f: not f.is_late_change or bool(f.noted),
    Guard.NOT_LATE_CHANGE: lambda f: not f.is_late_change,
    Guard.NOT_FILED: lambda f: not f.is_filed,
    Guard.FILED: lambda f: f.is_filed,
    Guard.CLAIMABLE: lambda f: f.has_claim,
    Guard.RENDERED: lambda f: f.is_rendered is True,
    Guard.NOT_RENDERED: lambda f: f.is_rendered is False,
    Guard.REPORTED: lambda f: f.cancelled_by_report,
    Guard.REVIEWABLE: lambda f: f.is_due_to_review,
    Guard.NOT_FILER: lambda f: not f.is_filer,
}


@dataclass(frozen=True)
class Step:
    """One row of the table: every guard named must hold."""

    action: Action
    source: Status | None
    target: Status
    role: Role
    guards: tuple[Guard, ...] = ()


_I, _R, _C, _V, _S = Role.INTERPRETER, Role.REQUESTER, Role.COORDINATOR, Role.VALIDATOR, Role.SYSTEM
_UNALLOCATED, _PENDING, _RESERVED, _MODIFIED, _PROVIDED, _CANCELLED, _COMPLETED = Status


def _rows(action, sources, target, roles, *guards) -> list[Step]:
    """The rows of one line of the customer's table; a target of None keeps the status."""
    return [Step(action, source, target or source, role, guards) for source in sources for role in roles]


STEPS: list[Step] = [
    *_rows(Action.SUBMIT, [None], _UNALLOCATED, [_R], Guard.NOT_STARTED),
    *_rows(Action.SUBMIT, [None], _UNALLOCATED, [_C], Guard.NOTED_IF_STARTED),
    *_rows(Action.RELAY, [None], _PROVIDED, [_S]),
    *_rows(Action.OFFER, UNASSIGNED, _PENDING, [_C, _S], Guard.NOT_STARTED),
    *_rows(Action.ACCEPT, [_PENDING], _RESERVED, [_I], Guard.OFFER_OPEN, Guard.NOT_STARTED),
    *_rows(Action.REFUSE, [_PENDING], _PENDING, [_I], Guard.OFFER_OPEN, Guard.OTHER_OFFERS),
    *_rows(Action.REFUSE, [_PENDING], _UNALLOCATED, [_I], Guard.OFFER_OPEN, Guard.LAST_OFFER),
    *_rows(Action.EXPIRE, [_PENDING], _PENDING, [_S], Guard.OTHER_OFFERS),
    *_rows(Action.EXPIRE, [_PENDING], _UNALLOCATED, [_S], Guard.LAST_OFFER),
    *_rows(Action.RETRACT, [_PENDING], _PENDING, [_C], Guard.OTHER_OFFERS),
    *_rows(Action.RETRACT, [_PENDING], _UNALLOCATED, [_C], Guard.LAST_OFFER),
    *_rows(Action.ASSIGN, UNASSIGNED, _RESERVED, [_C], Guard.NOTED),
    *_rows(Action.REASSIGN, ASSIGNED, _RESERVED, [_C], Guard.NOTED),
    *_rows(Action.MODIFY, UNASSIGNED, None, [_R, _C]),
    *_rows(Action.MODIFY, ASSIGNED, _MODIFIED, [_R], Guard.NOT_LATE_CHANGE),
    *_rows(Action.MODIFY, ASSIGNED, _MODIFIED, [_C], Guard.NOTED_IF_LATE),
    *_rows(Action.ACKNOWLEDGE, [_MODIFIED], _RESERVED, [_I], Guard.ASSIGNED),
    *_rows(Action.MARK_UNALLOCATED, ASSIGNED, _UNALLOCATED, [_I], Guard.ASSIGNED, Guard.WITHDRAWABLE),
    *_rows(Action.MARK_UNALLOCATED, ASSIGNED, _UNALLOCATED, [_C], Guard.NOTED),
    *_rows(Action.MARK_UNALLOCATED, ASSIGNED, _UNALLOCATED, [_S]),
    *_rows(Action.PROVIDE, ASSIGNED, _PROVIDED, [_I], Guard.ASSIGNED, Guard.STARTED),
    *_rows(Action.PROVIDE, ASSIGNED, _PROVIDED, [_C], Guard.STARTED, Guard.NOTED),
    *_rows(Action.REPORT_CANCELLED, ASSIGNED, _CANCELLED, [_I], Guard.ASSIGNED, Guard.STARTED),
    *_rows(Action.REPORT_CANCELLED, ASSIGNED, _CANCELLED, [_C], Guard.STARTED, Guard.NOTED),
    *_rows(Action.CANCEL, UNASSIGNED + ASSIGNED, _CANCELLED, [_R, _C]),
    *_rows(Action.CLAIM, [_CANCELLED], None, [_I], Guard.ASSIGNED, Guard.NOT_FILED, Guard.CLAIMABLE),
    *_rows(Action.REINSTATE, [_CANCELLED], _UNALLOCATED, [_C], Guard.NOT_FILED, Guard.NOT_STARTED, Guard.NOTED),
    *_rows(Action.CORRECT, [_PROVIDED], _PROVIDED, [_I], Guard.ASSIGNED, Guard.RENDERED),
    *_rows(Action.CORRECT, [_PROVIDED], _CANCELLED, [_I], Guard.ASSIGNED, Guard.NOT_RENDERED),
    *_rows(Action.CORRECT, [_PROVIDED], _PROVIDED, [_C], Guard.RENDERED, Guard.NOTED),
    *_rows(Action.CORRECT, [_PROVIDED], _CANCELLED, [_C], Guard.NOT_RENDERED, Guard.NOTED),
    *_rows(Action.CORRECT, [_CANCELLED], _CANCELLED, [_I], Guard.ASSIGNED, Guard.FILED, Guard.NOT_RENDERED),
    *_rows(Action.CORRECT, [_CANCELLED], _PROVIDED, [_I], Guard.ASSIGNED, Guard.FILED, Guard.RENDERED, Guard.REPORTED),
    *_rows(Action.CORRECT, [_CANCELLED], _CANCELLED, [_C], Guard.FILED, Guard.NOT_RENDERED, Guard.NOTED),
    *_rows(Action.CORRECT, [_CANCELLED], _PROVIDED, [_C], Guard.FILED, Guard.RENDERED, Guard.REPORTED, Guard.NOTED),
    *_rows(Action.RETURN_FOR_CORRECTION, [_PROVIDED], None, [_V], Guard.NOTED),
    *_rows(Action.RETURN_FOR_CORRECTION, [_CANCELLED], None, [_V], Guard.FILED, Guard.NOTED),
    *_rows(Action.VALIDATE, [_PROVIDED, _CANCELLED], _COMPLETED, [_V], Guard.REVIEWABLE, Guard.NOT_FILER),
]


def next_status(status: Status | None, action: Action, role: Role, *, facts: Facts) -> Status:
    """The status that follows; raises NotAllowed with the sentence of the condition that does not hold."""
    refusals = []
    for step in STEPS:
        if (step.source, step.action, step.role) != (status, action, role):
            continue
        broken = _broken(step, facts)
        if not broken:
            return step.target
        refusals.append((step.guards.index(broken[0]), broken[0]))
    if refusals:
        # Of several rows, the one that goes furthest before it fails says what is really wrong.
        _, guard = max(refusals, key=lambda refusal: refusal[0])
        raise NotAllowed(guard.label)
    raise NotAllowed(_no_such_step(status, action, role))


def available(status: Status, role: Role, *, facts: Facts) -> list[Action]:
    """The actions to show as buttons, in the table's order; a note still to be typed does not hide one."""
    actions = [
        step.action
        for step in STEPS
        if step.source == status and step.role == role and not set(_broken(step, facts)) - _INPUT
    ]
    return list(dict.fromkeys(actions))


def _broken(step: Step, facts: Facts) -> list[Guard]:
    return [guard for guard in step.guards if not _HOLDS[guard](facts)]


def _no_such_step(status: Status | None, action: Action, role: Role) -> str:
    if status is None:
        return "Votre rôle ne permet pas cette action."
    # An interpreter never reads « Non alloué », nor what became of a request they no longer have an offer for.
    is_answer = action in (Action.ACCEPT, Action.REFUSE)
    if role == Role.INTERPRETER and (is_answer or status == Status.UNALLOCATED):
        return Guard.OFFER_OPEN.label
    return f"La demande est «\u00a0{Status(status).label}\u00a0»\u00a0: cette action n’est pas possible."
