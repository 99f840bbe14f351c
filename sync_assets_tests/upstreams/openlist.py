"""A stand-in of OpenList: its API as its documentation and source describe it, and its faults.

Every answer of `/api` has HTTP status 200 and a code in its body; `/d` and `/p` check signatures.
"""

import argparse
import base64
import fnmatch
import hashlib
import hmac
import itertools
import json
import posixpath
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from sync_assets_tests.upstreams.sockets import (
    Received,
    Reply,
    ResetConnectionError,
    SocketServer,
)

UNKNOWN_TIME = "0001-01-01T00:00:00Z"
BAN_PAGE = b"<!doctypehtml><html><title>405</title><h1>Sorry, your request has been blocked</h1>"


@dataclass
class Node:
    """A file or a folder. `mounted`: a drive that is mounted there."""

    size: int | None = None
    modified: str = "2026-01-02T03:04:05.123456789+08:00"
    mounted: bool = False
    children: dict[str, "Node"] = field(default_factory=dict)


@dataclass
class Fault:
    """Something that goes wrong with requests about paths that match a pattern."""

    kind: str
    pattern: str
    times: float
    seconds: float = 0.0


@dataclass
class Statistics:
    """What was asked of the server."""

    requests: Counter[str] = field(default_factory=Counter)
    listed: list[str] = field(default_factory=list)
    downloads: list[Received] = field(default_factory=list)
    maximum_in_flight: int = 0
    times: list[float] = field(default_factory=list)


