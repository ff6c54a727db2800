"""« Relevés »: what a period takes, computed, published and told once; nothing lost, nothing paid twice."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, F, Sum
from django.test.utils import CaptureQueriesContext

from accounts.models import Notification
from accounts.services import deactivate
from billing import periods, statements
from billing.ledger import adjust
from billing.models import PayLine, PayPeriod, PayStatement, StatementLine, UnpaidLine
from requests_app.workflow import NotAllowed
from tests import make
from tests.billing import make as pay
from tests.billing import month
from tests.make import local

pytestmark = pytest.mark.django_db
DAY, FORTNIGHT = timedelta(days=1), pay.FORTNIGHT
DRAFT = PayPeriod.State.DRAFT
REASON = "La durée a été vérifiée."


def compute(at=pay.ENDED, by=None):
    return statements.compute(by=by or make.validator(), at=at)


def paid_to(user, period) -> list[tuple]:
    """(request, dollars) of each line that a period pays somebody, those of 0 $ apart."""
    lines = statements.lines_of(pay.statement_of(user, period))
    return [(line.service_request_id, str(line.amount)) for line in lines if line.amount]


def requests_of(user, period) -> list[int]:
    return [number for number, _ in paid_to(user, period)]


def correct(made, amount: str, at):
    line = made.pay_lines.filter(reverses=None, reversal=None).first()
    return adjust(line, by=make.validator(), at=at, amount=Decimal(amount), reason=REASON)


# Which period


@pytest.mark.parametrize(
    ("validated_at", "days"),
    [
        ("2025-02-23 23:59", (date(2025, 2, 10), date(2025, 2, 23))),
        ("2025-02-24 00:00", (date(2025, 2, 24), date(2025, 3, 9))),
        ("2025-03-09 23:59", (date(2025, 2, 24), date(2025, 3, 9))),
        ("2025-11-02 23:30", (date(2025, 10, 20), date(2025, 11, 2))),
        ("2024-11-03 12:00", (date(2024, 10, 21), date(2024, 11, 3))),
    ],
)
def test_the_first_period_is_the_fortnight_of_the_oldest_line_on_the_clock_of_montreal(validated_at, days):
    served = local(validated_at) - 4 * make.HOUR
    pay.paid(starts_at=served, validated_at=local(validated_at))
    assert statements.next_period(local("2026-01-01 08:00")) == days


@pytest.mark.parametrize(("at", "is_ended"), [("2025-03-09 23:59", False), ("2025-03-10 00:00", True)])
def test_a_period_is_computed_once_it_has_ended(at, is_ended):
    pay.paid()
    assert (statements.next_period(local(at)) is not None) == is_ended


def test_a_period_follows_the_last_one_even_after_its_length_changed(settings):
    pay.paid()
    pay.period()
    settings.PAY_PERIOD_DAYS = 7
    assert statements.next_period(pay.ENDED + 30 * DAY) == (date(2025, 3, 10), date(2025, 3, 16))


def test_nothing_is_computed_when_nothing_was_validated():
    assert (statements.next_period(pay.ENDED), statements.ended_periods(pay.ENDED)) == (None, 0)
    with pytest.raises(NotAllowed, match="Aucune période terminée"):
        compute()


@pytest.mark.parametrize(("at", "count"), [("2025-03-09", 0), ("2025-03-10", 1), ("2025-03-23", 1), ("2025-03-24", 2)])
def test_the_periods_that_ended_are_counted(at, count):
    pay.paid()
    assert statements.ended_periods(local(f"{at} 12:00")) == count


# What a period takes


def test_each_interpreter_has_the_sum_of_their_lines():
    first, second = pay.paid(distance_km=Decimal("20")), pay.paid(make.bob())
    period = compute()
    rows = {row.interpreter: (str(row.total), row.line_count) for row in period.statements.all()}
    assert rows == {make.alice(): ("106.80", 2), make.bob(): ("82.00", 2)}
    assert (requests_of(make.alice(), period)[0], requests_of(make.bob(), period)) == (first.pk, [second.pk])


def test_a_statement_is_numbered_by_its_period_and_its_interpreter():
    pay.paid()
    number = f"R-20250309-{make.alice().pk}"
    assert pay.statement_of(make.alice(), compute()).number == number
    assert pay.statement_of(make.alice(), compute()).number == number


@pytest.mark.parametrize(
    ("validated_at", "is_taken"),
    [("2025-03-09 23:59:59", True), ("2025-03-10 00:00", False), ("2025-03-10 03:00", False)],
)
def test_what_is_validated_by_the_last_midnight_is_paid_in_the_period(validated_at, is_taken):
    pay.paid()
    late = pay.paid(make.bob(), validated_at=local(validated_at))
    first = pay.period()
    second = compute(pay.ENDED + FORTNIGHT)
    assert requests_of(make.bob(), first if is_taken else second) == [late.pk]
    assert PayStatement.objects.filter(interpreter=make.bob()).count() == 1


@pytest.mark.parametrize("clock", ["2025-03-09 01:30", "2025-11-02 00:30"])
def test_the_night_the_clock_changes_belongs_to_the_day_that_ends_the_period(clock):
    made = pay.paid(starts_at=local(clock), validated_at=local(clock[:10] + " 23:59:59"))
    period = compute(local(clock[:10] + " 12:00") + 2 * DAY)
    assert (period.ends_on.isoformat(), requests_of(make.alice(), period)) == (clock[:10], [made.pk])


def test_a_service_over_midnight_and_over_the_month_is_one_line_of_the_day_it_began():
    made = pay.paid(starts_at=local("2025-02-28 23:15"), validated_at=local("2025-03-03 09:00"))
    line = statements.lines_of(pay.statement_of(make.alice(), compute())).first()
    assert (line.service_request_id, line.service_on) == (made.pk, date(2025, 2, 28))


def test_a_service_of_long_ago_is_paid_with_what_was_validated_with_it():
    pay.paid(make.bob())
    pay.period()
    old = pay.paid(starts_at=local("2025-01-15 13:00"), validated_at=local("2025-03-12 09:00"))
    assert requests_of(make.alice(), compute(pay.ENDED + FORTNIGHT)) == [old.pk]


def test_an_interpreter_who_left_is_still_paid():
    pay.paid()
    pay.paid(make.bob())
    deactivate(make.alice(), by=make.administrator(), at=local("2025-03-08 09:00"))
    period = pay.period()
    assert pay.statement_of(make.alice(), period).total == Decimal("82.00")
    assert statements.totals_of(period).inactive == 1


def test_statements_are_numbered_by_name_whatever_its_accents_and_capitals():
    for name, who in (("Zola", make.alice()), ("Écuyer", make.bob()), ("de Sève", make.charlie())):
        who.last_name = name
        who.save()
        pay.paid(who)
    rows = compute().statements.order_by("pk")
    assert [row.interpreter.last_name for row in rows] == ["de Sève", "Écuyer", "Zola"]


# Corrections


def test_a_correction_of_a_published_statement_is_on_the_next_one():
    made = pay.paid()
    first = pay.period()
    correct(made, "92.25", pay.ENDED + DAY)
    second = compute(pay.ENDED + FORTNIGHT)
    assert paid_to(make.alice(), first) == [(made.pk, "82.00")]
    assert paid_to(make.alice(), second) == [(made.pk, "-82.00"), (made.pk, "92.25")]
    assert pay.statement_of(make.alice(), second).total == Decimal("10.25")


def test_a_statement_may_owe_more_than_it_pays():
    made = pay.paid()
    pay.period()
    correct(made, "0.00", pay.ENDED + DAY)
    period = compute(pay.ENDED + FORTNIGHT)
    assert statements.totals_of(period).owing == 1
    assert pay.statement_of(make.alice(), period).total == Decimal("-82.00")


# Computing again, abandoning


def test_computing_a_draft_again_takes_what_was_validated_since():
    first = pay.paid()
    period, late = compute(), pay.paid(make.bob())
    again = compute(pay.ENDED + make.HOUR)
    assert (again.pk, again.computed_at) == (period.pk, pay.ENDED + make.HOUR)
    assert (requests_of(make.alice(), again), requests_of(make.bob(), again)) == ([first.pk], [late.pk])


def test_the_lines_of_an_abandoned_draft_are_paid_by_the_next_computation():
    made = pay.paid()
    statements.discard(compute(), by=make.validator())
    assert not PayPeriod.objects.exists()
    assert requests_of(make.alice(), compute(pay.ENDED + DAY)) == [made.pk]


def test_only_the_days_that_were_read_are_computed():
    pay.paid()
    starts_on = statements.coming_period()[0]
    given = {"by": make.validator(), "at": pay.ENDED + FORTNIGHT, "starts_on": starts_on}
    period = statements.compute(**given)
    assert statements.compute(**given).pk == period.pk
    statements.publish(period, by=make.validator(), at=pay.ENDED)
    with pytest.raises(NotAllowed, match="n’est plus celle"):
        statements.compute(**given)
    assert PayPeriod.objects.get().state == "published"


def test_every_line_waits_or_is_on_one_statement_whatever_is_done():
    first = pay.paid()
    assert waiting_and_paid() == (2, 0)
    compute()
    pay.paid(make.bob())
    assert waiting_and_paid() == (2, 2)
    statements.recompute(PayPeriod.objects.get(), by=make.validator(), at=pay.ENDED)
    assert waiting_and_paid() == (0, 4)
    statements.discard(PayPeriod.objects.get(), by=make.validator())
    assert waiting_and_paid() == (4, 0)
    pay.period()
    correct(first, "92.25", pay.ENDED + DAY)
    assert waiting_and_paid() == (2, 4)
    compute(pay.ENDED + FORTNIGHT)
    assert is_refused(UNFIT["the lines of somebody else"]) and waiting_and_paid() == (0, 6)
    StatementLine.objects.filter(statement__period__state=DRAFT).delete()
    assert waiting_and_paid() == (2, 4)


def waiting_and_paid() -> tuple[int, int]:
    """How many lines wait, how many are paid; all of them, and none in both."""
    waiting, paid = (set(rows.values_list("pk", flat=True)) for rows in (UnpaidLine.objects, StatementLine.objects))
    assert waiting | paid == set(PayLine.objects.values_list("pk", flat=True)) and not waiting & paid
    assert set(statements.waiting().values_list("pk", flat=True)) == waiting
    return len(waiting), len(paid)


@pytest.mark.parametrize("who", [make.alice, make.coordinator, make.administrator, make.system])
@pytest.mark.parametrize("verb", ["compute", "recompute", "publish", "discard"])
def test_only_a_validator_makes_statements(who, verb):
    pay.paid()
    period = compute()
    given = {} if verb == "discard" else {"at": pay.ENDED}
    with pytest.raises(NotAllowed, match="Seul un valideur"):
        getattr(statements, verb)(*([] if verb == "compute" else [period]), by=who(), **given)
    assert PayPeriod.objects.get().state == DRAFT


# Published


def test_publishing_says_who_and_when():
    pay.paid()
    period = pay.period()
    assert (period.state, period.published_by, period.published_at) == ("published", make.validator(), pay.ENDED)


def test_only_what_was_read_is_published():
    pay.paid()
    period = compute()
    seen = statements.totals_of(period).mark
    pay.paid(make.bob())
    compute()
    with pytest.raises(NotAllowed, match="ont changé"):
        statements.publish(period, by=make.validator(), at=pay.ENDED, seen=seen)
    statements.publish(period, by=make.validator(), at=pay.ENDED, seen=statements.totals_of(period).mark)


def test_computing_again_what_did_not_change_leaves_what_was_read_as_it_is():
    pay.paid()
    seen = statements.totals_of(compute()).mark
    assert statements.totals_of(compute()).mark == seen


@pytest.mark.parametrize("verb", ["publish", "discard", "recompute"])
def test_a_published_period_is_neither_published_again_nor_abandoned_nor_computed(verb):
    pay.paid()
    period = pay.period()
    given = {} if verb == "discard" else {"at": pay.ENDED}
    with pytest.raises(NotAllowed, match="déjà publiée"):
        getattr(statements, verb)(period, by=make.validator(), **given)


def test_an_abandoned_draft_is_not_published():
    pay.paid()
    period = compute()
    gone = PayPeriod.objects.get()
    statements.discard(period, by=make.validator())
    with pytest.raises(NotAllowed, match="abandonné"):
        statements.publish(gone, by=make.validator(), at=pay.ENDED)


def test_the_lines_beside_a_draft_are_said_to_wait():
    pay.paid()
    period = compute()
    pay.paid(make.bob())
    pay.paid(make.charlie(), validated_at=pay.ENDED)
    assert periods.waiting_after(period) == periods.Waiting(in_period=2, afterwards=2)


def test_an_interpreter_reads_their_own_statements_once_published():
    pay.paid()
    pay.paid(make.bob())
    compute()
    assert list(statements.published_for(make.alice())) == []
    period = pay.period()
    assert [row.period for row in statements.published_for(make.alice())] == [period]


# What people are told


def test_each_interpreter_is_told_once_by_e_mail_without_an_amount():
    pay.paid()
    pay.paid(make.bob())
    compute()
    assert not Notification.objects.filter(topic="statement").exists()
    period = pay.period()
    told = Notification.objects.filter(topic="statement").order_by("user")
    assert [(row.user, row.channel) for row in told] == [(make.alice(), "email"), (make.bob(), "email")]
    mine = pay.statement_of(make.alice(), period)
    assert told[0].context == {"number": mine.number, "days": period.days, "path": f"/releves/{mine.pk}/"}


# A month of them


def test_computing_asks_as_many_statements_for_10_lines_as_for_300():
    pay.paid()
    with CaptureQueriesContext(connection) as few:
        compute()
    statements.discard(PayPeriod.objects.get(), by=make.validator())
    month.validated(requests=120, people=20)
    with CaptureQueriesContext(connection) as many:
        compute()
    assert (len(many), PayLine.objects.count() > 280) == (len(few), True)


def test_what_is_paid_already_is_not_read_again():
    """The plan on a full ledger: through the lines that wait, never against all those that are paid."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statements._FILL}", {"period": 1, "until": pay.ENDED})
        plans = [statements.waiting().explain(), "\n".join(row for (row,) in cursor.fetchall())]
    assert [("Anti Join" in plan, "billing_unpaidline" in plan) for plan in plans] == [(False, True)] * 2


