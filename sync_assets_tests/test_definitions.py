"""The whole graph: it loads quietly and fast, and it is what the snapshot says."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.settings import Settings, load_settings

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture
def instance(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    new_home: Callable[[Settings], None],
) -> Iterator[dg.DagsterInstance]:
    """The instance of the settings' home; its environment reaches subprocesses."""
    new_home(settings)
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    with dg.DagsterInstance.get() as instance:
        yield instance


def execute_job(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("dagster")
    command = [program, "job", "execute", "-m", "sync_assets.definitions", "-j", "strm_full"]
    # Dagster believes a `.env` in the working directory more than the environment.
    elsewhere = Path(os.environ["SYNC_CONFIG"]).parent
    return subprocess.run(
        [*command, *arguments],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": ""},
    )


def tell_failed_runs_sensor(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Show the sensor every failed run, as the daemon does."""
    sensor = build_defs(settings).resolve_sensor_def("failed_runs_sensor")
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])):
        (event,) = [
            each.dagster_event
            for each in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
            if each.dagster_event is not None
        ]
        context = dg.build_run_status_sensor_context(sensor.name, event, instance, run)
        sensor(context.for_run_failure())


def health_of_jobs(settings: Settings) -> dict[str, str]:
    health = json.loads((settings.home / "health.json").read_text())
    return {each["partition"]: each["status"] for each in health["domains"]["strm"]["partitions"]}


def materialized(instance: dg.DagsterInstance, asset: str) -> set[str]:
    return instance.get_materialized_partitions(dg.AssetKey(["strm", asset]))


def described_partitions(partitions: dg.PartitionsDefinition | None) -> object:
    """Tell the keys, or the rule where there are more of them every day or by users."""
    if isinstance(partitions, dg.TimeWindowPartitionsDefinition | dg.DynamicPartitionsDefinition):
        return str(partitions)
    return partitions and partitions.get_partition_keys()


def test_the_graph_is_what_the_snapshot_says(
    settings: Settings, snapshot: SnapshotAssertion
) -> None:
    definitions = build_defs(settings)
    repository = definitions.get_repository_def()
    described = {
        "assets": {
            spec.key.to_user_string(): {
                "dependencies": sorted(each.asset_key.to_user_string() for each in spec.deps),
                "group": spec.group_name,
                "kinds": sorted(spec.kinds),
                "partitions": described_partitions(spec.partitions_def),
                "tags": {key: value for key, value in spec.tags.items() if "/kind/" not in key},
            }
            for spec in definitions.resolve_all_asset_specs()
        },
        "checks": sorted(
            f"{key.asset_key.to_user_string()}: {key.name}"
            for key in definitions.resolve_asset_graph().asset_check_keys
        ),
        "jobs": sorted(repository.job_names),
        "schedules": {each.name: each.cron_schedule for each in repository.schedule_defs},
        "sensors": sorted(each.name for each in repository.sensor_defs),
    }
    assert described == snapshot


def test_loading_warns_of_nothing_and_imports_nothing_heavy(settings: Settings) -> None:
    program = (
        "import sys\nfrom sync_assets.definitions import defs\ndefs()\n"
        "heavy = {'pandas', 'pyarrow', 'duckdb', 'alembic', 'fastapi', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_job_without_a_partition_runs_all_of_them(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    done = execute_job()
    assert done.returncode == 0, done.stdout + done.stderr
    for asset in ("listing", "tree", "orphans"):
        assert materialized(instance, asset) == {"movies", "shows"}
    runs = instance.get_runs()
    assert sorted(run.tags["dagster/partition"] for run in runs) == ["movies", "shows"]


def test_a_job_with_a_partition_runs_that_one(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    done = execute_job("--tags", json.dumps({"dagster/partition": "shows"}))
    assert done.returncode == 0, done.stdout + done.stderr
    assert materialized(instance, "orphans") == {"shows"}


def test_one_job_that_fails_does_not_keep_the_others_from_their_work(
    settings: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    (tmp_path / "media" / "movies").rename(tmp_path / "unmounted")
    done = execute_job()
    assert done.returncode == 1
    assert len(list((tmp_path / "library" / "shows").rglob("*.strm"))) == 20
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE] * 2
    for asset in ("listing", "tree", "orphans", "announcements"):
        assert materialized(instance, asset) == {"shows"}
    assert health_of_jobs(settings) == {"movies": "failed", "shows": "ok"}
    tell_failed_runs_sensor(settings, instance)
    assert health_of_jobs(settings) == {"movies": "failed", "shows": "ok"}


def test_a_deletion_that_waits_fails_its_run_and_is_degraded_not_failed(
    settings: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    assert execute_job().returncode == 0
    for number in range(10):
        shutil.rmtree(tmp_path / "media" / "movies" / str(number))
    assert execute_job().returncode == 1
    assert len(list((tmp_path / "library" / "movies").rglob("*.strm"))) == 20
    tell_failed_runs_sensor(settings, instance)
    assert health_of_jobs(settings) == {"movies": "degraded", "shows": "ok"}


def test_a_run_whose_process_was_killed_does_not_stay_healthy(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert execute_job("--tags", json.dumps({"dagster/partition": "shows"})).returncode == 0
    (run,) = instance.get_runs()
    assert health_of_jobs(settings) == {"shows": "ok"}
    instance.report_run_failed(run, "Run worker process exited unexpectedly.")
    tell_failed_runs_sensor(settings, instance)
    assert health_of_jobs(settings) == {"shows": "failed"}


def test_a_wrong_configuration_stops_a_run_with_the_field(
    settings: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with (tmp_path / "sync.toml").open("a") as file:
        file.write("[server]\nport = 'high'\n")
    done = execute_job()
    assert done.returncode == 1
    assert "server.port: given 'high'" in done.stdout + done.stderr
    assert not (tmp_path / "library").exists()


def test_no_job_configured_fails_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_home: Callable[[Settings], None]
) -> None:
    (tmp_path / "sync.toml").write_text('home = "home"\n')
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    settings = load_settings()
    new_home(settings)
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    done = execute_job()
    assert done.returncode == 1
    assert "[strm.jobs.NAME]" in done.stdout + done.stderr


def test_an_output_that_cannot_be_written_is_named(
    settings: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    (tmp_path / "library").write_text("a file is in the way")
    done = execute_job()
    assert done.returncode == 1
    assert f"The output folder {tmp_path / 'library' / 'movies'} cannot be used" in (
        done.stdout + done.stderr
    )


def test_a_newer_ledger_stops_a_run_and_stays_as_it_is(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    ledger = Ledger.open(settings.ledger_url)
    with ledger.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ledger.close()
    done = execute_job()
    assert done.returncode == 1
    assert "Update sync_assets" in done.stdout + done.stderr
    unchecked = Ledger(settings.ledger_url)
    assert unchecked.revision() == "9999"
    unchecked.close()
