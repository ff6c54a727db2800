"""The distance of a report: what is estimated, what counts, what it would pay (FAQ « Comment dois-je calculer le
kilométrage avec la nouvelle politique? »; domain.md « Mileage »). Kilometres only, one way: never an address.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.french import decimal, km, long_date, money
from billing import rules
from billing.models import PayPolicy
from billing.services import policy_of
from completion.flags import MOST_ABOVE_ESTIMATE_PERCENT, is_far_above
from requests_app.distances import HOW, Distances, Origin, Source, distances_for
from requests_app.models import ServiceRequest
from requests_app.workflow import ServiceType

_FROM = {Origin.HOME: "le domicile", Origin.HEAD_OFFICE: "le siège social"}


@dataclass(frozen=True, kw_only=True)
class Mileage:
    """Both estimates to one on-site service, and the policy of its date."""

    known: Distances
    policy: PayPolicy
    service_request: ServiceRequest
    is_on_behalf: bool = False

    @property
    def claim(self) -> Decimal | None:
        """The distance to propose: the shorter one when it is paid; else none, which a validator would question."""
        shorter = self.known.shorter
        return shorter if shorter is not None and shorter > self.policy.mileage_threshold_km else None

    @property
    def estimates(self) -> list[str]:
        """« De votre domicile : 18,4 km », « Du siège social : 22 km »: what is known; and how, when not alike."""
        are_alike = bool(self.how)
        return [
            f"{origin}\u00a0: {km(length)}" + ("" if are_alike else f" ({HOW[source]})")
            for origin, length, source in self._lengths
        ]

    @property
    def how(self) -> str:
        """How every distance was found, as a sentence; nothing when each says its own."""
        found = {HOW[source] for _, _, source in self._lengths}
        return f"{sentence[0].upper()}{sentence[1:]}." if len(found) == 1 and (sentence := found.pop()) else ""

    @property
    def _lengths(self) -> list[tuple[str, Decimal, Source]]:
        home = "Du domicile de l’interprète" if self.is_on_behalf else "De votre domicile"
        lengths = [
            (home, self.known.home_km, self.known.home_source),
            ("Du siège social", self.known.head_office_km, self.known.head_office_source),
        ]
        return [length for length in lengths if length[1] is not None]

    @property
    def advice(self) -> str:
        """Which estimate counts, why, and whether there is something to claim."""
        shorter, threshold = self.known.shorter, km(self.policy.mileage_threshold_km)
        if shorter is None:
            return f"Aucune estimation\u00a0: inscrivez l’aller s’il est de plus de {threshold}."
        both = self.known.home_km is not None and self.known.head_office_km is not None
        why = f"Le plus court compte, depuis {_FROM[self.known.counts]}" if both else "Estimation"
        if self.claim is None:
            return f"{why}\u00a0: {threshold} ou moins, rien à réclamer. Laissez vide."
        return f"{why}. Corrigez-la si votre trajet était différent."

    @property
    def travel_help(self) -> str:
        """Whether the time on the way is paid (FAQ « Est-ce que le temps de déplacement est rémunéré ? »)."""
        rate = self.policy.travel_time_rate
        if not rate:
            return "Non rémunérée depuis le 4 novembre 2024."
        day = long_date(self.service_request.starts_at)
        return f"Rémunérée le {day}, avant la politique du 4 novembre 2024\u00a0: {money(rate)} de l’heure."

    def said(self, length: Decimal | None) -> str:
        """What a claimed length pays, by the pay engine: « 18,4 km, plus de 16 km : 36,8 km × 0,62 $ = 22,82 $ »."""
        if length is None:
            return ""
        line = self._line(length)
        if not line.amount:
            return f"0\u00a0$\u00a0: {km(self.policy.mileage_threshold_km)} ou moins, aller seulement."
        product = f"{km(line.quantity)} × {decimal(line.rate)}\u00a0$ = {money(line.amount)}"
        return f"{km(length)}, plus de {km(self.policy.mileage_threshold_km)}\u00a0: {product}{self._doubt(length)}"

    def _doubt(self, length: Decimal) -> str:
        """What the BI will look at (flags.py, « Distance »), said while it can still be corrected."""
        shorter = self.known.shorter
        if shorter is None or not is_far_above(length, shorter):
            return ""
        most = f"Plus de {MOST_ABOVE_ESTIMATE_PERCENT}\u00a0% au-dessus de l’estimation la plus courte ({km(shorter)})"
        return f". {most}\u00a0: la BI vérifiera."

    def _line(self, length: Decimal) -> rules.Line:
        starts_at = self.service_request.starts_at
        facts = rules.Facts(
            service_type=ServiceType.ON_SITE,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=1),
            outcome=rules.Outcome.RENDERED,
            actual_minutes=1,
            distance_km=length,
        )
        zone = timezone.get_default_timezone()
        lines = rules.pay_lines(facts, policy=self.policy.as_rules(), closed_days=(), tz=zone)
        return next(line for line in lines if line.kind == rules.LineKind.MILEAGE)


def mileage_of(service_request: ServiceRequest, *, is_on_behalf: bool = False) -> Mileage | None:
    """The distances of a service on site; None when nobody travels, or when no policy is in force.

    Two queries, three with a routing service.
    """
    if service_request.service_type != ServiceType.ON_SITE or service_request.notice_received_at:
        return None
    try:
        policy = policy_of(service_request)
    except rules.RuleError:
        return None
    known = distances_for(service_request, service_request.interpreter_id)
    return Mileage(known=known, policy=policy, service_request=service_request, is_on_behalf=is_on_behalf)
