"""What the panel of a cancellation says before confirming (ruling 12): the limit, the clock, the pay, and to whom."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.template import Context, Template

from billing.cancellations import cancellation_preview
from requests_app import services as requests
from requests_app.models import CancellationReason, Holiday, ServiceRequest
from requests_app.workflow import ServiceType
from tests import make, pages
from tests.make import HOUR, MICROSECOND, NOW, START, local
from tests.pages import request_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LIMIT = START - 2 * DAY
WRITTEN = [ServiceType.TRANSLATION, ServiceType.REVISION, ServiceType.MESSAGE_RELAY]
# Starts whose limit is near a weekend, a holiday, the ends of a day or the change of the clock.
STARTS = [
    "2025-03-12 14:00",
    "2025-03-17 10:00",
    "2025-03-12 00:00",
    "2025-03-15 09:00",
    "2025-03-11 02:30",
    "2025-11-04 01:30",
    "2024-12-27 10:00",
    "2025-01-03 08:00",
    "2025-04-22 23:45",
]


def reserved(starts_at, *, booked=60, **fields):
    starts_at = local(starts_at)
    ends_at = starts_at + timedelta(minutes=booked)
    made = make.reserved(at=starts_at - 21 * DAY, starts_at=starts_at, ends_at=ends_at, **fields)
    return ServiceRequest.objects.get(pk=made.pk)


def html(made, *, at, user=None):
    request = request_of(user or make.coordinator())
    page = Template("{% load billing %}{% cancellation_pay service_request at %}")
    return page.render(Context({"request": request, "service_request": made, "at": at}))


def said(made, *, at, user=None):
    """What a person reads, on one line, with ordinary spaces."""
    text = html(made, at=at, user=user).replace("<b>", "").replace("</b>", "")
    return " ".join(unescape(re.sub("<[^>]*>", " ", text)).split())


def total(made, at):
    return str(cancellation_preview(made, at=at).total)


# The limit


def test_the_limit_is_said_to_the_minute_with_what_each_side_pays():
    text = html(reserved("2025-06-12 16:00"), at=local("2025-06-02 09:00"))
    limit = "<b>mardi 10\u00a0juin 2025 à 16\u00a0h</b> inclus"
    assert f"Jusqu’au {limit}\u00a0: 0\u00a0$; après\u00a0: 82,00\u00a0$." in text


@pytest.mark.parametrize(("late", "paid"), [(-MICROSECOND, "0.00"), (timedelta(), "0.00"), (MICROSECOND, "82.00")])
def test_exactly_at_the_limit_is_free(late, paid):
    assert total(make.reserved(), LIMIT + late) == paid


@pytest.mark.parametrize("starts_at", STARTS)
@pytest.mark.parametrize(("late", "is_late"), [(-MICROSECOND, False), (timedelta(), False), (MICROSECOND, True)])
def test_the_limit_said_is_the_one_the_cancellation_obeys(starts_at, late, is_late):
    made = reserved(starts_at)
    limit = cancellation_preview(made, at=made.starts_at - 10 * DAY).limit
    requests.cancel(made, by=make.requester(), at=limit + late, reason=CancellationReason.BY_REQUESTER)
    assert made.is_late_cancellation is is_late


def test_the_limit_is_the_same_whenever_it_is_asked():
    made = reserved("2025-01-03 08:00")
    instants = [made.starts_at - 20 * DAY, made.starts_at - HOUR, made.starts_at, made.starts_at + 30 * DAY]
    assert len({cancellation_preview(made, at=at).limit for at in instants}) == 1


def test_the_limit_is_found_before_a_long_closure():
    days = [date(2025, 2, 1) + n * DAY for n in range(33)]
    Holiday.objects.bulk_create([Holiday(date=day, name="Grève") for day in days], ignore_conflicts=True)
    assert cancellation_preview(make.reserved(), at=LIMIT).limit == local("2025-01-30 13:00")


# The clock


def test_the_clock_is_told_day_by_day():
    text = said(reserved("2025-03-17 10:00"), at=local("2025-03-14 09:00"))
    assert "Il reste 25 h en jours ouvrables avant le début :" in text
    weekend = "sam. 15 mars et dim. 16 mars : fin de semaine"
    assert f"ven. 14 mars, 9 h → minuit : 15 h {weekend} lun. 17 mars, minuit → 10 h : 10 h" in text


def test_of_a_far_request_only_the_last_days_are_told_one_by_one():
    made = reserved("2025-03-17 10:00")
    text = said(made, at=local("2025-03-03 10:00"))
    assert "avant le mar. 11 mars : 134 h mar. 11 mars : 24 h" in text


def test_a_second_less_than_48_hours_never_shows_as_48():
    assert "Il reste 47 h 59 en jours ouvrables" in said(make.reserved(), at=LIMIT + MICROSECOND)


def test_before_a_start_on_a_sunday_no_hour_is_left():
    text = said(reserved("2025-03-16 10:00"), at=local("2025-03-15 09:00"))
    assert "Il reste 0 min en jours ouvrables avant le début : sam. 15 mars et dim. 16 mars : fin de semaine" in text


@pytest.mark.parametrize(("late", "has_started"), [(-MICROSECOND, False), (timedelta(), True), (MICROSECOND, True)])
def test_from_the_start_on_there_is_no_notice_left(late, has_started):
    text = said(make.reserved(), at=START + late)
    assert ("L’heure de début est passée." in text) is has_started
    assert ("Jusqu’au" in text) is not has_started


def test_after_the_start_the_booked_time_is_paid():
    made = make.reserved(ends_at=START + 3 * HOUR)
    assert total(made, START + HOUR) == "123.00"


# Who is paid how much


def test_a_late_cancellation_says_who_receives_what():
    text = said(make.reserved(), at=START - HOUR)
    assert "Annulation payée à l’interprète" in text
    assert "Alice Nom-de-Alice reçoit 82,00 $." in text


def test_a_cancellation_in_time_says_that_nobody_receives_anything():
    text = said(make.reserved(), at=LIMIT)
    assert "Annulation sans frais" in text and "Annulation à 2 jours ouvrables (48 h) ou plus" in text
    assert "Alice Nom-de-Alice ne reçoit rien." in text


def test_the_lines_explain_the_amount():
    text = said(make.reserved(), at=START - HOUR)
    assert "Annulation à moins de 2 jours ouvrables (48 h) 2 h × 41,00 $ Préavis de 1 h en jours ouvrables" in text


def test_billable_communications_already_made_are_owed_before_the_limit_too():
    made = make.reserved(are_communications_requested=True)
    make.communication(made)
    assert (total(made, LIMIT), total(made, START - HOUR)) == ("10.25", "92.25")


def test_the_cost_on_each_side_of_the_limit_counts_the_communications_made():
    made = make.reserved(at=NOW - DAY, are_communications_requested=True)
    make.communication(made, made_at=NOW - HOUR)
    text = said(made, at=NOW)
    assert "inclus : 10,25 $; après : 92,25 $." in text
    assert "Annulation sans frais; 1 communication payée" in text


def test_a_request_made_after_its_limit_was_never_free_to_cancel():
    made = make.reserved(at=LIMIT + HOUR)
    sentence = "Toute annulation est payée : il restait moins de 48 h ouvrables à la création."
    assert sentence in said(made, at=START - HOUR)
    assert sentence not in said(make.reserved(make.bob(), at=LIMIT), at=START - HOUR)


def test_communications_that_nobody_asked_for_are_left_to_the_validator():
    made = make.reserved()
    make.communication(made)
    assert "non facturable" not in said(made, at=NOW)


def test_after_a_late_shortening_the_original_minutes_are_paid():
    made = make.reserved(ends_at=START + 3 * HOUR)
    requests.modify(made, by=make.coordinator(), at=START - HOUR, note="Entente.", ends_at=START + HOUR)
    assert total(made, START) == "123.00"


def test_the_tariff_of_the_service_date_pays():
    make.policy(START.date(), hourly_rate=50)
    before, after = make.reserved(starts_at=START - DAY, at=NOW - DAY), make.reserved()
    assert [total(made, START) for made in (before, after)] == ["82.00", "100.00"]


def test_the_bi_is_reminded_that_an_absent_interpreter_is_not_paid():
    made = make.reserved()
    sentence = "Avec le motif « Interprète absent », rien n’est payé à l’interprète."
    assert sentence in said(made, at=START)
    assert sentence not in said(made, at=START, user=make.requester())


# Services that pay nothing late, and requests that nobody holds


@pytest.mark.parametrize("service_type", WRITTEN)
def test_a_service_that_is_not_an_interpretation_is_always_free(service_type):
    made = make.reserved(service_type=service_type)
    text = said(made, at=START + HOUR)
    assert "Annulation sans frais" in text
    assert "ne reçoit rien" in text
    assert "L’annulation ne paie que l’interprétation, en présence ou à distance." in text


@pytest.mark.parametrize("service_type", WRITTEN)
def test_a_service_that_is_always_free_has_no_limit(service_type):
    text = said(make.reserved(service_type=service_type), at=NOW)
    assert "Jusqu’au" not in text and "Il reste" not in text


@pytest.mark.parametrize("build", [make.unallocated, make.pending])
def test_a_request_that_nobody_holds_costs_nothing_even_late(build):
    text = said(build(), at=START + HOUR)
    assert text == "Annulation sans frais Aucun interprète n’a la demande : l’annulation ne coûte rien."


# Who reads it


def test_a_requester_reads_the_amount_but_not_the_name():
    text = said(make.reserved(), at=START - HOUR, user=make.requester())
    assert "L’interprète reçoit 82,00 $." in text
    assert "Alice" not in text


@pytest.mark.parametrize("who", [make.coordinator, make.validator])
def test_the_bi_reads_the_name(who):
    assert "Alice Nom-de-Alice" in said(make.reserved(), at=START - HOUR, user=who())


@pytest.mark.parametrize("who", [make.alice, make.bob, make.administrator])
def test_nobody_else_reads_anything(who):
    assert said(make.reserved(), at=START - HOUR, user=who()) == ""


def test_the_page_of_a_requester_never_names_the_interpreter():
    made = make.reserved(starts_at=pages.ahead(), at=pages.ago(1))
    page = pages.signed_in(make.requester()).get(f"/demandes/{made.pk}/annuler/")
    assert "L’interprète ne reçoit rien." in pages.said(page)
    assert "Alice" not in page.content.decode()


@pytest.mark.parametrize(("build", "queries"), [(make.unallocated, 1), (make.pending, 1), (make.reserved, 3)])
def test_the_panel_asks_little_of_the_database(build, queries, django_assert_num_queries):
    made = ServiceRequest.objects.with_people().get(pk=build().pk)
    user = make.coordinator()
    with django_assert_num_queries(queries):
        said(made, at=NOW, user=user)
