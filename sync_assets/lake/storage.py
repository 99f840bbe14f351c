"""`Lake`: write, merge, read and remove the partitions of an asset.

This is plain Python without Dagster. Names come from `layout`, atomic files from `files`, the
conversion of tables from `tables`; this module puts them together and decides who waits for whom.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from sync_assets.lake import files, layout, merging, tables
from sync_assets.lake.problems import AbsentError, LakeError
from sync_assets.lake.views import LakeViews
from sync_assets.lake.writing import PartitionWriter, StoredTable, Written

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    import duckdb
    import pandas as pd
    import pyarrow as pa

# A merge holds a partition for milliseconds; whoever waits this long waits for a stuck process.
_LOCK_SECONDS = 600
_LOCK_POLL_SECONDS = 0.01


class Lake:
    """Tables in a directory, one Parquet file per asset partition.

    Any number of processes may use the same directory at once. Readers never wait and always see
    a whole file; merges into one partition take turns.

    Args:
        directory: Where the lake is. It need not exist.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()

    def path(self, asset: Sequence[str], *, partition: str | None = None) -> Path:
        """The file of a partition, or of an unpartitioned asset, whether it exists or not."""
        return layout.asset_directory(self.directory, asset) / layout.file_name(partition)

    def write(
        self,
        asset: Sequence[str],
        table: pd.DataFrame | pa.Table | Iterable[pa.RecordBatch],
        *,
        partition: str | None = None,
    ) -> Written:
        """Replace a partition atomically.

        A crash, or an error while the table is produced, leaves what was stored before.

        Args:
            asset: The asset key's parts.
            table: The new content. Record batches are written as they come, so that memory stays
                bounded however large the table is.
            partition: The partition key; None for an asset without partitions.

        Raises:
            LakeError: The table cannot be stored.
        """
        item = layout.display(asset, partition)
        path = self.path(asset, partition=partition)
        schema, batches = tables.as_batches(table, item=item)
        batches = tables.checked_batches(schema, batches, item=item)
        with self.replacing(asset, schema, partition=partition) as writer:
            for batch in batches:
                writer.add(batch)
        return Written(path, writer.rows, writer.size, schema, added=writer.rows)

    @contextmanager
    def replacing(
        self, asset: Sequence[str], schema: pa.Schema, *, partition: str | None = None
    ) -> Generator[PartitionWriter]:
        """Replace a partition atomically by what is written in the block.

        A crash, or an error in the block, leaves what was stored before.

        Args:
            asset: The asset key's parts.
            schema: The schema of all record batches.
            partition: The partition key; None for an asset without partitions.

        Yields:
            Takes the record batches.

        Raises:
            LakeError: The lake cannot be written.
        """
        path = self.path(asset, partition=partition)
        lock = self._lock(asset, partition)
        with (
            files.replacement(path, while_replacing=lock) as handle,
            PartitionWriter(handle, schema, partition=partition) as writer,
        ):
            yield writer

    def merge(
        self,
        asset: Sequence[str],
        table: pd.DataFrame | pa.Table | Iterable[pa.RecordBatch],
        *,
        key: Sequence[str],
        partition: str | None = None,
    ) -> Written:
        """Insert rows, or update those whose key is already there, inside one partition.

        A new row replaces the stored row of its key as a whole; of several new rows with one key,
        the last counts. Columns go together by name: a new column is added, a missing one is
        null. Types may widen (integer to float, a longer integer, null to anything).

        Args:
            asset: The asset key's parts.
            table: The rows to insert or update; they are held in memory.
            key: The columns that identify a row. They must not be null.
            partition: The partition key; None for an asset without partitions.

        Raises:
            LakeError: The key or the types of a column do not fit, or what is stored is damaged.
                The partition stays as it was.
        """
        item = layout.display(asset, partition)
        path = self.path(asset, partition=partition)
        # Before the lock is taken: the stream may be slow, or use the lake itself.
        new = tables.as_table(table, item=item)
        with self._lock(asset, partition), _opened_if_there(path) as stored:
            merged = merging.merge(stored, new, key, item=item)
            with (
                files.replacement(path) as handle,
                PartitionWriter(handle, merged.schema, partition=partition) as writer,
            ):
                for batch in merged.batches:
                    writer.add(batch)
        return Written(path, writer.rows, writer.size, merged.schema, merged.added, merged.updated)

    def read(
        self,
        asset: Sequence[str],
        *,
        partition: str | Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Read an asset as a DataFrame; see `table` for the arguments and errors.

        Integers and booleans with nulls come as pandas' nullable types, nested values as Python
        objects. Nulls in text are NaN, as everywhere in pandas: where rows are handled one by
        one, `table(...).to_pylist()` gives None instead.
        """
        return tables.to_pandas(self.table(asset, partition=partition, columns=columns))

    def table(
        self,
        asset: Sequence[str],
        *,
        partition: str | Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Read an asset as an Arrow table.

        Args:
            asset: The asset key's parts.
            partition: One partition key or several; None for all there are. The tables of
                several partitions are put together by column name.
            columns: The columns to read, in this order; None for all. In a partition that lacks
                one it is null, but one at least must have it.

        Raises:
            AbsentError: The asset, or a partition that was named, is not in the lake.
            LakeError: A file is damaged, or the columns do not go together.
        """
        import pyarrow as pa

        item = layout.display(asset)
        if partition is None:
            contents = self._read_all(asset, columns)
        else:
            keys = [partition] if isinstance(partition, str) else partition
            contents = [self._read_one(asset, key, columns) for key in keys]
        if not contents:
            raise _absent(asset)
        _check_columns((name for names, _ in contents for name in names), columns, item=item)
        schema = contents[0][1].schema
        for _, content in contents[1:]:
            schema = tables.unified(schema, content.schema, item=item)
        whole = pa.concat_tables(tables.cast(content, schema, item=item) for _, content in contents)
        return whole.select(schema.names if columns is None else list(columns))

    def batches(
        self,
        asset: Sequence[str],
        *,
        partition: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.RecordBatchReader:
        """Read one partition, or an unpartitioned asset, batch by batch.

        The reader sees the partition as it is now, whatever is written later. It holds a file
        open until it is exhausted or collected.

        Raises:
            AbsentError: The partition is not in the lake.
            LakeError: The file is damaged.
        """
        import pyarrow as pa

        content = self._stream(asset, partition, columns)
        schema = next(content)
        _check_columns(schema.names, columns, item=layout.display(asset, partition))
        return pa.RecordBatchReader.from_batches(_selected(schema, columns), content)

    def exists(self, asset: Sequence[str], *, partition: str | None = None) -> bool:
        """Whether a partition is there or, without one, whether anything of the asset is."""
        if partition is not None:
            return self.path(asset, partition=partition).exists()
        return any(True for _ in self.files(asset))

    def partitions(self, asset: Sequence[str]) -> list[str]:
        """The keys of all partitions of an asset, sorted; empty without any."""
        return sorted(key for key, _ in self.files(asset) if key is not None)

    def assets(self) -> list[tuple[str, ...]]:
        """The keys of all assets that have anything in the lake, sorted."""
        found = []
        for name, directories, names in os.walk(self.directory):
            directories[:] = [entry for entry in directories if not entry.startswith(".")]
            parts = Path(name).relative_to(self.directory).parts
            if parts and any(entry.endswith(layout.SUFFIX) for entry in names):
                found.append(tuple(layout.decode(part) for part in parts))
        return sorted(found)

    def files(self, asset: Sequence[str]) -> Iterator[tuple[str | None, Path]]:
        """The partition keys of an asset with their files, in no particular order.

        The key of an asset without partitions is None. Another process may remove a file before
        the caller opens it.
        """
        directory = layout.asset_directory(self.directory, asset)
        for path in directory.glob(f"*{layout.SUFFIX}"):
            if path.name == layout.UNPARTITIONED:
                yield None, path
            elif layout.is_shortened(path.stem):
                with suppress(FileNotFoundError), StoredTable(path) as stored:
                    yield stored.partition, path
            else:
                yield layout.decode(path.stem), path

    def delete(self, asset: Sequence[str], *, partition: str | None = None) -> bool:
        """Remove a partition, or the table of an unpartitioned asset.

        Returns:
            Whether there was anything to remove.
        """
        path = self.path(asset, partition=partition)
        if not path.exists():
            return False
        with self._lock(asset, partition):
            return files.remove(path)

    def views(self, connection: duckdb.DuckDBPyConnection) -> LakeViews:
        """Show the lake to DuckDB: a schema per domain, a view per asset.

        Args:
            connection: Where the views are created, as `domain.name`.

        Returns:
            A context manager; the views can be used inside its block.
        """
        return LakeViews(self, connection)

    def _read_all(
        self, asset: Sequence[str], columns: Sequence[str] | None
    ) -> list[tuple[list[str], pa.Table]]:
        found = sorted(self.files(asset), key=lambda entry: entry[0] or "")
        contents = []
        for key, _ in found:
            try:
                contents.append(self._read_one(asset, key, columns))
            except AbsentError:
                # Removed since it was listed, so it is no longer part of the asset.
                continue
        return contents

    def _read_one(
        self, asset: Sequence[str], partition: str | None, columns: Sequence[str] | None
    ) -> tuple[list[str], pa.Table]:
        """Read the names of all columns, and those columns of the wanted that are there."""
        import pyarrow as pa

        content = self._stream(asset, partition, columns)
        schema = next(content)
        return schema.names, pa.Table.from_batches(content, _selected(schema, columns))

    def _stream(
        self, asset: Sequence[str], partition: str | None, columns: Sequence[str] | None
    ) -> Iterator[Any]:
        """Yield the whole schema of a partition, then batches of the wanted columns."""
        with self._opened(asset, partition) as stored:
            yield stored.schema
            yield from stored.batches(_selected(stored.schema, columns).names)

    def _opened(self, asset: Sequence[str], partition: str | None) -> StoredTable:
        try:
            return StoredTable(self.path(asset, partition=partition))
        except FileNotFoundError as error:
            raise _absent(asset, partition) from error

    @contextmanager
    def _lock(self, asset: Sequence[str], partition: str | None) -> Generator[None]:
        path = self.path(asset, partition=partition)
        locks = path.parent / layout.LOCKS
        files.make_directory(locks)
        try:
            with FileLock(
                locks / f"{path.stem}.lock",
                timeout=_LOCK_SECONDS,
                poll_interval=_LOCK_POLL_SECONDS,
            ):
                yield
        except Timeout as error:
            raise LakeError(
                f"Waited {_LOCK_SECONDS} seconds for another process to finish with "
                f"{layout.display(asset, partition)}.",
                remedy=f"Find and stop the process that holds {error.lock_file}.",
            ) from error


def _opened_if_there(path: Path) -> AbstractContextManager[StoredTable | None]:
    try:
        return StoredTable(path)
    except FileNotFoundError:
        return nullcontext()


def _selected(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    import pyarrow as pa

    wanted = schema.names if columns is None else columns
    return pa.schema([schema.field(name) for name in wanted if name in schema.names])


def _check_columns(names: Iterable[str], columns: Sequence[str] | None, *, item: str) -> None:
    known = dict.fromkeys(names)
    missing = [name for name in columns or () if name not in known]
    if missing:
        raise LakeError(
            f"There is no column {', '.join(missing)} in {item}.",
            remedy=f"Choose from {', '.join(known)}.",
        )


def _absent(asset: Sequence[str], partition: str | None = None) -> AbsentError:
    return AbsentError(
        f"There is no {layout.display(asset, partition)} in the lake.",
        remedy="Materialize it first.",
    )
