"""An offer to interpreters: sent, accepted, refused, taken back, expired.

Lock order, as everywhere: account, request, offers.
"""

import logging
from collections.abc import Callable, Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django_q.tasks import async_task

from accounts.alone import alone
from accounts.models import User
from requests_app import candidates, workflow
from requests_app.models import Offer, ServiceRequest
from requests_app.moves import Stale, Story, check_seen, facts_of, hold_serving, move, verb
from requests_app.notifications import announce_offers, context_of_offer
from requests_app.workflow import BOOKED, SPOKEN, Action, Facts, NotAllowed

log = logging.getLogger(__name__)


def holders(service_request, at) -> list[User]:
    return [offer.interpreter for offer in service_request.offers.open_at(at).select_related("interpreter")]


def asked(offers) -> list[User]:
    """Whom closing these offers concerns, past their deadline or not."""
    return [offer.interpreter for offer in offers.filter(state=Offer.State.OPEN).select_related("interpreter")]


def close(offers, state, *, at, reason: str) -> dict[User, str]:
    """Close open offers; returns their holders with the sentence each is told."""
    told = dict.fromkeys(asked(offers), reason)
    offers.filter(state=Offer.State.OPEN).update(state=state, closed_at=at, reason=reason)
    return told


@verb
def offer(
    service_request, interpreters: Collection[User], *, by, at, answer_by: datetime, version=None, note=""
) -> None:
    """Offer to one or several interpreters until `answer_by`, or the start if it comes first.

    Raises NotAllowed, Overlap for whom the request cannot be offered to (a final obstacle, reasons.py); history keeps
    the rank of each, or despite what they were chosen.
    """
    interpreters = list(dict.fromkeys(interpreters))
    hold_serving(*interpreters)
    service_request.lock()
    check_seen(service_request, version)
    _expire_lapsed(service_request, at=at)
    facts = facts_of(service_request, by, at=at)
    workflow.next_status(service_request.status, Action.OFFER, by.role, facts=facts)
    if answer_by <= at:
        raise NotAllowed("Le délai de réponse doit être dans le futur.")
    answer_by = min(answer_by, service_request.starts_at)
    if not interpreters:
        raise NotAllowed("Choisissez au moins un interprète.")
    choices = candidates.choose(service_request, interpreters, at=at)
    for interpreter in interpreters:
        # The offer stands before its history row is told, so that the message's link opens.
        held = service_request.offers.create(interpreter=interpreter, sent_at=at, answer_by=answer_by)
        choice = choices[interpreter.pk]
        story = Story(interpreter=interpreter, note=note, details=context_of_offer(held), choice=choice)
        move(service_request, Action.OFFER, by=by, facts=facts, story=story)


def is_booked(interpreter: User, service_request) -> bool:
    """Whether the interpreter serves somebody else during a spoken request."""
    met = ServiceRequest.objects.filter(
        interpreter=interpreter,
        status__in=BOOKED,
        service_type__in=SPOKEN,
        starts_at__lt=service_request.ends_at,
        ends_at__gt=service_request.starts_at,
    )
    return service_request.is_spoken and met.exclude(pk=service_request.pk).exists()


EXPIRED = "Le délai de réponse est passé."
TAKEN = "Une autre personne a accepté la demande."


@verb
def accept(service_request, *, by, at, version=None, by_link=False) -> None:
    """An interpreter takes an offered request: the first wins, the others are told. Raises Overlap, NotAllowed."""
    hold_serving(by)
    held = service_request.offers.open_at(at).filter(interpreter=by)
    facts = facts_of(service_request, by, at=at)
    story = Story(interpreter=by, by_link=by_link)
    step = move(service_request, Action.ACCEPT, by=by, facts=facts, version=version, story=story, interpreter=by)
    # The guarded UPDATE decided who wins; the offer row decides whether it was still open.
    if not held.update(state=Offer.State.ACCEPTED, closed_at=at):
        raise Stale("Cette demande n’est plus disponible.")
    told = close(service_request.offers, Offer.State.CLOSED, at=at, reason=TAKEN)
    announce_offers(service_request, step, told)
    async_task("requests_app.offers.expire_due")


@verb
def refuse(service_request, *, by, at, reason: str = "", by_link=False) -> None:
    """An interpreter declines; the request is « Non alloué » again when nobody else is asked. No reason is needed."""
    service_request.lock()
    _expire_lapsed(service_request, at=at)
    facts = _answer(service_request, by, by, at=at)
    close(service_request.offers.filter(interpreter=by), Offer.State.REFUSED, at=at, reason=reason)
    move(service_request, Action.REFUSE, by=by, facts=facts, story=Story(interpreter=by, note=reason, by_link=by_link))


