"""A world where reading everything would cost: many interpreters' requests, of which Alice's are few."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction

from tests import make
from tests.pages import ago, ahead, copies, signed_in
from tests.requests_app.test_home_statements import HTMX, statements

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("crowded")]


@pytest.fixture(scope="module")
def crowded(django_db_setup, django_db_blocker):
    """6 000 requests of Bob, 2 000 of Alice, in two statuses; made once, and unmade after."""
    with django_db_blocker.unblock(), transaction.atomic():
        for who, number in ((make.bob(), 3000), (make.alice(), 1000)):
            copies(make.completed(who, at=ago(900), starts_at=ago(600)), number, timedelta(hours=3))
            copies(make.reserved(who, at=ago(900), starts_at=ahead(40)), number, timedelta(hours=3))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        yield
        transaction.set_rollback(True)


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize("query", ["", "?du=2024-11-04"])
def test_the_rows_and_the_numbers_are_found_by_their_index(query):
    rows, numbers = [plan_of(sql) for sql in statements(query) if "UNION ALL" in sql]
    for status in ("reserved", "completed"):
        assert re.search(rf"request_list_of_interpreter.*\n.*Index Cond: .*'{status}'", rows)
    assert "Seq Scan on requests_app_servicerequest" not in rows + numbers


def test_the_rest_of_a_group_starts_in_the_index():
    place = signed_in(make.alice()).get("/?statut=completed&du=2024-11-04").context["groups"][0].more_url
    (sql,) = [asked for asked in statements(place.removeprefix("/"), **HTMX) if "starts_at" in asked]
    plan = plan_of(sql)
    assert re.search(r"Index (Only )?Scan.* using request_list_of_interpreter", plan) and "Sort" not in plan
    assert re.search(r"Index Cond: .*starts_at <= ", plan)
