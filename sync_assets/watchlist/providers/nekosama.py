"""The provider of pages in the form of neko-sama: a list of episodes as JSON in a script."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sync_assets.watchlist.providers.listing import episode_key, list_one_page
from sync_assets.watchlist.providers.models import (
    Download,
    EpisodeReference,
    ListResult,
    ListStatus,
    PageState,
    SeriesReference,
    Variant,
    VariantKind,
)
from sync_assets.watchlist.providers.pages import Page, absolute_url
from sync_assets.watchlist.providers.protocol import Client, NotResolvableError
from sync_assets.watchlist.providers.scripts_in_pages import json_value, scripts_of
from sync_assets.watchlist.providers.sites import SiteProvider, no_data
from sync_assets.watchlist.providers.ytdlp import INSTALL_OR_UPDATE, resolve_page
from sync_assets.watchlist.titles import EpisodeKind

_EPISODES = re.compile(r"\bvar\s+episodes\s*=\s*(?=\[)")
_VIDEO = re.compile(r"\bvideo\[\d+\]\s*=\s*['\"]([^'\"]+)['\"]")
_LANGUAGE = re.compile(r"_(vostfr|vf)\b", re.IGNORECASE)
_PLACE = re.compile(r"(?:ep\.?|episode)\s*(\d+(?:\.\d+)?)", re.IGNORECASE)


_LARGEST_NUMBER = 100_000


@dataclass(frozen=True, slots=True)
class ListedEpisode:
    """An episode in the list.

    Attributes:
        number: Its number; None where the list gives none.
        title: Its title.
        path: Where its page is.
    """

    number: Decimal | None
    title: str
    path: str


def parse_episodes(text: str) -> tuple[ListedEpisode, ...] | None:
    """Parse the page of a series; None where it has no list."""
    script = scripts_of(text)
    found = _EPISODES.search(script)
    entries = json_value(script, found.end()) if found else None
    if not isinstance(entries, list):
        return None
    return tuple(_listed(entries))


def parse_embeds(text: str) -> tuple[str, ...]:
    """Find the players on the page of an episode."""
    return tuple(dict.fromkeys(_VIDEO.findall(scripts_of(text))))


def _listed(entries: list[object]) -> Iterator[ListedEpisode]:
    for entry in entries:
        if isinstance(entry, dict) and isinstance(path := entry.get("url"), str) and path:
            yield ListedEpisode(_number(entry), str(entry.get("title") or ""), path)


def _number(entry: Mapping[str, object]) -> Decimal | None:
    named = _PLACE.search(str(entry.get("episode") or ""))
    text = entry.get("num") if entry.get("num") is not None else named and named[1]
    try:
        number = Decimal(str(text))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < _LARGEST_NUMBER else None


class NekosamaProvider(SiteProvider):
    """Lists the episodes of a series."""

    id = "nekosama"

    def recognises(self, page: Page) -> bool:
        """Whether the page has a list of episodes."""
        return bool(parse_episodes(page.text))

    def episodes(
        self,
        series: SeriesReference,
        client: Client,
        state: Mapping[str, PageState] | None = None,
    ) -> ListResult:
        """List the episodes."""
        return list_one_page(self.current_url(series.url), client, state, self._read)

    @staticmethod
    def _read(page: Page) -> ListResult:
        listed = parse_episodes(page.text)
        if listed is None:
            return no_data("no list of episodes")
        episodes = tuple(
            _episode(each, address)
            for each in listed
            if (address := absolute_url(page.url, each.path))
        )
        return ListResult(ListStatus.OK, episodes)

    def resolve(self, variant: Variant, client: Client) -> Download:
        """Find the file behind the first player of an episode that gives one."""
        page = client.get(self.current_url(variant.uri))
        for embed in parse_embeds(page.text):
            with suppress(NotResolvableError):
                player = Variant(embed, VariantKind.PAGE, key=embed, name=variant.name)
                return resolve_page(player, client)
        message = f"{variant.name or 'The episode'} has no player that yt-dlp can read."
        raise NotResolvableError(message, remedy=INSTALL_OR_UPDATE)


def _episode(listed: ListedEpisode, address: str) -> EpisodeReference:
    language = _LANGUAGE.search(listed.path)
    wanted = language[1].lower() if language else None
    key = episode_key(None, listed.number, listed.number, EpisodeKind.REGULAR, wanted)
    return EpisodeReference(
        key=key if listed.number is not None else f"{key}:{listed.path}",
        season=None,
        number=listed.number,
        last_number=listed.number,
        title=listed.title,
        variants=(
            Variant(address, VariantKind.PAGE, key=address, name=listed.title, language=wanted),
        ),
        needs_review=listed.number is None,
    )
