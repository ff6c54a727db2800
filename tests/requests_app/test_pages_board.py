"""The page of the board: its tabs and filters, its refresh, what it asks of the database and of the session."""

import gzip
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Notification, Session, User
from accounts.sessions import IDLE, SessionStore
from requests_app import board, exchanges
from requests_app.models import Message, Offer, ServiceRequest
from tests import make
from tests.pages import ago, ahead, copies, said, signed_in
from tests.requests_app.crowd import crowd

pytestmark = pytest.mark.django_db
PAGE = "/bi/"
REFRESH = {"hx-request": "true", "x-refresh": "1"}
SLUGS = [queue.slug for queue in board.QUEUES]


def opened(query="", **headers):
    page = signed_in(make.coordinator()).get(f"{PAGE}{query}", headers=headers)
    assert page.status_code == 200
    return page


def numbers_on(page) -> list[int]:
    return [row.number for row in page.context["rows"]]


# Tabs


def test_a_tab_says_how_many_and_leads_to_its_queue():
    made = make.unallocated(at=ago(1), starts_at=ahead(3))
    make.modified(at=ago(1), starts_at=ahead(5))
    text = said(opened())
    assert "Désistement urgent 0 Non alloué 1 Sans réponse 0 Modifié non vu 1 Messages 0 Début passé 0" in text
    assert f"{made.pk} " in text and "Nouvelle demande" in text
    assert "Pas encore vu par" in said(opened("?file=modifie-non-vu"))


def test_a_count_stops_at_100():
    copies(make.unallocated(at=ago(1), starts_at=ahead(3)), 101, timedelta(hours=1))
    assert "Non alloué 100+ Sans" in said(opened())


def test_what_did_not_arrive_is_counted_and_leads_to_its_page():
    given = {"user": make.alice(), "topic": "offered", "about": "x", "dedupe_key": "x", "due_at": ago(1)}
    Notification.objects.create(**given, created_at=timezone.now(), state=Notification.State.UNDELIVERED)
    assert "Non remis 1" in said(opened())
    assert signed_in(make.coordinator()).get("/bi/?file=non-remis").url == "/bi/non-remis/"


@pytest.mark.parametrize("slug", SLUGS)
def test_an_empty_queue_says_so(slug):
    assert board.BY_SLUG[slug].empty in said(opened(f"?file={slug}"))


def test_an_urgent_withdrawal_leads_to_the_request():
    made = make.reserved(at=ago(3), starts_at=timezone.now() + timedelta(hours=30))
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Je suis malade.")
    assert "demande à se désister" in said(opened())
    assert f'href="/demandes/{made.pk}/">Répondre' in opened().content.decode()


# Filters


def test_every_link_keeps_the_filters_until_they_are_cleared():
    copies(make.unallocated(at=ago(1), starts_at=ahead(3)), 60, timedelta(hours=1))
    page = opened("?file=non-alloue&region=06&langue=espagnol&type=on_site").content.decode()
    links = re.findall(r'(?:href|hx-get)="(\?file=[^"]*)"', page)
    kept = "&amp;region=06&amp;langue=espagnol&amp;type=on_site"
    assert [link for link in links if kept not in link] == ["?file=non-alloue"]
    assert len(links) == len(SLUGS) + 3 and re.search(r'<option value="espagnol" selected>', page)


def test_filters_that_are_on_say_what_they_never_hide():
    sentence = "Les filtres ne cachent ni les désistements urgents ni les messages non remis."
    assert [sentence in said(opened(query)) for query in ("", "?langue=arabe")] == [False, True]
    assert "Aucun désistement urgent" in said(opened("?file=desistement-urgent&langue=arabe"))


LISTS_OF_LANGUAGES = [PAGE, f"{PAGE}demandes/", f"{PAGE}interpretes/"]


@pytest.mark.parametrize("address", LISTS_OF_LANGUAGES)
def test_languages_are_in_the_order_of_french_in_every_filter(address):
    page = said(signed_in(make.coordinator()).get(address))
    assert "Toutes" in page and "Hébreu Hindi Hongrois" in page


def test_filters_that_keep_nothing_say_so():
    make.unallocated(at=ago(1), starts_at=ahead(3))
    assert "ne correspond aux filtres" in said(opened("?file=non-alloue&langue=arabe"))


BAD = ["file=x", "region=99", "langue=%00", "type=x", "apres=x", "apres=9999-12-31T00:00:00Z_5", "region=06&region="]
# An offset that the database does not take, and one that leaves the years there are.
BAD += [f"apres={instant}_5" for instant in ("2001-01-01T00:00:00-23:59", "0001-01-01T00:00:00%2B23:59")]


@pytest.mark.parametrize("query", BAD)
def test_a_bad_value_falls_back_silently(query):
    made = make.unallocated(at=ago(1), starts_at=ahead(3))
    assert numbers_on(opened(f"?{query}")) == [made.pk]


# By key


@pytest.mark.parametrize("slug", ["non-alloue", "sans-reponse"])
def test_a_long_queue_is_read_page_after_page_without_missing_nor_repeating(slug):
    made = make.pending(at=ago(1), starts_at=timezone.now() + timedelta(hours=20))
    make.unallocated(at=ago(1), starts_at=ahead(3))
    build = {"non-alloue": make.unallocated, "sans-reponse": make.pending}[slug]
    copied = copies(build(at=ago(1), starts_at=made.starts_at), 117, timedelta(seconds=1))
    if slug == "sans-reponse":
        given = {"interpreter": make.bob(), "sent_at": ago(1), "answer_by": made.starts_at}
        Offer.objects.bulk_create(Offer(service_request=row, **given) for row in copied)
    query, found = f"?file={slug}", []
    while query:
        page = opened(query)
        found += numbers_on(page)
        query = page.context["next_url"]
    assert (len(found), len(set(found))) == (119, 119)


# The refresh


def test_a_refresh_answers_the_rows_the_counts_and_the_title_alone():
    make.unallocated(at=ago(1), starts_at=ahead(3))
    answer = opened("?file=non-alloue", **REFRESH)
    html = answer.content.decode()
    assert "<title>(1) Non alloué, tableau — Banque d’interprètes</title>" in html and "<html" not in html
    assert html.count("hx-swap-oob") == len(SLUGS) + 2
    assert "HX-Request" in answer["Vary"] and "no-store" in answer["Cache-Control"]


def test_a_page_that_htmx_restores_is_whole():
    page = opened("?file=non-alloue", **REFRESH, **{"hx-history-restore-request": "true"})
    assert "<html" in page.content.decode()


def test_a_refresh_stays_on_the_queue_opened_even_when_a_more_urgent_one_fills():
    make.modified(at=ago(1), starts_at=ahead(5))
    (address,) = re.findall(r'hx-get="([^"]*)"', opened().content.decode())
    make.unallocated(at=ago(1), starts_at=ahead(3))
    assert opened(address, **REFRESH).context["queue"].slug == "modifie-non-vu"


def half_spent(client):
    """The session as it is 20 minutes after its last page."""
    row = Session.objects.get(session_key=client.session.session_key)
    store = SessionStore(row.session_key)
    store["renewed_at"] = timezone.now().timestamp() - 20 * 60
    store["signed_in_at"] = store["renewed_at"]
    store.save()
    return lambda: SessionStore(row.session_key)["renewed_at"] == store["renewed_at"]


def test_a_board_left_open_does_not_keep_the_session_alive():
    client = signed_in(make.coordinator())
    is_as_it_was = half_spent(client)
    assert IDLE == timedelta(minutes=30) and client.get(PAGE, headers=REFRESH).status_code == 200
    assert is_as_it_was()
    client.get(PAGE)
    assert not is_as_it_was()


