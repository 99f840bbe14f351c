"""What a bot receives: updates with their offsets, files and the links to them.

As https://core.telegram.org/bots/api#getting-updates and #getfile say: an update stays until a
higher offset is asked for; two that ask at once disturb each other; a link to a file is valid for
an hour; files above 20 MB are not given.
"""

import itertools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync_assets_tests.upstreams.sockets import Received, Reply
from sync_assets_tests.upstreams.telegram_forms import BotApiError

MAXIMUM_BYTES = 20 * 1024 * 1024
MAXIMUM_UPDATES = 100


@dataclass
class StoredFile:
    """A file that Telegram holds. `size`: what it says it has; `kind`: what it was sent as."""

    content: bytes
    size: int
    unique_id: str
    bytes_per_second: int | None = None
    kind: str = "document"


class Incoming:
    """The side of the Bot API from which a bot receives.

    Args:
        stopped: Set when the server stops.
    """

    def __init__(self, stopped: threading.Event) -> None:
        self.webhook_is_set = False
        self.has_size_limit = True
        self.files: dict[str, StoredFile] = {}
        self.links_given = 0
        self.bytes_served = 0
        self._stopped = stopped
        self._links: dict[str, str] = {}
        self._updates: dict[int, dict[str, Any]] = {}
        self._ids = itertools.count(1)
        self._poll = 0
        self._changed = threading.Condition()

    def add_file(
        self, unique_id: str, content: bytes, *, size: int | None = None, **options: Any
    ) -> dict[str, Any]:
        """Keep a file; return what a message says of it. Each call makes another id for it."""
        file_id = f"id{next(self._ids)}-{unique_id}"
        self.files[file_id] = StoredFile(content, size or len(content), unique_id, **options)
        return {
            "file_id": file_id,
            "file_unique_id": unique_id,
            "file_size": self.files[file_id].size,
        }

    def receive(self, kind: str = "message", **message: Any) -> int:
        """Let the bot receive an update; return its id."""
        with self._changed:
            update_id = next(self._ids)
            usual = {
                "message_id": update_id,
                "date": 1_700_000_000,
                "chat": {"id": 1, "type": "private"},
                "from": {"id": 42, "is_bot": False, "first_name": "Ann"},
            }
            self._updates[update_id] = {"update_id": update_id, kind: {**usual, **message}}
            self._changed.notify_all()
        return update_id

    def receive_again(self, update: dict[str, Any]) -> None:
        """Deliver an update once more."""
        with self._changed:
            self._updates[update["update_id"]] = update

    def waiting(self) -> list[dict[str, Any]]:
        """Return the updates that are not confirmed."""
        with self._changed:
            return [self._updates[each] for each in sorted(self._updates)]

    def confirm(self, update_id: int) -> None:
        """Forget an update that a webhook has taken."""
        with self._changed:
            self._updates.pop(update_id, None)

    def expire_links(self) -> None:
        """Let an hour pass for all links."""
        self._links.clear()

    def forget_file_ids(self) -> None:
        """Let the bot know no file any more, as another bot with the same chat would."""
        self.files.clear()

    def call(self, method: str, fields: Mapping[str, str]) -> Any:
        return self._get_updates(fields) if method == "getUpdates" else self._get_file(fields)

    def file(self, path: str, request: Received) -> Reply:
        """Give a file's content, or a part of it."""
        file_id = self._links.get(path)
        if file_id is None:
            return Reply(b'{"ok":false,"error_code":404,"description":"Not Found"}', 404)
        stored = self.files[file_id]
        body, total = stored.content, len(stored.content)
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        status, headers = 200, {"Accept-Ranges": "bytes"}
        if match:
            first, last = int(match[1]), min(int(match[2] or total - 1), total - 1)
            if first > last:
                return Reply(b"", 416, headers={"Content-Range": f"bytes */{total}"})
            headers["Content-Range"] = f"bytes {first}-{last}/{total}"
            body, status = body[first : last + 1], 206
        self.bytes_served += len(body)
        return Reply(
            body,
            status,
            "application/octet-stream",
            headers,
            bytes_per_second=stored.bytes_per_second,
        )

    def _get_updates(self, fields: Mapping[str, str]) -> Any:
        if self.webhook_is_set:
            raise BotApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook "
                "to delete the webhook first",
            )
        offset, limit = int(fields.get("offset", 0)), int(fields.get("limit", MAXIMUM_UPDATES))
        with self._changed:
            self._poll += 1
            own = self._poll
            self._changed.notify_all()
            for update_id in [each for each in self._updates if each < offset]:
                del self._updates[update_id]
            self._changed.wait_for(
                lambda: self._updates or self._poll != own or self._stopped.is_set(),
                timeout=float(fields.get("timeout", 0)),
            )
            if self._poll != own:
                raise BotApiError(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one "
                    "bot instance is running",
                )
            return self.waiting()[: min(limit, MAXIMUM_UPDATES)]

    def _get_file(self, fields: Mapping[str, str]) -> Any:
        stored = self.files.get(fields["file_id"])
        if stored is None:
            raise BotApiError(
                400, "Bad Request: wrong file_id or the file is temporarily unavailable"
            )
        if self.has_size_limit and stored.size > MAXIMUM_BYTES:
            raise BotApiError(400, "Bad Request: file is too big")
        self.links_given += 1
        path = f"documents/file_{self.links_given}.bin"
        self._links[path] = fields["file_id"]
        return {
            "file_id": fields["file_id"],
            "file_unique_id": stored.unique_id,
            "file_size": stored.size,
            "file_path": path,
        }
