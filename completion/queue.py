"""The validators' queue: what awaits them, oldest first; what they narrow it to, and the files before and after one."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import parse_qsl, urlencode

from django.db.models import Count, Q, QuerySet

from accounts import keyset
from completion.flagged import flags_of
from completion.flags import Flag, FlagKind
from completion.models import Review
from requests_app.exchanges import last_messages
from requests_app.models import ServiceRequest
from requests_app.workflow import Status

# How many files, the oldest, are looked at for alerts and counted beside the filters; the page says so when it bites.
LOOKED_AT = 300
LONGEST_SEARCH = 60
# Nobody's name has more: each word is one more condition on every row.
MOST_WORDS = 6
# Beside a filter; the others are found by name.
LISTED_PEOPLE = 12
CLEAN, FLAGGED = "sans", "avec"
AGES = {
    # A late cancellation may be of a service still to come.
    "recents": ("Moins de 2 jours", None, timedelta(days=2)),
    "semaine": ("De 2 à 7 jours", timedelta(days=2), timedelta(days=7)),
    "anciens": ("De 7 à 30 jours", timedelta(days=7), timedelta(days=30)),
    "mois": ("Plus de 30 jours", timedelta(days=30), None),
}
RETURNED = {"non": "Non", "oui": "Oui"}
_ORDER = ("starts_at", "id")
# « 49 », « #49 », « no 49 », « Demande 49 ».
_NUMBERED = re.compile(r"(?:demande|n[o°º]|#|\s)*([0-9]+)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Choice:
    """What a validator narrowed the queue to, by the names of its address; a value of nobody's is none."""

    alertes: str = ""
    region: str = ""
    interprete: str = ""
    age: str = ""
    retournee: str = ""
    q: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Choice":
        """Whatever is longer than anything a filter offers is cut."""
        names = [known.name for known in fields(cls) if known.name in given]
        return cls(**{name: given[name].replace("\x00", "")[:LONGEST_SEARCH] for name in names})

    @classmethod
    def of_list(cls, kept: str) -> "Choice":
        """From what an address keeps of the list it was reached from (`_changelist_filters`)."""
        return cls.read(dict(parse_qsl(kept)))

    def written(self) -> str:
        return urlencode({name: value for name, value in vars(self).items() if value})


def waiting() -> QuerySet:
    """What awaits validation, oldest first."""
    return Review.objects.awaiting_review().order_by(*_ORDER)


def to_decide() -> QuerySet:
    """The same without what waits for its interpreter's answer."""
    return _answered(waiting())


def numbered(number: int) -> QuerySet:
    """The request of this number, awaiting validation or completed."""
    found = Review.objects.awaiting_review() | Review.objects.filter(status=Status.COMPLETED)
    return found.filter(pk=number).order_by(*_ORDER)


def number_in(text: str) -> int:
    """The number of a request in a search; 0 for a name."""
    found = _NUMBERED.fullmatch(text)
    return keyset.number(found[1]) if found else 0


def named(rows: QuerySet, text: str) -> QuerySet:
    """Those of an interpreter whose name has each of these words; accents do not count. A number is no name."""
    for word in text.split()[:MOST_WORDS] if not number_in(text) else ():
        name = Q(interpreter__first_name__unaccent__icontains=word)
        rows = rows.filter(name | Q(interpreter__last_name__unaccent__icontains=word))
    return rows


def listed(rows: QuerySet) -> QuerySet:
    """With what a list shows of each, and what its fingerprint reads: a fixed number of statements."""
    shown = rows.select_related("interpreter", "language", "institution__region", "completion")
    shown = shown.annotate(last_message_id=last_messages())
    return shown.prefetch_related("attachments", "communications", "added_lines")


# Narrowing.


def chosen(choice: Choice, *, at: datetime) -> QuerySet:
    """The rows of a choice, oldest first; with a choice of alerts, among the LOOKED_AT oldest of the others."""
    return narrowed(waiting(), choice, known={}, at=at)


