"""The admin of this room: the tariffs, and the ledger, read only."""

from billing.admin import ledger, policies

__all__ = ["ledger", "policies"]
