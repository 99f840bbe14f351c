"""gallery-dl's archive: the rows by which it knows what it has downloaded.

The ledger is what this project believes. The archive is kept in step with it, so that gallery-dl
neither downloads again what is there, nor skips what was thrown away.
"""

import contextlib
import sqlite3
from collections.abc import Collection, Generator, Iterable
from pathlib import Path

from sync_assets.errors import SyncError

_PREFIX = "pixiv"
_BUSY_SECONDS = 30.0
_CREATE = "CREATE TABLE IF NOT EXISTS archive (entry TEXT PRIMARY KEY) WITHOUT ROWID"


class ArchiveError(SyncError):
    """The archive cannot be read or written."""


def entry_of(work_id: int, page: int, version: str) -> str:
    """Return the row of a file, as `gallery_dl_config.ARCHIVE_FORMAT` makes it."""
    return f"{_PREFIX}{work_id}_{page}_{version}"


def is_empty(path: Path) -> bool:
    """Tell whether the archive is missing or has no rows, as before the very first pass.

    Raises:
        ArchiveError: It is damaged.
    """
    if not path.exists() or path.stat().st_size == 0:
        return True
    with _opened(path) as connection:
        return connection.execute("SELECT 1 FROM archive LIMIT 1").fetchone() is None


def entries(path: Path) -> list[str]:
    """Return all rows of an archive, which may be another program's and is left as it is.

    Raises:
        ArchiveError: It is damaged, or no archive.
    """
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            rows = connection.execute("SELECT entry FROM archive WHERE typeof(entry) = 'text'")
            return [entry for (entry,) in rows]
    except sqlite3.Error as error:
        raise ArchiveError(
            f"{path} cannot be read as an archive of gallery-dl: {error}.",
            remedy="Name the SQLite file that gallery-dl's option archive names.",
        ) from error


def remove_entries(path: Path, removed: Collection[str]) -> None:
    """Remove rows, so that gallery-dl downloads their files again.

    Raises:
        ArchiveError: It cannot be written.
    """
    if not removed or not path.exists():
        return
    with _opened(path) as connection, connection:
        connection.executemany(
            "DELETE FROM archive WHERE entry = ?", [(entry,) for entry in removed]
        )


def add_entries(path: Path, added: Iterable[str]) -> None:
    """Add rows, so that gallery-dl leaves their files alone.

    Raises:
        ArchiveError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _opened(path) as connection, connection:
        connection.executemany(
            "INSERT OR IGNORE INTO archive VALUES (?)", [(entry,) for entry in added]
        )


@contextlib.contextmanager
def _opened(path: Path) -> Generator[sqlite3.Connection]:
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection:
            connection.execute(_CREATE)
            yield connection
    except sqlite3.Error as error:
        raise ArchiveError(
            f"gallery-dl's archive {path} cannot be used: {error}.",
            remedy="Free space on its disk, and make it writable. If it is damaged, move it away: "
            "the next round makes a new one, and does not download again what is there.",
        ) from error
