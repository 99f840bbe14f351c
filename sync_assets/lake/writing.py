"""Parquet files: how they are written and opened. Which file, and when, is for `storage`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Self

from sync_assets.lake.problems import LakeError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

# Large enough to compress and scan well, small enough that a writer's memory stays bounded.
_GROUP_ROWS = 32_768
_BATCH_ROWS = 8_192
_GROUP_BYTES = 64 * 1024 * 1024

_PARTITION_KEY = b"sync_assets.partition"


@dataclass(frozen=True)
class Written:
    """What a write or a merge left in the lake.

    Attributes:
        path: The file.
        rows: How many rows it holds now.
        size: Its size in bytes.
        schema: Its columns.
        added: How many of its rows are new. A replacement counts all rows.
        updated: How many rows took the place of stored ones with the same key.
    """

    path: Path
    rows: int
    size: int
    schema: pa.Schema
    added: int
    updated: int = 0


class PartitionWriter:
    """Writes the record batches of one partition, holding one row group in memory at most.

    Args:
        handle: Where to write.
        schema: The schema of all batches.
        partition: The partition key, which goes into the file's metadata: the name of the file
            may hold only a part of it.

    Attributes:
        rows: How many rows were added.
        size: The size of the file in bytes, once it is whole.
    """

    def __init__(self, handle: BinaryIO, schema: pa.Schema, *, partition: str | None) -> None:
        from pyarrow import parquet

        metadata = {} if partition is None else {_PARTITION_KEY: partition.encode()}
        self.schema = schema
        self.rows = 0
        self.size = 0
        self._handle = handle
        self._group: list[pa.RecordBatch] = []
        self._group_rows = self._group_bytes = 0
        self._writer = parquet.ParquetWriter(
            handle,
            schema.with_metadata(metadata),
            compression="zstd",
            write_page_checksum=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write_group()
        self._writer.close()
        self.size = self._handle.tell()

    def add(self, batch: pa.RecordBatch) -> None:
        """Write a batch, now or with those that follow.

        Args:
            batch: Rows with the schema of the partition.
        """
        self._group.append(batch)
        self.rows += batch.num_rows
        self._group_rows += batch.num_rows
        self._group_bytes += batch.nbytes
        if self._group_rows >= _GROUP_ROWS or self._group_bytes >= _GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow as pa

        if self._group_rows:
            self._writer.write_table(pa.Table.from_batches(self._group, self.schema))
        self._group, self._group_rows, self._group_bytes = [], 0, 0


class StoredTable:
    """An open Parquet file; it stays what it was when another process replaces the file.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: There is no such file.
        LakeError: The file is no sound Parquet. The methods raise it too, for the parts of the
            file that they read.
    """

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet

        self._path = path
        self._handle = path.open("rb")
        with self._naming_damage():
            # Flipped bits pass for valid values without the pages' checksums.
            self._file = parquet.ParquetFile(self._handle, page_checksum_verification=True)
        self.schema = self._file.schema_arrow.remove_metadata()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._handle.close()

    @property
    def partition(self) -> str:
        """The partition key that `PartitionWriter` put into the file.

        Raises:
            LakeError: There is none.
        """
        key = (self._file.schema_arrow.metadata or {}).get(_PARTITION_KEY)
        if key is None:
            raise LakeError(
                f"{self._path} does not say which partition it holds.",
                remedy="Remove the file: the lake did not write it.",
            )
        return key.decode()

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Read columns as a whole."""
        with self._naming_damage():
            table = self._file.read(columns=list(columns), use_threads=False)
        return table.select(list(columns)).replace_schema_metadata(None)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read columns batch by batch."""
        batches = self._file.iter_batches(_BATCH_ROWS, columns=list(columns), use_threads=False)
        while True:
            # Around the reading alone: an error of whoever consumes the batches is not damage.
            with self._naming_damage():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch.select(list(columns)).replace_schema_metadata(None)

    @contextmanager
    def _naming_damage(self) -> Generator[None]:
        import pyarrow as pa

        try:
            yield
        except (pa.ArrowException, OSError) as error:
            self._handle.close()
            raise LakeError(
                f"{self._path} is damaged: {str(error).rstrip('.')}.",
                remedy="Remove the file and materialize its partition again, "
                "or restore it from a backup.",
            ) from error
