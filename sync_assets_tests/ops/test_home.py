"""The home is made once, completely or not at all."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from sync_assets.errors import SyncError
from sync_assets.ops import home as home_module
from sync_assets.ops.home import hold_home, initialise_home

SETUP = [sys.executable, "-m", "sync_assets.commands.setup"]

LIMITED_SETUP = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
runpy.run_module("sync_assets.commands.setup", run_name="__main__")
"""


def assert_intact(dagster_home: Path) -> None:
    databases = ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"]
    for name in databases:
        with sqlite3.connect(dagster_home / name) as connection:
            revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        assert len(revisions) == 1, name
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        assert instance.get_runs() == []


def test_eight_processes_at_once_make_one_intact_home(settings):
    processes = [
        subprocess.Popen(SETUP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(8)
    ]
    outcomes = [(process.communicate()[0], process.returncode) for process in processes]
    assert [code for _, code in outcomes] == [0] * 8, outcomes
    assert_intact(settings.dagster_home)
    assert [path.name for path in settings.home.glob(".dagster-*")] == []
    assert settings.home.stat().st_mode & 0o777 == 0o700


def test_an_initialised_home_is_left_alone(settings, monkeypatch):
    initialise_home(settings)
    monkeypatch.setattr(home_module.subprocess, "run", lambda *_, **__: pytest.fail("again"))
    initialise_home(settings)


def test_the_committed_configuration_is_the_one_of_the_home_and_loads_without_a_warning(settings):
    initialise_home(settings)
    assert (settings.dagster_home / "dagster.yaml").readlink() == home_module.INSTANCE_CONFIGURATION
    code = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import dagster as dg
    caught.clear()
    with dg.DagsterInstance.get() as instance:
        instance.run_coordinator.dequeue_interval_seconds
        instance.get_handlers()
        print(instance.storage_directory())
assert not caught, [str(warning.message) for warning in caught]
"""
    outcome = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DAGSTER_HOME": str(settings.dagster_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.strip() == str(settings.dagster_home / "storage")


def test_a_home_that_dagster_began_itself_is_kept(settings):
    settings.dagster_home.mkdir(parents=True)
    (settings.dagster_home / "dagster.yaml").symlink_to(home_module.INSTANCE_CONFIGURATION)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        instance.add_dynamic_partitions("kept", ["yes"])
    initialise_home(settings)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        assert list(instance.get_dynamic_partitions("kept")) == ["yes"]


def test_a_configuration_of_the_users_own_is_kept(settings):
    settings.dagster_home.mkdir(parents=True)
    own = settings.dagster_home / "dagster.yaml"
    own.write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    initialise_home(settings)
    initialise_home(settings)
    assert own.read_text(encoding="utf-8") == "telemetry: {enabled: false}\n"


def test_a_home_that_cannot_be_written_is_explained(tmp_path, monkeypatch, settings):
    (tmp_path / "file").write_text("", encoding="utf-8")
    wrong = settings.model_copy(update={"home": tmp_path / "file" / "home"})
    with pytest.raises(SyncError, match="Not a directory") as caught:
        initialise_home(wrong)
    assert "SYNC_HOME" in caught.value.remedy
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_a_disk_that_becomes_full_leaves_nothing_half_made(settings):
    # Without the measuring of coverage, which would meet the full disk too.
    variables = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    outcome = subprocess.run(
        [sys.executable, "-c", LIMITED_SETUP],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 1, outcome.stderr
    assert "What to do:" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not settings.dagster_home.exists()
    assert list(settings.home.glob(".dagster-*")) == []
    initialise_home(settings)
    assert_intact(settings.dagster_home)


def test_what_a_killed_initialisation_left_is_removed(settings):
    (settings.home / ".dagster-abandoned").mkdir(parents=True)
    initialise_home(settings)
    assert list(settings.home.glob(".dagster-*")) == []


def test_a_second_holder_is_refused_with_the_id_of_the_first(settings):
    refused = pytest.raises(SyncError, match=rf"already running on it \(pid {os.getpid()}\)")
    with hold_home(settings.home), refused, hold_home(settings.home):
        pass
    with hold_home(settings.home):
        pass


def test_a_killed_holder_holds_nothing(settings):
    code = """
import sys, time
from pathlib import Path
from sync_assets.ops.home import hold_home
with hold_home(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.home)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(SyncError, match=f"pid {holder.pid}"), hold_home(settings.home):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with hold_home(settings.home):
        pass
