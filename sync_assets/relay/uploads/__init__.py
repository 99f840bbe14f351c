"""Uploads: one of a download to each of its targets, until the target is proved to have it.

Holds the only functions that write to `relay_uploads`: `planning` makes rows and follows their
downloads, `wishes` is what users want, `progress` what a worker finds out, `cleaning` says which
local files are to go, `queries` what is known.
"""

from sync_assets.relay.uploads.cleaning import (
    cleanable,
    cleaned_early,
    mark_cleaned,
    mark_missing_remote,
    postpone_cleaning,
)
from sync_assets.relay.uploads.lifecycle import UPLOADS
from sync_assets.relay.uploads.planning import (
    download_cancelled,
    download_restarted,
    downloads_completed,
    plan,
    unplanned,
)
from sync_assets.relay.uploads.progress import (
    Completion,
    Progress,
    complete,
    fail,
    hold_target,
    part_removed,
    put_off,
    put_off_removal,
    set_progress,
    start,
)
from sync_assets.relay.uploads.queries import (
    awaited_targets,
    due_upload_count,
    get_upload,
    get_uploads,
    next_upload_due,
    open_uploads,
    pending_uploads,
    still_uploading,
    uploads_in_state,
    uploads_of,
)
from sync_assets.relay.uploads.wishes import (
    UploadNotPossibleError,
    add_upload,
    cancel_upload,
    confirm_upload,
    pause_upload,
    resume_upload,
    retry_upload,
)

__all__ = [
    "UPLOADS",
    "Completion",
    "Progress",
    "UploadNotPossibleError",
    "add_upload",
    "awaited_targets",
    "cancel_upload",
    "cleanable",
    "cleaned_early",
    "complete",
    "confirm_upload",
    "download_cancelled",
    "download_restarted",
    "downloads_completed",
    "due_upload_count",
    "fail",
    "get_upload",
    "get_uploads",
    "hold_target",
    "mark_cleaned",
    "mark_missing_remote",
    "next_upload_due",
    "open_uploads",
    "part_removed",
    "pause_upload",
    "pending_uploads",
    "plan",
    "postpone_cleaning",
    "put_off",
    "put_off_removal",
    "resume_upload",
    "retry_upload",
    "set_progress",
    "start",
    "still_uploading",
    "unplanned",
    "uploads_in_state",
    "uploads_of",
]
