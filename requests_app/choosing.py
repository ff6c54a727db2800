"""Whom a coordinator may choose on one page: the first people of the list, and whoever was looked for by name.

What was ticked stays on the page, wherever the search leads next.
"""

import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from accounts.french import NBSP, duration
from accounts.models import User
from accounts.roles import Role
from requests_app.candidates import Candidate, explained, named, ranked
from requests_app.models import ServiceRequest
from requests_app.reasons import Obstacle

# The list opens short; all that the page may show is one press away. Past this, one looks by name.
FEW, MANY = 20, 60


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What the coordinator said so far: the name looked for, who is ticked, which obstacles are confirmed."""

    name: str = ""
    ticked: frozenset[int] = frozenset()
    confirmed: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One person on the page: what is known of them, and what the coordinator ticked."""

    candidate: Candidate
    obstacles: tuple[Obstacle, ...]
    is_ticked: bool
    is_confirmed: bool
    # Found by name, and in the list above already, with its box.
    is_above: bool = False

    @property
    def person(self) -> User:
        return self.candidate.interpreter

    @property
    def rank(self) -> int | None:
        return self.candidate.rank

    @property
    def may_be_ticked(self) -> bool:
        return self.is_open and not self.is_above

    @property
    def is_open(self) -> bool:
        """Whether they may be chosen, be it after a confirmation."""
        return not any(obstacle.is_final for obstacle in self.obstacles)

    @property
    def despite(self) -> str:
        """What « Je confirme » sends."""
        return seal(self.person, self.obstacles)

    @property
    def load(self) -> str:
        """What they were asked and given this month: « 3 offres, 12 h ce mois-ci »."""
        number, minutes = self.candidate.offers_this_month, self.candidate.minutes_this_month
        asked = f"{number}\u00a0offre{'s' if number > 1 else ''}" if number else "aucune offre"
        return f"{asked}, {duration(minutes) if minutes else f'0{NBSP}h'} ce mois\u2011ci"

    @property
    def words(self) -> str:
        """What is said of them, in one line."""
        said = [obstacle.words for obstacle in self.obstacles] or self.candidate.reasons
        return "; ".join(said)


def person_of(confirmed: str) -> str:
    """Whom a mark of `seal` is about, by key, as it was sent: « Je confirme » chooses them by itself."""
    return confirmed.partition("-")[0]


def seal(person: User, obstacles: Collection[Obstacle]) -> str:
    """A mark of the person and of each obstacle shown: another one since asks for another « Je confirme »."""
    words = "; ".join(obstacle.words for obstacle in obstacles)
    return f"{person.pk}-{zlib.crc32(words.encode()):x}"


@dataclass(kw_only=True)
class Choosing:
    """The people of one page: four statements at most, however many they are.

    `agreed`: the request is about to be given, so that an open offer counts for nothing; `also` is whoever the page
    shows besides.
    """

    service_request: ServiceRequest
    at: datetime
    most: int = FEW
    typed: Typed = Typed()
    agreed: bool = False
    also: frozenset[int] = frozenset()
    among: int = field(init=False, default=0)
    listed: list[Row] = field(init=False)
    found: list[Row] = field(init=False)
    kept: list[Row] = field(init=False)

    def __post_init__(self):
        ranking = ranked(self.service_request, at=self.at, limit=MANY, agreed=self.agreed)
        self.among = ranking[0].among if ranking else 0
        # Somebody ticked further down stays in sight, in their place.
        wanted = self.typed.ticked | self.also
        shown = (one for one in ranking if one.rank <= self.most or one.interpreter.pk in wanted)
        self.listed = [self._row(candidate) for candidate in shown]
        above = {row.person.pk for row in self.listed}
        self.found = [self._row(found, is_above=found.interpreter.pk in above) for found in self._named()]
        self.kept = [self._row(candidate) for candidate in self._others()]

    @property
    def following(self) -> int:
        """How many more the page may show."""
        return min(self.among, MANY) - self.most

    @property
    def is_anybody_open(self) -> bool:
        """Whether the page proposes somebody, in the list or not."""
        return any(row.is_open for row in self.rows().values())

    def first(self, number: int) -> list[User]:
        """To whom a first wave of `number` would go, as the page is now."""
        return [row.person for row in self.listed if row.rank <= number]

    def rows(self) -> dict[int, Row]:
        """Everybody on the page, by key."""
        return {row.person.pk: row for row in [*self.found, *self.listed, *self.kept]}

    def _row(self, candidate: Candidate, **more) -> Row:
        return Row(
            candidate=candidate,
            obstacles=candidate.obstacles,
            is_ticked=candidate.interpreter.pk in self.typed.ticked,
            is_confirmed=seal(candidate.interpreter, candidate.obstacles) in self.typed.confirmed,
            **more,
        )

    def _named(self) -> list[Candidate]:
        """« Pourquoi pas X ? »; whoever the list shows is there too, with their rank and without a second box."""
        return named(self.service_request, self.typed.name, at=self.at, agreed=self.agreed)

    def _others(self) -> list[Candidate]:
        """Whoever was ticked and is shown nowhere else: found by an earlier search, or out of the list since."""
        shown = {row.person.pk for row in [*self.listed, *self.found]}
        missing = (self.typed.ticked | self.also) - shown
        people = [User(pk=pk) for pk in sorted(missing)]
        known = explained(self.service_request, people, at=self.at, agreed=self.agreed).values()
        # An address may name anybody: who is no interpreter is not shown.
        return [candidate for candidate in known if candidate.interpreter.role == Role.INTERPRETER]
