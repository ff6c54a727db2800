"""« Statistiques »: each figure on worlds worked out by hand, and all of them over a world drawn at random."""

import csv
import random
from collections import Counter, defaultdict
from datetime import UTC, date, timedelta
from io import StringIO
from math import floor
from time import perf_counter
from urllib.parse import parse_qsl

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.rules import is_late_cancellation
from requests_app import offers, services
from requests_app.models import CancellationReason, Holiday, Offer, ServiceRequest, Transition
from requests_app.moves import notice_of
from requests_app.spans import Choice, Known, presets
from requests_app.statistics import OUTCOMES, Figures, outcome_of
from requests_app.workflow import BOOKED, SPOKEN, ServiceType, Status
from tests import make
from tests.make import HOUR, NOW, START
from tests.pages import said, signed_in
from tests.requests_app.crowd import crowd

pytestmark = pytest.mark.django_db
MARCH = {"du": "2025-03-01", "au": "2025-03-31"}
DAY = 24 * HOUR
TODAY = START.date()
AFTER = START + 5 * DAY


def figures(at=AFTER, **given) -> Figures:
    known = Known.read()
    return Figures(Choice.read(MARCH | given, known, TODAY), known, at)


def opened(**given):
    return signed_in(make.coordinator()).get("/bi/statistiques/", MARCH | given)


def cancelled(made, reason=CancellationReason.BY_REQUESTER, at=NOW, **given):
    services.cancel(made, by=make.coordinator(), at=at, reason=reason, note="Par téléphone", **given)
    return made


def assigned(made, *, at=NOW, to=None):
    services.assign(made, to or make.alice(), by=make.coordinator(), at=at, note="Par téléphone")
    return made


# What became of them


def paid_cancellation():
    made = cancelled(make.reserved(), at=START - HOUR)
    services.validate(made, by=make.validator(), at=AFTER)


@pytest.mark.parametrize(
    ("build", "outcome"),
    [
        (make.unallocated, "missing"),
        (make.pending, "missing"),
        (make.reserved, "held"),
        (make.modified, "held"),
        (make.provided, "served"),
        (make.completed, "served"),
        (make.cancelled, "cancelled"),
        (paid_cancellation, "cancelled"),
    ],
)
def test_a_request_counts_once_in_what_became_of_it(build, outcome):
    build()
    found = figures()
    assert [dict(zip(OUTCOMES, numbers, strict=True)) for _, _, numbers in found.by_step if any(numbers)] == [
        {**dict.fromkeys(OUTCOMES, 0), outcome: 1}
    ]
    assert found.number == sum(number for _, number in found.by_status) == 1


def test_a_week_begins_on_monday_and_a_long_period_is_told_by_months():
    weeks = [(name, step.first, step.last) for name, step in figures().choice.steps()]
    assert weeks[:2] == [
        ("1er\u00a0mars\u00a02025", date(2025, 3, 1), date(2025, 3, 2)),
        ("3\u00a0mars\u00a02025", date(2025, 3, 3), date(2025, 3, 9)),
    ]
    assert weeks[-1][1:] == (date(2025, 3, 31), date(2025, 3, 31))
    assert [name for name, _ in figures(du="2024-08-15").choice.steps()][:2] == ["août 2024", "septembre 2024"]


def test_a_request_belongs_to_the_week_of_its_start_on_the_clock_of_montreal():
    make.unallocated(starts_at=make.local("2025-03-09 23:30"))
    make.unallocated(starts_at=make.local("2025-03-10 00:00"))
    assert [sum(numbers) for _, _, numbers in figures().by_step] == [0, 1, 1, 0, 0, 0]


def test_a_relay_that_ims_made_is_no_request():
    make.communication(made := make.reserved())
    services.mark_unallocated(made, by=make.coordinator(), at=NOW, note="Malade")
    found = figures()
    assert ServiceRequest.objects.count() == 2
    assert (found.number, found.filled.numbers, found.loads) == (1, (0, 1), [])


# How many are filled


