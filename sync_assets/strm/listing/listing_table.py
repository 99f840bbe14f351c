"""The listing as a table: one row per file and per directory, in the order of the scan.

A directory's own row comes right before the rows of its files, so that a reader needs to hold one
directory at a time.
"""

from collections.abc import Container, Iterable, Iterator
from datetime import UTC, datetime
from itertools import repeat
from typing import TYPE_CHECKING

from sync_assets.lake.columns import integer_column, text_column
from sync_assets.lake.writing import PartitionWriter
from sync_assets.strm.models import Entry, EntryKind, ListedDirectory, ListingStatus, join

if TYPE_CHECKING:
    import pyarrow as pa

ASSET = ("strm", "listing")
_ROWS_PER_BATCH = 5_000
STATUS_COLUMNS = ("directory", "name", "kind", "status", "error")
_AS_GOOD_AS_IT_GETS = (ListingStatus.COMPLETE, ListingStatus.UNPROVEN)
_TREE_COLUMNS = ("directory", "name", "kind", "size", "status", "sign")


class ListingWriter:
    """Stores a scan as it goes.

    Args:
        partition: Takes the record batches; it was opened with `schema()`.
        scanned_at: When the scan began, UTC.
        link_root: The path of the source's root in links, where only its server knows it.
    """

    def __init__(
        self, partition: PartitionWriter, scanned_at: datetime, link_root: str | None
    ) -> None:
        self._partition = partition
        self.scanned_at = scanned_at
        self._link_root = link_root
        self._rows = _Columns()

    def add(self, directory: ListedDirectory) -> None:
        """Store a directory; its parent was stored before."""
        self._rows.add(directory)
        if len(self._rows) >= _ROWS_PER_BATCH:
            self.flush()

    def flush(self) -> None:
        """Pass on what was not passed on yet."""
        self._partition.add(self._rows.batch(self.scanned_at, self._link_root))
        self._rows = _Columns()


def schema() -> "pa.Schema":
    """Return the columns of a listing."""
    return _Columns().batch(datetime.now(UTC), None).schema


class _Columns:
    """Rows that wait to become a batch, column by column."""

    def __init__(self) -> None:
        self._directory: list[str] = []
        self._name: list[str] = []
        self._kind: list[str] = []
        self._size: list[int | None] = []
        self._modified_at: list[int | None] = []
        self._status: list[str | None] = []
        self._error: list[str | None] = []
        self._sign: list[str | None] = []

    def __len__(self) -> int:
        return len(self._name)

    def add(self, listed: ListedDirectory) -> None:
        parent, _, name = listed.path.rpartition("/")
        self._directory.append(parent)
        self._name.append(name)
        self._kind.append(EntryKind.DIRECTORY)
        self._size.append(None)
        self._modified_at.append(None)
        self._status.append(listed.status)
        self._error.append(listed.error)
        self._sign.append(None)
        for entries in (listed.files, listed.unreadable):
            self._directory.extend([listed.path] * len(entries))
            self._name.extend([entry.name for entry in entries])
            self._kind.extend([entry.kind for entry in entries])
            self._size.extend([entry.size for entry in entries])
            self._modified_at.extend([_microseconds(entry.modified_at) for entry in entries])
            self._status.extend([None] * len(entries))
            self._error.extend([entry.error for entry in entries])
            self._sign.extend([entry.sign for entry in entries])

    def batch(self, scanned_at: datetime, link_root: str | None) -> "pa.RecordBatch":
        import pyarrow as pa  # noqa: PLC0415

        time = pa.timestamp("us", tz="UTC")
        began = _microseconds(scanned_at.timestamp())
        columns = {
            "scanned_at": integer_column([began] * len(self), time),
            "directory": text_column(self._directory),
            "name": text_column(self._name),
            "kind": text_column(self._kind),
            "size": integer_column(self._size, pa.int64()),
            "modified_at": integer_column(self._modified_at, time),
            "status": text_column(self._status),
            "error": text_column(self._error),
            "sign": text_column(self._sign),
            "link_root": text_column([link_root] * len(self)),
        }
        return pa.record_batch(list(columns.values()), names=list(columns))


def columns_for_reading(stored: Container[str], *, with_times: bool = False) -> list[str]:
    """Return the columns that `from_batches` needs, as far as they are there.

    Args:
        stored: The columns of the stored table, which an older version may have written.
        with_times: Whether the times of files are wanted.
    """
    wanted = (*_TREE_COLUMNS, *(("modified_at",) if with_times else ()))
    return [name for name in wanted if name in stored]


def from_batches(batches: "Iterable[pa.RecordBatch]") -> Iterator[ListedDirectory]:
    """Turn a stored listing back into directories, one at a time.

    Args:
        batches: Batches with the columns of `columns_for_reading`.

    Yields:
        The directories in the order of the scan. Errors are left out, and times where their column
        is.
    """
    is_directory, is_file = EntryKind.DIRECTORY, EntryKind.FILE
    current: ListedDirectory | None = None
    for batch in batches:
        columns = (batch.column(name).to_pylist() for name in _TREE_COLUMNS[:5])
        signs = batch.column("sign").to_pylist() if "sign" in batch.schema.names else repeat(None)
        for (directory, name, kind, size, status), sign, modified_at in zip(
            zip(*columns, strict=True), signs, _times(batch), strict=False
        ):
            if kind == is_directory:
                if current is not None:
                    yield current
                current = ListedDirectory(join(directory, name), ListingStatus(status))
            elif current is not None and kind == is_file:
                current.files.append(Entry(name, is_file, size, modified_at, None, sign))
            elif current is not None:
                current.unreadable.append(Entry(name, EntryKind.UNREADABLE))
    if current is not None:
        yield current


def incomplete(batches: "Iterable[pa.RecordBatch]") -> Iterator[tuple[str, str]]:
    """Return what a stored listing could not look into.

    Args:
        batches: Batches with the columns `STATUS_COLUMNS`.

    Yields:
        The path of each directory and entry, and why.
    """
    for batch in batches:
        for directory, name, kind, status, error in zip(
            *(batch.column(column).to_pylist() for column in STATUS_COLUMNS), strict=True
        ):
            if kind != EntryKind.FILE and status not in _AS_GOOD_AS_IT_GETS:
                yield join(directory, name) or "/", error or ""


def _times(batch: "pa.RecordBatch") -> Iterable[float | None]:
    if "modified_at" not in batch.schema.names:
        return repeat(None)
    # As numbers: turning an Arrow timestamp into a datetime imports pandas.
    times = batch.column("modified_at").view("int64").to_pylist()
    return [None if time is None else time / 1_000_000 for time in times]


def scan_time(batches: "Iterable[pa.RecordBatch]") -> datetime:
    """Return when a stored listing's scan began.

    Args:
        batches: Batches with the column `scanned_at`.

    Raises:
        ValueError: The table has no row; a listing has at least its root.
    """
    for batch in batches:
        if batch.num_rows:
            # As a number: turning an Arrow timestamp into a datetime imports pandas.
            microseconds = batch.column("scanned_at").view("int64")[0].as_py()
            return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    message = "a listing without any row"
    raise ValueError(message)


def link_root(batches: "Iterable[pa.RecordBatch]") -> str | None:
    """Return the path of the source's root in links, where the scan learned it.

    Args:
        batches: Batches with the column `link_root`.
    """
    for batch in batches:
        if batch.num_rows:
            return batch.column("link_root")[0].as_py()
    return None


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)
