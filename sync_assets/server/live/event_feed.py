"""Hand new rows of `events`, and how far transfers are, to any number of open streams.

One task polls the ledger while streams exist and keeps the newest rows; a stream that is further
behind reads the ledger itself. A stream is only a position: a slow client costs no memory, and what
it gets does not depend on whether a row came from memory or from the ledger.
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fastapi.sse import format_sse_event
from sqlalchemy import Connection

from sync_assets.ledger import LedgerUnavailableError
from sync_assets.ledger.events import last_event_id, read_events
from sync_assets.ledger.tokens import revoked_token_ids
from sync_assets.server.errors import OverloadedError
from sync_assets.server.live.frames import Frame, Position, Subscription, make_frames
from sync_assets.server.live.messages import Message, batch_text
from sync_assets.server.live.transfer_board import PROGRESS_SECONDS, Progress, TransferBoard

POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 15.0
MAXIMUM_STREAMS = 1_500
_KEPT_EVENTS = 2_000
_PAGE = 500
_CHUNK = 100

Answer = TypeVar("Answer")


class _Read(Protocol):
    def __call__(self, function: Callable[[Connection], Answer], /) -> Awaitable[Answer]: ...


@dataclass(frozen=True)
class _Poll:
    frames: Sequence[Frame]
    newest: int
    revoked: frozenset[str]
    progress: Progress | None


class EventFeed:
    """The newest events, and the streams that wait for more.

    Args:
        read: Runs a function within a reading transaction, off the event loop.
        poll_seconds: How often the ledger is asked for new events.
        heartbeat_seconds: How long a stream may be silent.
        kept_events: How many of the newest events are kept in memory.
        progress_seconds: How often it is asked how far transfers are.
    """

    def __init__(
        self,
        read: _Read,
        *,
        poll_seconds: float = POLL_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        kept_events: int = _KEPT_EVENTS,
        progress_seconds: float = PROGRESS_SECONDS,
    ) -> None:
        self._read = read
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._kept_events = kept_events
        self._progress_seconds = progress_seconds
        self._streams = 0
        self._streams_with_transfers = 0
        self._poller: asyncio.Task[None] | None = None
        self._is_closed = False
        self._changed = asyncio.Event()
        self._revoked: frozenset[str] = frozenset()
        self._forget()

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._streams

    @property
    def is_closed(self) -> bool:
        """Whether the server is stopping."""
        return self._is_closed

    def is_revoked(self, token_id: str) -> bool:
        """Tell whether a token was revoked, as far as is known.

        Args:
            token_id: Its public part.
        """
        return token_id in self._revoked

    @contextmanager
    def stream(self, *, with_transfers: bool = False) -> Generator[None]:
        """Count a stream while it is open; the ledger is polled only while there is one.

        Args:
            with_transfers: Whether it wants to know how far transfers are.

        Raises:
            OverloadedError: There are too many already, or the server is stopping.
        """
        if self._is_closed or self._streams >= MAXIMUM_STREAMS:
            raise OverloadedError(
                "The server takes no more event streams now.",
                remedy=f"Close some of the open ones (at most {MAXIMUM_STREAMS}), or try later.",
            )
        self._streams += 1
        self._streams_with_transfers += with_transfers
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())
        try:
            yield
        finally:
            self._streams -= 1
            self._streams_with_transfers -= with_transfers
            if self._streams == 0 and self._poller is not None:
                self._poller.cancel()
                self._poller = None
                self._forget()

    async def begin(self, subscription: Subscription) -> tuple[int, bool]:
        """Find out where a stream begins.

        Args:
            subscription: What the client wants.

        Returns:
            The last event id that the client has or does not want, and whether its own one was of
            another history: the ledger was restored from a backup, and waiting for that id would
            miss all until then.

        Raises:
            LedgerUnavailableError: The ledger cannot be read.
        """
        newest = await self._read(last_event_id)
        if subscription.after is None or subscription.after > newest:
            return newest, subscription.after is not None
        return subscription.after, False

    async def start_of(self, subscription: Subscription) -> tuple[int, bytes]:
        """Find out where a stream of server-sent events begins.

        Args:
            subscription: What the client wants.

        Returns:
            The last event id that the client has or does not want, and the first bytes to send.

        Raises:
            LedgerUnavailableError: The ledger cannot be read.
        """
        cursor, is_reset = await self.begin(subscription)
        if not is_reset:
            return cursor, format_sse_event(comment="connected")
        data = json.dumps({"last_event_id": cursor})
        return cursor, format_sse_event(id=str(cursor), event="reset", data_str=data)

    async def frames(
        self, subscription: Subscription, cursor: int, first: bytes
    ) -> AsyncGenerator[bytes]:
        """Produce server-sent events until the server stops or the token is revoked.

        Args:
            subscription: What the client wants.
            cursor: The id to begin after.
            first: What to send before anything else.

        Yields:
            Bytes to send: whole server-sent events.
        """
        yield first
        position = Position(cursor)
        while not self._is_closed and not self.is_revoked(subscription.token_id):
            changed = self._changed
            frames, progress, reached = await self._after(subscription, position)
            has_advanced = reached != position
            position = reached
            content = b"".join(subscription.server_sent(frame) for frame in frames)
            content += b"".join(message.server_sent for message in progress)
            if content:
                yield content
            elif not has_advanced and not await self._wait_for(changed):
                yield format_sse_event(comment="heartbeat")

    async def batches(self, subscription: Subscription, cursor: int) -> AsyncGenerator[str]:
        """Produce messages of a WebSocket until the server stops or the token is revoked.

        Args:
            subscription: What the client wants.
            cursor: The id to begin after.

        Yields:
            Texts to send.
        """
        position = Position(cursor)
        while not self._is_closed and not self.is_revoked(subscription.token_id):
            changed = self._changed
            text, reached = await self._batch(subscription, position)
            has_advanced = reached != position
            position = reached
            if text is not None:
                yield text
            elif not has_advanced:
                await changed.wait()

    def close(self) -> None:
        """End all streams."""
        self._is_closed = True
        self._wake()

    async def _wait_for(self, changed: asyncio.Event) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._heartbeat_seconds):
                await changed.wait()
            return True
        return False

    def _forget(self) -> None:
        # Every id above `_floor` up to `_newest` is in `_kept`.
        self._kept: deque[Frame] = deque()
        self._floor: int | None = None
        self._newest = 0
        self._board = TransferBoard(self._progress_seconds)
        self._batches: dict[object, tuple[str | None, Position]] = {}

    # What a client gets next.

    async def _batch(
        self, subscription: Subscription, position: Position
    ) -> tuple[str | None, Position]:
        """Return the next text for a client; the same one for all that are where it is."""
        key = (
            position,
            subscription.entity,
            subscription.user,
            subscription.with_transfers,
        )
        known = self._batches.get(key)
        if known is not None:
            return known
        is_kept = self._is_kept(position)
        frames, progress, reached = await self._after(subscription, position)
        messages = [message for frame in frames for message in subscription.messages(frame)]
        messages += progress
        batch = (batch_text(reached.event_id, messages) if messages else None, reached)
        if is_kept:
            self._batches[key] = batch
        return batch

    async def _after(
        self, subscription: Subscription, position: Position
    ) -> tuple[Sequence[Frame], Sequence[Message], Position]:
        """Return what a client gets next, and where it is then."""
        if not self._is_kept(position):
            frames, reached = await self._stored_after(position.event_id, subscription.entity)
            wanted = [frame for frame in frames if subscription.wants(frame)]
            return wanted, (), Position(reached, position.version)
        frames, reached = self._kept_after(position.event_id)
        wanted = [frame for frame in frames if subscription.wants(frame)]
        # A board from before what the client has would take it back.
        if not subscription.with_transfers or reached > self._board.as_of:
            return wanted, (), Position(reached, position.version)
        progress = self._board.since(position.version)
        return wanted, progress, Position(reached, self._board.version)

    def _is_kept(self, position: Position) -> bool:
        return self._floor is None or position.event_id >= self._floor

    def _kept_after(self, cursor: int) -> tuple[Sequence[Frame], int]:
        """Return frames from memory and the id they reach."""
        newer = itertools.takewhile(lambda frame: frame.id > cursor, reversed(self._kept))
        frames = list(newer)[::-1][:_CHUNK]
        return frames, frames[-1].id if frames else cursor

    async def _stored_after(self, cursor: int, entity: str | None) -> tuple[Sequence[Frame], int]:
        """Return frames from the ledger and the id they reach."""

        def read_page(connection: Connection) -> tuple[Sequence[Frame], int]:
            rows = read_events(connection, after=cursor, limit=_PAGE, entity=entity)
            frames = make_frames(connection, rows)
            if len(rows) == _PAGE:
                return frames, rows[-1].id
            return frames, max(cursor, last_event_id(connection))

        try:
            return await self._read(read_page)
        except LedgerUnavailableError:
            # An ended stream would make a browser give up; this one waits for the ledger.
            await asyncio.sleep(self._poll_seconds)
            return (), cursor

    # What is new.

    async def _poll(self) -> None:
        while True:
            is_full = False
            with suppress(LedgerUnavailableError):
                poll = await self._read(self._read_new)
                is_full = len(poll.frames) == _PAGE
                self._publish(poll)
            if not is_full:
                await asyncio.sleep(self._poll_seconds)

    def _read_new(self, connection: Connection) -> _Poll:
        revoked = revoked_token_ids(connection)
        if self._floor is None:
            newest = last_event_id(connection)
            return _Poll((), newest, revoked, self._read_progress(connection, newest))
        rows = read_events(connection, after=self._newest, limit=_PAGE)
        newest = rows[-1].id if rows else self._newest
        # Behind a full page there are rows that the progress would be ahead of.
        progress = self._read_progress(connection, newest) if len(rows) < _PAGE else None
        return _Poll(make_frames(connection, rows), newest, revoked, progress)

    def _read_progress(self, connection: Connection, newest: int) -> Progress | None:
        if not self._streams_with_transfers:
            return None
        return self._board.read_due(connection, newest)

    def _publish(self, poll: _Poll) -> None:
        has_news = poll.newest != self._newest or poll.revoked != self._revoked
        if self._floor is None:
            self._floor = poll.newest
            has_news = True
        self._newest = poll.newest
        self._revoked = poll.revoked
        self._kept.extend(poll.frames)
        while len(self._kept) > self._kept_events:
            self._floor = self._kept.popleft().id
        if poll.progress is not None:
            has_news = self._board.update(poll.progress) or has_news
        if has_news:
            self._wake()

    def _wake(self) -> None:
        self._batches.clear()
        # Whoever waits holds the old one; whoever comes later waits for the next change.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
