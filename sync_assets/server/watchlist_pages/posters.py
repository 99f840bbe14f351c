"""Posters, for the pages: from the cache, or drawn."""

import asyncio
from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import Response

from sync_assets.server.context import context_of
from sync_assets.server.pages import PageUser
from sync_assets.server.watchlist.common import ItemId, read
from sync_assets.server.watchlist.public import Secret, share_of
from sync_assets.server.watchlist_pages.common import ADDRESS, ITEM
from sync_assets.watchlist import items
from sync_assets.watchlist.models import ShareKind
from sync_assets.watchlist.posters import placeholder

router = APIRouter()

_HEADERS = {
    # Its address changes with the poster, and its session or share may end.
    "Cache-Control": "private, max-age=86400",
    # A picture that is opened by itself can do nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@router.get(f"{ADDRESS}{ITEM}/poster")
async def show_poster(request: Request, user: PageUser, item_id: ItemId) -> Response:
    """Show the poster of an item."""
    row = await read(request, lambda connection: items.owned(connection, user.user, item_id))
    return await _poster(request, row.poster_url, row.title)


@router.get("/lists/{secret}/posters/{item_id:int}")
async def show_shared_poster(request: Request, secret: Secret, item_id: ItemId) -> Response:
    """Show the poster of an item of a shared list."""
    row = await read(
        request,
        lambda connection: items.owned(
            connection, share_of(connection, ShareKind.LIST, secret).owner, item_id
        ),
    )
    return await _poster(request, row.poster_url, row.title)


async def _poster(request: Request, url: str | None, title: str) -> Response:
    cache = context_of(request).watchlist.posters
    found = await asyncio.to_thread(cache.get, url) if url else None
    poster = found or placeholder(title)
    headers = {**_HEADERS, "ETag": poster.etag}
    if poster.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(poster.content, media_type=poster.media_type, headers=headers)
