"""What can go wrong between this project and an OAuth provider."""

from sync_assets.errors import SyncError


class OAuthError(SyncError):
    """An account cannot be connected, or not be used."""


class NotConnectedError(OAuthError):
    """The account has no tokens that can be used; only its user can mend that."""


class ConnectAgainError(NotConnectedError):
    """The account was connected once; its tokens are of no use any more."""


class GrantRejectedError(OAuthError):
    """The provider refuses a code or a refresh token for good."""


class ProviderUnavailableError(OAuthError):
    """The provider could not be asked, or answered that it cannot work now; nothing was used up."""


class TokenAnswerLostError(OAuthError):
    """The request was sent and no whole answer came: whether the token is used up is unknown."""
