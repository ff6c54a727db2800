"""A month of validated requests, written in bulk: the verbs would take an hour."""

from decimal import Decimal

from django.db import connection

from accounts.models import User
from billing.models import PayLine
from requests_app.models import ServiceRequest
from tests.billing import make as pay

PEOPLE = """
INSERT INTO accounts_user (username, password, first_name, last_name, email, mobile_phone, role, {columns})
SELECT 'personne-' || n, '', 'Prénom', 'Nom ' || n, 'p' || n || '@exemple.test', '', 'interpreter', {columns}
FROM accounts_user CROSS JOIN generate_series(1, %(people)s) n WHERE id = %(like)s
"""
REQUESTS = """
INSERT INTO requests_app_servicerequest (interpreter_id, {columns})
SELECT (%(first)s + n %% %(people)s), {columns}
FROM requests_app_servicerequest CROSS JOIN generate_series(1, %(requests)s) n WHERE id = %(like)s
"""
# Two lines a request, and a third for two in five: 60,000 for 25,000.
LINES = """
INSERT INTO billing_payline (service_request_id, interpreter_id, number, amount, {columns})
SELECT request.id, request.interpreter_id, n, round((request.id %% 977 + n) * 0.37, 2), {columns}
FROM requests_app_servicerequest request CROSS JOIN generate_series(1, 3) n CROSS JOIN billing_payline line
WHERE request.id > %(like)s AND line.id = %(line)s AND (n < 3 OR request.id %% 5 < 2)
"""


def validated(requests: int, people: int) -> None:
    """So many requests « Achevé » of so many interpreters, with about 2.4 lines each, to be paid on `pay.ENDED`."""
    made = pay.paid(distance_km=Decimal("20"))
    like = {"like": made.interpreter_id, "people": people}
    _write(PEOPLE, User, "username password first_name last_name email mobile_phone role", like)
    first = User.objects.get(username="personne-1").pk
    given = {"like": made.pk, "first": first, "people": people, "requests": requests, "line": made.pay_lines.first().pk}
    _write(REQUESTS, ServiceRequest, "interpreter", given)
    _write(LINES, PayLine, "service_request interpreter number amount", given)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _write(statement: str, model, own: str, given: dict) -> None:
    fields = [field for field in model._meta.concrete_fields if field.name not in {"id", *own.split()}]
    prefix = "line." if model is PayLine else ""
    names = ", ".join(f'"{field.column}"' for field in fields)
    read = ", ".join(f'{prefix}"{field.column}"' for field in fields)
    insert, _, rest = statement.partition("SELECT")
    with connection.cursor() as cursor:
        cursor.execute(f"{insert.format(columns=names)}SELECT{rest.format(columns=read)}", given)
