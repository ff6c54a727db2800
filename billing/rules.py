"""The pay engine: facts and a dated policy in, explained lines out (domain « Pay »; FAQ « Le demandeur a annulé »,
« temps de déplacement », « kilométrage », « communications »).

Pure: standard library only. The caller owns the clock, the closed days and the policy; no tariff is written here.
Money is in dollars, distances in kilometres one way, durations in whole minutes; never a binary fraction.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from accounts.french import date_words, duration
from requests_app.business_days import business_time

# FAQ « Le demandeur a annulé la demande, est-ce que je serais rémunéré? » : « à moins de 2 jours ouvrables (48h) ».
LATE_CANCELLATION_NOTICE = timedelta(hours=48)

SPOKEN = ("on_site", "phone", "video")
WRITTEN = ("translation", "revision")
SERVICE_TYPES = (*SPOKEN, "message_relay", *WRITTEN)


class Outcome(StrEnum):
    RENDERED = "rendered"
    CANCELLED = "cancelled"
    PATIENT_ABSENT = "patient_absent"
    PROFESSIONAL_ABSENT = "professional_absent"
    WITHDRAWN = "withdrawn"


class LineKind(StrEnum):
    SERVICE = "service"
    LATE_CANCELLATION = "late_cancellation"
    COMMUNICATIONS = "communications"
    MILEAGE = "mileage"
    PARKING = "parking"
    TRAVEL = "travel"
    WORDS = "words"
    ADJUSTMENT = "adjustment"


class MileageMode(StrEnum):
    ROUND_TRIP_FULL = "round_trip_full"
    ONE_WAY_FULL = "one_way_full"
    ROUND_TRIP_EXCESS = "round_trip_excess"


RULE_NAMES = {
    LineKind.SERVICE: "Durée de présence",
    LineKind.LATE_CANCELLATION: "Annulation à moins de 2\u00a0jours ouvrables (48\u00a0h)",
    LineKind.COMMUNICATIONS: "Communications",
    LineKind.MILEAGE: "Kilométrage",
    LineKind.PARKING: "Stationnement sur facture",
    LineKind.TRAVEL: "Temps de déplacement",
    LineKind.WORDS: "Paiement au mot",
    LineKind.ADJUSTMENT: "Ligne ajoutée par la BI",
}
UNITS = {
    LineKind.SERVICE: "h",
    LineKind.LATE_CANCELLATION: "h",
    LineKind.COMMUNICATIONS: "communication",
    LineKind.MILEAGE: "km",
    LineKind.PARKING: "facture",
    LineKind.TRAVEL: "h",
    LineKind.WORDS: "mot",
    LineKind.ADJUSTMENT: "ajustement",
}

_PRESENT = (Outcome.RENDERED, Outcome.PATIENT_ABSENT, Outcome.PROFESSIONAL_ABSENT)
_WHO_WAS_MISSING = {
    Outcome.RENDERED: "",
    Outcome.PATIENT_ABSENT: "Usager absent, ",
    Outcome.PROFESSIONAL_ABSENT: "Professionnel absent, ",
}
_NOT_RENDERED = {Outcome.CANCELLED: "Service annulé", Outcome.WITHDRAWN: "Désistement"}
_KILOMETRES = ("distance_km", "home_km", "head_office_km")
# Of an unpaid line, and the same kind: its rule may not say « à moins de »; the second where no notice decides.
IN_TIME_RULE = "Annulation à 2\u00a0jours ouvrables (48\u00a0h) ou plus"
_ANY_NOTICE_RULE = "Annulation"
_NOT_CENTS = "Indiquez un montant en dollars et en cents."
_AT_FAULT = "Annulation pour « interprète absent » : rien n’est payé à l’interprète."
_SPOKEN_ONLY = "L’annulation ne paie que l’interprétation, en présence ou à distance."
# Nothing above is plausible; beyond it a typing error would overflow rather than be refused beside its field.
_LARGEST = 1_000_000
_YEARS = range(2000, 2200)


class RuleError(ValueError):
    """A fact the rules cannot take: `field` is its name, None for the whole; the message is a French sentence."""

    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(_typeset(message))
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One dated tariff: dollars and kilometres in Decimal, minutes in whole numbers (domain « Pay », `PayPolicy`)."""

    effective_from: date
    hourly_rate: Decimal
    minimum_minutes: int
    increment_minutes: int
    communication_fee: Decimal
    mileage_threshold_km: Decimal
    mileage_rate: Decimal
    mileage_mode: str
    travel_time_rate: Decimal
    word_rate_translation: Decimal
    word_rate_revision: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What happened: aware instants, whole minutes, kilometres one way (the claim, or the two estimates), dollars."""

    service_type: str  # one of SERVICE_TYPES
    starts_at: datetime
    ends_at: datetime
    outcome: str
    notice_received_at: datetime | None = None
    interpreter_is_at_fault: bool = False
    guaranteed_minutes: int = 0
    actual_minutes: int | None = None
    waiting_minutes: int = 0
    travel_minutes: int = 0
    distance_km: Decimal | None = None
    home_km: Decimal | None = None
    head_office_km: Decimal | None = None
    parking: Decimal | None = None
    parking_receipt: bool = False
    billable_communications: int = 0
    unbillable_communications: int = 0
    words: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of pay: quantity × rate = amount (from exact minutes when in hours), and why, in French, even at 0."""

    kind: LineKind
    quantity: Decimal
    unit: str
    rate: Decimal
    amount: Decimal
    reason: str
    rule: str


