"""WebDAV answers that are unusual, broken or hostile."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from sync_assets.ledger import Ledger
from sync_assets.settings.strm_sources import WebDavSourceSettings
from sync_assets.strm.models import EntryKind
from sync_assets.strm.sources import (
    DirectoryUnavailableError,
    Source,
    SourceUnavailableError,
    open_source,
)
from sync_assets.strm.sources import pace as pace_module
from sync_assets_tests.upstreams.sockets import Received, Reply, SocketServer

COLLECTION = "<d:resourcetype><d:collection/></d:resourcetype>"
SELF = f"/dav/a%20b/|{COLLECTION}"


class WebDavServer(SocketServer):
    """Answers every request with the same reply."""

    def __init__(self) -> None:
        super().__init__()
        self.reply = Reply(b"")
        self.requests: list[Received] = []

    def answer(self, request: Received) -> Reply:
        self.requests.append(request)
        return self.reply

    def hold(self, *resources: str, status: str = "HTTP/1.1 200 OK") -> None:
        """Reply with resources, each an href and its properties."""
        parts = (resource.partition("|") for resource in resources)
        responses = "".join(
            f"<d:response><d:href>{href}</d:href><d:propstat><d:prop>{properties}</d:prop>"
            f"<d:status>{status}</d:status></d:propstat></d:response>"
            for href, _, properties in parts
        )
        self.send(f'<d:multistatus xmlns:d="DAV:">{responses}</d:multistatus>')

    def send(self, body: str) -> None:
        self.reply = Reply(body.encode(), 207, "application/xml")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebDavServer]:
    monkeypatch.setattr(pace_module, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(pace_module, "PAUSE_SECONDS", 0.01)
    with WebDavServer() as started:
        yield started


@pytest.fixture
def source(server: WebDavServer, sqlite_ledger: Ledger) -> Iterator[Source]:
    settings = WebDavSourceSettings(
        type="webdav",
        base_url=f"{server.url}/dav",
        username="alice",
        password=SecretStr("secret:ü"),
        retries=1,
    )
    with open_source(settings, sqlite_ledger) as opened:
        yield opened


def names(source: Source) -> list[str]:
    return [entry.name for entry in source.list_directory("a b")]


def test_whole_addresses_are_read_like_paths(server: WebDavServer, source: Source) -> None:
    server.hold(
        f"https://other.example/dav/a%20b|{COLLECTION}",
        "http://other.example/dav/a%20b/%E7%AC%AC%23%3F.mkv|"
        "<d:getcontentlength>7</d:getcontentlength>",
    )
    assert names(source) == ["第#?.mkv"]


def test_properties_that_a_server_could_not_give_do_not_count(
    server: WebDavServer, source: Source
) -> None:
    server.send(
        '<multistatus xmlns="DAV:"><response><href>/dav/a%20b/</href><propstat><prop>'
        "<resourcetype><collection/></resourcetype></prop><status>HTTP/1.1 200 OK</status>"
        "</propstat></response><response><href>/dav/a%20b/x</href>"
        "<propstat><prop><getcontentlength/><resourcetype><collection/></resourcetype></prop>"
        "<status>HTTP/1.1 404 Not Found</status></propstat>"
        "<propstat><prop><getlastmodified>Mon, 01 Jan 0001 00:00:00 GMT</getlastmodified></prop>"
        "<status>HTTP/1.1 200 OK</status></propstat></response>"
        "<response><href>/dav/a%20b/y</href><status>HTTP/1.1 403 Forbidden</status></response>"
        "</multistatus>"
    )
    known, unknown = source.list_directory("a b")
    assert (known.kind, known.size, known.modified_at) == (EntryKind.FILE, None, None)
    assert unknown.kind is EntryKind.UNREADABLE
    assert "403" in (unknown.error or "")


def test_a_name_that_is_not_utf8_is_unreadable(server: WebDavServer, source: Source) -> None:
    server.hold(SELF, "/dav/a%20b/%FF.mkv|")
    (entry,) = source.list_directory("a b")
    assert (entry.name, entry.kind) == ("\\xff.mkv", EntryKind.UNREADABLE)


@pytest.mark.parametrize(
    "resources",
    [
        [],
        ["/dav/a%20b/film.mkv|"],
        ["/dav/a%20b/|"],
        [SELF, "/dav/other/film.mkv|"],
        [SELF, "/dav/a%20b/deeper/film.mkv|"],
        [SELF, "/etc/passwd|"],
        [f"/dav/|{COLLECTION}", "/dav/film.mkv|"],
    ],
)
def test_an_answer_about_something_else_proves_nothing(
    server: WebDavServer, source: Source, resources: list[str]
) -> None:
    server.hold(*resources)
    with pytest.raises(DirectoryUnavailableError, match="/a b"):
        names(source)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html/>",
        '<d:multistatus xmlns:d="DAV:"><d:response>',
        '<!DOCTYPE x [<!ENTITY a "b">]><d:multistatus xmlns:d="DAV:">&a;</d:multistatus>',
    ],
)
def test_what_is_not_an_answer_is_asked_for_again_and_then_unavailable(
    server: WebDavServer, source: Source, body: str
) -> None:
    server.send(body)
    with pytest.raises(DirectoryUnavailableError, match="the answer"):
        names(source)
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [200, 301, 403, 404, 500])
def test_another_status_is_named(server: WebDavServer, source: Source, status: int) -> None:
    server.reply = Reply(b"", status, "text/plain")
    with pytest.raises(DirectoryUnavailableError, match=f"HTTP {status}"):
        names(source)


def test_a_page_that_forbids_one_folder_is_about_that_folder(
    server: WebDavServer, source: Source
) -> None:
    server.reply = Reply(b"<html>403 Forbidden</html>", 403, "text/html")
    with pytest.raises(DirectoryUnavailableError, match="HTTP 403"):
        names(source)


def test_an_address_that_is_not_one_of_webdav_is_told_at_once(
    server: WebDavServer, source: Source
) -> None:
    server.reply = Reply(b"", 405, "text/plain")
    with pytest.raises(SourceUnavailableError, match="not an address of WebDAV"):
        source.check()
    assert len(server.requests) == 1


@pytest.mark.parametrize("length", ["-1", "9" * 19, "9" * 5_000, "many", "1.5"])
def test_a_size_that_cannot_be_is_unknown(
    server: WebDavServer, source: Source, length: str
) -> None:
    server.hold(SELF, f"/dav/a%20b/x.mkv|<d:getcontentlength>{length}</d:getcontentlength>")
    (entry,) = source.list_directory("a b")
    assert entry.size is None


@pytest.mark.parametrize("status", [405, 429, 503])
def test_a_server_that_refuses_everything_ends_the_scan(
    server: WebDavServer, source: Source, status: int
) -> None:
    server.reply = Reply(b"", status, "text/plain")
    with pytest.raises(SourceUnavailableError, match=f"refuses requests .HTTP {status}"):
        names(source)


def test_a_password_is_sent_but_never_shown(server: WebDavServer, source: Source) -> None:
    server.reply = Reply(b"", 401, "text/html")
    with pytest.raises(SourceUnavailableError, match="alice") as caught:
        names(source)
    assert "secret" not in str(caught.value)
    assert server.requests[0].headers["authorization"] == "Basic YWxpY2U6c2VjcmV0OsO8"
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_a_clear_error(server: WebDavServer, source: Source) -> None:
    server.go_offline()
    with pytest.raises(SourceUnavailableError, match="cannot be reached: Connection refused"):
        source.check()
