"""The lifecycle of an upload, and what its rows have in common."""

from typing import Any

from sqlalchemy import Connection, update

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import relay_uploads
from sync_assets.relay.models import Reason, UploadState

UPLOADS = Lifecycle(
    "relay_upload",
    states=UploadState,
    initial={UploadState.WAITING_DOWNLOAD, UploadState.PENDING},
    transitions={
        UploadState.WAITING_DOWNLOAD: {
            UploadState.PENDING,
            UploadState.PAUSED,
            UploadState.FAILED,
            UploadState.CANCELLED,
        },
        # Completed at once: it is found at the target, published by a worker that was killed.
        UploadState.PENDING: {
            UploadState.UPLOADING,
            UploadState.COMPLETED,
            UploadState.WAITING_DOWNLOAD,
            UploadState.PAUSED,
            UploadState.FAILED,
            UploadState.CANCELLED,
        },
        UploadState.UPLOADING: {
            UploadState.PENDING,
            UploadState.COMPLETED,
            UploadState.WAITING_DOWNLOAD,
            UploadState.PAUSED,
            UploadState.FAILED,
            UploadState.CANCELLED,
        },
        UploadState.PAUSED: {
            UploadState.PENDING,
            UploadState.WAITING_DOWNLOAD,
            UploadState.FAILED,
            UploadState.CANCELLED,
        },
        UploadState.COMPLETED: {UploadState.CLEANED, UploadState.FAILED},
        UploadState.FAILED: {
            UploadState.PENDING,
            UploadState.WAITING_DOWNLOAD,
            UploadState.CANCELLED,
        },
        UploadState.CANCELLED: {UploadState.PENDING, UploadState.WAITING_DOWNLOAD},
    },
)
UPLOADS.bind(relay_uploads)


def set_columns(connection: Connection, upload_id: int, **values: Any) -> None:
    """Set columns of an upload; changes no state and leaves no event.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
        **values: The columns to set.
    """
    connection.execute(
        update(relay_uploads).where(relay_uploads.c.id == upload_id).values(**values)
    )


def failure_columns(reason: Reason | None) -> dict[str, Any]:
    """Return the columns that hold a reason.

    Args:
        reason: The reason; None for none.
    """
    return {
        "failure_code": reason.code if reason else None,
        "failure_reason": reason.text if reason else None,
    }


def failure_detail(reason: Reason | None) -> dict[str, Any]:
    """Return what the history says of a reason.

    Args:
        reason: The reason; None for none.
    """
    return {"failure_code": reason.code, "failure_reason": reason.text} if reason else {}
