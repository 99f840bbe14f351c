"""What the hosts of the stand-in of Trakt have in common: they count, check, and go wrong."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sync_assets_tests.upstreams.sockets import (
    Received,
    Reply,
    ResetConnectionError,
    SocketServer,
)
from sync_assets_tests.upstreams.trakt_library import Item

if TYPE_CHECKING:
    from sync_assets_tests.upstreams.trakt import TraktUpstream

HTML = b"<!doctype html><html><title>Just a moment...</title><body>cloudflare</body></html>"


@dataclass
class Fault:
    """Something that goes wrong with requests whose path matches.

    `kind`: an HTTP status, `html`, `slow`, `reset`, `cut` or `unpaged`. `skip`: how many matching
    requests go well before.
    """

    kind: str | int
    pattern: str
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()


class TraktHost(SocketServer, ABC):
    """What both hosts have in common: counting, checking, faults."""

    def __init__(self, upstream: "TraktUpstream") -> None:
        super().__init__()
        self.upstream = upstream

    def answer(self, request: Received) -> Reply:
        body = json.loads(request.body) if request.body else None
        path = urlsplit(request.target).path
        upstream = self.upstream
        with upstream.lock:
            upstream.requests[path] += 1
            upstream.violations += upstream.contract.violations(
                request.method, request.target, body
            )
            fault = upstream.fault_of(path)
        if fault is not None and fault.kind == "reset":
            raise ResetConnectionError
        if fault is not None and fault.kind not in {"slow", "cut", "unpaged"}:
            return self._refusal(fault)
        with upstream.lock:
            reply = self.handle(request, path, body)
        if fault is None:
            return reply
        if fault.kind == "slow":
            # After the work is done: whoever gives up has used the token all the same.
            self.stopped.wait(fault.seconds)
            return reply
        if fault.kind == "cut":
            return Reply(
                reply.body, reply.status, headers=reply.headers, cut_after=len(reply.body) // 2
            )
        return Reply(reply.body, reply.status)

    @abstractmethod
    def handle(self, request: Received, path: str, body: Item | None) -> Reply:
        """Answer a request that nothing goes wrong with."""

    def _refusal(self, fault: Fault) -> Reply:
        if fault.kind == "html":
            return Reply(HTML, 200, "text/html; charset=UTF-8")
        status = int(fault.kind)
        is_proxy = status >= 520 or status in {502, 503, 504}
        content = HTML if is_proxy else b""
        return Reply(content, status, "text/html", headers=dict(fault.headers))


def json_reply(content: Any, status: int = 200) -> Reply:
    """Return JSON as an answer."""
    return Reply(json.dumps(content).encode(), status)
