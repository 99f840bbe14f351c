"""Tables of the watchlist: items, their episodes and releases, checks, users' settings, shares."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import ExactDecimal, RowId, UtcDateTime

watchlist_items = Table(
    "watchlist_items",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("url_key", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("language", Text),
    Column("auto_download", Boolean, nullable=False),
    Column("quality", Text, nullable=False),
    Column("preferred_groups", JSON, nullable=False),
    Column("poster_url", Text),
    Column("synopsis", Text, nullable=False, server_default=""),
    Column("genres", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("check_interval_hours", Integer),
    Column("numbering_offset", Integer, nullable=False, server_default="0"),
    Column("folder_template", Text),
    Column("last_checked_at", UtcDateTime),
    Column("next_check_at", UtcDateTime, nullable=False),
    Column("last_outcome", Text),
    Column("last_error", Text),
    Column("consecutive_errors", Integer, nullable=False, server_default="0"),
    Column("provider_state", JSON, nullable=False),
    Column("expected_episodes", Integer),
    Column("ends_on", Date),
    Column("catalog_key", Text),
    CheckConstraint(
        "quality IN ('auto', '1080p', '720p', '480p')", name="watchlist_item_quality_is_known"
    ),
    CheckConstraint(
        "check_interval_hours BETWEEN 1 AND 168", name="watchlist_item_interval_is_possible"
    ),
    CheckConstraint(
        "last_outcome IN ('ok', 'empty', 'no_data', 'broken', 'blocked', 'interrupted')",
        name="watchlist_item_outcome_is_known",
    ),
    CheckConstraint("expected_episodes > 0", name="watchlist_item_expects_episodes"),
    CheckConstraint("consecutive_errors >= 0", name="watchlist_item_errors_are_counted"),
    UniqueConstraint("owner", "url_key"),
    Index("watchlist_items_due", "state", "next_check_at"),
    sqlite_autoincrement=True,
)

watchlist_releases = Table(
    "watchlist_releases",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("item_id", RowId, ForeignKey("watchlist_items.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("season", Integer),
    Column("number", ExactDecimal),
    Column("last_number", ExactDecimal),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("link_kind", Text, nullable=False),
    Column("resolution", Integer),
    Column("release_group", Text),
    Column("language", Text),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("size_bytes", RowId),
    Column("infohash", Text),
    Column("needs_review", Boolean, nullable=False),
    Column("published_at", UtcDateTime),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("failed_at", UtcDateTime),
    Column("failure_reason", Text),
    CheckConstraint(
        "kind IN ('regular', 'special', 'movie')", name="watchlist_release_kind_is_known"
    ),
    CheckConstraint(
        "link_kind IN ('http', 'torrent', 'magnet', 'page')",
        name="watchlist_release_link_kind_is_known",
    ),
    CheckConstraint("size_bytes >= 0", name="watchlist_release_size_is_a_size"),
    CheckConstraint("version >= 0", name="watchlist_release_version_is_a_version"),
    UniqueConstraint("item_id", "key"),
    sqlite_autoincrement=True,
)

watchlist_episodes = Table(
    "watchlist_episodes",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("item_id", RowId, ForeignKey("watchlist_items.id", ondelete="CASCADE"), nullable=False),
    Column("owner", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("season", Integer),
    Column("number", ExactDecimal),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("airs_at", UtcDateTime),
    Column("reason", Text),
    Column("not_before", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("resolution", Integer),
    Column("release_id", RowId, ForeignKey("watchlist_releases.id", ondelete="SET NULL")),
    Column("media_id", RowId, ForeignKey("relay_media.id", ondelete="SET NULL")),
    Column("path", Text),
    Column("downloaded_at", UtcDateTime),
    Column("watched_at", UtcDateTime),
    Column("notified_at", UtcDateTime),
    CheckConstraint(
        "kind IN ('regular', 'special', 'movie')", name="watchlist_episode_kind_is_known"
    ),
    CheckConstraint(
        "state <> 'downloaded' OR (path IS NOT NULL AND downloaded_at IS NOT NULL)",
        name="watchlist_episode_downloaded_has_a_file",
    ),
    CheckConstraint(
        "state <> 'failed' OR reason IS NOT NULL", name="watchlist_episode_has_its_reason"
    ),
    CheckConstraint("version >= 0", name="watchlist_episode_version_is_a_version"),
    CheckConstraint("attempts >= 0", name="watchlist_episode_attempts_are_counted"),
    UniqueConstraint("item_id", "key"),
    Index(None, "owner", "state"),
    Index(None, "state", "not_before"),
    Index(None, "release_id"),
    Index(None, "media_id"),
    sqlite_autoincrement=True,
)

watchlist_checks = Table(
    "watchlist_checks",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("item_id", RowId, ForeignKey("watchlist_items.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", Text),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("outcome", Text),
    Column("found", Integer, nullable=False, server_default="0"),
    Column("new", Integer, nullable=False, server_default="0"),
    Column("queued", Integer, nullable=False, server_default="0"),
    Column("errors", Integer, nullable=False, server_default="0"),
    Column("message", Text),
    CheckConstraint(
        "outcome IN ('ok', 'empty', 'no_data', 'broken', 'blocked', 'interrupted')",
        name="watchlist_check_outcome_is_known",
    ),
    CheckConstraint(
        "(ended_at IS NULL) = (outcome IS NULL)", name="watchlist_check_ended_has_an_outcome"
    ),
    CheckConstraint(
        "found >= 0 AND new >= 0 AND queued >= 0 AND errors >= 0",
        name="watchlist_check_counts_are_counts",
    ),
    Index(None, "item_id", "started_at"),
    Index(
        "watchlist_checks_one_open_per_item",
        "item_id",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

watchlist_settings = Table(
    "watchlist_settings",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("check_interval_hours", Integer, nullable=False),
    Column("auto_download_enabled", Boolean, nullable=False),
    Column("max_concurrent_auto_downloads", Integer, nullable=False),
    Column("notify_on_new_episodes", Boolean, nullable=False),
    Column("include_completed_anime", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    CheckConstraint(
        "check_interval_hours BETWEEN 1 AND 168", name="watchlist_settings_interval_is_possible"
    ),
    CheckConstraint(
        "max_concurrent_auto_downloads BETWEEN 1 AND 64",
        name="watchlist_settings_downloads_are_possible",
    ),
)

watchlist_shares = Table(
    "watchlist_shares",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    CheckConstraint("kind IN ('feed', 'list')", name="watchlist_share_kind_is_known"),
    Index(None, "owner"),
    sqlite_autoincrement=True,
)
