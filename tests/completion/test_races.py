"""Two at once on one report, with real threads: one serial order, never half of each (reliability B4, B7)."""

import threading
import uuid
from collections import Counter

import pytest
from django.db import connection

from completion import decisions
from completion.models import Attachment, CompletionRevision
from requests_app.models import Communication, ServiceRequest
from requests_app.workflow import NotAllowed, Status
from tests import make
from tests.completion import make as filed
from tests.counts import rounds
from tests.make import HOUR, NOW, START

pytestmark = pytest.mark.django_db(transaction=True)
END = START + make.LENGTH
ROUNDS = max(5, rounds("race") // 5)


def together(*actions) -> list[str]:
    """Run every action in its own thread and connection, all at the same instant; what each came to."""
    gate, results = threading.Barrier(len(actions)), [""] * len(actions)

    def run(index, action):
        try:
            gate.wait(10)
            action()
            results[index] = "done"
        except NotAllowed:
            results[index] = "refused"
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def copy(service_request) -> ServiceRequest:
    return ServiceRequest.objects.get(pk=service_request.pk)


def test_the_same_submission_from_four_threads_is_one_report():
    alice = make.alice()
    for number in range(ROUNDS):
        made = make.reserved(alice, starts_at=START + number * make.timedelta(days=1))
        key, at = uuid.uuid4(), made.ends_at + HOUR
        version = made.version

        def send(made=made, key=key, at=at, version=version):
            filed.report(copy(made), by=alice, at=at, key=key, version=version, communications=[filed.row(NOW)])

        assert together(*[send] * 4) == ["done"] * 4
        counts = CompletionRevision.objects.count(), Communication.objects.count()
        assert counts == (number + 1, number + 1)


def test_a_correction_and_a_validation_have_one_order():
    alice, validator, outcomes = make.alice(), make.validator(), Counter()
    for number in range(ROUNDS):
        made = filed.provided(alice, starts_at=START + number * make.timedelta(days=1))
        at, seen, version = made.ends_at + 2 * HOUR, decisions.fingerprint(made), made.version

        def correct(made=made, at=at):
            filed.report(copy(made), by=alice, at=at, waiting_minutes=15)

        def validate(made=made, at=at, seen=seen, version=version):
            decisions.validate(copy(made), by=validator, at=at, version=version, seen=seen)

        results = tuple(together(correct, validate))
        stored = copy(made)
        outcomes[results] += 1
        assert results in {("done", "refused"), ("refused", "done")}
        assert (stored.status == Status.COMPLETED) is (results[1] == "done") is stored.pay_lines.exists()
        assert stored.completion.waiting_minutes == (15 if results[0] == "done" else 0)


def test_a_receipt_and_a_validation_have_one_order(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    alice, validator = make.alice(), make.validator()
    for number in range(ROUNDS):
        made = filed.provided(alice, starts_at=START + number * make.timedelta(days=1))
        at, seen = made.ends_at + 2 * HOUR, decisions.fingerprint(made)

        def attach(made=made, at=at):
            filed.attach(copy(made), by=alice, at=at)

        def validate(made=made, at=at, seen=seen):
            decisions.validate(copy(made), by=validator, at=at, seen=seen)

        results = together(attach, validate)
        assert sorted(results) == ["done", "refused"]
        assert made.attachments.exists() is (results[0] == "done")
    # Each with its thumbnail.
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2 * Attachment.objects.count()
