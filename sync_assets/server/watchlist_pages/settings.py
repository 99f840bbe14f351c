"""`/watchlist/settings`: a user's settings, the scheduler, and what else belongs to all items."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, Response

from sync_assets.ledger.tokens import Scope, Token
from sync_assets.server.pages import PageAdministrator, PageUser, page, see_other
from sync_assets.server.watchlist import scheduler as scheduler_api
from sync_assets.server.watchlist import settings as settings_api
from sync_assets.server.watchlist import shares as shares_api
from sync_assets.server.watchlist.backups import ImportAnswer
from sync_assets.server.watchlist_pages.common import ADDRESS, form_status, read_form
from sync_assets.server.watchlist_pages.item_form import field_errors
from sync_assets.watchlist.forms import SettingsForm

_PATH = f"{ADDRESS}/settings"
_BOXES = ("auto_download_enabled", "notify_on_new_episodes", "include_completed_anime")
_NUMBERS = ("check_interval_hours", "max_concurrent_auto_downloads")

router = APIRouter(prefix=_PATH)


@dataclass(frozen=True)
class Outcome:
    """What became of what a form of the page asked for.

    Attributes:
        errors: What is wrong, by field.
        values: What the settings' form holds, where it could not be used.
        new_share: A share that was just made, with its secret address.
        imported: What became of a backup.
    """

    errors: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] | None = None
    new_share: shares_api.NewShareAnswer | None = None
    imported: ImportAnswer | None = None


@router.get("")
async def show_settings(request: Request, user: PageUser) -> HTMLResponse:
    """Show the settings."""
    return await settings_page(request, user, Outcome())


@router.post("")
async def change_settings(request: Request, user: PageUser) -> Response:
    """Keep the settings."""
    form = await read_form(request)
    said: dict[str, object] = {name: form.get(name) == "true" for name in _BOXES}
    said |= {name: _whole_number(form.get(name, "")) for name in _NUMBERS}
    try:
        await settings_api.change_settings(request, user, SettingsForm.model_validate(said))
    except ValidationError as error:
        outcome = Outcome(errors=field_errors(error), values=form)
        return await settings_page(request, user, outcome)
    return see_other(request, _PATH, "The settings are saved.")


@router.post("/scheduler/start")
async def start_scheduler(request: Request, user: PageAdministrator) -> Response:
    """Let what is due be checked."""
    await scheduler_api.start_scheduler(request, user)
    return see_other(request, _PATH, "The scheduler runs: what is due is checked.")


@router.post("/scheduler/stop")
async def stop_scheduler(request: Request, user: PageAdministrator) -> Response:
    """Check nothing by itself any more."""
    await scheduler_api.stop_scheduler(request, user)
    return see_other(request, _PATH, "The scheduler is stopped: nothing is checked by itself.")


async def settings_page(request: Request, user: Token, outcome: Outcome) -> HTMLResponse:
    """Show the page of the settings after a form of it was sent.

    Args:
        request: What was sent.
        user: Who sent it.
        outcome: What became of it.
    """
    settings = await settings_api.show_settings(request, user)
    values = {name: "true" if getattr(settings, name) else "" for name in _BOXES}
    values |= {name: str(getattr(settings, name)) for name in _NUMBERS}
    return page(
        request,
        "watchlist/settings.html",
        status=form_status(request, outcome.errors),
        settings=settings,
        values=values if outcome.values is None else outcome.values,
        outcome=outcome,
        scheduler=await scheduler_api.scheduler_status(request, user),
        is_admin=user.scope is Scope.ADMIN,
        shares=await shares_api.list_shares(request, user),
        base_url=str(request.base_url).rstrip("/"),
    )


def _whole_number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text
