"""A stand-in of Bangumi's API, as its OpenAPI description and its server's source describe it.

What the two disagree about is as the server does it: `POST` of a collection answers 202, and the
limit is 3,000 requests in a fixed window of ten minutes, then a ban of an hour that no header tells
of. Requests that the description does not allow are collected in `violations`.
"""

import fnmatch
import json
import os
import re
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sync_assets_tests.upstreams.bangumi_contract import violations
from sync_assets_tests.upstreams.sockets import (
    Received,
    Reply,
    ResetConnectionError,
    SocketServer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "a-personal-token"
USERNAME = "alice"
_REFUSED_AGENTS = ("undici", "database", "node-fetch")
_REFUSED_PREFIXES = (
    "python-requests/",
    "axios/",
    "okhttp/",
    "Java/",
    "go-resty/",
    "Go-http-client/",
    "node-fetch/",
    "Apache-HttpClient/",
    "Faraday v",
)


@dataclass
class EpisodeData:
    """An episode."""

    id: int
    subject: int
    type: int = 0
    sort: float = 0
    ep: float | None = None
    airdate: str = ""


@dataclass
class SubjectData:
    """A subject with its episodes."""

    id: int
    name: str = ""
    name_cn: str = ""
    date: str | None = None
    platform: str = "TV"
    episodes: dict[int, EpisodeData] = field(default_factory=dict)


@dataclass
class Entry:
    """A subject in the user's collection."""

    type: int
    rate: int = 0
    private: bool = False


@dataclass
class Fault:
    """Something that goes wrong with requests whose `METHOD path` matches a pattern.

    `kind`: an HTTP status, `html`, `cut` (nothing is done), `lost` (it is done, the answer is
    lost), `pause` (429 with Retry-After), or `rejects` with the episode that is refused although
    it is right.
    """

    kind: str
    pattern: str
    times: float = 1
    value: int = 0


class BangumiServer(SocketServer):
    """Bangumi on a free port, with one user.

    Args:
        permits: Requests in a window.
        window_seconds: The length of a window.
        ban_seconds: The length of a ban.
        lists_uncollected: Whether the episodes of a subject that is not collected are listed with
            their states, which the description leaves open.
    """

    def __init__(
        self,
        *,
        permits: int = 3_000,
        window_seconds: float = 600.0,
        ban_seconds: float = 3_600.0,
        lists_uncollected: bool = True,
    ) -> None:
        super().__init__()
        self.permits = permits
        self.window_seconds = window_seconds
        self.ban_seconds = ban_seconds
        self.lists_uncollected = lists_uncollected
        self.subjects: dict[int, SubjectData] = {}
        self.entries: dict[int, Entry] = {}
        self.states: dict[int, int] = {}
        self.tokens = {TOKEN}
        self.accepts: Callable[[str], bool] = lambda token: False
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.violations: list[str] = []
        self.marks: Counter[int] = Counter()
        self.timeline: list[str] = []
        self.too_many = 0
        self.search_hits: list[int] = []
        self.clock: Callable[[], float] = time.time
        self.kill: tuple[int, int, bool] | None = None
        self._episodes: dict[int, EpisodeData] = {}
        self._window_ends = 0.0
        self._count = 0
        self._banned_until = 0.0
        self._state = threading.Lock()

    # What it holds.

    def add_subject(
        self,
        number: int,
        episodes: int = 12,
        *,
        sort_from: int = 1,
        specials: int = 0,
        with_ep: bool = True,
        airdates: dict[int, str] | None = None,
        **fields: Any,
    ) -> SubjectData:
        """Add a subject. Its episodes have the ids `100 * number + 1` and on, specials `+ 51`."""
        subject = SubjectData(number, **fields)
        for n in range(1, episodes + 1):
            ep = n if with_ep else None
            self._add(subject, n, type=0, sort=n + sort_from - 1, ep=ep)
        for n in range(1, specials + 1):
            self._add(subject, 50 + n, type=1, sort=n, ep=0)
        for offset, day in (airdates or {}).items():
            subject.episodes[100 * number + offset].airdate = day
        self.subjects[number] = subject
        return subject

    def _add(self, subject: SubjectData, offset: int, **fields: Any) -> None:
        identifier = 100 * subject.id + offset
        episode = EpisodeData(identifier, subject.id, **fields)
        subject.episodes[identifier] = episode
        self._episodes[identifier] = episode

    def watched(self, subject: int) -> list[int]:
        """The numbers of a subject's episodes that are 看过: their ids less `100 * subject`."""
        found = self.subjects[subject].episodes
        return sorted(each - 100 * subject for each in found if self.states.get(each) == 2)

    def content(self) -> dict[str, Any]:
        """All that the user has, for comparing."""
        return {
            "entries": {n: (e.type, e.rate, e.private) for n, e in sorted(self.entries.items())},
            "states": {n: state for n, state in sorted(self.states.items()) if state},
        }

    def count(self, pattern: str) -> int:
        """How many requests of the form `METHOD path` there were."""
        return sum(fnmatch.fnmatchcase(each, pattern) for each in self.requests)

    # How it answers.

    def answer(self, request: Received) -> Reply:
        parts = urlsplit(request.target)
        with self._state:
            line = f"{request.method} {parts.path}"
            self.requests.append(line)
            index = len(self.requests)
            self.violations += [
                f"{line}: {each}"
                for each in violations(request.method, request.target, request.body)
            ]
            self._kill_client(index, done=False)
            reply = self._answer(request, parts.path, parse_qs(parts.query), line)
            self._kill_client(index, done=True)
        return reply

    def _kill_client(self, index: int, *, done: bool) -> None:
        """Kill the client with SIGKILL: `kill` is its process, a request, and before or after."""
        if self.kill is None or self.kill[1:] != (index, done):
            return
        process, self.kill = self.kill[0], None
        os.kill(process, signal.SIGKILL)
        raise ResetConnectionError

    def _answer(self, request: Received, path: str, query, line: str) -> Reply:
        agent = request.headers.get("user-agent", "")
        if is_refused_agent(agent):
            return _error(403, "Forbidden", "please set a meaningful user-agent")
        if self._is_over_the_limit():
            self.too_many += 1
            return _error(429, "Too Many Request", "too many requests")
        fault = self._fault(line)
        if fault is not None and fault.kind not in ("lost", "rejects"):
            return _faulty(fault)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens and not self.accepts(token):
            return _error(401, "Unauthorized", "access token has been expired or doesn't exist")
        rejected = fault.value if fault is not None and fault.kind == "rejects" else None
        body = json.loads(request.body) if request.body else {}
        reply = self._routed(request.method, path, query, body, rejected)
        if fault is not None and fault.kind == "lost":
            raise ResetConnectionError
        return reply

    def _is_over_the_limit(self) -> bool:
        now = self.clock()
        if now < self._banned_until:
            return True
        if now >= self._window_ends:
            self._window_ends, self._count = now + self.window_seconds, 0
        self._count += 1
        if self._count > self.permits:
            self._banned_until = now + self.ban_seconds
            return True
        return False

    def _fault(self, line: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fnmatch.fnmatchcase(line, fault.pattern):
                fault.times -= 1
                return fault
        return None

    def _routed(self, method: str, path: str, query, body, rejected: int | None) -> Reply:
        routes = (
            ("GET", r"/v0/me", lambda: _json({"username": USERNAME, "id": 1})),
            ("POST", r"/v0/search/subjects", lambda: self._search(query)),
            ("GET", rf"/v0/users/{USERNAME}/collections", lambda: self._collections(query)),
            ("GET", rf"/v0/users/{USERNAME}/collections/(\d+)", self._collection),
            ("POST", r"/v0/users/-/collections/(\d+)", lambda n: self._collect(n, body)),
            ("PATCH", r"/v0/users/-/collections/(\d+)", lambda n: self._change(n, body)),
            ("GET", r"/v0/users/-/collections/(\d+)/episodes", lambda n: self._states(n, query)),
            (
                "PATCH",
                r"/v0/users/-/collections/(\d+)/episodes",
                lambda n: self._mark(n, body, rejected),
            ),
            ("PUT", r"/v0/users/-/collections/-/episodes/(\d+)", lambda n: self._mark_one(n, body)),
            ("GET", r"/v0/subjects/(\d+)", self._subject),
            ("GET", r"/v0/subjects/(\d+)/subjects", lambda n: _json([])),
            ("GET", r"/v0/episodes", lambda: self._list_episodes(query)),
        )
        for known, pattern, handle in routes:
            found = re.fullmatch(pattern, path)
            if known == method and found:
                return handle(*map(int, found.groups()))
        return _error(404, "Not Found", "unknown route")

    def _search(self, query) -> Reply:
        limit = int(query.get("limit", ["20"])[0])
        found = [_subject(self.subjects[number]) for number in self.search_hits[:limit]]
        return _json({"total": len(found), "limit": limit, "offset": 0, "data": found})

    def _subject(self, number: int) -> Reply:
        subject = self.subjects.get(number)
        return _json(_subject(subject)) if subject else _error(404, "Not Found", "no subject")

    def _collections(self, query) -> Reply:
        items = [self._entry(number) for number in sorted(self.entries)]
        return _page(items, query, most=50)

    def _collection(self, number: int) -> Reply:
        if number not in self.entries:
            return _error(404, "Not Found", "subject is not collected by user")
        return _json(self._entry(number))

    def _entry(self, number: int) -> dict[str, Any]:
        entry = self.entries[number]
        return {
            "subject_id": number,
            "subject_type": 2,
            "type": entry.type,
            "rate": entry.rate,
            "private": entry.private,
            "tags": [],
            "ep_status": len(self.watched(number)),
            "vol_status": 0,
            "updated_at": "2026-01-01T00:00:00+08:00",
            "subject": _subject(self.subjects[number]),
        }

    def _collect(self, number: int, body) -> Reply:
        if number not in self.subjects:
            return _error(404, "Not Found", "subject not found")
        if number not in self.entries:
            if "type" not in body:
                return _error(400, "Bad Request", "collection type is required")
            self.entries[number] = Entry(body["type"])
        self._apply(number, body)
        return _json(None, status=202)

    def _change(self, number: int, body) -> Reply:
        if number not in self.entries:
            return _error(404, "Not Found", "subject is not collected by user")
        self._apply(number, body)
        return Reply(b"", 204)

    def _apply(self, number: int, body) -> None:
        entry = self.entries[number]
        entry.type = body.get("type", entry.type)
        entry.rate = body.get("rate", entry.rate)
        entry.private = body.get("private", entry.private)
        self.timeline.append(f"subject {number} is {entry.type}")

    def _states(self, number: int, query) -> Reply:
        is_hidden = not self.lists_uncollected and number not in self.entries
        if number not in self.subjects or is_hidden:
            return _error(404, "Not Found", "subject not found")
        items = [
            {"episode": _episode(each), "type": self.states.get(each.id, 0), "updated_at": 0}
            for each in self.subjects[number].episodes.values()
        ]
        return _page(items, query, most=1_000)

    def _list_episodes(self, query) -> Reply:
        number = int(query["subject_id"][0])
        if number not in self.subjects:
            return _error(404, "Not Found", "subject not found")
        items = [_episode(each) for each in self.subjects[number].episodes.values()]
        return _page(items, query, most=1_000)

    def _mark(self, number: int, body, rejected: int | None) -> Reply:
        subject = self.subjects.get(number)
        if subject is None:
            return _error(404, "Not Found", "subject not found")
        if number not in self.entries:
            reason = "you need to add subject to your collection first"
            return _error(400, "Bad Request", reason)
        for identifier in body["episode_id"]:
            if identifier not in subject.episodes or identifier == rejected:
                reason = f"episode {identifier} is not episodes of subject {number}"
                return _error(400, "Bad Request", reason)
        for identifier in body["episode_id"]:
            self._set(identifier, body["type"])
        self.timeline.append(f"{len(body['episode_id'])} episodes of {number}")
        return Reply(b"", 204)

    def _mark_one(self, identifier: int, body) -> Reply:
        episode = self._episodes.get(identifier)
        if episode is None:
            return _error(404, "Not Found", "episode not found")
        if episode.subject not in self.entries:
            return _error(400, "Bad Request", "you need to add subject to your collection first")
        self._set(identifier, body["type"])
        self.timeline.append(f"episode {identifier}")
        return Reply(b"", 204)

    def _set(self, identifier: int, state: int) -> None:
        self.states[identifier] = state
        self.marks[identifier] += 1


def is_refused_agent(agent: str) -> bool:
    """Tell whether Bangumi answers a user agent with 403."""
    return not agent or agent in _REFUSED_AGENTS or agent.startswith(_REFUSED_PREFIXES)


def _subject(subject: SubjectData) -> dict[str, Any]:
    main = sum(each.type == 0 for each in subject.episodes.values())
    return {
        "id": subject.id,
        "type": 2,
        "name": subject.name or f"Subject {subject.id}",
        "name_cn": subject.name_cn,
        "date": subject.date,
        "platform": subject.platform,
        "eps": main,
        "total_episodes": len(subject.episodes),
    }


def _episode(episode: EpisodeData) -> dict[str, Any]:
    return {
        "id": episode.id,
        "type": episode.type,
        "name": "",
        "name_cn": "",
        "sort": episode.sort,
        **({} if episode.ep is None else {"ep": episode.ep}),
        "airdate": episode.airdate,
        "comment": 0,
        "duration": "",
        "desc": "",
        "disc": 0,
        "subject_id": episode.subject,
    }


def _page(items: list[Any], query, *, most: int) -> Reply:
    limit = int(query.get("limit", ["30"])[0])
    offset = int(query.get("offset", ["0"])[0])
    if not 1 <= limit <= most:
        return _error(400, "Bad Request", f"limit must be between 1 and {most}")
    found = items[offset : offset + limit]
    return _json({"total": len(items), "limit": limit, "offset": offset, "data": found})


def _json(content: Any, *, status: int = 200) -> Reply:
    return Reply(json.dumps(content).encode(), status)


def _error(status: int, title: str, description: str) -> Reply:
    content = {"title": title, "description": description, "details": {"error": description}}
    return _json(content, status=status)


def _faulty(fault: Fault) -> Reply:
    if fault.kind == "cut":
        raise ResetConnectionError
    if fault.kind == "html":
        return Reply(b"<html>please slow down</html>", 200, "text/html; charset=utf-8")
    if fault.kind == "pause":
        reply = _error(429, "Too Many Request", "slow down")
        return Reply(reply.body, 429, headers={"Retry-After": str(fault.value)})
    return _error(int(fault.kind), "Error", "something is wrong")
