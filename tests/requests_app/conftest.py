from tests.accounts.conftest import smtp, twilio  # noqa: F401 (the providers of the loopback, for requests too)
