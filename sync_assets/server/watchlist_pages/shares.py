"""Make and revoke secret addresses of feeds and lists, on the page of the settings."""

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from sync_assets.server.pages import PageUser, see_other
from sync_assets.server.watchlist import shares as shares_api
from sync_assets.server.watchlist.shares import NewShareAnswer, ShareForm, ShareId
from sync_assets.server.watchlist_pages.common import ADDRESS, read_form
from sync_assets.server.watchlist_pages.item_form import field_errors
from sync_assets.server.watchlist_pages.settings import Outcome, settings_page

router = APIRouter(prefix=f"{ADDRESS}/settings/shares")


@router.post("")
async def make_share(request: Request, user: PageUser) -> Response:
    """Make a share, and show its address this once."""
    form = await read_form(request)
    said = {"kind": form.get("kind"), "name": form.get("name", "")}
    try:
        share: NewShareAnswer = await shares_api.make_share(
            request, user, ShareForm.model_validate(said)
        )
    except ValidationError as error:
        errors = {f"share_{name}": text for name, text in field_errors(error).items()}
        return await settings_page(request, user, Outcome(errors=errors))
    return await settings_page(request, user, Outcome(new_share=share))


@router.post("/{share_id:int}/revoke")
async def revoke_share(request: Request, user: PageUser, share_id: ShareId) -> Response:
    """Revoke a share."""
    await shares_api.revoke_share(request, user, share_id)
    return see_other(
        request, f"{ADDRESS}/settings", "The address is revoked: it leads nowhere from now on."
    )
