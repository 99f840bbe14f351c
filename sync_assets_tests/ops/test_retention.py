"""Old history goes, but what says that an asset is up to date stays."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from sync_assets.definitions import build_defs
from sync_assets.ops.retention import PruneResult, prune

LATER = datetime.now(UTC) + timedelta(days=40)


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
def divided() -> None: ...


@dg.asset
def whole() -> None: ...


@dg.asset
def failing() -> None:
    raise ValueError("boom")


@pytest.fixture
def instance(settings, new_home):
    new_home(settings)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        yield instance


def run_of(asset: dg.AssetsDefinition, instance: dg.DagsterInstance, partition=None) -> str:
    result = dg.materialize(
        [asset], instance=instance, partition_key=partition, raise_on_error=False
    )
    return result.run_id


def run_ids(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def test_runs_that_hold_the_latest_materialization_stay_and_older_ones_go(settings, instance):
    old = {run_of(divided, instance, "a"), run_of(whole, instance)}
    kept = {
        run_of(divided, instance, "a"),
        run_of(divided, instance, "b"),
        run_of(whole, instance),
    }
    result = prune(instance, settings, LATER)
    assert (result.runs_removed, result.runs_kept) == (2, 3)
    assert result.bytes_freed > 0
    assert run_ids(instance) == kept
    assert instance.get_materialized_partitions(divided.key) == {"a", "b"}
    assert instance.get_latest_materialization_event(whole.key) is not None
    history = settings.dagster_home / "history" / "runs"
    assert {path.stem for path in history.glob("*.db")} == kept | {"index"}
    storage = {path.name for path in (settings.dagster_home / "storage").iterdir()}
    assert storage & old == set()
    assert storage >= kept


def test_failed_runs_go_and_a_second_pruning_does_nothing(settings, instance):
    run_of(failing, instance)
    assert prune(instance, settings, LATER).runs_removed == 1
    assert prune(instance, settings, LATER) == PruneResult(0, 0, 0, 0)


def test_recent_and_unfinished_runs_stay(settings, instance):
    @dg.job
    def empty():
        pass

    unfinished = instance.create_run_for_job(empty).run_id
    prune(instance, settings, LATER)
    recent = run_of(failing, instance)
    prune(instance, settings, datetime.now(UTC))
    assert run_ids(instance) == {unfinished, recent}


def test_files_that_a_crash_left_behind_go_later(settings, instance):
    run_id = run_of(failing, instance)
    instance.delete_run(run_id)
    left = settings.dagster_home / "history" / "runs" / f"{run_id}.db"
    assert left.exists()
    prune(instance, settings, datetime.now(UTC))
    assert left.exists()
    prune(instance, settings, LATER)
    assert not left.exists()


def test_only_old_json_lines_go(settings, instance):
    logs = settings.home / "logs"
    today = datetime.now(UTC).date()
    names = [f"{today - timedelta(days=age)}.jsonl" for age in (0, 30, 31, 400)]
    for name in [*names, "webserver.log", "mine.jsonl"]:
        (logs / name).write_text("{}\n", encoding="utf-8")
    assert prune(instance, settings, datetime.now(UTC)).log_files_removed == 2
    assert {path.name for path in logs.iterdir()} == {*names[:2], "webserver.log", "mine.jsonl"}


def test_the_maintenance_job_prunes_and_shows_its_numbers(settings, instance):
    definitions = build_defs(settings)
    result = definitions.resolve_job_def("maintenance").execute_in_process(instance=instance)
    (event,) = result.asset_materializations_for_node("operations__retention")
    assert event.metadata["runs_removed"].value == 0
    assert event.metadata["inbox_events_removed"].value == 0
    schedule = definitions.resolve_schedule_def("maintenance_schedule")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
