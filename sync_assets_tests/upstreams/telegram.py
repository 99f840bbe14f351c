"""A stand-in of the Telegram Bot API, as https://core.telegram.org/bots/api describes it.

It keeps every message that it posted, so that tests can count them. As a program it serves until
it is stopped: `python -m sync_assets_tests.upstreams.telegram [--port N] [--limits]`; then
`GET /messages` tells what was posted.
"""

import argparse
import hashlib
import io
import itertools
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from PIL import Image, UnidentifiedImageError

from sync_assets_tests.upstreams.sockets import (
    Received,
    Reply,
    ResetConnectionError,
    SocketServer,
)
from sync_assets_tests.upstreams.telegram_forms import (
    BotApiError,
    EntityError,
    parse_form,
    visible_text,
)
from sync_assets_tests.upstreams.telegram_incoming import Incoming

TOKEN = "123456:a-token-of-the-bot-father"
MEGABYTE = 1_000_000
ALBUM_KINDS = {"photo": "visual", "video": "visual", "document": "document", "audio": "audio"}


@dataclass(frozen=True)
class Message:
    """A message that was posted. `content`: the SHA-256 of its file; empty for a text."""

    chat_id: str
    message_id: int
    kind: str
    content: str
    caption: str
    silent: bool
    album: str | None
    uploaded: bool


@dataclass
class Fault:
    """Something that goes wrong with requests to a chat whose caption holds `about`.

    Of an album, `posted` says which items are posted all the same; `parameters` goes into the
    answer.
    """

    kind: str
    times: float
    chat_id: str | None
    text: str
    parameters: Mapping[str, int]
    posted: frozenset[int]
    about: str


@dataclass(frozen=True)
class Limits:
    """How fast a bot may post. `second`: how long the stand-in's second lasts."""

    per_chat_second: int = 1
    per_group_minute: int = 20
    overall_second: int = 30
    second: float = 1.0


class GarbageError(Exception):
    """Raised where the answer is no JSON."""


@dataclass
class _Item:
    kind: str
    file_id: str
    content: str
    caption: str
    uploaded: bool
    text: str = ""


@dataclass
class _Chat:
    kind: str
    free_at: float = 0.0
    recent: deque[float] = field(default_factory=deque)


