"""Remove local files that all required targets have."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.models import VERIFIED_UPLOADS
from sync_assets.relay.uploading.outcomes import Cleaned, RemoteMissing
from sync_assets.relay.uploading.targets import Target

# What was verified a moment ago is not looked at again.
_TRUSTED = timedelta(seconds=60)


def clean(
    download: AnyRow,
    uploads: Sequence[AnyRow],
    target_of: Callable[[str], Target | None],
    folders: DownloadFolders,
) -> Cleaned | RemoteMissing:
    """Remove a download's local file, unless a target has lost it meanwhile.

    Args:
        download: The download.
        uploads: Its uploads.
        target_of: Gives the targets by name; None for one that is not configured any more.
        folders: Where downloads lie.

    Returns:
        What became of it.

    Raises:
        SyncError: A target cannot be asked.
        OSError: The file cannot be removed.
    """
    for row in uploads:
        is_old = row.completed_at is not None and row.completed_at < utc_now() - _TRUSTED
        target = target_of(row.target) if row.state in VERIFIED_UPLOADS and is_old else None
        if target is not None and not target.still_has(row):
            return RemoteMissing(row.id)
    folders.discard(download)
    return Cleaned()
