"""`/watchlist/ID`: an item with its episodes and what checks of it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from sync_assets.server.pages import PageUser, fragment, page
from sync_assets.server.watchlist.answers import CheckAnswer, EpisodeAnswer
from sync_assets.server.watchlist.common import ItemId, read
from sync_assets.server.watchlist_pages.common import ADDRESS, ITEM, is_htmx
from sync_assets.server.watchlist_pages.views import TEXTS, EpisodeView, ItemView
from sync_assets.watchlist import checks_log, episodes, items, user_settings
from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.searching import with_counts
from sync_assets.watchlist.titles import EpisodeKind

router = APIRouter(prefix=ADDRESS)

PAGE_SIZE = 50
SHOWN_CHECKS = 8

_GROUPS: dict[str, tuple[str, frozenset[EpisodeState]]] = {
    "": ("All", frozenset(EpisodeState)),
    "missing": (
        "Not here yet",
        frozenset(EpisodeState) - {EpisodeState.DOWNLOADED, EpisodeState.HAD, EpisodeState.SKIPPED},
    ),
    "failed": ("Failed", frozenset({EpisodeState.FAILED})),
    "here": ("Here", frozenset({EpisodeState.DOWNLOADED, EpisodeState.HAD})),
    "skipped": ("Skipped", frozenset({EpisodeState.SKIPPED})),
}


@dataclass(frozen=True)
class EpisodeList:
    """A page of an item's episodes, the newest first.

    Attributes:
        views: The episodes.
        total: How many fit, on all pages.
        page: Which page it is, from 1.
        group: Which states are shown.
        groups: How many there are in each group of states, with its name.
    """

    views: Sequence[EpisodeView]
    total: int
    page: int
    group: str
    groups: Sequence[tuple[str, str, int]]

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // PAGE_SIZE))


@router.get(ITEM)
async def show_item(
    request: Request,
    user: PageUser,
    item_id: ItemId,
    *,
    show: Annotated[str, Query(max_length=20)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """Show an item."""
    group = show if show in _GROUPS else ""

    def found(connection: Connection) -> dict[str, Any]:
        row = items.owned(connection, user.user, item_id)
        (item,) = with_counts(connection, [row])
        log = checks_log.of_item(connection, item_id, limit=SHOWN_CHECKS)
        return {
            "view": ItemView.of(item),
            "listing": _episodes(connection, item_id, group, number),
            "checks": [CheckAnswer.of(check) for check in log],
            "interval_hours": user_settings.interval_hours(connection, row),
            "texts": TEXTS,
        }

    values = await read(request, found)
    if is_htmx(request):
        return fragment("watchlist/item_parts.html", **values)
    return page(request, "watchlist/item.html", **values)


def _episodes(connection: Connection, item_id: int, group: str, number: int) -> EpisodeList:
    rows = episodes.of_item(connection, item_id)
    newest_first = [*reversed(rows)]
    newest_first.sort(key=lambda row: row.kind != EpisodeKind.REGULAR)
    fitting = [row for row in newest_first if row.state in _GROUPS[group][1]]
    offset = (number - 1) * PAGE_SIZE
    return EpisodeList(
        [
            EpisodeView(EpisodeAnswer.of(row), item_id)
            for row in fitting[offset : offset + PAGE_SIZE]
        ],
        len(fitting),
        number,
        group,
        [
            (name, title, sum(row.state in states for row in rows))
            for name, (title, states) in _GROUPS.items()
        ],
    )