class TelegramServer(SocketServer):
    """The Bot API on a free port.

    Args:
        limits: How fast the bot may post; without it, as fast as it likes.
        latency_seconds: How long it takes from having posted to the answer.
    """

    def __init__(self, *, limits: Limits | None = None, latency_seconds: float = 0.0) -> None:
        super().__init__()
        self.tokens = {TOKEN}
        self.limits = limits
        self.latency_seconds = latency_seconds
        self.messages: list[Message] = []
        self.requests: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()
        self.faults: list[Fault] = []
        self.incoming = Incoming(self.stopped)
        self.edits: list[tuple[int, str]] = []
        self.chats: dict[str, _Chat] = {}
        self._files: dict[str, tuple[str, str]] = {}
        self._numbers = itertools.count(1)
        self._recent: deque[float] = deque()
        self._state = threading.RLock()

    @property
    def base_url(self) -> str:
        return f"{self.url}/bot"

    def add_chat(self, chat_id: str, kind: str = "private") -> None:
        """Add a chat: private, group, supergroup or channel."""
        self.chats[chat_id] = _Chat(kind)

    def fail(
        self,
        kind: str,
        *,
        times: float = 1,
        chat_id: str | None = None,
        text: str = "",
        posted: Sequence[int] = (),
        about: str = "",
        **parameters: int,
    ) -> None:
        """Let requests go wrong so many times.

        `error`: answers `text`, which begins with the status, such as "400 Bad Request: …".
        `reset`: the connection breaks before anything is posted. `cut`, `hang`, `garbage` and
        `late_error`: after it, by a reset, by silence, with an answer that is no JSON, with
        `text`. `partial`: an album of which only `posted` is posted answers 400 with `text`.
        Of a method without a chat, its name is the `chat_id`.
        """
        self.faults.append(Fault(kind, times, chat_id, text, parameters, frozenset(posted), about))

    def posted(self, chat_id: str | None = None) -> Counter[tuple[str, str]]:
        """Count messages with a file by chat and content."""
        with self._state:
            return Counter(
                (each.chat_id, each.content)
                for each in self.messages
                if each.content and chat_id in (None, each.chat_id)
            )

    def answer(self, request: Received) -> Reply:
        if len(request.body) < int(request.headers.get("content-length", 0)):
            raise ResetConnectionError  # the client was killed in the middle of its request
        # A proxy's client asks for the whole address, and the stand-in can be that proxy.
        path = urlsplit(request.target).path
        if path == "/messages":
            return Reply(json.dumps([asdict(each) for each in self.messages]).encode())
        if path.startswith("/file/bot"):
            _, _, bot, file_path = path.split("/", 3)
            known = bot.removeprefix("bot") in self.tokens
            return self.incoming.file(file_path, request) if known else Reply(b"", 401)
        _, bot, method = path.split("/", 2)
        with self._state:
            self.requests[method] += 1
        try:
            self._require_token(bot.removeprefix("bot"))
            fields, files = parse_form(request)
            return _reply({"ok": True, "result": self._call(method, fields, files)})
        except GarbageError:
            return Reply(b"<html>something is wrong", 200, "text/html")
        except BotApiError as error:
            self.refused[error.status] += 1
            return _reply(
                {
                    "ok": False,
                    "error_code": error.status,
                    "description": error.description,
                    **({"parameters": error.parameters} if error.parameters else {}),
                },
                error.status,
            )

    def _require_token(self, token: str) -> None:
        if token not in self.tokens:
            raise BotApiError(401, "Unauthorized")

    def _call(self, method: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Any:
        if method == "getMe":
            fault = self._fault(None)
            if fault is not None:
                self._break(fault)
            return {"id": 123456, "is_bot": True, "first_name": "Bot", "username": "a_bot"}
        if method in ("getUpdates", "getFile"):
            fault = self._fault(method)
            if fault is not None:
                self._break(fault)
            given = {name: value for name, value in fields.items() if value != "None"}
            answer = self.incoming.call(method, given)
            if fault is not None:
                self._break_late(fault)
            return answer
        if method == "editMessageText":
            return self._edit(fields)
        senders = {
            "sendMessage": self._text,
            "sendPhoto": self._single,
            "sendDocument": self._single,
            "sendAnimation": self._single,
            "sendVideo": self._single,
            "sendMediaGroup": self._album,
        }
        if method not in senders:
            raise BotApiError(404, "Not Found")
        items = senders[method](method, fields, files)
        return self._post(fields, items, is_album=method == "sendMediaGroup")

    # What is sent.

    def _text(self, _: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> list[_Item]:
        text = _checked_text(fields.get("text", ""), fields.get("parse_mode"), 4_096, "text")
        if not text:
            raise BotApiError(400, "Bad Request: message text is empty")
        return [_Item("text", "", "", "", uploaded=False, text=text)]

    def _single(
        self, method: str, fields: Mapping[str, str], files: Mapping[str, bytes]
    ) -> list[_Item]:
        kind = method.removeprefix("send").lower()
        return [self._item(kind, fields.get(kind, ""), fields, files)]

    def _album(self, _: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> list[_Item]:
        media = json.loads(fields["media"])
        if not 2 <= len(media) <= 10:
            raise BotApiError(400, "Bad Request: group send failed: wrong number of items")
        kinds = {ALBUM_KINDS.get(each["type"]) for each in media}
        if len(kinds) != 1 or None in kinds:
            raise BotApiError(400, "Bad Request: can't mix these types of media in an album")
        return [self._item(each["type"], each["media"], each, files) for each in media]

    def _item(
        self, kind: str, reference: str, fields: Mapping[str, Any], files: Mapping[str, bytes]
    ) -> _Item:
        caption = _checked_text(
            fields.get("caption") or "", fields.get("parse_mode"), 1_024, "caption"
        )
        data = files.get(reference.removeprefix("attach://") or kind, files.get(kind))
        if data is None:
            known_kind, content = self._known(reference)
            if known_kind != kind:
                raise BotApiError(
                    400, f"Bad Request: can't use file of type {known_kind} as {kind}"
                )
            return _Item(kind, reference, content, caption, uploaded=False)
        if len(data) > 50 * MEGABYTE:
            raise BotApiError(413, "Request Entity Too Large")
        if not data:
            raise BotApiError(400, "Bad Request: file must be non-empty")
        if kind == "photo":
            _check_photo(data)
        content = hashlib.sha256(data).hexdigest()
        file_id = f"file-{kind}-{content}"
        self._files[file_id] = (kind, content)
        return _Item(kind, file_id, content, caption, uploaded=True)

    def _known(self, file_id: str) -> tuple[str, str]:
        received = self.incoming.files.get(file_id)
        if received is not None:
            return received.kind, hashlib.sha256(received.content).hexdigest()
        if file_id not in self._files:
            raise BotApiError(400, "Bad Request: wrong file identifier/HTTP URL specified")
        return self._files[file_id]

    def _edit(self, fields: Mapping[str, str]) -> Any:
        message_id, text = int(fields["message_id"]), fields["text"]
        fault = self._fault("editMessageText")
        if fault is not None:
            self._break(fault)
        with self._state:
            known = [each for each in self.messages if each.message_id == message_id]
            if not known:
                raise BotApiError(400, "Bad Request: message to edit not found")
            shown = [known[0].caption, *(said for each, said in self.edits if each == message_id)]
            if shown[-1] == text:
                raise BotApiError(400, "Bad Request: message is not modified")
            self.edits.append((message_id, text))
        return {"message_id": message_id, "date": 1, "chat": {"id": 1, "type": "private"}}

    # Posting it.

    def _post(self, fields: Mapping[str, str], items: list[_Item], *, is_album: bool) -> Any:
        chat_id = fields["chat_id"]
        fault = self._fault(chat_id, items[0].text or items[0].caption)
        if fault is not None:
            self._break(fault)
        with self._state:
            chat = self.chats.get(chat_id)
            if chat is None:
                raise BotApiError(400, "Bad Request: chat not found")
            self._check_limits(chat, len(items))
            album = str(next(self._numbers)) if is_album else None
            replies = []
            for number, item in enumerate(items):
                if fault is not None and fault.kind == "partial" and number not in fault.posted:
                    continue
                message = Message(
                    chat_id,
                    next(self._numbers),
                    item.kind,
                    item.content,
                    item.text or item.caption,
                    fields.get("disable_notification", "").lower() == "true",
                    album,
                    item.uploaded,
                )
                self.messages.append(message)
                replies.append(_message(message, chat.kind, item))
        if self.latency_seconds:
            self.stopped.wait(self.latency_seconds)
        if fault is not None:
            self._break_late(fault)
        return replies if is_album else replies[0]

    def _check_limits(self, chat: _Chat, count: int) -> None:
        limits = self.limits
        if limits is None:
            return
        now = time.monotonic() / limits.second
        waits = [chat.free_at - now]
        if chat.kind != "private":
            waits.append(_window_wait(chat.recent, now, 60, limits.per_group_minute - count))
        waits.append(_window_wait(self._recent, now, 1, limits.overall_second - count))
        if max(waits) > 0:
            seconds = max(1, round(max(waits) * limits.second + 0.5))
            raise BotApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        chat.free_at = now + count / limits.per_chat_second
        for times in (chat.recent, self._recent):
            times.extend([now] * count)

    def _fault(self, chat_id: str | None, caption: str = "") -> Fault | None:
        with self._state:
            for fault in self.faults:
                if fault.times >= 1 and fault.chat_id == chat_id and fault.about in caption:
                    fault.times -= 1
                    return fault
        return None

    def _break(self, fault: Fault) -> None:
        if fault.kind == "reset":
            raise ResetConnectionError
        if fault.kind == "error":
            status, description = fault.text.split(" ", 1)
            raise BotApiError(int(status), description, **fault.parameters)

    def _break_late(self, fault: Fault) -> None:
        if fault.kind == "cut":
            raise ResetConnectionError
        if fault.kind == "garbage":
            raise GarbageError
        if fault.kind == "hang":
            self.stopped.wait(3_600)
        if fault.kind in ("partial", "late_error"):
            status, description = fault.text.split(" ", 1)
            raise BotApiError(int(status), description, **fault.parameters)


def _window_wait(times: deque[float], now: float, length: float, most: int) -> float:
    """Return how long until at most `most` of the times lie in the window before now."""
    while times and times[0] <= now - length:
        times.popleft()
    surplus = len(times) - most
    return times[surplus - 1] + length - now if surplus > 0 else 0.0


def _checked_text(text: str, parse_mode: str | None, most: int, name: str) -> str:
    try:
        visible = visible_text(text) if parse_mode == "HTML" else text
    except EntityError as error:
        raise BotApiError(400, f"Bad Request: can't parse entities: {error}") from None
    if len(visible.encode("utf-16-le")) // 2 > most:
        raise BotApiError(400, f"Bad Request: message {name} is too long")
    return visible


def _check_photo(data: bytes) -> None:
    if len(data) > 10 * MEGABYTE:
        raise BotApiError(413, "Request Entity Too Large")
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
    except UnidentifiedImageError:
        raise BotApiError(400, "Bad Request: IMAGE_PROCESS_FAILED") from None
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise BotApiError(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")


def _message(message: Message, chat_kind: str, item: _Item) -> dict[str, Any]:
    file = {"file_id": item.file_id, "file_unique_id": item.content[:16], "file_size": 1}
    sized = {**file, "width": 1, "height": 1}
    forms: dict[str, Any] = {
        "photo": {"photo": [{**sized, "file_id": "thumbnail"}, {**sized, "width": 2}]},
        "document": {"document": file},
        "video": {"video": {**sized, "duration": 1}},
        "animation": {"animation": {**sized, "duration": 1}, "document": file},
        "text": {"text": item.text},
    }
    numeric = message.chat_id.lstrip("-").isdigit()
    return {
        "message_id": message.message_id,
        "date": int(time.time()),
        "chat": {"id": int(message.chat_id) if numeric else -100, "type": chat_kind},
        **forms[item.kind],
    }


def _reply(content: Mapping[str, Any], status: int = 200) -> Reply:
    return Reply(json.dumps(content).encode(), status)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--limits", action="store_true", help="refuse what comes too fast")
    parser.add_argument("--chat", action="append", default=[], help="id of a chat; may be repeated")
    options = parser.parse_args()
    server = TelegramServer(limits=Limits() if options.limits else None)
    server.port = options.port
    for chat_id in options.chat:
        server.add_chat(chat_id, "private" if chat_id.isdigit() else "supergroup")
    with server:
        print(server.base_url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
