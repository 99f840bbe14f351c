"""The OAuth host of the stand-in of Trakt: codes, devices, single-use refresh tokens."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from sync_assets_tests.upstreams.sockets import Received, Reply
from sync_assets_tests.upstreams.trakt_host import TraktHost, json_reply
from sync_assets_tests.upstreams.trakt_library import Item

CLIENT_ID = "trakt-client-id"
CLIENT_SECRET = "trakt-client-secret"


@dataclass
class Grant:
    """Tokens that were given out."""

    account: str
    access_token: str
    refresh_token: str
    expires_at: float
    is_refreshed: bool = False
    is_revoked: bool = False


@dataclass
class Device:
    """A device flow under way."""

    user_code: str
    expires_at: float
    interval: int
    polled_at: float = 0.0
    answer: str | int = "pending"
    is_used: bool = False


class AuthHost(TraktHost):
    """`auth.trakt.tv`."""

    def handle(self, request: Received, path: str, body: Item | None) -> Reply:
        body = body or {}
        if path == "/oauth/authorize":
            return self._authorize(urlsplit(request.target).query)
        needed = {} if path == "/oauth/device/code" else {"client_secret": CLIENT_SECRET}
        if not {"client_id": CLIENT_ID, **needed}.items() <= body.items():
            return json_reply({"error": "invalid_client", "error_description": "unknown"}, 401)
        handlers = {
            "/oauth/device/code": self._device_code,
            "/oauth/device/token": self._device_token,
            "/oauth/revoke": self._revoke,
            "/oauth/token": self._token,
        }
        return handlers[path](body) if path in handlers else Reply(b"", 404)

    def _revoke(self, body: Item) -> Reply:
        for grant in self.upstream.grants:
            grant.is_revoked |= body["token"] in {grant.access_token, grant.refresh_token}
        return json_reply({})

    def _authorize(self, query: str) -> Reply:
        fields = {name: values[0] for name, values in parse_qs(query).items()}
        code = f"code-{next(self.upstream.numbers)}"
        self.upstream.codes[code] = fields["redirect_uri"]
        answer = {"code": code} if self.upstream.user_agrees else {"error": "access_denied"}
        address = f"{fields['redirect_uri']}?{urlencode({**answer, 'state': fields['state']})}"
        return Reply(b"", 302, headers={"Location": address})

    def _token(self, body: Item) -> Reply:
        upstream = self.upstream
        if body["grant_type"] == "authorization_code":
            if upstream.codes.pop(body["code"], None) == body["redirect_uri"]:
                return json_reply(upstream.grant())
        elif body["grant_type"] == "refresh_token":
            upstream.refreshes.append(body["refresh_token"])
            for grant in upstream.grants:
                usable = not (grant.is_refreshed or grant.is_revoked)
                if grant.refresh_token == body["refresh_token"] and usable:
                    grant.is_refreshed = True
                    return json_reply(upstream.grant(grant.account))
        description = "The provided authorization grant is invalid, expired or revoked."
        return json_reply({"error": "invalid_grant", "error_description": description}, 400)

    def _device_code(self, body: Item) -> Reply:
        upstream, number = self.upstream, next(self.upstream.numbers)
        device = Device(f"USER{number:04d}", upstream.clock() + 600, upstream.device_interval)
        upstream.devices[f"device-{number}"] = device
        return json_reply(
            {
                "device_code": f"device-{number}",
                "user_code": device.user_code,
                "verification_url": "https://trakt.tv/activate",
                "expires_in": 600,
                "interval": device.interval,
            }
        )

    def _device_token(self, body: Item) -> Reply:
        upstream, now = self.upstream, self.upstream.clock()
        device = upstream.devices.get(body["code"])
        if device is None:
            return Reply(b"", 404)
        waits = device.answer == "pending" and not upstream.user_approves_devices
        refusals = {
            409: device.is_used,
            410: now >= device.expires_at,
            418: device.answer == "denied",
            429: now - device.polled_at < device.interval,
            400: waits,
        }
        device.polled_at = now
        for status, applies in refusals.items():
            if applies:
                return Reply(b"", status)
        device.is_used = True
        return json_reply(upstream.grant())
