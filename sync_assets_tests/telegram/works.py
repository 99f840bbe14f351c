"""Works to post, with pictures that differ in every page."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from sync_assets.ledger import Ledger
from sync_assets.telegram.models import Media, MediaKind, Work
from sync_assets.telegram.outbox import enqueue


def make_work(work_id: str = "100", **fields: Any) -> Work:
    """Make a work; `fields` replace its usual ones."""
    usual: dict[str, Any] = {
        "title": "A title",
        "author": "Alice",
        "author_id": "7",
        "url": f"https://www.pixiv.net/artworks/{work_id}",
        "tags": ("cat", "original"),
        "rating": "",
        "is_ai": False,
    }
    return Work(source="pixiv", work_id=work_id, **{**usual, **fields})


def write_file(path: Path, data: bytes, *, page: int = 0, kind=MediaKind.PHOTO) -> Media:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Media(page, path, hashlib.sha256(data).hexdigest(), kind)


def write_picture(
    path: Path, *, page: int = 0, sides: tuple[int, int] = (40, 30), mode: str = "RGB"
) -> Media:
    """Write a picture of one colour, whose comment makes it unlike all others."""
    buffer = io.BytesIO()
    Image.new(mode, sides).save(buffer, "PNG")
    return write_file(path, buffer.getvalue() + str(path).encode(), page=page)


def write_pages(directory: Path, work_id: str, count: int) -> list[Media]:
    """Write a work's pages."""
    return [write_picture(directory / f"{work_id}_{n}.png", page=n) for n in range(count)]


def queue_work(
    ledger: Ledger, media: Sequence[Media], *chat_ids: str, work: Work | None = None
) -> int:
    """Queue a work's media for chats, or for chat 1."""
    with ledger.write() as connection:
        return enqueue(
            connection,
            partition="alice",
            work=work or make_work(),
            media=media,
            chat_ids=chat_ids or ("1",),
        )
