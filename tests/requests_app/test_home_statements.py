"""What the home asks of the database and what a row weighs: the same whatever the number of requests."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from requests_app.models import Offer
from tests import make
from tests.pages import ago, ahead, copies, signed_in

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
FILTERS = ["", "?vue=a-venir", "?du=2024-11-04", "?statut=reserved&statut=completed&du=2024-11-04", "?cherche=espagnol"]


def one_of_each():
    for day, build in enumerate([make.pending, make.modified, make.reserved], start=3):
        build(at=ago(5), starts_at=ahead(day))
    for day, build in enumerate([make.provided, make.completed, make.cancelled], start=3):
        build(at=ago(9), starts_at=ago(day))


def many(number, *, by=None):
    """As many more offers, reserved and closed requests."""
    who = by or make.alice()
    copies(make.completed(who, at=ago(60), starts_at=ago(20)), number, timedelta(hours=3))
    copies(make.reserved(who, at=ago(60), starts_at=ahead(40)), number, timedelta(hours=3))
    asked = copies(make.pending(who, at=ago(60), starts_at=ahead(80)), number, timedelta(hours=3))
    given = {"interpreter": who, "sent_at": ago(1), "answer_by": ahead(70)}
    Offer.objects.bulk_create(Offer(service_request=request, **given) for request in asked)


def statements(query="", **headers) -> list[str]:
    client = signed_in(make.alice())
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/{query}", headers=headers).status_code == 200
    return [asked["sql"] for asked in captured]


@pytest.mark.parametrize("query", FILTERS)
def test_the_home_asks_4_statements_whatever_the_filters_and_the_number_of_requests(query):
    empty = statements(query)
    one_of_each()
    few = statements(query)
    many(40)
    assert (len(empty), len(few), len(statements(query))) == (4, 4, 4)


def test_a_filter_asks_3_statements_and_the_rest_of_a_group_2():
    many(120)
    place = signed_in(make.alice()).get("/?statut=completed&vue=tous").context["groups"][0].more_url.removeprefix("/")
    assert (len(statements("?statut=completed", **HTMX)), len(statements(place, **HTMX))) == (3, 2)


def test_no_statement_skips_rows_by_counting_them():
    many(120)
    place = signed_in(make.alice()).get("/?statut=completed").context["groups"][0].more_url.removeprefix("/")
    assert not any("OFFSET" in asked for asked in [*statements(), *statements(place)])


def test_a_row_weighs_400_bytes_at_most():
    many(30)
    page = signed_in(make.alice()).get("/?du=2024-11-04").content.decode()
    rows = re.findall(r'(?s)<li><a class="row".*?</li>', page)
    assert len(rows) > 60 and max(len(row.encode()) for row in rows) <= 400
