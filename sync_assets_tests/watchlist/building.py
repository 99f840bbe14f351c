"""Items, episodes and releases for tests of the watchlist."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist import items
from sync_assets.watchlist.items import NewItem
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.providers import VariantKind
from sync_assets.watchlist.releases import NewRelease
from sync_assets.watchlist.titles import EpisodeKind

URL = "https://feeds.example/show.xml"


def add_item(connection: Connection, owner: str = "alice", **fields: Any) -> AnyRow:
    """Add an item of a feed."""
    return items.add(
        connection, owner, NewItem(**{"url": URL, "provider": "feed", "title": "Show"} | fields)
    )


def numbered(
    number: str | None, season: int | None = 1, kind: EpisodeKind = EpisodeKind.REGULAR
) -> EpisodeNumber:
    """Return which episode it is."""
    return EpisodeNumber(season, Decimal(number) if number is not None else None, kind)


def release(key: str, first: EpisodeNumber, last: EpisodeNumber | None = None, **fields: Any):
    """Return an offered release."""
    defaults = {"name": f"[Group] Show {key}", "link": f"https://t.example/{key}.torrent"}
    return NewRelease(
        key=key,
        first=first,
        last=last or first,
        **{"link_kind": VariantKind.TORRENT} | defaults | fields,
    )
