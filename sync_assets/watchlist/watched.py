"""Which episodes are watched, as the history of Trakt in the lake says.

An item is found by its catalogue key: the catalogue says which episodes of which show it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from sync_assets.catalog.index import CatalogIndex, CatalogUnavailableError
from sync_assets.catalog.models import Namespace, Target
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist import episodes, items
from sync_assets.watchlist.counting import existing_items
from sync_assets.watchlist.deciding import number_of
from sync_assets.watchlist.expecting import subject_of
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.taking_in import numbering_of

_HISTORY = ("trakt", "history")
_SEPARATOR = "|"
_PROVIDERS = ("tmdb", "tvdb", "trakt")
_COLUMNS = ["media_type", *_PROVIDERS, "season", "number", "watched_at", "removed_at"]

Place = tuple[str, str, int, int]
"""An episode as the viewer's side names it: whose id, the show's id, season and number."""


def mark_watched(ledger: Ledger, lake: Lake, accounts: Iterable[str], index_path: Path) -> set[int]:
    """Write down which episodes are watched.

    Args:
        ledger: The ledger.
        lake: The lake.
        accounts: The accounts of Trakt. The only one is everybody's; of several, each is that of
            the user of the same name.
        index_path: The catalogue's index.

    Returns:
        The items of which an episode is newly watched.
    """
    names = list(accounts)
    with ledger.read() as connection:
        found = (items.find_by_id(connection, each) for each in existing_items(connection))
        known = [item for item in found if item is not None and subject_of(item) is not None]
    if not known or not names:
        return set()
    try:
        index = CatalogIndex(index_path)
    except CatalogUnavailableError:
        return set()
    plays = {name: _plays(lake, name) for name in names}
    changed = set()
    with closing(index):
        for item in known:
            account = names[0] if len(names) == 1 else item.owner
            if account in plays and _mark(ledger, index, item, plays[account]):
                changed.add(item.id)
    return changed


def _mark(
    ledger: Ledger, index: CatalogIndex, item: AnyRow, plays: Mapping[Place, datetime]
) -> bool:
    with ledger.read() as connection:
        rows = episodes.of_item(connection, item.id)
    by_number = {number_of(row): row for row in rows if row.watched_at is None}
    season = numbering_of(item).season
    largest = int(max((row.number for row in rows if row.number is not None), default=0))
    watched = {
        row.id: plays[place]
        for number, place in _places(index, subject_of(item) or 0, largest)
        if place in plays
        and (row := by_number.get(EpisodeNumber(season, Decimal(number)))) is not None
    }
    if watched:
        with ledger.write() as connection:
            for episode_id, watched_at in watched.items():
                episodes.note(connection, episode_id, watched_at=watched_at)
    return bool(watched)


def _places(index: CatalogIndex, subject: int, largest: int) -> Iterator[tuple[int, Place]]:
    """Give the episodes of a subject with their places in shows, as far as a source tells them."""
    for sourced in index.links(index.works_of(subject)):
        link = sourced.link
        is_meant = link.target == Target(Namespace.BANGUMI, subject) and not link.is_special
        if not is_meant or link.season is None or link.first is None:
            continue
        begin = link.target_first or 1
        length = link.last - link.first + 1 if link.last is not None else largest
        for offset in range(length):
            place = (link.work.provider, link.work.identifier, link.season, link.first + offset)
            yield begin + offset, place


def _plays(lake: Lake, account: str) -> dict[Place, datetime]:
    prefix = f"{account}{_SEPARATOR}"
    months = [key for key in lake.partitions(_HISTORY) if key.startswith(prefix)]
    if not months:
        return {}
    plays: dict[Place, datetime] = {}
    for row in lake.table(_HISTORY, partition=months).select(_COLUMNS).to_pylist():
        if row["media_type"] != "episode" or row["removed_at"] is not None:
            continue
        for provider in _PROVIDERS:
            if row[provider] is not None:
                place = (provider, str(row[provider]), row["season"], row["number"])
                plays[place] = min(plays.get(place, row["watched_at"]), row["watched_at"])
    return plays