FILLED = {
    "nobody ever had it": (lambda: make.unallocated(), (0, 1)),
    "somebody has it": (make.reserved, (1, 0)),
    "somebody had it when it was cancelled": (make.cancelled, (1, 0)),
    "cancelled while nobody had it": (lambda: cancelled(make.unallocated()), (0, 0)),
    "cancelled because nobody was found": (
        lambda: cancelled(make.unallocated(), CancellationReason.NO_INTERPRETER),
        (0, 1),
    ),
    "cancelled after its start, without anybody": (lambda: cancelled(make.unallocated(), at=START + HOUR), (0, 1)),
    "typed in after its start": (
        lambda: assigned(make.unallocated(by=make.coordinator(), note="Nuit", at=START + DAY), at=START + DAY),
        (0, 0),
    ),
    "not begun yet": (lambda: make.unallocated(starts_at=AFTER + HOUR), (0, 0)),
    "given and given back": (
        lambda: services.mark_unallocated(make.reserved(), by=make.alice(), at=NOW),
        (0, 1),
    ),
}


@pytest.mark.parametrize("case", FILLED)
def test_a_request_is_filled_when_somebody_has_it_in_the_end(case):
    build, expected = FILLED[case]
    build()
    assert figures().filled.numbers == expected


def test_the_worst_rate_comes_first_but_for_those_of_few_requests():
    arabic, ukrainian = make.language("arabe"), make.language("ukrainien")
    for day in range(6):
        make.unallocated(language=arabic, starts_at=START + day * DAY)
        assigned(make.unallocated(starts_at=START + day * DAY))
    make.unallocated(language=ukrainian)
    found = figures(at=START + 10 * DAY)
    assert [(rate.key, rate.numbers) for rate in found.filled_by_language()] == [
        ("arabe", (0, 6)),
        ("espagnol", (6, 0)),
        ("ukrainien", (0, 1)),
    ]
    assert [rate.numbers for rate in found.filled_by_region()] == [(6, 7)]
    assert "Arabe 0 de 6 6 0,0 %" in said(opened())


# How long it takes


def waited(**given) -> dict:
    """{urgent, not urgent, all: (how many, half within, in hours)}."""
    delays = figures(**given).delays
    return {key: (delay.number, delay.median / HOUR) for key, delay in delays.items()}


def test_the_delay_is_from_creation_to_the_acceptance_that_held():
    made = make.pending()
    offers.accept(made, by=make.alice(), at=NOW + HOUR)
    services.mark_unallocated(made, by=make.alice(), at=NOW + 2 * HOUR)
    assigned(made, at=NOW + 7 * HOUR)
    services.reassign(made, make.bob(), by=make.coordinator(), at=NOW + 9 * HOUR, note="Malade")
    assert waited() == {None: (1, 7), False: (1, 7)}


def test_what_is_written_after_the_start_has_no_delay():
    assigned(make.unallocated(), at=START + HOUR)
    assert (waited(), figures().filled.numbers) == ({}, (1, 0))


def test_half_wait_less_than_the_median_and_nine_in_ten_less_than_the_other():
    for hours in range(1, 12):
        assigned(make.unallocated(starts_at=START + hours * 4 * HOUR), at=NOW + hours * HOUR)
    delay = figures().delays[None]
    assert (delay.number, delay.median, delay.ninetieth) == (11, 6 * HOUR, 10 * HOUR)


@pytest.mark.parametrize("start", ["2025-03-06 13:00", "2025-03-09 13:00", "2025-03-10 08:00", "2025-03-11 00:00"])
def test_a_request_is_urgent_below_48_business_hours_to_the_microsecond(start):
    Holiday.objects.create(date=date(2025, 3, 5), name="Tempête")
    starts_at = make.local(start)
    given = {"starts_at": starts_at, "language": make.language("espagnol")}
    probe = make.unallocated(at=make.local("2025-02-20 09:00"), **given)
    hours = [starts_at.astimezone(UTC) - number * HOUR for number in range(240)]
    limit = max(at for at in hours if not is_late_cancellation(notice_of(probe, at)[0]))
    assigned(make.unallocated(at=limit, **given), at=limit + timedelta(minutes=1), to=make.alice())
    assigned(make.unallocated(at=limit + make.MICROSECOND, **given), at=limit + timedelta(minutes=1), to=make.bob())
    found = figures(at=starts_at).delays
    assert {key: delay.number for key, delay in found.items()} == {None: 2, False: 1, True: 1}


