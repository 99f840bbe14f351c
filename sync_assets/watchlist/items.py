"""Items: what users watch. Holds their lifecycle and the only functions that write to the table.

Other programs than the API see all users' items; whatever a user asks for goes through `owned`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, select, update

from sync_assets.errors import SyncError
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.lifecycle import Lifecycle, UnknownSubjectError
from sync_assets.ledger.schema import watchlist_items
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.watchlist.addresses import url_key
from sync_assets.watchlist.models import ItemState, Quality

ITEMS = Lifecycle(
    "watchlist_item",
    states=ItemState,
    initial=set(ItemState),
    # A user decides, and may decide otherwise: from each state to every other one.
    transitions={state: set(ItemState) - {state} for state in ItemState},
)
ITEMS.bind(watchlist_items)

_SELECTING = ("title", "language", "numbering_offset")


class AlreadyWatchedError(SyncError):
    """The user watches this address already.

    Args:
        item_id: The item that there is.
    """

    def __init__(self, item_id: int) -> None:
        super().__init__(
            f"This address is watched already, as item {item_id}.",
            remedy=f"Change item {item_id}, or delete it first.",
        )
        self.item_id = item_id


@dataclass(frozen=True)
class NewItem:
    """Something to watch; the columns of the table describe themselves by these names.

    Attributes:
        url: Its address, which the guard has accepted.
        provider: The id of its provider.
        title: Its title; where a list holds several works, only this one counts.
        language: The wanted language, as providers name it.
        auto_download: Whether new episodes are downloaded.
        quality: The wanted picture.
        preferred_groups: The release groups that go before others, the best first.
        poster_url: The address of its picture.
        synopsis: What it is about.
        genres: Its genres.
        state: Whether it is checked.
        check_interval_hours: Its own interval, 1 to 168; None for its owner's.
        numbering_offset: What is added to regular numbers of the provider to get the user's.
        folder_template: Where its files go; None for the configured template.
        expected_episodes: How many regular episodes it has, as the catalogue says.
        ends_on: The day of its last episode, as the catalogue says.
        catalog_key: Which work of the catalogue it is.
    """

    url: str
    provider: str
    title: str
    language: str | None = None
    auto_download: bool = True
    quality: Quality = Quality.AUTO
    preferred_groups: Sequence[str] = ()
    poster_url: str | None = None
    synopsis: str = ""
    genres: Sequence[str] = field(default_factory=tuple)
    state: ItemState = ItemState.ACTIVE
    check_interval_hours: int | None = None
    numbering_offset: int = 0
    folder_template: str | None = None
    expected_episodes: int | None = None
    ends_on: date | None = None
    catalog_key: str | None = None


def add(connection: Connection, owner: str, new: NewItem) -> AnyRow:
    """Watch something; it is due at once.

    Args:
        connection: A writing transaction of the ledger.
        owner: The user.
        new: What to watch.

    Returns:
        Its row.

    Raises:
        AlreadyWatchedError: The user watches this address already.
    """
    key = url_key(new.url)
    known = find(connection, owner, new.url)
    if known is not None:
        raise AlreadyWatchedError(known.id)
    now = utc_now()
    values = asdict(new) | {
        "owner": owner,
        "url_key": key,
        "preferred_groups": list(new.preferred_groups),
        "genres": list(new.genres),
        "state": str(new.state),
        "created_at": now,
        "next_check_at": now,
        "provider_state": {},
    }
    (item_id,) = ITEMS.create(connection, [values])
    assert item_id is not None  # noqa: S101 - created without conflict clause
    return get(connection, item_id)


def find(connection: Connection, owner: str, url: str) -> AnyRow | None:
    """Return a user's item of an address; None where it is not watched.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
        url: The address.
    """
    columns = watchlist_items.c
    query = select(watchlist_items).where(columns.owner == owner, columns.url_key == url_key(url))
    return connection.execute(query).one_or_none()


def find_by_id(connection: Connection, item_id: int) -> AnyRow | None:
    """Return an item, whosoever it is; None where it is deleted.

    Args:
        connection: A transaction of the ledger.
        item_id: Which.
    """
    query = select(watchlist_items).where(watchlist_items.c.id == item_id)
    return connection.execute(query).one_or_none()


def get(connection: Connection, item_id: int) -> AnyRow:
    """Return an item, whosoever it is.

    Args:
        connection: A transaction of the ledger.
        item_id: Which.

    Raises:
        UnknownSubjectError: There is none.
    """
    row = find_by_id(connection, item_id)
    if row is None:
        raise _unknown(item_id)
    return row


def owned(connection: Connection, owner: str, item_id: int) -> AnyRow:
    """Return a user's item.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
        item_id: Which.

    Raises:
        UnknownSubjectError: There is none, or it is another user's: nobody can tell which.
    """
    row = get(connection, item_id)
    if row.owner != owner:
        raise _unknown(item_id)
    return row


def edit(connection: Connection, item_id: int, **changes: Any) -> AnyRow:
    """Change what a user says of an item; its state goes through `set_state`.

    Args:
        connection: A writing transaction of the ledger.
        item_id: Which.
        **changes: Columns by name. With a new address the conditional state of the old one goes.

    Returns:
        The row after the change.

    Raises:
        AlreadyWatchedError: Another item of the user has the new address.
    """
    row = get(connection, item_id)
    if "url" in changes:
        key = url_key(changes["url"])
        known = find(connection, row.owner, changes["url"])
        if known is not None and known.id != item_id:
            raise AlreadyWatchedError(known.id)
        if key != row.url_key:
            changes |= {"url_key": key, "provider_state": {}, "next_check_at": utc_now()}
    elif any(name in changes and changes[name] != getattr(row, name) for name in _SELECTING):
        # What was left out of a list that has not changed may count now: read it again.
        changes |= {"provider_state": {}}
    return set_columns(connection, item_id, **changes)


def set_state(
    connection: Connection,
    item_id: int,
    state: ItemState,
    *,
    run_id: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> AnyRow:
    """Bring an item into a state; one that is in it stays as it is.

    Args:
        connection: A writing transaction of the ledger.
        item_id: Which.
        state: The state.
        run_id: The Dagster run; None for a user.
        detail: Why, for the history.

    Returns:
        The row after the change.
    """
    row = get(connection, item_id)
    if row.state == state:
        return row
    return ITEMS.transition(connection, item_id, state, run_id=run_id, detail=detail)


def remove(connection: Connection, item_id: int) -> None:
    """Forget an item with its episodes, releases and checks. Files stay where they are.

    Args:
        connection: A writing transaction of the ledger.
        item_id: Which.
    """
    row = get(connection, item_id)
    connection.execute(delete(watchlist_items).where(watchlist_items.c.id == item_id))
    removed = Event(
        ITEMS.name, str(item_id), previous_state=row.state, state="removed", owner=row.owner
    )
    append_events(connection, [removed])


def set_columns(connection: Connection, item_id: int, **changes: Any) -> AnyRow:
    """Set columns of an item that exists; for the modules of the watchlist.

    Args:
        connection: A writing transaction of the ledger.
        item_id: Which.
        **changes: Columns by name.

    Returns:
        The row after the change.
    """
    return connection.execute(
        update(watchlist_items)
        .where(watchlist_items.c.id == item_id)
        .values(changed_at=utc_now(), **changes)
        .returning(*watchlist_items.c)
    ).one()


def _unknown(item_id: int) -> UnknownSubjectError:
    return UnknownSubjectError(
        f"There is no watchlist item {item_id}.", remedy="Check the id; it may be deleted."
    )
