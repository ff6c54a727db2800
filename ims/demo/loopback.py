"""How the demo's telephone company and routing service answer whoever visits them on the loopback."""

import json
from http.server import BaseHTTPRequestHandler


class JsonVisit(BaseHTTPRequestHandler):
    """One visit, answered in JSON."""

    def answer(self, status: int, said: dict) -> None:
        """Send it, with its length: the visitor waits for nothing more."""
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Nothing: a log would repeat who was written to, and where people live."""
