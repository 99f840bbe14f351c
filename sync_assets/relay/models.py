"""The terms of the relay: media, where they come from, and what becomes of their transfers."""

from dataclasses import dataclass
from enum import StrEnum

LEASE_NAME = "relay"
"""The lease that a worker holds: there is one at a time."""


API_SOURCE = "api"
"""The source of what came through the API: anybody with a token may have given its link."""
WATCHLIST_SOURCE = "watchlist"
"""The source of what the watchlist found: anybody with a token may have given the page."""


class Origin(StrEnum):
    """How a medium is fetched: from Telegram by its file id, or by a link."""

    TELEGRAM = "telegram"
    LINK = "link"


class DownloadKind(StrEnum):
    """What a download is to aria2."""

    TELEGRAM = "telegram"
    HTTP = "http"
    TORRENT = "torrent"
    MAGNET = "magnet"


class MediaState(StrEnum):
    """How far a medium is.

    `arrived`: it is to be downloaded. `downloaded`: its file is verified. `relayed`: all required
    targets have it.
    """

    ARRIVED = "arrived"
    DOWNLOADED = "downloaded"
    RELAYED = "relayed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DownloadState(StrEnum):
    """How far a download is.

    `pending`: aria2 does not have it. `waiting`: in aria2's queue. `completed`: verified on disk.
    """

    PENDING = "pending"
    WAITING = "waiting"
    DOWNLOADING = "downloading"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_DOWNLOADS = (
    DownloadState.PENDING,
    DownloadState.WAITING,
    DownloadState.DOWNLOADING,
    DownloadState.PAUSED,
)
"""The states of a download that is still to come to an end; a medium has at most one such."""


class UploadState(StrEnum):
    """How far an upload is.

    `waiting_download`: the file is not there yet. `completed`: verified at the target. `cleaned`:
    and the local file is removed.
    """

    WAITING_DOWNLOAD = "waiting_download"
    PENDING = "pending"
    UPLOADING = "uploading"
    PAUSED = "paused"
    COMPLETED = "completed"
    CLEANED = "cleaned"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_UPLOADS = (
    UploadState.WAITING_DOWNLOAD,
    UploadState.PENDING,
    UploadState.UPLOADING,
    UploadState.PAUSED,
)
"""The states of an upload that is still to come to an end."""

VERIFIED_UPLOADS = (UploadState.COMPLETED, UploadState.CLEANED)
"""The states of an upload whose target has the file."""


class VerifiedBy(StrEnum):
    """What proves that a target has the file."""

    HASH = "hash"
    SIZE = "size"
    CONTENT = "content"
    TELEGRAM = "telegram"
    USER = "user"


class Command(StrEnum):
    """What a user wants of a transfer that a worker has still to tell the program."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class ReasonCode(StrEnum):
    """Why a download or an upload is not completed."""

    USER = "user"
    REMOVED_IN_ARIA2 = "removed_in_aria2"
    PAUSED_IN_ARIA2 = "paused_in_aria2"
    DISK_FULL = "disk_full"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    NETWORK = "network"
    TOO_SLOW = "too_slow"
    NO_RESUME = "no_resume"
    CHANGED = "changed"
    WRONG_SIZE = "wrong_size"
    WRONG_CHECKSUM = "wrong_checksum"
    WRONG_CONTENT = "wrong_content"
    TOO_LARGE_FOR_BOT_API = "too_large_for_bot_api"
    TELEGRAM_REFUSED = "telegram_refused"
    BAD_TORRENT = "bad_torrent"
    DUPLICATE_TORRENT = "duplicate_torrent"
    BAD_LINK = "bad_link"
    PRIVATE_ADDRESS = "private_address"
    FILE_ERROR = "file_error"
    FILE_MISSING = "file_missing"
    ARIA2_ERROR = "aria2_error"
    DOWNLOAD_CANCELLED = "download_cancelled"
    UNKNOWN_TARGET = "unknown_target"
    WRONG_REMOTE = "wrong_remote"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - no secret
    QUOTA_FULL = "quota_full"
    REMOTE_CHANGED = "remote_changed"
    NAME_TAKEN = "name_taken"
    RCLONE_ERROR = "rclone_error"
    TOO_LARGE_FOR_TARGET = "too_large_for_target"
    NOT_A_FILE = "not_a_file"
    ANSWER_LOST = "answer_lost"


@dataclass(frozen=True)
class Reason:
    """Why a download or an upload is where it is.

    Attributes:
        code: For programs.
        text: For people: what went wrong and what to do; never secret.
    """

    code: ReasonCode
    text: str
