"""The demo's world: every status and service, made by the verbs alone, the same all day long."""

import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.core import serializers
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from accounts import phones
from accounts.bank import PHONE
from accounts.models import Institution, Notification, User
from accounts.notify import STALE_AFTER
from accounts.roles import STAFF_ROLES, Role
from completion.flagged import flags_of
from completion.flags import FlagKind
from completion.models import Attachment, Completion, Outcome
from ims.demo import texts, world
from ims.demo.telephones import REFUSALS
from requests_app.exchanges import written
from requests_app.models import CancellationReason, Facility, Message, Offer, ServiceRequest, Transition
from requests_app.workflow import BOOKED, SPOKEN, WITHDRAWAL_NOTICE, Action, ServiceType, Status
from tests import counts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("twin")]


@pytest.fixture(scope="module")
def twin(django_db_setup, django_db_blocker):
    """The day's world, in the database; its twin, as a fingerprint, with --long."""
    with django_db_blocker.unblock(), transaction.atomic():
        first = []
        if counts.is_long:
            with transaction.atomic():
                world.build(large=False, progress=str)
                first = fingerprint()
                transaction.set_rollback(True)
        world.build(large=False, progress=str)
        yield first
        transaction.set_rollback(True)


def fingerprint() -> list:
    """Everything a person could see of requests and their history, but numbers."""
    requests = ServiceRequest.objects.order_by("id").values_list(
        "status", "service_type", "language", "starts_at", "facility__name", "interpreter__username", "patient_name"
    )
    history = Transition.objects.order_by("id").values_list("action", "at", "by__username", "note")
    return [*requests, *history]


def star() -> User:
    return User.objects.get(username=world.ACCOUNTS[0][0])


def invited() -> User:
    return User.objects.get(username=world.ACCOUNTS[-1][0])


def mine(*statuses):
    return ServiceRequest.objects.filter(interpreter=star(), status__in=statuses)


@pytest.mark.long
def test_the_same_day_gives_the_same_world(twin):
    assert fingerprint() == twin


def test_the_world_has_the_size_announced():
    assert Institution.objects.filter(facilities__isnull=False).distinct().count() == 12
    assert Facility.objects.count() == 40
    assert User.objects.filter(role=Role.INTERPRETER).exclude(pk=invited().pk).count() == 60
    assert ServiceRequest.objects.count() == 140


def test_facilities_stand_in_montreal_and_five_other_regions():
    regions = set(Facility.objects.values_list("region", flat=True))
    assert "06" in regions
    assert len(regions) == 6


def test_there_is_every_status_every_service_type_and_every_fate_of_an_offer():
    assert set(ServiceRequest.objects.values_list("status", flat=True)) == set(Status)
    assert set(ServiceRequest.objects.values_list("service_type", flat=True)) == set(ServiceType)
    assert set(Offer.objects.values_list("state", flat=True)) == set(Offer.State)


def test_every_action_was_taken_by_somebody():
    assert set(Transition.objects.values_list("action", flat=True)) == set(Action)


def test_there_is_every_outcome_every_urgency_and_every_reason_to_cancel():
    assert set(Completion.objects.values_list("outcome", flat=True)) == set(Outcome)
    assert set(Message.objects.values_list("urgency", flat=True)) == set(Message.Urgency)
    reasons = set(ServiceRequest.objects.exclude(cancellation_reason="").values_list("cancellation_reason", flat=True))
    assert reasons == set(CancellationReason)


def test_each_history_leads_step_by_step_to_the_status():
    for made in ServiceRequest.objects.prefetch_related("transitions"):
        steps = sorted(made.transitions.all(), key=lambda step: step.pk)
        assert steps[0].from_status == ""
        assert all(before.to_status == after.from_status for before, after in pairwise(steps))
        assert steps[-1].to_status == made.status


def test_history_was_written_in_the_order_of_time_and_ends_before_today():
    instants = list(Transition.objects.order_by("id").values_list("at", flat=True))
    assert instants == sorted(instants)
    assert timezone.localdate(instants[-1]) < timezone.localdate()


def test_nobody_is_in_two_places_at_once():
    held = ServiceRequest.objects.filter(status__in=(*BOOKED, Status.COMPLETED), service_type__in=SPOKEN)
    held = held.exclude(completion__outcome=Outcome.CLAIM).filter(notice_received_at=None)
    slots = sorted(held.values_list("interpreter", "starts_at", "ends_at"))
    for (who, _, end), (other, start, _) in pairwise(slots):
        assert who != other or end <= start


def test_every_request_acheve_has_its_pay_lines():
    completed = ServiceRequest.objects.filter(status=Status.COMPLETED)
    assert not completed.filter(pay_lines=None).exists()
    assert not ServiceRequest.objects.exclude(status=Status.COMPLETED).exclude(pay_lines=None).exists()


def test_parking_comes_with_a_receipt_one_can_look_at():
    """But for the one that a validator has to see."""
    receipts = Attachment.objects.filter(kind=Attachment.Kind.PARKING_RECEIPT)
    assert Completion.objects.filter(parking_amount__gt=0).count() == receipts.count() + 1 >= 6
    for receipt in receipts:
        assert receipt.content_type == "image/jpeg"
        assert receipt.file.size < 60_000


def test_services_to_report_and_unanswered_starts_wait_for_somebody():
    past = ServiceRequest.objects.filter(starts_at__lt=timezone.now())
    assert past.filter(status=Status.RESERVED).count() >= 4
    assert past.filter(status=Status.UNALLOCATED).count() == 2


