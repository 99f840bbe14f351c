"""The pages that connect a Trakt account: with a code typed in elsewhere, or in this browser.

For administrators, except where Trakt leads back to: a browser comes from another site there. An
authorization ends only in the browser that began it, which a cookie of its own proves.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sync_assets.errors import SyncError
from sync_assets.ledger.secrets import load_key
from sync_assets.oauth import read_connection
from sync_assets.oauth.authorization import LIFETIME, Authorizations
from sync_assets.oauth.device import DeviceCode, DeviceFlow
from sync_assets.server.context import ServerContext, context_of
from sync_assets.server.errors import ErrorAnswer, InvalidRequestError
from sync_assets.server.pages import PageAdministrator, page
from sync_assets.trakt.oauth import PROVIDER, TraktOAuth, device_flow, token_keeper

router = APIRouter(prefix="/oauth/trakt", tags=["pages"])

COOKIE = "sync_oauth_trakt"
_ADDRESS = "/oauth/trakt"

Account = Annotated[str, Query(max_length=63, description="The account's configured name.")]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class AccountView:
    """What the page shows of an account.

    Attributes:
        name: Its configured name.
        state: Its connection's state; None where it was never connected.
        reason: Why it must be connected again.
        code: The device flow that is under way.
        problem: What went wrong with it just now.
    """

    name: str
    state: str | None
    reason: str | None
    code: DeviceCode | None
    problem: str | None


_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page.", "content": {"text/html": {}}}
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorAnswer} for status in statuses}


@router.get("", response_class=Response, responses=_PAGE | _errors(401, 403, 503))
async def trakt_accounts(request: Request, _: PageAdministrator) -> HTMLResponse:
    """Show every account and, while a code waits to be typed in, ask Trakt for the answer."""
    context = context_of(request)
    accounts = await _in_thread(lambda: [_view(context, name) for name in _names(context)])
    waits = any(account.code for account in accounts)
    return page(request, "trakt.html", accounts=accounts, refresh_seconds=5 if waits else None)


@router.post(
    "/device", status_code=HTTPStatus.SEE_OTHER, responses=_errors(400, 401, 403, 422, 503)
)
async def begin_device_flow(request: Request, account: Account, _: PageAdministrator) -> Response:
    """Ask Trakt for a code, and lead to the page that shows it."""
    context = context_of(request)
    _require(context, account)
    try:
        await _in_thread(lambda: _device_flow(context, account).start())
    except SyncError as error:
        return _failed(request, error)
    return RedirectResponse(_ADDRESS, HTTPStatus.SEE_OTHER)


@router.get("/start", status_code=HTTPStatus.SEE_OTHER, responses=_errors(400, 401, 403, 422, 503))
async def begin_authorization(request: Request, account: Account, _: PageAdministrator) -> Response:
    """Lead the browser to Trakt, which leads it back to `callback`."""
    context = context_of(request)
    _require(context, account)
    try:
        oauth = TraktOAuth(context.settings.trakt)
        begun = await _in_thread(lambda: _authorizations(context).begin(PROVIDER, account))
    except SyncError as error:
        return _failed(request, error)
    answer = RedirectResponse(oauth.authorization_url(begun.state), HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        begun.browser,
        max_age=int(LIFETIME.total_seconds()),
        path=_ADDRESS,
        secure=context.settings.trakt.redirect_uri.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/callback", response_class=Response, responses=_PAGE | _errors(422, 503))
async def finish_authorization(
    request: Request,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=2_000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Take Trakt's answer: exchange the code for tokens, and store them."""
    context = context_of(request)
    browser = request.cookies.get(COOKIE, "")
    try:
        account = await _in_thread(
            lambda: _authorizations(context).redeem(PROVIDER, state, browser)
        )
        _require(context, account)
        if error or not code:
            return _not_connected(request, "The request was denied at Trakt.")
        await _in_thread(lambda: _exchange(context, account, code))
    except SyncError as problem:
        return _failed(request, problem)
    answer = RedirectResponse(_ADDRESS, HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, path=_ADDRESS)
    return answer


def _names(context: ServerContext) -> list[str]:
    return context.settings.trakt.active_accounts


def _require(context: ServerContext, account: str) -> None:
    if account not in _names(context):
        raise InvalidRequestError(
            "There is no such Trakt account, or it is paused.",
            remedy="Add [trakt.accounts.NAME] to sync.toml, then start the server again.",
        )


def _view(context: ServerContext, account: str) -> AccountView:
    code, problem = None, None
    try:
        flow = _device_flow(context, account)
        if flow.current() is not None:
            flow.poll()
        code = flow.current()
    except SyncError as error:
        problem = f"{error.message} {error.remedy}"
    with context.ledger.read() as connection:
        known = read_connection(connection, PROVIDER, account)
    return AccountView(
        account,
        str(known.state) if known else None,
        known.reason if known else None,
        code,
        problem,
    )


def _device_flow(context: ServerContext, account: str) -> DeviceFlow:
    key = load_key(context.settings.home)
    return device_flow(context.ledger, key, context.settings.trakt, account)


def _authorizations(context: ServerContext) -> Authorizations:
    return Authorizations(context.ledger, load_key(context.settings.home))


def _exchange(context: ServerContext, account: str, code: str) -> None:
    settings = context.settings
    tokens = TraktOAuth(settings.trakt).exchange_code(code)
    token_keeper(context.ledger, load_key(settings.home), settings.trakt, account).connect(tokens)


async def _in_thread(function: Callable[[], Answer]) -> Answer:
    return await asyncio.to_thread(function)


def _failed(request: Request, error: SyncError) -> HTMLResponse:
    return _not_connected(request, error.message, error.remedy)


def _not_connected(request: Request, message: str, remedy: str = "") -> HTMLResponse:
    return page(
        request,
        "message.html",
        status=HTTPStatus.BAD_REQUEST,
        title="Trakt was not connected",
        message=message,
        remedy=remedy,
        back=_ADDRESS,
    )
