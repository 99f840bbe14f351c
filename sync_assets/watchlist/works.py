"""Which works a list of releases holds, as their names say: feeds often hold more than one."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sync_assets.watchlist.providers import EpisodeReference
from sync_assets.watchlist.titles import comparable, parse_release_name

_MOST_NAMES = 300


def works_of(episodes: Iterable[EpisodeReference]) -> Sequence[str]:
    """Return the titles of the works in a list, that of the most releases first.

    Args:
        episodes: What a provider lists. Names that number no episode, as those of hosts, say
            nothing.
    """
    written: dict[str, str] = {}
    counts: Counter[str] = Counter()
    names = [variant.name for episode in episodes for variant in episode.variants if variant.name]
    for name in names[-_MOST_NAMES:]:
        release = parse_release_name(name)
        if release.title and release.episodes:
            key = comparable(release.title)
            written.setdefault(key, release.title)
            counts[key] += 1
    return [written[key] for key, _ in counts.most_common()]
