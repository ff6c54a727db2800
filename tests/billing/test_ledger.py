"""The ledger: frozen once at Achevé with its inputs, then only growing, by a reversal and a new line."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.db import IntegrityError, connection, transaction
from django.template.loader import render_to_string

from billing import rules
from billing.ledger import adjust, freeze, ledger
from billing.models import PayLine, PayPolicy
from billing.services import Tables, estimate
from completion.decisions import fingerprint, validate
from completion.facts import pay_facts
from completion.models import Outcome
from requests_app import services as requests
from requests_app.models import CancellationReason, Holiday, ServiceRequest
from requests_app.workflow import NotAllowed
from tests import make
from tests.completion import make as filed
from tests.counts import rounds
from tests.make import HOUR, START, local
from tests.requests_app.test_races import together

pytestmark = pytest.mark.django_db
LATER = START + 6 * HOUR
REASON = "Le kilométrage a été vérifié."


def achieved(**report):
    """Alice's visit, 20 km away, validated."""
    made = make.reserved()
    filed.report(made, **{"distance_km": Decimal("20")} | report)
    validate(made, by=make.validator(), at=made.ends_at + 2 * HOUR)
    return made


def adjusted(line, *, by=None, amount="30.00", reason=REASON):
    return adjust(line, by=by or make.validator(), at=LATER, amount=Decimal(amount), reason=reason)


def frozen(made, facts, tables, *, by):
    return freeze(made, facts, tables=tables, by=by, at=LATER)


def mileage(made):
    return next(line for line in ledger(made) if line.kind == "mileage")


def amounts(made):
    return [str(line.amount) for line in ledger(made)]


# Frozen at Achevé


def test_the_lines_frozen_are_those_estimated():
    made = make.reserved()
    filed.report(made, distance_km=Decimal("20"))
    before = [(line.rule, line.reason, line.amount) for line in estimate(made, pay_facts(made)).lines]
    validate(made, by=make.validator(), at=LATER)
    assert [(line.rule, line.reason, line.amount) for line in ledger(made)] == before


def test_a_frozen_line_says_who_froze_it_for_whom_and_when():
    line = ledger(achieved())[0]
    assert (line.created_by, line.interpreter, line.created_at) == (make.validator(), make.alice(), START + 3.5 * HOUR)


def test_the_lines_of_a_request_are_read_in_one_query(django_assert_num_queries):
    made = achieved()
    with django_assert_num_queries(1):
        assert [(line.number, str(line.policy)) for line in ledger(made)] == [
            (1, "Politique du 4\u00a0novembre 2024"),
            (2, "Politique du 4\u00a0novembre 2024"),
        ]


def test_frozen_lines_outlive_a_change_of_tariff():
    made = achieved()
    make.policy("2025-01-01", hourly_rate=99, mileage_rate=9)
    assert amounts(made) == ["82.00", "24.80"]


def test_frozen_lines_outlive_a_change_of_holidays():
    made = make.reserved(at=local("2024-12-10 10:00"), starts_at=local("2024-12-27 10:00"))
    late = local("2024-12-20 10:01")
    requests.cancel(made, by=make.requester(), at=late, reason=CancellationReason.BY_REQUESTER)
    validate(made, by=make.validator(), at=made.ends_at)
    Holiday.objects.all().delete()
    assert amounts(made) == ["82.00"]


def test_what_is_frozen_is_what_was_checked_though_the_holidays_change_in_between():
    made, done = make.reserved(), []
    filed.report(made, outcome=Outcome.CANCELLED, told_at=START - timedelta(days=2))
    shown, before = fingerprint(made), estimate(made, pay_facts(made)).total

    def closes(execute, sql, *given):
        found = execute(sql, *given)
        if 'FROM "requests_app_holiday"' in sql and not done:
            done.append(Holiday.objects.create(date=START.date() - timedelta(days=1), name="Tempête"))
        return found

    with connection.execute_wrapper(closes):
        validate(made, by=make.validator(), at=LATER, seen=shown)
    assert done and sum(line.amount for line in ledger(made)) == before == 0


