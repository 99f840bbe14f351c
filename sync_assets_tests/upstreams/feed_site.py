"""A site with feeds and pages, as RFC 9110 lets servers behave, and as some do.

Each path has a `Document`. ETag and Last-Modified are honoured as the RFC says; what a path does
instead of answering is in `faults`.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from sync_assets_tests.upstreams.sockets import Received, Reply, SocketServer

CHALLENGE = b"<html><head><title>Just a moment...</title></head><body></body></html>"
MODIFIED = "Sun, 01 Nov 2026 10:00:00 GMT"


class Fault(Enum):
    """What a site does instead of answering."""

    CHALLENGE = auto()
    CHALLENGE_200 = auto()
    CUT = auto()
    FORBIDDEN = auto()
    LOOP = auto()
    SERVER_ERROR = auto()
    SILENT = auto()
    TOO_MANY = auto()


@dataclass(frozen=True)
class Document:
    """What a path holds."""

    body: bytes
    content_type: str = "application/rss+xml; charset=utf-8"
    is_gzip: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class FeedSite(SocketServer):
    """The site; what it was asked is in `received`."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, Document] = {}
        self.faults: dict[str, Fault] = {}
        self.redirections: dict[str, str] = {}
        self.received: list[Received] = []
        self.retry_after = "120"

    def answer(self, request: Received) -> Reply:
        self.received.append(request)
        path = request.target
        if path in self.faults:
            return self._faulty(path, self.faults[path])
        if path in self.redirections:
            return Reply(b"", 302, headers={"Location": self.redirections[path]})
        document = self.documents.get(path)
        if document is None:
            return Reply(b"<html>Not found</html>", 404, "text/html")
        tag = f'"{hash(document.body) & 0xFFFFFFFF:x}"'
        headers = {"ETag": tag, "Last-Modified": MODIFIED, **document.headers}
        if request.headers.get("if-none-match") == tag:
            return Reply(b"", 304, headers=headers)
        body = document.body
        if document.is_gzip:
            body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
        return Reply(body, content_type=document.content_type, headers=headers)

    def _faulty(self, path: str, fault: Fault) -> Reply:
        if fault is Fault.CUT:
            return Reply(self.documents[path].body, cut_after=20)
        if fault is Fault.SILENT:
            self.stopped.wait(60)
        replies = {
            Fault.CHALLENGE: Reply(CHALLENGE, 503, "text/html"),
            Fault.CHALLENGE_200: Reply(CHALLENGE, 200, "text/html"),
            Fault.FORBIDDEN: Reply(b"no", 403, "text/plain"),
            Fault.LOOP: Reply(b"", 302, headers={"Location": path}),
            Fault.SERVER_ERROR: Reply(b"", 500),
            Fault.TOO_MANY: Reply(b"", 429, headers={"Retry-After": self.retry_after}),
        }
        return replies.get(fault, Reply(b"", 204))