@pytest.mark.long
def test_a_month_of_25000_requests_is_computed_and_published_to_the_cent():
    month.validated(requests=25_000, people=400)
    statements.publish(compute(), by=make.validator(), at=pay.ENDED)
    summed = PayStatement.objects.annotate(paid=Sum("lines__pay_line__amount"), lines_paid=Count("lines"))
    assert summed.count() == Notification.objects.filter(topic="statement").count() == 401
    assert not summed.exclude(paid=F("total"), lines_paid=F("line_count")).exists()
    assert (StatementLine.objects.count(), statements.waiting().exists()) == (PayLine.objects.count(), False)


# The database itself


REFUSED = {
    "a period": "UPDATE billing_payperiod SET ends_on = ends_on + 1",
    "a period taken back": "UPDATE billing_payperiod SET state = 'draft', published_at = NULL, published_by_id = NULL",
    "its end": "DELETE FROM billing_payperiod",
    "every period": "TRUNCATE billing_payperiod CASCADE",
    "a total": "UPDATE billing_paystatement SET total = 0",
    "a statement": "DELETE FROM billing_paystatement",
    "every statement": "TRUNCATE billing_paystatement CASCADE",
    "a statement more": "INSERT INTO billing_paystatement (period_id, interpreter_id, total, line_count)"
    " SELECT period_id, (SELECT id FROM accounts_user WHERE username = 'bob'), 1, 1 FROM billing_paystatement",
    "a line": "DELETE FROM billing_statementline",
    "another line": "UPDATE billing_statementline SET pay_line_id = pay_line_id + 1",
    "every line": "TRUNCATE billing_statementline",
    "a line more": "INSERT INTO billing_statementline (pay_line_id, statement_id) SELECT line.id, statement.id"
    " FROM billing_payline line, billing_paystatement statement"
    " WHERE line.id NOT IN (SELECT pay_line_id FROM billing_statementline)",
}


