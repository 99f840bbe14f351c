"""Read values out of scripts in pages: without running them, and without being fooled by text."""

import json
import re
from collections.abc import Iterator

_SCRIPT = re.compile(r"<script\b[^<>]*>(.*?)(?:</script|\Z)", re.DOTALL | re.IGNORECASE)
_COMMENT_OR_STRING = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`",
    re.DOTALL,
)
_ARGUMENTS = r"(?:[^()'\"]|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')*"
_ARGUMENT = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|([^\s,()]+)")
_ESCAPED = re.compile(r"\\(.)")
_ELEMENT = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|([^,\[\]'\"]*))\s*(,|\])")


def scripts_of(text: str) -> str:
    """Return the scripts of a page without their comments; a text without any is one itself."""
    scripts = _SCRIPT.findall(text) if "<script" in text.lower() else [text]
    return without_comments("\n".join(scripts))


def without_comments(script: str) -> str:
    """Return a script without its comments; slashes in strings, as in addresses, are none."""
    return _COMMENT_OR_STRING.sub(
        lambda found: " " if found[0].startswith(("//", "/*")) else found[0], script
    )


def calls(script: str, *names: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Find calls with literal arguments.

    Args:
        script: A script without comments.
        names: The functions.

    Yields:
        The name of the function and its arguments.
    """
    functions = "|".join(map(re.escape, names))
    pattern = re.compile(rf"\b({functions})\s*\(({_ARGUMENTS})\)")
    for found in pattern.finditer(script):
        arguments = tuple(_text(*each) for each in _ARGUMENT.findall(found[2]))
        yield found[1], arguments


def array(script: str, start: int) -> list[str | None] | None:
    """Read an array of strings, holes included.

    Args:
        script: A script without comments.
        start: Where its opening bracket is.

    Returns:
        Its elements; None for `null`, for an empty string and for nothing between two commas.
        None altogether where the array does not end.
    """
    elements: list[str | None] = []
    position = start + 1
    while found := _ELEMENT.match(script, position):
        text = _text(found[1] or "", found[2] or "", "")
        is_last = found[4] == "]"
        # A comma at the end begins no further element.
        if not (is_last and not text and found[3] is not None and not found[3].strip()):
            elements.append(text or None)
        if is_last:
            return elements
        position = found.end()
    return None


def json_value(script: str, start: int) -> object | None:
    """Read a JSON value that begins somewhere in a script; None where there is none."""
    try:
        value, _ = json.JSONDecoder().raw_decode(script, start)
    except (ValueError, RecursionError):
        return None
    return value


def _text(double: str, single: str, bare: str) -> str:
    return bare or _ESCAPED.sub(r"\1", double or single)
