"""A stand-in of Trakt: its API and its OAuth host, as its OpenAPI description and issues say.

Limits, clamps, paging headers, single-use refresh tokens and faults included. It can be run by
itself: python -m sync_assets_tests.upstreams.trakt --plays 10000 --shows 400
"""

import argparse
import fnmatch
import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from sync_assets_tests.upstreams.sockets import Received, Reply
from sync_assets_tests.upstreams.trakt_auth import (
    CLIENT_ID,
    CLIENT_SECRET,
    AuthHost,
    Device,
    Grant,
)
from sync_assets_tests.upstreams.trakt_contract import Contract
from sync_assets_tests.upstreams.trakt_host import HTML, Fault, TraktHost, json_reply
from sync_assets_tests.upstreams.trakt_library import Item, Library, shortened

GET_LIMIT, PERIOD_SECONDS = 1_000, 300
DEFAULT_PAGE, MAXIMUM_PAGE = 100, 250


class ApiHost(TraktHost):
    """`api.trakt.tv`."""

    def handle(self, request: Received, path: str, body: Item | None) -> Reply:
        upstream, headers = self.upstream, request.headers
        if headers.get("trakt-api-key") != CLIENT_ID or headers.get("trakt-api-version") != "2":
            return Reply(b"", 403)
        if headers.get("content-type") != "application/json":
            return Reply(b"", 412)
        if not headers.get("user-agent") or "python-httpx" in headers["user-agent"]:
            return Reply(HTML, 403, "text/html")
        library = upstream.library_of(headers.get("authorization", ""))
        if library is None:
            return Reply(b"", 401)
        if upstream.is_over_limit(library.name):
            return upstream.too_many(library.name)
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()
        }
        return self._sync(library, path.strip("/").split("/"), query)

    def _sync(self, library: Library, segments: list[str], query: dict[str, str]) -> Reply:
        match segments:
            case ["sync", "last_activities"]:
                newest = max(at for each in library.activities.values() for at in each.values())
                return json_reply({"all": newest, **library.activities})
            case ["sync", "history", *filters]:
                return _paged(self._history(library, filters, query), query)
            case ["sync", "watched", kind]:
                return _paged(library.watched(kind), query)
            case ["sync", "ratings", kind]:
                singular = kind.removesuffix("s")
                return _paged([e for e in library.ratings if e["type"] == singular], query)
            case ["sync", "collection", kind]:
                return _paged(library.collected(kind), query)
        return Reply(b"", 404)

    def _history(self, library: Library, filters: Sequence[str], query: dict[str, str]) -> list:
        plays = sorted(library.plays, key=lambda each: (each["watched_at"], each["id"]))[::-1]
        if filters:
            kind = filters[0].removesuffix("s")
            plays = [each for each in plays if kind in each]
            if len(filters) == 2:
                plays = [each for each in plays if each[kind]["ids"]["trakt"] == int(filters[1])]
        if "start_at" in query:
            plays = [each for each in plays if each["watched_at"] >= query["start_at"]]
        if "end_at" in query:
            plays = [each for each in plays if each["watched_at"] < query["end_at"]]
        return plays


