"""The pages of the watchlist, below `/watchlist`: a router per page.

They do what the API does by calling its own routes' functions, so that neither can know or allow
more than the other. An item of somebody else is answered like one that does not exist.
"""

from fastapi import APIRouter

from sync_assets.server.watchlist_pages import (
    adding,
    backups,
    calendar,
    editing,
    episodes,
    item,
    items,
    posters,
    settings,
    shared_lists,
    shares,
    statistics,
)

router = APIRouter(include_in_schema=False)
for _module in (
    items,
    adding,
    calendar,
    statistics,
    settings,
    shares,
    backups,
    item,
    editing,
    episodes,
    posters,
    shared_lists,
):
    router.include_router(_module.router)

__all__ = ["router"]
