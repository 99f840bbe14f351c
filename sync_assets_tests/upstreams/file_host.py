"""A host of data files, as GitHub's raw files and npm mirrors are: ETags, 304, and their faults.

RFC 9110: an ETag is a quoted text; a request whose If-None-Match holds it is answered 304 without
a body; 429 and 503 may carry Retry-After in seconds.
"""

import hashlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Fault:
    """What a request is answered instead of the file."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    retry_after: str | None = None
    is_truncated: bool = False


class FileHostStandIn(ThreadingHTTPServer):
    """The host; `files` by path, `faults` by path for the next requests, `requests` as seen."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[tuple[str, int]] = []
        self.user_agents: set[str] = set()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def statuses(self, path: str) -> list[int]:
        return [status for each, status in self.requests if each == path]


class _Handler(BaseHTTPRequestHandler):
    server: FileHostStandIn  # ty: ignore[incompatible-mutable-override]

    def do_GET(self) -> None:
        self.server.user_agents.add(self.headers.get("User-Agent", ""))
        faults = self.server.faults.get(self.path)
        if faults:
            self._answer(faults.pop(0), {})
            return
        content = self.server.files.get(self.path)
        if content is None:
            self._answer(Fault(404, b"404: Not Found"), {})
            return
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            self._answer(Fault(304), {"ETag": etag})
        else:
            self._answer(Fault(200, content), {"ETag": etag})

    def _answer(self, answer: Fault, headers: dict[str, str]) -> None:
        self.server.requests.append((self.path, answer.status))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        if answer.retry_after is not None:
            self.send_header("Retry-After", answer.retry_after)
        for name, value in headers.items():
            self.send_header(name, value)
        length = len(answer.body) + (1_000 if answer.is_truncated else 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@contextmanager
def running_file_host() -> Generator[FileHostStandIn]:
    """Run the stand-in for the length of a block."""
    server = FileHostStandIn()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
