"""Decide which orphans may be deleted without approval, and delete what may be.

Which files are orphans, `deleting.orphan_finder` says.
"""

import hashlib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from sync_assets.errors import ItemFailure
from sync_assets.ledger.leases import Lease
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.settings.strm_deletion import DeletionSettings
from sync_assets.strm.deleting.emptied import emptied_folders
from sync_assets.strm.deleting.limits import counted, refusal_of
from sync_assets.strm.deleting.orphan_finder import OrphanFinder
from sync_assets.strm.events.routing import is_within
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.models import (
    Decision,
    DeletionPlan,
    FileKind,
    ListedDirectory,
    OwnedFile,
    digest_of,
)
from sync_assets.strm.output.directory import MAXIMUM_CONTENT_BYTES
from sync_assets.strm.output.folding import probe_folding, superseded
from sync_assets.strm.output.root import Output

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
    finder = OrphanFinder(job, manifest, listed_at)
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
