"""What a user watches: add, list, show, change, pause, resume, delete."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from sync_assets.server.context import context_of
from sync_assets.server.watchlist.answers import ItemAnswer, ItemPage
from sync_assets.server.watchlist.common import PREFIX, TAGS, ItemId, User, errors, read, write
from sync_assets.watchlist.intake.access import ProviderAccess
from sync_assets.watchlist.intake.adding import add
from sync_assets.watchlist.intake.forms import ItemChanges, ItemForm, Language, ProviderId, Text
from sync_assets.watchlist.intake.previewing import check_address
from sync_assets.watchlist.models import ItemState
from sync_assets.watchlist.store import items, schedule
from sync_assets.watchlist.store.searching import ItemFilter, SortKey, search, with_counts

router = APIRouter(prefix=PREFIX, tags=TAGS)

MOST_ITEMS = 200
LARGEST_OFFSET = 1_000_000

Sort = Annotated[
    str,
    Query(
        pattern=f"^-?({'|'.join(SortKey)})$",
        description="What they are sorted by; with - before it, the last one comes first.",
    ),
]


@router.post("", status_code=HTTPStatus.CREATED, responses=errors(409))
async def add_item(request: Request, user: User, form: ItemForm) -> ItemAnswer:
    """Watch something.

    Without title or provider the page at the address is asked for them, politely, so that this
    may take a while. An address that is watched already is 409.
    """
    context = context_of(request)
    row = await context.watchlist.asking(
        lambda access: add(context.ledger, access, user.user, form)
    )
    return await _answer(request, user, row.id)


@router.get("", responses=errors())
async def list_items(  # noqa: PLR0913 - each is a parameter of the query
    request: Request,
    user: User,
    *,
    status: Annotated[
        list[ItemState] | None, Query(max_length=4, description="Only these; again for several.")
    ] = None,
    provider: Annotated[ProviderId | None, Query(description="Only of this provider.")] = None,
    language: Annotated[Language | None, Query(description="Only in this language.")] = None,
    text: Annotated[
        Text, Query(max_length=200, description="Only where the title or a genre holds this.")
    ] = "",
    sort: Sort = "title",
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="1 to 200.")] = 50,
    offset: Annotated[int, Query(ge=0, le=LARGEST_OFFSET, description="0 to 1000000.")] = 0,
) -> ItemPage:
    """List what is watched."""
    wanted = ItemFilter(
        states=frozenset(status or ()),
        provider=provider,
        language=language,
        text=text,
        sort=SortKey(sort.removeprefix("-")),
        is_descending=sort.startswith("-"),
    )
    total, found = await read(
        request,
        lambda connection: search(connection, user.user, wanted, limit=limit, offset=offset),
    )
    answers = [ItemAnswer.of(each) for each in found]
    return ItemPage(items=answers, total=total, limit=limit, offset=offset)


@router.get("/{item_id}", responses=errors(404))
async def show_item(request: Request, user: User, item_id: ItemId) -> ItemAnswer:
    """Show an item."""
    return await _answer(request, user, item_id)


@router.put("/{item_id}", responses=errors(404, 409))
async def change_item(
    request: Request, user: User, item_id: ItemId, form: ItemChanges
) -> ItemAnswer:
    """Change an item. What is left out stays as it is."""
    changes = form.changes()
    context = context_of(request)
    # Before the address is looked at: of somebody else's item not even that is said.
    await read(request, lambda connection: items.owned(connection, user.user, item_id))
    if "url" in changes or "provider" in changes:
        await asyncio.to_thread(_refuse, context.watchlist.access, changes)

    def change(connection: Connection) -> None:
        items.owned(connection, user.user, item_id)
        state = changes.pop("status", None)
        row = items.edit(connection, item_id, **changes)
        if "check_interval_hours" in changes:
            schedule.reschedule(connection, row)
        if state is not None:
            items.set_state(connection, item_id, state)

    await write(request, change)
    return await _answer(request, user, item_id)


@router.delete("/{item_id}", status_code=HTTPStatus.NO_CONTENT, responses=errors(404))
async def delete_item(request: Request, user: User, item_id: ItemId) -> Response:
    """Forget an item with its episodes. Files stay where they are, and so do transfers."""

    def delete(connection: Connection) -> None:
        items.owned(connection, user.user, item_id)
        items.remove(connection, item_id)

    await write(request, delete)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/{item_id}/pause", responses=errors(404))
async def pause_item(request: Request, user: User, item_id: ItemId) -> ItemAnswer:
    """Check an item no more until it is resumed. Doing it again changes nothing."""
    return await _set_state(request, user, item_id, ItemState.PAUSED)


@router.post("/{item_id}/resume", responses=errors(404))
async def resume_item(request: Request, user: User, item_id: ItemId) -> ItemAnswer:
    """Check an item again. Doing it again changes nothing."""
    return await _set_state(request, user, item_id, ItemState.ACTIVE)


async def _set_state(request: Request, user: User, item_id: int, state: ItemState) -> ItemAnswer:
    def change(connection: Connection) -> None:
        items.owned(connection, user.user, item_id)
        items.set_state(connection, item_id, state)

    await write(request, change)
    return await _answer(request, user, item_id)


async def _answer(request: Request, user: User, item_id: int) -> ItemAnswer:
    def show(connection: Connection) -> ItemAnswer:
        (found,) = with_counts(connection, [items.owned(connection, user.user, item_id)])
        return ItemAnswer.of(found)

    return await read(request, show)


def _refuse(access: ProviderAccess, changes: dict[str, Any]) -> None:
    if "url" in changes:
        check_address(access, changes["url"])
    if "provider" in changes:
        access.provider(changes["provider"])
