"""A feed on the watchlist: its episodes are found, chosen, downloaded, and put into the library."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select, update

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import watchlist_episodes, watchlist_items
from sync_assets.ledger.types import decimal_text, utc_now
from sync_assets.watchlist import items
from sync_assets.watchlist.items import NewItem
from sync_assets_tests.demo.stage import Stage
from sync_assets_tests.upstreams.feed_site import Document, FeedSite
from sync_assets_tests.upstreams.origin import OriginServer
from sync_assets_tests.watchlist.watching import feed

TITLE, USER = "Hoshizora", "demo"
NAMES = (
    "[Group] Hoshizora - 01 (720p) [11111111].mkv",
    "[Group] Hoshizora - 01 (1080p) [AAAAAAAA].mkv",
    "[Group] Hoshizora - 02 (1080p) [BBBBBBBB].mkv",
)
LATER = "[Group] Hoshizora - 02.5 (1080p) [CCCCCCCC].mkv"
EXPECTED = {f"{TITLE} - S01E{number}.mkv" for number in ("01", "02", "02.5")}

_site = FeedSite()
_origin = OriginServer()


@contextmanager
def prepared(base: Path) -> Generator[str]:
    """Start a site with a feed, and one with the files."""
    with _site, _origin:
        yield f"""
[watchlist]
enabled = true
allowed_private_hosts = ["127.0.0.1"]
library = {{ directory = "{base / "anime"}" }}
fetching = {{ requests_per_second = 20 }}
"""


def show(stage: Stage) -> None:
    """Watch a feed, get what is in it, and get what comes later."""
    ledger = Ledger.open(stage.settings.ledger_url)
    try:
        with ledger.write() as connection:
            url = f"{_site.url}/feed.xml"
            items.add(connection, USER, NewItem(url=url, provider="feed", title=TITLE))
        for title, names in (("a new item", NAMES), ("a new episode", (*NAMES, LATER))):
            _publish(names)
            with ledger.write() as connection:
                connection.execute(update(watchlist_items).values(next_check_at=utc_now()))
            stage.run_job("watchlist_check", title)
            while _is_open(ledger):
                stage.run_job("relay_sync", "its downloads")
                stage.run_job("watchlist_check", "put them into the library")
        rows = _episodes(ledger)
    finally:
        ledger.close()
    found = {path.name for path in (stage.base / "anime").rglob("*.mkv")}
    stage.expect("watchlist", {"files": found}, {"files": EXPECTED})
    stage.table("The watchlist", ("episode", "quality", "state", "file"), rows)


def _publish(names: tuple[str, ...]) -> None:
    content = bytes(200_000)
    entries = [(name, _origin.add(f"/{number}.mkv", content)) for number, name in enumerate(names)]
    _site.documents["/feed.xml"] = Document(feed(entries))


def _is_open(ledger: Ledger) -> bool:
    waits = watchlist_episodes.c.state.in_(["wanted", "queued", "downloading"])
    with ledger.read() as connection:
        return connection.execute(select(watchlist_episodes.c.id).where(waits)).first() is not None


def _episodes(ledger: Ledger) -> list[tuple[object, ...]]:
    columns = watchlist_episodes.c
    query = select(watchlist_episodes).order_by(columns.season, columns.number)
    with ledger.read() as connection:
        return [
            (decimal_text(row.number), f"{row.resolution}p", row.state, Path(row.path).name)
            for row in connection.execute(query)
        ]
