"""Works as the app API describes them, with files that have real content and decode."""

import io
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from PIL import Image

IMAGES = "https://i.pximg.net"
LIMITED = "https://s.pximg.net/common/images/limit_{}_360.png"
JAPAN = timezone(timedelta(hours=9))


@lru_cache(maxsize=4_096)
def image_bytes(seed: int, extension: str, size: tuple[int, int] = (8, 8)) -> bytes:
    """Make an image whose content depends on the seed."""
    image = Image.effect_noise(size, 64) if size[0] > 64 else Image.new("L", size)
    image = image.convert("RGB")
    image.putpixel((0, 0), (seed & 255, seed >> 8 & 255, seed >> 16 & 255))
    image.putpixel((1, 0), (seed >> 24 & 255, 128, 7))
    buffer = io.BytesIO()
    formats = {"jpg": "JPEG", "png": "PNG", "gif": "GIF"}
    image.save(buffer, formats[extension], **({"comment": str(seed)} if extension != "png" else {}))
    return buffer.getvalue()


@lru_cache(maxsize=64)
def ugoira_bytes(seed: int, frames: int) -> bytes:
    """Make a zip of frames, as the image host has it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(frames):
            image = Image.new("RGB", (33, 21), (seed % 256, number * 40 % 256, 128))
            frame = io.BytesIO()
            image.save(frame, "JPEG")
            archive.writestr(f"{number:06}.jpg", frame.getvalue())
    return buffer.getvalue()


@dataclass
class Work:
    """A work. `limit`: the placeholder that stands for its image; `delays`: of an ugoira."""

    id: int
    pages: int = 1
    title: str = ""
    caption: str = ""
    kind: str = "illust"
    tags: tuple[str, ...] = ("風景", "original")
    user_id: int = 11
    x_restrict: int = 0
    ai_type: int = 1
    limit: str | None = None
    extension: str = "png"
    size: tuple[int, int] = (8, 8)
    delays: tuple[int, ...] = ()
    bookmark_tags: tuple[str, ...] = ()
    uploaded_at: datetime = datetime(2024, 5, 1, 12, tzinfo=UTC)
    series: dict[str, Any] | None = None
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        return f"{self.uploaded_at.astimezone(JAPAN):%Y/%m/%d/%H/%M/%S}"

    def page_url(self, page: int) -> str:
        return f"{IMAGES}/img-original/img/{self.folder}/{self.id}_p{page}.{self.extension}"

    def small_url(self, page: int) -> str:
        return f"{IMAGES}/img-master/img/{self.folder}/{self.id}_p{page}_master1200.jpg"

    def zip_url(self, size: str) -> str:
        return f"{IMAGES}/img-zip-ugoira/img/{self.folder}/{self.id}_ugoira{size}.zip"

    def seed(self, page: int) -> int:
        return (self.id * 1_000 + page + int(self.uploaded_at.timestamp()) * 7) % (1 << 31)

    def files(self) -> dict[str, bytes]:
        """Return the content of each address of the work at the image host."""
        if self.limit is not None:
            return {}
        if self.kind == "ugoira":
            content = ugoira_bytes(self.id % 251, len(self.delays))
            return {self.zip_url("1920x1080"): content, self.zip_url("600x600"): content}
        found = {}
        for page in range(self.pages):
            original = image_bytes(self.seed(page), self.extension, self.size)
            found[self.page_url(page)] = original
            found[self.small_url(page)] = image_bytes(self.seed(page) + 1, "jpg")
        return found

    def json(self) -> dict[str, Any]:
        """Return the work as `illust` of the app API."""
        pages, single = [], {}
        if self.limit is not None:
            single = {"original_image_url": LIMITED.format(self.limit)}
        elif self.kind == "ugoira":
            original = f"{IMAGES}/img-original/img/{self.folder}/{self.id}_ugoira0.jpg"
            single = {"original_image_url": original}
        elif self.pages == 1:
            single = {"original_image_url": self.page_url(0)}
        else:
            pages = [
                {"image_urls": {"original": self.page_url(page), "large": self.small_url(page)}}
                for page in range(self.pages)
            ]
        return {
            "id": self.id,
            "title": self.title or f"作品 {self.id}",
            "type": self.kind,
            "image_urls": {"large": self.small_url(0)},
            "caption": self.caption,
            "restrict": 0,
            "user": {
                "id": self.user_id,
                "name": f"絵師 {self.user_id}",
                "account": f"artist{self.user_id}",
                "profile_image_urls": {},
                "is_followed": False,
            },
            "tags": [{"name": tag, "translated_name": None} for tag in self.tags],
            "tools": [],
            "create_date": self.uploaded_at.astimezone(JAPAN).isoformat(),
            "page_count": self.pages,
            "width": self.size[0],
            "height": self.size[1],
            "sanity_level": 2,
            "x_restrict": self.x_restrict,
            "series": self.series,
            "meta_single_page": single,
            "meta_pages": pages,
            "total_view": 100,
            "total_bookmarks": 10,
            "is_bookmarked": True,
            "visible": self.limit is None,
            "is_muted": False,
            "illust_ai_type": self.ai_type,
            "illust_book_style": 0,
            **self.overrides,
        }


def make_works(count: int, *, first_id: int = 1_000, **fields: Any) -> list[Work]:
    """Make plain works, newest bookmark first."""
    return [Work(first_id + number, **fields) for number in reversed(range(count))]
