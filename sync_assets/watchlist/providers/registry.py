"""Which providers there are, and which of them fits an address."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from sync_assets.errors import SyncError
from sync_assets.settings.watchlist import WatchlistProviderSettings, WatchlistSettings
from sync_assets.watchlist.providers.animesama import AnimesamaProvider
from sync_assets.watchlist.providers.animeultime import AnimeultimeProvider
from sync_assets.watchlist.providers.feeds import FeedProvider
from sync_assets.watchlist.providers.html_index import HtmlIndexProvider
from sync_assets.watchlist.providers.nekosama import NekosamaProvider
from sync_assets.watchlist.providers.protocol import ENTRY_POINTS, Client, Provider
from sync_assets.watchlist.providers.ytdlp import YtDlpProvider

_BUILT_IN: Mapping[str, Callable[..., Provider]] = {
    each.id: each
    for each in (
        FeedProvider,
        HtmlIndexProvider,
        YtDlpProvider,
        AnimesamaProvider,
        NekosamaProvider,
        AnimeultimeProvider,
    )
}
_LIKELY_ONLY = frozenset({"feed", "ytdlp"})
"""Providers whose addresses others may have as well, so that the page decides."""

_logger = logging.getLogger(__name__)


class UnknownProviderError(SyncError):
    """A provider is named that nobody installed."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Which providers fit an address.

    Attributes:
        provider_id: The best one; None where none fits.
        is_certain: Whether the address or its page leaves no doubt.
        candidates: All that fit, the best first.
    """

    provider_id: str | None
    is_certain: bool
    candidates: tuple[str, ...]


def installed_providers(settings: WatchlistSettings) -> Mapping[str, Provider]:
    """Return the providers that are installed and not disabled, by id.

    One of another package that cannot be loaded is left out and logged: it must not take the
    others along.

    Args:
        settings: The section of the watchlist.

    Raises:
        UnknownProviderError: The configuration names one that is not installed.
    """
    factories: dict[str, Callable[..., Provider]] = {
        point.name: loaded
        for point in entry_points(group=ENTRY_POINTS)
        if (loaded := _loaded(point)) is not None
    }
    factories |= _BUILT_IN
    unknown = sorted(settings.providers.keys() - factories.keys())
    if unknown:
        message = f"watchlist.providers names {', '.join(unknown)}, which cannot be used."
        remedy = f"Install the package, or name one of {', '.join(sorted(factories))}."
        raise UnknownProviderError(message, remedy=remedy)
    default = WatchlistProviderSettings()
    return {
        name: create(base_url=own.base_url, options=own.options)
        for name, create in sorted(factories.items())
        if (own := settings.providers.get(name, default)).enabled
    }


def detect_provider(
    url: str, providers: Mapping[str, Provider], client: Client | None = None
) -> Detection:
    """Find the provider of an address.

    Args:
        url: What a user gave.
        providers: The providers, by id.
        client: Fetches the page where the address alone does not tell. Without it nothing is
            fetched.

    Raises:
        PageUnavailableError: The page was needed and cannot be had.
    """
    accepting = _ranked([name for name, each in providers.items() if each.accepts(url)])
    if accepting and accepting[0] not in _LIKELY_ONLY:
        return Detection(accepting[0], is_certain=True, candidates=tuple(accepting))
    if client is None:
        first = accepting[0] if accepting else None
        return Detection(first, is_certain=False, candidates=tuple(accepting))
    page = client.get(url)
    recognising = _ranked([name for name, each in providers.items() if each.recognises(page)])
    fitting = tuple(dict.fromkeys([*recognising, *accepting]))
    first = fitting[0] if fitting else None
    return Detection(first, is_certain=bool(recognising), candidates=fitting)


def _ranked(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: (name == "ytdlp", name in _LIKELY_ONLY, name))


def _loaded(point: EntryPoint) -> Callable[..., Provider] | None:
    try:
        return point.load()
    except (ImportError, AttributeError, SyntaxError):
        _logger.exception("The provider %s of %s cannot be loaded.", point.name, point.value)
        return None
