"""Media behind OpenList, or AList 3, by its HTTP API.

Every answer of the API has HTTP status 200; the `code` in its body decides. An answer from a web
page in front of it, or from a guard against too many requests, has neither.
"""

import json
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

from sync_assets.settings.strm_sources import OpenListLink, OpenListSourceSettings
from sync_assets.strm.models import Entry, join
from sync_assets.strm.sources import pace
from sync_assets.strm.sources.http import HttpClient
from sync_assets.strm.sources.http_messages import Answer, Request, TransientError, shown
from sync_assets.strm.sources.http_streams import HttpStream
from sync_assets.strm.sources.openlist_answers import (
    Page,
    UnauthorizedError,
    checked,
    data_of,
    json_of,
    judge_link,
    page_of,
)
from sync_assets.strm.sources.protocol import (
    DirectoryUnavailableError,
    FileStream,
    FileUnavailableError,
    SourceUnavailableError,
    UnprovenListingError,
)

_Result = TypeVar("_Result")

_FILE_REMEDY = "Open this file in OpenList; what the library has of it stays as it is."
_REMEDY = "Look at this folder in OpenList; its part of the library is kept."


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
            me = self._ask("/api/me", None, data_of, item="OpenList's account")
            root = self._ask("/api/fs/get", self._body(""), data_of, item=self._shown(""))
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
            Request("GET", address), judge_link, item=self._shown(path), remedy=_FILE_REMEDY
        )

    def _new_sign(self, path: str) -> str | None:
        item = self._shown(path)
        try:
            data = self._ask("/api/fs/get", self._body(path), data_of, item=item)
        except DirectoryUnavailableError as error:
            raise FileUnavailableError(error.message, remedy=_FILE_REMEDY) from error
        sign = data.get("sign") if isinstance(data, Mapping) else None
        return sign if isinstance(sign, str) and sign.isascii() and sign else None

    def _whole(self, path: str) -> Page:
        def read(answer: Answer) -> Page:
            page = page_of(data_of(answer))
            if len(page.entries) != page.total:
                message = f"OpenList gave {len(page.entries)} of {page.total} entries"
                raise TransientError(message, seen=page.entries)
            return page

        return self._ask("/api/fs/list", self._body(path), read, item=self._shown(path))

    def _in_pages(self, path: str) -> Page:
        """Put a directory together from its pages; again where it changed between two of them."""
        seen: dict[str, Entry] = {}
        for attempt in range(self._settings.retries + 1):
            if attempt:
                self._client.sleep(pace.jittered(pace.BACKOFF_SECONDS * 2 ** (attempt - 1)))
            entries, first, is_whole = self._all_pages(path)
            if is_whole:
                return Page(entries, first.total, first.may_lack_files)
            seen |= {entry.name: entry for entry in entries}
        raise DirectoryUnavailableError(
            f"{self._shown(path)}: it changed while its pages were read, or holds a name twice",
            remedy="Set source.page_size to 0, which asks for whole folders.",
            seen=list(seen.values()),
        )

    def _all_pages(self, path: str) -> tuple[list[Entry], Page, bool]:
        entries: list[Entry] = []
        first: Page | None = None
        number = 0
        names: set[str] = set()
        while first is None or len(entries) < first.total:
            number += 1
            body = self._body(path) | {"page": number, "per_page": self._settings.page_size}
            page = self._ask(
                "/api/fs/list",
                body,
                lambda answer: page_of(data_of(answer)),
                item=self._shown(path),
            )
            first = first or page
            entries += page.entries
            names |= {entry.name for entry in page.entries}
            if page.total != first.total or not page.entries or len(names) < len(entries):
                break
            first = Page(first.entries, first.total, first.may_lack_files and page.may_lack_files)
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
            content = json_of(answer)
        except UnauthorizedError as error:
            raise self._refusal(str(error)) from error
        if content.get("code") in (400, 402, 403, 429):
            raise self._refusal(shown(content.get("message")))
        data = checked(content)
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
