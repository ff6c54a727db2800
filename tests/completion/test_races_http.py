"""One report, several presses, on the real server: one serial order whatever happens (reliability B4, B6, B7)."""

from collections import Counter

import pytest

from completion.models import Completion, CompletionRevision
from requests_app.models import CancellationReason
from requests_app.workflow import Action, Status
from tests import counts, make
from tests.completion import make as filed
from tests.counts import rounds
from tests.pages import ago
from tests.requests_app.test_races import fresh
from tests.visitors import Browser, statuses, together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = max(3, rounds("race") // 10)
SAVE = "SauvegarderMise à jour"


def of(made) -> str:
    return f"/demandes/{made.pk}/achevement/"


def review(made) -> str:
    return f"/admin/completion/review/{made.pk}/change/"


def due(number=0):
    """A service of Alice's that is over."""
    return make.reserved(at=ago(300), starts_at=ago(250 - number), are_communications_requested=True)


def reports(alice, made, **typed):
    """Alice on the page of her report, about to save it."""
    given = {"is_rendered": "oui", "comments": f"{ago(255):%Y-%m-%d} 14h10 Confirmation du rendez-vous"}
    return alice.fill(of(made), SAVE, **given | typed)


# B4: the same form pressed ten times


def test_b4_the_same_form_pressed_ten_times_is_one_report_and_the_same_page(server):
    alice = Browser(server, make.alice())
    for number in range(ROUNDS):
        made = due(number)
        said_to = together(*[reports(alice, made)] * 10)
        assert set(statuses(said_to)) == {302}
        assert {answer.location for answer in said_to} == {f"/demandes/{made.pk}/"}
        kept = CompletionRevision.objects.filter(completion__service_request=made)
        steps = made.transitions.filter(action=Action.PROVIDE)
        assert (kept.count(), steps.count(), made.communications.count()) == (1, 1, 1)


def test_b4_the_same_form_with_another_content_is_refused(server):
    made, alice = due(), Browser(server, make.alice())
    first = alice.client.get(of(made)).context["form"]["key"].value()
    one, two = (reports(alice, made, key=first, waiting_minutes=minutes) for minutes in ("5", "10"))
    answers = together(one, two)
    assert sorted(statuses(answers)) == [302, 409]
    kept = Completion.objects.get()
    assert (kept.revision, kept.waiting_minutes) == (1, 5 if answers[0].status == 302 else 10)


def test_b4_two_forms_opened_in_two_tabs_are_one_report_and_one_refusal(server):
    alice = Browser(server, make.alice())
    for number in range(ROUNDS):
        made = due(number)
        said_to = together(reports(alice, made, waiting_minutes="5"), reports(alice, made, waiting_minutes="10"))
        assert sorted(statuses(said_to)) == [302, 409]
        assert (Completion.objects.get(service_request=made).revision, made.communications.count()) == (1, 1)


# B6: cancelled while it is reported


def test_b6_a_cancellation_and_a_report_have_one_outcome_and_its_pay(server):
    alice, corinne, outcomes = Browser(server, make.alice()), Browser(server, make.coordinator()), Counter()
    for number in range(ROUNDS * 2):
        made = due(number)
        report = reports(alice, made)
        cancel = corinne.fill(f"/demandes/{made.pk}/annuler/", "Annuler la demande", reason=CancellationReason.BI_ERROR)
        said_to = together(report, cancel)
        stored = fresh(made.pk)
        assert sorted(statuses(said_to)) == [302, 409]
        is_reported = said_to[0].status == 302
        assert stored.status == (Status.PROVIDED if is_reported else Status.CANCELLED)
        assert Completion.objects.filter(service_request=made).exists() is is_reported
        assert (stored.notice_received_at is None, made.communications.exists()) == (is_reported, is_reported)
        outcomes[is_reported] += 1
    assert not counts.is_long or len(outcomes) == 2


# B7: corrected while it is validated


def validates(valere, made):
    return valere.fill(review(made), "Valider et passer à la suivante", valider="1")


@pytest.mark.parametrize("what", ["report", "receipt", "communication"])
def test_b7_what_the_interpreter_changes_and_a_validation_have_one_order(server, what):
    alice, valere = Browser(server, make.alice()), Browser(server, make.validator())
    for number in range(ROUNDS):
        made = filed.provided(at=ago(300), starts_at=ago(250 - number))
        change = CHANGES[what](alice, made)
        changed, validated = together(change, validates(valere, made))
        stored = fresh(made.pk)
        assert sorted([changed.status, validated.status]) == [302, 409]
        assert (stored.status == Status.COMPLETED) is (validated.status == 302) is stored.pay_lines.exists()
        if validated.status == 409:
            assert "Rien n’a été changé" in validated.text


def corrects(alice, made):
    return reports(alice, made, comments="", waiting_minutes="15")


def attaches(alice, made):
    return alice.send_files(f"/demandes/{made.pk}/pieces/", kind="parking_receipt", file=filed.upload())


def logs(alice, made):
    day = ago(255)
    given = {"date": f"{day:%Y-%m-%d}", "time": "14h10", "purpose": "confirmation", "channel": "phone"}
    return alice.send(f"/demandes/{made.pk}/communications/", **given)


CHANGES = {"report": corrects, "receipt": attaches, "communication": logs}
