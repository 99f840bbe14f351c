"""Media servers are told of exactly what changed, once, whatever fails in between."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.settings.strm import LocalSourceSettings, MediaServerSettings, StrmJobSettings
from sync_assets.strm.announcements import (
    MAXIMUM_PATHS,
    ChangeKind,
    coalesced,
    pending_announcement,
)
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.media_server import MediaServer, MediaServerError
from sync_assets.strm.pipeline import clean_orphans, list_source, tell_media_servers, write_tree
from sync_assets_tests.support.media import write_media
from sync_assets_tests.upstreams.media_server import (
    API_KEY,
    MediaServerStandIn,
    running_media_server,
)


@pytest.fixture
def server() -> Iterator[MediaServerStandIn]:
    with running_media_server() as running:
        yield running


def settings(server: MediaServerStandIn, **changes) -> MediaServerSettings:
    values: dict[str, Any] = {"base_url": server.url, "api_key": API_KEY, "timeout_seconds": 5}
    return MediaServerSettings(**(values | changes))


@pytest.fixture
def job(tmp_path: Path, sqlite_ledger: Ledger, server: MediaServerStandIn) -> Iterator[JobRun]:
    write_media(tmp_path / "media", [f"剧 {number}/a.mkv" for number in range(20)])
    strm = StrmJobSettings(
        source=LocalSourceSettings(path=tmp_path / "media"),
        output=tmp_path / "library",
        url_template="http://nas/{path}",
    )
    servers = {"jellyfin": settings(server, paths={str(tmp_path): "/mnt"})}
    with hold_lease(sqlite_ledger, "strm", purpose="test") as lease:
        yield JobRun("movies", strm, lease, sqlite_ledger, Lake(tmp_path / "lake"), servers)


def sync(job: JobRun) -> None:
    list_source(job)
    write_tree(job)
    clean_orphans(job)


def test_exactly_the_changed_files_are_told_and_only_once(
    job: JobRun, server: MediaServerStandIn, tmp_path: Path
) -> None:
    sync(job)
    assert tell_media_servers(job).numbers == {"announced": 20, "requests": 1}
    server.updates.clear()
    sync(job)
    assert tell_media_servers(job).numbers == {"announced": 0, "requests": 0}
    shutil.rmtree(tmp_path / "media" / "剧 3")
    write_media(tmp_path / "media", ["new.mkv"])
    sync(job)
    tell_media_servers(job)
    assert sorted(server.updates) == [
        ("/mnt/library/new.strm", "Modified"),
        ("/mnt/library/剧 3/a.strm", "Deleted"),
    ]


def test_what_a_server_could_not_be_told_is_told_with_the_next_run(
    job: JobRun, server: MediaServerStandIn
) -> None:
    sync(job)
    server.faults = [401]
    result = tell_media_servers(job)
    assert [(each.item, each.error) for each in result.failures] == [
        ("jellyfin", "The media server 'jellyfin' answered 401.")
    ]
    assert pending_announcement(job.ledger, job.name) is not None
    assert tell_media_servers(job).failures == []
    assert len(server.updates) == 20


def test_a_passing_fault_is_tried_again_and_a_lasting_one_given_up(
    server: MediaServerStandIn,
) -> None:
    waits: list[float] = []
    client = MediaServer("emby", settings(server), sleep=waits.append)
    server.faults = [503, 429]
    assert client.announce("/out", {"a.strm": ChangeKind.WRITTEN}) == 3
    server.faults = [500, 500, 500]
    with pytest.raises(MediaServerError, match="answered 500"):
        client.announce("/out", {"a.strm": ChangeKind.WRITTEN})
    assert waits == [2.0, 4.0, 2.0, 4.0]


def test_a_server_that_is_away_is_named_without_its_key(server: MediaServerStandIn) -> None:
    away = settings(server, base_url="http://127.0.0.1:1")
    with pytest.raises(MediaServerError, match="'emby' cannot be reached") as caught:
        MediaServer("emby", away, sleep=lambda _: None).announce("/out", {"": ChangeKind.WRITTEN})
    assert API_KEY not in str(caught.value)
    assert API_KEY not in repr(away)


def test_the_longest_mapping_wins_on_whole_segments(server: MediaServerStandIn) -> None:
    paths = {"/srv": "/a", "/srv/library": "/b/"}
    client = MediaServer("emby", settings(server, paths=paths))
    assert client.path_there("/srv/library/movies") == "/b/movies"
    assert client.path_there("/srv/library") == "/b"
    assert client.path_there("/srv/library2") == "/a/library2"
    assert client.path_there("/other") == "/other"


def test_very_many_files_become_folders_that_cover_them() -> None:
    few = {f"{n}.strm": ChangeKind.DELETED for n in range(MAXIMUM_PATHS)}
    assert coalesced(few) == few
    many = {f"show {n % 30}/{n}.strm": ChangeKind.WRITTEN for n in range(5_000)}
    assert set(coalesced(many)) == {f"show {n}" for n in range(30)}
    flat = {f"{n}.strm": ChangeKind.WRITTEN for n in range(5_000)}
    assert coalesced(flat) == {"": ChangeKind.WRITTEN}
    deep = {f"{n}/x/y/{n}.strm": ChangeKind.WRITTEN for n in range(5_000)}
    assert coalesced(deep) == {"": ChangeKind.WRITTEN}


def test_without_a_server_nothing_is_kept(job: JobRun) -> None:
    alone = JobRun(job.name, job.settings, job.lease, job.ledger, job.lake)
    sync(alone)
    assert pending_announcement(job.ledger, job.name) is None
    assert tell_media_servers(alone).numbers == {"announced": 0, "requests": 0}
