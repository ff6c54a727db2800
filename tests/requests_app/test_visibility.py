"""Who sees which requests (domain.md, « Statuses » and « Privacy »)."""

from datetime import timedelta

import pytest
from django.db import transaction

from requests_app import offers, services
from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.make import HOUR, MICROSECOND, NOW, START

pytestmark = pytest.mark.django_db
LATER = NOW + HOUR


def sees(user, service_request, at=LATER):
    return ServiceRequest.objects.visible_to(user, at=at).filter(pk=service_request.pk).exists()


def once_knew(user, service_request):
    return ServiceRequest.objects.once_known_to(user).filter(pk=service_request.pk).exists()


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(
    ("give", "may"),
    [
        (make.coordinator, True),
        (make.validator, True),
        (make.requester, True),
        (make.other_requester, False),
        (make.charlie, False),
        (make.administrator, False),
        (make.system, False),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_staff_and_the_establishment_see_a_request_in_every_status(status, give, may):
    assert sees(give(), make.request(status)) is may


@pytest.mark.parametrize("status", Status)
def test_an_interpreter_sees_what_is_offered_or_theirs(status):
    assert sees(make.alice(), make.request(status)) is (status != Status.UNALLOCATED)


@pytest.mark.parametrize(("late", "may"), [(-MICROSECOND, True), (timedelta(), False), (MICROSECOND, False)])
def test_an_offer_past_its_deadline_is_gone_before_the_job_ran(late, may):
    made = make.pending(make.alice(), answer_by=LATER)
    assert sees(make.alice(), made, at=LATER + late) is may


def refused(made):
    offers.refuse(made, by=make.alice(), at=LATER)


def taken_by_bob(made):
    offers.accept(made, by=make.bob(), at=LATER)


def retracted(made):
    offers.retract(made, make.alice(), by=make.coordinator(), at=LATER)


def expired(made):
    offers.expire_due(START)


def cancelled(made):
    services.cancel(made, by=make.requester(), at=LATER, reason="by_requester")


def assigned_to_bob(made):
    services.assign(made, make.bob(), by=make.coordinator(), at=LATER, note="Entente")


GONE = [refused, taken_by_bob, retracted, expired, cancelled, assigned_to_bob]


@pytest.mark.parametrize("lose", GONE, ids=lambda lose: lose.__name__)
def test_an_offer_that_is_gone_is_gone_from_every_list(lose):
    made = make.pending(make.alice(), make.bob())
    lose(made)
    assert not sees(make.alice(), made)
    assert once_knew(make.alice(), made)


def withdrew(made):
    services.mark_unallocated(made, by=make.alice(), at=LATER)


def released(made):
    services.mark_unallocated(made, by=make.coordinator(), at=LATER, note="Erreur")


def reassigned(made):
    services.reassign(made, make.bob(), by=make.coordinator(), at=LATER, note="Entente")


def reinstated(made):
    services.cancel(made, by=make.requester(), at=LATER, reason="by_requester")
    services.reinstate(made, by=make.coordinator(), at=LATER, note="Erreur")


@pytest.mark.parametrize("lose", [withdrew, released, reassigned, reinstated], ids=lambda lose: lose.__name__)
@pytest.mark.parametrize("how", ["accepted", "assigned"])
def test_who_no_longer_has_a_request_no_longer_sees_it(lose, how):
    if how == "accepted":
        made = make.reserved(make.alice())
    else:
        made = make.unallocated()
        services.assign(made, make.alice(), by=make.coordinator(), at=NOW, note="Entente")
    lose(made)
    assert not sees(make.alice(), made)
    assert once_knew(make.alice(), made)


def test_a_stranger_never_knew():
    made = make.reserved(make.alice())
    assert not once_knew(make.charlie(), made)
    assert not once_knew(make.bob(), made)


def test_the_two_halves_of_a_list_are_what_an_interpreter_sees():
    for status in Status:
        make.request(status, starts_at=START + list(Status).index(status) * timedelta(days=1))
    mine, at = ServiceRequest.objects, LATER
    halves = {*mine.assigned_to(make.alice()), *mine.offered_to(make.alice(), at=at)}
    assert halves == set(mine.visible_to(make.alice(), at=at))
    assert len(halves) == len(Status) - 1


def test_a_row_found_by_key_can_be_locked():
    made = make.pending(make.alice())
    with transaction.atomic():
        rows = ServiceRequest.objects.visible_to(make.alice(), at=LATER).select_for_update(no_key=True, of=("self",))
        assert rows.get(pk=made.pk) == made
