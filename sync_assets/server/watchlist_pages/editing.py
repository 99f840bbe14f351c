"""Change an item, archive it, and delete it, which is asked about first."""

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, Response

from sync_assets.errors import SyncError
from sync_assets.ledger import LedgerUnavailableError
from sync_assets.server.context import context_of
from sync_assets.server.errors import ApiError
from sync_assets.server.pages import PageUser, page, see_other
from sync_assets.server.watchlist import items as items_api
from sync_assets.server.watchlist.answers import ItemAnswer
from sync_assets.server.watchlist.common import ItemId, read
from sync_assets.server.watchlist_pages.common import ADDRESS, ITEM, form_status, read_form
from sync_assets.server.watchlist_pages.item_form import (
    QUALITY_OPTIONS,
    ItemFormView,
    field_errors,
    from_item,
    refused,
    spoken,
)
from sync_assets.server.watchlist_pages.items import view_of
from sync_assets.server.watchlist_pages.views import TEXTS
from sync_assets.watchlist import user_settings
from sync_assets.watchlist.forms import ItemChanges
from sync_assets.watchlist.models import ItemState

router = APIRouter(prefix=f"{ADDRESS}{ITEM}")


@router.get("/edit")
async def ask_for_changes(request: Request, user: PageUser, item_id: ItemId) -> HTMLResponse:
    """Show what a user can change."""
    view = await view_of(request, user.user, item_id)
    return await _form(request, user, view.item, ItemFormView(from_item(view.item)))


@router.post("/edit")
async def change(request: Request, user: PageUser, item_id: ItemId) -> Response:
    """Change what the form says otherwise."""
    item = (await view_of(request, user.user, item_id)).item
    form = await read_form(request)
    said = {name: value for name, value in spoken(form).items() if not _is_same(item, name, value)}
    address = f"{ADDRESS}/{item_id}"
    if not said:
        return see_other(request, address, "Nothing was changed.")
    try:
        # An empty title or provider is refused as such, and not for its type.
        texts = {name: said[name] or "" for name in ("url", "title", "provider") if name in said}
        changes = ItemChanges.model_validate(said | texts)
        await items_api.change_item(request, user, item_id, changes)
    except ValidationError as error:
        return await _form(request, user, item, ItemFormView(form, field_errors(error)))
    except (LedgerUnavailableError, ApiError):
        raise
    except SyncError as error:
        return await _form(request, user, item, refused(form, error))
    return see_other(request, address, "Saved.")


@router.post("/archive")
async def archive(request: Request, user: PageUser, item_id: ItemId) -> Response:
    """Keep an item only to be looked at."""
    changes = ItemChanges(status=ItemState.ARCHIVED)
    item = await items_api.change_item(request, user, item_id, changes)
    return see_other(request, ADDRESS, f"{item.title} is archived.")


@router.get("/delete")
async def ask_before_deleting(request: Request, user: PageUser, item_id: ItemId) -> HTMLResponse:
    """Ask whether an item is really to be deleted."""
    view = await view_of(request, user.user, item_id)
    return page(request, "watchlist/delete.html", view=view, texts=TEXTS)


@router.post("/delete")
async def delete(request: Request, user: PageUser, item_id: ItemId) -> Response:
    """Forget an item with its episodes; files stay where they are."""
    view = await view_of(request, user.user, item_id)
    await items_api.delete_item(request, user, item_id)
    return see_other(request, ADDRESS, f"{view.item.title} is deleted. Its files are still there.")


async def _form(
    request: Request, user: PageUser, item: ItemAnswer, form: ItemFormView
) -> HTMLResponse:
    settings = await read(request, lambda connection: user_settings.read(connection, user.user))
    return page(
        request,
        "watchlist/edit.html",
        status=form_status(request, form.errors),
        item=item,
        form=form,
        provider_options=[(name, name) for name in context_of(request).watchlist.access.providers],
        quality_options=QUALITY_OPTIONS,
        settings=settings,
    )


def _is_same(item: ItemAnswer, name: str, said: object) -> bool:
    now = getattr(item, name)
    if name == "ends_on":
        return said == (now.isoformat() if now else None)
    return said == (list(now) if isinstance(said, list) else now)
