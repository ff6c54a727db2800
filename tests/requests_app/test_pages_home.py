"""The interpreter's home page: groups, period, statuses, the month of dots; its state is its URL (screens.md, 9)."""

import re

import pytest
from django.utils import timezone

from requests_app.models import Offer
from requests_app.workflow import STATUS_HELP
from tests import make
from tests.pages import ago, ahead, said, signed_in

pytestmark = pytest.mark.django_db
ALL = ["pending", "modified", "reserved", "provided", "completed", "cancelled"]


def at_day(build, days, hour=13, **fields):
    """A request of Alice that starts in `days` days (before today when negative)."""
    return build(at=ahead(min(days, 0) - 5), starts_at=ahead(days, hour), **fields)


def shown(query=""):
    """What the page groups: {status: [numbers in order]}."""
    page = signed_in(make.alice()).get(f"/{query}")
    assert page.status_code == 200
    return {group.status.value: [row.number for row in group.rows] for group in page.context["groups"]}


def world():
    """One request of each status around today, and two that are not Alice's."""
    made = {
        "pending": at_day(make.pending, 6),
        "modified": at_day(make.modified, 5),
        "reserved": at_day(make.reserved, 4),
        "provided": at_day(make.provided, -2),
        "completed": at_day(make.completed, -3),
        "cancelled": at_day(make.cancelled, -4),
    }
    make.unallocated(at=ago(1), starts_at=ahead(8))
    make.reserved(make.bob(), at=ago(1), starts_at=ahead(9))
    return {status: request.pk for status, request in made.items()}


# Groups


def test_requests_are_grouped_by_status_in_the_faqs_order():
    made = world()
    assert shown() == {status: [made[status]] for status in ALL}
    assert list(shown()) == ALL


def test_groups_have_the_faqs_names_and_their_number():
    world()
    text = said(signed_in(make.alice()).get("/"))
    names = ["En attente 1", "Modifié 1", "Réservé 1", "Service fourni 1", "Achevé 1", "Annulé 1"]
    assert all(name in text for name in names) and "Non alloué" not in text


def test_a_group_without_request_is_not_shown():
    at_day(make.reserved, 4)
    assert list(shown()) == ["reserved"]


def test_what_is_to_come_is_soonest_first():
    days = [9, 3, 6]
    made = {day: at_day(make.reserved, day).pk for day in days} | {
        day + 50: at_day(make.pending, day + 50).pk for day in days
    }
    assert shown() == {"reserved": [made[d] for d in (3, 6, 9)], "pending": [made[d] for d in (53, 56, 59)]}


def test_what_is_closed_is_newest_first():
    made = {day: at_day(make.completed, day).pk for day in (-9, -3, -6)}
    assert shown() == {"completed": [made[-3], made[-6], made[-9]]}


def test_details_to_fill_in_come_first_and_say_so():
    later, due = at_day(make.reserved, 3).pk, at_day(make.reserved, -1).pk
    assert shown() == {"reserved": [due, later]}
    assert said(signed_in(make.alice()).get("/")).count("Détails de l’achèvement à remplir") == 1


def test_an_offer_past_its_deadline_is_gone():
    made = at_day(make.pending, 6)
    Offer.objects.filter(service_request=made).update(answer_by=ago(1))
    assert shown() == {}


def test_a_row_says_when_what_and_where():
    at_day(make.reserved, 4)
    text = said(signed_in(make.alice()).get("/"))
    assert re.search(r"13 h à 14 h 30 Espagnol Interprétation en présence Clinique des Érables \d+", text)


def test_nothing_to_show_says_how_to_see_everything():
    text = said(signed_in(make.alice()).get("/"))
    assert "Aucune demande pour cette période. Voir toutes les demandes" in text


# Period


def test_without_a_period_closed_requests_go_back_30_days_and_open_ones_without_limit():
    recent, old = at_day(make.completed, -29).pk, at_day(make.completed, -31).pk
    due = at_day(make.reserved, -60).pk
    assert shown() == {"reserved": [due], "completed": [recent]}
    assert shown("?du=2024-11-04")["completed"] == [recent, old]


def test_a_period_applies_to_every_status():
    world()
    first, last = ahead(-3).date(), ahead(4).date()
    assert list(shown(f"?du={first}&au={last}")) == ["reserved", "provided", "completed"]


def test_the_last_day_of_a_period_counts_whole():
    night = at_day(make.reserved, 4, hour=23).pk
    day = ahead(4).date()
    assert shown(f"?du={day}&au={day}") == {"reserved": [night]}


