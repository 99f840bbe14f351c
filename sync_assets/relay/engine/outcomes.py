"""What the end of a task means for its download: done, again later, never, or when there is room.

Measured with aria2 1.36 and 1.37: 403, 404, 429 and 500 are not tried again by aria2 itself, so
that the pause and the number of attempts are decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sync_assets.relay.aria2.tasks import ErrorCode, Task
from sync_assets.relay.models import Reason, ReasonCode
from sync_assets.settings.relay import RelaySettings


@dataclass(frozen=True)
class TryAgain:
    """It may work later.

    Attributes:
        reason: Why it did not.
        after_seconds: The shortest pause that the origin asked for.
        discard: Whether what is on disk is of no use.
        at_once: Whether there is nothing to wait for.
    """

    reason: Reason
    after_seconds: float = 0.0
    discard: bool = False
    at_once: bool = False


@dataclass(frozen=True)
class GiveUp:
    """It will not work; what is on disk is of no use."""

    reason: Reason


@dataclass(frozen=True)
class WaitForSpace:
    """The disk is full."""

    reason: Reason


@dataclass(frozen=True)
class Removed:
    """Somebody removed it from aria2."""

    reason: Reason


@dataclass(frozen=True)
class Completed:
    """It is on disk and verified.

    Attributes:
        path: The file, or the folder of a torrent with several.
        size_bytes: The size of all of it.
        checksum: Its SHA-256 as `sha-256=…`; None for a torrent, which verified itself.
    """

    path: str
    size_bytes: int
    checksum: str | None


@dataclass(frozen=True)
class TorrentFetched:
    """A magnet's torrent is there, and its content can begin."""

    content: bytes


Outcome = Completed | TorrentFetched | TryAgain | GiveUp | WaitForSpace | Removed

DISK_FULL = Reason(
    ReasonCode.DISK_FULL, "The disk is full. Free space on it; then the download goes on by itself."
)
REMOVED = Reason(
    ReasonCode.REMOVED_IN_ARIA2, "It was removed in aria2 by somebody. Retry it to have it."
)
PAUSED_IN_ARIA2 = Reason(
    ReasonCode.PAUSED_IN_ARIA2, "It was paused in aria2 by somebody. Resume it to go on."
)
UNREACHABLE = Reason(
    ReasonCode.NETWORK, "The origin could not be reached, or broke off. Nothing to do."
)

_FINAL: Mapping[int, Reason] = {
    ErrorCode.REDIRECTS: Reason(
        ReasonCode.BAD_LINK, "The link redirects without end. Send another one."
    ),
    ErrorCode.UNAUTHORISED: Reason(
        ReasonCode.FORBIDDEN, "The origin wants a login. Send a link that needs none."
    ),
    ErrorCode.BENCODE: Reason(ReasonCode.BAD_TORRENT, "The torrent is damaged. Send another one."),
    ErrorCode.BAD_TORRENT: Reason(
        ReasonCode.BAD_TORRENT, "The torrent is damaged. Send another one."
    ),
    ErrorCode.BAD_MAGNET: Reason(ReasonCode.BAD_LINK, "The magnet is damaged. Send another one."),
    ErrorCode.SAME_TORRENT: Reason(
        ReasonCode.DUPLICATE_TORRENT, "aria2 downloads the same torrent already. Nothing to do."
    ),
}
_DISCARDING: Mapping[int, Reason] = {
    ErrorCode.NO_RESUME: Reason(
        ReasonCode.NO_RESUME, "The origin cannot resume. It is fetched from the beginning."
    ),
    ErrorCode.FILE_EXISTS: Reason(
        ReasonCode.FILE_ERROR, "Another file was in the way. It is fetched from the beginning."
    ),
    ErrorCode.PIECE_LENGTH: Reason(
        ReasonCode.FILE_ERROR, "What was on disk is damaged. It is fetched from the beginning."
    ),
    ErrorCode.CHECKSUM: Reason(
        ReasonCode.WRONG_CHECKSUM, "The checksum is wrong. It is fetched from the beginning."
    ),
}
_RETRYABLE: Mapping[int, Reason] = {
    ErrorCode.NOT_FOUND: Reason(
        ReasonCode.NOT_FOUND, "The origin does not have it (404). Send a fresh link."
    ),
    ErrorCode.MAX_NOT_FOUND: Reason(
        ReasonCode.NOT_FOUND, "The origin does not have it (404). Send a fresh link."
    ),
    ErrorCode.TOO_SLOW: Reason(ReasonCode.TOO_SLOW, "The origin was too slow. Nothing to do."),
    **{
        code: Reason(
            ReasonCode.FILE_ERROR,
            "The download's folder cannot be written. Check relay.download_directory and its disk.",
        )
        for code in (
            ErrorCode.RENAME,
            ErrorCode.OPEN_FILE,
            ErrorCode.CREATE_FILE,
            ErrorCode.FILE_IO,
            ErrorCode.CREATE_FOLDER,
        )
    },
    **dict.fromkeys(
        (
            ErrorCode.UNKNOWN,
            ErrorCode.TIMEOUT,
            ErrorCode.NETWORK,
            ErrorCode.UNFINISHED,
            ErrorCode.NAME_RESOLUTION,
        ),
        UNREACHABLE,
    ),
}
CHANGED = Reason(
    ReasonCode.CHANGED, "The file has changed at its origin. It is fetched from the beginning."
)
NEEDS_PROBE = frozenset(
    {
        ErrorCode.BAD_RESPONSE,
        ErrorCode.OVERLOADED,
        ErrorCode.UNAUTHORISED,
    }
)
"""Errors of which only the origin's own answer tells what they mean."""


