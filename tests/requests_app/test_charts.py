"""The bars of « Ma paie » and of the board: nothing is drawn that the table beside does not say."""

from decimal import Decimal

import pytest

from requests_app.charts import Given, ranked, segments, share, shares, stacked

PARTS = {"paid": "Payé", "validated": "Validé", "estimated": "Estimé"}


def amounts(*values) -> list[Decimal]:
    return [Decimal(value) for value in values]


def drawn(*rows) -> list:
    """[(part, where it begins, how wide)] of each row, in per cent."""
    chart = stacked("Par mois", "Mois", PARTS, [Given("mars", amounts(*row)) for row in rows])
    return [[(one.part, str(one.x), str(one.width)) for one in row.segments] for row in chart.rows]


def test_the_longest_bar_takes_the_whole_width_and_its_parts_follow_each_other():
    assert drawn(("50", "30", "20"), ("25", "0", "0")) == [
        [("paid", "0.00", "50.00"), ("validated", "50.00", "30.00"), ("estimated", "80.00", "20.00")],
        [("paid", "0.00", "25.00")],
    ]


def test_what_is_to_be_recovered_goes_to_the_left_of_zero():
    assert drawn(("-25", "75", "0")) == [[("paid", "0.00", "25.00"), ("validated", "25.00", "75.00")]]


def test_where_zero_is_shows_only_when_something_is_below_it():
    rows = [Given("mars", amounts("-25", "75", "0"))]
    below, above = stacked("", "", PARTS, rows), ranked("", "", [("CHUM", Decimal(3))])
    assert (below.zero, above.zero) == (Decimal("25.00"), None)


@pytest.mark.parametrize("rows", [[], [("0", "0", "0")], [("0.00", "0.00", "0.00"), ("0", "0", "0")]])
def test_nothing_paid_draws_nothing(rows):
    assert [row for row in drawn(*rows) if row] == []


def test_a_cent_beside_a_fortune_is_said_though_it_cannot_be_seen():
    chart = ranked("", "", [("CHUM", Decimal("999999999999.99")), ("CUSM", Decimal("0.01"))])
    seen = [(str(row.total), len(row.segments)) for row in chart.rows]
    assert seen == [("999999999999.99", 1), ("0.01", 0)]


@pytest.mark.parametrize("values", [("33.33", "33.33", "33.34"), ("0.01", "0.02", "0.04"), ("-1", "-2", "7")])
def test_no_part_covers_another_nor_leaves_a_gap(values):
    low = sum((value for value in amounts(*values) if value < 0), Decimal(0))
    high = sum((value for value in amounts(*values) if value > 0), Decimal(0))
    bar = sorted(segments(list(PARTS), amounts(*values), low, high), key=lambda part: part.x)
    ends = [part.x + part.width for part in bar]
    assert [part.x for part in bar] == [0, *ends[:-1]]
    assert ends[-1] == 100


def test_the_foot_adds_up_each_column_and_the_whole():
    chart = stacked(
        "", "", PARTS, [Given("mars", amounts("1.10", "2", "0")), Given("avril", amounts("0.02", "0", "3"))]
    )
    assert [text for _, text, _ in chart.foot.cells] == ["1,12\u00a0$", "2,00\u00a0$", "3,00\u00a0$"]
    assert chart.foot.total == Decimal("6.12")


@pytest.mark.parametrize(("part", "whole", "said"), [("1", "8", "12,5\u00a0%"), ("5", "0", "—"), ("5", "-1", "—")])
def test_a_share_is_of_something(part, whole, said):
    assert share(Decimal(part), Decimal(whole)) == said


@pytest.mark.parametrize("values", [("1", "1", "1"), ("2", "2", "2", "0.01"), ("5", "5", "-1"), ("1",)])
def test_shares_make_a_hundred(values):
    said = shares(amounts(*values), sum(amounts(*values)))
    assert sum(Decimal(one.split("\u00a0")[0].replace(",", ".").replace("\u2212", "-")) for one in said) == 100
