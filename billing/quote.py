"""One case of pay outside the web: a JSON object on a line in, its lines of pay on a line out (`manage quote`).

Pure: the tariffs and the closed days are the caller's. Exact: no number of the JSON becomes a binary fraction.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from decimal import Decimal

from billing.rules import (
    Facts,
    Line,
    Outcome,
    Policy,
    RuleError,
    business_notice,
    notice_hours,
    pay_lines,
    policy_for,
    service_date,
    total,
)
from requests_app.business_days import local_instant

REQUIRED = ("service_type", "starts_at", "ends_at", "outcome")
INSTANTS = ("starts_at", "ends_at", "notice_received_at")
DECIMALS = ("home_km", "head_office_km", "parking")
MINUTES = ("actual_minutes", "waiting_minutes", "travel_minutes")
COUNTS = ("billable_communications", "unbillable_communications", "words")
FIELDS = {*REQUIRED, *INSTANTS, *DECIMALS, *MINUTES, *COUNTS, "parking_receipt", "closed_days"}

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(rf"{_DAY.pattern}[T ]\d\d:\d\d(:\d\d(\.\d{{1,6}})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,30}(\.\d{1,10})?", re.ASCII)
# A whole number longer than this is refused as too large, whatever its last digits.
_DIGITS = 20


def answer(line: bytes, *, policies: Iterable[Policy], closed_days: frozenset[date], tz: tzinfo) -> bytes:
    """The JSON answer to one line, never an exception: `lines`, `total`, `policy`, `notice_hours`; or `error`, `field`.

    Amounts, quantities and rates are decimal strings; `closed_days` is the table, which a case may replace.
    Source: domain « Pay ».
    """
    try:
        told = _quote(_case(line), policies, closed_days, tz)
    except RuleError as error:
        told = {"error": str(error), "field": error.field}
    # Half a surrogate pair in the name of a field has no UTF-8; its escape is what JSON writes.
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace")


def facts_of(case: dict, *, tz: tzinfo) -> Facts:
    """The facts that a case tells; its `closed_days` are not among them. Raises RuleError beside the field."""
    known = {field: value for field, value in case.items() if field != "closed_days"}
    for field in known:
        if field in INSTANTS:
            known[field] = _instant(field, known[field], tz)
        elif field in DECIMALS:
            known[field] = _decimal(field, known[field])
    _refuse("parking_receipt", type(known.get("parking_receipt", False)) is not bool, "Indiquez true ou false.")
    return Facts(**known)


def _quote(case: dict, policies: Iterable[Policy], closed_days: frozenset[date], tz: tzinfo) -> dict:
    facts = facts_of(case, tz=tz)
    policy = policy_for(service_date(facts.starts_at, tz), policies)
    if "closed_days" in case:
        closed_days = _days("closed_days", case["closed_days"])
    lines = pay_lines(facts, policy=policy, closed_days=closed_days, tz=tz)
    return {
        "lines": [_told(line) for line in lines],
        "total": f"{total(lines):f}",
        "policy": policy.effective_from.isoformat(),
        "notice_hours": _notice_hours(facts, closed_days, tz),
    }


def _told(line: Line) -> dict:
    return {
        "kind": line.kind,
        "quantity": f"{line.quantity:f}",
        "unit": line.unit,
        "rate": f"{line.rate:f}",
        "amount": f"{line.amount:f}",
        "reason": line.reason,
    }


def _notice_hours(facts: Facts, closed_days: frozenset[date], tz: tzinfo) -> str | None:
    if facts.outcome != Outcome.CANCELLED:
        return None
    notice = business_notice(facts.notice_received_at, facts.starts_at, closed_days=closed_days, tz=tz)
    return f"{notice_hours(notice):f}"


def _case(line: bytes) -> dict:
    """The object of a line, without its nulls: they say what an absent field says."""
    pairs = _json(line)
    # An array is a list; only an object was made a tuple.
    _refuse(None, not isinstance(pairs, tuple), "La ligne doit être un objet JSON, entre accolades.")
    for field, times in Counter(field for field, _ in pairs).items():
        _refuse(field, field not in FIELDS, "Ce champ n’existe pas.")
        _refuse(field, times > 1, "Ce champ est donné plus d’une fois.")
    case = {field: value for field, value in pairs if value is not None}
    for field in REQUIRED:
        _refuse(field, field not in case, "Ce champ est obligatoire.")
    return case


def _json(line: bytes) -> object:
    """What a line says; a number that is not whole is left as bytes, which no field takes."""
    _refuse(None, not line.strip(), "La ligne est vide.")
    exact = {"parse_int": lambda digits: int(digits[:_DIGITS]), "parse_float": str.encode, "parse_constant": str.encode}
    try:
        return json.loads(line.decode("utf-8-sig"), object_pairs_hook=tuple, **exact)
    except UnicodeDecodeError:
        raise RuleError(None, "La ligne n’est pas écrite en UTF-8.") from None
    except (ValueError, RecursionError):
        raise RuleError(None, "La ligne n’est pas du JSON.") from None


def _decimal(field: str, value: object) -> Decimal:
    """A decimal string, or a whole number: one with a point may already have lost its last digit to a binary one."""
    if type(value) is int:
        return Decimal(value)
    is_decimal = isinstance(value, str) and _DECIMAL.fullmatch(value)
    _refuse(field, not is_decimal, 'Écrivez un nombre décimal entre guillemets droits, avec un point : "18.4".')
    return Decimal(value) or Decimal()  # -0 is 0


def _instant(field: str, value: object, tz: tzinfo) -> datetime:
    is_iso = isinstance(value, str) and _INSTANT.fullmatch(value)
    _refuse(field, not is_iso, "Écrivez une date et une heure : 2025-03-12T14:00, avec ou sans décalage.")
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise RuleError(field, "Cette date ou cette heure n’existe pas.") from None
    if instant.tzinfo:
        return instant
    try:
        return local_instant(instant.date(), instant.time(), tz)
    except ValueError as error:
        raise RuleError(field, str(error)) from None


def _days(field: str, value: object) -> frozenset[date]:
    is_list = isinstance(value, list) and all(isinstance(day, str) and _DAY.fullmatch(day) for day in value)
    _refuse(field, not is_list, 'Écrivez une liste de dates : ["2025-12-25"].')
    try:
        return frozenset(date.fromisoformat(day) for day in value)
    except ValueError:
        raise RuleError(field, "L’une de ces dates n’existe pas.") from None


def _refuse(field: str | None, is_refused: bool, message: str) -> None:
    if is_refused:
        raise RuleError(field, message)
