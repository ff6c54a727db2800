"""A crowd: as many requests as tests/counts.py says, in a few statements, for tests that read plans.

A hundred requests an interpreter, never two at once, from 500 days before `at` to 60 days after; few languages have
most people (as 1/n). Each request has its offers and its history. Nothing here goes through the verbs.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection

from tests import make
from tests.counts import rounds

PER_INTERPRETER = 100
DAYS_BEFORE, DAYS_AFTER = 500, 60

_PLACES = """
INSERT INTO requests_app_facility (institution_id, region_id, name, address, area, latitude, longitude, is_active)
SELECT id, region_id, 'Site ' || n, '1, rue du Nombre', 'Secteur', latitude + n * 0.02, longitude - n * 0.02, true
FROM accounts_institution CROSS JOIN generate_series(1, 3) AS n
"""
# The languages in an order that never changes; the n-th has 1/n of the people of the first.
_PEOPLE = """
CREATE TEMP TABLE crowd_language AS
SELECT code, n, sum(1.0 / n) OVER (ORDER BY n) / sum(1.0 / n) OVER () AS up_to
FROM (SELECT code, row_number() OVER (ORDER BY code <> 'espagnol', code) AS n FROM accounts_language) AS ordered;

INSERT INTO accounts_user (username, password, first_name, last_name, email, mobile_phone, role, sms_disabled,
    email_disabled, uses_shortcuts, second_factor, is_active, created_at)
SELECT 'foule-' || n, '!', 'Prénom' || n, 'Foule' || n, '', '', 'interpreter', false,
    false, false, '', n %% 50 <> 0, %(at)s
FROM generate_series(1, %(people)s) AS n;

INSERT INTO accounts_interpreterprofile (user_id, home_institution_id, home_latitude, home_longitude)
SELECT account.id, office.id, office.latitude + random() * 0.2 - 0.1, office.longitude + random() * 0.2 - 0.1
FROM accounts_user account JOIN (
    SELECT *, row_number() OVER (ORDER BY region_id <> '06', id) AS n, count(*) OVER () AS number
    FROM accounts_institution
) office ON office.n = 1 + abs(hashint8(account.id)) %% CASE WHEN account.id %% 2 = 0 THEN 10 ELSE office.number END
WHERE username LIKE 'foule-%%';

INSERT INTO accounts_interpreterlanguage (profile_id, language_id)
SELECT DISTINCT drawn.id, (SELECT code FROM crowd_language WHERE up_to >= drawn.chance ORDER BY n LIMIT 1)
FROM (
    SELECT profile.id, random() AS chance FROM accounts_interpreterprofile profile
    JOIN accounts_user account ON account.id = user_id CROSS JOIN generate_series(1, 2)
    WHERE username LIKE 'foule-%%'
) AS drawn;

INSERT INTO requests_app_weeklyhours (interpreter_id, weekday, starts_on_clock, ends_on_clock)
SELECT id, day, '07:00', '19:00' FROM accounts_user CROSS JOIN generate_series(0, 4) AS day
WHERE username LIKE 'foule-%%' AND id %% 3 = 0;

INSERT INTO requests_app_absence (interpreter_id, starts_at, ends_at)
SELECT id, begun, begun + interval '5 days' FROM accounts_user
CROSS JOIN LATERAL (SELECT %(at)s + (id * 37 %% 900 - 450) * interval '1 day' AS begun) AS period
WHERE username LIKE 'foule-%%';

DROP TABLE crowd_language
"""
_REQUESTS = """
INSERT INTO requests_app_servicerequest (status, version, service_type, institution_id, facility_id, language_id,
    starts_at, ends_at, professional_name, professional_phone, patient_name, patient_phone, patient_file_number,
    instructions, are_communications_requested, requested_by_id, created_at, interpreter_id, guaranteed_minutes,
    cancellation_reason, notice_received_at, notice_business_time, notice_closed_days, is_late_cancellation,
    is_rendered, filed_by_id, validated_by_id, validated_at)
SELECT status, 1, service_type, institution_id, CASE WHEN service_type = 'on_site' THEN facility.id END, language_id,
    starts_at, starts_at + length, '', '', 'Usager de la foule', '', '', '', false, %(requester)s,
    starts_at - interval '20 days', CASE WHEN status NOT IN ('unallocated', 'pending') THEN interpreter_id END, 0,
    CASE WHEN status = 'cancelled' THEN 'by_requester' ELSE '' END,
    CASE WHEN status = 'cancelled' THEN starts_at - interval '1 day' END,
    CASE WHEN status = 'cancelled' THEN interval '1 day' END, '{}', status = 'cancelled',
    CASE WHEN status IN ('provided', 'completed') THEN true END,
    CASE WHEN status IN ('provided', 'completed') THEN interpreter_id END,
    CASE WHEN status = 'completed' THEN %(validator)s END,
    CASE WHEN status = 'completed' THEN starts_at + interval '10 days' END
