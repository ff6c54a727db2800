"""Who is told what when a request moves (domain.md; the texts are templates/email/<topic>.txt and templates/sms/)."""

from enum import StrEnum

from accounts import notify
from accounts.french import day_and_month, hour, long_date
from accounts.models import User
from accounts.notify import Notice
from accounts.roles import Role
from billing.rules import IN_TIME_RULE, RULE_NAMES, LineKind
from requests_app.models import CancellationReason, Offer, ServiceRequest, Transition
from requests_app.workflow import Action


class Topic(StrEnum):
    OFFERED = "offered"
    OFFER_GONE = "offer_gone"
    OFFER_CHANGED = "offer_changed"
    ASSIGNED = "assigned"
    REMOVED = "removed"
    CHANGED = "changed"
    CHANGED_BY_BI = "changed_by_bi"
    CANCELLED = "cancelled"
    REINSTATED = "reinstated"
    REOPENED = "reopened"
    FILED = "filed"
    RETURNED = "returned"
    VALIDATED = "validated"
    ADJUSTED = "adjusted"
    STATEMENT = "statement"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"
    URGENT_ASKED = "urgent_asked"
    URGENT_DECLINED = "urgent_declined"
    MESSAGE = "message"
    REMINDER = "reminder"


# What the interpreter who holds the request (or held it) is told.
TO_INTERPRETER = {
    Action.OFFER: Topic.OFFERED,
    Action.ASSIGN: Topic.ASSIGNED,
    Action.REASSIGN: Topic.ASSIGNED,
    Action.MODIFY: Topic.CHANGED,
    Action.MARK_UNALLOCATED: Topic.REMOVED,
    Action.CANCEL: Topic.CANCELLED,
    Action.REINSTATE: Topic.REINSTATED,
    # By the BI on their behalf: nobody is told of what they did themselves.
    **dict.fromkeys([Action.PROVIDE, Action.REPORT_CANCELLED, Action.CORRECT], Topic.FILED),
    Action.RETURN_FOR_CORRECTION: Topic.RETURNED,
    Action.VALIDATE: Topic.VALIDATED,
}
# What the person who made the request is told (of a change, when the BI made it).
TO_REQUESTER = {
    Action.ACCEPT: Topic.TAKEN,
    Action.ASSIGN: Topic.TAKEN,
    Action.MODIFY: Topic.CHANGED_BY_BI,
    Action.MARK_UNALLOCATED: Topic.WITHDRAWN,
    Action.CANCEL: Topic.CANCELLED,
    Action.REINSTATE: Topic.REOPENED,
}
# A change of the request makes none of these false: they then say it as it now is.
TRUE_AFTER_A_CHANGE = (Topic.ASSIGNED, Topic.TAKEN, Topic.WITHDRAWN, Topic.REOPENED)


def announce(service_request, transition: Transition, *, others: dict[User, str], details: dict | None = None) -> None:
    """Withdraw what no longer holds, then tell the people a transition concerns, its author apart.

    `details` is what the texts of this step say to its interpreter besides the request itself.
    """
    context = context_of(service_request)
    pay = what_it_pays(service_request) if transition.action == Action.CANCEL else {}
    own = {transition.interpreter: context | pay | (details or {})}
    told = concerned(service_request, transition.action, by=transition.by, interpreter=transition.interpreter)
    notices = [
        Notice(user=user, topic=topic, event=str(transition.pk), context=own.get(user, context)) for user, topic in told
    ]
    outdated = [notice.user for notice in notices]
    if transition.interpreter:
        outdated.append(transition.interpreter)  # nor one that a coordinator answered for them
    if transition.by.role == Role.INTERPRETER:
        outdated.append(transition.by)  # who answered needs no message that asks for the answer
    # Whoever was not told yet that the request is theirs learns it first, as it now is.
    kept = TRUE_AFTER_A_CHANGE if transition.action == Action.MODIFY else ()
    notify.withdraw(about=about(service_request), users=outdated, but=kept)
    for topic in kept:
        notify.refresh(about=about(service_request), topic=topic, context=context)
    notify.tell(notices, about=about(service_request), at=transition.at)
    announce_offers(service_request, transition, others)


def announce_offers(service_request: ServiceRequest, transition: Transition, others: dict[User, str]) -> None:
    """Tell those who lose what they had, with the reason given, or (an empty one) that the request offered changed.

    Whoever was not told of the offer yet learns it once, as it now is.
    """
    informed = _refresh_offers(service_request, [user for user, reason in others.items() if not reason])
    told = {user: reason for user, reason in others.items() if user not in informed}
    notices = [
        Notice(
            user=user,
            topic=topic,
            event=str(transition.pk),
            context=context_of(service_request) | because(told[user]),
        )
        for user, topic in of_others(told, transition.action, by=transition.by)
    ]
    notify.withdraw(about=about(service_request), users=told)
    notify.tell(notices, about=about(service_request), at=transition.at)


