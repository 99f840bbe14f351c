"""Assemble the server: `create_app` puts the routers, the errors and the ledger together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from sync_assets import __version__
from sync_assets.ledger import Ledger
from sync_assets.server import (
    custom_items,
    documentation,
    health,
    media_webhooks,
    metrics,
    oauth_pages,
    review_pages,
    storage_webhooks,
    telegram_webhook,
    watchlist,
    watchlist_pages,
    webhooks,
)
from sync_assets.server.context import ServerContext
from sync_assets.server.cookies import CookieSealer
from sync_assets.server.errors import install_error_handlers
from sync_assets.server.inbox_writer import InboxWriter
from sync_assets.server.ledger_reader import LedgerReader
from sync_assets.server.ledger_writer import LedgerWriter
from sync_assets.server.live import events, websocket
from sync_assets.server.live.event_feed import EventFeed
from sync_assets.server.measurements import Measurements
from sync_assets.server.middleware import RequestMiddleware
from sync_assets.server.pages import error_page, navigation, overview, sign_in, static_files
from sync_assets.server.run_launcher import RunLauncher
from sync_assets.server.sign_in_attempts import SignInAttempts
from sync_assets.server.token_verifier import TokenVerifier
from sync_assets.server.transfers import downloads, media, orders, statistics, uploads
from sync_assets.server.transfers import page as transfers_page
from sync_assets.server.watchlist_service import WatchlistService
from sync_assets.settings import Settings, load_settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the server's app; `uvicorn --factory sync_assets.server.app:create_app` runs it.

    Run it in one process: the events' feed and the inbox' writer live in its memory.

    Args:
        settings: The configuration; without it, that of this machine.

    Returns:
        The app. It opens the ledger when it starts.
    """
    settings = settings or load_settings()
    measurements = Measurements()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with run_parts(settings, measurements) as context:
            app.state.context = context
            yield

    app = FastAPI(
        title="sync_assets",
        version=__version__,
        description="Webhooks, live updates and health of one media library.",
        lifespan=lifespan,
        # See `documentation`: FastAPI's own pages load programs from other hosts.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    # The last one added is the outermost.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.server.maximum_body_bytes)
    app.add_middleware(
        RequestMiddleware,
        measurements=measurements,
        maximum_body_bytes=settings.server.maximum_body_bytes,
    )
    install_error_handlers(app, error_page, watchlist.STATUS_OF_ERROR)
    modules = (
        health,
        metrics,
        events,
        websocket,
        webhooks,
        storage_webhooks,
        telegram_webhook,
        media_webhooks,
        custom_items,
        media,
        orders,
        downloads,
        uploads,
        statistics,
        static_files,
        sign_in,
        overview,
        transfers_page,
        review_pages,
        oauth_pages,
        watchlist_pages,
        watchlist,
        documentation,
    )
    routers = [module.router for module in modules]
    for router in routers:
        app.include_router(router)
    app.state.navigation = navigation(routers, settings)
    return app


@asynccontextmanager
async def run_parts(
    settings: Settings, measurements: Measurements
) -> AsyncGenerator[ServerContext]:
    """Run what works beside the requests; at the end, store what still waits.

    Args:
        settings: The configuration.
        measurements: Where batches are counted.

    Yields:
        What the routes share.

    Raises:
        SyncError: The ledger cannot be opened.
    """
    ledger = Ledger.open(settings.ledger_url)
    reader = LedgerReader(ledger)
    writer = LedgerWriter(ledger)
    inbox = InboxWriter(ledger, on_batch=measurements.observe_batch)
    feed = EventFeed(reader.read)
    webhooks = (storage_webhooks, telegram_webhook, media_webhooks)
    jobs = [job for module in webhooks for job in module.event_jobs(settings)]
    launcher = RunLauncher(settings, ledger, jobs)
    try:
        yield ServerContext(
            settings=settings,
            ledger=ledger,
            reader=reader,
            writer=writer,
            tokens=TokenVerifier(reader),
            inbox=inbox,
            feed=feed,
            measurements=measurements,
            launcher=launcher,
            cookies=CookieSealer(settings.home),
            sign_in_attempts=SignInAttempts(),
            watchlist=WatchlistService(settings, ledger),
        )
    finally:
        feed.close()
        await launcher.close()
        await inbox.close()
        writer.close()
        reader.close()
        ledger.close()
