from tests.accounts.conftest import roads, smtp, twilio  # noqa: F401 (the providers of the loopback, for requests too)
