"""Starting a run at once: a webserver's part is played here, down, broken and working."""

import asyncio
import logging
from typing import Any

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import claim
from sync_assets.server import run_launcher
from sync_assets.server.run_launcher import LaunchError, RunLauncher
from sync_assets.server.storage_webhooks import event_jobs
from sync_assets.settings import Settings
from sync_assets.settings.models import DagsterSettings
from sync_assets.settings.strm import StrmSettings
from sync_assets.strm import notify
from sync_assets_tests.server.dagster_webserver import Webserver
from sync_assets_tests.server.process import free_port


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_launcher, "PAUSE_SECONDS", 0.0)


def settings_for(settings: Settings, port: int) -> Settings:
    jobs = {
        "films": {
            "source": {"path": settings.home / "media"},
            "output": settings.home / "library",
            "url_template": "http://nas/{path}",
        }
    }
    return settings.model_copy(
        update={
            "strm": StrmSettings.model_validate({"jobs": jobs}),
            "dagster": DagsterSettings(port=port),
        }
    )


def tell(settings: Settings, ledger: Ledger, *sources: str) -> None:
    """Tell a launcher of events, one after the other, and let it finish."""

    async def run() -> None:
        launcher = RunLauncher(settings, ledger, event_jobs(settings))
        for source in sources:
            launcher.notify(source)
            await asyncio.sleep(3 * run_launcher.SETTLE_SECONDS)
        await launcher.close()

    asyncio.run(run())


def test_events_start_one_run_with_the_tags_of_the_sensor(
    settings: Settings, ledger: Ledger, webserver: Webserver
) -> None:
    here = settings_for(settings, webserver.port)
    notify(ledger, "/a", "create")
    tell(here, ledger, "clouddrive", "clouddrive", "openlist")
    (tags,) = webserver.launched
    assert tags["dagster/sensor_name"] == "strm_events_sensor"
    assert tags["dagster/run_key"].startswith("strm_events:1:")


def test_nothing_is_started_without_events_or_for_those_of_others(
    settings: Settings, ledger: Ledger, webserver: Webserver
) -> None:
    here = settings_for(settings, webserver.port)
    tell(here, ledger, "clouddrive")
    notify(ledger, "/a", "create")
    tell(here, ledger, "generic")
    tell(settings, ledger, "clouddrive")
    assert webserver.launched == []


@pytest.mark.parametrize(
    ("status", "launched"),
    [("QUEUED", 0), ("STARTING", 0), ("STARTED", 0), ("STARTED, has claimed", 1)],
)
def test_a_run_that_will_claim_the_events_is_enough(
    settings: Settings, ledger: Ledger, webserver: Webserver, status: str, launched: int
) -> None:
    webserver.active = [{"runId": "one", "status": status.partition(",")[0]}]
    notify(ledger, "/earlier", "create")
    if launched:
        with ledger.write() as connection:
            claim(connection, "internal", run_id="one")
    notify(ledger, "/a", "create")
    tell(settings_for(settings, webserver.port), ledger, "internal")
    assert len(webserver.launched) == launched


def test_a_webserver_that_is_down_or_broken_is_logged_once_and_does_no_harm(
    settings: Settings, ledger: Ledger, webserver: Webserver, caplog: pytest.LogCaptureFixture
) -> None:
    notify(ledger, "/a", "create")
    with caplog.at_level(logging.WARNING):
        tell(settings_for(settings, free_port()), ledger, "internal", "internal")
    assert len(caplog.records) == 1
    assert "sensor" in caplog.text
    answers: list[Any] = [
        {"errors": [{"message": "no such field"}]},
        [],
        {"data": {"launchRun": {"__typename": "PythonError", "message": "no code server"}}},
    ]
    for wrong in answers:
        webserver.answer = lambda asked, wrong=wrong: (
            wrong if "launchRun" in asked["query"] else webserver.usual(asked)
        )
        caplog.clear()
        tell(settings_for(settings, webserver.port), ledger, "internal")
        assert len(caplog.records) == 1
    webserver.answer = webserver.usual
    tell(settings_for(settings, webserver.port), ledger, "internal")
    assert len(webserver.launched) == 1


def start(settings: Settings, ledger: Ledger) -> bool:
    async def scenario() -> bool:
        launcher = RunLauncher(settings, ledger, [])
        try:
            return await launcher.start("trakt_to_bangumi", "alice")
        finally:
            await launcher.close()

    return asyncio.run(scenario())


def test_a_run_is_started_for_a_partition_unless_one_waits_already(
    settings: Settings, ledger: Ledger, webserver: Webserver
) -> None:
    here = settings_for(settings, webserver.port)
    assert start(here, ledger)
    assert webserver.launched == [{"dagster/partition": "alice"}]
    webserver.active = [{"runId": "one", "status": "QUEUED"}]
    assert not start(here, ledger)
    assert len(webserver.launched) == 1


def test_whoever_asks_for_a_run_hears_why_there_is_none(
    settings: Settings, ledger: Ledger, webserver: Webserver
) -> None:
    with pytest.raises(LaunchError, match="does not answer"):
        start(settings_for(settings, free_port()), ledger)
    failed = {"data": {"launchRun": {"__typename": "PythonError", "message": "no code server"}}}
    webserver.answer = lambda asked: (
        failed if "launchRun" in asked["query"] else webserver.usual(asked)
    )
    with pytest.raises(LaunchError, match="no code server"):
        start(settings_for(settings, webserver.port), ledger)
