"""What users want starts a run at once."""

import time
from collections.abc import Callable, Iterator

import pytest

from sync_assets.settings import Settings
from sync_assets_tests.server.dagster_webserver import Webserver, running_webserver
from sync_assets_tests.server.transfers.conftest import PUBLIC


@pytest.fixture
def webserver() -> Iterator[Webserver]:
    with running_webserver() as running:
        yield running


@pytest.fixture
def settings(settings: Settings, webserver: Webserver) -> Settings:
    dagster = settings.dagster.model_copy(update={"port": webserver.port})
    return settings.model_copy(update={"dagster": dagster})


def wait_until(happened: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError


def test_a_link_starts_a_run_and_a_run_at_work_is_enough(api, webserver):
    api.post("/api/media", json={"link": f"{PUBLIC}/1.mkv"})
    wait_until(lambda: len(webserver.launched) == 1)
    assert webserver.launched[0]["dagster/sensor_name"] == "relay_sync_sensor"
    asked = []
    webserver.active = [{"runId": "x", "status": "STARTED"}]
    usual = webserver.answer
    webserver.answer = lambda query: asked.append(query) or usual(query)
    api.post("/api/media", json={"link": f"{PUBLIC}/2.mkv"})
    wait_until(lambda: bool(asked))
    assert len(webserver.launched) == 1


def test_a_retry_starts_a_run_too(api, transfers, webserver):
    download_id = transfers.add("film.mkv")
    transfers.fail(download_id)
    api.post(f"/api/downloads/{download_id}/retry")
    wait_until(lambda: len(webserver.launched) == 1)
