"""The queue narrowed: by alert, region, interpreter, age, return; « suivante » follows it, with where one stands."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import HealthRegion
from completion import decisions, queue
from completion.models import Review
from requests_app import services as requests
from requests_app.models import ServiceRequest
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, START
from tests.pages import ago, ahead, copies, press, said, signed_in

pytestmark = pytest.mark.django_db
QUEUE = "/admin/completion/review/"
RETURN = "Retourner à l’interprète"


def day(number, **fields) -> dict:
    return {"starts_at": START + timedelta(days=number)} | fields


def too_long(**fields):
    made = make.reserved(**fields)
    filed.report(made, **filed.times(made, length=make.LENGTH + HOUR))
    return made


def page(made, kept="") -> str:
    return reverse("admin:completion_review_change", args=[made.pk]) + kept


def found(filters: str, reader=None) -> list[int]:
    reader = reader or signed_in(make.validator())
    return [row.pk for row in reader.get(f"{QUEUE}?{filters}").context["cl"].result_list]


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [("sans", "clean"), ("avec", "long"), ("duration", "long"), ("overlap", ""), ("autre", ""), ("", "clean long")],
)
def test_the_queue_is_narrowed_by_alert(alerts, expected):
    made = {"clean": filed.provided(**day(1)), "long": too_long(**day(2))}
    assert found(f"alertes={alerts}") == [made[name].pk for name in expected.split()]


def test_an_alert_shows_how_many_and_its_first_sentence():
    too_long()
    reader = signed_in(make.validator())
    text = said(reader.get(QUEUE))
    assert "2 h 30 de présence, 1 h 30 à la demande : 1 h de plus (67 %)." in text
    assert "Sans alerte (0) Avec alerte (1) Durée dépassée (1)" in text


def test_the_queue_is_narrowed_by_region_and_interpreter():
    chum, bob = filed.provided(**day(1)), filed.provided(make.bob(), **day(2))
    elsewhere = HealthRegion.objects.exclude(pk=chum.institution.region_id).first()
    assert found(f"region={chum.institution.region_id}") == [chum.pk, bob.pk]
    assert found(f"region={elsewhere.pk}") == []
    assert found(f"interprete={make.bob().pk}") == [bob.pk]
    assert found("interprete=abc") == []


@pytest.mark.parametrize(
    ("age", "days"), [("recents", [1]), ("semaine", [5]), ("anciens", [10]), ("mois", [40]), ("xx", [40, 10, 5, 1])]
)
def test_the_queue_is_narrowed_by_age(age, days):
    made = {number: filed.provided(at=ago(60), starts_at=ago(number)) for number in (40, 10, 5, 1)}
    assert found(f"age={age}") == [made[number].pk for number in days]


def test_each_file_has_one_age_even_a_cancellation_of_a_service_to_come():
    late = make.reserved(at=ago(3), starts_at=ahead(1))
    requests.cancel(late, by=make.coordinator(), at=timezone.now(), reason="by_requester")
    filed.provided(at=ago(60), starts_at=ago(40))
    counts = queue.Counts(at=timezone.now())
    assert [number for *_, number in counts.ages()] == [1, 0, 0, 1]
    for age, _, number in counts.ages():
        assert queue.chosen(queue.Choice(age=age), at=counts.at).count() == number


def test_what_a_filter_counts_is_what_it_would_keep_with_the_others():
    too_long(**day(1)), too_long(by=make.bob(), **day(2)), filed.provided(make.bob(), **day(3))
    reader = signed_in(make.validator())
    text = said(reader.get(f"{QUEUE}?interprete={make.bob().pk}"))
    assert "Sans alerte (1) Avec alerte (1) Durée dépassée (1)" in text
    assert f"{make.alice()} (1)" in text
    assert "Sans alerte (0) Avec alerte (1)" in said(reader.get(f"{QUEUE}?q=alice&retournee=non&age=xx"))


def test_the_queue_is_narrowed_to_what_was_returned():
    back, other = filed.provided(**day(1)), filed.provided(**day(2))
    decisions.return_for_correction(back, by=make.validator(), at=START + timedelta(days=9), reason="À revoir")
    assert (found("retournee=oui"), found("retournee=non")) == ([back.pk], [other.pk])


def test_a_file_is_found_by_its_number_or_by_the_name_of_its_interpreter():
    alice, bob = filed.provided(**day(1)), filed.provided(make.bob(), **day(2))
    for written in (alice.pk, f"%23{alice.pk}", f"Demande {alice.pk}", f"n° {alice.pk}"):
        assert found(f"q={written}") == [alice.pk]
    assert found("q=BÔB") == [bob.pk]
    assert found("q=nom+ali") == [alice.pk]
    assert found("q=personne") == []


def test_a_completed_file_found_by_its_number_says_so():
    made = filed.provided()
    decisions.validate(made, by=make.validator(), at=START + timedelta(days=2))
    reader = signed_in(make.validator())
    assert "Achevé" in said(reader.get(f"{QUEUE}?q={made.pk}"))
    assert "Tout est validé." in said(reader.get(QUEUE))


def test_a_search_is_cut_before_it_weighs_on_the_database():
    of_a_list = queue.Choice.of_list(urlencode({"q": "a " * 1500}))
    assert len(of_a_list.q) <= queue.LONGEST_SEARCH
    asked = str(queue.chosen(of_a_list, at=timezone.now()).query)
    assert 0 < asked.count("UNACCENT(") <= 4 * queue.MOST_WORDS


@pytest.mark.parametrize("value", ["\x00", "x" * 4000, "9" * 40, "a=b&c=%25", "a " * 1500])
def test_no_filter_breaks_the_queue_nor_the_page_of_a_file(value):
    made, reader = filed.provided(), signed_in(make.validator())
    sent = urlencode(dict.fromkeys(("alertes", "region", "interprete", "age", "retournee", "q"), value))
    assert reader.get(f"{QUEUE}?{sent}").status_code in (200, 302)
    for kept in (sent, value):
        assert reader.get(page(made, "?" + urlencode({"_changelist_filters": kept}))).status_code == 200


# Counted and looked at: bounded


def test_what_is_not_looked_at_is_said(monkeypatch):
    monkeypatch.setattr(queue, "LOOKED_AT", 2)
    first, _, last = (filed.provided(**day(number)) for number in range(3))
    reader = signed_in(make.validator())
    assert "portent sur les 2 dossiers les plus anciens" in said(reader.get(QUEUE))
    assert len(found("alertes=sans", reader)) == 2
    assert len(found("", reader)) == 3


def test_a_name_is_searched_before_the_oldest_are_looked_at(monkeypatch):
    monkeypatch.setattr(queue, "LOOKED_AT", 1)
    filed.provided(**day(1))
    bob = filed.provided(make.bob(), **day(2))
    assert found("alertes=sans&q=bob") == [bob.pk]


FILTERS = [{}, {"region": "06"}, {"interprete": "1"}, {"age": "anciens"}, {"retournee": "oui"}, {"q": "alice"}]


def test_no_filter_reads_all_the_requests():
    closed = filed.provided()
    decisions.validate(closed, by=make.validator(), at=START + timedelta(days=2))
    copies(closed, 3000, every=timedelta(hours=2))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE requests_app_servicerequest")
    plans = [queue.chosen(queue.Choice(**given), at=timezone.now())[:100].explain() for given in FILTERS]
    assert [
        given for given, plan in zip(FILTERS, plans, strict=True) if "Seq Scan on requests_app_service" in plan
    ] == []
    assert sum("request_awaiting_review" in plan for plan in plans) >= len(FILTERS) - 1  # or that of one's services


# One file after another


def test_the_next_file_is_the_next_of_the_filter():
    first, clean, second = too_long(**day(1)), filed.provided(**day(2)), too_long(**day(3))
    kept = "?_changelist_filters=alertes%3Davec"
    reader = signed_in(make.validator())
    text = said(reader.get(page(first, kept)))
    assert "1 sur 2 Suivante" in text
    answer = press(reader, page(first, kept), RETURN, reason="Vérifiez la fin.", retourner="1")
    assert answer.url == page(second, kept)
    assert "Précédente" not in said(reader.get(page(second, kept)))
    assert "Précédente 2 sur 2" in said(reader.get(page(second)))
    assert ServiceRequest.objects.get(pk=clean.pk).status == "provided"


def test_a_file_outside_of_the_filter_has_no_place_in_it():
    made, _ = filed.provided(**day(1)), too_long(**day(2))
    assert "1 dans la file" in said(signed_in(make.validator()).get(page(made, "?_changelist_filters=alertes%3Davec")))


def test_skipping_decides_nothing():
    made, other = filed.provided(**day(1)), filed.provided(**day(2))
    reader = signed_in(make.validator())
    context = reader.get(page(made)).context
    assert context["after_url"] == page(other)
    assert reader.get(context["after_url"]).status_code == 200
    assert Review.objects.awaiting_review().count() == 2


# The admin's home


def test_the_home_of_a_validator_counts_what_waits_and_opens_it():
    made, back = filed.provided(**day(2)), filed.provided(**day(1))
    decisions.return_for_correction(back, by=make.validator(), at=START + timedelta(days=9), reason="À revoir")
    reader = signed_in(make.validator())
    text = said(reader.get("/admin/"))
    assert "À valider (1) Retournés, sans réponse (1) Non alloué (0)" in text
    assert "1 à décider, 1 retournée à l’interprète." in said(reader.get(QUEUE))
    assert f"Demande {made.pk}" in text
    assert f"Demande {back.pk}" not in text
    assert found("retournee=oui", reader) == [back.pk]


def test_the_queue_is_reached_whatever_its_address():
    reader = signed_in(make.validator())
    assert reader.get("/admin/completion/").url == QUEUE
    assert '/admin/completion/"' not in reader.get(QUEUE).content.decode()
    assert signed_in(make.administrator()).get("/admin/completion/").status_code == 404


def test_the_home_of_an_administrator_counts_what_they_open():
    filed.provided()
    make.policy("2026-04-01", state="draft")
    text = signed_in(make.administrator()).get("/admin/")
    assert "Messages non remis (0) Politiques à publier (1) Tarifs à confirmer (2) Non alloué (0)" in said(text)
    assert QUEUE not in text.content.decode()


def test_the_home_costs_the_same_whatever_waits(django_assert_max_num_queries):
    reader = signed_in(make.validator())
    with django_assert_max_num_queries(8) as captured:
        reader.get("/admin/")
    few = len(captured)
    copies(filed.provided(), 7, every=timedelta(days=1))
    with django_assert_max_num_queries(few):
        reader.get("/admin/")
