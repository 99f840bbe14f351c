"""Upsert by key, and what happens to the columns."""

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_assets.lake import Lake, LakeError

ASSET = ["trakt", "history"]

rows = st.lists(
    st.tuples(
        st.sampled_from(["me", "you", "日本"]),
        st.integers(-2, 2),
        st.one_of(st.none(), st.text(max_size=3)),
    ),
    max_size=6,
)


def table(content):
    return pa.table(
        {
            "account": pa.array([row[0] for row in content], pa.string()),
            "work": pa.array([row[1] for row in content], pa.int64()),
            "value": pa.array([row[2] for row in content], pa.string()),
        }
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, min_size=1, max_size=5))
def test_merges_do_what_a_dict_does(tmp_path_factory, merges):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    model = {}
    for content in merges:
        before = set(model)
        keys = {row[:2] for row in content}
        model.update({row[:2]: row[2] for row in content})
        written = lake.merge(ASSET, table(content), key=["account", "work"])
        assert (written.added, written.updated) == (len(keys - before), len(keys & before))
        assert written.rows == len(model)
    stored = lake.table(ASSET).to_pylist()
    assert len(stored) == len(model)
    assert {(row["account"], row["work"]): row["value"] for row in stored} == model


def test_the_rows_of_a_large_partition_stay_in_order(lake):
    lake.merge(ASSET, pd.DataFrame({"id": range(300_000)}), key=["id"])
    lake.merge(ASSET, pd.DataFrame({"id": [299_999, 300_000, 5]}), key=["id"])
    ids = lake.table(ASSET)["id"].to_pylist()
    assert ids[:6] == [0, 1, 2, 3, 4, 6]
    assert ids[-3:] == [299_999, 300_000, 5]
    assert len(ids) == 300_001


def test_a_merge_touches_one_partition_only(lake):
    lake.merge(ASSET, pd.DataFrame({"id": [1], "v": ["a"]}), key=["id"], partition="a")
    lake.merge(ASSET, pd.DataFrame({"id": [1], "v": ["b"]}), key=["id"], partition="b")
    assert lake.read(ASSET)["v"].tolist() == ["a", "b"]


def test_new_columns_are_added_and_missing_ones_are_null(lake):
    lake.merge(ASSET, pd.DataFrame({"id": [1, 2], "old": ["x", "y"]}), key=["id"])
    lake.merge(ASSET, pd.DataFrame({"new": [[1]], "id": [2]}), key=["id"])
    assert lake.table(ASSET).to_pylist() == [
        {"id": 1, "old": "x", "new": None},
        {"id": 2, "old": None, "new": [1]},
    ]


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        (pa.int32(), pa.int64(), pa.int64()),
        (pa.int64(), pa.int32(), pa.int64()),
        (pa.int64(), pa.float64(), pa.float64()),
        (pa.null(), pa.list_(pa.string()), pa.list_(pa.string())),
        (pa.string(), pa.null(), pa.string()),
        (pa.string(), pa.large_string(), pa.large_string()),
        (pa.dictionary(pa.int32(), pa.string()), pa.string(), pa.string()),
        (pa.timestamp("us", "UTC"), pa.timestamp("ms", "UTC"), pa.timestamp("us", "UTC")),
        (pa.timestamp("us", "UTC"), pa.timestamp("us", "Asia/Tokyo"), pa.timestamp("us", "UTC")),
        (
            pa.struct([("a", pa.int64())]),
            pa.struct([("b", pa.string())]),
            pa.struct([("a", pa.int64()), ("b", pa.string())]),
        ),
    ],
    ids=str,
)
def test_types_widen(lake, old, new, result):
    for key, kind in enumerate([old, new]):
        content = pa.table({"id": [key], "value": pa.array([None], kind)})
        # A column of nothing but nulls would go with any type, so one row has a value.
        sample = {"id": [key + 10], "value": pa.array([_sample(kind)], kind)}
        lake.merge(ASSET, pa.concat_tables([content, pa.table(sample)]), key=["id"])
    merged = lake.table(ASSET)
    assert merged.schema.field("value").type == result
    assert merged["id"].to_pylist() == [0, 10, 1, 11]
    assert merged["value"].is_null().to_pylist()[::2] == [True, True]


