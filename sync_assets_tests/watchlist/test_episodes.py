"""Episodes and releases: one of each number, exactly, whatever order they come in."""

from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError

from sync_assets.ledger import IllegalTransitionError, StateConflictError, UnknownSubjectError
from sync_assets.ledger.schema import watchlist_episodes
from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.numbering import EpisodeNumber, UnusableNumberError
from sync_assets.watchlist.store import episode_wishes, episodes, releases
from sync_assets.watchlist.store.episode_wishes import EpisodeNotPossibleError
from sync_assets.watchlist.store.episodes import SeenEpisode
from sync_assets.watchlist.titles import EpisodeKind
from sync_assets_tests.watchlist.building import add_item, numbered, release


@pytest.fixture
def item(ledger):
    with ledger.write() as connection:
        return add_item(connection)


def see(ledger, item, *numbers: EpisodeNumber, **fields) -> list[int]:
    with ledger.write() as connection:
        return episodes.see(connection, item, [SeenEpisode(number, **fields) for number in numbers])


def test_new_is_what_was_not_had_and_not_what_is_greater(ledger, item):
    assert len(see(ledger, item, numbered("12"), numbered("1"))) == 2
    assert len(see(ledger, item, numbered("12"), numbered("7"), numbered("12.5"))) == 2
    assert see(ledger, item, numbered("1"), numbered("12.50"), numbered("07")) == []
    with ledger.read() as connection:
        found = [row.number for row in episodes.of_item(connection, item.id)]
    assert found == [Decimal(1), Decimal(7), Decimal(12), Decimal("12.5")]


def test_a_season_a_kind_and_their_absence_tell_episodes_apart(ledger, item):
    different = [
        numbered("1", season=1),
        numbered("1", season=2),
        numbered("1", season=None),
        numbered("1", season=0),
        numbered("1", kind=EpisodeKind.SPECIAL),
        numbered(None, season=None, kind=EpisodeKind.MOVIE),
        numbered("0"),
        numbered("0.5"),
    ]
    assert len(see(ledger, item, *different, *different)) == len(different)
    assert see(ledger, item, *different) == []


def test_numbers_come_back_exactly(ledger, item):
    exact = ["0", "12.5", "0.001", "99999999", "1100"]
    ids = see(ledger, item, *(numbered(number) for number in exact))
    with ledger.read() as connection:
        assert [str(episodes.get(connection, each).number) for each in ids] == exact


@pytest.mark.parametrize("number", ["-1", "NaN", "Infinity", "1e9", "1e400", "0.0001"])
def test_what_is_no_number_is_refused(number):
    with pytest.raises(UnusableNumberError):
        numbered(number)


@pytest.mark.parametrize("season", [-1, 10_000])
def test_what_is_no_season_is_refused(season):
    with pytest.raises(UnusableNumberError):
        numbered("1", season=season)


def test_an_extra_is_no_episode():
    with pytest.raises(UnusableNumberError):
        numbered("1", kind=EpisodeKind.EXTRA)


def test_what_is_known_later_is_added_and_what_is_known_stays(ledger, item):
    (episode,) = see(ledger, item, numbered("1"))
    see(ledger, item, numbered("1"), title="The \x00Beginning\ud800", state=EpisodeState.WANTED)
    see(ledger, item, numbered("1"), title="Another")
    with ledger.read() as connection:
        row = episodes.get(connection, episode)
    assert (row.title, row.state) == ("The Beginning", "found")


def test_an_episode_is_another_users_or_items_secret(ledger, item):
    (episode,) = see(ledger, item, numbered("1"))
    with ledger.read() as connection:
        assert episodes.owned(connection, "alice", item.id, episode)
        for owner, item_id in (("bob", item.id), ("alice", item.id + 1)):
            with pytest.raises(UnknownSubjectError):
                episodes.owned(connection, owner, item_id, episode)


