"""The relay in Dagster: from a message to a file, the numbers of each day, checks, the sensor."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import select, update

from sync_assets import relay
from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.ledger.events import last_event_id
from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.schema import relay_downloads, relay_media
from sync_assets.relay import downloads
from sync_assets.relay.automation import has_work
from sync_assets.relay.models import LEASE_NAME
from sync_assets.settings import Settings, load_settings
from sync_assets_tests.upstreams.clouds import Clouds
from sync_assets_tests.upstreams.origin import OriginServer
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer

CONTENT = b"film" * 20_000


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as running:
        running.add_chat("1")
        yield running


@pytest.fixture
def settings(tmp_path: Path, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "sync.toml").write_text(
        f'home = "home"\n[telegram]\nbot_token = "{TOKEN}"\nbase_url = "{telegram.url}"\n'
        "[relay]\nenabled = true\nallowed_users = [42]\ndisk_free_threshold_bytes = 0\n"
        "max_attempts = 2\nretry_backoff_initial_seconds = 0.01\nmax_run_seconds = 90\n"
    )
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    return load_settings()


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    opened = Ledger.open(settings.ledger_url)
    yield opened
    opened.close()


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def execute(settings: Settings, partition: str | None = None) -> dg.ExecuteInProcessResult:
    job = build_defs(settings).resolve_job_def("relay_sync")
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            instance=instance, partition_key=partition or today(), raise_on_error=False
        )


def metadata(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str | None], dict]:
    return {
        (event.asset_key.to_user_string(), event.partition): {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def send_video(telegram: TelegramServer) -> None:
    file = telegram.incoming.add_file("u1", CONTENT)
    telegram.incoming.receive(video={**file, "file_name": "film.mp4"}, caption="A film")


def test_a_message_becomes_a_file_and_is_answered_in_one_run(
    settings: Settings, ledger: Ledger, telegram: TelegramServer
) -> None:
    send_video(telegram)
    result = execute(settings)
    assert result.success
    numbers = metadata(result)
    assert numbers["relay/media", today()]["downloaded"] == 1
    downloaded = numbers["relay/downloads", today()]
    assert (downloaded["files"], downloaded["bytes"]) == (1, len(CONTENT))
    with ledger.read() as connection:
        row = connection.execute(select(relay_downloads)).one()
    assert Path(row.path).read_bytes() == CONTENT
    assert telegram.edits[-1][1] == "film.mp4 is downloaded."
    health = json.loads((settings.home / "health.json").read_text())["domains"]["relay"]
    assert (health["status"], health["partitions"][0]["metrics"]["relay_completed"]) == ("ok", 1)


def test_a_message_becomes_a_file_in_a_cloud_and_in_a_chat_in_one_run(
    settings: Settings, ledger: Ledger, telegram: TelegramServer, tmp_path: Path
) -> None:
    telegram.add_chat("7")
    with Clouds(tmp_path / "clouds") as clouds:
        with (tmp_path / "sync.toml").open("a") as configuration:
            configuration.write(
                '[relay.targets.cloud]\nkind = "rclone"\nremote = "gdrive:Media"\npath = "{name}"\n'
                f'config_path = "{clouds.config_path}"\n'
                '[relay.targets.chat]\nkind = "telegram"\nchat_id = "7"\nrequired = false\n'
            )
        settings = load_settings()
        send_video(telegram)
        result = execute(settings)
        assert result.success
        assert clouds.published("gdrive") == {"Media/film.mp4": CONTENT}
        secret = clouds.config_path.read_text().partition("pass = ")[2].split()[0]
    assert [message.uploaded for message in telegram.messages if message.chat_id == "7"] == [False]
    numbers = metadata(result)["relay/uploads", today()]
    assert (numbers["files"], numbers["cleaned"]) == (2, 2)
    assert numbers["bytes"] == 2 * len(CONTENT)
    assert telegram.edits[-1][1] == "film.mp4 is relayed."
    assert list(settings.relay.download_directory.iterdir()) == []
    health = (settings.home / "health.json").read_text()
    assert json.loads(health)["domains"]["relay"]["status"] == "ok"
    told = health + "".join(map(str, result.all_events)) + str(metadata(result))
    assert TOKEN not in told
    assert secret not in told


def test_an_upload_that_has_failed_is_shown_with_its_reason(
    settings: Settings, ledger: Ledger, tmp_path: Path, telegram: TelegramServer
) -> None:
    with (tmp_path / "sync.toml").open("a") as configuration:
        configuration.write('[relay.targets.cloud]\nkind = "rclone"\nremote = "nowhere:"\n')
        configuration.write(f'config_path = "{tmp_path / "rclone.conf"}"\n')
    settings = load_settings()
    send_video(telegram)
    result = execute(settings)
    assert result.success
    (failed,) = [
        each
        for each in result.get_asset_check_evaluations()
        if each.check_name == "no_failed_uploads"
    ]
    assert not failed.passed
    assert "rclone listremotes" in str(failed.metadata["uploads"].value)
    assert "To cloud: failed" in telegram.edits[-1][1]
    health = json.loads((settings.home / "health.json").read_text())
    assert health["domains"]["relay"]["status"] == "degraded"
    assert not has_work(ledger, settings.relay)


def test_a_run_of_one_day_drives_all_and_reports_each_day(
    settings: Settings, ledger: Ledger
) -> None:
    with OriginServer() as origin:
        with ledger.write() as connection:
            wanted = relay.enqueue(connection, source="test", link=origin.add("/a.mkv", CONTENT))
            connection.execute(
                update(relay_media)
                .where(relay_media.c.id == wanted.media_id)
                .values(day="2026-02-03")
            )
        result = execute(settings, "2026-02-04")
    assert result.success
    numbers = metadata(result)
    assert numbers["relay/downloads", "2026-02-03"]["files"] == 1
    assert numbers["relay/downloads", "2026-02-04"]["files"] == 0


def test_days_of_a_run_that_was_killed_are_reported_by_the_next_one(
    settings: Settings, ledger: Ledger
) -> None:
    job = build_defs(settings).resolve_job_def("relay_sync")
    with dg.DagsterInstance.ephemeral() as instance:

        def reported() -> set[tuple[str | None, int]]:
            done = job.execute_in_process(instance=instance, partition_key="2026-02-04")
            return {
                (day, numbers["ledger_event"])
                for (asset, day), numbers in metadata(done).items()
                if asset == "relay/uploads" and day != "2026-02-04"
            }

        with ledger.write() as connection:
            for day in ("2026-02-01", "2026-02-03"):
                wanted = relay.enqueue(connection, source="test", link=f"http://host/{day}")
                # What a worker did that was killed before it could report it.
                downloads.cancel(connection, wanted.download_id)
                connection.execute(
                    update(relay_media).where(relay_media.c.id == wanted.media_id).values(day=day)
                )
            newest = last_event_id(connection)
        first = reported()
        assert {day for day, _ in first} == {"2026-02-01", "2026-02-03"}
        assert min(event for _, event in first) >= newest
        assert reported() == set()


def test_what_has_failed_is_shown_with_its_reason(settings: Settings, ledger: Ledger) -> None:
    with OriginServer() as origin, ledger.write() as connection:
        relay.enqueue(connection, source="test", link=f"{origin.url}/missing.mkv")
    result = execute(settings)
    assert result.success
    (failed,) = [
        each
        for each in result.get_asset_check_evaluations()
        if each.check_name == "no_failed_downloads"
    ]
    assert not failed.passed
    assert "missing.mkv" in str(failed.metadata["downloads"].value)
    health = json.loads((settings.home / "health.json").read_text())
    assert health["domains"]["relay"]["status"] == "degraded"


def test_a_file_that_is_gone_and_a_folder_of_nobody_are_noticed(
    settings: Settings, ledger: Ledger
) -> None:
    with OriginServer() as origin:
        with ledger.write() as connection:
            relay.enqueue(connection, source="test", link=origin.add("/a.mkv", CONTENT))
        execute(settings)
    with ledger.read() as connection:
        Path(connection.execute(select(relay_downloads.c.path)).scalar_one()).unlink()
    (settings.relay.download_directory / "0123456789abcdef").mkdir()
    checks = {
        each.check_name: each.passed for each in execute(settings).get_asset_check_evaluations()
    }
    assert checks == {
        "completed_files_are_there": False,
        "no_failed_downloads": True,
        "no_orphan_folders": False,
        "no_failed_uploads": True,
        "nothing_cleaned_early": True,
        "nothing_differs": False,
    }


def test_telegram_that_is_away_stops_no_download(
    settings: Settings, ledger: Ledger, telegram: TelegramServer
) -> None:
    telegram.go_offline()
    with OriginServer() as origin:
        with ledger.write() as connection:
            relay.enqueue(connection, source="test", link=origin.add("/a.mkv", CONTENT))
        assert execute(settings).success
    with ledger.read() as connection:
        assert connection.execute(select(relay_downloads.c.state)).scalar_one() == "completed"
    health = (settings.home / "health.json").read_text()
    assert json.loads(health)["domains"]["relay"]["status"] == "degraded"
    assert TOKEN not in health


def test_from_the_command_line_no_partition_and_no_daemon_is_needed(
    settings: Settings, ledger: Ledger, telegram: TelegramServer, tmp_path: Path
) -> None:
    send_video(telegram)
    home = tmp_path / "dagster"
    home.mkdir()
    command = ["job", "execute", "-m", "sync_assets.definitions", "-j", "relay_sync"]
    done = subprocess.run(
        [sys.executable, "-m", "dagster", *command],
        env={**os.environ, "DAGSTER_HOME": str(home)},
        # Dagster believes a checkout's .env more than its environment.
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    with ledger.read() as connection:
        assert connection.execute(select(relay_downloads.c.state)).scalar_one() == "completed"
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey(["relay", "downloads"])) == {
            today()
        }


def test_a_second_worker_leaves_all_to_the_first(settings: Settings, ledger: Ledger) -> None:
    with hold_lease(ledger, LEASE_NAME, purpose="another"):
        assert execute(settings).success


def test_the_sensor_sees_work_and_rest(settings: Settings, ledger: Ledger) -> None:
    assert not has_work(ledger, settings.relay)
    with ledger.write() as connection:
        relay.enqueue(connection, source="test", link="http://host/a")
    assert has_work(ledger, settings.relay)
    with hold_lease(ledger, LEASE_NAME, purpose="another"):
        assert not has_work(ledger, settings.relay)


def test_enqueueing_twice_changes_nothing(ledger: Ledger) -> None:
    link = "HTTP://Host/a.mkv#fragment"
    with ledger.write() as connection:
        first = relay.enqueue(connection, source="test", link=link)
        again = relay.enqueue(connection, source="test", link="http://host/a.mkv")
        keyed = relay.enqueue(connection, source="test", link="http://host/a.mkv", key="k")
        other = relay.enqueue(connection, source="test", link="http://other/b.mkv", key="k")
    assert (again.media_id, again.download_id, again.is_new) == (
        first.media_id,
        first.download_id,
        False,
    )
    assert keyed.is_new
    assert not other.is_new
