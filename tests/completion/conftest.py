from tests.accounts.conftest import roads  # noqa: F401 (the routing service of the loopback)
