"""Ratings and collection: read where they changed, kept where something is gone."""

from collections.abc import Callable

import pytest

from sync_assets.errors import SyncError
from sync_assets.trakt.account import AccountWork, Outcome
from sync_assets.trakt.activities import look
from sync_assets.trakt.client import TraktClient
from sync_assets.trakt.snapshots import COLLECTION, RATINGS, Snapshot, follow
from sync_assets_tests.upstreams.trakt import TraktUpstream
from sync_assets_tests.upstreams.trakt_library import movie, show

WorkAt = Callable[..., AccountWork]


def sync(work: AccountWork, snapshot: Snapshot) -> Outcome:
    return follow(work, look(work, "run"), snapshot)


def rows(work: AccountWork, snapshot: Snapshot) -> dict:
    return {row.key: row for row in snapshot.table.read(work.lake, work.name)}


def test_ratings_of_all_kinds_are_read(upstream: TraktUpstream, work_at: WorkAt) -> None:
    library = upstream.library
    library.rate("movie", movie(1), 7)
    library.rate("show", show(2), 8)
    library.rate("season", show(2), 9, season=3)
    library.rate("episode", show(2), 10, season=3, number=4)
    work = work_at()
    sync(work, RATINGS)
    found = rows(work, RATINGS)
    assert {key: row.rating for key, row in found.items()} == {
        ("movie", 900_001, None, None): 7,
        ("show", 2, None, None): 8,
        ("season", 2, 3, None): 9,
        ("episode", 2, 3, 4): 10,
    }
    assert found["season", 2, 3, None].title == "Show 2"
    assert found["season", 2, 3, None].tmdb == 60_002


def test_a_changed_and_a_removed_rating_are_found_with_two_requests(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    library = upstream.library
    for number in range(3):
        library.rate("show", show(number + 1), 5)
    library.rate("movie", movie(1), 5)
    sync(work_at(), RATINGS)
    library.advance(hours=1)
    library.rate("show", show(1), 9)
    library.unrate("show", show(2))
    work = work_at()
    outcome = sync(work, RATINGS)
    assert outcome.numbers == {"added": 0, "changed": 1, "removed": 1}
    assert client.requests == 2
    assert rows(work, RATINGS)["show", 2, None, None].removed_at == library.now
    library.advance(hours=1)
    library.rate("show", show(2), 6)
    work = work_at()
    assert sync(work, RATINGS).numbers["added"] == 1
    assert rows(work, RATINGS)["show", 2, None, None].removed_at is None


def test_many_ratings_are_read_to_the_last_page(upstream: TraktUpstream, work_at: WorkAt) -> None:
    for number in range(1, 301):
        upstream.library.rate("show", show(number), 5)
    work = work_at()
    sync(work, RATINGS)
    assert len(rows(work, RATINGS)) == 300


def test_the_collection_has_films_and_episodes(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    library = upstream.library
    library.collect(movie(1))
    for number in (1, 2):
        library.collect(show(4), season=1, number=number)
    work = work_at()
    sync(work, COLLECTION)
    assert rows(work, COLLECTION).keys() == {
        ("movie", 900_001, None, None),
        ("episode", 4, 1, 1),
        ("episode", 4, 1, 2),
    }
    assert client.requests == 3
    library.advance(hours=1)
    library.uncollect(show(4), season=1, number=2)
    work = work_at()
    assert sync(work, COLLECTION).numbers == {"added": 0, "changed": 0, "removed": 1}
    assert client.requests == 2


def test_nothing_new_is_no_request_beyond_the_look(
    upstream: TraktUpstream, work_at: WorkAt, client: TraktClient
) -> None:
    upstream.library.rate("show", show(1), 5)
    for snapshot in (RATINGS, COLLECTION):
        sync(work_at(), snapshot)
        sync(work_at(), snapshot)
        assert client.requests == 1


def test_a_section_that_fails_moves_no_cursor_and_removes_nothing(
    upstream: TraktUpstream, work_at: WorkAt
) -> None:
    library = upstream.library
    library.rate("show", show(1), 5)
    sync(work_at(), RATINGS)
    before = work_at().cursor("ratings")
    library.advance(hours=1)
    library.unrate("show", show(1))
    library.rate("movie", movie(1), 5)
    upstream.fail(503, "/sync/ratings/movies", times=4)
    with pytest.raises(SyncError):
        sync(work_at(), RATINGS)
    work = work_at()
    assert work.cursor("ratings") == before
    sync(work, RATINGS)
    assert rows(work, RATINGS)["show", 1, None, None].removed_at == library.now


def test_a_broken_item_removes_nothing_and_keeps_the_cursor(
    upstream: TraktUpstream, work_at: WorkAt
) -> None:
    library = upstream.library
    library.rate("show", show(1), 5)
    library.rate("show", show(2), 5)
    sync(work_at(), RATINGS)
    library.advance(hours=1)
    library.unrate("show", show(1))
    library.ratings[0]["show"] = {"title": "No ids"}
    work = work_at()
    outcome = sync(work, RATINGS)
    assert len(outcome.failures) == 1
    assert outcome.numbers["removed"] == 0
    assert work.cursor("ratings")["shows"] != library.activities["shows"]["rated_at"]
