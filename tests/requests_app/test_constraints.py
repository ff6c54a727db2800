"""The database refuses nonsense too, whoever writes it; and says so in French when Django is asked first."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from requests_app.models import Communication, Facility, Holiday, Message, Offer, ServiceRequest, Transition
from requests_app.workflow import Status
from tests import make
from tests.make import HOUR, NOW, START

pytestmark = pytest.mark.django_db

# What: (status of a request, the lie told of it, the constraint, the sentence)
LIES = {
    "an unknown status": ("reserved", {"status": "perdu"}, "request_has_a_known_status", "Statut inconnu."),
    "an end before the start": (
        "reserved",
        {"ends_at": START},
        "request_ends_after_it_starts",
        "La fin doit suivre le début.",
    ),
    "on site nowhere": (
        "reserved",
        {"facility": None},
        "on_site_request_has_a_facility",
        "Un service en présence a lieu dans une installation.",
    ),
    "reserved for nobody": (
        "reserved",
        {"interpreter": None},
        "reserved_has_interpreter",
        "Une demande réservée a un interprète.",
    ),
    "provided by nobody": (
        "provided",
        {"interpreter": None},
        "reserved_has_interpreter",
        "Une demande réservée a un interprète.",
    ),
    "unallocated but held": (
        "reserved",
        {"status": "unallocated"},
        "unallocated_has_no_interpreter",
        "Une demande non allouée n’a pas d’interprète.",
    ),
    "pending but held": (
        "reserved",
        {"status": "pending"},
        "unallocated_has_no_interpreter",
        "Une demande non allouée n’a pas d’interprète.",
    ),
    "a reason without a notice": (
        "reserved",
        {"cancellation_reason": "bi_error"},
        "cancellation_is_frozen_whole",
        "Une annulation porte son motif, son avis et son préavis.",
    ),
    "a notice without its time": (
        "cancelled",
        {"notice_business_time": None},
        "cancellation_is_frozen_whole",
        "Une annulation porte son motif, son avis et son préavis.",
    ),
    "a notice without a reason": (
        "cancelled",
        {"cancellation_reason": ""},
        "cancellation_is_frozen_whole",
        "Une annulation porte son motif, son avis et son préavis.",
    ),
    "late without a notice": (
        "reserved",
        {"is_late_cancellation": True},
        "late_cancellation_has_a_notice",
        "Une annulation tardive a un avis.",
    ),
    "completed but not validated": (
        "provided",
        {"status": "completed"},
        "completed_has_a_validator",
        "Une demande achevée a été validée.",
    ),
    "validated but not completed": (
        "completed",
        {"status": "provided"},
        "completed_has_a_validator",
        "Une demande achevée a été validée.",
    ),
    "validated at no instant": (
        "completed",
        {"validated_at": None},
        "completed_has_a_validator",
        "Une demande achevée a été validée.",
    ),
    "a year typed wrong": (
        "unallocated",
        {"starts_at": datetime(202, 3, 3, tzinfo=UTC)},
        "request_date_is_plausible",
        "Cette date n’est pas plausible.",
    ),
    "a relay with a patient": (
        "reserved",
        {"service_type": "message_relay"},
        "relay_has_no_patient",
        "Une transmission de message ne nomme pas l’usager.",
    ),
}


def constraint_of(lie):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        lie()
    return refusal.value.__cause__.diag.constraint_name


def said_of(instance):
    with pytest.raises(ValidationError) as refusal:
        instance.validate_constraints()
    return refusal.value.messages


@pytest.mark.parametrize(("status", "lie", "constraint", "sentence"), LIES.values(), ids=LIES)
def test_the_database_refuses_a_lie(status, lie, constraint, sentence):
    made = make.request(status)
    found = constraint_of(lambda: ServiceRequest.objects.filter(pk=made.pk).update(**lie))
    assert found == constraint
    made.refresh_from_db()
    for name, value in lie.items():
        setattr(made, name, value)
    assert sentence in said_of(made)


def test_the_database_refuses_that_one_validates_what_one_filed():
    made = make.completed(make.alice())
    made.filed_by = make.validator()
    rows = ServiceRequest.objects.filter(pk=made.pk)
    assert constraint_of(lambda: rows.update(filed_by=make.validator())) == "validator_did_not_file"
    assert "Personne ne valide un dossier qu’il a rempli." in said_of(made)


def test_the_database_refuses_who_validates_the_own_service():
    made = make.completed(make.alice())
    made.interpreter = made.validated_by
    rows = ServiceRequest.objects.filter(pk=made.pk)
    assert constraint_of(lambda: rows.update(interpreter=made.validated_by)) == "validator_did_not_serve"
    assert "Personne ne valide son propre service." in said_of(made)


@pytest.mark.parametrize("status", [Status.RESERVED, Status.MODIFIED, Status.PROVIDED])
def test_the_database_refuses_a_double_booking(status):
    make.request(status)
    other = make.reserved(make.bob())
    other.interpreter = make.alice()
    rows = ServiceRequest.objects.filter(pk=other.pk)
    assert constraint_of(lambda: rows.update(interpreter=make.alice())) == "no_double_booking"
    assert "L’interprète a déjà une demande à ce moment." in said_of(other)


def test_every_constraint_of_a_request_is_tried_here():
    tried = {lie[2] for lie in LIES.values()}
    tried |= {"validator_did_not_file", "validator_did_not_serve", "no_double_booking"}
    assert tried == {constraint.name for constraint in ServiceRequest._meta.constraints}


# Offers

OFFER_LIES = {
    "an unknown state": ({"state": "perdue", "closed_at": NOW}, "offer_has_a_known_state"),
    "closed at no instant": ({"state": "refused"}, "closed_offer_has_an_instant"),
    "open and closed": ({"closed_at": NOW}, "closed_offer_has_an_instant"),
    "no time to answer": ({"answer_by": NOW}, "offer_leaves_time_to_answer"),
}


@pytest.mark.parametrize(("lie", "constraint"), OFFER_LIES.values(), ids=OFFER_LIES)
def test_the_database_refuses_a_lie_about_an_offer(lie, constraint):
    make.pending()
    assert constraint_of(lambda: Offer.objects.update(**lie)) == constraint


def test_the_database_refuses_two_open_offers_to_one_interpreter():
    made = make.pending(make.alice(), make.bob())
    bobs = made.offers.filter(interpreter=make.bob())
    assert constraint_of(lambda: bobs.update(interpreter=make.alice())) == "one_open_offer_per_interpreter"
    double = Offer(service_request=made, interpreter=make.alice(), sent_at=NOW, answer_by=START)
    assert said_of(double) == ["Cet interprète a déjà une offre ouverte pour cette demande."]


def test_every_constraint_of_an_offer_is_tried_here():
    tried = {constraint for _, constraint in OFFER_LIES.values()} | {"one_open_offer_per_interpreter"}
    assert tried == {constraint.name for constraint in Offer._meta.constraints}


# The rest of the room


def test_a_communication_has_a_known_purpose_and_an_other_one_is_explained():
    row = make.communication(make.reserved())
    rows = Communication.objects.filter(pk=row.pk)
    assert constraint_of(lambda: rows.update(purpose="bavardage")) == "communication_has_a_known_purpose"
    assert constraint_of(lambda: rows.update(purpose="other")) == "other_communication_is_explained"
    row.purpose = "other"
    assert said_of(row) == ["Précisez l’objectif de la communication."]


ACCEPTED = {"accepted_at": NOW, "accepted_reason": "Appelé par la clinique"}


@pytest.mark.parametrize("missing", ["accepted_by", "accepted_at", "accepted_reason"])
def test_a_communication_is_accepted_by_somebody_one_day_for_a_reason(missing):
    row = make.communication(make.reserved())
    lie = ACCEPTED | {"accepted_by": make.validator()}
    lie[missing] = "" if missing == "accepted_reason" else None
    rows = Communication.objects.filter(pk=row.pk)
    assert constraint_of(lambda: rows.update(**lie)) == "acceptance_is_whole"
    for name, value in lie.items():
        setattr(row, name, value)
    assert said_of(row) == ["Une communication acceptée l’est par quelqu’un, un jour, pour une raison."]


def test_one_urgent_withdrawal_waits_at_a_time():
    made = make.reserved()
    asked = {
        "service_request": made,
        "author": make.alice(),
        "at": NOW,
        "body": "…",
        "urgency": "asked",
        "is_to_bi": True,
    }
    Message.objects.create(**asked)
    assert constraint_of(lambda: Message.objects.create(**asked)) == "one_urgent_withdrawal_at_a_time"
    assert said_of(Message(**asked)) == ["Un désistement urgent est déjà demandé."]


def test_a_facility_has_one_name_in_its_institution():
    place = make.facility()
    place.pk = None
    assert said_of(place) == ["Cet établissement a déjà une installation de ce nom."]
    assert constraint_of(lambda: Facility.objects.bulk_create([place])) == "facility_name_is_unique_in_institution"


def test_every_constraint_of_the_rest_is_tried_here():
    tried = {"communication_has_a_known_purpose", "other_communication_is_explained", "acceptance_is_whole"}
    tried |= {"one_urgent_withdrawal_at_a_time", "facility_name_is_unique_in_institution"}
    rest = (Communication, Message, Facility, Transition, Holiday)
    assert tried == {constraint.name for model in rest for constraint in model._meta.constraints}


# History only grows


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE requests_app_transition SET note = ''",
        "UPDATE requests_app_transition SET note = '' WHERE false",
        "DELETE FROM requests_app_transition",
        "TRUNCATE requests_app_transition",
        "TRUNCATE requests_app_servicerequest CASCADE",
        "UPDATE billing_payline SET amount = 0",
        "DELETE FROM billing_payline",
        "TRUNCATE billing_payline CASCADE",
    ],
)
def test_history_and_the_pay_ledger_only_grow(sql):
    make.reserved()
    before = Transition.objects.count()
    with (
        pytest.raises(IntegrityError, match="ne peut que croître"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        # The foreign keys checked at the commit would refuse the TRUNCATE for another reason.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)
    assert Transition.objects.count() == before


def test_a_request_with_a_history_is_not_deleted():
    made = make.unallocated()
    with pytest.raises(IntegrityError):
        made.delete()


# Holidays


def test_the_closed_days_between_two_instants_are_local_days():
    Holiday.objects.all().delete()
    Holiday.objects.create(date=make.local("2025-06-24 00:00").date(), name="Fête nationale")
    day, closed = make.local("2025-06-24 00:00").date(), Holiday.objects.closed_between
    evening = make.local("2025-06-23 23:30")
    assert closed(evening - HOUR, evening) == frozenset()
    assert closed(evening, evening + HOUR) == closed(evening + HOUR, evening) == {day}
    assert closed(evening, evening + timedelta(days=9)) == {day}
