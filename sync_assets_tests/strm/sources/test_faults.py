"""What goes wrong at a server never deletes anything that is still there, and the rest is synced.

The numbers in the names are those of the traps in the research on STRM tools.
"""

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from urllib.request import urlopen

import pytest
from pydantic import SecretStr

from sync_assets.errors import SyncError
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease, hold_lease
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.settings.strm_sources import OpenListSourceSettings
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.listing import listing_table
from sync_assets.strm.pipeline import clean_orphans, list_and_write, write_tree
from sync_assets.strm.sources import SourceUnavailableError
from sync_assets.strm.sources import pace as pace_module
from sync_assets_tests.support.media import DIFFICULT_NAMES, tree_of
from sync_assets_tests.upstreams.openlist import OpenListServer

SHOWS = 20
EPISODES = 5


@dataclass
class Library:
    """A job on a stand-in of OpenList, in which everything is below /drive/Shows."""

    server: OpenListServer
    output: Path
    ledger: Ledger
    lake: Lake
    lease: Lease
    source: dict[str, Any] = field(default_factory=dict)
    name: str = "shows"

    @property
    def job(self) -> JobRun:
        source: dict[str, Any] = {
            "type": "openlist",
            "base_url": self.server.url,
            "path": "/Shows",
            "username": "alice",
            "password": SecretStr("wonderland"),
            "connections": 4,
            "timeout_seconds": 0.5,
            "retries": 2,
        }
        settings = StrmJobSettings(
            source=OpenListSourceSettings(**(source | self.source)), output=self.output
        )
        return JobRun(self.name, settings, self.lease, self.ledger, self.lake)

    def sync(self, **options: Any) -> dict[str, int]:
        """Do what a full run does; return all numbers."""
        numbers: dict[str, int] = {"failed": 0}
        for result in (*list_and_write(self.job), clean_orphans(self.job, **options)):
            numbers |= result.numbers
            numbers["failed"] += len(result.failures)
        return numbers

    def links(self) -> dict[str, str]:
        """Return what each .strm file leads to, relative to the source, by its path."""
        before = f"{self.server.url}/d/drive/Shows/"
        return {
            path: unquote(content.decode().removeprefix(before).partition("?sign=")[0])
            for path, content in tree_of(self.output).items()
        }


