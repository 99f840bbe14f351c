"""What the end of a run of gallery-dl means.

Neither exit code is what it seems: 0 does not mean that everything was downloaded, and others do
not mean that nothing was. So this only says whether and why Pixiv could be asked; what was
downloaded is read from the events.
"""

import re
from enum import StrEnum

from sync_assets.errors import SyncError
from sync_assets.pixiv.gallery_dl import Finished
from sync_assets.settings.problems import masked


class OutcomeKind(StrEnum):
    """How a run ended.

    `stale_token` is an access token that was revoked within its hour; `partial` left some items
    undone; `transient` may work when it is repeated.
    """

    COMPLETE = "complete"
    PARTIAL = "partial"
    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    STALE_TOKEN = "stale_token"  # noqa: S105 - the name of an outcome
    REFUSED_TOKEN = "refused_token"  # noqa: S105
    NOT_FOUND = "not_found"
    DISK = "disk"
    TIMED_OUT = "timed_out"
    USAGE = "usage"


class PixivUnavailableError(SyncError):
    """Pixiv could not be asked; nothing was changed.

    Args:
        kind: Why.
        message: What went wrong.
        remedy: What to do.
    """

    def __init__(self, kind: OutcomeKind, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.kind = kind


REPEATED = frozenset({OutcomeKind.TRANSIENT})
"""The outcomes after which a whole run is repeated in the same round."""

_FAILED, _USAGE, _CHALLENGE, _AUTHENTICATION = 1, 2, 8, 16
_INPUT, _NO_EXTRACTOR, _SYSTEM = 32, 64, 128
_LIMIT_LINE = re.compile(r"'429 |rate limit", re.IGNORECASE)
_NETWORK_LINE = re.compile(
    r"ConnectionError|ProxyError|SSLError|ReadTimeout|Connection (?:aborted|reset)"
    r"|NameResolutionError|'5\d\d |An unexpected error occurred",
)
_FILE_LINE = re.compile(r"^\[(?:downloader\.http|download)\].*$", re.MULTILINE)
"""What is said of single files, which says nothing about the list."""

_SHOWN = 400


def outcome_of(finished: Finished) -> OutcomeKind:
    """Say what a run's end means.

    Args:
        finished: The run.
    """
    log, code = _FILE_LINE.sub("", finished.log), finished.exit_code
    is_limited = _LIMIT_LINE.search(log) is not None
    bits = max(code, 0)
    # From the most telling to the least: one run may have several.
    found = (
        (OutcomeKind.RATE_LIMITED, finished.timed_out and is_limited),
        (OutcomeKind.TIMED_OUT, finished.timed_out),
        (OutcomeKind.COMPLETE, code == 0),
        (OutcomeKind.STALE_TOKEN, "invalid_grant" in log),
        # gallery-dl says "Invalid refresh token" also where it could not even ask.
        (OutcomeKind.RATE_LIMITED, bits & _AUTHENTICATION and is_limited),
        (OutcomeKind.TRANSIENT, bits & _AUTHENTICATION and _NETWORK_LINE.search(log)),
        (OutcomeKind.REFUSED_TOKEN, bits & _AUTHENTICATION),
        (OutcomeKind.DISK, bits & _SYSTEM),
        (OutcomeKind.USAGE, code == _USAGE or bits & (_INPUT | _NO_EXTRACTOR)),
        (OutcomeKind.RATE_LIMITED, is_limited and bits & (_FAILED | _CHALLENGE)),
        (OutcomeKind.TRANSIENT, code < 0 or bits & (_FAILED | _CHALLENGE)),
        (OutcomeKind.TRANSIENT, _NETWORK_LINE.search(log)),
        (OutcomeKind.NOT_FOUND, "NotFoundError" in log),
        (OutcomeKind.PARTIAL, True),
    )
    return next(kind for kind, is_so in found if is_so)


def explain(account: str, kind: OutcomeKind, finished: Finished) -> PixivUnavailableError:
    """Make the error that says why a run failed.

    Args:
        account: The account's name.
        kind: What `outcome_of` said.
        finished: The run.
    """
    what, remedy = _TEXTS[kind]
    lines = [line for line in finished.log.splitlines() if "[error]" in line or "[warning]" in line]
    said = masked(" ".join(lines[-2:])[-_SHOWN:])
    suffix = f" gallery-dl said: {said}" if said else ""
    message = f"{account}: {what} (exit code {finished.exit_code}).{suffix}"
    return PixivUnavailableError(kind, message, remedy=remedy)


_TEXTS = {
    OutcomeKind.COMPLETE: ("the list ended without its end marker", "Run it again."),
    OutcomeKind.PARTIAL: (
        "Pixiv refused a part of what was asked",
        "Nothing was changed; the next round tries again. If it lasts, look at the log.",
    ),
    OutcomeKind.TRANSIENT: (
        "Pixiv could not be reached, or answered with an error of its own",
        "The next round tries again. Check the network and pixiv.proxy if it lasts.",
    ),
    OutcomeKind.RATE_LIMITED: (
        "Pixiv limits this account's requests",
        "Wait: the next rounds begin later. Raise pixiv.sleep_request if it happens often.",
    ),
    OutcomeKind.STALE_TOKEN: (
        "Pixiv no longer accepts the session, nor a new one",
        "Get a new refresh token (docs/pixiv.md) and set refresh_token of the account.",
    ),
    OutcomeKind.REFUSED_TOKEN: (
        "Pixiv does not accept the refresh token",
        "Get a new refresh token (docs/pixiv.md) and set refresh_token of the account.",
    ),
    OutcomeKind.NOT_FOUND: (
        "Pixiv knows no such user",
        "Correct user_id of the account: it is the number in the address of the profile.",
    ),
    OutcomeKind.DISK: (
        "a file could not be written",
        "Free space on the disk, and make the download directory writable for this user.",
    ),
    OutcomeKind.TIMED_OUT: (
        "gallery-dl took too long and was ended",
        "The next round goes on from here. Raise pixiv.timeout_seconds if it happens often.",
    ),
    OutcomeKind.USAGE: (
        "gallery-dl does not understand its arguments",
        "Correct pixiv.extra_gallery_args.",
    ),
}
