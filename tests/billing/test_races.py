"""Validated, corrected, computed, published at once: every frozen line is paid once, and by one statement only."""

from datetime import timedelta
from itertools import chain

import pytest
from django.db.models import Sum

from billing import statements
from billing.ledger import adjust
from billing.models import PayLine, PayPeriod, PayStatement, StatementLine
from completion.decisions import validate
from tests import make
from tests.billing.make import ENDED, FORTNIGHT
from tests.completion import make as filed
from tests.counts import rounds
from tests.make import NOW, START
from tests.requests_app.test_races import contest, fresh

pytestmark = pytest.mark.django_db(transaction=True)
FILES = max(6, rounds("race") // 10)
DAY = timedelta(days=1)


def waiting(number: int) -> list:
    """Files to validate, a day apart, served before the period ends."""
    return [filed.provided(starts_at=START - index * DAY, at=NOW - (index + 3) * DAY) for index in range(number)]


def unpaid() -> int:
    return statements.waiting().count()


def balance(period) -> tuple:
    """What the statements of a period say, and what their lines add up to."""
    said = PayStatement.objects.filter(period=period).aggregate(total=Sum("total"), lines=Sum("line_count"))
    lines = PayLine.objects.filter(paid_on__statement__period=period)
    return (said["total"], said["lines"]), (lines.aggregate(total=Sum("amount"))["total"], lines.count())


def settle(period):
    """Published, then all that waited for the next period."""
    statements.publish(period, by=make.validator(), at=ENDED)
    later = statements.compute(by=make.validator(), at=ENDED + FORTNIGHT)
    statements.publish(later, by=make.validator(), at=ENDED + FORTNIGHT)
    return later


def test_what_is_validated_during_a_computation_is_paid_then_or_at_the_next_one():
    first, *files = waiting(FILES)
    valere, frozen_at = make.validator(), START + 2 * DAY
    validate(first, by=valere, at=frozen_at)
    with contest(2) as race:
        for made in files:
            copy = fresh(made.pk)
            outcomes = race(
                lambda copy=copy: validate(copy, by=valere, at=frozen_at),
                lambda: statements.compute(by=valere, at=ENDED),
            )
            assert outcomes == [True, True]
            draft = PayPeriod.objects.get()
            assert len(set(balance(draft))) == 1
    last = settle(draft)
    assert len(set(balance(last))) <= 1 or balance(last)[0] == (None, None)
    assert (unpaid(), StatementLine.objects.count()) == (0, PayLine.objects.count())
    total = PayStatement.objects.aggregate(total=Sum("total"))["total"]
    assert total == PayLine.objects.aggregate(total=Sum("amount"))["total"] == 82 * FILES


def test_a_period_published_while_files_are_validated_keeps_what_was_read():
    """Its total is the one on the page; whatever commits meanwhile waits."""
    first, *files = waiting(FILES)
    valere, at = make.validator(), ENDED
    validate(first, by=valere, at=START + 2 * DAY)
    with contest(3) as race:
        for made, other in zip(files[::2], files[1::2], strict=False):
            draft = statements.compute(by=valere, at=at)
            seen = statements.totals_of(draft)
            one, two = fresh(made.pk), fresh(other.pk)
            outcomes = race(
                lambda one=one, at=at: validate(one, by=valere, at=at - DAY),
                lambda draft=draft, seen=seen, at=at: statements.publish(draft, by=valere, at=at, seen=seen.mark),
                lambda two=two, at=at: validate(two, by=valere, at=at - DAY),
            )
            assert outcomes == [True, True, True]
            assert statements.totals_of(draft) == seen and len(set(balance(draft))) == 1
            at += FORTNIGHT
    statements.compute(by=valere, at=at)
    assert (unpaid(), StatementLine.objects.count()) == (0, PayLine.objects.count())


def test_two_computations_and_a_publication_at_once_leave_one_period_and_every_line_once():
    made = waiting(2)
    valere = make.validator()
    for row in made:
        validate(row, by=valere, at=START + 2 * DAY)
    with contest(3) as race:
        for _ in range(FILES):
            draft = statements.compute(by=valere, at=ENDED)
            race(
                lambda: statements.compute(by=valere, at=ENDED),
                lambda draft=draft: statements.discard(draft, by=valere),
                lambda: statements.compute(by=valere, at=ENDED),
            )
            periods = list(PayPeriod.objects.all())
            assert len(periods) <= 1
            assert all(len(set(balance(period))) == 1 for period in periods)
            assert StatementLine.objects.count() + unpaid() == PayLine.objects.count()


def test_a_line_corrected_while_its_period_is_published_is_corrected_on_the_next_one():
    valere = make.validator()
    with contest(2) as race:
        at = ENDED
        for index in range(max(3, FILES // 2)):
            made = filed.provided(starts_at=START - index * DAY, at=NOW - (index + 3) * DAY)
            validate(made, by=valere, at=at - DAY)
            draft, line = statements.compute(by=valere, at=at), made.pay_lines.order_by("number").first()
            outcomes = race(
                lambda draft=draft, at=at: statements.publish(draft, by=valere, at=at),
                lambda line=line, at=at: adjust(line, by=valere, at=at - DAY, amount=line.amount + 1, reason="Oubli"),
            )
            assert outcomes == [True, True]
            numbers = PayLine.objects.filter(paid_on__statement__period=draft, service_request=made)
            assert list(numbers.values_list("number", flat=True)) == list(range(1, 1 + len(numbers)))
            at += FORTNIGHT
    statements.compute(by=valere, at=at)
    kept = [len(set(balance(period))) for period in PayPeriod.objects.all()]
    assert set(chain(kept)) == {1} and unpaid() == 0
