"""The calendar's and the statistics' pages."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from sync_assets.ledger.schema import watchlist_episodes
from sync_assets.ledger.types import utc_now
from sync_assets.watchlist import episodes
from sync_assets.watchlist.episodes import SeenEpisode
from sync_assets.watchlist.models import EpisodeState
from sync_assets_tests.watchlist.building import numbered


@pytest.fixture
def weekly(ledger, add):
    """A show of which an episode came in each of the last four weeks."""
    item = add(title="Étoile")
    with ledger.write() as connection:
        ids = episodes.see(
            connection,
            item,
            [SeenEpisode(numbered(str(n)), state=EpisodeState.FOUND) for n in range(1, 5)],
        )
        for weeks, episode in enumerate(reversed(ids)):
            seen = utc_now() - timedelta(weeks=weeks, hours=1)
            columns = watchlist_episodes.c
            connection.execute(
                update(watchlist_episodes).where(columns.id == episode).values(first_seen_at=seen)
            )
    return item


@pytest.mark.usefixtures("weekly")
def test_the_next_episode_is_marked_as_a_guess(client):
    day = utc_now() + timedelta(weeks=1, hours=-1)
    page = client.get(f"/watchlist/calendar?month={day:%Y-%m}").text
    assert "S01E05" in page
    assert "expected by its rhythm only" in page


@pytest.mark.parametrize("month", ["", "2026-13", "nonsense", "0000-01", "2999-12"])
def test_a_month_that_there_is_not_is_this_one(client, month):
    answer = client.get("/watchlist/calendar", params={"month": month})
    assert answer.status_code == 200


@pytest.mark.parametrize("month", ["1000-01", "2999-12"])
def test_the_first_and_the_last_months_have_pages(client, month):
    assert client.get(f"/watchlist/calendar?month={month}").status_code == 200


@pytest.mark.usefixtures("weekly")
def test_the_statistics_have_their_numbers_as_pictures_and_as_tables(client, text_of):
    page = client.get("/watchlist/statistics").text
    assert 'role="img" aria-labelledby="chart-title chart-description"' in page
    assert "<title id=" in page
    assert "<desc id=" in page
    text = text_of("/watchlist/statistics")
    assert "Items 1" in text
    assert f"{utc_now().date() - timedelta(days=utc_now().weekday())}" in text
    assert "style=" not in page  # the content security policy would not obey it


def test_statistics_of_nothing_are_shown(text_of):
    assert "Nothing to count yet." in text_of("/watchlist/statistics")
