"""The first page: how everything is, and the ways to the other pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse

from sync_assets.ledger.tokens import Scope
from sync_assets.ops.health import DomainHealth, DomainStatus, HealthReport, health_report
from sync_assets.ops.services import Endpoint
from sync_assets.server.context import ServerContext, context_of
from sync_assets.server.pages.access import require_page_scope
from sync_assets.server.pages.rendering import fragment, page

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_page_scope(Scope.USER))])


@dataclass(frozen=True)
class _DomainText:
    title: str
    purpose: str
    page_path: str | None = None


_DOMAINS: Mapping[str, _DomainText] = {
    "pixiv": _DomainText("Pixiv", "Bookmarks become files"),
    "telegram": _DomainText("Telegram", "Files become posts"),
    "relay": _DomainText("Relay", "Telegram media, downloaded and uploaded", "/transfers"),
    "watchlist": _DomainText("Watchlist", "New episodes, found and downloaded", "/watchlist"),
    "strm": _DomainText("Library", "The cloud drive as a .strm library"),
    "catalog": _DomainText("Catalogue", "Which anime is which, from public sources"),
    "trakt": _DomainText("Trakt", "What was watched, rated and collected", "/oauth/trakt"),
    "bangumi": _DomainText("Bangumi", "What was watched becomes marks", "/review"),
}


_ORDER = (
    DomainStatus.FAILED,
    DomainStatus.DEGRADED,
    DomainStatus.UNKNOWN,
    DomainStatus.OK,
    DomainStatus.WAITING,
    DomainStatus.OFF,
)
"""What needs the user comes first."""


@dataclass(frozen=True)
class DomainView:
    """What the page shows of a domain.

    Attributes:
        name: As the configuration calls it.
        title: Its name.
        purpose: What it is for.
        page_path: Its own page, where it has one.
        health: How it is.
    """

    name: str
    title: str
    purpose: str
    page_path: str | None
    health: DomainHealth


@router.get("/")
async def overview(request: Request) -> HTMLResponse:
    """Show how every domain is."""
    context = context_of(request)
    report = await _report(context)
    return page(
        request,
        "overview.html",
        report=report,
        domains=_views(request, report),
        dagster_url=_dagster_url(request, context),
    )


@router.get("/overview/domains")
async def overview_domains(request: Request) -> HTMLResponse:
    """Show the part of the overview that changes."""
    context = context_of(request)
    report = await _report(context)
    return fragment(
        "overview_domains.html",
        report=report,
        domains=_views(request, report),
        dagster_url=_dagster_url(request, context),
    )


async def _report(context: ServerContext) -> HealthReport:
    return await context.reader.call(lambda: health_report(context.ledger, context.settings))


def _views(request: Request, report: HealthReport) -> list[DomainView]:
    shown = {entry.path for entry in request.app.state.navigation}
    views = []
    for name, health in report.domains.items():
        text = _DOMAINS.get(name, _DomainText(name, ""))
        page_path = text.page_path if text.page_path in shown else None
        views.append(DomainView(name, text.title, text.purpose, page_path, health))
    return sorted(views, key=lambda view: (_ORDER.index(view.health.status), view.title))


def _dagster_url(request: Request, context: ServerContext) -> str | None:
    """Return the UI's address, where this browser can reach it: it may listen on loopback only."""
    settings = context.settings.dagster
    host = request.url.hostname or ""
    if settings.host.is_loopback and not _is_loopback(host):
        return None
    return Endpoint(host if settings.host.is_unspecified else str(settings.host), settings.port).url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
