"""The folders that the configuration names, and whether they can be used as it wants."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sync_assets.settings import Problem, Settings
from sync_assets.settings.strm_sources import LocalSourceSettings


@dataclass(frozen=True)
class Folder:
    """A configured folder.

    Attributes:
        field: The path of its field in the configuration.
        path: Where it is.
        written: Whether this project writes there; such a folder is made when it is missing.
    """

    field: str
    path: Path
    written: bool


def configured_folders(settings: Settings) -> Iterator[Folder]:
    """List the folders that this project will use.

    Args:
        settings: The configuration.

    Yields:
        One entry per field that names a folder.
    """
    yield Folder("home", settings.home, written=True)
    yield Folder("lake.directory", settings.lake_directory, written=True)
    for name, job in settings.strm.jobs.items():
        if isinstance(job.source, LocalSourceSettings):
            yield Folder(f"strm.jobs.{name}.source.path", job.source.path, written=False)
        yield Folder(f"strm.jobs.{name}.output", job.output, written=True)
    for name, account in settings.pixiv.accounts.items():
        own = account.download_directory
        field = f"pixiv.accounts.{name}" if own else "pixiv"
        path = own or settings.pixiv.download_directory
        yield Folder(f"{field}.download_directory", path, written=True)


def folder_problem(folder: Folder) -> Problem | None:
    """Say why a folder cannot be used.

    Args:
        folder: The folder.

    Returns:
        The problem, or None where there is none.
    """
    existing = _nearest_existing(folder.path)
    if existing == folder.path:
        if not folder.path.is_dir():
            return _problem(folder, "is no folder", "Name a folder.")
        if not os.access(folder.path, os.R_OK | os.X_OK):
            return _problem(folder, "cannot be read", "Correct its owner or mode.")
    elif not folder.written:
        return _problem(folder, "does not exist", "Correct the path, or mount what belongs there.")
    if folder.written and not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        return _problem(folder, f"cannot be written ({existing})", "Correct its owner or mode.")
    return None


def _nearest_existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _problem(folder: Folder, what: str, remedy: str) -> Problem:
    allowed = "a folder that can be written" if folder.written else "a folder that can be read"
    return Problem(folder.field, f"{folder.path}, which {what}", allowed, remedy)
