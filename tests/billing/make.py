"""Requests validated, and the periods that pay them."""

from datetime import datetime, timedelta

from django.utils import timezone

from billing import statements
from billing.models import PayPeriod, PayStatement
from completion.decisions import validate
from requests_app.models import ServiceRequest
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, NOW, START, local

# The period of 2025-02-24 to 2025-03-09, which pays what is validated in it, has ended.
ENDED = local("2025-03-10 09:00")
FORTNIGHT = timedelta(days=14)


def paid(by=None, *, starts_at=START, validated_at: datetime | None = None, at=None, **report) -> ServiceRequest:
    """« Achevé »: served by an interpreter (Alice), reported, validated three hours after its start unless said."""
    made = make.reserved(by, starts_at=starts_at, at=at or starts_at - (START - NOW))
    filed.report(made, **report)
    validate(made, by=make.validator(), at=validated_at or made.ends_at + 2 * HOUR)
    return ServiceRequest.objects.get(pk=made.pk)


def period(*, state=PayPeriod.State.PUBLISHED, at: datetime = ENDED) -> PayPeriod:
    """The next period of what is validated, computed at `at`; exported as it would be, without its file."""
    made = statements.compute(by=make.validator(), at=at)
    if state != PayPeriod.State.DRAFT:
        made = statements.publish(made, by=make.validator(), at=at)
    if state == PayPeriod.State.EXPORTED:
        made.state = state
        made.save(update_fields=["state"])
    return made


def statement_of(user, period: PayPeriod) -> PayStatement:
    """What a period pays an interpreter."""
    return PayStatement.objects.get(period=period, interpreter=user)


def statement(of=None, *, days=14) -> PayStatement:
    """A published statement without a line, Alice's unless said, of a period that ended yesterday."""
    by, at = make.validator(), timezone.now()
    ends_on = timezone.localdate() - timedelta(days=1)
    given = {"starts_on": ends_on - timedelta(days=days - 1), "ends_on": ends_on}
    period = PayPeriod.objects.create(**given, computed_by=by, computed_at=at)
    made = PayStatement.objects.create(period=period, interpreter=of or make.alice(), total=0, line_count=0)
    statements.publish(period, by=by, at=at)
    return made
