"""The files that pages load: each address holds a hash of its content, so browsers keep it.

What comes from others, unmodified, lies in `static/vendor`.
"""

import hashlib
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

_DIRECTORY = Path(__file__).parent / "static"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_DIGITS = 12

_DIGESTS = {
    path.relative_to(_DIRECTORY).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]
    for path in _DIRECTORY.rglob("*")
    if path.suffix in _MEDIA_TYPES
}

router = APIRouter(include_in_schema=False)


def static_address(name: str) -> str:
    """Return the address of a file.

    Args:
        name: Its path within `static`.

    Returns:
        The path to link to; it changes with the content.
    """
    return f"/static/{_DIGESTS[name]}/{name}"


@router.get("/static/{digest}/{name:path}")
async def static_file(digest: str, name: str) -> FileResponse:
    """Serve a file; only the ones that were there at the start."""
    if _DIGESTS.get(name) != digest:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    path = _DIRECTORY / name
    return FileResponse(
        path,
        media_type=_MEDIA_TYPES[path.suffix],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
