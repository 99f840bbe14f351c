"""The server as a process: power loss, streams over HTTP, and how it stops."""

import json
import random
import sqlite3
import threading

import httpx
import pytest
import uvloop

from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.tokens import Scope
from sync_assets_tests.benchmarks.load import Orders, send_load
from sync_assets_tests.benchmarks.server import measure
from sync_assets_tests.server.process import running_server

WEBHOOK = "/api/v1/webhook/generic"
ROUNDS = 8


def stored_ids(home) -> list[str]:
    connection = sqlite3.connect(home / "ledger.db")
    rows = connection.execute("SELECT event_id FROM inbox_events").fetchall()
    connection.close()
    return [event_id for (event_id,) in rows]


@pytest.mark.end_to_end
def test_power_losses_under_load_lose_no_acknowledged_event(tmp_path, ingest):
    token = ingest["Authorization"].removeprefix("Bearer ")
    moments = random.Random(20)
    acknowledged: list[str] = []
    unacknowledged: list[str] = []
    for number in range(ROUNDS):
        with running_server(tmp_path) as server:
            power_loss = threading.Timer(moments.uniform(0.05, 0.4), server.kill)
            power_loss.start()
            orders = Orders(server.port, token, seconds=30, prefix=f"round-{number}")
            outcome = uvloop.run(send_load(orders))
            power_loss.join()
        acknowledged += outcome.acknowledged
        unacknowledged += outcome.unacknowledged
    before = set(stored_ids(tmp_path))
    assert len(acknowledged) >= ROUNDS
    assert set(acknowledged) <= before

    with running_server(tmp_path) as server, httpx.Client(base_url=server.url) as client:
        # Senders send again whatever was not acknowledged, and sometimes what was.
        for event_id in [*unacknowledged, *acknowledged[-20:]]:
            answer = client.post(WEBHOOK, headers=ingest, json={"id": event_id})
            assert answer.json() == {"id": event_id, "duplicate": event_id in before}
    after = stored_ids(tmp_path)
    assert len(after) == len(set(after))
    assert set(after) == set(acknowledged) | set(unacknowledged)


def read_ids(lines, count: int) -> list[int]:
    ids: list[int] = []
    for line in lines:
        if line.startswith("id: "):
            ids.append(int(line[4:]))
            if len(ids) == count:
                break
    return ids


@pytest.mark.end_to_end
def test_a_stream_resumes_by_its_header_even_after_a_power_loss(tmp_path, ledger, headers_for):
    headers = headers_for(Scope.USER)
    with ledger.write() as connection:
        append_events(connection, [Event("item", str(n)) for n in range(9)])
    with running_server(tmp_path) as server:
        with httpx.stream("GET", f"{server.url}/api/events?after=0", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            assert read_ids(answer.iter_lines(), 4) == [1, 2, 3, 4]
        server.kill()
    with running_server(tmp_path) as server:
        # The address still says ?after=0, as that of a browser that reconnects does.
        resumed = {**headers, "Last-Event-ID": "4"}
        url = f"{server.url}/api/events?after=0&entity=item"
        with httpx.stream("GET", url, headers=resumed) as answer:
            lines = answer.iter_lines()
            assert read_ids(lines, 6) == [5, 6, 7, 8, 9, 10]
            with ledger.write() as connection:
                append_events(connection, [Event("other", "1"), Event("item", "new")])
            assert read_ids(lines, 1) == [12]


@pytest.mark.end_to_end
def test_it_stops_by_itself_while_streams_are_open(tmp_path, headers_for):
    headers = headers_for(Scope.ADMIN)
    with running_server(tmp_path) as server:
        url = f"{server.url}/api/events"
        with (
            httpx.stream("GET", url, headers=headers) as first,
            httpx.stream("GET", url, headers=headers) as second,
        ):
            streams = [first.iter_lines(), second.iter_lines()]
            assert [next(lines) for lines in streams] == [": connected"] * 2
            server.process.terminate()
            for lines in streams:
                # Ends as a whole answer, not as a broken connection.
                assert list(lines) == [""]
        server.process.wait(timeout=60)
        log = server.log.read_text()
    assert "Application shutdown complete" in log
    assert "Cancel" not in log
    assert "Traceback" not in log


@pytest.mark.end_to_end
def test_a_wrong_configuration_ends_it_with_the_remedy_and_no_traceback(tmp_path):
    with (
        pytest.raises(RuntimeError) as failure,
        running_server(tmp_path, {"SYNC_SERVER__PRT": "1"}),
    ):
        pass
    assert "SYNC_SERVER__PORT" in str(failure.value)
    assert "Traceback" not in str(failure.value)


@pytest.mark.end_to_end
def test_a_ledger_that_cannot_be_opened_ends_it_with_the_remedy_and_no_traceback(tmp_path):
    (tmp_path / "ledger.db").write_text("this is no database, but a text of some length " * 50)
    with pytest.raises(RuntimeError) as failure, running_server(tmp_path):
        pass
    assert "restore a backup" in str(failure.value)
    assert "Traceback" not in str(failure.value)


@pytest.mark.end_to_end
def test_the_benchmark_counts_what_is_really_stored(tmp_path):
    figures = measure(tmp_path, seconds=0.5, warm_up_seconds=0.1, baseline_seconds=0.1)
    assert figures.stored_events >= figures.events > 0
    assert figures.refused == 0
    assert figures.baseline_events_per_second > 0
    json.dumps(vars(figures))
