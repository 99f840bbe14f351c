"""Pixiv's hosts behind one proxy: `CONNECT`, then TLS with the certificate of the test authority.

A client reaches it by `HTTPS_PROXY` and trusts it by `REQUESTS_CA_BUNDLE`.
"""

import json
import socket
import struct
from contextlib import suppress
from dataclasses import replace
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sync_assets_tests.upstreams.pixiv.certificates import server_context, write_authority
from sync_assets_tests.upstreams.pixiv.faults import Fault, Faults
from sync_assets_tests.upstreams.pixiv.works import Work
from sync_assets_tests.upstreams.sockets import (
    Received,
    Reply,
    ResetConnectionError,
    SocketServer,
    read_request,
)

PAGE_SIZE = 30
USER_ID = 7
REFRESH_TOKEN = "refresh-token-of-the-test"
BOOKMARKS = "/v1/user/bookmarks/illust"


class PixivStandIn(SocketServer):
    """The server. Lists are newest first; a bookmark id only orders them, as at Pixiv."""

    def __init__(self) -> None:
        super().__init__()
        self.public: list[Work] = []
        self.private: list[Work] = []
        self.users = {USER_ID}
        self.refresh_tokens = {REFRESH_TOKEN: USER_ID}
        self.access_tokens: dict[str, int] = {}
        self.faults = Faults()
        self.requests: list[str] = []
        self.image_requests: list[tuple[str, str | None]] = []
        self._issued = 0

    def environment(self, directory: Path) -> dict[str, str]:
        """Return the variables by which a client reaches the stand-in.

        Args:
            directory: Where the authority's certificate is written.
        """
        bundle = write_authority(directory / "authority.pem")
        proxy = self.url
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "REQUESTS_CA_BUNDLE": str(bundle),
            "NO_PROXY": "",
            "no_proxy": "",
        }

    def fail(self, pattern: str, **options: Any) -> Fault:
        """Switch a fault on; see `Fault`."""
        fault = Fault(pattern, **options)
        self.faults.add(fault)
        return fault

    def count(self, part: str) -> int:
        """Return how many requests had this in host or target."""
        return sum(part in request for request in self.requests)

    @property
    def api_requests(self) -> int:
        return self.count("app-api.pixiv.net")

    def revoke_access_tokens(self) -> None:
        self.access_tokens.clear()

    def works(self) -> list[Work]:
        return [*self.public, *self.private]

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            stream = connection.makefile("rb")
            request = read_request(stream)
            if request is None or request.method != "CONNECT":
                connection.sendall(_json({"requests": len(self.requests)}).encoded())
                connection.close()
                return
            host = request.target.partition(":")[0]
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            secured = server_context().wrap_socket(connection, server_side=True)
            try:
                with secured, secured.makefile("rb") as plain:
                    self._serve_host(host, secured, plain)
            finally:
                with self._lock:
                    self._connections.discard(connection)

    def _serve_host(self, host: str, connection: socket.socket, stream: Any) -> None:
        while (request := read_request(stream)) is not None:
            named = replace(request, target=f"{host}{request.target}")
            try:
                reply = self.answer(named)
            except ResetConnectionError:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            connection.sendall(reply.encoded())
            if reply.cut_after is not None:
                return

    def answer(self, request: Received) -> Reply:
        """Answer a request whose target begins with its host."""
        self.requests.append(request.target)
        fault = self.faults.take(request.target)
        if fault is not None:
            if fault.delay_seconds:
                self.stopped.wait(fault.delay_seconds)
            if fault.reset:
                raise ResetConnectionError
            if fault.status is not None:
                return Reply(fault.body, fault.status, fault.content_type)
        host, _, target = request.target.partition("/")
        parts = urlsplit("/" + target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        reply = self._answer_host(host, parts.path, query, request)
        if fault is not None and fault.cut_after is not None:
            return replace(reply, cut_after=fault.cut_after)
        return reply

    def _answer_host(self, host: str, path: str, query: dict[str, str], request: Received) -> Reply:
        if host == "oauth.secure.pixiv.net":
            return self._token(request)
        if host == "app-api.pixiv.net":
            return self._api(path, query, request)
        if host == "i.pximg.net":
            return self._image(f"https://{host}{path}", request)
        if host == "www.pixiv.net" and path.startswith("/ajax/"):
            return _json({"error": True, "message": "An unknown error occurred", "body": []}, 403)
        return _json({}, 404)

    def _token(self, request: Received) -> Reply:
        form = parse_qs(request.body.decode())
        refresh_token = form.get("refresh_token", [""])[0]
        user_id = self.refresh_tokens.get(refresh_token)
        if user_id is None:
            return _json({"has_error": True, "errors": {"system": {"message": "Invalid"}}}, 400)
        self._issued += 1
        access_token = f"access-{self._issued}"
        self.access_tokens[access_token] = user_id
        answer = {
            "access_token": access_token,
            "expires_in": 3600,
            "refresh_token": refresh_token,
            "user": {"id": str(user_id), "name": "reader", "account": "reader"},
        }
        return _json({"response": answer, **answer})

    def _api(self, path: str, query: dict[str, str], request: Received) -> Reply:
        owner = self.access_tokens.get(request.headers.get("authorization", "").partition(" ")[2])
        if owner is None:
            text = "Error occurred at the OAuth process. (invalid_grant)"
            return _error(400, text)
        if path == "/v1/user/detail":
            user_id = int(query["user_id"])
            if user_id not in self.users:
                return _error(404, "")
            user = {"id": user_id, "name": "reader", "account": "reader"}
            return _json({"user": {**user, "profile_image_urls": {}}, "profile": {}})
        if path == BOOKMARKS:
            return self._bookmarks(query, owner)
        work = next((each for each in self.works() if str(each.id) == query.get("illust_id")), None)
        if work is None:
            return _error(404, "")
        return self._work(path, work)

    def _work(self, path: str, work: Work) -> Reply:
        if path == "/v1/illust/detail":
            return _json({"illust": work.json()})
        if path == "/v1/ugoira/metadata":
            frames = [
                {"file": f"{number:06}.jpg", "delay": delay}
                for number, delay in enumerate(work.delays)
            ]
            urls = {"medium": work.zip_url("600x600")}
            return _json({"ugoira_metadata": {"zip_urls": urls, "frames": frames}})
        if path == "/v2/illust/bookmark/detail":
            tags = [{"name": tag, "is_registered": True} for tag in work.bookmark_tags]
            detail = {"is_bookmarked": True, "tags": tags, "restrict": "public"}
            return _json({"bookmark_detail": detail})
        return _error(404, "")

    def _bookmarks(self, query: dict[str, str], owner: int) -> Reply:
        is_private = query.get("restrict") == "private"
        if is_private and int(query["user_id"]) != owner:
            return _json({"illusts": [], "next_url": None})
        listed = list(self.private if is_private else self.public)
        # Bookmark ids fall along the list; the page begins below the given one.
        start = len(listed) - int(query["max_bookmark_id"]) if "max_bookmark_id" in query else 0
        page = listed[start : start + PAGE_SIZE]
        rest = len(listed) - start - len(page)
        next_url = None
        if rest > 0:
            next_url = (
                f"https://app-api.pixiv.net{BOOKMARKS}?user_id={query['user_id']}"
                f"&restrict={query['restrict']}&max_bookmark_id={rest}"
            )
        return _json({"illusts": [work.json() for work in page], "next_url": next_url})

    def _image(self, url: str, request: Received) -> Reply:
        with self._lock:
            self.image_requests.append((url, request.headers.get("range")))
        referer = urlsplit(request.headers.get("referer", "")).hostname or ""
        if not referer.endswith("pixiv.net"):
            return Reply(b"", 403, "text/html")
        work = self._work_of(url)
        content = None if work is None else work.files().get(url)
        if work is None or content is None:
            return Reply(b"not found", 404, "text/html")
        headers = {
            "Last-Modified": format_datetime(work.uploaded_at, usegmt=True),
            "Accept-Ranges": "bytes",
        }
        types = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
        content_type = types.get(url.rpartition(".")[2], "application/zip")
        wanted = request.headers.get("range")
        if wanted is None:
            return Reply(content, 200, content_type, headers)
        start = int(wanted.removeprefix("bytes=").partition("-")[0])
        if start >= len(content):
            headers["Content-Range"] = f"bytes */{len(content)}"
            return Reply(b"", 416, content_type, headers)
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Reply(content[start:], 206, content_type, headers)

    def _work_of(self, url: str) -> Work | None:
        number = url.rpartition("/")[2].partition("_")[0]
        return next((work for work in self.works() if str(work.id) == number), None)


def _json(content: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(content).encode(), status)


def _error(status: int, message: str) -> Reply:
    return _json({"error": {"user_message": "", "message": message, "reason": ""}}, status)