def _sample(kind):
    if pa.types.is_null(kind):
        return None
    if pa.types.is_struct(kind):
        return {kind.field(0).name: _sample(kind.field(0).type)}
    if pa.types.is_list(kind):
        return [_sample(kind.value_type)]
    textual = pa.types.is_dictionary(kind) or "string" in str(kind)
    return "x" if textual else 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (pa.string(), pa.int64()),
        (pa.bool_(), pa.int64()),
        (pa.string(), pa.binary()),
        (pa.list_(pa.string()), pa.string()),
        (pa.timestamp("us", "UTC"), pa.timestamp("us")),
    ],
    ids=str,
)
def test_types_that_do_not_go_together_are_named_with_their_column(lake, old, new):
    samples = {pa.binary(): b"x", pa.bool_(): True, pa.list_(pa.string()): ["x"]}
    tables = [
        pa.table({"id": [1], "value": pa.array([samples.get(kind) or _sample(kind)], kind)})
        for kind in (old, new)
    ]
    lake.merge(ASSET, tables[0], key=["id"])
    with pytest.raises(LakeError) as caught:
        lake.merge(ASSET, tables[1], key=["id"])
    kinds = [str(kind).partition("<")[0] for kind in (old, new)]
    assert all(part in caught.value.message for part in ["'value'", *kinds])
    assert lake.table(ASSET)["id"].to_pylist() == [1]


def test_a_column_of_nothing_but_nulls_goes_with_any_type(lake):
    lake.merge(ASSET, pd.DataFrame({"id": [1], "title": ["x"]}), key=["id"])
    lake.merge(ASSET, pd.DataFrame({"id": [2], "title": [float("nan")]}), key=["id"])
    assert lake.table(ASSET)["title"].to_pylist() == ["x", None]


def test_an_integer_that_a_float_cannot_hold_is_refused(lake):
    lake.merge(ASSET, pd.DataFrame({"id": [1], "n": [2**53 + 1]}), key=["id"])
    with pytest.raises(LakeError, match=r"'n'.*int64.*double"):
        lake.merge(ASSET, pd.DataFrame({"id": [2], "n": [0.5]}), key=["id"])


@pytest.mark.parametrize(
    ("content", "key", "message"),
    [
        ({"id": ["a", None]}, ["id"], "'id' is null in 1 of 2 rows"),
        ({"id": [1]}, ["id", "work"], "'work' is missing"),
        ({"id": [1]}, [], "no merge key"),
        ({"id": [1]}, "id", "no merge key"),
        ({"id": [[1]]}, ["id"], "list<"),
    ],
)
def test_a_key_that_identifies_nothing_is_refused(lake, content, key, message):
    with pytest.raises(LakeError, match=message):
        lake.merge(ASSET, pd.DataFrame(content), key=key)
    assert not lake.exists(ASSET)


def test_a_stored_table_without_the_key_is_refused(lake):
    lake.write(ASSET, pd.DataFrame({"other": [1]}))
    with pytest.raises(LakeError, match="stored asset trakt/history: the key column 'id'"):
        lake.merge(ASSET, pd.DataFrame({"id": [1]}), key=["id"])


def test_an_empty_table_merges_into_nothing_new(lake):
    empty = pd.DataFrame({"id": [1], "title": ["x"]})[:0]
    assert lake.merge(ASSET, empty, key=["id"]).rows == 0
    assert lake.merge(ASSET, pd.DataFrame({"id": [1], "title": ["x"]}), key=["id"]).added == 1
    assert lake.merge(ASSET, empty, key=["id"]).rows == 1
