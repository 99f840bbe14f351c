"""The gateway: gives aria2 what Telegram holds, so that the bot's token never reaches aria2.

aria2 keeps addresses in its session, its log and its answers, and an address of Telegram holds the
token. An address of the gateway holds a signature that is good for one medium on this machine.
Each request asks Telegram for a fresh link, so that none can expire while a download rests.
"""

import hashlib
import hmac
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sqlalchemy import select

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import relay_media
from sync_assets.relay.bot_api import BotApi, BotApiError, BotUnreachableError
from sync_assets.relay.engine.adding import TOO_LARGE_FOR_BOT_API
from sync_assets.relay.engine.outcomes import GiveUp, Outcome, TryAgain
from sync_assets.relay.models import Reason, ReasonCode

_HOST = "127.0.0.1"
_BLOCK_BYTES = 262_144
_PATH = re.compile(r"/g/(\d{1,18})/([0-9a-f]{64})")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Gateway:
    """What the gateway knows.

    Args:
        ledger: The ledger, which knows the media.
        bot: The bot that may read them.
        key: What signatures are made with.
    """

    def __init__(self, ledger: Ledger, bot: BotApi, key: bytes) -> None:
        self._ledger = ledger
        self._key = hmac.digest(key, b"relay gateway", "sha256")
        self._failures: dict[int, Outcome] = {}
        self.bot = bot
        self.port = 0

    def url(self, media_id: int) -> str:
        """Return the address of a medium.

        Args:
            media_id: Which.
        """
        return f"http://{_HOST}:{self.port}/g/{media_id}/{self._signature(media_id)}"

    def take_failure(self, media_id: int) -> Outcome | None:
        """Return why the last request for a medium failed, once; None where it did not.

        Args:
            media_id: Which.
        """
        return self._failures.pop(media_id, None)

    def media_id(self, path: str) -> int | None:
        """Return the medium that an address is for; None where it is not ours.

        Args:
            path: The path of the address.
        """
        match = _PATH.fullmatch(path)
        if match is None or not hmac.compare_digest(match[2], self._signature(int(match[1]))):
            return None
        return int(match[1])

    def file_id(self, media_id: int) -> str | None:
        """Return Telegram's newest id of a medium's file; None where there is none.

        Args:
            media_id: Which.
        """
        with self._ledger.read() as connection:
            query = select(relay_media.c.file_id).where(relay_media.c.id == media_id)
            return connection.execute(query).scalar()

    def succeeded(self, media_id: int) -> None:
        """Say that a medium can be read.

        Args:
            media_id: Which.
        """
        self._failures.pop(media_id, None)

    def failed(self, media_id: int, error: BotApiError | BotUnreachableError) -> None:
        """Say that a medium cannot be read.

        Args:
            media_id: Which.
            error: Why.
        """
        self._failures[media_id] = _outcome(error)

    def _signature(self, media_id: int) -> str:
        return hmac.new(self._key, str(media_id).encode(), hashlib.sha256).hexdigest()


@contextmanager
def serve_gateway(
    ledger: Ledger, bot: BotApi, key: bytes, *, port: int | None = None
) -> Generator[Gateway]:
    """Serve the gateway on this machine for the length of a block.

    Args:
        ledger: The ledger.
        bot: The bot.
        key: What signatures are made with.
        port: Its port; None for a free one.

    Yields:
        The gateway.

    Raises:
        OSError: The port is in use.
    """
    gateway = Gateway(ledger, bot, key)
    handler = type("Handler", (_Handler,), {"gateway": gateway})
    server = ThreadingHTTPServer((_HOST, port or 0), handler)
    server.daemon_threads = True
    gateway.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, name="relay-gateway")
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    gateway: Gateway
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        media_id = self.gateway.media_id(self.path)
        file_id = None if media_id is None else self.gateway.file_id(media_id)
        if media_id is None or file_id is None:
            self._end(HTTPStatus.NOT_FOUND)
            return
        try:
            self._give(media_id, file_id)
        except BotApiError as error:
            self.gateway.failed(media_id, error)
            self._end(error.status if error.status >= 400 else HTTPStatus.BAD_GATEWAY)
        except BotUnreachableError as error:
            self.gateway.failed(media_id, error)
            # After the beginning of the body nothing can be said but by ending it too early.
            self.close_connection = True
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing: a signature is a secret."""

    def _give(self, media_id: int, file_id: str) -> None:
        path = self.gateway.bot.get_file_path(file_id)
        if path.startswith("/"):
            self._give_local(media_id, Path(path))
            return
        with self.gateway.bot.open_file(path, self.headers.get("Range")) as file:
            if file.status not in (200, 206, 416):
                raise BotApiError(file.status, "the file's link does not work")
            self.gateway.succeeded(media_id)
            self.send_response(file.status)
            for name in ("Content-Length", "Content-Range"):
                if name in file.headers:
                    self.send_header(name, file.headers[name])
            self._end_headers()
            for block in file.blocks:
                self.wfile.write(block)

    def _give_local(self, media_id: int, path: Path) -> None:
        """Give a file that a local Bot API server has put on a disk that we share."""
        try:
            file = path.open("rb")
        except OSError as error:
            raise BotApiError(
                502, f"the local Bot API server's file cannot be read: {error.strerror}"
            ) from None
        with file:
            size = path.stat().st_size
            match = _RANGE.fullmatch(self.headers.get("Range", ""))
            first = int(match[1]) if match else 0
            last = min(int(match[2]), size - 1) if match and match[2] else size - 1
            if match and first > last:
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self._end_headers()
                return
            self.gateway.succeeded(media_id)
            self.send_response(HTTPStatus.PARTIAL_CONTENT if match else HTTPStatus.OK)
            if match:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.send_header("Content-Length", str(last - first + 1))
            self._end_headers()
            file.seek(first)
            left = last - first + 1
            while left and (block := file.read(min(left, _BLOCK_BYTES))):
                self.wfile.write(block)
                left -= len(block)

    def _end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()

    def _end(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _outcome(error: BotApiError | BotUnreachableError) -> Outcome:
    text = f"{error.message} {error.remedy}"
    if isinstance(error, BotUnreachableError):
        return TryAgain(Reason(ReasonCode.NETWORK, text))
    if error.status == 429:
        return TryAgain(
            Reason(ReasonCode.RATE_LIMITED, text), after_seconds=error.retry_after_seconds
        )
    if "too big" in error.description:
        return GiveUp(TOO_LARGE_FOR_BOT_API)
    if error.status == 400:
        return GiveUp(
            Reason(
                ReasonCode.TELEGRAM_REFUSED,
                f"{error.message} Send or forward the message to the bot again.",
            )
        )
    return TryAgain(Reason(ReasonCode.TELEGRAM_REFUSED, text))
