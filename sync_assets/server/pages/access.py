"""Who may see a page: a session that a token has begun, and requests that begin on our own pages.

The session's cookie holds the id of a token, which is looked up for every request: a revoked token
ends its sessions within a second. Pages take no `Authorization` header and the API takes no
cookie, so neither can be abused with the other's means.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.responses import Response

from sync_assets.ledger.tokens import Scope, Token
from sync_assets.server.context import context_of
from sync_assets.server.errors import ApiError, ForbiddenError

SESSION_COOKIE = "sync_session"
SESSION_LIFETIME = timedelta(days=30)
_SAFE_METHODS = frozenset({"GET", "HEAD"})


class SignInNeededError(ApiError):
    """Nobody is signed in; browsers are led to the sign-in."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"


def require_page_scope(scope: Scope) -> Callable[[Request], Awaitable[Token]]:
    """Make the dependency of a page that needs a signed-in user; its value is the token.

    Args:
        scope: What the token must allow.

    Returns:
        The dependency. It leads to the sign-in where nobody is signed in, and refuses tokens of
        another scope and changes that other sites send.
    """

    async def require(request: Request) -> Token:
        refuse_other_sites(request)
        token = await signed_in_user(request)
        if token is None:
            raise SignInNeededError(
                "You are not signed in, or the session has ended.", remedy="Sign in at /sign-in."
            )
        if not token.scope.allows(scope):
            raise ForbiddenError(
                f"You are signed in with the scope {token.scope}; this page needs {scope}.",
                remedy=f"Sign in with: scripts/token create --name NAME --scope {scope}",
            )
        return token

    return require


PageUser = Annotated[Token, Depends(require_page_scope(Scope.USER))]
"""Parameter of a route whose page any signed-in user may see."""

PageAdministrator = Annotated[Token, Depends(require_page_scope(Scope.ADMIN))]
"""Parameter of a route whose page is for administrators."""


async def signed_in_user(request: Request) -> Token | None:
    """Return the token of the request's session, and remember it for the page's header.

    Args:
        request: The request.

    Returns:
        The token; None where there is no session, or its token is revoked.

    Raises:
        LedgerUnavailableError: The ledger cannot be read.
        SecretKeyError: The key of the cookies cannot be used.
    """
    context = context_of(request)
    sealed = request.cookies.get(SESSION_COOKIE, "")
    token_id = context.cookies.open(SESSION_COOKIE, sealed, SESSION_LIFETIME) if sealed else None
    token = await context.tokens.verify_id(token_id) if token_id else None
    request.state.page_user = token
    return token


def refuse_other_sites(request: Request) -> None:
    """Refuse a change that was not sent by a page of this server (cross-site request forgery).

    Browsers say where a request comes from in `Sec-Fetch-Site`, and over plain HTTP, where they
    leave it out, in `Origin`; no script can set either. That needs no token in every form, and
    holds for forms and htmx alike. The session's cookie is `SameSite=Lax` besides: `Strict` would
    ask for another sign-in after Trakt's answer and after every link in a message.
    See https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html

    Args:
        request: The request; one that changes nothing is let through.

    Raises:
        ForbiddenError: It came from another site, or does not say from where.
    """
    if request.method in _SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        is_own = site in {"same-origin", "none"}
    else:
        origin = urlsplit(request.headers.get("origin", "")).netloc
        is_own = bool(origin) and origin == request.headers.get("host")
    if not is_own:
        raise ForbiddenError(
            "The request came from another site.", remedy="Open this page and begin there."
        )


def begin_session(request: Request, response: Response, token: Token) -> None:
    """Sign the browser in.

    Args:
        request: The request that showed the token.
        response: Its answer, which gets the cookie.
        token: The token.
    """
    response.set_cookie(
        SESSION_COOKIE,
        context_of(request).cookies.seal(SESSION_COOKIE, token.id),
        max_age=int(SESSION_LIFETIME.total_seconds()),
        # The scheme that the browser uses: a proxy may speak plain HTTP to this server.
        secure=request.headers.get("origin", "").startswith("https://"),
        httponly=True,
        samesite="lax",
    )


def end_session(response: Response) -> None:
    """Sign the browser out.

    Args:
        response: The answer that takes the cookie away.
    """
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
