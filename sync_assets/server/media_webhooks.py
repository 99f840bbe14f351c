"""Webhooks of media servers: what was played is kept, and a run reports it to Bangumi.

The senders do not read the answer and mostly do not send again, so that no body is refused for its
form: what cannot be understood is stored, and fails visibly in the run. The same event that comes
again is stored once.
"""

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from sync_assets.bangumi.custom.waiting import EVENT_JOB
from sync_assets.launching import EventJob
from sync_assets.ledger.inbox import UNPARSED, Delivery
from sync_assets.ledger.types import utc_now
from sync_assets.server.context import context_of
from sync_assets.server.errors import ErrorAnswer
from sync_assets.server.media_payloads import read_payload
from sync_assets.server.security import RequireIngestToken
from sync_assets.server.webhooks import read_body
from sync_assets.settings import Settings
from sync_assets.settings.bangumi import CustomSource

router = APIRouter(
    prefix="/api/v1/webhook",
    tags=["webhooks"],
    dependencies=[Depends(RequireIngestToken())],
    responses={status: {"model": ErrorAnswer} for status in (401, 403, 408, 413, 503)},
)


class MediaReceipt(BaseModel):
    """The event is on disk."""

    id: str = Field(description="The event's id, made from what it says and the day.")
    duplicate: bool = Field(description="Whether it was on disk before.")
    understood: bool = Field(description="Whether the body could be parsed.")


def event_jobs(settings: Settings) -> list[EventJob]:
    """Return the jobs to start for what comes in here; none where no user is configured.

    Args:
        settings: The configuration.
    """
    return [EVENT_JOB] if settings.bangumi.custom.users else []


@router.post("/plex", response_model=MediaReceipt, status_code=HTTPStatus.ACCEPTED)
async def plex(request: Request) -> JSONResponse:
    """Store what Plex Media Server sends: `media.scrobble` and `media.play` count."""
    return await _keep(request, CustomSource.PLEX)


@router.post("/emby", response_model=MediaReceipt, status_code=HTTPStatus.ACCEPTED)
async def emby(request: Request) -> JSONResponse:
    """Store what Emby sends: `playback.start`, `playback.stop` and `item.markplayed` count."""
    return await _keep(request, CustomSource.EMBY)


@router.post("/jellyfin", response_model=MediaReceipt, status_code=HTTPStatus.ACCEPTED)
async def jellyfin(request: Request) -> JSONResponse:
    """Store what Jellyfin's Webhook plugin sends.

    `PlaybackStart`, `PlaybackStop` and `UserDataSaved` count.
    """
    return await _keep(request, CustomSource.JELLYFIN)


@router.post("/tautulli", response_model=MediaReceipt, status_code=HTTPStatus.ACCEPTED)
async def tautulli(request: Request) -> JSONResponse:
    """Store what Tautulli's notification agent sends: the triggers watched and play count."""
    return await _keep(request, CustomSource.TAUTULLI)


def digest_id(payload: Mapping[str, Any]) -> str:
    """Return the id of an event whose sender gives none.

    The day is in it, so that what is watched again is a new event also where the sender tells no
    time.

    Args:
        payload: What it says.
    """
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}:{utc_now():%Y-%m-%d}"


async def _keep(request: Request, source: CustomSource) -> JSONResponse:
    body = await read_body(request)
    payload = read_payload(request.headers.get("content-type", ""), body)
    event_id, context = digest_id(payload), context_of(request)
    is_new = await context.inbox.store(Delivery(source, event_id, payload), size=len(body))
    context.launcher.notify(source)
    understood = UNPARSED not in payload
    return JSONResponse(
        {"id": event_id, "duplicate": not is_new, "understood": understood}, HTTPStatus.ACCEPTED
    )
