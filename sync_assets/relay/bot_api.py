"""What the relay needs of the Bot API: updates, files in and out, and status messages.

Beside the Telegram domain's client, which posts: this one streams files with ranges, which
python-telegram-bot cannot, and keeps updates as they came. No address ever reaches a message or a
log: it holds the bot's token.
"""

import logging
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import httpx

from sync_assets.errors import SyncError
from sync_assets.settings.telegram import TelegramSettings

_CONNECT_SECONDS = 15.0
_SLOWEST_BYTES_PER_SECOND = 250_000
_FILE_KINDS = ("animation", "document", "video", "photo", "audio", "voice")
_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class BotApiError(SyncError):
    """Telegram refused a request.

    Attributes:
        status: Its error code, which is an HTTP status.
        description: What it says.
        retry_after_seconds: How long it wants to hear nothing; 0 where it does not say.
    """

    def __init__(self, status: int, description: str, retry_after_seconds: float = 0.0) -> None:
        remedies = {
            401: "Set telegram.bot_token to the token that @BotFather shows.",
            404: "Set telegram.bot_token to the token that @BotFather shows.",
            409: "Let only one program receive for this bot, and delete its webhook if it has one.",
            429: "Nothing to do: it is asked again later.",
        }
        super().__init__(
            f"Telegram refused the request ({status}): {description}.",
            remedy=remedies.get(status, "Nothing to do if it goes away; else look at the message."),
        )
        self.status = status
        self.description = description
        self.retry_after_seconds = retry_after_seconds


class BotUnreachableError(SyncError):
    """Telegram does not answer.

    Attributes:
        may_have_arrived: Whether the request may have had its effect.
    """

    def __init__(self, message: str, remedy: str, *, may_have_arrived: bool) -> None:
        super().__init__(message, remedy=remedy)
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True)
class FileStream:
    """A file, or a part of it, that is being read.

    Attributes:
        status: The HTTP status: 200, 206, or 4xx.
        headers: The HTTP headers.
        blocks: Its content.
    """

    status: int
    headers: Mapping[str, str]
    blocks: Generator[bytes]


@dataclass(frozen=True)
class SentFile:
    """A message with a file, which Telegram has confirmed.

    Attributes:
        message_id: Its id in the chat.
        file_unique_id: What the file is known by, for every bot and for ever.
    """

    message_id: int
    file_unique_id: str


