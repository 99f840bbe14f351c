"""`/api/uploads`: see uploads and steer them."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_assets.ledger.tokens import Scope, Token
from sync_assets.relay.listing import (
    PENDING_UPLOADS,
    Filter,
    Position,
    get_upload,
    list_uploads,
)
from sync_assets.relay.models import UploadState
from sync_assets.server.context import context_of
from sync_assets.server.security import RequireScope
from sync_assets.server.transfers.acting import ERRORS, ERRORS_OF_ONE
from sync_assets.server.transfers.answers import UploadAnswer, upload_answer
from sync_assets.server.transfers.paging import LARGEST_ID, filter_of, next_cursor, page_of

router = APIRouter(prefix="/api/uploads", tags=["transfers"])

UserToken = Annotated[Token, Depends(RequireScope(Scope.USER))]
UploadId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The upload's id.")]


class UploadPage(BaseModel):
    """A page of uploads, newest first."""

    uploads: list[UploadAnswer]
    next_cursor: int | None = Field(description="For the next page; null where this is the last.")


@router.get("", responses=ERRORS)
async def list_all(
    request: Request,
    _: UserToken,
    position: Annotated[Position, Depends(page_of)],
    wanted: Annotated[Filter, Depends(filter_of)],
    state: Annotated[
        list[UploadState] | None, Query(description="Only these states; may come repeatedly.")
    ] = None,
    download_id: Annotated[
        int | None, Query(ge=1, le=LARGEST_ID, description="Only those of this download.")
    ] = None,
) -> UploadPage:
    """Uploads, newest first."""
    wanted = replace(wanted, states=state or (), download_id=download_id)
    return await _page(request, wanted, position)


@router.get("/pending", responses=ERRORS)
async def list_pending(
    request: Request,
    _: UserToken,
    position: Annotated[Position, Depends(page_of)],
    wanted: Annotated[Filter, Depends(filter_of)],
) -> UploadPage:
    """Uploads that are still to come to an end, newest first."""
    return await _page(request, replace(wanted, states=PENDING_UPLOADS), position)


@router.get("/{upload_id}", responses=ERRORS_OF_ONE)
async def get_one(request: Request, _: UserToken, upload_id: UploadId) -> UploadAnswer:
    """One upload."""
    return await context_of(request).reader.read(
        lambda connection: upload_answer(get_upload(connection, upload_id))
    )


async def _page(request: Request, wanted: Filter, position: Position) -> UploadPage:
    def read(connection: Connection) -> UploadPage:
        rows = list_uploads(connection, wanted, position)
        return UploadPage(
            uploads=[upload_answer(row) for row in rows],
            next_cursor=next_cursor(rows, position),
        )

    return await context_of(request).reader.read(read)
