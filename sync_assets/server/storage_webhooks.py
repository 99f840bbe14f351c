"""Webhooks of storages: whatever they send is kept, and becomes a look at the files it names.

Unlike the generic webhook these refuse no body for its form: the senders fill templates, do not
read the answer, and do not send again. What cannot be parsed is stored as text and answered 202.
"""

import uuid
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from sync_assets.launching import EventJob
from sync_assets.ledger.inbox import Delivery
from sync_assets.ledger.tokens import Scope
from sync_assets.server.context import context_of
from sync_assets.server.errors import ErrorAnswer
from sync_assets.server.payloads import parse_or_keep
from sync_assets.server.security import RequireScope
from sync_assets.server.webhooks import read_body
from sync_assets.settings import Settings
from sync_assets.strm.events.parsing import is_known_form
from sync_assets.strm.events.waiting import CLOUDDRIVE, EVENT_JOB, OPENLIST

router = APIRouter(
    prefix="/api/v1/webhook",
    tags=["webhooks"],
    dependencies=[Depends(RequireScope(Scope.INGEST))],
    responses={status: {"model": ErrorAnswer} for status in (401, 403, 408, 413, 503)},
)


def event_jobs(settings: Settings) -> list[EventJob]:
    """Return the jobs to start for what comes in here; none where no library is configured.

    Args:
        settings: The configuration.
    """
    return [EVENT_JOB] if settings.strm.jobs else []


class StorageReceipt(BaseModel):
    """The event is on disk."""

    id: str = Field(description="The event's generated id; every delivery is an event of its own.")
    understood: bool = Field(
        description="Whether the body has the expected form. Otherwise what it may concern is "
        "scanned."
    )


_STORED: dict[int | str, dict[str, Any]] = {
    202: {"model": StorageReceipt, "description": "Stored; its form is not the expected one."}
}


@router.post("/clouddrive", response_model=StorageReceipt, responses=_STORED)
async def clouddrive(request: Request) -> JSONResponse:
    """Store what CloudDrive2's `file_system_watcher` reports: create, delete, rename."""
    return await _keep(request, CLOUDDRIVE)


@router.post("/clouddrive/mount", response_model=StorageReceipt, responses=_STORED)
async def clouddrive_mount(request: Request) -> JSONResponse:
    """Store what CloudDrive2's `mount_point_watcher` reports.

    From an unmount to the next mount the jobs on that drive rest.
    """
    return await _keep(request, CLOUDDRIVE)


@router.post("/openlist", response_model=StorageReceipt, responses=_STORED)
async def openlist(request: Request) -> JSONResponse:
    """Store a change in the simple form: `path`, `action`, `is_dir`, `destination`.

    OpenList sends no webhooks by itself; this is for scripts and for tools that upload to it.
    """
    return await _keep(request, OPENLIST)


async def _keep(request: Request, source: str) -> JSONResponse:
    body = await read_body(request)
    payload = parse_or_keep(body)
    event_id = uuid.uuid4().hex
    context = context_of(request)
    await context.inbox.store(Delivery(source, event_id, payload), size=len(body))
    context.launcher.notify(source)
    understood = is_known_form(payload)
    return JSONResponse(
        {"id": event_id, "understood": understood},
        HTTPStatus.OK if understood else HTTPStatus.ACCEPTED,
    )
