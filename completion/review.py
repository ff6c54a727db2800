"""What one page of the review shows of a file: asked beside done, pay, communications, corrections, messages."""

from dataclasses import dataclass, fields, replace
from datetime import datetime

from django.db.models import Prefetch, prefetch_related_objects
from django.forms import Form

from accounts import keyset
from accounts.french import duration, hour_or_day, km
from accounts.models import User
from billing.added import check_may_validate
from billing.clock import clock_of_facts, clock_of_lines
from billing.ledger import in_place, ledger, paid_by
from billing.models import AddedLine, PayLine
from billing.reasons import as_read
from billing.rules import RuleError
from billing.services import added_lines, estimate, policy_of
from completion.facts import pay_facts, presence_minutes
from completion.flags import FlagKind, is_far_above
from completion.models import Attachment, Completion
from completion.sheet import Fact, reported
from requests_app.distances import distances_for
from requests_app.exchanges import is_communication_billable, thread_of, why_unbillable
from requests_app.masking import Hide, as_typed, eraser, masked
from requests_app.models import Communication, ServiceRequest
from requests_app.workflow import NotAllowed, Status

# The last ones; the validators seldom need more, and the coordination has them all.
MESSAGES = 20
# Where the page shows what an alert is about; the rest is in « Réalisé ».
PLACES = {
    FlagKind.SAME_FILE: "pieces",
    FlagKind.ADDED: "paie",
    FlagKind.DUPLICATE: "communications",
    FlagKind.OUTSIDE: "communications",
    FlagKind.UNBILLABLE: "communications",
}


def prepare(service_request: ServiceRequest) -> None:
    """Read once what several parts of the page use: three statements."""
    made = Prefetch("communications", Communication.objects.select_related("accepted_by"))
    added = Prefetch("added_lines", AddedLine.objects.select_related("added_by", "removed_by"))
    prefetch_related_objects([service_request], made, "attachments", added)


def may_validate(service_request: ServiceRequest, user: User, *, at: datetime) -> bool:
    """Whether the table lets `user` validate this file now: four eyes, until Achevé."""
    try:
        check_may_validate(service_request, user, at=at)
    except NotAllowed:
        return False
    return True


# Asked beside done.


def done(service_request: ServiceRequest) -> list[Fact]:
    """« Réalisé », each fact that differs from what was asked with what was asked; without the persons served."""
    beside = _beside(service_request, getattr(service_request, "completion", None))
    return [
        replace(fact, beside=beside.get(fact.label, "")) for fact in reported(service_request, eraser(service_request))
    ]


def _beside(service_request, completion) -> dict[str, str]:
    if completion is None or not service_request.is_spoken:
        return {}
    starts_at, ends_at, booked = service_request.starts_at, service_request.ends_at, service_request.booked_minutes
    beside = {}
    if completion.actual_starts_at and completion.actual_starts_at != starts_at:
        beside["Début réel"] = f"demandé\u00a0: {hour_or_day(starts_at, completion.actual_starts_at)}"
    if completion.actual_ends_at and completion.actual_ends_at != ends_at:
        beside["Fin réelle"] = f"demandée\u00a0: {hour_or_day(ends_at, completion.actual_ends_at)}"
    if presence_minutes(completion) not in (None, booked):
        beside["Durée de présence"] = f"demandée\u00a0: {duration(booked)}"
    if completion.distance_km:
        known = distances_for(service_request, service_request.interpreter_id)
        # An estimate is not so exact that a few hundred metres would mean anything.
        if known.shorter is not None and is_far_above(completion.distance_km, known.shorter):
            beside["Distance parcourue"] = f"estimée\u00a0: {km(known.shorter)} ({known.how})"
    return beside


# Pay.


def pay_of(service_request: ServiceRequest, hide: Hide = as_typed) -> dict:
    """The pay lines of a request as `billing/_pay_lines.html` takes them: frozen at Achevé, an estimate before.

    `hide` takes what the reader may not know out of the reasons that somebody typed.
    """
    pay = _pay_of(service_request)
    return pay | {"lines": [as_read(line, hide) for line in pay["lines"]]}


def _pay_of(service_request) -> dict:
    if service_request.status == Status.COMPLETED:
        lines = in_place(ledger(service_request))
        policy = lines[0].policy if lines else policy_of(service_request)
        total = sum(line.amount for line in lines)
        shown = {"lines": lines, "total": total, "policy": policy, "clock": clock_of_lines(lines)}
        return shown | _paid(lines) | {"is_estimate": False, "error": ""}
    try:
        facts = pay_facts(service_request)
        found = estimate(service_request, facts)
    except RuleError as error:
        nothing = {"lines": [], "total": 0, "policy": None, "clock": None} | _paid([])
        return nothing | {"is_estimate": True, "error": str(error)}
    decided = {"policy": found.policy, "clock": clock_of_facts(facts, found.closed_days)} | _paid([])
    return decided | {"lines": found.lines, "total": found.total, "is_estimate": True, "error": ""}


