"""What users can cause reaches the public network and what is allowed, by every way."""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sync_assets.ledger import Ledger
from sync_assets.relay import downloads, enqueue
from sync_assets.relay.models import API_SOURCE, WATCHLIST_SOURCE, DownloadKind
from sync_assets.relay.worker import drive
from sync_assets.settings import Settings
from sync_assets.settings.watchlist import WatchlistSettings
from sync_assets_tests.relay.conftest import Relay
from sync_assets_tests.upstreams.origin import OriginServer

FILM = b"\x1a\x45\xdf\xa3" + bytes(70_000)


SOURCES = {
    API_SOURCE: "relay.allowed_private_hosts",
    WATCHLIST_SOURCE: "watchlist.allowed_private_hosts",
}


@pytest.fixture(params=SOURCES)
def source(relay: Relay, request: pytest.FixtureRequest) -> str:
    """Return a source that may reach the origin by its name; its number is not allowed."""
    allowed = {"allowed_private_hosts": ("localhost",)}
    if request.param == API_SOURCE:
        relay.options = allowed
    else:
        relay.watchlist = WatchlistSettings.model_validate(allowed)
    return request.param


def by_name(origin: OriginServer, path: str) -> str:
    return f"http://localhost:{urlsplit(origin.url).port}{path}"


def test_what_is_allowed_comes_through_the_proxy(
    relay: Relay, origin: OriginServer, source: str
) -> None:
    origin.add("/film.mkv", FILM)
    download_id = relay.add(by_name(origin, "/film.mkv"), source=source)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.completed_bytes) == ("completed", len(FILM))


def test_what_one_source_may_reach_the_other_may_not(
    relay: Relay, origin: OriginServer, source: str
) -> None:
    (other,) = set(SOURCES) - {source}
    origin.add("/film.mkv", FILM)
    download_id = relay.add(by_name(origin, "/film.mkv"), source=other)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", "private_address")
    assert origin.requests == []


def test_a_private_address_is_given_up_without_a_connection(
    relay: Relay, origin: OriginServer, source: str
) -> None:
    link = origin.add("/film.mkv", FILM)
    download_id = relay.add(link, source=source)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", "private_address")
    assert SOURCES[source] in row.reason
    assert origin.requests == []


def test_a_redirect_into_a_private_network_is_not_followed(
    relay: Relay, origin: OriginServer, source: str
) -> None:
    secret = origin.add("/secret.mkv", FILM)
    origin.add("/film.mkv", FILM)
    origin.fail("/film.mkv", "status", times=100, status=302, headers={"Location": secret})
    download_id = relay.add(by_name(origin, "/film.mkv"), source=source)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", "private_address")
    assert origin.count("/film.mkv") >= 1
    assert origin.count("/secret.mkv") == 0


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_no_other_proxy_leads_past_the_guard(
    relay: Relay,
    origin: OriginServer,
    source: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    origin.add("/film.mkv", FILM)
    with OriginServer() as other:
        monkeypatch.setenv(variable, other.url)
        download_id = relay.add(by_name(origin, "/film.mkv"), source=source)
        relay.run()
        assert relay.row(download_id).state == "completed"
        assert other.requests == []


def test_the_worker_has_the_guards(
    sqlite_ledger: Ledger, tmp_path: Path, origin: OriginServer
) -> None:
    link = origin.add("/film.mkv", FILM)
    with sqlite_ledger.write() as connection:
        ids = [
            enqueue(connection, source=source, key=source, link=link).download_id
            for source in SOURCES
        ]
    relay = {"enabled": True, "download_directory": tmp_path / "downloads"}
    settings = Settings.model_validate({"home": tmp_path / "home", "relay": relay})
    drive(settings, sqlite_ledger, run_id=None)
    with sqlite_ledger.read() as connection:
        found = [downloads.get(connection, each).reason_code for each in ids]
    assert found == ["private_address"] * 2
    assert origin.requests == []


def test_nor_is_one_to_a_torrents_file(relay: Relay, origin: OriginServer, source: str) -> None:
    secret = origin.add("/secret.torrent", b"d4:infode")
    origin.fail("/film.torrent", "status", times=100, status=302, headers={"Location": secret})
    download_id = relay.add(
        by_name(origin, "/film.torrent"), source=source, kind=DownloadKind.TORRENT
    )
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", "private_address")
    assert origin.count("/secret.torrent") == 0


def test_what_comes_from_elsewhere_is_trusted(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add("/film.mkv", FILM))
    relay.run()
    assert relay.row(download_id).state == "completed"


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "http://localhost/"), ("CONNECT", "localhost"), ("CONNECT", "[::"), ("", "")],
)
def test_the_proxy_does_nothing_but_connect(relay: Relay, method: str, target: str) -> None:
    with relay.worker() as worker:
        address = urlsplit(worker._reach._proxies[API_SOURCE].url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        connection.putrequest(method or "X", target or "/", skip_host=True)
        connection.endheaders()
        assert connection.getresponse().status == 400
        connection.close()
