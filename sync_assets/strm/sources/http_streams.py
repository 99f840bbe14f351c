"""Files that come over HTTP piece by piece, and the redirections that lead to them."""

from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import quote, urljoin, urlsplit

from sync_assets.strm.sources.http_messages import (
    Answer,
    DeniedError,
    TransientError,
    answer_of,
    reason_of,
)
from sync_assets.strm.sources.protocol import FileUnavailableError

MAXIMUM_REDIRECTIONS = 5
_JUDGED_BYTES = 4_096
_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
# What servers percent-encode is left as it is; what they should have encoded is.
_SAFE_IN_TARGETS = "/%:@!$&'()*+,;=~?"


class Origin(NamedTuple):
    """A server that a request goes to: credentials of one are never sent to another."""

    is_secure: bool
    host: str
    port: int | None


class Target(NamedTuple):
    """Where a request goes."""

    origin: Origin
    path: str

    @property
    def url(self) -> str:
        """The address, to which relative ones are relative."""
        host = f"[{self.origin.host}]" if ":" in self.origin.host else self.origin.host
        port = "" if self.origin.port is None else f":{self.origin.port}"
        return f"{'https' if self.origin.is_secure else 'http'}://{host}{port}{self.path}"


class HttpStream:
    """A file that a server sends.

    Args:
        response: The server's answer, of which nothing has been read.
        finish: Called once with whether all was read: the connection can be used again.
        item: What it is, for messages.
        remedy: What the user can do where it breaks off.
    """

    def __init__(
        self, response: HTTPResponse, finish: Callable[[bool], None], *, item: str, remedy: str
    ) -> None:
        self._response = response
        self._finish = finish
        self._item = item
        self._remedy = remedy
        self.size = None if response.length is None else int(response.length)
        self.content_type: str | None = (
            response.headers.get_content_type() if response.headers.get("Content-Type") else None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._finish(self._response.isclosed() and not self._response.will_close)

    def read(self, limit: int) -> bytes:
        """Read on; see `FileStream`."""
        try:
            return self._response.read(limit)
        except (OSError, HTTPException) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else "it broke off"
            raise FileUnavailableError(f"{self._item}: {reason}", remedy=self._remedy) from error


def require_file(response: HTTPResponse, judge: Callable[[Answer], None], *, is_own: bool) -> None:
    """Make sure that a response is a file, of which nothing has been read yet.

    Args:
        response: The response.
        judge: Raises where an answer is not the file; see `HttpClient.open`.
        is_own: Whether the source's own server sent it, and not one that it leads to.

    Raises:
        TransientError: It may be the file next time.
        DeniedError: It will not be.
    """
    status = response.status
    if not is_own and status not in (200, 429):
        raise TransientError(f"where it is redirected to, the answer is HTTP {status}")
    try:
        body = b""
        may_be_error = status != 200 or response.headers.get_content_type() == "application/json"
        # Looking for the beginning of an empty body would wait for the next answer.
        if may_be_error and response.length != 0:
            body = response.peek(_JUDGED_BYTES)[:_JUDGED_BYTES]
    except (OSError, HTTPException) as error:
        raise TransientError(reason_of(error)) from error
    judge(answer_of(response, body))
    if status != 200:
        raise DeniedError(f"the server answers with HTTP {status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise DeniedError("the server sends it compressed, which nobody asked for")


def redirected(response: HTTPResponse, target: Target) -> Target | None:
    """Return where a response sends the client, or None where it does not.

    Args:
        response: The response.
        target: What was asked.

    Raises:
        ValueError: It sends it nowhere that can be reached over HTTP.
    """
    if response.status not in _REDIRECTIONS:
        return None
    # Servers send bytes of UTF-8 here, which http.client reads as Latin-1.
    location = (
        response.headers.get("Location", "").encode("latin-1", "replace").decode("utf-8", "replace")
    )
    parts = urlsplit(urljoin(target.url, quote(location, safe=f"{_SAFE_IN_TARGETS}#[]")))
    if parts.scheme not in ("http", "https") or not parts.hostname or not location:
        message = "it is redirected to no address of http or https"
        raise ValueError(message)
    query = f"?{parts.query}" if parts.query else ""
    origin = Origin(parts.scheme == "https", parts.hostname, parts.port)
    return Target(origin, f"{parts.path or '/'}{query}")


def without_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers that may be sent to another server."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in ("authorization", "cookie")
    }


def connect(origin: Origin, timeout: float) -> HTTPConnection:
    """Return a connection, not opened yet."""
    make = HTTPSConnection if origin.is_secure else HTTPConnection
    return make(origin.host, origin.port, timeout=timeout)
