"""Export and import of a user's whole watchlist, as JSON."""

import asyncio
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from sync_assets.ledger.tokens import Token
from sync_assets.server.context import context_of
from sync_assets.server.payloads import parse_document
from sync_assets.server.watchlist.common import PREFIX, TAGS, User, errors, read
from sync_assets.server.webhooks import read_body
from sync_assets.watchlist.backup import export, restore

router = APIRouter(prefix=PREFIX, tags=TAGS)


class Refused(BaseModel):
    """An item of the document that cannot be imported."""

    index: int = Field(description="Its place in the document, from 0.")
    problem: str


class ImportAnswer(BaseModel):
    """What became of the document."""

    added: int = Field(description="Items that are new.")
    kept: int = Field(description="Items that were there already, and stay as they are.")
    episodes: int = Field(description="Episodes now known to be had, or not wanted.")
    refused: list[Refused]


@router.get("/export", responses=errors())
async def export_watchlist(request: Request, user: User) -> JSONResponse:
    """Export all items with what is had, and the settings: a backup that can be imported."""
    document = await read(request, lambda connection: export(connection, user.user))
    headers = {
        "Content-Disposition": 'attachment; filename="watchlist.json"',
        "Cache-Control": "no-store",
    }
    return JSONResponse(document, headers=headers)


@router.post(
    "/import",
    responses=errors(400, 408, 413),
    openapi_extra={
        "requestBody": {
            "description": "What the export gave, or an earlier watchlist.json.",
            "required": True,
            "content": {"application/json": {"schema": {}}},
        }
    },
)
async def import_watchlist(request: Request, user: User) -> ImportAnswer:
    """Import a backup, or the `watchlist.json` of the program that came before.

    Doing it again adds nothing. Nobody is asked: providers are, with the first check.
    """
    return await restored(request, user, await read_body(request))


async def restored(request: Request, user: Token, content: bytes) -> ImportAnswer:
    """Restore what a file holds.

    Args:
        request: The request.
        user: Whose watchlist it is.
        content: The file.

    Raises:
        InvalidRequestError: It is no JSON.
        BackupError: It is no watchlist.
    """
    document: Any = parse_document(content)
    context = context_of(request)
    result = await asyncio.to_thread(
        restore, context.ledger, context.watchlist.access, user.user, document
    )
    return ImportAnswer.model_validate(asdict(result))
