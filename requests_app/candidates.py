"""Who could serve a request, ranked, with reasons in words; and « Pourquoi pas X ? ».

A ranking is a suggestion: the coordinator decides, and the choice is kept in the history (`choice_of`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Value
from django.db.models.functions import Concat

from accounts.models import User
from accounts.roles import Role
from requests_app import ranking
from requests_app.moves import Overlap
from requests_app.reasons import Obstacle, ObstacleKind, obstacles_of, reasons_of, sentence_of, with_article
from requests_app.workflow import NotAllowed

# What is typed to find a name: more than the longest name, and few enough conditions.
MOST_WORDS = 6
LONGEST_WORD = 60
# By telephone, or after the fact: an offer they have not answered keeps nobody from being given the request.
_ONCE_AGREED = frozenset({ObstacleKind.HAS_OFFER})
# In the order of the model, as `from_db` takes them.
_OF_ACCOUNT = ["id", "first_name", "last_name", "role", "is_active"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An interpreter before one request: their place in the list with its reasons, or what keeps them out of it."""

    interpreter: User
    # 1 is the best; None for whoever is not in the list.
    rank: int | None
    among: int
    # By road, one way, from the home, else from the head office, an estimate (distances.py); on site only.
    km: Decimal | None
    reasons: tuple[str, ...]
    obstacles: tuple[Obstacle, ...]
    # Fairness, of the local month: offers sent, minutes of spoken services booked or served.
    offers_this_month: int
    minutes_this_month: int
    home_institution: str


def ranked(service_request, *, at: datetime, limit: int = 60, agreed: bool = False) -> list[Candidate]:
    """The best first; without whoever has the request, nor an open offer unless they `agreed`. One statement."""
    return [_candidate(row, agreed) for row in ranking.read(service_request, at=at, limit=limit, agreed=agreed)]


def explained(service_request, interpreters: Iterable[User], *, at: datetime, agreed=False) -> dict[int, Candidate]:
    """Named people, whoever they are, by key: their rank, or every obstacle. One statement."""
    named = {interpreter.pk for interpreter in interpreters}
    if not named:
        return {}
    rows = ranking.read(service_request, at=at, named=sorted(named), agreed=agreed)
    return {row["id"]: _candidate(row, agreed) for row in rows}


def named(service_request, name: str, *, at: datetime, limit: int = 10, agreed: bool = False) -> list[Candidate]:
    """« Pourquoi pas X ? »: the interpreters, active or not, whose name holds each word typed; accents do not count.

    At most two statements: one finds the names, one explains.
    """
    words = [word[:LONGEST_WORD] for word in name.replace("\x00", " ").split()[:MOST_WORDS]]
    if not words:
        return []
    found = User.objects.filter(role=Role.INTERPRETER)
    found = found.annotate(name=Concat("first_name", Value(" "), "last_name"))
    for word in words:
        found = found.filter(name__unaccent__icontains=word)
    people = list(found.order_by("last_name", "first_name", "id")[:limit])
    known = explained(service_request, people, at=at, agreed=agreed)
    return [known[person.pk] for person in people]


def choice_of(candidate: Candidate) -> dict:
    """What history keeps of a choice: the rank and its reasons, or despite what it was made."""
    if candidate.rank is not None:
        return {"rank": candidate.rank, "among": candidate.among, "reasons": list(candidate.reasons)}
    despite = [obstacle.words for obstacle in candidate.obstacles if not obstacle.is_final]
    return {"despite": despite} if despite else {}


def choose(service_request, interpreters: Iterable[User], *, at: datetime, agreed: bool = False) -> dict[int, dict]:
    """What history will keep of choosing them, by key; raises Overlap, NotAllowed for a final obstacle. One statement.

    `agreed`: by telephone, or after the fact; an offer they have not answered is then no obstacle.
    """
    known = explained(service_request, interpreters, at=at, agreed=agreed)
    for candidate in known.values():
        for obstacle in candidate.obstacles:
            if obstacle.is_final:
                refusal = Overlap if obstacle.kind == ObstacleKind.BOOKED else NotAllowed
                raise refusal(sentence_of(candidate.interpreter, obstacle))
    return {key: choice_of(candidate) for key, candidate in known.items()}


def _candidate(row: dict, agreed: bool) -> Candidate:
    is_listed, moot = row["is_eligible"], _ONCE_AGREED if agreed else frozenset()
    return Candidate(
        interpreter=User.from_db(None, _OF_ACCOUNT, [row[name] for name in _OF_ACCOUNT]),
        rank=row["place_in_list"] if is_listed else None,
        among=row["among"],
        km=None if row["km"] is None else Decimal(repr(row["km"])),
        reasons=reasons_of(row) if is_listed else (),
        obstacles=() if is_listed else obstacles_of(row, with_article(row["language"]), moot=moot),
        offers_this_month=row["offers"],
        minutes_this_month=row["minutes"],
        home_institution=row["home_institution"] or "",
    )
