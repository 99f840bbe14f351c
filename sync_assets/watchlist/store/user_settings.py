"""What each user says of all their items; the only functions that write to the table."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger.schema import watchlist_settings
from sync_assets.ledger.types import AnyRow, utc_now


@dataclass(frozen=True)
class UserSettings:
    """A user's settings.

    Attributes:
        check_interval_hours: How often items are checked that say nothing else, 1 to 168.
        auto_download_enabled: Whether anything is downloaded by itself.
        max_concurrent_auto_downloads: How many of the user's downloads may be under way.
        notify_on_new_episodes: Whether new episodes are announced.
        include_completed_anime: Whether items that are completed are still checked.
    """

    check_interval_hours: int = 6
    auto_download_enabled: bool = True
    max_concurrent_auto_downloads: int = 2
    notify_on_new_episodes: bool = True
    include_completed_anime: bool = False


def read(connection: Connection, owner: str) -> UserSettings:
    """Return a user's settings; the defaults where nothing was ever said.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
    """
    query = select(watchlist_settings).where(watchlist_settings.c.owner == owner)
    row = connection.execute(query).one_or_none()
    if row is None:
        return UserSettings()
    return UserSettings(
        row.check_interval_hours,
        row.auto_download_enabled,
        row.max_concurrent_auto_downloads,
        row.notify_on_new_episodes,
        row.include_completed_anime,
    )


def write(connection: Connection, owner: str, settings: UserSettings) -> None:
    """Keep a user's settings.

    Args:
        connection: A writing transaction of the ledger.
        owner: The user.
        settings: The settings.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {**asdict(settings), "changed_at": utc_now()}
    connection.execute(
        dialect.insert(watchlist_settings)
        .values(owner=owner, **values)
        .on_conflict_do_update(index_elements=["owner"], set_=values)
    )


def interval_hours(connection: Connection, item: AnyRow) -> int:
    """Return how often an item is checked: as it says, else as its owner does.

    Args:
        connection: A transaction of the ledger.
        item: The item's row.
    """
    return item.check_interval_hours or read(connection, item.owner).check_interval_hours
