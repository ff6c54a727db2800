"""A telephone company, a mail server and a routing service on the loopback, met by the real clients.

`moods` says how each call ends.
"""

import json
import secrets
import socket
import socketserver
import struct
import threading
from collections import deque
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

ACCOUNT, TOKEN, NUMBER = "AC" + "0" * 32, "jeton-d-essai", "+15145550100"
# The longest that a server keeps a visitor waiting; every test ends the wait itself.
PATIENCE = 20


class _Provider:
    """What these servers share: a mood for each call in turn, then the last one for all the others."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.moods, self.visits, self.received = deque(["accepts"]), 0, []
        self.visited, self.closing = threading.Event(), threading.Event()

    def next_mood(self) -> str:
        self.visits += 1
        self.visited.set()
        return self.moods.popleft() if len(self.moods) > 1 else self.moods[0]

    def feel(self, *moods: str) -> None:
        self.moods = deque(moods)


@contextmanager
def open_provider(provider):
    """Serve until the end of the block; whoever still waits is let go."""
    with provider:
        threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield provider
        finally:
            provider.closing.set()
            provider.shutdown()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Twilio


class Twilio(_Provider, ThreadingHTTPServer):
    """« Messages » of Twilio's API: a message is created, or the list is asked for."""

    def __init__(self):
        super().__init__(_Call)
        self.look_up, self.pages = "answers", 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def accept(self, form: dict, status="queued") -> dict:
        """Keep a message as if it had come through the API."""
        message = {
            "sid": f"SM{secrets.token_hex(16)}",
            "to": form["To"],
            "body": form["Body"],
            "status": status,
            "callback": form.get("StatusCallback", ""),
            "date_created": format_datetime(datetime.now(UTC)),
        }
        self.received.append(message)
        return message


def _error(code: int) -> dict:
    return {"code": code, "message": "To +15145550123: refused", "more_info": "", "status": 400}


# What each mood answers: status, content, headers. « accepts » is a mood too, made in `_Call`.
ANSWERS = {
    "429": (429, _error(20429), {"Retry-After": "300"}),
    "500": (500, {}, {}),
    "503": (503, _error(20503), {}),
    "400": (400, {}, {}),
    "401": (401, _error(20003), {}),
    "404": (404, _error(20404), {}),
    **{str(code): (400, _error(code), {}) for code in (21211, 21408, 21610, 21611, 21614, 21999)},
}


class _Call(BaseHTTPRequestHandler):
    first_line = b"HTTP/1.1 201 Created\r\n"

    def do_POST(self):  # noqa: N802 (http.server's name)
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        mood = self.server.next_mood()
        if mood in ANSWERS:
            self._say(*ANSWERS[mood])
        else:
            getattr(self, "_" + mood.replace(" ", "_"))(form)

    def do_GET(self):  # noqa: N802
        """The messages to a number, newest first, in pages."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if self.server.look_up != "answers":
            return self._say(*ANSWERS[self.server.look_up])
        self.server.pages += 1
        size, page = int(asked.get("PageSize", 50)), int(asked.get("Page", 0))
        found = [message for message in reversed(self.server.received) if message["to"] == asked["To"]]
        following = urlencode({"To": asked["To"], "PageSize": size, "Page": page + 1})
        more = f"{urlsplit(self.path).path}?{following}" if len(found) > (page + 1) * size else None
        self._say(200, {"messages": found[page * size :][:size], "next_page_uri": more})

    def _accepts(self, form):
        self._say(201, self.server.accept(form))

    def _hangs(self, form):
        self.server.closing.wait(PATIENCE)
        self.close_connection = True

    def _drips(self, form):
        """A byte now and then: each silence is short, the whole is endless."""
        self.wfile.write(self.first_line + b"Content-Length: 100000\r\n\r\n")
        while not self.server.closing.wait(0.05):
            try:
                self.wfile.write(b" ")
            except OSError:
                break
        self.close_connection = True

    def _resets(self, form):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _accepts_then_drops(self, form):
        self.server.accept(form)
        self._resets(form)

    def _accepts_then_hangs(self, form):
        self.server.accept(form)
        self._hangs(form)

    def _truncates(self, form):
        self.server.accept(form)
        self.wfile.write(self.first_line + b'Content-Length: 500\r\n\r\n{"sid": "SM')
        self.close_connection = True

    def _rambles(self, form):
        self.server.accept(form)
        self._say(201, "<html>")

    def _says_nothing(self, form):
        self._say(201, {})

    def _say(self, status, content, headers=None):
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


# Routes


class Roads(_Provider, ThreadingHTTPServer):
    """« table » of OSRM's API, to one place: every road there has so many `metres`; some points are far from any."""

    def __init__(self):
        super().__init__(_Table)
        self.metres, self.roadless, self.headers = 25_000, set(), []
        self.roadless_status = 400

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def accept(self, starts: list) -> dict:
        """The answer for these starts."""
        return {"code": "Ok", "distances": [[self.metres] for _ in starts], "sources": [], "destinations": []}


