"""What puts a request in a queue of the coordinators' board, and what its row says of why.

Each rule is a queryset at an instant; what its sentences need is read beside the row, in the same statement.
"""

from datetime import datetime, timedelta

from django.db.models import CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat, JSONObject

from accounts.french import hour_or_day
from accounts.roles import Role
from requests_app import reminders
from requests_app.models import Message, Offer, ServiceRequest, Transition, WavePlan
from requests_app.offers import EXPIRED
from requests_app.reminders import REMINDERS
from requests_app.workflow import ASSIGNED, SPOKEN, UNASSIGNED, Action, Status

# « Sans réponse »: nobody may answer any more before long, or the service itself is near.
DEADLINE_NEAR = timedelta(hours=4)
START_NEAR = timedelta(hours=48)


# Reading beside a row


def _of_row(model, **kept) -> QuerySet:
    return model.objects.filter(service_request=OuterRef("pk"), **kept)


def _first(rows: QuerySet, what) -> Subquery:
    return Subquery(rows.values(found=what if hasattr(what, "resolve_expression") else F(what))[:1])


def _number(rows: QuerySet) -> Coalesce:
    counted = rows.order_by().values("service_request").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def _name(field: str) -> Concat:
    return Concat(f"{field}__first_name", Value(" "), f"{field}__last_name", output_field=CharField())


def since(instant: datetime, at: datetime) -> str:
    """« depuis 14 h 10 », « depuis le 12 novembre, 14 h 10 »."""
    return f"depuis {hour_or_day(instant, at)}"


def _people(number: int) -> str:
    return f"{number} personne{'s' if number > 1 else ''}"


# Non alloué


def unallocated(at):
    return ServiceRequest.objects.filter(status=Status.UNALLOCATED, starts_at__gt=at)


def why_unallocated(at) -> dict:
    """The step that left the request to nobody, and how its offers ended."""
    steps = _of_row(Transition, to_status=Status.UNALLOCATED).exclude(from_status=Status.UNALLOCATED).order_by("-id")
    told = JSONObject(
        action="action", role="by__role", at="at", note="note", by=_name("by"), interpreter=_name("interpreter")
    )
    return {
        "last": _first(steps, told),
        "refused": _number(_of_row(Offer, state=Offer.State.REFUSED)),
        "lapsed": _number(_of_row(Offer, state=Offer.State.EXPIRED)),
        "next_wave_at": _next_wave,
    }


_next_wave = _first(_of_row(WavePlan, ended_at=None), "next_at")
_LEFT_BY = {
    Role.INTERPRETER: "Désistement\u00a0: {interpreter}",
    Role.COORDINATOR: "Retirée à {interpreter} par {by}",
    Role.SYSTEM: "Compte désactivé\u00a0: {interpreter}",
}
_WHY = {
    Action.SUBMIT: "Nouvelle demande",
    Action.REINSTATE: "Demande rétablie",
    Action.REFUSE: "Tous ont refusé",
    Action.EXPIRE: "Délai passé",
    Action.RETRACT: "Offre retirée",
}


def said_unallocated(row, at):
    # Without a history of its own, a request is as on its first day.
    last = row.last or {"action": Action.SUBMIT, "at": row.created_at.isoformat()}
    return _why(row, last), _waves(row, at) or since(datetime.fromisoformat(last["at"]), at)


def _why(row, last: dict) -> str:
    """In words; a mix of refusals and of silences is counted."""
    action = last["action"]
    if action == Action.MARK_UNALLOCATED:
        return _LEFT_BY[last["role"]].format(**last)
    if action == Action.EXPIRE and last["note"] != EXPIRED:
        return "Offre fermée"
    if action in (Action.REFUSE, Action.EXPIRE) and row.refused and row.lapsed:
        return f"{row.refused} refus, {row.lapsed} sans réponse"
    return _WHY[action]


def _waves(row, at) -> str:
    return f"Prochaine vague\u00a0: {hour_or_day(row.next_wave_at, at)}" if row.next_wave_at else ""


# Sans réponse


def unanswered(at):
    """The last deadline comes soon, or the start does."""
    near = Offer.objects.filter(state=Offer.State.OPEN, answer_by__lte=at + DEADLINE_NEAR)
    last = _first(_of_row(Offer, state=Offer.State.OPEN).order_by("-answer_by"), "answer_by")
    pending = ServiceRequest.objects.filter(status=Status.PENDING, starts_at__gt=at)
    closing = Q(pk__in=near.values("service_request"), last_answer_by__lte=at + DEADLINE_NEAR)
    return pending.annotate(last_answer_by=last).filter(closing | Q(starts_at__lte=at + START_NEAR))