FROM (
    SELECT interpreter.*, starts_at, interval '30 minutes' * (1 + n %% 4) AS length,
        (ARRAY['on_site', 'on_site', 'on_site', 'phone', 'video'])[1 + n %% 5] AS service_type,
        CASE WHEN n %% 11 = 0 THEN 'cancelled'
            WHEN starts_at < %(at)s - interval '30 days' THEN 'completed'
            WHEN starts_at < %(at)s THEN 'provided'
            WHEN n %% 4 = 0 THEN 'pending' WHEN n %% 4 = 1 THEN 'unallocated' WHEN n %% 4 = 2 THEN 'modified'
            ELSE 'reserved' END AS status,
        1 + abs(hashint8(n)) %% (SELECT count(*) FROM requests_app_facility) AS facility_number
    FROM generate_series(0, %(number)s - 1) AS n
    JOIN (
        SELECT profile.user_id AS interpreter_id, min(language_id) AS language_id,
            row_number() OVER (ORDER BY profile.user_id) - 1 AS place
        FROM accounts_interpreterprofile profile JOIN accounts_user account ON account.id = profile.user_id
        JOIN accounts_interpreterlanguage spoken ON spoken.profile_id = profile.id
        WHERE username LIKE 'foule-%%' GROUP BY profile.user_id
    ) interpreter ON interpreter.place = n %% %(people)s
    -- One in each stretch of days for each interpreter, never on its last day: two never meet.
    CROSS JOIN LATERAL (
        SELECT %(first)s + floor(n / %(people)s * %(stretch)s) * interval '1 day'
            + abs(hashint8(n)) %% greatest(floor(%(stretch)s)::int - 1, 1) * interval '1 day'
            + n %% 9 * interval '1 hour'
            AS starts_at
    ) AS slot
) AS drawn
JOIN (SELECT *, row_number() OVER (ORDER BY id) AS n FROM requests_app_facility) facility
    ON facility.n = drawn.facility_number
"""
# Who has it was offered it; who does not has refused, let it lapse, or may still answer; then the history of all that.
_OFFERS = """
INSERT INTO requests_app_offer (service_request_id, interpreter_id, state, sent_at, answer_by, closed_at, reason)
SELECT request.id, asked.id, drawn.state, sent_at, answer_by, CASE WHEN state <> 'open' THEN answer_by END, ''
FROM requests_app_servicerequest request
CROSS JOIN LATERAL (
    SELECT least(request.created_at + interval '1 day', %(at)s - interval '1 day') AS sent_at,
        CASE status WHEN 'pending' THEN starts_at
            ELSE least(request.created_at + interval '2 days', %(at)s - interval '1 hour') END AS answer_by,
        CASE WHEN interpreter_id IS NOT NULL THEN 'accepted' WHEN status = 'pending' THEN 'open'
            WHEN id / 4 %% 2 = 0 THEN 'refused' ELSE 'expired' END AS state
) AS drawn
JOIN accounts_user asked ON asked.id = coalesce(request.interpreter_id, %(somebody)s + request.id %% %(people)s)
WHERE request.patient_name = 'Usager de la foule' AND (status <> 'unallocated' OR request.id %% 3 <> 0);

INSERT INTO requests_app_transition (service_request_id, action, from_status, to_status, by_id, interpreter_id, at,
    version, by_link, changes, choice, note)
SELECT * FROM (
    SELECT id AS service_request_id, 'submit', '', 'unallocated', %(requester)s, NULL::bigint, created_at AS at, 1,
        false, '{}'::jsonb, '{}'::jsonb, ''
    FROM requests_app_servicerequest WHERE patient_name = 'Usager de la foule'
    UNION ALL
    SELECT service_request_id, 'offer', 'unallocated', 'pending', %(coordinator)s, interpreter_id, sent_at, 1,
        false, '{}', '{}', ''
    FROM requests_app_offer
    UNION ALL
    SELECT service_request_id, CASE state WHEN 'accepted' THEN 'accept' WHEN 'refused' THEN 'refuse' ELSE 'expire' END,
        'pending', CASE state WHEN 'accepted' THEN 'reserved' ELSE 'unallocated' END,
        CASE state WHEN 'expired' THEN %(system)s ELSE interpreter_id END, interpreter_id, closed_at, 1,
        false, '{}', '{}', ''
    FROM requests_app_offer WHERE closed_at IS NOT NULL
) AS told ORDER BY at, 2 DESC;
ANALYZE
"""


def crowd(number: int | None = None, *, at: datetime = make.NOW) -> None:
    """Build it around `at`, beside what is already there, and let the planner know."""
    number = number or rounds("crowd")
    people = max(number // PER_INTERPRETER, 1)
    given = {
        "at": at,
        "number": number,
        "people": people,
        "first": at.replace(hour=8, minute=0) - timedelta(days=DAYS_BEFORE),
        "stretch": Decimal(DAYS_BEFORE + DAYS_AFTER) / -(-number // people),
        "requester": make.requester().pk,
        "coordinator": make.coordinator().pk,
        "validator": make.validator().pk,
        "system": make.system().pk,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        for statements in (_PLACES, _PEOPLE, _REQUESTS):
            cursor.execute(statements, given)
        cursor.execute("SELECT min(id) FROM accounts_user WHERE username LIKE 'foule-%'")
        cursor.execute(_OFFERS, given | {"somebody": cursor.fetchone()[0]})
