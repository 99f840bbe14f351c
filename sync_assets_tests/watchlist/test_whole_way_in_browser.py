"""From an address that a user types into a browser to files on disk, with everything real.

`scripts/run` runs all services; the browser is Chromium, the runs are Dagster's, aria2 downloads.
Only the feed and the files that it names are stand-ins.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import watchlist_items
from sync_assets.ledger.types import utc_now
from sync_assets.settings import load_settings
from sync_assets_tests.server.browsing import browsing, sign_in
from sync_assets_tests.support.services import Running, running_services, wait_for
from sync_assets_tests.upstreams.feed_site import Document, FeedSite
from sync_assets_tests.upstreams.origin import OriginServer
from sync_assets_tests.watchlist.watching import feed

pytestmark = [pytest.mark.browser, pytest.mark.end_to_end]


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sync.toml").write_text(
        'home = "home"\n'
        '[relay]\nenabled = true\nreceive = "off"\ndownload_directory = "relay"\n'
        "disk_free_threshold_bytes = 0\nworker_poll_seconds = 5\n"
        "[watchlist]\nenabled = true\nlook_every_seconds = 5\n"
        'allowed_private_hosts = ["127.0.0.1"]\n'
        "[watchlist.fetching]\nrequests_per_second = 20\n"
        '[watchlist.library]\ndirectory = "library"\n'
    )
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))


@pytest.fixture
def running(configuration: None, tmp_path: Path) -> Iterator[Running]:
    with running_services(tmp_path) as services:
        yield services


@pytest.fixture
def published() -> Iterator[list[tuple[str, str]]]:
    """The names of two releases, and the addresses of their files."""
    with OriginServer() as origin:
        yield [
            (
                f"[Group] Hoshizora - {number:02} (1080p).mkv",
                origin.add(f"/{number}.mkv", b"episode %d " % number * 5_000),
            )
            for number in (1, 2)
        ]


@pytest.fixture
def site() -> Iterator[FeedSite]:
    with FeedSite() as running:
        yield running


@pytest.mark.timeout(420)
def test_the_next_episode_of_what_a_user_adds_is_on_disk_without_another_click(
    running: Running, site: FeedSite, browser: Browser, published: list[tuple[str, str]]
) -> None:
    site.documents["/feed.xml"] = Document(feed(published[:1]))
    settings = load_settings()
    assert settings.watchlist.library.directory is not None
    folder = settings.watchlist.library.directory / "Hoshizora" / "Season 01"
    with closing(Ledger.open(settings.ledger_url)) as ledger, browsing(browser, running) as page:
        page.goto("/watchlist/add")
        sign_in(page, ledger)
        page.get_by_label("Address", exact=True).fill(f"{site.url}/feed.xml")
        page.get_by_role("button", name="Look").click()
        expect(page.get_by_role("heading", name="Hoshizora")).to_be_visible()
        page.get_by_role("button", name="Add to the watchlist").click()
        expect(page.get_by_text("Hoshizora is on your watchlist")).to_be_visible()
        wait_for((folder / "Hoshizora - S01E01.mkv").exists, "the episode that there is")

        # The provider has another one, and the item's interval passes.
        site.documents["/feed.xml"] = Document(feed(published))
        with ledger.write() as connection:
            connection.execute(update(watchlist_items).values(next_check_at=utc_now()))
        wait_for((folder / "Hoshizora - S01E02.mkv").exists, "the next episode")
        assert (folder / "Hoshizora - S01E02.mkv").read_bytes() == b"episode 2 " * 5_000

        # The page follows by itself.
        expect(page.get_by_text("Hoshizora - S01E02.mkv")).to_be_visible(timeout=30_000)
