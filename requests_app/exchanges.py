"""What people write on a request without moving it: communications made, messages, urgent withdrawals asked."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from accounts import notify
from accounts.models import User
from accounts.notify import Notice
from accounts.roles import Role
from completion import rules
from completion.rules import TypedCommunication, format_communications, is_billable
from requests_app.models import Channel, Communication, Message, Purpose, ServiceRequest
from requests_app.moves import verb
from requests_app.notifications import Topic, context_of, forget_urgency, requesters_of, urgency_about
from requests_app.workflow import ASSIGNED, WITHDRAWAL_NOTICE, NotAllowed, Status

LOGGABLE = (*ASSIGNED, Status.PROVIDED, Status.CANCELLED)
# Two presses of one button: the same words again, by the same person, in the same thread.
SAME_PRESS = timedelta(minutes=1)
# As many as one page of the report shows and takes (ruling 6).
MAX_COMMUNICATIONS = 50
TOO_MANY = f"Une demande a {MAX_COMMUNICATIONS} communications au plus."
LOST = "Cette personne n’a plus la demande\u00a0: votre message n’est pas envoyé."


def may_log(service_request: ServiceRequest, user: User) -> bool:
    """Ruling 6: as soon as the request is reserved, until Achevé; by its interpreter, or a coordinator for them."""
    is_concerned = user.pk == service_request.interpreter_id or user.role == Role.COORDINATOR
    return service_request.status in LOGGABLE and service_request.interpreter_id is not None and is_concerned


@verb
def log_communication(
    service_request: ServiceRequest, *, by: User, at: datetime, made_at: datetime, **fields
) -> Communication:
    """Add one communication, made at `made_at`; raises NotAllowed: not the person's request, closed or full."""
    service_request.lock()
    if not may_log(service_request, by):
        raise NotAllowed("Les communications de cette demande ne peuvent plus être modifiées.")
    if made_at > at:
        raise NotAllowed("Une communication ne peut pas être dans le futur.")
    interpreter = service_request.interpreter
    same = {"purpose_text": "", "channel": Channel.PHONE} | fields
    same = {name: same[name] for name in ("purpose", "purpose_text", "channel")}
    if service_request.communications.filter(interpreter=interpreter, at=made_at, **same).exists():
        raise NotAllowed("Cette communication est déjà inscrite\u00a0: elle ne l’est pas une deuxième fois.")
    if service_request.communications.count() >= MAX_COMMUNICATIONS:
        raise NotAllowed(TOO_MANY)
    return Communication.objects.create(service_request=service_request, interpreter=interpreter, at=made_at, **fields)


def is_communication_billable(service_request: ServiceRequest, communication: Communication) -> bool:
    """Ruling 6, for one row of a request: the rule says so, or a validator accepted it."""
    return communication.is_accepted or is_billable(**_asked(service_request, communication))


def unpaid_count(service_request: ServiceRequest) -> int:
    """How many communications miss what pays them: said while it can still be added (FAQ, « Demandé par »)."""
    return sum(not is_communication_billable(service_request, row) for row in service_request.communications.all())


def billable_if_cancelled(service_request: ServiceRequest, *, received_at: datetime) -> int:
    """How many communications stay paid when the notice came at `received_at`; one made after it does not."""
    asked = [
        (row, _asked(service_request, row) | {"notice_received_at": received_at}) for row in _made(service_request)
    ]
    return sum(row.is_accepted or is_billable(**facts) for row, facts in asked)


def _made(service_request) -> Collection[Communication]:
    return service_request.communications.all() if service_request.interpreter_id else []


def why_unbillable(service_request: ServiceRequest, communication: Communication) -> str:
    """Why the rule alone does not pay a row, in French, whatever a validator decided; nothing when it does."""
    return rules.why_unbillable(**_asked(service_request, communication))


def _asked(service_request: ServiceRequest, communication: Communication) -> dict:
    return {
        "requested_by_request": service_request.are_communications_requested,
        "requested_by_name": communication.requested_by_name,
        "justification": communication.justification,
        "at": communication.at,
        "notice_received_at": service_request.notice_received_at,
    }


def written(communications) -> str:
    """Communications in the FAQ's form: « 1- 2024-12-01 14h10 Confirmation du rendez-vous »."""
    rows = []
    for row in communications:
        made_at = timezone.localtime(row.at)
        asked = {"requested_by_name": row.requested_by_name, "justification": row.justification}
        when = {"day": made_at.date(), "time": made_at.time()}
        rows.append(TypedCommunication(**when, purpose=row.purpose, other=row.purpose_text, **asked))
    return format_communications(rows, purposes={label: code for code, label in Purpose.choices})


# Messages: one thread with each interpreter, one with the requester; never read by the other side.


def thread_of(service_request: ServiceRequest, user: User, *, interpreter: User | None = None):
    """The messages `user` may read: their own side, or for the BI the side of `interpreter` (None: the requester)."""
    side = user if user.role == Role.INTERPRETER else interpreter
    if user.role == Role.REQUESTER:
        side = None
    return service_request.messages.filter(interpreter=side).select_related("author")


def last_messages():
    """For a query of requests: the key of the last message between the BI and whoever holds each."""
    thread = Message.objects.filter(service_request=OuterRef("pk"), interpreter=OuterRef("interpreter"))
    return Subquery(thread.order_by("-pk").values("pk")[:1])


