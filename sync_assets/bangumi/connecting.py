"""Connect to Bangumi as one account of the configuration."""

from pathlib import Path

from sync_assets.bangumi.access import token_source
from sync_assets.bangumi.client import BangumiClient
from sync_assets.bangumi.http import BangumiTransport, rate_limit
from sync_assets.ledger import Ledger
from sync_assets.settings.bangumi import BangumiSettings


def connect(settings: BangumiSettings, account: str, ledger: Ledger, home: Path) -> BangumiClient:
    """Make the client of an account; nothing is asked yet.

    Args:
        settings: The domain's settings.
        account: The account's name.
        ledger: The ledger, which holds the account's tokens and budget.
        home: The home directory, which holds the key of the tokens.

    Raises:
        SyncError: The account is connected, but its tokens cannot be used.
    """
    transport = BangumiTransport(
        settings.base_url,
        token_source(settings, account, ledger, home),
        ledger,
        rate_limit(account, settings.requests_per_10_minutes),
        timeout_seconds=settings.timeout_seconds,
    )
    return BangumiClient(transport)
