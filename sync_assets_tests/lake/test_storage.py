"""What is written is what is read, whole or not at all."""

import datetime as dt
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from sync_assets.lake import AbsentError, Lake, LakeError

ASSET = ["pixiv", "bookmarks"]
AWKWARD = ["a", "A", "..", "a/b", "x|y", "é" * 300, "e\u0301", "\u00e9", "", "table", "+all", "%41"]


def test_a_frame_comes_back_as_it_was(lake):
    frame = pd.DataFrame(
        {
            "id": [1, 2**53 + 1, 3],
            "title": ["花火", None, "emoji 🎆"],
            "seen": pd.to_datetime(["2024-03-10", None, "2024-11-03"]).tz_localize("Asia/Tokyo"),
            "rating": [1.5, None, 3.0],
            "private": [True, False, True],
            "kind": pd.Categorical(["a", "b", "a"]),
        }
    )
    lake.write(ASSET, frame)
    assert_frame_equal(lake.read(ASSET), frame)


def test_integers_with_nulls_stay_exact(lake):
    lake.write(ASSET, pd.DataFrame({"id": pd.array([2**53 + 1, None], dtype="Int64")}))
    column = lake.read(ASSET)["id"]
    assert column[0] == 2**53 + 1
    assert column.isna().tolist() == [False, True]


def test_nested_values_come_back_as_python_objects(lake):
    rows = [{"tags": ["a", None], "user": {"id": 1, "names": []}}, {"tags": None, "user": None}]
    lake.write(ASSET, pd.DataFrame(rows))
    frame = lake.read(ASSET)
    assert frame["tags"].tolist() == [["a", None], None]
    assert frame["user"].tolist() == [{"id": 1, "names": []}, None]


def test_rows_have_none_for_null(lake):
    rows = [{"title": None, "day": dt.date(2024, 1, 1)}, {"title": "x", "day": None}]
    lake.write(ASSET, pd.DataFrame(rows))
    assert lake.table(ASSET).to_pylist() == rows


def test_an_empty_frame_keeps_its_schema(lake):
    frame = pd.DataFrame({"id": [1], "title": ["x"], "at": pd.to_datetime(["2024-01-01"])})[:0]
    lake.write(ASSET, frame, partition="me")
    assert_frame_equal(lake.read(ASSET, partition="me"), frame)
    assert lake.exists(ASSET, partition="me")


def test_a_named_index_becomes_a_column(lake):
    lake.write(ASSET, pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="key")))
    assert lake.table(ASSET).to_pylist() == [{"key": "a", "n": 1}, {"key": "b", "n": 2}]


def test_any_text_is_a_partition_key(lake):
    for key in AWKWARD:
        lake.write(ASSET, pd.DataFrame({"key": [key]}), partition=key)
    assert lake.partitions(ASSET) == sorted(AWKWARD)
    for key in AWKWARD:
        assert lake.read(ASSET, partition=key)["key"].tolist() == [key]
    assert lake.assets() == [("pixiv", "bookmarks")]


def test_an_asset_may_lie_beneath_another(lake):
    lake.write(["a"], pd.DataFrame({"n": [1]}))
    lake.write(["a", "b"], pd.DataFrame({"n": [2]}), partition="c")
    assert lake.assets() == [("a",), ("a", "b")]
    assert lake.read(["a"])["n"].tolist() == [1]


def test_partitions_are_put_together_by_column_name(lake):
    lake.write(ASSET, pd.DataFrame({"id": [1], "old": ["x"]}), partition="1")
    lake.write(ASSET, pd.DataFrame({"new": [[1]], "id": [2.5]}), partition="2")
    expected = [{"id": 1.0, "old": "x", "new": None}, {"id": 2.5, "old": None, "new": [1]}]
    assert lake.table(ASSET).to_pylist() == expected
    assert lake.table(ASSET, partition=["2"]).to_pylist() == [{"new": [1], "id": 2.5}]
    assert lake.table(ASSET, columns=["new", "id"]).column_names == ["new", "id"]


def test_an_absent_partition_is_an_error_and_not_an_empty_table(lake):
    with pytest.raises(AbsentError, match="pixiv/bookmarks"):
        lake.read(ASSET)
    lake.write(ASSET, pd.DataFrame({"id": [1]}), partition="there")
    with pytest.raises(AbsentError, match=r"'not there'.*\n.*Materialize"):
        lake.read(ASSET, partition=["there", "not there"])
    with pytest.raises(AbsentError):
        lake.batches(ASSET)
    assert not lake.exists(ASSET, partition="not there")


