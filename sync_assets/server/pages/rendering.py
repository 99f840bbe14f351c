"""Fill the templates: whole pages, and the parts of one that htmx asks for."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse

from sync_assets.ledger.types import utc_now
from sync_assets.server.context import context_of
from sync_assets.server.pages.static_files import static_address

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    # With `no-referrer` browsers would leave the origin out of what our own forms send.
    "Referrer-Policy": "same-origin",
}

_MESSAGE_COOKIE = "sync_message"
_MESSAGE_LIFETIME = timedelta(minutes=1)

_HTMX_CONFIG = {
    # Both would need exceptions from the content security policy.
    "allowEval": False,
    "includeIndicatorStyles": False,
    # Pages hold private things: htmx would keep them in the browser's storage.
    "historyCacheSize": 0,
    # An error answers with a message, whatever was to be replaced.
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        {
            "code": "[45]..",
            "swap": True,
            "error": True,
            "target": "#messages",
            "swapOverride": "innerHTML",
        },
    ],
}


_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def ago(moment: datetime) -> str:
    """Say how long ago a moment was, in its largest unit.

    Args:
        moment: UTC.
    """
    seconds = max(0, int((utc_now() - moment).total_seconds()))
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def ahead(moment: datetime) -> str:
    """Say how far away a moment is that is to come, in its largest unit.

    Args:
        moment: UTC.
    """
    seconds = int((moment - utc_now()).total_seconds())
    for size, unit in _UNITS:
        if seconds >= size:
            return f"in {round(seconds / size)} {unit}"
    return "now"


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"ago": ago, "ahead": ahead}
_GLOBALS = {"static_address": static_address, "htmx_config": json.dumps(_HTMX_CONFIG)}


def page(
    request: Request,
    template: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    refresh_seconds: int | None = None,
    **values: Any,
) -> HTMLResponse:
    """Render a page.

    Args:
        request: What it answers; the header shows who is signed in and where.
        template: A file of `templates/` that extends `base.html`.
        status: The answer's status.
        refresh_seconds: Load the page again after so many seconds.
        **values: What the template shows; all text is escaped.

    Returns:
        The answer. It is not kept by browsers, and loads nothing from elsewhere.
    """
    sealed = request.cookies.get(_MESSAGE_COOKIE, "")
    message = (
        context_of(request).cookies.open(_MESSAGE_COOKIE, sealed, _MESSAGE_LIFETIME)
        if sealed
        else None
    )
    frame = {
        "current_path": request.url.path,
        "message_once": message,
        "navigation": request.app.state.navigation,
        "page_user": getattr(request.state, "page_user", None),
        "refresh_seconds": refresh_seconds,
    }
    response = _render(template, status, frame | values)
    if sealed:
        response.delete_cookie(_MESSAGE_COOKIE)
    return response


def fragment(template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> HTMLResponse:
    """Render a part of a page, for a request of htmx.

    Args:
        template: A file of `templates/` that extends nothing.
        status: The answer's status.
        **values: What the template shows; all text is escaped.

    Returns:
        The answer.
    """
    return _render(template, status, values)


def see_other(request: Request, path: str, message: str = "") -> RedirectResponse:
    """Lead to another page after a form was sent.

    Args:
        request: What was sent.
        path: A path of this server.
        message: What that page shows, once.

    Returns:
        The answer.
    """
    response = RedirectResponse(path, HTTPStatus.SEE_OTHER)
    if message:
        response.set_cookie(
            _MESSAGE_COOKIE,
            context_of(request).cookies.seal(_MESSAGE_COOKIE, message),
            max_age=int(_MESSAGE_LIFETIME.total_seconds()),
            httponly=True,
            samesite="lax",
        )
    return response


def _render(template: str, status: HTTPStatus, values: Mapping[str, Any]) -> HTMLResponse:
    content = _TEMPLATES.get_template(template, globals=_GLOBALS).render(values)
    return HTMLResponse(content, status, _HEADERS)
