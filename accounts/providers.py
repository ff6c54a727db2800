"""What may come of handing a message to a provider, in words that say what to do next.

The sentences are French: staff read them beside what did not arrive. They hold no address, no number and no text.
"""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread


class Failure(Exception):
    """The message was not, or perhaps not, taken; `str()` is what staff read.

    `is_general` says that the provider itself is in trouble: others would fare no better now.
    """

    def __init__(self, reason: str, *, is_general: bool = False):
        super().__init__(reason)
        self.is_general = is_general


class Refused(Failure):
    """For good: trying again would change nothing."""


class Stopped(Refused):
    """For good: the person answered « STOP » to one of our text messages."""


class Busy(Failure):
    """It surely did not leave: try again, after `retry_after` seconds when the provider said so."""

    def __init__(self, reason: str, *, retry_after: int | None = None, is_general: bool = True):
        super().__init__(reason, is_general=is_general)
        self.retry_after = retry_after


class Unknown(Failure):
    """It may have left: to be looked up, never sent again blindly."""

    def __init__(self, reason: str):
        super().__init__(reason, is_general=True)


def in_time(seconds: float, call: Callable):
    """What `call` returns or raises; Unknown when it takes longer, whatever the pace of its answer.

    The time-outs of our clients bound each silence: a provider that drips one byte a second would hold a worker for
    ever. The thread given up on ends by itself and touches no database.
    """
    answer = Future()
    Thread(target=_settle, args=(answer, call), daemon=True).start()
    wait([answer], seconds)
    if not answer.done():
        raise Unknown("Réponse interminable du fournisseur.")
    return answer.result()


def _settle(answer: Future, call: Callable) -> None:
    try:
        answer.set_result(call())
    except BaseException as error:
        answer.set_exception(error)
