"""The tables of the lake: their columns, and rows to and from them.

History has a file for each account and month of `watched_at`; ratings and collection one for each
account.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from sync_assets.lake import AbsentError, Lake
from sync_assets.lake.columns import integer_column, text_column
from sync_assets.trakt.models import CollectedItem, Play, Rating

if TYPE_CHECKING:
    import pyarrow as pa

DOMAIN = "trakt"
HISTORY = (DOMAIN, "history")
RATINGS = (DOMAIN, "ratings")
COLLECTION = (DOMAIN, "collection")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = frozenset(
    {"watched_at", "first_aired", "first_seen_at", "removed_at", "rated_at", "collected_at"}
)
_TEXTS = frozenset(
    {"action", "media_type", "imdb", "slug", "title", "original_title", "episode_title"}
)
_LISTS = frozenset({"genres"})


class Row(Protocol):
    """A row of one of the tables."""

    @property
    def key(self) -> Any:
        """What identifies it."""
        ...

    @property
    def removed_at(self) -> datetime | None:
        """When it was seen to be gone."""
        ...

    def continuing(self, known: Any) -> Any:
        """Return this row with what only the known one tells."""
        ...

    def removed(self, moment: datetime) -> Any:
        """Return the row when it is gone."""
        ...


AnyRow = TypeVar("AnyRow", bound=Row)


class Table(Generic[AnyRow]):
    """One table.

    Args:
        asset: The asset key's parts.
        kind: The class of its rows; its fields are the columns.
    """

    def __init__(self, asset: Sequence[str], kind: type[AnyRow]) -> None:
        self.asset = asset
        self._kind = kind
        self._names = [field.name for field in dataclasses.fields(kind)]  # ty: ignore[invalid-argument-type]

    def read(self, lake: Lake, partition: str) -> list[AnyRow]:
        """Return the rows of a partition; none where it was never written.

        Raises:
            LakeError: What is stored is damaged.
        """
        try:
            stored = lake.table(self.asset, partition=partition).to_pylist()
        except AbsentError:
            return []
        return [self._row(values) for values in stored]

    def write(self, lake: Lake, partition: str, rows: Iterable[AnyRow]) -> None:
        """Replace a partition.

        Raises:
            LakeError: It cannot be written.
        """
        import pyarrow as pa  # noqa: PLC0415 - loads when a table is touched

        rows = list(rows)
        columns = [_column(name, [getattr(row, name) for row in rows]) for name in self._names]
        table = pa.Table.from_arrays(columns, names=self._names)
        lake.write(self.asset, table, partition=partition)

    def _row(self, values: Mapping[str, Any]) -> AnyRow:
        fields = {name: values.get(name) for name in self._names}
        for name in _LISTS & fields.keys():
            fields[name] = tuple(fields[name] or ())
        return self._kind(**fields)


HISTORY_TABLE = Table(HISTORY, Play)
RATINGS_TABLE = Table(RATINGS, Rating)
COLLECTION_TABLE = Table(COLLECTION, CollectedItem)


def _column(name: str, values: Sequence[Any]) -> "pa.Array":
    import pyarrow as pa  # noqa: PLC0415 - loads when a table is touched

    if name in _LISTS:
        offsets = [0]
        for value in values:
            offsets.append(offsets[-1] + len(value))
        flat = text_column([text for value in values for text in value])
        return pa.ListArray.from_arrays(integer_column(offsets, pa.int64()).cast(pa.int32()), flat)
    if name in _TEXTS:
        return text_column(values)
    if name in _TIMES:
        numbers = [None if value is None else _microseconds(value) for value in values]
        return integer_column(numbers, pa.timestamp("us", "UTC"))
    return integer_column(values, pa.int64())


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
