"""The ranking of one request, in one statement: who could serve it, in which order, and the facts that say why.

Each interpreter who speaks the language is one row; those asked for by name are rows too, whoever they are. Bookings
of one interpreter never overlap (ruling 2): the latest that starts before the request's end says whether they are
booked and where they come from, the earliest that starts after it where they go. Kilometres are estimates, for all
alike: the routing service is asked only of who was offered a request or has it (routes.py).
"""

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from accounts.french import decimal
from accounts.roles import Role
from requests_app.availability import parts_of
from requests_app.distances import HOW, Source, road_km_sql, road_minutes_sql
from requests_app.models import CancellationReason, Offer
from requests_app.sourcing import MINUTES_TO_ANSWER, REACH_KM
from requests_app.workflow import BOOKED, SPOKEN, Action, ServiceType, Status

# What makes a rank: the points of each fact, added. A kilometre is the unit: « 5 » is worth five kilometres less.
WEIGHTS = {
    # At the door; one point less for each kilometre by road, and below nothing past the usual reach.
    "near": REACH_KM,
    # Paid already for that time by a late cancellation, and free: the first to ask after the nearest.
    "paid": 40,
    # Each time they served the institution, up to `served_at_most` times: they know the place and are known there.
    "served": 4,
    "served_at_most": 5,
    # Nothing booked in the two hours before nor after: a service that runs late disturbs nobody.
    "free": 10,
    # Each minute that the way from the booking before, or to the one after, would lack.
    "missing_minute": -2,
    # Offered this request once and did not answer: others are asked first.
    "silent": -60,
    # The BI took back their offer of this request: a wave begun since asks others first.
    "retracted": -40,
    # Fairness: each hour booked or served this month, each offer received this month.
    "hour": -0.5,
    "offer": -1,
}
# « Comment la liste est-elle classée? »: a sentence for each row above, which gives it its number.
SENTENCES = {
    "near": f"À la porte, {{}} points; un de moins à chaque kilomètre de route ({HOW[Source.ESTIMATE]}).",
    "paid": "Déjà payé·e pour une annulation tardive à ces heures, et libre\u00a0: {} points de plus.",
    "served": "Chaque service rendu à cet établissement\u00a0: {} points de plus.",
    "served_at_most": "De ces services, {} comptent au plus.",
    "free": "Rien de réservé dans les deux heures avant ni après\u00a0: {} points de plus.",
    "missing_minute": "Chaque minute qui manque pour venir de la demande d’avant, ou aller à celle d’après\u00a0: "
    "{} points de moins.",
    "silent": "N’a pas répondu à une première offre de cette demande\u00a0: {} points de moins.",
    "retracted": "La BI a retiré son offre de cette demande\u00a0: {} points de moins.",
    "hour": "Chaque heure réservée ou servie ce mois-ci\u00a0: {} point de moins.",
    "offer": "Chaque offre reçue ce mois-ci\u00a0: {} point de moins.",
}
MARGIN_HOURS = 2
# Past this, a night or a meal separates two bookings: the way between them is nobody's trouble.
NEIGHBOUR_HOURS = 12
# Longer than any spoken service: where a late cancellation over that time may have begun.
LONGEST_HOURS = 24
# Past this many services, « plus de 20 fois » says enough.
MOST_SERVED = 20


def _listed(values) -> str:
    """Written in full, so that the planner sees the condition of a partial index."""
    return ", ".join(f"'{value.value}'" for value in values)


# How one comes to have a request, and how one no longer has it; a cancellation undone is no fault of theirs.
_GIVING = (Action.ACCEPT, Action.ASSIGN, Action.REASSIGN)
_TAKING = (Action.MARK_UNALLOCATED, Action.REASSIGN, Action.REINSTATE)
_BOOKING = f"status IN ({_listed(BOOKED)}) AND service_type IN ({_listed(SPOKEN)})"

_HERE = ("place.latitude", "place.longitude")
_WAY = road_km_sql(("origin.latitude", "origin.longitude"), _HERE)


def _missing(place: str, free_time: str) -> str:
    """Minutes that lack between a neighbouring booking's place and this one; nothing when nobody travels."""
    km = road_km_sql((f"{place}.latitude", f"{place}.longitude"), _HERE)
    travel = f"CASE WHEN {place}.id = %(facility)s THEN 0 ELSE {road_minutes_sql(km)} END"
    return f"coalesce(greatest({travel} - floor(extract(epoch FROM {free_time}) / 60), 0), 0)::int"


