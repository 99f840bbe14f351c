"""The pages that connect accounts: in this browser, or with a code typed in elsewhere.

They are the same for every provider, and for administrators, except where the provider leads back
to: a browser comes from another site there. An authorization ends only in the browser that began
it, which a cookie of its own proves.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sync_assets.account_providers import ProviderName, configured_provider
from sync_assets.errors import SyncError
from sync_assets.ledger.secrets import load_key
from sync_assets.oauth import read_connection
from sync_assets.oauth.authorization import LIFETIME, Authorizations
from sync_assets.oauth.device import DeviceCode, DeviceFlow
from sync_assets.oauth.errors import OAuthError
from sync_assets.oauth.provider import Provider
from sync_assets.server.context import ServerContext, context_of
from sync_assets.server.errors import ErrorAnswer, InvalidRequestError
from sync_assets.server.pages import PageAdministrator, page

router = APIRouter(prefix="/oauth", tags=["pages"])

Account = Annotated[str, Query(max_length=63, description="The account's configured name.")]


@dataclass(frozen=True)
class AccountView:
    """What the page shows of an account.

    Attributes:
        name: Its configured name.
        state: Its connection's state; None where it was never connected.
        reason: Why it must be connected again.
        has_personal_token: Whether a token of the configuration is used while it is not connected.
        code: The device flow that is under way.
        problem: What went wrong with it just now.
    """

    name: str
    state: str | None
    reason: str | None
    has_personal_token: bool
    code: DeviceCode | None
    problem: str | None


_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page.", "content": {"text/html": {}}}
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorAnswer} for status in statuses}


class AccountPages:
    """What the pages of one provider do, without HTTP.

    Args:
        context: What the routes share.
        provider: The provider, as it is configured.
    """

    def __init__(self, context: ServerContext, provider: Provider) -> None:
        self._context = context
        self._ledger = context.ledger
        self._provider = provider

    @property
    def address(self) -> str:
        """The address of the provider's page."""
        return f"{router.prefix}/{self._provider.name}"

    @property
    def cookie(self) -> str:
        """The name of the cookie that binds an authorization to a browser."""
        return f"sync_oauth_{self._provider.name}"

    @property
    def title(self) -> str:
        """What people call the provider."""
        return self._provider.title

    @property
    def has_devices(self) -> bool:
        """Whether a code can be typed in elsewhere."""
        return self._provider.device_provider is not None

    @property
    def is_https(self) -> bool:
        """Whether browsers come back over https."""
        return self._provider.app().redirect_uri.startswith("https:")

    def require(self, account: str) -> None:
        """Make sure that an account is configured.

        Raises:
            InvalidRequestError: It is not.
        """
        if account not in self._provider.accounts:
            raise InvalidRequestError(
                f"There is no such {self.title} account, or it is paused.",
                remedy=f"Add [{self._provider.name}.accounts.NAME] to sync.toml, then start the "
                "server again.",
            )

    def accounts(self) -> list[AccountView]:
        """Return every account; where a code waits to be typed in, the provider is asked."""
        return [self._account(name) for name in self._provider.accounts]

    def begin_device(self, account: str) -> None:
        """Ask for a code."""
        flow = self._device_flow(account)
        if flow is None:
            raise OAuthError(
                f"{self.title} knows no codes that are typed in elsewhere.",
                remedy="Connect in this browser.",
            )
        flow.start()

    def begin(self, account: str) -> tuple[str, str]:
        """Begin an authorization; return where to lead the browser, and its cookie."""
        app = self._provider.app()
        begun = self._authorizations().begin(self._provider.name, account)
        return app.authorization_url(begun.state), begun.browser

    def redeem(self, state: str, browser: str) -> str:
        """End an authorization that was begun; return its account."""
        return self._authorizations().redeem(self._provider.name, state, browser)

    def connect(self, account: str, code: str) -> None:
        """Exchange a code for tokens, and store them."""
        tokens = self._provider.app().exchange_code(code)
        self._provider.keeper(self._ledger, self._key(), account).connect(tokens)

    def _account(self, account: str) -> AccountView:
        code, problem = None, None
        try:
            flow = self._device_flow(account)
            if flow is not None:
                if flow.current() is not None:
                    flow.poll()
                code = flow.current()
        except SyncError as error:
            problem = f"{error.message} {error.remedy}"
        with self._ledger.read() as connection:
            known = read_connection(connection, self._provider.name, account)
        return AccountView(
            account,
            str(known.state) if known else None,
            known.reason if known else None,
            account in self._provider.personal_accounts,
            code,
            problem,
        )

    def _device_flow(self, account: str) -> DeviceFlow | None:
        return self._provider.device_flow(self._ledger, self._key(), account)

    def _authorizations(self) -> Authorizations:
        return Authorizations(self._ledger, self._key())

    def _key(self) -> bytes:
        return load_key(self._context.settings.home)


