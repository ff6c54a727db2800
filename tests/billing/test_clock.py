"""The 48 h clock said day by day, before a cancellation and long after it, whatever the holidays became."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.template import Context, Template

from billing.clock import clock, clock_of_lines
from billing.models import PayLine
from completion.decisions import validate
from completion.models import Outcome
from requests_app import services as requests
from requests_app.models import CancellationReason, Holiday, ServiceRequest
from tests import make, pages
from tests.completion import make as filed
from tests.make import HOUR, MICROSECOND, local
from tests.pages import signed_in

DAY = timedelta(days=1)
CHRISTMAS = [date(2024, 12, day) for day in (24, 25, 26, 31)] + [date(2025, 1, 1), date(2025, 1, 2)]
VERDICTS = {True: "moins de 48 h : annulation tardive.", False: "48 h ou plus : à temps."}


def told(received_at, starts_at, *, closed_days=CHRISTMAS) -> list[str]:
    """Each line, with ordinary spaces."""
    found = clock(local(received_at), local(starts_at), closed_days=closed_days)
    return [f"{step.when} : {step.what}".replace("\u00a0", " ") for step in found.steps]


# Day by day


SAID = {
    "over a weekend": (
        ("2025-03-14 16:00", "2025-03-17 14:00"),
        [
            "ven. 14 mars, 16 h → minuit : 8 h",
            "sam. 15 mars et dim. 16 mars : fin de semaine",
            "lun. 17 mars, minuit → 14 h : 14 h",
        ],
    ),
    "on one day": (("2025-03-12 09:00", "2025-03-12 14:10"), ["mer. 12 mars, 9 h → 14 h 10 : 5 h 10"]),
    "two whole days": (
        ("2025-03-10 14:00", "2025-03-12 14:00"),
        ["lun. 10 mars, 14 h → minuit : 10 h", "mar. 11 mars : 24 h", "mer. 12 mars, minuit → 14 h : 14 h"],
    ),
    "from midnight to midnight": (
        ("2025-03-10 00:00", "2025-03-12 00:00"),
        ["lun. 10 mars : 24 h", "mar. 11 mars : 24 h"],
    ),
    "over Christmas": (
        ("2024-12-23 12:00", "2024-12-27 10:00"),
        [
            "lun. 23 déc., 12 h → minuit : 12 h",
            "du mar. 24 déc. au jeu. 26 déc. : fériés",
            "ven. 27 déc., minuit → 10 h : 10 h",
        ],
    ),
    "over the new year": (
        ("2024-12-30 20:00", "2025-01-03 08:00"),
        [
            "lun. 30 déc., 20 h → minuit : 4 h",
            "du mar. 31 déc. au jeu. 2 janv. : fériés",
            "ven. 3 janv., minuit → 8 h : 8 h",
        ],
    ),
    "received on a closed day": (
        ("2024-12-25 09:00", "2024-12-27 10:00"),
        ["mer. 25 déc. et jeu. 26 déc. : fériés", "ven. 27 déc., minuit → 10 h : 10 h"],
    ),
    "over the weekend when clocks go forward": (
        ("2025-03-07 16:00", "2025-03-10 08:00"),
        [
            "ven. 7 mars, 16 h → minuit : 8 h",
            "sam. 8 mars et dim. 9 mars : fin de semaine",
            "lun. 10 mars, minuit → 8 h : 8 h",
        ],
    ),
    "over the weekend when clocks go back": (
        ("2025-10-31 16:00", "2025-11-03 08:00"),
        [
            "ven. 31 oct., 16 h → minuit : 8 h",
            "sam. 1er nov. et dim. 2 nov. : fin de semaine",
            "lun. 3 nov., minuit → 8 h : 8 h",
        ],
    ),
    "after the start": (("2025-03-12 14:00", "2025-03-12 14:00"), []),
}


@pytest.mark.parametrize("case", SAID)
def test_each_day_says_its_hours_or_why_it_counts_none(case):
    given, lines = SAID[case]
    assert told(*given) == lines


def test_a_holiday_beside_a_weekend_is_named_apart():
    lines = told("2025-04-17 16:00", "2025-04-22 08:00", closed_days=[date(2025, 4, 18), date(2025, 4, 21)])
    assert lines[1:4] == [
        "ven. 18 avr. : férié",
        "sam. 19 avr. et dim. 20 avr. : fin de semaine",
        "lun. 21 avr. : férié",
    ]


def test_of_a_long_notice_the_last_business_days_are_told():
    assert told("2025-03-03 10:00", "2025-03-17 10:00")[:2] == ["avant le mar. 11 mars : 134 h", "mar. 11 mars : 24 h"]


@pytest.mark.parametrize("hours", [1, 30, 47, 49, 100, 500])
def test_the_days_add_up_to_the_whole(hours):
    starts_at = local("2025-01-03 08:30")
    found = clock(starts_at - hours * HOUR, starts_at, closed_days=CHRISTMAS)
    amounts = [step.what for step in found.steps if not step.what.startswith(("fin", "férié"))]
    assert sum(minutes_in(said) for said in amounts) == found.minutes


def minutes_in(said: str) -> int:
    """« 8 h 30 », « 45 min » in minutes."""
    if said.endswith("min"):
        return int(said.split()[0])
    hours, _, rest = said.partition("\u00a0h")
    return int(hours) * 60 + int(rest or 0)


@pytest.mark.parametrize(
    ("late", "minutes", "is_late"), [(-MICROSECOND, 2880, False), (0 * DAY, 2880, False), (MICROSECOND, 2879, True)]
)
def test_exactly_48_hours_is_in_time_and_a_moment_less_never_shows_as_48(late, minutes, is_late):
    found = clock(local("2025-03-10 14:00") + late, local("2025-03-12 14:00"), closed_days=())
    assert (found.minutes, found.is_late) == (minutes, is_late)
    assert VERDICTS[is_late] in found.verdict.replace("\u00a0", " ")


@pytest.mark.parametrize("received_at", ["2025-03-12 14:00", "2025-03-12 14:01"])
def test_from_the_start_on_there_is_no_notice(received_at):
    found = clock(local(received_at), local("2025-03-12 14:00"), closed_days=())
    assert (found.minutes, found.is_late) == (0, True)
    assert found.verdict == "L’avis est arrivé au début ou après\u00a0: annulation tardive."


def test_a_notice_in_the_hour_that_comes_twice_is_before_the_start_that_the_wall_clock_shows_earlier():
    first, second = local("2025-11-02 01:30"), local("2025-11-02 01:10").replace(fold=1)
    assert not clock(first, second, closed_days=()).has_started
    assert clock(second, first, closed_days=()).has_started


# After the cancellation


CLOCK = "lun. 23 déc., 12 h → minuit : 12 h du mar. 24 déc. au jeu. 26 déc. : fériés ven. 27 déc., minuit → 10 h : 10 h"
VERDICT = f"22 h en jours ouvrables, {VERDICTS[True]}"


def cancelled(reason=CancellationReason.BY_REQUESTER, **fields) -> ServiceRequest:
    """Alice's, of 27 December at 10 h; the notice came on the 23rd at noon."""
    made = make.reserved(at=local("2024-12-02 10:00"), starts_at=local("2024-12-27 10:00"), **fields)
    requests.cancel(made, by=make.requester(), at=local("2024-12-23 12:00"), reason=reason)
    return made


