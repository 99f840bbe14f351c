"""Who may call what: bearer tokens and their scopes.

A token travels in the `Authorization` header only; addresses end up in logs and histories. An
unknown, a wrong and a revoked token get the same answer.
"""

import re

from fastapi import Request
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from sync_assets.ledger.tokens import Scope, Token
from sync_assets.server.context import context_of
from sync_assets.server.errors import REALM, ForbiddenError, UnauthenticatedError

_PLAIN_TEXT = re.compile(r"sync_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")


class RequireScope(HTTPBearer):
    """The dependency of a route that needs a token; its value is the token.

    Args:
        scope: What the token must allow.
    """

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            scheme_name="token",
            description="A token made with scripts/token create.",
            auto_error=False,
        )
        self._scope = scope

    async def __call__(self, request: Request) -> Token:  # ty: ignore[incompatible-method-override]
        """Verify the request's token.

        Args:
            request: The request.

        Returns:
            The token.

        Raises:
            UnauthenticatedError: There is none, or it is not valid.
            ForbiddenError: It is valid, and of another scope.
        """
        kind, _, plain_text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise UnauthenticatedError(
                "This address needs a token.",
                remedy="Send the header 'Authorization: Bearer TOKEN'; "
                f"make a token with: scripts/token create --name NAME --scope {self._scope}",
                headers={"WWW-Authenticate": REALM},
            )
        token = await find_token(request, plain_text.strip())
        if token is None:
            raise UnauthenticatedError(
                "The token is not valid.",
                remedy="Make another with: scripts/token create",
                headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
            )
        if not token.scope.allows(self._scope):
            needed = f'error="insufficient_scope", scope="{self._scope}"'
            raise ForbiddenError(
                f"The token's scope is {token.scope}; this address needs {self._scope}.",
                remedy=f"Make a token with: scripts/token create --name NAME --scope {self._scope}",
                headers={"WWW-Authenticate": f"{REALM}, {needed}"},
            )
        return token


async def find_token(request: HTTPConnection, plain_text: str) -> Token | None:
    """Find out whose token this is.

    Args:
        request: The request, or the WebSocket, that shows it.
        plain_text: What was shown.

    Returns:
        The token; None where it is unknown, wrong or revoked.

    Raises:
        LedgerUnavailableError: The ledger cannot be read.
    """
    if not _PLAIN_TEXT.fullmatch(plain_text):
        return None
    return await context_of(request).tokens.verify(plain_text)
