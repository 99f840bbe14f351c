"""A fetched page, and its bytes as text whatever the server says about them."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from sync_assets.watchlist.providers.models import PageState

_HEAD_BYTES = 2_048
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED = re.compile(
    rb"<meta[^>]+charset\s*=\s*[\"']?([\w.:-]+)|<\?xml[^>]+encoding\s*=\s*[\"']([\w.:-]+)",
    re.IGNORECASE,
)
_BYTE_ORDER_MARKS: Sequence[tuple[bytes, str]] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "iso-8859-1": "cp1252"}
_KANA = re.compile(r"[\u3041-\u30ff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_LEAST_SHARE_OF_KANA = 0.2


@dataclass(frozen=True)
class Page:
    """An answer.

    Attributes:
        url: Where it came from in the end.
        content: Its bytes, not compressed.
        content_type: The header Content-Type.
        state: What to ask with next time.
        is_unchanged: Whether the server says that the page is what it was; then it has no content.
    """

    url: str
    content: bytes = b""
    content_type: str = ""
    state: PageState = field(default_factory=PageState)
    is_unchanged: bool = False

    @cached_property
    def text(self) -> str:
        """The content as text."""
        return decoded(self.content, self.content_type)


def absolute_url(base: str, address: object) -> str | None:
    """Return what a page links to as a whole address; None where that is no address of the web.

    Args:
        base: The page's own address.
        address: What is written in the page.
    """
    text = str(address or "").strip()
    try:
        joined = urljoin(base, text)
        parts = urlsplit(joined)
        is_whole = bool(parts.hostname)
    except ValueError:
        return None
    return joined if text and is_whole and parts.scheme in ("http", "https") else None


def decoded(content: bytes, content_type: str = "") -> str:
    """Return bytes as text.

    A wrong declaration is common on old sites, so one that does not fit is not believed.

    Args:
        content: The bytes.
        content_type: The header Content-Type.
    """
    for encoding in _candidates(content, content_type):
        try:
            return content.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return _guessed(content)


def _candidates(content: bytes, content_type: str) -> Sequence[str]:
    marks = [name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)]
    header = _CHARSET.search(content_type)
    declared = _DECLARED.search(content[:_HEAD_BYTES])
    names = [header[1]] if header else []
    if declared:
        names.append((declared[1] or declared[2]).decode("ascii", "replace"))
    named = [_WIDER.get(name.lower(), name) for name in names]
    # What every byte fits proves nothing: UTF-8 is tried first.
    sure = [name for name in named if name.lower() not in ("cp1252", "latin-1", "latin1")]
    return [*marks, *sure, "utf-8"]


def _guessed(content: bytes) -> str:
    for encoding in ("cp932", "gb18030", "big5"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "cp932" or _is_japanese(text):
            return text
    return content.decode("cp1252", "replace")


def _is_japanese(text: str) -> bool:
    foreign = len(_NOT_ASCII.findall(text))
    return foreign > 0 and len(_KANA.findall(text)) / foreign >= _LEAST_SHARE_OF_KANA
