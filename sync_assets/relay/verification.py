"""Whether a downloaded file is what was wanted: its size, its checksum, and what it looks like.

aria2 calls a login page with status 200 complete, and a foreign file of the right size too.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from sync_assets.errors import SyncError
from sync_assets.relay.growing_file import HEAD_BYTES, GrowingFile
from sync_assets.relay.models import Reason, ReasonCode
from sync_assets.relay.verified_files import Fingerprint

_LARGEST_ERROR_BYTES = 65_536
_TEXT_SUFFIXES = frozenset(
    [".html", ".htm", ".xhtml", ".xml", ".svg", ".json", ".txt", ".md", ".csv", ".js", ".css"]
)
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/xhtml", "image/svg")
_HTML_BEGINNINGS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")
_MAGIC = (
    (0, b"\xff\xd8\xff", "image"),
    (0, b"\x89PNG\r\n", "image"),
    (0, b"GIF8", "image"),
    (8, b"WEBP", "image"),
    (8, b"AVI ", "video"),
    (0, b"FLV\x01", "video"),
    (0, b"fLaC", "audio"),
    (0, b"ID3", "audio"),
    (8, b"WAVE", "audio"),
    (0, b"PK\x03\x04", "archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "archive"),
    (0, b"Rar!\x1a\x07", "archive"),
    (0, b"%PDF-", "document"),
    (0, b"\x7fELF", "program"),
    (0, b"MZ", "program"),
)
"""Offset and bytes by which a file is known; containers of several kinds are left out."""


class VerificationError(SyncError):
    """The file is not what was wanted.

    Attributes:
        reason: The same, for the ledger.
    """

    def __init__(self, code: ReasonCode, message: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.reason = Reason(code, f"{message} {remedy}")


@dataclass(frozen=True)
class Expected:
    """What is known of a file beforehand; None for what is not.

    Attributes:
        size_bytes: Its size as its sender declared it.
        reported_bytes: Its size as the origin told aria2.
        checksum: Its SHA-256 as `sha-256=…`.
        mime: Its type as its sender declared it.
    """

    size_bytes: int | None = None
    reported_bytes: int | None = None
    checksum: str | None = None
    mime: str | None = None


@dataclass(frozen=True)
class Verified:
    """A file that is what was wanted.

    Attributes:
        size_bytes: Its size.
        checksum: Its SHA-256 as `sha-256=…`.
        fingerprint: Tells later whether it was changed; None where it may have been meanwhile.
    """

    size_bytes: int
    checksum: str
    fingerprint: Fingerprint | None


def verify(path: Path, expected: Expected, begun: GrowingFile | None = None) -> Verified:
    """Read a file once, and compare it with all that is known; afterwards it is on the disk.

    Args:
        path: The file.
        expected: What is known of it.
        begun: The same file, as far as it was read while it was written; not used where the path
            is another file's meanwhile.

    Returns:
        Its size and checksum.

    Raises:
        VerificationError: It is something else.
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    _require_size(size, expected)
    with begun if begun is not None and begun.is_at(path) else GrowingFile(path) as file:
        was_read = file.read_bytes > 0
        before = file.fingerprint()
        would_tell = before.is_settled() and not was_read
        # What is there of it was perhaps only its first bytes then.
        while file.read_bytes < min(size, HEAD_BYTES) and file.read_on(HEAD_BYTES):
            pass
        _require_content(file.head, path, size, expected.mime)
        # What the ledger calls completed survives a power loss.
        checksum = f"sha-256={file.finish()}"
        if file.read_bytes != size:
            raise _wrong_size(file.read_bytes, size)
    if expected.checksum is not None and checksum != expected.checksum.lower():
        raise VerificationError(
            ReasonCode.WRONG_CHECKSUM,
            "The file's checksum is not the expected one.",
            "It is fetched again; if that does not help, look at its origin.",
        )
    is_untouched = would_tell and Fingerprint.at(path) == before
    return Verified(size, checksum, before if is_untouched else None)


def _require_size(size: int, expected: Expected) -> None:
    for wanted in (expected.size_bytes, expected.reported_bytes):
        if wanted and size != wanted:
            raise _wrong_size(size, wanted)
    if size == 0 and expected.size_bytes != 0:
        raise VerificationError(
            ReasonCode.WRONG_SIZE, "The file is empty.", "Look at its origin, then retry."
        )


def _wrong_size(size: int, wanted: int) -> VerificationError:
    return VerificationError(
        ReasonCode.WRONG_SIZE,
        f"The file has {size} bytes instead of {wanted}.",
        "It is fetched again; if that does not help, look at its origin.",
    )


def detected_kind(head: bytes) -> str | None:
    """Tell what a file is by its first bytes; None where they do not tell.

    Args:
        head: At least its first 16 bytes, if it has so many.

    Returns:
        `image`, `video`, `audio`, `archive`, `document`, `program`, `html` or None.
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_HTML_BEGINNINGS) or (text.startswith(b"<?xml") and b"<html" in text):
        return "html"
    return next((kind for at, magic, kind in _MAGIC if head[at:].startswith(magic)), None)


def _require_content(head: bytes, path: Path, size: int, mime: str | None) -> None:
    declared = (mime or "").lower()
    if declared.startswith(_TEXT_TYPES) or path.suffix.lower() in _TEXT_SUFFIXES:
        return
    kind = detected_kind(head)
    if kind == "html" or _is_json_error(path, head, size):
        what = "a web page" if kind == "html" else "an error message"
        raise VerificationError(
            ReasonCode.WRONG_CONTENT,
            f"The origin sent {what} instead of the file.",
            "The link may have expired or need a login: send a fresh one.",
        )
    family = declared.partition("/")[0]
    if family in ("image", "video", "audio") and kind not in (None, family):
        raise VerificationError(
            ReasonCode.WRONG_CONTENT,
            f"The file was declared as {declared}, but is of the kind {kind}.",
            "Look at its origin; retry it if the declaration was wrong.",
        )


def _is_json_error(path: Path, head: bytes, size: int) -> bool:
    if size > _LARGEST_ERROR_BYTES or not head.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except ValueError:
        return False
