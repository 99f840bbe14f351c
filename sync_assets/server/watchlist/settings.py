"""A user's settings, and numbers."""

from dataclasses import asdict, replace

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_assets.server.context import context_of
from sync_assets.server.watchlist.common import PREFIX, TAGS, User, errors, read, write
from sync_assets.watchlist.intake.forms import SettingsForm
from sync_assets.watchlist.store import schedule, user_settings
from sync_assets.watchlist.store.searching import Statistics, statistics
from sync_assets.watchlist.store.user_settings import UserSettings

router = APIRouter(prefix=PREFIX, tags=TAGS)


class SettingsAnswer(BaseModel):
    """A user's settings."""

    check_interval_hours: int
    auto_download_enabled: bool
    max_concurrent_auto_downloads: int
    notify_on_new_episodes: bool
    include_completed_anime: bool
    most_downloads_of_all_users: int = Field(
        description="What the configuration allows all users together; more are never under way."
    )


@router.get("/settings", responses=errors())
async def show_settings(request: Request, user: User) -> SettingsAnswer:
    """Show the settings."""
    return _answer(
        request,
        await read(request, lambda connection: user_settings.read(connection, user.user)),
    )


@router.put("/settings", responses=errors())
async def change_settings(request: Request, user: User, form: SettingsForm) -> SettingsAnswer:
    """Change the settings. What is left out stays as it is."""
    changes = form.model_dump(include=form.model_fields_set)

    def change(connection: Connection) -> UserSettings:
        before = user_settings.read(connection, user.user)
        after = replace(before, **changes)
        user_settings.write(connection, user.user, after)
        if after.check_interval_hours != before.check_interval_hours:
            schedule.reschedule_all(connection, user.user)
        return after

    return _answer(request, await write(request, change))


@router.get("/stats", responses=errors())
async def show_statistics(request: Request, user: User) -> Statistics:
    """Count items by status, provider and what became of their last check, and episodes."""
    return await read(request, lambda connection: statistics(connection, user.user))


def _answer(request: Request, settings: UserSettings) -> SettingsAnswer:
    most = context_of(request).settings.watchlist.max_concurrent_auto_downloads
    return SettingsAnswer(**asdict(settings), most_downloads_of_all_users=most)
