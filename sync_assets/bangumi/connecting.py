"""Connect to Bangumi as one account of the configuration."""

from sync_assets.bangumi.access import PersonalToken
from sync_assets.bangumi.client import BangumiClient
from sync_assets.bangumi.http import BangumiTransport, rate_limit
from sync_assets.ledger import Ledger
from sync_assets.settings.bangumi import BangumiSettings


def connect(settings: BangumiSettings, account: str, ledger: Ledger) -> BangumiClient:
    """Make the client of an account; nothing is asked yet.

    Args:
        settings: The domain's settings.
        account: The account's name.
        ledger: The ledger, which holds the account's budget.
    """
    transport = BangumiTransport(
        settings.base_url,
        PersonalToken(account, settings.accounts[account]),
        ledger,
        rate_limit(account, settings.requests_per_10_minutes),
        timeout_seconds=settings.timeout_seconds,
    )
    return BangumiClient(transport)