class OpenListServer(SocketServer):
    """OpenList on a free port. Paths are absolute, as the administrator sees them.

    Args:
        base_path: The folder that the account `alice` (password `wonderland`) sees as its root.
        sign_all: Whether files have signatures.
        link_expiration_seconds: How long a signature is good for; 0 for ever.
        queries_per_second: More than so many listings in a second are answered with a ban page.
        latency_seconds: How long a listing takes.
    """

    static_token = "openlist-static-token"

    def __init__(
        self,
        *,
        base_path: str = "/",
        sign_all: bool = True,
        link_expiration_seconds: int = 0,
        queries_per_second: float | None = None,
        latency_seconds: float = 0.0,
    ) -> None:
        super().__init__()
        self.base_path = base_path
        self.sign_all = sign_all
        self.link_expiration_seconds = link_expiration_seconds
        self.queries_per_second = queries_per_second
        self.latency_seconds = latency_seconds
        self.statistics = Statistics()
        self.faults: list[Fault] = []
        self.root = Node()
        self.content: dict[str, bytes] = {}
        self.elsewhere = ""
        self.clock = time.time
        self._key = b"key 1"
        self._tokens: set[str] = set()
        self._numbers = itertools.count()
        self._cache: dict[str, bytes] = {}
        self._in_flight = 0
        self._state = threading.Lock()

    # What it holds.

    def add(
        self, path: str, size: int | None = 1_000, *, modified: str | None = None, mounted=False
    ) -> Node:
        """Add a file, or a folder where `size` is None, with its parents."""
        node = self.root
        for segment in _segments(path):
            node = node.children.setdefault(segment, Node())
        node.size = size
        node.mounted = mounted
        node.modified = modified or node.modified
        self._cache.clear()
        return node

    def add_tree(self, folder: Path, path: str = "/") -> None:
        """Add what a folder of this machine holds."""
        for found in sorted(folder.rglob("*")):
            status = found.stat()
            modified = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
            size = None if found.is_dir() else status.st_size
            absolute = f"{path.rstrip('/')}/{found.relative_to(folder)}"
            self.add(absolute, size, modified=modified)
            if size is not None:
                self.content[absolute] = found.read_bytes()

    def remove(self, path: str) -> Node:
        """Remove a file or a folder with all it holds."""
        *parents, name = _segments(path)
        node = self.root
        for segment in parents:
            node = node.children[segment]
        self._cache.clear()
        return node.children.pop(name)

    # What goes wrong.

    def fail(self, kind: str, pattern: str = "*", *, times: float = 1e9, seconds=0.0) -> None:
        """Let requests about matching paths go wrong so many times."""
        self.faults.append(Fault(kind, pattern, times, seconds))

    def restart(self) -> None:
        """Forget all logins, as a restart does."""
        with self._state:
            self._tokens.clear()

    def reset_key(self) -> None:
        """Void all signatures, as a new admin token does."""
        self._key = f"another key {next(self._numbers)}".encode()
        self._cache.clear()

    def _fault(self, kinds: str, path: str) -> Fault | None:
        with self._state:
            for fault in self.faults:
                if (
                    fault.kind in kinds
                    and fault.times >= 1
                    and fnmatch.fnmatch(path, fault.pattern)
                ):
                    fault.times -= 1
                    return fault
        return None

    # What it answers.

    def answer(self, request: Received) -> Reply:
        parts = urlsplit(request.target)
        with self._state:
            self.statistics.requests[parts.path if parts.path.startswith("/api") else "/d"] += 1
        if parts.path.startswith(("/d/", "/p/")):
            self.statistics.downloads.append(request)
            return self._download(unquote(parts.path[2:]), parse_qs(parts.query))
        body = json.loads(request.body) if request.body else {}
        if parts.path == "/api/auth/login":
            return self._login(body)
        token = request.headers.get("authorization", "")
        if token != self.static_token and token not in self._tokens:
            return _coded(401, "token is invalidated")
        if parts.path == "/api/me":
            return _coded(200, "success", {"username": "alice", "base_path": self.base_path})
        return self._files(parts.path, body)

    def _files(self, address: str, body: dict[str, Any]) -> Reply:
        path = posixpath.normpath("/" + body["path"].replace("\\", "/"))
        path = posixpath.normpath(f"{self.base_path}/{path}").replace("//", "/")
        if address == "/api/fs/list":
            with self._counted():
                return self._list(path, body)
        node = self._node(path)
        if node is None:
            return _coded(500, "object not found")
        return _coded(200, "success", self._item(posixpath.basename(path), path, node))

    def _login(self, body: dict[str, str]) -> Reply:
        if self._fault("login_locked", ""):
            return _coded(429, "Too many unsuccessful sign-in attempts")
        if (body["username"], body["password"]) != ("alice", "wonderland"):
            return _coded(400, "password is incorrect")
        token = f"jwt-{next(self._numbers)}"
        with self._state:
            self._tokens.add(token)
        return _coded(200, "success", {"token": token})

    @contextmanager
    def _counted(self):
        with self._state:
            self._in_flight += 1
            most = max(self.statistics.maximum_in_flight, self._in_flight)
            self.statistics.maximum_in_flight = most
            self.statistics.times.append(time.monotonic())
        try:
            yield
        finally:
            with self._state:
                self._in_flight -= 1

    def _list(self, path: str, body: dict[str, Any]) -> Reply:
        self.statistics.listed.append(path)
        if self.latency_seconds:
            self.stopped.wait(self.latency_seconds)
        if self._is_too_fast():
            return Reply(BAN_PAGE, 405, "text/html")
        before = self._fault("code500 ban_message html405 html 429 401 reset hang slow", path)
        reply = self._broken(before) if before else None
        if reply is not None:
            return reply
        rendered = self._listing(path, body)
        if rendered is None:
            return _coded(500, "failed get objs: object not found")
        cut = self._fault("truncated short", path)
        if cut is not None and cut.kind == "truncated":
            return Reply(rendered[: len(rendered) // 2])
        return Reply(rendered, cut_after=len(rendered) // 2 if cut else None)

    def _is_too_fast(self) -> bool:
        if self.queries_per_second is None:
            return False
        since = time.monotonic() - 1
        with self._state:
            recent = sum(moment > since for moment in self.statistics.times[-1_000:])
        return recent > self.queries_per_second + 1

    def _broken(self, fault: Fault) -> Reply | None:
        if fault.kind == "reset":
            raise ResetConnectionError
        if fault.kind in ("hang", "slow"):
            self.stopped.wait(fault.seconds or 3_600)
        replies = {
            "code500": _coded(500, "failed get objs: context deadline exceeded"),
            "ban_message": _coded(500, f"failed get objs: {BAN_PAGE.decode()}"),
            "html405": Reply(BAN_PAGE, 405, "text/html"),
            "html": Reply(BAN_PAGE, 200, "text/html"),
            "401": _coded(401, "token is invalidated"),
            "429": Reply(b"", 429, headers={"Retry-After": f"{fault.seconds:.0f}"}),
        }
        return replies.get(fault.kind)

    def _listing(self, path: str, body: dict[str, Any]) -> bytes | None:
        shape = self._fault("empty partial silent_partial root shifting", path)
        kind = shape.kind if shape else ""
        if kind == "empty":
            return _coded(200, "success", {"content": None, "total": 0}).body
        node = self.root if kind == "root" else self._node(path)
        if node is None or node.size is not None:
            return None
        per_page = body.get("per_page", 0)
        if not (shape or per_page or self.link_expiration_seconds):
            if path not in self._cache:
                self._cache[path] = self._rendered(path, node.children, len(node.children))
            return self._cache[path]
        children, total = list(node.children.items()), len(node.children)
        if kind == "silent_partial":
            children = [(name, child) for name, child in children if child.mounted]
            total = len(children)
        if kind == "partial":
            children = children[: len(children) // 2]
        if per_page:
            # A file was added before the second page was read: everything moved on by one.
            start = (body["page"] - 1) * per_page - (1 if kind == "shifting" else 0)
            children = children[max(0, start) : max(0, start) + per_page]
        return self._rendered("/" if kind == "root" else path, dict(children), total)

    def _rendered(self, path: str, children: dict[str, Node], total: int) -> bytes:
        items = [self._item(name, f"{path.rstrip('/')}/{name}", n) for name, n in children.items()]
        return _coded(200, "success", {"content": items or None, "total": total}).body

    def _item(self, name: str, path: str, node: Node) -> dict[str, Any]:
        is_dir = node.size is None
        return {
            "name": name,
            "size": node.size or 0,
            "is_dir": is_dir,
            "modified": node.modified,
            "created": node.modified,
            "sign": "" if is_dir or not self.sign_all else self.sign(path),
            "thumb": "",
            "type": 1 if is_dir else 2,
            "hashinfo": "null",
            "hash_info": None,
            **({"mount_details": {"driver_name": "115"}} if node.mounted else {}),
        }

    def sign(self, path: str) -> str:
        """Return the signature of an absolute path."""
        expiration = self.link_expiration_seconds
        end = int(self.clock() + expiration) if expiration else 0
        return self._signed(path, end)

    def _signed(self, path: str, end: int) -> str:
        digest = hmac.digest(
            self._key, f"{path}:{end}".encode("utf-8", "surrogatepass"), hashlib.sha256
        )
        return f"{base64.urlsafe_b64encode(digest).decode()}:{end}"

    def _download(self, path: str, query: dict[str, list[str]]) -> Reply:
        fault = self._fault(
            "file_html file_json file_500 file_401 file_short file_cut file_no_length "
            "file_no_length_cut file_hang file_redirect file_reset file_429",
            path,
        )
        broken = self._broken_download(fault.kind if fault else "", path)
        if broken is not None:
            return broken
        given = query.get("sign", [""])[0]
        end = given.rpartition(":")[2]
        problem = None
        if self.sign_all and not end.isdigit():
            problem = "expire missing"
        elif self.sign_all and int(end) and int(end) < self.clock():
            problem = "sign expired"
        elif self.sign_all and given != self._signed(path, int(end)):
            problem = "sign invalid"
        if problem:
            return Reply(f"<html>{problem}</html>".encode(), 401, "text/html")
        return self._sent(path, fault.kind if fault else "")

    def _broken_download(self, kind: str, path: str) -> Reply | None:
        """Answer as a drive, or a guard before it, does where something is wrong."""
        if kind == "file_reset":
            raise ResetConnectionError
        if kind == "file_hang":
            self.stopped.wait(3_600)
        size = (self._node(path) or Node()).size or 0
        replies = {
            # Padded to the very size of the file: its length alone says nothing.
            "file_html": Reply(BAN_PAGE.ljust(size), 200, "text/html; charset=utf-8"),
            "file_json": Reply(_coded(500, "object not found").body.ljust(size), 200),
            "file_500": Reply(b"<html><p>failed link: upstream timeout</p>", 500, "text/html"),
            "file_401": Reply(b"<html><p>sign expired</p></html>", 401, "text/html"),
            "file_429": Reply(b"", 429, headers={"Retry-After": "0"}),
            "file_redirect": Reply(
                b"", 302, headers={"Location": f"{self.elsewhere}/raw?path={quote(path)}"}
            ),
        }
        return replies.get(kind)

    def _sent(self, path: str, kind: str) -> Reply:
        node = self._node(path)
        if node is None or node.size is None:
            return Reply(b"<html>object not found</html>", 500, "text/html")
        content = self.content.get(path, b"\0" * node.size)
        half = len(content) // 2
        if kind == "file_short":
            content = content[:half]
        return Reply(
            content,
            content_type="application/octet-stream",
            cut_after=half if kind in ("file_cut", "file_no_length_cut") else None,
            has_length=kind not in ("file_no_length", "file_no_length_cut"),
        )

    def _node(self, path: str) -> Node | None:
        node: Node | None = self.root
        for segment in _segments(path):
            node = node.children.get(segment) if node else None
        return node


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _coded(code: int, message: str, data: Any = None) -> Reply:
    return Reply(json.dumps({"code": code, "message": message, "data": data}).encode())


def main() -> None:
    """Serve a regular tree until standard input closes, for benchmarks and the demonstration."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--directories", type=int, default=5_000)
    parser.add_argument("--media", type=int, default=16, help="media files in each folder")
    parser.add_argument("--others", type=int, default=4, help="other files in each folder")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that a listing takes")
    arguments = parser.parse_args()
    with OpenListServer(latency_seconds=arguments.latency) as server:
        for number in range(arguments.directories):
            folder = f"/影视/剧集 {number // 50:03}/Show {number:05} (2024)"
            for file in range(arguments.media):
                server.add(f"{folder}/Show {number:05} S01E{file:02} 第{file}集 1080p.mkv", 10**9)
            for file in range(arguments.others):
                server.add(f"{folder}/extra {file}.nfo", 2_000)
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
