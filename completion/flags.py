"""What a validator should look at before paying a file: « alertes », each a French sentence with its numbers.

Pure: plain facts in (review_facts.py, read by flagged.py), sentences out. The list and its limits are issue 6's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby, pairwise

from django.db.models import TextChoices

from accounts.french import decimal, duration, hour, hour_or_day, km, money, short_date
from completion.review_facts import Exchange, Presence, ReviewFacts
from completion.rules import why_unbillable
from requests_app.workflow import SPOKEN, ServiceType

# Issue 6: « mileage […] above the estimate by more than 20 % » (domain.md « Mileage » says the same).
MOST_ABOVE_ESTIMATE_PERCENT = 20
# Issue 6: « actual duration more than 30 min or 50 % over booked ».
MOST_OVER_BOOKED_MINUTES = 30
MOST_OVER_BOOKED_PERCENT = 50
# FAQ « communications »: « plusieurs échanges » for one purpose are one; within a day they are the same errand.
SAME_ERRAND = timedelta(hours=24)
# Issue 6: « filed more than 10 days late ».
MOST_LATE = timedelta(days=10)


class FlagKind(TextChoices):
    """What is wrong, the most serious first: what cannot be true, what cannot be paid, what pays more, the rest."""

    OVERLAP = "overlap", "Chevauchement"
    TRAVEL = "travel", "Déplacement impossible"
    SAME_FILE = "same_file", "Pièce déjà utilisée"
    PARKING = "parking", "Stationnement sans facture"
    DISTANCE = "distance", "Distance au-dessus de l’estimation"
    DURATION = "duration", "Durée dépassée"
    ADDED = "added", "Ligne ajoutée par la BI"
    DUPLICATE = "duplicate", "Communications répétées"
    OUTSIDE = "outside", "Communication hors période"
    UNBILLABLE = "unbillable", "Communication à décider"
    SHORT_WAY = "short_way", "Kilométrage sous le seuil"
    LATE = "late", "Remplie en retard"


@dataclass(frozen=True, slots=True)
class Flag:
    """One thing to look at; `other` is the number of the request it names, when it names one."""

    kind: FlagKind
    sentence: str
    other: int | None = None


def flags(facts: ReviewFacts) -> list[Flag]:
    """What a validator should look at, the most serious first; nothing for a clean file (issue 6, « Flags »)."""
    return [found for check in _CHECKS for found in check(facts)]


# Where the interpreter was.


def _overlap(facts: ReviewFacts) -> Iterator[Flag]:
    """Touching ends are fine (ruling 2)."""
    for other in facts.presences if facts.present_from else ():
        shared = _between(max(facts.present_from, other.starts_at), min(facts.present_to, other.ends_at))
        if shared > timedelta(0):
            hours = f"{hour_or_day(other.starts_at, facts.starts_at)} à {hour(other.ends_at)}"
            text = f"La présence chevauche de {_length(shared)} celle de la demande\u00a0{other.number} ({hours})."
            yield Flag(FlagKind.OVERLAP, text, other.number)


def _travel(facts: ReviewFacts) -> Iterator[Flag]:
    """Between two services on site, to and from the nearest in time; the road is an estimate (distances.py)."""
    travelled = [other for other in facts.presences if other.road_minutes is not None] if facts.present_from else []
    before = [other for other in travelled if other.ends_at <= facts.present_from]
    after = [other for other in travelled if other.starts_at >= facts.present_to]
    if before:
        other = max(before, key=lambda presence: presence.ends_at)
        text = f"pour venir de la demande\u00a0{other.number}, terminée {_at(other.ends_at, facts.starts_at)}"
        yield from _too_short(_between(other.ends_at, facts.present_from), other, text)
    if after:
        other = min(after, key=lambda presence: presence.starts_at)
        text = f"pour aller à la demande\u00a0{other.number}, commencée {_at(other.starts_at, facts.starts_at)}"
        yield from _too_short(_between(facts.present_to, other.starts_at), other, text)


def _too_short(free: timedelta, other: Presence, text: str) -> Iterator[Flag]:
    minutes = free // timedelta(minutes=1)
    if minutes < other.road_minutes:
        road = duration(other.road_minutes)
        sentence = f"{duration(minutes)} {text}\u00a0: la route en demande environ {road}."
        yield Flag(FlagKind.TRAVEL, sentence, other.number)


def _duration(facts: ReviewFacts) -> Iterator[Flag]:
    """Waiting is included in the presence (domain « Pay »)."""
    if facts.present_from is None:
        return
    booked, present = _minutes(facts.starts_at, facts.ends_at), _minutes(facts.present_from, facts.present_to)
    more = present - booked
    if more > MOST_OVER_BOOKED_MINUTES or more * 100 > MOST_OVER_BOOKED_PERCENT * booked:
        text = f"{duration(present)} de présence, {duration(booked)} à la demande\u00a0: {duration(more)} de plus"
        yield Flag(FlagKind.DURATION, f"{text} ({_percent(more, booked)}).")


# What it cost to come.


def _short_way(facts: ReviewFacts) -> Iterator[Flag]:
    """The FAQ's 16 km, as the policy of the service date has them; a claim of 0 is no claim."""
    if facts.distance_km and facts.threshold_km is not None and facts.distance_km <= facts.threshold_km:
        claimed, limit = km(facts.distance_km), km(facts.threshold_km)
        text = f"{claimed} {_agreed('déclaré', facts.distance_km)}\u00a0: rien n’est payé jusqu’à {limit} (aller)."
        yield Flag(FlagKind.SHORT_WAY, text)