def test_validators_find_late_cancellations_claims_relays_and_returned_reports():
    waiting = ServiceRequest.objects.awaiting_review()
    assert waiting.filter(is_late_cancellation=True, filed_by=None).count() >= 2
    assert waiting.filter(completion__outcome=Outcome.CLAIM).count() == 2
    assert waiting.filter(completion__returned_at__isnull=False).count() == 2


def test_the_validators_queue_has_a_file_for_each_flag_and_the_others_are_clean():
    waiting = list(ServiceRequest.objects.awaiting_review())
    found = [flags for flags in flags_of(waiting).values() if flags]
    assert len(waiting) >= 30
    assert len(found) < len(waiting) / 2
    # Two files overlap, two are too far apart, two have one receipt; nobody has more than one thing to look at.
    twice = {FlagKind.OVERLAP, FlagKind.TRAVEL, FlagKind.SAME_FILE}
    assert Counter(flag.kind for flags in found for flag in flags) == {kind: 1 + (kind in twice) for kind in FlagKind}


# The account printed first.


def test_the_faq_case_is_paid_as_billing_computes():
    case = mine(Status.COMPLETED).get(starts_at__year=2024)
    assert written(case.communications.all()) == (
        "Communications :\n1- 2024-12-01 14h10 Confirmation du rendez-vous\n"
        "2- 2024-12-05 20h12 Rappel du rendez-vous à l’utilisateur"
    )
    amounts = {line.kind: line.amount for line in case.pay_lines.all()}
    assert amounts["service"] == Decimal("82.00")
    assert amounts["communications"] == Decimal("20.50")
    assert sum(amounts.values()) == Decimal("102.50")


def test_the_first_interpreter_has_two_offers_to_answer_by_tomorrow():
    waiting = star().offers.open_at(timezone.now())
    assert waiting.count() == 2
    assert {timezone.localdate(offer.answer_by) for offer in waiting} == {timezone.localdate() + timedelta(days=1)}


def test_the_first_interpreter_has_something_of_everything():
    kinds = Counter(ServiceRequest.objects.filter(interpreter=star()).values_list("status", flat=True))
    assert kinds[Status.MODIFIED] == 1
    assert kinds[Status.RESERVED] == 4
    assert kinds[Status.PROVIDED] >= 3
    assert kinds[Status.COMPLETED] >= 5
    assert mine(Status.CANCELLED).get().is_late_cancellation


def test_the_first_interpreter_may_withdraw_by_path_a_and_comes_too_late_for_another():
    now, ahead = timezone.now(), mine(Status.RESERVED).filter(starts_at__gt=timezone.now())
    far = ahead.filter(starts_at__gt=now + WITHDRAWAL_NOTICE)
    assert far.filter(communications__isnull=False).distinct().count() == 1
    assert ahead.filter(starts_at__lte=now + WITHDRAWAL_NOTICE).count() == 1
    assert mine(Status.RESERVED).filter(starts_at__lt=now).count() == 1


# Nobody real.


def test_names_telephones_and_addresses_are_nobodys():
    phones = set()
    for model in (User, ServiceRequest, Message, Transition):
        phones |= set(re.findall(r"\d{3}-\d{3}-\d{4}", serializers.serialize("json", model.objects.all())))
    assert {phone for phone in phones if not re.fullmatch(r"\d{3}-555-01\d\d", phone)} <= {PHONE}
    emails = User.objects.exclude(role=Role.SYSTEM).values_list("email", flat=True)
    assert all(email.endswith(".example") for email in emails)
    patients = ServiceRequest.objects.exclude(patient_name="").values_list("patient_name", flat=True)
    assert {name.split()[-1] for name in patients} <= set(texts.PATIENT_SURNAMES)


def test_every_account_printed_signs_in(client):
    assert world.exists()
    for username, role, _ in world.ACCOUNTS:
        assert client.login(username=username, password=world.PASSWORD) == (username != invited().username)
        assert User.objects.get(username=username).get_role_display() == role


def test_whoever_is_invited_has_no_password_yet_and_will_get_one_by_e_mail(mailoutbox):
    assert (invited().has_usable_password(), invited().interpreter_profile.languages.count()) == (False, 1)
    waiting = invited().notifications.get()
    assert (waiting.topic, waiting.channel, waiting.state) == ("invitation", "email", "due")


def test_the_bi_and_one_interpreter_give_a_code_by_sms():
    protected = User.objects.filter(second_factor="sms", codedevice__confirmed=True, codedevice__channel="sms")
    assert set(protected.filter(role=Role.INTERPRETER).values_list("username", flat=True)) == {"nadia.benkirane"}
    staff = User.objects.filter(role__in=STAFF_ROLES)
    assert set(staff) == set(protected.exclude(role=Role.INTERPRETER))


def test_every_telephone_can_be_written_to():
    numbers = set(User.objects.exclude(role=Role.SYSTEM).values_list("mobile_phone", flat=True))
    assert len(numbers) == User.objects.exclude(role=Role.SYSTEM).count()
    assert {phones.parse(number) for number in numbers} == numbers
    assert not [number for number in numbers if number[-4:] in REFUSALS]


def test_only_the_last_day_is_sent_and_the_worker_is_woken_once():
    due = Notification.objects.filter(state=Notification.State.DUE)
    assert not due.filter(created_at__lt=timezone.now() - STALE_AFTER - timedelta(minutes=10)).exists()
    assert OrmQ.objects.count() == 1