@pytest.fixture
def library(
    tmp_path: Path, sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Library]:
    """Twenty shows of five episodes, synced once."""
    monkeypatch.setattr(pace_module, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(pace_module, "PAUSE_SECONDS", 0.02)
    with (
        OpenListServer(base_path="/drive") as server,
        hold_lease(sqlite_ledger, "strm", purpose="test") as lease,
    ):
        for show in range(SHOWS):
            for episode in range(EPISODES):
                server.add(
                    f"/drive/Shows/Show {show}/{episode}.mkv",
                    modified=f"2026-01-{show + 1:02}T00:00:{episode:02}Z",
                )
        made = Library(server, tmp_path / "library", sqlite_ledger, Lake(tmp_path / "lake"), lease)
        assert made.sync()["created"] == SHOWS * EPISODES
        yield made
        for path in tmp_path.rglob("*.strm"):
            assert path.is_relative_to(tmp_path / "library")


def change_the_rest(library: Library) -> None:
    """Add an episode and remove one, in shows that no fault is about."""
    library.server.add("/drive/Shows/Show 18/new.mkv")
    library.server.remove("/drive/Shows/Show 19/0.mkv")


def assert_only_the_rest_changed(library: Library, before: dict[str, bytes]) -> None:
    after = tree_of(library.output)
    assert set(after) - set(before) == {"Show 18/new.strm"}
    assert set(before) - set(after) == {"Show 19/0.strm"}


@pytest.mark.parametrize("kind", ["code500", "reset", "truncated", "short", "hang"])
def test_trap_1_and_8_a_folder_that_fails_is_kept_and_the_rest_is_synced(
    library: Library, kind: str
) -> None:
    before = tree_of(library.output)
    change_the_rest(library)
    library.server.remove("/drive/Shows/Show 3/1.mkv")
    library.server.fail(kind, "/drive/Shows/Show 3", seconds=3)
    numbers = library.sync()
    assert (numbers["failed"], numbers["deleted"], numbers["protected"]) == (1, 1, EPISODES)
    assert_only_the_rest_changed(library, before)


@pytest.mark.parametrize("kind", ["code500", "reset", "truncated", "short", "hang", "slow"])
def test_a_fault_that_passes_costs_a_request_and_nothing_else(library: Library, kind: str) -> None:
    library.server.fail(kind, "/drive/Shows/Show 3", times=1, seconds=0.8)
    numbers = library.sync()
    assert (numbers["failed"], numbers["unchanged"]) == (0, SHOWS * EPISODES)


def test_trap_2_an_empty_root_where_there_were_files_changes_nothing(library: Library) -> None:
    before = tree_of(library.output)
    library.server.fail("empty", "/drive/Shows")
    with pytest.raises(SourceUnavailableError, match="100 of its files"):
        library.sync()
    clean_orphans(library.job)
    assert tree_of(library.output) == before


def test_trap_1_a_root_that_fails_says_why_and_changes_nothing(library: Library) -> None:
    before = tree_of(library.output)
    library.server.fail("code500", "/drive/Shows")
    with pytest.raises(SourceUnavailableError, match="context deadline exceeded"):
        library.sync()
    assert tree_of(library.output) == before


def test_trap_3_half_a_listing_is_synced_and_deletes_nothing(library: Library) -> None:
    before = tree_of(library.output)
    change_the_rest(library)
    library.server.add("/drive/Shows/Show 3/-1.mkv")
    show = library.server.root.children["drive"].children["Shows"].children["Show 3"]
    show.children = dict(sorted(show.children.items()))
    library.server.fail("partial", "/drive/Shows/Show 3")
    numbers = library.sync()
    assert (numbers["failed"], numbers["deleted"]) == (1, 1)
    after = tree_of(library.output)
    assert set(after) - set(before) == {"Show 18/new.strm", "Show 3/-1.strm"}
    assert set(before) - set(after) == {"Show 19/0.strm"}


def test_trap_3_half_of_the_root_is_synced_and_deletes_nothing(library: Library) -> None:
    library.server.add("/drive/Shows/Show 2/new.mkv")
    library.server.fail("partial", "/drive/Shows")
    numbers = library.sync()
    assert (numbers["created"], numbers["deleted"], numbers["waiting"]) == (1, 0, 0)
    assert len(library.links()) == SHOWS * EPISODES + 1


@pytest.mark.parametrize("times", [1, 1e9])
def test_trap_3_pages_that_shift_are_read_again_or_protected(
    library: Library, times: float
) -> None:
    before = tree_of(library.output)
    change_the_rest(library)
    library.source["page_size"] = 2
    library.server.fail("shifting", "/drive/Shows/Show 3", times=3 * times)
    numbers = library.sync()
    assert (numbers["failed"], numbers["deleted"]) == (times > 1, 1)
    assert_only_the_rest_changed(library, before)


def test_trap_5_a_drive_that_is_down_behind_its_mounts_deletes_nothing(library: Library) -> None:
    for number in range(2):
        path = f"/drive/Shows/Mounted {number}"
        library.server.add(path, None, mounted=True)
        library.server.add(f"{path}/film.mkv")
    assert library.sync()["created"] == 2
    before = tree_of(library.output)
    library.server.add("/drive/Shows/Mounted 1/new.mkv")
    library.server.fail("silent_partial", "/drive/Shows")
    numbers = library.sync(approved_plan="whatever it is")
    assert (numbers["failed"], numbers["deleted"], numbers["waiting"]) == (0, 0, 0)
    assert numbers["protected"] == SHOWS * EPISODES
    assert set(tree_of(library.output)) - set(before) == {"Mounted 1/new.strm"}


def test_trap_5_without_a_word_about_mounts_the_limits_hold(library: Library) -> None:
    before = tree_of(library.output)
    for show in range(1, SHOWS):
        library.server.remove(f"/drive/Shows/Show {show}")
    numbers = library.sync()
    assert (numbers["deleted"], numbers["waiting"]) == (0, (SHOWS - 1) * EPISODES)
    assert tree_of(library.output) == before


@pytest.mark.parametrize("kind", ["html405", "html", "ban_message", "429"])
def test_trap_6_a_ban_ends_the_scan_soon_and_changes_nothing(library: Library, kind: str) -> None:
    before = tree_of(library.output)
    scanned_at = listed_at(library)
    change_the_rest(library)
    library.server.fail(kind, "/drive/Shows/Show 1*")
    library.server.statistics.listed.clear()
    with pytest.raises(SourceUnavailableError, match=r"refuses|web page") as caught:
        library.sync()
    assert "requests_per_second" in caught.value.remedy
    assert listed_at(library) == scanned_at
    assert tree_of(library.output) == before
    assert len(library.server.statistics.listed) < 60


def listed_at(library: Library):
    batches = library.lake.batches(listing_table.ASSET, partition="shows", columns=["scanned_at"])
    return listing_table.scan_time(batches)


@pytest.mark.parametrize("kind", ["html405", "html", "ban_message", "429"])
def test_trap_6_a_guard_that_relents_is_waited_for(library: Library, kind: str) -> None:
    library.server.fail(kind, times=2, seconds=0)
    numbers = library.sync()
    assert (numbers["failed"], numbers["unchanged"]) == (0, SHOWS * EPISODES)


def test_trap_6_retry_after_holds_all_connections_for_so_long(library: Library) -> None:
    library.server.fail("429", "/drive/Shows/Show 3", times=1, seconds=1)
    started_at = time.monotonic()
    assert library.sync()["failed"] == 0
    assert time.monotonic() - started_at > 1
    times = library.server.statistics.times
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) > 0.9


