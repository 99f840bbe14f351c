"""Insert many rows with few statements, and say which row got which id."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.dialects import postgresql, sqlite


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    unique: Sequence[str] = (),
) -> list[int | None]:
    """Insert rows into a table with an integer primary key `id`.

    Args:
        connection: A writing transaction of the ledger.
        table: The table.
        rows: Column values.
        unique: Columns of a unique index; a row that is already there is left as it is.

    Returns:
        The id of each new row, in order; None for a row that was already there.
    """
    ids: list[int | None] = []
    # One statement holds rows of the same columns only.
    for _, some in groupby(rows, key=lambda row: row.keys()):
        ids += _insert(connection, table, list(some), unique)
    return ids


def _insert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    unique: Sequence[str],
) -> list[int | None]:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    columns = table.c
    if not unique:
        statement = insert(table).returning(columns.id, sort_by_parameter_order=True)
        return list(connection.execute(statement, rows).scalars())
    statement = (
        dialect.insert(table)
        .on_conflict_do_nothing(index_elements=list(unique))
        .returning(columns.id, *(columns[name] for name in unique))
    )
    inserted = {tuple(values): row_id for row_id, *values in connection.execute(statement, rows)}
    # The rows that were there already give nothing back, so that their place says nothing.
    return [inserted.pop(tuple(row[name] for name in unique), None) for row in rows]
