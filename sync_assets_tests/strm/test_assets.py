"""The STRM assets in Dagster: partitions, metadata, checks, results, and one failing job."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import ResultStatus, fail_results_of_run, read_results
from sync_assets.settings import Settings, load_settings
from sync_assets_tests.support.media import write_media

Execute = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def execute(settings: Settings) -> Execute:
    instance = dg.DagsterInstance.ephemeral()

    def run(
        partition: str = "movies", job_name: str = "strm_full", **options
    ) -> dg.ExecuteInProcessResult:
        job = build_defs(settings).resolve_job_def(job_name)
        return job.execute_in_process(
            instance=instance, partition_key=partition, raise_on_error=False, **options
        )

    return run


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict:
    key = dg.AssetKey(["strm", asset])
    events = result.get_asset_materialization_events()
    (event,) = [each.materialization for each in events if each.asset_key == key]
    return {name: value.value for name, value in event.metadata.items()}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {each.check_name: each.passed for each in result.get_asset_check_evaluations()}


def last_results(settings: Settings) -> dict[str, tuple[ResultStatus, int, int, int]]:
    ledger = Ledger.open(settings.ledger_url)
    with ledger.read() as connection:
        results = read_results(connection)
    ledger.close()
    return {
        each.partition: (each.status, each.added, each.skipped, each.failed) for each in results
    }


def test_each_materialization_carries_its_numbers(execute: Execute, settings: Settings) -> None:
    result = execute()
    assert result.success
    assert metadata(result, "listing")["listed"] == 20
    assert metadata(result, "tree")["created"] == 20
    assert metadata(result, "orphans")["owned"] == 20
    again = execute()
    assert metadata(again, "tree") | {"created": 0, "unchanged": 20} == metadata(again, "tree")
    assert checks(again) == {"listing_is_complete": True, "deletion_is_safe": True}
    assert last_results(settings) == {"movies": (ResultStatus.OK, 0, 20, 0)}


def test_an_incremental_run_writes_what_is_missing_and_deletes_nothing(
    execute: Execute, settings: Settings, tmp_path: Path
) -> None:
    execute()
    shutil.rmtree(tmp_path / "media" / "movies" / "0")
    write_media(tmp_path / "media" / "movies", ["new.mkv"])
    result = execute(job_name="strm_incremental")
    assert result.success
    assert metadata(result, "tree") | {"created": 1, "unchanged": 19} == metadata(result, "tree")
    assert len(list((tmp_path / "library" / "movies").rglob("*.strm"))) == 21
    assert last_results(settings)["movies"] == (ResultStatus.OK, 1, 19, 0)


def test_a_source_that_is_gone_fails_the_run_and_materializes_nothing(
    execute: Execute, settings: Settings, tmp_path: Path
) -> None:
    execute()
    (tmp_path / "media" / "movies").rename(tmp_path / "unmounted")
    result = execute()
    assert not result.success
    assert result.get_asset_materialization_events() == []
    failure = result.failure_data_for_node("strm__library")
    assert failure is not None
    assert "Mount the drive" in str(failure.user_failure_data)
    assert last_results(settings)["movies"][0] is ResultStatus.FAILED
    assert len(list((tmp_path / "library" / "movies").rglob("*.strm"))) == 20
    assert (settings.home / "health.json").exists()


def test_a_later_stage_that_works_does_not_hide_that_the_source_is_gone(
    execute: Execute, settings: Settings, tmp_path: Path
) -> None:
    execute()
    (tmp_path / "media" / "movies").rename(tmp_path / "unmounted")
    execute()
    tree = dg.AssetKey(["strm", "tree"])
    assert execute(asset_selection=[tree]).success
    assert last_results(settings)["movies"][0] is ResultStatus.FAILED
    (tmp_path / "unmounted").rename(tmp_path / "media" / "movies")
    execute()
    assert last_results(settings)["movies"][0] is ResultStatus.OK


def test_a_removed_job_does_not_keep_the_checks_red(execute: Execute, tmp_path: Path) -> None:
    execute()
    for number in range(10):
        shutil.rmtree(tmp_path / "media" / "movies" / str(number))
    assert checks(execute())["deletion_is_safe"] is False
    configuration = (tmp_path / "sync.toml").read_text()
    (tmp_path / "sync.toml").write_text(configuration.replace("jobs.movies", "jobs.films"))
    job = build_defs(load_settings()).resolve_job_def("strm_full")
    result = job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), partition_key="films")
    assert checks(result)["deletion_is_safe"] is True


def test_a_run_that_was_killed_does_not_stay_healthy(execute: Execute, settings: Settings) -> None:
    result = execute()
    sensor = build_defs(settings).resolve_sensor_def("failed_runs_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    ledger = Ledger.open(settings.ledger_url)
    with ledger.write() as connection:
        assert fail_results_of_run(connection, "another run", "died") == 0
        assert fail_results_of_run(connection, result.run_id, "died") == 1
    ledger.close()
    assert last_results(settings)["movies"][0] is ResultStatus.FAILED


def remove_half(tmp_path: Path, job: str = "movies") -> None:
    for number in range(10):
        shutil.rmtree(tmp_path / "media" / job / str(number))


def approval(plan_id: str) -> dict:
    return {"ops": {"strm__orphans": {"config": {"approved_plan": plan_id}}}}


def severities(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckSeverity]:
    return {each.check_name: each.severity for each in result.get_asset_check_evaluations()}


def test_a_deletion_beyond_the_limits_fails_its_check_until_it_is_approved(
    execute: Execute, settings: Settings, tmp_path: Path
) -> None:
    execute()
    remove_half(tmp_path)
    result = execute()
    assert not result.success
    assert checks(result)["deletion_is_safe"] is False
    assert severities(result)["deletion_is_safe"] is dg.AssetCheckSeverity.ERROR
    assert last_results(settings)["movies"][0] is ResultStatus.DEGRADED
    waiting = metadata(result, "orphans")
    assert (waiting["waiting"], waiting["deleted"]) == (10, 0)
    assert "strm_approve_deletion" in waiting["waiting_for_approval"]
    assert waiting["plan_id"] in waiting["waiting_for_approval"]
    approved = execute(run_config=approval(waiting["plan_id"]))
    assert approved.success
    assert metadata(approved, "orphans")["deleted"] == 10
    assert checks(approved)["deletion_is_safe"] is True


def test_a_plan_that_waits_blocks_what_follows_in_its_own_job_alone(
    execute: Execute, tmp_path: Path
) -> None:
    execute()
    execute(partition="shows")
    remove_half(tmp_path)
    blocked = execute()
    assert blocked.asset_materializations_for_node("strm__announcements") == []
    assert metadata(blocked, "orphans")["announced"] == 0
    other = execute(partition="shows")
    assert other.success
    assert checks(other)["deletion_is_safe"] is False
    assert severities(other)["deletion_is_safe"] is dg.AssetCheckSeverity.WARN
    assert len(other.asset_materializations_for_node("strm__announcements")) == 1


def test_the_approval_job_carries_out_exactly_the_plan_that_it_is_given(
    execute: Execute, tmp_path: Path
) -> None:
    execute()
    remove_half(tmp_path)
    plan_id = metadata(execute(), "orphans")["plan_id"]
    library = tmp_path / "library" / "movies"
    wrong = execute(job_name="strm_approve_deletion", run_config=approval("0" * 12))
    assert not wrong.success
    failure = wrong.failure_data_for_node("strm__orphans")
    assert failure is not None
    assert f"it is {plan_id} now, with 10 files" in str(failure.user_failure_data)
    assert len(list(library.rglob("*.strm"))) == 20
    approved = execute(job_name="strm_approve_deletion", run_config=approval(plan_id))
    assert approved.success
    assert metadata(approved, "orphans")["deleted"] == 10
    assert checks(approved) == {"deletion_is_safe": True}
    assert len(list(library.rglob("*.strm"))) == 10


def test_a_listing_with_a_hole_warns_and_the_rest_goes_on(
    execute: Execute, settings: Settings, tmp_path: Path
) -> None:
    execute()
    (tmp_path / "media" / "movies" / "dangling").symlink_to(tmp_path / "nowhere")
    result = execute()
    assert result.success
    assert checks(result) == {"listing_is_complete": False, "deletion_is_safe": True}
    assert "dangling" in metadata(result, "listing")["failures"]
    assert last_results(settings)["movies"] == (ResultStatus.DEGRADED, 0, 20, 1)


def test_without_a_job_the_assets_are_there_and_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    definitions = build_defs(load_settings())
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    assert "Not configured" in (specs["strm/tree"].description or "")
    assert "strm_full_schedule" not in {each.name for each in definitions.schedules or ()}


def test_the_schedule_asks_for_one_run_per_job(settings: Settings) -> None:
    definitions = build_defs(settings)
    schedule = definitions.resolve_schedule_def("strm_full_schedule")
    context = dg.build_schedule_context(
        instance=dg.DagsterInstance.ephemeral(),
        repository_def=definitions.get_repository_def(),
        scheduled_execution_time=datetime(2026, 1, 1, 4, tzinfo=UTC),
    )
    requests = schedule.evaluate_tick(context).run_requests or []
    assert [request.partition_key for request in requests] == ["movies", "shows"]
    assert len({request.run_key for request in requests}) == 2


def test_metadata_files_come_along_in_both_jobs_and_count_in_the_result(
    execute: Execute, settings: Settings, tmp_path: Path
) -> None:
    assert metadata(execute(), "metadata")["metadata_copied"] == 0
    configuration = (tmp_path / "sync.toml").read_text()
    (tmp_path / "sync.toml").write_text(
        f'{configuration}\n[strm.jobs.movies.metadata]\nmode = "copy"\npolicy = "update"\n'
    )
    write_media(tmp_path / "media" / "movies", ["0/poster.jpg", "0/film.nfo"])
    instance = dg.DagsterInstance.ephemeral()
    definitions = build_defs(load_settings())
    full, incremental = (
        definitions.resolve_job_def(name) for name in ("strm_full", "strm_incremental")
    )
    first = full.execute_in_process(instance=instance, partition_key="movies")
    numbers = metadata(first, "metadata")
    assert (numbers["metadata_copied"], numbers["bytes"], numbers["failed"]) == (2, 2_000, 0)
    assert metadata(first, "orphans")["owned"] == 22
    assert last_results(settings)["movies"] == (ResultStatus.OK, 2, 20, 0)
    write_media(tmp_path / "media" / "movies", ["0/poster.jpg", "1/poster.jpg"], size=7)
    second = incremental.execute_in_process(instance=instance, partition_key="movies")
    numbers = metadata(second, "metadata")
    assert (numbers["metadata_copied"], numbers["metadata_unchanged"]) == (1, 2)
