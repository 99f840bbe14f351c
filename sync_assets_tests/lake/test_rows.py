"""Rows become the same table as pyarrow makes of them, and come back, without pandas."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_assets.lake.rows import rows_of, table_of

FRAME = pa.struct([("file", pa.string()), ("delay", pa.int64())])
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("number", pa.int64()),
        ("share", pa.float64()),
        ("flag", pa.bool_()),
        ("moment", pa.timestamp("us", tz="UTC")),
        ("tags", pa.list_(pa.string())),
        ("frames", pa.list_(FRAME)),
        ("frame", FRAME),
    ]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
FRAMES = st.fixed_dictionaries({"file": st.none() | TEXTS, "delay": st.none() | NUMBERS})
MOMENTS = st.datetimes(timezones=st.just(UTC))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | TEXTS,
            "number": st.none() | NUMBERS,
            "share": st.none() | st.floats(allow_nan=False),
            "flag": st.none() | st.booleans(),
            "moment": st.none() | MOMENTS,
            "tags": st.none() | st.lists(st.none() | TEXTS),
            "frames": st.none() | st.lists(st.none() | FRAMES),
            "frame": st.none() | FRAMES,
        }
    )
)


@given(ROWS)
@settings(deadline=None)
def test_a_table_is_the_one_that_pyarrow_makes(rows: list[dict[str, Any]]) -> None:
    table = table_of(rows, SCHEMA)
    table.validate(full=True)
    assert table.equals(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert rows_of(table) == rows


def test_what_a_row_lacks_is_null() -> None:
    (row,) = rows_of(table_of([{"text": "a"}], SCHEMA))
    assert row == dict.fromkeys(SCHEMA.names) | {"text": "a"}


def test_times_of_other_zones_are_the_same_moments() -> None:
    tokyo = datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    (row,) = rows_of(table_of([{"moment": tokyo}], SCHEMA))
    assert row["moment"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_type_without_a_rule_is_refused() -> None:
    with pytest.raises(TypeError, match="decimal"):
        table_of([], pa.schema([("price", pa.decimal128(5))]))


def test_pandas_stays_out() -> None:
    script = (
        "import sys, pyarrow as pa\n"
        "from datetime import UTC, datetime\n"
        "from sync_assets.lake.rows import rows_of, table_of\n"
        "schema = pa.schema([('at', pa.timestamp('us', tz='UTC')), ('tags', "
        "pa.list_(pa.string()))])\n"
        "rows = [{'at': datetime(2026, 1, 1, tzinfo=UTC), 'tags': ['a', None]}]\n"
        "assert rows_of(table_of(rows, schema)) == rows\n"
        "assert 'pandas' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
