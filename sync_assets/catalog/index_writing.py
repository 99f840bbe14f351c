"""Write the compiled catalogue as one SQLite file: whole, and put in place at once."""

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from sync_assets.catalog.compiling import Compiled, SourcedLink
from sync_assets.catalog.index import FORMAT_VERSION, Provenance
from sync_assets.catalog.models import Subject
from sync_assets.catalog.titles import fold, split_season

_SCHEMA = """
CREATE TABLE provenance (
    source TEXT PRIMARY KEY, location TEXT NOT NULL, licence TEXT NOT NULL, sha256 TEXT NOT NULL,
    fetched_at TEXT NOT NULL, entries INTEGER NOT NULL, skipped INTEGER NOT NULL
);
CREATE TABLE subjects (
    subject INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, begins TEXT,
    begin_is_exact INTEGER NOT NULL, ends TEXT, episodes INTEGER,
    episodes_are_estimated INTEGER NOT NULL, name_cn TEXT NOT NULL
);
CREATE TABLE titles (
    folded TEXT NOT NULL, subject INTEGER NOT NULL, PRIMARY KEY (folded, subject)
) WITHOUT ROWID;
CREATE TABLE links (
    provider TEXT NOT NULL, kind TEXT NOT NULL, identifier TEXT NOT NULL, subject INTEGER NOT NULL,
    season INTEGER, first INTEGER, last INTEGER, target_first INTEGER,
    is_special INTEGER NOT NULL, source TEXT NOT NULL
);
CREATE TABLE redirects (
    subject INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER,
    destination INTEGER NOT NULL, destination_first INTEGER NOT NULL
);
"""
_INDEXES = """
CREATE INDEX links_by_work ON links (identifier, provider, kind);
CREATE INDEX links_by_subject ON links (subject);
CREATE INDEX redirects_by_subject ON redirects (subject);
"""


def write_index(path: Path, compiled: Compiled, provenance: Iterable[Provenance]) -> None:
    """Replace the index; readers see the old or the new one.

    Args:
        path: Where it is.
        compiled: The catalogue.
        provenance: Where its parts come from.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        with closing(sqlite3.connect(temporary)) as connection:
            # A file that is not whole is thrown away, so a journal would protect nothing.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.executescript(_SCHEMA)
            _insert(connection, compiled, provenance)
            connection.executescript(_INDEXES)
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            connection.commit()
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def _insert(
    connection: sqlite3.Connection, compiled: Compiled, provenance: Iterable[Provenance]
) -> None:
    def insert(table: str, rows: Iterable[Sequence[object]], columns: int) -> None:
        marks = ", ".join("?" * columns)
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608

    insert(
        "provenance",
        (
            (e.source, e.location, e.licence, e.sha256, e.fetched_at, e.entries, e.skipped)
            for e in provenance
        ),
        7,
    )
    insert("subjects", (_subject_row(each) for each in compiled.subjects.values()), 9)
    titles = {
        (folded, subject.number)
        for subject in compiled.subjects.values()
        for title in subject.titles
        for folded in (fold(title), fold(split_season(title)[0]))
        if folded
    }
    insert("titles", sorted(titles), 2)
    insert("links", (_link_row(each) for each in compiled.links), 10)
    insert(
        "redirects",
        (
            (e.target.number, e.first, e.last, e.destination.number, e.destination_first)
            for e in compiled.redirects
        ),
        5,
    )


def _subject_row(subject: Subject) -> tuple[object, ...]:
    return (
        subject.number,
        subject.name,
        subject.kind,
        subject.begin and subject.begin.isoformat(),
        subject.begin_is_exact,
        subject.end and subject.end.isoformat(),
        subject.episodes,
        subject.episodes_are_estimated,
        subject.name_cn,
    )


def _link_row(sourced: SourcedLink) -> tuple[object, ...]:
    link = sourced.link
    return (
        *link.work,
        link.target.number,
        link.season,
        link.first,
        link.last,
        link.target_first,
        link.is_special,
        sourced.source,
    )
