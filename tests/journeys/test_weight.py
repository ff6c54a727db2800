"""What a first and a second look at the home page cost (screens.md, 10)."""

import pytest

from tests import make
from tests.ims.test_pages import many

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def look(visit, site):
    """Open the home page in a browser that never came: the addresses asked, and the bytes that came over the wire."""
    many(17)
    page = visit(make.alice(), "about:blank")
    wire = page.context.new_cdp_session(page)
    asked, received = [], []
    wire.send("Network.enable")
    wire.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    wire.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))

    def open_home():
        asked.clear(), received.clear()
        page.goto("/?du=2024-11-04", wait_until="networkidle")
        return list(asked), [size for size in received if size]

    return open_home


def test_a_first_look_takes_6_requests_and_50_kb_at_most(look):
    asked, received = look()
    # The icon apart, and the browser's own drawing in a date field.
    asked = [url for url in asked if not url.startswith("data:") and "favicon" not in url]
    assert len(asked) <= 6 and sum(received) <= 50 * 1024


def test_a_second_look_asks_for_the_page_alone(look):
    look()
    assert len(look()[1]) == 1


def test_nothing_comes_from_elsewhere(look, site):
    # data: the browser's own drawing in a date field.
    assert [url for url in look()[0] if not url.startswith((site, "data:"))] == []
