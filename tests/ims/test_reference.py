"""The reference data is there after `migrate`, is complete, and is never put back over what staff changed."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils.module_loading import import_string
from django_q.models import Schedule

from accounts.models import HealthRegion, Institution, Language, User
from accounts.roles import Role
from billing import rules
from billing.models import PayPolicy
from ims.reference import HOLIDAY_YEARS, seed_reference
from requests_app.models import Holiday

pytestmark = pytest.mark.django_db
MODELS = [HealthRegion, Institution, Language, Holiday, PayPolicy, User, Schedule]

# domain.md, « Reference data », as the customer wrote it.
REGIONS = """Bas-Saint-Laurent · Saguenay–Lac-Saint-Jean · Capitale-Nationale · Mauricie et Centre-du-Québec · Estrie
· Montréal · Outaouais · Abitibi-Témiscamingue · Côte-Nord · Nord-du-Québec · Gaspésie–Îles-de-la-Madeleine
· Chaudière-Appalaches · Laval · Lanaudière · Laurentides · Montérégie · Nunavik · Terres-Cries-de-la-Baie-James"""
LANGUAGES = """albanais, allemand, amharique, anglais, arabe, arménien, bambara, bengali, birman, bosniaque, bulgare,
cantonais, coréen, créole haïtien, dari, espagnol, farsi, grec, haoussa, hébreu, hindi, hongrois, inuktitut, italien,
kabyle, khmer, kinyarwanda, kirundi, laotien, lingala, lituanien, mandarin, népalais, ourdou, pachto, pendjabi,
polonais, portugais, rohingya, roumain, russe, sango, serbo-croate, slovaque, somali, swahili, tagalog, tamoul,
tchèque, thaï, tigrigna, turc, ukrainien, vietnamien, wolof, yacouba, yoruba"""


def everything():
    return {model: list(model.objects.order_by("pk").values()) for model in MODELS}


def test_the_18_regions_are_numbered_in_order():
    names = [name.strip() for name in REGIONS.split("·")]
    assert list(HealthRegion.objects.values_list("code", "name")) == [
        (f"{number:02}", name) for number, name in enumerate(names, start=1)
    ]


def test_every_region_has_an_establishment_with_its_head_office():
    assert set(Institution.objects.values_list("region", flat=True)) == {f"{n:02}" for n in range(1, 19)}
    assert Institution.objects.count() == 32
    assert not Institution.objects.filter(head_office_address="").exists()


def test_no_address_is_verified_until_somebody_says_so():
    assert not Institution.objects.filter(is_verified=True).exists()


def test_montreal_has_its_ten_establishments():
    names = " ".join(Institution.objects.filter(region="06").values_list("name", flat=True))
    asked = ["Centre-Sud", "Centre-Ouest", "Ouest-de-l", "Nord-de-l", "Est-de-l", "CHUM", "CUSM"]
    assert [name for name in [*asked, "Sainte-Justine", "cardiologie", "Philippe-Pinel"] if name not in names] == []
    assert Institution.objects.filter(region="06").count() == 10


def test_the_languages_of_the_bank_in_french_order():
    asked = [name.strip() for name in LANGUAGES.replace("\n", " ").split(",")]
    assert list(Language.objects.values_list("name", flat=True)) == asked
    assert len(asked) == 57


def easter(year):
    """The anonymous Gregorian computus: another way than the library's."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (a + 11 * h) // 319
    n = (2 * e + 2 * i - k - h + m + 32) % 7
    month = (h - m + n + 90) // 25
    return date(year, month, (h - m + n + month + 19) % 32)


def nth_monday(year, month, nth):
    first = date(year, month, 1)
    return first + timedelta(days=(7 - first.weekday()) % 7 + 7 * (nth - 1))


