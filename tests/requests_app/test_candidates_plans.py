"""How the ranking of a hot language is read in a crowd: by indexes alone, and what each of its people costs."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from requests_app import candidates
from tests import counts, make
from tests.make import NOW
from tests.requests_app.crowd import crowd

pytestmark = pytest.mark.django_db
# Far above what it takes on a quiet machine, so that only a wrong plan reaches it.
MOST_MICROSECONDS = 500


def plan_of(made, options="") -> str:
    with CaptureQueriesContext(connection) as captured:
        assert candidates.ranked(made, at=NOW)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options or 'COSTS'}) {captured[0]['sql']}")
        return "\n".join(line if isinstance(line, str) else json.dumps(line) for (line,) in cursor.fetchall())


def test_the_ranking_reads_requests_and_offers_by_their_indexes():
    crowd()
    plan = plan_of(make.unallocated())
    assert re.search(r"Scan (Backward )?using booking_of_interpreter", plan)
    # A small table is rightly read whole: who speaks what is large enough in the larger crowd only.
    who_speaks = ["interpreterlanguage_lang"] if counts.is_long else []
    for index in ("booking_of_interpreter", "offer_of_interpreter", "service_of_interpreter", *who_speaks):
        assert index in plan, index
    for table in ("servicerequest", "offer", "transition"):
        assert f"Seq Scan on requests_app_{table}" not in plan, table


@pytest.mark.long
def test_each_candidate_costs_microseconds():
    crowd()
    plan = json.loads(plan_of(make.unallocated(), "ANALYZE, TIMING OFF, FORMAT JSON"))[0]
    found = candidates.ranked(make.unallocated(), at=NOW)
    assert plan["Execution Time"] * 1000 / found[0].among < MOST_MICROSECONDS