def _paid(lines) -> dict:
    """The published statements that pay some frozen lines, each once, and whether something waits for another."""
    held = [paid_by(line) for line in lines]
    return {"statements": list(dict.fromkeys(filter(None, held))), "is_more_to_come": None in held}


def rows_of(service_request: ServiceRequest, pay: dict) -> list[tuple]:
    """Each pay line with the added line it comes from, before Achevé; None for those of the rules."""
    added = [] if pay["error"] or not pay["is_estimate"] else added_of(service_request)
    ruled = len(pay["lines"]) - len(added)
    return list(zip(pay["lines"], [None] * ruled + added, strict=True))


def correctable(pay: dict) -> list[PayLine]:
    """Of the frozen lines shown, those that neither reverse another nor are reversed: `billing.adjust` takes them."""
    if pay["is_estimate"]:
        return []
    reversed_ids = {line.reverses_id for line in pay["lines"]}
    return [line for line in pay["lines"] if not line.reverses_id and line.pk not in reversed_ids]


# What was written.


@dataclass
class Row:
    """A communication as the review page shows it: paid or not, why the rule alone does not pay it, the decision."""

    communication: Communication
    is_billable: bool
    why: str
    form: Form | None = None


def communications_of(service_request: ServiceRequest) -> list[Row]:
    """Each communication with what ruling 6 makes of it; one query, none once prepared."""
    hide = eraser(service_request)
    return [
        Row(
            communication=masked(row, hide, "purpose_text", "requested_by_name", "justification", "accepted_reason"),
            is_billable=is_communication_billable(service_request, row),
            why=why_unbillable(service_request, row),
        )
        for row in service_request.communications.all()
    ]


def pieces_of(service_request: ServiceRequest, hide: Hide) -> list[Attachment]:
    """The files of whoever holds the request, named as their reader may read."""
    pieces = service_request.attachments.all()
    return [masked(piece, hide, "name") for piece in pieces if piece.interpreter_id == service_request.interpreter_id]


def added_of(service_request: ServiceRequest) -> list[AddedLine]:
    """What the BI added for whoever holds the request, without the persons served; none once prepared."""
    return [masked(row, eraser(service_request), "reason") for row in added_lines(service_request)]


def report_of(service_request: ServiceRequest) -> Completion | None:
    """The report, if any, with the reason of its return as a validator reads it."""
    completion = getattr(service_request, "completion", None)
    return completion and masked(completion, eraser(service_request), "return_reason")


@dataclass(frozen=True)
class Said:
    """One message of the thread of the interpreter and the BI, as a validator reads it."""

    who: str
    at: datetime
    body: str


def messages_of(service_request: ServiceRequest, user: User) -> list[Said]:
    """The last MESSAGES of them, oldest first, without the persons served; one query."""
    if service_request.interpreter_id is None:
        return []
    thread = thread_of(service_request, user, interpreter=service_request.interpreter)
    hide = eraser(service_request)
    last = list(thread.order_by("-at", "-pk")[:MESSAGES])[::-1]
    return [Said(who=str(row.author), at=row.at, body=hide(row.body)) for row in last]


# What changed since a page was opened.


@dataclass(frozen=True)
class Mark:
    """The last of each thing that a page showed, as its forms carry it: « 3-120-45-7 »."""

    revision: int
    communication: int
    piece: int
    added: int

    @classmethod
    def of(cls, service_request: ServiceRequest) -> "Mark":
        completion = getattr(service_request, "completion", None)
        pieces = pieces_of(service_request, as_typed)
        rows = (service_request.communications.all(), pieces, service_request.added_lines.all())
        lasts = (max((row.pk for row in kind), default=0) for kind in rows)
        return cls(completion.revision if completion else 0, *lasts)

    def __str__(self):
        return "-".join(str(value) for value in vars(self).values())


def since(service_request: ServiceRequest, mark: str) -> list[str]:
    """In words, what came after a page carrying `mark`, besides the corrections of the report."""
    numbers = mark.split("-")
    if len(numbers) != len(fields(Mark)) or not all(number.isdecimal() for number in numbers):
        return []
    _, *lasts = (keyset.number(number) for number in numbers)
    shown = [
        ("Communication ajoutée", service_request.communications.all(), Communication.get_purpose_display),
        ("Pièce ajoutée", pieces_of(service_request, eraser(service_request)), str),
        ("Ligne ajoutée", added_of(service_request), lambda row: row.reason),
    ]
    return [
        f"{what}\u00a0: {words(row)}"
        for (what, rows, words), last in zip(shown, lasts, strict=True)
        for row in rows
        if row.pk > last
    ]