# Offers


OFFERS = {
    "refused": (lambda made: offers.refuse(made, by=make.alice(), at=NOW + HOUR, reason="Loin"), (1, 0, 0)),
    "left without an answer": (lambda made: offers.expire_due(START), (0, 1, 0)),
    "accepted": (lambda made: offers.accept(made, by=make.alice(), at=NOW), (0, 0, 1)),
    "given by telephone": (lambda made: assigned(made), (0, 0, 1)),
    "still open": (lambda made: None, None),
    "taken back": (lambda made: offers.retract(made, make.alice(), by=make.coordinator(), at=NOW), None),
    "closed by the cancellation": (cancelled, None),
    "taken by somebody else": (lambda made: assigned(made, to=make.bob()), None),
    "ended before its time": (
        lambda made: offers.expire(made, make.alice(), by=make.system(), at=NOW + HOUR, reason="Compte inactif"),
        None,
    ),
}


@pytest.mark.parametrize("case", OFFERS)
def test_an_offer_counts_once_it_was_answered_or_its_time_has_passed(case):
    act, expected = OFFERS[case]
    act(make.pending())
    assert [row[1:] for _, row in figures().answers] == ([expected] if expected else [])


# Late cancellations


LATE = {
    "late": (lambda: cancelled(make.reserved(), at=START - HOUR), 1),
    "in time": (make.cancelled, 0),
    "late but nobody had it": (lambda: cancelled(make.unallocated(), at=START - HOUR), 0),
    "late by the BI": (lambda: cancelled(make.reserved(), CancellationReason.BI_ERROR, at=START - HOUR), 0),
    "late, paid and validated": (paid_cancellation, 1),
    "entered late, received in time": (lambda: cancelled(make.reserved(), at=START - HOUR, received_at=NOW), 0),
    "late then put back": (
        lambda: services.reinstate(
            cancelled(make.reserved(), at=START - 2 * HOUR), by=make.coordinator(), at=START - HOUR, note="Erreur"
        ),
        0,
    ),
}


@pytest.mark.parametrize("case", LATE)
def test_a_late_cancellation_is_the_requesters_of_what_somebody_had(case):
    build, expected = LATE[case]
    build()
    make.unallocated(starts_at=START + DAY)
    assert figures().late == [("CHUM", expected, 2)]


# Who has the hours


def test_the_hours_are_those_booked_or_served_of_spoken_services():
    make.completed()
    make.reserved(starts_at=START + DAY)
    make.cancelled(starts_at=START + 2 * DAY)
    make.reserved(starts_at=START + 3 * DAY, service_type=ServiceType.TRANSLATION)
    paid_cancellation_of_bob = make.reserved(make.bob(), starts_at=START + DAY)
    cancelled(paid_cancellation_of_bob, at=START)
    [(_, load)] = figures(at=START + 9 * DAY).loads
    assert (load.minutes, load.people, load.busy, load.half, load.most) == (180, 2, 1, 1, 180)


def test_half_of_the_hours_goes_to_the_fewest_who_have_it():
    for number, who in ((3, make.alice()), (2, make.bob()), (1, make.charlie())):
        for day in range(number):
            make.reserved(who, starts_at=START + day * DAY)
    make.interpreter("Denis")
    make.interpreter("Esther")
    gone = make.interpreter("Edgar")
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    found = figures()
    [(_, load)] = found.loads
    # 3 of 6 is half already.
    assert (load.people, load.busy, load.half) == (5, 3, 1)
    assert [(person.name.split()[0], person.rank, person.services) for _, person in found.people()] == [
        ("Alice", 1, 3),
        ("Bob", 2, 2),
        ("Charlie", 3, 1),
        ("Denis", 4, 0),
        ("Esther", 4, 0),
    ]
    assert [person.name.split()[0] for _, person in found.people(ends=1)] == ["Alice", "Esther"]


def test_who_has_the_hours_is_named_once_a_language_is_chosen():
    name = str(make.reserved().interpreter)
    assert name not in said(opened())
    told = said(opened(langue="espagnol"))
    assert "la moitié des heures va à 1 de 1 interprète" in told and name in told


