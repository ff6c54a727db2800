"""Reference data (domain.md): regions, institutions, languages, holidays, tariffs, the system user, the schedules.

`seed_reference` fills what is empty and touches nothing that staff may have edited.
"""

import unicodedata
from datetime import date, timedelta
from decimal import Decimal

import holidays
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule

from accounts.models import HealthRegion, Institution, Language, User
from accounts.roles import Role
from billing.models import PayPolicy
from billing.rules import MileageMode
from requests_app.models import Holiday

REGIONS = """01 Bas-Saint-Laurent
02 Saguenay–Lac-Saint-Jean
03 Capitale-Nationale
04 Mauricie et Centre-du-Québec
05 Estrie
06 Montréal
07 Outaouais
08 Abitibi-Témiscamingue
09 Côte-Nord
10 Nord-du-Québec
11 Gaspésie–Îles-de-la-Madeleine
12 Chaudière-Appalaches
13 Laval
14 Lanaudière
15 Laurentides
16 Montérégie
17 Nunavik
18 Terres-Cries-de-la-Baie-James"""

# region | name | head office | latitude | longitude; every address is « à vérifier ».
INSTITUTIONS = """01 | CISSS du Bas-Saint-Laurent | Rimouski | 48.4489 | -68.5240
02 | CIUSSS du Saguenay–Lac-Saint-Jean | 930, rue Jacques-Cartier Est, Saguenay | 48.4284 | -71.0537
03 | CIUSSS de la Capitale-Nationale | 2915, av. du Bourg-Royal, Québec | 46.8663 | -71.2230
03 | CHU de Québec–Université Laval | Québec | 46.8139 | -71.2261
03 | IUCPQ–Université Laval | Québec | 46.7796 | -71.2993
04 | CIUSSS de la Mauricie-et-du-Centre-du-Québec | Trois-Rivières | 46.3430 | -72.5430
05 | CIUSSS de l’Estrie–CHUS | Sherbrooke | 45.4042 | -71.8929
06 | CIUSSS du Centre-Sud-de-l’Île-de-Montréal | 155, boul. Saint-Joseph Est, Montréal | 45.5246 | -73.5890
06 | CIUSSS du Centre-Ouest-de-l’Île-de-Montréal | 3755, ch. de la Côte-Sainte-Catherine, Montréal | 45.4975 | -73.6292
06 | CIUSSS de l’Ouest-de-l’Île-de-Montréal | 160, av. Stillview, Pointe-Claire | 45.4500 | -73.8330
06 | CIUSSS du Nord-de-l’Île-de-Montréal | 555, boul. Gouin Ouest, Montréal | 45.5408 | -73.6780
06 | CIUSSS de l’Est-de-l’Île-de-Montréal | 5415, boul. de l’Assomption, Montréal | 45.5733 | -73.5600
06 | CHUM | Montréal | 45.5116 | -73.5573
06 | CUSM | Montréal | 45.4735 | -73.6012
06 | CHU Sainte-Justine | Montréal | 45.5030 | -73.6237
06 | Institut de cardiologie de Montréal | Montréal | 45.5737 | -73.5786
06 | Institut Philippe-Pinel | Montréal | 45.6513 | -73.5430
07 | CISSS de l’Outaouais | Gatineau | 45.4765 | -75.7013
08 | CISSS de l’Abitibi-Témiscamingue | Rouyn-Noranda | 48.2366 | -79.0231
09 | CISSS de la Côte-Nord | Baie-Comeau | 49.2168 | -68.1489
10 | CRSSS de la Baie-James | Chibougamau | 49.9166 | -74.3659
11 | CISSS de la Gaspésie | Gaspé | 48.8316 | -64.4869
11 | CISSS des Îles | Cap-aux-Meules | 47.3780 | -61.8580
12 | CISSS de Chaudière-Appalaches | Sainte-Marie | 46.4453 | -71.0239
13 | CISSS de Laval | Laval | 45.5833 | -73.7500
14 | CISSS de Lanaudière | Joliette | 46.0164 | -73.4236
15 | CISSS des Laurentides | Saint-Jérôme | 45.7804 | -74.0036
16 | CISSS de la Montérégie-Centre | Longueuil | 45.5312 | -73.5181
16 | CISSS de la Montérégie-Est | Longueuil | 45.5369 | -73.4600
16 | CISSS de la Montérégie-Ouest | Châteauguay | 45.3640 | -73.7470
17 | RRSSS du Nunavik | Kuujjuaq | 58.1066 | -68.3990
18 | CCSSS de la Baie-James | Chisasibi | 53.7839 | -78.8972"""

LANGUAGES = """albanais, allemand, amharique, anglais, arabe, arménien, bambara, bengali, birman, bosniaque, bulgare,
cantonais, coréen, créole haïtien, dari, espagnol, farsi, grec, haoussa, hébreu, hindi, hongrois, inuktitut, italien,
kabyle, khmer, kinyarwanda, kirundi, laotien, lingala, lituanien, mandarin, népalais, ourdou, pachto, pendjabi,
polonais, portugais, rohingya, roumain, russe, sango, serbo-croate, slovaque, somali, swahili, tagalog, tamoul, tchèque,
thaï, tigrigna, turc, ukrainien, vietnamien, wolof, yacouba, yoruba"""

