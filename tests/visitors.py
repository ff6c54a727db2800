"""The real server on several processes, and browsers without a window that press together (reliability, « HTTP×N »)."""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from threading import Barrier
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import connection
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests import providers
from tests.pages import form_with, nobody, said, sign_in

TOKEN = "t" * 32


@contextmanager
def serving():
    """The port of two processes of four threads, on the tests' own database."""
    port = providers.closed_port()
    where = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    command = [sys.executable, "-W", "ignore", "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "2", "--blocking-threads", "4", "--log-level", "critical"]
    given = os.environ | {"DATABASE_URL": where, "DEMO": "0"}
    with subprocess.Popen([*command, "ims.wsgi:application"], env=given, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while time.monotonic() < until and not answers(port):
            time.sleep(0.1)
        yield port
        process.terminate()


def answers(port) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Said(NamedTuple):
    """An answer: its status, what a person reads, where it leads."""

    status: int
    text: str
    location: str


class Browser:
    """Somebody's browser, or nobody's: what it opens and sends, each over a connection of its own."""

    def __init__(self, port, user=None):
        self.port, self.user, self.client = port, user, nobody()
        self.cookies = [f"{settings.CSRF_COOKIE_NAME}={TOKEN}"]
        if user:
            session = sign_in(self.client, user).cookies[settings.SESSION_COOKIE_NAME].value
            self.cookies.append(f"{settings.SESSION_COOKIE_NAME}={session}")

    def ask(self, method, address, body=None, kind="application/x-www-form-urlencoded"):
        line = HTTPConnection("127.0.0.1", self.port, timeout=20)
        kind = {"Content-Type": kind} if body is not None else {}
        line.request(method, address, body, {"Cookie": "; ".join(self.cookies), **kind})
        answer = line.getresponse()
        answer.content = answer.read()
        line.close()
        return Said(answer.status, said(answer), answer.getheader("Location", ""))

    def open(self, address):
        return self.ask("GET", address)

    def send(self, address, **typed):
        """What a form sends, ready to go."""
        body = urlencode(typed | {"csrfmiddlewaretoken": TOKEN}, doseq=True)
        return lambda: self.ask("POST", address, body)

    def send_files(self, address, **typed):
        """What a form with files sends, ready to go."""
        body = encode_multipart(BOUNDARY, typed | {"csrfmiddlewaretoken": TOKEN})
        return lambda: self.ask("POST", address, body, MULTIPART_CONTENT)

    def fill(self, address, button, **typed):
        """The form of a page as it stands now, filled in, ready to go."""
        form = form_with(self.client.get(address), button)
        fields = _sent(form.fields | typed)
        if button == "Enregistrer la modification":
            seen = self.client.post(address, fields)  # the consequence, read before it is confirmed
            fields = _sent(form_with(seen, "Confirmer la modification").fields) if seen.status_code == 200 else fields
        return self.send(form.action or address, **fields)


def _sent(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if value is not None}


def together(*calls) -> list[Said]:
    """Everybody's answer, all let go at once."""
    barrier = Barrier(len(calls), timeout=30)

    def run(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def statuses(said_to) -> list[int]:
    return [answer.status for answer in said_to]