def pay_lines(facts: Facts, *, policy: Policy, closed_days: Iterable[date], tz: tzinfo) -> list[Line]:
    """The lines these facts earn under `policy`; a zero line where its reason is worth saying.

    `closed_days` are those frozen with the cancellation, if it was. Raises RuleError on a fact that cannot be.
    Source: domain « Pay », rulings 6, 11 and 12.
    """
    _check(facts)
    return [
        *_main_lines(facts, policy, closed_days, tz),
        *_communication_lines(facts, policy),
        *_mileage_lines(facts, policy),
        *_parking_lines(facts),
        *_travel_lines(facts, policy),
    ]


def added_line(amount: Decimal, reason: str) -> Line:
    """What the BI adds before Achevé, or takes off: dollars, not 0, with its reason."""
    _check_cents(amount)
    _refuse("amount", amount == 0, "Le montant ajouté ou retranché n’est pas nul.")
    _refuse("reason", not reason.strip(), "Donnez la raison de la ligne ajoutée.")
    kind = LineKind.ADJUSTMENT
    return Line(
        kind=kind, quantity=Decimal(1), unit=UNITS[kind], rate=amount, amount=amount,
        reason=reason.strip(), rule=RULE_NAMES[kind],
    )  # fmt: skip


def total(lines: Iterable[Line]) -> Decimal:
    """The sum, in dollars, of lines already rounded to the cent (domain « Pay »)."""
    return sum((line.amount for line in lines), Decimal("0.00"))


def service_date(starts_at: datetime, tz: tzinfo) -> date:
    """The local date that decides the policy (domain « Pay »). Raises RuleError when `starts_at` is naive."""
    return _instant("starts_at", starts_at).astimezone(tz).date()


def policy_for(day: date, policies: Iterable[Policy]) -> Policy:
    """The policy in force on a service date (domain « Pay »). Raises RuleError when none is."""
    in_force = [policy for policy in policies if policy.effective_from <= day]
    if not in_force:
        raise RuleError("starts_at", f"Aucune politique de rémunération n’est en vigueur le {date_words(day)}.")
    return max(in_force, key=lambda policy: policy.effective_from)


def business_notice(
    received_at: datetime, starts_at: datetime, *, closed_days: Iterable[date], tz: tzinfo
) -> timedelta:
    """The business time left when the cancellation was received; 0 at or after the start (domain « Pay »).

    Raises RuleError when an instant is naive.
    """
    received, starts = _instant("notice_received_at", received_at), _instant("starts_at", starts_at)
    return business_time(min(received, starts), starts, closed_days=closed_days, tz=tz)


def is_late_cancellation(notice: timedelta) -> bool:
    """Whether a business notice is strictly less than 48 h (FAQ « Le demandeur a annulé »; ruling 12: 48 h is free)."""
    return notice < LATE_CANCELLATION_NOTICE


def notice_minutes(notice: timedelta) -> int:
    """A notice in minutes, truncated: 47 h 59 min 59 s never shows as 48 h (domain « Pay »)."""
    return notice // timedelta(minutes=1)


def notice_hours(notice: timedelta) -> Decimal:
    """A notice in hours to 4 decimals, truncated: 47.9999 never shows as 48 (domain « Pay »)."""
    ten_thousandths = notice // timedelta(milliseconds=360)
    return Decimal(ten_thousandths).scaleb(-4)


