"""Find orphans: files whose media, or whose own source, a listing lacks where it was whole.

"Could not look" is never "nothing there".
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sync_assets.settings.strm import StrmJobSettings
from sync_assets.settings.strm_metadata import MetadataMode
from sync_assets.strm.discs import STREAMS, DiscWatch, disc_strm_name, is_inside_disc
from sync_assets.strm.events.routing import is_within
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.media_filter import MediaFilter
from sync_assets.strm.models import FileKind, ListedDirectory, ListingStatus, OwnedFile, join

_DIRECTORIES_PER_BATCH = 500


class OrphanFinder:
    """Finds the files of a job whose media, or whose own source, are gone.

    Args:
        job: The job's settings.
        manifest: The job's manifest.
        listed_at: When the listing began, in seconds since the epoch; what was written later is
            no orphan of it.

    Attributes:
        listed: The directories that were seen.
        protected: How many files are kept because their part of the source was not listed whole.
        is_whole: Whether the listing was complete everywhere, as far as it was looked at.
    """

    def __init__(self, job: StrmJobSettings, manifest: Manifest, listed_at: float) -> None:
        self._media = MediaFilter(job)
        self._manifest = manifest
        # Without the stage that brings metadata files nobody looks after them: they stay.
        looks_after_metadata = job.metadata.mode is not MetadataMode.NONE
        self._metadata = manifest.of_kind(FileKind.METADATA) if looks_after_metadata else None
        self._listed_at = listed_at
        self._discs = DiscWatch()
        self._disc_files: list[ListedDirectory] = []
        self.listed: dict[str, ListingStatus] = {}
        self.protected = 0
        self.is_whole = True

    def owned(self, *, without: Collection[OwnedFile]) -> dict[FileKind, int]:
        """Return how many files the job has, by kind, apart from some of them."""
        owned = {
            FileKind.STRM: self._manifest.count(),
            FileKind.METADATA: self._metadata.count() if self._metadata is not None else 0,
        }
        for file in without:
            owned[file.kind] -= 1
        return owned

    def find(self, listing: Iterable[ListedDirectory], below: Sequence[str]) -> Iterator[OwnedFile]:
        """Return the orphans of listed directories, then those of directories that are gone.

        Where the job had no files when the listing began, there are none, and it is not read.
        """
        if not any(each.has_any(written_before=self._listed_at) for each in self._manifests):
            return
        status = self.listed
        unreadable: dict[str, set[str]] = {}
        batch: list[ListedDirectory] = []
        for directory in listing:
            status[directory.path] = directory.status
            if directory.status is not ListingStatus.COMPLETE or directory.unreadable:
                self.is_whole = False
            if is_inside_disc(directory.path):
                self._discs.see(directory, has_media=bool(self._media.names(directory)))
            if directory.unreadable:
                unreadable[directory.path] = {entry.name for entry in directory.unreadable}
            batch.append(directory)
            if len(batch) >= _DIRECTORIES_PER_BATCH:
                yield from self._in_listed(batch)
                batch.clear()
        yield from self._in_listed(batch)
        yield from self._of_discs(below)
        for directory_path in below:
            for manifest in self._manifests:
                yield from self._in_unlisted(manifest, directory_path, status, unreadable)

    @property
    def _manifests(self) -> list[Manifest]:
        return [each for each in (self._manifest, self._metadata) if each is not None]

    def _in_listed(self, batch: list[ListedDirectory]) -> Iterator[OwnedFile]:
        if self._metadata is not None:
            yield from self._metadata_in_listed(self._metadata, batch)
        for directory, names in self._in_whole(self._manifest, batch):
            unreadable = self._media.unreadable_names(directory)
            media_names = [*self._media.names(directory), *unreadable]
            in_place = self._media.output_directory(directory.path) == directory.path
            wanted = self._media.strm_names(directory.path, media_names) if in_place else {}
            if unreadable:
                self.protected += sum(wanted.get(name) in unreadable for name in names)
            gone = names - wanted.keys()
            if self._media.disc_file(directory.path) in gone:
                gone.remove(disc_strm_name(directory.path))
                self._disc_files.append(directory)
            yield from (OwnedFile(directory.path, name) for name in gone)

    def _in_whole(
        self, manifest: Manifest, batch: list[ListedDirectory]
    ) -> Iterator[tuple[ListedDirectory, set[str]]]:
        """Return the directories that were listed whole, with the names that the job has there."""
        owned = self._owned(manifest, [directory.path for directory in batch])
        for directory in batch:
            names = owned.get(directory.path, set())
            if directory.status is not ListingStatus.COMPLETE:
                self.protected += len(names)
            elif names:
                yield directory, names

    def _of_discs(self, below: Sequence[str]) -> Iterator[OwnedFile]:
        """Return the files of discs whose streams are gone; these lie in a folder further down."""
        for directory in self._disc_files:
            disc = directory.path
            streams = join(disc, STREAMS)
            was_looked_at = self._discs.is_listed(disc) or any(
                is_within(streams, each) for each in below
            )
            if directory.unreadable or not was_looked_at or self._discs.is_unproven(disc):
                self.protected += 1
            elif not self._discs.has_streams(disc):
                yield OwnedFile(disc, disc_strm_name(disc))

    def _metadata_in_listed(
        self, manifest: Manifest, batch: list[ListedDirectory]
    ) -> Iterator[OwnedFile]:
        """Return metadata files whose own source is gone; a `.strm` file has another rule."""
        for directory, names in self._in_whole(manifest, batch):
            unreadable = {entry.name for entry in directory.unreadable}
            self.protected += len(names & unreadable)
            # Inside a disc of which one file is made, none is wanted: see `MediaFilter`.
            is_wanted = self._media.has_metadata(directory.path)
            there = {file.name for file in directory.files} if is_wanted else set()
            gone = names - unreadable - there
            yield from (OwnedFile(directory.path, name, kind=FileKind.METADATA) for name in gone)

    def _in_unlisted(
        self,
        manifest: Manifest,
        below: str,
        status: Mapping[str, ListingStatus],
        unreadable: Mapping[str, set[str]],
    ) -> Iterator[OwnedFile]:
        kind = manifest.kind
        unlisted = [path for path in manifest.directories(below) if path not in status]
        for start in range(0, len(unlisted), _DIRECTORIES_PER_BATCH):
            owned = self._owned(manifest, unlisted[start : start + _DIRECTORIES_PER_BATCH])
            for path, names in owned.items():
                if _is_gone(path, status, unreadable):
                    yield from (OwnedFile(path, name, kind=kind) for name in names)
                else:
                    self.protected += len(names)

    def _owned(self, manifest: Manifest, directories: list[str]) -> dict[str, set[str]]:
        return manifest.names(directories, written_before=self._listed_at)


def _is_gone(
    path: str, status: Mapping[str, ListingStatus], unreadable: Mapping[str, set[str]]
) -> bool:
    """Tell whether the nearest listed parent was listed whole, and does not know the way down."""
    while path:
        parent, _, name = path.rpartition("/")
        if parent in status:
            return status[parent] is ListingStatus.COMPLETE and name not in unreadable.get(
                parent, set()
            )
        path = parent
    return False
