"""The demo's mail server, telephone company and routing service, in one process: the true clients run.

Nobody is written to, and nobody is told where people live.

`python -m ims.demo.providers` listens where the environment sends the web and the worker. What arrives is a file of
var/outbox, which « Boîte d'envoi (démo) » shows. Django stays out of it: this is the other end of the wire.
"""

import json
import os
import secrets
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller

from ims.demo.arrivals import EMAIL, SMS, keep
from ims.demo.roads import Roads
from ims.demo.telephones import Telephones
from ims.local import VAR

HOST = "127.0.0.1"


def environment() -> dict[str, str]:
    """Where the providers will listen, and the account they will know: settings for them and for their clients."""
    mail, telephones, roads = _free_ports(3)
    return {
        "EMAIL_HOST": HOST,
        "EMAIL_PORT": str(mail),
        "TWILIO_BASE_URL": f"http://{HOST}:{telephones}",
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "TWILIO_FROM": "+14385550199",
        "ROUTING_URL": f"http://{HOST}:{roads}",
    }


def _free_ports(number: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]


class Mailbox:
    """What aiosmtpd hands each message to."""

    def __init__(self, folder: Path):
        self.folder = folder

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        keep(self.folder, EMAIL, envelope.original_content)
        return "250 OK"


def main() -> None:
    folder, given = VAR / "outbox", os.environ
    mail = Controller(Mailbox(folder), hostname=HOST, port=int(given["EMAIL_PORT"]))
    telephones = Telephones(
        (HOST, urlsplit(given["TWILIO_BASE_URL"]).port),
        account=given["TWILIO_ACCOUNT_SID"],
        token=given["TWILIO_AUTH_TOKEN"],
        keep=lambda message: keep(folder, SMS, json.dumps(message).encode()),
    )
    roads = Roads((HOST, urlsplit(given["ROUTING_URL"]).port))
    threading.Thread(target=roads.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    mail.start()
    try:
        telephones.serve_forever()
    finally:
        mail.stop()


if __name__ == "__main__":
    main()
