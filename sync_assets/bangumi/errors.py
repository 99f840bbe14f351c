"""What can go wrong with Bangumi, as far as callers must tell it apart."""

from sync_assets.errors import SyncError
from sync_assets.oauth.errors import NotConnectedError


class BangumiUnavailableError(SyncError):
    """Bangumi does not answer, or not as it should; nothing is known about what was asked."""


class BangumiBannedError(SyncError):
    """Bangumi takes no requests of this account for a time."""


class BangumiUnauthorizedError(NotConnectedError):
    """The account has no personal token, or one that Bangumi does not accept."""


class BangumiRejectedError(SyncError):
    """Bangumi refused one request; nothing was changed.

    Args:
        message: What was refused.
        remedy: What the user can do.
        status: The HTTP status.
        reason: What Bangumi says.
    """

    def __init__(self, message: str, *, remedy: str, status: int, reason: str) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.reason = reason


class OutcomeUnknownError(SyncError):
    """A write was sent, and no answer says whether it was done."""
