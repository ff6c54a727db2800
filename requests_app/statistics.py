"""« Statistiques »: what became of the requests whose service starts in some days, and how they are shared.

The days are in spans.py, the statements in tallies.py; requests_app/_counted.html says what each figure counts.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from requests_app import tallies
from requests_app.models import Holiday
from requests_app.period import midnight
from requests_app.spans import Choice, Known
from requests_app.workflow import Status

# A rate of fewer tells little: it comes after the others.
FEW = 5
# How many people are named at each end.
ENDS = 10
# Two business days are never that far behind a start.
_FURTHEST_NOTICE = timedelta(days=28)

# What became of a request, by the CSS class of its part.
OUTCOMES = {"served": "Rendues", "held": "Réservées", "missing": "Sans interprète", "cancelled": "Annulées"}
_OUTCOME_OF = {
    Status.UNALLOCATED: "missing",
    Status.PENDING: "missing",
    Status.RESERVED: "held",
    Status.MODIFIED: "held",
    Status.PROVIDED: "served",
    Status.CANCELLED: "cancelled",
}


def outcome_of(status: str, is_rendered: bool) -> str:
    """The part of a request; « Achevé » is also what a validator closed though nothing was rendered."""
    if status == Status.COMPLETED:
        return "served" if is_rendered else "cancelled"
    return _OUTCOME_OF[Status(status)]


class Rate(NamedTuple):
    """Of `whole` requests looked for, `filled` found somebody; `key` is the language's or the region's."""

    key: str
    label: str
    filled: int
    whole: int

    @property
    def numbers(self) -> tuple[int, int]:
        """Those that somebody had, those that nobody had."""
        return self.filled, self.whole - self.filled


@dataclass(frozen=True)
class Figures:
    """The figures of a choice at an instant; each property is one statement at most, read once."""

    choice: Choice
    known: Known
    at: datetime

    # What became of them

    @cached_property
    def _counted(self) -> list[tuple]:
        return tallies.by_step(self.choice.asked, [step.first for _, step in self.choice.steps()])

    @cached_property
    def number(self) -> int:
        return sum(number for *_, number in self._counted)

    @cached_property
    def by_status(self) -> list[tuple[Status, int]]:
        """In the order of the work, those without any too."""
        found = Counter()
        for _, status, _, number in self._counted:
            found[status] += number
        return [(status, found[status]) for status in Status]

    @cached_property
    def by_step(self) -> list[tuple[str, Choice, list[int]]]:
        """(name, days, requests by outcome in the order of OUTCOMES) of each week or month, those without any too."""
        found = Counter()
        for step, status, is_rendered, number in self._counted:
            found[step, outcome_of(status, is_rendered)] += number
        steps = enumerate(self.choice.steps(), start=1)
        return [(name, step, [found[place, outcome] for outcome in OUTCOMES]) for place, (name, step) in steps]

    # How long, and how many, it takes

    @cached_property
    def delays(self) -> dict[bool | None, tallies.Delay]:
        """Two statements: the closed days around the period say what is urgent."""
        days = [self.choice.first + timedelta(days=index) for index in range(self._length)]
        closed = Holiday.objects.closed_between(midnight(days[0]) - _FURTHEST_NOTICE, midnight(days[-1]))
        return tallies.delays(self.choice.asked, self.at, tallies.Urgency(days, closed))

    @property
    def _length(self) -> int:
        return (self.choice.last - self.choice.first).days + 1

    @cached_property
    def _cells(self) -> list[tallies.Cell]:
        return tallies.cells(self.choice.asked, self.at)

    @cached_property
    def filled(self) -> Rate:
        """Of all the requests."""
        return Rate(
            "", "Ensemble", sum(cell.filled for cell in self._cells), sum(cell.searched for cell in self._cells)
        )

    def filled_by_language(self) -> list[Rate]:
        """Like the next, the worst first, those of FEW requests after."""
        return self._filled("language", self.known.languages)

    def filled_by_region(self) -> list[Rate]:
        return self._filled("region", self.known.regions)

    def _filled(self, by: str, names: Mapping[str, str]) -> list[Rate]:
        filled, whole = Counter(), Counter()
        for cell in self._cells:
            filled[getattr(cell, by)] += cell.filled
            whole[getattr(cell, by)] += cell.searched
        rates = [Rate(key, names[key], filled[key], whole[key]) for key in whole if whole[key]]
        return sorted(rates, key=lambda rate: _worst(rate.whole - rate.filled, rate.whole, rate.label))

    # Offers

    @cached_property
    def answers(self) -> list[tuple[str, tallies.Answers]]:
        """(language's name, answers), the least accepted first, those of FEW offers after."""
        found = [(self.known.languages[row.language], row) for row in tallies.answers(self.choice.asked)]
        return sorted(found, key=lambda row: _worst(row[1].refused + row[1].silent, sum(row[1][1:]), row[0]))

    # Late cancellations

    @cached_property
    def late(self) -> list[tuple[str, int, int]]:
        """(establishment, late cancellations, requests) of every establishment that has requests, the most first."""
        late, number = Counter(), Counter()
        for cell in self._cells:
            late[cell.institution] += cell.late
            number[cell.institution] += cell.number
        rows = [(name, late[name], number[name]) for name in number]
        return sorted(rows, key=lambda row: (-row[1], row[0]))

    # Who does them

    @cached_property
    def loads(self) -> list[tuple[str, tallies.Load]]:
        """(language's name, how its hours are shared), the language with the most hours first."""
        return [(self.known.languages[load.language], load) for load in tallies.loads(self.choice.asked)]

    def people(self, ends: int = ENDS) -> list[tuple[str, tallies.Person]]:
        """(language's name, interpreter) of both ends of each language with hours."""
        found = tallies.people(self.choice.asked, ends)
        return [(self.known.languages[person.language], person) for person in found]


def _worst(missed: int, whole: int, label: str) -> tuple:
    return whole < FEW, -missed / whole, -whole, label