def test_trap_6_a_very_long_retry_after_is_not_waited_for(library: Library) -> None:
    library.server.fail("429", seconds=3_600)
    started_at = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="429"):
        library.sync()
    assert time.monotonic() - started_at < 5


def test_trap_6_the_rate_is_kept_without_a_burst(library: Library) -> None:
    library.source["requests_per_second"] = 40
    library.server.queries_per_second = 44
    numbers = library.sync()
    assert (numbers["failed"], numbers["requests"]) == (0, SHOWS + 4)


@pytest.mark.parametrize("how", ["restart", "401"])
def test_trap_7_a_token_that_ends_during_the_scan_is_renewed_once(
    library: Library, how: str
) -> None:
    logins = library.server.statistics.requests
    before = logins["/api/auth/login"]
    if how == "401":
        library.server.fail("401", "/drive/Shows/Show 5", times=1)
    else:
        library.server.latency_seconds = 0.05
        threading.Timer(0.15, library.server.restart).start()
    numbers = library.sync()
    assert (numbers["failed"], numbers["unchanged"]) == (0, SHOWS * EPISODES)
    assert logins["/api/auth/login"] - before == 2


def test_trap_7_a_server_that_never_takes_a_new_token_is_not_stormed(library: Library) -> None:
    library.server.fail("401")
    before = library.server.statistics.requests["/api/auth/login"]
    with pytest.raises(SourceUnavailableError, match="does not let alice in"):
        library.sync()
    assert library.server.statistics.requests["/api/auth/login"] - before == 2


def test_trap_7_a_locked_login_is_tried_once(library: Library) -> None:
    library.server.fail("login_locked")
    before = library.server.statistics.requests["/api/auth/login"]
    with pytest.raises(SourceUnavailableError, match="Too many") as caught:
        library.sync()
    assert library.server.statistics.requests["/api/auth/login"] - before == 1
    assert "wonderland" not in str(caught.value)


def test_trap_7_a_static_token_cannot_be_renewed(library: Library) -> None:
    token = SecretStr("openlist-static-token")
    library.source |= {"username": None, "password": None, "token": token}
    assert library.sync()["unchanged"] == SHOWS * EPISODES
    library.source["token"] = SecretStr("mistaken")
    with pytest.raises(SourceUnavailableError, match="the token") as caught:
        library.sync()
    assert "mistaken" not in str(caught.value)


def test_trap_8_a_server_that_hangs_altogether_ends_the_scan(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "UNANSWERED", 4)
    before = tree_of(library.output)
    library.source |= {"timeout_seconds": 0.1}
    library.server.fail("hang", "/drive/Shows/*", seconds=1)
    with pytest.raises(SourceUnavailableError, match="4 requests in a row"):
        library.sync()
    assert tree_of(library.output) == before


def test_trap_8_a_server_that_goes_away_during_the_scan_changes_nothing(
    library: Library,
) -> None:
    before = tree_of(library.output)
    library.server.latency_seconds = 0.05
    threading.Timer(0.1, library.server.go_offline).start()
    with pytest.raises(SourceUnavailableError, match="cannot be reached"):
        library.sync()
    assert tree_of(library.output) == before


def test_trap_7_a_server_that_restarts_during_the_scan_is_waited_for(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "PAUSE_SECONDS", 0.3)
    library.server.latency_seconds = 0.05

    def restart() -> None:
        library.server.go_offline()
        library.server.restart()
        time.sleep(0.3)
        library.server.listen()

    thread = threading.Timer(0.1, restart)
    thread.start()
    numbers = library.sync()
    thread.join()
    assert (numbers["failed"], numbers["unchanged"]) == (0, SHOWS * EPISODES)


