"""When somebody leaves the bank: what they hold is listed, then released in the transaction that closes the account."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.models import User
from accounts.roles import Role
from accounts.services import deactivate, lock
from requests_app.models import Offer, ServiceRequest
from requests_app.moves import Stale, verb
from requests_app.offers import expire
from requests_app.services import mark_unallocated
from requests_app.workflow import ASSIGNED

LEFT = "Le compte de l’interprète a été désactivé."


@dataclass(frozen=True)
class Duties:
    """What an interpreter holds: bookings to come, open offers, and services begun that are still to be completed."""

    bookings: list[ServiceRequest]
    offers: list[Offer]
    to_complete: list[ServiceRequest]

    @property
    def released(self) -> int:
        """How many requests the departure gives back."""
        return len(self.bookings) + len(self.offers)

    @property
    def fingerprint(self) -> str:
        """Changes with what would be released: the page carries it, so that what was read is what is done."""
        parts = [*(f"{made.pk}.{made.version}" for made in self.bookings), *(f"o{held.pk}" for held in self.offers)]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]


def duties_of(user: User, *, at: datetime) -> Duties:
    """What the account holds at an instant, soonest first; nothing for whoever is not an interpreter."""
    if user.role != Role.INTERPRETER:
        return Duties([], [], [])
    held = ServiceRequest.objects.assigned_to(user).filter(status__in=ASSIGNED)
    held = held.select_related("language", "facility", "institution").order_by("starts_at", "id")
    offers = Offer.objects.filter(interpreter=user, state=Offer.State.OPEN).order_by("service_request__starts_at", "id")
    about = [f"service_request__{name}" for name in ("language", "facility", "institution")]
    return Duties(
        bookings=[made for made in held if made.starts_at > at],
        offers=list(offers.select_related("interpreter", *about)),
        to_complete=[made for made in held if made.starts_at <= at],
    )


@verb
def release_and_deactivate(user: User, *, by: User, at: datetime, reason: str, seen: str | None = None) -> Duties:
    """Give back the bookings to come, expire the open offers, close the account: all of it, or nothing.

    The bookings go back to « Non alloué » by the system, and their requesters are told. Raises Refused (accounts),
    Stale when `seen`, the fingerprint of what was read, is no longer what would be released.
    """
    lock(user)
    _hold(user, at=at)
    duties = duties_of(user, at=at)
    if seen is not None and seen != duties.fingerprint:
        raise Stale("Ce que cette personne a en main vient de changer. Relisez la liste, puis confirmez de nouveau.")
    system = User.objects.system()
    for made in duties.bookings:
        note = f"Compte désactivé\u00a0: {reason}"
        mark_unallocated(made, by=system, at=at, version=made.version, note=note)
    for held in duties.offers:
        expire(held.service_request, user, by=system, at=at, reason=LEFT)
    deactivate(user, by=by, at=at, detail=reason)
    return duties


def _hold(user: User, *, at: datetime) -> None:
    """Hold all the requests at once, in one order, before any changes: whoever moves one of them waits, or is first."""
    offered = Offer.objects.filter(interpreter=user, state=Offer.State.OPEN).values("service_request")
    booked = Q(interpreter=user, status__in=ASSIGNED, starts_at__gt=at)
    held = ServiceRequest.objects.filter(booked | Q(pk__in=offered)).order_by("pk")
    list(held.select_for_update(no_key=True, of=("self",)).values_list("pk"))