def test_the_way_of_an_episode_to_the_disk(ledger, item):
    (episode,) = see(ledger, item, numbered("1"), state=EpisodeState.WANTED)
    with ledger.write() as connection:
        episodes.move(connection, episode, EpisodeState.QUEUED, run_id="run")
        assert episodes.open_count(connection, "alice") == 1
        assert episodes.open_count(connection, "bob") == 0
        with pytest.raises(StateConflictError):
            episodes.move(
                connection,
                episode,
                EpisodeState.DOWNLOADED,
                expected={EpisodeState.DOWNLOADING},
            )
        for wish in (episode_wishes.want, episode_wishes.skip, episode_wishes.retry):
            with pytest.raises(EpisodeNotPossibleError):
                wish(connection, episodes.get(connection, episode))
        episodes.move(connection, episode, EpisodeState.FAILED, reason="gone")
        row = episode_wishes.retry(connection, episodes.get(connection, episode))
        assert (row.state, row.reason, row.attempts) == ("wanted", None, 0)
        with pytest.raises(IllegalTransitionError):
            episodes.move(connection, episode, EpisodeState.DOWNLOADED)
    with pytest.raises(DatabaseError), ledger.write() as connection:
        # Downloaded, and no file: the database refuses it whoever says so.
        episodes.move(connection, episode, EpisodeState.QUEUED)
        episodes.move(connection, episode, EpisodeState.DOWNLOADED)


def test_the_database_refuses_a_leap(ledger, item):
    (episode,) = see(ledger, item, numbered("1"), state=EpisodeState.EXPECTED)
    with pytest.raises(DatabaseError), ledger.write() as connection:
        connection.execute(
            update(watchlist_episodes)
            .where(watchlist_episodes.c.id == episode)
            .values(state="downloading")
        )


def test_a_skipped_episode_can_be_wanted_after_all(ledger, item):
    (episode,) = see(ledger, item, numbered("1"))
    with ledger.write() as connection:
        row = episode_wishes.skip(connection, episodes.get(connection, episode))
        assert row.state == "skipped"
        assert episode_wishes.skip(connection, row).state == "skipped"
        assert episode_wishes.want(connection, row).state == "wanted"


def test_a_release_that_comes_again_brings_only_its_fresh_link(ledger, item):
    with ledger.write() as connection:
        assert releases.remember(connection, item.id, [release("a", numbered("1"))]) == 1
        again = [
            release("a", numbered("1"), link="https://fresh.example/", name="Renamed"),
            release("b", numbered("2"), name="\x00name", release_group="g\ud800"),
        ]
        assert releases.remember(connection, item.id, again) == 1
        first, second = releases.of_item(connection, item.id)
    assert (first.link, first.name) == ("https://fresh.example/", "[Group] Show a")
    assert (second.name, second.release_group) == ("name", "g")


def test_releases_of_an_episode_are_those_of_its_season_number_and_kind(ledger, item):
    offered = [
        release("a", numbered("2")),
        release("v2", numbered("2"), version=2),
        release("other season", numbered("2", season=2)),
        release("no season", numbered("2", season=None)),
        release("special", numbered("2", kind=EpisodeKind.SPECIAL)),
        release("batch", numbered("1"), numbered("12.5")),
        release("film", numbered(None, season=None, kind=EpisodeKind.MOVIE)),
    ]
    with ledger.write() as connection:
        releases.remember(connection, item.id, offered)

        def keys(number: EpisodeNumber, *, with_batches: bool = False) -> list[str]:
            rows = releases.of_episode(connection, item.id, number, with_batches=with_batches)
            return [row.key for row in rows]

        assert keys(numbered("2")) == ["a", "v2"]
        assert keys(numbered("2"), with_batches=True) == ["a", "v2", "batch"]
        assert keys(numbered("12.5"), with_batches=True) == ["batch"]
        assert keys(numbered("13"), with_batches=True) == []
        assert keys(numbered("2", season=None)) == ["no season"]
        assert keys(numbered(None, season=None, kind=EpisodeKind.MOVIE)) == ["film"]


def test_a_release_that_failed_says_why(ledger, item):
    with ledger.write() as connection:
        releases.remember(connection, item.id, [release("a", numbered("1"))])
        (row,) = releases.of_item(connection, item.id)
        releases.failed(connection, row.id, "It is gone.")
        row = releases.get(connection, row.id)
    assert row is not None
    assert row.failed_at is not None
    assert row.failure_reason == "It is gone."
