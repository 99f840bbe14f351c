"""Downloads: from the moment that a medium is wanted until its file is verified on disk.

Holds the only functions that write to `relay_downloads`: `wishes` is what users and other domains
want, `progress` what a worker finds out, `queries` what is known.
"""

from sync_assets.relay.downloads.lifecycle import DOWNLOADS
from sync_assets.relay.downloads.progress import (
    Finished,
    Move,
    complete,
    end,
    heard,
    move,
    set_progress,
    start,
)
from sync_assets.relay.downloads.queries import (
    due_count,
    get,
    in_state,
    latest,
    next_due,
    of_gids,
    open_downloads,
)
from sync_assets.relay.downloads.wishes import (
    DownloadNotPossibleError,
    Wanted,
    cancel,
    create,
    pause,
    resume,
    retry,
    want,
)

__all__ = [
    "DOWNLOADS",
    "DownloadNotPossibleError",
    "Finished",
    "Move",
    "Wanted",
    "cancel",
    "complete",
    "create",
    "due_count",
    "end",
    "get",
    "heard",
    "in_state",
    "latest",
    "move",
    "next_due",
    "of_gids",
    "open_downloads",
    "pause",
    "resume",
    "retry",
    "set_progress",
    "start",
    "want",
]
