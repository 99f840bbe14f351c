"""Which drives are unmounted, kept in the ledger: their jobs delete nothing until they are back.

A drive that goes away can look like one that was emptied, so that its owner's word that it went
away must outlast any process.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePosixPath

from sqlalchemy import Connection, delete, insert, select

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import strm_drives


class DriveUnmountedError(SyncError):
    """The drive that holds a job's source was reported as unmounted."""


def record_mount(
    connection: Connection, mount_point: str, *, is_mounted: bool, changed_at: datetime
) -> bool:
    """Remember that a drive was mounted or unmounted.

    Args:
        connection: A writing transaction of the ledger.
        mount_point: Where.
        is_mounted: Which of both.
        changed_at: When it happened; an older report never undoes a newer one.

    Returns:
        Whether it was news.
    """
    is_this = strm_drives.c.mount_point == mount_point
    known = connection.execute(select(strm_drives).where(is_this)).one_or_none()
    if known is not None and known.changed_at > changed_at:
        return False
    connection.execute(delete(strm_drives).where(is_this))
    connection.execute(
        insert(strm_drives).values(
            mount_point=mount_point, is_mounted=is_mounted, changed_at=changed_at
        )
    )
    return known is None or known.is_mounted != is_mounted


def unmounted_drives(ledger: Ledger) -> dict[str, datetime]:
    """Return when each drive that is unmounted went away, by its mount point.

    Args:
        ledger: The ledger.
    """
    query = select(strm_drives).where(strm_drives.c.is_mounted.is_(False))
    with ledger.read() as connection:
        return {row.mount_point: row.changed_at for row in connection.execute(query)}


def require_mounted(ledger: Ledger, job_name: str, paths: Iterable[str]) -> None:
    """Make sure that no drive of a job is known to be unmounted.

    Args:
        ledger: The ledger.
        job_name: The job's name.
        paths: Where its source is, by every name that its owner may use.

    Raises:
        DriveUnmountedError: One is.
    """
    names = [PurePosixPath(path) for path in paths]
    for mount_point, since in unmounted_drives(ledger).items():
        if any(concerns(mount_point, name) for name in names):
            raise DriveUnmountedError(
                f"The job {job_name} rests: its drive {mount_point} was unmounted at "
                f"{since:%Y-%m-%d %H:%M:%S} UTC. Nothing is deleted meanwhile.",
                remedy="Mount the drive; its next mount event wakes the job.",
            )


def concerns(mount_point: str, path: PurePosixPath) -> bool:
    """Tell whether a path lies on a drive.

    Args:
        mount_point: Where the drive is mounted.
        path: A path of the same system.
    """
    return path.is_relative_to(mount_point)