# The address


BAD = ["", "\x00", "2025-13-01", "9" * 5000, "0000-00-00", "-1", "1 OR 1=1", "١", "2199-01-01"]


def test_what_nobody_offers_falls_back_to_everything():
    make.reserved()
    client = signed_in(make.coordinator())
    names = ("du", "au", "region", "langue", "service", "tableau")
    for value in BAD:
        for address in ("/bi/statistiques/", "/bi/statistiques/csv/"):
            assert client.get(address, dict.fromkeys(names, value)).status_code == 200, value


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({"du": "2025-03-31", "au": "2025-03-01"}, date(2025, 3, 1), date(2025, 3, 31)),
        ({"du": "2001-01-01", "au": "2025-03-15"}, date(2023, 4, 1), date(2025, 3, 15)),
        ({"du": "", "au": ""}, date(2025, 1, 1), date(2025, 3, 31)),
        ({"du": "2025-06-10", "au": ""}, date(2025, 6, 10), date(2025, 6, 10)),
        ({"du": "", "au": "2024-12-24"}, date(2024, 10, 1), date(2024, 12, 24)),
        ({"du": "2100-12-31", "au": "2100-12-31"}, date(2100, 12, 31), date(2100, 12, 31)),
        ({"du": "2000-01-01", "au": "2000-01-01"}, date(2000, 1, 1), date(2000, 1, 1)),
    ],
)
def test_the_days_are_put_right_and_are_24_months_at_most(given, first, last):
    choice = figures(**given).choice
    assert (choice.first, choice.last) == (first, last)
    assert opened(**given).status_code == 200


def test_each_preset_opens_its_own_days():
    known = Known.read()
    choice = Choice.read({"langue": "arabe"}, known, TODAY)
    given = [one for _, one in presets(choice, TODAY)]
    assert [Choice.read(dict(parse_qsl(one.written())), known, TODAY) for one in given] == given


@pytest.mark.parametrize("given", [{}, {"region": "06"}])
def test_a_status_leads_to_its_list_when_a_list_has_the_same_filters(given):
    make.reserved()
    page = opened(**given).content.decode()
    assert ("/bi/demandes/?statut=reserved&amp;du=2025-03-01&amp;au=2025-03-31" in page) == (not given)


# The page


def test_a_page_of_nothing_says_so():
    assert "Pas encore de données : aucune demande ne commence ces jours-là." in said(opened())


def test_the_page_names_nobody_served():
    make.reserved()
    page = opened(langue="espagnol").content.decode()
    assert [value for value in make.PERSONAL.values() if value in page] == []


@pytest.mark.parametrize("number", [1, 30])
@pytest.mark.parametrize(("given", "asked"), [({}, 9), ({"langue": "espagnol"}, 10)])
def test_the_database_is_asked_as_often_whatever_the_number_of_requests(
    number, given, asked, django_assert_num_queries
):
    for place in range(number):
        make.unallocated(starts_at=START + place * HOUR)
    client = signed_in(make.coordinator())
    with django_assert_num_queries(asked):
        client.get("/bi/statistiques/", MARCH | given)


# In a crowd


def plan_of(found: Figures) -> str:
    with CaptureQueriesContext(connection) as captured:
        _ = found.by_step, found.delays, found.filled, found.answers, found.loads
    plans = []
    with connection.cursor() as cursor:
        for asked in captured:
            cursor.execute(f"EXPLAIN {asked['sql']}")
            plans += [line for (line,) in cursor.fetchall()]
    return "\n".join(plans)


def test_a_day_is_read_by_indexes_and_costs_what_it_holds():
    crowd()
    plan = plan_of(figures(du="2025-03-06", au="2025-03-06"))
    for name in ("servicerequest", "transition", "offer"):
        assert f"Seq Scan on requests_app_{name}" not in plan, name


@pytest.mark.long
def test_a_year_of_a_crowd_is_counted_while_one_waits():
    crowd()
    found = figures(du="2024-04-01", au="2025-03-31")
    begun = perf_counter()
    plan_of(found)
    # Far above what it takes on a quiet machine (0.5 s), so that only a wrong plan reaches it.
    assert perf_counter() - begun < 3


