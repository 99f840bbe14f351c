"""Storage events in Dagster: the asset `changes`, its numbers, the sensor, and the health."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from sync_assets import strm
from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import count_by_state
from sync_assets.ledger.results import Result, ResultStatus, read_results
from sync_assets.settings import Settings, load_settings
from sync_assets.strm.events import runs as event_runs
from sync_assets_tests.support.media import write_media

Execute = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Ledger]:
    ledger = Ledger.open(settings.ledger_url)
    yield ledger
    ledger.close()


@pytest.fixture
def execute(settings: Settings, instance: dg.DagsterInstance) -> Execute:
    def run(job: str = "strm_events", **options) -> dg.ExecuteInProcessResult:
        return (
            build_defs(settings)
            .resolve_job_def(job)
            .execute_in_process(instance=instance, raise_on_error=False, **options)
        )

    return run


def metadata(result: dg.ExecuteInProcessResult) -> dict:
    (event,) = result.asset_materializations_for_node("strm__changes")
    return {name: value.value for name, value in event.metadata.items()}


def movies(ledger: Ledger) -> Result:
    with ledger.read() as connection:
        return next(each for each in read_results(connection) if each.partition == "movies")


def states(ledger: Ledger) -> dict[str, int]:
    with ledger.read() as connection:
        return {state: count for (_, state), count in count_by_state(connection).items()}


def test_events_become_files_with_their_numbers(
    execute: Execute, inbox: Ledger, tmp_path: Path
) -> None:
    media = tmp_path / "media" / "movies"
    execute("strm_full", partition_key="movies")
    write_media(media, ["3/new.mkv"])
    strm.notify(inbox, f"{media}/3/new.mkv", "create")
    result = execute()
    assert result.success
    numbers = metadata(result)
    assert (numbers["events"], numbers["settled"], numbers["created"]) == (1, 1, 1)
    assert "movies: created 3/new.strm" in numbers["changes"]
    assert (tmp_path / "library" / "movies" / "3" / "new.strm").exists()
    assert metadata(execute())["events"] == 0


def test_the_numbers_of_the_full_run_stay_beside_those_of_events(
    execute: Execute, inbox: Ledger, tmp_path: Path
) -> None:
    media = tmp_path / "media" / "movies"
    execute("strm_full", partition_key="movies")
    write_media(media, ["3/new.mkv"])
    strm.notify(inbox, f"{media}/3/new.mkv", "create")
    execute()
    after = movies(inbox)
    stages = after.detail["stages"]
    assert (after.added, stages["tree"]["created"], stages["changes"]["created"]) == (21, 20, 1)
    assert after.status is ResultStatus.OK
    execute("strm_full", partition_key="movies")
    assert "changes" not in movies(inbox).detail["stages"]


def test_an_event_run_can_make_the_health_worse_and_mend_only_its_own(
    execute: Execute, inbox: Ledger, settings: Settings, tmp_path: Path
) -> None:
    media = tmp_path / "media" / "movies"
    execute("strm_full", partition_key="movies")
    for number in range(8):
        shutil.rmtree(media / str(number))
        strm.notify(inbox, f"{media}/{number}", "delete")
    assert execute().success
    assert movies(inbox).status is ResultStatus.DEGRADED
    health = json.loads((settings.home / "health.json").read_text())
    assert health["domains"]["strm"]["status"] == "degraded"
    strm.notify(inbox, f"{media}/9/movies 9.mkv", "update")
    execute()
    assert movies(inbox).status is ResultStatus.OK
    media.rename(tmp_path / "unmounted")
    execute("strm_full", partition_key="movies")
    (tmp_path / "unmounted").rename(media)
    strm.notify(inbox, f"{media}/9/movies 9.mkv", "update")
    assert execute().success
    assert movies(inbox).status is ResultStatus.FAILED


def test_a_source_that_is_gone_fails_the_run_and_keeps_the_events(
    execute: Execute, inbox: Ledger, tmp_path: Path
) -> None:
    media = tmp_path / "media" / "movies"
    execute("strm_full", partition_key="movies")
    media.rename(tmp_path / "unmounted")
    strm.notify(inbox, f"{media}/3", "delete")
    result = execute()
    assert not result.success
    failure = result.failure_data_for_node("strm__changes")
    assert failure is not None
    assert "Mount the drive" in str(failure.user_failure_data)
    assert states(inbox) == {"received": 1}
    assert movies(inbox).status is ResultStatus.FAILED
    assert len(list((tmp_path / "library" / "movies").rglob("*.strm"))) == 20


def test_another_run_that_holds_the_lease_is_named(
    execute: Execute, inbox: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_runs, "LEASE_WAIT_SECONDS", 0.0)
    with event_runs.hold_lease(inbox, "strm", purpose="a full scan"):
        result = execute()
    failure = result.failure_data_for_node("strm__changes")
    assert failure is not None
    assert "in use by a full scan" in str(failure.user_failure_data)


def test_the_full_job_leaves_the_events_alone(settings: Settings) -> None:
    definitions = build_defs(settings)
    keys = definitions.resolve_job_def("strm_full").asset_layer.executable_asset_keys
    assert "strm/changes" not in {key.to_user_string() for key in keys}


def test_the_sensor_asks_for_a_run_once_per_waiting_event(
    settings: Settings, inbox: Ledger, instance: dg.DagsterInstance
) -> None:
    definitions = build_defs(settings)
    sensor = definitions.resolve_sensor_def("strm_events_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 5

    def keys() -> list[str | None]:
        with dg.build_sensor_context(
            instance=instance, resources={"ledger": inbox}, definitions=definitions
        ) as context:
            return [each.run_key for each in sensor.evaluate_tick(context).run_requests or []]

    assert keys() == []
    strm.notify(inbox, "/a", "create")
    (key,) = keys()
    assert keys() == [key]
    job = definitions.resolve_job_def("strm_events")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING)
    assert keys() == []
    instance.delete_run(run.run_id)
    assert keys() == [key]


def test_without_a_job_there_is_no_sensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    definitions = build_defs(load_settings())
    assert "strm_events_sensor" not in {each.name for each in definitions.sensors or ()}
    result = definitions.resolve_job_def("strm_events").execute_in_process(raise_on_error=False)
    failure = result.failure_data_for_node("strm__changes")
    assert failure is not None
    assert "[strm.jobs.NAME]" in str(failure.user_failure_data)