class BotApi:
    """A bot that receives; for several threads at once, for the length of a `with` block.

    Args:
        settings: The bot's token and how to reach Telegram.

    Raises:
        BotApiError: There is no token.
    """

    def __init__(self, settings: TelegramSettings) -> None:
        if settings.bot_token is None:
            raise BotApiError(401, "no bot is configured")
        # httpx logs every address at INFO, and the address holds the token.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        token = settings.bot_token.get_secret_value()
        base = str(settings.base_url).rstrip("/")
        self._method_url = f"{base}/bot{token}"
        self._file_url = f"{base}/file/bot{token}"
        self._timeout_seconds = settings.timeout_seconds
        self._client = httpx.Client(
            timeout=httpx.Timeout(
                settings.timeout_seconds, connect=min(_CONNECT_SECONDS, settings.timeout_seconds)
            ),
            proxy=settings.proxy.get_secret_value() if settings.proxy else None,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._client.close()

    def get_updates(self, offset: int, *, wait_seconds: int = 0) -> list[dict[str, Any]]:
        """Return what came, and confirm what came before.

        Args:
            offset: The first update to return; Telegram forgets those before it.
            wait_seconds: How long to wait for one.

        Returns:
            At most 100 updates, oldest first.

        Raises:
            BotApiError: Telegram refused; 409 where another program receives too.
            BotUnreachableError: It does not answer.
        """
        return self._call("getUpdates", wait_seconds, offset=offset, timeout=wait_seconds)

    def get_file_path(self, file_id: str) -> str:
        """Return the path of a file, which is valid for an hour.

        Args:
            file_id: Telegram's id of it.

        Returns:
            A path for `open_file`; of a local Bot API server, one on its disk.

        Raises:
            BotApiError: Telegram refused; 400 for an unknown file, and for one above 20 MB.
            BotUnreachableError: It does not answer.
        """
        return str(self._call("getFile", 0, file_id=file_id)["file_path"])

    @contextmanager
    def open_file(self, path: str, byte_range: str | None) -> Generator[FileStream]:
        """Read a file.

        Args:
            path: From `get_file_path`.
            byte_range: The value of a `Range` header; None for all of it.

        Yields:
            The file.

        Raises:
            BotUnreachableError: Telegram does not answer, or breaks off.
        """
        headers = {"Accept-Encoding": "identity", **({"Range": byte_range} if byte_range else {})}
        try:
            with self._client.stream("GET", f"{self._file_url}/{path}", headers=headers) as answer:
                yield FileStream(answer.status_code, answer.headers, _blocks(answer))
        except httpx.HTTPError as error:
            raise _unreachable(error) from None

    def send_message(self, chat_id: str, text: str, *, reply_to: int) -> int:
        """Answer a message with a text.

        Args:
            chat_id: The chat.
            text: Plain text.
            reply_to: The message.

        Returns:
            The id of the answer.

        Raises:
            BotApiError: Telegram refused.
            BotUnreachableError: It does not answer; the answer may be there.
        """
        message = self._call(
            "sendMessage",
            0,
            chat_id=chat_id,
            text=text,
            disable_notification=True,
            reply_parameters={"message_id": reply_to, "allow_sending_without_reply": True},
        )
        return int(message["message_id"])

    def edit_message(self, chat_id: str, message_id: int, text: str) -> None:
        """Replace the text of a message of the bot; one that has it already stays.

        Args:
            chat_id: The chat.
            message_id: The message.
            text: Plain text.

        Raises:
            BotApiError: Telegram refused.
            BotUnreachableError: It does not answer.
        """
        try:
            self._call("editMessageText", 0, chat_id=chat_id, message_id=message_id, text=text)
        except BotApiError as error:
            if "not modified" not in error.description:
                raise

    def send_file_id(
        self, chat_id: str, kind: str, file_id: str, *, caption: str, silent: bool
    ) -> SentFile:
        """Send a file that the bot has received or sent before.

        Args:
            chat_id: The chat's number or @name.
            kind: What it was sent as: `document`, `video`, `photo`, …; it is sent so again.
            file_id: Telegram's id of it.
            caption: Plain text.
            silent: Whether receivers get no sound.

        Returns:
            The message.

        Raises:
            BotApiError: Telegram refused; 400 for an unknown file, and for one of another kind.
            BotUnreachableError: It does not answer; the message may be there.
        """
        fields = {"chat_id": chat_id, kind: file_id, "disable_notification": silent}
        if caption:
            fields["caption"] = caption
        return _sent_file(self._call(f"send{kind.capitalize()}", 0, **fields))

    def send_document(
        self,
        chat_id: str,
        path: Path,
        *,
        caption: str,
        silent: bool,
        progress: Callable[[int], None],
    ) -> SentFile:
        """Send a file as it is.

        Args:
            chat_id: The chat's number or @name.
            path: The file.
            caption: Plain text.
            silent: Whether receivers get no sound.
            progress: Told how many bytes are sent; what it raises ends the request before its end,
                so that nothing is sent.

        Returns:
            The message.

        Raises:
            BotApiError: Telegram refused; 413 for a file that is too large.
            BotUnreachableError: It does not answer; the message may be there.
        """
        fields = {
            "chat_id": chat_id,
            "disable_notification": str(silent).lower(),
            # Else it would be sent as what it looks like, changed as that is.
            "disable_content_type_detection": "true",
            **({"caption": caption} if caption else {}),
        }
        # A server of one's own answers only when it has passed the file on.
        wait_seconds = path.stat().st_size // _SLOWEST_BYTES_PER_SECOND
        with path.open("rb") as file:
            document = (path.name, _Progressing(file, progress), "application/octet-stream")
            return _sent_file(
                self._request(
                    "sendDocument", wait_seconds, data=fields, files={"document": document}
                )
            )

    def _call(self, method: str, wait_seconds: int, **fields: Any) -> Any:
        return self._request(method, wait_seconds, json=fields)

    def _request(self, method: str, wait_seconds: int, **content_of_request: Any) -> Any:
        try:
            answer = self._client.post(
                f"{self._method_url}/{method}",
                timeout=self._timeout_seconds + wait_seconds,
                **content_of_request,
            )
            content = answer.json()
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        except ValueError:
            raise BotApiError(answer.status_code, "the answer is no JSON") from None
        if not isinstance(content, dict) or not content.get("ok"):
            parameters = content.get("parameters") or {} if isinstance(content, dict) else {}
            raise BotApiError(
                int(content.get("error_code", answer.status_code)),
                str(content.get("description", "no reason given")).rstrip("."),
                float(parameters.get("retry_after", 0)),
            )
        return content["result"]


class _Progressing:
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, progress: Callable[[int], None]) -> None:
        self._file = file
        self._progress = progress

    def read(self, count: int = -1) -> bytes:
        self._progress(self._file.tell())
        return self._file.read(count)

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()

    def __iter__(self) -> Iterator[bytes]:
        """Return its blocks."""
        while block := self.read(65_536):
            yield block


def _sent_file(message: Mapping[str, Any]) -> SentFile:
    found = [message[kind] for kind in _FILE_KINDS if message.get(kind)]
    # Of a photo there are several sizes, the largest one last.
    file = found[0][-1] if isinstance(found[0], list) else found[0]
    return SentFile(int(message["message_id"]), str(file["file_unique_id"]))


def _blocks(answer: httpx.Response) -> Generator[bytes]:
    try:
        yield from answer.iter_raw(65_536)
    except httpx.HTTPError as error:
        raise _unreachable(error) from None


def _unreachable(error: httpx.HTTPError) -> BotUnreachableError:
    return BotUnreachableError(
        f"Telegram does not answer: {type(error).__name__}.",
        remedy="Check the network, telegram.base_url and telegram.proxy. Nothing is lost.",
        may_have_arrived=not isinstance(error, _NEVER_LEFT),
    )
