"""`LakeViews`: the lake in SQL, a schema per domain and a view per asset.

DuckDB opens a Parquet file more than once in the course of a query. A file that is replaced in
between makes it read the new content by the old footer, which fails or worse. So the views do
not name the lake's files but hard links to them, which stay what they are.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sync_assets.lake import files, layout
from sync_assets.lake.problems import LakeError
from sync_assets.lake.tables import PARTITION_COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from sync_assets.lake.storage import Lake

# Not `filename`: an asset may well have a column of that name.
_FILE_COLUMN = "_lake_file"

# Of a file: partition key, path, then what changes whenever it is replaced.
Version = tuple[str | None, Path, int, int, int]


@dataclass(frozen=True)
class View:
    """A view of one asset.

    Attributes:
        asset: The asset key.
        schema: The schema of the view: all parts of the key but the last, joined by underscores.
        name: The name of the view: the last part of the key.
    """

    asset: tuple[str, ...]
    schema: str
    name: str

    @property
    def quoted(self) -> str:
        """The view's name for use in SQL, with its schema."""
        return f"{_quoted(self.schema)}.{_quoted(self.name)}"


class LakeViews:
    """Views of the lake in a DuckDB connection, for the length of a `with` block.

    They show the lake as it was at the start of the block, or at the last `refresh`, whatever
    other processes do to it meanwhile. Each has the column `_partition` where the asset has
    partitions. An asset that cannot be shown does not hide the others: only the use of its own
    view fails, with the cause.

    Args:
        lake: What to show.
        connection: Where to create the views.
    """

    def __init__(self, lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
        self._lake = lake
        self._connection = connection
        self._stack = ExitStack()
        self._directory = Path()
        self._snapshots = 0
        self._shown: dict[View, list[Version]] = {}

    def __enter__(self) -> Self:
        parent = self._lake.directory / layout.SNAPSHOTS
        self._directory = self._stack.enter_context(files.private_directory(parent))
        self.refresh()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def directory(self) -> Path:
        """The only directory that DuckDB has to read for the views."""
        return self._directory

    @property
    def all(self) -> list[View]:
        """The views there are, sorted by name."""
        return sorted(self._shown, key=lambda view: (view.schema, view.name))

    def refresh(self) -> None:
        """Show what has been written since; views of unchanged assets are left alone."""
        found = {_view(asset): self._versions(asset) for asset in self._lake.assets()}
        for view in {*self._shown, *found}:
            versions = found.get(view, [])
            if versions == self._shown.get(view, []):
                continue
            links = self._link(versions)
            if links:
                self._create(view, links)
                self._shown[view] = versions
            elif self._shown.pop(view, None):
                self._connection.execute(f"DROP VIEW {view.quoted}")

    def _versions(self, asset: tuple[str, ...]) -> list[Version]:
        versions: list[Version] = []
        for key, path in self._lake.files(asset):
            with suppress(FileNotFoundError):
                status = path.stat()
                versions.append((key, path, status.st_ino, status.st_mtime_ns, status.st_size))
        return sorted(versions, key=lambda version: version[1])

    def _link(self, versions: list[Version]) -> dict[Path, Version]:
        """Link the files of an asset, but those that have vanished since they were listed."""
        self._snapshots += 1
        directory = self._directory / str(self._snapshots)
        directory.mkdir()
        links = {}
        for number, version in enumerate(versions):
            target = directory / f"{number}{layout.SUFFIX}"
            with suppress(FileNotFoundError):
                files.link(version[1], target)
                links[target] = version
        return links

    def _create(self, view: View, links: dict[Path, Version]) -> None:
        import duckdb

        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(view.schema)}")
        create = f"CREATE OR REPLACE VIEW {view.quoted} AS "
        try:
            keys = {target: key for target, (key, *_) in links.items()}
            self._connection.execute(create + _select(keys))
        except duckdb.Error as error:
            # Of DuckDB's lines the first says what happened, but with the name of a link.
            cause = str(error).partition("\n")[0]
            for target, (_, source, *_) in links.items():
                cause = cause.replace(str(target), str(source))
            problem = LakeError(
                f"Cannot show {layout.display(view.asset)}: {cause}",
                remedy="Remove the damaged files and materialize their partitions again.",
            )
            self._connection.execute(f"{create} SELECT error({_text(str(problem))}) AS problem")


def _view(asset: tuple[str, ...]) -> View:
    return View(asset, "_".join(asset[:-1]) or "main", asset[-1])


def _select(links: dict[Path, str | None]) -> str:
    paths = ", ".join(_text(str(path)) for path in links)
    source = f"read_parquet([{paths}], union_by_name=true, filename='{_FILE_COLUMN}')"
    columns = f"* EXCLUDE ({_quoted(_FILE_COLUMN)})"
    if any(key is not None for key in links.values()):
        columns += f", {_partition(links)} AS {_quoted(PARTITION_COLUMN)}"
    return f"SELECT {columns} FROM {source}"  # noqa: S608 - DuckDB takes no parameters in a view


def _partition(links: dict[Path, str | None]) -> str:
    keys = {str(path): key for path, key in links.items()}
    names, values = _list(keys), _list(keys.values())
    return f"map({names}, {values})[{_quoted(_FILE_COLUMN)}]"


def _list(values: Iterable[str | None]) -> str:
    return f"[{', '.join('NULL' if value is None else _text(value) for value in values)}]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
