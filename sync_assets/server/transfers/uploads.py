"""`/api/uploads`: see uploads, steer them, delete their records."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_assets.ledger.tokens import Scope, Token
from sync_assets.relay import uploads
from sync_assets.relay.deleting import delete_upload
from sync_assets.relay.listing import Filter, Position, get_upload, list_uploads
from sync_assets.relay.models import OPEN_UPLOADS, UploadState
from sync_assets.server.context import context_of
from sync_assets.server.security import RequireScope
from sync_assets.server.transfers.acting import (
    ERRORS,
    ERRORS_OF_ACTION,
    ERRORS_OF_ONE,
    by,
    record,
    write,
)
from sync_assets.server.transfers.answers import UploadAnswer, upload_answer
from sync_assets.server.transfers.paging import LARGEST_ID, filter_of, next_cursor, page_of

router = APIRouter(prefix="/api/uploads", tags=["transfers"])

UserToken = Annotated[Token, Depends(RequireScope(Scope.USER))]
UploadId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The upload's id.")]


class UploadAction(StrEnum):
    """What a user can want of an upload; a part of its address."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    CANCEL = "cancel"
    CONFIRM = "confirm"


UPLOAD_WISHES: Mapping[UploadAction, Callable[[Connection, int], None]] = {
    UploadAction.PAUSE: uploads.pause_upload,
    UploadAction.RESUME: uploads.resume_upload,
    UploadAction.RETRY: uploads.retry_upload,
    UploadAction.CANCEL: uploads.cancel_upload,
    UploadAction.CONFIRM: uploads.confirm_upload,
}


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
    return await _page(request, replace(wanted, states=OPEN_UPLOADS), position)


@router.get("/{upload_id}", responses=ERRORS_OF_ONE)
async def get_one(request: Request, _: UserToken, upload_id: UploadId) -> UploadAnswer:
    """One upload."""
    return await context_of(request).reader.read(
        lambda connection: upload_answer(get_upload(connection, upload_id))
    )


@router.post("/{upload_id}/{action}", responses=ERRORS_OF_ACTION)
async def act(
    request: Request, token: UserToken, upload_id: UploadId, action: UploadAction
) -> UploadAnswer:
    """Pause, resume, retry, cancel or confirm an upload; repeating it changes nothing.

    It is written at once and needs no worker. Cancelling removes what is there of it at its
    target. An upload that failed with `answer_lost`, and that you have seen at its target, is
    confirmed.
    """

    def apply(connection: Connection) -> UploadAnswer:
        UPLOAD_WISHES[action](connection, upload_id)
        record(connection, "relay_upload", upload_id, action, token)
        return upload_answer(get_upload(connection, upload_id))

    return await write(request, apply)


@router.delete("/{upload_id}", status_code=HTTPStatus.NO_CONTENT, responses=ERRORS_OF_ACTION)
async def delete_one(request: Request, token: UserToken, upload_id: UploadId) -> None:
    """Delete the record of an upload that has ended; what lies at its target stays.

    409 while it has not come to rest, and where the local file is kept for it: with the record
    gone, the file would be taken for one that all required targets have.
    """
    await write(request, lambda connection: delete_upload(connection, upload_id, detail=by(token)))


async def _page(request: Request, wanted: Filter, position: Position) -> UploadPage:
    def read(connection: Connection) -> UploadPage:
        rows = list_uploads(connection, wanted, position)
        return UploadPage(
            uploads=[upload_answer(row) for row in rows],
            next_cursor=next_cursor(rows, position),
        )

    return await context_of(request).reader.read(read)
