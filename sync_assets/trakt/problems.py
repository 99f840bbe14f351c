"""The errors of this domain."""

from sync_assets.errors import SyncError


class TraktError(SyncError):
    """Trakt could not be read."""


class TraktUnavailableError(TraktError):
    """Trakt cannot be reached, or cannot work now; a later run goes on."""


class TraktRefusedError(TraktError):
    """Trakt refuses, and will refuse again until its user does something."""


class TraktResponseError(TraktError):
    """An answer of Trakt makes no sense; nothing is concluded from it."""
