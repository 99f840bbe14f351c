"""Everything at once: `scripts/run` on a fresh home, a job launched through the UI's own API."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from sync_assets import strm
from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope, create_token
from sync_assets.settings import Settings
from sync_assets_tests.support.media import write_media
from sync_assets_tests.support.services import Running, running_services, wait_for

LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
STATUS = """
query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status tags { key value } } } }
"""
MATERIALIZATIONS = """
query Materializations($key: AssetKeyInput!) {
  assetOrError(assetKey: $key) {
    ... on Asset {
      assetMaterializations(limit: 1) {
        partition
        metadataEntries { label ... on IntMetadataEntry { intValue } }
      }
    }
  }
}
"""

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def running(settings: Settings, tmp_path: Path) -> Iterator[Running]:
    with running_services(tmp_path) as services:
        yield services


def test_a_job_launched_through_the_ui_syncs_the_library_and_shows_everywhere(
    running: Running, settings: Settings, tmp_path: Path
) -> None:
    library = tmp_path / "library" / "shows"
    launched = running.graphql(
        LAUNCH,
        params={
            "selector": {
                "repositoryLocationName": "sync_assets",
                "repositoryName": "__repository__",
                "jobName": "strm_full",
            },
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "shows"}]},
        },
    )["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]

    def finished() -> str | None:
        status = running.graphql(STATUS, id=run_id)["runOrError"]["status"]
        return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

    assert wait_for(finished, "the run") == "SUCCESS"
    assert (settings.dagster_home / "history" / "runs" / f"{run_id}.db").exists()
    assert len(list(library.rglob("*.strm"))) == 20
    (materialization,) = running.graphql(MATERIALIZATIONS, key={"path": ["strm", "tree"]})[
        "assetOrError"
    ]["assetMaterializations"]
    numbers = {
        entry["label"]: entry.get("intValue") for entry in materialization["metadataEntries"]
    }
    assert (materialization["partition"], numbers["created"]) == ("shows", 20)

    health = httpx.get(f"{running.server}/health", timeout=30)
    assert health.status_code == 200
    (shows,) = health.json()["domains"]["strm"]["partitions"]
    assert (shows["partition"], shows["status"], shows["added"]) == ("shows", "ok", 20)
    on_disk = json.loads((settings.home / "health.json").read_text())
    assert on_disk["domains"] == health.json()["domains"]


def test_an_event_is_in_the_inbox_and_in_the_stream(running: Running, settings: Settings) -> None:
    ledger = Ledger.open(settings.ledger_url)
    with ledger.write() as connection:
        tokens = {scope: create_token(connection, scope, scope)[1] for scope in Scope}
    ledger.close()
    answer = httpx.post(
        f"{running.server}/api/v1/webhook/generic",
        headers={"Authorization": f"Bearer {tokens[Scope.INGEST]}"},
        json={"id": "event-1", "path": "/media/新.mkv"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    with httpx.stream(
        "GET",
        f"{running.server}/api/events",
        headers={"Authorization": f"Bearer {tokens[Scope.USER]}", "Last-Event-ID": "0"},
        timeout=30,
    ) as stream:
        for line in stream.iter_lines():
            if line == "event: inbox_event":
                break


def test_a_webhook_becomes_a_file_and_so_does_an_event_that_the_server_did_not_see(
    running: Running, settings: Settings, tmp_path: Path
) -> None:
    media, library = tmp_path / "media" / "shows", tmp_path / "library" / "shows"
    write_media(media, ["new/by webhook.mkv"])
    ledger = Ledger.open(settings.ledger_url)
    with ledger.write() as connection:
        _, token = create_token(connection, "drive", Scope.INGEST)
    item = {"action": "create", "is_dir": "false", "source_file": f"{media}/new/by webhook.mkv"}
    answer = httpx.post(
        f"{running.server}/api/v1/webhook/clouddrive",
        headers={"Authorization": f"Bearer {token}"},
        json={"data": [item]},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    wait_for((library / "new" / "by webhook.strm").exists, "the file of the webhook")
    write_media(media, ["other/by sensor.mkv"])
    strm.notify(ledger, f"{media}/other/by sensor.mkv", "create")
    wait_for((library / "other" / "by sensor.strm").exists, "the file of the sensor")
    ledger.close()


def test_one_interrupt_stops_everything(running: Running) -> None:
    processes = psutil.Process(running.process.pid).children(recursive=True)
    assert len(processes) >= 4
    os.kill(running.process.pid, signal.SIGINT)
    running.process.wait(timeout=60)
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []
