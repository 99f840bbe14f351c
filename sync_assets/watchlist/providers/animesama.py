"""The provider of pages in the form of anime-sama: a hub of seasons, each with arrays of players.

Holes in an array are episodes that a player lacks: they keep their number. The site answers 200
with `//` for a season that does not exist, which says nothing about episodes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urljoin, urlsplit

from sync_assets.watchlist.providers.listing import episode_key, failed, looked
from sync_assets.watchlist.providers.models import (
    Download,
    EpisodeReference,
    ListResult,
    ListStatus,
    PageState,
    Season,
    SeriesReference,
    Variant,
    VariantKind,
)
from sync_assets.watchlist.providers.pages import Page, absolute_url
from sync_assets.watchlist.providers.protocol import Client, PageUnavailableError
from sync_assets.watchlist.providers.scripts_in_pages import (
    array,
    calls,
    scripts_of,
    without_comments,
)
from sync_assets.watchlist.providers.sites import SiteProvider, no_data
from sync_assets.watchlist.providers.ytdlp import resolve_page
from sync_assets.watchlist.titles import EpisodeKind

LANGUAGES = ("vostfr", "vf", "vf1", "vf2", "va", "vj", "vkr", "vcn", "vqc", "var")

_PLAYER = re.compile(r"\bvar\s+eps(\d{1,4})\s*=\s*\[")
_EPISODES_SCRIPT = re.compile(r"[\"'](episodes\.js(?:\?[^\"'<>]*)?)[\"']")
_SEASON = re.compile(r"^saison(\d+)(hs)?$")
_SEASON_PAGE = re.compile(rf"/([\w-]+)/({'|'.join(LANGUAGES)})/?$")
_FILM_NAME = re.compile(r"^films?\b", re.IGNORECASE)
_LONGEST_LIST = 5_000


@dataclass(frozen=True, slots=True)
class ListedSeason:
    """A season in a hub.

    Attributes:
        title: Its title.
        key: Its part of the address, such as `saison1`.
        language: The language that the hub links to.
    """

    title: str
    key: str
    language: str


def parse_hub(text: str) -> tuple[ListedSeason, ...]:
    """Find the seasons of a series; scans are none, nor is the template that the site leaves in."""
    seasons = []
    for _, arguments in calls(scripts_of(text), "panneauAnime"):
        if len(arguments) != 2 or arguments == ("nom", "url"):
            continue
        key, _, language = arguments[1].strip("/").rpartition("/")
        if key and language in LANGUAGES:
            seasons.append(ListedSeason(arguments[0], key, language))
    return tuple(seasons)


def parse_players(script: str) -> dict[int, tuple[str, ...]]:
    """Find the addresses of each episode, over all players.

    Args:
        script: The site's `episodes.js`.

    Returns:
        The addresses by the number of the episode in the list, counted from 1. Where no player has
        an episode, it is absent, and those behind it keep their numbers.
    """
    plain = without_comments(script)
    episodes: dict[int, list[str]] = {}
    players = sorted(_PLAYER.finditer(plain), key=lambda found: int(found[1]))
    for player in players:
        for index, address in enumerate(array(plain, player.end() - 1) or (), start=1):
            known = episodes.setdefault(index, [])
            if address and address not in known:
                known.append(address)
    return {index: tuple(found) for index, found in sorted(episodes.items()) if found}


def parse_names(text: str, count: int) -> tuple[str, ...]:
    """Find the names of a season's episodes.

    Args:
        text: The page of the season.
        count: How many episodes there are.

    Returns:
        A name for each place in the list: "Episode 1", or what the site calls a special one.
    """
    names: list[str] = []
    following = 1
    script = scripts_of(text)
    functions = ("resetListe", "creerListe", "newSP", "newSPF", "finirListe", "finirListeOP")
    for function, arguments in calls(script, *functions):
        numbers = [int(each) for each in arguments if each.isdecimal() and len(each) < 7]
        if function == "resetListe":
            names, following = [], 1
        elif function == "creerListe" and len(numbers) == 2:
            last = min(numbers[1], numbers[0] + _LONGEST_LIST)
            names += [f"Episode {number}" for number in range(numbers[0], last + 1)]
            following = last + 1
        elif function == "newSP" and arguments:
            names.append(f"Episode {arguments[0]}")
        elif function == "newSPF" and arguments:
            names.append(arguments[0])
        elif function.startswith("finirListe") and numbers:
            following = numbers[0]
    while len(names) < count:
        names.append(f"Episode {following}")
        following += 1
    return tuple(names[:count])


class AnimesamaProvider(SiteProvider):
    """Lists the episodes of a series, or of one of its seasons."""

    id = "animesama"

    def recognises(self, page: Page) -> bool:
        """Whether the page is a hub, or one of a season."""
        return bool(parse_hub(page.text)) or _EPISODES_SCRIPT.search(page.text) is not None

    def seasons(self, series: SeriesReference, client: Client) -> tuple[Season, ...]:
        """List the seasons in the hub."""
        page = client.get(self.current_url(series.url))
        languages: dict[str, list[str]] = {}
        for listed in parse_hub(page.text):
            languages.setdefault(listed.key, []).append(listed.language)
        titles = {listed.key: listed.title for listed in reversed(parse_hub(page.text))}
        return tuple(
            Season(key, titles[key], *_season_of(key), tuple(dict.fromkeys(found)))
            for key, found in languages.items()
        )

    def episodes(
        self,
        series: SeriesReference,
        client: Client,
        state: Mapping[str, PageState] | None = None,
    ) -> ListResult:
        """List the episodes of all seasons, or of the one that the address names."""
        return looked(lambda: self._listed(series, client, state or {}))

    def _listed(
        self, series: SeriesReference, client: Client, state: Mapping[str, PageState]
    ) -> ListResult:
        url = self.current_url(series.url)
        if found := _SEASON_PAGE.search(urlsplit(url).path):
            wanted = series.language or found[2]
            address = f"{url.rstrip('/').rpartition('/')[0]}/{wanted}/"
            return _season_result([(found[1], wanted, address)], client, state)
        seasons = parse_hub(client.get(url).text)
        if not seasons:
            return no_data("no list of seasons")
        base = url.rstrip("/") + "/"
        pages = dict.fromkeys(
            (listed.key, series.language or listed.language) for listed in seasons
        )
        listed_pages = [
            (key, language, urljoin(base, f"{key}/{language}/")) for key, language in pages
        ]
        return _season_result(listed_pages, client, state)

    def resolve(self, variant: Variant, client: Client) -> Download:
        """Find the file behind a player."""
        return resolve_page(variant, client)


def _season_result(
    pages: Sequence[tuple[str, str, str]], client: Client, state: Mapping[str, PageState]
) -> ListResult:
    episodes: list[EpisodeReference] = []
    states: dict[str, PageState] = {}
    read = unchanged = 0
    for key, language, address in pages:
        try:
            page = client.get(address)
            script = _EPISODES_SCRIPT.search(page.text)
            if script is None:
                continue
            script_url = urljoin(page.url.rstrip("/") + "/", script[1])
            players_page = client.get(script_url, state=state.get(script_url), referer=page.url)
        except PageUnavailableError as error:
            return replace(failed(error, episodes), state=states)
        players = {} if players_page.is_unchanged else parse_players(players_page.text)
        if not players and not players_page.is_unchanged:
            continue
        states[script_url] = players_page.state
        read += 1
        if players_page.is_unchanged:
            unchanged += 1
            continue
        names = parse_names(page.text, max(players))
        usable = {
            index: tuple(url for each in found if (url := absolute_url(page.url, each)))
            for index, found in players.items()
        }
        episodes += _episodes(key, language, names, {i: urls for i, urls in usable.items() if urls})
    if not read:
        return no_data("no list of episodes")
    is_unchanged = unchanged == read
    return ListResult(ListStatus.OK, tuple(episodes), states, is_unchanged=is_unchanged)


def _episodes(
    key: str, language: str, names: Sequence[str], players: Mapping[int, Sequence[str]]
) -> Iterator[EpisodeReference]:
    season, season_kind = _season_of(key)
    for index, addresses in players.items():
        name = names[index - 1]
        kind, number = season_kind, Decimal(index)
        if found := re.fullmatch(r"Episode (\d{1,5}(?:\.\d{1,2})?)", name):
            number = Decimal(found[1])
        elif season_kind is EpisodeKind.REGULAR:
            kind = EpisodeKind.MOVIE if _FILM_NAME.match(name) else EpisodeKind.SPECIAL
        yield EpisodeReference(
            key=episode_key(key, number, number, kind, language),
            season=season,
            number=number,
            last_number=number,
            kind=kind,
            title=name,
            variants=tuple(_variant(address, language) for address in addresses),
        )


def _variant(address: str, language: str) -> Variant:
    host = urlsplit(address).hostname or address
    return Variant(address, VariantKind.PAGE, key=address, name=host, language=language)


def _season_of(key: str) -> tuple[int | None, EpisodeKind]:
    if found := _SEASON.match(key):
        return int(found[1]), EpisodeKind.SPECIAL if found[2] else EpisodeKind.REGULAR
    if key.startswith("film"):
        return None, EpisodeKind.MOVIE
    if key.startswith(("oav", "ova", "special")):
        return None, EpisodeKind.SPECIAL
    return None, EpisodeKind.REGULAR
