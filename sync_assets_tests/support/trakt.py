"""Trakt's stand-in as tests use it: settings that lead to it, and a connected account."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sync_assets.ledger import Ledger
from sync_assets.settings.trakt import TraktSettings
from sync_assets.trakt.oauth import token_keeper
from sync_assets_tests.support.oauth import token_set
from sync_assets_tests.upstreams.trakt import CLIENT_ID, CLIENT_SECRET, TraktUpstream


@contextmanager
def running_trakt(*accounts: str) -> Generator[TraktUpstream]:
    """Run the stand-in; at the end, complain about requests that Trakt does not describe."""
    with TraktUpstream(*accounts) as upstream:
        yield upstream
    assert upstream.violations == []


def trakt_settings(upstream: TraktUpstream, **fields: Any) -> TraktSettings:
    """Return settings that lead to the stand-in, with all its accounts."""
    values = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "base_url": upstream.api.url,
        "oauth_url": upstream.auth.url,
        "accounts": {name: {} for name in upstream.libraries},
    }
    return TraktSettings.model_validate(values | fields)


def configuration(upstream: TraktUpstream, more: str = "") -> str:
    """Return the same as a part of sync.toml."""
    accounts = "".join(f"[trakt.accounts.{name}]\n" for name in upstream.libraries)
    return (
        f'[trakt]\nclient_id = "{CLIENT_ID}"\nclient_secret = "{CLIENT_SECRET}"\n'
        f'base_url = "{upstream.api.url}"\noauth_url = "{upstream.auth.url}"\n{more}\n{accounts}'
    )


def connect(
    upstream: TraktUpstream,
    ledger: Ledger,
    key: bytes,
    account: str = "alice",
    *,
    age: timedelta = timedelta(),
) -> None:
    """Connect an account of the stand-in."""
    keeper = token_keeper(ledger, key, trakt_settings(upstream), account)
    keeper.connect(token_set(upstream.grant(account), age=age))
