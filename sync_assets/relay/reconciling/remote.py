"""The ledger beside what is at the remotes, and in an aria2 that somebody else keeps running."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow
from sync_assets.relay import downloads, uploads
from sync_assets.relay.aria2.rpc import Aria2Client
from sync_assets.relay.aria2.tasks import NOT_ENDED, tasks_below
from sync_assets.relay.models import VERIFIED_UPLOADS, DownloadState, UploadState
from sync_assets.relay.rclone.storage import folder_of
from sync_assets.relay.reconciling.findings import Difference, Finding
from sync_assets.relay.uploading.paths import PART_PREFIX
from sync_assets.relay.uploading.rclone_target import RcloneTarget

_AT_WORK = (UploadState.PENDING, UploadState.UPLOADING)


def find_remote(ledger: Ledger, targets: Mapping[str, RcloneTarget]) -> Iterator[Finding]:
    """Compare uploads with what is at their targets.

    Args:
        ledger: The ledger.
        targets: The targets that can be asked, by name.

    Yields:
        The differences.
    """
    with ledger.read() as connection:
        rows = uploads.uploads_in_state(connection, *UploadState)
    of_each: dict[str, list[AnyRow]] = defaultdict(list)
    for row in rows:
        if row.target in targets and row.remote_path is not None:
            of_each[row.target].append(row)
    for name, own in of_each.items():
        try:
            yield from _missing(ledger, targets[name], own)
            yield from _parts(name, targets[name], own)
        except SyncError as error:
            yield Finding(
                Difference.TARGET_UNREACHABLE,
                f"target {name}",
                f"It cannot be asked: {error.message}",
                "Reconcile again when it can be reached.",
            )


def find_tasks(ledger: Ledger, client: Aria2Client, root: Path) -> Iterator[Finding]:
    """Compare downloads with the tasks of an aria2 that write to the download directory.

    Args:
        ledger: The ledger.
        client: The connection.
        root: The download directory.

    Yields:
        The differences.
    """
    with ledger.read() as connection:
        known = {row.gid for row in downloads.in_state(connection, *DownloadState)}
    for gid, status in tasks_below(client, root).items():
        if gid not in known and status in NOT_ENDED:
            yield Finding(
                Difference.TASK_UNKNOWN,
                f"aria2 task {gid}",
                "It writes to the download directory, and no download has it.",
                "Remove the task; its files stay.",
                partial(client.call, "aria2.forceRemove", gid),
            )


def _missing(ledger: Ledger, target: RcloneTarget, rows: Sequence[AnyRow]) -> Iterator[Finding]:
    for row in rows:
        if row.state not in VERIFIED_UPLOADS or target.still_has(row):
            continue
        is_cleaned = row.state == UploadState.CLEANED
        yield Finding(
            Difference.REMOTE_MISSING,
            f"upload {row.id}",
            f"{row.remote_path!r} is not at {row.target}, or has another size.",
            "The local file is removed: send the medium again under another key."
            if is_cleaned
            else "Upload it again.",
            None if is_cleaned else partial(_upload_again, ledger, row.id),
        )


def _parts(name: str, target: RcloneTarget, rows: Sequence[AnyRow]) -> Iterator[Finding]:
    of_part = {row.part_id: row for row in rows}
    for folder in sorted({folder_of(row.remote_path) for row in rows}):
        for path in target.names_in(folder):
            leaf = path.rpartition("/")[2]
            if not leaf.startswith(PART_PREFIX):
                continue
            row = of_part.get(leaf.removeprefix(PART_PREFIX).partition(".")[0])
            if row is not None and row.state in _AT_WORK:
                continue
            yield Finding(
                Difference.PART_LEFT,
                f"target {name}",
                f"{path!r} was left by {f'upload {row.id}' if row else 'nobody that is known'}.",
                "Remove it." if row else "Look at it and remove it by hand.",
                partial(target.remove_part, row) if row else None,
            )


def _upload_again(ledger: Ledger, upload_id: int) -> None:
    with ledger.write() as connection:
        uploads.mark_missing_remote(connection, upload_id, run_id=None)
        uploads.retry_upload(connection, upload_id)