@pytest.mark.parametrize("state", ["published", "exported"])
def test_the_database_refuses_to_change_what_is_published(state):
    pay.paid()
    pay.period(state=state)
    pay.paid(make.bob())
    assert [what for what, change in REFUSED.items() if not is_refused(change)] == []


MORE = """
INSERT INTO billing_paystatement (period_id, interpreter_id, total, line_count)
SELECT period_id, (SELECT id FROM accounts_user WHERE username = 'bob'), {total}, {lines} FROM billing_paystatement
"""
PUBLISH = "; UPDATE billing_payperiod SET state = 'published', published_by_id = computed_by_id, published_at = now()"
UNFIT = {
    "a draft exported": "UPDATE billing_payperiod SET state = 'exported', published_at = now(),"
    " published_by_id = computed_by_id",
    "an export of a draft": "INSERT INTO billing_periodexport (period_id, format, content, sha256, made_by_id, made_at)"
    " SELECT id, 'csv', '', '', computed_by_id, now() FROM billing_payperiod",
    "a total that its lines do not make": MORE.format(total=1, lines=0) + PUBLISH,
    "a count that its lines do not make": MORE.format(total=0, lines=1) + PUBLISH,
    "the lines of somebody else": "DELETE FROM billing_statementline; DELETE FROM billing_paystatement;"
    "INSERT INTO billing_paystatement (period_id, interpreter_id, total, line_count) SELECT period.id, bob.id,"
    " sum(amount), count(*) FROM billing_payperiod period, accounts_user bob, billing_payline"
    " WHERE bob.username = 'bob' GROUP BY period.id, bob.id;"
    "INSERT INTO billing_statementline SELECT line.id, statement.id FROM billing_payline line, billing_paystatement"
    " statement" + PUBLISH,
}


def test_the_database_publishes_only_what_adds_up():
    pay.paid()
    compute()
    make.bob()
    assert [what for what, change in UNFIT.items() if not is_refused(change)] == []
    assert not is_refused(MORE.format(total=0, lines=0) + PUBLISH)


def is_refused(change: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(change)
    except DatabaseError:
        return True
    return False


def test_the_database_refuses_to_pay_a_line_twice():
    made = pay.paid()
    pay.period()
    pay.paid(make.bob(), validated_at=pay.ENDED)
    draft = compute(pay.ENDED + FORTNIGHT)
    with pytest.raises(DatabaseError), transaction.atomic():
        StatementLine.objects.bulk_create(
            [StatementLine(pay_line=made.pay_lines.first(), statement=pay.statement_of(make.bob(), draft))]
        )
