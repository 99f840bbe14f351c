"""What the answers of OpenList, or AList 3, mean: their errors, their listings, their links."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync_assets.strm.models import Entry, EntryKind
from sync_assets.strm.sources.http_messages import (
    BAN_REMEDY,
    LARGEST_SIZE,
    Answer,
    DeniedError,
    TransientError,
    shown,
)
from sync_assets.strm.sources.pace import RefusedError

_TAG = re.compile(r"<[^>]*>")
_TOO_OFTEN = re.compile(r"\b429\b|too many requests|访问频率|操作频繁", re.IGNORECASE)
# What OpenList passes on in the message of a code 500 when the drive itself bans it.
_BANNED = re.compile(r"<!doctype|<html|\b429\b|too many requests|访问频率|操作频繁", re.IGNORECASE)
_MISSING = re.compile(r"not found|not exist", re.IGNORECASE)


class UnauthorizedError(Exception):
    """The token is not valid, or not valid any more."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one request for a directory gave.

    Attributes:
        entries: The entries.
        total: How many there are in the whole directory.
        may_lack_files: Whether this can be all that OpenList shows while the drive is down.
    """

    entries: list[Entry]
    total: int
    may_lack_files: bool


def json_of(answer: Answer) -> Mapping[str, Any]:
    """Read the object that every answer of the API is."""
    answer.raise_if_refused()
    answer.raise_if_web_page()
    if answer.status == 401:
        raise UnauthorizedError(f"HTTP {answer.status}")
    if answer.status != 200:
        raise TransientError(f"HTTP {answer.status}")
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise TransientError("the answer is not whole JSON") from error
    if not isinstance(content, Mapping) or "code" not in content:
        raise TransientError("the answer is not one of OpenList")
    return content


def data_of(answer: Answer) -> Any:
    """Return the data of an answer."""
    return checked(json_of(answer))


def checked(content: Mapping[str, Any]) -> Any:
    """Return the data of an answer's object, unless it is an error."""
    code, message = content["code"], shown(content.get("message"))
    if code == 200:
        return content.get("data")
    if code == 401:
        raise UnauthorizedError(message)
    if code == 429 or (code == 500 and _BANNED.search(message)):
        raise RefusedError(f"refuses requests: {message}", remedy=BAN_REMEDY)
    if code == 403 or (code == 500 and _MISSING.search(message)):
        raise DeniedError(f"OpenList says: {message}")
    raise TransientError(f"OpenList says: {message} (code {code})")


def judge_link(answer: Answer) -> None:
    """Raise where what a link leads to is not the file.

    OpenList shows its errors as a web page with HTTP 401 or 500; AList 3 as JSON with HTTP 200.
    """
    answer.raise_if_refused()
    text = shown(_TAG.sub(" ", answer.body.decode(errors="replace")))
    if answer.status == 401:
        raise UnauthorizedError(text)
    if answer.status == 200 and answer.content_type == "application/json":
        with suppress(ValueError, RecursionError):
            content = json.loads(answer.body)
            if isinstance(content, Mapping) and content.get("code") == 401:
                raise UnauthorizedError(shown(content.get("message")))
            if isinstance(content, Mapping) and "code" in content and "message" in content:
                raise DeniedError(f"OpenList says: {shown(content['message'])}")
    if answer.status >= 500:
        if _TOO_OFTEN.search(text):
            raise RefusedError(f"refuses requests: {text}", remedy=BAN_REMEDY)
        if _MISSING.search(text):
            raise DeniedError(f"OpenList says: {text}")
        raise TransientError(f"OpenList says: {text} (HTTP {answer.status})")


def page_of(data: Any) -> Page:
    """Read the data of a listing."""
    try:
        content = data["content"] or []
        entries = [_entry(item) for item in content]
        total = data["total"]
        # Where a path's own drive fails, OpenList shows the drives mounted below it, and no error.
        may_lack_files = any(item.get("mount_details") for item in content) and all(
            entry.kind is EntryKind.DIRECTORY for entry in entries
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise TransientError("the answer is not a listing") from error
    if not isinstance(total, int):
        raise TransientError("the answer does not say how many entries there are")
    return Page(entries, total, may_lack_files)


def _entry(item: Mapping[str, Any]) -> Entry:
    name = item["name"]
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            printable = name.encode("utf-8", "backslashreplace").decode()
            return Entry(printable, EntryKind.UNREADABLE, error="its name is not Unicode")
    if "\\" in name:
        error = "OpenList takes the backslash in its name for a slash, and cannot find it"
        return Entry(name, EntryKind.UNREADABLE, error=error)
    modified_at = _seconds(item.get("modified"))
    if item["is_dir"]:
        return Entry(name, EntryKind.DIRECTORY, None, modified_at)
    size, sign = item["size"], item.get("sign")
    if not (isinstance(size, int) and 0 <= size <= LARGEST_SIZE):
        size = None
    if not (sign and isinstance(sign, str) and sign.isascii()):
        sign = None
    return Entry(name, EntryKind.FILE, size, modified_at, None, sign)


def _seconds(text: str | None) -> float | None:
    """Read a time; None where OpenList has none, which it writes as the year 1."""
    if not text or text.startswith("0001-"):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
