"""The lake in Dagster."""

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from sync_assets.lake import AbsentError, LakeError
from sync_assets.lake.resources import LakeIOManager, LakeResource

PARTITIONS = dg.StaticPartitionsDefinition(["a", "b", "c"])
RANGE = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "b"}


def run(lake, assets, **arguments):
    return dg.materialize(
        assets,
        resources={"io_manager": LakeIOManager(directory=str(lake.directory))},
        instance=dg.DagsterInstance.ephemeral(),
        **arguments,
    )


def test_an_asset_is_stored_and_handed_to_the_next(lake):
    @dg.asset(key_prefix="pixiv")
    def bookmarks() -> pd.DataFrame:
        return pd.DataFrame({"id": [1, 2], "title": ["x", None]})

    @dg.asset(key_prefix="pixiv", ins={"bookmarks": dg.AssetIn(key_prefix="pixiv")})
    def files(bookmarks: pd.DataFrame) -> pa.Table:
        assert bookmarks["id"].tolist() == [1, 2]
        return pa.table({"path": ["p"]})

    @dg.asset(ins={"files": dg.AssetIn(key_prefix="pixiv")})
    def streamed(files: pa.RecordBatchReader) -> pa.RecordBatchReader:
        return files

    result = run(lake, [bookmarks, files, streamed])
    assert lake.table(["pixiv", "bookmarks"])["title"].to_pylist() == ["x", None]
    assert lake.read(["streamed"])["path"].tolist() == ["p"]
    (event,) = result.asset_materializations_for_node("pixiv__bookmarks")
    path = lake.path(["pixiv", "bookmarks"])
    assert event.metadata["dagster/row_count"] == dg.MetadataValue.int(2)
    assert event.metadata["bytes"] == dg.MetadataValue.int(path.stat().st_size)
    assert event.metadata["path"] == dg.PathMetadataValue(str(path))
    columns = event.metadata["dagster/column_schema"].value.columns
    assert [column.name for column in columns] == ["id", "title"]


def test_metadata_makes_it_a_merge_and_says_how_an_input_is_read(lake):
    seen = []

    @dg.asset(partitions_def=PARTITIONS, metadata={"lake/merge_key": ["id"]})
    def history(context):
        return pd.DataFrame({"id": [1, len(seen) + 2], "by": context.partition_key})

    @dg.asset(
        partitions_def=PARTITIONS, ins={"history": dg.AssetIn(metadata={"lake/read_as": "table"})}
    )
    def report(history) -> None:
        seen.append(history)

    run(lake, [history, report], partition_key="a")
    run(lake, [history, report], partition_key="a")
    assert [type(table) for table in seen] == [pa.Table, pa.Table]
    assert lake.read(["history"], partition="a")["id"].tolist() == [2, 1, 3]
    assert lake.partitions(["history"]) == ["a"]


def test_a_run_over_several_partitions_stores_each_with_its_own_numbers(lake):
    given = []

    @dg.asset(partitions_def=PARTITIONS)
    def history(context) -> dict:
        return {key: pd.DataFrame({"key": [key] * (n + 1)}) for n, key in enumerate("ab")}

    @dg.asset
    def together(history: dict) -> None:
        given.append(history)

    result = run(lake, [history], tags=RANGE)
    events = result.asset_materializations_for_node("history")
    rows = {event.partition: event.metadata["dagster/row_count"].value for event in events}
    assert rows == {"a": 1, "b": 2}
    lake.write(["history"], pd.DataFrame({"key": ["c"]}), partition="c")
    run(lake, [history, together], selection=[together])
    assert {key: len(frame) for key, frame in given[0].items()} == {"a": 1, "b": 2, "c": 1}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pd.DataFrame({"id": [1]}), "One table came for 2 partitions of asset history"),
        ({"a": pd.DataFrame(), "x": pd.DataFrame()}, r"missing \['b'\], not asked for \['x'\]"),
    ],
)
def test_a_run_over_several_partitions_needs_a_table_for_each(lake, value, message):
    @dg.asset(partitions_def=PARTITIONS)
    def history():
        return value

    with pytest.raises(LakeError, match=message):
        run(lake, [history], tags=RANGE)
    assert not lake.exists(["history"])


def test_assets_without_a_table_write_nothing(lake):
    @dg.asset
    def silent() -> None: ...

    @dg.asset
    def unannotated():
        return None

    @dg.asset
    def reported() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"sent": 1})

    assert run(lake, [silent, unannotated, reported]).success
    assert lake.assets() == []


def test_a_missing_upstream_is_an_error_with_a_remedy(lake):
    @dg.asset
    def upstream() -> pd.DataFrame:
        return pd.DataFrame()

    @dg.asset
    def downstream(upstream: pd.DataFrame) -> None: ...

    with pytest.raises(AbsentError, match="no asset upstream in the lake"):
        run(lake, [upstream, downstream], selection=[downstream])


def test_the_resource_opens_the_lake_and_its_views(lake):
    resource = LakeResource(directory=str(lake.directory))
    resource.open().write(["a", "b"], pd.DataFrame({"id": [1]}))
    with resource.connection() as connection:
        assert connection.execute("SELECT id FROM a.b").fetchall() == [(1,)]
