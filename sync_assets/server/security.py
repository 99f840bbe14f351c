"""Who may call what: bearer tokens and their scopes.

A token travels in the `Authorization` header only; addresses end up in logs and histories. An
unknown, a wrong and a revoked token get the same answer.
"""

import re
from collections.abc import Awaitable, Callable

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from sync_assets.ledger.tokens import Scope, Token, verify_token
from sync_assets.server.context import Context
from sync_assets.server.errors import REALM, ForbiddenError, UnauthenticatedError

_PLAIN_TEXT = re.compile(r"sync_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")

_documented_scheme = HTTPBearer(
    auto_error=False, description="A token made with scripts/token create."
)


def require(scope: Scope) -> Callable[..., Awaitable[Token]]:
    """Make the dependency of a route that needs a scope.

    The token is read from the ledger for every request, so that a revoked one stops at once.

    Args:
        scope: What the token must allow.

    Returns:
        A dependency that returns the token.
    """

    async def authenticated(
        request: Request, context: Context, _: object = Depends(_documented_scheme)
    ) -> Token:
        kind, _, plain_text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise UnauthenticatedError(
                "This address needs a token.",
                remedy="Send the header 'Authorization: Bearer TOKEN'; "
                f"make a token with: scripts/token create --name NAME --scope {scope}",
                headers={"WWW-Authenticate": REALM},
            )
        plain_text = plain_text.strip()
        token = None
        if _PLAIN_TEXT.fullmatch(plain_text):
            token = await context.reader.read(
                lambda connection: verify_token(connection, plain_text)
            )
        if token is None:
            raise UnauthenticatedError(
                "The token is not valid.",
                remedy="Make another with: scripts/token create",
                headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
            )
        if not token.scope.allows(scope):
            raise ForbiddenError(
                f"The token's scope is {token.scope}; this address needs {scope}.",
                remedy=f"Make a token with: scripts/token create --name NAME --scope {scope}",
                headers={
                    "WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'
                },
            )
        return token

    return authenticated
