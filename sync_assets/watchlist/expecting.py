"""What the catalogue expects of items, and which of them are complete."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from sync_assets.catalog.index import CatalogIndex, CatalogUnavailableError
from sync_assets.catalog.models import Subject, SubjectKind
from sync_assets.catalog.titles import fold
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.watchlist import episodes, items
from sync_assets.watchlist.completion import Expected, completion_reason
from sync_assets.watchlist.deciding import number_of
from sync_assets.watchlist.models import EpisodeState, ItemState
from sync_assets.watchlist.taking_in import numbering_of

_HAD = (EpisodeState.DOWNLOADED, EpisodeState.HAD)
_UNWANTED = (EpisodeState.SKIPPED,)
_PREFIX = "bangumi:"


def subject_of(item: AnyRow) -> int | None:
    """Return the Bangumi subject that an item is, as its catalogue key says.

    Args:
        item: The item's row.
    """
    prefix, _, number = (item.catalog_key or "").partition(":")
    return int(number) if f"{prefix}:" == _PREFIX and number.isdecimal() else None


def complete_items(
    ledger: Ledger, item_ids: Iterable[int], index_path: Path, *, run_id: str | None
) -> list[int]:
    """Complete the items that have all their episodes.

    Args:
        ledger: The ledger.
        item_ids: Items of which something may have changed.
        index_path: The catalogue's index; without it, only what the items say themselves counts.
        run_id: The Dagster run.

    Returns:
        The items that are complete now.
    """
    try:
        index = CatalogIndex(index_path)
    except CatalogUnavailableError:
        return _complete_each(ledger, item_ids, None, run_id=run_id)
    with closing(index):
        return _complete_each(ledger, item_ids, index, run_id=run_id)


def _complete_each(
    ledger: Ledger, item_ids: Iterable[int], index: CatalogIndex | None, *, run_id: str | None
) -> list[int]:
    done = []
    for item_id in item_ids:
        with ledger.read() as connection:
            item = items.find_by_id(connection, item_id)
            if item is None or item.state != ItemState.ACTIVE:
                continue
            subject = _subject(index, item) if index is not None else None
            reason = _reason(connection, item, subject)
        news = _news(item, subject)
        if reason is None and not news:
            continue
        with ledger.write() as connection:
            current = items.find_by_id(connection, item_id)
            if current is None or current.state != ItemState.ACTIVE:
                continue
            if news:
                items.edit(connection, item_id, **news)
            if reason is not None:
                items.set_state(
                    connection,
                    item_id,
                    ItemState.COMPLETED,
                    run_id=run_id,
                    detail={"reason": reason},
                )
                done.append(item_id)
    return done


def _subject(index: CatalogIndex, item: AnyRow) -> Subject | None:
    """Find what an item is: by its key, else by a title that only one subject has."""
    number = subject_of(item)
    if number is None:
        titled = index.subjects_titled(fold(item.title)) if item.catalog_key is None else []
        if len(titled) != 1:
            return None
        number = titled[0]
    return index.subjects([number]).get(number)


def _news(item: AnyRow, subject: Subject | None) -> dict[str, object]:
    """Return what the catalogue tells of an item that nobody has said yet."""
    if subject is None:
        return {}
    news: dict[str, object] = {}
    if item.catalog_key is None:
        news["catalog_key"] = f"{_PREFIX}{subject.number}"
    if item.expected_episodes is None and subject.episodes and not subject.episodes_are_estimated:
        news["expected_episodes"] = subject.episodes
    if item.ends_on is None and subject.end is not None:
        news["ends_on"] = subject.end
    return news


def _reason(connection: Connection, item: AnyRow, subject: Subject | None) -> str | None:
    rows = episodes.of_item(connection, item.id)
    had = {number_of(row) for row in rows if row.state in _HAD}
    missing = [number_of(row) for row in rows if row.state not in (*_HAD, *_UNWANTED)]
    expected = _expected(item, subject)
    return completion_reason(had, missing, numbering_of(item), expected, utc_now().date())


def _expected(item: AnyRow, subject: Subject | None) -> Expected | None:
    count, end = item.expected_episodes, item.ends_on
    if subject is not None:
        is_certain = not subject.episodes_are_estimated
        count = count or (subject.episodes if is_certain else None)
        end = end or subject.end
    is_film = subject is not None and subject.kind is SubjectKind.MOVIE
    if count is None and end is None and not is_film:
        return None
    source = "the catalogue" if subject is not None else "the item"
    return Expected(count, end, source, is_film=is_film)
