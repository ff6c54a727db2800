"""The demo's telephone company: the part of Twilio's API that IMS uses, on the loopback. No text message leaves."""

import hmac
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import ThreadingHTTPServer
from urllib.error import URLError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

from ims.demo.loopback import JsonVisit

# How a number answers, by its last digits: as somebody who sent « STOP », and as one that does not exist.
REFUSALS = {
    "0000": (21610, "Attempt to send to unsubscribed recipient"),
    "0001": (21211, "The 'To' number is not a valid phone number."),
}
# A text message leaves, then arrives: so many seconds after it was accepted.
NEWS = {"sent": 0.3, "delivered": 1}
# The web that is told may be starting again.
RETRIES = (0, 2, 5)
MOST_LISTED = 1000


class Telephones(ThreadingHTTPServer):
    """Accepts messages, remembers them until it stops, and tells their sender what became of them.

    `keep` is given each message accepted.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], *, account: str, token: str, keep: Callable[[dict], None]):
        super().__init__(address, _Visit)
        self.account, self.token, self.keep, self.messages = account, token, keep, {}

    def accept(self, form: dict) -> dict:
        """Take a message in charge: Twilio's own answer."""
        sid, now = f"SM{secrets.token_hex(16)}", format_datetime(datetime.now(UTC))
        message = {"sid": sid, "account_sid": self.account, "to": form["To"], "from": form["From"]}
        message |= {"body": form["Body"], "status": "queued", "date_created": now, "date_sent": now}
        self.messages[sid] = message
        self.keep(message)
        threading.Thread(target=self._tell, args=(message, form.get("StatusCallback")), daemon=True).start()
        return message

    def _tell(self, message: dict, address: str | None) -> None:
        for status, wait in NEWS.items():
            time.sleep(wait)
            message["status"] = status
            if address:
                news = {"MessageSid": message["sid"], "MessageStatus": status, "To": message["to"]}
                self._call(address, {"AccountSid": self.account, "ApiVersion": "2010-04-01", **news})

    def _call(self, address: str, news: dict) -> None:
        headers = {"X-Twilio-Signature": signature(self.token, address, news)}
        for wait in RETRIES:
            time.sleep(wait)
            try:
                with urlopen(Request(address, urlencode(news).encode(), headers), timeout=5):  # noqa: S310 (our web)
                    return
            except (URLError, OSError):
                continue


def signature(token: str, address: str, form: dict) -> str:
    """Twilio's: SHA-1 of the address and of the form in the order of its names, under the account's token."""
    text = address + "".join(name + form[name] for name in sorted(form))
    return b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


class _Visit(JsonVisit):
    def do_POST(self):  # noqa: N802 (http.server's name)
        form = _fields(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
        if self._asked() != "Messages.json":
            self.answer(404, _error(20404, "Not found"))
        elif refusal := REFUSALS.get(form["To"][-4:]):
            self.answer(400, _error(*refusal))
        else:
            self.answer(201, self.server.accept(form))

    def do_GET(self):  # noqa: N802
        asked, to = self._asked(), _fields(urlsplit(self.path).query).get("To")
        sid = asked.removeprefix("Messages/").removesuffix(".json")
        if asked == "Messages.json":
            found = [message for message in self.server.messages.values() if to in (None, message["to"])]
            self.answer(200, {"uri": self.path, "next_page_uri": None, "messages": found[::-1][:MOST_LISTED]})
        elif sid in self.server.messages:
            self.answer(200, self.server.messages[sid])
        else:
            self.answer(404, _error(20404, "Not found"))

    def _asked(self) -> str:
        """What is asked for in the account's folder; nothing of another account's."""
        folder = f"/2010-04-01/Accounts/{self.server.account}/"
        path = urlsplit(self.path).path
        return path.removeprefix(folder) if path.startswith(folder) else ""


def _fields(text: str) -> dict:
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _error(code: int, message: str) -> dict:
    return {"code": code, "message": message, "status": 400, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
