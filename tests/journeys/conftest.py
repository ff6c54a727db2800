"""The real site for a real browser: static files as they are served for good, and pages that must not complain."""

import pytest
from django.conf import settings
from django.test import Client
from django.test.testcases import LiveServerThread

from tests.accounts.conftest import smtp, twilio  # noqa: F401 (the providers of journeys too)
from tests.pages import sign_in

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
MOBILE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36"


@pytest.fixture(scope="session")
def served(django_db_setup):
    """One server for the whole run; WhiteNoise serves the collected files, as it does for good."""
    # Django's live server puts two file handlers of its own around the application: taken off.
    server = LiveServerThread("127.0.0.1", lambda media_handler: media_handler.application)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@pytest.fixture
def site(served, transactional_db):
    return served


@pytest.fixture
def complaints():
    """What a browser says in its console, scripts that fail, answers 5xx; nothing at the end of a test."""
    said = []
    yield said
    assert said == []


def listen(page, complaints):
    """Refusals are pages of ours (404, 409, 422): the browser also logs them, by the address they came from."""

    def heard(message):
        is_refusal = "Failed to load resource" in message.text and " 4" in message.text
        is_refusal |= "Service Worker registration blocked" in message.text
        if message.type in ("error", "warning") and not is_refusal:
            complaints.append(message.text)

    def failed(lost):
        if lost.failure != "net::ERR_ABORTED":  # the page was left before its last picture came
            complaints.append(f"{lost.failure} {lost.url}")

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda answer: answer.status >= 500 and complaints.append(f"{answer.status} {answer.url}"))
    page.on("requestfailed", failed)


@pytest.fixture
def visit(browser, browser_context_args, site, complaints):
    """A page of somebody (nobody: None) at an address, on a desk or a phone, with or without scripts."""
    opened = []

    def open_page(user, address="/", *, viewport=DESK, script=True, **more):
        # Only the journeys of the installed application have its worker: it would fill its cache in each of the others.
        given = {"service_workers": "block", "viewport": viewport, "java_script_enabled": script, **more}
        context = browser.new_context(base_url=site, **browser_context_args | given)
        context.set_default_timeout(10_000)
        opened.append(context)
        if user:
            client = Client()
            sign_in(client, user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
        page = context.new_page()
        listen(page, complaints)
        page.goto(address)
        return page

    yield open_page
    for context in opened:
        context.close()


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def viewport(request):
    return request.param
