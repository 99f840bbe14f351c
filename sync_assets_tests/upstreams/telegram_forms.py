"""How the Bot API reads requests: forms with files, and HTML entities of captions."""

import json
import re
from html.parser import HTMLParser
from urllib.parse import parse_qsl

from sync_assets_tests.upstreams.sockets import Received

# fmt: off
_TAGS = frozenset({
    "a", "b", "blockquote", "code", "del", "em", "i", "ins", "pre", "s", "span", "strike",
    "strong", "tg-emoji", "tg-spoiler", "u",
})
# fmt: on


class EntityError(Exception):
    """Text that is no HTML as Telegram knows it."""


def parse_form(request: Received) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the text fields and the files of a request."""
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        return {name: str(value) for name, value in json.loads(request.body).items()}, {}
    if not content_type.startswith("multipart/form-data"):
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True)), {}
    boundary = b"\r\n--" + content_type.partition("boundary=")[2].strip('"').encode()
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in (b"\r\n" + request.body).split(boundary)[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        match = re.search(rb'name="([^"]*)"', head)
        name = match.group(1).decode() if match else ""
        if b"filename=" in head:
            files[name] = body
        else:
            fields[name] = body.decode()
    return fields, files


def visible_text(text: str) -> str:
    """Return what a reader sees of a text in Telegram's HTML."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if reader.open:
        raise EntityError(f"can't find end tag corresponding to start tag {reader.open[-1]!r}")
    return "".join(reader.text).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _TAGS:
            raise EntityError(f"unsupported start tag {tag!r}")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise EntityError(f"unexpected end tag {tag!r}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)