def _distance(facts: ReviewFacts) -> Iterator[Flag]:
    claimed, estimated = facts.distance_km, facts.estimated_km
    if not claimed or estimated is None:
        return
    if is_far_above(claimed, estimated):
        text = f"{km(claimed)} {_agreed('déclaré', claimed)}, {km(estimated)} {_agreed('estimé', estimated)}"
        more = _percent(claimed - estimated, estimated, MOST_ABOVE_ESTIMATE_PERCENT) if estimated else ""
        text += f"\u00a0: {more} de plus" if more else ""
        yield Flag(FlagKind.DISTANCE, f"{text} ({facts.estimated_how})." if facts.estimated_how else f"{text}.")


def is_far_above(claimed: Decimal, estimated: Decimal) -> bool:
    """Whether a claimed distance is too far above the shorter estimate (kilometres one way)."""
    return (claimed - estimated) * 100 > MOST_ABOVE_ESTIMATE_PERCENT * estimated


def _parking(facts: ReviewFacts) -> Iterator[Flag]:
    if facts.parking_amount and not facts.has_receipt:
        why = "sans facture, il ne peut pas être validé"
        yield Flag(FlagKind.PARKING, f"{money(facts.parking_amount)} de stationnement\u00a0: {why}.")


def _same_file(facts: ReviewFacts) -> Iterator[Flag]:
    for copy in facts.copies:
        piece = "La facture de stationnement" if copy.is_receipt else "Une pièce"
        whose = "de la même personne" if copy.is_same_person else "d’une autre personne"
        more = f", et à {copy.more} de plus" if copy.more else ""
        where = f"la demande\u00a0{copy.number} du {short_date(copy.served_at)}, {whose}{more}"
        yield Flag(FlagKind.SAME_FILE, f"{piece} est aussi jointe à {where}.", copy.number)


def _added(facts: ReviewFacts) -> Iterator[Flag]:
    """Whoever validates reads it: it may be older than the report, or than a reinstatement."""
    for line in facts.additions:
        done = _agreed("ajouté" if line.amount > 0 else "retiré", abs(line.amount))
        yield Flag(FlagKind.ADDED, f"{money(abs(line.amount))} {done} par {line.added_by}\u00a0: {line.reason}")


# Communications (ruling 6); one that a validator accepted is decided.


def _duplicate(facts: ReviewFacts) -> Iterator[Flag]:
    rows = sorted(_undecided(facts), key=lambda row: (_errand(row), row.at.astimezone(UTC)))
    for _, same in groupby(rows, key=_errand):
        for before, after in pairwise(same):
            if _between(before.at, after.at) < SAME_ERRAND:
                apart = f"{_moment(before.at)}, puis {_moment(after.at)}"
                text = f"{after.purpose}, {apart}\u00a0: plusieurs échanges pour un même objectif n’en font qu’une."
                yield Flag(FlagKind.DUPLICATE, text)


def _outside(facts: ReviewFacts) -> Iterator[Flag]:
    """FAQ: « les communications effectuées en dehors de la période d'interprétation »."""
    for row in _undecided(facts):
        if why := _why_outside(facts, row.at):
            yield Flag(FlagKind.OUTSIDE, f"{row.purpose}, {_moment(row.at)}\u00a0: {why}.")


