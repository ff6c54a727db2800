"""« Tableau de paie »: every table adds up to the same, whatever the filters; late cancellations; alerts."""

from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import HealthRegion
from billing import statements
from billing.board import Choice, Known, Sums, presets
from billing.ledger import adjust
from billing.models import PayLine, PayPeriod
from completion.decisions import validate
from requests_app import offers, services
from requests_app.models import CancellationReason, Transition
from tests import make
from tests.billing import make as billed
from tests.completion import make as filed
from tests.make import HOUR, NOW, START
from tests.pages import said, signed_in

pytestmark = pytest.mark.django_db
MARCH = {"du": "2025-03", "au": "2025-03"}
TODAY = START.date()


def cancelled_late(*, at=START - HOUR, **fields):
    """Validated the day after."""
    made = make.reserved(**fields)
    services.cancel(made, by=make.requester(), at=at, reason=CancellationReason.BY_REQUESTER)
    validate(made, by=make.validator(), at=at + timedelta(days=1))
    return made


def elsewhere(who):
    """Served by somebody for another establishment."""
    owner = make.other_institution()
    where = {"institution": owner, "facility": make.facility("Pavillon", owner), "by": make.other_requester()}
    made = make.pending(who, **where)
    offers.accept(made, by=who, at=NOW)
    filed.report(made)
    validate(made, by=make.validator(), at=made.ends_at + 2 * HOUR)
    return made


def sums(**given) -> Sums:
    known = Known.read(TODAY)
    return Sums(Choice.read(MARCH | given, known, TODAY), known)


def frozen(**asked) -> Decimal:
    return sum(PayLine.objects.filter(**asked).values_list("amount", flat=True))


def opened(user=None, **given):
    return signed_in(user or make.validator()).get("/paie/tableau/", MARCH | given)


def several() -> None:
    """Two establishments, two kinds, two months, a correction."""
    made = billed.paid()
    adjust(made.pay_lines.first(), by=make.validator(), at=NOW + timedelta(days=9), amount=Decimal(7), reason="Erreur")
    elsewhere(make.bob())
    cancelled_late(starts_at=START + timedelta(days=1), at=START + timedelta(hours=23))
    billed.paid(starts_at=START + timedelta(days=40))


# Sums


@pytest.mark.parametrize("given", [{}, {"au": "2025-04"}, {"nature": "service"}])
def test_each_table_adds_up_to_the_same_cents(given):
    several()
    found = sums(**given)
    tables = [found.by_month(), found.by_kind(), found.by_region(), found.by_institution()]
    assert {sum(amount for _, amount in table) for table in tables} == {found.total}
    asked = {"kind": given["nature"]} if "nature" in given else {}
    last = date(2025, 4, 30) if "au" in given else date(2025, 3, 31)
    assert found.total == frozen(service_on__range=(date(2025, 3, 1), last), **asked) > 0


def test_a_filter_keeps_its_own():
    several()
    owner = make.other_institution()
    by_place, by_region = sums(etablissement=str(owner.pk)), sums(region=owner.region_id)
    expected = frozen(service_request__institution=owner)
    assert by_place.by_institution() == [(owner.name, expected)]
    assert by_region.total == frozen(service_request__institution__region=owner.region, service_on__lt=date(2025, 4, 1))
    assert [kind for kind, _ in sums(nature="late_cancellation").by_kind()] == [
        "Annulation à moins de 2\u00a0jours ouvrables (48\u00a0h)"
    ]


def test_a_month_without_pay_is_there():
    billed.paid()
    assert [(month, amount > 0) for month, amount in sums(au="2025-03", du="2025-01").by_month()][-1] == (
        "mars 2025",
        True,
    )


# Late cancellations


def test_late_cancellations_are_counted_and_added_up_by_establishment():
    several()
    assert sums().late == [("CHUM", 1, frozen(kind="late_cancellation"))]
    assert "1 annulation payée" in said(opened())
    late = said(opened(nature="late_cancellation"))
    assert "Annulations tardives 1 annulation payée Par mois" in late


def test_what_is_on_a_published_statement_is_told_apart():
    billed.paid()
    billed.period(state="draft")
    assert "dont 0,00 $ sur un relevé publié" in said(opened())
    statements.publish(PayPeriod.objects.get(), by=make.validator(), at=billed.ENDED)
    assert f"Total {frozen()} $ dont {frozen()} $ sur".replace(".", ",") in said(opened())


def test_a_late_cancellation_corrected_to_nothing_is_one_no_more():
    made = cancelled_late()
    assert sums().late_number == 1
    line = made.pay_lines.get(kind="late_cancellation")
    adjust(line, by=make.validator(), at=NOW + timedelta(days=9), amount=Decimal(0), reason="Absent")
    found = sums()
    assert (found.late_number, found.late_amount) == (0, 0)


# Alerts


