"""The admin on a desk of 1280 px: every page of every model whole in the window, and quiet."""

import pytest

from accounts.roles import Role
from tests import counts
from tests.ims.test_admin_pages import STAFF, addresses, other_addresses, rows

pytestmark = pytest.mark.django_db(transaction=True)
# How far the page, and a list within it, go beyond what is shown.
OVER = """() => [document.documentElement, ...document.querySelectorAll(".results, .scroll, fieldset")]
  .map((box) => box.scrollWidth - box.clientWidth).filter((over) => over > 0)"""


@pytest.mark.parametrize("role", [Role.VALIDATOR, Role.ADMINISTRATOR])
def test_no_page_of_the_admin_goes_sideways_at_1280_px(visit, role):
    listed = [url for model, pk in rows().items() for url in addresses(model, pk).values()] + other_addresses()
    page, wrong = visit(STAFF[role](), "/admin/"), {}
    # A third of the pages at every run; all with --long.
    for url in listed if counts.is_long else listed[::3]:
        page.goto(url)
        if over := page.evaluate(OVER):
            wrong[url] = over
    assert wrong == {}
