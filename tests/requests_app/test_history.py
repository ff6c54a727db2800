"""What is written of a request outside itself: history, notifications and queue hold nobody's name (« Privacy »)."""

import json

import pytest
from django.db import connection
from django_q.models import OrmQ

from accounts.models import Notification, User
from requests_app import exchanges, offers, services
from requests_app.changes import MODIFIABLE, PERSONAL
from requests_app.models import CancellationReason, Transition
from requests_app.workflow import ServiceType, Status
from tests import make
from tests.make import HOUR, LENGTH, NOW, START

pytestmark = pytest.mark.django_db
LATER = NOW + HOUR
OTHERS = {name: f"Autre-{name}-Zyx" for name in PERSONAL}


def last_step(service_request):
    return service_request.transitions.order_by("id").last()


def live_through_everything():
    """One request through every verb that writes something about somebody."""
    made, by = make.pending(make.alice(), make.bob(), make.charlie()), make.coordinator()
    offers.retract(made, make.charlie(), by=by, at=NOW)
    offers.refuse(made, by=make.bob(), at=NOW)
    offers.accept(made, by=make.alice(), at=NOW)
    make.communication(made, made_at=NOW)
    services.modify(made, by=make.requester(), at=NOW, **OTHERS)
    services.acknowledge(made, by=make.alice(), at=NOW)
    exchanges.post_message(made, by=make.alice(), at=NOW, body=make.PERSONAL["patient_name"])
    services.reassign(made, make.bob(), by=by, at=NOW, note="Entente")
    services.mark_unallocated(made, by=make.bob(), at=NOW)
    services.assign(made, make.alice(), by=by, at=NOW, note="Entente")
    services.cancel(made, by=by, at=NOW, reason=CancellationReason.BI_ERROR)
    services.reinstate(made, by=by, at=NOW, note="Erreur")
    services.assign(made, make.alice(), by=by, at=NOW, note="Entente")
    services.report(made, is_rendered=True, by=make.alice(), at=START + LENGTH)
    services.return_for_correction(made, by=make.validator(), at=START + LENGTH, note="Précisez")
    services.validate(made, by=make.validator(), at=START + LENGTH)
    return made


def text_of(rows):
    return json.dumps(list(rows), ensure_ascii=False, default=str)


PATIENT = sorted([*make.PERSONAL.values(), *OTHERS.values()])


def test_the_history_never_holds_a_personal_value():
    live_through_everything()
    written = text_of(Transition.objects.values_list("changes", flat=True))
    assert [value for value in PATIENT if value in written] == []


def test_a_notification_holds_no_person_and_no_place():
    live_through_everything()
    written = text_of(Notification.objects.values_list("context", "topic", "about", "dedupe_key", "last_error"))
    people = [name for user in User.objects.all() for name in (user.first_name, user.last_name, user.email) if name]
    places = [make.facility().name, make.facility().address, make.institution().name]
    assert Notification.objects.count() > 15
    assert [value for value in [*PATIENT, *people, *places] if value in written] == []


def test_a_queued_task_holds_no_person_and_no_place():
    recent = dict(at=make.datetime.now(make.TORONTO), starts_at=make.datetime.now(make.TORONTO) + 99 * HOUR)
    services.modify(make.reserved(**recent), by=make.requester(), at=recent["at"], **OTHERS)
    queued = [task.task for task in OrmQ.objects.all()]
    assert {task["func"] for task in queued} == {"accounts.notify.deliver_due", "requests_app.offers.expire_due"}
    assert all(task["args"] == () and task["kwargs"] == {} for task in queued)


def test_no_table_but_the_requests_own_holds_the_patient():
    live_through_everything()
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = {name for (name,) in cursor.fetchall()} - {"requests_app_servicerequest", "requests_app_message"}
        for table in sorted(tables):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text ~ %s', ["|".join(PATIENT)])
            assert cursor.fetchone() == (0,), table


@pytest.mark.parametrize("name", sorted(PERSONAL))
def test_a_personal_field_is_kept_as_changed_without_its_values(name):
    made = make.unallocated()
    services.modify(made, by=make.requester(), at=LATER, **{name: OTHERS[name]})
    assert last_step(made).changes == {name: None}


def test_the_personal_fields_are_these():
    assert PERSONAL == set(make.PERSONAL)
    assert set(MODIFIABLE) > PERSONAL


def test_any_other_field_is_kept_before_and_after():
    made = make.unallocated()
    new = {"language": make.language("arabe"), "facility": None, "service_type": ServiceType.PHONE}
    services.modify(made, by=make.requester(), at=LATER, **new, are_communications_requested=True)
    assert last_step(made).changes == {
        "service_type": ["on_site", "phone"],
        "language": ["espagnol", "arabe"],
        "facility": ["Clinique des Érables", None],
        "are_communications_requested": [False, True],
    }


def test_an_instant_is_kept_in_one_zone():
    made = make.unallocated()
    services.modify(made, by=make.requester(), at=LATER, ends_at=START + 3 * HOUR)
    assert last_step(made).changes == {"ends_at": ["2025-03-06T19:30:00+00:00", "2025-03-06T21:00:00+00:00"]}


def test_a_cancellation_keeps_its_reason():
    made = make.cancelled()
    assert last_step(made).changes == {"cancellation_reason": ["", "Par le demandeur"]}


def test_a_step_says_who_when_and_for_whom():
    made = make.reserved(make.alice())
    services.mark_unallocated(made, by=make.coordinator(), at=LATER, note="Alice est malade")
    step = last_step(made)
    assert (step.by, step.at, step.note) == (make.coordinator(), LATER, "Alice est malade")
    assert (step.interpreter, step.from_status, step.to_status) == (make.alice(), "reserved", "unallocated")
    assert step.version == made.version


def test_the_version_grows_with_what_the_page_shows():
    made = make.pending(make.alice(), make.bob())
    seen = made.version
    offers.refuse(made, by=make.bob(), at=LATER)
    assert made.version == seen
    offers.accept(made, by=make.alice(), at=LATER)
    assert made.version == seen + 1


@pytest.mark.parametrize("status", Status)
def test_the_object_and_the_row_agree(status):
    made = make.request(status)
    row = type(made).objects.get(pk=made.pk)
    assert (made.status, made.version, made.interpreter_id) == (row.status, row.version, row.interpreter_id)
