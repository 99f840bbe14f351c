"""Media behind OpenList, or AList 3, by its HTTP API.

Every answer of the API has HTTP status 200; the `code` in its body decides. An answer from a web
page in front of it, or from a guard against too many requests, has neither.
"""

import json
import re
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from sync_assets.settings.strm_sources import OpenListLink, OpenListSourceSettings
from sync_assets.strm.models import Entry, EntryKind, join
from sync_assets.strm.sources import pace
from sync_assets.strm.sources.http import (
    BAN_REMEDY,
    LARGEST_SIZE,
    Answer,
    DeniedError,
    HttpClient,
    Request,
    TransientError,
    shown,
)
from sync_assets.strm.sources.http_streams import HttpStream
from sync_assets.strm.sources.pace import RefusedError
from sync_assets.strm.sources.protocol import (
    DirectoryUnavailableError,
    FileStream,
    FileUnavailableError,
    SourceUnavailableError,
    UnprovenListingError,
)

_Result = TypeVar("_Result")

_FILE_REMEDY = "Open this file in OpenList; what the library has of it stays as it is."
_TAG = re.compile(r"<[^>]*>")
_TOO_OFTEN = re.compile(r"\b429\b|too many requests|访问频率|操作频繁", re.IGNORECASE)
_REMEDY = "Look at this folder in OpenList; its part of the library is kept."
# What OpenList passes on in the message of a code 500 when the drive itself bans it.
_BANNED = re.compile(r"<!doctype|<html|\b429\b|too many requests|访问频率|操作频繁", re.IGNORECASE)
_MISSING = re.compile(r"not found|not exist", re.IGNORECASE)


class UnauthorizedError(Exception):
    """The token is not valid, or not valid any more."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What one request for a directory gave.

    Attributes:
        entries: The entries.
        total: How many there are in the whole directory.
        may_lack_files: Whether this can be all that OpenList shows while the drive is down.
    """

    entries: list[Entry]
    total: int
    may_lack_files: bool


