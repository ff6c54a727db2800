"""What a request's page shows of the report and of its pay, and to whom."""

from decimal import Decimal

import pytest
from django.urls import reverse

from completion import decisions
from completion.models import Outcome
from requests_app import services as requests
from requests_app.models import CancellationReason, ServiceRequest
from tests import make
from tests.billing import make as billed
from tests.completion import make as filed
from tests.make import HOUR, NOW, START
from tests.pages import request_of, sign_in

pytestmark = pytest.mark.django_db
END = START + make.LENGTH


@pytest.fixture
def page(client):
    def read(user, service_request) -> str:
        sign_in(client, user)
        return client.get(reverse("requests:detail", args=[service_request.pk])).content.decode()

    return read


def panel(tag, user, service_request) -> str:
    """One panel alone, of a request freshly read."""
    from django.template import engines

    request = request_of(user)
    template = engines["django"].from_string("{% load completion %}{% " + tag + " service_request %}")
    return template.render({"service_request": service_request}, request)


def fresh(service_request) -> ServiceRequest:
    return ServiceRequest.objects.with_people().get(pk=service_request.pk)


def test_the_report_is_shown_in_words(page):
    made = make.reserved()
    filed.report(
        made, distance_km=Decimal("18.4"), comments="2025-03-03 14h10 Confirmation du rendez-vous\nTout va bien."
    )
    read = page(make.alice(), made)
    for words in (
        "Service fourni",
        "18,4\u00a0km aller",
        "1- 2025-03-03 14h10 Confirmation du rendez-vous",
        "Tout va bien.",
    ):
        assert words in read


def test_the_interpreter_modifies_until_the_end(page):
    made = filed.provided()
    edit = f'href="{reverse("completion:edit", args=[made.pk])}"'
    assert edit in page(make.alice(), made)
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    assert edit not in page(make.alice(), made)


def test_the_reason_of_a_return_is_shown(page):
    made = filed.provided()
    decisions.return_for_correction(made, by=make.validator(), at=END + 2 * HOUR, reason="La fin est-elle juste?")
    assert "La BI du RSSS vous demande une correction" in page(make.alice(), made)


def test_pay_is_an_estimate_then_frozen(page):
    made = filed.provided()
    assert "Estimation" in page(make.alice(), made)
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    read = page(make.alice(), made)
    assert "Montants fixés à l’achèvement." in read
    assert "82,00\u00a0$" in read


def test_a_late_cancellation_shows_what_it_pays(page):
    made = make.reserved()
    requests.cancel(made, by=make.requester(), at=START - HOUR, reason=CancellationReason.BY_REQUESTER)
    assert "82,00\u00a0$" in page(make.alice(), made)


@pytest.mark.parametrize("who", [make.alice, make.coordinator, make.validator])
def test_those_concerned_see_both_panels(who):
    made = fresh(filed.provided())
    assert "Service fourni" in panel("completion_panel", who(), made)
    assert "Durée de présence" in panel("pay_panel", who(), made)


@pytest.mark.parametrize("who", [make.bob, make.requester, make.administrator])
def test_nobody_else_sees_them(who):
    made = fresh(filed.provided())
    assert panel("completion_panel", who(), made).strip() == ""
    assert panel("pay_panel", who(), made).strip() == ""


def test_nothing_is_shown_before_anything_is_filed():
    made = fresh(make.reserved())
    assert panel("completion_panel", make.alice(), made).strip() == ""
    assert panel("pay_panel", make.alice(), made).strip() == ""


@pytest.mark.parametrize("who", [make.alice, make.coordinator])
def test_a_file_kept_before_anything_is_filed_is_shown(who):
    made = make.reserved()
    filed.attach(made, at=START, name="recu-de-alice.jpg")
    assert "recu-de-alice.jpg" in panel("completion_panel", who(), fresh(made))


def test_a_file_of_the_interpreter_before_is_not_listed():
    made = make.reserved()
    filed.attach(made, at=START, name="recu-de-alice.jpg")
    requests.reassign(made, make.bob(), by=make.coordinator(), at=START + HOUR, note="Échange.")
    filed.report(made)
    assert "recu-de-alice" not in panel("completion_panel", make.bob(), fresh(made))


def test_a_report_filed_for_the_interpreter_says_so():
    made = make.reserved()
    filed.report(made, by=make.coordinator(), note="Dicté.")
    assert "au nom de l’interprète" in panel("completion_panel", make.alice(), fresh(made))


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.PATIENT_ABSENT, Outcome.PROFESSIONAL_ABSENT])
def test_why_the_service_was_not_rendered_is_said(outcome):
    made = make.reserved()
    filed.report(made, outcome=outcome)
    assert "Non\u00a0:" in panel("completion_panel", make.alice(), fresh(made))


def test_the_panels_of_a_page_cost_few_queries(rf, django_assert_num_queries):
    made = filed.provided()
    filed.attach(made)
    make.communication(made, made_at=END)
    alice, made = make.alice(), fresh(made)
    with django_assert_num_queries(5):  # report, communications, files, what the BI added, revisions with signatures
        panel("completion_panel", alice, made)
    with django_assert_num_queries(1):  # tariff
        panel("pay_panel", alice, made)


@pytest.mark.parametrize(("who", "is_link"), [(make.alice, True), (make.validator, True), (make.coordinator, False)])
def test_the_pay_of_a_request_says_which_statement_paid_it(who, is_link):
    made = billed.paid()
    statement = billed.statement_of(make.alice(), billed.period())
    read = panel("pay_panel", who(), fresh(made))
    assert "Payé, relevé " in read and statement.number in read
    assert (f'href="/releves/{statement.pk}/"' in read) is is_link


def test_frozen_pay_costs_one_query(rf, django_assert_num_queries):
    made = filed.provided()
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    alice, made = make.alice(), fresh(made)
    with django_assert_num_queries(1):
        panel("pay_panel", alice, made)


def test_a_relay_shows_its_communications():
    made = make.reserved()
    make.communication(made, made_at=NOW)
    relay = requests.mark_unallocated(made, by=make.alice(), at=NOW + HOUR)
    read = panel("completion_panel", make.alice(), fresh(relay))
    assert "1- 2025-03-03 10h00 Confirmation du rendez-vous" in read
    assert "Modifier" in read
