"""OAuth for every provider: tokens that several processes share, and the ways to get them.

`connections` holds the state of each account, `keeping` its tokens (encrypted, refreshed by one
writer). `app` is what was registered with a provider, `device` and `authorization` are the two ways
to connect, `http` the requests that all providers have in common, `provider` what the pages and
`scripts/connect` see of one. What is special about a provider, such as its addresses, is in that
provider's domain. Nothing here knows Dagster or a web framework.
"""

from sync_assets.oauth.connections import Connection, ConnectionState, read_connection
from sync_assets.oauth.errors import (
    ConnectAgainError,
    GrantRejectedError,
    NotConnectedError,
    OAuthError,
    ProviderUnavailableError,
    TokenAnswerLostError,
)
from sync_assets.oauth.keeping import TokenKeeper
from sync_assets.oauth.tokens import TokenSet

__all__ = [
    "ConnectAgainError",
    "Connection",
    "ConnectionState",
    "GrantRejectedError",
    "NotConnectedError",
    "OAuthError",
    "ProviderUnavailableError",
    "TokenAnswerLostError",
    "TokenKeeper",
    "TokenSet",
    "read_connection",
]
