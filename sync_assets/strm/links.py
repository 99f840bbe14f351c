"""What a `.strm` file holds: one line, without a line feed at its end."""

from collections.abc import Callable
from urllib.parse import quote

from sync_assets.errors import SyncError
from sync_assets.settings.strm import LinkMode, StrmJobSettings


class UnlinkableNameError(SyncError):
    """No line of text can point at this file."""


class LinkBuilder:
    """Builds the links of one job.

    Args:
        job: The job's settings.
    """

    def __init__(self, job: StrmJobSettings) -> None:
        self._mode = job.mode
        self._source = job.source.path
        self._before, _, self._after = (job.url_template or "{path}").partition("{path}")

    def for_directory(self, directory: str) -> Callable[[str], bytes]:
        """Return the function that links the files of one directory.

        Args:
            directory: Relative to the source; empty for the root.

        Returns:
            A function from a file's name to the content of its `.strm` file; it raises
            `UnlinkableNameError`.
        """
        if self._mode is LinkMode.PATH:
            return lambda name: self._path(directory, name)
        # Every reserved character is encoded, also those that a path may hold: `+` is read as
        # a space by some servers, `#` and `?` end the path, and Kodi reads ASCII safest.
        before = f"{self._before}{quote(directory)}{'/' if directory else ''}"
        after = self._after
        return lambda name: f"{before}{quote(name, safe='')}{after}".encode("ascii")

    def _path(self, directory: str, name: str) -> bytes:
        path = str(self._source / directory / name)
        if not path.isprintable() and any(character in path for character in "\r\n"):
            raise UnlinkableNameError(
                "its path holds a line break, which would end the line in the .strm file",
                remedy="Rename it, or use mode 'url'.",
            )
        return path.encode()
