"""Fill a template; serve the one style sheet."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import FileResponse, HTMLResponse

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

router = APIRouter(include_in_schema=False)


@router.get("/pages/style.css")
async def style() -> FileResponse:
    """Serve the style sheet of all pages."""
    return FileResponse(
        _HERE / "static" / "style.css",
        media_type="text/css",
        headers={"Cache-Control": "max-age=3600"},
    )


def page(
    template: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    refresh_seconds: int | None = None,
    **values: Any,
) -> HTMLResponse:
    """Render a page.

    Args:
        template: A file of `templates/` that extends `base.html`.
        status: The answer's status.
        refresh_seconds: Load the page again after so many seconds.
        **values: What the template shows; all text is escaped.

    Returns:
        The answer. It is not kept by browsers, and loads nothing from elsewhere.
    """
    content = _TEMPLATES.get_template(template).render(refresh_seconds=refresh_seconds, **values)
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
    }
    return HTMLResponse(content, status, headers)
