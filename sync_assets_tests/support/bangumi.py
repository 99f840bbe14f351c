"""Bangumi's stand-ins as tests use them: the API, the OAuth host, and settings that lead there."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sync_assets.bangumi.oauth import token_keeper
from sync_assets.ledger import Ledger
from sync_assets.settings.bangumi import BangumiSettings
from sync_assets_tests.support.oauth import token_set
from sync_assets_tests.upstreams.bangumi import BangumiServer
from sync_assets_tests.upstreams.bangumi_oauth import CLIENT_ID, CLIENT_SECRET, BangumiOAuth

ACCOUNT = "alice"


@contextmanager
def running_oauth() -> Generator[BangumiOAuth]:
    """Run the OAuth host, with an API that nobody asks."""
    with BangumiOAuth(BangumiServer()) as running:
        yield running


def oauth_fields(oauth: BangumiOAuth) -> dict[str, Any]:
    """Return the settings of an app of the OAuth host."""
    return {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "oauth_url": oauth.url}


def bangumi_settings(oauth: BangumiOAuth, **fields: Any) -> BangumiSettings:
    """Return settings that lead to the OAuth host, with one account."""
    return BangumiSettings.model_validate(
        {**oauth_fields(oauth), "accounts": {ACCOUNT: {}}, **fields}
    )


def connect(
    oauth: BangumiOAuth,
    ledger: Ledger,
    key: bytes,
    settings: BangumiSettings,
    *,
    age: timedelta = timedelta(),
) -> None:
    """Connect the account, some time ago."""
    keeper = token_keeper(ledger, key, settings, ACCOUNT)
    keeper.connect(token_set(oauth.grant(), age=age))
