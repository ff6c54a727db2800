"""Text messages: the only file that knows Twilio. It is imported inside the functions, for it takes a second."""

import json
import logging
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings

from accounts.providers import Busy, Failure, Refused, Stopped, Unknown, in_time

CONNECT_SECONDS = 3
# Whatever Twilio asks for, a message is tried again within the hour.
LONGEST_WAIT = 3600
STOP = 21610
# What staff read; the numbers are Twilio's. Those under 30000 answer a sending, the others come later.
REASONS = {
    21211: "Numéro invalide",
    21214: "Numéro impossible à joindre",
    21217: "Numéro invalide",
    21408: "Envoi refusé vers ce pays",
    STOP: "La personne a répondu STOP",
    21612: "Numéro impossible à joindre",
    21614: "Ce numéro ne reçoit pas de SMS",
    30003: "Téléphone éteint ou hors réseau",
    30004: "Messages bloqués par la personne ou son fournisseur",
    30005: "Numéro inconnu ou hors service",
    30006: "Téléphone fixe ou numéro impossible à joindre",
    30007: "Message filtré par le fournisseur de téléphonie",
}
# Our own queue at Twilio is full.
_QUEUE_FULL = 21611


def reason(code) -> str:
    """« Numéro invalide (21211). »: a code of Twilio, which may be missing, in a sentence."""
    known = int(code) if str(code or "").isdecimal() else 0
    return f"{REASONS.get(known, 'Refusé par le fournisseur de SMS')} ({known})." if known else "SMS non remis."


def send(to: str, body: str, *, status_url: str) -> str:
    """Hand a text message to Twilio; returns its SID, news of which will come at `status_url`.

    Raises Refused, Stopped, Busy or Unknown (accounts/providers.py).
    """
    messages = _messages()
    given = {"to": to, "from_": settings.TWILIO_FROM, "body": body, "status_callback": status_url}
    if not (sid := _ask(lambda: messages.create(**given).sid)):
        raise Unknown("Réponse incompréhensible du fournisseur de SMS.")
    return sid


def find(to: str, body: str, since: datetime) -> tuple[str, str] | None:
    """(SID, Twilio's status) of the message `body` created for `to` from `since` on, or None. Raises as `send`."""
    messages = _messages()

    def look():
        # Newest first, page after page.
        for message in messages.stream(to=to, limit=1000, page_size=50):
            if message.date_created < since:
                return None
            # A trial account writes its own words before ours.
            if message.body.endswith(body):
                return message.sid, message.status
        return None

    return _ask(look)


def is_genuine(request) -> bool:
    """Whether Twilio signed this request for our public address: the Host header is anybody's word."""
    from twilio.request_validator import RequestValidator

    if not settings.TWILIO_AUTH_TOKEN:
        return False
    signature = request.headers.get("X-Twilio-Signature", "")
    address = settings.BASE_URL + request.get_full_path()
    return RequestValidator(settings.TWILIO_AUTH_TOKEN).validate(address, request.POST, signature)


def _messages():
    from twilio.rest import Client

    if not settings.TWILIO_ACCOUNT_SID:
        raise Refused("Aucun fournisseur de SMS n’est configuré.")
    http = _client_class()()
    return Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=http).messages


@cache
def _client_class():
    from requests.adapters import HTTPAdapter
    from twilio.http.http_client import TwilioHttpClient
    from urllib3.util import Retry

    silent = logging.getLogger("accounts.sms.twilio")
    silent.disabled = True  # it would write the numbers we look up

    class TwilioElsewhere(TwilioHttpClient):
        """Twilio's own client, which never waits for ever and goes where TWILIO_BASE_URL says."""

        def __init__(self):
            super().__init__(logger=silent)
            self.timeout = (CONNECT_SECONDS, settings.TWILIO_TIMEOUT)
            # Again only while nothing was sent yet.
            retries = Retry(2, read=0, status=0, other=0, respect_retry_after_header=False)
            for scheme in ("https://", "http://"):
                self.session.mount(scheme, HTTPAdapter(max_retries=retries))

        def request(self, method, url, *args, **kwargs):
            if settings.TWILIO_BASE_URL:
                elsewhere = urlsplit(settings.TWILIO_BASE_URL)
                url = urlsplit(url)._replace(scheme=elsewhere.scheme, netloc=elsewhere.netloc).geturl()
            with self.session:
                answer = super().request(method, url, *args, **kwargs)
            if answer.status_code >= 400:
                raise _refusal(answer)
            return answer

    return TwilioElsewhere


def _ask(call):
    """What the client returns, its many errors (and those of what it stands on) told apart by what to do next."""
    from requests import RequestException
    from twilio.base.exceptions import TwilioException

    try:
        return in_time(2 * settings.TWILIO_TIMEOUT, call)
    except Failure:
        raise
    except RequestException as error:
        raise _broken(error) from None
    except (TwilioException, ValueError, LookupError, TypeError, AttributeError):
        raise Unknown("Réponse incompréhensible du fournisseur de SMS.") from None


def _refusal(answer) -> Failure:
    """An answer of 400 or more. 401, 403 and 404 are about our account: the configuration must be mended first."""
    code = _code_of(answer)
    if code == STOP:
        return Stopped(reason(code))
    is_about_us = answer.status_code in (401, 403, 404) and not 21000 <= code < 22000
    if is_about_us:
        return Busy(f"Le fournisseur de SMS refuse notre compte ({code or answer.status_code}).")
    if answer.status_code == 429 or answer.status_code >= 500 or code == _QUEUE_FULL:
        wait = answer.headers.get("Retry-After", "")
        seconds = min(int(wait), LONGEST_WAIT) if wait.isdecimal() else None
        return Busy(f"Le fournisseur de SMS est débordé ({answer.status_code}).", retry_after=seconds)
    return Refused(reason(code or answer.status_code))


def _code_of(answer) -> int:
    try:
        return int(json.loads(answer.text)["code"])
    except (ValueError, KeyError, TypeError):
        return 0


def _broken(error) -> Failure:
    """A connection that failed: before anything was sent, or after."""
    from requests.exceptions import ConnectTimeout, ProxyError, SSLError
    from urllib3.exceptions import ConnectTimeoutError

    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, ConnectTimeout | ProxyError | SSLError) or isinstance(cause, ConnectTimeoutError):
        return Busy("Fournisseur de SMS injoignable.")
    return Unknown("Le fournisseur de SMS n’a pas répondu.")