TEXTS = {"service_type", "outcome", "mileage_mode"}


def typed(name, value):
    """A value kept as JSON, as the engine takes it."""
    if not isinstance(value, str) or name in TEXTS:
        return value
    if name == "effective_from":
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if name.endswith("_at") else Decimal(value)


def computed_again(inputs):
    """The lines of what a line kept: its facts, closed days, tariff, and what the BI added."""
    facts = {name: value for name, value in inputs.items() if name != "accepted_communications"}
    added = [rules.added_line(Decimal(row["amount"]), row["reason"]) for row in facts.pop("added_lines")]
    closed_days = [date.fromisoformat(day) for day in facts.pop("closed_days")]
    policy = rules.Policy(**{name: typed(name, value) for name, value in facts.pop("policy").items()})
    facts = rules.Facts(**{name: typed(name, value) for name, value in facts.items()})
    return rules.pay_lines(facts, policy=policy, closed_days=closed_days, tz=make.TORONTO) + added


@pytest.mark.parametrize("outcome", [Outcome.RENDERED, Outcome.CANCELLED])
def test_a_frozen_line_can_be_computed_again_from_what_it_kept(outcome):
    made = make.reserved()
    given = {"distance_km": Decimal("18.4")} if outcome == Outcome.RENDERED else {"told_at": START - HOUR}
    filed.report(made, outcome=outcome, **given)
    validate(made, by=make.validator(), at=LATER)
    make.policy("2025-01-01", hourly_rate=99)
    again = computed_again(ledger(made)[0].inputs)
    assert [(line.amount, line.reason) for line in again] == [(line.amount, line.reason) for line in ledger(made)]


def test_lines_are_not_frozen_before_acheve():
    made = make.provided()
    with pytest.raises(NotAllowed, match="à l’achèvement"):
        freeze(made, pay_facts(made), tables=Tables.read(), by=make.validator(), at=LATER)
    assert ledger(made) == []


def test_lines_are_not_frozen_twice():
    made = achieved()
    with pytest.raises(NotAllowed, match="déjà figées"):
        freeze(made, pay_facts(made), tables=Tables.read(), by=make.validator(), at=LATER)
    assert amounts(made) == ["82.00", "24.80"]


def test_what_cannot_be_frozen_leaves_no_line():
    made = make.completed()
    facts = replace(pay_facts(made), actual_minutes=None)
    with pytest.raises(rules.RuleError):
        freeze(made, facts, tables=Tables.read(), by=make.validator(), at=LATER)
    assert ledger(made) == []


def test_the_longest_translation_at_the_dearest_rate_can_be_frozen():
    PayPolicy.objects.update(word_rate_translation=Decimal("9999.9999"))
    made = make.reserved(service_type="translation")
    filed.report(made, word_count=1_000_000)
    validate(made, by=make.validator(), at=LATER)
    assert amounts(made) == ["9999999900.00"]


def test_the_dearest_parking_can_be_frozen():
    made = make.reserved()
    filed.report(made, parking_amount=Decimal("99999.99"))
    filed.attach(made)
    validate(made, by=make.validator(), at=LATER)
    assert amounts(made)[-1] == "99999.99"


