"""Export and import, on the page of the settings."""

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from sync_assets.server.errors import InvalidRequestError
from sync_assets.server.pages import PageUser
from sync_assets.server.watchlist import backups as backups_api
from sync_assets.server.watchlist_pages.common import ADDRESS
from sync_assets.server.watchlist_pages.settings import Outcome, settings_page
from sync_assets.watchlist.backup import BackupError

router = APIRouter(prefix=ADDRESS)


@router.get("/export")
async def export_watchlist(request: Request, user: PageUser) -> Response:
    """Download a backup."""
    return await backups_api.export_watchlist(request, user)


@router.post("/import")
async def import_watchlist(request: Request, user: PageUser) -> Response:
    """Import a backup, and show what became of each item."""
    async with request.form() as form:
        file = form.get("file")
        content = await file.read() if isinstance(file, UploadFile) else b""
    if not content:
        error = "Choose a file that is not empty."
        return await settings_page(request, user, Outcome(errors={"file": error}))
    try:
        imported = await backups_api.restored(request, user, content)
    except (BackupError, InvalidRequestError) as error:
        outcome = Outcome(errors={"file": f"{error.message} {error.remedy}"})
        return await settings_page(request, user, outcome)
    return await settings_page(request, user, Outcome(imported=imported))
