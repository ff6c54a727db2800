"""Communications as they happen: one tap, then completed or taken back until something is filed (ruling 6)."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from completion import claims, decisions
from requests_app import exchanges, logbook, services
from requests_app.models import CancellationReason, Purpose, ServiceRequest
from requests_app.workflow import NotAllowed
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, NOW, START
from tests.pages import ago, ahead, errors, form_with, press, said, signed_in

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
TAPS = [purpose.label for purpose in logbook.ONE_TAP]


def tap(made, *, by=None, at=NOW, purpose=Purpose.CONFIRMATION):
    return logbook.log_now(made, by=by or make.alice(), at=at, purpose=purpose)


def amend(made, row, *, by=None, **fields):
    return logbook.amend_communication(made, by=by or make.alice(), at=NOW, communication=row.pk, **fields)


# The rules


def test_a_tap_is_a_call_made_now_to_the_minute():
    row = tap(make.reserved(), at=NOW + 37 * SECOND)
    assert (row.at, row.channel, row.interpreter) == (NOW, "phone", make.alice())


def test_two_taps_in_a_minute_of_the_clock_or_in_the_next_are_one():
    made, first = make.reserved(), NOW + 58 * SECOND
    tap(made, at=first)
    tap(made, at=first + 59 * SECOND)
    tap(made, at=first + 60 * SECOND)
    assert made.communications.count() == 1
    tap(made, at=first + SECOND, purpose="reminder")
    tap(made, at=first + 121 * SECOND)
    assert made.communications.count() == 3


def test_a_tap_is_refused_to_whoever_does_not_hold_the_request():
    made = make.reserved()
    tap(made)
    with pytest.raises(NotAllowed, match="ne peuvent plus être modifiées"):
        tap(made, by=make.bob())


def test_completing_a_row_makes_it_payable():
    made = make.reserved()
    row = amend(made, tap(made), requested_by_name="Dre Roy", justification="Salle changée", channel="email")
    assert exchanges.is_communication_billable(made, row)
    assert (row.at, made.communications.get().channel) == (NOW, "email")


def test_completing_a_row_keeps_what_a_validator_decided_of_it():
    made = make.reserved()
    row = tap(made, at=START - 2 * HOUR)
    services.cancel(made, by=make.requester(), at=START - HOUR, reason=CancellationReason.BY_REQUESTER)
    decisions.accept_communication(made, row, by=make.validator(), at=START, reason="Vérifié")
    amend(made, row, requested_by_name="Dre Roy")
    row.refresh_from_db()
    assert (row.accepted_reason, row.requested_by_name) == ("Vérifié", "Dre Roy")


@pytest.mark.parametrize("verb", [logbook.amend_communication, logbook.remove_communication])
def test_once_reported_rows_are_corrected_in_the_report(verb):
    made = make.reserved()
    row = tap(made)
    filed.report(made)
    with pytest.raises(NotAllowed, match="dans les détails de l’achèvement"):
        verb(made, by=make.alice(), at=START + 9 * HOUR, communication=row.pk)


def test_a_row_taken_back_meanwhile_is_not_completed():
    made = make.reserved()
    row = tap(made)
    logbook.remove_communication(made, by=make.alice(), at=NOW, communication=row.pk)
    with pytest.raises(NotAllowed, match="n’est plus inscrite"):
        amend(made, row, requested_by_name="Dre Roy")


def test_a_tapped_row_left_alone_in_the_report_stays_the_same_row():
    made, client = make.reserved(at=ago(9), starts_at=timezone.now() - HOUR), signed_in(make.alice())
    row = tap(made, at=timezone.now())
    ended = timezone.localtime().strftime("%Hh%M")
    answer = press(client, f"/demandes/{made.pk}/achevement/", "Calculer", is_rendered="oui", end_time=ended)
    assert (answer.status_code, made.communications.get().pk) == (302, row.pk)


# The page


def coming(build=make.reserved, **fields):
    return build(at=ago(9), starts_at=ahead(), **fields)


def address_of(made):
    return f"/demandes/{made.pk}/"


@pytest.mark.parametrize("who", [make.alice, make.coordinator])
def test_one_tap_logs_it_and_comes_back_to_the_section(who):
    made, client = coming(), signed_in(who())
    form = form_with(client.get(address_of(made)), "Confirmation du rendez-vous")
    answers = [form.send(client, address_of(made), maintenant=purpose.value) for purpose in logbook.ONE_TAP]
    rows = made.communications.order_by("pk")
    assert (form.buttons, [row.purpose for row in rows]) == (TAPS, logbook.ONE_TAP)
    assert {row.interpreter for row in rows} == {make.alice()}
    back = [f"{address_of(made)}?communication={row.pk}#communications" for row in rows]
    assert [answer.url for answer in answers] == back


def test_another_purpose_is_no_tap():
    made, client = coming(), signed_in(make.alice())
    codes = ["other", "", "appel", "x" * 5000, "\x00"]
    pages = [client.post(f"{address_of(made)}communications/", {"maintenant": code}) for code in codes]
    assert ({page.status_code for page in pages}, made.communications.exists()) == ({422}, False)


def tapped(**fields):
    """A request with one communication, the client, and the page that comes after the tap."""
    made, client = coming(**fields), signed_in(make.alice())
    answer = client.post(f"{address_of(made)}communications/", {"maintenant": "reminder"})
    return made, client, client.get(answer.url.partition("#")[0])


def test_one_that_would_not_be_paid_says_so_and_asks_what_is_missing():
    made, client, page = tapped()
    assert "Elle ne sera pas payée telle quelle : la demande ne prévoit pas de communication" in said(page)
    given = {"requested_by_name": "Dre Roy", "justification": "Salle changée"}
    answer = form_with(page, "Enregistrer").send(client, address_of(made), **given)
    page = client.get(answer.url.partition("#")[0])
    assert "Elle ne sera pas payée" not in said(page)
    assert made.communications.get().justification == "Salle changée"


def test_one_that_the_request_asks_for_is_simply_logged():
    _, _, page = tapped(are_communications_requested=True)
    assert ": inscrite." in said(page) and "ne sera pas payée" not in said(page)


def test_who_asked_once_is_proposed_the_next_time():
    made, client, _ = tapped()
    amend(made, made.communications.get(), requested_by_name="Dre Roy", justification="Salle changée")
    answer = client.post(f"{address_of(made)}communications/", {"maintenant": "explanation"})
    page = client.get(answer.url.partition("#")[0])
    assert form_with(page, "Enregistrer").fields["requested_by_name"] == "Dre Roy"


def test_it_is_taken_back_at_once():
    made, client, page = tapped()
    answer = form_with(page, "Retirer").send(client, address_of(made))
    assert (answer.url, made.communications.exists()) == (
        f"{address_of(made)}?communication=retiree#communications",
        False,
    )
    assert "Communication retirée." in said(client.get(answer.url.partition("#")[0]))


def test_what_is_too_long_is_said_beside_its_field_and_kept():
    made, client, page = tapped()
    answer = form_with(page, "Enregistrer").send(client, address_of(made), justification="x" * 301)
    name = f"communication{made.communications.get().pk}_justification"
    assert (answer.status_code, list(errors(answer))) == (422, [name])


def test_a_word_of_the_address_that_names_nothing_changes_nothing():
    made, client, _ = tapped()
    words = ["999999", "é", "<b>", "9" * 400]
    assert {client.get(address_of(made), {"communication": word}).status_code for word in words} == {200}


def test_the_row_of_another_request_is_not_touched():
    made, other, client = coming(), make.reserved(at=ago(9), starts_at=ahead(20)), signed_in(make.alice())
    row = f"{address_of(made)}communications/{tap(other, at=ago(2)).pk}"
    found = {client.post(f"{row}/{action}/", {"channel": "phone"}).status_code for action in ("retirer", "preciser")}
    assert (found, other.communications.count()) == ({404}, 1)


# A cancelled request (FAQ « Le demandeur a annulé la demande, est-ce que je serais rémunéré? »)


def cancelled(logged=0, **fields):
    made = make.reserved(at=ago(9), are_communications_requested=True, **fields)
    for day in range(logged):
        make.communication(made, made_at=ago(5 - day))
    services.cancel(made, by=make.requester(), at=timezone.now(), reason=CancellationReason.BY_REQUESTER)
    return made


def test_those_logged_before_a_cancellation_in_time_are_claimed_in_one_tap():
    made, client = cancelled(2, starts_at=ahead()), signed_in(make.alice())
    assert press(client, address_of(made), "Réclamer 2 communications").url == address_of(made)
    made.refresh_from_db()
    assert (made.is_due_to_review, made.completion.outcome) == (True, "claim")
    page = said(client.get(address_of(made)))
    assert "Réclamation envoyée." in page and "Total 20,50 $" in page and "Réclamer" not in page


def test_pressed_twice_it_is_one_claim():
    made = cancelled(1, starts_at=ahead())
    seen = made.version
    for _ in range(2):
        claims.claim(made, by=make.alice(), at=timezone.now(), version=seen)
    assert made.completion.revisions.count() == 1


def test_nobody_can_take_the_place_of_a_claim():
    made, hers = cancelled(1, starts_at=ahead()), make.reserved(make.bob(), at=ago(9), starts_at=ago(3))
    guessed = uuid.uuid5(uuid.NAMESPACE_OID, f"claim {made.pk} {made.version}")
    filed.report(hers, key=guessed)
    claims.claim(made, by=make.alice(), at=timezone.now(), version=made.version)
    assert made.completion.outcome == "claim"


def test_a_page_older_than_the_request_claims_nothing():
    made = cancelled(1, starts_at=ahead())
    page = signed_in(make.alice()).post(f"{address_of(made)}reclamation/", {"version": made.version - 1})
    made.refresh_from_db()
    assert (page.status_code, made.filed_by) == (409, None)


@pytest.mark.parametrize(
    ("who", "claim"), [(make.alice, "si vous les réclamez"), (make.coordinator, "si l’interprète les réclame")]
)
def test_before_the_claim_the_pay_says_what_it_depends_on(who, claim):
    page = said(signed_in(who()).get(address_of(cancelled(1, starts_at=ahead()))))
    assert f"Total, {claim} 10,25 $" in page and f"payées seulement {claim}." in page


def test_before_the_claim_what_would_not_be_paid_is_said():
    made = cancelled(2, starts_at=ahead())
    ServiceRequest.objects.filter(pk=made.pk).update(are_communications_requested=False)
    page = said(signed_in(make.alice()).get(address_of(made)))
    assert "2 communications ne seront pas payées telles quelles : précisez qui les a demandées" in page


def test_without_any_logged_the_claim_is_written_in_the_report():
    page = signed_in(make.alice()).get(address_of(cancelled(starts_at=ahead())))
    assert "achevement/" in page.content.decode() and "Réclamer des communications" in said(page)
    assert "Je viens de la faire" not in said(page)


def test_a_late_cancellation_asks_for_no_claim():
    made = cancelled(1, starts_at=timezone.now() + HOUR)
    page = said(signed_in(make.alice()).get(address_of(made)))
    assert "sans rien réclamer. La communication inscrite fait partie du dossier que la BI vérifie." in page
    assert made.is_due_to_review and "Réclamer 1" not in page