def last_message(service_request: ServiceRequest) -> int | None:
    """The key of the last message between the BI and whoever holds the request; one query, none once annotated."""
    if not hasattr(service_request, "last_message_id"):
        rows = ServiceRequest.objects.filter(pk=service_request.pk)
        return rows.values_list(last_messages(), flat=True).get()
    return service_request.last_message_id


def readable(service_request: ServiceRequest, user: User):
    """All the messages `user` reads on the request's page, oldest first: a coordinator's are those of every side.

    With those that left with an interpreter to a relay (ruling 3), so that the page says where they are.
    """
    if user.role == Role.COORDINATOR:
        here = ServiceRequest.objects.filter(Q(pk=service_request.pk) | Q(relayed_from=service_request.pk))
        return Message.objects.filter(service_request__in=here).select_related("author", "interpreter")
    return thread_of(service_request, user)


def mark_read(
    service_request: ServiceRequest,
    *,
    by: User,
    at: datetime,
    interpreter: User | None = None,
    shown: Collection[int] | None = None,
) -> int:
    """The side of `by` has read its thread (for the BI, the one with `interpreter`): the messages `shown`, or all.

    Named one by one: a message may be committed later with a smaller key. Returns how many were new; one statement.
    """
    side = by if by.role == Role.INTERPRETER else interpreter
    unread = service_request.messages.unread_by(by).filter(interpreter=side)
    if shown is not None:
        unread = unread.filter(pk__in=shown)
    return unread.update(read_at=at)


@verb
def post_message(
    service_request,
    *,
    by: User,
    at: datetime,
    body: str,
    interpreter: User | None = None,
    urgency="",
    shown: Collection[int] | None = None,
) -> Message:
    """Write in a thread and tell the other side; `interpreter` is the side a BI member writes to.

    Whoever answers has read the messages `shown` (None: all of them). The same text sent twice at once is one message.
    Raises NotAllowed when the interpreter of the thread no longer has the request.
    """
    side = by if by.role == Role.INTERPRETER else interpreter
    service_request.lock()
    if side and service_request.interpreter_id != side.pk:
        raise NotAllowed(LOST)
    mark_read(service_request, by=by, at=at, interpreter=side, shown=shown)
    if not urgency and (sent := _just_sent(service_request, by=by, at=at, body=body, side=side)):
        return sent
    message = Message.objects.create(
        service_request=service_request,
        author=by,
        at=at,
        body=body,
        interpreter=side,
        urgency=urgency,
        is_to_bi=not by.is_bi_staff,
    )
    topic = Topic.URGENT_ASKED if urgency else Topic.MESSAGE
    readers = [side] if side else requesters_of(service_request)
    if not by.is_bi_staff:
        readers = User.objects.filter(role=Role.COORDINATOR, is_active=True)
    _tell(service_request, readers, topic, message, at=at)
    return message


def _just_sent(service_request, *, by, at, body, side) -> Message | None:
    return service_request.messages.filter(author=by, interpreter=side, body=body, at__gt=at - SAME_PRESS).first()


def may_ask_urgently(service_request, user: User, *, at: datetime) -> bool:
    """Ruling 3: the assigned interpreter, before the start, at 48 h or less."""
    left = service_request.starts_at - at
    is_holder = service_request.interpreter_id == user.pk and service_request.status in ASSIGNED
    return is_holder and timedelta(0) < left <= WITHDRAWAL_NOTICE


def is_urgently_asked(service_request) -> bool:
    """Whether an urgent withdrawal waits for its answer."""
    return service_request.messages.filter(urgency=Message.Urgency.ASKED).exists()


@verb
def ask_urgent_withdrawal(service_request, *, by: User, at: datetime, body: str) -> Message:
    """« Demander un désistement urgent »: open until a coordinator grants (mark_unallocated) or declines it."""
    service_request.lock()
    if not may_ask_urgently(service_request, by, at=at):
        raise NotAllowed("Un désistement urgent ne peut pas être demandé pour cette demande.")
    return post_message(service_request, by=by, at=at, body=body, urgency=Message.Urgency.ASKED, shown=())


@verb
def decline_urgent_withdrawal(service_request, *, by: User, at: datetime, reply: str) -> Message:
    """A coordinator keeps the interpreter on the request, and says why; the demand and its answer are both marked."""
    if by.role != Role.COORDINATOR:
        raise NotAllowed("Seule la coordination répond à un désistement urgent.")
    service_request.lock()
    asked = service_request.messages.filter(urgency=Message.Urgency.ASKED).first()
    if asked is None:
        raise NotAllowed("Aucun désistement urgent n’attend de réponse.")
    Message.objects.filter(pk=asked.pk).update(urgency=Message.Urgency.DECLINED)
    mark_read(service_request, by=by, at=at, interpreter=asked.interpreter, shown=[asked.pk])
    forget_urgency(service_request)
    message = Message.objects.create(
        service_request=service_request,
        author=by,
        at=at,
        body=reply,
        interpreter=asked.interpreter,
        urgency=Message.Urgency.DECLINED,
        is_to_bi=False,
    )
    _tell(service_request, [asked.interpreter], Topic.URGENT_DECLINED, message, at=at)
    return message


def _tell(service_request, readers, topic, message, *, at):
    context = context_of(service_request)
    event = f"message-{message.pk}"
    notices = [
        Notice(user=user, topic=topic, event=event, context=context)
        for user in readers
        if user and user != message.author
    ]
    # Not about the request: a message still holds when the request has moved.
    about = urgency_about(service_request) if topic == Topic.URGENT_ASKED else f"message:{message.pk}"
    notify.tell(notices, about=about, at=at)
