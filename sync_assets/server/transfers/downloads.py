"""`/api/downloads`: see downloads, steer them, delete their records."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_assets.ledger import UnknownSubjectError
from sync_assets.ledger.tokens import Scope, Token
from sync_assets.relay import downloads
from sync_assets.relay.deleting import (
    DeletedDownload,
    FolderNotRemovedError,
    RecordInUseError,
    delete_download,
    remove_folder,
)
from sync_assets.relay.listing import (
    Filter,
    Position,
    get_download,
    list_downloads,
    uploads_of,
)
from sync_assets.relay.models import DownloadState
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
from sync_assets.server.transfers.answers import DownloadAnswer, download_answer
from sync_assets.server.transfers.paging import LARGEST_ID, filter_of, next_cursor, page_of

router = APIRouter(prefix="/api/downloads", tags=["transfers"])

UserToken = Annotated[Token, Depends(RequireScope(Scope.USER))]
AdminToken = Annotated[Token, Depends(RequireScope(Scope.ADMIN))]
DownloadId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The download's id.")]

_DELETED_AT_ONCE = 200
_SHOWN_PROBLEMS = 20


class DownloadAction(StrEnum):
    """What a user can want of a download; a part of its address."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    CANCEL = "cancel"


DOWNLOAD_WISHES: Mapping[DownloadAction, Callable[[Connection, int], None]] = {
    DownloadAction.PAUSE: downloads.pause,
    DownloadAction.RESUME: downloads.resume,
    DownloadAction.RETRY: downloads.retry,
    DownloadAction.CANCEL: downloads.cancel,
}


class DownloadPage(BaseModel):
    """A page of downloads, newest first."""

    downloads: list[DownloadAnswer]
    next_cursor: int | None = Field(description="For the next page; null where this is the last.")


class Deletion(BaseModel):
    """A record is deleted."""

    id: int
    file_removed: bool = Field(description="Whether its local folder was removed too.")
    problem: str | None = Field(description="Why the folder could not be removed; what to do.")


class DeletionOfAll(BaseModel):
    """What to delete, and that it is meant."""

    confirm: Literal["all downloads"] = Field(description="Has to be 'all downloads'.")
    with_file: bool = Field(default=False, description="Remove the local files too.")


class DeletionsOfAll(BaseModel):
    """What was deleted."""

    deleted: int
    in_use: int = Field(description="Records that stay: their transfers have not come to rest.")
    problems: list[str] = Field(description="Folders that could not be removed; at most 20.")


@router.get("", responses=ERRORS)
async def list_all(
    request: Request,
    _: UserToken,
    position: Annotated[Position, Depends(page_of)],
    wanted: Annotated[Filter, Depends(filter_of)],
    state: Annotated[
        list[DownloadState] | None, Query(description="Only these states; may come repeatedly.")
    ] = None,
) -> DownloadPage:
    """Downloads with their uploads, newest first."""
    wanted = replace(wanted, states=state or ())

    def read(connection: Connection) -> DownloadPage:
        rows = list_downloads(connection, wanted, position)
        uploads = uploads_of(connection, [row.id for row in rows])
        return DownloadPage(
            downloads=[download_answer(row, uploads.get(row.id, ())) for row in rows],
            next_cursor=next_cursor(rows, position),
        )

    return await context_of(request).reader.read(read)


@router.get("/{download_id}", responses=ERRORS_OF_ONE)
async def get_one(request: Request, _: UserToken, download_id: DownloadId) -> DownloadAnswer:
    """One download with its uploads."""
    return await context_of(request).reader.read(lambda connection: _one(connection, download_id))


@router.post("/{download_id}/{action}", responses=ERRORS_OF_ACTION)
async def act(
    request: Request, token: UserToken, download_id: DownloadId, action: DownloadAction
) -> DownloadAnswer:
    """Pause, resume, retry or cancel a download; repeating it changes nothing.

    It is written at once and needs no worker: a run is started, which tells aria2. Cancelling
    removes what is there of the file; a cancelled download can be retried.
    """

    def apply(connection: Connection) -> DownloadAnswer:
        DOWNLOAD_WISHES[action](connection, download_id)
        record(connection, "relay_download", download_id, action, token)
        return _one(connection, download_id)

    return await write(request, apply)


@router.delete("/{download_id}", responses=ERRORS_OF_ACTION)
async def delete_one(
    request: Request,
    token: UserToken,
    download_id: DownloadId,
    with_file: Annotated[
        bool, Query(description="Remove the local file too. A part of one is removed anyway.")
    ] = False,
) -> Deletion:
    """Delete the record of a download that has ended, with those of its uploads.

    409 while it, or one of its uploads, has not come to rest: cancel it first. What lies at the
    targets stays. If something wants the same again later, it is downloaded again.
    """
    deleted = await write(
        request,
        partial(_delete, request, download_id=download_id, token=token, with_file=with_file),
    )
    problem = await asyncio.to_thread(_remove, request, deleted)
    return Deletion(
        id=download_id,
        file_removed=deleted.has_folder_to_remove and problem is None,
        problem=problem,
    )


@router.delete("", responses=ERRORS)
async def delete_all(request: Request, token: AdminToken, body: DeletionOfAll) -> DeletionsOfAll:
    """Delete the records of all downloads that have ended; needs the scope `admin`.

    Those that have not come to rest stay, and are counted. What lies at the targets stays.
    """
    answer = DeletionsOfAll(deleted=0, in_use=0, problems=[])
    position: Position | None = Position(None, _DELETED_AT_ONCE)
    while position is not None:
        rows = await context_of(request).reader.read(
            partial(list_downloads, wanted=Filter(), position=position)
        )
        ids = [row.id for row in rows]
        deleted = await write(
            request,
            partial(_delete_those_at_rest, request, ids=ids, token=token, with_file=body.with_file),
        )
        answer.deleted += len(deleted)
        answer.in_use += len(ids) - len(deleted)
        removals = [await asyncio.to_thread(_remove, request, each) for each in deleted]
        answer.problems += [problem for problem in removals if problem is not None]
        cursor = next_cursor(rows, position)
        position = None if cursor is None else Position(cursor, _DELETED_AT_ONCE)
    del answer.problems[_SHOWN_PROBLEMS:]
    return answer


def _one(connection: Connection, download_id: int) -> DownloadAnswer:
    row = get_download(connection, download_id)
    return download_answer(row, uploads_of(connection, [row.id]).get(row.id, ()))


def _delete(
    request: Request, connection: Connection, *, download_id: int, token: Token, with_file: bool
) -> DeletedDownload:
    return delete_download(
        connection,
        download_id,
        with_file=with_file,
        owns_aria2=context_of(request).settings.relay.aria2.url is None,
        detail=by(token),
    )


def _delete_those_at_rest(
    request: Request, connection: Connection, *, ids: list[int], token: Token, with_file: bool
) -> list[DeletedDownload]:
    deleted = []
    for download_id in ids:
        try:
            deleted.append(
                _delete(
                    request, connection, download_id=download_id, token=token, with_file=with_file
                )
            )
        except (RecordInUseError, UnknownSubjectError):
            # The second one is gone already: somebody else has deleted it.
            continue
    return deleted


def _remove(request: Request, deleted: DeletedDownload) -> str | None:
    """Remove a deleted download's folder; return why it could not be."""
    if not deleted.has_folder_to_remove:
        return None
    try:
        remove_folder(context_of(request).settings.relay.download_directory, deleted)
    except FolderNotRemovedError as error:
        return str(error)
    return None
