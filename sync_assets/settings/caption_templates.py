"""Which caption templates are valid: known fields, and HTML as Telegram reads it."""

from html.parser import HTMLParser
from string import Formatter

CAPTION_FIELDS = ("title", "author", "author_id", "work_id", "url", "tags", "rating", "ai")
DEFAULT_TEMPLATE = "<b>{title}</b>\n{author}\n{rating} {ai}\n{tags}\n{url}"
# https://core.telegram.org/bots/api#html-style
# fmt: off
_TAGS = frozenset({
    "a", "b", "blockquote", "code", "del", "em", "i", "ins", "pre", "s", "span", "strike",
    "strong", "tg-emoji", "tg-spoiler", "u",
})
# fmt: on


def valid_caption_template(template: str) -> str:
    """Make sure that a template makes captions that Telegram takes.

    Args:
        template: The template.

    Returns:
        The same template.

    Raises:
        ValueError: It has an unknown field or tag, or a brace or tag that is not closed.
    """
    allowed = ", ".join(f"{{{name}}}" for name in CAPTION_FIELDS)
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        message = f"has a brace too many or too few ({error}); write {{{{ for {{"
        raise ValueError(message) from None
    for _, name, specification, conversion in parts:
        if name is not None and (name not in CAPTION_FIELDS or specification or conversion):
            message = f"has the unknown field {{{name}}}; allowed are {allowed}"
            raise ValueError(message)
    checker = _TagChecker()
    checker.feed(template)
    checker.close()
    if checker.open_tags:
        message = f"does not close <{checker.open_tags[-1]}>"
        raise ValueError(message)
    return template


class _TagChecker(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag not in _TAGS:
            message = f"has <{tag}>, which Telegram does not know; write &lt; for <"
            raise ValueError(message)
        self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open_tags or self.open_tags.pop() != tag:
            message = f"closes <{tag}> where it is not open"
            raise ValueError(message)
