"""The page "Transfers": what is on its way, live, with a button for everything that can be done.

It is whole without scripts; with them, parts are replaced as they change.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from pydantic import ValidationError
from sqlalchemy import Connection
from starlette.responses import Response

from sync_assets.ledger.events import last_event_id
from sync_assets.relay.listing import (
    Filter,
    Position,
    get_download,
    list_downloads,
    uploads_of,
)
from sync_assets.relay.statistics import Totals, download_totals, upload_totals
from sync_assets.server.context import context_of
from sync_assets.server.errors import InvalidRequestError
from sync_assets.server.pages import PageUser, fragment, page, see_other
from sync_assets.server.transfers import downloads, uploads
from sync_assets.server.transfers.downloads import DownloadAction
from sync_assets.server.transfers.orders import MediaOrder, place_order
from sync_assets.server.transfers.page_views import (
    STATES_SHOWN,
    DownloadView,
    Shown,
    download_view,
    size_text,
)
from sync_assets.server.transfers.paging import LARGEST_ID, next_cursor
from sync_assets.server.transfers.uploads import UploadAction

router = APIRouter(prefix="/transfers", include_in_schema=False)

_PAGE_LENGTH = 30
RowId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


@dataclass(frozen=True)
class _Content:
    downloads: list[DownloadView]
    next_cursor: int | None
    download_totals: Totals
    upload_totals: Totals
    last_event_id: int


@router.get("")
async def transfers(
    request: Request,
    _: PageUser,
    show: Shown = Shown.ALL,
    text: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """Show a page of downloads, newest first."""
    wanted = Filter(states=STATES_SHOWN[show], text=text.strip() or None)
    position = Position(cursor, _PAGE_LENGTH)

    def read(connection: Connection) -> _Content:
        rows = list_downloads(connection, wanted, position)
        found = uploads_of(connection, [row.id for row in rows])
        return _Content(
            downloads=[download_view(row, found.get(row.id, ())) for row in rows],
            next_cursor=next_cursor(rows, position),
            download_totals=download_totals(connection),
            upload_totals=upload_totals(connection),
            last_event_id=last_event_id(connection),
        )

    content = await context_of(request).reader.read(read)
    return page(
        request,
        "transfers.html",
        content=content,
        shown=list(Shown),
        show=show,
        text=text,
        is_first=cursor is None,
        size_text=size_text,
        is_enabled=context_of(request).settings.relay.enabled,
    )


@router.get("/downloads/{download_id}")
async def one(request: Request, _: PageUser, download_id: RowId) -> Response:
    """Show one download again, after it has changed."""
    return await _card(request, download_id)


@router.post("/media")
async def order(request: Request, user: PageUser, link: Annotated[str, Form()]) -> Response:
    """Take a link that was typed in."""
    try:
        wanted = MediaOrder(link=link.strip())
    except ValidationError:
        raise InvalidRequestError("The link is too long.", remedy="Check it.") from None
    receipt = await place_order(request, user, wanted)
    message = "It is being relayed." if receipt.is_new else "It was known before; see below."
    return see_other(request, "/transfers", message)


@router.post("/downloads/{download_id}/delete")
async def delete_download(
    request: Request,
    user: PageUser,
    download_id: RowId,
    with_file: Annotated[bool, Form()] = False,
) -> Response:
    """Delete a download's record."""
    deletion = await downloads.delete_one(request, user, download_id, with_file=with_file)
    if _is_htmx(request):
        return fragment("transfers_deleted.html", deletion=deletion)
    return see_other(request, "/transfers", deletion.problem or "The record is deleted.")


@router.post("/downloads/{download_id}/{action}")
async def act_on_download(
    request: Request, user: PageUser, download_id: RowId, action: DownloadAction
) -> Response:
    """Pause, resume, retry or cancel a download."""
    await downloads.act(request, user, download_id, action)
    return await _changed(request, download_id)


@router.post("/uploads/{upload_id}/{action}")
async def act_on_upload(
    request: Request, user: PageUser, upload_id: RowId, action: UploadAction
) -> Response:
    """Pause, resume, retry, cancel or confirm an upload."""
    answer = await uploads.act(request, user, upload_id, action)
    return await _changed(request, answer.download_id)


async def _changed(request: Request, download_id: int) -> Response:
    if _is_htmx(request):
        return await _card(request, download_id)
    return see_other(request, f"/transfers#download-{download_id}")


async def _card(request: Request, download_id: int) -> Response:
    def read(connection: Connection) -> DownloadView:
        row = get_download(connection, download_id)
        return download_view(row, uploads_of(connection, [row.id]).get(row.id, ()))

    return fragment("transfers_download.html", download=await context_of(request).reader.read(read))


def _is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"
