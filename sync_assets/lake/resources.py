"""The lake in Dagster: a resource for assets that use it themselves, and an IO manager.

Only what Dagster needs to know is here; tables are stored and read by `Lake`.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from sync_assets.lake.layout import display
from sync_assets.lake.problems import LakeError
from sync_assets.lake.storage import Lake
from sync_assets.lake.writing import Written

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MERGE_KEY = "lake/merge_key"
"""Asset or output metadata: the columns to merge by. Without it, a partition is replaced."""

READ_AS = "lake/read_as"
"""Input metadata: `dataframe`, `table` or `batches`, for inputs without an annotation."""


class LakeResource(dg.ConfigurableResource):
    """The lake, for assets that stream large tables or ask questions in SQL."""

    directory: str = Field(description="Where the lake is.")

    def open(self) -> Lake:
        """The lake itself. There is nothing to close."""
        return Lake(Path(self.directory))

    @contextmanager
    def connection(self) -> Generator["duckdb.DuckDBPyConnection"]:
        """A DuckDB database in memory, with a view of each asset in the lake."""
        from dagster_duckdb import DuckDBResource

        with (
            DuckDBResource(database=":memory:").get_connection() as connection,
            # The resource itself leaves the connection open when the block raises.
            closing(connection),
            self.open().views(connection),
        ):
            yield connection


class LakeIOManager(dg.ConfigurableIOManager):
    """Keeps what assets return in the lake, and hands it to the assets that depend on them.

    An asset returns a pandas DataFrame, a pyarrow Table or record batches. With the metadata
    `lake/merge_key` it is merged into its partition, else it replaces it. A run over several
    partitions returns a dict of tables by partition key. None writes nothing.

    An input is a DataFrame, unless it is annotated as pyarrow Table or RecordBatchReader or its
    metadata says so with `lake/read_as` (annotations load pandas and pyarrow together with the
    definitions, metadata does not). Of several partitions it is the union by column name or,
    annotated as a dict, one DataFrame for each partition.
    """

    directory: str = Field(description="Where the lake is.")

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store what an asset returned."""
        if obj is None:
            return
        asset = _asset_of(context)
        key = _merge_key(context, asset)
        if not context.has_asset_partitions:
            written = self._store(asset, obj, key, partition=None)
            context.add_output_metadata(_metadata(written))
            return
        partitions = context.asset_partition_keys
        if len(partitions) == 1 and not isinstance(obj, Mapping):
            obj = {partitions[0]: obj}
        _check_partitions(asset, partitions, obj)
        for partition in partitions:
            written = self._store(asset, obj[partition], key, partition=partition)
            # Output metadata would put the numbers of all partitions on each of them.
            context.step_context.add_asset_metadata(
                _metadata(written), asset_key=context.asset_key, partition_key=partition
            )

    def load_input(self, context: dg.InputContext) -> Any:
        """Read what an upstream asset stored."""
        lake = Lake(Path(self.directory))
        asset = _asset_of(context)
        partitions = context.asset_partition_keys if context.has_asset_partitions else None
        kind = _input_kind(context)
        if kind == "dict":
            return {key: lake.read(asset, partition=key) for key in partitions or ()}
        if kind == "table":
            return lake.table(asset, partition=partitions)
        if kind == "batches":
            return self._batches(lake, asset, partitions)
        return lake.read(asset, partition=partitions)

    def _batches(
        self, lake: Lake, asset: Sequence[str], partitions: Sequence[str] | None
    ) -> "pa.RecordBatchReader":
        if partitions is not None and len(partitions) > 1:
            raise LakeError(
                f"Cannot stream {len(partitions)} partitions of {display(asset)} at once.",
                remedy="Read the input as a table, or stream each partition with LakeResource.",
            )
        return lake.batches(asset, partition=partitions[0] if partitions else None)

    def _store(
        self, asset: Sequence[str], table: Any, key: Sequence[str] | None, *, partition: str | None
    ) -> Written:
        lake = Lake(Path(self.directory))
        if key is None:
            return lake.write(asset, table, partition=partition)
        return lake.merge(asset, table, key=key, partition=partition)


def _asset_of(context: dg.OutputContext | dg.InputContext) -> Sequence[str]:
    if not context.has_asset_key:
        raise LakeError(
            f"{context.name!r} is not an asset, so the lake has no place for it.",
            remedy="Return it from an asset, or choose another IO manager for the op.",
        )
    return context.asset_key.path


def _merge_key(context: dg.OutputContext, asset: Sequence[str]) -> Sequence[str] | None:
    metadata = {**(context.definition_metadata or {}), **(context.output_metadata or {})}
    key = metadata.get(MERGE_KEY)
    if isinstance(key, dg.MetadataValue):
        key = key.value
    if key is None or (
        isinstance(key, list | tuple) and key and all(isinstance(name, str) for name in key)
    ):
        return key
    raise LakeError(
        f"The metadata {MERGE_KEY} of {display(asset)} is {key!r}.",
        remedy="Make it a list of column names.",
    )


def _check_partitions(asset: Sequence[str], partitions: Sequence[str], obj: object) -> None:
    if not isinstance(obj, Mapping):
        raise LakeError(
            f"One table came for {len(partitions)} partitions of {display(asset)}.",
            remedy="Return a dict of tables by partition key, or run one partition at a time.",
        )
    if set(obj) != set(partitions):
        raise LakeError(
            f"The tables for {display(asset)} do not match the run's partitions: "
            f"missing {sorted(set(partitions) - set(obj))}, "
            f"not asked for {sorted(map(str, set(obj) - set(partitions)))}.",
            remedy="Return exactly one table, even an empty one, for each partition of the run.",
        )


def _metadata(written: Written) -> dict[str, Any]:
    columns = [
        dg.TableColumn(
            field.name,
            str(field.type),
            constraints=dg.TableColumnConstraints(nullable=field.nullable),
        )
        for field in written.schema
    ]
    return {
        "dagster/row_count": written.rows,
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "path": dg.MetadataValue.path(str(written.path)),
        "bytes": written.size,
        "added": written.added,
        "updated": written.updated,
    }


def _input_kind(context: dg.InputContext) -> str:
    """What an input wants to be: `dataframe`, `dict`, `table` or `batches`."""
    wanted = (context.definition_metadata or {}).get(READ_AS)
    if wanted is not None:
        kind = wanted.value if isinstance(wanted, dg.MetadataValue) else wanted
        if kind not in {"dataframe", "dict", "table", "batches"}:
            raise LakeError(
                f"The input {context.name!r} has {READ_AS} = {kind!r}.",
                remedy="Use dataframe, dict, table or batches.",
            )
        return kind
    annotation = context.dagster_type.typing_type
    origin = getattr(annotation, "__origin__", annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "dict"
    # By name: an input annotated with neither must not load pyarrow here.
    kinds = {"Table": "table", "RecordBatchReader": "batches"}
    module, name = getattr(origin, "__module__", ""), getattr(origin, "__name__", "")
    return kinds.get(name, "dataframe") if module.startswith("pyarrow") else "dataframe"
