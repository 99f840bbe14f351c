"""Items: one per address and user, each with its own clock, gone with all that belongs to them."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError

from sync_assets.ledger import UnknownSubjectError
from sync_assets.ledger.events import read_events
from sync_assets.ledger.schema import (
    watchlist_checks,
    watchlist_episodes,
    watchlist_items,
    watchlist_releases,
)
from sync_assets.ledger.types import utc_now
from sync_assets.watchlist import (
    checks_log,
    episodes,
    items,
    releases,
    schedule,
    shares,
    user_settings,
)
from sync_assets.watchlist.checks_log import CheckCounts
from sync_assets.watchlist.episodes import SeenEpisode
from sync_assets.watchlist.models import CheckOutcome, EpisodeState, ItemState, ShareKind
from sync_assets.watchlist.user_settings import UserSettings
from sync_assets_tests.watchlist.building import URL, add_item, numbered, release


def test_the_triggers_are_those_of_the_declared_lifecycles(sqlite_ledger):
    with sqlite_ledger.read() as connection:
        query = "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
        present = set(connection.execute(text(query)).scalars())
    for lifecycle in (items.ITEMS, episodes.EPISODES):
        statements = lifecycle.trigger_statements("sqlite")
        assert {each for each in statements if each.startswith("CREATE")} <= present


@pytest.mark.parametrize(
    "same",
    [
        "https://Feeds.EXAMPLE/show.xml",
        "https://feeds.example:443/show.xml/",
        "https://feeds.example./show.xml#part",
        " https://feeds.example/show.xml",
    ],
)
def test_an_address_is_watched_once_by_a_user(ledger, same):
    with ledger.write() as connection:
        first = add_item(connection)
        add_item(connection, "bob")
        with pytest.raises(items.AlreadyWatchedError) as caught:
            add_item(connection, url=same)
        assert caught.value.item_id == first.id
        assert items.find(connection, "alice", same) == first


@pytest.mark.parametrize("other", [f"{URL}?page=2", "http://feeds.example/show.xml", f"{URL}2"])
def test_another_address_is_another_item(ledger, other):
    with ledger.write() as connection:
        assert add_item(connection).id != add_item(connection, url=other).id


def test_the_database_itself_refuses_a_second_item_and_impossible_values(ledger):
    with ledger.write() as connection:
        row = add_item(connection)
        add_item(connection, url="https://other.example/")
    for wrong in (
        {"url_key": row.url_key},
        {"check_interval_hours": 0},
        {"check_interval_hours": 169},
        {"quality": "4K"},
        {"last_outcome": "fine"},
        {"state": "gone"},
    ):
        with pytest.raises(DatabaseError), ledger.write() as connection:
            connection.execute(
                update(watchlist_items).where(watchlist_items.c.id != row.id).values(**wrong)
            )


def test_anothers_item_is_as_unknown_as_none(ledger):
    with ledger.write() as connection:
        row = add_item(connection)
    with ledger.read() as connection:
        with pytest.raises(UnknownSubjectError) as foreign:
            items.owned(connection, "bob", row.id)
        with pytest.raises(UnknownSubjectError) as absent:
            items.owned(connection, "bob", row.id + 1)
    assert str(foreign.value).replace(str(row.id), "N") == str(absent.value).replace(
        str(row.id + 1), "N"
    )


def test_nothing_of_a_deleted_item_stays(ledger):
    with ledger.write() as connection:
        row = add_item(connection)
        releases.remember(connection, row.id, [release("a", numbered("1"))])
        (episode,) = episodes.see(connection, row, [SeenEpisode(numbered("1"))])
        (offered,) = releases.of_item(connection, row.id)
        episodes.note(connection, episode, release_id=offered.id)
        checks_log.begin(connection, row.id)
        items.remove(connection, row.id)
        for table in (watchlist_items, watchlist_episodes, watchlist_releases, watchlist_checks):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0
        assert read_events(connection, entity="watchlist_item")[-1].state == "removed"


def test_what_happens_to_items_and_episodes_is_their_owners_matter(ledger):
    with ledger.write() as connection:
        row = add_item(connection)
        items.set_state(connection, row.id, ItemState.PAUSED)
        (episode,) = episodes.see(connection, row, [SeenEpisode(numbered("1"))])
        episodes.EPISODES.transition_all(connection, [episode], EpisodeState.SKIPPED)
        items.remove(connection, row.id)
        told = [event for event in read_events(connection) if event.entity.startswith("watchlist")]
    assert len(told) == 5
    assert {event.owner for event in told} == {"alice"}


def test_every_item_has_its_own_clock(ledger):
    with ledger.write() as connection:
        weekly = add_item(connection, check_interval_hours=168)
        usual = add_item(connection, url="https://usual.example/")
        assert {row.id for row in schedule.due(connection, limit=10)} == {weekly.id, usual.id}
        for row in (weekly, usual):
            schedule.checked(connection, row.id, CheckOutcome.OK)
        assert not schedule.due(connection, limit=10)
        after = {row.id: items.get(connection, row.id) for row in (weekly, usual)}
    for row, hours in ((weekly, 168), (usual, 6)):
        waited = after[row.id].next_check_at - after[row.id].last_checked_at
        assert abs(waited - timedelta(hours=hours)) <= timedelta(hours=hours) / 10
    with ledger.read() as connection:
        assert schedule.next_due(connection) == after[usual.id].next_check_at


def test_a_changed_interval_counts_from_the_last_check(ledger):
    with ledger.write() as connection:
        own = add_item(connection, check_interval_hours=10)
        usual = add_item(connection, url="https://usual.example/")
        for row in (own, usual):
            schedule.checked(connection, row.id, CheckOutcome.OK)
        user_settings.write(connection, "alice", UserSettings(check_interval_hours=12))
        schedule.reschedule_all(connection, "alice")
        items.edit(connection, own.id, check_interval_hours=20)
        schedule.reschedule(connection, items.get(connection, own.id))
        for row, hours in ((own, 20), (usual, 12)):
            now = items.get(connection, row.id)
            assert now.next_check_at - now.last_checked_at == timedelta(hours=hours)


def test_a_clock_that_was_ahead_keeps_nothing_from_being_checked(ledger):
    with ledger.write() as connection:
        row = add_item(connection)
        future = utc_now() + timedelta(days=3_000)
        items.set_columns(
            connection, row.id, last_checked_at=future, next_check_at=future + timedelta(hours=6)
        )
        assert [each.id for each in schedule.due(connection, limit=10)] == [row.id]


def test_only_what_is_followed_is_due(ledger):
    with ledger.write() as connection:
        for state in ItemState:
            add_item(connection, url=f"https://{state}.example/", state=state)
        add_item(connection, "bob", state=ItemState.COMPLETED)
        user_settings.write(connection, "bob", UserSettings(include_completed_anime=True))
        followed = [(row.owner, row.state) for row in schedule.due(connection, limit=10)]
    assert sorted(followed) == [("alice", "active"), ("bob", "completed")]


def test_a_provider_that_asks_for_time_gets_it(ledger):
    with ledger.write() as connection:
        row = add_item(connection, check_interval_hours=1)
        schedule.checked(
            connection, row.id, CheckOutcome.BROKEN, error="HTTP 503", retry_after_seconds=7_200
        )
        now = items.get(connection, row.id)
        assert now.next_check_at - now.last_checked_at == timedelta(hours=2)
        assert (now.last_outcome, now.last_error, now.consecutive_errors) == (
            "broken",
            "HTTP 503",
            1,
        )
        schedule.checked(connection, row.id, CheckOutcome.EMPTY)
        assert items.get(connection, row.id).consecutive_errors == 0


def test_a_check_of_a_deleted_item_ends_quietly(ledger):
    with ledger.write() as connection:
        row = add_item(connection)
        check = checks_log.begin(connection, row.id)
        items.remove(connection, row.id)
        assert not checks_log.end(connection, check, CheckOutcome.OK, CheckCounts())
        assert schedule.checked(connection, row.id, CheckOutcome.OK) is None


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"quality": "720p"}, True),
        ({"language": None}, True),
        ({"language": "vf"}, False),
        ({"title": "Other"}, False),
        ({"url": "https://other.example/"}, False),
    ],
)
def test_what_selects_episodes_lets_the_whole_list_be_read_again(ledger, changes, kept):
    state = {URL: {"etag": '"1"'}}
    with ledger.write() as connection:
        row = add_item(connection)
        schedule.checked(connection, row.id, CheckOutcome.OK, provider_state=state)
        assert items.edit(connection, row.id, **changes).provider_state == (state if kept else {})


def test_a_killed_check_is_interrupted_by_the_next_one(ledger):
    with ledger.write() as connection:
        row = add_item(connection)
        checks_log.begin(connection, row.id, run_id="killed")
        check = checks_log.begin(connection, row.id, run_id="next")
        assert checks_log.end(
            connection, check, CheckOutcome.OK, CheckCounts(found=12, new=2, queued=1, errors=1)
        )
        newest, killed = checks_log.of_item(connection, row.id, limit=5)
    assert (newest.outcome, newest.found, newest.new, newest.queued) == ("ok", 12, 2, 1)
    assert (killed.run_id, killed.outcome) == ("killed", "interrupted")


def test_the_database_allows_one_open_check_of_an_item(ledger):
    with ledger.write() as connection:
        row = add_item(connection)
        checks_log.begin(connection, row.id)
    with pytest.raises(DatabaseError), ledger.write() as connection:
        connection.execute(watchlist_checks.insert().values(item_id=row.id, started_at=utc_now()))


def test_a_share_is_read_by_its_secret_until_it_is_revoked(ledger):
    with ledger.write() as connection:
        row, secret = shares.create(connection, "alice", ShareKind.FEED, "phone")
        assert shares.find(connection, ShareKind.FEED, secret) == row
        assert shares.find(connection, ShareKind.LIST, secret) is None
        assert shares.find(connection, ShareKind.FEED, secret[:-1] + "\x00") is None
        with pytest.raises(UnknownSubjectError):
            shares.revoke(connection, "bob", row.id)
        shares.revoke(connection, "alice", row.id)
        assert shares.find(connection, ShareKind.FEED, secret) is None
        assert not shares.of_owner(connection, "alice")
