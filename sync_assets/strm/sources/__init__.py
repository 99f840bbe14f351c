"""Where media can be: one module per kind of source, behind one small protocol."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import cast

from sync_assets.ledger import Ledger
from sync_assets.settings.strm_sources import (
    ENTRY_POINTS,
    ExternalSourceSettings,
    LocalSourceSettings,
    OpenListSourceSettings,
    SourceSettings,
    WebDavSourceSettings,
)
from sync_assets.strm.sources.http import HttpClient
from sync_assets.strm.sources.local import LocalSource
from sync_assets.strm.sources.mount_points import MountPoints
from sync_assets.strm.sources.openlist import OpenListSource
from sync_assets.strm.sources.protocol import (
    DirectoryUnavailableError,
    FileStream,
    FileUnavailableError,
    ReadableSource,
    Source,
    SourceUnavailableError,
    UnprovenListingError,
)
from sync_assets.strm.sources.webdav import WebDavSource

__all__ = [
    "DirectoryUnavailableError",
    "FileStream",
    "FileUnavailableError",
    "ReadableSource",
    "Source",
    "SourceUnavailableError",
    "UnprovenListingError",
    "open_source",
]


@contextmanager
def open_source(settings: SourceSettings, ledger: Ledger) -> Generator[Source]:
    """Open the source that a job's settings describe, and close it at the end of the block.

    Args:
        settings: The job's `source` table.
        ledger: The ledger, which holds the rate budgets.

    Yields:
        The source.
    """
    source = _make(settings, ledger)
    try:
        yield source
    finally:
        source.close()


def _make(settings: SourceSettings, ledger: Ledger) -> Source:
    if isinstance(settings, LocalSourceSettings):
        return LocalSource(
            settings.path,
            MountPoints(ledger) if settings.remember_mounts else None,
            timeout_seconds=settings.timeout_seconds,
        )
    if isinstance(settings, OpenListSourceSettings):
        return OpenListSource(settings, HttpClient(settings, ledger))
    if isinstance(settings, WebDavSourceSettings):
        return WebDavSource(settings, HttpClient(settings, ledger))
    return _make_external(settings)


def _make_external(settings: ExternalSourceSettings) -> Source:
    (entry_point,) = entry_points(group=ENTRY_POINTS, name=settings.type)
    make = cast("Callable[..., Source]", entry_point.load())
    return make(**(settings.model_extra or {}))
