"""`/watchlist`: all items, filtered, with what to do with each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, Response

from sync_assets.server.pages import PageUser, fragment, page, see_other
from sync_assets.server.watchlist import checks as checks_api
from sync_assets.server.watchlist import items as items_api
from sync_assets.server.watchlist.common import ItemId, read
from sync_assets.server.watchlist_pages.common import ADDRESS, ITEM, back, done, is_htmx
from sync_assets.server.watchlist_pages.views import TEXTS, ItemView
from sync_assets.watchlist import items
from sync_assets.watchlist.forms import Text
from sync_assets.watchlist.models import ItemState
from sync_assets.watchlist.searching import ItemFilter, SortKey, of_owner, search, with_counts

router = APIRouter(prefix=ADDRESS)

PAGE_SIZE = 24
_SORTS = {
    "title": "Title",
    "next_check_at": "Next check",
    "-created_at": "Newest first",
    "-changed_at": "Changed last",
}
_NOT_ARCHIVED = frozenset(ItemState) - {ItemState.ARCHIVED}


@dataclass(frozen=True)
class ItemList:
    """A page of the items.

    Attributes:
        views: The items.
        total: How many fit, on all pages.
        owned: How many the user has altogether.
        providers: Whose items there are.
        page: Which page it is, from 1.
        query: What the filters say, as a part of an address.
    """

    views: Sequence[ItemView]
    total: int
    owned: int
    providers: Sequence[str]
    page: int
    query: str

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // PAGE_SIZE))

    def address(self, page: int) -> str:
        """Return the address of a page with the same filters."""
        parts = [part for part in (self.query, f"page={page}" if page > 1 else "") if part]
        return f"{ADDRESS}?{'&'.join(parts)}" if parts else ADDRESS


@router.get("")
async def show_items(  # noqa: PLR0913 - each is a parameter of the query
    request: Request,
    user: PageUser,
    *,
    status: Annotated[str, Query(max_length=20)] = "",
    provider: Annotated[str, Query(max_length=64)] = "",
    text: Annotated[Text, Query(max_length=200)] = "",
    sort: Annotated[str, Query(max_length=20)] = "title",
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """Show what is watched. What is archived shows only where it is asked for."""
    sort = sort if sort in _SORTS else "title"
    said = {"status": status, "provider": provider, "text": text}
    chosen = {name: value for name, value in said.items() if value}
    if sort != "title":
        chosen["sort"] = sort
    wanted = ItemFilter(
        states=_states(status),
        provider=provider or None,
        text=text,
        sort=SortKey(sort.removeprefix("-")),
        is_descending=sort.startswith("-"),
    )

    def listed(connection: Connection) -> ItemList:
        offset = (number - 1) * PAGE_SIZE
        total, found = search(connection, user.user, wanted, limit=PAGE_SIZE, offset=offset)
        owned = of_owner(connection, user.user)
        return ItemList(
            [ItemView.of(each) for each in found],
            total,
            len(owned),
            sorted({row.provider for row in owned}),
            number,
            urlencode(chosen),
        )

    values: dict[str, Any] = {
        "listing": await read(request, listed),
        "filters": said | {"sort": sort},
        "sorts": _SORTS,
        "texts": TEXTS,
    }
    if is_htmx(request):
        return fragment("watchlist/cards.html", **values)
    return page(request, "watchlist/items.html", **values)


@router.post("/check-all")
async def check_all(request: Request, user: PageUser) -> Response:
    """Check all items that are followed."""
    requested = await checks_api.check_all(request, user)
    if not requested.items:
        return see_other(request, ADDRESS, "There is nothing to check: no item is active.")
    what = f"{requested.items} item{'s' if requested.items > 1 else ''}"
    return see_other(request, ADDRESS, _check_message(requested, f"{what} will be checked"))


@router.post(f"{ITEM}/check")
async def check_item(request: Request, user: PageUser, item_id: ItemId) -> Response:
    """Check an item now."""
    requested = await checks_api.check_item(request, user, item_id)
    view = await view_of(request, user.user, item_id)
    message = _check_message(requested, f"{view.item.title} will be checked")
    return await _changed(request, view, message)


@router.post(f"{ITEM}/pause")
async def pause_item(request: Request, user: PageUser, item_id: ItemId) -> Response:
    """Check an item no more."""
    await items_api.pause_item(request, user, item_id)
    view = await view_of(request, user.user, item_id)
    return await _changed(request, view, f"{view.item.title} is paused.")


@router.post(f"{ITEM}/resume")
async def resume_item(request: Request, user: PageUser, item_id: ItemId) -> Response:
    """Check an item again."""
    await items_api.resume_item(request, user, item_id)
    view = await view_of(request, user.user, item_id)
    return await _changed(request, view, f"{view.item.title} is active again.")


async def view_of(request: Request, owner: str, item_id: int) -> ItemView:
    """Return a user's item.

    Args:
        request: The request.
        owner: The user.
        item_id: Which.

    Raises:
        UnknownSubjectError: There is none, or it is another user's.
    """

    def found(connection: Connection) -> ItemView:
        (item,) = with_counts(connection, [items.owned(connection, owner, item_id)])
        return ItemView.of(item)

    return await read(request, found)


async def _changed(request: Request, view: ItemView, message: str) -> Response:
    if is_htmx(request):
        return done("watchlist/card_changed.html", message, view=view, texts=TEXTS)
    return await back(request, message)


def _states(status: str) -> frozenset[ItemState]:
    if status == "all":
        return frozenset()
    return frozenset({ItemState(status)}) if status in set(ItemState) else _NOT_ARCHIVED


def _check_message(requested: checks_api.CheckRequested, what: str) -> str:
    if requested.run_id is None:
        return f"{what} as soon as Dagster works: it cannot be asked now."
    return f"A check is under way already: {what} by it." if requested.joined else f"{what} now."
