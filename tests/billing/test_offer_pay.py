"""What an offer would pay, shown before it is accepted (issue 4; domain.md, « Pay »)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Institution, InterpreterProfile
from billing import rules
from billing.models import PayPolicy
from billing.offer_pay import offer_estimate, way_of
from requests_app.distances import Distances, Origin
from requests_app.models import Offer
from requests_app.workflow import ServiceType
from tests import make
from tests.pages import ahead, said, signed_in

pytestmark = pytest.mark.django_db
DEGREE = Decimal("0.0125")  # north of the clinic: 1.8 km by road


def live(home=None, office=None):
    """Where Alice and her head office are, in steps north of the clinic."""
    place, profile = make.facility(), InterpreterProfile.objects.filter(user=make.alice())
    if home is not None:
        profile.update(home_latitude=place.latitude + home * DEGREE, home_longitude=place.longitude)
    if office is not None:
        Institution.objects.filter(name="CHUM").update(latitude=place.latitude + office * DEGREE)


def offered(minutes=90, **fields):
    starts_at = fields.pop("starts_at", make.START)
    made = make.pending(starts_at=starts_at, ends_at=starts_at + timedelta(minutes=minutes), **fields)
    return Offer.objects.select_related("service_request__facility").get(service_request=made)


def shown(offer):
    page = Template("{% load billing %}{% offer_pay offer %}").render(Context({"offer": offer}))

    class Page:
        content = page.encode()

    return said(Page)


@pytest.mark.parametrize(("minutes", "total"), [(30, "82.00"), (120, "82.00"), (140, "102.50"), (185, "133.25")])
def test_an_offer_pays_its_booked_minutes(minutes, total):
    assert offer_estimate(offered(minutes, service_type=ServiceType.VIDEO)).total == Decimal(total)


def test_an_offer_on_site_pays_the_way_from_the_nearer_of_home_and_head_office():
    live(home=20, office=30)
    found = offer_estimate(offered(140))
    assert (found.way.km, found.way.origin) == (Decimal(35), Origin.HOME)
    assert [(line.kind, line.amount) for line in found.lines] == [
        ("service", Decimal("102.50")),
        ("mileage", Decimal("43.40")),  # 2 × 35 × 0.62
    ]
    assert found.total == Decimal("145.90")


def test_of_two_ways_as_long_the_pay_and_the_distance_count_the_same():
    known = {"home_km": Decimal(30), "head_office_km": Decimal(30)}
    starts_at = make.START
    facts = rules.Facts(
        service_type=ServiceType.ON_SITE,
        starts_at=starts_at,
        ends_at=starts_at + make.HOUR,
        outcome=rules.Outcome.RENDERED,
        actual_minutes=60,
        **known,
    )
    lines = rules.pay_lines(
        facts, policy=PayPolicy.objects.latest("effective_from").as_rules(), closed_days=frozenset(), tz=make.TORONTO
    )
    [mileage] = [line for line in lines if line.kind == "mileage"]
    assert Distances(**known).counts == Origin.HOME
    assert "depuis le domicile" in mileage.reason


@pytest.mark.parametrize(
    ("real", "told"),
    [
        ("0.0", "moins de 5 km"),
        ("4.9", "moins de 5 km"),
        ("5.0", "environ 5 km"),
        ("7.4", "environ 5 km"),
        ("7.5", "environ 10 km"),
        ("16.0", "environ 15 km"),
        ("16.1", "environ 20 km"),
        ("17.5", "environ 20 km"),
        ("36.1", "environ 35 km"),
        ("102.5", "environ 105 km"),
    ],
)
def test_a_distance_is_told_to_the_nearest_5_km_on_its_side_of_the_threshold(real, told):
    for side in ("home_km", "head_office_km"):
        way = way_of(Distances(**{side: Decimal(real)}), Decimal(16))
        assert str(way).replace("\u00a0", " ") == told


@pytest.mark.parametrize(
    ("steps", "amount", "reason"),
    [
        ("1", "0.00", "Moins de 5 km aller depuis le domicile : 16 km ou moins, pas de kilométrage."),
        ("8.8", "0.00", "Environ 15 km aller depuis le domicile : 16 km ou moins, pas de kilométrage."),
        ("9", "24.80", "Environ 20 km aller depuis le domicile, plus de 16 km : 40 km × 0,62 $ = 24,80 $."),
    ],
)
def test_the_line_of_the_way_says_about_how_far_and_whether_it_is_paid(steps, amount, reason):
    live(home=Decimal(steps), office=30)
    [mileage] = [line for line in offer_estimate(offered()).lines if line.kind == "mileage"]
    assert (mileage.amount, mileage.reason.replace("\u00a0", " ")) == (Decimal(amount), reason)


@pytest.mark.parametrize(("threshold", "real", "km"), [("18", "17.6", "18"), ("20", "20.1", "25"), ("3", "2", "3")])
def test_a_rounded_distance_never_goes_to_the_other_side_of_the_threshold(threshold, real, km):
    assert way_of(Distances(home_km=Decimal(real)), Decimal(threshold)).km == Decimal(km)


def test_a_short_way_is_not_paid_and_says_so():
    live(home=30, office=5)
    found = offer_estimate(offered())
    assert (found.total, found.way.km) == (Decimal("82.00"), Decimal(10))
    assert "depuis le siège social" in found.lines[1].reason


@pytest.mark.parametrize(
    ("kind", "rate", "unit"),
    [
        (ServiceType.TRANSLATION, "0.20", "mot"),
        (ServiceType.REVISION, "0.10", "mot"),
        (ServiceType.MESSAGE_RELAY, "10.25", "communication"),
    ],
)
def test_what_is_paid_by_the_piece_says_its_rate(kind, rate, unit):
    found = offer_estimate(offered(service_type=kind))
    assert (found.rate, found.unit, found.lines, found.total) == (Decimal(rate), unit, [], None)


@pytest.mark.parametrize("kind", ServiceType)
def test_without_a_policy_the_panel_says_why_there_is_no_estimate(kind):
    offer = offered(service_type=kind)
    PayPolicy.objects.all().delete()
    assert "Aucune politique de rémunération n’est en vigueur" in shown(offer)


@pytest.mark.parametrize("kind", ServiceType)
def test_the_panel_asks_for_two_queries_at_most(kind):
    offer = offered(service_type=kind)
    with CaptureQueriesContext(connection) as asked:
        shown(offer)
    assert len(asked) == (2 if kind == ServiceType.ON_SITE else 1)


def test_the_panel_says_how_far_from_where_and_each_line():
    live(home=20, office=30)
    text = shown(offered(140))
    assert "Distance environ 35 km à l’aller, de votre domicile" in text
    assert "Estimation, selon la durée prévue et une distance arrondie à 5 km." in text
    assert [part for part in ("145,90 $", "102,50 $", "70 km × 0,62 $", "43,40 $") if part not in text] == []


def test_the_head_office_is_told_without_the_name_of_its_institution():
    live(office=20)
    text = shown(offered())
    assert "environ 35 km à l’aller, du siège social de votre établissement" in text
    assert "CHUM" not in text


def test_a_service_at_a_distance_says_no_distance():
    live(home=20)
    assert "Distance" not in shown(offered(service_type=ServiceType.PHONE))


# Where it is shown


def coming(*people):
    return make.pending(*people, at=timezone.now() - make.HOUR, starts_at=ahead(), answer_by=ahead(3))


def test_an_offer_shows_its_pay_on_its_page_and_on_no_list():
    made, browser = coming(), signed_in(make.alice())
    assert "Estimation" in said(browser.get(f"/demandes/{made.pk}/"))
    assert [word for word in ("Estimation", "82,00", "$", " km") if word in said(browser.get("/"))] == []


def test_the_home_of_an_interpreter_is_known_to_nobody_else():
    live(home=20, office=30)
    made = coming(make.alice(), make.bob())
    for reader in (make.bob(), make.requester(), make.coordinator(), make.validator()):
        text = said(signed_in(reader).get(f"/demandes/{made.pk}/"))
        assert "35 km" not in text, reader
    assert "35 km" in said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))


def test_what_is_accepted_is_estimated_no_more():
    made = make.reserved(at=timezone.now() - make.HOUR, starts_at=ahead())
    assert "Estimation" not in said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))