COST = "Annulation tardive : 82,00 $ (estimation), facturée à votre établissement."


def cost_of(made, request=None) -> str:
    """What its requester reads of it, with ordinary spaces."""
    context = Context({"request": request or pages.request_of(make.requester()), "service_request": made})
    page = Template("{% load billing %}{% notice_decided service_request %}").render(context)
    return " ".join(unescape(re.sub("<[^>]*>", "", page)).split())


def closed_otherwise():
    """Whatever is added or removed since."""
    Holiday.objects.filter(date__in=CHRISTMAS).delete()
    Holiday.objects.create(date="2024-12-23", name="Tempête")
    Holiday.objects.create(date="2024-12-27", name="Panne")


def page_of(made, who) -> str:
    address = "/admin/completion/review/{}/change/" if who.role == "validator" else "/demandes/{}/"
    return pages.said(signed_in(who).get(address.format(made.pk)))


@pytest.mark.django_db
@pytest.mark.parametrize("who", [make.alice, make.coordinator, make.requester, make.validator])
@pytest.mark.parametrize("is_validated", [False, True])
def test_the_clock_of_a_cancelled_request_is_read_as_it_was_decided(who, is_validated):
    made = cancelled()
    if is_validated:
        validate(made, by=make.validator(), at=made.ends_at)
    closed_otherwise()
    text = page_of(made, who())
    assert "Avis reçu le lundi 23 décembre 2024 à 12 h; début prévu le vendredi 27 décembre 2024 à 10 h." in text
    assert VERDICT in text and CLOCK in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("is_validated", "said", "queries"), [(False, COST, 2), (True, COST.replace(" (estimation)", ""), 1)]
)
def test_its_requester_reads_what_it_costs(is_validated, said, queries, django_assert_num_queries):
    made = cancelled()
    if is_validated:
        validate(made, by=make.validator(), at=made.ends_at)
    closed_otherwise()
    made, request = ServiceRequest.objects.get(pk=made.pk), pages.request_of(make.requester())
    with django_assert_num_queries(queries):
        text = cost_of(made, request)
    assert (said in text, VERDICT in text, "Alice" in text) == (True, True, False)


