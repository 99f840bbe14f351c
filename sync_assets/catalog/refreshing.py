"""Refresh the catalogue: fetch every source, refuse what is broken, compile, replace the index.

A source that breaks costs nothing: its last good copy is used, and the run says why.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sync_assets.catalog.compiling import compile_catalog
from sync_assets.catalog.copies import Copies, Copy
from sync_assets.catalog.fetching import Fetched, Fetcher, SourceUnavailableError
from sync_assets.catalog.index import Provenance
from sync_assets.catalog.index_writing import write_index
from sync_assets.catalog.models import SourceContent
from sync_assets.catalog.sources import SOURCES, SourceDescription
from sync_assets.catalog.sources.reading import SourceFormatError
from sync_assets.errors import SyncError
from sync_assets.settings.catalog import CatalogSettings, CatalogSourceSettings

INDEX_NAME = "index.sqlite"
SOURCES_NAME = "sources"

_LOGGER = logging.getLogger(__name__)
_ALL_DEFAULTS = CatalogSourceSettings()
_FEWEST_READABLE = 0.5


class CatalogRefreshError(SyncError):
    """The catalogue could not be refreshed; the last index stays."""


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What became of a source.

    Attributes:
        name: Its name.
        entries: How many entries are used; 0 where there are none.
        changed: Whether it is a new version.
        problem: Why the present file is not used.
    """

    name: str
    entries: int
    changed: bool = False
    problem: str | None = None


@dataclass(slots=True)
class RefreshResult:
    """What a refresh did.

    Attributes:
        sources: What became of each source.
        subjects: How many subjects the index has.
        links: How many links.
        unresolved: How many links led to no subject.
        bytes: How large the index is.
    """

    sources: list[SourceResult] = field(default_factory=list)
    subjects: int = 0
    links: int = 0
    unresolved: int = 0
    bytes: int = 0

    @property
    def problems(self) -> list[SourceResult]:
        """The sources whose present file is not used."""
        return [each for each in self.sources if each.problem is not None]


@dataclass(frozen=True, slots=True)
class _Good:
    """A source that can be used."""

    content: SourceContent
    copy: Copy


def refresh(directory: Path, settings: CatalogSettings, fetch: Fetcher) -> RefreshResult:
    """Fetch the sources and compile the index.

    Args:
        directory: Where the index and the copies are.
        settings: The catalogue's configuration.
        fetch: Gets a source's file.

    Returns:
        What was done.

    Raises:
        CatalogRefreshError: No source can be used, or the index cannot be written.
    """
    copies = Copies(directory / SOURCES_NAME)
    result, good = RefreshResult(), {}
    for name, description in SOURCES.items():
        own = settings.sources.get(name, _ALL_DEFAULTS)
        if not own.enabled:
            continue
        source_result, used = _refresh_source(name, description, own, copies, fetch)
        result.sources.append(source_result)
        if used is not None:
            good[name] = used
    if not good:
        reasons = "; ".join(f"{each.name} {each.problem}" for each in result.problems)
        message = f"No mapping source can be used. {reasons or 'All are switched off.'}"
        remedy = "Check the network, or give local files in [catalog.sources.NAME]."
        raise CatalogRefreshError(message, remedy=remedy)
    _compile(directory / INDEX_NAME, good, result)
    return result


def _refresh_source(
    name: str,
    description: SourceDescription,
    settings: CatalogSourceSettings,
    copies: Copies,
    fetch: Fetcher,
) -> tuple[SourceResult, _Good | None]:
    last = _last_good(name, description, copies)
    etag = (
        last.copy.etag if last is not None and _is_from(last.copy, settings, description) else None
    )
    try:
        fetched = fetch(settings, description.url, etag)
        if fetched.content is None and last is not None:
            return SourceResult(name, last.copy.entries), last
        new = _accepted(description, settings, fetched, last)
        if last is not None and new.copy.sha256 == last.copy.sha256:
            return SourceResult(name, last.copy.entries), last
        copies.write(name, new.copy, fetched.content or b"")
    except (SourceUnavailableError, SourceFormatError) as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot be kept: {error.strerror}"
    else:
        return SourceResult(name, new.copy.entries, changed=True), new
    _LOGGER.warning("Source %s %s", name, problem)
    return SourceResult(name, last.copy.entries if last else 0, problem=problem), last


def _is_from(copy: Copy, settings: CatalogSourceSettings, description: SourceDescription) -> bool:
    """Say whether a mark of a version comes from the address that is asked now."""
    return copy.location == (settings.url or description.url)


def _last_good(name: str, description: SourceDescription, copies: Copies) -> _Good | None:
    found = copies.read(name)
    if found is None:
        return None
    copy, content = found
    try:
        return _Good(description.read(content), copy)
    except SourceFormatError:
        # An older version of this program may have accepted what this one cannot read.
        return None


def _accepted(
    description: SourceDescription,
    settings: CatalogSourceSettings,
    fetched: Fetched,
    last: _Good | None,
) -> _Good:
    """Read a new file and refuse one that cannot be right.

    Raises:
        SourceFormatError: It is refused.
    """
    data = fetched.content or b""
    content = description.read(data)
    if content.entries == 0:
        message = "has no entries"
        raise SourceFormatError(message)
    if content.skipped > content.entries * _FEWEST_READABLE:
        message = f"has {content.skipped} entries of {content.entries} that cannot be read"
        raise SourceFormatError(message)
    if last is not None and content.entries < last.copy.entries * settings.minimum_share:
        message = (
            f"has {content.entries} entries where the last one had {last.copy.entries}; lower "
            "minimum_share if that is right"
        )
        raise SourceFormatError(message)
    copy = Copy(
        location=fetched.location,
        etag=fetched.etag,
        sha256=hashlib.sha256(data).hexdigest(),
        fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
        entries=content.entries,
    )
    return _Good(content, copy)


def _compile(path: Path, good: Mapping[str, _Good], result: RefreshResult) -> None:
    compiled = compile_catalog({name: each.content for name, each in good.items()})
    provenance = [
        Provenance(
            source=name,
            location=each.copy.location,
            licence=SOURCES[name].licence,
            sha256=each.copy.sha256,
            fetched_at=each.copy.fetched_at,
            entries=each.copy.entries,
            skipped=each.content.skipped,
        )
        for name, each in good.items()
    ]
    try:
        write_index(path, compiled, provenance)
        result.bytes = path.stat().st_size
    except OSError as error:
        message = f"The catalogue index {path} cannot be written: {error.strerror}."
        remedy = "Free space on its disk, and make the directory writable for this user."
        raise CatalogRefreshError(message, remedy=remedy) from error
    result.subjects = len(compiled.subjects)
    result.links = len(compiled.links)
    result.unresolved = compiled.unresolved
