"""A validator or an administrator meets somebody else on the pay: asked to try again, nothing written, nothing lost."""

import pytest
from django.db import connection, transaction

from billing import verbs
from billing.models import PayPeriod
from tests import make
from tests.billing import make as billed
from tests.billing.test_admin import RATES, TARIFFS, current, draft
from tests.billing.test_tariffs import in_a_hurry
from tests.pages import said, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def met(who, address, **typed):
    """What a person is answered while others write tariffs and periods."""
    answers, client = [], signed_in(who)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE billing_paypolicy, billing_payperiod IN EXCLUSIVE MODE")
        in_a_hurry(lambda: answers.append(client.post(address, typed)))
    assert (answers[0].status_code, verbs.BUSY.replace("\u00a0", " ") in said(answers[0])) == (409, True), address
    return answers[0]


def test_a_tariff_that_others_write_is_refused_in_words_and_what_was_typed_is_kept():
    validator, admin, made, published = make.validator(), make.administrator(), draft(), current()
    assert 'value="52,5"' in met(validator, f"{TARIFFS}{made.pk}/change/", **RATES).content.decode()
    copied = met(validator, f"{TARIFFS}{published.pk}/copier/", effective_from="2026-08-03")
    assert 'value="2026-08-03"' in copied.content.decode()
    met(validator, f"{TARIFFS}{made.pk}/abandonner/")
    met(admin, f"{TARIFFS}{made.pk}/publier/", is_past_accepted="on", is_doubt_accepted="on")
    met(admin, f"{TARIFFS}{published.pk}/confirmer/")


def test_a_period_that_others_write_is_refused_in_words():
    billed.paid()
    made, validator = billed.period(state=PayPeriod.State.DRAFT), make.validator()
    met(validator, "/paie/releves/calculer/", debut=made.starts_on.isoformat())
    for step in ("publier", "abandonner"):
        met(validator, f"/paie/releves/{made.pk}/{step}/")
    PayPeriod.objects.update(state=PayPeriod.State.PUBLISHED, published_by=validator, published_at=billed.ENDED)
    met(validator, f"/paie/releves/{made.pk}/export/csv/")