# All of them, over a world drawn at random: last, for it stays until the module ends


def drawn(seed: int) -> list[ServiceRequest]:
    """Twenty requests in any state that the database takes, with offers and steps that may not be theirs."""
    chance = random.Random(seed)
    people = [make.alice(), make.bob(), make.charlie()]
    people[2].interpreter_profile.languages.add(make.language("arabe"))
    made = [ServiceRequest.objects.create(**row(chance, day, people)) for day in range(20)]
    for request in made:
        request.relayed_from = made[0] if chance.random() < 0.1 and request != made[0] else None
        request.save()
        for who in chance.sample(people, 2):
            offered(chance, request, who)
    return made


def row(chance, day: int, people: list) -> dict:
    starts_at = START + (2 * day - 12) * DAY + chance.randrange(-12, 10) * HOUR
    status = chance.choice(Status.values)
    reason = chance.choice(CancellationReason.values) if status in ("cancelled", "completed") else ""
    is_held = status not in ("unallocated", "pending") and (status != "cancelled" or chance.random() < 0.6)
    received_at = starts_at + chance.choice([-90, -20, 1]) * HOUR if reason else None
    validated = {"validated_by": make.validator(), "validated_at": AFTER} if status == "completed" else {}
    return validated | {
        "status": status,
        "service_type": chance.choice(["on_site", "phone", "translation", "message_relay"]),
        "institution": (owner := chance.choice([make.institution(), make.other_institution()])),
        "facility": make.facility("Pavillon", owner),
        "language": make.language(chance.choice(["espagnol", "arabe"])),
        "starts_at": starts_at,
        "ends_at": starts_at + chance.randrange(30, 120) * timedelta(minutes=1),
        "requested_by": make.requester(),
        "created_at": starts_at - chance.choice([-2, 1, 20, 47, 48, 49, 80, 300]) * HOUR,
        "interpreter": people[day % 3] if is_held else None,
        "cancellation_reason": reason,
        "notice_received_at": received_at,
        "notice_business_time": HOUR if reason else None,
        "is_late_cancellation": bool(reason) and chance.random() < 0.7,
        "is_rendered": chance.choice([True, False, None]),
    }


def offered(chance, request, who) -> None:
    state = chance.choice(Offer.State.values)
    sent_at = request.created_at
    answer_by = sent_at + 10 * HOUR
    closed_at = None if state == "open" else sent_at + chance.choice([3, 10, 11]) * HOUR
    given = {"service_request": request, "interpreter": who, "state": state, "sent_at": sent_at}
    Offer.objects.create(**given, answer_by=answer_by, closed_at=closed_at)
    step = {"from_status": "pending", "to_status": "reserved", "by": who, "version": 1}
    action = chance.choice(["accept", "assign", "refuse", "reassign"])
    at = sent_at + chance.randrange(1, 60) * HOUR
    Transition.objects.create(service_request=request, action=action, at=at, interpreter=who, **step)


def kept(made, found: Figures) -> list[ServiceRequest]:
    choice = found.choice
    return [
        one
        for one in made
        if choice.first <= timezone.localdate(one.starts_at) <= choice.last
        and one.relayed_from is None
        and choice.region in ("", one.institution.region_id)
        and choice.language in ("", one.language_id)
        and choice.service in ("", one.service_type)
    ]


def is_searched(one) -> bool:
    gone = one.status in ("cancelled", "completed") and one.interpreter is None and one.cancellation_reason
    gone = gone and one.cancellation_reason != "no_interpreter" and one.notice_received_at < one.starts_at
    return one.created_at < one.starts_at <= AFTER and not gone


def expected_delays(world) -> dict:
    waits = defaultdict(list)
    for one in world:
        steps = [step.at for step in one.transitions.all() if step.action in ("accept", "assign")]
        if one.interpreter and steps and max(steps) <= one.starts_at and one.created_at < one.starts_at <= AFTER:
            is_urgent = is_late_cancellation(notice_of(one, one.created_at)[0])
            for key in (is_urgent, None):
                waits[key].append(max(steps) - one.created_at)
    return {key: (len(all_of), centile(all_of, 0.5), centile(all_of, 0.9)) for key, all_of in waits.items()}


