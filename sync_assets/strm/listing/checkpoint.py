"""What an interrupted scan has listed, so that the next one goes on where it stopped.

One line of JSON per directory, appended as it is listed. A crash tears the last line at most; what
follows a line that cannot be read is listed again.
"""

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

from sync_assets.errors import SyncError
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.strm.models import Entry, EntryKind

_FLUSH_SECONDS = 1.0
_BUFFER_BYTES = 1024 * 1024


class CheckpointError(SyncError):
    """The file of a checkpoint cannot be written."""


class ScanCheckpoint:
    """The directories that one job's scan has listed so far.

    Args:
        path: Its file.
        job: The job's settings. What another source, filter or depth has listed is not used.
        not_before: An interrupted scan that began earlier is out of date, because a newer listing
            has been stored.

    Attributes:
        resumes: Whether an interrupted scan goes on.
        scanned_at: When the scan began, UTC; the interrupted one, if it goes on.
        resumed: How many directories of the interrupted scan were taken over so far.

    Raises:
        CheckpointError: The file cannot be written.
    """

    def __init__(self, path: Path, job: StrmJobSettings, *, not_before: datetime | None) -> None:
        self._path = path
        now = datetime.now(UTC)
        oldest = now - timedelta(hours=job.resume_scan_within_hours)
        head = _Head(_digest(job), now.timestamp())
        interrupted = _interrupted(path, head.scan, max(oldest, not_before or oldest))
        self.resumes = interrupted is not None
        self.scanned_at = interrupted or now
        self.resumed = 0
        with self._explaining():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if self.resumes else "wb", _BUFFER_BYTES)
            self._flushed_at = time.monotonic()
            if not self.resumes:
                self._file.write(_line(head))
                self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def listed(self) -> Iterator[tuple[str, list[Entry]]]:
        """Return what the interrupted scan has listed, in its order."""
        if not self.resumes:
            return
        with self._path.open("rb") as file:
            end = len(file.readline())
            for line in file:
                directory = _directory(line)
                if directory is None:
                    break
                end += len(line)
                self.resumed += 1
                yield directory
        self._file.truncate(end)
        self._file.seek(end)

    def record(self, path: str, entries: Sequence[Entry]) -> None:
        """Remember what a directory holds; a crash may lose what was recorded in the last second.

        Args:
            path: The directory, relative to the source.
            entries: What the source says it holds.

        Raises:
            CheckpointError: The file cannot be written.
        """
        now = time.monotonic()
        with self._explaining():
            self._file.write(_line([path, entries]))
            if now - self._flushed_at >= _FLUSH_SECONDS:
                self._file.flush()
                self._flushed_at = now

    def remove(self) -> None:
        """Forget the scan: it has come to its end."""
        self._path.unlink(missing_ok=True)

    @contextmanager
    def _explaining(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise CheckpointError(
                f"{self._path} cannot be written: {error.strerror}.",
                remedy="Free space, and make the home folder writable for this user.",
            ) from error


class _Head(NamedTuple):
    """The first line of the file.

    Attributes:
        scan: A digest of what is scanned.
        began_at: When the scan began, in seconds since the epoch.
    """

    scan: str
    began_at: float


def _interrupted(path: Path, scan: str, oldest: datetime) -> datetime | None:
    """Return when the scan began that the file is of; None where it cannot go on."""
    try:
        with path.open("rb") as file:
            head = _Head(*_parsed(file.readline()))
        began_at = datetime.fromtimestamp(head.began_at, UTC)
    except (OSError, TypeError, ValueError):
        return None
    return began_at if head.scan == scan and oldest < began_at <= datetime.now(UTC) else None


def _digest(job: StrmJobSettings) -> str:
    scanned = [job.source.type, job.source.location, job.exclude, job.maximum_depth]
    return hashlib.sha256(json.dumps(scanned).encode()).hexdigest()


def _directory(line: bytes) -> tuple[str, list[Entry]] | None:
    try:
        path, entries = _parsed(line)
        return path, [Entry(name, EntryKind(kind), *rest) for name, kind, *rest in entries]
    except (TypeError, ValueError):
        return None


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _parsed(line: bytes) -> Any:
    if not line.endswith(b"\n"):
        message = "a line that a crash has torn"
        raise ValueError(message)
    return json.loads(line)
