"""The manifest: which files of a job's output this project wrote, kept in the ledger.

A file is entered before it is written and struck out after it is deleted, so that a crash
between the two never leaves a file that nobody owns.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.schema import strm_files, strm_outputs
from sync_assets.strm.announcements import ChangeKind, note_changes
from sync_assets.strm.models import FileKind, OwnedFile

_DIRECTORIES_PER_QUERY = 500

_logger = logging.getLogger(__name__)


class Manifest:
    """The files that one job owns.

    Args:
        ledger: The ledger that holds the manifest.
        job: The job's name.
        announces: Whether media servers are to be told of changes.
        kind: Which of the job's files `count`, `names` and `directories` are about.
    """

    def __init__(
        self,
        ledger: Ledger,
        job: str,
        *,
        announces: bool = False,
        kind: FileKind = FileKind.STRM,
    ) -> None:
        self._ledger = ledger
        self._job = job
        self._announces = announces
        self.kind = kind

    def of_kind(self, kind: FileKind) -> "Manifest":
        """Return the same manifest, about files of another kind."""
        return Manifest(self._ledger, self._job, announces=self._announces, kind=kind)

    def claim_output(self, output: Path) -> int:
        """Say where the job's files are; after a change it owns nothing any more.

        Its files are known by their paths below the output: in another folder the same paths are
        somebody else's files, which must be neither overwritten nor deleted.

        Args:
            output: The job's output now.

        Returns:
            How many files were left behind, without an owner, in the output of before.
        """
        claimed = str(output)
        query = select(strm_outputs.c.output).where(strm_outputs.c.job == self._job)
        with self._ledger.read() as connection:
            before = connection.execute(query).scalar()
            if before == claimed:
                return 0
            left = _count(connection, strm_files.c.job == self._job)
        dialect = postgresql if self._ledger.url.get_backend_name() == "postgresql" else sqlite
        with self._ledger.write() as connection:
            connection.execute(delete(strm_files).where(strm_files.c.job == self._job))
            connection.execute(
                dialect.insert(strm_outputs)
                .values(job=self._job, output=claimed)
                .on_conflict_do_update(index_elements=["job"], set_={"output": claimed})
            )
            detail = {"before": before, "now": claimed, "files_left": left}
            append_events(connection, [Event("strm_output", self._job, detail=detail)])
        if left:
            _logger.warning(
                "the output of job %s is now %s; %d files in %s are left as they are, and no "
                "longer looked after: remove them by hand",
                self._job,
                claimed,
                left,
                before,
            )
        return left

    def count(self, below: str = "") -> int:
        """Return how many files of the manifest's kind the job owns.

        Args:
            below: Only in this directory and those below it; empty for all.
        """
        with self._ledger.read() as connection:
            is_inside = self._below(connection, below)
            return _count(connection, *is_inside, strm_files.c.kind == self.kind)

    def has_any(self, *, written_before: float) -> bool:
        """Tell whether the job owns any file of the manifest's kind that was entered by then.

        Args:
            written_before: Seconds since the epoch.
        """
        query = select(
            exists().where(
                strm_files.c.job == self._job,
                strm_files.c.kind == self.kind,
                strm_files.c.written_at < written_before,
            )
        )
        with self._ledger.read() as connection:
            return connection.execute(query).scalar_one()

    def names(
        self, directories: Sequence[str], *, written_before: float | None = None
    ) -> dict[str, set[str]]:
        """Return the names of the job's files of the manifest's kind.

        Args:
            directories: The directories to look up, relative to the output.
            written_before: Only files that were entered before this time, in seconds since the
                epoch.

        Returns:
            The names by directory; a directory without files is left out.
        """
        found: dict[str, set[str]] = {}
        query = select(strm_files.c.directory, strm_files.c.name).where(
            strm_files.c.job == self._job,
            strm_files.c.kind == self.kind,
            strm_files.c.directory.in_(bindparam("directories", expanding=True)),
        )
        if written_before is not None:
            query = query.where(strm_files.c.written_at < written_before)
        with self._ledger.read() as connection:
            for start in range(0, len(directories), _DIRECTORIES_PER_QUERY):
                chunk = list(directories[start : start + _DIRECTORIES_PER_QUERY])
                # All at once: one by one takes twice as long.
                for directory, name in connection.execute(query, {"directories": chunk}).all():
                    found.setdefault(directory, set()).add(name)
        return found

    def with_digests(self, files: Sequence[OwnedFile]) -> list[OwnedFile]:
        """Return files with the digests of what was written into them.

        Args:
            files: Some of the job's files.

        Returns:
            The same, in their order.
        """
        known: dict[tuple[str, str], str] = {}
        directories = sorted({file.directory for file in files})
        query = select(strm_files.c.directory, strm_files.c.name, strm_files.c.digest).where(
            strm_files.c.job == self._job,
            strm_files.c.directory.in_(bindparam("directories", expanding=True)),
        )
        with self._ledger.read() as connection:
            for start in range(0, len(directories), _DIRECTORIES_PER_QUERY):
                chunk = directories[start : start + _DIRECTORIES_PER_QUERY]
                for directory, name, digest in connection.execute(query, {"directories": chunk}):
                    known[directory, name] = digest
        return [file._replace(digest=known.get((file.directory, file.name), "")) for file in files]

    def directories(self, below: str = "") -> Iterator[str]:
        """Return every directory in which the job owns files of the manifest's kind, in order.

        Args:
            below: Only this directory and those below it; empty for all.
        """
        with self._ledger.read() as connection:
            query = (
                select(strm_files.c.directory)
                .where(*self._below(connection, below), strm_files.c.kind == self.kind)
                .distinct()
                .order_by(strm_files.c.directory)
            )
            # On the statement: as the connection's option it would hold for BEGIN too, which
            # PostgreSQL refuses to read through a cursor.
            yield from connection.execute(query.execution_options(yield_per=10_000)).scalars()

    def enter(self, files: Iterable[OwnedFile]) -> None:
        """Enter files that are about to be written, or are found to be the job's own.

        Args:
            files: The files; one that is there already keeps its place and gets a new time.
        """
        now = time.time()
        entered = list(files)
        rows = [{"job": self._job, "written_at": now, **file._asdict()} for file in entered]
        if not rows:
            return
        with self._ledger.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(strm_files)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["job", "directory", "name"],
                    set_={
                        "written_at": statement.excluded.written_at,
                        "digest": statement.excluded.digest,
                    },
                ),
                rows,
            )
            self._note(connection, ChangeKind.WRITTEN, entered)

    def enter_moved(self, old: str, new: str) -> None:
        """Enter the files of a directory, and of all below it, under its future path as well.

        Args:
            old: Where the directory is.
            new: Where it is about to be.
        """
        columns = strm_files.c
        with self._ledger.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            moved_directory = literal(new).concat(func.substr(columns.directory, len(old) + 1))
            kept = [column for column in columns if column.name != "directory"]
            moved = select(moved_directory, *kept).where(*self._below(connection, old))
            statement = dialect.insert(strm_files).from_select(
                ["directory", *(column.name for column in kept)], moved
            )
            connection.execute(statement.on_conflict_do_nothing())
            self._note(connection, ChangeKind.WRITTEN, self._files_below(connection, new))

    def strike_below(self, directory: str) -> None:
        """Strike out the files of a directory and of all below it.

        Args:
            directory: The directory, which is no longer there.
        """
        with self._ledger.write() as connection:
            self._note(connection, ChangeKind.DELETED, self._files_below(connection, directory))
            connection.execute(delete(strm_files).where(*self._below(connection, directory)))

    def _files_below(self, connection: Connection, directory: str) -> list[OwnedFile]:
        query = select(strm_files.c.directory, strm_files.c.name).where(
            *self._below(connection, directory)
        )
        return [OwnedFile(*row) for row in connection.execute(query)]

    def _below(self, connection: Connection, directory: str) -> tuple[ColumnElement[bool], ...]:
        is_job = strm_files.c.job == self._job
        if not directory:
            return (is_job,)
        # Byte order, in which "0" comes right after "/": the range uses SQLite's primary key.
        column: ColumnElement[str] = strm_files.c.directory
        if connection.dialect.name == "postgresql":
            column = column.collate("C")
        is_inside = and_(column >= f"{directory}/", column < f"{directory}0")
        return (is_job, or_(strm_files.c.directory == directory, is_inside))

    def strike(self, files: Iterable[OwnedFile]) -> None:
        """Strike out files that were deleted.

        Args:
            files: The files; one that is not there is no error.
        """
        struck = list(files)
        rows = [{"of_directory": file.directory, "of_name": file.name} for file in struck]
        if not rows:
            return
        with self._ledger.write() as connection:
            connection.execute(
                delete(strm_files).where(
                    strm_files.c.job == self._job,
                    strm_files.c.directory == bindparam("of_directory"),
                    strm_files.c.name == bindparam("of_name"),
                ),
                rows,
            )
            self._note(connection, ChangeKind.DELETED, struck)

    def _note(self, connection: Connection, kind: ChangeKind, files: Sequence[OwnedFile]) -> None:
        if self._announces:
            note_changes(connection, self._job, kind, (file.path for file in files))


def _count(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(strm_files).where(*conditions)
    return connection.execute(query).scalar_one()
