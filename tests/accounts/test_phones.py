"""Telephone numbers as people write them: kept in one form, of Canada alone (reliability, C10)."""

import pytest

from accounts import phones
from accounts.french import NBSP
from tests.make import PASSWORD

KEPT = "+15145550123"


@pytest.mark.parametrize(
    "typed",
    [
        "5145550123",
        "514 555-0123",
        "514-555-0123",
        "(514) 555-0123",
        "514.555.0123",
        f"514{NBSP}555-0123",
        "1 514 555 0123",
        "+1 514 555 0123",
        "  +15145550123\t",
        "٥١٤٥٥٥٠١٢٣",
    ],
)
def test_a_number_is_read_as_people_write_it(typed):
    assert phones.parse(typed) == KEPT


@pytest.mark.parametrize(
    "typed", ["", "abc", "555-0123", "514 555-012", "514 555-01234", "514 555-0123 poste 12", "1" * 500, PASSWORD]
)
def test_what_is_not_a_whole_number_says_how_to_write_one(typed):
    with pytest.raises(ValueError, match="10 chiffres"):
        phones.parse(typed)


@pytest.mark.parametrize(
    "typed", ["+33 6 12 34 56 78", "+1 212 555 0123", "+1 900 555 0123", "+1 876 555 0123", "011 44 20 7946 0018"]
)
def test_c10_a_number_outside_canada_is_refused_before_anything_is_sent(typed):
    with pytest.raises(ValueError, match=r"Canada|10 chiffres"):
        phones.parse(typed)


def test_a_number_is_shown_as_one_writes_it_here():
    assert phones.written(KEPT) == f"514{NBSP}555-0123"
    assert phones.parse(phones.written(KEPT)) == KEPT


def test_a_masked_number_says_no_more_than_its_end():
    assert phones.masked(KEPT).endswith("-0123")
    assert "514" not in phones.masked(KEPT)
    assert phones.masked("") == ""
