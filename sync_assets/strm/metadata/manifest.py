"""What the manifest remembers of metadata files: what they hold, and what they were copied from.

A file is entered before it is put in its place, together with the digest of what it replaces, and
settled after. A crash between the two leaves a file that holds one or the other, and is known as
the job's own either way.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import strm_files
from sync_assets.strm.announcements import ChangeKind, note_changes
from sync_assets.strm.models import Entry, FileKind, join

_DIRECTORIES_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class MetadataFile:
    """A metadata file that this project wrote, or is about to write.

    Attributes:
        directory: Its directory, relative to the job's output.
        name: Its name.
        digest: Of what it holds.
        replaced_digest: Of what it held before, until that is known to be gone; else empty.
        remote_size: How large the source's file was, in bytes; None where that is not known.
        remote_modified_us: When the source's file was changed, in microseconds since the epoch;
            None where that is not known.
    """

    directory: str
    name: str
    digest: str
    replaced_digest: str = ""
    remote_size: int | None = None
    remote_modified_us: int | None = None

    def is_copy_of(self, remote: Entry) -> bool:
        """Tell whether the source's file is what it was when it was copied.

        Only what the source says now is compared with what it said then: its clock and this
        machine's have nothing to do with each other.
        """
        now = (remote.size, microseconds(remote.modified_at))
        return (self.remote_size, self.remote_modified_us) == now

    def may_hold(self, digest: str | None) -> bool:
        """Tell whether a file with this digest holds what was written here."""
        return bool(digest) and digest in (self.digest, self.replaced_digest)


class MetadataManifest:
    """The metadata files that one job owns.

    Args:
        ledger: The ledger that holds the manifest.
        job: The job's name.
        announces: Whether media servers are to be told of changes.
    """

    def __init__(self, ledger: Ledger, job: str, *, announces: bool = False) -> None:
        self._ledger = ledger
        self._job = job
        self._announces = announces

    def remembered(self, directories: Sequence[str]) -> dict[str, dict[str, MetadataFile]]:
        """Return what is remembered of the files in some directories.

        Args:
            directories: The directories, relative to the output.

        Returns:
            The files by name, by directory; a directory without files is left out.
        """
        columns = strm_files.c
        query = select(
            columns.directory,
            columns.name,
            columns.digest,
            columns.replaced_digest,
            columns.remote_size,
            columns.remote_modified_us,
        ).where(
            columns.job == self._job,
            columns.kind == FileKind.METADATA,
            columns.directory.in_(bindparam("directories", expanding=True)),
        )
        found: dict[str, dict[str, MetadataFile]] = {}
        with self._ledger.read() as connection:
            for start in range(0, len(directories), _DIRECTORIES_PER_QUERY):
                chunk = list(directories[start : start + _DIRECTORIES_PER_QUERY])
                for row in connection.execute(query, {"directories": chunk}):
                    file = MetadataFile(*row)
                    found.setdefault(file.directory, {})[file.name] = file
        return found

    def enter(self, files: Sequence[MetadataFile]) -> None:
        """Enter files that are about to be put in their places.

        Args:
            files: The files. What they are copied from is not remembered before they are settled.
        """
        now = time.time()
        rows = [
            {
                "job": self._job,
                "directory": file.directory,
                "name": file.name,
                "kind": FileKind.METADATA,
                "written_at": now,
                "digest": file.digest,
                "replaced_digest": file.replaced_digest,
                "remote_size": None,
                "remote_modified_us": None,
            }
            for file in files
        ]
        if not rows:
            return
        with self._ledger.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(strm_files)
            changed = [name for name in rows[0] if name not in ("job", "directory", "name")]
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["job", "directory", "name"],
                    set_={name: statement.excluded[name] for name in changed},
                ),
                rows,
            )
            if self._announces:
                paths = [join(file.directory, file.name) for file in files]
                note_changes(connection, self._job, ChangeKind.WRITTEN, paths)

    def settle(self, files: Sequence[MetadataFile]) -> None:
        """Remember that files are in their places, and what they were copied from.

        Args:
            files: Files that were entered.
        """
        rows = [
            {
                "of_directory": file.directory,
                "of_name": file.name,
                "new_size": file.remote_size,
                "new_modified_us": file.remote_modified_us,
                "new_digest": file.digest,
            }
            for file in files
        ]
        if not rows:
            return
        with self._ledger.write() as connection:
            connection.execute(
                update(strm_files)
                .where(
                    strm_files.c.job == self._job,
                    strm_files.c.directory == bindparam("of_directory"),
                    strm_files.c.name == bindparam("of_name"),
                )
                .values(
                    digest=bindparam("new_digest"),
                    replaced_digest="",
                    remote_size=bindparam("new_size"),
                    remote_modified_us=bindparam("new_modified_us"),
                ),
                rows,
            )


def microseconds(seconds: float | None) -> int | None:
    """Return a time as it is remembered; rounded, so that it survives being stored as a float."""
    return None if seconds is None else round(seconds * 1_000_000)
