"""Releases: what providers offer for episodes. The only functions that write to the table.

Links may be secret, as those of private trackers: they are stored as they are, and never logged
nor shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Numeric, cast, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger.schema import watchlist_releases
from sync_assets.ledger.types import AnyRow, decimal_text, utc_now
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.providers.models import VariantKind
from sync_assets.watchlist.store.texts import storable

LONGEST_NAME = 1_000
LONGEST_GROUP = 200


@dataclass(frozen=True)
class NewRelease:
    """A way to get an episode, or several at once.

    Attributes:
        key: What it is known by within the item: two releases with the same key are the same.
        first: The episode, or the first one, as its item counts.
        last: The last one of a batch, of the same season and kind; otherwise the same as `first`.
        name: The release name.
        link: Where it is; it may be secret.
        link_kind: What is there.
        resolution: Lines of the picture.
        release_group: Who made it.
        language: What it can be watched in.
        version: Of the release.
        size_bytes: Its size.
        infohash: Of a torrent, 40 hexadecimal digits in lower case.
        needs_review: Whether the number is doubtful.
        published_at: When it appeared.
    """

    key: str
    first: EpisodeNumber
    last: EpisodeNumber
    name: str
    link: str
    link_kind: VariantKind
    resolution: int | None = None
    release_group: str | None = None
    language: str | None = None
    version: int = 1
    size_bytes: int | None = None
    infohash: str | None = None
    needs_review: bool = False
    published_at: datetime | None = None


def remember(connection: Connection, item_id: int, offered: Sequence[NewRelease]) -> int:
    """Remember what is offered. Of a release that is known, the link and its numbers are replaced.

    Args:
        connection: A writing transaction of the ledger.
        item_id: The item.
        offered: The releases.

    Returns:
        How many were not known before.
    """
    if not offered:
        return 0
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    columns, now = watchlist_releases.c, utc_now()
    query = select(columns.key).where(columns.item_id == item_id)
    known = set(connection.execute(query).scalars())
    rows = {row["key"]: row for row in (_values(item_id, each, now) for each in offered)}
    statement = dialect.insert(watchlist_releases)
    replaced = ("link", "season", "number", "last_number", "kind", "size_bytes", "last_seen_at")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["item_id", "key"],
            set_={name: statement.excluded[name] for name in replaced},
        ),
        list(rows.values()),
    )
    return len(rows.keys() - known)


def of_episode(
    connection: Connection, item_id: int, number: EpisodeNumber, *, with_batches: bool = False
) -> Sequence[AnyRow]:
    """Return the releases of an episode, the oldest first.

    Args:
        connection: A transaction of the ledger.
        item_id: The item.
        number: Which episode.
        with_batches: Whether those count that hold other episodes as well.
    """
    columns = watchlist_releases.c
    query = select(watchlist_releases).where(
        columns.item_id == item_id,
        columns.kind == str(number.kind),
        columns.season.is_not_distinct_from(number.season),
    )
    if with_batches and number.number is not None:
        # As text: SQLite's driver takes no decimals.
        wanted = cast(literal(decimal_text(number.number)), Numeric)
        query = query.where(
            cast(columns.number, Numeric) <= wanted, cast(columns.last_number, Numeric) >= wanted
        )
    else:
        query = query.where(
            columns.number.is_not_distinct_from(number.number),
            columns.last_number.is_not_distinct_from(number.number),
        )
    return connection.execute(query.order_by(columns.id)).all()


def of_item(connection: Connection, item_id: int) -> Sequence[AnyRow]:
    """Return all releases of an item, the oldest first.

    Args:
        connection: A transaction of the ledger.
        item_id: The item.
    """
    columns = watchlist_releases.c
    query = select(watchlist_releases).where(columns.item_id == item_id).order_by(columns.id)
    return connection.execute(query).all()


def get(connection: Connection, release_id: int) -> AnyRow | None:
    """Return a release; None where it is forgotten.

    Args:
        connection: A transaction of the ledger.
        release_id: Which.
    """
    query = select(watchlist_releases).where(watchlist_releases.c.id == release_id)
    return connection.execute(query).one_or_none()


def failed(connection: Connection, release_id: int, reason: str) -> None:
    """Write that a release could not be had, so that another one goes before it.

    Args:
        connection: A writing transaction of the ledger.
        release_id: Which.
        reason: Why, for people; never its link.
    """
    connection.execute(
        update(watchlist_releases)
        .where(watchlist_releases.c.id == release_id)
        .values(failed_at=utc_now(), failure_reason=reason)
    )


def _values(item_id: int, release: NewRelease, now: datetime) -> dict[str, Any]:
    group = release.release_group
    return {
        "item_id": item_id,
        "key": storable(release.key, longest=LONGEST_NAME),
        "season": release.first.season,
        "number": release.first.number,
        "last_number": release.last.number,
        "kind": str(release.first.kind),
        "name": storable(release.name, longest=LONGEST_NAME),
        "link": release.link,
        "link_kind": str(release.link_kind),
        "resolution": release.resolution,
        "release_group": storable(group, longest=LONGEST_GROUP) if group else None,
        "language": release.language,
        "version": release.version,
        "size_bytes": release.size_bytes,
        "infohash": release.infohash,
        "needs_review": release.needs_review,
        "published_at": release.published_at,
        "first_seen_at": now,
        "last_seen_at": now,
    }