def test_a_period_written_backwards_is_read_forwards():
    made = world()
    assert shown(f"?du={ahead(4).date()}&au={ahead(-2).date()}") == {
        "reserved": [made["reserved"]],
        "provided": [made["provided"]],
    }


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "6 demandes, en cours ou des 30 derniers jours"),
        ("?du=2024-11-04", "6 demandes, à partir du 4 novembre 2024"),
        ("?au=2024-11-04", "0 demande, jusqu’au 4 novembre 2024"),
        ("?du=2024-11-04&au=2024-12-01", "0 demande, du 4 novembre 2024 au 1er décembre 2024"),
        ("?du=2024-11-04&au=2024-11-04", "0 demande, le 4 novembre 2024"),
        ("?statut=reserved", "1 demande, en cours ou des 30 derniers jours"),
    ],
)
def test_the_result_says_how_many_and_of_which_period(query, words):
    world()
    assert words in said(signed_in(make.alice()).get(f"/{query}"))


def test_presets_lead_to_their_period():
    page = signed_in(make.alice()).get("/")
    links = {preset["label"].replace("\u00a0", " "): preset["url"] for preset in page.context["presets"]}
    assert list(links) == ["Aujourd’hui", "7 jours", "Ce mois", "Depuis le 4 novembre 2024"]
    today = timezone.localdate()
    assert links["Depuis le 4 novembre 2024"] == f"/?vue=tous&du=2024-11-04&mois={today:%Y-%m}"


# Statuses and views


def test_one_status_is_chosen():
    made = world()
    assert shown("?statut=completed") == {"completed": [made["completed"]]}


def test_several_statuses_are_chosen():
    made = world()
    assert shown("?statut=completed&statut=pending") == {"pending": [made["pending"]], "completed": [made["completed"]]}


def test_the_statuses_keep_their_numbers_whatever_is_chosen():
    world()
    page = signed_in(make.alice()).get("/?statut=completed")
    assert [(status.value, count) for status, count, _ in page.context["statuses"]] == [(status, 1) for status in ALL]


def test_à_venir_shows_what_is_to_come():
    assert list(world()) and list(shown("?vue=a-venir")) == ["pending", "modified", "reserved"]


def test_à_venir_and_one_of_its_statuses_go_together():
    made = world()
    page = signed_in(make.alice()).get("/?vue=a-venir&statut=reserved")
    assert (shown("?vue=a-venir&statut=reserved"), page.context["choice"].view) == (
        {"reserved": [made["reserved"]]},
        "a-venir",
    )


def test_a_status_that_is_not_à_venir_leaves_that_view():
    made = world()
    page = signed_in(make.alice()).get("/?vue=a-venir&statut=reserved&statut=completed")
    assert (shown("?vue=a-venir&statut=reserved&statut=completed"), page.context["choice"].view) == (
        {"reserved": [made["reserved"]], "completed": [made["completed"]]},
        "tous",
    )


PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "query", "view"),
    [
        (PHONE, "", "a-venir"),
        (PHONE, "?vue=tous", "tous"),
        (PHONE, "?statut=completed", "tous"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "", "tous"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "?vue=a-venir", "a-venir"),
    ],
)
def test_a_phone_opens_on_à_venir_and_a_desk_on_tous(agent, query, view):
    page = signed_in(make.alice()).get(f"/{query}", headers={"user-agent": agent})
    assert page.context["choice"].view == view


def test_all_leads_to_tous_whatever_the_device():
    world()
    page = signed_in(make.alice()).get("/?statut=reserved", headers={"user-agent": PHONE})
    links = set(re.findall(r'href="(/\?vue=tous)"', page.content.decode()))
    assert links == {"/?vue=tous"} and "Tout effacer" in said(page)


@pytest.mark.parametrize(
    "query",
    [
        "vue=x",
        "statut=x",
        "statut=unallocated",
        "du=x",
        "au=2024-13-45",
        "du=1000-01-01",
        "mois=x",
        "borne=au",
        "suite=x",
        "suite=completed.x.1",
        "suite=unallocated.1731430800000000.1",
        "suite=completed.99999999999999999999.1",
        "suite=completed.1731430800000000.²",
        "cherche=%00",
        "du=%00&au=%00&mois=%00",
    ],
)
def test_a_bad_value_falls_back_silently(query):
    world()
    assert list(shown(f"?{query}")) == ALL


# The month


def month_of(query):
    return signed_in(make.alice()).get(f"/{query}").context["month"]


def cells(month):
    return {cell["day"]: cell for week in month["weeks"] for cell in week if cell}


def in_november():
    """Three requests on the 12th and one on the 30th of November 2024, one of them in the last minute of the month."""
    for hour in (9, 13, 16):
        make.completed(at=make.local("2024-11-05 09:00"), starts_at=make.local(f"2024-11-12 {hour:02}:00"))
    make.reserved(at=make.local("2024-11-05 09:00"), starts_at=make.local("2024-11-30 23:59"))
    make.reserved(at=make.local("2024-11-05 09:00"), starts_at=make.local("2024-12-01 09:00"))


def test_each_day_says_how_many_requests_it_has():
    in_november()
    found = cells(month_of("?mois=2024-11"))
    said = {day: cell["label"].replace("\u00a0", " ") for day, cell in found.items() if "dot" in cell["classes"]}
    assert said == {12: "mardi 12 novembre, 3 demandes", 30: "samedi 30 novembre, 1 demande"}


