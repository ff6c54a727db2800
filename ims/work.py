"""What waits for whoever opens the admin: a few numbers, each with the list it counts, and the first files to open."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts import undelivered
from accounts.models import User
from accounts.roles import Role
from billing import statements
from billing.models import PayPeriod, PayPolicy
from completion import queue
from completion.models import Review
from requests_app.models import ServiceRequest
from requests_app.paging import CappedCount
from requests_app.workflow import Status

# Past this, a number says « 1 000 + ».
MOST = 1000
FIRST = 5
_QUEUE = "admin:completion_review_changelist"


@dataclass(frozen=True)
class Task:
    """« À valider (23) »; `url` is empty for whoever does not open the list."""

    label: str
    number: int
    url: str = ""

    @property
    def words(self) -> str:
        return f"{MOST:,}\u00a0+".replace(",", "\u00a0") if self.number > MOST else str(self.number)


def tasks_of(user: User, *, at: datetime) -> list[Task]:
    """What waits, by role; one statement, and another for the periods that ended."""
    return [*_to_compute(user, at), *_counted(user, at)]


def _to_compute(user, at) -> list[Task]:
    if user.role != Role.VALIDATOR:
        return []
    return [Task("Périodes à calculer", statements.ended_periods(at), reverse("billing:periods"))]


def _counted(user, at) -> list[Task]:
    counts = [CappedCount(rows, MOST) for _, rows, _ in _listed(user, at)]
    numbers = User.objects.filter(pk=user.pk).values_list(*counts).get()
    return [Task(label, number, url) for (label, _, url), number in zip(_listed(user, at), numbers, strict=True)]


def _listed(user, at) -> list[tuple]:
    """(label, rows, address) of each number."""
    unallocated = ServiceRequest.objects.filter(status=Status.UNALLOCATED)
    if user.role == Role.VALIDATOR:
        address, returned = reverse(_QUEUE), queue.waiting().filter(completion__returned_at__isnull=False)
        return [
            ("À valider", queue.to_decide(), address),
            ("Retournés, sans réponse", returned, f"{address}?retournee=oui"),
            ("Non alloué", unallocated, ""),
            ("Périodes à publier", PayPeriod.objects.filter(state=PayPeriod.State.DRAFT), reverse("billing:periods")),
        ]
    tariffs = reverse("admin:billing_paypolicy_changelist")
    drafts = PayPolicy.objects.filter(state=PayPolicy.State.DRAFT)
    unconfirmed = PayPolicy.objects.published().filter(rates_confirmed=False)
    return [
        ("Messages non remis", undelivered.recent(at), reverse("accounts:undelivered")),
        ("Politiques à publier", drafts, tariffs),
        ("Tarifs à confirmer", unconfirmed, tariffs),
        ("Non alloué", unallocated, ""),
    ]


def files_of(user: User) -> list[Review]:
    """The oldest files to open, not those that wait for their interpreter; one statement."""
    if user.role != Role.VALIDATOR:
        return []
    return list(queue.to_decide().select_related("interpreter", "language")[:FIRST])
