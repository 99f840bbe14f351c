"""What is asked over HTTP, what is answered, and the errors by which an answer is judged."""

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse

from sync_assets.strm.models import Entry
from sync_assets.strm.sources.pace import RefusedError

BAN_REMEDY = (
    "Wait until the server answers again, then run the job; set requests_per_second lower. "
    "Nothing is deleted meanwhile."
)
LARGEST_SIZE = 2**63 - 1
"""The largest size of a file that can be stored; a server that says more is wrong."""


class TransientError(Exception):
    """An answer that may be better next time, or no answer.

    Args:
        message: What is wrong with it.
        answered: Whether the server answered at all.
        seen: Entries that are there, although there may be more.
    """

    def __init__(self, message: str, *, answered: bool = True, seen: Sequence[Entry] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.answered = answered
        self.seen = seen


class DeniedError(Exception):
    """An answer about this request that will not be better next time.

    Args:
        message: What the server says.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Attributes:
        method: The HTTP method.
        path: Below the base address, percent-encoded, with a leading slash.
        body: The body.
        headers: Further headers.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said.

    Attributes:
        status: The HTTP status.
        content_type: The media type, in lower case, without parameters.
        retry_after: Seconds that the server asks to be left alone.
        body: The whole body.
    """

    status: int
    content_type: str
    retry_after: float | None
    body: bytes

    def raise_if_refused(self) -> None:
        """Raise where the server wants no requests now.

        Raises:
            RefusedError: It says so.
        """
        if self.status in (405, 429, 503):
            message = f"refuses requests (HTTP {self.status})"
            raise RefusedError(message, remedy=BAN_REMEDY, retry_after=self.retry_after)

    def raise_if_web_page(self) -> None:
        """Raise where a program is shown a page for people, as guards and proxies do.

        Raises:
            RefusedError: It is one.
        """
        if self.content_type == "text/html":
            message = f"answers with a web page (HTTP {self.status}), as one that bans does"
            raise RefusedError(message, remedy=BAN_REMEDY, retry_after=self.retry_after)


def answer_of(response: HTTPResponse, body: bytes) -> Answer:
    """Return an answer with a body, which may be only its beginning."""
    headers = response.headers
    retry_after = _retry_after(headers.get("Retry-After"))
    return Answer(response.status, headers.get_content_type(), retry_after, body)


def reason_of(error: Exception) -> str:
    """Return why there is no whole answer, fit for a message."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, HTTPException):
        return f"the answer broke off ({type(error).__name__})"
    return str(error) or type(error).__name__


def basic_authorization(username: str | None, password: str) -> dict[str, str]:
    """Return the header of HTTP's basic authentication; empty without an account."""
    if username is None:
        return {}
    credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


def shown(text: object) -> str:
    """Return a server's text fit for a message and a table: one line of Unicode, not long."""
    line = " ".join(str(text).encode(errors="replace").decode().split())
    return line if len(line) <= 200 else f"{line[:200]}…"


def _retry_after(text: str | None) -> float | None:
    """Read the header Retry-After: seconds, or a date."""
    if text is None:
        return None
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(ValueError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return None
