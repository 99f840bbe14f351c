"""The table of bookmarks in the lake: what each list pass saw, merged into what is known.

A work's good metadata is never replaced by empty ones: of a deleted work Pixiv sends neither title
nor tags, and at times it leaves out captions.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sync_assets.lake import Lake
from sync_assets.lake.rows import rows_of, table_of
from sync_assets.pixiv.models import DOMAIN, BookmarkState, ListedWork, Visibility

if TYPE_CHECKING:
    import pyarrow as pa

ASSET = (DOMAIN, "bookmarks")
# fmt: off
_KEPT_IF_EMPTY = (
    "title", "caption", "type", "user_id", "user_name", "user_account", "tags", "rating",
    "page_count", "width", "height", "created_at",
)
# fmt: on
_ORDER_COLUMNS = ("work_id", "visibility", "position", "removed_at")
_KEPT_IF_NONE = ("bookmark_tags", "series_id", "series_title")
_OF_DEAD = frozenset({BookmarkState.DELETED, BookmarkState.LOCKED})
REMOVED_AT_ONCE = 30
"""More works than this, or all of a list, are not taken for removed by one listing alone."""

CONFIRMED_AFTER = timedelta(hours=1)
"""How much later another listing has to miss them as well."""


@dataclass
class Merged:
    """A new table of bookmarks.

    Attributes:
        rows: All bookmarks, current ones in the order of their lists, then removed ones.
        added: The ids that were not there, or had been removed.
        removed: The ids that are no longer bookmarked.
        withheld: The ids that a whole list suddenly lacks, too many to believe it at once.
        changed_state: The ids that died, or came back.
    """

    rows: list[dict[str, Any]]
    added: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    withheld: list[int] = field(default_factory=list)
    changed_state: list[int] = field(default_factory=list)


def read_bookmarks(lake: Lake, account: str) -> list[dict[str, Any]]:
    """Return the bookmarks that are known, in the order of the table."""
    if not lake.exists(ASSET, partition=account):
        return []
    # A table of an earlier version lacks the columns that came later.
    columns = dict.fromkeys(schema().names)
    return [columns | row for row in rows_of(lake.table(ASSET, partition=account))]


def preload() -> None:
    """Import what writing the table needs, which can pass while Pixiv is asked."""
    import pyarrow.parquet  # noqa: F401, PLC0415


def write_bookmarks(lake: Lake, account: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace an account's table of bookmarks."""
    lake.write(ASSET, table_of(rows, schema()), partition=account)


def read_orders(
    lake: Lake, account: str, lists: Sequence[Visibility]
) -> dict[Visibility, list[int]]:
    """Return the works of some lists that are bookmarked, newest bookmark first."""
    if not lake.exists(ASSET, partition=account):
        return {visibility: [] for visibility in lists}
    rows = rows_of(lake.table(ASSET, partition=account, columns=_ORDER_COLUMNS))
    return {visibility: order_of(rows, visibility) for visibility in lists}


def order_of(rows: Sequence[Mapping[str, Any]], visibility: Visibility) -> list[int]:
    """Return the works of a list that are bookmarked, newest bookmark first."""
    listed = [row for row in rows if row["visibility"] == visibility and row["removed_at"] is None]
    return [row["work_id"] for row in sorted(listed, key=lambda row: row["position"])]


def merge(
    known: Sequence[Mapping[str, Any]],
    listed: Sequence[ListedWork],
    *,
    whole: Sequence[Visibility],
    now: datetime,
) -> Merged:
    """Merge what list passes saw into what is known.

    Args:
        known: The table as it is.
        listed: What was seen: of each list that was read, its beginning or the whole of it.
        whole: The lists that were read to their end; what is not in them is no longer bookmarked.
        now: When they were read.

    Returns:
        The new table, and what is different in it.
    """
    rows = {row["work_id"]: dict(row) for row in known}
    merged = Merged([])
    seen = {work.work_id for work in listed}
    for work in listed:
        before = rows.get(work.work_id)
        if before is None or before["removed_at"] is not None:
            merged.added.append(work.work_id)
        if before is not None and before["state"] != work.state:
            merged.changed_state.append(work.work_id)
        rows[work.work_id] = _row(before, work, now)
    for visibility in whole:
        _remove_gone(merged, rows.values(), visibility, seen, now)
    for visibility in Visibility:
        top = [work.work_id for work in listed if work.visibility is visibility]
        above = set(top)
        order = top + [
            each for each in order_of(list(rows.values()), visibility) if each not in above
        ]
        for position, work_id in enumerate(order):
            rows[work_id]["position"] = position
    merged.rows = sorted(
        rows.values(),
        key=lambda row: (row["removed_at"] is not None, row["visibility"], row["position"]),
    )
    return merged