def narrowed(rows: QuerySet, choice: Choice, *, known: Mapping[int, list[Flag]], at: datetime) -> QuerySet:
    """The same of any rows; `known` are flags already read."""
    rows = _of_age(named(rows, choice.q), choice.age, at)
    if choice.region:
        rows = rows.filter(institution__region=choice.region)
    if choice.interprete:
        rows = rows.filter(interpreter=keyset.number(choice.interprete))
    if choice.retournee in RETURNED:
        rows = _returned(rows) if choice.retournee == "oui" else _answered(rows)
    return rows.filter(pk__in=_alerted(rows, choice.alertes, known)) if choice.alertes else rows


def _of_age(rows, age, at):
    _, least, most = AGES.get(age, ("", None, None))
    if least:
        rows = rows.filter(starts_at__lte=at - least)
    return rows.filter(starts_at__gt=at - most) if most else rows


def _returned(rows):
    return rows.filter(completion__returned_at__isnull=False)


def _answered(rows):
    return rows.filter(Q(completion=None) | Q(completion__returned_at=None))


def _alerted(rows, alerts, known) -> list[int]:
    pks = rows.prefetch_related(None).values_list("pk", flat=True)[:LOOKED_AT]
    return [pk for pk, flags in more_flags(pks, known).items() if _is_alerted(flags, alerts)]


def more_flags(pks: Iterable[int], known: Mapping[int, list[Flag]]) -> dict[int, list[Flag]]:
    """The flags of these, without reading again those that are known."""
    pks = list(pks)
    return {pk: known[pk] for pk in pks if pk in known} | flags_of([Review(pk=pk) for pk in pks if pk not in known])


def _is_alerted(flags: Iterable[Flag], alerts: str) -> bool:
    if alerts in (CLEAN, FLAGGED):
        return bool(flags) == (alerts == FLAGGED)
    return alerts in {flag.kind for flag in flags}


# What the filters offer, each with how many.


@dataclass
class Counts:
    """How many files each filter would keep with the others as chosen, from the LOOKED_AT oldest; a few statements."""

    at: datetime
    choice: Choice = field(default_factory=Choice)
    rows: list = field(default_factory=list)

    def __post_init__(self):
        names = ("interpreter", "institution__region", "completion")
        self.rows = list(named(waiting(), self.choice.q).select_related(*names)[: LOOKED_AT + 1])

    @property
    def is_bounded(self) -> bool:
        """Whether there is more than what is counted."""
        return len(self.rows) > LOOKED_AT

    @cached_property
    def looked_at(self) -> list[Review]:
        return self.rows[:LOOKED_AT]

    @cached_property
    def flags(self) -> dict[int, list[Flag]]:
        return flags_of(self.looked_at)

    def alerts(self) -> list[tuple[str, str, int]]:
        """(value, label, number), those that some file has."""
        found = [self.flags[row.pk] for row in self.among("alertes")]
        kinds = Counter(kind for flags in found for kind in {flag.kind for flag in flags})
        clean = sum(not flags for flags in found)
        both = [(CLEAN, "Sans alerte", clean), (FLAGGED, "Avec alerte", len(found) - clean)]
        return both + [(kind.value, kind.label, kinds[kind]) for kind in FlagKind if kinds[kind]]

    def regions(self) -> list[tuple[str, str, int]]:
        found = Counter(row.institution.region for row in self.among("region"))
        return [(region.pk, str(region), number) for region, number in sorted(found.items(), key=lambda one: one[0].pk)]

    def people(self) -> list[tuple[str, str, int]]:
        """Those with the most files."""
        found = self._by_person().most_common(LISTED_PEOPLE)
        return [(str(person.pk), str(person), number) for person, number in found]

    def has_more_people(self) -> bool:
        return len(self._by_person()) > LISTED_PEOPLE

    def _by_person(self) -> Counter:
        return Counter(row.interpreter for row in self.among("interprete"))

    def ages(self) -> list[tuple[str, str, int]]:
        found = [self.at - row.starts_at for row in self.among("age")]
        return [(age, label, sum(_is_of_age(age, one) for one in found)) for age, (label, *_) in AGES.items()]

    def returned(self) -> list[tuple[str, str, int]]:
        found = Counter(is_returned(row) for row in self.among("retournee"))
        return [("non", RETURNED["non"], found[False]), ("oui", RETURNED["oui"], found[True])]

    @property
    def words(self) -> str:
        """« 42 à décider, 2 retournées », of the files that the filters keep."""
        rows = self.among()
        back = sum(is_returned(row) for row in rows)
        more = f", {back}\u00a0retournée{'s' if back > 1 else ''} à l’interprète" if back else ""
        return f"{len(rows) - back}\u00a0à décider{more}."

    def among(self, but: str = "") -> list[Review]:
        """Those that every filter keeps, `but` one that is being counted."""
        chosen = {name: value for name, value in vars(self.choice).items() if value and name not in ("q", but)}
        return [row for row in self.looked_at if all(self._keeps(row, *one) for one in chosen.items())]

    def _keeps(self, row, name: str, value: str) -> bool:
        """As `narrowed` does: an age or an answer of nobody's keeps everything."""
        if name == "alertes":
            return _is_alerted(self.flags[row.pk], value)
        if name == "age":
            return _is_of_age(value, self.at - row.starts_at)
        if name == "retournee":
            return value not in RETURNED or is_returned(row) == (value == "oui")
        known = {"region": str(row.institution.region_id), "interprete": str(row.interpreter_id)}
        return value == known[name]


