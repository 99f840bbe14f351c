"""Jellyfin's and Emby's endpoint for changed files, as their API pages describe it.

`POST /Library/Media/Updated` with `{"Updates": [{"Path", "UpdateType"}]}` answers 204; a wrong or
missing key 401; a body of another form 400.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API_KEY = "a-key-of-the-dashboard"


class MediaServerStandIn(ThreadingHTTPServer):
    """The server; what it was told is in `updates`, what it answers next in `faults`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.updates: list[tuple[str, str]] = []
        self.requests = 0
        self.faults: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: MediaServerStandIn  # ty: ignore[incompatible-mutable-override]

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.requests += 1
        self.send_response(self._handled(body))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _handled(self, body: bytes) -> int:
        if self.server.faults:
            return self.server.faults.pop(0)
        if self.headers.get("X-Emby-Token") != API_KEY:
            return 401
        if self.path != "/Library/Media/Updated":
            return 404
        try:
            updates = [(each["Path"], each["UpdateType"]) for each in json.loads(body)["Updates"]]
        except (ValueError, KeyError, TypeError):
            return 400
        self.server.updates += updates
        return 204

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@contextmanager
def running_media_server() -> Generator[MediaServerStandIn]:
    """Run the stand-in for the length of a block."""
    server = MediaServerStandIn()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
