"""The watchlist's tables, whose a token is, and whose matter an event is."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import ExactDecimal, RowId, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ITEMS = {
    "active": ("paused", "completed", "archived"),
    "paused": ("active", "completed", "archived"),
    "completed": ("active", "paused", "archived"),
    "archived": ("active", "paused", "completed"),
}
_EPISODES = {
    "expected": ("found", "wanted", "waiting", "skipped", "had"),
    "found": ("expected", "wanted", "waiting", "queued", "skipped", "had"),
    "wanted": ("found", "waiting", "queued", "failed", "skipped", "had"),
    "waiting": ("found", "wanted", "queued", "failed", "skipped", "had"),
    "queued": ("wanted", "downloading", "downloaded", "failed", "skipped", "had"),
    "downloading": ("wanted", "queued", "downloaded", "failed", "skipped", "had"),
    "downloaded": ("wanted", "queued", "skipped", "had"),
    "failed": ("wanted", "waiting", "queued", "downloading", "downloaded", "skipped", "had"),
    "skipped": ("found", "wanted", "had"),
    "had": ("found", "wanted", "skipped"),
}
_OUTCOMES = "'ok', 'empty', 'no_data', 'broken', 'blocked', 'interrupted'"
_KINDS = "kind IN ('regular', 'special', 'movie')"


def upgrade() -> None:
    """Create the tables, let the database refuse illegal states, and name users."""
    op.add_column("tokens", sa.Column("user_name", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE tokens SET user_name = name")
    op.add_column("events", sa.Column("owner", sa.Text()))
    _create_items()
    _create_releases()
    _create_episodes()
    _create_checks()
    _create_settings()
    _create_shares()
    _refuse_illegal("watchlist_item", "watchlist_items", _ITEMS, initial=tuple(_ITEMS))
    _refuse_illegal(
        "watchlist_episode",
        "watchlist_episodes",
        _EPISODES,
        initial=("expected", "found", "wanted", "waiting", "skipped", "had"),
    )


def _create_items() -> None:
    op.create_table(
        "watchlist_items",
        sa.Column("id", RowId, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.Text()),
        sa.Column("auto_download", sa.Boolean(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("preferred_groups", sa.JSON(), nullable=False),
        sa.Column("poster_url", sa.Text()),
        sa.Column("synopsis", sa.Text(), nullable=False, server_default=""),
        sa.Column("genres", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("check_interval_hours", sa.Integer()),
        sa.Column("numbering_offset", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("folder_template", sa.Text()),
        sa.Column("last_checked_at", UtcDateTime()),
        sa.Column("next_check_at", UtcDateTime(), nullable=False),
        sa.Column("last_outcome", sa.Text()),
        sa.Column("last_error", sa.Text()),
        sa.Column("consecutive_errors", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("provider_state", sa.JSON(), nullable=False),
        sa.Column("expected_episodes", sa.Integer()),
        sa.Column("ends_on", sa.Date()),
        sa.Column("catalog_key", sa.Text()),
        sa.CheckConstraint(
            "quality IN ('auto', '1080p', '720p', '480p')", name="watchlist_item_quality_is_known"
        ),
        sa.CheckConstraint(
            "check_interval_hours BETWEEN 1 AND 168", name="watchlist_item_interval_is_possible"
        ),
        sa.CheckConstraint(
            f"last_outcome IN ({_OUTCOMES})",
            name="watchlist_item_outcome_is_known",
        ),
        sa.CheckConstraint("expected_episodes > 0", name="watchlist_item_expects_episodes"),
        sa.CheckConstraint("consecutive_errors >= 0", name="watchlist_item_errors_are_counted"),
        sa.UniqueConstraint("owner", "url_key", name="watchlist_items_owner_is_unique"),
        sa.CheckConstraint(f"state IN ({_quoted(_ITEMS)})", name="watchlist_item_state_is_known"),
        sa.PrimaryKeyConstraint("id", name="watchlist_items_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("watchlist_items_due", "watchlist_items", ["state", "next_check_at"])


def _create_releases() -> None:
    op.create_table(
        "watchlist_releases",
        sa.Column("id", RowId, nullable=False),
        sa.Column(
            "item_id",
            RowId,
            sa.ForeignKey(
                "watchlist_items.id", ondelete="CASCADE", name="watchlist_releases_watchlist_items"
            ),
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("season", sa.Integer()),
        sa.Column("number", ExactDecimal()),
        sa.Column("last_number", ExactDecimal()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("link_kind", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Integer()),
        sa.Column("release_group", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("size_bytes", RowId),
        sa.Column("infohash", sa.Text()),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("published_at", UtcDateTime()),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("failed_at", UtcDateTime()),
        sa.Column("failure_reason", sa.Text()),
        sa.CheckConstraint(_KINDS, name="watchlist_release_kind_is_known"),
        sa.CheckConstraint(
            "link_kind IN ('http', 'torrent', 'magnet', 'page')",
            name="watchlist_release_link_kind_is_known",
        ),
        sa.CheckConstraint("size_bytes >= 0", name="watchlist_release_size_is_a_size"),
        sa.CheckConstraint("version >= 0", name="watchlist_release_version_is_a_version"),
        sa.UniqueConstraint("item_id", "key", name="watchlist_releases_item_id_is_unique"),
        sa.PrimaryKeyConstraint("id", name="watchlist_releases_key"),
        sqlite_autoincrement=True,
    )


def _create_episodes() -> None:
    op.create_table(
        "watchlist_episodes",
        sa.Column("id", RowId, nullable=False),
        sa.Column(
            "item_id",
            RowId,
            sa.ForeignKey(
                "watchlist_items.id", ondelete="CASCADE", name="watchlist_episodes_watchlist_items"
            ),
            nullable=False,
        ),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("season", sa.Integer()),
        sa.Column("number", ExactDecimal()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("airs_at", UtcDateTime()),
        sa.Column("reason", sa.Text()),
        sa.Column("not_before", UtcDateTime()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("resolution", sa.Integer()),
        sa.Column(
            "release_id",
            RowId,
            sa.ForeignKey(
                "watchlist_releases.id",
                ondelete="SET NULL",
                name="watchlist_episodes_watchlist_releases",
            ),
        ),
        sa.Column(
            "media_id",
            RowId,
            sa.ForeignKey(
                "relay_media.id", ondelete="SET NULL", name="watchlist_episodes_relay_media"
            ),
        ),
        sa.Column("path", sa.Text()),
        sa.Column("downloaded_at", UtcDateTime()),
        sa.Column("watched_at", UtcDateTime()),
        sa.Column("notified_at", UtcDateTime()),
        sa.CheckConstraint(_KINDS, name="watchlist_episode_kind_is_known"),
        sa.CheckConstraint(
            "state <> 'downloaded' OR (path IS NOT NULL AND downloaded_at IS NOT NULL)",
            name="watchlist_episode_downloaded_has_a_file",
        ),
        sa.CheckConstraint(
            "state <> 'failed' OR reason IS NOT NULL", name="watchlist_episode_has_its_reason"
        ),
        sa.CheckConstraint("version >= 0", name="watchlist_episode_version_is_a_version"),
        sa.CheckConstraint("attempts >= 0", name="watchlist_episode_attempts_are_counted"),
        sa.UniqueConstraint("item_id", "key", name="watchlist_episodes_item_id_is_unique"),
        sa.CheckConstraint(
            f"state IN ({_quoted(_EPISODES)})", name="watchlist_episode_state_is_known"
        ),
        sa.PrimaryKeyConstraint("id", name="watchlist_episodes_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("watchlist_episodes_owner", "watchlist_episodes", ["owner", "state"])
    op.create_index("watchlist_episodes_state", "watchlist_episodes", ["state", "not_before"])
    op.create_index("watchlist_episodes_release_id", "watchlist_episodes", ["release_id"])
    op.create_index("watchlist_episodes_media_id", "watchlist_episodes", ["media_id"])


def _create_checks() -> None:
    op.create_table(
        "watchlist_checks",
        sa.Column("id", RowId, nullable=False),
        sa.Column(
            "item_id",
            RowId,
            sa.ForeignKey(
                "watchlist_items.id", ondelete="CASCADE", name="watchlist_checks_watchlist_items"
            ),
            nullable=False,
        ),
        sa.Column("run_id", sa.Text()),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("outcome", sa.Text()),
        sa.Column("found", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("new", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("queued", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("errors", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("message", sa.Text()),
        sa.CheckConstraint(
            f"outcome IN ({_OUTCOMES})",
            name="watchlist_check_outcome_is_known",
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (outcome IS NULL)", name="watchlist_check_ended_has_an_outcome"
        ),
        sa.CheckConstraint(
            "found >= 0 AND new >= 0 AND queued >= 0 AND errors >= 0",
            name="watchlist_check_counts_are_counts",
        ),
        sa.PrimaryKeyConstraint("id", name="watchlist_checks_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("watchlist_checks_item_id", "watchlist_checks", ["item_id", "started_at"])
    op.create_index(
        "watchlist_checks_one_open_per_item",
        "watchlist_checks",
        ["item_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _create_settings() -> None:
    op.create_table(
        "watchlist_settings",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("check_interval_hours", sa.Integer(), nullable=False),
        sa.Column("auto_download_enabled", sa.Boolean(), nullable=False),
        sa.Column("max_concurrent_auto_downloads", sa.Integer(), nullable=False),
        sa.Column("notify_on_new_episodes", sa.Boolean(), nullable=False),
        sa.Column("include_completed_anime", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "check_interval_hours BETWEEN 1 AND 168", name="watchlist_settings_interval_is_possible"
        ),
        sa.CheckConstraint(
            "max_concurrent_auto_downloads BETWEEN 1 AND 64",
            name="watchlist_settings_downloads_are_possible",
        ),
        sa.PrimaryKeyConstraint("owner", name="watchlist_settings_key"),
    )


def _create_shares() -> None:
    op.create_table(
        "watchlist_shares",
        sa.Column("id", RowId, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime()),
        sa.CheckConstraint("kind IN ('feed', 'list')", name="watchlist_share_kind_is_known"),
        sa.PrimaryKeyConstraint("id", name="watchlist_shares_key"),
        sa.UniqueConstraint("secret_hash", name="watchlist_shares_secret_hash_is_unique"),
        sqlite_autoincrement=True,
    )
    op.create_index("watchlist_shares_owner", "watchlist_shares", ["owner"])


def _quoted(states: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(f"'{state}'" for state in states)


def _refuse_illegal(
    name: str, table: str, transitions: Mapping[str, tuple[str, ...]], *, initial: tuple[str, ...]
) -> None:
    pairs = [(before, after) for before, following in transitions.items() for after in following]
    statements = transition_triggers(
        name,
        table,
        initial=sorted(initial),
        legal=sorted(pairs),
        dialect_name=op.get_context().dialect.name,
    )
    for statement in statements:
        op.execute(statement)