_STATEMENT = f"""
WITH place AS (
    SELECT facility.latitude::float8 AS latitude, facility.longitude::float8 AS longitude,
        coalesce(facility.region_id, institution.region_id) AS region_id,
        (SELECT name FROM accounts_language WHERE code = %(language)s) AS language
    FROM accounts_institution institution LEFT JOIN requests_app_facility facility ON facility.id = %(facility)s
    WHERE institution.id = %(institution)s
), asked AS (
    SELECT interpreter_id, bool_or(state = '{Offer.State.OPEN}' AND answer_by > %(at)s) AS has_offer,
        bool_or(state = '{Offer.State.REFUSED}') AS has_refused,
        bool_or(state IN ('{Offer.State.OPEN}', '{Offer.State.EXPIRED}') AND answer_by <= coalesce(closed_at, %(at)s)
            AND answer_by - sent_at >= interval '{MINUTES_TO_ANSWER} minutes') AS was_silent,
        max(closed_at) FILTER (WHERE state = '{Offer.State.RETRACTED}') AS retracted_at
    FROM requests_app_offer WHERE service_request_id = %(request)s GROUP BY interpreter_id
), held AS (
    SELECT interpreter_id, max(id) AS since FROM requests_app_transition
    WHERE service_request_id = %(request)s AND action IN ({_listed(_GIVING)}) GROUP BY interpreter_id
), gone AS (
    SELECT held.interpreter_id, lost.by_id = held.interpreter_id AS by_themselves FROM held CROSS JOIN LATERAL (
        SELECT action, by_id FROM requests_app_transition
        WHERE service_request_id = %(request)s AND id > held.since AND action IN ({_listed(_TAKING)})
        ORDER BY id LIMIT 1
    ) lost WHERE action <> '{Action.REINSTATE}'
), spared AS (
    SELECT DISTINCT interpreter_id FROM requests_app_servicerequest
    WHERE %(is_spoken)s AND status IN ('{Status.CANCELLED}', '{Status.COMPLETED}') AND is_late_cancellation
        AND service_type IN ({_listed(SPOKEN)}) AND cancellation_reason <> '{CancellationReason.INTERPRETER_ABSENT}'
        AND starts_at > %(starts_at)s - interval '{LONGEST_HOURS} hours' AND starts_at < %(ends_at)s
        AND ends_at > %(starts_at)s
), speaker AS (
    SELECT profile.user_id FROM accounts_interpreterlanguage spoken
    JOIN accounts_interpreterprofile profile ON profile.id = spoken.profile_id WHERE spoken.language_id = %(language)s
), known AS (
    SELECT user_id, true AS speaks FROM speaker
    UNION ALL
    SELECT id, false FROM unnest(%(named)s::bigint[]) AS id WHERE id NOT IN (SELECT user_id FROM speaker)
), person AS MATERIALIZED (
    SELECT account.id, first_name, last_name, is_active, role, known.speaks, office.name AS home_institution, way.km,
        coalesce(practice.reach_km, {REACH_KM}) AS reach_km,
        coalesce(%(service_type)s = ANY (practice.service_types), true) AS takes_on,
        NOT %(is_on_site)s OR place.region_id = office.region_id OR place.region_id = ANY (practice.regions)
            OR coalesce(way.km <= coalesce(practice.reach_km, {REACH_KM}), false) AS is_in_territory
    FROM known JOIN accounts_user account ON account.id = known.user_id CROSS JOIN place
    LEFT JOIN accounts_interpreterprofile profile ON profile.user_id = account.id
    LEFT JOIN accounts_institution office ON office.id = profile.home_institution_id
    LEFT JOIN requests_app_practice practice ON practice.interpreter_id = account.id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN at_home THEN home_latitude ELSE office.latitude END::float8 AS latitude,
            CASE WHEN at_home THEN home_longitude ELSE office.longitude END::float8 AS longitude
        FROM (SELECT num_nulls(home_latitude, home_longitude) = 0 AS at_home) AS known_home OFFSET 0
    ) origin
    CROSS JOIN LATERAL (
        SELECT CASE WHEN %(is_on_site)s THEN {_WAY} END AS km OFFSET 0
    ) way
), fact AS (
    SELECT person.*, place.language, coalesce(asked.has_offer, false) AS has_offer,
        coalesce(asked.has_refused, false) AS has_refused, coalesce(asked.was_silent, false) AS was_silent,
        asked.retracted_at,
        gone.by_themselves AS left_alone,
        spared.interpreter_id IS NOT NULL AS is_paid, coalesce(person.id = %(interpreter)s, false) AS has_it,
        before.id AS before_id, before.starts_at AS before_starts_at, before.ends_at AS before_ends_at,
        coalesce(before.ends_at > %(starts_at)s, false) AS is_booked, after.starts_at AS after_starts_at,
        {_missing("before_place", "%(starts_at)s - before.ends_at")} AS missing_before,
        {_missing("after_place", "after.starts_at - %(ends_at)s")} AS missing_after,
        %(is_spoken)s AND coalesce(before.ends_at <= %(starts_at)s - interval '{MARGIN_HOURS} hours', true)
            AND coalesce(after.starts_at >= %(ends_at)s + interval '{MARGIN_HOURS} hours', true) AS is_free_around,
        served.times AS served, month.offers, month.minutes,
        absence.until AS absent_until, hours.is_outside, excluded.reason AS excluded_reason,
        excluded.ends_on AS excluded_until
    FROM person CROSS JOIN place
    LEFT JOIN asked ON asked.interpreter_id = person.id
    LEFT JOIN gone ON gone.interpreter_id = person.id
    LEFT JOIN spared ON spared.interpreter_id = person.id
    LEFT JOIN LATERAL (
        SELECT id, starts_at, ends_at, service_type, facility_id FROM requests_app_servicerequest
        WHERE interpreter_id = person.id AND {_BOOKING} AND starts_at < %(ends_at)s AND id <> %(request)s
        ORDER BY starts_at DESC LIMIT 1
    ) before ON %(is_spoken)s
    LEFT JOIN LATERAL (
        SELECT starts_at, service_type, facility_id FROM requests_app_servicerequest
        WHERE interpreter_id = person.id AND {_BOOKING} AND starts_at >= %(ends_at)s
        ORDER BY starts_at LIMIT 1
    ) after ON %(is_spoken)s
    LEFT JOIN requests_app_facility before_place ON before_place.id = CASE WHEN %(is_on_site)s
        AND before.service_type = '{ServiceType.ON_SITE}'
        AND before.ends_at > %(starts_at)s - interval '{NEIGHBOUR_HOURS} hours' THEN before.facility_id END
    LEFT JOIN requests_app_facility after_place ON after_place.id = CASE WHEN %(is_on_site)s
        AND after.service_type = '{ServiceType.ON_SITE}'
        AND after.starts_at < %(ends_at)s + interval '{NEIGHBOUR_HOURS} hours' THEN after.facility_id END
    CROSS JOIN LATERAL (
        SELECT count(*) AS times FROM (
            SELECT FROM requests_app_servicerequest
            WHERE interpreter_id = person.id AND institution_id = %(institution)s
                AND is_rendered
            LIMIT {MOST_SERVED + 1}
        ) AS done
    ) served
    CROSS JOIN LATERAL (
        SELECT (
            SELECT count(*) FROM requests_app_offer
            WHERE interpreter_id = person.id AND sent_at >= %(month)s AND sent_at < %(next_month)s
        ) AS offers, floor(extract(epoch FROM coalesce((
            SELECT sum(ends_at - starts_at) FROM requests_app_servicerequest WHERE interpreter_id = person.id
                AND {_BOOKING} AND starts_at >= %(month)s AND starts_at < %(next_month)s
        ), '0') + coalesce((
            SELECT sum(ends_at - starts_at) FROM requests_app_servicerequest WHERE interpreter_id = person.id
                AND status = '{Status.COMPLETED}' AND service_type IN ({_listed(SPOKEN)})
                AND is_rendered AND starts_at >= %(month)s AND starts_at < %(next_month)s
        ), '0')) / 60)::int AS minutes OFFSET 0
    ) month
    CROSS JOIN LATERAL (
        SELECT max(ends_at) AS until FROM requests_app_absence
        WHERE interpreter_id = person.id AND ends_at > %(starts_at)s AND starts_at < %(ends_at)s
    ) absence
    CROSS JOIN LATERAL (
        SELECT %(is_spoken)s AND count(*) > 0 AND count(part.weekday) < %(days)s AS is_outside
        FROM requests_app_weeklyhours theirs
        LEFT JOIN unnest(%(weekdays)s::int[], %(since)s::time[], %(until)s::time[]) AS part (weekday, since, until)
            ON part.weekday = theirs.weekday AND starts_on_clock <= part.since AND ends_on_clock >= part.until
        WHERE interpreter_id = person.id
    ) hours
    LEFT JOIN LATERAL (
        SELECT reason, ends_on FROM requests_app_exclusion
        WHERE interpreter_id = person.id AND institution_id = %(institution)s AND lifted_at IS NULL
            AND ends_on >= %(day)s AND at < %(ends_at)s
        ORDER BY ends_on DESC LIMIT 1
    ) excluded ON true
    WHERE person.id = ANY (%(named)s)
        OR (person.is_active AND person.role = '{Role.INTERPRETER}' AND person.takes_on AND person.is_in_territory)
), judged AS (
    SELECT fact.*, speaks AND is_active AND role = '{Role.INTERPRETER}' AND takes_on AND is_in_territory
            AND NOT (is_booked OR (has_offer AND NOT %(agreed)s) OR has_it OR has_refused OR is_outside)
            AND absent_until IS NULL AND excluded_until IS NULL AND left_alone IS NULL AS is_eligible,
        coalesce(%(near)s - km, 0) AS near_points,
        CASE WHEN is_paid THEN %(paid)s ELSE 0 END AS paid_points,
        least(served, %(served_at_most)s) * %(served)s AS served_points,
        CASE WHEN is_free_around THEN %(free)s ELSE 0 END AS free_points,
        missing_before * %(missing_minute)s AS before_points, missing_after * %(missing_minute)s AS after_points,
        CASE WHEN was_silent THEN %(silent)s ELSE 0 END AS silent_points,
        CASE WHEN retracted_at IS NOT NULL THEN %(retracted)s ELSE 0 END AS retracted_points,
        minutes * %(hour)s::float8 / 60 + offers * %(offer)s AS load_points
    FROM fact
), ranking AS (
    SELECT judged.*, count(*) FILTER (WHERE is_eligible) OVER () AS among,
        row_number() OVER (PARTITION BY is_eligible ORDER BY near_points + paid_points + served_points + free_points
            + before_points + after_points + silent_points + retracted_points + load_points DESC, minutes, id
        ) AS place_in_list
    FROM judged
)
SELECT * FROM ranking WHERE (is_eligible AND %(is_list)s) OR id = ANY (%(named)s)
ORDER BY is_eligible DESC, place_in_list LIMIT %(limit)s
"""  # noqa: S608 (the house's own constants; what is given goes by parameters)


