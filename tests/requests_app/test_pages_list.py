"""The list of the BI and of requesters: one status at a time, read by key, found by number."""

from datetime import timedelta

import pytest
from django.utils import timezone

from requests_app import exchanges
from requests_app.models import ServiceRequest
from tests import make
from tests.pages import ago, ahead, copies, said, signed_in

pytestmark = pytest.mark.django_db


def listed(query="", user=make.coordinator, path="/bi/"):
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
    assert "Début passé" in said(signed_in(make.coordinator()).get("/bi/"))


@pytest.mark.parametrize(("hours", "words"), [(0, "0 h"), (30, "30 h"), (95, "95 h"), (96, "4 j"), (119, "4 j")])
def test_what_is_left_is_said_in_hours_then_in_days(hours, words):
    make.unallocated(at=ago(1), starts_at=timezone.now() + timedelta(hours=hours, minutes=30))
    assert f"Clinique des Érables {words} Besoin" in said(signed_in(make.coordinator()).get("/bi/"))


def test_a_cancelled_request_has_no_hours_left():
    make.cancelled(at=ago(1), starts_at=ahead(3))
    row = signed_in(make.coordinator()).get("/bi/?statut=cancelled").context["rows"][0]
    assert (row.left, row.is_past_start) == ("", False)


def test_tabs_count_each_status():
    for _ in range(2):
        make.unallocated(at=ago(1), starts_at=ahead())
    make.cancelled(at=ago(1), starts_at=ahead())
    text = said(signed_in(make.coordinator()).get("/bi/"))
    assert "Non alloué 2 En attente 0 Réservé 0 Modifié 0 Service fourni 0 Achevé 0 Annulé 1" in text


def test_an_empty_list_says_so():
    assert "Aucune demande à attribuer." in said(signed_in(make.coordinator()).get("/bi/"))
    assert "Aucune demande « Achevé »." in said(signed_in(make.coordinator()).get("/bi/?statut=completed"))


# By key


def test_a_long_list_is_read_page_after_page_without_missing_nor_repeating():
    made = make.unallocated(at=ago(1), starts_at=ahead())
    copies(made, 119, timedelta(minutes=15))
    client, query, found = signed_in(make.coordinator()), "", []
    while query is not None:
        page = client.get(f"/bi/{query}")
        found += [row.service_request.pk for row in page.context["rows"]]
        query = page.context["next_url"]
    assert found == list(ServiceRequest.objects.order_by("starts_at", "id").values_list("pk", flat=True))


@pytest.mark.parametrize("status", ["unallocated", "cancelled"])
def test_requests_that_start_together_are_all_read(status):
    made = make.request(status, at=ago(1), starts_at=ahead())
    copies(made, 59)
    first = signed_in(make.coordinator()).get(f"/bi/?statut={status}")
    second = listed(first.context["next_url"])
    keys = [row.service_request.pk for row in first.context["rows"]] + second
    assert (len(second), sorted(keys)) == (10, sorted(ServiceRequest.objects.values_list("pk", flat=True)))


def test_a_full_page_without_more_has_no_next():
    copies(make.unallocated(at=ago(1), starts_at=ahead()), 49, timedelta(hours=1))
    page = signed_in(make.coordinator()).get("/bi/")
    assert (len(page.context["rows"]), page.context["next_url"]) == (50, None)


# By number


def test_a_request_is_found_by_its_number_whatever_its_status():
    make.unallocated(at=ago(1), starts_at=ahead())
    made = make.cancelled(at=ago(1), starts_at=ahead())
    page = signed_in(make.coordinator()).get(f"/bi/?numero= {made.pk} ")
    assert [row.service_request.pk for row in page.context["rows"]] == [made.pk] and "Annulé" in said(page)


def test_a_number_that_is_not_found_says_so():
    assert "Aucune demande ne porte ce numéro." in said(signed_in(make.coordinator()).get("/bi/?numero=4242"))


def test_a_number_that_is_not_one_says_so_and_is_kept():
    make.unallocated(at=ago(1), starts_at=ahead())
    page = signed_in(make.coordinator()).get("/bi/?numero=12a")
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
        "numero=",
    ],
)
def test_a_bad_value_falls_back_silently(query):
    made = make.unallocated(at=ago(1), starts_at=ahead())
    assert listed(f"?{query}") == [made.pk]


@pytest.mark.parametrize(("user", "status"), [(make.alice, 403), (make.requester, 403), (make.validator, 403)])
def test_the_board_is_the_coordinations(user, status):
    assert signed_in(user()).get("/bi/").status_code == status


@pytest.mark.parametrize(
    ("user", "address"),
    [(make.coordinator, "/bi/"), (make.validator, "/admin/"), (make.administrator, "/admin/")],
)
def test_the_first_page_leads_where_each_role_works(user, address):
    assert signed_in(user()).get("/").url == address


def test_an_urgent_withdrawal_is_seen_from_the_list():
    made = make.reserved(at=ago(3), starts_at=timezone.now() + timedelta(hours=30))
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Je suis malade.")
    assert f"Désistement urgent demandé : demande {made.pk}" in said(signed_in(make.coordinator()).get("/bi/"))
    assert "Désistement urgent" not in said(signed_in(make.requester()).get("/"))


# Messages


def asks(made, *, interpreter=None, by=make.requester):
    exchanges.post_message(made, by=by(), at=ago(1), body="Bonjour", interpreter=interpreter)


def test_a_row_says_that_its_side_has_a_message_to_read():
    made, silent = (make.unallocated(at=ago(3), starts_at=ahead(day)) for day in (5, 6))
    asks(made)
    assert f"{made.pk} Nouveau message" in said(signed_in(make.coordinator()).get("/bi/"))
    assert "Nouveau message" not in said(signed_in(make.requester()).get("/"))
    asks(silent, by=make.coordinator)
    assert f"{silent.pk} Nouveau message" in said(signed_in(make.requester()).get("/"))


def test_the_bi_reads_which_requests_have_messages_each_once_soonest_first():
    late, soon = (make.reserved(at=ago(3), starts_at=ahead(day)) for day in (6, 5))
    for made in (late, soon, soon):
        asks(made, by=make.alice)
    words = f"Nouveau message : demande {soon.pk} , demande {late.pk} ."
    assert words in said(signed_in(make.coordinator()).get("/bi/"))
    exchanges.mark_read(late, by=make.coordinator(), at=timezone.now(), interpreter=make.alice())
    assert f"Nouveau message : demande {soon.pk} ." in said(signed_in(make.coordinator()).get("/bi/"))


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
