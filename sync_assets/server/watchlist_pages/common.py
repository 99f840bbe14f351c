"""What the pages of the watchlist share: their addresses, forms, and the answers to buttons."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from sync_assets.server.pages import fragment, see_other
from sync_assets.server.pages.sign_in import own_path

ADDRESS = "/watchlist"
ITEM = "/{item_id:int}"
EPISODE = "/{item_id:int}/episodes/{episode_id:int}"


def is_htmx(request: Request) -> bool:
    """Whether htmx asks for a part of a page; going back it asks for the whole one."""
    headers = request.headers
    is_going_back = headers.get("hx-history-restore-request") == "true"
    return headers.get("hx-request") == "true" and not is_going_back


async def read_form(request: Request) -> Mapping[str, str]:
    """Read the fields of a form; files are left out.

    Args:
        request: What was sent.
    """
    async with request.form() as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


async def back(request: Request, message: str, *, otherwise: str = ADDRESS) -> Response:
    """Lead back to the page whose button was pressed.

    Args:
        request: What the button sent; its field `back` is the page's path.
        message: What was done.
        otherwise: Where to go if the button does not say.
    """
    form = await read_form(request)
    return see_other(request, own_path(form.get("back") or otherwise), message)


def done(template: str, message: str, **values: Any) -> HTMLResponse:
    """Answer a button that htmx sent: the part that changed, and what was done.

    Args:
        template: The part.
        message: What was done.
        **values: What the part shows.
    """
    return fragment(template, done=message, **values)


def form_status(request: Request, errors: Mapping[str, str]) -> HTTPStatus:
    """Return the status of a page that shows a form: htmx shows no part of a failed answer.

    Args:
        request: What was sent.
        errors: What is wrong, by field.
    """
    return HTTPStatus.UNPROCESSABLE_ENTITY if errors and not is_htmx(request) else HTTPStatus.OK
