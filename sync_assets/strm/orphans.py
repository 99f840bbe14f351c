"""Decide which files are orphans, whether they may be deleted, and delete them.

A file is an orphan only when this project wrote it, and the listing that lacks its media was
whole there. "Could not look" is never "nothing there".
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sync_assets.ledger.leases import Lease
from sync_assets.settings.strm import DeletionSettings, StrmJobSettings
from sync_assets.settings.strm_metadata import MetadataMode
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.models import (
    Decision,
    DeletionPlan,
    FileKind,
    ItemFailure,
    ListedDirectory,
    ListingStatus,
    OwnedFile,
    digest_of,
)
from sync_assets.strm.naming import strm_names
from sync_assets.strm.output import MAXIMUM_CONTENT_BYTES, Output
from sync_assets.strm.tree import MediaFilter

_DIRECTORIES_PER_BATCH = 500
_FILES_PER_BATCH = 1_000


def plan_deletion(  # noqa: PLR0913 - the last two are named
    job_name: str,
    job: StrmJobSettings,
    manifest: Manifest,
    listing: Iterable[ListedDirectory],
    *,
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
        listed_at: When that listing began, in seconds since the epoch. A file that was written
            later is never an orphan of it.
        below: In which subtrees a directory that the listing lacks may be gone; all of them for
            a full listing.

    Returns:
        The orphans, and why they may not be deleted without approval, if so.
    """
    finder = _Finder(job, manifest, listed_at)
    orphans = sorted(finder.find(listing, below), key=lambda file: file.path)
    owned = finder.owned()
    digest = hashlib.sha256(job_name.encode())
    for orphan in orphans:
        digest.update(b"\0" + orphan.path.encode())
    return DeletionPlan(
        plan_id=digest.hexdigest()[:12],
        orphans=orphans,
        protected=finder.protected,
        owned=sum(owned.values()),
        refusal=_refusal_by_kind(orphans, owned, job.deletion),
    )


def delete_orphans(
    plan: DeletionPlan,
    output: Output,
    manifest: Manifest,
    lease: Lease,
    *,
    record: Callable[[OwnedFile, Decision, str | None], None],
) -> list[ItemFailure]:
    """Delete the orphans of a plan, and the directories that become empty.

    Args:
        plan: The plan; the caller has made sure that it may be carried out.
        output: The job's output, open.
        manifest: The job's manifest.
        lease: The lease under which the plan was made.
        record: Called with each orphan, what happened, and why it failed.

    Returns:
        The orphans that could not be deleted.
    """
    failures: list[ItemFailure] = []
    for start in range(0, len(plan.orphans), _FILES_PER_BATCH):
        lease.require()
        settled = []
        for orphan in manifest.with_digests(plan.orphans[start : start + _FILES_PER_BATCH]):
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
        self.protected = 0

    def owned(self) -> dict[FileKind, int]:
        """Return how many files the job has, by kind."""
        metadata = self._metadata.count() if self._metadata is not None else 0
        return {FileKind.STRM: self._manifest.count(), FileKind.METADATA: metadata}

    def find(self, listing: Iterable[ListedDirectory], below: Sequence[str]) -> Iterator[OwnedFile]:
        """Return the orphans of listed directories, then those of directories that are gone."""
        status: dict[str, ListingStatus] = {}
        unreadable: dict[str, set[str]] = {}
        batch: list[ListedDirectory] = []
        for directory in listing:
            status[directory.path] = directory.status
            if directory.unreadable:
                unreadable[directory.path] = {entry.name for entry in directory.unreadable}
            batch.append(directory)
            if len(batch) >= _DIRECTORIES_PER_BATCH:
                yield from self._in_listed(batch)
                batch.clear()
        yield from self._in_listed(batch)
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
            unreadable = self._media.unreadable_names(directory.unreadable)
            wanted = strm_names([*self._media.names(directory.files), *unreadable])
            self.protected += sum(wanted.get(name) in unreadable for name in names)
            yield from (OwnedFile(directory.path, name) for name in names - wanted.keys())

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
            gone = names - unreadable - {file.name for file in directory.files}
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


def _refusal_by_kind(
    orphans: Sequence[OwnedFile], owned: Mapping[FileKind, int], limits: DeletionSettings
) -> str | None:
    """Hold both kinds against the limits: media among media, metadata files among all files.

    Metadata files that go together with the media beside them are not counted: one film has many.
    """
    media = [orphan for orphan in orphans if orphan.kind is FileKind.STRM]
    leaving = {orphan.directory for orphan in media}
    alone = [
        orphan
        for orphan in orphans
        if orphan.kind is FileKind.METADATA and orphan.directory not in leaving
    ]
    return _refusal(len(media), owned[FileKind.STRM], limits) or _refusal(
        len(alone), sum(owned.values()), limits
    )


def _refusal(orphans: int, owned: int, limits: DeletionSettings) -> str | None:
    if orphans == 0:
        return None
    if orphans >= owned:
        return f"it would delete every file of the job ({owned})"
    if orphans > limits.maximum_count:
        return f"{orphans} files are more than deletion.maximum_count ({limits.maximum_count})"
    if orphans > limits.always_allowed_count and orphans > limits.maximum_ratio * owned:
        return (
            f"{orphans} of {owned} files are more than deletion.maximum_ratio "
            f"({limits.maximum_ratio:.0%})"
        )
    return None