# The database


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_payline SET amount = 0",
        "UPDATE billing_payline SET reason = reason WHERE false",
        "DELETE FROM billing_payline",
        "TRUNCATE billing_payline CASCADE",
        "TRUNCATE billing_paypolicy CASCADE",
    ],
)
def test_the_database_refuses_whatever_does_not_add_a_line(sql):
    made = achieved()
    with (
        pytest.raises(IntegrityError, match="ne peut que croître"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        # The foreign keys checked at the commit would refuse the TRUNCATE for another reason.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)
    assert amounts(made) == ["82.00", "24.80"]


LIES = {
    "request_is_frozen_once": {"number": 1},
    "pay_line_has_a_known_kind": {"kind": "tip"},
    "only_a_reversal_is_negative": {"amount": Decimal("-1.00")},
}


@pytest.mark.parametrize("constraint", LIES)
def test_the_database_refuses_a_line_that_cannot_be(constraint):
    line = ledger(achieved())[0]
    line.pk, line.number = None, 9
    for name, value in LIES[constraint].items():
        setattr(line, name, value)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        PayLine.objects.bulk_create([line])
    assert refused.value.__cause__.diag.constraint_name == constraint


@pytest.mark.parametrize("changed", [{"hourly_rate": 99}, {"effective_from": START.date()}, {"state": "replaced"}])
def test_the_database_refuses_to_change_a_tariff_that_has_paid_somebody(changed):
    policy = ledger(achieved())[0].policy
    with pytest.raises(IntegrityError, match="elle ne change plus"), transaction.atomic():
        PayPolicy.objects.filter(pk=policy.pk).update(**changed)


def test_a_tariff_that_has_paid_somebody_is_not_deleted():
    achieved()
    with pytest.raises(IntegrityError):
        PayPolicy.objects.all().delete()


@pytest.mark.parametrize(
    ("field", "value", "constraint"),
    [
        ("increment_minutes", 0, "policy_rounds_to_something"),
        ("mileage_mode", "as_the_crow_flies", "policy_has_a_known_mileage_mode"),
    ],
)
def test_the_database_refuses_a_tariff_that_cannot_be(field, value, constraint):
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        PayPolicy.objects.update(**{field: value})
    assert refused.value.__cause__.diag.constraint_name == constraint


# Corrected after Achevé


def test_a_correction_is_a_reversal_and_a_new_line():
    made = achieved()
    adjusted(mileage(made), amount="30.00")
    assert amounts(made) == ["82.00", "24.80", "-24.80", "30.00"]


def test_a_reversal_undoes_its_line_figure_by_figure():
    made = achieved()
    wrong = mileage(made)
    adjusted(wrong)
    undone = ledger(made)[2]
    assert (undone.reverses, undone.quantity, undone.rate) == (wrong, -wrong.quantity, wrong.rate)


def test_in_a_corrected_line_quantity_times_rate_is_still_the_amount():
    line = adjusted(mileage(achieved()), amount="30.05")
    assert (line.quantity, line.unit, line.rate, line.amount) == (1, "correction", Decimal("30.05"), Decimal("30.05"))


def test_a_correction_says_why_by_whom_and_when():
    line = adjusted(mileage(achieved()), reason=f"  {REASON} ")
    assert (line.reason, line.created_by, line.created_at) == (REASON, make.validator(), LATER)


def test_a_correction_keeps_the_interpreter_the_rule_and_the_inputs():
    wrong = mileage(achieved())
    line = adjusted(wrong)
    assert (line.interpreter, line.rule, line.inputs) == (make.alice(), wrong.rule, wrong.inputs)


def test_a_corrected_line_can_be_corrected_in_its_turn():
    made = achieved()
    adjusted(adjusted(mileage(made)), amount="31.00")
    assert amounts(made) == ["82.00", "24.80", "-24.80", "30.00", "-30.00", "31.00"]


def test_what_pays_nothing_can_be_corrected_too():
    made = achieved(distance_km=Decimal("16"))
    adjusted(mileage(made), amount="19.84")
    assert sum(line.amount for line in ledger(made)) == Decimal("101.84")


@pytest.mark.parametrize("is_same_object", [True, False])
def test_a_line_is_corrected_once(is_same_object):
    made = achieved()
    wrong = mileage(made)
    adjusted(wrong)
    with pytest.raises(NotAllowed, match="déjà corrigée"):
        adjusted(wrong if is_same_object else mileage(made))
    assert len(ledger(made)) == 4


def test_a_reversal_is_not_corrected():
    made = achieved()
    adjusted(mileage(made))
    with pytest.raises(NotAllowed, match="déjà corrigée"):
        adjusted(ledger(made)[2])


@pytest.mark.parametrize("who", [make.alice, make.requester, make.coordinator, make.administrator, make.system])
def test_only_a_validator_corrects_a_line(who):
    made = achieved()
    with pytest.raises(NotAllowed, match="Seul un valideur"):
        adjusted(mileage(made), by=who())
    assert len(ledger(made)) == 2


def test_whoever_filed_the_report_does_not_correct_it():
    made = achieved()
    # As a coordinator, who became a validator since.
    ServiceRequest.objects.filter(pk=made.pk).update(filed_by=make.person("Vera", "validator"))
    with pytest.raises(NotAllowed, match="n’a pas rempli ce dossier"):
        adjusted(mileage(made), by=make.person("Vera", "validator"))


@pytest.mark.parametrize(("reason", "is_fit"), [("", False), (" \n", False), ("x" * 300, True), ("x" * 301, False)])
def test_a_correction_has_a_reason_that_fits(reason, is_fit):
    made = achieved()
    try:
        adjusted(mileage(made), reason=reason)
    except NotAllowed as refusal:
        assert "raison" in str(refusal)
    assert (len(ledger(made)) == 4) is is_fit


@pytest.mark.parametrize(
    ("amount", "is_fit"),
    [
        ("-0.01", False),
        ("0.00", True),
        ("0.01", True),
        ("0.001", False),
        ("1000000", True),
        ("1000000.01", False),
        ("NaN", False),
        ("Infinity", False),
    ],
)
def test_a_corrected_amount_is_money(amount, is_fit):
    made = achieved()
    try:
        adjusted(mileage(made), amount=amount)
    except NotAllowed as refusal:
        assert "en dollars et en cents" in str(refusal)
    assert (len(ledger(made)) == 4) is is_fit


def test_a_line_is_not_corrected_before_acheve():
    made = achieved()
    line = mileage(made)
    ServiceRequest.objects.filter(pk=made.pk).update(status="provided", validated_by=None, validated_at=None)
    with pytest.raises(NotAllowed, match="à l’achèvement"):
        adjusted(line)


# On a page


def shown(lines):
    """The table of pay lines, on one line, with ordinary spaces."""
    total = sum(line.amount for line in lines)
    page = render_to_string("billing/_pay_lines.html", {"lines": lines, "total": total, "is_estimate": False})
    return " ".join(unescape(re.sub("<[^>]*>", " ", page)).split())


def test_a_page_shows_the_rate_of_a_frozen_line_with_the_digits_that_count():
    PayPolicy.objects.update(mileage_rate=Decimal("0.6250"))
    assert "Kilométrage 40 km × 0,625 $ 20 km aller déclarés" in shown(ledger(achieved()))


def test_a_page_tells_a_correction_from_the_line_it_undoes():
    made = achieved()
    adjusted(mileage(made))
    text = shown(ledger(made))
    assert "−40 km × 0,62 $ Annule la ligne de 24,80 $ −24,80 $" in text
    assert f"Kilométrage Correction : {REASON} 30,00 $ Total 112,00 $" in text


# At the same instant


@pytest.mark.django_db(transaction=True)
def test_of_two_corrections_at_once_one_is_made():
    made, by = achieved(), make.validator()
    for turn in range(rounds("race")):
        line, amount = ledger(made)[-1], Decimal(turn + 1)
        outcomes = together(*[lambda line=line, amount=amount: adjusted(line, by=by, amount=amount)] * 2)
        assert sorted(outcomes, key=str) == ["Cette ligne est déjà corrigée.", True]
        assert len(ledger(made)) == 4 + 2 * turn


@pytest.mark.django_db(transaction=True)
def test_of_two_freezings_at_once_one_is_made():
    by = make.validator()
    for _ in range(rounds("race")):
        made = make.completed()
        given = (made, pay_facts(made), Tables.read())
        outcomes = together(*[lambda given=given: frozen(*given, by=by)] * 2)
        assert sorted(outcomes, key=str) == ["Les lignes de paie de cette demande sont déjà figées.", True]
        assert len(ledger(made)) == 2
