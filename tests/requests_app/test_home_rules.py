"""The home's own rules on a hand-made world: marks of a row, pages of a group, the search, what is no longer theirs."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import notify
from accounts.models import User
from requests_app import exchanges, offers, services
from requests_app.home import groups
from requests_app.models import CancellationReason, Offer, ServiceRequest
from requests_app.period import Choice, Place
from requests_app.workflow import Status
from tests import make
from tests.pages import ago, ahead, copies, nobody, said, signed_in

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}


def home(query="", **headers):
    page = signed_in(make.alice()).get(f"/{query}", headers=headers)
    assert page.status_code == 200
    return page


def rows(query="") -> dict:
    """{number: what the row says is to do}."""
    return {row.number: row.marks for group in home(query).context["groups"] for row in group.rows}


def found(words, **more) -> set:
    return set(rows(f"?cherche={words}"))


# Marks


def test_nothing_is_said_of_a_row_when_all_is_well():
    make.reserved(at=ago(5), starts_at=ahead(4))
    for day, build in enumerate([make.provided, make.completed, make.cancelled], start=3):
        build(at=ago(9), starts_at=ago(day))
    assert list(rows().values()) == [[]] * 4


def test_a_change_says_that_it_is_to_be_looked_at():
    made = make.modified(at=ago(5), starts_at=ahead(3))
    assert rows() == {made.pk: ["Modification à vérifier"]}


def test_an_offer_says_until_what_hour_to_answer():
    make.pending(answer_by=make.local("2025-03-03 16:05"))
    (group,) = groups(make.alice(), Choice(today=make.NOW.date()), at=make.NOW)
    assert group.rows[0].marks == ["Répondez avant 16\u00a0h\u00a005"]


def test_an_offer_to_answer_another_day_says_which():
    made = make.pending(at=ago(1), starts_at=ahead(9), answer_by=ahead(2, hour=16))
    (mark,) = rows()[made.pk]
    assert re.fullmatch(r"Répondez avant le \d+(er)?\xa0\w+, 16\xa0h", mark)


@pytest.mark.parametrize("build", [make.reserved, make.modified])
def test_a_service_that_has_started_is_to_fill_in(build):
    made = build(at=ago(5), starts_at=ago(1))
    assert rows() == {made.pk: ["Détails de l’achèvement à remplir"]}


def test_a_report_sent_back_says_so_until_it_is_corrected():
    made = make.provided(at=ago(9), starts_at=ago(3))
    services.return_for_correction(made, by=make.validator(), at=ago(2), note="Il manque la facture.")
    assert rows()[made.pk] == ["Correction demandée"]
    services.report(made, is_rendered=True, by=make.alice(), at=ago(1))
    assert rows()[made.pk] == []


def test_a_new_message_says_so_until_it_is_read():
    made = make.reserved(at=ago(5), starts_at=ahead(4))
    exchanges.post_message(made, by=make.coordinator(), at=ago(1), body="Bonjour", interpreter=make.alice())
    assert rows()[made.pk] == ["Nouveau message"]
    exchanges.mark_read(made, by=make.alice(), at=timezone.now())
    assert rows()[made.pk] == []


def test_my_own_message_and_those_of_others_are_not_news_to_me():
    made = make.reserved(at=ago(5), starts_at=ahead(4))
    exchanges.post_message(made, by=make.alice(), at=ago(1), body="Bonjour")
    exchanges.post_message(made, by=make.coordinator(), at=ago(1), body="Bonjour")
    assert rows()[made.pk] == []


def test_an_urgent_withdrawal_says_that_it_waits_and_then_its_answer():
    made = make.reserved(at=ago(5), starts_at=timezone.now() + 20 * make.HOUR)
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Malade")
    assert rows()[made.pk] == ["Désistement urgent demandé"]
    exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=timezone.now(), reply="Personne d’autre.")
    assert rows()[made.pk] == ["Nouveau message"]


def test_an_old_closed_request_stays_while_it_asks_something():
    silent, made = (make.completed(at=ago(90), starts_at=ago(day)) for day in (61, 60))
    exchanges.post_message(made, by=make.coordinator(), at=ago(1), body="Bonjour", interpreter=make.alice())
    page = home()
    assert (rows(), "1 demande, en cours" in said(page)) == ({made.pk: ["Nouveau message"]}, True)
    exchanges.mark_read(made, by=make.alice(), at=timezone.now())
    assert (rows(), silent.status) == ({}, Status.COMPLETED)


def test_an_old_report_of_a_service_not_rendered_sent_back_stays_until_it_is_corrected():
    made = make.reserved(at=ago(90), starts_at=ago(60))
    services.report(made, is_rendered=False, by=make.alice(), at=ago(59))
    assert rows() == {}
    services.return_for_correction(made, by=make.validator(), at=ago(2), note="Il manque la facture.")
    assert rows() == {made.pk: ["Correction demandée"]}
    services.report(made, is_rendered=False, by=make.alice(), at=ago(1))
    assert rows() == {}


# More than a page


def many(number) -> ServiceRequest:
    first = make.completed(at=ago(60), starts_at=ago(1))
    copies(first, number - 1, timedelta(hours=-3))
    return first


def pages_of(query, *, address="") -> list[list[int]]:
    """The numbers of each page of the only group, from link to link."""
    read, address = [], f"?{query}"
    while address:
        (group,) = home(address).context["groups"]
        read.append([row.number for row in group.rows])
        address = group.more_url and group.more_url.removeprefix("/")
    return read


def test_a_long_group_shows_100_and_then_100_more_until_its_end():
    many(230)
    read = pages_of("statut=completed")
    assert [len(page) for page in read] == [100, 100, 30]
    newest = ServiceRequest.objects.order_by("-starts_at", "-id").values_list("pk", flat=True)
    assert [number for page in read for number in page] == list(newest)


def test_rows_of_one_instant_are_neither_lost_nor_repeated():
    copies(make.completed(at=ago(60), starts_at=ago(1)), 204)
    read = pages_of("statut=completed")
    assert sorted(number for page in read for number in page) == sorted(
        ServiceRequest.objects.values_list("pk", flat=True)
    )


def test_a_long_group_of_offers_goes_on_soonest_first():
    given = {"interpreter": make.alice(), "sent_at": ago(1), "answer_by": ahead(6)}
    more = copies(make.pending(at=ago(1), starts_at=ahead(6)), 104, timedelta(hours=1))
    Offer.objects.bulk_create(Offer(service_request=request, **given) for request in more)
    first, rest = pages_of("statut=pending")
    assert (len(first), rest) == (100, [request.pk for request in more[-5:]])


@pytest.mark.parametrize("number", [100, 101])
def test_exactly_100_have_no_more(number):
    many(number)
    assert ("Afficher 100 de plus" in said(home())) == (number > 100)


def test_the_rest_of_a_group_is_a_page_with_a_way_back():
    many(130)
    page = home(home("?du=2024-11-04").context["groups"][0].more_url.removeprefix("/"))
    assert "Revenir au début de la liste" in said(page)
    assert page.context["top_url"] == "/?vue=tous&du=2024-11-04"


def test_a_script_receives_the_rest_alone_and_starts_at_its_first_row():
    many(130)
    page = home(home().context["groups"][0].more_url.removeprefix("/"), **HTMX)
    body = page.content.decode()
    assert (body.count("<li>"), body.count("autofocus"), "<html" in body) == (30, 1, False)


def test_a_group_goes_on_though_the_row_it_stopped_at_has_moved():
    first = many(130)
    address = home().context["groups"][0].more_url
    last = ServiceRequest.objects.order_by("-starts_at", "-id")[99]
    ServiceRequest.objects.filter(pk=last.pk).update(starts_at=first.starts_at, ends_at=first.ends_at)
    (group,) = home(address.removeprefix("/")).context["groups"]
    assert len(group.rows) == 30


def test_going_on_where_nothing_is_left_says_so():
    place = Place(Status.COMPLETED, make.START, 1)
    page = home(f"?suite={place}")
    assert "Aucune demande pour cette période." in said(page)
    assert home(f"?suite={place}", **HTMX).content.decode().strip() == ""


# A script that filters


def test_a_script_receives_the_list_and_what_changes_around_it():
    make.reserved(at=ago(5), starts_at=ahead(4))
    page = home("?statut=reserved&du=&au=&cherche=", **HTMX, **{"hx-trigger": "filtres"})
    body = page.content.decode()
    parts = re.findall(r'id="([\w-]+)"[^>]* hx-swap-oob', body)
    assert {"resultat", "effacer", "vues", "voir", "periode", "reste", "n-reserved", "n-filtres"} <= set(parts)
    assert "<html" not in body and page["HX-Push-Url"] == "/?vue=tous&statut=reserved"


def test_a_page_that_filters_learns_how_long_its_session_now_lasts():
    assert 0 < int(home("?statut=reserved", **HTMX)["X-Session-Left"]) <= 30 * 60


@pytest.mark.parametrize(
    ("trigger", "has_dates"), [("filtres", False), ("statuts", False), ("dates", False), ("j12", True)]
)
def test_a_date_being_typed_is_left_alone(trigger, has_dates):
    body = home("?du=2024-11-04", **HTMX, **{"hx-trigger": trigger}).content.decode()
    assert ('id="du"' in body) == has_dates


@pytest.mark.parametrize(("trigger", "header"), [("dates", "HX-Replace-Url"), ("cherche", "HX-Replace-Url")])
def test_what_is_typed_makes_no_more_entries_of_the_history(trigger, header):
    page = home("?cherche=chum", **HTMX, **{"hx-trigger": trigger})
    assert (page[header], "HX-Push-Url" in page) == ("/?vue=tous&cherche=chum", False)


def test_the_month_follows_the_dates_typed():
    query = "?du=2024-11-04&mois=2026-01"
    months = [home(query, **HTMX, **{"hx-trigger": name}).context["month"]["name"] for name in ("dates", "statuts")]
    assert months == ["novembre 2024", "janvier 2026"]


def test_a_period_half_chosen_stays_so_after_a_tick():
    fields = re.findall('name="(borne|mois)" value="(.*?)"', home("?du=2024-11-04&borne=au").content.decode())
    assert ("borne", "au") in fields and not home("?du=2024-11-04").content.decode().count('name="borne"')


def test_a_cache_tells_the_page_from_its_part():
    assert {"HX-Request", "User-Agent"} <= {name.strip() for name in home()["Vary"].split(",")}


def test_a_script_whose_session_has_ended_is_sent_to_sign_in():
    page = nobody().get("/?statut=reserved", headers=HTMX)
    assert (page.status_code, page["HX-Redirect"]) == (200, "/connexion/?next=/%3Fstatut%3Dreserved")


# Search


def test_a_request_is_found_by_its_number_its_language_and_its_place():
    made = make.reserved(at=ago(5), starts_at=ahead(4))
    other = make.language("arabe")
    make.reserved(at=ago(5), starts_at=ahead(5), language=other, facility=make.facility("Pavillon Nord"))
    for words in (
        str(made.pk),
        "espagnol",
        "ESPAGN",
        "erables",
        "Érables",
        "espagnol clinique",
        f"{made.pk} espagnol",
        f"%23{made.pk}",
    ):
        assert made.pk in found(words) and len(found(words)) == 1, words


@pytest.mark.parametrize(
    "words", ["999999999999999999999", "navajo", "%25", "_", "espagnol navajo", "a e i o u navajo", "Vandemoortele"]
)
def test_what_is_nowhere_finds_nothing(words):
    make.reserved(at=ago(5), starts_at=ahead(4))
    assert found(words) == set()


def test_without_a_period_the_search_goes_through_all_dates():
    made = make.completed(at=ago(400), starts_at=ago(390))
    assert (rows(), found("espagnol")) == ({}, {made.pk})
    assert "1 demande pour « espagnol », toutes les dates" in said(home("?cherche=espagnol"))
    assert rows(f"?cherche=espagnol&du={ago(30).date()}") == {}


@pytest.mark.parametrize("build", [make.pending, make.cancelled])
def test_the_place_of_an_offer_or_of_a_cancelled_request_is_not_searched(build):
    made = build(at=ago(5), starts_at=ahead(9))
    assert (found("erables"), found("chum"), found("montreal")) == (set(), set(), {made.pk})


def test_the_place_of_an_old_request_is_not_searched():
    recent, old = make.completed(at=ago(99), starts_at=ago(80)), make.completed(at=ago(199), starts_at=ago(95))
    assert (found("erables"), found("montreal")) == ({recent.pk}, {old.pk})


def test_nobody_finds_the_requests_of_others():
    make.reserved(make.bob(), at=ago(5), starts_at=ahead(4))
    make.unallocated(at=ago(5), starts_at=ahead(4))
    assert found("espagnol") == set()


def test_the_search_stays_in_its_field_and_in_the_links():
    page = home("?cherche=  espagnol   nord ")
    assert page.context["choice"].url() == "/?vue=tous&cherche=espagnol+nord"
    assert 'value="espagnol nord"' in page.content.decode()


# What is no longer theirs


def lost(query="") -> list[tuple]:
    return [(gone.number, gone.reason) for gone in home(query).context["gone"]]


def yesterday():
    return timezone.now() - timedelta(days=1)


def test_an_offer_taken_by_another_is_told_with_the_reason():
    made = make.pending(make.alice(), make.bob(), at=ago(3), starts_at=ahead(9))
    offers.accept(made, by=make.bob(), at=yesterday())
    assert lost() == [(made.pk, "Une autre personne a accepté la demande.")]
    assert f"Demande {made.pk} (espagnol, " in said(home())


def test_an_offer_retracted_or_expired_is_told_with_the_reason():
    first, second = (make.pending(at=ago(3), starts_at=ahead(day)) for day in (8, 9))
    offers.retract(first, make.alice(), by=make.coordinator(), at=yesterday())
    offers.expire(second, make.alice(), by=make.system(), at=timezone.now(), reason=offers.EXPIRED)
    assert lost() == [(second.pk, "Le délai de réponse est passé."), (first.pk, "La BI a retiré cette offre.")]


def test_an_offer_cancelled_is_told_with_the_reason():
    made = make.pending(at=ago(3), starts_at=ahead(9))
    services.cancel(made, by=make.requester(), at=yesterday(), reason=CancellationReason.BY_REQUESTER)
    ((number, reason),) = lost()
    assert number == made.pk and "annulé" in reason


def test_a_request_removed_by_the_bi_is_told():
    made = make.reserved(at=ago(3), starts_at=ahead(9))
    services.mark_unallocated(made, by=make.coordinator(), at=yesterday(), note="Entente.")
    assert lost() == [(made.pk, "La BI vous a retiré cette demande. Vous n’avez plus à vous présenter.")]


def test_a_request_reinstated_for_another_is_told_unless_it_is_given_back():
    made = make.cancelled(at=ago(3), starts_at=ahead(9))
    services.reinstate(made, by=make.coordinator(), at=yesterday(), note="Erreur.")
    assert lost() == [(made.pk, "Cette demande annulée est rétablie\u00a0: la BI l’attribuera de nouveau.")]
    offers.offer(made, [make.alice()], by=make.coordinator(), at=timezone.now(), answer_by=ahead(8))
    assert lost() == []


def test_all_that_is_lost_is_counted():
    for day in range(5, 27):
        services.mark_unallocated(
            make.reserved(at=ago(3), starts_at=ahead(day)), by=make.coordinator(), at=yesterday(), note="Entente."
        )
    assert "22 demandes ne sont plus à vous" in said(home())


def test_what_one_refused_or_left_oneself_is_not_told():
    first, second = make.pending(at=ago(3), starts_at=ahead(8)), make.reserved(at=ago(3), starts_at=ahead(9))
    offers.refuse(first, by=make.alice(), at=yesterday())
    services.mark_unallocated(second, by=make.alice(), at=yesterday())
    assert lost() == []


def test_it_is_told_for_3_days():
    made = make.pending(make.alice(), make.bob(), at=ago(9), starts_at=ahead(9))
    offers.accept(made, by=make.bob(), at=timezone.now() - timedelta(days=3, minutes=1))
    assert lost() == []


@pytest.mark.parametrize("again", [True, False])
def test_what_came_back_is_not_told_as_lost(again):
    made = make.reserved(at=ago(3), starts_at=ahead(9))
    services.mark_unallocated(made, by=make.coordinator(), at=yesterday(), note="Entente.")
    if again:
        offers.offer(made, [make.alice()], by=make.coordinator(), at=timezone.now(), answer_by=ahead(8))
    assert len(lost()) == (0 if again else 1)


def test_it_is_told_to_who_receives_nothing():
    User.objects.filter(pk=make.alice().pk).update(email_disabled=True, sms_disabled=True)
    made = make.pending(make.alice(), make.bob(), at=ago(3), starts_at=ahead(9))
    offers.accept(made, by=make.bob(), at=yesterday())
    assert [number for number, _ in lost()] == [made.pk]


def test_nobody_is_told_what_others_lost():
    made = make.pending(make.charlie(), make.bob(), at=ago(3), starts_at=ahead(9))
    offers.accept(made, by=make.bob(), at=yesterday())
    assert (lost(), len(notify.told_recently(make.charlie(), ["offer_gone"], since=ago(3)))) == ([], 1)


def test_a_home_without_loss_says_nothing_of_it():
    assert "plus à vous" not in said(home())
