"""Cancelling and reinstating: the notice is frozen with its inputs (ruling 12)."""

from datetime import date, timedelta

import pytest

from requests_app import exchanges, moves, services
from requests_app.models import CancellationReason, Holiday, ServiceRequest
from requests_app.workflow import NotAllowed, ServiceType, Status
from tests import make
from tests.make import HOUR, MICROSECOND, NOW, START, local

pytestmark = pytest.mark.django_db
LATER = NOW + HOUR


def cancel(service_request, by=None, at=LATER, reason=CancellationReason.BY_REQUESTER, **given):
    services.cancel(service_request, by=by or make.requester(), at=at, reason=reason, **given)


def notice(starts_at, received_at):
    """Of a request reserved long before: (business hours of the notice, is it late)."""
    made = make.reserved(starts_at=local(starts_at), at=local(starts_at) - timedelta(days=20))
    cancel(made, at=local(received_at))
    made.refresh_from_db()
    return made.notice_business_time / HOUR, made.is_late_cancellation


def topics(user):
    return list(user.notifications.filter(channel="email").order_by("id").values_list("topic", flat=True))


# The notice


@pytest.mark.parametrize(("late", "is_late"), [(-MICROSECOND, False), (timedelta(), False), (MICROSECOND, True)])
def test_exactly_48_business_hours_is_not_late(late, is_late):
    made = make.reserved()
    cancel(made, at=START - timedelta(hours=48) + late)
    assert made.is_late_cancellation is is_late


@pytest.mark.parametrize(
    ("starts_at", "received_at", "expected"),
    [
        ("2025-03-12 14:00", "2025-03-10 13:59", (48 + 1 / 60, False)),
        ("2025-03-12 14:00", "2025-03-10 14:00", (48, False)),
        ("2025-03-12 14:00", "2025-03-10 14:01", (48 - 1 / 60, True)),
        ("2025-03-17 10:00", "2025-03-14 09:00", (25, True)),
        ("2025-03-17 10:00", "2025-03-13 09:59", (48 + 1 / 60, False)),
        ("2024-12-27 10:00", "2024-12-20 09:59", (48 + 1 / 60, False)),
        ("2024-12-27 10:00", "2024-12-20 10:01", (48 - 1 / 60, True)),
    ],
)
def test_the_customers_examples(starts_at, received_at, expected):
    found = notice(starts_at, received_at)
    assert (pytest.approx(found[0]), found[1]) == expected


@pytest.mark.parametrize(
    ("starts_at", "received_at", "hours"),
    [
        # The weekends when the clock changes count nothing, as the others.
        ("2025-03-10 09:00", "2025-03-07 09:00", 24),
        ("2025-11-03 09:00", "2025-10-31 09:00", 24),
        # Received during Christmas, then in the middle of the night after it.
        ("2024-12-27 10:00", "2024-12-25 12:00", 10),
        ("2024-12-30 10:00", "2024-12-24 00:00", 34),
        # A closed day that falls on a Saturday is not moved.
        ("2024-01-03 10:00", "2023-12-29 10:00", 24),
    ],
)
def test_weekends_and_holidays_count_nothing(starts_at, received_at, hours):
    Holiday.objects.get_or_create(date=date(2023, 12, 31), defaults={"name": "Veille du jour de l’an"})
    assert notice(starts_at, received_at)[0] == hours


@pytest.mark.parametrize("late", [timedelta(), HOUR])
def test_a_notice_at_the_start_or_after_it_is_late(late):
    made = make.reserved()
    cancel(made, at=START + late)
    assert (made.notice_business_time, made.is_late_cancellation) == (timedelta(), True)


def test_the_closed_days_that_were_counted_are_kept():
    made = make.reserved(starts_at=local("2024-12-27 10:00"), at=local("2024-12-02 10:00"))
    cancel(made, at=local("2024-12-20 10:00"))
    Holiday.objects.filter(date=date(2024, 12, 26)).delete()
    made.refresh_from_db()
    assert made.notice_closed_days == [date(2024, 12, 24), date(2024, 12, 25), date(2024, 12, 26)]
    assert made.notice_received_at == local("2024-12-20 10:00")