@router.get("/{provider}", response_class=Response, responses=_PAGE | _errors(401, 403, 422, 503))
async def show_accounts(
    request: Request, provider: ProviderName, _: PageAdministrator
) -> HTMLResponse:
    """Show every account and, while a code waits to be typed in, ask for the answer."""
    pages = _pages(request, provider)
    accounts = await asyncio.to_thread(pages.accounts)
    waits = any(account.code for account in accounts)
    return page(
        request,
        "oauth.html",
        provider=pages.title,
        address=pages.address,
        section=provider,
        has_devices=pages.has_devices,
        accounts=accounts,
        refresh_seconds=5 if waits else None,
    )


@router.post(
    "/{provider}/device",
    status_code=HTTPStatus.SEE_OTHER,
    responses=_errors(400, 401, 403, 422, 503),
)
async def begin_device_flow(
    request: Request, provider: ProviderName, account: Account, _: PageAdministrator
) -> Response:
    """Ask for a code, and lead to the page that shows it."""
    pages = _pages(request, provider)
    pages.require(account)
    try:
        await asyncio.to_thread(pages.begin_device, account)
    except SyncError as error:
        return _failed(request, pages, error)
    return RedirectResponse(pages.address, HTTPStatus.SEE_OTHER)


@router.get(
    "/{provider}/start",
    status_code=HTTPStatus.SEE_OTHER,
    responses=_errors(400, 401, 403, 422, 503),
)
async def begin_authorization(
    request: Request, provider: ProviderName, account: Account, _: PageAdministrator
) -> Response:
    """Lead the browser to the provider, which leads it back to `callback`."""
    pages = _pages(request, provider)
    pages.require(account)
    try:
        target, browser = await asyncio.to_thread(pages.begin, account)
    except SyncError as error:
        return _failed(request, pages, error)
    answer = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        pages.cookie,
        browser,
        max_age=int(LIFETIME.total_seconds()),
        path=pages.address,
        secure=pages.is_https,
        httponly=True,
        samesite="lax",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/{provider}/callback", response_class=Response, responses=_PAGE | _errors(422, 503))
async def finish_authorization(
    request: Request,
    provider: ProviderName,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=2_000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Take the provider's answer: exchange the code for tokens, and store them."""
    pages = _pages(request, provider)
    browser = request.cookies.get(pages.cookie, "")
    try:
        account = await asyncio.to_thread(pages.redeem, state, browser)
        pages.require(account)
        if error or not code:
            raise OAuthError(
                f"The request was denied at {pages.title}.", remedy="Begin again, and agree."
            )
        await asyncio.to_thread(pages.connect, account, code)
    except SyncError as problem:
        return _failed(request, pages, problem)
    answer = RedirectResponse(pages.address, HTTPStatus.SEE_OTHER)
    answer.delete_cookie(pages.cookie, path=pages.address)
    return answer


def _pages(request: Request, name: ProviderName) -> AccountPages:
    context = context_of(request)
    return AccountPages(context, configured_provider(context.settings, name))


def _failed(request: Request, pages: AccountPages, error: SyncError) -> HTMLResponse:
    return page(
        request,
        "message.html",
        status=HTTPStatus.BAD_REQUEST,
        title=f"{pages.title} was not connected",
        message=error.message,
        remedy=error.remedy,
        back=pages.address,
    )
