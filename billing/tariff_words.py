"""A tariff in words: « 41,00 $ l’heure », « par tranches de 15 min », and what changes from one to the next."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from accounts.french import MINUS, NBSP, date_range_words, decimal, duration, km, short_date
from billing.models import MILEAGE_MODES, PayPolicy, rate_places


def rate_words(rate: Decimal) -> str:
    """A rate with the digits that count: « 41,00 $ », « 0,10 $ », « 0,625 $ »."""
    return f"{decimal(rate, rate_places(rate))}{NBSP}$"


def _a(unit: str):
    return lambda rate: f"{rate_words(rate)} {unit}"


def _travel(rate) -> str:
    return f"{rate_words(rate)} l’heure" if rate else "non rémunéré"


# Each value of a tariff: what it is of, and how it is said.
WORDS = {
    "hourly_rate": ("Durée de présence", _a("l’heure")),
    "minimum_minutes": ("Minimum payé", duration),
    "increment_minutes": ("Arrondi supérieur", lambda minutes: f"par tranches de {duration(minutes)}"),
    "communication_fee": ("Communications", _a("la communication")),
    "mileage_threshold_km": ("Kilométrage payé", lambda way: f"à plus de {km(way)} à l’aller"),
    "mileage_rate": ("Taux du kilométrage", _a("le kilomètre")),
    "mileage_mode": ("Calcul du kilométrage", lambda mode: MILEAGE_MODES[mode]),
    "travel_time_rate": ("Temps de déplacement", _travel),
    "word_rate_translation": ("Traduction", _a("le mot")),
    "word_rate_revision": ("Révision", _a("le mot")),
}
# A larger change of an amount, up or down, may be a comma forgotten.
MOST_MOVE_PERCENT = 25
_State = PayPolicy.State
_NAMES = {_State.DRAFT: "Brouillon", _State.PUBLISHED: "Politique en vigueur", _State.REPLACED: "Politique remplacée,"}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value of a tariff beside that of the tariff before it; `doubt` when it moves so much that it is to be
    checked, else empty."""

    label: str
    before: str
    after: str
    doubt: str


def words_of(policy: PayPolicy) -> list[tuple[str, str]]:
    """Every value with what it is of: (« Minimum payé », « 2 h »)."""
    return [(label, say(getattr(policy, name))) for name, (label, say) in WORDS.items()]


def differences(before: PayPolicy, after: PayPolicy) -> list[Difference]:
    """What `after` changes of `before`; nothing when they pay the same."""
    return [
        Difference(label=label, before=say(old), after=say(new), doubt=doubt(old, new))
        for name, (label, say) in WORDS.items()
        if (old := getattr(before, name)) != (new := getattr(after, name))
    ]


def doubt(old, new) -> str:
    """« +9 900 % : vérifiez » when a number moves by more than MOST_MOVE_PERCENT, or was 0; empty otherwise."""
    if isinstance(old, str):
        return ""
    if not old:
        return f"était à 0{NBSP}: vérifiez"
    percent = (new - old) * Decimal(100) / old
    sign = MINUS if percent < 0 else "+"
    is_large = abs(percent) > MOST_MOVE_PERCENT
    return f"{sign}{decimal(abs(percent), 0)}{NBSP}%{NBSP}: vérifiez" if is_large else ""


def summary(policy: PayPolicy) -> str:
    """« 41,00 $ l’heure; minimum 2 h; par tranches de 15 min »."""
    rate, increment = WORDS["hourly_rate"][1](policy.hourly_rate), WORDS["increment_minutes"][1]
    return f"{rate}; minimum {duration(policy.minimum_minutes)}; {increment(policy.increment_minutes)}"


def in_force_words(policy: PayPolicy, until) -> str:
    """« du 1er janvier 2000 au 3 novembre 2024 »; `until` is the first day of the next tariff, None when none is."""
    return date_range_words(policy.effective_from, until and until - timedelta(days=1))


def in_force(policy: PayPolicy) -> str:
    """The same; a draft or a replaced row has no end of its own. Needs `next_from`, the first day of the next one."""
    return in_force_words(policy, policy.next_from if policy.state == _State.PUBLISHED else None)


def title_of(policy: PayPolicy) -> str:
    """« Politique en vigueur à partir du 4 novembre 2024 », « Brouillon à partir du… »; needs `next_from`."""
    return f"{_NAMES[policy.state]} {in_force(policy)}"


def published_words(policy: PayPolicy) -> str:
    """« par Adèle, le 12 nov. 2025 », « par le système, le… » for those that came with it; empty for a draft."""
    if policy.published_at is None:
        return ""
    return f"par {policy.published_by or 'le système'}, le {short_date(policy.published_at)}"
