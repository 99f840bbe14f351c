"""Texts that every database can store, whoever wrote them."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL has no NUL; half of a surrogate pair is no character and has no encoding."""


def is_storable(text: str) -> bool:
    """Whether every database can store a text as it is.

    Args:
        text: The text.
    """
    return _UNSTORABLE.search(text) is None


def storable(text: str, *, longest: int) -> str:
    """Return a provider's text as every database can store it.

    Args:
        text: What the provider wrote.
        longest: The most characters that are kept.
    """
    return _UNSTORABLE.sub("", text)[:longest].strip()
