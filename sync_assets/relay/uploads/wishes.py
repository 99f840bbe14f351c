"""What users want of uploads, written at once; it needs no worker.

A worker sees by the state that an upload is to stop. `command` tells the next one to remove what
is there of a failed or cancelled upload at its target.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from sync_assets.errors import SyncError
from sync_assets.ledger.schema import relay_downloads, relay_uploads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import (
    OPEN_UPLOADS,
    VERIFIED_UPLOADS,
    Command,
    Reason,
    ReasonCode,
    UploadState,
    VerifiedBy,
)
from sync_assets.relay.uploads.lifecycle import (
    UPLOADS,
    failure_columns,
    failure_detail,
    set_columns,
)
from sync_assets.relay.uploads.planning import Targets, new_row, state_before_upload
from sync_assets.relay.uploads.progress import Completion, complete
from sync_assets.relay.uploads.queries import get_upload

_PAUSED = Reason(ReasonCode.USER, "Paused by the user. Resume it to go on.")
_CANCELLED = Reason(ReasonCode.USER, "Cancelled by the user. Retry it to have it after all.")
_ENDED = (UploadState.FAILED, UploadState.CANCELLED)


class UploadNotPossibleError(SyncError):
    """What is wanted of an upload does not fit its state."""


def add_upload(
    connection: Connection,
    download_id: int,
    target: str,
    targets: Targets,
    *,
    run_id: str | None = None,
) -> int:
    """Want a download at one more target; one that is wanted there already stays as it is.

    Args:
        connection: A writing transaction of the ledger.
        download_id: The download.
        target: The target's name.
        targets: The configured targets.
        run_id: The Dagster run; None for a user.

    Returns:
        The upload.

    Raises:
        UploadNotPossibleError: There is no such download or target, or its file is removed.
    """
    columns = relay_uploads.c
    query = select(relay_downloads).where(relay_downloads.c.id == download_id)
    download = connection.execute(query).one_or_none()
    if download is None or target not in targets:
        what = f"download {download_id}" if download is None else f"target {target!r}"
        raise UploadNotPossibleError(
            f"There is no {what}.", remedy=f"The targets are: {', '.join(targets) or 'none'}."
        )
    known = connection.execute(
        select(columns.id).where(columns.download_id == download_id, columns.target == target)
    ).scalar()
    if known is not None:
        return known
    _require_file(download.id, download.cleaned_at)
    state = state_before_upload(download.state)
    row = {**new_row(download_id, target, targets, state), "total_bytes": download.total_bytes}
    (upload_id,) = UPLOADS.create(connection, [row], run_id=run_id)
    assert upload_id is not None  # noqa: S101 - created without conflict clause
    return upload_id


def pause_upload(connection: Connection, upload_id: int, *, run_id: str | None = None) -> None:
    """Pause an upload; one that is paused already stays so.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
        run_id: The Dagster run; None for a user.

    Raises:
        UploadNotPossibleError: It has ended.
    """
    row = get_upload(connection, upload_id)
    if row.state == UploadState.PAUSED:
        return
    _require(row, OPEN_UPLOADS, "pause")
    UPLOADS.transition(
        connection,
        upload_id,
        UploadState.PAUSED,
        run_id=run_id,
        detail=failure_detail(_PAUSED),
        not_before=None,
        bytes_per_second=0,
        **failure_columns(_PAUSED),
    )


def resume_upload(connection: Connection, upload_id: int, *, run_id: str | None = None) -> None:
    """Let a paused upload go on; one that is under way stays so.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
        run_id: The Dagster run; None for a user.

    Raises:
        UploadNotPossibleError: It has ended.
    """
    row = get_upload(connection, upload_id)
    _require(row, OPEN_UPLOADS, "resume")
    if row.state != UploadState.PAUSED:
        return
    UPLOADS.transition(
        connection,
        upload_id,
        state_before_upload(row.download_state),
        run_id=run_id,
        not_before=None,
        **failure_columns(None),
    )


def retry_upload(connection: Connection, upload_id: int, *, run_id: str | None = None) -> None:
    """Try a failed or cancelled upload again; of one that is put off, end the pause.

    Whatever was put off for the same reason at the same target is tried again as well.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
        run_id: The Dagster run; None for a user.

    Raises:
        UploadNotPossibleError: It has not failed, or its file is removed.
    """
    row = get_upload(connection, upload_id)
    _require(row, (UploadState.PENDING, *_ENDED), "retry")
    columns = relay_uploads.c
    if row.failure_code is not None:
        connection.execute(
            update(relay_uploads)
            .where(
                columns.target == row.target,
                columns.state == UploadState.PENDING,
                columns.failure_code == row.failure_code,
            )
            .values(not_before=None)
        )
    if row.state == UploadState.PENDING:
        set_columns(connection, upload_id, not_before=None)
        return
    _require_file(row.download_id, row.download_cleaned_at)
    UPLOADS.transition(
        connection,
        upload_id,
        state_before_upload(row.download_state),
        run_id=run_id,
        attempts=0,
        retries=columns.retries + 1,
        not_before=None,
        # Where it goes is decided anew, unless something is still to be removed there.
        remote_path=row.remote_path if row.command else None,
        uploaded_bytes=0,
        **failure_columns(None),
    )


def cancel_upload(connection: Connection, upload_id: int, *, run_id: str | None = None) -> None:
    """Cancel an upload; the next worker removes what is there of it at its target.

    The local file is kept, unless all other required targets have it.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
        run_id: The Dagster run; None for a user.

    Raises:
        UploadNotPossibleError: It is completed.
    """
    row = get_upload(connection, upload_id)
    if row.state == UploadState.CANCELLED:
        return
    _require(row, (*OPEN_UPLOADS, UploadState.FAILED), "cancel")
    UPLOADS.transition(
        connection,
        upload_id,
        UploadState.CANCELLED,
        run_id=run_id,
        detail=failure_detail(_CANCELLED),
        not_before=None,
        bytes_per_second=0,
        command=Command.CANCEL if row.remote_path is not None else None,
        **failure_columns(_CANCELLED),
    )


def confirm_upload(connection: Connection, upload_id: int, *, run_id: str | None = None) -> None:
    """Take an upload whose answer was lost for completed: somebody has seen it at its target.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
        run_id: The Dagster run; None for a user.

    Raises:
        UploadNotPossibleError: Its answer was not lost.
    """
    row = get_upload(connection, upload_id)
    if row.state in VERIFIED_UPLOADS:
        return
    if row.state != UploadState.FAILED or row.failure_code != ReasonCode.ANSWER_LOST:
        raise UploadNotPossibleError(
            f"Upload {upload_id} is {row.state}, and nothing is unknown of it.",
            remedy="Only an upload that failed with answer_lost can be confirmed.",
        )
    confirmed = Completion(
        row,
        size_bytes=row.total_bytes or 0,
        verified_by=VerifiedBy.USER,
        proof=f"confirmed at {utc_now().isoformat(timespec='seconds')}",
        remote_path=row.remote_path,
    )
    complete(connection, [confirmed], run_id=run_id)


def _require(row: AnyRow, states: Sequence[UploadState], verb: str) -> None:
    if row.state not in states:
        raise UploadNotPossibleError(
            f"Upload {row.id} is {row.state}: there is nothing to {verb}.",
            remedy=f"Only an upload that is {', '.join(states)} can be taken so.",
        )


def _require_file(download_id: int, cleaned_at: object) -> None:
    if cleaned_at is not None:
        raise UploadNotPossibleError(
            f"The file of download {download_id} was removed here, since its targets have it.",
            remedy="Send it again under another key to have it downloaded once more.",
        )
