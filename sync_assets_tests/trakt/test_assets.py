"""The Trakt assets in Dagster: partitions, months, metadata, checks, sensor, health."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from sync_assets.definitions import build_defs
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import load_key
from sync_assets.ops.health import health_report
from sync_assets.settings import Settings, load_settings
from sync_assets.trakt.checks import build_checks
from sync_assets.trakt.cursors import move_cursor
from sync_assets.trakt.tables import HISTORY, HISTORY_TABLE
from sync_assets_tests.support.trakt import configuration, connect, running_trakt
from sync_assets_tests.upstreams.trakt import TraktUpstream
from sync_assets_tests.upstreams.trakt_library import show

Execute = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def upstream() -> Iterator[TraktUpstream]:
    with running_trakt("alice", "bob") as running:
        yield running


@pytest.fixture
def settings(upstream: TraktUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two accounts, and no retries that would take time."""
    text = 'home = "home"\n' + configuration(upstream, 'retries = 0\nschedule = "0 5 * * *"')
    (tmp_path / "sync.toml").write_text(text)
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    return load_settings()


@pytest.fixture
def ledger(settings: Settings, upstream: TraktUpstream) -> Iterator[Ledger]:
    opened = Ledger.open(settings.ledger_url)
    for name in upstream.libraries:
        connect(upstream, opened, load_key(settings.home), name)
    yield opened
    opened.close()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def execute(settings: Settings, ledger: Ledger, instance: dg.DagsterInstance) -> Execute:
    def run(partition: str = "alice", job_name: str = "trakt_sync") -> dg.ExecuteInProcessResult:
        job = build_defs(settings).resolve_job_def(job_name)
        return job.execute_in_process(
            instance=instance, partition_key=partition, raise_on_error=False
        )

    return run


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict:
    key = dg.AssetKey(["trakt", asset])
    events = result.get_asset_materialization_events()
    (event,) = [each.materialization for each in events if each.asset_key == key]
    return {name: value.value for name, value in event.metadata.items()}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {each.check_name: each.passed for each in result.get_asset_check_evaluations()}


def wanted_runs(settings: Settings, instance: dg.DagsterInstance) -> list[tuple]:
    """Evaluate the sensor; the partition and key of each run that it wants."""
    definitions = build_defs(settings)
    sensor = definitions.resolve_sensor_def("trakt_activity_sensor")
    resources = definitions.resources or {}
    with dg.build_sensor_context(
        instance=instance,
        resources={name: resources[name] for name in ("ledger", "lake")},
        definitions=definitions,
    ) as context:
        requests = sensor.evaluate_tick(context).run_requests or []
    return [(each.partition_key, each.run_key) for each in requests]


def evaluate_check(name: str, settings: Settings, ledger: Ledger) -> dg.AssetCheckResult:
    for check in build_checks(settings):
        if {each.name for each in check.check_specs} == {name}:
            result = check(ledger=ledger)
            assert isinstance(result, dg.AssetCheckResult)
            return result
    raise LookupError(name)


def test_a_run_reads_all_and_shows_the_months(
    execute: Execute, upstream: TraktUpstream, instance: dg.DagsterInstance
) -> None:
    library = upstream.library
    library.watch(show(1))
    library.watch(show(1), number=2, watched_at=datetime(2015, 5, 5, tzinfo=UTC))
    library.rate("show", show(1), 9)
    library.collect(show(1), season=1, number=1)
    result = execute()
    assert result.success
    expected = {"added": 2, "changed": 0, "removed": 0, "failed": 0, "months": 2, "requests": 2}
    assert metadata(result, "changes") | expected == metadata(result, "changes")
    assert metadata(result, "ratings")["added"] == 1
    assert metadata(result, "collection")["added"] == 1
    months = instance.get_materialized_partitions(dg.AssetKey(HISTORY))
    assert months == {"alice|2015-05", "alice|2024-01"}
    assert checks(result) == {"each_play_is_once": True, "cursors_are_honest": True}


def test_a_run_without_news_asks_once(execute: Execute, upstream: TraktUpstream) -> None:
    execute()
    before = upstream.api_requests
    result = execute()
    assert result.success
    assert upstream.api_requests - before == 1


def test_accounts_are_read_apart(
    execute: Execute, upstream: TraktUpstream, settings: Settings
) -> None:
    for name, library in upstream.libraries.items():
        library.watch(show(1 if name == "alice" else 2))
        assert execute(name).success
    lake = Lake(settings.lake_directory)
    assert lake.partitions(HISTORY) == ["alice|2024-01", "bob|2024-01"]
    assert [play.trakt for play in HISTORY_TABLE.read(lake, "bob|2024-01")] == [2]


def test_historic_months_are_a_backfill_of_one_run(
    settings: Settings, ledger: Ledger, upstream: TraktUpstream, instance: dg.DagsterInstance
) -> None:
    upstream.library.fill(plays=300, shows=10)
    definitions = build_defs(settings)
    history = definitions.resolve_assets_def(dg.AssetKey(HISTORY))
    assert history.backfill_policy == dg.BackfillPolicy.single_run()
    assert isinstance(history.partitions_def, dg.MultiPartitionsDefinition)
    keys = history.partitions_def.get_partition_keys()
    assert {"alice|2010-01", f"bob|{datetime.now(UTC):%Y-%m}"} <= set(keys)
    job = definitions.resolve_implicit_global_asset_job_def()
    chosen = [key for key in keys if key.startswith("alice|2024")]
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(HISTORY)],
        tags={
            "dagster/asset_partition_range_start": chosen[0],
            "dagster/asset_partition_range_end": chosen[-1],
        },
    )
    assert result.success
    assert upstream.api_requests == 2
    stored = Lake(settings.lake_directory)
    plays = [play for key in chosen for play in HISTORY_TABLE.read(stored, key)]
    assert len(plays) == 300


