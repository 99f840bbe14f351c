"""Episodes that Trakt says are watched show as such."""

from datetime import UTC, datetime
from pathlib import Path

from sync_assets.catalog.compiling import Compiled, SourcedLink
from sync_assets.catalog.index_writing import write_index
from sync_assets.catalog.models import (
    Link,
    Namespace,
    Provider,
    Subject,
    Target,
    Work,
    WorkKind,
)
from sync_assets.lake import Lake
from sync_assets.trakt.models import Play
from sync_assets.trakt.tables import HISTORY_TABLE
from sync_assets.watchlist.watched import mark_watched
from sync_assets_tests.watchlist.watching import Watching

WATCHED = datetime(2026, 11, 1, 20, tzinfo=UTC)


def play(number: int, season: int = 1, removed_at: datetime | None = None) -> Play:
    return Play(
        history_id=number,
        watched_at=WATCHED,
        action="scrobble",
        media_type="episode",
        trakt=300,
        tmdb=100,
        tvdb=None,
        imdb=None,
        slug=None,
        title="Hoshizora",
        original_title=None,
        year=2026,
        genres=(),
        season=season,
        number=number,
        number_abs=None,
        episode_trakt=None,
        episode_tmdb=None,
        episode_tvdb=None,
        episode_title=None,
        first_aired=None,
        aired_episodes=None,
        first_seen_at=WATCHED,
        removed_at=removed_at,
    )


def write_catalogue(path: Path) -> Path:
    """Let subject 12 be the show's episodes from 13 on."""
    work = Work(Provider.TMDB, WorkKind.SHOW, "100")
    link = Link(Target(Namespace.BANGUMI, 12), work, 1, 13, 24, 1)
    write_index(path, Compiled({12: Subject(12, "x")}, [SourcedLink(link, "test")]), [])
    return path


def test_a_second_cour_is_found_in_the_show(watching: Watching, tmp_path: Path) -> None:
    watching.publish("/show", *(f"[A] Hoshizora - {number} (1080p).mkv" for number in (13, 14, 15)))
    item_id = watching.add(
        title="Hoshizora S2", numbering_offset=-12, catalog_key="bangumi:12", auto_download=False
    )
    other = watching.add("/show", owner="bob", auto_download=False)
    watching.run()
    lake = Lake(tmp_path / "lake")
    plays = [play(1), play(13), play(15, removed_at=WATCHED)]
    HISTORY_TABLE.write(lake, "main|2026-11", plays)
    index = write_catalogue(tmp_path / "index.sqlite")
    assert mark_watched(watching.ledger, lake, ["main"], index) == {item_id}
    watched = {number: row.watched_at for number, row in watching.rows(item_id).items()}
    assert watched == {"1": WATCHED, "2": None, "3": None}
    assert {row.watched_at for row in watching.rows(other).values()} == {None}
    assert mark_watched(watching.ledger, lake, ["main"], index) == set()


def test_of_several_accounts_each_is_its_users(watching: Watching, tmp_path: Path) -> None:
    watching.publish("/show", "[A] Hoshizora - 01 (1080p).mkv")
    item_id = watching.add(catalog_key="bangumi:12", auto_download=False)
    watching.run()
    lake = Lake(tmp_path / "lake")
    HISTORY_TABLE.write(lake, "bob|2026-11", [play(13)])
    index = write_catalogue(tmp_path / "index.sqlite")
    assert mark_watched(watching.ledger, lake, ["alice", "bob"], index) == set()
    HISTORY_TABLE.write(lake, "alice|2026-11", [play(13)])
    assert mark_watched(watching.ledger, lake, ["alice", "bob"], index) == {item_id}


def test_without_a_catalogue_nothing_is_said(watching: Watching, tmp_path: Path) -> None:
    watching.publish("/show", "[A] Hoshizora - 01 (1080p).mkv")
    watching.add(catalog_key="bangumi:12")
    watching.run()
    missing = tmp_path / "none.sqlite"
    assert mark_watched(watching.ledger, Lake(tmp_path), ["main"], missing) == set()
