"""The terms of the Telegram domain: works, their media, and what becomes of a post."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self


class MediaKind(StrEnum):
    """What a file is, and so which method of the Bot API sends it."""

    PHOTO = "photo"
    ANIMATION = "animation"
    VIDEO = "video"
    DOCUMENT = "document"


class PostState(StrEnum):
    """How far a post is.

    `unknown`: Telegram's answer was lost, so that the message may or may not be there.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Fallback(StrEnum):
    """How a post is sent after Telegram refused it in its usual form.

    `alone`: not in an album. `document`: the original as a file. `link`: a text with the address.
    """

    ALONE = "alone"
    DOCUMENT = "document"
    LINK = "link"


@dataclass(frozen=True)
class Work:
    """What a caption can say about a work; every text may hold any Unicode.

    Attributes:
        source: Where it comes from, such as `pixiv`.
        work_id: Its id there.
        title: Its title.
        author: Its author's name.
        author_id: Its author's id.
        url: Its page.
        tags: Its tags, the most telling first.
        rating: Its age rating, such as `R-18`; empty where there is none.
        is_ai: Whether it was made with AI.
    """

    source: str
    work_id: str
    title: str
    author: str
    author_id: str
    url: str
    tags: tuple[str, ...]
    rating: str
    is_ai: bool

    def as_json(self) -> dict[str, Any]:
        """Return its fields as JSON knows them, without what no database or message takes."""
        fields = asdict(self)
        texts = {name: _clean(value) for name, value in fields.items() if isinstance(value, str)}
        return {**fields, **texts, "tags": [_clean(tag) for tag in self.tags]}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Make a work from what `as_json` returned."""
        values: dict[str, Any] = {**fields, "tags": tuple(fields["tags"])}
        return cls(**values)


@dataclass(frozen=True)
class Media:
    """One file of a work.

    Attributes:
        page: Its page, from 0.
        path: Where it is, absolute.
        content_sha256: The hash of its content, in hexadecimal.
        kind: What it is.
    """

    page: int
    path: Path
    content_sha256: str
    kind: MediaKind


def _clean(text: str) -> str:
    """Join surrogate pairs, and remove what UTF-8 (lone surrogates) or PostgreSQL (NUL) refuses."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", "")
