"""The flags of many files at once: what flags.py asks for, read from the database in seven statements."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection
from django.db.models import F, Min
from django.utils import timezone

from accounts.models import InterpreterProfile
from billing.models import AddedLine, PayPolicy
from billing.rules import RuleError, policy_for, service_date
from completion.flags import Flag, flags
from completion.models import Attachment, Completion
from completion.review_facts import Addition, Copy, Exchange, Presence, ReviewFacts
from requests_app.distances import distances, road_km, road_minutes, routes_for, ways_of
from requests_app.masking import eraser
from requests_app.models import Communication, ServiceRequest
from requests_app.workflow import ServiceType, Status

# Presences reported within a day of each other are compared: nobody drives longer between two services. The booked
# start finds them through `request_list_of_interpreter`, for a presence is reported on the day nearest to it
# (forms.py); OFFSET 0 keeps it so whatever the number of rows, where a join would read both tables whole.
_NEIGHBOURS = f"""
SELECT mine.id, other.id, theirs.actual_starts_at, theirs.actual_ends_at,
    mine.service_type = '{ServiceType.ON_SITE}' AND other.service_type = '{ServiceType.ON_SITE}',
    here.id, here.latitude, here.longitude, there.id, there.latitude, there.longitude
FROM requests_app_servicerequest mine
JOIN completion_completion ours ON ours.service_request_id = mine.id
CROSS JOIN LATERAL (
    SELECT id, service_type, facility_id FROM requests_app_servicerequest
    WHERE interpreter_id = mine.interpreter_id AND id <> mine.id
        AND status IN ('{Status.PROVIDED}', '{Status.CANCELLED}', '{Status.COMPLETED}')
        AND starts_at > ours.actual_starts_at - interval '3 days'
        AND starts_at < ours.actual_ends_at + interval '3 days'
    OFFSET 0
) other
CROSS JOIN LATERAL (
    SELECT actual_starts_at, actual_ends_at FROM completion_completion WHERE service_request_id = other.id OFFSET 0
) theirs
LEFT JOIN requests_app_facility here ON here.id = mine.facility_id
LEFT JOIN requests_app_facility there ON there.id = other.facility_id
WHERE mine.id = ANY(%s) AND theirs.actual_ends_at > ours.actual_starts_at - interval '1 day'
    AND theirs.actual_starts_at < ours.actual_ends_at + interval '1 day'
