"""A strip of small pictures for the metadata of a materialization."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

HEIGHT = 96
_LONGEST_SIDE = 240
_QUALITY = 70


def picture_strip(paths: Sequence[str]) -> str:
    """Return Markdown that shows pictures side by side, without any address outside itself.

    Args:
        paths: The pictures; one that cannot be read is left out.
    """
    return " ".join(
        f"![]({encoded})" for path in paths if (encoded := _thumbnail(Path(path))) is not None
    )


def _thumbnail(path: Path) -> str | None:
    try:
        with Image.open(path) as image:
            image.draft("RGB", (_LONGEST_SIDE, HEIGHT))
            small = ImageOps.exif_transpose(image).convert("RGB")
            small.thumbnail((_LONGEST_SIDE, HEIGHT))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