def outcome_of_error(task: Task) -> Outcome:
    """Say what a task's error means.

    Args:
        task: A task with an error.
    """
    code = task.error_code
    if code == ErrorCode.DISK_FULL or "No space left" in task.error_message:
        return WaitForSpace(DISK_FULL)
    if code == ErrorCode.REMOVED:
        return Removed(REMOVED)
    if code in _FINAL:
        return GiveUp(_FINAL[code])
    if code in _DISCARDING:
        return TryAgain(_DISCARDING[code], discard=True, at_once=True)
    if code in _RETRYABLE:
        return TryAgain(_RETRYABLE[code])
    return TryAgain(
        Reason(ReasonCode.ARIA2_ERROR, f"aria2 ended it with error {code}. Its manual explains it.")
    )


def outcome_of_status(status: int, retry_after_seconds: float) -> Outcome:
    """Say what an origin's own answer means, after aria2 has failed on it.

    Args:
        status: The HTTP status; below 400 where it works by now.
        retry_after_seconds: What its `Retry-After` asks for; 0 where it says nothing.
    """
    reasons = {
        401: Reason(ReasonCode.FORBIDDEN, "The origin wants a login (401). Send another link."),
        403: Reason(
            ReasonCode.FORBIDDEN,
            "The origin forbids it (403): the link may have expired. Send a fresh one.",
        ),
        404: Reason(ReasonCode.NOT_FOUND, "The origin does not have it (404). Send a fresh link."),
        410: Reason(ReasonCode.NOT_FOUND, "The origin has it no more (410). Send a fresh link."),
        429: Reason(ReasonCode.RATE_LIMITED, "The origin wants fewer requests. Nothing to do."),
    }
    reason = reasons.get(
        status,
        Reason(ReasonCode.SERVER_ERROR, f"The origin failed (HTTP {status}). Nothing to do."),
    )
    if status in (401, 410):
        return GiveUp(reason)
    return TryAgain(reason, after_seconds=retry_after_seconds)


def pause_seconds(settings: RelaySettings, attempts: int, outcome: TryAgain) -> float:
    """Return how long to wait before the next attempt.

    Args:
        settings: The pauses.
        attempts: How many have failed, this one included.
        outcome: How it failed.
    """
    if outcome.at_once:
        return 0.0
    growing = settings.retry_backoff_initial_seconds * (
        settings.retry_backoff_multiplier ** min(attempts - 1, 32)
    )
    return min(max(growing, outcome.after_seconds), settings.retry_backoff_max_seconds)
