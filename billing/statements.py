"""« Relevés »: the frozen lines of a period, added up by interpreter, published once, and told to each of them.

A line is paid by the first period computed that ends after it was frozen (README, « Decisions »): what is validated or
corrected after the last midnight, or during the computation, waits for the next one. Nothing is lost, and nothing is
paid twice.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import Aggregate, Count, Min, Q, QuerySet, Sum, TextField
from django.utils import timezone

from accounts import notify
from accounts.french import TORONTO
from accounts.models import User
from accounts.notify import Notice
from accounts.roles import Role
from billing.models import PayLine, PayPeriod, PayStatement
from billing.verbs import pay_verb
from requests_app.business_days import local_instant
from requests_app.notifications import Topic
from requests_app.workflow import NotAllowed

ONLY_VALIDATORS = "Seul un valideur calcule, publie ou abandonne les relevés."
NOT_ENDED = "Aucune période terminée n’attend d’être calculée."
IS_PUBLISHED = "Cette période est déjà publiée\u00a0: elle ne change plus."
IS_GONE = "Ce brouillon a été abandonné. Calculez la période de nouveau."
IS_OTHER = "La période à calculer n’est plus celle que vous avez lue. Vérifiez ses dates, puis calculez-la."
IS_STALE = "Les relevés ont changé depuis que vous les avez lus. Vérifiez-les, ou recalculez."
# Of the database: computing, publishing and abandoning never run at the same time.
_LOCK = int.from_bytes(hashlib.sha256(b"billing.statements").digest()[:4])

# One statement, hence one view of the ledger: a line that commits meanwhile is in neither the totals nor the lines.
# Statements are numbered by name, the order in which their pages follow each other.
_FILL = """
WITH unpaid AS (
    DELETE FROM billing_unpaidline waiting USING billing_payline line
    WHERE line.id = waiting.pay_line_id AND line.created_at < %(until)s
    RETURNING line.id, line.interpreter_id, line.amount
), made AS (
    INSERT INTO billing_paystatement (period_id, interpreter_id, total, line_count)
    SELECT %(period)s, person.id, sum(amount), count(*)
    FROM unpaid JOIN accounts_user person ON person.id = unpaid.interpreter_id
    GROUP BY person.id
    ORDER BY lower(unaccent(person.last_name)), lower(unaccent(person.first_name)), person.id
    RETURNING id, interpreter_id
)
INSERT INTO billing_statementline (pay_line_id, statement_id)
SELECT unpaid.id, made.id FROM unpaid JOIN made USING (interpreter_id)
"""
# A trigger puts the lines back with those that wait.
_EMPTY = (
    "DELETE FROM billing_statementline WHERE statement_id IN"
    " (SELECT id FROM billing_paystatement WHERE period_id = %(period)s)",
    "DELETE FROM billing_paystatement WHERE period_id = %(period)s",
)


class _Mark(Aggregate):
    """A fingerprint of who is paid how much, for how many lines."""

    function = "md5"
    template = "md5(string_agg(concat_ws(' ', interpreter_id, total, line_count), ',' ORDER BY %(expressions)s))"
    output_field = TextField()


@dataclass(frozen=True)
class Totals:
    """What a period pays, to how many, for how many lines; `mark` changes with any of its statements.

    `owing` are the statements whose total is negative, `inactive` those of people who can no longer sign in.
    """

    people: int
    dollars: Decimal
    lines: int
    owing: int
    inactive: int
    mark: str


def next_period(at: datetime) -> tuple[date, date] | None:
    """The first and last day of the period to compute next; None while it runs, or when nothing was ever frozen."""
    days = coming_period()
    return days if days and days[1] < timezone.localdate(at) else None


def coming_period() -> tuple[date, date] | None:
    """The first and last day of the period after the last one, ended or not; None when nothing was ever frozen.

    The very first is the one of the calendar (PAY_PERIOD_FIRST_DAY) that holds the oldest line.
    """
    last = PayPeriod.objects.order_by("-ends_on").values_list("ends_on", flat=True).first()
    starts_on = last + timedelta(days=1) if last else _first_start()
    return (starts_on, starts_on + timedelta(days=settings.PAY_PERIOD_DAYS - 1)) if starts_on else None


def ended_periods(at: datetime) -> int:
    """How many periods have ended and wait to be computed."""
    days = coming_period()
    return max(0, (timezone.localdate(at) - days[0]).days // settings.PAY_PERIOD_DAYS) if days else 0


def _first_start() -> date | None:
    oldest = PayLine.objects.aggregate(oldest=Min("created_at"))["oldest"]
    if oldest is None:
        return None
    since = (timezone.localdate(oldest) - settings.PAY_PERIOD_FIRST_DAY).days
    return settings.PAY_PERIOD_FIRST_DAY + timedelta(days=since - since % settings.PAY_PERIOD_DAYS)


@pay_verb
def compute(*, by: User, at: datetime, starts_on: date | None = None) -> PayPeriod:
    """Make the draft of the next period, or compute the present draft again; as many statements whatever the lines.

    `starts_on` is the first day of the period on the page that was read (None: nobody read a page). Raises NotAllowed
    for anybody but a validator, while no period has ended, and when the period to compute is another.
    """
    _hold(by)
    draft = PayPeriod.objects.select_for_update().filter(state=PayPeriod.State.DRAFT).first()
    days = (draft.starts_on,) if draft else coming_period()
    if starts_on and days and days[0] != starts_on:
        raise NotAllowed(IS_OTHER)
    return _again(draft, by, at) if draft else _fill(_new_period(by, at))


@pay_verb
def recompute(period: PayPeriod, *, by: User, at: datetime) -> PayPeriod:
    """Compute this very draft again. Raises NotAllowed for another role, and when it is a draft no more."""
    _hold(by)
    return _again(_draft(period), by, at)


def _again(draft, by, at) -> PayPeriod:
    _empty(draft)
    draft.computed_by, draft.computed_at = by, at
    draft.save(update_fields=["computed_by", "computed_at"])
    return _fill(draft)


def _fill(period) -> PayPeriod:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"period": period.pk, "until": closes_at(period)})
    return period


def _new_period(by, at) -> PayPeriod:
    days = next_period(at)
    if days is None:
        raise NotAllowed(NOT_ENDED)
    return PayPeriod.objects.create(starts_on=days[0], ends_on=days[1], computed_by=by, computed_at=at)


def closes_at(period: PayPeriod) -> datetime:
    """The midnight of Montréal that ends a period: what is frozen from then on waits for the next one."""
    return local_instant(period.ends_on + timedelta(days=1), time(), TORONTO)


def _hold(by: User) -> None:
    """For a validator only, and one at a time until the transaction ends."""
    if by.role != Role.VALIDATOR:
        raise NotAllowed(ONLY_VALIDATORS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _draft(period: PayPeriod) -> PayPeriod:
    """The row, held; NotAllowed unless it is still a draft."""
    row = PayPeriod.objects.select_for_update().filter(pk=period.pk).first()
    if row is None:
        raise NotAllowed(IS_GONE)
    if row.state != PayPeriod.State.DRAFT:
        raise NotAllowed(IS_PUBLISHED)
    return row


def _empty(period) -> None:
    with connection.cursor() as cursor:
        for statement in _EMPTY:
            cursor.execute(statement, {"period": period.pk})


@pay_verb
def discard(period: PayPeriod, *, by: User) -> PayPeriod:
    """Abandon a draft: its lines wait for the next computation; returns what it was.

    Raises NotAllowed for another role, and when it is a draft no more.
    """
    _hold(by)
    row = _draft(period)
    _empty(row)
    row.delete()
    return row


@pay_verb
def publish(period: PayPeriod, *, by: User, at: datetime, seen: str | None = None) -> PayPeriod:
    """Publish a draft for good, as it was read, and tell each interpreter once; returns it as it is now.

    `seen` is the `Totals.mark` of the page that was read (None: nobody read a page). Raises NotAllowed for another
    role, when it is a draft no more, and when its statements are others.
    """
    _hold(by)
    row = _draft(period)
    if seen is not None and seen != totals_of(row).mark:
        raise NotAllowed(IS_STALE)
    row.state, row.published_by, row.published_at = PayPeriod.State.PUBLISHED, by, at
    row.save(update_fields=["state", "published_by", "published_at"])
    _tell(row, at)
    return row


def _tell(period, at) -> None:
    """Each interpreter that their statement is there: never an amount, which an e-mail would show to anybody."""
    rows = PayStatement.objects.filter(period=period).select_related("interpreter", "period").order_by("pk")
    notices = [
        Notice(
            user=row.interpreter,
            topic=Topic.STATEMENT,
            event=row.number,
            context={"number": row.number, "days": period.days, "path": f"/releves/{row.pk}/"},
        )
        for row in rows
    ]
    notify.tell(notices, about=f"period:{period.pk}", at=at)


# What is read


def totals_of(period: PayPeriod) -> Totals:
    """What a period pays in all; one statement."""
    found = period.statements.aggregate(
        people=Count("pk"),
        dollars=Sum("total", default=Decimal("0.00")),
        lines=Sum("line_count", default=0),
        owing=Count("pk", filter=Q(total__lt=0)),
        inactive=Count("pk", filter=Q(interpreter__is_active=False)),
        mark=_Mark("interpreter_id", default=""),
    )
    return Totals(**found)


def waiting() -> QuerySet[PayLine]:
    """The frozen lines that no statement pays yet."""
    return PayLine.objects.filter(unpaid__isnull=False)


def published_for(user: User) -> QuerySet[PayStatement]:
    """The statements that an interpreter may read: their own, once published, newest first."""
    mine = PayStatement.objects.filter(interpreter=user).exclude(period__state=PayPeriod.State.DRAFT)
    return mine.select_related("period", "interpreter").order_by("-period__ends_on")


def lines_of(statement: PayStatement) -> QuerySet[PayLine]:
    """The lines that a statement pays, by service, each with the request and tariff its page shows."""
    paid = PayLine.objects.filter(paid_on__statement=statement).defer("inputs", "reverses__inputs")
    shown = paid.select_related("service_request__language", "policy", "reverses__paid_on__statement__period")
    return shown.order_by("service_on", "service_request_id", "number")
