"""The signed link of an offer: its message leads to a page that answers without signing in (README, accepted risk).

The key belongs to one offer and one person; it opens nothing else, and serves once, until the deadline.
"""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from accounts.delivery import Notification
from accounts.roles import Role
from requests_app.keys import key_of, opens
from requests_app.lost import why_gone
from requests_app.models import Offer
from requests_app.offers import EXPIRED
from requests_app.workflow import ASSIGNED, Status

PURPOSE = "offer"
INACTIVE = "Votre compte est inactif."
OTHER_ROLE = "Votre compte n’est plus celui d’un ou d’une interprète."
# What was accepted is theirs as long as the request is, whatever was done of it since.
_KEPT = {*ASSIGNED, Status.PROVIDED, Status.COMPLETED}


def address_of(offer: Offer) -> str:
    """The path of the page that answers an offer; whoever holds it may answer."""
    return reverse("requests:answer", args=[offer.pk, key_of(PURPOSE, offer.pk, offer.interpreter_id)])


def draw_link(notification: Notification) -> dict | None:
    """What the worker writes in an offer's message as it leaves: its row holds no key (accounts/drawn.py).

    None when nobody may answer any more. A row of before the links leads to the page that asks for a session.
    """
    if "offer" not in notification.context:
        return {"link": notification.context["path"]}
    offer = Offer.objects.open_at(timezone.now()).filter(pk=notification.context["offer"]).first()
    return {"link": address_of(offer)} if offer else None


def find(pk: int, key: str) -> Offer | None:
    """The offer that `key` opens, with all that its page says; one query. None for any other key."""
    related = ("language", "facility", "institution__region")
    offers = Offer.objects.select_related("interpreter", *(f"service_request__{name}" for name in related))
    offer = offers.filter(pk=pk).first()
    return offer if offer and opens(key, PURPOSE, offer.pk, offer.interpreter_id) else None


@dataclass(frozen=True)
class Outcome:
    """Why a link answers no more: what was answered (`accepted`, `refused`), or why nobody can (`gone`)."""

    kind: str
    reason: str = ""


def outcome(offer: Offer, *, at: datetime) -> Outcome | None:
    """What became of an offer; None while it waits for its answer."""
    service_request, state = offer.service_request, offer.state
    if not offer.interpreter.is_active:
        return Outcome("gone", INACTIVE)
    if offer.interpreter.role != Role.INTERPRETER:
        return Outcome("gone", OTHER_ROLE)
    if state == Offer.State.REFUSED:
        return Outcome("refused")
    if state == Offer.State.ACCEPTED:
        is_theirs = service_request.interpreter_id == offer.interpreter_id and service_request.status in _KEPT
        return Outcome("accepted") if is_theirs else Outcome("gone", why_gone(service_request.pk, offer.interpreter))
    if state != Offer.State.OPEN:
        return Outcome("gone", offer.reason)
    if at >= offer.answer_by:
        return Outcome("gone", EXPIRED)
    return None if service_request.status == Status.PENDING else Outcome("gone")
