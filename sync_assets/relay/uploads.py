"""Uploads: one of a download to each of its targets.

Holds the lifecycle and the only functions that write to `relay_uploads`.
"""

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import relay_uploads
from sync_assets.relay.models import UploadState

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
