"""A running stand-in with a connected account, and what the logic works with."""

from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.trakt.account import AccountWork
from sync_assets.trakt.client import TraktClient
from sync_assets.trakt.oauth import token_keeper
from sync_assets_tests.support.trakt import connect, running_trakt, trakt_settings
from sync_assets_tests.upstreams.trakt import TraktUpstream


@pytest.fixture
def upstream() -> Iterator[TraktUpstream]:
    with running_trakt() as running:
        yield running


@pytest.fixture
def key() -> bytes:
    return Fernet.generate_key()


@pytest.fixture
def slept() -> list[float]:
    """How long the client waited, instead of waiting."""
    return []


@pytest.fixture
def client(
    upstream: TraktUpstream, sqlite_ledger: Ledger, key: bytes, slept: list[float]
) -> Iterator[TraktClient]:
    connect(upstream, sqlite_ledger, key)
    settings = trakt_settings(upstream, timeout_seconds=1.5, retries=3)
    keeper = token_keeper(sqlite_ledger, key, settings, "alice")
    with TraktClient(settings, sqlite_ledger, "alice", keeper, sleep=slept.append) as opened:
        yield opened


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def work_at(
    upstream: TraktUpstream, client: TraktClient, sqlite_ledger: Ledger, lake: Lake
) -> Callable[..., AccountWork]:
    """Make the work of a new run, at the time of the stand-in's library."""

    def make(**settings: object) -> AccountWork:
        client.requests = client.pages = 0
        return AccountWork(
            "alice",
            trakt_settings(upstream, **settings),
            client,
            sqlite_ledger,
            lake,
            now=upstream.library.now.astimezone(UTC),
        )

    return make