HOLIDAY_YEARS = range(2024, 2029)

# Placeholders but for the FAQ's two figures (16 km; travel time unpaid since 2024-11-04): « Tarifs à confirmer ».
_TARIFF = {
    "hourly_rate": Decimal("41.00"),
    "minimum_minutes": 120,
    "increment_minutes": 15,
    "communication_fee": Decimal("10.25"),
    "mileage_threshold_km": Decimal("16.0"),
    "mileage_rate": Decimal("0.620"),
    "mileage_mode": MileageMode.ROUND_TRIP_FULL,
    "word_rate_translation": Decimal("0.20"),
    "word_rate_revision": Decimal("0.10"),
}
POLICIES = {
    date(2000, 1, 1): _TARIFF | {"travel_time_rate": Decimal("41.00")},
    date(2024, 11, 4): _TARIFF | {"travel_time_rate": Decimal("0")},
}

# name: (function, minutes between two runs)
SCHEDULES = {
    "Envoyer les notifications dues": ("accounts.notify.deliver_due", 1),
    "Fermer les offres échues": ("requests_app.offers.expire_due", 1),
    "Envoyer les vagues d’offres": ("requests_app.waves.send_due", 1),
    "Demander les itinéraires": ("requests_app.routes.ask_due", 1),
    "Rappeler les réalisations à remplir": ("requests_app.reminders.remind_due", 60),
}
NIGHTLY = {
    "Effacer ce qui est échu": "accounts.services.forget_expired",
    "Effacer les vieux messages": "accounts.notify.forget_old",
    "Effacer les fichiers sans pièce jointe": "completion.sweep.sweep",
    "Oublier les itinéraires des lieux quittés": "requests_app.routes.forget_unused",
}


def seed_after_migrate(sender, **kwargs):
    seed_reference()


@transaction.atomic
def seed_reference() -> None:
    """Fill what is empty: `migrate` and the tests call it, as often as they like."""
    for line in REGIONS.splitlines():
        code, _, name = line.partition(" ")
        HealthRegion.objects.get_or_create(code=code, defaults={"name": name})
    if not Institution.objects.exists():
        Institution.objects.bulk_create(_institution(line) for line in INSTITUTIONS.splitlines())
    Language.objects.bulk_create(
        [Language(code=slug(name), name=name) for name in LANGUAGES.replace("\n", " ").split(", ")],
        ignore_conflicts=True,
    )
    for year in HOLIDAY_YEARS:
        # A year that staff have kept keeps the days they took away.
        if not Holiday.objects.filter(date__year=year).exists():
            Holiday.objects.bulk_create(Holiday(date=day, name=name) for day, name in closed_days(year).items())
    if not PayPolicy.objects.exists():
        published = {"state": PayPolicy.State.PUBLISHED, "published_at": timezone.now()}
        rows = (PayPolicy(effective_from=day, **tariff, **published) for day, tariff in POLICIES.items())
        PayPolicy.objects.bulk_create(rows)
    if not User.objects.filter(role=Role.SYSTEM).exists():
        User.objects.create_user("systeme", first_name="Système", last_name="IMS", role=Role.SYSTEM)
    for name, (function, minutes) in SCHEDULES.items():
        made = {"func": function, "schedule_type": Schedule.MINUTES, "minutes": minutes}
        Schedule.objects.update_or_create(name=name, defaults={"func": function}, create_defaults=made)
    for name, function in NIGHTLY.items():
        made = {"func": function, "schedule_type": Schedule.DAILY}
        Schedule.objects.update_or_create(name=name, defaults={"func": function}, create_defaults=made)


def _institution(line: str) -> Institution:
    region, name, address, latitude, longitude = line.split(" | ")
    place = {"head_office_address": address, "latitude": latitude, "longitude": longitude}
    return Institution(region_id=region, name=name, **place)


def slug(name: str) -> str:
    """« créole haïtien » → « creole-haitien »: a stable key that sorts as French does."""
    plain = unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode()
    return plain.replace(" ", "-")


def closed_days(year: int) -> dict[date, str]:
    """The 13 closed days of a year (domain.md, « Holidays »); one that falls on a weekend is not moved."""
    statutory = holidays.country_holidays("CA", subdiv="QC", years=year, language="fr", observed=False)
    good_friday = next(day for day, name in statutory.items() if name == "Vendredi saint")
    named = {day: name.replace("'", "’") for day, name in statutory.items()}
    return named | {
        date(year, 1, 2): "Lendemain du jour de l’an",
        good_friday + timedelta(days=3): "Lundi de Pâques",
        date(year, 12, 24): "Veille de Noël",
        date(year, 12, 26): "Lendemain de Noël",
        date(year, 12, 31): "Veille du jour de l’an",
    }
