"""The Pixiv assets in Dagster: jobs, metadata, checks, health, the schedule and the sensor."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.results import ResultStatus, read_results
from sync_assets.ops.home import INSTANCE_CONFIGURATION
from sync_assets.pixiv.accounts import record_refusal
from sync_assets.settings import Settings
from sync_assets_tests.upstreams.pixiv import PixivStandIn, Work, make_works
from sync_assets_tests.upstreams.pixiv.server import REFRESH_TOKEN

Execute = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def settings(pixiv_settings: Settings, tmp_path: Path) -> Settings:
    """The Pixiv configuration in the place of the usual one."""
    telegram = pixiv_settings.telegram.model_copy(update={"chat_ids": ("@somewhere",)})
    return pixiv_settings.model_copy(update={"telegram": telegram})


@pytest.fixture
def execute(
    settings: Settings, pixiv: PixivStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Execute:
    for name, value in pixiv.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    instance = dg.DagsterInstance.ephemeral()

    def run(job_name: str = "pixiv_sync", partition: str = "main") -> dg.ExecuteInProcessResult:
        job = build_defs(settings).resolve_job_def(job_name)
        return job.execute_in_process(
            instance=instance, partition_key=partition, raise_on_error=False
        )

    return run


@pytest.fixture
def own_ledger(settings: Settings) -> Iterator[Ledger]:
    ledger = Ledger.open(settings.ledger_url)
    yield ledger
    ledger.close()


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict:
    (event,) = result.asset_materializations_for_node(f"pixiv__{asset}")
    return {name: value.value for name, value in event.metadata.items()}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {each.check_name: each.passed for each in result.get_asset_check_evaluations()}


def test_a_round_has_numbers_pictures_checks_health_and_posts(
    execute: Execute, settings: Settings, pixiv: PixivStandIn, own_ledger: Ledger
) -> None:
    pixiv.public = [Work(1, pages=2), Work(2, kind="ugoira", delays=(30, 40)), *make_works(3)]
    result = execute()
    assert result.success
    assert metadata(result, "bookmarks")["added"] == 5
    shown = metadata(result, "files")
    assert shown | {"added": 6, "skipped": 0, "failed": 0, "retries": 0} == shown
    assert shown["newest_pictures"].count("data:image/jpeg;base64,") == 4
    assert metadata(result, "animations")["added"] == 1
    assert set(checks(result).values()) == {True}
    health = json.loads((settings.home / "health.json").read_text())
    assert health["domains"]["pixiv"]["status"] == "ok"
    with own_ledger.read() as connection:
        (reported,) = [each for each in read_results(connection) if each.domain == "pixiv"]
        posts = connection.exec_driver_sql("SELECT source, work_id, page, kind FROM telegram_posts")
        queued = sorted(posts.all())
    assert (reported.status, reported.added, reported.failed) == (ResultStatus.OK, 6, 0)
    assert queued == [
        *(("pixiv", str(number), 0, "photo") for number in (1,)),
        ("pixiv", "1", 1, "photo"),
        *(("pixiv", str(number), 0, "photo") for number in (1000, 1001, 1002)),
        ("pixiv", "2", 0, "animation"),
    ]
    assert REFRESH_TOKEN not in "".join(
        path.read_text(errors="replace")
        for path in settings.home.rglob("*")
        if path.is_file() and path.suffix in {".json", ".jsonl", ".log", ".txt"}
    )


def test_a_list_that_cannot_be_read_fails_the_round_and_changes_nothing(
    execute: Execute, settings: Settings, pixiv: PixivStandIn, own_ledger: Ledger
) -> None:
    pixiv.public = make_works(2)
    assert execute().success
    pixiv.fail("bookmarks/illust", times=-1, status=500)
    result = execute()
    assert not result.success
    assert result.asset_materializations_for_node("pixiv__bookmarks") == []
    with own_ledger.read() as connection:
        (reported,) = read_results(connection)
    assert reported.status is ResultStatus.FAILED


def test_a_file_that_is_gone_fails_its_check(
    execute: Execute, settings: Settings, pixiv: PixivStandIn, tmp_path: Path
) -> None:
    pixiv.public = make_works(2)
    assert checks(execute())["files_are_on_disk"]
    next(path for path in (tmp_path / "downloads").rglob("*.png")).unlink()
    assert not checks(execute())["files_are_on_disk"]


def requested(settings: Settings, name: str) -> list[str | None]:
    """Evaluate a schedule or a sensor as the daemon does; return the accounts it asks for."""
    definitions = build_defs(settings)
    repository = definitions.get_repository_def()
    ledger = Ledger.open(settings.ledger_url)
    own = {"ledger": ledger}
    try:
        with dg.instance_for_test() as instance:
            if name.endswith("_schedule"):
                with dg.build_schedule_context(
                    instance, datetime.now(UTC), repository_def=repository, resources=own
                ) as context:
                    evaluated = definitions.resolve_schedule_def(name).evaluate_tick(context)
            else:
                with dg.build_sensor_context(
                    instance, repository_def=repository, resources=own
                ) as context:
                    evaluated = definitions.resolve_sensor_def(name).evaluate_tick(context)
    finally:
        ledger.close()
    return [request.partition_key for request in evaluated.run_requests or ()]


def test_the_schedule_leaves_an_account_alone_that_pixiv_limits(
    settings: Settings, own_ledger: Ledger
) -> None:
    assert requested(settings, "pixiv_sync_schedule") == ["main"]
    with own_ledger.write() as connection:
        until = record_refusal(connection, "main", 7)
    assert until > datetime.now(UTC) + timedelta(minutes=4)
    assert requested(settings, "pixiv_sync_schedule") == []


def test_the_sensor_asks_for_works_without_posts_and_not_while_a_round_runs(
    execute: Execute, settings: Settings, pixiv: PixivStandIn, own_ledger: Ledger
) -> None:
    pixiv.public = make_works(2)
    execute()
    assert requested(settings, "pixiv_unannounced_sensor") == []
    with own_ledger.write() as connection:
        connection.exec_driver_sql("UPDATE pixiv_works SET announced_at = NULL")
        connection.exec_driver_sql("DELETE FROM telegram_posts")
    assert requested(settings, "pixiv_unannounced_sensor") == ["main"]
    with hold_lease(own_ledger, "pixiv:main", purpose="a test"):
        assert requested(settings, "pixiv_unannounced_sensor") == []
    before = len(pixiv.requests)
    assert metadata(execute("pixiv_announce"), "animations")["posts_queued"] == 2
    assert requested(settings, "pixiv_unannounced_sensor") == []
    assert len(pixiv.requests) == before


def test_one_account_does_not_hold_up_another(settings: Settings) -> None:
    definitions = build_defs(settings)
    for name in ("bookmarks", "files", "animations"):
        assert definitions.get_assets_def(dg.AssetKey(["pixiv", name])).op.pool is None
    jobs = [definitions.resolve_job_def(name) for name in ("pixiv_sync", "pixiv_announce")]
    assert [job.tags["sync/domain"] for job in jobs] == ["pixiv", "pixiv"]
    configuration = yaml.safe_load(INSTANCE_CONFIGURATION.read_text())
    runs = configuration["concurrency"]["runs"]
    (limit,) = runs["tag_concurrency_limits"]
    assert (limit["key"], limit["value"]) == ("sync/domain", "pixiv")
    assert 1 < limit["limit"] < runs["max_concurrent_runs"]
