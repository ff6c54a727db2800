"""Long lists: read by key, page after page, and counted no further than anybody reads."""

from django.db.models import IntegerField, Q, QuerySet, Subquery

from accounts import keyset

PAGE = 50


class CappedCount(Subquery):
    """How many rows, counted to one more than `most`: the rest of a table costs more than the page.

    The order of `rows`, if they have one, is that of an index which then finds them.
    """

    template = "(SELECT count(*) FROM (%(subquery)s) AS capped)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet, most: int):
        super().__init__(rows.values("pk")[: most + 1])


def count_words(number: int, most: int) -> str:
    """« 12 », « 100+ » past `most`."""
    return f"{most}+" if number > most else str(number)


def page_after(rows: QuerySet, after: str, *, by: str = "starts_at", newest_first: bool = False) -> tuple:
    """(one page of `rows` in the order of `by` then id, the key of the next page or None).

    `after` is the key of a page before, « instant_id »; anything else is the first page.
    """
    way, sign = ("lt", "-") if newest_first else ("gt", "")
    instant, pk = keyset.read(after)
    if instant:
        beyond = Q(**{f"{by}__{way}": instant}) | Q(**{f"id__{way}": pk})
        # The first half is what an index finds.
        rows = rows.filter(Q(**{f"{by}__{way}e": instant}) & beyond)
    found = list(rows.order_by(f"{sign}{by}", f"{sign}id")[: PAGE + 1])
    if len(found) <= PAGE:
        return found, None
    last = found[PAGE - 1]
    return found[:PAGE], keyset.written(getattr(last, by), last.pk)
