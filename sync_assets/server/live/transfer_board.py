"""How far transfers are right now: the newest value of each, never a queue of old ones.

Progress is no part of the history, which is append-only and keeps every row: it is read from the
transfers that are under way, for all clients at once. A client is a version of the board; what has
changed since is its newest value, so a slow client gets fewer values and no older ones.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from sqlalchemy import ColumnElement, Connection, Table, select

from sync_assets.ledger.events import RecordedEvent
from sync_assets.ledger.schema import relay_downloads, relay_uploads
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.deleting import DELETED
from sync_assets.relay.models import DownloadState, UploadState
from sync_assets.relay.statistics import download_totals, upload_totals
from sync_assets.server.live.messages import (
    Message,
    deleted_message,
    download_message,
    statistics_message,
    upload_message,
)

DOWNLOAD = "relay_download"
UPLOAD = "relay_upload"
PROGRESS_SECONDS = 0.5
STATISTICS_SECONDS = 2.0
"""To count all transfers takes longer than to read those that move."""

_STATISTICS = ("statistics", 0)

Subject = tuple[str, int]
"""Which entity of which kind."""


States = tuple[Mapping[str, int], Mapping[str, int]]
"""How many downloads, and how many uploads, are in each state."""


@dataclass(frozen=True)
class Progress:
    """How far all transfers were at one moment.

    Attributes:
        messages: Those of the transfers that are under way, and of the numbers of all.
        as_of: The newest row of the history at that moment.
    """

    messages: Mapping[Subject, Message]
    as_of: int


class TransferBoard:
    """The newest value of everything that moves, each with the version that brought it.

    Args:
        seconds: How often it is read at most.
    """

    def __init__(self, seconds: float = PROGRESS_SECONDS) -> None:
        self.version = 0
        self.as_of = 0
        self._seconds = seconds
        self._entries: dict[Subject, tuple[int, Message]] = {}
        self._states: States | None = None
        self._states_as_of = 0
        self._states_at = self._read_at = -inf

    def read_due(self, connection: Connection, as_of: int) -> Progress | None:
        """Read how far transfers are; None where that was read just now.

        Args:
            connection: A transaction of the ledger.
            as_of: The newest row of the history in the same transaction.
        """
        now = time.monotonic()
        if now - self._read_at < self._seconds:
            return None
        self._read_at = now
        are_old = as_of != self._states_as_of and now - self._states_at >= STATISTICS_SECONDS
        if self._states is None or are_old:
            self._states = (download_totals(connection).states, upload_totals(connection).states)
            self._states_at, self._states_as_of = now, as_of
        return _read_progress(connection, as_of, self._states)

    def update(self, progress: Progress) -> bool:
        """Take over how far transfers are.

        Args:
            progress: What was read.

        Returns:
            Whether anything is different.
        """
        self.as_of = progress.as_of
        entries: dict[Subject, tuple[int, Message]] = {}
        has_changed = False
        for subject, message in progress.messages.items():
            known = self._entries.get(subject)
            if known is not None and known[1] == message:
                entries[subject] = known
            else:
                entries[subject] = (self.version + 1, message)
                has_changed = True
        # What has come to rest is not missed here: the history says so.
        self._entries = entries
        self.version += has_changed
        return has_changed

    def since(self, version: int) -> list[Message]:
        """Return what has changed since a version.

        Args:
            version: What the client has; 0 for nothing.
        """
        return [message for changed, message in self._entries.values() if changed > version]


def transfers_of(connection: Connection, events: Sequence[RecordedEvent]) -> Mapping[int, Message]:
    """Return how far the transfers are that rows of the history are about.

    Args:
        connection: The transaction of the ledger that the rows were read in.
        events: The rows.

    Returns:
        The messages by the id of the row; rows about other things have none.
    """
    ids = {
        entity: {int(event.entity_id) for event in events if event.entity == entity}
        for entity in (DOWNLOAD, UPLOAD)
    }
    found: dict[Subject, Message] = {}
    if ids[DOWNLOAD]:
        rows = _rows(connection, relay_downloads, relay_downloads.c.id.in_(ids[DOWNLOAD]))
        found |= {(DOWNLOAD, row.id): download_message(row) for row in rows}
    if ids[UPLOAD]:
        rows = _rows(connection, relay_uploads, relay_uploads.c.id.in_(ids[UPLOAD]))
        found |= {(UPLOAD, row.id): upload_message(row) for row in rows}
    messages: dict[int, Message] = {}
    for event in events:
        if event.entity not in ids:
            continue
        if event.state == DELETED:
            messages[event.id] = deleted_message(event)
        elif message := found.get((event.entity, int(event.entity_id))):
            messages[event.id] = message
    return messages


def _read_progress(connection: Connection, as_of: int, states: States) -> Progress:
    downloads = _rows(
        connection, relay_downloads, relay_downloads.c.state == DownloadState.DOWNLOADING
    )
    uploads = _rows(connection, relay_uploads, relay_uploads.c.state == UploadState.UPLOADING)
    messages: dict[Subject, Message] = {
        (DOWNLOAD, row.id): download_message(row) for row in downloads
    }
    messages |= {(UPLOAD, row.id): upload_message(row) for row in uploads}
    messages[_STATISTICS] = statistics_message(
        *states,
        download_speed=sum(row.bytes_per_second for row in downloads),
        upload_speed=sum(row.bytes_per_second for row in uploads),
    )
    return Progress(messages, as_of)


def _rows(connection: Connection, table: Table, condition: ColumnElement[bool]) -> Sequence[AnyRow]:
    return connection.execute(select(table).where(condition)).all()