def test_a_coordinator_enters_an_earlier_notice_with_a_note():
    made = make.reserved(at=NOW)
    cancel(made, by=make.coordinator(), at=START, received_at=LATER, note="Message laissé lundi")
    assert (made.notice_received_at, made.is_late_cancellation) == (LATER, False)


@pytest.mark.parametrize(
    ("give", "received_at", "note", "said"),
    [
        (make.requester, LATER, "Appel lundi", "Une note est requise"),
        (make.coordinator, LATER, "", "Une note est requise"),
        (make.coordinator, NOW - MICROSECOND, "Appel lundi", "entre la création de la demande et maintenant"),
        (make.coordinator, START + MICROSECOND, "Appel lundi", "entre la création de la demande et maintenant"),
    ],
)
def test_a_notice_is_not_rewritten(give, received_at, note, said):
    made = make.reserved(at=NOW)
    with pytest.raises(NotAllowed, match=said):
        cancel(made, by=give(), at=START, received_at=received_at, note=note)
    assert ServiceRequest.objects.get(pk=made.pk).status == Status.RESERVED


def test_a_notice_may_date_from_the_creation_itself():
    made = make.reserved(at=NOW)
    cancel(made, by=make.coordinator(), at=START, received_at=NOW, note="Dès l’appel")
    assert made.notice_received_at == NOW


# The reason


@pytest.mark.parametrize("reason", [r for r in CancellationReason if r != CancellationReason.BY_REQUESTER])
def test_a_requester_gives_their_own_reason_only(reason):
    with pytest.raises(NotAllowed, match="réservé à la BI"):
        cancel(make.reserved(), reason=reason)


def absent(made, **given):
    cancel(made, by=make.coordinator(), reason=CancellationReason.INTERPRETER_ABSENT, **given)


@pytest.mark.parametrize(
    ("at", "note", "words"),
    [
        (START - MICROSECOND, "La clinique a appelé", "à partir de l’heure de début"),
        (START, "", "Une note est requise"),
    ],
)
def test_an_interpreter_is_absent_from_the_start_on_with_a_note(at, note, words):
    made = make.reserved()
    with pytest.raises(NotAllowed, match=words):
        absent(made, at=at, note=note)
    absent(made, at=START, note="La clinique a appelé")
    assert made.status == Status.CANCELLED


@pytest.mark.parametrize("reason", [r for r in CancellationReason if r != CancellationReason.INTERPRETER_ABSENT])
def test_a_coordinator_gives_any_reason(reason):
    made = make.reserved()
    cancel(made, by=make.coordinator(), reason=reason)
    assert (made.status, made.cancellation_reason) == (Status.CANCELLED, reason)


# Who may, and what follows


@pytest.mark.parametrize("status", [Status.UNALLOCATED, Status.PENDING, Status.RESERVED, Status.MODIFIED])
def test_a_request_is_cancelled_until_it_is_provided(status):
    made = make.request(status)
    cancel(made)
    assert made.status == Status.CANCELLED


@pytest.mark.parametrize("status", [Status.PROVIDED, Status.CANCELLED, Status.COMPLETED])
def test_what_is_over_is_not_cancelled(status):
    made = make.request(status)
    with pytest.raises(NotAllowed, match="cette action n’est pas possible"):
        cancel(made, at=START + timedelta(days=1))


def test_an_interpreter_cannot_cancel():
    with pytest.raises(NotAllowed, match="cette action n’est pas possible"):
        cancel(make.reserved(make.alice()), by=make.alice())


def test_the_interpreter_is_told_and_keeps_the_cancelled_request():
    made = make.reserved(make.alice())
    cancel(made)
    assert topics(make.alice())[-1] == "cancelled"
    assert ServiceRequest.objects.visible_to(make.alice(), at=LATER).get() == made


def test_holders_of_offers_are_told_that_it_is_cancelled():
    made = make.pending(make.alice(), make.bob())
    cancel(made)
    reasons = [
        user.notifications.get(channel="email", topic="offer_gone").context["reason"]
        for user in (make.alice(), make.bob())
    ]
    assert reasons == ["La demande a été annulée."] * 2
    assert set(made.offers.values_list("state", flat=True)) == {"closed"}


