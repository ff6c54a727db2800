"""The list of the BI and of requesters: one status at a time, read by key, found by number."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from requests_app import exchanges
from requests_app.models import ServiceRequest
from tests import make
from tests.pages import ago, ahead, copies, said, signed_in

pytestmark = pytest.mark.django_db


def listed(query="", user=make.coordinator, path="/bi/demandes/"):
    page = signed_in(user()).get(f"{path}{query}")
    assert page.status_code == 200
    return [row.service_request.pk for row in page.context["rows"]]


# One status


def test_the_board_opens_on_what_is_to_be_assigned_soonest_first():
    late, soon = make.unallocated(at=ago(1), starts_at=ahead(9)), make.unallocated(at=ago(1), starts_at=ahead(3))
    make.pending(at=ago(1), starts_at=ahead(5))
    assert listed() == [soon.pk, late.pk]


def test_what_is_closed_is_newest_first():
    old, new = (make.cancelled(at=ago(9), starts_at=ahead(days)) for days in (3, 4))
    assert listed("?statut=cancelled") == [new.pk, old.pk]


def test_a_start_already_past_is_said():
    make.unallocated(at=ago(9), starts_at=ago(1))
    assert "Début passé" in said(signed_in(make.coordinator()).get("/bi/demandes/"))


@pytest.mark.parametrize(("hours", "words"), [(0, "30 min"), (30, "30 h"), (95, "95 h"), (96, "4 j"), (119, "4 j")])
def test_what_is_left_is_said_in_minutes_in_hours_then_in_days(hours, words):
    make.unallocated(at=ago(1), starts_at=timezone.now() + timedelta(hours=hours, minutes=30, seconds=30))
    assert f"Clinique des Érables {words} Besoin" in said(signed_in(make.coordinator()).get("/bi/demandes/"))


def test_a_cancelled_request_has_no_hours_left():
    make.cancelled(at=ago(1), starts_at=ahead(3))
    row = signed_in(make.coordinator()).get("/bi/demandes/?statut=cancelled").context["rows"][0]
    assert (row.left, row.is_past_start) == ("", False)


def test_tabs_count_each_status():
    for _ in range(2):
        make.unallocated(at=ago(1), starts_at=ahead())
    make.cancelled(at=ago(1), starts_at=ahead())
    text = said(signed_in(make.coordinator()).get("/bi/demandes/"))
    assert "Non alloué 2 En attente 0 Réservé 0 Modifié 0 Service fourni 0 Achevé 0 Annulé 1" in text


def test_an_empty_list_says_so():
    assert "Aucune demande à attribuer." in said(signed_in(make.coordinator()).get("/bi/demandes/"))
    assert "Aucune demande « Achevé »." in said(signed_in(make.coordinator()).get("/bi/demandes/?statut=completed"))


# By key


def test_a_long_list_is_read_page_after_page_without_missing_nor_repeating():
    made = make.unallocated(at=ago(1), starts_at=ahead())
    copies(made, 119, timedelta(minutes=15))
    client, query, found = signed_in(make.coordinator()), "", []
    while query is not None:
        page = client.get(f"/bi/demandes/{query}")
        found += [row.service_request.pk for row in page.context["rows"]]
        query = page.context["next_url"]
    assert found == list(ServiceRequest.objects.order_by("starts_at", "id").values_list("pk", flat=True))


@pytest.mark.parametrize("status", ["unallocated", "cancelled"])
def test_requests_that_start_together_are_all_read(status):
    made = make.request(status, at=ago(1), starts_at=ahead())
    copies(made, 59)
    first = signed_in(make.coordinator()).get(f"/bi/demandes/?statut={status}")
    second = listed(first.context["next_url"])
    keys = [row.service_request.pk for row in first.context["rows"]] + second
    assert (len(second), sorted(keys)) == (10, sorted(ServiceRequest.objects.values_list("pk", flat=True)))


def test_a_full_page_without_more_has_no_next():
    copies(make.unallocated(at=ago(1), starts_at=ahead()), 49, timedelta(hours=1))
    page = signed_in(make.coordinator()).get("/bi/demandes/")
    assert (len(page.context["rows"]), page.context["next_url"]) == (50, None)


# By number


def test_a_request_is_found_by_its_number_whatever_its_status():
    make.unallocated(at=ago(1), starts_at=ahead())
    made = make.cancelled(at=ago(1), starts_at=ahead())
    page = signed_in(make.coordinator()).get(f"/bi/demandes/?numero= {made.pk} ")
    assert [row.service_request.pk for row in page.context["rows"]] == [made.pk] and "Annulé" in said(page)


def test_a_number_that_is_not_found_says_so():
    assert "Aucune demande ne porte ce numéro." in said(signed_in(make.coordinator()).get("/bi/demandes/?numero=4242"))


def test_a_number_that_is_not_one_says_so_and_is_kept():
    make.unallocated(at=ago(1), starts_at=ahead())
    page = signed_in(make.coordinator()).get("/bi/demandes/?numero=12a")
    assert "Aucune demande ne porte ce numéro." in said(page) and 'value="12a"' in page.content.decode()


# Requesters


def test_a_requester_sees_their_establishment_only():
    ours = make.unallocated(at=ago(1), starts_at=ahead())
    elsewhere = {"institution": make.other_institution(), "facility": make.facility(of=make.other_institution())}
    theirs = make.unallocated(at=ago(1), starts_at=ahead(), by=make.other_requester(), **elsewhere)
    assert (listed(user=make.requester, path="/"), listed(user=make.other_requester, path="/")) == (
        [ours.pk],
        [theirs.pk],
    )
    assert listed(f"?numero={theirs.pk}", make.requester, "/") == []


# Bad values


@pytest.mark.parametrize(
    "query",
    [
        "statut=x",
        "statut=",
        "apres=x",
        "apres=_",
        "apres=2024-01-01T00:00:00_5",
        "apres=9999-12-31T00:00:00Z_5",
        "apres=2001-01-01T00:00:00-23:59_5",
        "apres=0001-01-01T00:00:00%2B23:59_5",
        "numero=",
        "etablissement=x",
        "etablissement=99999999999999999999",
        "langue=%00",
        "du=2025-99-99&au=0001-01-01",
    ],
)
def test_a_bad_value_falls_back_silently(query):
    made = make.unallocated(at=ago(1), starts_at=ahead())
    assert listed(f"?{query}") == [made.pk]


# Messages


def asks(made, *, interpreter=None, by=make.requester):
    exchanges.post_message(made, by=by(), at=ago(1), body="Bonjour", interpreter=interpreter)


def test_a_row_says_that_its_side_has_a_message_to_read():
    made, silent = (make.unallocated(at=ago(3), starts_at=ahead(day)) for day in (5, 6))
    asks(made)
    assert f"{made.pk} Nouveau message" in said(signed_in(make.coordinator()).get("/bi/demandes/"))
    assert "Nouveau message" not in said(signed_in(make.requester()).get("/"))
    asks(silent, by=make.coordinator)
    assert f"{silent.pk} Nouveau message" in said(signed_in(make.requester()).get("/"))


# Filters of the BI: an institution, a language, days


def elsewhere(**fields):
    other = make.other_institution()
    place = {"institution": other, "facility": make.facility(of=other)}
    return make.unallocated(at=ago(1), by=make.other_requester(), **place, **fields)


def test_an_institution_keeps_its_requests_and_their_counts():
    make.unallocated(at=ago(1), starts_at=ahead(3))
    theirs = elsewhere(starts_at=ahead(4))
    query = f"?etablissement={make.other_institution().pk}"
    assert listed(query) == [theirs.pk]
    assert "Non alloué 1 En attente 0" in said(signed_in(make.coordinator()).get(f"/bi/demandes/{query}"))


def test_a_language_keeps_its_requests():
    make.unallocated(at=ago(1), starts_at=ahead(3))
    arabic = make.unallocated(at=ago(1), starts_at=ahead(4), language=make.language("arabe"))
    assert listed("?langue=arabe") == [arabic.pk]


def test_days_are_kept_both_included_in_either_order():
    rows = [make.unallocated(at=ago(1), starts_at=ahead(day, hour)) for day, hour in ((3, 0), (4, 23), (5, 0))]
    first, last = ahead(3).date(), ahead(4).date()
    expected = [rows[0].pk, rows[1].pk]
    assert listed(f"?du={first}&au={last}") == listed(f"?du={last}&au={first}") == expected
    assert listed(f"?du={last}") == [rows[1].pk, rows[2].pk]


def test_every_link_of_the_page_keeps_the_filters_until_they_are_cleared():
    copies(make.unallocated(at=ago(1), starts_at=ahead(3)), 60, timedelta(hours=1))
    page = signed_in(make.coordinator()).get(f"/bi/demandes/?langue=espagnol&du={ahead(3).date()}")
    kept = f"langue=espagnol&amp;du={ahead(3).date()}"
    links = re.findall(r'href="(\?statut=[^"]*)"', page.content.decode())
    assert [link for link in links if kept not in link] == ["?statut=unallocated"]
    assert (len(links), links[-1].count("apres=")) == (9, 1)


def test_a_number_is_found_whatever_the_filters():
    made = make.unallocated(at=ago(1), starts_at=ahead())
    assert listed(f"?numero={made.pk}&langue=arabe") == [made.pk]


def test_filters_that_keep_nothing_say_so():
    page = signed_in(make.coordinator()).get("/bi/demandes/?langue=arabe")
    assert "Aucune demande « Non alloué » ne correspond aux filtres. " in said(page) and "Tout effacer" in said(page)


def test_a_requester_has_no_filter_to_look_elsewhere():
    ours = make.unallocated(at=ago(1), starts_at=ahead())
    assert listed(f"?etablissement={make.other_institution().pk}", make.requester, "/") == [ours.pk]


# What a requester follows


def test_a_requester_opens_on_the_first_open_status_that_holds_something():
    made = make.reserved(at=ago(3), starts_at=ahead(5))
    page = signed_in(make.requester()).get("/")
    assert [row.service_request.pk for row in page.context["rows"]] == [made.pk]
    assert "Un ou une interprète a accepté la demande." in said(page)
    assert listed("?statut=unallocated", make.requester, "/") == listed() == []


def test_a_requester_whose_requests_are_all_closed_opens_on_what_is_to_be_assigned():
    make.cancelled(at=ago(9), starts_at=ahead(5))
    assert signed_in(make.requester()).get("/").context["status"] == "unallocated"
