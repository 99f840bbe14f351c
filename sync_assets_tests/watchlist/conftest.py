"""What the tests of the watchlist share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_assets.ledger import Ledger
from sync_assets_tests.upstreams.feed_site import FeedSite
from sync_assets_tests.watchlist.watching import Watching

SHARED_DATA = Path(os.environ.get("SYNC_SHARED_DATA") or Path(__file__).parents[3] / "shared/data")


@pytest.fixture
def shared_data() -> Path:
    """Recorded pages and labelled names beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no recorded data in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def site() -> Iterator[FeedSite]:
    with FeedSite() as running:
        yield running


@pytest.fixture
def watching(sqlite_ledger: Ledger, site: FeedSite, tmp_path: Path) -> Watching:
    """A watchlist in the test's own folder."""
    return Watching(sqlite_ledger, site, tmp_path / "home")
