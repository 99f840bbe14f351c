"""Tables from rows of Python values and back, without pandas.

`pyarrow.Table.from_pylist`, and `to_pylist` of a time, import pandas, which takes half a second and
45 MB: more than most tables do that are handled row by row.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sync_assets.lake.columns import bitmap_of, integer_column, text_column

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def table_of(rows: Sequence[Mapping[str, Any]], schema: "pa.Schema") -> "pa.Table":
    """Make a table of rows.

    Args:
        rows: The rows; a column that one lacks is null there.
        schema: The columns: text, integers, floats, booleans, times in microseconds with a time
            zone, and lists and structures of these.

    Raises:
        TypeError: A column is of another type.
    """
    import pyarrow as pa

    columns = [_column([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def rows_of(table: "pa.Table") -> list[dict[str, Any]]:
    """Return the rows of a table; times are in UTC.

    Args:
        table: The table; times are in columns of their own, not in lists or structures.
    """
    columns = [_values(column) for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: "pa.ChunkedArray") -> list[Any]:
    import pyarrow as pa

    if not pa.types.is_timestamp(column.type):
        return column.to_pylist()
    if column.type.unit != "us":
        column = column.cast(pa.timestamp("us", tz=column.type.tz))
    times = [each for chunk in column.chunks for each in chunk.view(pa.int64()).to_pylist()]
    return [None if each is None else _EPOCH + timedelta(microseconds=each) for each in times]


def _column(values: Sequence[Any], data_type: "pa.DataType") -> "pa.Array":  # noqa: PLR0911 - a rule each
    import numpy as np
    import pyarrow as pa

    count = len(values)
    types = pa.types
    if types.is_string(data_type):
        return text_column(values)
    if types.is_int64(data_type):
        return integer_column(values, data_type)
    if types.is_timestamp(data_type) and data_type.unit == "us" and data_type.tz is not None:
        return integer_column([_microseconds(each) for each in values], data_type)
    present = bitmap_of([value is not None for value in values])
    if types.is_boolean(data_type):
        return pa.Array.from_buffers(data_type, count, [present, bitmap_of(map(bool, values))])
    if types.is_float64(data_type):
        numbers = np.fromiter((value or 0.0 for value in values), dtype=np.float64, count=count)
        return pa.Array.from_buffers(data_type, count, [present, pa.py_buffer(numbers)])
    if types.is_list(data_type):
        lengths = [0, *(len(value or ()) for value in values)]
        ends = pa.py_buffer(np.cumsum(lengths, dtype=np.int32))
        items = [item for value in values for item in value or ()]
        content = _column(items, data_type.value_type)
        return pa.Array.from_buffers(data_type, count, [present, ends], children=[content])
    if types.is_struct(data_type):
        fields = [
            _column([(value or {}).get(field.name) for value in values], field.type)
            for field in data_type
        ]
        return pa.Array.from_buffers(data_type, count, [present], children=fields)
    message = f"no rule for columns of {data_type}"
    raise TypeError(message)


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND
