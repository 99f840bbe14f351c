"""Pages of a list, newest first and stable while new records arrive; and what to restrict it to."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.listing import Filter, Position
from sync_assets.relay.models import DownloadKind

LARGEST_PAGE = 200
USUAL_PAGE = 50
LARGEST_ID = 2**63 - 1


def page_of(
    cursor: Annotated[
        int | None,
        Query(ge=1, le=LARGEST_ID, description="The last answer's next_cursor; none at first."),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=LARGEST_PAGE, description="The most records of a page.")
    ] = USUAL_PAGE,
) -> Position:
    """Read which page a request wants; a dependency."""
    return Position(cursor, limit)


def filter_of(
    kind: Annotated[
        list[DownloadKind] | None, Query(description="Only these kinds; may come repeatedly.")
    ] = None,
    target: Annotated[
        str | None, Query(max_length=64, description="Only those that go to this target.")
    ] = None,
    day: Annotated[
        str | None,
        Query(pattern=r"^\d{4}-\d{2}-\d{2}$", description="Only what arrived on this day, UTC."),
    ] = None,
    text: Annotated[
        str | None,
        Query(max_length=200, description="Only what has this in its name, caption or sender."),
    ] = None,
) -> Filter:
    """Read what a request restricts a list to, besides states; a dependency."""
    return Filter(kinds=kind or (), target=target, day=day, text=text)


def next_cursor(rows: Sequence[AnyRow], position: Position) -> int | None:
    """Return what the next page begins below; None where this one is the last.

    Args:
        rows: The page.
        position: Which one it is.
    """
    return rows[-1].id if len(rows) == position.limit else None
