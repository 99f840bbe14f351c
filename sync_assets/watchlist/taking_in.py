"""What a provider lists becomes releases and episodes in the ledger. Nothing is decided here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from sync_assets.ledger.schema import watchlist_checks
from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist import episodes, releases
from sync_assets.watchlist.announcing import mark_announced
from sync_assets.watchlist.deciding import number_of
from sync_assets.watchlist.episodes import SeenEpisode
from sync_assets.watchlist.item_numbering import Numbering, season_of_title
from sync_assets.watchlist.models import CheckOutcome, EpisodeState
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.providers import (
    EpisodeReference,
    ListResult,
    PageState,
    SeriesReference,
    Variant,
    VariantKind,
)
from sync_assets.watchlist.releases import NewRelease
from sync_assets.watchlist.texts import is_storable
from sync_assets.watchlist.titles import EpisodeKind, parse_release_name

_LOOKED = (CheckOutcome.OK, CheckOutcome.EMPTY)


@dataclass(frozen=True)
class Intake:
    """What came in.

    Attributes:
        found: How many episodes of the item are listed.
        new: The ids of those that were not known.
        unusable: How many entries say no number, or hold nothing that can be stored.
    """

    found: int
    new: tuple[int, ...] = ()
    unusable: int = 0


def series_of(item: AnyRow) -> SeriesReference:
    """Return what a provider is asked for.

    Args:
        item: The item's row. A season that its title names is no part of a release's title.
    """
    title = item.title
    if season_of_title(title) is not None:
        title = parse_release_name(f"{title} - 01").title or title
    return SeriesReference(item.url, title, item.language)


def numbering_of(item: AnyRow) -> Numbering:
    """Return how an item counts its episodes.

    Args:
        item: The item's row.
    """
    return Numbering(season_of_title(item.title), item.numbering_offset)


def stored_state(state: Mapping[str, PageState]) -> dict[str, Any]:
    """Return what to ask a provider with next time, as JSON.

    Args:
        state: What its answer gave.
    """
    return {
        url: {"etag": page.etag, "last_modified": page.last_modified} for url, page in state.items()
    }


def read_state(stored: Mapping[str, Any]) -> dict[str, PageState]:
    """Return what to ask a provider with.

    Args:
        stored: What `stored_state` returned.
    """
    return {
        url: PageState(page.get("etag"), page.get("last_modified")) for url, page in stored.items()
    }


def take_in(
    connection: Connection, item: AnyRow, result: ListResult, *, run_id: str | None
) -> Intake:
    """Store what a provider lists. What it lists no longer stays.

    What the first look finds was there before its user came and is not announced as new.

    Args:
        connection: A writing transaction of the ledger.
        item: The item's row.
        result: What the provider listed.
        run_id: The Dagster run.
    """
    known = {number_of(row): row for row in episodes.of_item(connection, item.id)}
    if result.is_unchanged:
        return Intake(len(known))
    numbering = numbering_of(item)
    offered: list[NewRelease] = []
    seen: dict[EpisodeNumber, SeenEpisode] = {}
    unusable = 0
    for reference in result.episodes:
        numbers = _numbers(reference, numbering)
        if numbers is None:
            unusable += 1
            continue
        found = list(_releases(reference, numbers, numbering)) if numbers else []
        unusable += len(reference.variants) - len(found) if numbers else 0
        offered += found
        for number in numbers:
            if number not in seen or found:
                row = known.get(number)
                stored = number if row is None else replace(number, season=row.season)
                seen[number] = _seen(reference, stored, is_offered=bool(found))
    releases.remember(connection, item.id, offered)
    is_first = not _has_looked(connection, item.id)
    new = episodes.see(connection, item, list(seen.values()), run_id=run_id)
    # What the catalogue announced is here now.
    for number, each in seen.items():
        row = known.get(number)
        if row is not None and row.state == EpisodeState.EXPECTED != each.state:
            episodes.move(connection, row.id, each.state, run_id=run_id)
            new.append(row.id)
    if is_first:
        mark_announced(connection, new)
    return Intake(len(seen), tuple(new), unusable)


def _numbers(reference: EpisodeReference, numbering: Numbering) -> tuple[EpisodeNumber, ...] | None:
    """Return the item's episodes in an entry; None where nobody can tell them."""
    if reference.number is None and reference.kind is not EpisodeKind.MOVIE:
        return None
    if reference.kind is EpisodeKind.EXTRA:
        return ()
    return numbering.episodes(
        reference.season, reference.number, reference.last_number, reference.kind
    )


def _releases(
    reference: EpisodeReference, numbers: tuple[EpisodeNumber, ...], numbering: Numbering
) -> Iterator[NewRelease]:
    for variant in reference.variants:
        if not is_storable(variant.uri):
            continue
        yield NewRelease(
            key=variant.key,
            first=numbers[0],
            last=numbers[-1],
            name=variant.name,
            link=variant.uri,
            link_kind=variant.kind,
            resolution=variant.resolution,
            release_group=variant.group,
            language=variant.language,
            version=variant.version,
            size_bytes=variant.size_bytes,
            infohash=variant.infohash,
            needs_review=_needs_review(reference, variant, numbering),
            published_at=reference.published_at,
        )


def _needs_review(reference: EpisodeReference, variant: Variant, numbering: Numbering) -> bool:
    """Whether a person has to look first.

    A film needs no number. Of an item of a later season, a number without a season may be the
    first season's, where the list holds all seasons, as lists of releases do.
    """
    if reference.kind is EpisodeKind.MOVIE and reference.number is None:
        return False
    may_be_another_season = (
        numbering.season is not None
        and numbering.offset == 0
        and reference.season is None
        and reference.kind is EpisodeKind.REGULAR
        and variant.kind is not VariantKind.PAGE
    )
    return reference.needs_review or may_be_another_season


def _seen(reference: EpisodeReference, number: EpisodeNumber, *, is_offered: bool) -> SeenEpisode:
    return SeenEpisode(
        number,
        EpisodeState.FOUND if is_offered else EpisodeState.EXPECTED,
        title="" if reference.is_batch else reference.title,
    )


def _has_looked(connection: Connection, item_id: int) -> bool:
    columns = watchlist_checks.c
    query = select(columns.id).where(columns.item_id == item_id, columns.outcome.in_(_LOOKED))
    return connection.execute(query.limit(1)).scalar() is not None
