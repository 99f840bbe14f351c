"""`/lists/SECRET` as people see it; programs get the API's JSON at the same address."""

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.routing import Match
from starlette.types import Scope

from sync_assets.server.pages import page
from sync_assets.server.watchlist.common import read
from sync_assets.server.watchlist.public import HEADERS, Secret, share_of
from sync_assets.server.watchlist_pages.views import TEXTS, ItemView
from sync_assets.watchlist.models import ItemState, ShareKind
from sync_assets.watchlist.searching import folded, of_owner, with_counts


class BrowserRoute(APIRoute):
    """A route for browsers only: where something else asks, the next one at the address answers."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is for this route."""
        if "text/html" not in Headers(scope=scope).get("accept", ""):
            return Match.NONE, {}
        return super().matches(scope)


router = APIRouter(route_class=BrowserRoute)


@router.get("/lists/{secret}")
async def show_shared_list(request: Request, secret: Secret) -> HTMLResponse:
    """Show what somebody watches to whoever knows the address."""

    def listed(connection: Connection) -> list[ItemView]:
        share = share_of(connection, ShareKind.LIST, secret)
        found = with_counts(connection, of_owner(connection, share.owner))
        return [
            ItemView.of(each) for each in sorted(found, key=lambda each: folded(each.row.title))
        ]

    views = await read(request, listed)
    sections = [
        (state, [view for view in views if view.item.status is state]) for state in ItemState
    ]
    response = page(request, "watchlist/shared.html", secret=secret, sections=sections, texts=TEXTS)
    response.headers.update(HEADERS)
    return response
