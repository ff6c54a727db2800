"""What a validator adds to the pay of a request before Achevé, or takes off, with a reason (domain.md, « Pay »).

Parking or mileage after a late cancellation; a report left unanswered by its interpreter. After Achevé: `adjust`.
"""

from datetime import datetime
from decimal import Decimal

from accounts.models import User
from billing import rules
from billing.models import AddedLine
from billing.services import NEGATIVE, added_lines, estimate
from requests_app import moves
from requests_app.models import ServiceRequest
from requests_app.moves import Stale, verb
from requests_app.workflow import Action, NotAllowed, next_status

# Two weeks of presence: more is a typing error.
MOST_ADDED = Decimal(10_000)
NOT_AN_AMOUNT = "Entrez un montant positif, de 10\u00a0000\u00a0$ au plus; choisissez Ajouter ou Retrancher."
GONE = "Cette ligne n’est plus celle que vous avez lue."


@verb
def add_line(
    service_request: ServiceRequest, facts: rules.Facts, *, by: User, at: datetime, amount: Decimal, reason: str
) -> AddedLine:
    """Add `amount` dollars, or take them off when negative, for whoever holds the request.

    `facts` are what the request pays by itself: the total stays 0 or more. Raises NotAllowed for whoever may not
    validate the request, for an amount or a reason that is none.
    """
    service_request.lock()
    check_may_validate(service_request, by, at=at)
    reason = reason.strip()
    _check(amount, reason)
    added = {"interpreter": service_request.interpreter, "added_by": by, "added_at": at}
    line = AddedLine.objects.create(service_request=service_request, amount=amount, reason=reason, **added)
    _check_total(service_request, facts)
    return line


@verb
def remove_line(service_request: ServiceRequest, facts: rules.Facts, *, line: int, by: User, at: datetime) -> AddedLine:
    """Take back the added line of this key: it is kept and pays nothing. Raises NotAllowed (four eyes), Stale."""
    service_request.lock()
    check_may_validate(service_request, by, at=at)
    row = next((row for row in added_lines(service_request) if row.pk == line), None)
    if row is None:
        raise Stale(GONE)
    row.removed_by, row.removed_at = by, at
    row.save()
    _check_total(service_request, facts)
    return row


def check_may_validate(service_request: ServiceRequest, user: User, *, at: datetime) -> None:
    """Raise NotAllowed unless the table lets `user` validate the request as it stands: four eyes, until Achevé."""
    facts = moves.facts_of(service_request, user, at=at)
    next_status(service_request.status, Action.VALIDATE, user.role, facts=facts)


def _check(amount: Decimal, reason: str) -> None:
    most = AddedLine._meta.get_field("reason").max_length
    if not 0 < len(reason) <= most:
        raise NotAllowed(f"Donnez la raison de la ligne ajoutée, en {most}\u00a0caractères au plus.")
    if not (amount.is_finite() and 0 < abs(amount) <= MOST_ADDED and amount == round(amount, 2)):
        raise NotAllowed(NOT_AN_AMOUNT)


def _check_total(service_request: ServiceRequest, facts: rules.Facts) -> None:
    try:
        total = estimate(service_request, facts).total
    except rules.RuleError as error:
        raise NotAllowed(str(error)) from error
    if total < 0:
        raise NotAllowed(NEGATIVE)
