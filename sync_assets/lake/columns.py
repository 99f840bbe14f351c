"""Arrow columns from Python values, without pandas.

`pyarrow.array` imports pandas to find out that a list is none of its types: 45 MB and half a
second, in processes that handle millions of rows and never see a DataFrame.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def text_column(values: Sequence[str | None]) -> "pa.StringArray":
    """Make a column of text.

    Args:
        values: The texts; None becomes null.
    """
    import pyarrow as pa

    builder = pa.lib.StringBuilder()
    builder.append_values(values)
    return builder.finish()


def integer_column(values: Sequence[int | None], data_type: "pa.DataType") -> "pa.Array":
    """Make a column of 64-bit integers, or of a type that is stored as such.

    Args:
        values: The numbers; None becomes null.
        data_type: `int64`, or a timestamp.
    """
    import numpy as np
    import pyarrow as pa

    count = len(values)
    numbers = np.fromiter((value or 0 for value in values), dtype=np.int64, count=count)
    present = bitmap_of([value is not None for value in values])
    return pa.Array.from_buffers(data_type, count, [present, pa.py_buffer(numbers)])


def bitmap_of(flags: Iterable[bool]) -> "pa.Buffer":
    """Return flags as Arrow keeps them, one bit each.

    Args:
        flags: The flags.
    """
    import numpy as np
    import pyarrow as pa

    packed = np.packbits(np.fromiter(flags, dtype=np.bool_), bitorder="little")
    return pa.py_buffer(packed)
