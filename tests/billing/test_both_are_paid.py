"""Who is paid for a late cancellation and takes another request over that time is paid for both, as each would be."""

import pytest

from billing.services import estimate
from completion.facts import pay_facts
from requests_app.models import ServiceRequest
from tests import make
from tests.requests_app.bank import booked, cancelled_late, living, reasons

pytestmark = pytest.mark.django_db


def paid(made) -> list[str]:
    fresh = ServiceRequest.objects.get(pk=made.pk)
    return [f"{line.kind} {line.amount}" for line in estimate(fresh, pay_facts(fresh)).lines]


def test_the_pay_of_both_requests_is_unchanged():
    alone = cancelled_late(living("Bob"))
    late = cancelled_late(living("Alice"))
    assert "déjà payé·e pour une annulation tardive, libre" in reasons(make.unallocated(), make.alice())
    taken = booked(make.alice(), make.START)
    assert paid(late) == paid(alone) == ["late_cancellation 82.00"]
    assert paid(taken) == paid(booked(living("Charlie"), make.START))
    assert "service 82.00" in paid(taken)