def test_a_revoked_account_fails_with_the_remedy_in_health_until_it_is_connected_again(
    execute: Execute,
    upstream: TraktUpstream,
    settings: Settings,
    ledger: Ledger,
    instance: dg.DagsterInstance,
) -> None:
    for grant in upstream.grants:
        grant.is_revoked = grant.account == "alice"
    assert execute("bob").success
    result = execute()
    assert not result.success
    assert result.get_asset_materialization_events() == []
    health = health_report(ledger, settings).domains["trakt"]
    line, _ = health.partitions
    assert health.status == "failed"
    assert line.remedy == "Connect it again: scripts/connect trakt alice"
    connect(upstream, ledger, load_key(settings.home), "alice")
    assert [account for account, _ in wanted_runs(settings, instance)] == ["alice"]
    assert execute().success
    line, _ = health_report(ledger, settings).domains["trakt"].partitions
    assert (line.status, line.remedy) == ("ok", None)


def test_the_sensor_starts_runs_for_news_only(
    execute: Execute, settings: Settings, upstream: TraktUpstream, instance: dg.DagsterInstance
) -> None:
    assert [account for account, _ in wanted_runs(settings, instance)] == ["alice", "bob"]
    for name in ("alice", "bob"):
        execute(name)
    before = upstream.api_requests
    assert wanted_runs(settings, instance) == []
    assert upstream.api_requests - before == 2
    upstream.libraries["bob"].advance(hours=1)
    upstream.libraries["bob"].watch(show(1))
    (wanted,) = wanted_runs(settings, instance)
    assert wanted[0] == "bob"
    assert wanted_runs(settings, instance) == [wanted]


def test_an_account_that_cannot_be_asked_does_not_keep_the_sensor_from_the_others(
    settings: Settings, ledger: Ledger, upstream: TraktUpstream, instance: dg.DagsterInstance
) -> None:
    for grant in upstream.grants:
        grant.is_revoked = grant.account == "alice"
    assert [account for account, _ in wanted_runs(settings, instance)] == ["bob"]
    (line,) = health_report(ledger, settings).domains["trakt"].partitions
    assert line.partition == "alice"
    assert line.remedy is not None


def test_the_sensor_gives_up_at_the_first_failure(
    settings: Settings, ledger: Ledger, upstream: TraktUpstream, instance: dg.DagsterInstance
) -> None:
    upstream.fail(429, times=1, headers=(("Retry-After", "300"),))
    patient = settings.model_copy(
        update={"trakt": settings.trakt.model_copy(update={"retries": 5})}
    )
    assert [account for account, _ in wanted_runs(patient, instance)] == ["bob"]
    assert [account for account, _ in wanted_runs(patient, instance)] == ["bob"]
    assert upstream.api_requests == 3


def test_a_paused_account_is_left_alone(
    settings: Settings,
    ledger: Ledger,
    upstream: TraktUpstream,
    instance: dg.DagsterInstance,
    tmp_path: Path,
) -> None:
    with (tmp_path / "sync.toml").open("a") as file:
        file.write("paused = true\n")
    paused = load_settings()
    assert paused.trakt.accounts["bob"].paused
    assert [account for account, _ in wanted_runs(paused, instance)] == ["alice"]
    repository = build_defs(paused).get_repository_def()
    schedule = repository.get_schedule_def("trakt_schedule")
    context = dg.build_schedule_context(
        repository_def=repository, scheduled_execution_time=datetime(2026, 1, 1, tzinfo=UTC)
    )
    requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert [each.partition_key for each in requests] == ["alice"]


def test_a_failed_page_fails_the_run_and_the_next_one_reads_it(
    execute: Execute, upstream: TraktUpstream, settings: Settings, ledger: Ledger
) -> None:
    upstream.library.fill(plays=600, shows=10)
    upstream.fail(503, "/sync/history", skip=1)
    assert not execute().success
    assert not Lake(settings.lake_directory).exists(HISTORY)
    result = execute()
    assert metadata(result, "changes")["added"] == 600


def test_a_cursor_beyond_a_failure_fails_its_check(
    execute: Execute, upstream: TraktUpstream, settings: Settings, ledger: Ledger
) -> None:
    library = upstream.library
    library.watch(show(1))
    del library.plays[0]["episode"]["number"]
    result = execute()
    assert metadata(result, "changes")["failed"] == 1
    assert checks(result)["cursors_are_honest"] is True
    moments = {name: library.activities[name]["watched_at"] for name in ("episodes", "movies")}
    with ledger.write() as connection:
        move_cursor(connection, "alice", "history", moments)
    assert evaluate_check("cursors_are_honest", settings, ledger).passed is False


def test_without_an_account_the_assets_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sync.toml").write_text('home = "home"\n')
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    definitions = build_defs(load_settings())
    specs = {each.key.to_user_string(): each for each in definitions.resolve_all_asset_specs()}
    assert "Not configured" in (specs["trakt/history"].description or "")
    repository = definitions.get_repository_def()
    assert not [each.name for each in repository.sensor_defs if "trakt" in each.name]
