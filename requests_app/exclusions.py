"""« Exclure d'un établissement »: whom an institution is not sent any more, until a day, for a reason that is kept.

Nothing already booked or offered is undone: a coordinator reads it first, and decides of each. Nothing is deleted.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.french import short_date
from accounts.models import AccountEvent, Institution, User
from accounts.roles import Role
from accounts.services import lock, record
from requests_app.business_days import local_instant
from requests_app.models import Offer, ServiceRequest
from requests_app.sourcing import Exclusion
from requests_app.workflow import ASSIGNED, NotAllowed

# After two years the reason is looked at again.
LONGEST = timedelta(days=731)
# Two presses of one button: the same again, by the same person.
SAME_PRESS = timedelta(minutes=1)
ONLY_COORDINATION = "Seule la coordination exclut quelqu’un d’un établissement, ou lève une exclusion."

_ALREADY = "{} est déjà exclu·e de cet établissement, jusqu’au {}\u00a0: levez d’abord cette exclusion."


@dataclass(frozen=True)
class Consequence:
    """What an interpreter has at an institution up to a day: it stays, each for a coordinator to decide."""

    bookings: list[ServiceRequest]
    offers: list[Offer]

    @property
    def number(self) -> int:
        return len(self.bookings) + len(self.offers)


def consequence_of(interpreter: User, institution: Institution, ends_on: date, *, at: datetime) -> Consequence:
    """Bookings ahead and open offers of that person there, up to the day `ends_on` included, soonest first.

    Two statements.
    """
    until = _end_of(ends_on)
    there = {"institution": institution, "starts_at__gt": at, "starts_at__lt": until}
    bookings = ServiceRequest.objects.assigned_to(interpreter).filter(status__in=ASSIGNED, **there)
    offered = {f"service_request__{name}": value for name, value in there.items()}
    offers = Offer.objects.open_at(at).filter(interpreter=interpreter, **offered)
    return Consequence(
        list(bookings.select_related("language", "facility", "institution").order_by("starts_at", "id")),
        list(
            offers.select_related(
                *(f"service_request__{name}" for name in ("language", "facility", "institution"))
            ).order_by("service_request__starts_at", "id")
        ),
    )


def fingerprint(institution: Institution, ends_on: date, found: Consequence) -> str:
    """Changes with what would be confirmed: the page carries it, so that what was read is what is done."""
    parts = [institution.pk, ends_on, *(made.pk for made in found.bookings), "o", *(held.pk for held in found.offers)]
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:32]


def in_force(interpreter: User, *, at: datetime) -> QuerySet[Exclusion]:
    """The exclusions of a person that hold on the local day of `at`."""
    return interpreter.exclusions.filter(lifted_at=None, ends_on__gte=timezone.localdate(at))


def check_end(ends_on: date, *, at: datetime) -> None:
    """Raises NotAllowed unless the last day is in the future, two years away at most."""
    today = timezone.localdate(at)
    if ends_on <= today:
        raise NotAllowed("La date de fin doit être dans le futur.")
    if ends_on > today + LONGEST:
        raise NotAllowed("Une exclusion dure deux ans au plus\u00a0: la raison est alors revue.")


@transaction.atomic
def exclude(
    interpreter: User, institution: Institution, *, by: User, at: datetime, reason: str, ends_on: date
) -> Exclusion:
    """The institution is not sent this interpreter up to `ends_on` included. Raises NotAllowed.

    For a coordinator; pressed twice, it is written once. The person is told by a coordinator, never by the system.
    """
    _check(by, reason)
    check_end(ends_on, at=at)
    if interpreter.role != Role.INTERPRETER:
        raise NotAllowed("Cette personne n’est pas interprète.")
    lock(interpreter)
    if held := in_force(interpreter, at=at).filter(institution=institution).first():
        if _is_same_press(held.by_id, held.at, by, at) and (held.reason, held.ends_on) == (reason, ends_on):
            return held
        raise NotAllowed(_ALREADY.format(interpreter, short_date(held.ends_on)))
    given = {"institution": institution, "reason": reason, "ends_on": ends_on}
    made = Exclusion.objects.create(interpreter=interpreter, by=by, at=at, **given)
    detail = f"jusqu’au {short_date(ends_on)}, {institution}"[:120]
    record(interpreter, AccountEvent.Kind.EXCLUDED, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def lift(exclusion: Exclusion, *, by: User, at: datetime, reason: str) -> None:
    """End an exclusion before its day, for a reason. Raises NotAllowed for who may not, or when it is over already."""
    _check(by, reason)
    lock(exclusion.interpreter)
    exclusion.refresh_from_db()
    if exclusion.lifted_at:
        if _is_same_press(exclusion.lifted_by_id, exclusion.lifted_at, by, at) and exclusion.lifted_reason == reason:
            return
        raise NotAllowed(f"Cette exclusion a déjà été levée par {exclusion.lifted_by}.")
    if exclusion.ends_on < timezone.localdate(at):
        raise NotAllowed("Cette exclusion est déjà terminée.")
    exclusion.lifted_by, exclusion.lifted_at, exclusion.lifted_reason = by, at, reason
    exclusion.save(update_fields=["lifted_by", "lifted_at", "lifted_reason"])
    detail = str(exclusion.institution)
    record(exclusion.interpreter, AccountEvent.Kind.EXCLUSION_LIFTED, by=by, at=at, detail=detail[:120])


def _check(by: User, reason: str) -> None:
    if by.role != Role.COORDINATOR:
        raise NotAllowed(ONLY_COORDINATION)
    if not reason.strip():
        raise NotAllowed("Indiquez la raison.")


def _is_same_press(author: int, then: datetime, by: User, at: datetime) -> bool:
    return author == by.pk and abs(at - then) < SAME_PRESS


def _end_of(day: date) -> datetime:
    """The midnight that ends a local day."""
    return local_instant(day + timedelta(days=1), datetime.min.time(), timezone.get_default_timezone())