class TraktUpstream:
    """Both hosts, and what they share. `libraries` holds an account per name."""

    def __init__(self, *accounts: str, api_port: int = 0, auth_port: int = 0) -> None:
        self.lock = threading.RLock()
        self.clock = time.time
        self.contract = Contract()
        self.libraries = {name: Library(name) for name in accounts or ("alice",)}
        self.who_agrees = next(iter(self.libraries))
        self.user_agrees = True
        self.user_approves_devices = False
        self.device_interval = 5
        self.lifetime_seconds = 7 * 24 * 3600
        self.enforces_limit = True
        self.sends_ratelimit_header = True
        self.requests: Counter[str] = Counter()
        self.refreshes: list[str] = []
        self.refused = 0
        self.violations: list[str] = []
        self.faults: list[Fault] = []
        self.grants: list[Grant] = []
        self.codes: dict[str, str] = {}
        self.devices: dict[str, Device] = {}
        self.numbers = itertools.count(1)
        self._windows: dict[str, tuple[float, int]] = {}
        self.api, self.auth = ApiHost(self), AuthHost(self)
        self.api.port, self.auth.port = api_port, auth_port

    def __enter__(self) -> Self:
        self.api.__enter__()
        self.auth.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.auth.__exit__(*exception)
        self.api.__exit__(*exception)

    @property
    def library(self) -> Library:
        """The first account's."""
        return next(iter(self.libraries.values()))

    @property
    def api_requests(self) -> int:
        """How many requests the API got."""
        return sum(count for path, count in self.requests.items() if path.startswith("/sync"))

    def fail(self, kind: str | int, pattern: str = "*", **options: Any) -> None:
        """Let requests go wrong."""
        self.faults.append(Fault(kind, pattern, **options))

    def fault_of(self, path: str) -> Fault | None:
        for fault in self.faults:
            if not fnmatch.fnmatch(path, fault.pattern):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def grant(self, account: str | None = None) -> Item:
        """Give out tokens; the answer of the token endpoint."""
        number = next(self.numbers)
        grant = Grant(
            account or self.who_agrees,
            f"access-{number}",
            f"refresh-{number}",
            self.clock() + self.lifetime_seconds,
        )
        self.grants.append(grant)
        return {
            "access_token": grant.access_token,
            "token_type": "bearer",
            "expires_in": self.lifetime_seconds,
            "refresh_token": grant.refresh_token,
            "scope": "public",
            "created_at": int(self.clock()),
        }

    def revoke_all(self) -> None:
        """The user removes the app in Trakt's settings."""
        for grant in self.grants:
            grant.is_revoked = True

    def library_of(self, authorization: str) -> Library | None:
        for grant in self.grants:
            if f"Bearer {grant.access_token}" == authorization:
                ended = grant.is_revoked or grant.is_refreshed or self.clock() >= grant.expires_at
                return None if ended else self.libraries[grant.account]
        return None

    def is_over_limit(self, account: str) -> bool:
        started_at, used = self._windows.get(account, (0.0, 0))
        if self.clock() - started_at >= PERIOD_SECONDS:
            started_at, used = self.clock(), 0
        self._windows[account] = (started_at, used + 1)
        return self.enforces_limit and used >= GET_LIMIT

    def too_many(self, account: str) -> Reply:
        self.refused += 1
        until = self._windows[account][0] + PERIOD_SECONDS
        headers = {"Retry-After": str(ceil(until - self.clock()))}
        if self.sends_ratelimit_header:
            limit = {"name": "AUTHED_API_GET_LIMIT", "period": PERIOD_SECONDS, "limit": GET_LIMIT}
            headers["X-Ratelimit"] = json.dumps({**limit, "remaining": 0, "until": until})
        return Reply(b"", 429, headers=headers)


def _paged(items: list[Item], query: dict[str, str]) -> Reply:
    limit = min(int(query.get("limit", DEFAULT_PAGE)), MAXIMUM_PAGE)
    page = int(query.get("page", 1))
    shown = items[(page - 1) * limit : page * limit]
    if query.get("extended") != "full":
        shown = [_shortened(each) for each in shown]
    counts = {"Page": page, "Limit": limit, "Page-Count": ceil(len(items) / limit)}
    counts["Item-Count"] = len(items)
    headers = {f"X-Pagination-{name}": str(value) for name, value in counts.items()}
    return Reply(json.dumps(shown).encode(), headers=headers)


def _shortened(entry: Item) -> Item:
    return {
        name: shortened(value) if isinstance(value, dict) else value
        for name, value in entry.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stand-in until its input ends; its addresses go to the output, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m sync_assets_tests.upstreams.trakt")
    parser.add_argument("--plays", type=int, default=0)
    parser.add_argument("--shows", type=int, default=400)
    parser.add_argument("--port", type=int, default=0, help="of the API; 0 for a free one")
    parser.add_argument("--auth-port", type=int, default=0, help="of the OAuth host")
    options = parser.parse_args(arguments)
    upstream = TraktUpstream(api_port=options.port, auth_port=options.auth_port)
    upstream.user_approves_devices = True
    upstream.library.fill(options.plays, options.shows)
    with upstream:
        described = {
            "base_url": upstream.api.url,
            "oauth_url": upstream.auth.url,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        print(json.dumps(described), flush=True)
        sys.stdin.read()
        print(json.dumps({"requests": upstream.api_requests, "refused": upstream.refused}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
