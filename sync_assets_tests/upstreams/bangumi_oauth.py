"""A stand-in of Bangumi's OAuth host, as `How-to-Auth.md` of bangumi/api describes it.

Forms instead of JSON, codes that are good for 60 seconds and one use, tokens that live a week, a
new refresh token with each refresh, and the user agents that Bangumi refuses.
"""

import itertools
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sync_assets_tests.upstreams.bangumi import BangumiServer, is_refused_agent
from sync_assets_tests.upstreams.sockets import (
    Received,
    Reply,
    ResetConnectionError,
    SocketServer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT_ID = "bgm0123456789abcdef"
CLIENT_SECRET = "bangumi-client-secret"
CODE_SECONDS = 60
USER_ID = 1
_FORM = "application/x-www-form-urlencoded"


@dataclass
class Grant:
    """Tokens that were given out."""

    access_token: str
    refresh_token: str
    expires_at: float
    is_refreshed: bool = False
    is_revoked: bool = False


@dataclass
class Fault:
    """Something that goes wrong at the token endpoint.

    `kind`: an HTTP status, `html`, `cut` (nothing is done) or `lost` (it is done, the answer is
    lost).
    """

    kind: str
    times: int = 1


class BangumiOAuth(SocketServer):
    """`bgm.tv` on a free port, as far as it is about OAuth.

    Args:
        api: The API that is to accept the tokens.
    """

    def __init__(self, api: BangumiServer) -> None:
        super().__init__()
        self.clock: Callable[[], float] = time.time
        self.lifetime_seconds = 7 * 24 * 3600
        self.user_agrees = True
        self.grants: list[Grant] = []
        self.refreshes: list[str] = []
        self.requests: Counter[str] = Counter()
        self.faults: list[Fault] = []
        self._codes: dict[str, tuple[str, float]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        api.accepts = self.accepts

    def accepts(self, token: str) -> bool:
        """Tell whether an access token is valid now."""
        return any(
            grant.access_token == token
            and not (grant.is_revoked or grant.is_refreshed)
            and self.clock() < grant.expires_at
            for grant in self.grants
        )

    def grant(self) -> dict[str, Any]:
        """Give out tokens; the answer of the token endpoint."""
        number = next(self._numbers)
        grant = Grant(
            f"bangumi-access-{number}",
            f"bangumi-refresh-{number}",
            self.clock() + self.lifetime_seconds,
        )
        self.grants.append(grant)
        return {
            "access_token": grant.access_token,
            "expires_in": self.lifetime_seconds,
            "token_type": "Bearer",
            "scope": None,
            "refresh_token": grant.refresh_token,
            "user_id": USER_ID,
        }

    def revoke_all(self) -> None:
        """The user takes the app's permission away."""
        for grant in self.grants:
            grant.is_revoked = True

    def answer(self, request: Received) -> Reply:
        parts = urlsplit(request.target)
        with self._lock:
            self.requests[parts.path] += 1
            if request.method == "GET" and parts.path == "/oauth/authorize":
                return self._authorize(_fields(parts.query))
            if request.method == "POST" and parts.path == "/oauth/access_token":
                return self._faulty_token(request)
        return Reply(b"<html>404</html>", 404, "text/html")

    def _authorize(self, query: dict[str, str]) -> Reply:
        if query.get("client_id") != CLIENT_ID or query.get("response_type") != "code":
            return Reply(b"<html>no such app</html>", 400, "text/html")
        code = f"bangumi-code-{next(self._numbers)}"
        self._codes[code] = (query["redirect_uri"], self.clock() + CODE_SECONDS)
        answer = {"code": code} if self.user_agrees else {"error": "access_denied"}
        state = {"state": query["state"]} if "state" in query else {}
        address = f"{query['redirect_uri']}?{urlencode({**answer, **state})}"
        return Reply(b"", 302, headers={"Location": address})

    def _faulty_token(self, request: Received) -> Reply:
        fault = next((each for each in self.faults if each.times > 0), None)
        if fault is None:
            return self._token(request)
        fault.times -= 1
        if fault.kind == "html":
            return Reply(b"<html>please wait</html>", 200, "text/html")
        if fault.kind == "lost":
            self._token(request)
        if fault.kind in {"cut", "lost"}:
            raise ResetConnectionError
        return _json({"error": "server_error"}, int(fault.kind))

    def _token(self, request: Received) -> Reply:
        if is_refused_agent(request.headers.get("user-agent", "")):
            return Reply(b"<html>forbidden</html>", 403, "text/html")
        if not request.headers.get("content-type", "").startswith(_FORM):
            return _error("invalid_request", "The grant type was not specified in the request")
        fields = _fields(request.body.decode())
        app = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        if not app.items() <= fields.items():
            return _error("invalid_client", "The client credentials are invalid")
        grants = {"authorization_code": self._exchange, "refresh_token": self._refresh}
        if fields.get("grant_type") not in grants:
            return _error("unsupported_grant_type", "Grant type not supported")
        return grants[fields["grant_type"]](fields)

    def _exchange(self, fields: dict[str, str]) -> Reply:
        redirect_uri, ends_at = self._codes.pop(fields.get("code", ""), ("", 0.0))
        if redirect_uri == fields.get("redirect_uri") and self.clock() < ends_at:
            return _json(self.grant())
        return _error("invalid_grant", "Authorization code doesn't exist or is invalid")

    def _refresh(self, fields: dict[str, str]) -> Reply:
        token = fields.get("refresh_token", "")
        self.refreshes.append(token)
        for grant in self.grants:
            if grant.refresh_token == token and not (grant.is_refreshed or grant.is_revoked):
                grant.is_refreshed = True
                return _json(self.grant())
        return _error("invalid_grant", "Invalid refresh token")


def _fields(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _json(content: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(content).encode(), status)


def _error(code: str, description: str) -> Reply:
    return _json({"error": code, "error_description": description}, 400)
