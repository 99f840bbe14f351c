"""Many processes at once, and processes that die."""

import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time

import duckdb
import pyarrow as pa
import pytest

from sync_assets.lake import Lake, files

ASSET = ["relay", "media"]
PROCESSES = 32
MERGES = 3


def _write_and_read(directory, number, barrier, failures):
    """What each of the processes does: add rows of its own, and look for them at once."""
    lake = Lake(directory)
    barrier.wait()
    try:
        for turn in range(MERGES):
            row = {"process": [number], "turn": [turn], "payload": ["x" * 100]}
            # Each brings a column of its own, so that the schema changes all the time.
            row[f"by_{number}"] = [turn]
            key = ["process", "turn"]
            lake.merge(ASSET, pa.table(row), key=key, partition="shared")
            lake.write(ASSET, pa.table(row), partition=f"own {number}")
            own = {"process": number, "turn": turn}
            assert own in lake.table(ASSET, partition="shared", columns=key).to_pylist()
            assert lake.table(ASSET, columns=key).num_rows > turn
            if number % 8 == 0:
                _ask_in_sql(lake, number, turn)
    except BaseException as error:
        failures.put(f"process {number}: {error!r}")
        raise


def _ask_in_sql(lake, number, turn):
    with duckdb.connect(":memory:") as connection, lake.views(connection):
        query = (
            "SELECT count(*) FROM relay.media "
            "WHERE _partition = 'shared' AND process = ? AND turn <= ?"
        )
        assert connection.execute(query, [number, turn]).fetchone() == (turn + 1,)


def test_32_processes_write_and_read_the_same_asset_without_an_error_or_a_lost_row(lake):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pandas", "pyarrow.parquet", "duckdb", __name__])
    barrier, failures = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=_write_and_read, args=(lake.directory, number, barrier, failures))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
    reported = [failures.get() for process in processes if process.exitcode]
    assert reported == []
    rows = lake.table(ASSET, partition="shared").to_pylist()
    expected = {(number, turn) for number in range(PROCESSES) for turn in range(MERGES)}
    assert {(row["process"], row["turn"]) for row in rows} == expected
    assert len(rows) == len(expected)
    assert all(row[f"by_{row['process']}"] == row["turn"] for row in rows)
    assert len(lake.partitions(ASSET)) == PROCESSES + 1
    assert not list(lake.directory.rglob("*.tmp"))


WRITER = """
    import sys
    from pathlib import Path
    import pyarrow as pa
    from sync_assets.lake import Lake

    lake = Lake(Path(sys.argv[1]))
    size = 50_000
    def batches(generation):
        for _ in range(8):
            yield pa.record_batch({"generation": [generation] * size})
    print("ready", flush=True)
    for generation in range(1, 1_000_000):
        lake.write(["relay", "media"], batches(generation))
"""


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.11, 0.23])
def test_a_killed_writer_leaves_a_whole_table_and_nothing_that_stays(lake, delay):
    lake.write(ASSET, pa.table({"generation": [0] * 400_000}))
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(lake.directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
    table = lake.table(ASSET)
    assert table.num_rows == 400_000
    assert len(table["generation"].unique()) == 1
    lake.write(ASSET, pa.table({"generation": [-1]}))
    assert sorted(path.name for path in lake.path(ASSET).parent.iterdir()) == [
        "+all.parquet",
        ".locks",
    ]


def test_only_the_leftovers_of_the_dead_are_removed(tmp_path):
    orphan, owned = tmp_path / f".{'0' * 16}.tmp", tmp_path / f".{'1' * 16}.tmp"
    directory, other = tmp_path / f".{'2' * 16}.tmp", tmp_path / ".something.tmp"
    directory.mkdir()
    (directory / "link").touch()
    for path in (orphan, owned, other):
        path.touch()
    with owned.open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        files.remove_orphans(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([owned, other])
    files.remove_orphans(tmp_path)
    assert list(tmp_path.iterdir()) == [other]


def test_a_merge_waits_for_its_turn_and_says_so_when_it_never_comes(lake, monkeypatch):
    monkeypatch.setattr("sync_assets.lake.storage._LOCK_SECONDS", 0.05)
    lake.merge(ASSET, pa.table({"id": [1]}), key=["id"])
    lock = lake.path(ASSET).parent / ".locks" / "+all.lock"
    with lock.open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(Exception, match=r"another process.*\n.*\+all\.lock"):
            lake.merge(ASSET, pa.table({"id": [2]}), key=["id"])
        assert lake.read(ASSET)["id"].tolist() == [1]
    assert lake.merge(ASSET, pa.table({"id": [2]}), key=["id"]).rows == 2