ORDER BY theirs.actual_starts_at, other.id
"""  # noqa: S608 (the house's own constants; what is given goes by a parameter)
_OF_A_PIECE = ("sha256", "kind", "interpreter_id", "service_request_id", "service_request__starts_at")


def flags_of(service_requests: Iterable[ServiceRequest]) -> dict[int, list[Flag]]:
    """The flags of each request by its key, as the database has them now; seven statements whatever the number of rows,
    eight with a routing service.

    Only the keys of what is given are read: whoever holds the locks judges what they are about to write upon.
    """
    pks = sorted({row.pk for row in service_requests})
    if not pks:
        return {}
    rows = list(_rows(pks))
    around = _Surroundings(pks, rows)
    return {row.pk: flags(around.facts(row)) for row in rows}


def _rows(pks: list[int]):
    related = ServiceRequest.objects.select_related("facility", "relayed_from", "completion")
    # Not `filed_at`: a relay may be returned to its interpreter before they file anything.
    return related.annotate(first_filed_at=Min("completion__revisions__at")).filter(pk__in=pks).order_by("pk")


class _Surroundings:
    """Everything beside the requests themselves, each table read once."""

    def __init__(self, pks: list[int], rows: list[ServiceRequest]):
        self.exchanges, self.presences = _exchanges(pks), _presences(pks)
        self.receipts, self.copies = _files(pks)
        self.additions = _additions(pks)
        self.policies, self.thresholds = list(PayPolicy.objects.published()), {}
        served = InterpreterProfile.objects.filter(user__requests_served__in=pks).distinct()
        self.profiles = {profile.user_id: profile for profile in served.select_related("home_institution")}
        self.routes = routes_for(way for row in rows for way in ways_of(row, self.profiles.get(row.interpreter_id)))

    def facts(self, row: ServiceRequest) -> ReviewFacts:
        """Of a row with its report, its facility and the request it relays."""
        completion = getattr(row, "completion", None) or Completion()
        known = distances(row, self.profiles.get(row.interpreter_id), self.routes)
        return ReviewFacts(
            service_type=row.service_type,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            created_at=(row.relayed_from or row).created_at,
            notice_received_at=row.notice_received_at,
            told_at=completion.told_at,
            filed_at=row.first_filed_at,
            present_from=completion.actual_starts_at,
            present_to=completion.actual_ends_at,
            distance_km=completion.distance_km,
            estimated_km=known.shorter,
            estimated_how=known.how,
            threshold_km=self._threshold(row),
            parking_amount=completion.parking_amount,
            has_receipt=row.pk in self.receipts,
            are_communications_requested=row.are_communications_requested,
            exchanges=tuple(self.exchanges[row.pk]),
            presences=tuple(self.presences[row.pk]),
            copies=tuple(self.copies[row.pk]),
            additions=tuple(self.additions[row.pk]),
        )

    def _threshold(self, row):
        day = service_date(row.starts_at, timezone.get_default_timezone())
        if day not in self.thresholds:
            try:
                self.thresholds[day] = policy_for(day, self.policies).mileage_threshold_km
            except RuleError:
                self.thresholds[day] = None
        return self.thresholds[day]


def _exchanges(pks: list[int]) -> dict[int, list[Exchange]]:
    found = defaultdict(list)
    for row in Communication.objects.filter(service_request__in=pks):
        found[row.service_request_id].append(
            Exchange(
                at=row.at,
                purpose=row.get_purpose_display(),
                precision=row.purpose_text,
                requested_by_name=row.requested_by_name,
                justification=row.justification,
                is_decided=row.is_accepted,
            )
        )
    return found


def _presences(pks: list[int]) -> dict[int, list[Presence]]:
    found = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_NEIGHBOURS, [pks])
        for mine, other, starts_at, ends_at, is_travelled, *places in cursor.fetchall():
            minutes = _road_minutes(*places) if is_travelled else None
            found[mine].append(Presence(number=other, starts_at=starts_at, ends_at=ends_at, road_minutes=minutes))
    return found


def _road_minutes(here, north, east, there, to_north, to_east) -> int | None:
    km = road_km((north, east), (to_north, to_east))
    # Two clinics of one address are one place.
    return 0 if here == there or km == 0 else km and road_minutes(km)


def _additions(pks: list[int]) -> dict[int, list[Addition]]:
    """Those of whoever holds each request now, as `billing.services.added_lines` pays them."""
    found = defaultdict(list)
    theirs = AddedLine.objects.filter(service_request__in=pks, interpreter=F("service_request__interpreter"))
    theirs = theirs.filter(removed_at=None)
    for row in theirs.select_related("added_by", "service_request").order_by("pk"):
        line = Addition(amount=row.amount, added_by=str(row.added_by), reason=eraser(row.service_request)(row.reason))
        found[row.service_request_id].append(line)
    return found


def _files(pks: list[int]) -> tuple[set[int], dict[int, list[Copy]]]:
    """The requests with a parking receipt, and the same files elsewhere; those of whoever holds each request now."""
    kept = Attachment.objects.current()
    same = kept.filter(sha256__in=kept.filter(service_request__in=pks).values("sha256")).order_by("pk")
    by_hash = defaultdict(list)
    for piece in same.values_list(*_OF_A_PIECE, named=True):
        by_hash[piece.sha256].append(piece)
    receipts, copies, asked = set(), defaultdict(list), set(pks)
    for pieces in by_hash.values():
        first_of = {piece.service_request_id: piece for piece in reversed(pieces)}
        for number in asked.intersection(first_of) if len(first_of) > 1 else ():
            copies[number].append(_copy(first_of[number], pieces, more=len(first_of) - 2))
        receipts |= {piece.service_request_id for piece in pieces if piece.kind == Attachment.Kind.PARKING_RECEIPT}
    return receipts, copies


def _copy(piece, pieces: list, *, more: int) -> Copy:
    """The first of the same files that is on another request."""
    other = next(other for other in pieces if other.service_request_id != piece.service_request_id)
    return Copy(
        number=other.service_request_id,
        served_at=other.service_request__starts_at,
        is_receipt=piece.kind == Attachment.Kind.PARKING_RECEIPT,
        is_same_person=other.interpreter_id == piece.interpreter_id,
        more=more,
    )
