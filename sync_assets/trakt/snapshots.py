"""Ratings and collection: small lists that are read whole when Trakt says that they changed."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from sync_assets.trakt.account import AccountWork, Outcome, parse_each
from sync_assets.trakt.activities import changed_sections
from sync_assets.trakt.models import Activities, CollectedItem, MediaType, Rating
from sync_assets.trakt.parsing import parse_collected, parse_rating
from sync_assets.trakt.reconciling import reconcile
from sync_assets.trakt.tables import COLLECTION_TABLE, RATINGS_TABLE, AnyRow, Table


@dataclass(frozen=True)
class Snapshot(Generic[AnyRow]):
    """A list that is read whole, section by section.

    Attributes:
        dataset: Its name in cursors and activities.
        table: Where its rows are.
        paths: Trakt's address of each section.
        media_types: What the rows of each section are about.
        parse: Reads the rows of one item; raises `ItemError`.
    """

    dataset: str
    table: Table[AnyRow]
    paths: Mapping[str, str]
    media_types: Mapping[str, MediaType]
    parse: Callable[[Mapping[str, Any]], Iterable[AnyRow]]


RATINGS = Snapshot[Rating](
    "ratings",
    RATINGS_TABLE,
    {each.section: f"/sync/ratings/{each.section}" for each in MediaType},
    {each.section: each for each in MediaType},
    lambda item: [parse_rating(item)],
)
COLLECTION = Snapshot[CollectedItem](
    "collection",
    COLLECTION_TABLE,
    {"episodes": "/sync/collection/shows", "movies": "/sync/collection/movies"},
    {"episodes": MediaType.EPISODE, "movies": MediaType.MOVIE},
    parse_collected,
)


def follow(work: AccountWork, activities: Activities, snapshot: Snapshot[AnyRow]) -> Outcome:
    """Bring a list up to date, as far as it changed.

    Args:
        work: The account.
        activities: What Trakt says about when something changed.
        snapshot: Which list.

    Returns:
        What was done; no request was sent where nothing is new.

    Raises:
        SyncError: Trakt or the lake could not be read; the cursor stays.
    """
    cursor = work.cursor(snapshot.dataset)
    changed = changed_sections(activities, snapshot.dataset, cursor)
    known: dict[Hashable, AnyRow] = {
        row.key: row for row in snapshot.table.read(work.lake, work.name)
    }
    outcome = Outcome({"added": 0, "changed": 0, "removed": 0})
    for section in changed:
        failures: list[str] = []
        items = work.source.items(snapshot.paths[section], paged=False)
        parsed = parse_each(items, snapshot.parse, failures)
        media_type = snapshot.media_types[section]
        result = reconcile(
            known,
            [row for rows in parsed for row in rows],
            # An item that cannot be read could be any of the known ones.
            in_scope=lambda row, kind=media_type, whole=not failures: whole and row.key[0] == kind,
            now=work.now,
        )
        known = result.rows
        for name in outcome.numbers:
            outcome.numbers[name] += getattr(result, name)
        outcome.failures += failures
    if changed or not work.lake.exists(snapshot.table.asset, partition=work.name):
        rows = sorted(known.values(), key=_order)
        snapshot.table.write(work.lake, work.name, rows)
    if changed and not outcome.failures:
        work.move(snapshot.dataset, {**cursor, **changed})
    return outcome


def _order(row: Any) -> tuple[str, int, int, int]:
    media_type, trakt, season, number = row.key
    return media_type, trakt, -1 if season is None else season, -1 if number is None else number
