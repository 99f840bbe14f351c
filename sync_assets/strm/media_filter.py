"""Which files of a listing are media of a job, and what their `.strm` files are called."""

import re
from collections.abc import Iterable, Sequence

from sync_assets.settings.strm import DiscMode, StrmJobSettings
from sync_assets.strm.discs import disc_of, disc_strm_name, is_inside_disc, longest_stream
from sync_assets.strm.models import Entry, ListedDirectory, ListingStatus
from sync_assets.strm.naming import strm_names


class MediaFilter:
    """Which files of a listing are media of a job, and what their `.strm` files are called.

    Args:
        job: The job's settings.
    """

    def __init__(self, job: StrmJobSettings) -> None:
        self._minimum_size = job.minimum_size_bytes
        self._bdmv = job.bdmv
        self._matches = re.compile(
            rf"\.(?:{'|'.join(sorted(job.extensions))})\Z", re.IGNORECASE
        ).search

    def names(self, listed: ListedDirectory) -> list[str]:
        """Return the names of the files that are media."""
        matches, minimum_size = self._matches, self._minimum_size
        files = [
            file for file in listed.files if matches(file.name) and (file.size or 0) >= minimum_size
        ]
        if self._bdmv is not DiscMode.ALL and is_inside_disc(listed.path):
            return self._stream_names(listed, files)
        return [file.name for file in files]

    def unreadable_names(self, listed: ListedDirectory) -> set[str]:
        """Return the names of unreadable entries that may be media.

        They keep their claim to a name: were they left out, another file would take it over.
        """
        if self.disc(listed.path) is not None:
            return set()
        return {entry.name for entry in listed.unreadable if self._matches(entry.name)}

    def disc(self, directory: str) -> str | None:
        """Return the disc's folder, where a directory becomes one file there; None elsewhere."""
        return disc_of(directory) if self._bdmv is DiscMode.LARGEST else None

    def disc_file(self, directory: str) -> str | None:
        """Return the name in a directory that only a disc of it gives; None where discs do not."""
        return disc_strm_name(directory) if self._bdmv is DiscMode.LARGEST else None

    def output_directory(self, directory: str) -> str:
        """Return where the `.strm` files of a directory are, relative to the output."""
        disc = self.disc(directory)
        return directory if disc is None else disc

    def has_metadata(self, directory: str) -> bool:
        """Tell whether metadata files of a directory come along.

        Those inside a disc do not, unless all its streams do: a `BDMV` folder in the output would
        make media servers take what lies beside the disc's `.strm` file for the disc itself.
        """
        return self._bdmv is DiscMode.ALL or not is_inside_disc(directory)

    def strm_names(self, directory: str, media_names: Iterable[str]) -> dict[str, str]:
        """Name the `.strm` files of a directory; see `naming.strm_names`."""
        disc = self.disc(directory)
        if disc is not None:
            return {disc_strm_name(disc): media_name for media_name in media_names}
        reserved = self.disc_file(directory)
        return strm_names(media_names, [] if reserved is None else [reserved])

    def _stream_names(self, listed: ListedDirectory, files: Sequence[Entry]) -> list[str]:
        longest = longest_stream(files)
        is_whole = listed.status is ListingStatus.COMPLETE and not listed.unreadable
        # Of a part of the streams nobody can tell which is the longest.
        if self.disc(listed.path) is None or longest is None or not is_whole:
            return []
        return [longest.name]
