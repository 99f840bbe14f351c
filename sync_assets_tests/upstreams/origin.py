"""A web server that files are downloaded from, with all that goes wrong with such servers.

Ranges as in RFC 9110, section 14. It counts what was asked of it.
"""

import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from sync_assets_tests.upstreams.sockets import (
    Received,
    Reply,
    ResetConnectionError,
    SocketServer,
)

LOGIN_PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@dataclass
class Resource:
    """A file. `token`: the only value of the query's `token` that it is given for."""

    content: bytes
    content_type: str = "application/octet-stream"
    has_ranges: bool = True
    bytes_per_second: int | None = None
    token: str | None = None


@dataclass
class Fault:
    """An answer that is given so many times instead of the file.

    `status`: that status, with `headers`. `cut`: the connection ends after `after` bytes. `reset`:
    it ends before the answer. `page`: a login page with status 200.
    """

    kind: str
    times: float
    status: int = 0
    after: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What was asked: from which byte on."""

    path: str
    first_byte: int


class OriginServer(SocketServer):
    """A web server on a free port."""

    def __init__(self) -> None:
        super().__init__()
        self.resources: dict[str, Resource] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[Request] = []
        self.served: Counter[str] = Counter()
        self._state = threading.Lock()

    def add(self, path: str, content: bytes, **options) -> str:
        """Serve a file; return its address."""
        self.resources[path] = Resource(content, **options)
        return f"{self.url}{path}"

    def fail(self, path: str, kind: str, *, times: float = 1, **details) -> None:
        """Let requests for a file go wrong."""
        self.faults.setdefault(path, []).append(Fault(kind, times, **details))

    def count(self, path: str) -> int:
        """Return how often a file was asked for."""
        return sum(request.path == path for request in self.requests)

    def answer(self, request: Received) -> Reply:
        parts = urlsplit(request.target)
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        with self._state:
            self.requests.append(Request(parts.path, int(match[1]) if match else 0))
            fault = self._next_fault(parts.path)
        resource = self.resources.get(parts.path)
        if fault is not None and fault.kind != "cut":
            return self._broken(fault)
        if resource is None:
            return Reply(b"not here", 404, "text/plain")
        if resource.token not in (None, *parse_qs(parts.query).get("token", [])):
            return Reply(b"expired", 403, "text/plain")
        reply = self._content(resource, match)
        with self._state:
            self.served[parts.path] += len(reply.body)
        if fault is None:
            return reply
        return Reply(
            reply.body, reply.status, reply.content_type, reply.headers, cut_after=fault.after
        )

    def _content(self, resource: Resource, match: re.Match[str] | None) -> Reply:
        body, headers, status = resource.content, {}, 200
        if resource.has_ranges:
            headers["Accept-Ranges"] = "bytes"
        if match and resource.has_ranges:
            first, total = int(match[1]), len(body)
            last = min(int(match[2] or total - 1), total - 1)
            if first > last:
                return Reply(b"", 416, headers={"Content-Range": f"bytes */{total}"})
            headers["Content-Range"] = f"bytes {first}-{last}/{total}"
            body, status = body[first : last + 1], 206
        return Reply(
            body,
            status,
            resource.content_type,
            headers,
            bytes_per_second=resource.bytes_per_second,
        )

    def _next_fault(self, path: str) -> Fault | None:
        for fault in self.faults.get(path, []):
            if fault.times >= 1:
                fault.times -= 1
                return fault
        return None

    def _broken(self, fault: Fault) -> Reply:
        if fault.kind == "reset":
            raise ResetConnectionError
        if fault.kind == "page":
            return Reply(LOGIN_PAGE, 200, "text/html")
        return Reply(b"", fault.status, "text/plain", fault.headers)