def billed_minutes(minutes: int, policy: Policy) -> int:
    """The minutes paid for a presence: at least the minimum, then rounded up to the increment (domain « Pay »)."""
    step = policy.increment_minutes
    return -(-max(minutes, policy.minimum_minutes) // step) * step


def _main_lines(facts: Facts, policy: Policy, closed_days: Iterable[date], tz: tzinfo) -> list[Line]:
    if facts.outcome == Outcome.CANCELLED:
        return [_cancellation_line(facts, policy, closed_days, tz)]
    if facts.outcome == Outcome.WITHDRAWN:
        return [_unpaid(LineKind.SERVICE, policy.hourly_rate, "Désistement : le service n’a pas été rendu.")]
    if facts.service_type in WRITTEN:
        return [_words_line(facts, policy)]
    if facts.service_type in SPOKEN:
        return [_service_line(facts, policy)]
    return []


def _cancellation_line(facts: Facts, policy: Policy, closed_days: Iterable[date], tz: tzinfo) -> Line:
    kind, rate = LineKind.LATE_CANCELLATION, policy.hourly_rate
    if facts.interpreter_is_at_fault:
        return _unpaid(kind, rate, _AT_FAULT, _ANY_NOTICE_RULE)
    if facts.service_type not in SPOKEN:
        return _unpaid(kind, rate, _SPOKEN_ONLY, _ANY_NOTICE_RULE)
    notice = business_notice(facts.notice_received_at, facts.starts_at, closed_days=closed_days, tz=tz)
    limit = LATE_CANCELLATION_NOTICE // timedelta(hours=1)
    why = f"Préavis de {duration(notice_minutes(notice))} en jours ouvrables"
    if not is_late_cancellation(notice):
        return _unpaid(kind, rate, f"{why}, soit {limit} h ou plus : l’annulation n’est pas payée.", IN_TIME_RULE)
    booked = max(_booked_minutes(facts), facts.guaranteed_minutes)
    why = f"{why}, moins de {limit} h; {booked} min réservées"
    return _billed(kind, booked, policy, why)


def _service_line(facts: Facts, policy: Policy) -> Line:
    why = f"{_WHO_WAS_MISSING[facts.outcome]}{facts.actual_minutes} min de présence"
    if facts.guaranteed_minutes > facts.actual_minutes:
        why += f", {facts.guaranteed_minutes} min garanties par un raccourcissement tardif"
    return _billed(LineKind.SERVICE, max(facts.actual_minutes, facts.guaranteed_minutes), policy, why)


def _billed(kind: LineKind, minutes: int, policy: Policy, why: str) -> Line:
    billed = billed_minutes(minutes, policy)
    if billed != minutes:
        minimum, increment = policy.minimum_minutes, policy.increment_minutes
        why += f", payées {billed} min (au moins {minimum} min, par tranches de {increment} min)"
    return _hourly(kind, billed, policy.hourly_rate, why)


def _words_line(facts: Facts, policy: Policy) -> Line:
    rates = {"translation": policy.word_rate_translation, "revision": policy.word_rate_revision}
    rate = rates[facts.service_type]
    return _paid(LineKind.WORDS, Decimal(facts.words), rate, rate * facts.words, _count(facts.words, "mot", "mots"))


def _communication_lines(facts: Facts, policy: Policy) -> list[Line]:
    kind, fee = LineKind.COMMUNICATIONS, policy.communication_fee
    billable, unbillable = facts.billable_communications, facts.unbillable_communications
    lines = []
    if billable and facts.outcome == Outcome.CANCELLED and facts.interpreter_is_at_fault:
        lines.append(_unpaid(kind, fee, _AT_FAULT))
    elif billable:
        count = _count(billable, "communication facturable", "communications facturables")
        lines.append(_paid(kind, Decimal(billable), fee, fee * billable, count))
    if unbillable:
        count = _count(unbillable, "communication non facturable", "communications non facturables")
        s = "s" if unbillable > 1 else ""
        why = (
            f"ni demandée{s} dans la demande, ni justifiée{s} avec le nom de la personne, ou après l’avis d’annulation"
        )
        lines.append(_unpaid(kind, fee, f"{count} : {why}."))
    if not lines and facts.service_type == "message_relay" and facts.outcome == Outcome.RENDERED:
        lines.append(_unpaid(kind, fee, "Aucune communication à payer."))
    return lines


def _mileage_lines(facts: Facts, policy: Policy) -> list[Line]:
    if facts.service_type != "on_site":
        return []
    kind, rate, threshold = LineKind.MILEAGE, policy.mileage_rate, policy.mileage_threshold_km
    km, origin = _claim(facts)
    if facts.outcome not in _PRESENT:
        return [_unpaid(kind, rate, _never_travelled(facts, "kilométrage"))] if km else []
    if km is None:
        return [_unpaid(kind, rate, "Aucune distance déclarée : pas de kilométrage.")]
    why = f"{_km(km)} aller {origin}"
    if km <= threshold:
        return [_unpaid(kind, rate, f"{why} : {_km(threshold)} ou moins, pas de kilométrage.")]
    quantity = _paid_km(km, threshold, MileageMode(policy.mileage_mode))
    return [_paid(kind, quantity, rate, rate * quantity, f"{why}, plus de {_km(threshold)}")]


def _paid_km(km: Decimal, threshold: Decimal, mode: MileageMode) -> Decimal:
    if mode == MileageMode.ONE_WAY_FULL:
        return km
    return 2 * (km if mode == MileageMode.ROUND_TRIP_FULL else km - threshold)


def _claim(facts: Facts) -> tuple[Decimal | None, str]:
    """What the interpreter typed, else the shorter estimate (FAQ « Comment dois-je calculer le kilométrage »)."""
    if facts.distance_km is not None:
        return facts.distance_km, "déclarés"
    routes = [(facts.home_km, "depuis le domicile"), (facts.head_office_km, "depuis le siège social")]
    known = [route for route in routes if route[0] is not None]
    return min(known, key=lambda route: route[0], default=(None, ""))


def _parking_lines(facts: Facts) -> list[Line]:
    kind, amount = LineKind.PARKING, facts.parking
    if not amount:
        return []
    if facts.outcome not in _PRESENT:
        return [_unpaid(kind, amount, _never_travelled(facts, "stationnement"))]
    # Not an error: the receipt may still be attached until Achevé (FAQ « facture de stationnement »).
    if not facts.parking_receipt:
        return [_unpaid(kind, amount, "Facture de stationnement manquante : joignez-la pour que le montant soit payé.")]
    return [_paid(kind, Decimal(1), amount, amount, "Facture de stationnement jointe")]


def _travel_lines(facts: Facts, policy: Policy) -> list[Line]:
    kind, rate, minutes = LineKind.TRAVEL, policy.travel_time_rate, facts.travel_minutes
    if not minutes:
        return []
    why = f"{minutes} min de déplacement"
    if not rate:
        # The date is the FAQ's (« Est-ce que le temps de déplacement est rémunéré ? »), whatever later policy says 0.
        return [_unpaid(kind, rate, f"{why} : non rémunéré depuis le 4 novembre 2024.")]
    if facts.service_type != "on_site":
        return [_unpaid(kind, rate, f"{why} : payé seulement pour un service en présence.")]
    if facts.outcome not in _PRESENT:
        return [_unpaid(kind, rate, _never_travelled(facts, "temps de déplacement"))]
    return [_hourly(kind, minutes, rate, why)]


def _never_travelled(facts: Facts, what: str) -> str:
    return f"{_NOT_RENDERED[facts.outcome]} : pas de {what}, sauf ligne ajoutée par la BI avec une raison."


def _hourly(kind: LineKind, minutes: int, rate: Decimal, why: str) -> Line:
    hours = (Decimal(minutes) / 60).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return _paid(kind, hours, rate, rate * minutes / 60, why)


def _paid(kind: LineKind, quantity: Decimal, rate: Decimal, exact: Decimal, why: str) -> Line:
    quantity, amount = _trim(quantity), exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    symbol = f" {UNITS[kind]}" if UNITS[kind] in ("h", "km") else ""
    reason = f"{why} : {_number(quantity)}{symbol} × {_number(rate)} $ = {_number(amount)} $."
    return Line(
        kind=kind, quantity=quantity, unit=UNITS[kind], rate=rate, amount=amount,
        reason=_typeset(reason), rule=RULE_NAMES[kind],
    )  # fmt: skip


def _unpaid(kind: LineKind, rate: Decimal, reason: str, rule: str = "") -> Line:
    return Line(
        kind=kind, quantity=Decimal(0), unit=UNITS[kind], rate=rate, amount=Decimal("0.00"),
        reason=_typeset(reason), rule=rule or RULE_NAMES[kind],
    )  # fmt: skip


def _booked_minutes(facts: Facts) -> int:
    """In elapsed time: a booking over the clock change lasts what it lasts."""
    booked = facts.ends_at.astimezone(UTC) - facts.starts_at.astimezone(UTC)
    return -(-booked // timedelta(minutes=1))


def _trim(value: Decimal) -> Decimal:
    """Without useless zeros, and never in scientific notation (120, not 1.2E+2)."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def _number(value: Decimal) -> str:
    return f"{value:,f}".replace(",", " ").replace(".", ",")


def _km(value: Decimal) -> str:
    return f"{_number(_trim(value))} km"


def _count(number: int, one: str, many: str) -> str:
    return f"{_number(Decimal(number))} {one if number < 2 else many}"


def _typeset(sentence: str) -> str:
    """No-break spaces where French wants them: after a figure, before « : » and « $ », inside guillemets."""
    return re.sub(r"(?<=[\d«]) | (?=[:$»])", "\N{NO-BREAK SPACE}", sentence)


def _check(facts: Facts) -> None:
    for field in ("guaranteed_minutes", "waiting_minutes", "travel_minutes"):
        _check_number(field, getattr(facts, field), int)
    for field in ("billable_communications", "unbillable_communications"):
        _check_number(field, getattr(facts, field), int)
    for field, kind in (("actual_minutes", int), ("words", int), ("parking", Decimal)):
        _check_number(field, getattr(facts, field), kind, is_optional=True)
    for field in _KILOMETRES:
        km = getattr(facts, field)
        _check_number(field, km, Decimal, is_optional=True)
        to_the_metre = km is None or km == km.quantize(Decimal("0.001"))
        _refuse(field, not to_the_metre, "Les kilomètres s’écrivent au mètre près : trois décimales au plus.")
    _refuse("parking", not _is_in_cents(facts.parking or Decimal()), _NOT_CENTS)
    _check_fit(facts)
    _check_times(facts)


def _check_number(field: str, value: int | Decimal | None, kind: type, *, is_optional: bool = False) -> None:
    if value is None and is_optional:
        return
    # By exact type: True is no number of minutes, and a binary fraction never enters the engine.
    is_number = type(value) is kind and Decimal(value).is_finite()
    _refuse(field, not is_number, "Indiquez un nombre entier." if kind is int else "Indiquez un nombre décimal.")
    _refuse(field, value < 0, "Indiquez un nombre positif ou nul.")
    _refuse(field, value > _LARGEST, "Ce nombre est trop grand.")


def _check_cents(amount: Decimal) -> None:
    """A signed amount of money: refused rather than rounded."""
    is_amount = type(amount) is Decimal and amount.is_finite() and abs(amount) <= _LARGEST
    _refuse("amount", not (is_amount and _is_in_cents(amount)), _NOT_CENTS)


def _is_in_cents(amount: Decimal) -> bool:
    return amount == round(amount, 2)


def _check_fit(facts: Facts) -> None:
    """What each service and outcome needs, and what it has no place for."""
    _refuse("service_type", facts.service_type not in SERVICE_TYPES, "Ce type de service n’existe pas.")
    _refuse("outcome", facts.outcome not in tuple(Outcome), "Ce résultat n’existe pas.")
    is_spoken, is_written = facts.service_type in SPOKEN, facts.service_type in WRITTEN
    is_rendered, is_present = facts.outcome == Outcome.RENDERED, facts.outcome in _PRESENT
    no_absence = "Une absence ne se déclare que pour un service d’interprétation."
    _refuse("outcome", is_present and not is_rendered and not is_spoken, no_absence)
    is_timed = is_present and is_spoken
    _refuse("actual_minutes", is_timed and facts.actual_minutes is None, "Indiquez la durée de présence, en minutes.")
    _refuse("words", is_rendered and is_written and facts.words is None, "Indiquez le nombre de mots.")
    only_written = "Les mots ne se comptent que pour une traduction ou une révision."
    _refuse("words", facts.words and not is_written, only_written)
    for field in (*_KILOMETRES, "parking"):
        is_elsewhere = getattr(facts, field) and facts.service_type != "on_site"
        what = "Le stationnement ne se déclare" if field == "parking" else "Une distance ne se déclare"
        _refuse(field, is_elsewhere, f"{what} que pour un service en présence.")


def _check_times(facts: Facts) -> None:
    starts, ends = _instant("starts_at", facts.starts_at), _instant("ends_at", facts.ends_at)
    # A message relay is one instant: only interpretation has to last.
    is_empty = ends == starts and facts.service_type in SPOKEN
    _refuse("ends_at", ends < starts or is_empty, "La fin doit suivre le début.")
    if facts.outcome == Outcome.CANCELLED:
        _refuse("notice_received_at", facts.notice_received_at is None, "Indiquez quand l’annulation a été reçue.")
        _instant("notice_received_at", facts.notice_received_at)


def _instant(field: str, value: datetime) -> datetime:
    """In UTC, because Python compares two instants of one zone on the wall clock."""
    is_aware = isinstance(value, datetime) and value.utcoffset() is not None
    _refuse(field, not is_aware, "Indiquez une date et une heure avec leur fuseau horaire.")
    _refuse(field, value.year not in _YEARS, "L’année n’est pas plausible.")
    return value.astimezone(UTC)


def _refuse(field: str, is_refused: bool, message: str) -> None:
    if is_refused:
        raise RuleError(field, message)
