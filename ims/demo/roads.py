"""The demo's routing service: OSRM's « table », on the loopback, over roads that nobody drew. No place leaves."""

from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from ims.demo.loopback import JsonVisit
from requests_app.earth import straight_km

# A road's length for each kilometre in a straight line: a little under or over the estimate, always the same for the
# same two points.
SHORTEST, SPREAD = 1.2, 0.15


class Roads(ThreadingHTTPServer):
    """Answers at once, whatever is asked."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int]):
        super().__init__(address, _Visit)


class _Visit(JsonVisit):
    def do_GET(self):  # noqa: N802 (http.server's name)
        asked = urlsplit(self.path)
        try:
            status, said = 200, _table(asked.path.rpartition("/")[2], parse_qs(asked.query))
        except (LookupError, ValueError, OverflowError):
            status, said = 400, {"code": "InvalidQuery", "message": "Query string malformed"}
        self.answer(status, said)


def _table(points: str, asked: dict) -> dict:
    """Metres from each source to each destination."""
    # OSRM writes the longitude first.
    places = [tuple(map(float, point.split(",")))[::-1] for point in points.split(";")]
    starts, ends = (
        [places[int(number)] for number in asked[name][0].split(";")] for name in ("sources", "destinations")
    )
    return {"code": "Ok", "distances": [[_metres(start, end) for end in ends] for start in starts]}


def _metres(start: tuple, end: tuple) -> float:
    digits = sum(round(degrees * 100_000) for degrees in (*start, *end)) % 100
    return round(1000 * straight_km(start, end) * (SHORTEST + SPREAD * digits / 100), 1)
