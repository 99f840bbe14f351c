"""Captions: a template filled with a work, never longer than Telegram takes.

Telegram counts UTF-16 units of what a reader sees, after tags and entities are read.
https://core.telegram.org/bots/api#html-style
"""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from string import Formatter

import regex

from sync_assets.telegram.models import Work

_ELLIPSIS = "…"


def render_caption(template: str, work: Work, *, maximum_length: int, include_tags: bool) -> str:
    """Fill a template.

    What is too long loses its last tags first, then the end of the title, then of the author,
    and at last its own end.

    Args:
        template: Telegram's HTML with fields, as `settings.caption_templates` allows it.
        work: What fills the fields.
        maximum_length: In UTF-16 units of what a reader sees.
        include_tags: Whether `{tags}` is filled.

    Returns:
        HTML with every tag closed.
    """
    work = work if include_tags else replace(work, tags=())
    caption = _fill(template, work)
    while (surplus := visible_length(caption) - maximum_length) > 0 and work.tags:
        kept = _tags_without(work.tags, surplus)
        work = replace(work, tags=kept)
        caption = _fill(template, work)
    for name in ("title", "author"):
        surplus = visible_length(caption) - maximum_length
        if surplus > 0:
            text = getattr(work, name)
            shorter = _shortened(text, utf16_length(text) - surplus)
            work = replace(work, **{name: shorter})
            caption = _fill(template, work)
    if visible_length(caption) > maximum_length:
        cutter = _Cutter(maximum_length)
        cutter.feed(caption)
        cutter.close()
        caption = cutter.result()
    return caption


def utf16_length(text: str) -> int:
    """Return how many UTF-16 units a text has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def visible_length(caption: str) -> int:
    """Return the length of an HTML caption as Telegram counts it."""
    return utf16_length(html.unescape(re.sub(r"<[^>]*>", "", caption)))


def _fill(template: str, work: Work) -> str:
    fields = {
        "title": work.title,
        "author": work.author,
        "author_id": work.author_id,
        "work_id": work.work_id,
        "url": work.url,
        "tags": " ".join(dict.fromkeys(_hashtag(tag) for tag in work.tags)).strip(),
        "rating": work.rating,
        "ai": "AI" if work.is_ai else "",
    }
    safe = {name: html.escape(value) for name, value in fields.items()}
    lines = []
    for line in template.split("\n"):
        names = [name for _, name, _, _ in Formatter().parse(line) if name]
        if names and not any(safe[name] for name in names):
            continue
        lines.append(line.format_map(safe).strip())
    return "\n".join(lines).strip()


def _hashtag(tag: str) -> str:
    # A hashtag ends at anything but letters, digits and underscores.
    word = re.sub(r"\W+", "_", tag).strip("_")
    return f"#{word}" if word else ""


def _tags_without(tags: tuple[str, ...], surplus: int) -> tuple[str, ...]:
    """Drop the last tags, until as many units are gone as are too many."""
    kept = list(tags)
    while kept and surplus > 0:
        surplus -= utf16_length(_hashtag(kept.pop())) + 1
    return tuple(kept)


def _shortened(text: str, length: int) -> str:
    """Cut a text between two graphemes, with an ellipsis where there is room for one."""
    if length < 1:
        return ""
    kept: list[str] = []
    room = length - utf16_length(_ELLIPSIS)
    for grapheme in regex.findall(r"\X", text):
        room -= utf16_length(grapheme)
        if room < 0:
            return "".join(kept).rstrip() + _ELLIPSIS
        kept.append(grapheme)
    return text


class _Cutter(HTMLParser):
    """Copies HTML until the limit is reached, then closes what is open."""

    def __init__(self, maximum_length: int) -> None:
        super().__init__(convert_charrefs=True)
        self._room = maximum_length
        self._full = False
        self._open: list[str] = []
        self._parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if not self._full:
            self._open.append(tag)
            self._parts.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if not self._full:
            self._open.pop()
            self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._full:
            return
        length = utf16_length(data)
        if length > self._room:
            data = _shortened(data, self._room)
            self._full = True
        self._room -= length
        self._parts.append(html.escape(data))

    def result(self) -> str:
        closing = [f"</{tag}>" for tag in reversed(self._open)]
        return "".join([*self._parts, *closing])
