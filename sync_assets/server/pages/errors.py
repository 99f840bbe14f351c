"""Errors as people see them: a page, a message within one, or the way to the sign-in."""

from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from sync_assets.server.errors import ErrorResponse
from sync_assets.server.pages.rendering import fragment, page

_SIGN_IN = "/sign-in"


def error_page(request: Request, error: ErrorResponse) -> Response | None:
    """Show an error to a browser.

    Args:
        request: The request.
        error: The answer that a program gets.

    Returns:
        The answer; None where a program asks, which gets JSON.
    """
    # htmx accepts anything, as programs do, and says who it is.
    is_htmx = request.headers.get("hx-request") == "true"
    is_for_people = is_htmx or "text/html" in request.headers.get("accept", "")
    if not is_for_people or request.url.path.startswith("/api/"):
        return None
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.UNAUTHORIZED:
        return _to_sign_in(request, is_htmx=is_htmx)
    if is_htmx:
        return fragment("error_message.html", status=status, error=error.detail)
    return page(request, "error.html", status=status, error=error.detail, title=status.phrase)


def _to_sign_in(request: Request, *, is_htmx: bool) -> Response:
    if is_htmx:
        # A redirect would be followed by htmx itself, and the sign-in become a part of the page.
        address = urlsplit(request.headers.get("hx-current-url", ""))
        location = _sign_in_address(address.path, address.query)
        return Response(status_code=HTTPStatus.OK, headers={"HX-Redirect": location})
    if request.method != "GET":
        return RedirectResponse(_SIGN_IN, HTTPStatus.SEE_OTHER)
    location = _sign_in_address(request.url.path, request.url.query)
    return RedirectResponse(location, HTTPStatus.SEE_OTHER)


def _sign_in_address(path: str, query: str) -> str:
    next_path = f"{path}?{query}" if query else path
    return f"{_SIGN_IN}?{urlencode({'next': next_path})}" if next_path != "/" else _SIGN_IN