def _is_of_age(name: str, age: timedelta) -> bool:
    _, least, most = AGES.get(name, ("", None, None))
    return (least is None or age >= least) and (most is None or age < most)


def is_returned(service_request: ServiceRequest) -> bool:
    """Whether the report waits for its interpreter's answer."""
    completion = getattr(service_request, "completion", None)
    return completion is not None and completion.returned_at is not None


# One file among the others.


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a file stands among those of a choice: `number` is 0 when it is not one of them; the keys of both sides."""

    number: int
    total: int
    before: int | None
    after: int | None


def place_of(service_request: ServiceRequest, choice: Choice, *, at: datetime) -> Place:
    """Three statements, besides those of the alerts. The last file is followed by the oldest."""
    rows = _to_open(choice, at)
    earlier, later = _sides(service_request)
    is_it = Count("pk", filter=Q(pk=service_request.pk))
    known = rows.aggregate(total=Count("pk"), earlier=Count("pk", filter=earlier), is_it=is_it)
    before = rows.filter(earlier).values_list("pk", flat=True).last()
    after = next_after(service_request, choice, at=at, rows=rows)
    number = known["earlier"] + 1 if known["is_it"] else 0
    return Place(number=number, total=known["total"], before=before, after=after)


def next_after(
    service_request: ServiceRequest, choice: Choice, *, at: datetime, rows: QuerySet | None = None
) -> int | None:
    """The file that follows in the choice, or else its oldest; one returned to its interpreter waits for an answer."""
    rows = _to_open(choice, at) if rows is None else rows
    others = rows.exclude(pk=service_request.pk).values_list("pk", flat=True)
    return others.filter(_sides(service_request)[1]).first() or others.first()


def _to_open(choice: Choice, at) -> QuerySet:
    rows = chosen(choice, at=at)
    return rows if choice.retournee else _answered(rows)


def _sides(service_request) -> tuple[Q, Q]:
    starts_at, pk = service_request.starts_at, service_request.pk
    earlier = Q(starts_at__lt=starts_at) | Q(starts_at=starts_at, pk__lt=pk)
    return earlier, Q(starts_at__gt=starts_at) | Q(starts_at=starts_at, pk__gt=pk)
