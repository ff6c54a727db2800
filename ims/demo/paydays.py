"""Paydays: each period computed, published and handed to payroll after its end; the last is left to whoever looks."""

from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

from accounts.models import User
from billing import payroll, statements
from billing.ledger import adjust
from billing.models import PayLine, PeriodExport
from billing.rules import LineKind
from ims.demo import star, texts
from ims.demo.casting import Casting
from ims.demo.days import instant, shift

_MORE = Decimal("20.50")


def stories(casting: Casting):
    """What validators do about pay; nothing is drawn, so that the rest of the world is the same without it."""
    ends, validator = _ends(casting.days.today), casting.people.validators[0]
    yield _published(ends, validator)
    # What the last but one of the periods paid is corrected on the last, then on the one to compute.
    yield _corrected(shift(ends[-2], 3), casting.people, star_first=True)
    yield _corrected(shift(ends[-1], 3), casting.people, star_first=False)


def _ends(today: date) -> list[date]:
    """The last days of the periods paid: from the first case of the world to the last period ended, which waits."""
    length = timedelta(days=settings.PAY_PERIOD_DAYS)
    end, ends = settings.PAY_PERIOD_FIRST_DAY + length - timedelta(days=1), []
    while end + length < today:
        ends.append(end)
        end += length
    return [end for end in ends if end >= star.PAID_ON]


def _published(ends: list[date], validator: User):
    """On the next business day; payroll has not asked for the last yet."""
    for end in ends:
        at = yield instant(shift(end, 1), 9 * 60 + 30)
        if statements.next_period(at) is None:
            continue
        made = statements.publish(statements.compute(by=validator, at=at), by=validator, at=at)
        if end != ends[-1]:
            payroll.export(made, PeriodExport.Format.CSV, by=validator, at=at)


def _corrected(day: date, people, *, star_first: bool):
    """A service was longer than what was paid."""
    at = yield instant(day, 14 * 60 + 10)
    paid = PayLine.objects.filter(kind=LineKind.SERVICE, reverses=None, reversal=None).exclude(paid_on=None)
    own = paid.filter(interpreter=people.interpreters[0])
    line = (star_first and own.last()) or paid.exclude(interpreter=people.interpreters[0]).last()
    by = next(one for one in people.validators if not line.service_request.has_part(one))
    adjust(line, by=by, at=at, amount=line.amount + _MORE, reason=texts.CORRECTED)
