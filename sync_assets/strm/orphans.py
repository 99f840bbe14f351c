"""Decide which files are orphans, whether they may be deleted, and delete them.

A file is an orphan only when this project wrote it, and the listing that lacks its media was
whole there. "Could not look" is never "nothing there".
"""

import hashlib
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

from sync_assets.ledger.leases import Lease
from sync_assets.settings.strm import DeletionSettings, StrmJobSettings
from sync_assets.settings.strm_metadata import MetadataMode
from sync_assets.strm.discs import STREAMS, DiscWatch, disc_strm_name, is_inside_disc
from sync_assets.strm.emptied import emptied_folders
from sync_assets.strm.folding import probe_folding, superseded
from sync_assets.strm.limits import counted, refusal_of
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.media_filter import MediaFilter
from sync_assets.strm.models import (
    Decision,
    DeletionPlan,
    FileKind,
    ItemFailure,
    ListedDirectory,
    ListingStatus,
    OwnedFile,
    digest_of,
    join,
)
from sync_assets.strm.output import Output
from sync_assets.strm.output_directory import MAXIMUM_CONTENT_BYTES
from sync_assets.strm.routing import is_within

_DIRECTORIES_PER_BATCH = 500
_FILES_PER_BATCH = 1_000


def plan_deletion(  # noqa: PLR0913 - the optional ones are named
    job_name: str,
    job: StrmJobSettings,
    manifest: Manifest,
    listing: Iterable[ListedDirectory],
    *,
    output: Output,
    listed_at: float,
    below: Sequence[str] = ("",),
) -> DeletionPlan:
    """Find a job's orphans.

    Args:
        job_name: The job's name.
        job: Its settings.
        manifest: Its manifest.
        listing: The last listing of its source: a full one, or that of the directories that are
            of interest.
        output: Its output, open.
        listed_at: When that listing began, in seconds since the epoch. A file that was written
            later is never an orphan of it.
        below: In which subtrees a directory that the listing lacks may be gone; all of them for
            a full listing.

    Returns:
        The orphans, and why they may not be deleted without approval, if so.
    """
    finder = _Finder(job, manifest, listed_at)
    found = sorted(finder.find(listing, below), key=lambda file: file.path)
    replaced = superseded(found, manifest, probe_folding(output)) if found else set()
    orphans = [file for file in found if file not in replaced]
    owned = finder.owned(without=replaced)
    held, refusal = _held_back(orphans, owned, job.deletion, manifest, finder.listed)
    return DeletionPlan(
        plan_id=_plan_id(job_name, held or orphans),
        orphans=orphans,
        superseded=sorted(replaced),
        held=held,
        free_counts=counted(set(orphans).difference(held), manifest),
        protected=finder.protected,
        owned_by_kind=owned,
        refusal=refusal,
        is_whole=finder.is_whole,
    )


def delete_orphans(
    orphans: Sequence[OwnedFile],
    output: Output,
    manifest: Manifest,
    lease: Lease,
    *,
    record: Callable[[OwnedFile, Decision, str | None], None],
) -> list[ItemFailure]:
    """Delete orphans, and the directories that become empty.

    Args:
        orphans: The files; the caller has made sure that they may be deleted.
        output: The job's output, open.
        manifest: The job's manifest.
        lease: The lease under which the plan was made.
        record: Called with each orphan, what happened, and why it failed.

    Returns:
        The orphans that could not be deleted.
    """
    failures: list[ItemFailure] = []
    for start in range(0, len(orphans), _FILES_PER_BATCH):
        lease.require()
        settled = []
        for orphan in manifest.with_digests(orphans[start : start + _FILES_PER_BATCH]):
            try:
                is_ours = _delete(orphan, output)
            except OSError as error:
                output.raise_if_unavailable(error)
                message = error.strerror or str(error)
                failures.append(
                    ItemFailure(orphan.path, message, "Remove it by hand, or mend its permissions.")
                )
                record(orphan, Decision.FAILED, message)
                continue
            settled.append(orphan)
            if is_ours:
                record(orphan, Decision.DELETED, None)
            else:
                record(orphan, Decision.EDITED, "it was changed after it was written, and stays")
        manifest.strike(settled)
        for directory_path in {orphan.directory for orphan in settled}:
            output.prune(directory_path)
    return failures


def _delete(orphan: OwnedFile, output: Output) -> bool:
    """Delete a file that holds what was written into it; tell whether it did."""
    with output.directory(orphan.directory, create=False) as directory:
        if directory is None:
            return True
        if orphan.kind is FileKind.METADATA:
            if directory.holds(orphan.name) and directory.digest(orphan.name) != orphan.digest:
                return False
        elif orphan.digest:
            content = directory.read(orphan.name, MAXIMUM_CONTENT_BYTES)
            if content is not None and digest_of(content) != orphan.digest:
                return False
        directory.delete(orphan.name)
    return True


class _Finder:
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
        """Return the orphans of listed directories, then those of directories that are gone."""
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
            for manifest in (self._manifest, self._metadata):
                if manifest is not None:
                    yield from self._in_unlisted(manifest, directory_path, status, unreadable)

    def _in_listed(self, batch: list[ListedDirectory]) -> Iterator[OwnedFile]:
        if self._metadata is not None:
            yield from self._metadata_in_listed(self._metadata, batch)
        owned = self._owned(self._manifest, [directory.path for directory in batch])
        for directory in batch:
            names = owned.get(directory.path)
            if not names:
                continue
            if directory.status is not ListingStatus.COMPLETE:
                self.protected += len(names)
                continue
            unreadable = self._media.unreadable_names(directory)
            media_names = [*self._media.names(directory), *unreadable]
            in_place = self._media.output_directory(directory.path) == directory.path
            wanted = self._media.strm_names(directory.path, media_names) if in_place else {}
            self.protected += sum(wanted.get(name) in unreadable for name in names)
            gone = names - wanted.keys()
            if self._media.disc_file(directory.path) in gone:
                gone.remove(disc_strm_name(directory.path))
                self._disc_files.append(directory)
            yield from (OwnedFile(directory.path, name) for name in gone)

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
        owned = self._owned(manifest, [directory.path for directory in batch])
        for directory in batch:
            names = owned.get(directory.path)
            if not names:
                continue
            if directory.status is not ListingStatus.COMPLETE:
                self.protected += len(names)
                continue
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


def _plan_id(job_name: str, files: Iterable[OwnedFile]) -> str:
    digest = hashlib.sha256(job_name.encode())
    for file in files:
        digest.update(b"\0" + file.path.encode())
    # Begins with letters, so that no YAML parser takes it for a number.
    return f"plan-{digest.hexdigest()[:12]}"


def _held_back(
    orphans: Sequence[OwnedFile],
    owned: Mapping[FileKind, int],
    limits: DeletionSettings,
    manifest: Manifest,
    listed: Container[str],
) -> tuple[Sequence[OwnedFile], str | None]:
    """Return the orphans that need an approval, and why."""
    refusal = refusal_of(counted(orphans, manifest), owned, limits)
    if refusal is not None:
        return orphans, refusal
    media = [orphan for orphan in orphans if orphan.kind is FileKind.STRM]
    emptied = emptied_folders(media, manifest, listed, at_least=limits.emptied_folder_count)
    if not emptied:
        return [], None
    # With the metadata files in them: what is suspicious there is the folder.
    held = [
        orphan
        for orphan in orphans
        if any(is_within(orphan.directory, folder) for folder in emptied)
    ]
    return held, (
        f"the folder {emptied[0]!r} is there, but has lost all its files, {len(held)} in all; a "
        "drive that is not mounted looks like this"
    )
