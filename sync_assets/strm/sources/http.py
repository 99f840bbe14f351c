"""Ask a server over HTTP: connections that stay open, repetitions, pauses, and when to give up.

What an answer means is for the source to say: it passes a function that reads the answer, and
that raises `TransientError` or `RefusedError` where asking again makes sense. `http.client` in
threads, because httpx costs seven times the CPU per request.
"""

import hashlib
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NoReturn, TypeVar
from urllib.parse import quote, urlsplit

from sync_assets.ledger import Ledger
from sync_assets.settings.strm_sources import OpenListSourceSettings, WebDavSourceSettings
from sync_assets.strm.models import Entry
from sync_assets.strm.sources import pace
from sync_assets.strm.sources.http_messages import (
    Answer,
    DeniedError,
    Request,
    TransientError,
    answer_of,
    reason_of,
)
from sync_assets.strm.sources.http_streams import (
    MAXIMUM_REDIRECTIONS,
    HttpStream,
    Origin,
    Target,
    connect,
    redirected,
    require_file,
    without_credentials,
)
from sync_assets.strm.sources.pace import Gate, Pace, RefusedError
from sync_assets.strm.sources.protocol import (
    DirectoryUnavailableError,
    FileUnavailableError,
    SourceUnavailableError,
)

_Result = TypeVar("_Result")

_USER_AGENT = "sync_assets"


