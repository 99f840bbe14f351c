"""Upsert by key: which stored and which new rows make up the merged table.

Works on an open file and a table in memory and yields record batches; locks and file names are
for `storage`. Of the stored table only the key columns are ever in memory as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_assets.lake.problems import LakeError
from sync_assets.lake.tables import cast, unified, without_types_of_empty_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pyarrow as pa

    from sync_assets.lake.writing import StoredTable


@dataclass(frozen=True)
class Merge:
    """A merge that is ready to be written.

    Attributes:
        schema: The columns of the result.
        batches: The rows of the result: stored ones that stay, then the new ones.
        added: How many new rows have a key that was not stored.
        updated: How many new rows replace a stored one.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    added: int
    updated: int


def check_key(table: pa.Table, key: Sequence[str], *, item: str) -> None:
    """Refuse a merge key that does not identify the rows of a table.

    Raises:
        LakeError: The key is empty, a column of it is missing or nested, or holds nulls.
    """
    import pyarrow as pa

    if isinstance(key, str) or not key:
        raise LakeError(
            f"Cannot merge into {item}: {key!r} is no merge key.",
            remedy="Pass the names of the columns that identify a row, as a list.",
        )
    for name in key:
        if name not in table.column_names:
            raise LakeError(
                f"Cannot merge into {item}: the key column {name!r} is missing.",
                remedy=f"Add it, or correct the key; there are {', '.join(table.column_names)}.",
            )
        column = table.column(name)
        if pa.types.is_nested(column.type):
            raise LakeError(
                f"Cannot merge into {item}: the key column {name!r} holds {column.type}.",
                remedy="Use columns of plain values as key.",
            )
        if column.null_count:
            raise LakeError(
                f"Cannot merge into {item}: the key column {name!r} is null in "
                f"{column.null_count} of {table.num_rows} rows.",
                remedy="Fill the column or drop the rows; a null identifies nothing.",
            )


def merge(stored: StoredTable | None, new: pa.Table, key: Sequence[str], *, item: str) -> Merge:
    """Merge new rows into a stored table.

    A new row replaces the stored row with the same key; of several new rows with one key, the
    last counts. So a key is there once afterwards.

    Args:
        stored: The open table, or None for a first write. It must stay open until the batches of
            the result are consumed.
        new: The rows to add.
        key: The columns that identify a row.
        item: The partition, for error messages.

    Raises:
        LakeError: The key or the types of a column do not fit.
    """
    import pyarrow as pa

    check_key(new, key, item=item)
    if stored is None:
        kept = new.take(pa.array(_last_rows(new.select(key))))
        return Merge(new.schema, iter(kept.to_batches()), added=kept.num_rows, updated=0)

    new = without_types_of_empty_columns(new)
    schema = unified(stored.schema, new.schema, item=item)
    new = cast(new, schema, item=item)
    key_schema = pa.schema([schema.field(name) for name in key])
    old_keys = stored.read([name for name in key if name in stored.schema.names])
    check_key(old_keys, key, item=f"the stored {item}")
    old_keys = cast(old_keys, key_schema, item=item)

    last = _last_rows(pa.concat_tables([old_keys, new.select(key)]))
    before = old_keys.num_rows
    from_old, from_new = last[last < before], last[last >= before] - before
    kept = new.take(pa.array(from_new))
    updated = len(_last_rows(old_keys)) - len(from_old)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from _stored_rows(stored, from_old, schema, item=item)
        yield from kept.to_batches()

    return Merge(schema, batches(), added=kept.num_rows - updated, updated=updated)


def _last_rows(keys: pa.Table) -> np.ndarray:
    """The position of the last row of each key, in ascending order."""
    import numpy as np
    import pyarrow as pa

    # Dictionaries of different chunks cannot be grouped; a slot of its own keeps the position
    # column from clashing with a key column of the same name.
    names = [f"key {number}" for number in range(keys.num_columns)]
    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in keys.columns
    ]
    numbered = pa.table([*columns, pa.array(range(keys.num_rows), pa.int64())], [*names, "row"])
    last = numbered.group_by(names, use_threads=False).aggregate([("row", "max")])
    return np.sort(last.column("row_max").to_numpy())


def _stored_rows(
    stored: StoredTable, rows: np.ndarray, schema: pa.Schema, *, item: str
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    start = 0
    for batch in stored.batches(stored.schema.names):
        end = start + batch.num_rows
        inside = rows[(rows >= start) & (rows < end)] - start
        if len(inside):
            table = pa.Table.from_batches([batch]).take(pa.array(inside))
            yield from cast(table, schema, item=item).to_batches()
        start = end
