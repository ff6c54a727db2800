"""Filing and correcting the « Détails de l'achèvement » (rulings 4 to 6)."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from billing.services import estimate
from completion import decisions, services
from completion.facts import facts_of
from completion.models import Completion, CompletionRevision, Outcome
from completion.services import Unfit
from requests_app import services as requests
from requests_app.models import CancellationReason, Communication, ServiceRequest
from requests_app.moves import Stale
from requests_app.workflow import NotAllowed, ServiceType, Status
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, MICROSECOND, NOW, START

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
END = START + make.LENGTH


def cancelled_late(**fields):
    """Cancelled by the requester an hour before the start."""
    made = make.reserved(make.alice(), **fields)
    at = made.starts_at - HOUR
    requests.cancel(made, by=make.requester(), at=at, reason=CancellationReason.BY_REQUESTER)
    return made


def relayed():
    """Alice withdrew after one communication: what she made is hers to be paid."""
    made = make.reserved(make.alice())
    make.communication(made, made_at=NOW)
    return requests.mark_unallocated(made, by=make.alice(), at=NOW + HOUR)


# Opening


@pytest.mark.parametrize(("after", "is_open"), [(-SECOND, False), (timedelta(), True), (SECOND, True)])
def test_the_report_opens_at_the_start(after, is_open):
    made = make.reserved()
    assert services.may_file(made, make.alice(), at=START + after) is is_open


@pytest.mark.parametrize(("after", "is_open"), [(-SECOND, False), (timedelta(), True), (SECOND, True)])
def test_a_last_minute_cancellation_is_filed_from_the_start(after, is_open):
    made = make.reserved()
    try:
        filed.report(made, at=START + after, outcome=Outcome.CANCELLED)
    except NotAllowed as error:
        assert not is_open
        assert "s’ouvrent à l’heure de début" in str(error)
    assert (made.status == Status.CANCELLED) is is_open


def test_a_modified_request_can_be_filed():
    made = make.modified()
    filed.report(made)
    assert made.status == Status.PROVIDED


@pytest.mark.parametrize("status", [Status.UNALLOCATED, Status.PENDING, Status.COMPLETED])
def test_nothing_is_filed_in_another_status(status):
    made = make.request(status)
    with pytest.raises(NotAllowed):
        filed.report(made, by=make.alice())
    assert not Completion.objects.exists()


def test_a_colleague_files_nothing():
    with pytest.raises(NotAllowed, match="ne vous est pas attribuée"):
        filed.report(make.reserved(), by=make.bob())


def test_a_refused_report_leaves_the_request_as_it_was():
    made = make.reserved()
    with pytest.raises(Unfit):
        filed.report(made, actual_ends_at=START - HOUR)
    stored = ServiceRequest.objects.get(pk=made.pk)
    assert (made.status, made.version) == (stored.status, stored.version) == (Status.RESERVED, stored.version)
    assert getattr(made, "completion", None) is None


# What happened


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.RENDERED, Status.PROVIDED),
        (Outcome.CANCELLED, Status.CANCELLED),
        (Outcome.PATIENT_ABSENT, Status.CANCELLED),
        (Outcome.PROFESSIONAL_ABSENT, Status.CANCELLED),
    ],
)
def test_the_status_follows_what_happened(outcome, status):
    made = make.reserved()
    filed.report(made, outcome=outcome)
    assert made.status == status
    assert ServiceRequest.objects.awaiting_review().filter(pk=made.pk).exists()


@pytest.mark.parametrize(("after_end", "is_fit"), [(-MICROSECOND, False), (timedelta(), True), (MICROSECOND, True)])
def test_the_actual_end_is_not_in_the_future(after_end, is_fit):
    made = make.reserved()
    try:
        filed.report(made, at=END + after_end)
    except Unfit as error:
        assert not is_fit
        assert error.field == "actual_ends_at"
    assert (made.status == Status.PROVIDED) is is_fit


@pytest.mark.parametrize("length", [-HOUR, timedelta()])
def test_the_end_follows_the_start(length):
    with pytest.raises(Unfit, match="La fin doit suivre le début") as refused:
        filed.report(make.reserved(), actual_ends_at=START + length)
    assert refused.value.field == "actual_ends_at"


def test_a_presence_needs_its_two_times():
    with pytest.raises(Unfit) as refused:
        filed.report(make.reserved(), actual_starts_at=None)
    assert refused.value.field == "actual_starts_at"


def test_a_cancellation_is_not_learnt_in_the_future():
    made = make.reserved()
    with pytest.raises(Unfit) as refused:
        filed.report(made, at=END, outcome=Outcome.CANCELLED, told_at=END + SECOND)
    assert refused.value.field == "told_at"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"distance_km": Decimal("12.5")}, "distance_km"),
        ({"parking_amount": Decimal("4.00")}, "parking_amount"),
        ({"word_count": 120}, "word_count"),
    ],
)
def test_a_telephone_service_has_no_distance_parking_or_words(fields, field):
    made = make.reserved(service_type=ServiceType.PHONE)
    with pytest.raises(Unfit) as refused:
        filed.report(made, **fields)
    assert refused.value.field == field


def test_a_translation_needs_its_words():
    made = make.reserved(service_type=ServiceType.TRANSLATION)
    with pytest.raises(Unfit) as refused:
        filed.report(made)
    assert refused.value.field == "word_count"


def test_nobody_is_absent_from_a_translation():
    made = make.reserved(service_type=ServiceType.TRANSLATION)
    with pytest.raises(Unfit) as refused:
        filed.report(made, outcome=Outcome.PATIENT_ABSENT, word_count=10)
    assert refused.value.field == "outcome"


def test_a_negative_distance_is_refused_beside_its_field():
    with pytest.raises(Unfit) as refused:
        filed.report(make.reserved(), distance_km=Decimal("-1"))
    assert refused.value.field == "distance_km"


def test_a_zero_as_the_faq_types_it_claims_nothing():
    made = make.reserved()
    kept = filed.report(made, distance_km=Decimal(0), parking_amount=Decimal("0.00"))
    mileage = next(line for line in estimate(made, facts_of(made, kept)).lines if line.kind == "mileage")
    assert (kept.distance_km, kept.parking_amount) == (None, None)
    assert mileage.reason.startswith("Aucune distance déclarée")


def test_an_unknown_field_is_a_fault_of_the_caller():
    with pytest.raises(TypeError):
        filed.report(make.reserved(), status="completed")


# Sent twice


def test_the_same_submission_twice_is_one_report():
    made, key = make.reserved(), uuid.uuid4()
    first = filed.report(made, key=key, communications=[filed.row(NOW)])
    second = filed.report(made, key=key, communications=[filed.row(NOW)])
    assert first == second
    assert (CompletionRevision.objects.count(), Communication.objects.count(), second.revision) == (1, 1, 1)


FILED = {"distance_km": Decimal("18.4"), "communications": [filed.row(NOW)], "comments": "Merci"}


@pytest.mark.parametrize(("changed", "count"), [({}, 1), ({"distance_km": Decimal("18.40")}, 1), ({"comments": ""}, 2)])
def test_a_report_saved_again_is_a_correction_only_when_it_says_something_else(changed, count):
    made = make.reserved()
    filed.report(made, **FILED)
    version, [row] = made.version, made.communications.all()
    again = filed.report(made, at=END + 2 * HOUR, **FILED | changed)
    assert (again.revision, made.version - version) == (count, count - 1)
    assert list(made.communications.all()) == [row]


def test_a_report_returned_for_correction_is_filed_again_as_it_is():
    made = make.reserved()
    filed.report(made)
    decisions.return_for_correction(made, by=make.validator(), at=END + 2 * HOUR, reason="Vérifiez")
    assert (filed.report(made, at=END + 3 * HOUR).revision, made.completion.returned_at) == (2, None)


def test_a_stranger_learns_nothing_from_a_report_sent_again():
    made = make.reserved()
    filed.report(made)
    with pytest.raises(NotAllowed):
        filed.report(made, by=make.bob())


def test_a_submission_repeated_after_its_page_went_stale_is_still_the_same():
    made, key = make.reserved(), uuid.uuid4()
    version = made.version
    first = filed.report(made, key=key, version=version)
    assert filed.report(made, key=key, version=version) == first


def test_the_same_key_with_another_content_is_refused():
    made, key = make.reserved(), uuid.uuid4()
    filed.report(made, key=key)
    with pytest.raises(NotAllowed, match="un autre contenu"):
        filed.report(made, key=key, waiting_minutes=10)
    assert made.completion.waiting_minutes == 0


def test_a_key_of_another_request_is_refused():
    made, other, key = make.reserved(), make.reserved(starts_at=START + timedelta(days=1)), uuid.uuid4()
    filed.report(made, key=key, **filed.times(made))
    with pytest.raises(NotAllowed, match="un autre contenu"):
        filed.report(other, key=key, **filed.times(made))


def test_a_form_opened_before_a_change_is_stale():
    made = make.reserved()
    version = made.version
    requests.modify(made, by=make.coordinator(), at=NOW, instructions="Autre porte")
    with pytest.raises(Stale):
        filed.report(made, version=version)
    assert not Completion.objects.exists()


# Correcting


def test_a_correction_is_a_new_revision_and_both_are_kept():
    made = filed.provided()
    filed.report(made, at=END + 2 * HOUR, waiting_minutes=20)
    kept = list(made.completion.revisions.values_list("number", "data__waiting_minutes"))
    assert kept == [(1, 0), (2, 20)]
    assert made.completion.filed_at == END + HOUR


def test_a_field_that_is_not_given_keeps_its_value():
    made = make.reserved()
    filed.report(made, distance_km=Decimal("18.4"))
    services.file(made, by=make.alice(), at=END + 2 * HOUR, outcome=Outcome.RENDERED, waiting_minutes=5)
    assert made.completion.distance_km == Decimal("18.4")


def test_the_target_follows_the_correction():
    made = filed.provided()
    filed.report(made, at=END + 2 * HOUR, outcome=Outcome.CANCELLED)
    assert made.status == Status.CANCELLED
    assert made.completion.actual_starts_at is None
    filed.report(made, at=END + 3 * HOUR)
    assert made.status == Status.PROVIDED


def test_a_correction_that_takes_a_slot_taken_meanwhile_is_refused():
    made = make.reserved()
    filed.report(made, at=START, outcome=Outcome.CANCELLED)
    other = make.unallocated(starts_at=START, at=NOW)
    requests.assign(other, make.alice(), by=make.coordinator(), at=START, note="Remplacement au même moment.")
    with pytest.raises(NotAllowed, match="déjà une demande à ce moment"):
        filed.report(made, at=END + 2 * HOUR)


def test_nothing_is_corrected_after_validation():
    made = filed.provided()
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    with pytest.raises(NotAllowed):
        filed.report(made, at=END + 3 * HOUR)
    assert made.completion.revision == 1


def test_a_revision_never_changes():
    revision = filed.provided().completion.revisions.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        CompletionRevision.objects.filter(pk=revision.pk).update(number=7)


# On behalf


def test_a_coordinator_files_on_behalf_with_a_note():
    made = make.reserved()
    filed.report(made, by=make.coordinator(), note="Remis par téléphone le 7 mars.")
    step = made.transitions.last()
    assert (step.by, step.on_behalf_of, made.completion.filed_by) == (
        make.coordinator(),
        make.alice(),
        make.coordinator(),
    )


def test_a_coordinator_without_a_note_files_nothing():
    with pytest.raises(NotAllowed, match="Une note est requise"):
        filed.report(make.reserved(), by=make.coordinator())


@pytest.mark.parametrize("who", [make.requester, make.validator, make.administrator])
def test_nobody_else_files_on_behalf(who):
    with pytest.raises(NotAllowed):
        filed.report(make.reserved(), by=who(), note="Une note")


# Claims and relays


def test_communications_are_claimed_on_a_request_cancelled_in_time():
    made = make.cancelled()
    filed.report(made, at=NOW + HOUR, outcome=Outcome.CLAIM, communications=[filed.row(NOW)])
    assert (made.status, made.completion.outcome) == (Status.CANCELLED, Outcome.CLAIM)
    assert ServiceRequest.objects.awaiting_review().filter(pk=made.pk).exists()


def test_a_claim_of_nothing_is_refused():
    with pytest.raises(Unfit, match="Inscrivez au moins une communication"):
        filed.report(make.cancelled(), outcome=Outcome.CLAIM)


def test_a_late_cancellation_can_be_claimed_with_nothing_more():
    made = cancelled_late()
    filed.report(made, outcome=Outcome.CLAIM)
    assert made.filed_by == make.alice()


def test_a_claim_is_corrected():
    made = cancelled_late()
    filed.report(made, outcome=Outcome.CLAIM, communications=[filed.row(NOW)])
    filed.report(made, at=END + 2 * HOUR, outcome=Outcome.CLAIM, communications=[])
    assert (made.completion.revision, made.communications.count()) == (2, 0)


@pytest.mark.parametrize("outcome", [Outcome.RENDERED, Outcome.CANCELLED])
def test_a_request_cancelled_by_its_requester_is_only_claimed(outcome):
    with pytest.raises(NotAllowed, match="ne peut pas être déclaré rendu"):
        filed.report(cancelled_late(), outcome=outcome)


def test_a_request_nobody_cancelled_is_not_claimed():
    with pytest.raises(NotAllowed, match="n’a pas été annulée"):
        filed.report(make.reserved(), outcome=Outcome.CLAIM)


def test_a_relay_is_corrected_with_its_communications():
    relay = relayed()
    rows = [filed.row(NOW), filed.row(NOW - HOUR)]
    filed.report(relay, at=NOW + 2 * HOUR, communications=rows, comments="Deux appels.")
    assert (relay.status, relay.communications.count()) == (Status.PROVIDED, 2)


def test_a_relay_is_always_rendered():
    with pytest.raises(Unfit) as refused:
        filed.report(relayed(), at=NOW + 2 * HOUR, outcome=Outcome.CANCELLED)
    assert refused.value.field == "outcome"


# Review


def test_a_returned_report_says_why_until_it_is_corrected():
    made = filed.provided()
    decisions.return_for_correction(made, by=make.validator(), at=END + 2 * HOUR, reason="Vérifiez la fin.")
    made.refresh_from_db()
    assert (made.status, made.completion.return_reason) == (Status.PROVIDED, "Vérifiez la fin.")
    filed.report(made, at=END + 3 * HOUR)
    assert (made.completion.returned_at, made.completion.return_reason) == (None, "")


def test_a_relay_nobody_filed_can_be_returned():
    relay = relayed()
    decisions.return_for_correction(relay, by=make.validator(), at=NOW + 2 * HOUR, reason="Quel appel?")
    assert (relay.completion.revision, relay.completion.return_reason) == (0, "Quel appel?")


def test_a_report_is_not_returned_without_a_reason():
    with pytest.raises(NotAllowed, match="note est requise"):
        decisions.return_for_correction(filed.provided(), by=make.validator(), at=END + 2 * HOUR, reason="")


@pytest.mark.parametrize("who", [make.alice, make.coordinator, make.requester, make.administrator])
def test_only_a_validator_validates_or_returns(who):
    made = filed.provided()
    with pytest.raises(NotAllowed):
        decisions.validate(made, by=who(), at=END + 2 * HOUR)
    with pytest.raises(NotAllowed):
        decisions.return_for_correction(made, by=who(), at=END + 2 * HOUR, reason="Non")


def test_a_correction_after_the_page_was_read_stops_the_validation():
    made = filed.provided()
    seen, version = decisions.fingerprint(made), made.version
    filed.report(made, at=END + 2 * HOUR, waiting_minutes=20)
    with pytest.raises(Stale):
        decisions.validate(made, by=make.validator(), at=END + 3 * HOUR, version=version, seen=seen)
    assert made.status == Status.PROVIDED


def test_a_receipt_added_after_the_page_was_read_stops_the_validation():
    made = filed.provided()
    seen = decisions.fingerprint(made)
    filed.attach(made)
    with pytest.raises(Stale):
        decisions.validate(made, by=make.validator(), at=END + 3 * HOUR, version=made.version, seen=seen)


def test_a_communication_logged_after_the_page_was_read_stops_the_validation():
    made = filed.provided()
    seen = decisions.fingerprint(made)
    make.communication(made, made_at=END + HOUR)
    with pytest.raises(Stale):
        decisions.validate(made, by=make.validator(), at=END + 3 * HOUR, seen=seen)


def test_parking_without_a_receipt_is_not_validated():
    made = make.reserved()
    filed.report(made, parking_amount=Decimal("14.00"))
    with pytest.raises(NotAllowed, match="n’a pas de facture"):
        decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    assert (made.status, made.pay_lines.count()) == (Status.PROVIDED, 0)
    filed.attach(made)
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    assert made.pay_lines.get(kind="parking").amount == Decimal("14.00")


def test_a_validated_report_freezes_its_lines_with_their_facts():
    made = make.reserved()
    filed.report(made, distance_km=Decimal("18.4"))
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    lines = {line.kind: line for line in made.pay_lines.all()}
    assert (lines["service"].amount, lines["mileage"].amount) == (Decimal("82.00"), Decimal("22.82"))
    assert lines["service"].inputs["actual_minutes"] == 90


def test_no_later_tariff_changes_a_frozen_line():
    made = filed.provided()
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    line = made.pay_lines.get(kind="service")
    make.policy("2025-01-01", hourly_rate=99, minimum_minutes=15)
    assert made.pay_lines.get(kind="service").amount == line.amount == Decimal("82.00")


def test_a_late_cancellation_with_nothing_filed_is_validated():
    made = cancelled_late()
    decisions.validate(made, by=make.validator(), at=END)
    assert made.pay_lines.get().amount == Decimal("82.00")


def test_a_relay_with_nothing_filed_is_validated():
    made = make.reserved(are_communications_requested=True)
    make.communication(made, made_at=NOW)
    relay = requests.mark_unallocated(made, by=make.alice(), at=NOW + HOUR)
    decisions.validate(relay, by=make.validator(), at=NOW + 2 * HOUR)
    assert relay.pay_lines.get().amount == Decimal("10.25")
