"""What a worker finds out about uploads, and writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, select, update

from sync_assets.ledger.lifecycle import Change
from sync_assets.ledger.schema import relay_uploads
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


@dataclass(frozen=True)
class Completion:
    """An upload whose target is proved to have the file.

    Attributes:
        row: The upload.
        size_bytes: How much is at the target.
        verified_by: What proves it.
        proof: The proof itself, such as a checksum.
        remote_path: Where it is.
    """

    row: AnyRow
    size_bytes: int
    verified_by: VerifiedBy
    proof: str | None
    remote_path: str | None


def start(
    connection: Connection, remote_paths: Mapping[int, str], *, run_id: str | None
) -> Sequence[int]:
    """Write that uploads begin, before anything happens at their targets.

    Args:
        connection: A writing transaction of the ledger.
        remote_paths: Where they go, by their ids; stays what it is until somebody retries one.
        run_id: The Dagster run.

    Returns:
        The ids of those that were pending still; of the others nothing is written.
    """
    same = {
        "started_at": utc_now(),
        "uploaded_bytes": 0,
        "not_before": None,
        **failure_columns(None),
    }
    return UPLOADS.transition_each(
        connection,
        {each: Change({"remote_path": path, **same}) for each, path in remote_paths.items()},
        UploadState.UPLOADING,
        expected={UploadState.PENDING},
        run_id=run_id,
    )


@dataclass(frozen=True)
class Progress:
    """How far an upload is.

    Attributes:
        uploaded_bytes: How much is at the target.
        bytes_per_second: How fast it gets there.
    """

    uploaded_bytes: int
    bytes_per_second: int


def set_progress(connection: Connection, progress: Mapping[int, Progress]) -> None:
    """Write how far uploads are that are under way; changes no state and leaves no event.

    Args:
        connection: A writing transaction of the ledger.
        progress: How far each is, by its id.
    """
    columns = relay_uploads.c
    if progress:
        connection.execute(
            update(relay_uploads).where(
                columns.id == bindparam("upload"), columns.state == UploadState.UPLOADING
            ),
            [{"upload": upload_id, **vars(each)} for upload_id, each in progress.items()],
        )


def put_off_removal(connection: Connection, upload_id: int, *, not_before: datetime) -> None:
    """Write when somebody is to try again to remove what is left of an upload at its target.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
        not_before: When.
    """
    set_columns(connection, upload_id, not_before=not_before)


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


def complete(
    connection: Connection, completions: Sequence[Completion], *, run_id: str | None
) -> None:
    """Write that targets are proved to have files, and with the last one a medium is relayed.

    What is at the target is there, also where somebody paused or cancelled the upload meanwhile.

    Args:
        connection: A writing transaction of the ledger.
        completions: The uploads.
        run_id: The Dagster run.
    """
    now = utc_now()
    changes = {
        each.row.id: Change(_completed_columns(each, now), _proof(each)) for each in completions
    }
    done = _complete(connection, changes, run_id=run_id)
    others = {upload_id: changes[upload_id] for upload_id in changes.keys() - set(done)}
    if others:
        UPLOADS.transition_all(
            connection,
            sorted(others),
            UploadState.PENDING,
            expected=set(UploadState) - set(_BEFORE_COMPLETED),
            run_id=run_id,
        )
        _complete(connection, others, run_id=run_id)
    media_of = {each.row.download_id: each.row.media_id for each in completions}
    relayed = [media_of[each] for each in _with_all_required(connection, list(media_of))]
    media.set_state(connection, relayed, MediaState.RELAYED, run_id=run_id)


def _complete(
    connection: Connection, changes: Mapping[int, Change], *, run_id: str | None
) -> Sequence[int]:
    return UPLOADS.transition_each(
        connection, changes, UploadState.COMPLETED, expected=_BEFORE_COMPLETED, run_id=run_id
    )


def part_removed(connection: Connection, upload_id: int) -> None:
    """Write that nothing is left of a failed or cancelled upload at its target.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
    """
    set_columns(connection, upload_id, command=None, not_before=None)


def _with_all_required(connection: Connection, download_ids: Sequence[int]) -> Sequence[int]:
    """Return the downloads that every required target, and at least one at all, has."""
    return connection.execute(_verified(), {"downloads": list(download_ids)}).scalars().all()


@cache
def _verified() -> Select:
    columns = relay_uploads.c
    is_verified = columns.state.in_(VERIFIED_UPLOADS)
    return (
        select(columns.download_id)
        .where(columns.download_id.in_(bindparam("downloads", expanding=True)))
        .group_by(columns.download_id)
        .having(
            func.sum(case((is_verified, 1), else_=0)) > 0,
            func.sum(case((columns.is_required & ~is_verified, 1), else_=0)) == 0,
        )
        .order_by(columns.download_id)
    )


def _completed_columns(completion: Completion, now: datetime) -> dict[str, Any]:
    return {
        "completed_at": now,
        "verified_by": completion.verified_by,
        "proof": completion.proof,
        "remote_path": completion.remote_path,
        "uploaded_bytes": completion.size_bytes,
        "total_bytes": completion.size_bytes,
        "bytes_per_second": 0,
        "not_before": None,
        "command": None,
        **failure_columns(None),
    }


def _proof(completion: Completion) -> dict[str, Any]:
    return {"remote_path": completion.remote_path, "verified_by": completion.verified_by}
