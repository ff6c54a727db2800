"""The routing service (OSRM's « table »): the only file that calls it, for the worker alone (routes.py).

An address carries coordinates and nothing else. Some are homes: no error, hence no log, repeats an address.
"""

import json
from functools import partial

from django.conf import settings

from accounts.providers import Failure, in_time

# A thousand times what an answer is.
LONGEST_ANSWER = 1024 * 1024
_PIECE = 16 * 1024


def metres_to(end: tuple, starts: list[tuple]) -> list:
    """What the service says of the way by road from each start to the end (latitude, longitude), in one call.

    As it came: nothing, or not a number, where there is no road. Raises Failure, whose `is_general` says that the
    service itself is in trouble: other ways would fare no better now.
    """
    longest = settings.ROUTING_CONNECT_SECONDS + settings.ROUTING_READ_SECONDS
    return _read(in_time(longest, partial(_ask, _address(end, starts))), len(starts))


def _address(end: tuple, starts: list[tuple]) -> str:
    points = ";".join(f"{longitude:.5f},{latitude:.5f}" for latitude, longitude in [*starts, end])
    sources = ";".join(str(number) for number in range(len(starts)))
    asked = f"sources={sources}&destinations={len(starts)}&annotations=distance"
    return f"{settings.ROUTING_URL}/table/v1/driving/{points}?{asked}"


def _ask(address: str) -> bytes:
    """Goes there and nowhere else: neither a redirection nor a proxy of the environment learns where people live."""
    import requests

    waits = (settings.ROUTING_CONNECT_SECONDS, settings.ROUTING_READ_SECONDS)
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.get(address, timeout=waits, allow_redirects=False, stream=True) as answer:
                return _body(answer)
    except requests.RequestException as error:
        # Its text is the address: only its kind is said.
        raise Failure(f"pas de réponse ({type(error).__name__})", is_general=True) from None


def _body(answer) -> bytes:
    if answer.status_code != 200:
        # 400: one of these places is nowhere near a road of the service.
        raise Failure(f"réponse {answer.status_code}", is_general=answer.status_code != 400)
    body = b""
    for piece in answer.iter_content(_PIECE):
        body += piece
        if len(body) > LONGEST_ANSWER:
            raise Failure("réponse trop longue", is_general=True)
    return body


def _read(body: bytes, count: int) -> list:
    try:
        said = json.loads(body)
        column = [row[0] for row in said["distances"]]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise Failure("réponse incompréhensible", is_general=True) from None
    if said.get("code") != "Ok" or len(column) != count:
        raise Failure("réponse incomplète", is_general=True)
    return column
