"""Torrents with the real aria2c; a web seed gives their content, so that no peer is needed."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from sync_assets import relay as relay_domain
from sync_assets.ops.tools import TOOLS
from sync_assets.relay.links import LinkError, parse_link
from sync_assets.relay.models import DownloadKind, DownloadState, ReasonCode
from sync_assets.relay.torrents import TorrentError, infohash
from sync_assets_tests.relay.conftest import Relay
from sync_assets_tests.upstreams.origin import LOGIN_PAGE, OriginServer
from sync_assets_tests.upstreams.swarm import swarm

CONTENT = hashlib.sha256(b"episode").digest() * 4_000
PIECE = 16_384


def bencode(value: Any) -> bytes:
    match value:
        case int():
            return b"i%de" % value
        case str():
            return bencode(value.encode())
        case bytes():
            return b"%d:%s" % (len(value), value)
        case list():
            return b"l" + b"".join(map(bencode, value)) + b"e"
        case dict():
            pairs = sorted(value.items())
            return b"d" + b"".join(bencode(key) + bencode(each) for key, each in pairs) + b"e"
    raise TypeError(value)


def make_info(files: dict[str, bytes], name: str) -> dict[str, Any]:
    content = b"".join(files.values())
    pieces = [content[at : at + PIECE] for at in range(0, len(content), PIECE)]
    digests = b"".join(hashlib.sha1(piece).digest() for piece in pieces)
    info: dict[str, Any] = {"name": name, "piece length": PIECE, "pieces": digests}
    if list(files) == [name]:
        return info | {"length": len(content)}
    entries = [{"length": len(each), "path": [path]} for path, each in files.items()]
    return info | {"files": entries}


def make_torrent(origin: OriginServer, files: dict[str, bytes], name: str) -> bytes:
    """Make a torrent, and serve its content as a web seed (BEP 19)."""
    is_single = list(files) == [name]
    for path, content in files.items():
        origin.add(f"/seed/{path}" if is_single else f"/seed/{name}/{path}", content)
    seed = f"{origin.url}/seed/"
    return bencode({"info": make_info(files, name), "url-list": seed, "comment": "a test"})


def want(relay: Relay, **what: Any) -> int:
    with relay.ledger.write() as connection:
        return relay_domain.enqueue(connection, source="test", **what).download_id


def test_a_torrent_of_one_file(relay: Relay, origin: OriginServer) -> None:
    torrent = make_torrent(origin, {"a.mkv": CONTENT}, "a.mkv")
    download_id = want(relay, torrent=torrent)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, Path(row.path).name) == ("completed", "a.mkv")
    assert Path(row.path).read_bytes() == CONTENT


def test_a_torrent_of_several_files_is_a_folder(relay: Relay, origin: OriginServer) -> None:
    files = {"a.mkv": CONTENT, "b.srt": b"text"}
    download_id = want(relay, torrent=make_torrent(origin, files, "Show"))
    relay.run()
    row = relay.row(download_id)
    assert (row.state, Path(row.path).name) == ("completed", "Show")
    assert row.total_bytes == len(CONTENT) + 4
    assert {each.name: each.read_bytes() for each in Path(row.path).iterdir()} == files


def test_an_address_of_a_torrent_is_fetched_first(relay: Relay, origin: OriginServer) -> None:
    torrent = make_torrent(origin, {"a.mkv": CONTENT}, "a.mkv")
    download_id = want(relay, link=origin.add("/a.torrent", torrent))
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.media_infohash) == ("completed", infohash(torrent))


def test_the_same_torrent_from_two_addresses_is_downloaded_once(
    relay: Relay, origin: OriginServer
) -> None:
    torrent = make_torrent(origin, {"a.mkv": CONTENT}, "a.mkv")
    first = want(relay, link=origin.add("/a.torrent", torrent))
    second = want(relay, link=origin.add("/b.torrent", torrent))
    relay.run()
    states = {relay.row(each).state for each in (first, second)}
    assert states == {DownloadState.COMPLETED, DownloadState.FAILED}
    (failed,) = [row for row in map(relay.row, (first, second)) if row.state == "failed"]
    assert failed.reason_code == ReasonCode.DUPLICATE_TORRENT
    assert want(relay, torrent=torrent) in (first, second)


def test_an_address_that_gives_no_torrent(relay: Relay, origin: OriginServer) -> None:
    download_id = want(relay, link=origin.add("/a.torrent", LOGIN_PAGE))
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", ReasonCode.BAD_TORRENT)


def test_a_torrent_goes_on_under_its_gid_after_aria2_was_killed(
    relay: Relay, origin: OriginServer
) -> None:
    torrent = make_torrent(origin, {"a.mkv": CONTENT}, "a.mkv")
    origin.resources["/seed/a.mkv"].bytes_per_second = 100_000
    download_id = want(relay, torrent=torrent)
    gid = relay.row(download_id).gid
    relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    relay.kill_aria2()
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.gid) == ("completed", gid)
    assert Path(row.path).read_bytes() == CONTENT


def test_an_infohash_is_that_of_the_info_as_it_is_written() -> None:
    info = make_info({"a": b"x"}, "a")
    torrent = b"d4:info" + bencode(info) + b"8:url-listl3:abc3:defee"
    assert infohash(torrent) == hashlib.sha1(bencode(info)).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"d",
        b"de",
        LOGIN_PAGE,
        b"d4:info3:abce",
        b"i5e",
        b"l" * 10_000,
        b"d4:infod4:name1:aee",
        b"d4:infod6:pieces-5:abcee",
        b"d4:infod6:pieces9999999999:abcee",
        bencode({"info": {"pieces": b""}}) + b"more",
    ],
)
def test_what_is_no_torrent_is_refused(content: bytes) -> None:
    with pytest.raises(TorrentError):
        infohash(content)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://host/a.mkv", DownloadKind.HTTP),
        ("HTTP://host/a.TORRENT?x=1", DownloadKind.TORRENT),
        ("magnet:?dn=x&xt=urn:btih:" + "A" * 40, DownloadKind.MAGNET),
        ("magnet:?xt=urn:btih:" + "A" * 32, DownloadKind.MAGNET),
    ],
)
def test_a_links_kind(text: str, kind: DownloadKind) -> None:
    assert parse_link(text).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://host/a",
        "file:///etc/passwd",
        "http://",
        "http://[::1",
        "magnet:?xt=urn:btmh:1220" + "a" * 64,
        "magnet:?dn=x",
        "http://host/a b",
        "http://host/\n--out=x",
        "http://host/" + "a" * 9_000,
    ],
)
def test_a_link_that_nobody_can_download_is_refused(text: str) -> None:
    with pytest.raises(LinkError):
        parse_link(text)


def test_two_ways_to_write_one_magnet_are_one() -> None:
    digest = bytes(range(20))
    base32 = base64.b32encode(digest).decode()
    first = parse_link(f"magnet:?xt=urn:btih:{digest.hex().upper()}")
    assert first.key == parse_link(f"magnet:?xt=urn:btih:{base32.lower()}&tr=x").key


def test_a_magnet_becomes_its_content_under_its_own_gid(relay: Relay, tmp_path: Path) -> None:
    seeded = tmp_path / "seeded"
    seeded.mkdir()
    (seeded / "a.mkv").write_bytes(CONTENT)
    torrent = bencode({"info": make_info({"a.mkv": CONTENT}, "a.mkv")})
    digest = infohash(torrent)
    with swarm(TOOLS["aria2c"].installed, seeded, torrent) as announce:
        download_id = want(relay, link=f"magnet:?xt=urn:btih:{digest}&tr={announce}")
        gid = relay.row(download_id).gid
        relay.run(seconds=60)
    row = relay.row(download_id)
    assert (row.state, row.gid, row.media_infohash) == ("completed", gid, digest), row.reason
    assert Path(row.path).read_bytes() == CONTENT
