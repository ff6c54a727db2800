"""The admin of this room: the directory, the accounts; RoleAdmin says who opens what."""

from accounts.admin import accounts, directory
from accounts.admin.roles import RoleAdmin, in_words

__all__ = ["RoleAdmin", "accounts", "directory", "in_words"]