def _refresh_offers(service_request: ServiceRequest, holders: list[User]) -> set[User]:
    """Have the offers that were not sent yet say what the request has become; whose they are."""
    if not holders:
        return set()
    held = service_request.offers.filter(state=Offer.State.OPEN, interpreter__in=holders).select_related("interpreter")
    held = {offer.pk: offer for offer in held}
    context = context_of(service_request)
    contexts = {pk: context | context_of_offer(offer) for pk, offer in held.items()}
    informed = notify.refresh_whole(about=about(service_request), of="offer", contexts=contexts)
    return {held[pk].interpreter for pk in informed}


def about(service_request: ServiceRequest) -> str:
    return f"request:{service_request.pk}"


def urgency_about(service_request: ServiceRequest) -> str:
    """What an urgent withdrawal is told under, until it is answered."""
    return f"urgent:{service_request.pk}"


def forget_urgency(service_request: ServiceRequest) -> None:
    """It was granted or declined: nobody is asked any more."""
    notify.withdraw(about=urgency_about(service_request))


def context_of(service_request: ServiceRequest) -> dict:
    """What a message may say of a request: number, language, service, date and hour; never a person nor a place."""
    return {
        "number": service_request.pk,
        "language": service_request.language.name,
        "service": service_request.get_service_type_display(),
        "date": long_date(service_request.starts_at),
        "day": day_and_month(service_request.starts_at),
        "hour": hour(service_request.starts_at),
        "path": f"/demandes/{service_request.pk}/",
    }


GRANTED = "Votre désistement urgent est accordé."


def because(reason: str) -> dict:
    """What a message says of why somebody no longer has a request; a text message has room for the one they asked."""
    return {"reason": reason, "is_granted": reason == GRANTED}


# What a cancellation pays its interpreter (FAQ « Le demandeur a annulé la demande »): by e-mail, by text message.
_LATE = (
    f"{RULE_NAMES[LineKind.LATE_CANCELLATION]}\u00a0: vous êtes rémunéré(e) selon la durée réservée, sans rien à "
    "réclamer. Si des communications facturables déjà faites ne sont pas inscrites, ajoutez-les dans la demande.",
    "Moins de 48 h ouvrables: payée, rien à réclamer.",
)
_UNPAID = "non rémunérée, sauf les communications facturables déjà faites\u00a0: réclamez-les dans la demande."
_IN_TIME = (f"{IN_TIME_RULE}\u00a0: {_UNPAID}", "48 h ou plus: non payée, sauf communications.")
_NOT_SPOKEN = (f"Annulation {_UNPAID}", "Non payée, sauf communications.")
_ABSENT = ("Motif\u00a0: interprète absent. L’annulation n’est pas rémunérée.", "Interprète absent: non payée.")


def what_it_pays(service_request: ServiceRequest) -> dict:
    """What the messages about a cancelled request say to its interpreter of their pay, from what was decided."""
    spoken = _LATE if service_request.is_late_cancellation else _IN_TIME
    words = spoken if service_request.is_spoken else _NOT_SPOKEN
    if service_request.cancellation_reason == CancellationReason.INTERPRETER_ABSENT:
        words = _ABSENT
    return dict(zip(("pay", "pay_short"), words, strict=True))


def context_of_offer(offer: Offer) -> dict:
    """What a message says of an offer besides its request; its number is what its link is drawn from, as it leaves."""
    limit = hour(offer.answer_by)
    return {
        "offer": offer.pk,
        "answer_by": f"{long_date(offer.answer_by)} à {limit}",
        "reply_by": f"{day_and_month(offer.answer_by)}, {limit}",
    }


def concerned(service_request: ServiceRequest, action: str, *, by: User, interpreter: User | None) -> list[tuple]:
    """The (user, topic) that a step tells, its author apart; `interpreter` is whom the step is about.

    Read before the step by whoever says what will follow (consequences.py), then by `announce`.
    """
    action = Action(action)
    told = [(interpreter, TO_INTERPRETER[action])] if action in TO_INTERPRETER else []
    if action in TO_REQUESTER and (action != Action.MODIFY or by.is_bi_staff):
        told += [(user, TO_REQUESTER[action]) for user in requesters_of(service_request)]
    return [(user, topic) for user, topic in told if user and user != by and user.role != Role.SYSTEM]


def of_others(others: dict[User, str], action: str, *, by: User) -> list[tuple]:
    """The (user, topic) of those who lose what they had for the reason given, or (an empty one) keep a changed offer.

    What they lose is an offer; whoever is replaced loses a booking.
    """
    gone = Topic.REMOVED if action == Action.REASSIGN else Topic.OFFER_GONE
    topics = {user: gone if reason else Topic.OFFER_CHANGED for user, reason in others.items()}
    return [(user, topic) for user, topic in topics.items() if user != by]


def requesters_of(service_request: ServiceRequest) -> list[User]:
    """Who answers for the institution: the person who made the request while they work there, else its requesters."""
    institution_id = service_request.institution_id
    made_by = service_request.requested_by
    if made_by.role == Role.REQUESTER and made_by.is_active and made_by.institution_id == institution_id:
        return [made_by]
    return list(User.objects.filter(role=Role.REQUESTER, is_active=True, institution_id=institution_id))
