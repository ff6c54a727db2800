"""The coordinators' board: its queues, each rule written once, their numbers and their rows.

Whatever the filters and the number of requests: one statement for all the numbers, one for the rows of a queue.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts import undelivered
from accounts.french import hour, short_date
from accounts.models import User
from accounts.roles import Role
from requests_app import queues
from requests_app.models import ServiceRequest
from requests_app.paging import CappedCount, page_after
from requests_app.workflow import ServiceType

# From this many hours on, what is left is told in days.
IN_DAYS = 96
# Past this, a count says « 100+ ».
MOST = 100
_SHOWN = [
    *["status", "service_type", "starts_at", "ends_at", "created_at", "language__name"],
    *["facility__name", "facility__area", "facility__region__name", "institution__name", "institution__region__name"],
    *["interpreter__first_name", "interpreter__last_name"],
]


@dataclass(frozen=True)
class Filters:
    """What the address keeps of the rows: of a region, a language, a type of service; empty is all of them."""

    region: str = ""
    language: str = ""
    service_type: str = ""

    @classmethod
    def read(cls, query, *, regions, languages) -> "Filters":
        """A value that is not among the codes known falls back to all."""

        def known(name, codes):
            return value if (value := query.get(name, "")) in codes else ""

        return cls(known("region", regions), known("langue", languages), known("type", ServiceType.values))

    def __bool__(self):
        return any((self.region, self.language, self.service_type))

    @property
    def rule(self) -> Q:
        """The region is that of the place, else of the institution."""
        kept = Q()
        if self.region:
            kept &= Q(facility__region=self.region) | Q(facility=None, institution__region=self.region)
        if self.language:
            kept &= Q(language=self.language)
        return kept & Q(service_type=self.service_type) if self.service_type else kept

    def url(self, queue: "Queue", after: str = "") -> str:
        given = {"file": queue.slug, "region": self.region, "langue": self.language, "type": self.service_type}
        return "?" + urlencode({name: value for name, value in (given | {"apres": after}).items() if value})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the board, its dates written once; `steps` are (label, address, key of the shortcut)."""

    number: int
    url: str
    day: str
    hours: str
    left: str
    is_soon: bool
    language: str
    service: str
    place: str
    area: str
    what: str
    detail: str
    steps: list


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One queue: which requests are in it (`rule`), in what order, and what each row says of why."""

    slug: str
    label: str
    help: str
    empty: str
    rule: Callable[[datetime], QuerySet]
    said: Callable[[ServiceRequest, datetime], tuple[str, str]]
    # What the sentences need beside the row, in its statement; and what takes a statement of its own for a page.
    notes: Callable[[datetime], dict] = lambda at: {}
    read_beside: Callable[[list], None] = lambda page: None
    by: str = "starts_at"
    steps: tuple = ()
    is_urgent: bool = False
    # What cannot wait is never hidden by a filter.
    is_filtered: bool = True

    def kept(self, filters: Filters, at: datetime) -> QuerySet:
        """Its requests that the filters leave."""
        return self.rule(at).filter(filters.rule) if self.is_filtered else self.rule(at)


# What comes next is one click away: (label, address, key of the shortcut, part of the page).
_OFFER = ("Offrir", "requests:offer", "f", "")
_ASSIGN = ("Attribuer", "requests:assign", "a", "")

QUEUES = [
    Queue(
        slug="desistement-urgent",
        label="Désistement urgent",
        help="L’interprète demande à se désister à 48\u00a0h ou moins du début. Accordez ou refusez.",
        empty="Aucun désistement urgent n’attend de réponse.",
        rule=queues.asked_to_leave,
        notes=queues.why_leaving,
        said=queues.said_leaving,
        steps=(("Répondre", "requests:detail", "", ""),),
        is_urgent=True,
        is_filtered=False,
    ),
    Queue(
        slug="non-alloue",
        label="Non alloué",
        help="Personne n’a ces demandes. Offrez-les ou attribuez-les, la plus proche d’abord.",
        empty="Aucune demande à attribuer.",
        rule=queues.unallocated,
        notes=queues.why_unallocated,
        said=queues.said_unallocated,
        steps=(_OFFER, _ASSIGN),
        is_urgent=True,
    ),
    Queue(
        slug="sans-reponse",
        label="Sans réponse",
        help="Le dernier délai de réponse passe dans 4\u00a0h, ou le service commence dans 48\u00a0h. Relancez, ou "
        "offrez à d’autres.",
        empty="Aucune offre n’approche de son délai.",
        rule=queues.unanswered,
        notes=queues.why_unanswered,
        said=queues.said_unanswered,
        by="last_answer_by",
        steps=(_OFFER, _ASSIGN),
    ),
    Queue(
        slug="modifie-non-vu",
        label="Modifié non vu",
        help="L’interprète n’a pas encore pris connaissance de la modification. Téléphonez si le service approche.",
        empty="Toutes les modifications ont été vues.",
        rule=queues.unseen,
        notes=queues.why_unseen,
        said=queues.said_unseen,
    ),
    Queue(
        slug="messages",
        label="Messages",
        help="Des interprètes ou des demandeurs ont écrit à la BI.",
        empty="Tous les messages ont été lus.",
        rule=queues.with_news,
        notes=queues.why_news,
        said=queues.said_news,
        by="unread_at",
        steps=(("Lire", "requests:detail", "", "#messages"),),
    ),
    Queue(
        slug="debut-passe",
        label="Début passé",
        help="L’heure du début est passée sans interprète. Attribuez la demande si quelqu’un y est allé, ou si le "
        "texte peut encore être remis; sinon, annulez-la.",
        empty="Aucune demande n’a commencé sans interprète.",
        rule=queues.begun,
        said=queues.said_begun,
        steps=(_ASSIGN, ("Annuler", "requests:cancel", "", "")),
    ),
    Queue(
        slug="a-remplir",
        label="À remplir en retard",
        help="Le service est fini depuis plus de 2\u00a0jours et les détails de l’achèvement manquent.",
        empty="Tous les détails de l’achèvement sont remplis, ou le seront bientôt.",
        rule=queues.unfilled,
        read_beside=queues.count_reminders,
        said=queues.said_unfilled,
        steps=(("Remplir", "completion:edit", "", ""),),
    ),
]
BY_SLUG = {queue.slug: queue for queue in QUEUES}
FIRST = BY_SLUG["non-alloue"]


# Numbers and rows


def numbers(filters: Filters, *, at: datetime) -> tuple[dict[str, int], int]:
    """({slug: how many rows}, how many messages did not arrive), each counted to MOST + 1. One statement."""
    counts = [CappedCount(queue.kept(filters, at), MOST) for queue in QUEUES]
    lost = CappedCount(undelivered.recent(at), undelivered.MOST)
    *found, lost = User.objects.filter(role=Role.SYSTEM).values_list(*counts, lost).get()
    return dict(zip(BY_SLUG, found, strict=True)), lost


def opening(counts: dict[str, int]) -> Queue:
    """The first queue that has rows, in the order of urgency."""
    return next((queue for queue in QUEUES if counts[queue.slug]), FIRST)


def rows(queue: Queue, filters: Filters, after: str, *, at: datetime) -> tuple[list[Row], str | None]:
    """One page of a queue and the key of the next; one statement, and one for the reminders of a late report."""
    kept = queue.kept(filters, at).annotate(**queue.notes(at))
    related = kept.select_related("language", "facility__region", "institution__region", "interpreter").only(*_SHOWN)
    page, next_key = page_after(related, after, by=queue.by)
    queue.read_beside(page)
    return [_row(row, queue, at) for row in page], next_key


def _row(row: ServiceRequest, queue: Queue, at: datetime) -> Row:
    what, detail = queue.said(row, at)
    start, place = hour(row.starts_at), row.facility or row.institution
    return Row(
        number=row.pk,
        url=reverse("requests:detail", args=[row.pk]),
        day=short_date(row.starts_at, weekday=True),
        hours=f"{start} à {hour(row.ends_at)}" if row.is_spoken else start,
        # Of what is over and reserved, only the report is awaited.
        left="" if row.is_assigned and row.starts_at <= at else left_words(row.starts_at, at),
        is_soon=row.starts_at - at <= queues.START_NEAR,
        language=row.language.name.capitalize(),
        service=row.get_service_type_display(),
        place=place.name,
        area=", ".join(dict.fromkeys(part for part in (getattr(place, "area", ""), place.region.name) if part)),
        what=what,
        detail=detail,
        steps=[(label, reverse(name, args=[row.pk]) + part, key) for label, name, key, part in queue.steps],
    )


def left_words(starts_at: datetime, at: datetime) -> str:
    """Before the start, in minutes, hours, then days: « 45 min », « 30 h », « 4 j »; « Début passé » after it."""
    if starts_at <= at:
        return "Début\u00a0passé"
    hours, rest = divmod(starts_at - at, timedelta(hours=1))
    if not hours:
        return f"{max(rest // timedelta(minutes=1), 1)}\u00a0min"
    return f"{hours}\u00a0h" if hours < IN_DAYS else f"{hours // 24}\u00a0j"
