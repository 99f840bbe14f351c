"""Bring one metadata file: from the mounted folder, else from the server, and only if it is whole.

What arrives is compared with what the source's listing says, because drives send pages for people
where a file should be, and end early.
"""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from sync_assets.strm.metadata.mounts import MountReader
from sync_assets.strm.models import Entry
from sync_assets.strm.output.new_file import NewFile
from sync_assets.strm.sources import (
    FileStream,
    FileUnavailableError,
    ReadableSource,
    Source,
    SourceUnavailableError,
)

LONGEST_SECONDS = 900.0
"""A file that takes longer than this is given up, however steadily it drips."""

_ATTEMPTS = 2
_CHUNK_BYTES = 65_536
_HEAD_BYTES = 512
_PAGES = frozenset({"text/html", "application/xhtml+xml", "application/json"})
_PAGE_BEGINNINGS = (b"<!doctype html", b"<!doctypehtml", b"<html", b'{"code"', b'{"error"')
# Servers guess the type of what they do not know from its first bytes, and an nfo may begin with
# a comment, as a page may.
_TEXTS = frozenset({"ass", "lrc", "nfo", "smi", "srt", "ssa", "sub", "txt", "vtt", "xml"})
_TOO_LONG = "Look whether the drive is slow or holds this file back; the next run tries again."
_RUN_AGAIN = (
    "Run the job again: the file may have changed since it was listed. What the library has of it "
    "stays as it is."
)
_LOOK = "Open the file at the source. What the library has of it stays as it is."


class CopyingStoppedError(Exception):
    """The run ends, and no more is wanted."""


class Downloads:
    """The server of a job's source, opened when the first file is read from it.

    Args:
        open_checked: Opens the source and makes sure that it is there.
    """

    def __init__(self, open_checked: Callable[[], AbstractContextManager[Source]]) -> None:
        self._open_checked = open_checked
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._source: Source | None = None
        self._error: SourceUnavailableError | None = None

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return 0 if self._source is None else self._source.requests

    def source(self) -> ReadableSource:
        """Return the source.

        Raises:
            SourceUnavailableError: It is not there, or its files cannot be read.
        """
        with self._lock:
            if self._error is not None:
                raise SourceUnavailableError(self._error.message, remedy=self._error.remedy)
            if self._source is None:
                try:
                    self._source = self._stack.enter_context(self._open_checked())
                except SourceUnavailableError as error:
                    self._error = error
                    raise
        if not isinstance(self._source, ReadableSource):
            raise SourceUnavailableError(
                "Files of this type of source cannot be read.",
                remedy="Set metadata.mode to 'copy' with metadata.path, or to 'none'.",
            )
        return self._source

    def close(self) -> None:
        """Close the source."""
        self._stack.close()


class Copier:
    """Brings files; used by several threads.

    Args:
        mount: The folder to read from first, if any.
        downloads: The server to read from otherwise, if any.
        maximum_size: The most bytes of a file whose size nobody knows.
    """

    def __init__(
        self, mount: MountReader | None, downloads: Downloads | None, *, maximum_size: int
    ) -> None:
        self._mount = mount
        self._downloads = downloads
        self._maximum_size = maximum_size
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Want no more: files that are on their way are given up."""
        self._stopped.set()

    def bring(self, path: str, listed: Entry, file: NewFile) -> None:
        """Write a file of the source into a new file of the output.

        Args:
            path: Where it is, relative to the source.
            listed: What the listing says of it.
            file: Receives the content; it is whole when this returns.

        Raises:
            FileUnavailableError: It could not be had whole.
            SourceUnavailableError: The server is not there.
            OSError: The output cannot be written.
            CopyingStoppedError: `stop` was called.
        """
        copying: FileUnavailableError | None = None
        if self._mount is not None:
            try:
                with self._mount.open_file(path) as stream:
                    self._receive(stream, listed, file)
            except FileUnavailableError as error:
                copying = error
            else:
                return
        if self._downloads is None:
            raise copying or FileUnavailableError(f"{path} cannot be read", remedy=_LOOK)
        try:
            self._download(self._downloads, path, listed, file)
        except FileUnavailableError as error:
            if copying is None:
                raise
            message = f"{error.message}; and before that, {copying.message}"
            raise FileUnavailableError(message, remedy=error.remedy) from error

    def _download(self, downloads: Downloads, path: str, listed: Entry, file: NewFile) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            # Opening is repeated by the server's client as often as makes sense.
            with downloads.source().open_file(path, sign=listed.sign) as stream:
                try:
                    self._receive(stream, listed, file)
                except FileUnavailableError:
                    if attempt == _ATTEMPTS:
                        raise
                else:
                    return

    def _expected_size(self, stream: FileStream, listed: Entry) -> int:
        expected = listed.size if listed.size is not None else stream.size
        if expected is None:
            raise FileUnavailableError(
                f"{listed.name}: nobody says how large it is, so that nobody can tell whether it "
                "is whole",
                remedy="Use mode 'copy', or a server that says the sizes of its files.",
            )
        if stream.size not in (None, expected):
            raise _wrong_size(listed.name, stream.size or 0, expected)
        if expected > self._maximum_size:
            raise FileUnavailableError(
                f"{listed.name} has {expected} bytes",
                remedy="Set metadata.maximum_size_bytes higher, or leave the file where it is.",
            )
        return expected

    def _receive(self, stream: FileStream, listed: Entry, file: NewFile) -> None:
        expected = self._expected_size(stream, listed)
        file.restart()
        began_at = time.monotonic()
        head = b""
        while chunk := stream.read(_CHUNK_BYTES):
            if self._stopped.is_set():
                raise CopyingStoppedError
            if time.monotonic() - began_at > LONGEST_SECONDS:
                message = f"{listed.name} was not there after {LONGEST_SECONDS:.0f} seconds"
                raise FileUnavailableError(message, remedy=_TOO_LONG)
            if len(head) < _HEAD_BYTES:
                head += chunk[: _HEAD_BYTES - len(head)]
            file.write(chunk)
            if file.size > expected:
                break
        if _is_page(listed.name, stream.content_type, head, is_size_listed=listed.size is not None):
            message = f"{listed.name}: a page or an error message came instead of the file"
            raise FileUnavailableError(message, remedy=_LOOK)
        if file.size != expected:
            raise _wrong_size(listed.name, file.size, expected)


def _is_page(name: str, content_type: str | None, head: bytes, *, is_size_listed: bool) -> bool:
    """Tell whether what came is an error message for people or programs, and not the file."""
    extension = name.rpartition(".")[2].lower()
    if extension in ("html", "htm", "json"):
        return False
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGE_BEGINNINGS):
        return True
    return content_type in _PAGES and not (extension in _TEXTS and is_size_listed)


def _wrong_size(name: str, size: int, expected: int) -> FileUnavailableError:
    more = "at least " if size > expected else ""
    return FileUnavailableError(
        f"{name} came with {more}{size} bytes instead of {expected}", remedy=_RUN_AGAIN
    )
