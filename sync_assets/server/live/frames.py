"""Rows of the history in the form that streams send, and what one stream wants of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi.sse import format_sse_event
from sqlalchemy import Connection

from sync_assets.ledger.events import RecordedEvent
from sync_assets.ledger.tokens import Scope, Token
from sync_assets.server.live.messages import Message, event_data
from sync_assets.server.live.transfer_board import transfers_of


@dataclass(frozen=True)
class Frame:
    """A row of the history, made ready once for all streams.

    Attributes:
        id: Its id.
        entity: What it is about.
        owner: Whose it is; None for what all users may see.
        content: The server-sent event.
        event: The same for a WebSocket.
        transfer: How far the transfer is that it is about; None where it is about something else.
    """

    id: int
    entity: str
    owner: str | None
    content: bytes
    event: Message
    transfer: Message | None


@dataclass(frozen=True)
class Position:
    """How much a client has.

    Attributes:
        event_id: The newest row of the history that it has, or does not want.
        version: The version of the board of transfers that it has.
    """

    event_id: int
    version: int = 0


@dataclass(frozen=True)
class Subscription:
    """What one stream wants.

    Attributes:
        after: The last event that the client has; None for only those that come.
        entity: Only this kind of entity; None for all.
        token_id: The bearer's token; the stream ends when it is revoked.
        user: The bearer, who gets nothing of what is another user's; None for an administrator.
        with_transfers: Whether it wants to know how far transfers are.
    """

    after: int | None
    entity: str | None
    token_id: str
    user: str | None = None
    with_transfers: bool = False

    def wants(self, frame: Frame) -> bool:
        """Tell whether a frame belongs to the stream."""
        if self.user is not None and frame.owner not in (None, self.user):
            return False
        return self.entity is None or frame.entity == self.entity

    def server_sent(self, frame: Frame) -> bytes:
        """Return what a frame is as server-sent events of this stream."""
        if frame.transfer is None or not self.with_transfers:
            return frame.content
        return frame.content + frame.transfer.server_sent

    def messages(self, frame: Frame) -> Sequence[Message]:
        """Return what a frame is as messages of this stream."""
        if frame.transfer is None or not self.with_transfers:
            return (frame.event,)
        return (frame.event, frame.transfer)


def visible_to(token: Token) -> str | None:
    """Return the user of a subscription by this token; None for an administrator."""
    return None if token.scope is Scope.ADMIN else token.user


def make_frames(connection: Connection, rows: Sequence[RecordedEvent]) -> Sequence[Frame]:
    """Make rows of the history ready to be sent.

    Args:
        connection: The transaction of the ledger that they were read in.
        rows: The rows.
    """
    transfers = transfers_of(connection, rows)
    return [_frame(row, transfers.get(row.id)) for row in rows]


def _frame(row: RecordedEvent, transfer: Message | None) -> Frame:
    data = event_data(row)
    content = format_sse_event(id=str(row.id), event=row.entity, data_str=data)
    return Frame(row.id, row.entity, row.owner, content, Message("event", data), transfer)
