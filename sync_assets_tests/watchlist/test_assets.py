"""The watchlist in Dagster: one run for all that is due, one item by hand, the sensor, checks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.settings import Settings, load_settings
from sync_assets.watchlist.checks import CHECKS
from sync_assets.watchlist.models import CHECK_JOB, CHECK_SENSOR, ITEM_PARTITIONS
from sync_assets.watchlist.store import items, user_settings
from sync_assets.watchlist.store.user_settings import UserSettings
from sync_assets_tests.upstreams.feed_site import Fault, FeedSite
from sync_assets_tests.watchlist.watching import Watching

NAMES = ("[Group] Hoshizora - 01 (1080p).mkv", "[Group] Hoshizora - 02 (1080p).mkv")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "sync.toml").write_text(
        'home = "home"\n[relay]\nenabled = true\nreceive = "off"\n[watchlist]\nenabled = true\n'
        'allowed_private_hosts = ["127.0.0.1"]\n[watchlist.fetching]\nrequests_per_second = 20\n'
    )
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    return load_settings()


@pytest.fixture
def watching(settings: Settings, site: FeedSite) -> Iterator[Watching]:
    ledger = Ledger.open(settings.ledger_url)
    yield Watching(ledger, site, settings.home)
    ledger.close()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def execute(
    settings: Settings, instance: dg.DagsterInstance, partition: str | None = None
) -> dg.ExecuteInProcessResult:
    job = build_defs(settings).resolve_job_def(CHECK_JOB)
    return job.execute_in_process(instance=instance, partition_key=partition, raise_on_error=False)


def metadata(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str | None], dict]:
    return {
        (event.asset_key.to_user_string(), event.partition): {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def test_one_run_checks_all_that_is_due(
    settings: Settings, watching: Watching, instance: dg.DagsterInstance
) -> None:
    watching.publish("/a", *NAMES)
    watching.publish("/b", NAMES[0])
    first, second = str(watching.add("/a")), str(watching.add("/b"))
    with watching.ledger.write() as connection:
        # Room for all: which item is faster is left to chance.
        user_settings.write(connection, "alice", UserSettings(max_concurrent_auto_downloads=3))
    result = execute(settings, instance)
    assert result.success
    assert sorted(instance.get_dynamic_partitions(ITEM_PARTITIONS)) == [first, second]
    found = metadata(result)
    assert found["watchlist/items", first] == {
        "state": "active",
        "outcome": "ok",
        "found": 2,
        "new": 2,
        "queued": 2,
        "errors": 0,
    }
    assert found["watchlist/episodes", second]["episodes"] == 1
    assert found["watchlist/downloads", first]["queued"] == 2


def test_a_run_without_news_materializes_nothing(
    settings: Settings, watching: Watching, instance: dg.DagsterInstance
) -> None:
    watching.publish("/a", *NAMES)
    watching.add("/a")
    execute(settings, instance)
    result = execute(settings, instance)
    assert result.success
    assert metadata(result) == {}


def test_an_item_is_checked_by_hand_whether_it_is_due_or_not(
    settings: Settings, watching: Watching, instance: dg.DagsterInstance
) -> None:
    watching.publish("/a", *NAMES)
    first, other = watching.add("/a"), watching.add("/b")
    instance.add_dynamic_partitions(ITEM_PARTITIONS, [str(first)])
    for _ in range(2):
        result = execute(settings, instance, str(first))
        assert result.success
        assert metadata(result)["watchlist/items", str(first)]["outcome"] == "ok"
    assert len(watching.checks(first)) == 2
    assert watching.checks(other) == []


def test_a_deleted_item_loses_its_partition(
    settings: Settings, watching: Watching, instance: dg.DagsterInstance
) -> None:
    watching.publish("/a", *NAMES)
    item_id = watching.add("/a")
    execute(settings, instance)
    with watching.ledger.write() as connection:
        items.remove(connection, item_id)
    execute(settings, instance)
    assert instance.get_dynamic_partitions(ITEM_PARTITIONS) == []


def test_health_says_what_is_broken(
    settings: Settings, watching: Watching, instance: dg.DagsterInstance
) -> None:
    watching.publish("/a", *NAMES)
    watching.site.faults["/bad"] = Fault.SERVER_ERROR
    watching.add("/a")
    watching.add("/bad")
    assert execute(settings, instance).success
    health = json.loads((settings.home / "health.json").read_text())["domains"]["watchlist"]
    assert health["status"] == "degraded"
    (partition,) = health["partitions"]
    assert partition["added"] == 2
    assert partition["metrics"]["watchlist_items"] == 2
    assert partition["metrics"]["watchlist_broken"] == 1


def test_the_sensor_starts_one_run_while_there_is_work(
    settings: Settings, watching: Watching, instance: dg.DagsterInstance
) -> None:
    watching.publish("/a", *NAMES)
    definitions = build_defs(settings)
    sensor = definitions.resolve_sensor_def(CHECK_SENSOR)

    def evaluate() -> int:
        with dg.build_sensor_context(
            instance=instance, definitions=definitions, resources={"ledger": watching.ledger}
        ) as context:
            return len(sensor.evaluate_tick(context).run_requests or ())

    assert evaluate() == 0
    watching.add("/a")
    assert evaluate() == 1
    execute(settings, instance)
    assert evaluate() == 0
    watching.finish(settings.home / "file.mkv")
    assert evaluate() == 1


def test_checks_name_what_needs_a_user(
    settings: Settings, watching: Watching, instance: dg.DagsterInstance
) -> None:
    watching.publish("/a", "[Group] Hoshizora - 01 (2160p).mkv")
    watching.site.faults["/bad"] = Fault.SERVER_ERROR
    watching.add("/a", quality="720p")
    watching.add("/bad")
    for _ in range(3):
        watching.recheck()
    assert execute(settings, instance).success
    checks = {check.name: check.key for check in CHECKS}
    records = {
        name: instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        for name, key in checks.items()
    }
    passed = {
        name: record.evaluation.passed if record.evaluation else None
        for name, (record,) in records.items()
    }
    assert passed == {
        "providers_can_be_read": False,
        "no_episode_waits_for_its_user": False,
        "no_failed_episodes": True,
    }


def test_what_is_off_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    (tmp_path / "off.toml").write_text('home = "home"\n')
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "off.toml"))
    result = execute(load_settings(), instance)
    assert not result.success
    definitions = build_defs(load_settings())
    assert CHECK_SENSOR not in {each.name for each in definitions.sensors or ()}


def test_the_command_line_checks_all_that_is_due(
    settings: Settings, watching: Watching, tmp_path: Path
) -> None:
    watching.publish("/a", *NAMES)
    item_id = watching.add("/a")
    dagster_home = settings.home / "dagster"
    dagster_home.mkdir(parents=True)
    dagster = Path(sys.executable).parent / "dagster"
    command = [dagster, "job", "execute", "-m", "sync_assets.definitions", "-j", CHECK_JOB]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "DAGSTER_HOME": str(dagster_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert watching.states(item_id) == {"1": "queued", "2": "queued"}
