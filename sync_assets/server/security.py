"""Who may call what: bearer tokens and their scopes.

A token travels in the `Authorization` header; addresses end up in logs and histories. Only webhooks
whose senders can set no header take one from the address. An unknown, a wrong and a revoked token
get the same answer.
"""

import re

from fastapi import Request
from fastapi.security import HTTPBearer

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
        token = await _verified(request, plain_text)
        if not token.scope.allows(self._scope):
            raise _of_another_scope(token, self._scope)
        return token


async def find_token(request: Request, plain_text: str) -> Token | None:
    """Find out whose token this is.

    Args:
        request: The request that shows it.
        plain_text: What was shown.

    Returns:
        The token; None where it is unknown, wrong or revoked.

    Raises:
        LedgerUnavailableError: The ledger cannot be read.
    """
    if not _PLAIN_TEXT.fullmatch(plain_text):
        return None
    return await context_of(request).tokens.verify(plain_text)


class RequireIngestToken(RequireScope):
    """The dependency of webhooks whose senders can set no header: the address may have the token.

    An address ends up in logs and in the sender's configuration, so that only a token that can do
    nothing but send events is taken from there.
    """

    def __init__(self) -> None:
        super().__init__(Scope.INGEST)

    async def __call__(self, request: Request) -> Token:
        """Verify the request's token, from its header or else from `?token=`.

        Args:
            request: The request.

        Returns:
            The token.

        Raises:
            UnauthenticatedError: There is none, or it is not valid.
            ForbiddenError: It is valid, and of another scope.
        """
        plain_text = request.query_params.get("token")
        if "authorization" in request.headers or plain_text is None:
            return await super().__call__(request)
        token = await _verified(request, plain_text)
        if token.scope is not Scope.INGEST:
            raise _of_another_scope(token, Scope.INGEST)
        return token


async def _verified(request: Request, plain_text: str) -> Token:
    token = await find_token(request, plain_text.strip())
    if token is None:
        raise UnauthenticatedError(
            "The token is not valid.",
            remedy="Make another with: scripts/token create",
            headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
        )
    return token


def _of_another_scope(token: Token, scope: Scope) -> ForbiddenError:
    return ForbiddenError(
        f"The token's scope is {token.scope}; this address needs {scope}.",
        remedy=f"Make a token with: scripts/token create --name NAME --scope {scope}",
        headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
    )
