"""Look for new episodes now, of one item or of all; what earlier checks found; previews."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_assets.server.check_launcher import StartedCheck
from sync_assets.server.context import context_of
from sync_assets.server.errors import ApiError
from sync_assets.server.watchlist.answers import CheckAnswer
from sync_assets.server.watchlist.common import PREFIX, TAGS, ItemId, User, errors, read, write
from sync_assets.server.watchlist.previews import PreviewAnswer
from sync_assets.watchlist.intake.forms import Form, Language, ProviderId, Title, Url
from sync_assets.watchlist.intake.previewing import preview
from sync_assets.watchlist.models import ItemState
from sync_assets.watchlist.providers import SeriesReference
from sync_assets.watchlist.store import checks_log, items, schedule

router = APIRouter(prefix=PREFIX, tags=TAGS)


class ArchivedError(ApiError):
    """An archived item is not checked."""

    status = HTTPStatus.CONFLICT
    code = "archived"


class CheckRequested(BaseModel):
    """A check that is going to be made."""

    run_id: str | None = Field(
        description="The Dagster run that makes it; null where Dagster cannot be asked now: what "
        "is followed is then checked as soon as Dagster works."
    )
    joined: bool = Field(description="Whether a check was under way already: then this is it.")
    items: int = Field(description="How many items were made due.")


class PreviewForm(Form):
    """What to look at."""

    url: Url
    provider: ProviderId | None = None
    title: Title | None = None
    language: Language | None = None


@router.post("/check-all", status_code=HTTPStatus.ACCEPTED, responses=errors())
async def check_all(request: Request, user: User) -> CheckRequested:
    """Check all items of the user that are followed, in one run."""
    count = await write(request, lambda connection: schedule.request_checks(connection, user.user))
    if not count:
        return CheckRequested(run_id=None, joined=False, items=0)
    started = await asyncio.to_thread(context_of(request).watchlist.checks.check_due)
    return _requested(started, count)


@router.post("/preview", responses=errors())
async def preview_address(request: Request, user: User, form: PreviewForm) -> PreviewAnswer:  # noqa: ARG001 - only a user may ask
    """Show what is at an address before it is added: provider, title, picture, episodes.

    Asks the address as politely as a check does, so that this may take a while.
    """
    series = SeriesReference(form.url, form.title, form.language)
    seen = await context_of(request).watchlist.asking(
        lambda access: preview(access, series, form.provider)
    )
    return PreviewAnswer.of(seen)


@router.post("/{item_id}/check", status_code=HTTPStatus.ACCEPTED, responses=errors(404, 409))
async def check_item(request: Request, user: User, item_id: ItemId) -> CheckRequested:
    """Check an item now. While a check of it is under way, that one is joined."""

    def make_due(connection: Connection) -> None:
        row = items.owned(connection, user.user, item_id)
        if row.state == ItemState.ARCHIVED:
            raise ArchivedError(f"Item {item_id} is archived.", remedy="Resume it, then check it.")
        schedule.request_check(connection, item_id)

    await write(request, make_due)
    launcher = context_of(request).watchlist.checks
    return _requested(await asyncio.to_thread(launcher.check_item, item_id), 1)


@router.get("/{item_id}/checks", responses=errors(404))
async def list_checks(
    request: Request,
    user: User,
    item_id: ItemId,
    limit: Annotated[int, Query(ge=1, le=200, description="1 to 200.")] = 20,
) -> list[CheckAnswer]:
    """List the newest checks of an item, the newest first."""

    def listed(connection: Connection) -> list[CheckAnswer]:
        items.owned(connection, user.user, item_id)
        return [CheckAnswer.of(row) for row in checks_log.of_item(connection, item_id, limit=limit)]

    return await read(request, listed)


def _requested(started: StartedCheck, count: int) -> CheckRequested:
    return CheckRequested(run_id=started.run_id, joined=started.is_joined, items=count)
