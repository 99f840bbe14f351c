"""Where media can be: one module per kind of source, behind one small protocol."""

from sync_assets.settings.strm import LocalSourceSettings
from sync_assets.strm.sources.local import LocalSource
from sync_assets.strm.sources.protocol import (
    DirectoryUnavailableError,
    Source,
    SourceUnavailableError,
)

__all__ = ["DirectoryUnavailableError", "Source", "SourceUnavailableError", "open_source"]


def open_source(settings: LocalSourceSettings) -> Source:
    """Return the source that a job's settings describe.

    Args:
        settings: The job's `source` table.
    """
    return LocalSource(settings.path)
