"""An interpreter's own time in a browser: an absence noted on a desk and on a phone, the calendar's address copied."""

import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from requests_app.calendars import CalendarFeed
from tests import make
from tests.pages import ago, ahead, nobody

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_an_absence_is_noted_and_what_stays_booked_is_said(visit, viewport, script):
    made = make.reserved(at=ago(1), starts_at=ahead(4))
    page = visit(make.alice(), "/disponibilites/", viewport=viewport, script=script)
    page.get_by_label("Du", exact=True).fill(f"{ahead(3):%Y-%m-%d}")
    page.get_by_label("Au", exact=True).fill(f"{ahead(5):%Y-%m-%d}")
    page.get_by_role("button", name="Noter l’absence").click()
    expect(page.get_by_role("status")).to_contain_text("elle reste réservée")
    expect(page.get_by_role("link", name=str(made.pk), exact=True)).to_be_visible()
    page.get_by_role("button", name="Retirer l’absence").click()
    expect(page.get_by_text("Aucune absence à venir.")).to_be_visible()


def test_the_address_of_the_calendar_is_created_read_and_changed(visit, viewport):
    make.reserved(at=ago(1), starts_at=ahead(4))
    page = visit(make.alice(), "/profil/", viewport=viewport)
    page.get_by_role("button", name="Créer mon adresse d’abonnement").click()
    former = page.get_by_label("Adresse d’abonnement").input_value()
    read = Calendar.from_ical(nobody().get(former).content)
    assert len(read.walk("VEVENT")) == 1
    page.get_by_role("button", name="Changer l’adresse").click()
    expect(page.get_by_label("Adresse d’abonnement")).not_to_have_value(former)
    assert (nobody().get(former).status_code, CalendarFeed.objects.get().number) == (404, 2)
