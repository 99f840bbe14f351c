"""`/api/media`: what was wanted, with all that became of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_assets.ledger.tokens import Scope, Token
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.listing import (
    Filter,
    Position,
    downloads_of,
    get_medium,
    list_media,
    uploads_of,
)
from sync_assets.relay.models import MediaState
from sync_assets.server.context import context_of
from sync_assets.server.security import RequireScope
from sync_assets.server.transfers.acting import ERRORS, ERRORS_OF_ONE
from sync_assets.server.transfers.answers import MediumAnswer, medium_answer
from sync_assets.server.transfers.paging import LARGEST_ID, filter_of, next_cursor, page_of

router = APIRouter(prefix="/api/media", tags=["transfers"])

UserToken = Annotated[Token, Depends(RequireScope(Scope.USER))]


class MediaPage(BaseModel):
    """A page of media, newest first."""

    media: list[MediumAnswer]
    next_cursor: int | None = Field(description="For the next page; null where this is the last.")


@router.get("", responses=ERRORS)
async def list_all(
    request: Request,
    _: UserToken,
    position: Annotated[Position, Depends(page_of)],
    wanted: Annotated[Filter, Depends(filter_of)],
    state: Annotated[
        list[MediaState] | None, Query(description="Only these states; may come repeatedly.")
    ] = None,
) -> MediaPage:
    """Downloads grouped by medium, and uploads by download; newest media first."""
    wanted = replace(wanted, states=state or ())

    def read(connection: Connection) -> MediaPage:
        rows = list_media(connection, wanted, position)
        return MediaPage(
            media=answers_of(connection, rows), next_cursor=next_cursor(rows, position)
        )

    return await context_of(request).reader.read(read)


@router.get("/{media_id}", responses=ERRORS_OF_ONE)
async def get_one(
    request: Request,
    _: UserToken,
    media_id: Annotated[int, Path(ge=1, le=LARGEST_ID, description="The medium's id.")],
) -> MediumAnswer:
    """One medium with its downloads and their uploads."""
    return await context_of(request).reader.read(
        lambda connection: answers_of(connection, [get_medium(connection, media_id)])[0]
    )


def answers_of(connection: Connection, rows: Sequence[AnyRow]) -> list[MediumAnswer]:
    """Make the answers of media, with their downloads and uploads.

    Args:
        connection: A transaction of the ledger.
        rows: The media.
    """
    downloads = downloads_of(connection, [row.id for row in rows])
    uploads = uploads_of(connection, [each.id for group in downloads.values() for each in group])
    return [medium_answer(row, downloads.get(row.id, ()), uploads) for row in rows]