def test_the_one_who_cancels_is_not_told():
    cancel(make.unallocated())
    assert topics(make.requester()) == []


def test_the_requester_is_told_that_the_bi_cancelled():
    cancel(make.unallocated(), by=make.coordinator(), reason=CancellationReason.NO_INTERPRETER)
    assert topics(make.requester()) == ["cancelled"]


def test_cancelling_settles_the_urgent_withdrawal():
    made = make.reserved(make.alice())
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=START - HOUR, body="Je suis malade.")
    cancel(made, at=START - HOUR)
    assert not made.messages.filter(urgency="asked").exists()


def test_a_stale_page_cancels_nothing():
    made = make.reserved()
    with pytest.raises(moves.Stale):
        cancel(made, version=made.version - 1)


# What the validators have to look at


def awaits_review(service_request):
    service_request.refresh_from_db()
    by_sql = ServiceRequest.objects.awaiting_review().filter(pk=service_request.pk).exists()
    assert by_sql is service_request.is_due_to_review
    return by_sql


def test_a_late_cancellation_reaches_the_validators_even_if_nothing_is_filed():
    made = make.reserved()
    cancel(made, at=START - HOUR)
    assert awaits_review(made)


def test_a_cancellation_in_time_pays_nothing():
    made = make.reserved()
    cancel(made)
    assert not awaits_review(made)
    with pytest.raises(NotAllowed, match="rien à payer"):
        services.validate(made, by=make.validator(), at=START)


@pytest.mark.parametrize(
    "given",
    [
        {"reason": CancellationReason.INTERPRETER_ABSENT},
        {"service_type": ServiceType.TRANSLATION},
        {"status": Status.UNALLOCATED},
    ],
    ids=str,
)
def test_some_late_cancellations_owe_nothing(given):
    reason = given.pop("reason", CancellationReason.BI_ERROR)
    made = make.request(given.pop("status", Status.RESERVED), **given)
    cancel(made, by=make.coordinator(), at=START, reason=reason, note="Constaté")
    assert made.is_late_cancellation
    assert not awaits_review(made)


# Reinstating


def reinstate(service_request, at=LATER, note="Annulée par erreur"):
    services.reinstate(service_request, by=make.coordinator(), at=at, note=note)


def test_a_cancellation_is_undone_before_the_start_and_everybody_told():
    made = make.cancelled(make.alice())
    reinstate(made)
    made.refresh_from_db()
    assert (made.status, made.interpreter) == (Status.UNALLOCATED, None)
    frozen = (made.cancellation_reason, made.notice_received_at, made.notice_business_time, made.notice_closed_days)
    assert (*frozen, made.is_late_cancellation) == ("", None, None, [], False)
    assert (topics(make.alice())[-1], topics(make.requester())[-1]) == ("reinstated", "reopened")


@pytest.mark.parametrize(("late", "may"), [(-MICROSECOND, True), (timedelta(), False), (MICROSECOND, False)])
def test_a_cancellation_is_undone_strictly_before_the_start(late, may):
    made = make.cancelled()
    try:
        reinstate(made, at=START + late)
    except NotAllowed:
        assert not may
    assert (made.status == Status.UNALLOCATED) is may


def test_the_guarantee_of_a_late_shortening_is_forgotten_with_the_cancellation():
    made, late = make.reserved(), START - HOUR
    services.modify(made, by=make.coordinator(), at=late, note="Accord", ends_at=START + HOUR)
    cancel(made, at=late)
    assert made.guaranteed_minutes == 90
    reinstate(made, at=late)
    assert made.guaranteed_minutes == 0


def test_undoing_needs_a_note():
    with pytest.raises(NotAllowed, match="Une note est requise"):
        reinstate(make.cancelled(), note="")


def test_a_cancellation_with_a_claim_is_not_undone():
    made = make.cancelled(make.alice())
    services.report(made, is_rendered=False, has_claim=True, by=make.alice(), at=LATER)
    with pytest.raises(NotAllowed, match="déjà été remplis"):
        reinstate(made)