def _answer(service_request, interpreter, user, *, at) -> Facts:
    """The facts when an interpreter's offer is about to close: does anybody else still have one?"""
    others = service_request.offers.filter(state=Offer.State.OPEN).exclude(interpreter=interpreter)
    return facts_of(service_request, user, at=at, leaves_open_offers=others.exists())


def _expire_lapsed(service_request, *, at) -> None:
    """An offer past its deadline counts as closed even before the job ran; each gets its own line of history."""
    for held in service_request.offers.filter(state=Offer.State.OPEN, answer_by__lte=at).select_related("interpreter"):
        expire(service_request, held.interpreter, by=User.objects.system(), at=at, reason=EXPIRED)


@verb
def retract(service_request, interpreter: User, *, by, at, note="") -> None:
    """A coordinator takes back an offer sent by mistake; its holder is told."""
    service_request.lock()
    _expire_lapsed(service_request, at=at)
    facts = _answer(service_request, interpreter, by, at=at)
    held = service_request.offers.filter(interpreter=interpreter)
    told = close(held, Offer.State.RETRACTED, at=at, reason="La BI a retiré cette offre.")
    if not told:
        raise Stale("Cette offre n’est plus ouverte.")
    story = Story(interpreter=interpreter, note=note, others=told)
    move(service_request, Action.RETRACT, by=by, facts=facts, story=story)


@verb
def expire(service_request, interpreter: User, *, by, at, reason: str) -> None:
    """Close an offer that can no longer be answered; its holder is told why."""
    service_request.lock()
    facts = _answer(service_request, interpreter, by, at=at)
    held = service_request.offers.filter(interpreter=interpreter)
    if told := close(held, Offer.State.EXPIRED, at=at, reason=reason):
        story = Story(interpreter=interpreter, note=reason, others=told)
        move(service_request, Action.EXPIRE, by=by, facts=facts, story=story)


@alone
def expire_due(at: datetime | None = None) -> int:
    """Close every offer past its deadline or the start, or whose holder is booked then or gone; returns how many.

    The worker calls it each minute and after each acceptance; `at` is now unless given.
    """
    at = at or timezone.now()
    system = User.objects.system()
    booked = ServiceRequest.objects.filter(
        interpreter=OuterRef("interpreter"),
        status__in=BOOKED,
        service_type__in=SPOKEN,
        starts_at__lt=OuterRef("service_request__ends_at"),
        ends_at__gt=OuterRef("service_request__starts_at"),
    )
    due = (
        Offer.objects.filter(state=Offer.State.OPEN)
        .annotate(is_booked=Exists(booked) & Q(service_request__service_type__in=SPOKEN))
        .annotate(is_lapsed=Q(answer_by__lte=at) | Q(service_request__starts_at__lte=at))
        .filter(Q(is_lapsed=True) | Q(interpreter__is_active=False) | Q(is_booked=True))
        .select_related("service_request", "interpreter")
        .order_by("service_request_id", "id")
    )
    expired = 0
    for held in due[:500]:
        reason = EXPIRED
        if not held.is_lapsed:
            reason = (
                "Vous avez accepté une autre demande à ce moment." if held.is_booked else "Votre compte est inactif."
            )
        story = {"by": system, "at": at, "reason": reason}
        expired += attempted(expire, held.service_request, held.interpreter, **story) is not FAILED
    return expired


FAILED = object()


def attempted(act: Callable, service_request, *args, **given):
    """What a job's act on one request returns, or FAILED: what one request meets does not stop the others."""
    try:
        return act(service_request, *args, **given)
    except NotAllowed as refusal:
        # Its kind alone: the sentence may say of somebody what a log must not keep.
        log.info("%s of request %s: %s", act.__name__, service_request.pk, type(refusal).__name__)
    except Exception:
        log.exception("%s of request %s failed.", act.__name__, service_request.pk)
    return FAILED


BEGUN = "La demande a déjà commencé."
OTHER_LANGUAGE = "La langue de la demande a changé."


def ended_by(service_request, changed: dict, *, at) -> dict[User, str]:
    """Holders of open offers that a change about to be made ends, with why; `changed` is {field: new value}."""
    held = service_request.offers.filter(state=Offer.State.OPEN).select_related("interpreter")
    if "starts_at" in changed and changed["starts_at"] <= at:
        return dict.fromkeys((offered.interpreter for offered in held), BEGUN)
    if "language" not in changed:
        return {}
    # Whoever does not speak the new language can no longer accept.
    speakers = User.objects.filter(interpreter_profile__languages=changed["language"])
    return dict.fromkeys((offered.interpreter for offered in held.exclude(interpreter__in=speakers)), OTHER_LANGUAGE)


def bring_deadlines(service_request, starts_at: datetime) -> None:
    """Nobody answers after the start: it brings the deadlines with it when it comes earlier."""
    held = service_request.offers.filter(state=Offer.State.OPEN, answer_by__gt=starts_at)
    held.filter(sent_at__lt=starts_at).update(answer_by=starts_at)
