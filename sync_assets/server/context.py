"""What the routes share: the settings, the ledger, and the parts that run beside the requests."""

from dataclasses import dataclass

from fastapi import Request

from sync_assets.ledger import Ledger
from sync_assets.server.cookies import CookieSealer
from sync_assets.server.event_feed import EventFeed
from sync_assets.server.inbox_writer import InboxWriter
from sync_assets.server.ledger_reader import LedgerReader
from sync_assets.server.measurements import Measurements
from sync_assets.server.run_launcher import RunLauncher
from sync_assets.server.sign_in_attempts import SignInAttempts
from sync_assets.server.token_verifier import TokenVerifier
from sync_assets.server.watchlist_service import WatchlistService
from sync_assets.settings import Settings


@dataclass(frozen=True)
class ServerContext:
    """What the routes share while the server runs.

    Attributes:
        settings: The configuration.
        ledger: The ledger.
        reader: Reads it off the event loop.
        tokens: Verifies bearers.
        inbox: Stores deliveries.
        feed: Hands new events to open streams.
        measurements: What `/metrics` shows of the server itself.
        launcher: Starts runs for events that were stored.
        cookies: Seals the cookies of the pages.
        sign_in_attempts: Slows down who guesses tokens.
        watchlist: Asks providers, and starts checks.
    """

    settings: Settings
    ledger: Ledger
    reader: LedgerReader
    tokens: TokenVerifier
    inbox: InboxWriter
    feed: EventFeed
    measurements: Measurements
    launcher: RunLauncher
    cookies: CookieSealer
    sign_in_attempts: SignInAttempts
    watchlist: WatchlistService


def context_of(request: Request) -> ServerContext:
    """Return the running server's context; not a dependency, which would cost more than it does.

    Args:
        request: Any request to the server.

    Returns:
        The context.
    """
    return request.app.state.context
