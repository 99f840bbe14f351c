"""Hand new rows of `events` to any number of open streams.

One task polls the ledger while streams exist and keeps the newest rows; a stream that is further
behind reads the ledger itself. A stream is only a cursor: a slow client costs no memory, and what
it gets does not depend on whether a row came from memory or from the ledger.
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from fastapi.sse import format_sse_event
from sqlalchemy import Connection

from sync_assets.ledger import LedgerUnavailableError
from sync_assets.ledger.events import RecordedEvent, last_event_id, read_events
from sync_assets.ledger.tokens import revoked_token_ids
from sync_assets.server.errors import OverloadedError

POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 15.0
MAXIMUM_STREAMS = 200
_KEPT_EVENTS = 2_000
_PAGE = 500
_CHUNK = 100

Answer = TypeVar("Answer")


class _Read(Protocol):
    def __call__(self, function: Callable[[Connection], Answer], /) -> Awaitable[Answer]: ...


@dataclass(frozen=True)
class _Frame:
    id: int
    entity: str
    owner: str | None
    content: bytes


@dataclass(frozen=True)
class _Poll:
    frames: Sequence[_Frame]
    newest: int
    revoked: frozenset[str]


@dataclass(frozen=True)
class Subscription:
    """What one stream wants.

    Attributes:
        after: The last event that the client has; None for only those that come.
        entity: Only this kind of entity; None for all.
        token_id: The bearer's token; the stream ends when it is revoked.
        user: The bearer, who gets nothing of what is another user's; None for an administrator.
    """

    after: int | None
    entity: str | None
    token_id: str
    user: str | None = None

    def wants(self, frame: _Frame) -> bool:
        """Tell whether a frame belongs to the stream."""
        if self.user is not None and frame.owner not in (None, self.user):
            return False
        return self.entity is None or frame.entity == self.entity


class EventFeed:
    """The newest events, and the streams that wait for more.

    Args:
        read: Runs a function within a reading transaction, off the event loop.
        poll_seconds: How often the ledger is asked for new events.
        heartbeat_seconds: How long a stream may be silent.
        kept_events: How many of the newest events are kept in memory.
    """

    def __init__(
        self,
        read: _Read,
        *,
        poll_seconds: float = POLL_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        kept_events: int = _KEPT_EVENTS,
    ) -> None:
        self._read = read
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._kept_events = kept_events
        self._streams = 0
        self._poller: asyncio.Task[None] | None = None
        self._is_closed = False
        self._changed = asyncio.Event()
        self._revoked: frozenset[str] = frozenset()
        self._forget()

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._streams

    @contextmanager
    def stream(self) -> Generator[None]:
        """Count a stream while it is open; the ledger is polled only while there is one.

        Raises:
            OverloadedError: There are too many already, or the server is stopping.
        """
        if self._is_closed or self._streams >= MAXIMUM_STREAMS:
            raise OverloadedError(
                "The server takes no more event streams now.",
                remedy=f"Close some of the open ones (at most {MAXIMUM_STREAMS}), or try later.",
            )
        self._streams += 1
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())
        try:
            yield
        finally:
            self._streams -= 1
            if self._streams == 0 and self._poller is not None:
                self._poller.cancel()
                self._poller = None
                self._forget()

    async def start_of(self, subscription: Subscription) -> tuple[int, bytes]:
        """Find out where a stream begins.

        Args:
            subscription: What the client wants.

        Returns:
            The last event id that the client has or does not want, and the first bytes to send.

        Raises:
            LedgerUnavailableError: The ledger cannot be read.
        """
        newest = await self._read(last_event_id)
        if subscription.after is None:
            return newest, format_sse_event(comment="connected")
        if subscription.after > newest:
            # The ledger was restored from a backup: waiting for that id would miss all until then.
            data = json.dumps({"last_event_id": newest})
            return newest, format_sse_event(id=str(newest), event="reset", data_str=data)
        return subscription.after, format_sse_event(comment="connected")

    async def frames(
        self, subscription: Subscription, cursor: int, first: bytes
    ) -> AsyncGenerator[bytes]:
        """Produce a stream until the server stops or the token is revoked.

        Args:
            subscription: What the client wants.
            cursor: The id to begin after.
            first: What to send before anything else.

        Yields:
            Bytes to send: whole server-sent events.
        """
        yield first
        while not self._is_closed and subscription.token_id not in self._revoked:
            changed = self._changed
            frames, reached = self._kept_after(cursor)
            if frames is None:
                frames, reached = await self._stored_after(cursor, subscription.entity)
            content = b"".join(frame.content for frame in frames if subscription.wants(frame))
            has_advanced = reached > cursor
            cursor = reached
            if content:
                yield content
            elif not has_advanced and not await self._wait_for(changed):
                yield format_sse_event(comment="heartbeat")

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
        self._kept: deque[_Frame] = deque()
        self._floor: int | None = None
        self._newest = 0

    def _kept_after(self, cursor: int) -> tuple[Sequence[_Frame] | None, int]:
        """Return frames from memory and the id they reach; None where memory begins later."""
        if self._floor is None:
            return (), cursor
        if cursor < self._floor:
            return None, cursor
        newer = itertools.takewhile(lambda frame: frame.id > cursor, reversed(self._kept))
        frames = list(newer)[::-1][:_CHUNK]
        return frames, frames[-1].id if frames else cursor

    async def _stored_after(self, cursor: int, entity: str | None) -> tuple[Sequence[_Frame], int]:
        """Return frames from the ledger and the id they reach."""

        def read_page(connection: Connection) -> tuple[Sequence[_Frame], int]:
            rows = read_events(connection, after=cursor, limit=_PAGE, entity=entity)
            frames = [_frame(row) for row in rows]
            if len(rows) == _PAGE:
                return frames, rows[-1].id
            return frames, max(cursor, last_event_id(connection))

        try:
            return await self._read(read_page)
        except LedgerUnavailableError:
            # An ended stream would make a browser give up; this one waits for the ledger.
            await asyncio.sleep(self._poll_seconds)
            return (), cursor

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
            return _Poll((), last_event_id(connection), revoked)
        rows = read_events(connection, after=self._newest, limit=_PAGE)
        newest = rows[-1].id if rows else self._newest
        return _Poll([_frame(row) for row in rows], newest, revoked)

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
        if has_news:
            self._wake()

    def _wake(self) -> None:
        # Whoever waits holds the old one; whoever comes later waits for the next change.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _frame(row: RecordedEvent) -> _Frame:
    data: dict[str, Any] = {
        "id": row.id,
        "recorded_at": row.recorded_at.isoformat(),
        "entity": row.entity,
        "entity_id": row.entity_id,
        "state": row.state,
        "previous_state": row.previous_state,
        "run_id": row.run_id,
        "detail": row.detail,
    }
    content = format_sse_event(id=str(row.id), event=row.entity, data_str=json.dumps(data))
    return _Frame(row.id, row.entity, row.owner, content)
