"""The demo's telephone company, mail server and routing service, reached by the true clients of the house."""

import json
import os
import smtplib
import socket
import threading
import time
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.mail import EmailMessage, get_connection
from django.utils import timezone
from twilio.request_validator import RequestValidator

from accounts import sms
from accounts.providers import Busy, Failure, Refused, Stopped
from ims.demo import providers
from ims.demo.services import Service
from requests_app import osrm
from requests_app.earth import straight_km

NUMBER, TEXT = "+15145550122", "IMS: votre code est 482913."


def wait_for(is_ready, seconds=10):
    deadline = time.monotonic() + seconds
    while not (found := is_ready()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def answers(wires) -> bool:
    ports = [int(wires["EMAIL_PORT"]), *(urlsplit(wires[name]).port for name in ("TWILIO_BASE_URL", "ROUTING_URL"))]
    for port in ports:
        try:
            socket.create_connection((providers.HOST, port), timeout=1).close()
        except OSError:
            return False
    return True


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The providers as the demo starts them, in a folder of their own."""
    folder, wires = tmp_path_factory.mktemp("var"), providers.environment()
    started = Service("providers", ["-m", "ims.demo.providers"], folder)
    started.wires, started.outbox = wires, folder / "outbox"
    started.env = {**os.environ, **wires, "IMS_VAR": str(folder)}
    started.start(started.env)
    wait_for(lambda: answers(wires))
    yield started
    started.ask_to_stop()
    started.wait_or_kill()


@pytest.fixture(autouse=True)
def clients(service, settings):
    """Our own clients, sent there."""
    for name in (
        "TWILIO_BASE_URL",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_FROM",
        "EMAIL_HOST",
        "ROUTING_URL",
    ):
        setattr(settings, name, service.wires[name])
    settings.EMAIL_PORT = int(service.wires["EMAIL_PORT"])
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


def received(service, kind) -> list[bytes]:
    return [file.read_bytes() for file in sorted(service.outbox.glob(f"*{kind}"))]


class Told(BaseHTTPRequestHandler):
    """The web, which is told what became of a message."""

    def do_POST(self):
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.server.news.append((form, self.headers["X-Twilio-Signature"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def web():
    with HTTPServer((providers.HOST, 0), Told) as server:
        server.news, server.address = [], f"http://{providers.HOST}:{server.server_port}/sms/etat/jeton/"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()


def test_an_e_mail_arrives_as_it_was_sent(service):
    with get_connection() as server:
        server.send_messages([EmailMessage("Été", "Bonjour.", to=["lucia@interpretes.example"])])
    assert b"To: lucia@interpretes.example" in received(service, ".eml")[-1]


def test_a_text_message_arrives_as_it_was_sent(service):
    sid = sms.send(NUMBER, TEXT, status_url="")
    kept = json.loads(received(service, ".sms")[-1])
    assert (kept["sid"], kept["to"], kept["body"]) == (sid, NUMBER, TEXT)


def test_our_web_is_told_that_it_left_then_that_it_arrived_and_by_whom(service, web):
    sid = sms.send(NUMBER, TEXT, status_url=web.address)
    wait_for(lambda: len(web.news) == 2)
    assert [(form["MessageSid"], form["MessageStatus"]) for form, _ in web.news] == [(sid, "sent"), (sid, "delivered")]
    validator = RequestValidator(service.wires["TWILIO_AUTH_TOKEN"])
    assert all(validator.validate(web.address, form, signature) for form, signature in web.news)


def test_a_message_can_be_looked_up():
    sid = sms.send(NUMBER, "IMS: cherchez-moi.", status_url="")
    found = sms.find(NUMBER, "IMS: cherchez-moi.", timezone.now() - timedelta(minutes=1))
    assert found[0] == sid
    assert sms.find("+15145550188", "IMS: cherchez-moi.", timezone.now() - timedelta(minutes=1)) is None


@pytest.mark.parametrize(("number", "error"), [("+15145550000", Stopped), ("+15145550001", Refused)])
def test_two_numbers_fail_so_that_failures_can_be_seen(service, number, error):
    before = received(service, ".sms")
    with pytest.raises(error):
        sms.send(number, TEXT, status_url="")
    assert received(service, ".sms") == before


def test_another_account_is_not_served(settings):
    settings.TWILIO_ACCOUNT_SID = "AC" + "0" * 32
    with pytest.raises((Refused, Busy)):
        sms.send(NUMBER, TEXT, status_url="")


def test_it_listens_to_this_machine_alone(service):
    other = socket.gethostbyname(socket.gethostname())
    if other.startswith("127."):
        other = "127.0.0.2"
    with pytest.raises(OSError):
        smtplib.SMTP(other, int(service.wires["EMAIL_PORT"]), timeout=1)


def test_killed_and_started_again_it_is_found_where_it_was(service):
    service.process.kill()
    service.wait_or_kill()
    service.start(service.env)
    wait_for(lambda: answers(service.wires))
    assert sms.send(NUMBER, TEXT, status_url="")


# Routes


def test_a_road_is_a_little_under_or_over_the_estimate_and_always_the_same():
    places = [(Decimal("45.50884"), Decimal("-73.55403")), (Decimal("46.81228"), Decimal("-71.21454"))]
    metres = osrm.metres_to((Decimal("45.40000"), Decimal("-73.60000")), places)
    for place, length in zip(places, metres, strict=True):
        straight = straight_km(place, (45.4, -73.6))
        assert 1200 * straight <= length <= 1350 * straight
    assert osrm.metres_to((Decimal("45.40000"), Decimal("-73.60000")), places) == metres


@pytest.mark.parametrize(("north", "starts"), [("45.4", []), ("Infinity", [(Decimal("45.5"), Decimal("-73.6"))])])
def test_what_is_no_table_is_refused(north, starts):
    with pytest.raises(Failure, match="réponse 400"):
        osrm.metres_to((Decimal(north), Decimal("-73.6")), starts)
