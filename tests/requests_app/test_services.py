"""Reporting, correcting, returning, validating; and what every verb promises."""

from datetime import timedelta

import pytest
from django.db import DataError, connection

from accounts.models import User
from accounts.roles import Role
from requests_app import moves, offers, services
from requests_app.models import CancellationReason, ServiceRequest
from requests_app.workflow import Action, NotAllowed, Status
from tests import make
from tests.make import HOUR, MICROSECOND, NOW, START

pytestmark = pytest.mark.django_db
END = START + make.LENGTH


def report(service_request, is_rendered=True, by=None, at=END, **given):
    return services.report(service_request, is_rendered=is_rendered, by=by or make.alice(), at=at, **given)


def status_of(service_request):
    return ServiceRequest.objects.get(pk=service_request.pk).status


def topics(user):
    return list(user.notifications.filter(channel="email").order_by("id").values_list("topic", flat=True))


# « Détails de l'achèvement »


@pytest.mark.parametrize(("late", "may"), [(-MICROSECOND, False), (timedelta(), True), (MICROSECOND, True)])
@pytest.mark.parametrize("is_rendered", [True, False])
def test_the_details_open_at_the_start(late, may, is_rendered):
    made = make.reserved(make.alice())
    try:
        report(made, is_rendered, at=START + late)
    except NotAllowed:
        assert not may
    assert (status_of(made) in {Status.PROVIDED, Status.CANCELLED}) is may


@pytest.mark.parametrize(("is_rendered", "expected"), [(True, Status.PROVIDED), (False, Status.CANCELLED)])
def test_the_status_follows_what_the_interpreter_says(is_rendered, expected):
    made = make.reserved(make.alice())
    report(made, is_rendered)
    made.refresh_from_db()
    assert (made.status, made.filed_by) == (expected, make.alice())


def test_a_modified_request_can_be_completed():
    assert report(make.modified(make.alice())).to_status == Status.PROVIDED


def test_a_colleague_reports_nothing():
    with pytest.raises(NotAllowed, match="ne vous est pas attribuée"):
        report(make.reserved(make.alice()), by=make.bob())


def test_a_coordinator_reports_on_behalf_with_a_note():
    made = make.reserved(make.alice())
    with pytest.raises(NotAllowed, match="Une note est requise"):
        report(made, by=make.coordinator())
    step = report(made, by=make.coordinator(), note="Feuille reçue par télécopieur")
    assert (step.by, step.on_behalf_of) == (make.coordinator(), make.alice())
    assert made.filed_by == make.coordinator()


@pytest.mark.parametrize("give", [make.requester, make.validator, make.administrator])
def test_nobody_else_reports(give):
    with pytest.raises(NotAllowed, match="cette action n’est pas possible"):
        report(make.reserved(make.alice()), by=give(), note="Note")


def test_a_service_cannot_be_reported_twice_from_one_page():
    made = make.reserved(make.alice())
    seen = made.version
    report(made, version=seen)
    with pytest.raises(moves.Stale):
        report(made, version=seen)


# Correcting, until Achevé


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        (True, True, Status.PROVIDED),
        (True, False, Status.CANCELLED),
        (False, True, Status.PROVIDED),
        (False, False, Status.CANCELLED),
    ],
)
def test_a_correction_follows_what_the_interpreter_now_says(first, then, expected):
    made = make.reserved(make.alice())
    report(made, first)
    step = report(made, then)
    assert (step.action, made.status) == (Action.CORRECT, expected)


def test_a_correction_is_refused_when_the_time_was_taken_meanwhile():
    made = make.reserved(make.alice())
    report(made, False)
    services.assign(make.unallocated(), make.alice(), by=make.coordinator(), at=END, note="Après le fait")
    with pytest.raises(moves.Overlap, match="déjà une demande à ce moment"):
        report(made, True)


def test_a_request_its_requester_cancelled_is_not_declared_rendered():
    made = make.cancelled(make.alice())
    report(made, False, has_claim=True, at=NOW)
    with pytest.raises(NotAllowed, match="ne peut pas être déclaré rendu"):
        report(made, True, at=END)


def test_a_correction_by_a_coordinator_makes_it_their_file():
    made = make.provided(make.alice())
    report(made, by=make.coordinator(), note="Heures corrigées")
    assert made.filed_by == make.coordinator()


def test_nothing_is_corrected_after_acheve():
    made = make.completed(make.alice())
    with pytest.raises(NotAllowed, match="Achevé"):
        report(made)


# Claiming on a cancelled request


def test_communications_are_claimed_at_once_on_a_cancelled_request():
    made = make.cancelled(make.alice())
    step = report(made, False, has_claim=True, at=NOW)
    assert (step.action, made.status, made.filed_by) == (Action.CLAIM, Status.CANCELLED, make.alice())


def test_a_late_cancellation_is_claimed_without_communications():
    made = make.reserved(make.alice())
    services.cancel(made, by=make.requester(), at=START - HOUR, reason=CancellationReason.BY_REQUESTER)
    assert report(made, False, at=START - HOUR).action == Action.CLAIM


def test_there_is_nothing_to_claim_on_a_cancellation_in_time():
    with pytest.raises(NotAllowed, match="aucune réclamation"):
        report(make.cancelled(make.alice()), False, at=NOW)


def test_only_the_interpreter_who_had_it_claims():
    with pytest.raises(NotAllowed, match="ne vous est pas attribuée"):
        report(make.cancelled(make.alice()), False, by=make.bob(), has_claim=True, at=NOW)


# Verifying and validating


def test_a_validator_closes_the_request():
    made = make.provided(make.alice())
    services.validate(made, by=make.validator(), at=END)
    made.refresh_from_db()
    assert (made.status, made.validated_by, made.validated_at) == (Status.COMPLETED, make.validator(), END)
    assert topics(make.alice())[-1] == "validated"


