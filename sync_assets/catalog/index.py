"""The compiled catalogue as one SQLite file, which `index_writing` writes: what it answers.

SQLite, because nothing has to be loaded before the first answer: a show's links are one look-up.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from sync_assets.catalog.compiling import SourcedLink
from sync_assets.catalog.models import (
    Link,
    Namespace,
    Provider,
    Redirect,
    Subject,
    SubjectKind,
    Target,
    Work,
    WorkKind,
)
from sync_assets.errors import SyncError

FORMAT_VERSION = 2


class CatalogUnavailableError(SyncError):
    """There is no index, or none that this version can read."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a part of the index comes from.

    Attributes:
        source: The source's name.
        location: Its address or path, without secrets.
        licence: Its licence.
        sha256: The digest of the file.
        fetched_at: When it was fetched, ISO 8601, UTC.
        entries: How many entries it has.
        skipped: How many of them nothing could be made of.
    """

    source: str
    location: str
    licence: str
    sha256: str
    fetched_at: str
    entries: int
    skipped: int


class CatalogIndex:
    """Answers what the catalogue knows. Not for several threads at once.

    Args:
        path: The file.

    Raises:
        CatalogUnavailableError: It is missing, damaged or of another version.
    """

    def __init__(self, path: Path) -> None:
        remedy = "Materialize catalog/anime (job catalog_refresh), which writes it."
        if not path.is_file():
            message = f"There is no catalogue index at {path}."
            raise CatalogUnavailableError(message, remedy=remedy)
        # Immutable: the file is only ever replaced, so SQLite need not lock it.
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True
        )
        try:
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            self._connection.close()
            message = f"The catalogue index {path} is damaged: {error}."
            raise CatalogUnavailableError(message, remedy=remedy) from error
        if version != FORMAT_VERSION:
            self._connection.close()
            message = f"The catalogue index {path} has version {version}, not {FORMAT_VERSION}."
            raise CatalogUnavailableError(message, remedy=remedy)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def links(self, works: Iterable[Work]) -> list[SourcedLink]:
        """Return what all sources say about works; the same work may have several ids."""
        statement = (
            "SELECT provider, kind, identifier, subject, season, first, last, target_first, "
            "is_special, source FROM links WHERE identifier = ? AND provider = ? AND kind = ?"
        )
        return [
            _sourced_link(row)
            for work in works
            for row in self._connection.execute(
                statement, (work.identifier, work.provider, work.kind)
            )
        ]

    def works_of(self, subject: int) -> set[Work]:
        """Return all shows and films that a subject belongs to."""
        rows = self._connection.execute(
            "SELECT DISTINCT provider, kind, identifier FROM links WHERE subject = ?", (subject,)
        )
        return {
            Work(Provider(provider), WorkKind(kind), identifier)
            for provider, kind, identifier in rows
        }

    def subjects(self, numbers: Iterable[int]) -> dict[int, Subject]:
        """Return subjects by number; those that are not known are left out."""
        found = {}
        for number in numbers:
            row = self._connection.execute(
                "SELECT * FROM subjects WHERE subject = ?", (number,)
            ).fetchone()
            if row is not None:
                found[number] = _subject(row)
        return found

    def redirects(self, numbers: Iterable[int]) -> list[Redirect]:
        """Return where numbers past the end of subjects lead."""
        return [
            Redirect(
                Target(Namespace.BANGUMI, number),
                row[0],
                row[1],
                Target(Namespace.BANGUMI, row[2]),
                row[3],
            )
            for number in numbers
            for row in self._connection.execute(
                "SELECT first, last, destination, destination_first FROM redirects "
                "WHERE subject = ?",
                (number,),
            )
        ]

    def subjects_titled(self, folded: str) -> list[int]:
        """Return the subjects that have exactly this folded title."""
        rows = self._connection.execute(
            "SELECT subject FROM titles WHERE folded = ? ORDER BY subject", (folded,)
        )
        return [row[0] for row in rows]

    @cached_property
    def titles(self) -> dict[str, tuple[int, ...]]:
        """All folded titles with their subjects, for searches by likeness."""
        found = defaultdict(list)
        for folded, subject in self._connection.execute("SELECT folded, subject FROM titles"):
            found[folded].append(subject)
        return {folded: tuple(subjects) for folded, subjects in found.items()}

    def provenance(self) -> list[Provenance]:
        """Return where the index comes from."""
        rows = self._connection.execute("SELECT * FROM provenance ORDER BY source")
        return [Provenance(*row) for row in rows]


def _sourced_link(row: Sequence) -> SourcedLink:
    provider, kind, identifier, subject, season, first, last, target_first, special, source = row
    return SourcedLink(
        Link(
            Target(Namespace.BANGUMI, subject),
            Work(Provider(provider), WorkKind(kind), identifier),
            season,
            first,
            last,
            target_first,
            bool(special),
        ),
        source,
    )


def _subject(row: Sequence) -> Subject:
    number, name, kind, begin, begin_is_exact, end, episodes, estimated, name_cn = row
    return Subject(
        number=number,
        name=name,
        kind=SubjectKind(kind),
        begin=date.fromisoformat(begin) if begin else None,
        begin_is_exact=bool(begin_is_exact),
        end=date.fromisoformat(end) if end else None,
        episodes=episodes,
        episodes_are_estimated=bool(estimated),
        name_cn=name_cn,
    )