def test_an_unknown_column_is_an_error_that_lists_the_known(lake):
    lake.write(ASSET, pd.DataFrame({"id": [1]}))
    with pytest.raises(LakeError, match=r"no column titel.*\n.*id"):
        lake.read(ASSET, columns=["titel"])
    with pytest.raises(LakeError, match="no column titel"):
        lake.batches(ASSET, columns=["titel"])


def test_a_deleted_partition_is_gone(lake):
    lake.write(ASSET, pd.DataFrame({"id": [1]}), partition="me")
    assert lake.delete(ASSET, partition="me")
    assert not lake.delete(ASSET, partition="me")
    assert not lake.exists(ASSET)
    assert lake.assets() == []


def test_record_batches_are_written_and_read_as_a_stream(lake):
    alive = 0

    def batches():
        nonlocal alive
        for number in range(400):
            alive += 1
            yield pa.record_batch({"n": range(number * 1000, (number + 1) * 1000)})

    written = lake.write(ASSET, batches(), partition="big")
    assert (written.rows, alive) == (400_000, 400)
    reader = lake.batches(ASSET, partition="big")
    sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 400_000
    assert max(sizes) < 200_000
    assert lake.table(ASSET)["n"].to_pylist() == list(range(400_000))


def test_a_stream_sees_the_partition_as_it_was_when_it_began(lake):
    lake.write(ASSET, pd.DataFrame({"n": range(10)}))
    reader = lake.batches(ASSET)
    lake.write(ASSET, pd.DataFrame({"other": ["x"]}))
    assert reader.read_all()["n"].to_pylist() == list(range(10))


def test_an_error_while_a_table_is_produced_leaves_what_was_stored(lake):
    lake.write(ASSET, pd.DataFrame({"n": [1]}))

    def batches():
        yield pa.record_batch({"n": [2]})
        raise ConnectionError

    with pytest.raises(ConnectionError):
        lake.write(ASSET, batches())
    assert lake.read(ASSET)["n"].tolist() == [1]
    assert not list(lake.directory.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"mixed": [1, "x"]}), "mixed"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a"),
        (pd.DataFrame({"_partition": [1]}), "_partition"),
        ([], "no schema"),
        ([1, 2], "builtins.int is no table"),
        ({"a": [1]}, "builtins.dict is no table"),
        (None, "NoneType is no table"),
        ([pa.record_batch({"a": [1]}), pa.record_batch({"b": [1]})], "b: int64"),
    ],
)
def test_what_is_no_table_is_refused_by_name(lake, table, message):
    with pytest.raises(LakeError, match=message) as caught:
        lake.write(ASSET, table)
    assert "pixiv/bookmarks" in caught.value.message
    assert not lake.exists(ASSET)


@pytest.mark.parametrize("place", ["footer", "page", "cut", "empty"])
def test_a_damaged_file_is_named_with_what_to_do(lake, place):
    path = lake.write(ASSET, pd.DataFrame({"n": range(1000)})).path
    content = bytearray(path.read_bytes())
    if place == "footer":
        content[-12:-8] = b"\xff\xff\xff\xff"
    elif place == "page":
        content[len(content) // 3] ^= 0xFF
    elif place == "cut":
        del content[100:]
    else:
        content.clear()
    path.write_bytes(content)
    with pytest.raises(LakeError, match="is damaged") as caught:
        lake.read(ASSET)
    assert str(path) in caught.value.message
    with pytest.raises(LakeError, match="is damaged"):
        lake.merge(ASSET, pd.DataFrame({"n": [1]}), key=["n"])


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import pyarrow as pa
from sync_assets.lake import Lake, LakeError
lake = Lake(Path(sys.argv[1]))
lake.write(["a", "b"], pa.table({"n": [1]}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
import random
table = pa.table({"n": [random.getrandbits(63) for _ in range(100_000)]})
try:
    lake.write(["a", "b"], table)
except LakeError as error:
    print(error)
print(lake.table(["a", "b"]).to_pydict())
"""


def test_a_disk_that_takes_no_more_is_said_and_the_old_content_stays(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "cannot be written" in done.stdout
    assert "What to do" in done.stdout
    assert "{'n': [1]}" in done.stdout
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_directory_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "lake").write_text("")
    with pytest.raises(LakeError, match="cannot be written"):
        Lake(tmp_path / "lake").write(["a", "b"], pa.table({"n": [1]}))