def _why_outside(facts: ReviewFacts, at: datetime) -> str:
    if _between(at, facts.created_at) > timedelta(0):
        return f"avant la création de la demande, {_moment(facts.created_at)}"
    notices = [notice for notice in (facts.notice_received_at, facts.told_at) if notice]
    if notices and _between(min(notices), at) > timedelta(0):
        return f"après l’annulation, {_moment(min(notices))}"
    if facts.service_type in SPOKEN:
        start = facts.present_from or facts.starts_at
        return "" if _between(at, start) > timedelta(0) else f"pendant ou après le service, {_moment(start)}"
    # A relay's own start is the withdrawal; a translation may be talked about until it is due.
    if facts.service_type == ServiceType.MESSAGE_RELAY:
        closes_at, words = facts.starts_at, "après le désistement"
    else:
        closes_at, words = facts.ends_at, "après l’échéance"
    return f"{words}, {_moment(closes_at)}" if _between(closes_at, at) > timedelta(0) else ""


def _unbillable(facts: ReviewFacts) -> Iterator[Flag]:
    for row in _undecided(facts):
        why = why_unbillable(
            requested_by_request=facts.are_communications_requested,
            requested_by_name=row.requested_by_name,
            justification=row.justification,
            at=row.at,
            # What came after the notice is out of its window already.
            notice_received_at=None,
        )
        if why:
            yield Flag(FlagKind.UNBILLABLE, f"{row.purpose}, {_moment(row.at)}\u00a0: {why[0].lower()}{why[1:]}")


def _undecided(facts: ReviewFacts) -> list[Exchange]:
    return [row for row in facts.exchanges if not row.is_decided]


def _errand(row: Exchange) -> tuple[str, str]:
    return row.purpose, " ".join(row.precision.casefold().split())


# When it was filed.


def _late(facts: ReviewFacts) -> Iterator[Flag]:
    """After the end of the service, the notice of a cancellation, or the withdrawal of a relay, where it ends."""
    ended_at = facts.notice_received_at or facts.present_to or facts.ends_at
    late = _between(ended_at, facts.filed_at) if facts.filed_at else timedelta(0)
    if late > MOST_LATE:
        days = f"{late.days}\u00a0jours" if late.days > MOST_LATE.days else f"Un peu plus de {late.days}\u00a0jours"
        since = {ServiceType.MESSAGE_RELAY: "le désistement"}.get(facts.service_type, "la fin du service")
        since = "l’annulation" if facts.notice_received_at else since
        yield Flag(FlagKind.LATE, f"{days} entre {since} ({short_date(ended_at)}) et la première version.")


_CHECKS: tuple[Callable[[ReviewFacts], Iterator[Flag]], ...] = (
    _overlap,
    _travel,
    _same_file,
    _parking,
    _distance,
    _duration,
    _added,
    _duplicate,
    _outside,
    _unbillable,
    _short_way,
    _late,
)


# Elapsed time and its words: two instants of one zone would be compared on the wall clock.


def _between(start: datetime, end: datetime) -> timedelta:
    return end.astimezone(UTC) - start.astimezone(UTC)


def _minutes(start: datetime, end: datetime) -> int:
    return _between(start, end) // timedelta(minutes=1)


def _length(time: timedelta) -> str:
    """Rounded up: less than a minute is still something."""
    return duration(-(-time // timedelta(minutes=1)))


def _at(value: datetime, day: datetime) -> str:
    """« à 16 h » on the day of the service, « le 12 novembre, 16 h » another day."""
    written = hour_or_day(value, day)
    return written if written.startswith("le ") else f"à {written}"


def _moment(at: datetime) -> str:
    return f"{short_date(at)}, {hour(at)}"


def _agreed(participle: str, count: Decimal) -> str:
    """« 1,9 km déclaré », « 2 km déclarés »."""
    return participle if count < 2 else f"{participle}s"


def _percent(part, whole, limit=0) -> str:
    """Whole percents, or as many decimals as it takes to be seen above `limit`."""
    if not whole:
        return "aucune minute réservée"
    exact = Decimal(part) * 100 / Decimal(whole)
    places = next((n for n in range(6) if exact.quantize(Decimal(1).scaleb(-n), ROUND_HALF_UP) > limit), 6)
    return f"{decimal(exact, places)}\u00a0%"
