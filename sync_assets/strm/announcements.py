"""What media servers have yet to be told: written down with the change, struck out when told.

The rows are written in the manifest's own transactions, so that a crash between writing a file and
telling of it loses nothing. Telling twice is harmless: a server only looks again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from sqlalchemy import Connection, delete, insert, select

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import strm_changes

MAXIMUM_PATHS = 1_000
"""With more changes than this, folders are announced instead of files."""


class ChangeKind(StrEnum):
    """What happened to a file."""

    WRITTEN = "written"
    DELETED = "deleted"


@dataclass(frozen=True)
class Announcement:
    """Changes of one job that are to be told together.

    Attributes:
        last_id: The newest change that is contained.
        kinds: What happened, by path relative to the job's output.
    """

    last_id: int
    kinds: Mapping[str, ChangeKind]


def note_changes(connection: Connection, job: str, kind: ChangeKind, paths: Iterable[str]) -> None:
    """Write down changes, in the transaction that enters or strikes out the files.

    Args:
        connection: A writing transaction of the ledger.
        job: The job's name.
        kind: What happens to the files.
        paths: The files, relative to the job's output.
    """
    rows = [{"job": job, "path": path, "kind": kind} for path in paths]
    if rows:
        connection.execute(insert(strm_changes), rows)


def pending_announcement(ledger: Ledger, job: str) -> Announcement | None:
    """Return what is to be told of a job, or None where nothing is.

    Args:
        ledger: The ledger.
        job: The job's name.
    """
    query = (
        select(strm_changes.c.id, strm_changes.c.path, strm_changes.c.kind)
        .where(strm_changes.c.job == job)
        .order_by(strm_changes.c.id)
    )
    kinds: dict[str, ChangeKind] = {}
    last_id = 0
    with ledger.read() as connection:
        for row_id, path, kind in connection.execute(query):
            kinds[path] = ChangeKind(kind)
            last_id = row_id
    return Announcement(last_id, kinds) if kinds else None


def forget_changes(ledger: Ledger, job: str, last_id: int) -> None:
    """Strike out what was told.

    Args:
        ledger: The ledger.
        job: The job's name.
        last_id: The newest change that was told.
    """
    with ledger.write() as connection:
        connection.execute(
            delete(strm_changes).where(strm_changes.c.job == job, strm_changes.c.id <= last_id)
        )


def coalesced(kinds: Mapping[str, ChangeKind]) -> Mapping[str, ChangeKind]:
    """Announce folders instead of files where there are very many.

    Args:
        kinds: What happened, by path.

    Returns:
        At most `MAXIMUM_PATHS` paths that together cover all; a folder counts as written, which
        makes a server look into it. An empty path is the whole output.
    """
    paths: Sequence[PurePosixPath] = [PurePosixPath(path) for path in kinds]
    while len(kinds) > MAXIMUM_PATHS:
        paths = list({path.parent for path in paths})
        kinds = {"" if path.name == "" else str(path): ChangeKind.WRITTEN for path in paths}
    return kinds
