"""Open the ledger: the right pragmas on every connection, the right schema, clear errors.

SQLite runs in WAL mode with `synchronous=FULL`: a commit that returned is on disk. Writers
take the write lock when they begin, so that no transaction fails half-way on an upgrade of its
lock.
"""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from sync_assets.errors import SyncError
from sync_assets.ledger.revision import HEAD_REVISION, KNOWN_REVISIONS

BUSY_TIMEOUT_SECONDS = 30
_WRITER_LOCK = 7_392_051
"""Key of the advisory lock that PostgreSQL's writing transactions hold."""
_READ_ONLY = "sync_read_only"
_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""What a statement or a value did wrong; every other failure is the database's."""


class LedgerUnavailableError(SyncError):
    """The ledger cannot be opened or written now."""


class LedgerSchemaTooNewError(SyncError):
    """A newer version of this project has changed the ledger."""


class Ledger:
    """A connection pool to the ledger.

    Args:
        url: SQLAlchemy URL, `sqlite:///…` or `postgresql+psycopg://…`.
    """

    def __init__(self, url: str) -> None:
        self.engine = _create_engine(url)
        self.url = self.engine.url

    @classmethod
    def open(cls, url: str) -> "Ledger":
        """Open the ledger; create it or bring it up to date where that is needed.

        Args:
            url: SQLAlchemy URL, `sqlite:///…` or `postgresql+psycopg://…`.

        Returns:
            A ledger with the schema that this code expects.

        Raises:
            LedgerSchemaTooNewError: The ledger was written by a newer version; nothing changed.
            LedgerUnavailableError: It cannot be reached, read or written.
        """
        ledger = cls(url)
        ledger._prepare_directory()
        try:
            if ledger.require_known_revision() != HEAD_REVISION:
                ledger._upgrade()
        except (DBAPIError, sqlite3.Error) as error:
            ledger.close()
            raise unavailable(ledger.name, error) from error
        except SyncError:
            ledger.close()
            raise
        return ledger

    @property
    def name(self) -> str:
        """How messages call it: without user, password and options, which may be secret."""
        if self.url.get_backend_name() == "sqlite":
            return self.url.database or "in memory"
        return f"{self.url.get_backend_name()}://{self.url.host or ''}/{self.url.database or ''}"

    @contextmanager
    def read(self) -> Generator[Connection]:
        """Open a transaction that sees one state of the ledger and does not block writers.

        Raises:
            LedgerUnavailableError: The database is locked, damaged, or gone.
        """
        with (
            self._explain_failures(),
            self.engine.connect().execution_options(**{_READ_ONLY: True}) as connection,
        ):
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """Open a transaction that holds the write lock; commits at the end, or not at all.

        Raises:
            LedgerUnavailableError: The disk is full, the database locked, or gone.
        """
        with self._explain_failures(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def revision(self) -> str | None:
        """Return the schema's revision, or None where there is no schema yet."""
        with self.read() as connection:
            if not self.engine.dialect.has_table(connection, "alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    @contextmanager
    def _explain_failures(self) -> Generator[None]:
        try:
            yield
        except _MISTAKES:
            raise
        except (DBAPIError, PoolTimeoutError) as error:
            raise unavailable(self.name, error) from error

    def require_known_revision(self) -> str | None:
        """Return the schema's revision, or None where there is no schema yet.

        Raises:
            LedgerSchemaTooNewError: A newer version of this project made it.
            LedgerUnavailableError: The ledger cannot be read.
        """
        revision = self.revision()
        if revision is not None and revision not in KNOWN_REVISIONS:
            raise LedgerSchemaTooNewError(
                f"The ledger {self.name} has schema "
                f"{revision}, which this version does not know (it knows up to {HEAD_REVISION}).",
                remedy="Update sync_assets, or restore the backup from before the newer version "
                "ran. Nothing was changed.",
            )
        return revision

    def _prepare_directory(self) -> None:
        if self.url.get_backend_name() != "sqlite" or not self.url.database:
            return
        directory = Path(self.url.database).parent
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerUnavailableError(
                f"The ledger's directory {directory} cannot be made: {error.strerror}.",
                remedy="Make it writable, or set home or ledger.url to another place.",
            ) from error

    def _upgrade(self) -> None:
        # Alembic takes a quarter of a second to import, and is needed once in a ledger's life.
        from sync_assets.ledger.migrate import upgrade  # noqa: PLC0415

        upgrade(self.engine)


def unavailable(name: str, error: Exception) -> LedgerUnavailableError:
    """Explain why the ledger cannot be used.

    Args:
        name: The ledger's URL without its password.
        error: What the driver raised.

    Returns:
        The error to raise, with a remedy that fits.
    """
    cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    remedies = {
        "full": "Free space on its disk; nothing was changed.",
        "no space left": "Free space on its disk; nothing was changed.",
        "disk i/o error": "Free space on its disk; if there is some, check the disk's health.",
        "locked": "Another program holds it; close database browsers, then try again.",
        "readonly": "Give this user write permission to it and its directory.",
        "unable to open": "Check that its directory exists and is writable.",
        "not a database": "The file is damaged or is something else: restore a backup.",
        "malformed": "The file is damaged: restore a backup.",
    }
    fallback = "Check that the database server runs and that ledger.url is right."
    remedy = next((text for word, text in remedies.items() if word in cause.lower()), fallback)
    return LedgerUnavailableError(f"The ledger {name} cannot be used: {cause}.", remedy=remedy)


def _create_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
            event.listen(engine, "connect", _configure_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        engine = create_engine(parsed, pool_pre_ping=True)
        event.listen(engine, "begin", _begin_postgresql)
    except (SQLAlchemyError, ImportError, ValueError):
        # Not the cause: it may repeat a part of the password.
        raise LedgerUnavailableError(
            "ledger.url cannot be used: it is no database URL.",
            remedy="Use sqlite:///… or postgresql+psycopg://user:password@host/name; "
            "percent-encode /, @, : and # in the password.",
        ) from None
    return engine


def _configure_sqlite(connection: Any, record: Any) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    # The driver must not begin transactions by itself: `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(_READ_ONLY, False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return
    # One writer at a time, as in SQLite. A sequence hands out ids before commit: without this a
    # reader of the history could see id 11, resume after it, and miss id 10, which commits later.
    # Taken at the beginning, it also leaves no two locks to take in opposite order.
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