def why_unanswered(at):
    return {"asked": _number(_of_row(Offer, state=Offer.State.OPEN, answer_by__gt=at)), "next_wave_at": _next_wave}


def said_unanswered(row, at):
    if not row.asked:
        return "Délai passé", "les offres se ferment"
    said = f"{_people(row.asked)}, réponse avant {hour_or_day(row.last_answer_by, at)}"
    return said, _waves(row, at)


# Désistement urgent, modifié non vu, début passé, à remplir, messages


def asked_to_leave(at):
    asked = Message.objects.filter(urgency=Message.Urgency.ASKED)
    return ServiceRequest.objects.filter(status__in=ASSIGNED, pk__in=asked.values("service_request"))


def why_leaving(at):
    return {"asked_at": _first(_of_row(Message, urgency=Message.Urgency.ASKED), "at")}


def said_leaving(row, at):
    return f"{row.interpreter} demande à se désister", since(row.asked_at, at)


def unseen(at):
    """Until the start; until its due date for what is written."""
    is_ahead = Q(starts_at__gt=at) | ~Q(service_type__in=SPOKEN) & Q(ends_at__gt=at)
    return ServiceRequest.objects.filter(is_ahead, status=Status.MODIFIED)


def why_unseen(at):
    changed = _of_row(Transition, action=Action.MODIFY).order_by("-id")
    return {"changed_at": Coalesce(_first(changed, "at"), "created_at")}


def said_unseen(row, at):
    return f"Pas encore vu par {row.interpreter}", since(row.changed_at, at)


# The order of their index. Few open requests are past, many requests are: without it the planner, who takes the two
# for unrelated, reads the whole table for the first hundred.
_AS_INDEXED = ("status", "starts_at", "id")


def begun(at):
    return ServiceRequest.objects.filter(status__in=UNASSIGNED, starts_at__lte=at).order_by(*_AS_INDEXED)


_BEGUN = {Status.UNALLOCATED: "Personne n’a la demande", Status.PENDING: "Offerte, personne n’a répondu"}


def said_begun(row, at):
    """Nobody was waited for somewhere when the work is written: its due date says what may still be done."""
    return _BEGUN[row.status], "" if row.is_spoken else f"à remettre\u00a0: {hour_or_day(row.ends_at, at)}"


def unfilled(at):
    """Over for more than two days, and still reserved: the start, which the index reads, comes before the end."""
    over = at - REMINDERS[0]
    rows = ServiceRequest.objects.filter(status__in=ASSIGNED, starts_at__lt=over, ends_at__lt=over)
    return rows.order_by(*_AS_INDEXED)


def count_reminders(page: list) -> None:
    """How many times each interpreter of a page was reminded. One statement."""
    told = reminders.times_reminded(page)
    for row in page:
        row.reminded = told[row.pk]


def said_unfilled(row, at):
    days = (at - row.ends_at).days
    told = f"{row.reminded} rappel{'s' if row.reminded > 1 else ''}" if row.reminded else "aucun rappel"
    return f"{row.interpreter}\u00a0: fini depuis {days}\u00a0jours", f"{told} à ce jour"


def with_news(at):
    """Whose message has waited longest comes first."""
    rows = ServiceRequest.objects.filter(pk__in=_unread(Message.objects).values("service_request"))
    return rows.annotate(unread_at=_first(_oldest_unread(), "at"))


def _unread(messages):
    """An urgent withdrawal has a queue of its own, as long as somebody has the request."""
    unread = messages.filter(read_at=None, is_to_bi=True)
    return unread.exclude(urgency=Message.Urgency.ASKED, service_request__status__in=ASSIGNED)


def _oldest_unread():
    return _unread(_of_row(Message)).order_by("at", "id")


def why_news(at):
    unread = _oldest_unread()
    return {"unread": _number(unread), "unread_by": _first(unread, _name("author"))}


def said_news(row, at):
    number = f"{row.unread} messages" if row.unread > 1 else "1 message"
    return f"{row.unread_by}\u00a0: {number}", since(row.unread_at, at)
