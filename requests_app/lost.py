"""Why a request is no longer an interpreter's: the one sentence they read, and nothing else of it."""

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from accounts.models import User
from requests_app.models import Message, Offer, Transition
from requests_app.notifications import GRANTED
from requests_app.offers import EXPIRED
from requests_app.workflow import Action, Status

CANCELLED = "La demande a été annulée."
REMOVED = "La BI vous a retiré cette demande."
WITHDREW = "Vous vous êtes désisté(e)."
REFUSED = "Vous avez refusé cette demande."
REINSTATED = "Elle avait été annulée, puis la BI l’a rétablie\u00a0: elle est à attribuer de nouveau."
REASSIGNED = "La BI a attribué la demande à une autre personne."
_GIVEN = {Action.ACCEPT, Action.ASSIGN, Action.REASSIGN}
_ASKED = {Action.OFFER, Action.RETRACT, Action.EXPIRE}
_SAID = {Action.REFUSE: REFUSED, Action.REINSTATE: REINSTATED, Action.CANCEL: CANCELLED}


def why_gone(service_request_pk: int, user: User) -> str:
    """From the last step of their own and the last offer they had; nothing when both are unknown. One statement."""
    last = _last_step(service_request_pk, user)
    if last is None:
        return ""
    if last["action"] == Action.MARK_UNALLOCATED:
        return WITHDREW if last["by"] == user.pk else GRANTED if last["is_granted"] else REMOVED
    if last["action"] in _ASKED:
        return _of_offer(last)
    if last["action"] in _SAID:
        return _SAID[last["action"]]
    is_cancelled = last["holder"] == user.pk and last["status"] == Status.CANCELLED
    return CANCELLED if is_cancelled else GRANTED if last["is_granted"] else REASSIGNED


def _last_step(service_request_pk, user) -> dict | None:
    offers = Offer.objects.filter(service_request=OuterRef("service_request"), interpreter=user).order_by("-pk")
    theirs = Transition.objects.filter(service_request=service_request_pk, interpreter=user)
    now = {"status": F("service_request__status"), "holder": F("service_request__interpreter")}
    offered = {name: Subquery(offers.values(name)[:1]) for name in ("state", "reason", "answer_by")}
    is_granted = Exists(_granted(service_request_pk, user))
    return theirs.order_by("-id").values("action", "by", is_granted=is_granted, **now, **offered).first()


def _granted(service_request_pk, user):
    """The urgent withdrawal granted since they last got the request; it left with them to a relay, if any."""
    here = Q(service_request=service_request_pk) | Q(service_request__relayed_from=service_request_pk)
    given = Transition.objects.filter(
        service_request=service_request_pk, interpreter=user, action__in=_GIVEN, at__gt=OuterRef("at")
    )
    return Message.objects.filter(here, ~Exists(given), author=user, urgency=Message.Urgency.GRANTED)


def _of_offer(last) -> str:
    """An open offer past its deadline is closed, even before the job that says so ran."""
    if last["state"] == Offer.State.OPEN:
        return EXPIRED if last["answer_by"] <= timezone.now() else ""
    return last["reason"] or ""
