"""Count media, downloads and uploads by day of arrival, for `/health` and Dagster's metadata."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Text, bindparam, cast, func, select

from sync_assets.ledger.schema import events, relay_downloads, relay_media, relay_uploads
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.models import (
    OPEN_DOWNLOADS,
    OPEN_UPLOADS,
    VERIFIED_UPLOADS,
    DownloadState,
    MediaState,
    ReasonCode,
    UploadState,
)


@dataclass(frozen=True)
class UploadCounts:
    """The uploads of what arrived on a day.

    Attributes:
        states: Uploads by state.
        bytes: The sizes of those that are verified, each target counted.
        retries: Attempts that failed, and retries that users wanted.
        seconds: The time from start to completion of those, in sum.
    """

    states: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0
    retries: int = 0
    seconds: float = 0.0

    def metadata(self) -> dict[str, int | float]:
        """Return the numbers by their names in Dagster's metadata."""
        counts = {state.value: self.states.get(state, 0) for state in UploadState}
        return {
            "files": sum(self.states.get(state, 0) for state in VERIFIED_UPLOADS),
            "bytes": self.bytes,
            "bytes_per_second": round(self.bytes / self.seconds) if self.seconds else 0,
            "retries": self.retries,
            **counts,
        }


@dataclass(frozen=True)
class DayCounts:
    """What arrived on a day, and how far it is.

    Attributes:
        media: Media by state.
        downloads: Newest downloads by state.
        bytes: The sizes of what is completed.
        retries: Attempts that failed, and retries that users wanted.
        seconds: The time from first start to completion of what is completed, in sum.
        uploads: The uploads of the newest downloads.
    """

    media: Mapping[str, int] = field(default_factory=dict)
    downloads: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0
    retries: int = 0
    seconds: float = 0.0
    uploads: UploadCounts = field(default_factory=UploadCounts)

    @property
    def open(self) -> int:
        """Downloads that are still to come to an end."""
        return sum(self.downloads.get(state, 0) for state in OPEN_DOWNLOADS)

    @property
    def failed(self) -> int:
        """Downloads that were given up."""
        return self.downloads.get(DownloadState.FAILED, 0)

    def media_metadata(self) -> dict[str, int]:
        """Return the numbers of media by their names in Dagster's metadata."""
        counts = {state.value: self.media.get(state, 0) for state in MediaState}
        return {"media": sum(self.media.values()), **counts}

    def download_metadata(self) -> dict[str, int | float]:
        """Return the numbers of downloads by their names in Dagster's metadata."""
        rate = round(self.bytes / self.seconds) if self.seconds else 0
        counts = {state.value: self.downloads.get(state, 0) for state in DownloadState}
        return {
            "files": self.downloads.get(DownloadState.COMPLETED, 0),
            "bytes": self.bytes,
            "bytes_per_second": rate,
            "retries": self.retries,
            **counts,
        }


def count_day(connection: Connection, day: str) -> DayCounts:
    """Count what arrived on a day.

    Args:
        connection: A transaction of the ledger.
        day: The day, as in `relay_media.day`.
    """
    columns = relay_media.c
    states = (
        select(columns.state, func.count().label("media"))
        .where(columns.day == day)
        .group_by(columns.state)
    )
    rows = _newest_downloads(connection, day)
    done = [row for row in rows if row.state == DownloadState.COMPLETED]
    by_state: dict[str, int] = {}
    for row in rows:
        by_state[row.state] = by_state.get(row.state, 0) + 1
    return DayCounts(
        media={row.state: row.media for row in connection.execute(states)},
        downloads=by_state,
        bytes=sum(row.completed_bytes for row in done),
        retries=sum(row.attempts + row.retries for row in rows),
        seconds=sum(
            (row.completed_at - row.started_at).total_seconds() for row in done if row.started_at
        ),
        uploads=_count_uploads(connection, [row.id for row in rows]),
    )


def changed_days(connection: Connection, after_event: int) -> Sequence[str]:
    """Return the days of arrival of media that changed, or whose downloads did, oldest first.

    Args:
        connection: A transaction of the ledger.
        after_event: The id of the last event that does not count.
    """
    changed = (
        select(events.c.entity_id)
        .where(events.c.id > after_event)
        .where(events.c.entity == bindparam("entity"))
    )
    found: set[str] = set()
    for entity, column in (
        ("relay_medium", relay_media.c.id),
        ("relay_download", relay_downloads.c.id),
        ("relay_upload", relay_uploads.c.id),
    ):
        query = (
            select(relay_media.c.day)
            .outerjoin(relay_downloads, relay_downloads.c.media_id == relay_media.c.id)
            .outerjoin(relay_uploads, relay_uploads.c.download_id == relay_downloads.c.id)
            .where(cast(column, Text).in_(changed))
            .distinct()
        )
        found.update(connection.execute(query, {"entity": entity}).scalars())
    return sorted(found)


def _newest_downloads(connection: Connection, day: str) -> Sequence[AnyRow]:
    newest = select(func.max(relay_downloads.c.id)).group_by(relay_downloads.c.media_id)
    query = (
        select(relay_downloads)
        .join(relay_media, relay_media.c.id == relay_downloads.c.media_id)
        .where(relay_media.c.day == day, relay_downloads.c.id.in_(newest))
    )
    return connection.execute(query).all()


def _count_uploads(connection: Connection, download_ids: Sequence[int]) -> UploadCounts:
    query = select(relay_uploads).where(relay_uploads.c.download_id.in_(download_ids))
    rows = connection.execute(query).all()
    done = [row for row in rows if row.state in VERIFIED_UPLOADS]
    return UploadCounts(
        states=Counter(row.state for row in rows),
        bytes=sum(row.total_bytes or 0 for row in done),
        retries=sum(row.attempts + row.retries for row in rows),
        seconds=sum(
            (row.completed_at - row.started_at).total_seconds() for row in done if row.started_at
        ),
    )


def count_all(connection: Connection) -> dict[str, int]:
    """Count what is open, failed, completed, or held up by the disk, by metric name.

    Args:
        connection: A transaction of the ledger.
    """
    columns = relay_downloads.c
    newest = select(func.max(columns.id)).group_by(columns.media_id)
    query = (
        select(columns.state, columns.reason_code, func.count())
        .where(columns.id.in_(newest))
        .group_by(columns.state, columns.reason_code)
    )
    counts = {"relay_open": 0, "relay_failed": 0, "relay_disk_full": 0, "relay_completed": 0}
    for state, reason_code, count in connection.execute(query):
        counts["relay_open"] += count if state in OPEN_DOWNLOADS else 0
        counts["relay_failed"] += count if state == DownloadState.FAILED else 0
        counts["relay_completed"] += count if state == DownloadState.COMPLETED else 0
        is_full = state == DownloadState.PAUSED and reason_code == ReasonCode.DISK_FULL
        counts["relay_disk_full"] += count if is_full else 0
    uploads = relay_uploads.c
    states = Counter(
        dict(connection.execute(select(uploads.state, func.count()).group_by(uploads.state)).all())
    )
    return {
        **counts,
        "relay_uploads_open": sum(states[state] for state in OPEN_UPLOADS),
        "relay_uploads_failed": states[UploadState.FAILED],
        "relay_uploads_completed": sum(states[state] for state in VERIFIED_UPLOADS),
    }
