"""Before accepting an offer: what it would pay, and about how far it is."""

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from django.utils import timezone

from billing import rules
from billing.models import PayPolicy
from billing.services import policy_of
from requests_app.distances import Distances, Origin, distances_for
from requests_app.models import Offer
from requests_app.workflow import ServiceType


@dataclass(frozen=True, kw_only=True)
class Way:
    """About how far, one way, and from where. To 0.1 km it would name the place, which an offer hides."""

    km: Decimal
    origin: Origin
    is_less: bool = False
    # How it was found, in words.
    how: str = ""

    def __str__(self):
        return f"{'moins de' if self.is_less else 'environ'} {self.km.normalize():f}\u00a0km"


# Several places of a town are as far, to the nearest 5 km.
STEP_KM = Decimal(5)


def way_of(known: Distances, threshold_km: Decimal | None = None) -> Way | None:
    """The distance that counts to the nearest 5 km, on the side of the threshold where it really is: paid or not."""
    if known.counts is None:
        return None
    real = known.shorter
    km = max(STEP_KM, (real / STEP_KM).quantize(Decimal(1), ROUND_HALF_UP) * STEP_KM)
    if threshold_km is not None and real <= threshold_km:
        km = min(km, threshold_km)
    elif threshold_km is not None and km <= threshold_km:
        km = (threshold_km // STEP_KM + 1) * STEP_KM
    return Way(km=km, origin=known.counts, is_less=real < km and real < STEP_KM, how=known.how)


@dataclass(frozen=True, kw_only=True)
class OfferEstimate:
    """What an offer pays if the service lasts as booked; or, when nothing is known of its size, the rate of its `unit`.

    `error` is the French sentence of a rule that cannot take these facts: then there are no lines.
    """

    way: Way | None = None
    lines: list = field(default_factory=list)
    total: Decimal | None = None
    rate: Decimal | None = None
    unit: str = ""
    error: str = ""


def offer_estimate(offer: Offer) -> OfferEstimate:
    """Service rendered, for the booked minutes, from the nearer of the home and the head office (domain.md « Pay »).

    For this interpreter's own eyes: it says about how far they live. Two queries, the request being loaded; three
    with a routing service.
    """
    service_request = offer.service_request
    known = distances_for(service_request, offer.interpreter_id)
    try:
        policy = policy_of(service_request)
        if service_request.service_type in rules.SPOKEN:
            way = way_of(known, policy.mileage_threshold_km)
            lines = _as_booked(service_request, way, policy)
            return OfferEstimate(way=way, lines=lines, total=rules.total(lines))
        rate, unit = _by_the_piece(service_request, policy)
        return OfferEstimate(rate=rate, unit=unit)
    except rules.RuleError as error:
        return OfferEstimate(way=way_of(known), error=str(error))


def _as_booked(service_request, way: Way | None, policy: PayPolicy) -> list:
    facts = rules.Facts(
        service_type=service_request.service_type,
        starts_at=service_request.starts_at,
        ends_at=service_request.ends_at,
        outcome=rules.Outcome.RENDERED,
        guaranteed_minutes=service_request.guaranteed_minutes,
        actual_minutes=service_request.booked_minutes,
        home_km=way.km if way and way.origin == Origin.HOME else None,
        head_office_km=way.km if way and way.origin == Origin.HEAD_OFFICE else None,
    )
    zone = timezone.get_default_timezone()
    lines = rules.pay_lines(facts, policy=policy.as_rules(), closed_days=frozenset(), tz=zone)
    return [_about(line, way) for line in lines]


def _about(line, way: Way | None):
    """The line of the way says that its distance is about so."""
    if line.kind != rules.LineKind.MILEAGE or way is None:
        return line
    return replace(line, reason=f"{'Moins de' if way.is_less else 'Environ'} {line.reason}")


def _by_the_piece(service_request, policy: PayPolicy) -> tuple[Decimal, str]:
    """Nobody counted the words, nor the communications, yet."""
    return {
        ServiceType.TRANSLATION: (policy.word_rate_translation, "mot"),
        ServiceType.REVISION: (policy.word_rate_revision, "mot"),
        ServiceType.MESSAGE_RELAY: (policy.communication_fee, "communication"),
    }[service_request.service_type]