class OpenListSource:
    """A folder of OpenList.

    Args:
        settings: The source's settings.
        client: Asks the server.
    """

    def __init__(self, settings: OpenListSourceSettings, client: HttpClient) -> None:
        self._settings = settings
        self._client = client
        self._login = threading.Lock()
        self._token = settings.token.get_secret_value() if settings.token else ""
        self.connections = settings.connections
        self.link_root: str | None = None

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._client.requests

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def check(self) -> None:
        """Log in, and make sure that the folder is there."""
        try:
            if self._settings.username is not None:
                self._renew("")
            me = self._ask("/api/me", None, _envelope, item="OpenList's account")
            root = self._ask("/api/fs/get", self._body(""), _envelope, item=self._shown(""))
        except DirectoryUnavailableError as error:
            raise SourceUnavailableError(
                f"{self._settings.base_url}: {error.message}",
                remedy="Correct source.base_url and source.path, or mend the drive in OpenList; "
                "nothing was changed.",
            ) from error
        if not (isinstance(root, Mapping) and root.get("is_dir")):
            raise SourceUnavailableError(
                f"{self._settings.base_url}: {self._settings.path} is not a folder.",
                remedy="Correct source.path.",
            )
        base_path = str(me.get("base_path") or "/") if isinstance(me, Mapping) else "/"
        self.link_root = f"{base_path.rstrip('/')}{self._settings.path}".rstrip("/") or "/"

    def list_directory(self, path: str) -> list[Entry]:
        """List one directory."""
        page = self._in_pages(path) if self._settings.page_size else self._whole(path)
        if page.may_lack_files:
            raise UnprovenListingError(
                "it holds drives that are mounted in OpenList, and no files. OpenList answers "
                "the same while a drive does not work",
                remedy="Nothing to do. A drive that was taken out of OpenList keeps its files in "
                "the library until you delete them.",
                seen=page.entries,
            )
        return page.entries

    @contextmanager
    def open_file(self, path: str, *, sign: str | None = None) -> Generator[FileStream]:
        """Open a file by its link; with a new signature where the listing's has ended."""
        try:
            opened = self._open_link(path, sign)
        except UnauthorizedError:
            try:
                opened = self._open_link(path, self._new_sign(path))
            except UnauthorizedError as error:
                raise FileUnavailableError(
                    f"{self._shown(path)}: OpenList does not accept its own signature: {error}",
                    remedy="Compare the clocks of OpenList and of what is in front of it.",
                ) from error
        with opened as stream:
            yield stream

    def _open_link(self, path: str, sign: str | None) -> HttpStream:
        prefix = "/p" if self._settings.link is OpenListLink.PROXY else "/d"
        address = f"{prefix}{quote(join((self.link_root or '/').rstrip('/'), path))}"
        if sign is not None:
            address = f"{address}?sign={quote(sign, safe='')}"
        return self._client.open(
            Request("GET", address), _judge_link, item=self._shown(path), remedy=_FILE_REMEDY
        )

    def _new_sign(self, path: str) -> str | None:
        item = self._shown(path)
        try:
            data = self._ask("/api/fs/get", self._body(path), _envelope, item=item)
        except DirectoryUnavailableError as error:
            raise FileUnavailableError(error.message, remedy=_FILE_REMEDY) from error
        sign = data.get("sign") if isinstance(data, Mapping) else None
        return sign if isinstance(sign, str) and sign.isascii() and sign else None

    def _whole(self, path: str) -> _Page:
        def read(answer: Answer) -> _Page:
            page = _page(_envelope(answer))
            if len(page.entries) != page.total:
                message = f"OpenList gave {len(page.entries)} of {page.total} entries"
                raise TransientError(message, seen=page.entries)
            return page

        return self._ask("/api/fs/list", self._body(path), read, item=self._shown(path))

    def _in_pages(self, path: str) -> _Page:
        """Put a directory together from its pages; again where it changed between two of them."""
        seen: dict[str, Entry] = {}
        for attempt in range(self._settings.retries + 1):
            if attempt:
                self._client.sleep(pace.jittered(pace.BACKOFF_SECONDS * 2 ** (attempt - 1)))
            entries, first, is_whole = self._all_pages(path)
            if is_whole:
                return _Page(entries, first.total, first.may_lack_files)
            seen |= {entry.name: entry for entry in entries}
        raise DirectoryUnavailableError(
            f"{self._shown(path)}: it changed while its pages were read, or holds a name twice",
            remedy="Set source.page_size to 0, which asks for whole folders.",
            seen=list(seen.values()),
        )

    def _all_pages(self, path: str) -> tuple[list[Entry], _Page, bool]:
        entries: list[Entry] = []
        first: _Page | None = None
        number = 0
        names: set[str] = set()
        while first is None or len(entries) < first.total:
            number += 1
            body = self._body(path) | {"page": number, "per_page": self._settings.page_size}
            page = self._ask(
                "/api/fs/list",
                body,
                lambda answer: _page(_envelope(answer)),
                item=self._shown(path),
            )
            first = first or page
            entries += page.entries
            names |= {entry.name for entry in page.entries}
            if page.total != first.total or not page.entries or len(names) < len(entries):
                break
            first = _Page(first.entries, first.total, first.may_lack_files and page.may_lack_files)
        return entries, first, len(entries) == len(names) == first.total == page.total

    def _body(self, path: str) -> dict[str, Any]:
        full_path = join(self._settings.path.rstrip("/"), path) or "/"
        return {"path": full_path.rstrip("/") or "/", "password": "", "page": 1, "per_page": 0}

    def _shown(self, path: str) -> str:
        return self._body(path)["path"]

    def _ask(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        read: Callable[[Answer], _Result],
        *,
        item: str,
    ) -> _Result:
        """Ask with a token; once more with a new one where it is not valid any more."""
        token = self._token
        try:
            return self._client.ask(
                self._request(path, body, token), read, item=item, remedy=_REMEDY
            )
        except UnauthorizedError as error:
            self._renew(token, refused=str(error))
        try:
            return self._client.ask(
                self._request(path, body, self._token), read, item=item, remedy=_REMEDY
            )
        except UnauthorizedError as error:
            self._client.end(self._refusal(str(error)))

    @staticmethod
    def _request(path: str, body: Mapping[str, Any] | None, token: str) -> Request:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = token
        if body is None:
            return Request("GET", path, headers=headers)
        return Request("POST", path, json.dumps(body, ensure_ascii=False).encode(), headers)

    def _renew(self, token: str, *, refused: str = "") -> None:
        """Log in, unless another thread has done so since `token` was used."""
        with self._login:
            if self._token != token:
                return
            if self._settings.username is None or self._settings.password is None:
                self._client.end(self._refusal(refused))
            body = {
                "username": self._settings.username,
                "password": self._settings.password.get_secret_value(),
            }
            request = self._request("/api/auth/login", body, "")
            try:
                self._token = self._client.ask(
                    request, self._read_login, item="OpenList's login", remedy=_REMEDY
                )
            except DirectoryUnavailableError as error:
                self._client.end(SourceUnavailableError(error.message, remedy=error.remedy))

    def _read_login(self, answer: Answer) -> str:
        try:
            content = _json(answer)
        except UnauthorizedError as error:
            raise self._refusal(str(error)) from error
        if content.get("code") in (400, 402, 403, 429):
            raise self._refusal(shown(content.get("message")))
        data = _checked(content)
        token = data.get("token") if isinstance(data, Mapping) else None
        if not isinstance(token, str) or not token.isprintable() or not token.isascii():
            raise TransientError("the answer to the login holds no token")
        return token

    def _refusal(self, message: str) -> SourceUnavailableError:
        account = self._settings.username or ("the token" if self._settings.token else "a guest")
        return SourceUnavailableError(
            f"{self._settings.base_url} does not let {account} in: {message}.",
            remedy="Correct source.username and source.password, or source.token.",
        )