def test_the_alerts_accepted_are_counted_once_a_file_the_most_frequent_first():
    first, second = billed.paid(), elsewhere(make.bob())
    late, long = ({"kind": kind, "label": kind.upper(), "sentence": ""} for kind in ("late", "duration"))
    accepted(first, [late, late, long])
    accepted(second, [late])
    billed.paid(starts_at=START + timedelta(days=40))
    assert sums().alerts == [("LATE", 2), ("DURATION", 1)]
    assert sums(etablissement=str(second.institution_id)).alerts == [("LATE", 1)]
    here = second.institution.region_id
    nowhere = HealthRegion.objects.exclude(pk=here).first()
    assert [sums(region=region).alerts[:1] for region in (here, nowhere.pk)] == [[("LATE", 2)], []]
    assert sums(nature="late_cancellation").alerts == []
    assert sums(du="2025-04", au="2025-04").alerts == []


def accepted(service_request, alerts) -> None:
    """The validation of a request, with these alerts: history only grows, so it is written anew."""
    step = service_request.transitions.get(action="validate")
    Transition.objects.create(**copied(step, choice={"alerts": alerts}))


def copied(row, **changed) -> dict:
    names = [name.attname for name in row._meta.concrete_fields if not name.primary_key]
    return {name: getattr(row, name) for name in names} | changed


# The page


@pytest.mark.parametrize("who", [make.validator, make.administrator])
def test_the_page_says_what_it_adds_up_and_names_nobody(who):
    made = billed.paid()
    content = opened(who()).content.decode()
    assert "pour les services rendus du 1er\u00a0mars 2025 au 31\u00a0mars 2025" in content
    hidden = [*make.PERSONAL.values(), str(made.interpreter)]
    assert [name for name in hidden if name in content] == []


BAD = ["", "\x00", "2025-13", "9" * 5000, "0000-00", "-1", "1 OR 1=1", "١"]


def test_what_nobody_offers_falls_back_to_everything():
    billed.paid()
    client, names = signed_in(make.validator()), ("du", "au", "region", "etablissement", "nature", "tableau")
    for value in BAD:
        for address in ("/paie/tableau/", "/paie/tableau/csv/"):
            assert client.get(address, dict.fromkeys(names, value)).status_code == 200, value


@pytest.mark.parametrize(
    ("first", "last"), [(date(2023, 4, 1), date(2025, 3, 1)), (date(2022, 2, 1), date(2025, 5, 1))]
)
def test_months_upside_down_are_put_right_and_none_goes_beyond_the_presets_and_what_was_paid(first, last):
    line = billed.paid().pay_lines.first()
    days = [first, last] if first.year == 2022 else []
    PayLine.objects.bulk_create(PayLine(**copied(line, service_on=day, number=10 + day.month)) for day in days)
    choice = Choice.read({"du": "2099-01", "au": "2001-01"}, Known.read(TODAY), TODAY)
    assert (choice.first, choice.last) == (first, last)


def test_each_preset_opens_its_own_months_before_anything_was_paid():
    today = date(2026, 2, 9)
    known = Known.read(today)
    given = [one for _, one in presets(Choice(today, today), today)]
    assert [Choice.read(dict(parse_qsl(one.written())), known, today) for one in given] == given


def test_the_financial_year_begins_in_april():
    given = {label: (one.first, one.last) for label, one in presets(Choice(TODAY, TODAY), date(2026, 3, 30))}
    assert given["Exercice 2025-2026 à ce jour"] == (date(2025, 4, 1), date(2026, 3, 1))
    assert given["Exercice 2024-2025"] == (date(2024, 4, 1), date(2025, 3, 1))


def test_a_board_of_nothing_is_a_page():
    told = said(opened(du="", au=""))
    assert "Aucune annulation tardive payée." in told
    assert "Aucune alerte dans les dossiers validés." in told


@pytest.mark.parametrize(
    ("table", "header"),
    [("nature", "Nature;Montant"), ("annulations", "Établissement;Annulations tardives;Montant")],
)
def test_each_table_is_a_file_with_the_same_amounts(table, header):
    several()
    response = signed_in(make.administrator()).get("/paie/tableau/csv/", MARCH | {"tableau": table})
    first, *rows = response.content.decode("utf-8-sig").split("\r\n")[:-1]
    expected = sums().total if table == "nature" else sums().late_amount
    assert (first, response["Content-Disposition"]) == (
        header,
        f'attachment; filename="paie-{table}-2025-03-2025-03.csv"',
    )
    assert sum(Decimal(row.split(";")[-1].replace(",", ".")) for row in rows) == expected


@pytest.mark.parametrize("number", [1, 60])
def test_the_database_is_asked_as_often_whatever_the_number_of_lines(number, django_assert_num_queries):
    line = billed.paid().pay_lines.first()
    PayLine.objects.bulk_create(PayLine(**copied(line, number=10 + place)) for place in range(number))
    client = signed_in(make.validator())
    with django_assert_num_queries(7):
        client.get("/paie/tableau/", {"du": "2024-11", "au": f"{timezone.localdate():%Y-%m}"})


def test_another_kind_hides_late_cancellations_and_says_so():
    assert "Le filtre par nature les écarte." in said(opened(nature="service"))


def test_the_sums_read_the_index_of_days_and_not_the_lines():
    billed.paid()
    found = sums()
    with CaptureQueriesContext(connection) as captured:
        found.cells  # noqa: B018 (reads)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {captured[0]['sql']}")
        plan = "".join(line for (line,) in cursor.fetchall())
    assert "Index Only Scan using pay_by_day" in plan
