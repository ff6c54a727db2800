"""One period with everything in it: each kind of line, a correction, a negative, a zero, a service over midnight."""

from datetime import timedelta
from decimal import Decimal

from billing.added import add_line
from billing.ledger import adjust, ledger
from billing.models import PayPeriod
from completion.decisions import validate
from completion.facts import pay_facts
from requests_app import offers, services
from requests_app.models import CancellationReason, ServiceRequest
from requests_app.workflow import ServiceType
from tests import make
from tests.billing import make as pay
from tests.completion import make as filed
from tests.make import HOUR, NOW, START, local

DAY = timedelta(days=1)
# What a validator typed of persons whom the reader of a file may not know.
TYPED = "Vu avec Alice Nom-de-Alice\u00a0: M. Ulric Vandemoortele, DX-774411, suivi par la Dre Zéphyrine Quanteau."


def mixed(*, state=PayPeriod.State.PUBLISHED) -> PayPeriod:
    """Alice's and Bob's fortnight, for two establishments."""
    corrected(visit())
    legacy()
    late()
    written()
    pay.paid(make.bob(), starts_at=local("2025-03-06 22:30"), distance_km=Decimal("12"))
    return pay.period(state=state)


def visit() -> ServiceRequest:
    """On site, with mileage, parking, communications paid or not, and what the BI takes off."""
    made = make.reserved(are_communications_requested=True)
    make.communication(made)
    filed.attach(made)
    filed.report(made, distance_km=Decimal("18.4"), parking_amount=Decimal("14.00"))
    at, given = made.ends_at + HOUR, {"amount": Decimal("-2.50"), "reason": TYPED}
    add_line(made, pay_facts(made), by=make.validator(), at=at, **given)
    validate(made, by=make.validator(), at=made.ends_at + 2 * HOUR)
    return made


def corrected(made: ServiceRequest) -> None:
    line = ledger(made)[0]
    adjust(line, by=make.validator(), at=START + 6 * HOUR, amount=Decimal("71.37"), reason=TYPED)


def legacy() -> None:
    """Under the former tariff, travel time is paid."""
    pay.paid(starts_at=local("2024-11-01 13:00"), validated_at=START, travel_minutes=47)


def late() -> None:
    place = make.facility("Pavillon", make.other_institution())
    other = {"institution": place.institution, "facility": place, "by": make.other_requester()}
    made = make.pending(make.bob(), starts_at=START + DAY, **other)
    offers.accept(made, by=make.bob(), at=NOW)
    services.cancel(made, by=make.coordinator(), at=START, reason=CancellationReason.BY_REQUESTER)
    validate(made, by=make.validator(), at=START + HOUR)


def written() -> None:
    made = make.reserved(make.bob(), service_type=ServiceType.TRANSLATION, starts_at=START - HOUR)
    filed.report(made, word_count=1243)
    validate(made, by=make.validator(), at=made.ends_at + 2 * HOUR)
