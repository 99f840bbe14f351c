"""All tables of the ledger. Alembic's migrations make the database equal to this.

Only definitions belong here, a module per domain; the functions that write to a table live in the
module named after it, in the ledger or in the domain that owns it.
"""

from sync_assets.ledger.schema.bangumi import (
    bangumi_custom_items,
    bangumi_reports,
    bangumi_searches,
)
from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.schema.foundation import (
    events,
    inbox_events,
    leases,
    rate_budgets,
    results,
    secrets,
    tokens,
)
from sync_assets.ledger.schema.notifications import notifications
from sync_assets.ledger.schema.oauth import oauth_connections
from sync_assets.ledger.schema.pixiv import pixiv_accounts, pixiv_files, pixiv_works
from sync_assets.ledger.schema.relay import (
    relay_downloads,
    relay_media,
    relay_messages,
    relay_replies,
    relay_update_offsets,
    relay_uploads,
)
from sync_assets.ledger.schema.strm import (
    strm_changes,
    strm_deletion_plans,
    strm_drives,
    strm_event_deletions,
    strm_files,
    strm_mount_points,
    strm_outputs,
    strm_touched,
)
from sync_assets.ledger.schema.telegram import telegram_chats, telegram_files, telegram_posts
from sync_assets.ledger.schema.trakt import trakt_cursors
from sync_assets.ledger.schema.watchlist import (
    watchlist_checks,
    watchlist_episodes,
    watchlist_items,
    watchlist_releases,
    watchlist_settings,
    watchlist_shares,
)

__all__ = [
    "bangumi_custom_items",
    "bangumi_reports",
    "bangumi_searches",
    "events",
    "inbox_events",
    "leases",
    "metadata",
    "notifications",
    "oauth_connections",
    "pixiv_accounts",
    "pixiv_files",
    "pixiv_works",
    "rate_budgets",
    "relay_downloads",
    "relay_media",
    "relay_messages",
    "relay_replies",
    "relay_update_offsets",
    "relay_uploads",
    "results",
    "secrets",
    "strm_changes",
    "strm_deletion_plans",
    "strm_drives",
    "strm_event_deletions",
    "strm_files",
    "strm_mount_points",
    "strm_outputs",
    "strm_touched",
    "telegram_chats",
    "telegram_files",
    "telegram_posts",
    "tokens",
    "trakt_cursors",
    "watchlist_checks",
    "watchlist_episodes",
    "watchlist_items",
    "watchlist_releases",
    "watchlist_settings",
    "watchlist_shares",
]
