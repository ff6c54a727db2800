"""Why somebody is in the ranking of a request, and « Pourquoi pas X ? »: the facts of `ranking`, in words.

Lower case, so that a page or a line of history puts them after a name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from accounts.french import date_range_words, day_and_month, decimal, duration, hour, km
from accounts.roles import Role
from requests_app.availability import OUTSIDE_HOURS, absence_words
from requests_app.ranking import MARGIN_HOURS, MOST_SERVED


class ObstacleKind(StrEnum):
    INACTIVE = "inactive"
    LANGUAGE = "language"
    HAS_IT = "has_it"
    BOOKED = "booked"
    EXCLUDED = "excluded"
    HAS_OFFER = "has_offer"
    SERVICE = "service"
    TERRITORY = "territory"
    ABSENT = "absent"
    HOURS = "hours"
    REFUSED = "refused"
    WITHDREW = "withdrew"


# What the coordinator cannot go past; the others they confirm, and history keeps « malgré ».
FINAL = {
    ObstacleKind.INACTIVE,
    ObstacleKind.LANGUAGE,
    ObstacleKind.HAS_IT,
    ObstacleKind.BOOKED,
    ObstacleKind.EXCLUDED,
    ObstacleKind.HAS_OFFER,
}


@dataclass(frozen=True)
class Obstacle:
    """Why somebody is not in the list: « absence jusqu’au 12 novembre »."""

    kind: ObstacleKind
    words: str

    @property
    def is_final(self) -> bool:
        return self.kind in FINAL


# Reasons


def reasons_of(row: dict) -> tuple[str, ...]:
    """Why they are where they are in the list, what counts most for them first."""
    weighed = [
        (row["near_points"], _at(row)),
        (row["paid_points"], "déjà payé·e pour une annulation tardive, libre"),
        (row["served_points"], _served(row["served"])),
        (row["free_points"], f"libre {MARGIN_HOURS}\u00a0h avant et après"),
        (row["before_points"], _squeeze("depuis", row["before_starts_at"], row["missing_before"])),
        (row["after_points"], _squeeze("vers", row["after_starts_at"], row["missing_after"])),
        (row["silent_points"], "n’a pas répondu à une première offre"),
        (row["retracted_points"], _retracted(row["retracted_at"])),
    ]
    said = [(points, words) for points, words in weighed if points and words]
    if row["km"] is not None and not row["near_points"]:
        said.append((0, _at(row)))
    words = [words for _, words in sorted(said, key=lambda reason: -reason[0])]
    return (*words, "a une offre ouverte") if row["has_offer"] else tuple(words)


def _at(row: dict) -> str:
    return f"à {_round_km(row['km'])}" if row["km"] is not None else ""


def _round_km(km) -> str:
    """« 6 km »: an estimate, to the kilometre; « moins de 1 km » next door."""
    return f"{decimal(Decimal(repr(km)), 0)}\u00a0km" if km >= 1 else "moins de 1\u00a0km"


def _retracted(at) -> str:
    return f"offre retirée le {day_and_month(at)}, {hour(at)}" if at else ""


def _served(times: int) -> str:
    if times > MOST_SERVED:
        return f"a déjà servi cet établissement plus de {MOST_SERVED}\u00a0fois"
    return f"a déjà servi cet établissement {times if times > 1 else 'une'}\u00a0fois"


def _squeeze(direction: str, starts_at, missing: int) -> str:
    if not missing:
        return ""
    lack = "manque" if missing == 1 else "manquent"
    return f"trajet serré {direction} sa demande de {hour(starts_at)}\u00a0: {duration(missing)} {lack}"


# Obstacles


def obstacles_of(row: dict, language: str, *, moot: frozenset = frozenset()) -> tuple[Obstacle, ...]:
    """Every obstacle, those that are final first, but for what is `moot`."""
    return tuple(
        Obstacle(kind, words(row) if callable(words) else words.format(language=language))
        for kind, holds, words in _OBSTACLES
        if kind not in moot and holds(row)
    )


def _booked(row: dict) -> str:
    hours = f"de {hour(row['before_starts_at'])} à {hour(row['before_ends_at'])}"
    return f"réservé·e {hours} (demande {row['before_id']})"


def _excluded(row: dict) -> str:
    return (
        f"exclu·e de cet établissement {date_range_words(None, row['excluded_until'])}\u00a0: {row['excluded_reason']}"
    )


def _far(row: dict) -> str:
    # To the tenth that was judged: « à 50,1 km (rayon de 50 km) ».
    return f"hors de son territoire\u00a0: à {km(Decimal(repr(row['km'])))} (rayon de {row['reach_km']}\u00a0km)"


def _left(row: dict) -> str:
    return "s’est désisté·e de cette demande" if row["left_alone"] else "retiré·e de cette demande par la BI"


def _account(row: dict) -> str:
    return "n’est pas interprète" if row["is_active"] else "compte inactif"


def _cannot_serve(row: dict) -> bool:
    return not row["is_active"] or row["role"] != Role.INTERPRETER


_OBSTACLES: list[tuple[ObstacleKind, Callable[[dict], bool], str | Callable[[dict], str]]] = [
    (
        ObstacleKind.INACTIVE,
        _cannot_serve,
        _account,
    ),
    (ObstacleKind.LANGUAGE, lambda row: not row["speaks"], "ne parle pas {language}"),
    (ObstacleKind.HAS_IT, lambda row: row["has_it"], "a déjà la demande"),
    (ObstacleKind.BOOKED, lambda row: row["is_booked"], _booked),
    (ObstacleKind.EXCLUDED, lambda row: row["excluded_until"] is not None, _excluded),
    (ObstacleKind.HAS_OFFER, lambda row: row["has_offer"], "a déjà une offre ouverte"),
    (ObstacleKind.REFUSED, lambda row: row["has_refused"], "a refusé cette demande"),
    (ObstacleKind.WITHDREW, lambda row: row["left_alone"] is not None, _left),
    (
        ObstacleKind.ABSENT,
        lambda row: row["absent_until"],
        lambda row: absence_words(row["absent_until"]),
    ),
    (ObstacleKind.HOURS, lambda row: row["is_outside"], OUTSIDE_HOURS),
    (ObstacleKind.SERVICE, lambda row: not row["takes_on"], "ne fait pas ce service"),
    # Without a profile there is no way to measure: that they are no interpreter says it all.
    (ObstacleKind.TERRITORY, lambda row: row["km"] is not None and not row["is_in_territory"], _far),
]


_SENTENCES = {
    ObstacleKind.INACTIVE: "{name} n’est pas un interprète actif.",
    ObstacleKind.BOOKED: "{name} a déjà une demande à ce moment.",
    # Not why: that is between the BI and the institution, and a refusal is kept in a log or a message.
    ObstacleKind.EXCLUDED: "{name} est exclu·e de cet établissement.",
}


def sentence_of(name, obstacle: Obstacle) -> str:
    """What a verb says when it refuses: « Alice Roy ne parle pas le swahili. »"""
    return _SENTENCES.get(obstacle.kind, "{name} {words}.").format(name=name, words=obstacle.words)


_ELIDED = set("aàâeéèêiîoôu")


def with_article(language: str) -> str:
    """« le swahili », « l’arabe », « l’hébreu »; the other languages in h keep theirs (« le hindi »)."""
    return f"l’{language}" if language[0] in _ELIDED or language == "hébreu" else f"le {language}"
