"""`/watchlist/add`: give an address, look at what is there, choose how it is watched."""

from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from sync_assets.addresses import AddressError
from sync_assets.errors import SyncError
from sync_assets.ledger import LedgerUnavailableError
from sync_assets.server.context import context_of
from sync_assets.server.errors import ApiError
from sync_assets.server.pages import PageUser, page, see_other
from sync_assets.server.watchlist import checks as checks_api
from sync_assets.server.watchlist import items as items_api
from sync_assets.server.watchlist.checks import PreviewForm
from sync_assets.server.watchlist.common import read
from sync_assets.server.watchlist.previews import PreviewAnswer
from sync_assets.server.watchlist_pages.common import ADDRESS, form_status, read_form
from sync_assets.server.watchlist_pages.item_form import (
    DEFAULTS,
    QUALITY_OPTIONS,
    ItemFormView,
    field_errors,
    from_preview,
    refused,
    spoken,
)
from sync_assets.watchlist import items, user_settings
from sync_assets.watchlist.forms import ItemForm
from sync_assets.watchlist.numbering import episode_text
from sync_assets.watchlist.providers import AddressRefusedError

router = APIRouter(prefix=f"{ADDRESS}/add")

SHOWN_EPISODES = 8

_NEVER = (items.AlreadyWatchedError, AddressError, AddressRefusedError)
"""What no options of the user can mend."""


@router.get("")
async def ask_for_address(request: Request, user: PageUser, url: str = "") -> Response:
    """Ask for an address."""
    return await _show(request, user, ItemFormView({"url": url}))


@router.post("/preview")
async def look(request: Request, user: PageUser) -> Response:
    """Look at an address, and offer to watch it."""
    form = await read_form(request)
    asked = {name: spoken(form)[name] for name in ("url", "provider", "language")}
    try:
        wanted = PreviewForm.model_validate(asked)
        known = await read(
            request, lambda connection: items.find(connection, user.user, wanted.url)
        )
        if known is not None:
            raise items.AlreadyWatchedError(known.id)
        seen = await checks_api.preview_address(request, user, wanted)
    except ValidationError as error:
        return await _show(request, user, ItemFormView(form, field_errors(error)))
    except (LedgerUnavailableError, ApiError):
        raise
    except SyncError as error:
        view = refused(DEFAULTS | dict(form), error)
        # What cannot be looked at now can be watched all the same by whoever knows what it is.
        has_options = not isinstance(error, _NEVER)
        return await _show(request, user, view, has_options=has_options)
    view = ItemFormView(from_preview(seen, form))
    return await _show(request, user, view, seen=seen, has_options=True)


@router.post("")
async def add(request: Request, user: PageUser) -> Response:
    """Watch it, and check it at once."""
    form = await read_form(request)
    said = spoken(form)
    try:
        item = await items_api.add_item(request, user, ItemForm.model_validate(said))
    except ValidationError as error:
        view = ItemFormView(form, field_errors(error))
        return await _show(request, user, view, has_options=True)
    except (LedgerUnavailableError, ApiError):
        raise
    except SyncError as error:
        return await _show(request, user, refused(form, error), has_options=True)
    requested = await checks_api.check_item(request, user, item.id)
    when = "as soon as Dagster works" if requested.run_id is None else "now"
    message = f"{item.title} is on your watchlist, and is checked {when}."
    return see_other(request, f"{ADDRESS}/{item.id}", message)


async def _show(
    request: Request,
    user: PageUser,
    form: ItemFormView,
    *,
    seen: PreviewAnswer | None = None,
    has_options: bool = False,
) -> Response:
    settings = await read(request, lambda connection: user_settings.read(connection, user.user))
    access = context_of(request).watchlist.access
    status = form_status(request, form.errors)
    if form.known_id is not None and status is not HTTPStatus.OK:
        status = HTTPStatus.CONFLICT
    return page(
        request,
        "watchlist/add.html",
        status=status,
        form=form,
        seen=seen,
        episodes=_newest(seen),
        has_options=has_options,
        provider_options=[("", "Find out"), *((name, name) for name in access.providers)],
        quality_options=QUALITY_OPTIONS,
        settings=settings,
    )


def _newest(seen: PreviewAnswer | None) -> list[Mapping[str, object]]:
    """Return the newest episodes of a preview, as they are called."""
    if seen is None:
        return []
    shown = []
    for episode in reversed(seen.episodes[-SHOWN_EPISODES:]):
        number = Decimal(episode.number) if episode.number is not None else None
        name = episode_text(episode.season, number, episode.kind, episode.title)
        if episode.last_number != episode.number:
            name = f"{name} to {episode.last_number}"
        shown.append({"name": name, "episode": episode})
    return shown
