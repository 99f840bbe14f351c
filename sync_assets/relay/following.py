"""How far something is that another domain has queued, and a new try for what has failed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sync_assets.ledger.schema import relay_downloads
from sync_assets.relay import downloads
from sync_assets.relay.models import DownloadState


@dataclass(frozen=True)
class Progress:
    """How far a medium is.

    Attributes:
        state: The state of its newest download.
        reason: Why it is where it is, with what to do; None where it moves.
        path: The file, or the folder of a torrent of several; None before it is complete. After
            it was uploaded and cleaned, nothing is there any more.
        completed_bytes: What is here of it.
        total_bytes: Its size; None where it is not known yet.
    """

    state: DownloadState
    reason: str | None
    path: str | None
    completed_bytes: int
    total_bytes: int | None


def state_of(connection: Connection, media_ids: Collection[int]) -> Mapping[int, Progress]:
    """Return how far media are.

    Args:
        connection: A transaction of the ledger.
        media_ids: Which, as `enqueue` returned them.

    Returns:
        The progress by medium; those that the relay does not know any more are left out.
    """
    columns = relay_downloads.c
    newest = (
        select(func.max(columns.id))
        .where(columns.media_id.in_(media_ids))
        .group_by(columns.media_id)
    )
    query = select(relay_downloads).where(columns.id.in_(newest.scalar_subquery()))
    return {
        row.media_id: Progress(
            state=DownloadState(row.state),
            reason=row.reason,
            path=row.path,
            completed_bytes=row.completed_bytes,
            total_bytes=row.total_bytes,
        )
        for row in connection.execute(query)
    }


def try_again(connection: Connection, media_id: int, *, run_id: str | None = None) -> None:
    """Try a medium again whose download has failed or was cancelled; others stay as they are.

    Args:
        connection: A writing transaction of the ledger.
        media_id: Which.
        run_id: The Dagster run, for the history.
    """
    row = downloads.latest(connection, media_id)
    if row is not None and row.state in (DownloadState.FAILED, DownloadState.CANCELLED):
        downloads.retry(connection, row.id, run_id=run_id)