def _remove_gone(
    merged: Merged,
    rows: Iterable[dict[str, Any]],
    visibility: Visibility,
    seen: Collection[int],
    now: datetime,
) -> None:
    """Mark what a whole list lacks; where that is suspiciously much, only once confirmed.

    An answer that is empty or cut short, and says nothing of an error, is no proof.
    """
    listed = [row for row in rows if row["visibility"] == visibility and row["removed_at"] is None]
    gone = [row for row in listed if row["work_id"] not in seen]
    is_plausible = len(gone) <= REMOVED_AT_ONCE and len(gone) < len(listed)
    for row in gone:
        missing_since = row["missing_since"]
        is_confirmed = missing_since is not None and now - missing_since >= CONFIRMED_AFTER
        if is_plausible or is_confirmed:
            row |= {"removed_at": now, "missing_since": None}
            merged.removed.append(row["work_id"])
        else:
            row["missing_since"] = missing_since or now
            merged.withheld.append(row["work_id"])


def _row(before: Mapping[str, Any] | None, work: ListedWork, now: datetime) -> dict[str, Any]:
    row = {
        "work_id": work.work_id,
        "visibility": work.visibility,
        "position": 0,
        "state": work.state,
        **work.fields,
        "version": work.version,
        "frames": work.frames,
        "first_seen": now,
        "last_seen": now,
        "removed_at": None,
        "missing_since": None,
    }
    if before is None:
        return row
    is_dead = work.state in _OF_DEAD
    for name in _KEPT_IF_NONE:
        if row[name] is None:
            row[name] = before[name]
    for name in (*_KEPT_IF_EMPTY, "version", "frames"):
        # What is said of a dead work is about its placeholder.
        if before[name] and (is_dead or not row[name]):
            row[name] = before[name]
    if is_dead:
        for name in ("is_ai", "sanity_level", "total_view", "total_bookmarks"):
            row[name] = before[name]
    row["version"] = max(row["version"], before["version"])
    row["first_seen"] = before["first_seen"]
    return row


def schema() -> "pa.Schema":
    """Return the columns of the table."""
    import pyarrow as pa  # noqa: PLC0415 - not with the definitions

    moment = pa.timestamp("us", tz="UTC")
    frame = pa.struct([("file", pa.string()), ("delay", pa.int64())])
    return pa.schema(
        [
            ("work_id", pa.int64()),
            ("visibility", pa.string()),
            ("position", pa.int64()),
            ("state", pa.string()),
            ("title", pa.string()),
            ("caption", pa.string()),
            ("type", pa.string()),
            ("user_id", pa.int64()),
            ("user_name", pa.string()),
            ("user_account", pa.string()),
            ("tags", pa.list_(pa.string())),
            ("bookmark_tags", pa.list_(pa.string())),
            ("page_count", pa.int64()),
            ("width", pa.int64()),
            ("height", pa.int64()),
            ("rating", pa.string()),
            ("is_ai", pa.bool_()),
            ("sanity_level", pa.int64()),
            ("total_view", pa.int64()),
            ("total_bookmarks", pa.int64()),
            ("series_id", pa.int64()),
            ("series_title", pa.string()),
            ("created_at", moment),
            ("version", pa.string()),
            ("frames", pa.list_(frame)),
            ("first_seen", moment),
            ("last_seen", moment),
            ("removed_at", moment),
            ("missing_since", moment),
        ]
    )
