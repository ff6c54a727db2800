"""« Jours fériés » in the admin: kept by administrators, read by validators, and never against what is decided."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from billing.ledger import ledger
from billing.services import estimate
from completion.decisions import validate
from completion.facts import pay_facts
from requests_app import services as requests
from requests_app.models import CancellationReason, Holiday, ServiceRequest
from tests import make
from tests.make import local
from tests.pages import said, signed_in

pytestmark = pytest.mark.django_db
LIST = "/admin/requests_app/holiday/"
STORM = {"date": "2025-03-11", "name": "Tempête"}
DATED = "Cette date est trop éloignée\u00a0: vérifiez l’année."


def wrong(page) -> dict:
    return {name: list(found) for name, found in page.context["adminform"].errors.items()}


def coming() -> str:
    """The first day to come that is not in the list."""
    days = (timezone.localdate() + timedelta(days=ahead) for ahead in range(9))
    return str(next(day for day in days if not Holiday.objects.filter(date=day).exists()))


def added(**typed):
    return signed_in(make.administrator()).post(f"{LIST}add/", STORM | {"date": coming()} | typed)


def removed(day):
    return signed_in(make.administrator()).post(f"{LIST}{day}/delete/", {"post": "yes"})


def cancelled(interpreter=None) -> ServiceRequest:
    """The service of Wednesday 14 h; the notice came on Monday at 14 h: exactly 48 h."""
    starts_at = local("2025-03-12 14:00")
    made = make.reserved(interpreter, at=local("2025-02-20 10:00"), starts_at=starts_at)
    received_at = local("2025-03-10 14:00")
    requests.cancel(made, by=make.requester(), at=received_at, reason=CancellationReason.BY_REQUESTER)
    return ServiceRequest.objects.get(pk=made.pk)


def paid(made) -> str:
    fresh = ServiceRequest.objects.get(pk=made.pk)
    return str(estimate(fresh, pay_facts(fresh)).total)


def page_of(made) -> str:
    return said(signed_in(make.requester()).get(f"/demandes/{made.pk}/"))


# A change, and what was decided before it


def closed() -> None:
    Holiday.objects.create(**STORM)


def test_a_day_is_added_from_today_on():
    Holiday.objects.filter(date=timezone.localdate()).delete()
    assert added(date=str(timezone.localdate())).status_code == 302
    assert Holiday.objects.get(date=timezone.localdate()).name == "Tempête"


def test_a_day_added_changes_the_cancellations_to_come_and_none_before():
    before = cancelled()
    closed()
    after = cancelled(make.bob())
    assert [paid(made) for made in (before, after)] == ["0.00", "82.00"]
    assert [made.is_late_cancellation for made in (before, after)] == [False, True]


def test_a_day_removed_changes_the_cancellations_to_come_and_none_before():
    closed()
    before = cancelled()
    assert removed("2025-03-11").status_code == 302
    after = cancelled(make.bob())
    assert [paid(made) for made in (before, after)] == ["82.00", "0.00"]


def test_the_clock_shown_keeps_its_closed_days():
    closed()
    made = cancelled()
    before = page_of(made)
    removed("2025-03-11")
    assert "mar. 11 mars : férié" in before and page_of(made) == before


def test_frozen_lines_keep_what_they_were_counted_with():
    closed()
    made = cancelled()
    validate(made, by=make.validator(), at=made.ends_at)
    frozen = [(line.amount, line.reason, line.inputs) for line in ledger(made)]
    removed("2025-03-11")
    assert [(line.amount, line.reason, line.inputs) for line in ledger(made)] == frozen
    assert frozen[0][2]["closed_days"] == ["2025-03-11"]


# The list


def test_the_list_says_each_day_in_words_those_to_come_first():
    today = timezone.localdate()
    for days, name in ((-1, "Hier"), (0, "Ce jour"), (1, "Demain")):
        Holiday.objects.update_or_create(date=today + timedelta(days=days), defaults={"name": name})
    text = said(signed_in(make.validator()).get(LIST))
    assert "lundi 2 septembre 2024 Fête du Travail ne compte pas dans les 48 h" in text
    assert text.index("Ce jour") < text.index("Demain") < text.index("Hier")


def test_a_day_on_a_weekend_changes_nothing_and_says_so():
    Holiday.objects.create(date="2025-03-15", name="Samedi")
    assert "samedi 15 mars 2025 Samedi aucun : fin de semaine" in said(signed_in(make.validator()).get(LIST))


@pytest.mark.parametrize("is_missing", [True, False])
def test_a_missing_year_is_announced(is_missing):
    following = timezone.localdate().year + 1
    Holiday.objects.filter(date__year=following).delete()
    if not is_missing:
        Holiday.objects.create(date=date(following, 1, 1), name="Jour de l’an")
    text = said(signed_in(make.administrator()).get(LIST))
    assert (f"Les jours fériés de {following} manquent : ajoutez-les." in text) is is_missing


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"date": str(timezone.localdate() - timedelta(days=1))}, "date"),
        ({"date": str(timezone.localdate() + timedelta(days=1831))}, "date"),
        ({"date": "1999-12-31"}, "date"),
        ({"date": "9999-12-31"}, "date"),
        ({"date": "demain"}, "date"),
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00b"}, "name"),
    ],
)
def test_a_day_that_cannot_be_is_refused_beside_its_field(typed, field):
    page = added(**typed)
    assert page.status_code == 422 and list(wrong(page)) == [field]


def test_the_same_day_twice_is_refused_in_french():
    latest = Holiday.objects.latest("date").date
    assert wrong(added(date=str(latest))) == {"date": ["Ce jour est déjà dans la liste."]}


def test_a_year_typed_wrong_is_refused_in_french():
    assert wrong(added(date="1925-03-11")) == {"date": [DATED]}


def test_a_validator_reads_the_days_and_changes_none():
    client = signed_in(make.validator())
    assert client.post(f"{LIST}add/", STORM).status_code == 403
    assert client.post(f"{LIST}2024-12-25/delete/", {"post": "yes"}).status_code == 403
    assert "Noël, 25 décembre 2024" in said(client.get(f"{LIST}2024-12-25/change/"))


@pytest.mark.parametrize(
    ("asked", "shown"), [("year=2025", 13), ("date__year=2025", 13), ("year=abc", 65), ("date__year=99999", 65)]
)
def test_the_days_of_a_year_are_listed(asked, shown):
    page = signed_in(make.validator()).get(f"{LIST}?{asked}", follow=True)
    assert (page.status_code, page.context["cl"].result_count) == (200, shown)
