"""The validators' buttons of a pay period, pressed together on the real server: no 5xx, one outcome."""

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from billing import statements
from billing.models import PayLine, PayPeriod, PayStatement, PeriodExport, StatementLine
from requests_app.workflow import Status
from tests import make
from tests.billing import make as paid
from tests.completion import make as filed
from tests.counts import rounds
from tests.pages import ago
from tests.requests_app.test_races import fresh
from tests.visitors import Browser, statuses, together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = max(3, rounds("race") // 20)
REVIEW = "/admin/completion/review/{}/change/"


def served(day: int) -> int:
    """A file of an ended period."""
    return filed.provided(at=ago(day + 9), starts_at=ago(day)).pk


def past_day(day: int):
    """Validated that long ago: a period that has ended pays it."""
    return paid.paid(starts_at=ago(day), validated_at=ago(day - 1), at=ago(day + 9))


def two_validators(server) -> tuple:
    return Browser(server, make.validator()), Browser(server, make.person("Violette", Role.VALIDATOR))


def computing(browser):
    """« Calculer » the days that come, or those of the draft again, ready to go."""
    draft = PayPeriod.objects.filter(state=PayPeriod.State.DRAFT).first()
    days = draft.starts_on if draft else statements.coming_period()[0]
    return browser.send("/paie/releves/calculer/", debut=days.isoformat())


def test_two_exports_at_once_are_one_file_for_both(server):
    one, two = two_validators(server)
    past_day(60)
    period = paid.period(at=ago(40))
    for fmt in PeriodExport.Format.values:
        address = f"/paie/releves/{period.pk}/export/{fmt}/"
        said_to = together(*[browser.send(address) for browser in (one, two) * 2])
        assert set(statuses(said_to)) == {302}
        made = PeriodExport.objects.get(format=fmt)
        files = [browser.client.get(f"{address}fichier/").content for browser in (one, two)]
        assert {hashlib.sha256(content).hexdigest() for content in files} == {made.sha256}
    period.refresh_from_db()
    assert period.state == PayPeriod.State.EXPORTED


def test_computing_publishing_and_abandoning_at_once_pay_every_line_once(server):
    one, two = two_validators(server)
    past_day(500)
    for _ in range(ROUNDS):
        past_day(30)
        computing(one)()
        draft = PayPeriod.objects.get(state=PayPeriod.State.DRAFT)
        at = f"/paie/releves/{draft.pk}/"
        publish = two.fill(at, "Publier")
        said_to = together(publish, one.send(f"{at}abandonner/"), computing(one), publish)
        assert set(statuses(said_to)) <= {302, 409}
        in_statements = sum(PayStatement.objects.values_list("line_count", flat=True))
        assert in_statements == StatementLine.objects.count() <= PayLine.objects.count()


def test_a_file_validated_while_its_period_is_published_is_paid_once(server):
    one, two = two_validators(server)
    past_day(90)
    for day in range(3):
        number = served(85 - day)
        computing(one)()
        draft = PayPeriod.objects.get(state=PayPeriod.State.DRAFT)
        publish = one.fill(f"/paie/releves/{draft.pk}/", "Publier")
        validate = two.fill(REVIEW.format(number), "Valider et passer à la suivante", valider="1")
        assert statuses(together(publish, validate)) == [302, 302]
        assert fresh(number).status == Status.COMPLETED
    while PayPeriod.objects.latest("ends_on").ends_on < timezone.localdate():
        paid.period(at=timezone.now() + timedelta(days=14))
    assert StatementLine.objects.count() == PayLine.objects.count() >= 8
