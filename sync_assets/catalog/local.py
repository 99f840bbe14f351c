"""Compile an index from files of a folder, without fetching: for evaluation and benchmarks."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from sync_assets.catalog.compiling import compile_catalog
from sync_assets.catalog.index import Provenance
from sync_assets.catalog.index_writing import write_index
from sync_assets.catalog.sources import SOURCES
from sync_assets.catalog.sources.reading import SourceFormatError
from sync_assets.errors import SyncError


class LocalSourcesError(SyncError):
    """A folder holds no mapping source, or a broken one."""


def compile_folder(folder: Path, index: Path) -> list[str]:
    """Compile the mapping sources of a folder, found by the ends of their names.

    Args:
        folder: The folder.
        index: The index to write.

    Returns:
        The names of the sources that were found.

    Raises:
        LocalSourcesError: There is none, or a file is not in its source's format.
    """
    contents, provenance = {}, []
    for name, description in SOURCES.items():
        path = next(iter(sorted(folder.glob(description.file_name))), None)
        if path is None:
            continue
        data = path.read_bytes()
        try:
            content = contents[name] = description.read(data)
        except SourceFormatError as error:
            message = f"{path} {error}."
            raise LocalSourcesError(message, remedy="Replace the file, or move it away.") from error
        provenance.append(
            Provenance(
                name,
                str(path),
                description.licence,
                hashlib.sha256(data).hexdigest(),
                datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(),
                content.entries,
                content.skipped,
            )
        )
    if not contents:
        message = f"{folder} holds no mapping source."
        names = ", ".join(sorted(each.file_name for each in SOURCES.values()))
        raise LocalSourcesError(message, remedy=f"Put at least one of these there: {names}.")
    write_index(index, compile_catalog(contents), provenance)
    return list(contents)


def has_sources(folder: Path) -> bool:
    """Say whether a folder holds any mapping source."""
    return any(next(folder.glob(each.file_name), None) for each in SOURCES.values())