def test_the_weeks_start_on_sunday():
    month = month_of("?mois=2024-11")
    assert (month["weekdays"][0], month["weeks"][0][:5], month["weeks"][0][5]["day"]) == ("dimanche", [None] * 5, 1)


def test_the_months_beside_are_links():
    month = month_of("?mois=2024-12")
    assert (month["name"], month["previous"], month["next"]) == (
        "décembre 2024",
        "/?vue=tous&mois=2024-11",
        "/?vue=tous&mois=2025-01",
    )


def test_without_a_month_the_page_shows_that_of_the_period_or_today():
    today = timezone.localdate()
    assert month_of("?du=2024-11-04")["name"] == "novembre 2024"
    assert [cell["day"] for cell in cells(month_of("")).values() if cell["is_today"]] == [today.day]


def test_the_first_day_chosen_starts_a_period_and_the_second_ends_it():
    first = cells(month_of("?mois=2024-11"))[4]["url"]
    assert first == "/?vue=tous&du=2024-11-04&borne=au"
    page = signed_in(make.alice()).get(first)
    assert "Choisissez la fin de la période." in said(page)
    assert cells(page.context["month"])[12]["url"] == "/?vue=tous&du=2024-11-04&au=2024-11-12"


def test_another_month_has_a_way_back_to_todays():
    today = timezone.localdate()
    assert month_of("?mois=2024-11&statut=reserved")["current"] == "/?vue=tous&statut=reserved"
    assert f"Revenir à {month_of('')['name']}" in said(signed_in(make.alice()).get("/?mois=2024-11"))
    assert month_of(f"?mois={today:%Y-%m}")["current"] is None


def test_the_ends_of_a_period_are_said():
    found = cells(month_of("?du=2024-11-04&au=2024-11-06"))
    assert [found[day]["label"].split(", ")[1:] for day in (4, 5, 6)] == [
        ["début de la période"],
        [],
        ["fin de la période"],
    ]


def test_à_venir_on_a_desk_leads_to_all():
    assert "Toutes les demandes" in said(signed_in(make.alice()).get("/?vue=a-venir"))
    assert "Toutes les demandes" not in said(signed_in(make.alice()).get("/?vue=tous"))


def test_the_days_of_a_period_are_marked():
    found = cells(month_of("?du=2024-11-04&au=2024-11-06"))
    marks = {day: cell["classes"] for day, cell in found.items() if cell["classes"]}
    assert marks == {4: "in start", 5: "in", 6: "in end"}


def test_a_day_chosen_keeps_the_statuses():
    page = signed_in(make.alice()).get("/?vue=a-venir&statut=reserved&mois=2024-11")
    assert cells(page.context["month"])[4]["url"] == "/?vue=a-venir&statut=reserved&du=2024-11-04&borne=au"


def test_a_month_of_the_other_years_has_its_days():
    assert [max(cells(month_of(f"?mois={year}-02"))) for year in (2027, 2028)] == [28, 29]


def test_a_period_may_end_in_another_month_than_it_starts():
    first = cells(month_of("?mois=2024-11"))[4]["url"]
    turned = signed_in(make.alice()).get(first).context["month"]["next"]
    page = signed_in(make.alice()).get(turned)
    assert "Choisissez la fin de la période." in said(page)
    second = cells(page.context["month"])[8]["url"]
    assert "à partir" not in said(signed_in(make.alice()).get(second))
    assert second == "/?vue=tous&du=2024-11-04&au=2024-12-08&mois=2024-12"


def test_a_second_click_before_the_first_turns_the_period():
    assert cells(month_of("?du=2024-11-12&borne=au"))[4]["url"] == "/?vue=tous&du=2024-11-04&au=2024-11-12"


def test_the_dots_are_those_of_the_statuses_chosen():
    in_november()
    found = cells(month_of("?mois=2024-11&statut=reserved"))
    assert [day for day, cell in found.items() if "dot" in cell["classes"]] == [30]


# Empty


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "Aucune demande pour cette période."),
        ("?vue=a-venir", "Aucune demande à venir. Celles que la BI vous transmettra s’afficheront ici."),
        ("?statut=pending", "Aucune demande n’attend votre réponse."),
        ("?statut=completed", "Aucune demande avec ce statut."),
        ("?statut=completed&statut=cancelled", "Aucune demande avec ces statuts."),
        ("?statut=completed&du=2024-11-04", "Aucune demande pour cette période."),
        ("?cherche=navajo", "Rien ne correspond à « navajo » : cherchez un numéro, une langue ou un lieu."),
    ],
)
def test_an_empty_list_says_why_and_what_to_do(query, words):
    assert f"{words} Voir toutes les demandes" in said(signed_in(make.alice()).get(f"/{query}"))


def test_each_group_explains_its_status_in_the_faqs_words():
    world()
    text = said(signed_in(make.alice()).get("/"))
    assert all(help_of in text for status, help_of in STATUS_HELP.items() if status in ALL)
    assert STATUS_HELP["unallocated"] not in text