def _json(answer: Answer) -> Mapping[str, Any]:
    """Read the object that every answer of the API is."""
    answer.raise_if_refused()
    answer.raise_if_web_page()
    if answer.status == 401:
        raise UnauthorizedError(f"HTTP {answer.status}")
    if answer.status != 200:
        raise TransientError(f"HTTP {answer.status}")
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise TransientError("the answer is not whole JSON") from error
    if not isinstance(content, Mapping) or "code" not in content:
        raise TransientError("the answer is not one of OpenList")
    return content


def _envelope(answer: Answer) -> Any:
    """Return the data of an answer."""
    return _checked(_json(answer))


def _checked(content: Mapping[str, Any]) -> Any:
    code, message = content["code"], shown(content.get("message"))
    if code == 200:
        return content.get("data")
    if code == 401:
        raise UnauthorizedError(message)
    if code == 429 or (code == 500 and _BANNED.search(message)):
        raise RefusedError(f"refuses requests: {message}", remedy=BAN_REMEDY)
    if code == 403 or (code == 500 and _MISSING.search(message)):
        raise DeniedError(f"OpenList says: {message}")
    raise TransientError(f"OpenList says: {message} (code {code})")


def _judge_link(answer: Answer) -> None:
    """Raise where what a link leads to is not the file.

    OpenList shows its errors as a web page with HTTP 401 or 500; AList 3 as JSON with HTTP 200.
    """
    answer.raise_if_refused()
    text = shown(_TAG.sub(" ", answer.body.decode(errors="replace")))
    if answer.status == 401:
        raise UnauthorizedError(text)
    if answer.status == 200 and answer.content_type == "application/json":
        with suppress(ValueError, RecursionError):
            content = json.loads(answer.body)
            if isinstance(content, Mapping) and content.get("code") == 401:
                raise UnauthorizedError(shown(content.get("message")))
            if isinstance(content, Mapping) and "code" in content and "message" in content:
                raise DeniedError(f"OpenList says: {shown(content['message'])}")
    if answer.status >= 500:
        if _TOO_OFTEN.search(text):
            raise RefusedError(f"refuses requests: {text}", remedy=BAN_REMEDY)
        if _MISSING.search(text):
            raise DeniedError(f"OpenList says: {text}")
        raise TransientError(f"OpenList says: {text} (HTTP {answer.status})")


def _page(data: Any) -> _Page:
    """Read the data of a listing."""
    try:
        content = data["content"] or []
        entries = [_entry(item) for item in content]
        total = data["total"]
        # Where a path's own drive fails, OpenList shows the drives mounted below it, and no error.
        may_lack_files = any(item.get("mount_details") for item in content) and all(
            entry.kind is EntryKind.DIRECTORY for entry in entries
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise TransientError("the answer is not a listing") from error
    if not isinstance(total, int):
        raise TransientError("the answer does not say how many entries there are")
    return _Page(entries, total, may_lack_files)


def _entry(item: Mapping[str, Any]) -> Entry:
    name = item["name"]
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            printable = name.encode("utf-8", "backslashreplace").decode()
            return Entry(printable, EntryKind.UNREADABLE, error="its name is not Unicode")
    if "\\" in name:
        error = "OpenList takes the backslash in its name for a slash, and cannot find it"
        return Entry(name, EntryKind.UNREADABLE, error=error)
    modified_at = _seconds(item.get("modified"))
    if item["is_dir"]:
        return Entry(name, EntryKind.DIRECTORY, None, modified_at)
    size, sign = item["size"], item.get("sign")
    if not (isinstance(size, int) and 0 <= size <= LARGEST_SIZE):
        size = None
    if not (sign and isinstance(sign, str) and sign.isascii()):
        sign = None
    return Entry(name, EntryKind.FILE, size, modified_at, None, sign)


def _seconds(text: str | None) -> float | None:
    """Read a time; None where OpenList has none, which it writes as the year 1."""
    if not text or text.startswith("0001-"):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
