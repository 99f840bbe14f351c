"""Trakt's OAuth host: where it is, and its device flow.

Source: Trakt's API documentation of 2026-07-30: "Do not use the API hostname" for OAuth; refresh
tokens are single-use. The device flow's statuses: 400 pending, 404 bad code, 409 used, 410
expired, 418 denied, 429 too fast.
"""

from datetime import timedelta
from functools import partial

from pydantic import SecretStr

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets.oauth import http
from sync_assets.oauth.app import OAuthApp
from sync_assets.oauth.device import (
    AuthorizationPendingError,
    DeviceCode,
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
from sync_assets.oauth.provider import Provider
from sync_assets.oauth.tokens import TokenSet
from sync_assets.settings.trakt import TraktSettings
from sync_assets.trakt.user_agent import USER_AGENT

PROVIDER = "trakt"
TITLE = "Trakt"

_DEVICE_TIMEOUT_SECONDS = 20.0
_HEADERS = {"User-Agent": USER_AGENT}
_ENDS = {
    404: "Trakt does not know the code.",
    409: "The code was used already.",
    410: "The code has expired.",
    418: "The request was denied at Trakt.",
}


def oauth_app(settings: TraktSettings) -> OAuthApp:
    """Return the app that is registered with Trakt.

    Args:
        settings: The domain's configuration.

    Raises:
        OAuthError: None is configured.
    """
    if settings.client_id is None or settings.client_secret is None:
        raise OAuthError(
            "trakt.client_id and trakt.client_secret are not configured.",
            remedy="Make an app at https://app.trakt.tv/settings/apps and put both into sync.toml.",
        )
    url = str(settings.oauth_url).rstrip("/")
    return OAuthApp(
        provider=TITLE,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        redirect_uri=str(settings.redirect_uri),
        authorize_url=f"{url}/oauth/authorize",
        token_url=f"{url}/oauth/token",
        revoke_url=f"{url}/oauth/revoke",
        headers=_HEADERS,
    )


class TraktDevices:
    """The device flow of Trakt's OAuth host.

    Args:
        settings: The domain's configuration.

    Raises:
        OAuthError: No app is configured.
    """

    def __init__(self, settings: TraktSettings) -> None:
        self._app = oauth_app(settings)
        self._url = str(settings.oauth_url).rstrip("/")

    def request_code(self) -> DeviceCode:
        """Begin a device flow.

        Raises:
            OAuthError: Trakt refuses, or cannot be asked.
        """
        url = f"{self._url}/oauth/device/code"
        now = utc_now()
        fields = {"client_id": self._app.client_id}
        answer = http.post(url, fields, provider=TITLE, headers=_HEADERS)
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
        fields = {"code": code.get_secret_value(), **self._app.credentials}
        try:
            answer = http.post(
                url,
                fields,
                provider=TITLE,
                headers=_HEADERS,
                accepts_too_many_requests=True,
                answer_timeout_seconds=_DEVICE_TIMEOUT_SECONDS,
            )
        except TokenAnswerLostError as error:
            # Asking again does no harm: a code that was used up is answered with 409.
            raise ProviderUnavailableError(error.message, remedy=error.remedy) from error
        if answer.is_success:
            return http.read_tokens(answer, provider=TITLE, asked_at=asked_at)
        if answer.status_code == 400:
            raise AuthorizationPendingError("Not yet.", remedy="Type the code in at Trakt.")
        if answer.status_code == 429:
            raise SlowDownError("Trakt was asked too often.", remedy="Wait.")
        reason = _ENDS.get(answer.status_code, f"Trakt answered {answer.status_code}.")
        raise DeviceFlowError(reason, remedy="Begin again.")


def token_keeper(ledger: Ledger, key: bytes, settings: TraktSettings, account: str) -> TokenKeeper:
    """Return the tokens of an account.

    Args:
        ledger: Holds them.
        key: Encrypts them.
        settings: The domain's configuration.
        account: The account's name in the configuration.
    """
    return provider(settings).keeper(ledger, key, account)


def provider(settings: TraktSettings) -> Provider:
    """Return Trakt as the pages and `scripts/connect` see it.

    Args:
        settings: The domain's configuration.
    """
    return Provider(
        PROVIDER,
        TITLE,
        settings.active_accounts,
        sorted(set(settings.accounts) - set(settings.active_accounts)),
        app=partial(oauth_app, settings),
        device_provider=partial(TraktDevices, settings),
    )