@dataclass(frozen=True, slots=True)
class Period:
    """The local month of an instant, as two instants."""

    start: datetime
    end: datetime


def month_of(at: datetime) -> Period:
    """« ce mois-ci » on the clock of Montréal."""
    first = timezone.localdate(at).replace(day=1)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return Period(*(timezone.make_aware(datetime.combine(day, time())) for day in (first, following)))


def rules() -> list[str]:
    """How the list is ordered, in words, a row of the table each."""
    return [sentence.format(decimal(abs(Decimal(str(WEIGHTS[name]))))) for name, sentence in SENTENCES.items()]


def read(service_request, *, at: datetime, named=(), limit: int | None = None, agreed=False) -> list[dict]:
    """The facts of the best, or of the accounts `named` by key; one statement, whatever their number.

    `agreed` lets those who have an open offer into the list.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, _given(service_request, at, list(named), limit) | {"agreed": agreed})
        columns = [column.name for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _given(service_request, at, named, limit) -> dict:
    starts_at, ends_at, month = service_request.starts_at, service_request.ends_at, month_of(at)
    parts = parts_of(starts_at, ends_at)
    return WEIGHTS | {
        "request": service_request.pk,
        "interpreter": service_request.interpreter_id,
        "service_type": service_request.service_type,
        "is_spoken": service_request.is_spoken,
        "is_on_site": service_request.service_type == ServiceType.ON_SITE,
        "language": service_request.language_id,
        "institution": service_request.institution_id,
        "facility": service_request.facility_id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "day": timezone.localdate(starts_at),
        "at": at,
        "month": month.start,
        "next_month": month.end,
        "days": len(parts),
        "weekdays": [weekday for weekday, _, _ in parts],
        "since": [since for _, since, _ in parts],
        "until": [until for _, _, until in parts],
        "named": named,
        "is_list": not named,
        "limit": len(named) if limit is None else limit,
    }