def test_a_refresh_after_the_session_has_ended_leads_to_sign_in():
    client = signed_in(make.coordinator())
    Session.objects.all().delete()
    answer = client.get(f"{PAGE}?file=messages", headers=REFRESH)
    assert answer["HX-Redirect"] == "/connexion/?next=/bi/%3Ffile%3Dmessages"


# Shortcuts


def test_single_keys_are_there_for_who_asked_for_them_alone():
    assert "js/board" not in opened().content.decode()
    User.objects.filter(pk=make.coordinator().pk).update(uses_shortcuts=True)
    page = opened().content.decode()
    assert "js/board" in page and 'id="raccourcis"' in page


# What it costs


def fill(number):
    copies(make.unallocated(at=ago(1), starts_at=ahead(3)), number, timedelta(hours=1))
    copies(make.reserved(at=ago(90), starts_at=ago(40 + number // 2)), number, timedelta(hours=3))


def statements(query, **headers) -> list[str]:
    client = signed_in(make.coordinator())
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"{PAGE}{query}", headers=headers).status_code == 200
    return [query["sql"] for query in captured]


@pytest.mark.parametrize(("query", "number"), [("?file=non-alloue", 5), ("?file=a-remplir", 6), ("", 5)])
def test_the_board_asks_as_many_statements_whatever_the_number_of_rows(query, number):
    fill(1)
    few = len(statements(query))
    fill(70)
    assert (few, len(statements(query)), len(statements(query, **REFRESH))) == (number, number, number)


def test_a_board_of_50_rows_weighs_12_kb_at_most():
    fill(60)
    assert len(gzip.compress(opened("?file=non-alloue").content)) <= 12 * 1024


# Each queue, and the index that finds its rows; the planner may skip through one that leads with somebody.
INDEXES = {
    "desistement-urgent": "one_urgent_withdrawal_at_a_time",
    "non-alloue": "request_list_of_",
    "sans-reponse": "request_list_of_",
    "modifie-non-vu": "request_list_of_",
    "messages": "message_not_read",
    "debut-passe": "request_list_of_",
    "a-remplir": "request_list_of_",
}
LISTS = {
    "": "request_list_of_",
    "&etablissement={institution}": "request_list_of_institution",
    "&langue=arabe": "request_list_of_language",
}


def ways(sql: str) -> str:
    """By which ways the database goes to requests and to messages."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        plan = [line for (line,) in cursor.fetchall()]
    scans = [re.search(r"(\w+ )*Scan( \w+)* on (requests_app_\w+|\w+)", line) for line in plan]
    return ", ".join(found[0] for found in scans if found and re.search("_servicerequest|_message|list_of", found[0]))


def rows_of(address) -> str:
    """The statement that reads the rows of a page."""
    asked = statements(address.removeprefix(PAGE))
    (sql,) = [sql for sql in asked if 'FROM "requests_app_servicerequest"' in sql and sql.endswith("LIMIT 51")]
    return sql


def talk():
    """A message read on each of 3 000 requests, and the last one of some still to be read."""
    numbers = ServiceRequest.objects.order_by("id").values_list("pk", flat=True)[:3000]
    given = {"author": make.alice(), "at": ago(1), "body": "Bonjour", "is_to_bi": True}
    said_at = {"read_at": ago(1)}
    Message.objects.bulk_create(
        Message(service_request_id=pk, **given, **(said_at if pk % 300 else {"read_at": None})) for pk in numbers
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE requests_app_message")


def test_among_20_000_requests_every_page_is_found_by_an_index():
    crowd(at=timezone.now())
    talk()
    pages = {f"{PAGE}?file={slug}": index for slug, index in INDEXES.items()}
    institution = make.other_institution().pk
    pages |= {f"{PAGE}demandes/?statut=completed{query}": index for query, index in LISTS.items()}
    found = {page: ways(rows_of(page.format(institution=institution))) for page in pages}
    wrong = {page: ways for page, ways in found.items() if pages[page] not in ways or "Seq Scan" in ways}
    assert wrong == {}
