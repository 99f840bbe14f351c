"""Items, episodes and releases for tests of the watchlist."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.providers import VariantKind
from sync_assets.watchlist.store import items
from sync_assets.watchlist.store.items import NewItem
from sync_assets.watchlist.store.releases import NewRelease
from sync_assets.watchlist.titles import EpisodeKind

URL = "https://feeds.example/show.xml"


def add_item(connection: Connection, owner: str = "alice", **fields: Any) -> AnyRow:
    """Add an item of a feed."""
    values: dict[str, Any] = {"url": URL, "provider": "feed", "title": "Show"} | fields
    return items.add(connection, owner, NewItem(**values))


def numbered(
    number: str | None, season: int | None = 1, kind: EpisodeKind = EpisodeKind.REGULAR
) -> EpisodeNumber:
    """Return which episode it is."""
    return EpisodeNumber(season, Decimal(number) if number is not None else None, kind)


def release(
    key: str, first: EpisodeNumber, last: EpisodeNumber | None = None, **fields: Any
) -> NewRelease:
    """Return an offered release."""
    values: dict[str, Any] = {
        "name": f"[Group] Show {key}",
        "link": f"https://t.example/{key}.torrent",
        "link_kind": VariantKind.TORRENT,
        **fields,
    }
    return NewRelease(key=key, first=first, last=last or first, **values)
