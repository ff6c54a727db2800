"""A thread in view is read: the mark goes, the page stays; and the same with the button, without any script."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from requests_app import exchanges
from tests import make
from tests.pages import ago, ahead

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made():
    """A request of Alice's with a message she has not read."""
    made = make.reserved(at=ago(3), starts_at=ahead())
    exchanges.post_message(made, by=make.coordinator(), at=timezone.now(), body="Porte B", interpreter=make.alice())
    return made


def unread(made):
    return made.messages.unread_by(make.alice()).count()


def test_a_thread_that_is_seen_is_read_and_what_is_being_written_stays(visit, made, viewport):
    page = visit(make.alice(), f"/demandes/{made.pk}/", viewport=viewport)
    page.wait_for_timeout(1500)
    assert unread(made) == 1  # further down: nobody has seen it yet
    page.get_by_label("Message", exact=True).fill("J’arrive")
    expect(page.get_by_text("Nouveau", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="1 nouveau message")).to_have_count(0)
    expect(page.get_by_label("Message", exact=True)).to_have_value("J’arrive")
    assert unread(made) == 0


def test_without_scripts_the_button_says_it(visit, made, viewport):
    page = visit(make.alice(), f"/demandes/{made.pk}/", viewport=viewport, script=False)
    page.get_by_role("button", name="Marquer comme lu").click()
    expect(page.get_by_text("Nouveau", exact=True)).to_have_count(0)
    assert unread(made) == 0
