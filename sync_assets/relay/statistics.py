"""Numbers of all transfers, and of each of the last days of arrival."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, FromClause, func, select

from sync_assets.ledger.schema import relay_downloads, relay_media, relay_uploads
from sync_assets.ledger.types import utc_now
from sync_assets.relay.models import VERIFIED_UPLOADS, DownloadState, UploadState


@dataclass(frozen=True)
class Totals:
    """How far transfers are.

    Attributes:
        states: How many are in each state; states that none is in are there with 0.
        bytes: The sizes of those that are completed.
        bytes_per_second: How fast those that are under way are together.
        retries: Attempts that failed, and retries that users wanted.
    """

    states: Mapping[str, int]
    bytes: int
    bytes_per_second: int
    retries: int


@dataclass
class DayOfTransfers:
    """The transfers of what arrived on one day.

    Attributes:
        day: The day of arrival, UTC.
        states: How many are in each state; those that none is in are left out.
        bytes: The sizes of those that are completed.
        retries: As in `Totals`.
    """

    day: str
    states: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    retries: int = 0


@dataclass(frozen=True)
class _Kind:
    states: type[DownloadState] | type[UploadState]
    done: tuple[str, ...]
    moving: str
    rows: FromClause
    state: ColumnElement[str]
    bytes: ColumnElement[int]
    bytes_per_second: ColumnElement[int]
    retries: ColumnElement[int]


_DOWNLOADS = _Kind(
    states=DownloadState,
    done=(DownloadState.COMPLETED,),
    moving=DownloadState.DOWNLOADING,
    rows=relay_downloads.join(relay_media, relay_media.c.id == relay_downloads.c.media_id),
    state=relay_downloads.c.state,
    bytes=relay_downloads.c.completed_bytes,
    bytes_per_second=relay_downloads.c.bytes_per_second,
    retries=relay_downloads.c.attempts + relay_downloads.c.retries,
)
_UPLOADS = _Kind(
    states=UploadState,
    done=VERIFIED_UPLOADS,
    moving=UploadState.UPLOADING,
    rows=relay_uploads.join(
        relay_downloads, relay_downloads.c.id == relay_uploads.c.download_id
    ).join(relay_media, relay_media.c.id == relay_downloads.c.media_id),
    state=relay_uploads.c.state,
    bytes=relay_uploads.c.uploaded_bytes,
    bytes_per_second=relay_uploads.c.bytes_per_second,
    retries=relay_uploads.c.attempts + relay_uploads.c.retries,
)


def download_totals(connection: Connection) -> Totals:
    """Return the numbers of all downloads.

    Args:
        connection: A transaction of the ledger.
    """
    return _totals(connection, _DOWNLOADS)


def upload_totals(connection: Connection) -> Totals:
    """Return the numbers of all uploads.

    Args:
        connection: A transaction of the ledger.
    """
    return _totals(connection, _UPLOADS)


def download_days(connection: Connection, days: int) -> Sequence[DayOfTransfers]:
    """Return the numbers of downloads of the last days of arrival, newest first.

    Args:
        connection: A transaction of the ledger.
        days: How many days back from today; days without any are left out.
    """
    return _days(connection, _DOWNLOADS, days)


def upload_days(connection: Connection, days: int) -> Sequence[DayOfTransfers]:
    """Return the numbers of uploads of the last days of arrival, newest first.

    Args:
        connection: A transaction of the ledger.
        days: How many days back from today; days without any are left out.
    """
    return _days(connection, _UPLOADS, days)


def _totals(connection: Connection, kind: _Kind) -> Totals:
    query = (
        select(
            kind.state,
            func.count(),
            func.sum(kind.bytes),
            func.sum(kind.bytes_per_second),
            func.sum(kind.retries),
        )
        .select_from(kind.rows)
        .group_by(kind.state)
    )
    states = {state.value: 0 for state in kind.states}
    size = speed = retries = 0
    for state, count, state_bytes, state_speed, state_retries in connection.execute(query):
        states[state] = count
        size += int(state_bytes) if state in kind.done else 0
        speed += int(state_speed) if state == kind.moving else 0
        retries += int(state_retries)
    return Totals(states, size, speed, retries)


def _days(connection: Connection, kind: _Kind, days: int) -> Sequence[DayOfTransfers]:
    first = (utc_now().date() - timedelta(days=days - 1)).isoformat()
    query = (
        select(
            relay_media.c.day,
            kind.state,
            func.count(),
            func.sum(kind.bytes),
            func.sum(kind.retries),
        )
        .select_from(kind.rows)
        .where(relay_media.c.day >= first)
        .group_by(relay_media.c.day, kind.state)
        .order_by(relay_media.c.day.desc())
    )
    found: dict[str, DayOfTransfers] = {}
    for day, state, count, state_bytes, state_retries in connection.execute(query):
        numbers = found.setdefault(day, DayOfTransfers(day))
        numbers.states[state] = count
        numbers.bytes += int(state_bytes) if state in kind.done else 0
        numbers.retries += int(state_retries)
    return list(found.values())