@pytest.mark.parametrize("year", range(2024, 2029))
def test_a_year_has_13_closed_days(year):
    before_25_may = max(day for n in range(1, 5) if (day := nth_monday(year, 5, n)) < date(year, 5, 25))
    expected = {date(year, month, day) for month, day in [(1, 1), (1, 2), (6, 24), (7, 1)]}
    expected |= {date(year, 12, day) for day in (24, 25, 26, 31)}
    expected |= {easter(year) - timedelta(days=2), easter(year) + timedelta(days=1), before_25_may}
    expected |= {nth_monday(year, 9, 1), nth_monday(year, 10, 2)}
    assert len(expected) == 13
    assert set(Holiday.objects.filter(date__year=year).values_list("date", flat=True)) == expected


def test_the_closed_days_have_french_names():
    names = dict(Holiday.objects.filter(date__year=2025).values_list("date", "name"))
    assert names[date(2025, 4, 18)] == "Vendredi saint"
    assert "'" not in "".join(names.values())
    assert names[date(2025, 6, 24)].startswith(("Fête nationale", "Saint-Jean"))
    assert list(HOLIDAY_YEARS) == [2024, 2025, 2026, 2027, 2028]


def test_two_tariffs_that_differ_by_the_travel_time_alone():
    legacy, current = PayPolicy.objects.order_by("effective_from")
    assert (legacy.effective_from, current.effective_from) == (date(2000, 1, 1), date(2024, 11, 4))
    apart = {"effective_from", "travel_time_rate"}
    names = rules.Policy.__dataclass_fields__.keys() - apart
    assert [name for name in names if getattr(legacy, name) != getattr(current, name)] == []
    assert (legacy.travel_time_rate, current.travel_time_rate) == (Decimal(41), Decimal(0))


def test_the_figures_of_the_tariff():
    found = PayPolicy.objects.get(effective_from="2024-11-04")
    assert (found.hourly_rate, found.communication_fee) == (Decimal("41.00"), Decimal("10.25"))
    assert (found.minimum_minutes, found.increment_minutes) == (120, 15)
    assert (found.mileage_threshold_km, found.mileage_rate) == (Decimal("16.0"), Decimal("0.620"))
    assert found.mileage_mode == "round_trip_full"
    assert (found.word_rate_translation, found.word_rate_revision) == (Decimal("0.20"), Decimal("0.10"))


def test_the_tariffs_are_to_be_confirmed():
    assert not PayPolicy.objects.filter(rates_confirmed=True).exists()


def test_scheduled_work_has_an_author():
    system = User.objects.system()
    assert (system.role, system.has_usable_password(), system.is_staff) == (Role.SYSTEM, False, False)


def test_what_runs_each_minute_exists():
    schedules = Schedule.objects.filter(schedule_type=Schedule.MINUTES, minutes=1).values_list("func", flat=True)
    assert set(schedules) >= {"accounts.notify.deliver_due", "requests_app.offers.expire_due"}
    assert all(callable(import_string(function)) for function in Schedule.objects.values_list("func", flat=True))


def test_seeding_again_changes_nothing():
    before = everything()
    seed_reference()
    assert everything() == before


def test_what_staff_changed_stays_changed():
    HealthRegion.objects.filter(code="06").update(name="Île de Montréal")
    Institution.objects.filter(name="CHUM").update(head_office_address="1000, rue Saint-Denis", is_verified=True)
    PayPolicy.objects.update(hourly_rate=Decimal("45.00"), rates_confirmed=True)
    Holiday.objects.filter(date=date(2025, 12, 25)).update(name="Noël, fermé")
    Holiday.objects.create(date=date(2025, 1, 3), name="Pont")
    Schedule.objects.update(minutes=5)
    before = everything()
    seed_reference()
    assert everything() == before


def test_what_is_missing_is_added_again():
    before = everything()
    Language.objects.filter(code="yoruba").delete()
    Holiday.objects.filter(date__year=2026).delete()
    seed_reference()
    assert everything() == before


def test_what_staff_edited_is_left_as_they_made_it():
    Institution.objects.filter(name="CHUM").update(name="CHUM, pavillon C")
    Holiday.objects.filter(date=date(2026, 12, 31)).delete()
    PayPolicy.objects.filter(effective_from=date(2024, 11, 4)).update(effective_from=date(2024, 11, 5))
    edited = everything()
    seed_reference()
    assert everything() == edited
