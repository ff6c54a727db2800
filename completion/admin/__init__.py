"""The validators' admin: the queue of what awaits validation, and one page for each file."""

from completion.admin.listing import ReviewAdmin

__all__ = ["ReviewAdmin"]
