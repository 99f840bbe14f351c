"""The watchlist's part of the HTTP API: `/api/watchlist`, `/feeds` and `/lists`.

A router per concern; what they do is the domain's own. An item of somebody else is answered like
one that does not exist.
"""

from fastapi import APIRouter

from sync_assets.server.watchlist import (
    backups,
    batches,
    checks,
    episodes,
    items,
    public,
    scheduler,
    settings,
    shares,
)
from sync_assets.server.watchlist.statuses import STATUS_OF_ERROR

router = APIRouter()
# Those with fixed addresses come before those where an id stands in their place.
for _module in (
    settings,
    scheduler,
    backups,
    batches,
    shares,
    checks,
    items,
    episodes,
    public,
):
    router.include_router(_module.router)

__all__ = ["STATUS_OF_ERROR", "router"]
