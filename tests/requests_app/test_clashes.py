"""Two people on the same rows: tried again three times, then said in French, and nothing half done (reliability, B10).

And a scheduled job started twice runs once (B11).
"""

from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest
from django.db import OperationalError, connection, transaction

from accounts.alone import alone
from requests_app import exchanges, offers, services
from requests_app.models import ServiceRequest
from requests_app.moves import BUSY, Busy
from requests_app.workflow import Status
from tests import make
from tests.make import HOUR, NOW
from tests.pages import ahead, form_with, said, signed_in

pytestmark = pytest.mark.django_db(transaction=True)

CODES = {"deadlock": "40P01", "serialization failure": "40001", "lock timeout": "55P03"}
CLASH = pytest.mark.parametrize("code", CODES.values(), ids=CODES.keys())
# The count is a sequence's: it goes on when the transaction is rolled back.
HOOK = """
CREATE SEQUENCE clashes;
CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('clashes') <= {times} THEN RAISE EXCEPTION 'clash' USING ERRCODE = '{code}'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER clash BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION clash();
"""


@contextmanager
def clashing(code: str, times: int, table="requests_app_transition"):
    """The database refuses the first `times` rows of the table, as it does when two transactions meet."""
    with connection.cursor() as cursor:
        cursor.execute(HOOK.format(code=code, times=times, table=table))
        try:
            yield
        finally:
            cursor.execute(f"DROP TRIGGER clash ON {table}; DROP FUNCTION clash; DROP SEQUENCE clashes")


@CLASH
def test_a_clash_is_tried_again_and_nobody_notices(code):
    made = make.pending()
    with clashing(code, 2):
        offers.accept(made, by=make.alice(), at=NOW + HOUR)
    assert ServiceRequest.objects.get(pk=made.pk).status == made.status == Status.RESERVED
    assert made.transitions.filter(action="accept").count() == 1


@CLASH
def test_after_three_clashes_nothing_is_written_and_the_person_is_asked_to_try_again(code):
    made = make.pending()
    before = [list(made.transitions.values()), list(made.offers.values())]
    with clashing(code, 3), pytest.raises(Busy, match="Réessayez"):
        offers.accept(made, by=make.alice(), at=NOW + HOUR)
    assert ServiceRequest.objects.get(pk=made.pk).status == made.status == Status.PENDING
    assert [list(made.transitions.values()), list(made.offers.values())] == before


def test_a_verb_within_a_verb_is_tried_again_as_a_whole():
    made = make.reserved()
    with clashing("40001", 2):
        services.modify_and_release(made, by=make.coordinator(), at=NOW, note="Accord", instructions="Sonner.")
    assert (made.status, made.instructions) == (Status.UNALLOCATED, "Sonner.")
    assert [step.action for step in made.transitions.order_by("-id")[:2]] == ["modify", "mark_unallocated"]


def test_a_message_is_tried_again_and_sent_once():
    made = make.reserved()
    with clashing("40P01", 2, "requests_app_message"):
        exchanges.post_message(made, by=make.alice(), at=NOW, body="Quelle entrée?")
    assert made.messages.count() == 1


def test_a_lock_that_somebody_keeps_is_waited_for_then_said():
    made, is_held, may_end = make.reserved(), Event(), Event()

    def keeps():
        with transaction.atomic():
            ServiceRequest.objects.select_for_update().get(pk=made.pk)
            is_held.set()
            may_end.wait(30)
        connection.close()

    holder = Thread(target=keeps)
    holder.start()
    is_held.wait(30)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    with pytest.raises(Busy):
        services.mark_unallocated(made, by=make.coordinator(), at=NOW, note="Accord")
    may_end.set()
    holder.join()


def test_the_page_keeps_what_was_typed_and_says_to_try_again():
    made = make.reserved(at=ahead(-2), starts_at=ahead())
    coordinator = signed_in(make.coordinator())
    address = f"/bi/demandes/{made.pk}/non-alloue/"
    page = form_with(coordinator.get(address), "Marquer comme non alloué")
    with clashing("40001", 3):
        answer = page.send(coordinator, address, note="L’interprète a téléphoné ce matin.")
    assert answer.status_code == 409
    assert BUSY in said(answer)
    assert "L’interprète a téléphoné ce matin." in said(answer)


def test_another_fault_of_the_database_is_not_taken_for_a_clash():
    made = make.pending()
    with clashing("57014", 1), pytest.raises(OperationalError):  # the statement was cancelled
        offers.accept(made, by=make.alice(), at=NOW + HOUR)


# B11


def test_a_job_started_twice_runs_once_and_is_free_again_afterwards():
    is_running, may_end, ran = Event(), Event(), []

    @alone
    def count() -> int:
        ran.append(1)
        is_running.set()
        may_end.wait(30)
        return len(ran)

    def first():
        count()
        connection.close()

    worker = Thread(target=first)
    worker.start()
    is_running.wait(30)
    assert (count(), ran) == (0, [1])
    may_end.set()
    worker.join()
    assert (count(), ran) == (2, [1, 1])


def test_a_job_that_fails_lets_another_worker_run():
    ran = []

    @alone
    def fails() -> int:
        ran.append(1)
        raise ValueError("interrompu")

    def elsewhere():
        with suppress(ValueError):
            fails()
        connection.close()

    with pytest.raises(ValueError, match="interrompu"):
        fails()
    worker = Thread(target=elsewhere)
    worker.start()
    worker.join()
    assert ran == [1, 1]
