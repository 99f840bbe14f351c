"""`/ws` in a real server: nothing lost, nothing without a token, nobody in the way of others."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import Event, append_events, last_event_id
from sync_assets.ledger.tokens import Scope, revoke_token
from sync_assets.relay import downloads, enqueue
from sync_assets.relay.models import DownloadState
from sync_assets.settings import Settings
from sync_assets_tests.server.live_client import live_client
from sync_assets_tests.server.process import RunningServer, running_server

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home) -> Iterator[RunningServer]:
    """One server for most of these tests: each has its own token and its own download."""
    with running_server(home) as running:
        yield running


@pytest.fixture
def settings(home) -> Settings:
    return Settings(home=home)


@pytest.fixture
def link(request) -> str:
    return f"http://93.184.216.34/{request.node.name}.mkv"


@pytest.fixture
def user(headers_for) -> dict[str, str]:
    return dict(headers_for(Scope.USER))


def append(ledger: Ledger, count: int) -> None:
    with ledger.write() as connection:
        append_events(connection, [Event("item", str(n)) for n in range(count)])


def newest(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return last_event_id(connection)


def plain(headers: dict[str, str]) -> str:
    return headers["Authorization"].removeprefix("Bearer ")


def close_code(connection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            connection.recv(timeout=60)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_a_download_is_followed_from_its_arrival_to_its_end(server, ledger, user, link):
    with live_client(server.url, user) as client:
        with ledger.write() as connection:
            download_id = enqueue(connection, source="test", link=link).download_id
        arrived = client.receive_until(type="download", id=download_id)
        with ledger.read() as connection:
            row = downloads.get(connection, download_id)
        assert arrived == {
            "type": "download",
            "gid": row.gid,
            "id": download_id,
            "status": "pending",
            "completed": 0,
            "total": None,
            "speed": 0,
        }
        with ledger.write() as connection:
            started = downloads.Move(row, DownloadState.DOWNLOADING, columns={"total_bytes": 1_000})
            downloads.move(connection, [started], run_id=None)
        client.receive_until(type="download", status="downloading", total=1_000)
        before = newest(ledger)
        for completed in (100, 200, 300):
            with ledger.write() as connection:
                downloads.set_progress(
                    connection, download_id, completed_bytes=completed, bytes_per_second=7
                )
        client.receive_until(type="download", completed=300, speed=7)
        assert newest(ledger) == before, "progress is no history"
        numbers = client.receive_until(type="statistics")
        assert numbers["downloads"]["states"]["downloading"] >= 1
        with ledger.write() as connection:
            row = downloads.get(connection, download_id)
            downloads.complete(
                connection, [downloads.Finished(row, "/f", 1_000, None)], run_id=None
            )
        ended = client.receive_until(type="download", status="completed")
        assert (ended["completed"], ended["speed"]) == (1_000, 0)


def test_who_comes_later_learns_at_once_what_is_under_way(server, ledger, user, link):
    with ledger.write() as connection:
        download_id = enqueue(connection, source="test", link=link).download_id
        row = downloads.get(connection, download_id)
        started = downloads.Move(row, DownloadState.DOWNLOADING, columns={"completed_bytes": 5})
        downloads.move(connection, [started], run_id=None)
    for _ in range(2):
        with live_client(server.url, user) as client:
            client.receive_until(type="download", id=download_id, completed=5)
            assert "statistics" in {update["type"] for update in client.updates}


def test_nothing_is_lost_over_reconnections_while_others_write(server, ledger, user):
    total = 2_000

    def write_on() -> None:
        for _ in range(total // 20):
            append(ledger, 20)

    first = newest(ledger)
    writer = threading.Thread(target=write_on)
    writer.start()
    seen, cursor = [], first
    while not seen or seen[-1] < first + total:
        # Each connection breaks after a few batches, without a farewell.
        with live_client(server.url, user, after=cursor) as client:
            for _ in range(3):
                client.receive()
                if client.cursor >= first + total:
                    break
            client.connection.socket.shutdown(socket.SHUT_RDWR)
            seen += client.event_ids
            cursor = client.cursor
    writer.join()
    assert seen == list(range(first + 1, first + total + 1))


def test_it_resumes_after_the_server_was_killed(home, ledger, user):
    with running_server(home) as server:
        with live_client(server.url, user) as client:
            append(ledger, 3)
            while len(client.event_ids) < 3:
                client.receive()
            server.kill()
    append(ledger, 4)
    with running_server(home) as server:
        with live_client(server.url, user, after=client.cursor) as resumed:
            while len(resumed.event_ids) < 4:
                resumed.receive()
    assert resumed.event_ids == list(range(client.cursor + 1, client.cursor + 5))


def test_a_filter_and_no_transfers(server, ledger, user, link):
    with live_client(server.url, user, entity="other", transfers=False) as client:
        with ledger.write() as connection:
            enqueue(connection, source="test", link=link)
            append_events(connection, [Event("other", "1")])
        client.receive()
        assert [update["entity"] for update in client.updates] == ["other"]


def test_a_client_of_another_history_is_told_so(server, ledger, user):
    with live_client(server.url, user, after=10**6) as client:
        assert client.first == {"type": "reset", "last_event_id": newest(ledger)}


def test_the_token_may_be_in_the_first_message(server, ledger, user):
    with live_client(server.url, None, token=plain(user)) as client:
        assert client.first["type"] == "ready"


@pytest.mark.parametrize(
    ("scope", "token", "code"),
    [
        (None, None, 4401),
        (None, "sync_000000000000_" + "A" * 43, 4401),
        (Scope.INGEST, None, 4403),
    ],
)
def test_without_the_right_token_it_is_closed(server, headers_for, scope, token, code):
    headers = dict(headers_for(scope)) if scope else None
    address = server.url.replace("http", "ws") + "/ws"
    with connect(address, additional_headers=headers) as connection:
        connection.send(json.dumps({"type": "subscribe", "token": token}))
        assert close_code(connection) == code


def test_a_token_in_the_address_is_no_token_and_is_in_no_log(server, user):
    address = f"{server.url.replace('http', 'ws')}/ws?token={plain(user)}"
    with connect(address) as connection:
        connection.send('{"type": "subscribe"}')
        assert close_code(connection) == 4401
    assert plain(user) not in server.log.read_text()


@pytest.mark.parametrize(
    "first", ["", "{", '{"type": "other"}', '{"type": "subscribe", "after": -1}']
)
def test_a_first_message_that_is_none_is_closed(server, user, first):
    address = server.url.replace("http", "ws") + "/ws"
    with connect(address, additional_headers=user) as connection:
        connection.send(first)
        assert close_code(connection) == 1008


def test_a_client_that_goes_on_speaking_is_closed(server, user):
    with live_client(server.url, user) as client:
        client.connection.send("hello?")
        assert close_code(client.connection) == 1008


def test_a_page_of_another_site_is_refused(server, user):
    address = server.url.replace("http", "ws") + "/ws"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, additional_headers=user, origin=Origin("https://evil.example"))
    assert refused.value.response.status_code == 403
    with connect(address, additional_headers=user, origin=Origin(server.url)) as connection:
        connection.send('{"type": "subscribe"}')
        assert json.loads(connection.recv())["type"] == "ready"


def test_a_revoked_token_ends_it(server, ledger, user):
    with live_client(server.url, user) as client:
        with ledger.write() as connection:
            revoke_token(connection, plain(user).split("_")[1])
        assert close_code(client.connection) == 4401


def test_a_server_that_stops_says_so(home, user):
    with running_server(home) as server, live_client(server.url, user) as client:
        server.process.terminate()
        assert close_code(client.connection) == 1012
        server.process.wait(timeout=60)
    assert "Traceback" not in server.log.read_text()
