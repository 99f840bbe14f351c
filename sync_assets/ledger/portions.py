"""Divide long lists: a statement of SQLite takes so many values only."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Value = TypeVar("Value")

_VALUES_PER_STATEMENT = 500


def portions(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Divide values into as many as one statement takes.

    Args:
        values: The values.
    """
    for start in range(0, len(values), _VALUES_PER_STATEMENT):
        yield values[start : start + _VALUES_PER_STATEMENT]
