"""A request's page asks the database at most 10 times, whoever reads it and however much there is to read."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from completion import decisions
from completion.models import Attachment, Outcome
from requests_app import exchanges, services
from requests_app.models import Communication, Message, Transition
from requests_app.workflow import Action, Status
from tests import make
from tests.completion import make as filed
from tests.make import HOUR
from tests.pages import signed_in

pytestmark = pytest.mark.django_db
MOST = 10
READERS = {"interpreter": make.alice, "requester": make.requester, "coordinator": make.coordinator}
READERS["validator"] = make.validator


def coming(build, *interpreters, **fields):
    """Within 48 hours, so that leaving is urgent."""
    return build(*interpreters, at=timezone.now() - timedelta(days=9), starts_at=timezone.now() + 20 * HOUR, **fields)


def past(**report):
    made = make.reserved(at=timezone.now() - timedelta(days=9), starts_at=timezone.now() - 6 * HOUR)
    filed.report(made, at=timezone.now() - HOUR, **report)
    return made


def returned():
    made = past()
    decisions.return_for_correction(made, by=make.validator(), at=timezone.now(), reason="La fin est-elle juste?")
    return made


def completed():
    made = past()
    decisions.validate(made, by=make.validator(), at=timezone.now())
    return made


def completed_without_report():
    return make.completed(at=timezone.now() - timedelta(days=9), starts_at=timezone.now() - 6 * HOUR)


def urgent():
    made = coming(make.reserved)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now() - HOUR, body="Malade")
    return made


def declined():
    made = urgent()
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=timezone.now() - HOUR, reply="Personne")
    return made


def relay():
    made = make.reserved(at=timezone.now() - timedelta(days=9), starts_at=timezone.now() + 99 * HOUR)
    make.communication(made, made_at=timezone.now() - HOUR)
    return services.mark_unallocated(made, by=make.alice(), at=timezone.now())


STATES = {
    "unallocated": lambda: coming(make.unallocated),
    "pending": lambda: coming(make.pending, make.alice(), make.bob()),
    "reserved": lambda: coming(make.reserved),
    "reserved, urgent": urgent,
    "reserved, declined": declined,
    "modified": lambda: coming(make.modified),
    "provided": past,
    "provided, returned": returned,
    "provided, relay": relay,
    "cancelled": lambda: coming(make.cancelled),
    "cancelled by the report": lambda: past(outcome=Outcome.CANCELLED),
    "completed": completed,
    "completed without report": completed_without_report,
}


def fill(made, number):
    """`number` more of everything a request's page shows, as if it had been lived."""
    step = {"service_request": made, "at": timezone.now(), "by": make.coordinator(), "to_status": made.status}
    change = {
        "action": Action.MODIFY,
        "version": made.version,
        "changes": {"starts_at": ["2025-03-06T18:00:00+00:00", "2025-03-07T18:00:00+00:00"]},
    }
    Transition.objects.bulk_create(Transition(**step, **change) for _ in range(number))
    who = {"service_request": made, "interpreter": made.interpreter or make.alice(), "at": timezone.now()}
    Communication.objects.bulk_create(Communication(**who, purpose="reminder") for _ in range(number))
    for side in (None, make.alice(), make.bob()):
        line = {"service_request": made, "interpreter": side, "author": side or make.requester(), "at": timezone.now()}
        Message.objects.bulk_create(Message(**line, body="Bonjour", is_to_bi=bool(n % 2)) for n in range(number))
    piece = {"service_request": made, "interpreter": who["interpreter"], "kind": "other", "size": 9, "sha256": "0" * 64}
    piece |= {"uploaded_by": make.alice(), "uploaded_at": timezone.now(), "content_type": "image/jpeg"}
    Attachment.objects.bulk_create(Attachment(**piece, name=f"{n}.jpg", file=f"{made.pk}-{n}") for n in range(number))


def statements(client, made) -> int:
    """How many a page of `made` takes; 0 for whoever does not see it."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page = client.get(f"/demandes/{made.pk}/")
    return len(asked) if page.status_code == 200 else 0


@pytest.mark.parametrize("state", STATES)
def test_a_page_asks_at_most_10_times_whoever_reads_it_and_however_much_there_is(state):
    made, clients = STATES[state](), {role: signed_in(give()) for role, give in READERS.items()}
    fill(made, 1)
    few = {role: statements(client, made) for role, client in clients.items()}
    fill(made, 40)
    many = {role: statements(client, made) for role, client in clients.items()}
    assert (many, {role: count for role, count in many.items() if count > MOST}) == (few, {})


def test_every_status_is_measured():
    assert {state.partition(",")[0].partition(" ")[0] for state in STATES} == set(Status)
