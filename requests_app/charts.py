"""Bars drawn inside the rows of their own table: what is seen is what is read, on one line and from one number.

Pure, and of Decimals only: a bar is told in hundredths of a per cent of its column, from the exact sums.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from accounts.french import NBSP, decimal, money

ZERO = Decimal(0)
_PLACES = Decimal("0.01")
# Of a chart without parts.
PLAIN = "plain"


@dataclass(frozen=True)
class Segment:
    """A rectangle of a bar: the CSS class of its part, where it begins and how wide it is, in per cent."""

    part: str
    x: Decimal
    width: Decimal


@dataclass(frozen=True, kw_only=True)
class Column:
    """One of the columns beside the bar; `part` is the CSS class of what it explains, if any."""

    label: str
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: its bar, what each column says (and whether that is nothing), the total as it is said."""

    label: str
    total: Decimal
    text: str
    cells: Sequence[tuple[Column, str, bool]] = ()
    segments: Sequence[Segment] = ()
    url: str = ""
    is_current: bool = False


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A table with a bar in each row; `zero` is where nothing stands, in per cent, when some amount is negative.

    `measure` is the title of the last column.
    """

    caption: str
    heading: str
    measure: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    foot: Row
    zero: Decimal | None = None


@dataclass(frozen=True)
class Given:
    """One row to draw: its name, its amounts in the order of the parts, where its name leads."""

    label: str
    amounts: Sequence[Decimal]
    url: str = ""
    is_current: bool = False


@dataclass(frozen=True)
class _Words:
    """What a chart says of the amounts of a row: a text in each column, then one in the last, which has a title."""

    cells: Callable[[Sequence[Decimal]], Iterable[str]]
    total: Callable[[Sequence[Decimal]], str]
    measure: str


def stacked(
    caption: str, heading: str, parts: Mapping[str, str], rows: Iterable[Given], *, measure="Montant", write=money
) -> Chart:
    """Bars in several parts ({CSS class: name}), each part with its amount beside, in dollars unless told."""
    words = _Words(lambda amounts: map(write, amounts), lambda amounts: write(sum(amounts, ZERO)), measure)
    return _parted(caption, heading, parts, list(rows), words, "Total")


def rated(
    caption: str,
    heading: str,
    parts: Mapping[str, str],
    rows: Iterable[Given],
    *,
    measure: str,
    cells: Callable[[Sequence[Decimal]], Iterable[str]],
    total: Callable[[Sequence[Decimal]], str],
) -> Chart:
    """Bars all as long as each other, in parts: what is compared is how each row is shared, in the words given."""
    return _parted(caption, heading, parts, list(rows), _Words(cells, total, measure), "Ensemble", is_whole=True)


def _parted(caption, heading, parts, rows, words, foot: str, *, is_whole=False) -> Chart:
    columns = [Column(label=label, part=part) for part, label in parts.items()]
    sums = [sum((row.amounts[index] for row in rows), ZERO) for index in range(len(columns))]
    return _chart(caption, heading, columns, rows, list(parts), Given(foot, sums), words, is_whole=is_whole)


def ranked(caption: str, heading: str, rows: Iterable[tuple], *, measure="Montant", write=money) -> Chart:
    """Bars of one amount, in dollars unless told, each with its share of the sum: (label, amount, address if any)."""
    rows = [Given(label, [amount], *url) for label, amount, *url in rows]
    amounts = [row.amounts[0] for row in rows]
    whole = sum(amounts, ZERO)
    columns, foot = [Column(label="Part")], Given("Total", [whole])
    # In the order of the rows, then of the foot.
    said = iter([*shares(amounts, whole), share(whole, whole)])
    words = _Words(lambda amounts: [next(said)], lambda amounts: write(amounts[0]), measure)
    return _chart(caption, heading, columns, rows, [PLAIN], foot, words)


def share(amount: Decimal, whole: Decimal) -> str:
    """« 12,5 % »; nothing to say of a part of nothing, or of less."""
    return f"{decimal(amount * 100 / whole, 1)}{NBSP}%" if whole > 0 else "—"


def shares(amounts: Sequence[Decimal], whole: Decimal) -> list[str]:
    """« 12,5 % » of each of the amounts that make a whole: those cut the most are rounded up, so as to make 100."""
    if whole <= 0:
        return [share(amount, whole) for amount in amounts]
    exact = [amount * 1000 / whole for amount in amounts]
    tenths = [value.to_integral_value(ROUND_FLOOR) for value in exact]
    shortest = sorted(range(len(exact)), key=lambda row: tenths[row] - exact[row])
    for row in shortest[: int(1000 - sum(tenths))]:
        tenths[row] += 1
    return [share(value, Decimal(1000)) for value in tenths]


def _chart(caption, heading, columns, rows, parts, foot, words: _Words, *, is_whole=False) -> Chart:
    low, high = _ends(rows)
    ends = [_ends([row]) if is_whole else (low, high) for row in rows]
    drawn = [
        _row(row, columns, words, segments(parts, row.amounts, *reach)) for row, reach in zip(rows, ends, strict=True)
    ]
    zero = _at(ZERO, low, high) if low < 0 else None
    titles = {"caption": caption, "heading": heading, "measure": words.measure, "columns": columns}
    return Chart(**titles, rows=drawn, foot=_row(foot, columns, words, ()), zero=zero)


def _row(row: Given, columns, words: _Words, drawn) -> Row:
    # A column that explains a part says nothing when the part is; the share of a row is that of its one part.
    nil = [not row.amounts[index] for index in range(len(columns))]
    cells = list(zip(columns, words.cells(row.amounts), nil, strict=True))
    total = sum(row.amounts, ZERO)
    given = {"url": row.url, "is_current": row.is_current}
    return Row(label=row.label, total=total, text=words.total(row.amounts), cells=cells, segments=drawn, **given)


def _ends(rows: Sequence[Given]) -> tuple[Decimal, Decimal]:
    """The least and the most that a bar reaches: nothing at least on either side."""
    sides = [_sides(row.amounts) for row in rows]
    return min((low for low, _ in sides), default=ZERO), max((high for _, high in sides), default=ZERO)


def _sides(amounts) -> tuple[Decimal, Decimal]:
    negative = sum((amount for amount in amounts if amount < 0), ZERO)
    return negative, sum((amount for amount in amounts if amount > 0), ZERO)


def segments(parts: Sequence[str], amounts: Sequence[Decimal], low: Decimal, high: Decimal) -> list[Segment]:
    """The bar of some amounts between `low` ≤ 0 and `high` ≥ 0: those owed to the right of zero, others to its left.

    Each begins exactly where the one before ends; what is too small to see is not drawn.
    """
    right = left = ZERO
    drawn = []
    for part, amount in zip(parts, amounts, strict=True):
        if amount > 0:
            start, right = right, right + amount
            end = right
        else:
            end, left = left, left + amount
            start = left
        x, until = _at(start, low, high), _at(end, low, high)
        if until > x:
            drawn.append(Segment(part, x, until - x))
    return drawn


def _at(amount: Decimal, low: Decimal, high: Decimal) -> Decimal:
    if low == high:
        return ZERO
    return ((amount - low) * 100 / (high - low)).quantize(_PLACES)
