"""Tables in memory: what callers pass, turned into Arrow, and Arrow turned into pandas.

Also the rules of schema evolution: which types of a column go together, and as what. Files are
none of this module's business.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from sync_assets.lake.problems import LakeError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PARTITION_COLUMN = "_partition"
"""The column that the views add; a table must not bring its own."""


def as_batches(table: object, *, item: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Turn whatever a caller passed into a schema and a stream of record batches.

    Args:
        table: A pandas DataFrame (named index levels become columns, an unnamed index is
            dropped), a pyarrow Table, RecordBatch or RecordBatchReader, or an iterable of
            record batches of one schema.
        item: The asset or partition, for error messages.

    Returns:
        The schema, without metadata, and the batches. A stream is not consumed beyond its first
        batch.

    Raises:
        LakeError: The table is of another kind, or cannot be expressed in Arrow.
    """
    import pyarrow as pa

    # Whoever passes a DataFrame has imported pandas; a stream of batches must not pay for it.
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(table, pandas.DataFrame):
        table = _from_pandas(table, item=item)
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    if isinstance(table, pa.Table):
        schema, batches = table.schema, iter(table.to_batches())
    elif isinstance(table, pa.RecordBatchReader):
        schema, batches = table.schema, iter(table)
    elif isinstance(table, Iterable) and not isinstance(table, str | bytes | dict):
        schema, batches = _from_iterable(iter(table), item=item)
    else:
        raise _not_a_table(table, item)
    _check_columns(schema, item=item)
    return schema.remove_metadata(), batches


def as_table(table: object, *, item: str) -> pa.Table:
    """Turn whatever a caller passed into one Arrow table; see `as_batches`."""
    import pyarrow as pa

    schema, batches = as_batches(table, item=item)
    content = [_checked(batch, schema, item=item) for batch in batches]
    return pa.Table.from_batches(content, schema)


def _checked(batch: pa.RecordBatch, schema: pa.Schema, *, item: str) -> pa.RecordBatch:
    """Refuse a batch that departs from the schema of its stream."""
    if not batch.schema.equals(schema, check_metadata=False):
        raise LakeError(
            f"Cannot store {item}: a record batch has the columns {_columns(batch.schema)}, "
            f"but the stream began with {_columns(schema)}.",
            remedy="Give all record batches of a stream the same schema.",
        )
    return batch.replace_schema_metadata(None)