def centile(values: list, rank: float):
    values, place = sorted(values), rank * (len(values) - 1)
    low = floor(place)
    high = values[min(low + 1, len(values) - 1)]
    return values[low] + (high - values[low]) * (place - low)


def expected_loads(world) -> dict:
    """{language: [(minutes, interpreter)]}, without those who have none."""
    minutes = defaultdict(Counter)
    for one in world:
        is_served = one.status in BOOKED or (one.status == Status.COMPLETED and one.is_rendered)
        if one.interpreter and is_served and one.service_type in SPOKEN:
            minutes[one.language_id][one.interpreter_id] += one.booked_minutes
    return {code: sorted(((-much, who) for who, much in had.items())) for code, had in minutes.items()}


@pytest.fixture(scope="module", params=[1, 2, 3])
def world(request, django_db_setup, django_db_blocker):
    """Drawn once for all the questions, and unmade after."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield drawn(request.param)
        transaction.set_rollback(True)


ASKED = [{}, {"langue": "arabe"}, {"service": "phone", "du": "2025-03-05"}, {"region": "06", "au": "2025-03-20"}]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_sum_is_that_of_the_requests_one_by_one(world, asked):
    found = figures(**asked)
    mine = kept(world, found)
    assert Counter(one.status for one in mine) == Counter(dict(found.by_status))
    by_outcome = Counter(outcome_of(one.status, one.is_rendered is True) for one in mine)
    sums = map(sum, zip(*(numbers for *_, numbers in found.by_step), strict=True))
    assert by_outcome == Counter(dict(zip(OUTCOMES, sums, strict=True)))
    searched = Counter((one.language_id, bool(one.interpreter)) for one in mine if is_searched(one))
    assert {rate.key: rate.numbers for rate in found.filled_by_language()} == {
        code: (searched[code, True], searched[code, False]) for code, _ in searched
    }
    late = Counter(
        one.institution.name
        for one in mine
        if one.is_late_cancellation and one.interpreter and one.cancellation_reason == "by_requester"
    )
    assert Counter({name: number for name, number, _ in found.late}) == late


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_delay_answer_and_hour_is_that_of_the_requests_one_by_one(world, asked):
    found = figures(**asked)
    mine = kept(world, found)
    assert {key: tuple(delay) for key, delay in found.delays.items()} == expected_delays(mine)
    closed = [offer for one in mine for offer in one.offers.all()]
    said_no = Counter(offer.service_request.language_id for offer in closed if offer.state == "refused")
    silent = Counter(
        offer.service_request.language_id
        for offer in closed
        if offer.state == "expired" and offer.closed_at >= offer.answer_by
    )
    answers = {row.language: (row.refused, row.silent) for _, row in found.answers if row.refused or row.silent}
    assert answers == {code: (said_no[code], silent[code]) for code in said_no | silent}
    loads = expected_loads(mine)
    assert {load.language: (load.minutes, load.busy) for _, load in found.loads} == {
        code: (-sum(much for much, _ in had), len(had)) for code, had in loads.items()
    }


def table(name: str, **given) -> list[list[str]]:
    asked = MARCH | given | {"tableau": name}
    response = signed_in(make.coordinator()).get("/bi/statistiques/csv/", asked)
    assert response["Content-Disposition"] == f'attachment; filename="statistiques-{name}-2025-03-01-2025-03-31.csv"'
    return list(csv.reader(StringIO(response.content.decode("utf-8-sig")), delimiter=";"))[1:]


def test_each_table_is_a_file_with_the_same_numbers(world):
    charts = opened().context["charts"]
    of_page = {
        "periode": [[text for _, text, _ in row.cells] for row in charts["periode"].rows],
        "statut": [[row.label, row.text] for row in charts["statut"].rows],
        "langue": [[row.label, *row.cells[0][1].split(" de ")] for row in charts["langue"].rows],
        "offres": [[text.split(" ")[0] for _, text, _ in row.cells] for row in charts["offres"].rows],
    }
    starts = {"periode": 2, "offres": 1}
    assert {name: [line[starts.get(name, 0) :] for line in table(name)] for name in of_page} == of_page
