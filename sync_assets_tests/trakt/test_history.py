"""The history against what users and networks do: nothing lost, nothing twice, in few requests."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from sync_assets.errors import SyncError
from sync_assets.lake import Lake
from sync_assets.trakt.account import AccountWork, Outcome
from sync_assets.trakt.activities import look, seen_in_run
from sync_assets.trakt.client import TraktClient
from sync_assets.trakt.history import follow, load, read_months
from sync_assets.trakt.models import Play
from sync_assets.trakt.tables import HISTORY
from sync_assets_tests.upstreams.trakt import TraktUpstream
from sync_assets_tests.upstreams.trakt_library import movie, show

WorkAt = Callable[..., AccountWork]


def sync(work: AccountWork) -> Outcome:
    return follow(work, look(work, "run"))


def live(work: AccountWork) -> dict[int, Play]:
    plays = load(work).plays.values()
    return {play.history_id: play for play in plays if play.removed_at is None}


def is_as_trakt_says(upstream: TraktUpstream, work: AccountWork) -> bool:
    theirs = {
        each["id"]: datetime.fromisoformat(each["watched_at"]) for each in upstream.library.plays
    }
    return theirs == {play.history_id: play.watched_at for play in live(work).values()}


def test_a_row_says_all_that_others_need(upstream: TraktUpstream, work_at: WorkAt) -> None:
    library = upstream.library
    history_id = library.watch(show(7), season=2, number=3)
    film_id = library.watch(movie(5))
    work = work_at()
    sync(work)
    assert live(work)[history_id] == Play(
        history_id=history_id,
        watched_at=datetime(2024, 1, 1, tzinfo=UTC),
        action="scrobble",
        media_type="episode",
        trakt=7,
        tmdb=60_007,
        tvdb=300_007,
        imdb="tt0000007",
        slug="show-7",
        title="Show 7",
        original_title="番組 7",
        year=2007,
        genres=("anime",),
        season=2,
        number=3,
        number_abs=15,
        episode_trakt=72_003,
        episode_tmdb=72_005,
        episode_tvdb=72_004,
        episode_title="Episode 3",
        first_aired=datetime(2024, 1, 22, tzinfo=UTC),
        aired_episodes=25,
        first_seen_at=library.now,
    )
    film = live(work)[film_id]
    assert (film.media_type, film.season, film.number) == ("movie", None, None)
    assert film.first_aired == datetime(2016, 8, 26, tzinfo=UTC)
    assert film.tvdb is None


def test_the_columns_of_the_lake_have_their_types(
    upstream: TraktUpstream, work_at: WorkAt, lake: Lake
) -> None:
    upstream.library.watch(movie(5))
    sync(work_at())
    schema = lake.table(HISTORY).schema
    types = {field.name: str(field.type) for field in schema}
    assert types["history_id"] == types["tvdb"] == types["season"] == "int64"
    assert types["watched_at"] == types["removed_at"] == "timestamp[us, tz=UTC]"
    assert types["genres"].startswith("list<")
    assert types["imdb"] == "string"


def test_nothing_new_is_one_request(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    upstream.library.fill(plays=300, shows=10)
    sync(work_at())
    outcome = sync(work_at())
    assert client.requests == 1
    assert outcome.numbers == {"added": 0, "changed": 0, "removed": 0}
    assert outcome.months == []


def test_the_first_sync_of_10000_plays_of_400_shows_takes_at_most_60_requests(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    upstream.library.fill(plays=10_000, shows=400)
    work = work_at()
    outcome = sync(work)
    assert outcome.numbers["added"] == 10_000
    # 41 pages, and whatever a busy machine makes the client ask twice.
    assert client.requests <= 60
    assert is_as_trakt_says(upstream, work)
    upstream.library.advance(hours=1)
    upstream.library.watch(show(5), season=9, number=9)
    sync(work_at())
    assert client.requests <= 5
    assert upstream.refused == 0


def test_plays_in_the_same_minute_are_told_apart(upstream: TraktUpstream, work_at: WorkAt) -> None:
    ids = {upstream.library.watch(show(1)) for _ in range(3)}
    work = work_at()
    sync(work)
    assert live(work).keys() == ids


def test_a_back_dated_play_is_found(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    library = upstream.library
    library.fill(plays=600, shows=10)
    sync(work_at())
    library.advance(days=1)
    library.watch(show(3), season=8, number=8, watched_at=datetime(2011, 3, 4, tzinfo=UTC))
    work = work_at()
    outcome = sync(work)
    assert (outcome.numbers["added"], outcome.months) == (1, ["2011-03"])
    assert is_as_trakt_says(upstream, work)


@pytest.mark.parametrize("year", [1970, 1999, 2009])
def test_a_play_older_than_the_first_month_is_kept_in_it(
    upstream: TraktUpstream, work_at: WorkAt, year: int
) -> None:
    upstream.library.watch(show(3), watched_at=datetime(year, 1, 1, tzinfo=UTC))
    work = work_at()
    assert sync(work).months == ["2010-01"]
    assert is_as_trakt_says(upstream, work)


def test_a_deleted_play_is_marked_and_never_lost(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    library = upstream.library
    library.fill(plays=600, shows=10)
    sync(work_at())
    library.advance(days=1)
    deleted = library.plays[100]["id"]
    library.remove(deleted)
    work = work_at()
    outcome = sync(work)
    assert outcome.numbers == {"added": 0, "changed": 0, "removed": 1}
    row = load(work).plays[deleted]
    assert row.removed_at == library.now
    assert row.first_seen_at < library.now
    assert is_as_trakt_says(upstream, work)


def test_an_addition_and_a_deletion_that_even_out_are_both_found(
    upstream: TraktUpstream, work_at: WorkAt
) -> None:
    library = upstream.library
    library.fill(plays=600, shows=10)
    sync(work_at())
    library.advance(days=1)
    library.remove(library.plays[50]["id"])
    library.watch(show(2), season=8, number=8, watched_at=datetime(2012, 1, 1, tzinfo=UTC))
    work = work_at()
    assert sync(work).numbers == {"added": 1, "changed": 0, "removed": 1}
    assert is_as_trakt_says(upstream, work)


def test_the_last_play_of_a_show_can_go(upstream: TraktUpstream, work_at: WorkAt) -> None:
    library = upstream.library
    library.fill(plays=600, shows=10)
    only = library.watch(show(99))
    film = library.watch(movie(1))
    sync(work_at())
    library.advance(days=1)
    library.remove(only)
    library.remove(film)
    work = work_at()
    assert sync(work).numbers["removed"] == 2
    assert is_as_trakt_says(upstream, work)


def test_a_play_that_was_moved_to_another_day_moves_to_its_month(
    upstream: TraktUpstream, work_at: WorkAt
) -> None:
    library = upstream.library
    library.fill(plays=600, shows=10)
    sync(work_at())
    library.advance(days=1)
    moved = library.plays[10]["id"]
    library.redate(moved, datetime(2015, 5, 5, tzinfo=UTC))
    work = work_at()
    outcome = sync(work)
    assert outcome.numbers == {"added": 0, "changed": 1, "removed": 0}
    assert outcome.months == ["2015-05", "2024-01"]
    rows = [play for month in load(work).months.values() for play in month]
    assert [play.history_id for play in rows].count(moved) == 1
    assert is_as_trakt_says(upstream, work)


def test_many_changes_lead_to_one_reading_of_everything(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    library = upstream.library
    library.fill(plays=600, shows=40)
    sync(work_at())
    library.advance(days=1)
    for number in range(1, 31):
        library.watch(show(number), season=9, number=1)
    work = work_at()
    assert sync(work).numbers["added"] == 30
    assert client.requests <= 6
    assert is_as_trakt_says(upstream, work)


def test_everything_is_read_anew_with_a_change_after_some_days(
    upstream: TraktUpstream, work_at: WorkAt
) -> None:
    library = upstream.library
    library.fill(plays=600, shows=10)
    sync(work_at())
    # Something that Trakt told nobody about.
    library.plays.pop(3)
    library.advance(days=8)
    assert sync(work_at()).numbers["removed"] == 0
    library.watch(show(3), season=8, number=8)
    work = work_at()
    assert sync(work).numbers == {"added": 1, "changed": 0, "removed": 1}
    assert is_as_trakt_says(upstream, work)


@pytest.mark.parametrize("fault", [503, "html", "cut", "unpaged", 423])
@pytest.mark.parametrize("skip", [0, 2])
def test_a_page_that_fails_moves_no_cursor_and_marks_nothing_removed(
    upstream: TraktUpstream, work_at: WorkAt, fault: str | int, skip: int
) -> None:
    library = upstream.library
    library.fill(plays=900, shows=10)
    upstream.fail(fault, "/sync/history", times=4, skip=skip)
    with pytest.raises(SyncError):
        sync(work_at())
    assert work_at().cursor("history") == {}
    upstream.faults.clear()
    work = work_at()
    sync(work)
    assert is_as_trakt_says(upstream, work)


def test_a_failure_while_following_a_change_moves_no_cursor(
    upstream: TraktUpstream, work_at: WorkAt
) -> None:
    library = upstream.library
    library.fill(plays=900, shows=10)
    sync(work_at())
    before = work_at().cursor("history")
    library.advance(days=1)
    library.watch(show(3), season=8, number=8)
    upstream.fail(503, "/sync/history/shows/3", times=4)
    with pytest.raises(SyncError):
        sync(work_at())
    assert work_at().cursor("history") == before
    work = work_at()
    sync(work)
    assert is_as_trakt_says(upstream, work)


def test_a_crash_between_the_lake_and_the_cursor_changes_nothing(
    upstream: TraktUpstream, work_at: WorkAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.library.fill(plays=300, shows=10)

    class CrashError(Exception):
        pass

    def crash(*_: object) -> None:
        raise CrashError

    work = work_at()
    activities = look(work, "run")
    with monkeypatch.context() as patched:
        patched.setattr(AccountWork, "move", crash)
        with pytest.raises(CrashError):
            follow(work, activities)
    again = work_at()
    assert sync(again).numbers == {"added": 0, "changed": 0, "removed": 0}
    assert is_as_trakt_says(upstream, again)


def test_a_crash_between_two_months_loses_no_play(
    upstream: TraktUpstream, work_at: WorkAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = upstream.library
    library.fill(plays=900, shows=10)
    sync(work_at())
    library.advance(days=1)
    moved = library.plays[10]["id"]
    library.redate(moved, datetime(2015, 5, 5, tzinfo=UTC))

    class CrashError(Exception):
        pass

    written = []
    write = Lake.write

    def write_one(self: Lake, *arguments: object, **options: object) -> object:
        if written:
            raise CrashError
        written.append(options["partition"])
        return write(self, *arguments, **options)  # ty: ignore[invalid-argument-type]

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "write", write_one)
        with pytest.raises(CrashError):
            sync(work_at())
    assert written == ["alice|2015-05"]
    work = work_at()
    assert moved in live(work)
    sync(work)
    rows = [play for month in load(work).months.values() for play in month]
    assert [play.history_id for play in rows].count(moved) == 1
    assert is_as_trakt_says(upstream, work)


def test_one_broken_item_is_named_and_the_others_go_on(
    upstream: TraktUpstream, work_at: WorkAt
) -> None:
    library = upstream.library
    library.fill(plays=5, shows=5)
    sync(work_at())
    library.advance(days=1)
    broken = library.plays[2]
    del broken["episode"]["number"]
    added = library.watch(show(50))
    work = work_at()
    outcome = sync(work)
    (failure,) = outcome.failures
    assert str(broken["id"]) in failure
    assert outcome.numbers == {"added": 1, "changed": 0, "removed": 0}
    assert {added, broken["id"]} <= live(work).keys()
    assert work.cursor("history")["episodes"] != library.activities["episodes"]["watched_at"]


def test_months_are_read_in_one_go_and_only_they(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    library = upstream.library
    library.fill(plays=2_000, shows=10)
    work = work_at()
    outcome = read_months(work, ["2024-02", "2024-03"])
    assert outcome.months == ["2024-02", "2024-03"]
    expected = {
        each["id"] for each in library.plays if each["watched_at"][:7] in {"2024-02", "2024-03"}
    }
    assert live(work).keys() == expected
    assert client.requests <= 5
    assert work.cursor("history") == {}


def test_a_month_that_is_read_anew_loses_what_was_deleted_and_nothing_else(
    upstream: TraktUpstream, work_at: WorkAt
) -> None:
    library = upstream.library
    library.fill(plays=2_000, shows=10)
    sync(work_at())
    (deleted, *_) = [e["id"] for e in library.plays if e["watched_at"].startswith("2024-02")]
    library.remove(deleted)
    work = work_at()
    assert read_months(work, ["2024-02"]).numbers == {"added": 0, "changed": 0, "removed": 1}
    assert is_as_trakt_says(upstream, work)


def test_all_months_of_a_new_account_are_one_span(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    upstream.library.fill(plays=600, shows=10)
    months = [f"{year}-{month:02d}" for year in range(2010, 2026) for month in range(1, 13)]
    work = work_at()
    read_months(work, months)
    assert client.requests == 3
    assert is_as_trakt_says(upstream, work)


def test_a_run_looks_once(upstream: TraktUpstream, work_at: WorkAt) -> None:
    work = work_at()
    seen = look(work, "this run")
    assert seen_in_run(work, "this run") == seen
    assert seen_in_run(work, "another run") is None


def test_a_run_long_after_the_last_change_is_still_one_request(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    upstream.library.watch(show(1))
    sync(work_at())
    upstream.library.now += timedelta(days=100)
    sync(work_at())
    assert client.requests == 1
