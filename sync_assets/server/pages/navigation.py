"""What the header of every page links to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.routing import BaseRoute, Match

from sync_assets.ledger.tokens import Scope
from sync_assets.settings import Settings


@dataclass(frozen=True)
class NavigationEntry:
    """A page in the header.

    Attributes:
        label: Its name.
        path: Its address.
        is_enabled: Whether the configuration has anything for it to show.
        scope: What a user's token must allow to see it.
    """

    label: str
    path: str
    is_enabled: Callable[[Settings], bool]
    scope: Scope = Scope.USER

    def is_current(self, path: str) -> bool:
        """Tell whether an address is this page's or one below it."""
        return path == self.path or (self.path != "/" and path.startswith(f"{self.path}/"))


_ENTRIES = (
    NavigationEntry("Overview", "/", lambda _: True),
    NavigationEntry("Transfers", "/transfers", lambda settings: settings.relay.enabled),
    NavigationEntry("Watchlist", "/watchlist", lambda _: True),
    NavigationEntry("Review", "/review", lambda settings: bool(settings.bangumi.accounts)),
    NavigationEntry(
        "Trakt", "/oauth/trakt", lambda settings: bool(settings.trakt.accounts), Scope.ADMIN
    ),
    NavigationEntry(
        "Bangumi",
        "/oauth/bangumi",
        # Personal tokens need no page.
        lambda settings: bool(settings.bangumi.accounts and settings.bangumi.client_id),
        Scope.ADMIN,
    ),
)


def navigation(routers: Iterable[APIRouter], settings: Settings) -> Sequence[NavigationEntry]:
    """Return the pages that are served and that the configuration has a use for.

    Args:
        routers: All routers of the app.
        settings: The configuration.
    """
    routes = [each for router in routers for each in router.routes]
    return [
        entry
        for entry in _ENTRIES
        if entry.is_enabled(settings) and any(_serves(each, entry.path) for each in routes)
    ]


def _serves(route: BaseRoute, path: str) -> bool:
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    match, _ = route.matches(scope)
    return match is Match.FULL
