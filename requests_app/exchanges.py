"""What people write on a request without moving it: communications made, messages, urgent withdrawals asked."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import notify
from accounts.models import User
from accounts.notify import Notice
from accounts.roles import Role
from completion import rules
from completion.rules import TypedCommunication, format_communications, is_billable
from requests_app.models import Communication, Message, Purpose, ServiceRequest
from requests_app.notifications import Topic, context_of, forget_urgency, requesters_of, urgency_about
from requests_app.workflow import ASSIGNED, WITHDRAWAL_NOTICE, NotAllowed, Status

LOGGABLE = (*ASSIGNED, Status.PROVIDED, Status.CANCELLED)


def may_log(service_request: ServiceRequest, user: User) -> bool:
    """Ruling 6: as soon as the request is reserved, until Achevé; by its interpreter, or a coordinator for them."""
    is_concerned = user.pk == service_request.interpreter_id or user.role == Role.COORDINATOR
    return service_request.status in LOGGABLE and service_request.interpreter_id is not None and is_concerned


@transaction.atomic
def log_communication(
    service_request: ServiceRequest, *, by: User, at: datetime, made_at: datetime, **fields
) -> Communication:
    """Add one communication, made at `made_at`; raises NotAllowed when the request is not the person's, or closed."""
    service_request.lock()
    if not may_log(service_request, by):
        raise NotAllowed("Les communications de cette demande ne peuvent plus être modifiées.")
    if made_at > at:
        raise NotAllowed("Une communication ne peut pas être dans le futur.")
    interpreter = service_request.interpreter
    return Communication.objects.create(service_request=service_request, interpreter=interpreter, at=made_at, **fields)


def is_communication_billable(service_request: ServiceRequest, communication: Communication) -> bool:
    """Ruling 6, for one row of a request: the rule says so, or a validator accepted it."""
    return communication.is_accepted or is_billable(**_asked(service_request, communication))


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
        rows.append(
            TypedCommunication(day=made_at.date(), time=made_at.time(), purpose=row.purpose, other=row.purpose_text)
        )
    return format_communications(rows, purposes={label: code for code, label in Purpose.choices})


# Messages: one thread with each interpreter, one with the requester; never read by the other side.


def thread_of(service_request: ServiceRequest, user: User, *, interpreter: User | None = None):
    """The messages `user` may read: their own side, or for the BI the side of `interpreter` (None: the requester)."""
    side = user if user.role == Role.INTERPRETER else interpreter
    if user.role == Role.REQUESTER:
        side = None
    return service_request.messages.filter(interpreter=side).select_related("author")


@transaction.atomic
def post_message(
    service_request, *, by: User, at: datetime, body: str, interpreter: User | None = None, urgency=""
) -> Message:
    """Write in a thread and tell the other side; `interpreter` is the side a BI member writes to."""
    side = by if by.role == Role.INTERPRETER else interpreter
    message = Message.objects.create(
        service_request=service_request, author=by, at=at, body=body, interpreter=side, urgency=urgency
    )
    topic = Topic.URGENT_ASKED if urgency else Topic.MESSAGE
    readers = [side] if side else requesters_of(service_request)
    if not by.is_bi_staff:
        readers = User.objects.filter(role=Role.COORDINATOR, is_active=True)
    _tell(service_request, readers, topic, message, at=at)
    return message


def may_ask_urgently(service_request, user: User, *, at: datetime) -> bool:
    """Ruling 3: the assigned interpreter, before the start, at 48 h or less."""
    left = service_request.starts_at - at
    is_holder = service_request.interpreter_id == user.pk and service_request.status in ASSIGNED
    return is_holder and timedelta(0) < left <= WITHDRAWAL_NOTICE


@transaction.atomic
def ask_urgent_withdrawal(service_request, *, by: User, at: datetime, body: str) -> Message:
    """« Demander un désistement urgent »: open until a coordinator grants (mark_unallocated) or declines it."""
    service_request.lock()
    if not may_ask_urgently(service_request, by, at=at):
        raise NotAllowed("Un désistement urgent ne peut pas être demandé pour cette demande.")
    try:
        return post_message(service_request, by=by, at=at, body=body, urgency=Message.Urgency.ASKED)
    except IntegrityError as error:
        raise NotAllowed("Un désistement urgent est déjà demandé.") from error


@transaction.atomic
def decline_urgent_withdrawal(service_request, *, by: User, at: datetime, reply: str) -> Message:
    """A coordinator keeps the interpreter on the request, and says why."""
    if by.role != Role.COORDINATOR:
        raise NotAllowed("Seule la coordination répond à un désistement urgent.")
    service_request.lock()
    asked = service_request.messages.filter(urgency=Message.Urgency.ASKED).first()
    if asked is None:
        raise NotAllowed("Aucun désistement urgent n’attend de réponse.")
    Message.objects.filter(pk=asked.pk).update(urgency=Message.Urgency.DECLINED)
    forget_urgency(service_request)
    message = Message.objects.create(
        service_request=service_request, author=by, at=at, body=reply, interpreter=asked.interpreter
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
