"""The threads of a request's page: which ones a person reads, what is new in each, how much of each is shown."""

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from requests_app import exchanges
from requests_app.forms import MessageForm
from requests_app.masking import eraser_for, masked
from requests_app.models import Message

# The last messages of a long thread; the others are one link away.
SHOWN = 20
# As many are said read at once; those beyond wait for the next press.
MOST_NEW = 500


@dataclass
class Thread:
    """Messages with one side: `key` names it in the forms; one that is closed is read, no longer written to.

    One that left with its interpreter is on the relay `moved_to` (ruling 3).
    """

    title: str
    messages: list[Message]
    user: User
    key: str = ""
    side: User | None = None
    is_closed: bool = False
    is_whole: bool = False
    moved_to: int | None = None
    form: MessageForm | None = None

    def __post_init__(self):
        self.new = {message.pk for message in self.messages if _is_new(message, self.user)}
        if not self.is_closed:
            self.form = MessageForm(purpose=f"message{self.key}", label=self.label)

    @property
    def to(self) -> str:
        """To whom one writes here, when the page has several threads: nobody writes to the wrong side."""
        return (f"à {self.side}" if self.side else "au demandeur") if self.key else ""

    @property
    def label(self) -> str:
        return f"Message {self.to}".strip()

    @property
    def shown(self) -> list[Message]:
        """The last ones, and all that are new."""
        if self.is_whole:
            return self.messages
        first_new = next((index for index, row in enumerate(self.messages) if row.pk in self.new), len(self.messages))
        return self.messages[max(0, min(first_new, len(self.messages) - SHOWN)) :]

    @property
    def hidden_count(self) -> int:
        return len(self.messages) - len(self.shown)

    @property
    def last_new(self) -> int | None:
        """The message that « Marquer comme lu » stands beside."""
        return next((message.pk for message in reversed(self.messages) if message.pk in self.new), None)

    @property
    def new_keys(self) -> str:
        """The messages shown as new, which the forms carry: one that comes meanwhile is not read yet."""
        return ",".join(str(key) for key in sorted(self.new)[-MOST_NEW:])


def _is_new(message: Message, user: User) -> bool:
    """The Python side of `Message.objects.unread_by`, for the messages of a thread that `user` reads."""
    return message.read_at is None and message.is_to_bi == user.is_bi_staff


def threads(service_request, user: User, *, is_whole: bool = False) -> list[Thread]:
    """The threads a person may read, in one statement: their own; for a coordinator, each interpreter's and the
    requester's.
    """
    if user.role == Role.COORDINATOR:
        return _threads_of_coordinator(service_request, user, is_whole)
    if user.role == Role.REQUESTER or (user.role == Role.INTERPRETER and service_request.interpreter_id == user.pk):
        hide = eraser_for(service_request, user, at=timezone.now())
        own = [masked(message, hide, "body") for message in exchanges.readable(service_request, user)]
        return [Thread("Messages avec la BI", own, user, is_whole=is_whole)]
    return []


def _threads_of_coordinator(service_request, user, is_whole) -> list[Thread]:
    """Whoever held the request wrote what the BI still has to read; only who holds it now reads an answer."""
    current, sides, moved = service_request.interpreter, {}, {}
    for message in exchanges.readable(service_request, user):
        if message.service_request_id != service_request.pk:
            moved.setdefault(message.service_request_id, message.interpreter)
        else:
            sides.setdefault(message.interpreter, []).append(message)
    given = {"user": user, "is_whole": is_whole}
    found = []
    if current:
        mine = sides.pop(current, [])
        found.append(Thread(f"Messages avec {current}", mine, key=str(current.pk), side=current, **given))
    found.append(Thread("Messages avec le demandeur", sides.pop(None, []), key="demandeur", **given))
    former = "Messages avec {}, qui n’a plus la demande"
    found += [
        Thread(former.format(side), rows, key=str(side.pk), side=side, is_closed=True, **given)
        for side, rows in sides.items()
    ]
    return found + [
        Thread(former.format(side), [], key=f"demande{relay}", side=side, is_closed=True, moved_to=relay, **given)
        for relay, side in moved.items()
    ]


def thread_named(found: list[Thread], key: str) -> Thread | None:
    return next((thread for thread in found if thread.key == key), None)
