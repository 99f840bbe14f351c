"""What a worker finds out about uploads, and writes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from sync_assets.ledger.schema import relay_downloads, relay_uploads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import media
from sync_assets.relay.models import (
    VERIFIED_UPLOADS,
    Command,
    MediaState,
    Reason,
    UploadState,
    VerifiedBy,
)
from sync_assets.relay.uploads.lifecycle import (
    UPLOADS,
    failure_columns,
    failure_detail,
    set_columns,
)

_BEFORE_COMPLETED = (UploadState.PENDING, UploadState.UPLOADING)


def start(connection: Connection, row: AnyRow, *, remote_path: str, run_id: str | None) -> None:
    """Write that an upload begins, before anything happens at its target.

    Args:
        connection: A writing transaction of the ledger.
        row: The upload, which is pending.
        remote_path: Where it goes; stays what it is until somebody retries the upload.
        run_id: The Dagster run.
    """
    UPLOADS.transition(
        connection,
        row.id,
        UploadState.UPLOADING,
        expected={UploadState.PENDING},
        run_id=run_id,
        started_at=utc_now(),
        remote_path=remote_path,
        uploaded_bytes=0,
        not_before=None,
        **failure_columns(None),
    )


def set_progress(connection: Connection, upload_id: int, **changes: Any) -> None:
    """Write how far an upload is; changes no state and leaves no event.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
        **changes: The columns to set.
    """
    set_columns(connection, upload_id, **changes)


def put_off(  # noqa: PLR0913 - all but three are named
    connection: Connection,
    row: AnyRow,
    reason: Reason | None,
    *,
    not_before: datetime | None,
    attempts: int,
    run_id: str | None,
) -> None:
    """Write that an upload is to be tried again.

    Args:
        connection: A writing transaction of the ledger.
        row: The upload, which was under way.
        reason: Why it did not work; None where nothing went wrong.
        not_before: When it is to be tried again; None for at once.
        attempts: How many have failed by now.
        run_id: The Dagster run.
    """
    UPLOADS.transition(
        connection,
        row.id,
        UploadState.PENDING,
        expected={UploadState.UPLOADING},
        run_id=run_id,
        detail=failure_detail(reason),
        not_before=not_before,
        attempts=attempts,
        bytes_per_second=0,
        **failure_columns(reason),
    )


def hold_target(
    connection: Connection, target: str, reason: Reason, *, not_before: datetime
) -> int:
    """Put off whatever waits for a target that takes nothing now.

    Args:
        connection: A writing transaction of the ledger.
        target: The target's name.
        reason: Why it takes nothing.
        not_before: When it is asked again.

    Returns:
        How many uploads wait.
    """
    columns = relay_uploads.c
    return connection.execute(
        update(relay_uploads)
        .where(columns.target == target, columns.state == UploadState.PENDING)
        .values(not_before=not_before, **failure_columns(reason))
    ).rowcount


def fail(
    connection: Connection, row: AnyRow, reason: Reason, *, run_id: str | None, **changes: Any
) -> None:
    """Write that an upload is given up; the worker removes what is there of it at its target.

    Args:
        connection: A writing transaction of the ledger.
        row: The upload.
        reason: Why, with what to do.
        run_id: The Dagster run.
        **changes: Other columns to set.
    """
    UPLOADS.transition(
        connection,
        row.id,
        UploadState.FAILED,
        expected={UploadState(row.state)},
        run_id=run_id,
        detail=failure_detail(reason),
        not_before=None,
        bytes_per_second=0,
        command=Command.CANCEL if row.remote_path is not None else None,
        **failure_columns(reason),
        **changes,
    )


def complete(  # noqa: PLR0913 - all but two are named
    connection: Connection,
    row: AnyRow,
    *,
    size_bytes: int,
    verified_by: VerifiedBy,
    proof: str | None,
    remote_path: str | None,
    run_id: str | None,
) -> None:
    """Write that a target is proved to have the file, and with the last one its medium is relayed.

    What is at the target is there, also where somebody paused or cancelled the upload meanwhile.

    Args:
        connection: A writing transaction of the ledger.
        row: The upload.
        size_bytes: How much is at the target.
        verified_by: What proves it.
        proof: The proof itself, such as a checksum.
        remote_path: Where it is.
        run_id: The Dagster run.
    """
    state = select(relay_uploads.c.state).where(relay_uploads.c.id == row.id)
    if connection.execute(state).scalar_one() not in _BEFORE_COMPLETED:
        UPLOADS.transition(connection, row.id, UploadState.PENDING, run_id=run_id)
    UPLOADS.transition(
        connection,
        row.id,
        UploadState.COMPLETED,
        run_id=run_id,
        detail={"remote_path": remote_path, "verified_by": verified_by},
        completed_at=utc_now(),
        verified_by=verified_by,
        proof=proof,
        remote_path=remote_path,
        uploaded_bytes=size_bytes,
        total_bytes=size_bytes,
        bytes_per_second=0,
        not_before=None,
        command=None,
        **failure_columns(None),
    )
    if all_required_verified(connection, row.download_id):
        media.set_state(connection, row.media_id, MediaState.RELAYED, run_id=run_id)


def part_removed(connection: Connection, upload_id: int) -> None:
    """Write that nothing is left of a failed or cancelled upload at its target.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
    """
    set_columns(connection, upload_id, command=None, not_before=None)


def all_required_verified(connection: Connection, download_id: int) -> bool:
    """Tell whether every required target, and at least one at all, has a download's file.

    Args:
        connection: A transaction of the ledger.
        download_id: The download, whose file is there.
    """
    columns = relay_uploads.c
    counted = {
        (is_required, state): count
        for is_required, state, count in connection.execute(
            select(columns.is_required, columns.state, func.count())
            .join(relay_downloads, relay_downloads.c.id == columns.download_id)
            .where(columns.download_id == download_id)
            .group_by(columns.is_required, columns.state)
        )
    }
    missing = any(is_required and state not in VERIFIED_UPLOADS for is_required, state in counted)
    return not missing and any(state in VERIFIED_UPLOADS for _, state in counted)
