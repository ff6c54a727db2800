"""A scheduled job that one worker at a time runs (reliability, B11)."""

import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import wraps

from django.db import DatabaseError, connection

# What our locks have in common, so that no other program's number is one of ours.
_FAMILY = 1_229_804_870


def alone(job: Callable[..., int]) -> Callable[..., int]:
    """The job, run by one process at a time: another that starts meanwhile does nothing and returns 0.

    The database lets go of it with the connection: a worker that is killed leaves nothing locked.
    """
    number = zlib.crc32(f"{job.__module__}.{job.__name__}".encode()) - 2**31

    @wraps(job)
    def run(*args, **kwargs) -> int:
        if not _asked("pg_try_advisory_lock", number):
            return 0
        try:
            return job(*args, **kwargs)
        finally:
            # A connection that broke has let go of it already.
            with suppress(DatabaseError):
                _asked("pg_advisory_unlock", number)

    return run


def _asked(function: str, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_FAMILY, number])
        return cursor.fetchone()[0]
