"""A watchlist whose providers are stand-ins: feeds that grow, fail and answer 304."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import update

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import (
    watchlist_checks,
    watchlist_episodes,
    watchlist_items,
    watchlist_releases,
)
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import downloads
from sync_assets.relay.models import OPEN_DOWNLOADS, DownloadState, Reason, ReasonCode
from sync_assets.settings import Settings
from sync_assets.watchlist.engine.worker import RunReport, Worker
from sync_assets.watchlist.store import episodes, items
from sync_assets.watchlist.store.items import NewItem
from sync_assets_tests.upstreams.feed_site import Document, FeedSite


def feed(entries: Sequence[tuple[str, str]], kind: str = "video/x-matroska") -> bytes:
    """Return a feed of release names and the addresses of their files."""
    body = "".join(
        f"<item><title>{escape(name)}</title><guid>{escape(url)}</guid>"
        f'<enclosure url="{escape(url)}" type="{kind}" length="1000"/></item>'
        for name, url in entries
    )
    return f"<rss version='2.0'><channel><title>Feed</title>{body}</channel></rss>".encode()


def watching_settings(
    home: Path, strm: Mapping[str, Any] = MappingProxyType({}), **watchlist: Any
) -> Settings:
    usual = {
        "enabled": True,
        "allowed_private_hosts": ["127.0.0.1"],
        "fetching": {"requests_per_second": 20, "timeout_seconds": 5},
    }
    return Settings.model_validate(
        {
            "home": home,
            "relay": {
                "enabled": True,
                "receive": "off",
                "download_directory": home / "downloads",
                "disk_free_threshold_bytes": 0,
                "retry_backoff_initial_seconds": 0.05,
                "retry_backoff_multiplier": 1,
                "timeout_seconds": 5,
                "max_attempts": 2,
            },
            "strm": dict(strm),
            "watchlist": usual | watchlist,
        }
    )


@dataclass
class Watching:
    """A ledger, a site with feeds, and the settings of a watchlist."""

    ledger: Ledger
    site: FeedSite
    home: Path
    options: dict[str, Any] = field(default_factory=dict)
    strm: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return watching_settings(self.home, self.strm, **self.options)

    def publish(self, path: str, *names: str) -> None:
        """Let a feed hold releases; each has a file of its own."""
        entries = [
            (name, f"{self.site.url}/files/{path.strip('/')}-{number}.mkv")
            for number, name in enumerate(names)
        ]
        self.site.documents[path] = Document(feed(entries))

    def add(self, path: str = "/show", owner: str = "alice", **fields: Any) -> int:
        """Watch a feed."""
        url = path if "://" in path else f"{self.site.url}{path}"
        usual: dict[str, Any] = {"url": url, "provider": "feed", "title": "Hoshizora"}
        with self.ledger.write() as connection:
            return items.add(connection, owner, NewItem(**usual | fields)).id

    def run(self, *item_ids: int) -> RunReport:
        """Let a new worker check what is due, or these items."""
        worker = Worker(self.settings, self.ledger, run_id="a run")
        return worker.run(item_ids or None)

    def recheck(self) -> RunReport:
        """Let everything be due, and run."""
        with self.ledger.write() as connection:
            connection.execute(update(watchlist_items).values(next_check_at=utc_now()))
        return self.run()

    def item(self, item_id: int) -> AnyRow:
        with self.ledger.read() as connection:
            return items.get(connection, item_id)

    def rows(self, item_id: int) -> dict[str, AnyRow]:
        """Return the episodes of an item by their numbers."""
        with self.ledger.read() as connection:
            return {str(row.number): row for row in episodes.of_item(connection, item_id)}

    def states(self, item_id: int) -> dict[str, str]:
        return {number: row.state for number, row in self.rows(item_id).items()}

    def checks(self, item_id: int) -> list[AnyRow]:
        columns = watchlist_checks.c
        with self.ledger.read() as connection:
            query = watchlist_checks.select().where(columns.item_id == item_id)
            return list(connection.execute(query.order_by(columns.id)))

    def downloads(self) -> list[AnyRow]:
        """Return all downloads of the relay."""
        with self.ledger.read() as connection:
            return list(downloads.in_state(connection, *DownloadState))

    def finish(self, *paths: Path) -> None:
        """Let the relay complete its open downloads, the oldest first, with these files."""
        with self.ledger.write() as connection:
            rows = downloads.in_state(connection, *OPEN_DOWNLOADS)
            for row, path in zip(rows, paths, strict=False):
                downloads.complete(
                    connection, [downloads.Finished(row, str(path), 5, None)], run_id=None
                )

    def fail(self) -> None:
        """Let all open downloads of the relay fail."""
        why = Reason(ReasonCode.NOT_FOUND, "It is not there. Find another one.")
        with self.ledger.write() as connection:
            for row in downloads.in_state(connection, *OPEN_DOWNLOADS):
                downloads.end(connection, row, DownloadState.FAILED, why, run_id="a run")

    def pass_pauses(self) -> None:
        """Let every wait of an episode, and every pause of a release, be over."""
        long_ago = utc_now().replace(year=2020)
        with self.ledger.write() as connection:
            connection.execute(update(watchlist_episodes).values(not_before=long_ago))
            connection.execute(
                update(watchlist_releases)
                .where(watchlist_releases.c.failed_at.is_not(None))
                .values(failed_at=long_ago)
            )
