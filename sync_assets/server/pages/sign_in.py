"""Sign in with a token, and out again."""

import logging
import math
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from sync_assets.ledger.tokens import Scope
from sync_assets.server.context import context_of
from sync_assets.server.pages.access import (
    begin_session,
    end_session,
    refuse_other_sites,
    signed_in_user,
)
from sync_assets.server.pages.rendering import page, see_other
from sync_assets.server.security import find_token

router = APIRouter(include_in_schema=False, dependencies=[Depends(refuse_other_sites)])

_ADDRESS = "/sign-in"
_LONGEST_PATH = 2_000

logger = logging.getLogger(__name__)


@router.get(_ADDRESS)
async def sign_in_page(
    request: Request, next_path: Annotated[str, Query(alias="next", max_length=_LONGEST_PATH)] = "/"
) -> Response:
    """Ask for a token; who is signed in already goes on."""
    if await signed_in_user(request) is not None:
        return RedirectResponse(own_path(next_path), HTTPStatus.SEE_OTHER)
    return _form(request, next_path)


@router.post(_ADDRESS)
async def sign_in(
    request: Request,
    token: Annotated[str, Form(max_length=500)] = "",
    next_path: Annotated[str, Form(alias="next", max_length=_LONGEST_PATH)] = "/",
) -> Response:
    """Begin a session with a token of the scope user or admin."""
    attempts = context_of(request).sign_in_attempts
    address = request.client.host if request.client else ""
    wait = attempts.wait_seconds(address)
    if wait > 0:
        answer = _form(
            request,
            next_path,
            f"Too many wrong tokens. Try again in {math.ceil(wait / 60)} min.",
            HTTPStatus.TOO_MANY_REQUESTS,
        )
        answer.headers["Retry-After"] = str(math.ceil(wait))
        return answer
    known = await find_token(request, token.strip())
    if known is None:
        attempts.count_wrong(address)
        logger.warning("A wrong token was tried at the sign-in.")
        return _form(request, next_path, "This token is not valid.", HTTPStatus.FORBIDDEN)
    if not known.scope.allows(Scope.USER):
        return _form(
            request,
            next_path,
            f"This token's scope is {known.scope}. Pages need user or admin.",
            HTTPStatus.FORBIDDEN,
        )
    logger.info("Token %s signed in.", known.id)
    response = RedirectResponse(own_path(next_path), HTTPStatus.SEE_OTHER)
    begin_session(request, response, known)
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    response = see_other(request, _ADDRESS, "You are signed out.")
    end_session(response)
    return response


def own_path(path: str) -> str:
    """Return where to go after the sign-in: a path of this server, and nothing else.

    Args:
        path: What the address asked for.

    Returns:
        The path; the overview's where it could lead elsewhere. Browsers take a backslash for a
        slash, and two of them for another host.
    """
    leads_elsewhere = not path.startswith("/") or path.startswith("//") or "\\" in path
    return "/" if leads_elsewhere or not path.isprintable() else path


def _form(
    request: Request, next_path: str, problem: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    return page(
        request, "sign_in.html", status=status, next_path=own_path(next_path), problem=problem
    )
