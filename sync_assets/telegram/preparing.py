"""Make a file what Telegram takes: a legal photo, a document, or nothing but a link.

Limits: https://core.telegram.org/bots/api#sendphoto and #senddocument.
"""

import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sync_assets.errors import SyncError
from sync_assets.telegram.client import Attachment
from sync_assets.telegram.models import Fallback, MediaKind

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAXIMUM_UPLOAD_BYTES = 50_000_000
MAXIMUM_PHOTO_BYTES = 10_000_000
MAXIMUM_PHOTO_SIDES = 10_000
MAXIMUM_PHOTO_RATIO = 20
_QUALITIES = (92, 85, 75, 60)

_logger = logging.getLogger(__name__)


class MediaMissingError(SyncError):
    """The file is not there, or cannot be read."""


def prepare(
    path: Path, kind: MediaKind, *, fallback: Fallback | None, document_fallback: bool
) -> Attachment | None:
    """Decide how a file is sent, and shrink it where that is needed.

    Args:
        path: The file.
        kind: What it is.
        fallback: What Telegram's refusals left of the ways to send it.
        document_fallback: Whether a picture that is no legal photo goes as a document; else it
            is made smaller.

    Returns:
        What to send; None where it is too large, so that only a link can be sent.

    Raises:
        MediaMissingError: It cannot be read.
    """
    try:
        size = path.stat().st_size
        if fallback is Fallback.LINK or size > MAXIMUM_UPLOAD_BYTES:
            return None
        if fallback is Fallback.DOCUMENT or kind is not MediaKind.PHOTO:
            sent_as = MediaKind.DOCUMENT if fallback is Fallback.DOCUMENT else kind
            return Attachment(sent_as, path.name, path, size_bytes=size)
        return _photo(path, size, document_fallback=document_fallback)
    except OSError as error:
        raise MediaMissingError(
            f"The file {path} cannot be read: {error.strerror or error}.",
            remedy="Put it back or mount its drive; then scripts/telegram-posts retry sends it.",
        ) from error


def _photo(path: Path, size: int, *, document_fallback: bool) -> Attachment:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - needed only to send

    document = Attachment(MediaKind.DOCUMENT, path.name, path, size_bytes=size)
    try:
        with Image.open(path) as picture:
            if _is_legal(picture.size) and size <= MAXIMUM_PHOTO_BYTES:
                return Attachment(MediaKind.PHOTO, path.name, path, size_bytes=size)
            if document_fallback or not _can_be_legal(picture.size):
                return document
            smaller = _smaller(picture)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        _logger.warning("%s is sent as a document: %s", path, error)
        return document
    if smaller is None:
        return document
    return Attachment(MediaKind.PHOTO, f"{path.stem}.jpg", smaller, size_bytes=len(smaller))


def _is_legal(sides: tuple[int, int]) -> bool:
    return sum(sides) <= MAXIMUM_PHOTO_SIDES and _can_be_legal(sides)


def _can_be_legal(sides: tuple[int, int]) -> bool:
    """Tell whether the sides' ratio is legal, which no shrinking changes."""
    return max(sides) <= MAXIMUM_PHOTO_RATIO * min(sides)


def _smaller(picture: "Picture") -> bytes | None:
    """Return a legal copy as JPEG; None where even the poorest one is too large."""
    from PIL import Image  # noqa: PLC0415 - see `_photo`

    # One pixel to spare on each side: both are rounded.
    scale = min(1.0, (MAXIMUM_PHOTO_SIDES - 2) / sum(picture.size))
    sides = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    if not _is_legal(sides):
        return None
    reduced = _opaque(picture).resize(sides, Image.Resampling.LANCZOS)
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        reduced.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= MAXIMUM_PHOTO_BYTES:
            return buffer.getvalue()
    return None


def _opaque(picture: "Picture") -> "Picture":
    """Return the picture in RGB; transparent parts become white, as viewers show them."""
    from PIL import Image  # noqa: PLC0415 - see `_photo`

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    background = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(background, layer).convert("RGB")
