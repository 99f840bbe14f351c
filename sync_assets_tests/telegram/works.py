"""Works to post."""

from typing import Any

from sync_assets.telegram.models import Work


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
