"""Providers of the loopback, with the settings that lead there."""

import pytest

from tests import providers


@pytest.fixture
def twilio(settings):
    """A telephone company that accepts everything until told otherwise."""
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = providers.ACCOUNT, providers.TOKEN
    settings.TWILIO_FROM = providers.NUMBER
    with providers.open_provider(providers.Twilio()) as server:
        settings.TWILIO_BASE_URL = server.url
        yield server


@pytest.fixture
def smtp(settings):
    """A mail server that accepts everything until told otherwise."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with providers.open_provider(providers.MailServer()) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        yield server


@pytest.fixture
def roads(settings):
    """A routing service that answers everything until told otherwise."""
    with providers.open_provider(providers.Roads()) as server:
        settings.ROUTING_URL = server.url
        yield server


@pytest.fixture
def impatient(settings):
    """Time-outs that a test can wait for."""
    settings.TWILIO_TIMEOUT = settings.EMAIL_TIMEOUT = 0.3
