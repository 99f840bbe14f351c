"""Trakt's OAuth host: the device flow, the code flow, refreshing and revoking.

Source: Trakt's API documentation of 2026-07-30: "Do not use the API hostname" for OAuth; refresh
tokens are single-use. The device flow's statuses: 400 pending, 404 bad code, 409 used, 410
expired, 418 denied, 429 too fast.
"""

from datetime import timedelta
from urllib.parse import urlencode

from pydantic import SecretStr

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets.oauth import http
from sync_assets.oauth.device import (
    AuthorizationPendingError,
    DeviceCode,
    DeviceFlow,
    DeviceFlowError,
    SlowDownError,
)
from sync_assets.oauth.errors import (
    GrantRejectedError,
    OAuthError,
    ProviderUnavailableError,
    TokenAnswerLostError,
)
from sync_assets.oauth.keeping import TokenKeeper
from sync_assets.oauth.tokens import TokenSet
from sync_assets.settings.trakt import TraktSettings
from sync_assets.trakt.user_agent import USER_AGENT

PROVIDER = "trakt"

_DEVICE_TIMEOUT_SECONDS = 20.0
_HEADERS = {"User-Agent": USER_AGENT}
_ENDS = {
    404: "Trakt does not know the code.",
    409: "The code was used already.",
    410: "The code has expired.",
    418: "The request was denied at Trakt.",
}


class TraktOAuth:
    """The OAuth host, for the configured app.

    Args:
        settings: The domain's configuration.

    Raises:
        OAuthError: No app is configured.
    """

    def __init__(self, settings: TraktSettings) -> None:
        if settings.client_id is None or settings.client_secret is None:
            raise OAuthError(
                "trakt.client_id and trakt.client_secret are not configured.",
                remedy="Make an app at https://app.trakt.tv/settings/apps and put both into "
                "sync.toml.",
            )
        self._client_id = settings.client_id
        self._client_secret = settings.client_secret
        self._redirect_uri = str(settings.redirect_uri)
        self._url = str(settings.oauth_url).rstrip("/")

    def authorization_url(self, state: str) -> str:
        """Return where the user's browser goes to agree.

        Args:
            state: Comes back with the answer.
        """
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "state": state,
        }
        return f"{self._url}/oauth/authorize?{urlencode(query)}"

    def exchange_code(self, code: str) -> TokenSet:
        """Exchange the code that came back to the redirect address.

        Raises:
            OAuthError: Trakt refuses it, or cannot be asked.
        """
        return self._tokens({"code": code, "grant_type": "authorization_code"})

    def refresh(self, refresh_token: SecretStr) -> TokenSet:
        """Exchange a refresh token, which can be used once.

        Raises:
            OAuthError: Trakt refuses it, or cannot be asked.
        """
        token = refresh_token.get_secret_value()
        return self._tokens({"refresh_token": token, "grant_type": "refresh_token"})

    def revoke(self, token: SecretStr) -> None:
        """Make a token useless.

        Raises:
            OAuthError: Trakt cannot be asked.
        """
        url = f"{self._url}/oauth/revoke"
        fields = {"token": token.get_secret_value(), **self._app}
        http.post(url, fields, provider="Trakt", headers=_HEADERS)

    def request_code(self) -> DeviceCode:
        """Begin a device flow.

        Raises:
            OAuthError: Trakt refuses, or cannot be asked.
        """
        url = f"{self._url}/oauth/device/code"
        now = utc_now()
        fields = {"client_id": self._client_id}
        answer = http.post(url, fields, provider="Trakt", headers=_HEADERS)
        if not answer.is_success:
            raise GrantRejectedError(
                f"Trakt answered {answer.status_code} to the request for a device code.",
                remedy="Check trakt.client_id.",
            )
        try:
            content = answer.json()
            interval = int(content["interval"])
            return DeviceCode(
                device_code=SecretStr(str(content["device_code"])),
                user_code=str(content["user_code"]),
                verification_url=str(content["verification_url"]),
                expires_at=now + timedelta(seconds=int(content["expires_in"])),
                interval_seconds=interval,
                poll_at=now + timedelta(seconds=interval),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise TokenAnswerLostError(
                "Trakt gave no device code.", remedy="Try again later."
            ) from error

    def poll(self, code: SecretStr) -> TokenSet:
        """Ask whether the user has agreed.

        Raises:
            AuthorizationPendingError: Not yet.
            DeviceFlowError: No, or too late.
            OAuthError: Trakt cannot be asked.
        """
        asked_at = utc_now()
        url = f"{self._url}/oauth/device/token"
        fields = {"code": code.get_secret_value(), **self._app}
        try:
            answer = http.post(
                url,
                fields,
                provider="Trakt",
                headers=_HEADERS,
                accepts_too_many_requests=True,
                answer_timeout_seconds=_DEVICE_TIMEOUT_SECONDS,
            )
        except TokenAnswerLostError as error:
            # Asking again does no harm: a code that was used up is answered with 409.
            raise ProviderUnavailableError(error.message, remedy=error.remedy) from error
        if answer.is_success:
            return http.read_tokens(answer, provider="Trakt", asked_at=asked_at)
        if answer.status_code == 400:
            raise AuthorizationPendingError("Not yet.", remedy="Type the code in at Trakt.")
        if answer.status_code == 429:
            raise SlowDownError("Trakt was asked too often.", remedy="Wait.")
        reason = _ENDS.get(answer.status_code, f"Trakt answered {answer.status_code}.")
        raise DeviceFlowError(reason, remedy="Begin again.")

    @property
    def _app(self) -> dict[str, str]:
        secret = self._client_secret.get_secret_value()
        return {"client_id": self._client_id, "client_secret": secret}

    def _tokens(self, grant: dict[str, str]) -> TokenSet:
        fields = {**grant, **self._app, "redirect_uri": self._redirect_uri}
        url = f"{self._url}/oauth/token"
        return http.request_tokens(url, fields, provider="Trakt", headers=_HEADERS)


def token_keeper(ledger: Ledger, key: bytes, settings: TraktSettings, account: str) -> TokenKeeper:
    """Return the tokens of an account.

    Args:
        ledger: Holds them.
        key: Encrypts them.
        settings: The domain's configuration.
        account: The account's name in the configuration.
    """
    refresh = TraktOAuth(settings).refresh
    return TokenKeeper(ledger, key, PROVIDER, account, refresh=refresh)


def device_flow(ledger: Ledger, key: bytes, settings: TraktSettings, account: str) -> DeviceFlow:
    """Return the device flow of an account.

    Args:
        ledger: Holds what is under way.
        key: Encrypts it.
        settings: The domain's configuration.
        account: The account's name in the configuration.
    """
    keeper = token_keeper(ledger, key, settings, account)
    return DeviceFlow(ledger, key, TraktOAuth(settings), keeper, f"{PROVIDER}/{account}")
