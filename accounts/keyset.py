"""What an address or a form names a row by: its number, or the key of the page that follows it in a long list."""

from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime

# A number of the database has at most this many digits.
LONGEST_NUMBER = 18


def number(text: str) -> int:
    """The number of a row as it was sent; 0, which no row has, for anything else."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER
    return int(text) if is_number else 0


def written(instant: datetime, pk: int) -> str:
    """The key of a row, for the address of the page that follows it."""
    return f"{instant.isoformat()}_{pk}"


def read(text: str) -> tuple[datetime | None, int]:
    """The instant, in UTC, and the number in a key; (None, 0), the first page, when it is nothing of ours."""
    typed, _, pk = text.partition("_")
    instant, found = _instant(typed), number(pk)
    return (instant, found) if instant and found and 2000 <= instant.year <= 2200 else (None, 0)


def _instant(text: str) -> datetime | None:
    """In UTC: a clock may be further from it than the database takes."""
    try:
        given = parse_datetime(text)
        return given.astimezone(UTC) if given and given.tzinfo else None
    except (ValueError, OverflowError):
        return None