@pytest.mark.django_db
def test_its_requester_reads_that_communications_may_still_be_claimed():
    made = make.reserved(
        at=local("2024-12-02 10:00"), starts_at=local("2024-12-27 10:00"), are_communications_requested=True
    )
    make.communication(made, made_at=local("2024-12-03 10:00"))
    requests.cancel(made, by=make.requester(), at=local("2024-12-04 10:00"), reason=CancellationReason.BY_REQUESTER)
    cost = "Annulation sans frais, sauf les frais déjà engagés : 10,25 $ (estimation), à votre établissement"
    assert f"{cost} si l’interprète les réclame." in cost_of(made)
    filed.report(made, at=made.ends_at, outcome=Outcome.CLAIM)
    assert f"{cost}." in cost_of(ServiceRequest.objects.get(pk=made.pk))


@pytest.mark.django_db
def test_a_cancellation_that_the_interpreter_reports_keeps_its_clock_once_validated():
    made = make.reserved(at=local("2024-12-02 10:00"), starts_at=local("2024-12-27 10:00"))
    filed.report(made, outcome=Outcome.CANCELLED, told_at=local("2024-12-23 12:00"))
    assert CLOCK in page_of(made, make.alice())
    validate(made, by=make.validator(), at=made.ends_at + HOUR)
    closed_otherwise()
    assert CLOCK in page_of(made, make.alice())


@pytest.mark.django_db
def test_a_day_closed_before_the_cancellation_counts():
    Holiday.objects.create(date="2024-12-23", name="Tempête")
    text = page_of(cancelled(), make.requester())
    assert "10 h en jours ouvrables, moins de 48 h" in text
    assert "du lun. 23 déc. au jeu. 26 déc. : fériés ven. 27 déc., minuit → 10 h : 10 h" in text


@pytest.mark.django_db
@pytest.mark.parametrize("who", [make.alice, make.requester, make.validator])
def test_a_translation_has_no_clock(who):
    made = make.reserved(at=local("2024-12-02 10:00"), starts_at=local("2024-12-27 10:00"), service_type="translation")
    requests.cancel(made, by=make.requester(), at=local("2024-12-23 12:00"), reason=CancellationReason.BY_REQUESTER)
    filed.report(made, at=made.ends_at, outcome=Outcome.CLAIM)
    assert "en jours ouvrables, moins" not in page_of(made, who())


@pytest.mark.django_db
@pytest.mark.parametrize("who", [make.alice, make.requester, make.coordinator])
def test_no_clock_decides_the_pay_of_an_absent_interpreter(who):
    made = make.reserved(at=local("2024-12-02 10:00"), starts_at=local("2024-12-27 10:00"))
    absent = {"reason": CancellationReason.INTERPRETER_ABSENT, "note": "La clinique a appelé."}
    requests.cancel(made, by=make.coordinator(), at=made.starts_at + HOUR, **absent)
    assert "Avis reçu le vendredi" not in page_of(made, who())
    assert cost_of(made) == "Annulation Annulation sans frais."


@pytest.mark.parametrize("is_absent", [False, True])
def test_the_lines_of_an_absent_interpreter_tell_no_clock_either(is_absent):
    inputs = {"service_type": "on_site", "interpreter_is_at_fault": is_absent, "closed_days": []}
    inputs |= {"notice_received_at": "2024-12-23T12:00-05:00", "starts_at": "2024-12-27T10:00-05:00"}
    found = clock_of_lines([PayLine(kind="late_cancellation", inputs=inputs)])
    assert (found is None) == is_absent


@pytest.mark.django_db
@pytest.mark.parametrize("who", [make.alice, make.coordinator])
def test_what_a_cancellation_costs_is_said_to_its_requester_alone(who):
    assert cost_of(cancelled(), pages.request_of(who())) == ""


@pytest.mark.django_db
def test_a_request_that_nobody_had_has_no_clock():
    made = make.unallocated(at=local("2024-12-02 10:00"), starts_at=local("2024-12-27 10:00"))
    requests.cancel(made, by=make.requester(), at=local("2024-12-23 12:00"), reason=CancellationReason.BY_REQUESTER)
    assert cost_of(made) == "Annulation Annulation sans frais."
