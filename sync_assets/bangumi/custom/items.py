"""What was watched or begun on media servers, in the ledger: one row for each event and episode.

The rows stay: the matching reads all of them in every run, as it does with Trakt's history. Their
state only says whether a run has taken them all the way.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, func, select

from sync_assets.bangumi.custom.models import Action, CustomEvent
from sync_assets.bangumi.matching.models import CustomItem, MediaType
from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import bangumi_custom_items
from sync_assets.ledger.types import AnyRow


class CustomItemState(StrEnum):
    """How far an item is.

    `matched` is among the account's matches. `done`: a run has planned and, unless it was a dry
    run, reported what follows from it.
    """

    RECEIVED = "received"
    MATCHED = "matched"
    DONE = "done"


CUSTOM_ITEMS = Lifecycle(
    "bangumi_custom_item",
    states=CustomItemState,
    initial={CustomItemState.RECEIVED},
    transitions={
        CustomItemState.RECEIVED: {CustomItemState.MATCHED},
        CustomItemState.MATCHED: {CustomItemState.DONE},
    },
)
CUSTOM_ITEMS.bind(bangumi_custom_items)


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item of an account.

    Attributes:
        id: Its row.
        state: How far it is.
        action: Whether it was watched or begun.
        item: What.
        occurred_at: When.
    """

    id: int
    state: CustomItemState
    action: Action
    item: CustomItem
    occurred_at: datetime


def store_items(
    connection: Connection,
    received: AnyRow,
    account: str,
    events: Iterable[CustomEvent],
    run_id: str,
) -> int:
    """Store what an event of the inbox says; storing it again changes nothing.

    Args:
        connection: A writing transaction of the ledger.
        received: The event's row in the inbox.
        account: Whose items they are.
        events: What it says.
        run_id: The run that does it.

    Returns:
        How many items are new.
    """
    rows = [
        {
            "source": received.source,
            "event_id": received.event_id,
            "position": position,
            "account": account,
            "action": event.action,
            # A sender whose clock is ahead must not make a play newer than those to come.
            "occurred_at": min(event.occurred_at or received.received_at, received.received_at),
            "media_type": event.item.media_type,
            "title": event.item.title,
            "original_title": event.item.original_title,
            "year": event.item.year,
            "season": event.item.season,
            "number": event.item.episode,
            "release_date": event.item.release_date,
            "works": [list(work) for work in event.item.works],
            "user_name": event.item.user or "",
        }
        for position, event in enumerate(events)
    ]
    unique = ("source", "event_id", "position")
    ids = CUSTOM_ITEMS.create(connection, rows, unique=unique, run_id=run_id)
    return sum(each is not None for each in ids)


def read_items(connection: Connection, account: str) -> list[StoredItem]:
    """Return all items of an account, in the order of their arrival.

    Args:
        connection: A transaction of the ledger.
        account: The account.
    """
    table = bangumi_custom_items.c
    query = select(bangumi_custom_items).where(table.account == account).order_by(table.id)
    return [_item(row) for row in connection.execute(query)]


def mark_matched(connection: Connection, items: Iterable[StoredItem], run_id: str) -> None:
    """Note that items are among the account's matches.

    Args:
        connection: A writing transaction of the ledger.
        items: What the matching has read.
        run_id: The run that did it.
    """
    ids = [each.id for each in items if each.state is CustomItemState.RECEIVED]
    CUSTOM_ITEMS.transition_all(connection, ids, CustomItemState.MATCHED, run_id=run_id)


def mark_done(connection: Connection, account: str, run_id: str) -> None:
    """Note that a run has taken all matched items of an account to the end.

    Args:
        connection: A writing transaction of the ledger.
        account: The account.
        run_id: The run that did it.
    """
    table = bangumi_custom_items.c
    query = select(table.id).where(table.account == account, table.state == CustomItemState.MATCHED)
    ids = connection.execute(query).scalars().all()
    CUSTOM_ITEMS.transition_all(connection, ids, CustomItemState.DONE, run_id=run_id)


def newest_unfinished(connection: Connection, accounts: Collection[str]) -> int | None:
    """Return the id of the newest item that no run has taken to the end; None without any.

    Args:
        connection: A transaction of the ledger.
        accounts: Whose items.
    """
    table = bangumi_custom_items.c
    query = select(func.max(table.id)).where(
        table.account.in_(accounts), table.state != CustomItemState.DONE
    )
    return connection.execute(query).scalar()


def _item(row: AnyRow) -> StoredItem:
    works = tuple(
        Work(Provider(provider), WorkKind(kind), identifier)
        for provider, kind, identifier in row.works
    )
    item = CustomItem(
        MediaType(row.media_type),
        row.title,
        original_title=row.original_title,
        season=row.season,
        episode=row.number,
        release_date=row.release_date,
        year=row.year,
        works=works,
        user=row.user_name,
        source=row.source,
    )
    return StoredItem(row.id, CustomItemState(row.state), Action(row.action), item, row.occurred_at)