# What a service may answer besides distances: 200, and a body.
NONSENSE = {
    "rambles": "<html>",
    "says nothing": {},
    "says a list": [1, 2],
    "has no route": {"code": "NoRoute", "distances": [[25_000], [25_000]]},
    "forgets one": {"code": "Ok", "distances": [[25_000]]},
    "has empty rows": {"code": "Ok", "distances": [[], []]},
    "gives words": {"code": "Ok", "distances": "25000"},
    "floods": {"code": "Ok", "distances": [[25_000], [25_000]], "filling": " " * 1024 * 1024},
}


class _Table(_Call):
    first_line = b"HTTP/1.1 200 OK\r\n"

    def do_GET(self):  # noqa: N802
        self.server.received.append(self.path)
        self.server.headers.append(dict(self.headers))
        *starts, _ = urlsplit(self.path).path.rpartition("/")[2].split(";")
        mood = self.server.next_mood()
        if mood in ANSWERS:
            self._say(*ANSWERS[mood])
        elif mood in NONSENSE:
            self._say(200, NONSENSE[mood])
        elif self.server.roadless.intersection(starts):
            told = {"code": "NoSegment", "message": f"Could not find a matching segment: {starts}"}
            self._say(self.server.roadless_status, told)
        else:
            getattr(self, "_" + mood.replace(" ", "_"))(starts)

    def _accepts(self, starts):
        self._say(200, self.server.accept(starts))

    def _redirects(self, starts):
        self._say(302, {}, {"Location": f"{self.server.url}/ailleurs/1;2"})

    def _nests(self, starts):
        body = b'{"distances": ' + b"[" * 100_000
        self.wfile.write(self.first_line + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.close_connection = True

    def _breaks_a_header(self, starts):
        self.wfile.write(self.first_line + b"\x00\xff" * 40_000)
        self.close_connection = True


# Mail


class MailServer(_Provider, socketserver.ThreadingTCPServer):
    """A mail server. `bad` holds the recipients it does not know."""

    def __init__(self):
        super().__init__(_Letter)
        self.bad = set()

    @property
    def recipients(self) -> list[str]:
        return [to for to, _ in self.received]

    def texts(self) -> list[str]:
        """The plain parts of what it received."""
        letters = (message_from_bytes(content, policy=policy.default) for _, content in self.received)
        return [letter.get_body(("plain",)).get_content() for letter in letters]


class _Letter(socketserver.StreamRequestHandler):
    def handle(self):
        self.mood = self.server.next_mood()
        if self.mood == "hangs up":
            return
        if self.mood == "is silent":
            return self._wait()
        self._say("220 ici")
        to = ""
        for line in self.rfile:
            verb = line[:4].upper()
            if self.mood == f"leaves at {verb.decode()}":
                return
            if self.mood == "refuses us" and verb != b"QUIT":
                self._say("554 pas vous")
            elif verb == b"RCPT":
                to = line.split(b"<")[1].split(b">")[0].decode()
                self._say(self._about(to))
            elif verb == b"DATA":
                if not self._take(to):
                    return
            else:
                self._say("221 adieu" if verb == b"QUIT" else "250 bien")

    def _about(self, to):
        if self.mood == "greylists":
            return "451 plus tard"
        return "550 inconnu" if to in self.server.bad or self.mood == "refuses" else "250 bien"

    def _take(self, to) -> bool:
        """Whether the conversation goes on after the message."""
        self._say("354 continuez")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        if self.mood == "refuses the text":
            self._say("554 non")
            return True
        if self.mood == "is slow":
            self.server.closing.wait(0.2)
        if self.mood == "is silent after the text":
            self._wait()
            return False
        self.server.received.append((to, b"".join(lines)))
        if self.mood == "accepts then drops":
            return False
        self._say("250 reçu")
        return True

    def _wait(self):
        self.server.closing.wait(PATIENCE)

    def _say(self, line):
        self.wfile.write(f"{line}\r\n".encode())
