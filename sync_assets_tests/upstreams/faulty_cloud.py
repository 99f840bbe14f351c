"""A WebDAV cloud that refuses uploads: it passes on what it does not, to a real one.

Statuses and `Retry-After` as RFC 4918 and RFC 9110 say: 507 is a full storage, 401 an expired
login, 403 a folder that may not be written, 429 too many requests.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import httpx

from sync_assets_tests.upstreams.sockets import Received, Reply, SocketServer


@dataclass
class Refusal:
    """What requests of a method are answered with, so many times."""

    status: int
    times: float
    headers: Mapping[str, str] = field(default_factory=dict)


class FaultyCloud(SocketServer):
    """In front of a WebDAV server. `written` counts what was written by PUT or MOVE to a path.

    What is moved to a path of `damaged` loses its end there, once.

    Args:
        behind: The address of that server.
    """

    def __init__(self, behind: str) -> None:
        super().__init__()
        self.requests: Counter[str] = Counter()
        self.written: Counter[tuple[str, str]] = Counter()
        self.refusals: dict[str, Refusal] = {}
        self.damaged: set[str] = set()
        self._client = httpx.Client(base_url=behind, timeout=60, trust_env=False)

    def refuse(
        self, method: str, status: int, *, times: float = float("inf"), **headers: str
    ) -> None:
        """Refuse requests of a method; an underscore in a header's name means a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.refusals[method] = Refusal(status, times, named)

    def answer(self, request: Received) -> Reply:
        self.requests[request.method] += 1
        refusal = self.refusals.get(request.method)
        if refusal is not None and refusal.times >= 1:
            refusal.times -= 1
            return Reply(b"", refusal.status, headers=refusal.headers)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in ("host", "content-length", "connection", "accept-encoding")
        }
        if "destination" in headers:
            path = urlsplit(headers["destination"]).path
            headers["destination"] = f"http://{self._client.base_url.netloc.decode()}{path}"
        passed = self._client.request(
            request.method, request.target, headers=headers, content=request.body
        )
        if request.method in ("PUT", "MOVE") and passed.is_success:
            target = headers["destination"] if request.method == "MOVE" else request.target
            path = unquote(urlsplit(target).path)
            self.written[request.method, path] += 1
            if request.method == "MOVE" and path in self.damaged:
                self.damaged.remove(path)
                whole = self._client.get(urlsplit(target).path)
                self._client.put(urlsplit(target).path, content=whole.content[:-1])
        kind = passed.headers.get("content-type", "text/plain")
        return Reply(passed.content, passed.status_code, kind)
