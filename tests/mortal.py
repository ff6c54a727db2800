"""A worker that is killed where a test says: `python -m tests.mortal`, an order a line, an answer a line.

Each order is a new process (a fork, as the queue's own workers are) that delivers what is due; it watches its own
calls and sends itself the SIGKILL nobody can catch. The product knows nothing of it.
"""

import json
import os
import signal
import sys

import django

# Where it dies: the event, the function, and whether what the function returns must be true.
POINTS = {
    "before the claim": ("call", ["worker._claim"]),
    "after the claim": ("return", ["worker._claim"]),
    "called, before the call": ("call", ["sms.send", "mail.send"]),
    "accepted, before the record": ("return", ["sms.send", "mail.send"]),
    "after the record": ("return", ["outcomes.sent"]),
    # For a message that kills whoever touches it.
    "writing": ("call", ["mail._text"]),
    "calling": ("call", ["sms.send"]),
}


def codes(names: list[str]) -> set:
    """The code objects of some functions of accounts; one that was renamed fails here."""
    from accounts import mail, outcomes, sms, worker

    modules = {"mail": mail, "outcomes": outcomes, "sms": sms, "worker": worker}
    return {getattr(modules[name.split(".")[0]], name.split(".")[1]).__code__ for name in names}


def watch(order: dict) -> None:
    """Die at the nth time a point is reached; with a `word`, only when an argument of the function holds it."""
    event, names = POINTS[order["point"]]
    watched, left = codes(names), order.get("nth", 1)

    def look(frame, what, _):
        nonlocal left
        if what == event and frame.f_code in watched and order.get("word", "") in said(frame):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)


def said(frame) -> str:
    """What the arguments of a call say; a notification says its context."""
    return " ".join(str(getattr(value, "context", value)) for value in frame.f_locals.values())


def live(order: dict) -> None:
    from django.conf import settings

    from accounts.worker import deliver_due

    for name, value in order["settings"].items():
        setattr(settings, name, value)
    if "point" in order:
        watch(order)
    deliver_due()


def main() -> None:
    django.setup()
    # What takes a second is done once for all.
    from django.core.mail.utils import DNS_NAME
    from twilio.rest import Client

    DNS_NAME.get_fqdn(), Client("AC", "").messages  # noqa: B018
    for line in sys.stdin:
        child = os.fork()
        if not child:
            live(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
