"""What a run did to `.strm` files, as a table: one row per change and failure."""

from typing import TYPE_CHECKING

from sync_assets.lake.columns import text_column
from sync_assets.lake.writing import PartitionWriter
from sync_assets.strm.models import Change

if TYPE_CHECKING:
    import pyarrow as pa

ASSET = ("strm", "tree")
_ROWS_PER_BATCH = 5_000


class ChangeWriter:
    """Stores changes as they happen.

    Args:
        partition: Takes the record batches; it was opened with `schema()`.
    """

    def __init__(self, partition: PartitionWriter) -> None:
        self._partition = partition
        self._changes: list[Change] = []

    def add(self, change: Change) -> None:
        """Store a change."""
        self._changes.append(change)
        if len(self._changes) >= _ROWS_PER_BATCH:
            self.flush()

    def flush(self) -> None:
        """Pass on what was not passed on yet."""
        self._partition.add(_batch(self._changes))
        self._changes = []


def schema() -> "pa.Schema":
    """Return the columns of the table."""
    return _batch([]).schema


def _batch(changes: list[Change]) -> "pa.RecordBatch":
    import pyarrow as pa  # noqa: PLC0415 - a fifth of a second, which most processes never need

    columns = {
        "path": text_column([change.path for change in changes]),
        "source_path": text_column([change.source_path for change in changes]),
        "outcome": text_column([change.outcome for change in changes]),
        "error": text_column([change.error for change in changes]),
    }
    return pa.record_batch(list(columns.values()), names=list(columns))
