"""Bangumi's OAuth host: where it is, and how accounts are connected there.

Source: `docs-raw/How-to-Auth.md` of bangumi/api. A code is good for 60 seconds; refreshing gives a
new refresh token as well; the endpoint takes forms; there is no device flow and no revoking.
"""

from functools import partial

from sync_assets.bangumi.user_agent import USER_AGENT
from sync_assets.ledger import Ledger
from sync_assets.oauth.app import OAuthApp
from sync_assets.oauth.errors import OAuthError
from sync_assets.oauth.keeping import TokenKeeper
from sync_assets.oauth.provider import Provider
from sync_assets.settings.bangumi import BangumiSettings

PROVIDER = "bangumi"
TITLE = "Bangumi"


def oauth_app(settings: BangumiSettings) -> OAuthApp:
    """Return the app that is registered with Bangumi.

    Args:
        settings: The domain's configuration.

    Raises:
        OAuthError: None is configured.
    """
    if settings.client_id is None or settings.client_secret is None:
        raise OAuthError(
            "bangumi.client_id and bangumi.client_secret are not configured.",
            remedy="Make an app at https://bgm.tv/dev/app and put both into sync.toml, or use a "
            "personal token (bangumi.accounts.NAME.access_token).",
        )
    return OAuthApp(
        provider=TITLE,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        redirect_uri=str(settings.redirect_uri),
        authorize_url=f"{settings.oauth_url}/oauth/authorize",
        token_url=f"{settings.oauth_url}/oauth/access_token",
        headers={"User-Agent": USER_AGENT},
        is_form=True,
    )


def provider(settings: BangumiSettings) -> Provider:
    """Return Bangumi as the pages and `scripts/connect` see it.

    Args:
        settings: The domain's configuration.
    """
    return Provider(
        PROVIDER,
        TITLE,
        settings.active_accounts,
        sorted(set(settings.accounts) - set(settings.active_accounts)),
        app=partial(oauth_app, settings),
        personal_accounts=[
            name for name, account in settings.accounts.items() if account.access_token is not None
        ],
    )


def token_keeper(
    ledger: Ledger, key: bytes, settings: BangumiSettings, account: str
) -> TokenKeeper:
    """Return the tokens of an account.

    Args:
        ledger: Holds them.
        key: Encrypts them.
        settings: The domain's configuration.
        account: The account's name in the configuration.

    Raises:
        OAuthError: No app is configured.
    """
    return provider(settings).keeper(ledger, key, account)
