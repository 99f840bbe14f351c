"""Starting a run at once: a webserver's part is played here, down, broken and working."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import claim
from sync_assets.server import run_launcher
from sync_assets.server.run_launcher import RunLauncher
from sync_assets.server.storage_webhooks import event_jobs
from sync_assets.settings import Settings
from sync_assets.settings.models import DagsterSettings
from sync_assets.settings.strm import StrmSettings
from sync_assets.strm import notify
from sync_assets_tests.server.process import free_port


class Webserver:
    """Answers as Dagster's webserver does, and remembers what it was asked."""

    def __init__(self) -> None:
        self.launched: list[dict[str, str]] = []
        self.active: list[dict[str, str]] = []
        self.answer: Callable[[dict], Any] = self.usual
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.dumps(outer.answer(json.loads(self.rfile.read(length)))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]

    def usual(self, asked: dict) -> Any:
        query, variables = asked["query"], asked["variables"]
        if "launchRun" in query:
            tags = variables["params"]["executionMetadata"]["tags"]
            self.launched.append({each["key"]: each["value"] for each in tags})
            return {"data": {"launchRun": {"__typename": "LaunchRunSuccess"}}}
        if "active" in query:
            return {"data": {"active": {"__typename": "Runs", "results": self.active}}}
        wanted = {each["key"]: each["value"] for each in variables["filter"]["tags"]}
        same = [{"runId": "x"} for tags in self.launched if tags == wanted]
        return {"data": {"same": {"__typename": "Runs", "results": same}}}


@pytest.fixture
def webserver() -> Iterator[Webserver]:
    webserver = Webserver()
    thread = threading.Thread(target=webserver.http.serve_forever)
    thread.start()
    yield webserver
    webserver.http.shutdown()
    thread.join()
    webserver.http.server_close()


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
