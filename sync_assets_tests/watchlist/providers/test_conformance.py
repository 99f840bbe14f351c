"""Every provider keeps to what the watchlist relies on, and the suite notices one that does not."""

from dataclasses import replace

import pytest

from sync_assets.watchlist.providers.animesama import AnimesamaProvider
from sync_assets.watchlist.providers.animeultime import AnimeultimeProvider
from sync_assets.watchlist.providers.conformance import ReplayClient, check_provider
from sync_assets.watchlist.providers.feeds import FeedProvider
from sync_assets.watchlist.providers.html_index import HtmlIndexProvider
from sync_assets.watchlist.providers.listing import look_for_episodes
from sync_assets.watchlist.providers.models import ListResult, ListStatus
from sync_assets.watchlist.providers.nekosama import NekosamaProvider
from sync_assets_tests.watchlist.providers import samples

CASES = {
    "feed": (FeedProvider(), samples.FEED_SAMPLE),
    "index": (HtmlIndexProvider(), samples.INDEX_SAMPLE),
    "animesama": (AnimesamaProvider(samples.SAMA), samples.SAMA_SAMPLE),
    "nekosama": (NekosamaProvider(samples.NEKO), samples.NEKO_SAMPLE),
    "animeultime": (AnimeultimeProvider(samples.ULTIME), samples.ULTIME_SAMPLE),
}


@pytest.mark.parametrize("name", CASES)
def test_a_provider_conforms(name):
    provider, sample = CASES[name]
    assert check_provider(provider, sample) == []


class ShiftingProvider(FeedProvider):
    """Counts the episodes itself, as copied parsers do."""

    def episodes(self, series, client, state=None):
        result = super().episodes(series, client, state)
        shifted = tuple(
            replace(each, number=each.number and each.number - 1) for each in result.episodes
        )
        return replace(result, episodes=shifted)


class EmptyProvider(FeedProvider):
    """Takes a page without a list for a series without episodes."""

    def episodes(self, series, client, state=None):
        result = super().episodes(series, client, state)
        return ListResult(ListStatus.OK) if result.status is ListStatus.NO_DATA else result


class HidingProvider(FeedProvider):
    """Hides that the site could not be asked."""

    def episodes(self, series, client, state=None):
        result = super().episodes(series, client, state)
        return ListResult(ListStatus.OK) if result.status is ListStatus.BROKEN else result


@pytest.mark.parametrize(
    ("provider", "check"),
    [
        (ShiftingProvider(), "keeps numbers"),
        (EmptyProvider(), "tells nothing from empty"),
        (HidingProvider(), "reports failures"),
    ],
)
def test_the_suite_notices_a_provider_that_does_not(provider, check):
    problems = check_provider(provider, samples.FEED_SAMPLE)
    assert any(problem.startswith(check) for problem in problems)


def test_the_suite_notices_too_many_requests():
    sample = replace(samples.SAMA_SAMPLE, maximum_requests=2)
    assert any(
        problem.startswith("spares the site")
        for problem in check_provider(AnimesamaProvider(samples.SAMA), sample)
    )


class RaisingProvider(FeedProvider):
    """Has a mistake."""

    def episodes(self, series, client, state=None):
        raise ZeroDivisionError


def test_a_provider_that_raises_breaks_its_own_series_alone():
    sample = samples.FEED_SAMPLE
    result = look_for_episodes(RaisingProvider(), sample.series, ReplayClient(sample.pages))
    assert result.status is ListStatus.BROKEN
    assert "ZeroDivisionError" in result.message