@pytest.mark.parametrize("others", [0, 3])
def test_trap_11_a_folder_that_shows_the_root_again_is_not_walked_for_ever(
    library: Library, others: int
) -> None:
    library.name = "whole"
    library.output /= "whole"
    library.source["path"] = library.server.base_path = "/"
    library.server.add("/drive/Shows/Show 3/Extras/extra.mkv")
    for number in range(others):
        library.server.add(f"/Other {number}/film.mkv", modified="2026-05-05T00:00:00Z")
        library.server.add(f"/Other {number}", None, modified=f"2026-06-0{number + 1}T00:00:00Z")
    library.sync()
    before = library.links()
    library.server.fail("root", "/drive/Shows/Show 3/Extras*")
    library.server.statistics.listed.clear()
    numbers = library.sync()
    assert (numbers["failed"], numbers["deleted"], numbers["created"]) == (1, 0, 0)
    assert library.links() == before
    assert len(library.server.statistics.listed) < SHOWS + 10


def test_every_difficult_name_of_openlist_plays(library: Library) -> None:
    names = [name for name in DIFFICULT_NAMES if "\\" not in name and name != ".strm.mkv"]
    for name in names:
        path = f"/drive/Shows/進撃 #1?/50% +/{name}"
        library.server.add(path)
        library.server.content[path] = name.encode()
    numbers = library.sync()
    assert (numbers["created"], numbers["failed"]) == (len(names), 0)
    played = {play(file) for file in (library.output / "進撃 #1?" / "50% +").iterdir()}
    assert played == set(names)


def play(file: Path) -> str:
    with urlopen(file.read_text()) as answer:
        return answer.read().decode()


def test_a_backslash_in_a_name_is_one_failure_that_says_why(library: Library) -> None:
    library.server.add("/drive/Shows/Show 3/back\\slash.mkv")
    numbers = library.sync()
    assert (numbers["failed"], numbers["unchanged"]) == (1, SHOWS * EPISODES)


def test_trap_20_a_name_that_is_not_unicode_is_one_failure(library: Library) -> None:
    library.server.add("/drive/Shows/Show 3/half \ud83d.mkv")
    numbers = library.sync()
    assert (numbers["failed"], numbers["unchanged"]) == (1, SHOWS * EPISODES)


def test_trap_30_a_signature_that_differs_in_every_listing_rewrites_nothing(
    library: Library,
) -> None:
    for path in library.output.rglob("*.strm"):
        path.unlink()
    library.server.link_expiration_seconds = 30 * 24 * 3600
    now = time.time()
    library.server.clock = lambda: now
    assert library.sync()["created"] == SHOWS * EPISODES
    library.server.clock = lambda: now + 3600
    assert library.sync()["unchanged"] == SHOWS * EPISODES
    assert play(library.output / "Show 3" / "0.strm")


def test_trap_30_a_link_that_never_ends_stays_when_others_begin_to(library: Library) -> None:
    library.server.link_expiration_seconds = 3600
    assert library.sync()["unchanged"] == SHOWS * EPISODES
    assert play(library.output / "Show 3" / "0.strm")


def test_trap_30_a_signature_is_renewed_before_it_ends(library: Library) -> None:
    for path in library.output.rglob("*.strm"):
        path.unlink()
    library.server.link_expiration_seconds = 12 * 3600
    assert library.sync()["created"] == SHOWS * EPISODES
    library.server.link_expiration_seconds = 48 * 3600
    assert library.sync()["updated"] == SHOWS * EPISODES
    assert library.sync()["updated"] == 0


def test_trap_30_a_new_key_of_openlist_signs_every_link_anew_once(library: Library) -> None:
    library.server.reset_key()
    assert library.sync()["updated"] == SHOWS * EPISODES
    assert library.sync()["updated"] == 0
    assert play(library.output / "Show 3" / "0.strm")


def test_a_listing_of_an_older_version_is_refused_only_where_it_lacks_what_is_needed(
    library: Library,
) -> None:
    stored = library.lake.table(listing_table.ASSET, partition="shows")
    older = stored.drop_columns(["sign", "link_root"])
    library.lake.write(listing_table.ASSET, older, partition="shows")
    assert clean_orphans(library.job).numbers["deleted"] == 0
    with pytest.raises(SyncError, match="last listing"):
        write_tree(library.job)
