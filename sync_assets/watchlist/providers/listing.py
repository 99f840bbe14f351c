"""What all providers do with what they found: results of failures, episodes out of releases."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from sync_assets.watchlist.providers.models import (
    EpisodeReference,
    ListResult,
    ListStatus,
    PageState,
    SeriesReference,
    Variant,
)
from sync_assets.watchlist.providers.pages import Page
from sync_assets.watchlist.providers.protocol import (
    Client,
    PageBlockedError,
    PageUnavailableError,
    Provider,
)
from sync_assets.watchlist.titles import EpisodeKind, ReleaseName, comparable, parse_release_name

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Release:
    """A release as a provider lists it.

    Attributes:
        name: What its name says.
        variant: How to get it.
        published_at: When it appeared.
    """

    name: ReleaseName
    variant: Variant
    published_at: datetime | None = None


@lru_cache(maxsize=8_192)
def read_name(name: str) -> ReleaseName:
    """Read a release name; the same names come again with every look, and for many users.

    Args:
        name: The release name.
    """
    return parse_release_name(name)


def looked(look: Callable[[], ListResult]) -> ListResult:
    """Return what looking for episodes gave, whatever fails while fetching.

    Args:
        look: Fetches and parses.
    """
    try:
        return look()
    except PageUnavailableError as error:
        return failed(error)


def list_one_page(
    url: str,
    client: Client,
    state: Mapping[str, PageState] | None,
    read: Callable[[Page], ListResult],
) -> ListResult:
    """List the episodes of a series whose list is one page.

    Args:
        url: Its address.
        client: Fetches.
        state: What the last result gave.
        read: Reads the page, where it changed since.
    """

    def look() -> ListResult:
        page = client.get(url, state=(state or {}).get(url))
        if page.is_unchanged:
            return ListResult(ListStatus.OK, state={url: page.state}, is_unchanged=True)
        result = read(page)
        # What holds no list today is read again tomorrow, even if it is the same by then.
        is_list = result.status is ListStatus.OK
        return replace(result, state={url: page.state}) if is_list else result

    return looked(look)


def look_for_episodes(
    provider: Provider,
    series: SeriesReference,
    client: Client,
    state: Mapping[str, PageState] | None = None,
) -> ListResult:
    """Ask a provider for episodes; whatever it does wrong concerns this series alone.

    Args:
        provider: The provider.
        series: What to look for.
        client: Fetches.
        state: What the last result gave.
    """
    try:
        return provider.episodes(series, client, state)
    except PageUnavailableError as error:
        return failed(error)
    except Exception as error:
        # Providers of other packages may raise anything.
        _logger.exception("The provider %s fails.", provider.id)
        message = f"The provider {provider.id} fails: {type(error).__name__}."
        return ListResult(ListStatus.BROKEN, message=message)


def failed(error: PageUnavailableError, seen: Sequence[EpisodeReference] = ()) -> ListResult:
    """Return the result of a failure.

    Args:
        error: What failed.
        seen: Episodes that are certain nevertheless.
    """
    is_blocked = isinstance(error, PageBlockedError)
    return ListResult(
        ListStatus.BLOCKED if is_blocked else ListStatus.BROKEN,
        episodes=tuple(seen),
        message=str(error),
        retry_after_seconds=error.retry_after_seconds,
    )


def merged(
    known: Mapping[str, EpisodeReference], result: ListResult
) -> tuple[dict[str, EpisodeReference], tuple[EpisodeReference, ...]]:
    """Add what a provider lists to what is known of a series.

    Nothing is ever taken away: that a provider lists less says nothing about what there was.

    Args:
        known: The episodes so far, by key.
        result: What the provider lists now.

    Returns:
        All episodes by key, with all their variants, and those of them that are new.
    """
    every = dict(known)
    new: dict[str, EpisodeReference] = {}
    for episode in result.episodes:
        before = every.get(episode.key)
        if before is None:
            new[episode.key] = episode
            every[episode.key] = episode
            continue
        listed = {variant.key for variant in episode.variants}
        kept = tuple(variant for variant in before.variants if variant.key not in listed)
        every[episode.key] = replace(episode, variants=(*episode.variants, *kept))
    return every, tuple(new.values())


def episode_key(
    season: int | str | None,
    number: Decimal | None,
    last_number: Decimal | None,
    kind: EpisodeKind,
    language: str | None = None,
) -> str:
    """Return the key of an episode within its series, such as `s2:12.5:regular:vostfr`.

    Args:
        season: The season, or the provider's own name of it.
        number: The first number.
        last_number: The last one.
        kind: What it is.
        language: Where the provider lists each language by itself.
    """
    shown = "all" if number is None else f"{number.normalize():f}"
    if last_number is not None and last_number != number:
        shown = f"{shown}-{last_number.normalize():f}"
    part = "-" if season is None else f"s{season}" if isinstance(season, int) else season
    return ":".join([part, shown, kind.value, *([language] if language else [])])


def episodes_of_releases(
    releases: Iterable[Release], series: SeriesReference
) -> tuple[EpisodeReference, ...]:
    """Gather releases by the episode that is in them.

    Args:
        releases: Releases of any works.
        series: The wanted work; openings and trailers are none of its episodes.
    """
    episodes: dict[str, EpisodeReference] = {}
    for release in releases:
        if release.name.kind is EpisodeKind.EXTRA or not _is_wanted(release.name, series):
            continue
        episode = _episode(release)
        before = episodes.get(episode.key)
        if before is None:
            episodes[episode.key] = episode
        elif release.variant.key not in {variant.key for variant in before.variants}:
            episodes[episode.key] = replace(
                before,
                variants=(*before.variants, release.variant),
                published_at=_earlier(before.published_at, release.published_at),
                needs_review=before.needs_review and episode.needs_review,
            )
    return tuple(episodes.values())


def _episode(release: Release) -> EpisodeReference:
    name = release.name
    first = name.episodes.first if name.episodes else None
    last = name.episodes.last if name.episodes else None
    key = episode_key(name.season, first, last, name.kind)
    if first is None and not name.is_batch:
        # Nothing tells such releases apart but what they are.
        key = f"{key}:{release.variant.key}"
    return EpisodeReference(
        key=key,
        season=name.season,
        number=first,
        last_number=last,
        kind=name.kind,
        published_at=release.published_at,
        variants=(release.variant,),
        needs_review=name.needs_review or (first is None and not name.is_batch),
    )


def _is_wanted(name: ReleaseName, series: SeriesReference) -> bool:
    if series.title is None:
        return True
    wanted = comparable(series.title)
    return any(
        comparable(title) == wanted
        for title in (name.title, *name.alternative_titles)
        if title is not None
    )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    known = [each for each in (one, other) if each is not None]
    return min(known) if known else None