def checked_batches(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], *, item: str
) -> Iterator[pa.RecordBatch]:
    """Pass batches through, refusing those that depart from the schema."""
    return (_checked(batch, schema, item=item) for batch in batches)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Turn Arrow into pandas without losing what pandas would lose by itself.

    Integers and booleans with nulls become pandas' nullable types instead of floats and
    objects; lists, structs and maps become Python objects instead of NumPy arrays. Nulls in text
    are what pandas makes of them, NaN.
    """
    import pandas as pd
    import pyarrow as pa

    nullable = {
        pa.bool_(): pd.BooleanDtype(),
        **{
            getattr(pa, name.lower())(): getattr(pd, f"{name}Dtype")()
            for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
        },
    }
    series = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_nested(column.type):
            series[name] = pd.Series(column.to_pylist(), dtype=object)
        elif column.null_count and column.type in nullable:
            series[name] = column.to_pandas(types_mapper=nullable.get)
        else:
            series[name] = column.to_pandas()
    return pd.DataFrame(series, columns=table.column_names, index=range(table.num_rows))


def unified(old: pa.Schema, new: pa.Schema, *, item: str) -> pa.Schema:
    """Combine two schemas by name: old columns first, types widened where nothing is lost.

    Args:
        old: The schema of what is stored.
        new: The schema of what is added to it.
        item: The asset or partition, for error messages.

    Raises:
        LakeError: A column has types that do not go together.
    """
    import pyarrow as pa

    fields = {field.name: field.type for field in old}
    for field in new:
        stored = fields.get(field.name)
        if stored is None:
            fields[field.name] = field.type
            continue
        wider = _wider(stored, field.type)
        if wider is None:
            raise LakeError(
                f"Column {field.name!r} of {item} is stored as {stored} and cannot take "
                f"{field.type}.",
                remedy="Convert the column before it is written, or replace the whole asset.",
            )
        fields[field.name] = wider
    return pa.schema(list(fields.items()))


def without_types_of_empty_columns(table: pa.Table) -> pa.Table:
    """Give columns that hold nothing but nulls the null type, which goes with every other.

    pandas makes an empty column a float for want of anything better; that must not clash with
    the text or the lists stored earlier.
    """
    import pyarrow as pa

    for position, field in enumerate(table.schema):
        if table.num_rows and table.column(position).null_count == table.num_rows:
            table = table.set_column(position, field.name, pa.nulls(table.num_rows))
    return table


def cast(table: pa.Table, schema: pa.Schema, *, item: str) -> pa.Table:
    """Bring a table to a schema that `unified` made of its own; missing columns become null.

    Raises:
        LakeError: A value does not fit the wider type, such as an integer beyond 2**53 in what
            has become a column of floats.
    """
    import pyarrow as pa

    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        column = table.column(field.name)
        if column.type == field.type:
            # pyarrow imports all of its functions for a cast, even for none.
            columns.append(column)
            continue
        try:
            columns.append(column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise LakeError(
                f"Column {field.name!r} of {item} cannot turn from {column.type} into "
                f"{field.type}: {error}.",
                remedy="Convert the column before it is written, or replace the whole asset.",
            ) from error
    return pa.Table.from_arrays(columns, schema=schema)


def _wider(old: pa.DataType, new: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa

    if old == new:
        return old
    old, new = _plain(old), _plain(new)
    kinds = pa.types
    if kinds.is_timestamp(old) and kinds.is_timestamp(new) and old.tz and new.tz:
        # The same instants under two time zones: neither is wrong.
        zone = old.tz if old.tz == new.tz else "UTC"
        return pa.timestamp(min(old.unit, new.unit, key=["ns", "us", "ms", "s"].index), zone)
    try:
        merged = pa.unify_schemas(
            [pa.schema([("", old)]), pa.schema([("", new)])], promote_options="permissive"
        )
    except pa.ArrowTypeError:
        return None
    result = merged.field(0).type
    # Arrow would turn text into bytes, which no reader expects.
    return None if _is_text(old) != _is_text(new) and _is_bytes(result) else result


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values themselves, however they are laid out in memory."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    return kind


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _from_pandas(frame: pd.DataFrame, *, item: str) -> pa.Table:
    import pyarrow as pa

    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError) as error:
        cause = "; ".join(str(part) for part in error.args)
        raise LakeError(
            f"Cannot store {item}: {cause}.",
            remedy="Give each column a name of its own and values of one type.",
        ) from error


def _from_iterable(
    batches: Iterator[Any], *, item: str
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    import pyarrow as pa

    first = next(batches, None)
    if first is None:
        raise LakeError(
            f"Cannot store {item}: the stream of record batches is empty, so it has no schema.",
            remedy="Pass a pyarrow.RecordBatchReader, or at least one batch, even without rows.",
        )
    if not isinstance(first, pa.RecordBatch):
        raise _not_a_table(first, item)
    return first.schema.remove_metadata(), chain([first], batches)


def _check_columns(schema: pa.Schema, *, item: str) -> None:
    names = schema.names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise LakeError(
            f"Cannot store {item}: several columns are named {', '.join(repeated)}.",
            remedy="Give each column a name of its own.",
        )
    if PARTITION_COLUMN in names:
        raise LakeError(
            f"Cannot store {item}: the column name {PARTITION_COLUMN} is reserved for the views.",
            remedy="Rename the column.",
        )


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)


def _not_a_table(table: object, item: str) -> LakeError:
    return LakeError(
        f"Cannot store {item}: {type(table).__module__}.{type(table).__qualname__} is no table.",
        remedy="Pass a pandas DataFrame, a pyarrow Table or an iterable of record batches.",
    )