def test_a_coordinator_never_validates_pay():
    with pytest.raises(NotAllowed, match="cette action n’est pas possible"):
        services.validate(make.provided(), by=make.coordinator(), at=END)


def test_nobody_validates_a_file_they_filed():
    made = make.provided()
    ServiceRequest.objects.filter(pk=made.pk).update(filed_by=make.validator())
    with pytest.raises(NotAllowed, match="une autre personne doit le valider"):
        services.validate(made, by=make.validator(), at=END)


def test_a_claim_is_validated():
    made = make.cancelled(make.alice())
    report(made, False, has_claim=True, at=NOW)
    services.validate(made, by=make.validator(), at=NOW)
    assert made.status == Status.COMPLETED


def test_a_validator_returns_a_report_with_a_reason_that_is_told():
    made = make.provided(make.alice())
    with pytest.raises(NotAllowed, match="Une note est requise"):
        services.return_for_correction(made, by=make.validator(), at=END, note="")
    services.return_for_correction(made, by=make.validator(), at=END, note="Facture illisible")
    assert (made.status, topics(make.alice())[-1]) == (Status.PROVIDED, "returned")


def test_a_report_that_changed_since_it_was_read_is_not_validated():
    made = make.provided(make.alice())
    seen = made.version
    report(made)
    with pytest.raises(moves.Stale):
        services.validate(made, by=make.validator(), at=END, version=seen)


# What every verb promises


def snapshot():
    """Everything a verb may write, as the database has it."""
    tables = ["requests_app_servicerequest", "requests_app_offer", "requests_app_transition", "accounts_notification"]
    with connection.cursor() as cursor:
        found = []
        for table in [*tables, "requests_app_message", "requests_app_communication", "django_q_ormq"]:
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
            found.append(cursor.fetchall())
    return found


REFUSED = {
    "accept": lambda r: offers.accept(r, by=make.bob(), at=NOW),
    "refuse": lambda r: offers.refuse(r, by=make.bob(), at=NOW),
    "retract": lambda r: offers.retract(r, make.bob(), by=make.coordinator(), at=NOW),
    "offer": lambda r: offers.offer(r, [make.bob()], by=make.coordinator(), at=END, answer_by=END + HOUR),
    "assign": lambda r: services.assign(r, make.bob(), by=make.coordinator(), at=NOW, note=""),
    "reassign": lambda r: services.reassign(r, make.bob(), by=make.coordinator(), at=NOW, note="Entente"),
    "mark": lambda r: services.mark_unallocated(r, by=make.alice(), at=NOW),
    "modify": lambda r: services.modify(r, by=make.alice(), at=NOW, ends_at=END + HOUR),
    "cancel": lambda r: services.cancel(r, by=make.alice(), at=NOW, reason=CancellationReason.BY_REQUESTER),
    "reinstate": lambda r: services.reinstate(r, by=make.coordinator(), at=NOW, note="Erreur"),
    "report": lambda r: report(r),
    "validate": lambda r: services.validate(r, by=make.validator(), at=END),
    "return": lambda r: services.return_for_correction(r, by=make.validator(), at=END, note="Précisez"),
    "acknowledge": lambda r: services.acknowledge(r, by=make.alice(), at=NOW),
}


@pytest.mark.parametrize("verb", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_changes_nothing(verb):
    made = make.pending(make.alice())
    make.bob(), make.requester(), make.validator()
    before, held = snapshot(), vars(made).copy()
    with pytest.raises(NotAllowed):
        verb(made)
    assert snapshot() == before
    # The verb may have read the row again: what the object says is still what it said.
    shown = {name: value for name, value in vars(made).items() if name != "_state"}
    assert shown == {name: value for name, value in held.items() if name != "_state"}


def test_whatever_fails_the_object_is_left_as_it_was():
    made = make.pending(make.alice())
    with pytest.raises(DataError):
        offers.refuse(made, by=make.alice(), at=NOW, reason="x" * 201)
    assert (made.status, status_of(made)) == (Status.PENDING, Status.PENDING)


def test_a_refused_acceptance_does_not_leave_the_interpreter_on_the_object():
    make.reserved(make.alice())
    made = make.pending(make.alice(), starts_at=START + 5 * HOUR)
    ServiceRequest.objects.filter(pk=made.pk).update(starts_at=START)
    with pytest.raises(moves.Overlap):
        offers.accept(made, by=make.alice(), at=NOW)
    assert made.interpreter is None


@pytest.mark.parametrize("status", Status)
def test_each_move_has_one_line_of_history_with_its_author(status):
    made = make.request(status)
    steps = list(made.transitions.order_by("id"))
    froms, tos = [step.from_status for step in steps], [step.to_status for step in steps]
    assert froms == ["", *tos[:-1]]
    assert tos[-1] == made.status == status
    assert all(step.by_id for step in steps)


def test_the_buttons_of_a_page_are_read_from_the_request():
    made = make.pending(make.alice())
    buttons = {user: moves.available_actions(made, user, at=NOW) for user in (make.alice(), make.bob())}
    assert buttons == {make.alice(): [Action.ACCEPT, Action.REFUSE], make.bob(): []}
    lapsed = moves.available_actions(made, make.alice(), at=START)
    assert lapsed == []


def test_nobody_validates_the_service_they_gave():
    made = make.provided(make.alice())
    User.objects.filter(pk=make.alice().pk).update(role=Role.VALIDATOR)
    with pytest.raises(NotAllowed, match="une autre personne doit le valider"):
        services.validate(made, by=User.objects.get(username="alice"), at=made.ends_at + make.HOUR)