class _GaveUpError(Exception):
    """No answer to a request could be used."""

    def __init__(self, message: str, seen: Sequence[Entry] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.seen = seen


class HttpClient:
    """Asks one server, from any number of threads.

    Args:
        settings: The source's settings.
        ledger: The ledger, which holds the account's rate budget.
    """

    def __init__(
        self, settings: OpenListSourceSettings | WebDavSourceSettings, ledger: Ledger
    ) -> None:
        parts = urlsplit(settings.base_url)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._is_secure = parts.scheme == "https"
        self._base_path = quote(parts.path, safe="/%:@!$&'()*+,;=~")
        self._timeout = settings.timeout_seconds
        self._retries = settings.retries
        self._idle: deque[HTTPConnection] = deque()
        self._lock = threading.Lock()
        self._gate = Gate(settings.base_url, _pace(settings, ledger))
        self.requests = 0

    def ask(
        self, request: Request, read: Callable[[Answer], _Result], *, item: str, remedy: str
    ) -> _Result:
        """Send a request, as often as needed, and read the answer.

        Args:
            request: What to ask.
            read: Reads an answer. It raises `TransientError` or `RefusedError` where the request
                should be repeated, `DeniedError` where that is of no use, and whatever else
                the caller expects.
            item: What the request is about, for messages.
            remedy: What the user can do where the item stays unavailable.

        Returns:
            What `read` returned.

        Raises:
            DirectoryUnavailableError: No answer to this request could be used.
            SourceUnavailableError: The server does not answer, or refuses all requests.
        """
        try:
            return self._repeat(lambda: read(self._exchange(request)))
        except _GaveUpError as error:
            raise DirectoryUnavailableError(
                f"{item}: {error.message}", remedy=remedy, seen=error.seen
            ) from error

    def open(
        self, request: Request, judge: Callable[[Answer], None], *, item: str, remedy: str
    ) -> HttpStream:
        """Send a request, as often as needed, for a file whose content the caller reads.

        Redirections are followed; what lets the client in at this server is sent to no other.

        Args:
            request: What to ask.
            judge: Raises, as the `read` of `ask` does, where an answer is not the file. The body
                that it is given is only the beginning, and only where it may be an error.
            item: What the request is about, for messages.
            remedy: What the user can do where the item stays unavailable.

        Returns:
            The content, to be used as a context manager.

        Raises:
            FileUnavailableError: No answer to this request was the file.
            SourceUnavailableError: The server does not answer, or refuses all requests.
        """
        try:
            response, finish = self._repeat(lambda: self._follow(request, judge))
        except _GaveUpError as error:
            raise FileUnavailableError(f"{item}: {error.message}", remedy=remedy) from error
        return HttpStream(response, finish, item=item, remedy=remedy)

    def _repeat(self, send: Callable[[], _Result]) -> _Result:
        repetitions = refusals = 0
        while True:
            entered_at = self._gate.enter()
            try:
                result = send()
            except RefusedError as error:
                refusals += 1
                self._gate.refused(error, entered_at)
                if refusals > pace.REFUSALS:
                    self._gate.give_up(error)
                continue
            except DeniedError as error:
                self._gate.answered(entered_at)
                raise _GaveUpError(error.message) from error
            except TransientError as error:
                if error.answered:
                    self._gate.answered(entered_at)
                repetitions += 1
                if repetitions > self._retries:
                    if not error.answered:
                        self._gate.unanswered(error.message)
                    raise _GaveUpError(error.message, error.seen) from error
                self._gate.sleep(pace.jittered(pace.BACKOFF_SECONDS * 2 ** (repetitions - 1)))
                continue
            self._gate.answered(entered_at)
            return result

    def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than the scan goes on.

        Raises:
            SourceUnavailableError: The scan has ended.
        """
        self._gate.sleep(seconds)

    def end(self, error: SourceUnavailableError) -> NoReturn:
        """End the scan for all threads.

        Raises:
            SourceUnavailableError: Always.
        """
        self._gate.end(error)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, request: Request) -> Answer:
        connection, response = self._begin(request)
        try:
            body = response.read()
        except (OSError, HTTPException) as error:
            connection.close()
            raise TransientError(reason_of(error), answered=False) from error
        self._give_back(connection, is_usable=not response.will_close)
        return answer_of(response, body)

    def _begin(self, request: Request) -> tuple[HTTPConnection, HTTPResponse]:
        """Send a request to the server and read the head of the answer."""
        with self._lock:
            self.requests += 1
        try:
            idle = self._idle_connection()
            if idle is not None:
                # The server may have closed a connection that was idle: that is no failure.
                with suppress(ConnectionError):
                    return idle, _send(idle, request, self._base_path + request.path)
            connection = self._connected()
            return connection, _send(connection, request, self._base_path + request.path)
        except (OSError, HTTPException) as error:
            raise TransientError(reason_of(error), answered=False) from error

    def _give_back(self, connection: HTTPConnection, *, is_usable: bool) -> None:
        if is_usable:
            self._idle.append(connection)
        else:
            connection.close()

    def _follow(
        self, request: Request, judge: Callable[[Answer], None]
    ) -> tuple[HTTPResponse, Callable[[bool], None]]:
        """Send a request, and on to where it is redirected; return the file that is there."""
        own = Origin(self._is_secure, self._host, self._port)
        connection, response = self._begin(request)
        target = Target(own, self._base_path + request.path)
        try:
            for _ in range(MAXIMUM_REDIRECTIONS):
                try:
                    following = redirected(response, target)
                except ValueError as error:
                    raise DeniedError(str(error)) from error
                if following is None:
                    break
                connection.close()
                headers = request.headers
                if following.origin != own:
                    headers = without_credentials(headers)
                target = following
                elsewhere = Request(request.method, target.path, headers=headers)
                connection, response = self._begin_elsewhere(target, elsewhere)
            require_file(response, judge, is_own=target.origin == own)
        except BaseException:
            connection.close()
            raise

        def finish(is_whole: bool) -> None:
            self._give_back(connection, is_usable=is_whole and target.origin == own)

        return response, finish

    def _begin_elsewhere(
        self, target: Target, request: Request
    ) -> tuple[HTTPConnection, HTTPResponse]:
        with self._lock:
            self.requests += 1
        connection = connect(target.origin, self._timeout)
        try:
            return connection, _send(connection, request, target.path)
        except (OSError, HTTPException) as error:
            # The server itself has answered: that the drive behind it does not is another thing.
            message = f"{target.origin.host}, where it is redirected to: {reason_of(error)}"
            raise TransientError(message) from error

    def _idle_connection(self) -> HTTPConnection | None:
        with suppress(IndexError):
            return self._idle.pop()
        return None

    def _connected(self) -> HTTPConnection:
        make = HTTPSConnection if self._is_secure else HTTPConnection
        connection = make(self._host, self._port, timeout=self._timeout)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            self._gate.give_up(
                RefusedError(
                    f"has a certificate that cannot be verified: {error.verify_message}",
                    remedy="Correct base_url, or install the authority's certificate.",
                )
            )
        except OSError as error:
            connection.close()
            reason = error.strerror or str(error)
            raise RefusedError(
                f"cannot be reached: {reason}",
                remedy="Start the server, or correct source.base_url; nothing was changed.",
            ) from error
        return connection


def _send(connection: HTTPConnection, request: Request, path: str) -> HTTPResponse:
    try:
        headers = {"User-Agent": _USER_AGENT, **request.headers}
        connection.request(request.method, path, request.body or None, headers)
        return connection.getresponse()
    except (OSError, HTTPException):
        connection.close()
        raise


def _pace(settings: OpenListSourceSettings | WebDavSourceSettings, ledger: Ledger) -> Pace | None:
    if settings.requests_per_second is None:
        return None
    # /metrics shows the names of budgets to everybody, so the address must not be in it.
    digest = hashlib.sha256(settings.base_url.encode()).hexdigest()[:8]
    name = f"{settings.type}:{settings.username or 'token'}:{digest}"
    return Pace(ledger, name, settings.requests_per_second, settings.connections)
