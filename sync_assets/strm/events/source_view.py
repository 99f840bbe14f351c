"""What one run sees of a source, directory by directory; each is listed once at most."""

import re
import time
from dataclasses import dataclass, field
from enum import StrEnum

from sync_assets.settings.strm import StrmJobSettings
from sync_assets.strm.events.routing import ancestors
from sync_assets.strm.listing.scan import list_one, scan
from sync_assets.strm.models import ListedDirectory, ListingStatus
from sync_assets.strm.sources import Source, SourceUnavailableError


class Presence(StrEnum):
    """What a look at the source says of a path; `hidden` is what the job leaves out."""

    FILE = "file"
    DIRECTORY = "directory"
    UNREADABLE = "unreadable"
    GONE = "gone"
    UNKNOWN = "unknown"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Located:
    """Where a path is, or is no more.

    Attributes:
        presence: What it is.
        parent: The nearest directory above it that was listed whole.
        missing: For one that is gone: the topmost part of it that `parent` lacks.
        error: For one that is unknown: why.
    """

    presence: Presence
    parent: str = ""
    missing: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Directory:
    listed: ListedDirectory
    kinds: dict[str, Presence] = field(default_factory=dict)


class SourceView:
    """Looks at a source as far as it is asked, and remembers the answers.

    Args:
        source: Where to look.
        job: The job's settings.
        owned: How many files the job has, for the rule that an empty root proves nothing.

    Raises:
        SourceUnavailableError: The source is not there.
    """

    def __init__(self, source: Source, job: StrmJobSettings, *, owned: int) -> None:
        source.check()
        self.began_at = time.time()
        self._source = source
        self._job = job
        self._owned = owned
        self._exclude = [re.compile(pattern) for pattern in job.exclude]
        self._directories: dict[str, _Directory] = {}

    def locate(self, path: str) -> Located:
        """Look for a path, which is not the root.

        Args:
            path: Relative to the source.

        Returns:
            What is there. `gone` is proven: a directory above was listed whole and lacks it.

        Raises:
            SourceUnavailableError: The source has gone.
        """
        if self._is_hidden(path):
            return Located(Presence.HIDDEN)
        missing = path
        error = ""
        while True:
            parent, _, name = missing.rpartition("/")
            directory = self._look(parent)
            if directory.listed.status is ListingStatus.COMPLETE:
                presence = directory.kinds.get(name, Presence.GONE)
                if missing == path or presence in (Presence.GONE, Presence.FILE):
                    proven = presence if missing == path else Presence.GONE
                    return Located(proven, parent, missing)
                return Located(Presence.UNKNOWN, parent, error=error)
            error = directory.listed.error or ""
            if directory.listed.status is ListingStatus.UNPROVEN and missing == path:
                # What it shows is there; what it lacks may be there as well.
                found = directory.kinds.get(name, Presence.UNKNOWN)
                return Located(found, parent, missing, error)
            if not parent:
                return Located(Presence.UNKNOWN, error=error)
            missing = parent

    def directory(self, path: str) -> ListedDirectory:
        """Return one directory alone."""
        return self._look(path).listed

    def subtree(self, path: str) -> list[ListedDirectory]:
        """Return a directory with all below it, freshly listed.

        Raises:
            SourceUnavailableError: The source has gone.
        """
        return list(
            scan(
                self._source,
                exclude=self._job.exclude,
                maximum_depth=self._job.maximum_depth,
                start=path,
            )
        )

    def _is_hidden(self, path: str) -> bool:
        if path.count("/") > self._job.maximum_depth:
            return True
        paths = [path, *ancestors(path)]
        return any(pattern.search(each) for pattern in self._exclude for each in paths)

    def _look(self, path: str) -> _Directory:
        known = self._directories.get(path)
        if known is not None:
            return known
        listed, children = list_one(
            self._source, path, exclude=self._job.exclude, maximum_depth=self._job.maximum_depth
        )
        directory = _Directory(listed)
        directory.kinds.update({entry.name: Presence.FILE for entry in listed.files})
        directory.kinds.update({entry.name: Presence.UNREADABLE for entry in listed.unreadable})
        directory.kinds.update({child.rpartition("/")[2]: Presence.DIRECTORY for child in children})
        if not path and not directory.kinds and self._owned:
            raise SourceUnavailableError(
                f"The source is empty, although {self._owned} of its files are in the library. A "
                "drive that is not mounted looks like this.",
                remedy="Mount the drive. If everything was really removed, delete the library's "
                "files by hand.",
            )
        self._directories[path] = directory
        return directory
