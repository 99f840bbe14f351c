"""What the benchmark `bangumi` runs on: a library at Trakt, subjects at Bangumi, a catalogue."""

from pathlib import Path

from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets_tests.bangumi.matching.building import Catalogue
from sync_assets_tests.upstreams.bangumi import BangumiServer
from sync_assets_tests.upstreams.trakt_library import Library
from sync_assets_tests.upstreams.trakt_library import show as make_show

SHOWS = 400
EPISODES_PER_SHOW = 25
EPISODES = SHOWS * EPISODES_PER_SHOW
SPLIT_EVERY = 4
"""Every fourth show is two subjects at Bangumi, which makes 500."""
FIRST_PART = 13
RATED_EVERY = 2
COLLECTED_EVERY = 8
SUBJECTS_IN_CATALOGUE = 24_000
"""As many as the public sources have."""


def fill(library: Library, server: BangumiServer, index_path: Path) -> None:
    """Let 400 shows be watched, and the catalogue know them among many others.

    Args:
        library: The account at Trakt.
        server: Bangumi, which gets the subjects.
        index_path: Where the catalogue is written.
    """
    catalogue = Catalogue(index_path)
    for number in range(1, SHOWS + 1):
        show = make_show(number)
        for episode in range(1, EPISODES_PER_SHOW + 1):
            library.advance(hours=1)
            library.watch(show, 1, episode)
        if number % RATED_EVERY == 0:
            library.rate("show", show, 1 + number % 10)
        if number % COLLECTED_EVERY == 0:
            library.collect(show, 1, 1)
        first = 1
        for part, size in enumerate(_sizes(number)):
            subject = number * 10 + part
            server.add_subject(subject, size)
            catalogue.subject(subject, episodes=size)
            catalogue.link(
                "anime_lists", subject, _work(show["ids"]["tmdb"]), season=1, first=first
            )
            first += size
    for other in range(SUBJECTS_IN_CATALOGUE):
        subject = 1_000_000 + other
        catalogue.subject(subject, f"作品の題名{other:05}", episodes=12)
        catalogue.link("anime_lists", subject, _work(subject), season=1, first=1)
    assert catalogue.index is not None
    catalogue.close()


def _sizes(number: int) -> list[int]:
    if number % SPLIT_EVERY == 0:
        return [FIRST_PART, EPISODES_PER_SHOW - FIRST_PART]
    return [EPISODES_PER_SHOW]


def _work(tmdb: int) -> Work:
    return Work(Provider.TMDB, WorkKind.SHOW, str(tmdb))
