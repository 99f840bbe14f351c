"""`scripts/sql`: questions to the lake in SQL, one at a time or in a shell.

Arguments, the shell and the printing of results are here; the views come from `sync_assets.lake`.
"""

import argparse
import csv
import json
import math
import os
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from sync_assets.errors import SyncError
from sync_assets.lake import Lake, LakeViews
from sync_assets.settings import load_settings

if TYPE_CHECKING:
    import duckdb

DESCRIPTION = """\
Ask the lake in SQL (DuckDB's dialect). Every asset is a view: pixiv.bookmarks, trakt.history, …;
the column _partition says which partition a row is from. Nothing in the lake can be changed.

Without a query: a shell, or the statements from standard input where that is piped.
"""
SHELL_HELP = """\
End a statement with a semicolon; it may span lines.
  .tables   list the views
  .help     show this
  .quit     leave (or Ctrl-D)"""
PROMPT, CONTINUATION = "lake> ", "  ... "
TABLE_ROWS = 500
CHUNK_ROWS = 1_000


class SqlError(SyncError):
    """A statement that cannot be run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line; the process's own where None.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    try:
        with _database() as (connection, views):
            if options.query is None and sys.stdin.isatty():
                return _shell(connection, views, options.format)
            query = sys.stdin.read() if options.query is None else options.query
            _run(connection, views, query, options.format)
            sys.stdout.flush()
    except SyncError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python must not complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/sql",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("query", nargs="?", help="one or more statements, separated by semicolons")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument(
        "--csv", dest="format", action="store_const", const="csv", help="print all rows as CSV"
    )
    formats.add_argument(
        "--json",
        dest="format",
        action="store_const",
        const="json",
        help="print all rows as a JSON array of objects",
    )
    parser.set_defaults(format="table")
    return parser


@contextmanager
def _database() -> Generator[tuple["duckdb.DuckDBPyConnection", LakeViews]]:
    lake = Lake(load_settings().lake_directory)
    import duckdb

    with duckdb.connect(":memory:") as connection, lake.views(connection) as views:
        # From here on DuckDB reads the views' files and nothing else, and cannot be told
        # otherwise.
        directory = str(views.directory).replace("'", "''")
        connection.execute(f"SET allowed_directories = ['{directory}']")
        connection.execute("SET enable_external_access = false")
        yield connection, views


def _shell(connection: "duckdb.DuckDBPyConnection", views: LakeViews, form: str) -> int:
    import readline  # noqa: F401 - importing it gives input() history and editing

    print(f"{len(views.all)} views; .help for help")
    pending = ""
    while True:
        try:
            line = input(CONTINUATION if pending else PROMPT)
        except EOFError:
            print()
            return 0
        except KeyboardInterrupt:
            pending = ""
            print()
            continue
        command = "" if pending else line.strip().removesuffix(";")
        if command in {".quit", ".exit"}:
            return 0
        if command.startswith("."):
            _dot_command(command, views)
            continue
        pending = f"{pending}{line}\n" if pending or line.strip() else ""
        if pending.rstrip().endswith(";"):
            _answer(connection, views, pending, form)
            pending = ""


def _dot_command(command: str, views: LakeViews) -> None:
    if command == ".tables":
        views.refresh()
        print("\n".join(f"{view.schema}.{view.name}" for view in views.all) or "The lake is empty.")
    else:
        print(SHELL_HELP)


def _answer(
    connection: "duckdb.DuckDBPyConnection", views: LakeViews, query: str, form: str
) -> None:
    """Run a statement of the shell, which outlives it whatever happens."""
    try:
        views.refresh()
        _run(connection, views, query, form)
    except SyncError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)


def _run(connection: "duckdb.DuckDBPyConnection", views: LakeViews, query: str, form: str) -> None:
    import duckdb

    try:
        for statement in connection.extract_statements(query):
            if statement.type in {duckdb.StatementType.COPY, duckdb.StatementType.EXPORT}:
                raise SqlError(
                    "COPY and EXPORT are switched off: the lake is read here, never written.",
                    remedy='Redirect the output: scripts/sql --csv "select …" > file.csv',
                )
            result = connection.execute(statement)
            if result.description:
                _print(result, form)
    except duckdb.Error as error:
        names = ", ".join(f"{view.schema}.{view.name}" for view in views.all) or "none so far"
        remedy = f"Correct the statement. Views: {names}."
        message = str(error)
        if "What to do:" in message:
            # The view of a damaged asset: its own error is more to the point.
            message, _, remedy = message.partition("\nWhat to do: ")
        raise SqlError(message, remedy=remedy) from error


def _print(result: "duckdb.DuckDBPyConnection", form: str) -> None:
    columns = [column[0] for column in result.description or ()]
    rows = chain.from_iterable(iter(lambda: result.fetchmany(CHUNK_ROWS), []))
    {"csv": _print_csv, "json": _print_json, "table": _print_table}[form](columns, rows)


def _print_csv(columns: list[str], rows: Iterable[Sequence[Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])


def _print_json(columns: list[str], rows: Iterable[Sequence[Any]]) -> None:
    separator = "["
    for row in rows:
        content = _jsonable(dict(zip(columns, row, strict=True)))
        print(separator, json.dumps(content, ensure_ascii=False, default=str), sep="\n", end="")
        separator = ","
    print("[]" if separator == "[" else "\n]")


def _print_table(columns: list[str], rows: Iterator[Sequence[Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in columns:
        table.add_column(Text(_printable(column)), overflow="fold")
    count = 0
    for count, row in enumerate(islice(rows, TABLE_ROWS), start=1):  # noqa: B007 - used below
        table.add_row(
            *(
                Text("NULL", style="dim") if value is None else Text(_printable(_cell(value)))
                for value in row
            )
        )
    # A terminal folds what is too wide; a file or a pipe has no width.
    console = Console(width=None if sys.stdout.isatty() else 100_000)
    console.print(table)
    if next(rows, None) is not None:
        console.print(f"The first {count} rows; --csv and --json print all.")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list | tuple):
        return json.dumps(_jsonable(value), ensure_ascii=False, default=str)
    return str(value)


def _jsonable(value: Any) -> Any:
    """Replace what JSON has no word for; other objects are left to `default`."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _jsonable(content) for key, content in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(content) for content in value]
    return value


def _printable(text: str) -> str:
    """Keep titles from the network from steering the terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


if __name__ == "__main__":
    sys.exit(main())
