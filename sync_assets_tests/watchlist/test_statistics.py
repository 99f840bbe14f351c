"""Numbers over time."""

from datetime import UTC, date, datetime

from sqlalchemy import update

from sync_assets.ledger.schema import watchlist_episodes
from sync_assets.watchlist import episodes, statistics
from sync_assets.watchlist.episode_counts import EpisodeCounts
from sync_assets.watchlist.episodes import SeenEpisode
from sync_assets.watchlist.models import EpisodeState
from sync_assets_tests.watchlist.building import add_item, numbered

TODAY = date(2026, 11, 22)


def test_episodes_count_in_the_week_from_monday(ledger):
    found = [datetime(2026, 11, day, 23, 59, tzinfo=UTC) for day in (1, 15, 16, 22)]
    with ledger.write() as connection:
        item = add_item(connection)
        ids = episodes.see(connection, item, [SeenEpisode(numbered(str(n))) for n in range(4)])
        for episode, at in zip(ids, found, strict=True):
            connection.execute(
                update(watchlist_episodes)
                .where(watchlist_episodes.c.id == episode)
                .values(first_seen_at=at, downloaded_at=at if at.day == 22 else None)
            )
        weeks = statistics.weeks(connection, "alice", TODAY, count=3)
        (most,) = statistics.most_downloaded(connection, "alice", limit=5)
        nobody = statistics.weeks(connection, "bob", TODAY, count=1)
    assert [(week.monday.day, week.found, week.downloaded) for week in weeks] == [
        (2, 0, 0),
        (9, 1, 0),
        (16, 2, 1),
    ]
    assert (most.title, most.count) == ("Show", 1)
    assert nobody[0].found == 0


def test_every_state_counts_once():
    counts = EpisodeCounts.of(dict.fromkeys(map(str, EpisodeState), 1))
    assert counts == EpisodeCounts(had=2, under_way=4, undecided=1, failed=1, expected=1, skipped=1)
    assert counts.wanted + counts.skipped == len(EpisodeState)
