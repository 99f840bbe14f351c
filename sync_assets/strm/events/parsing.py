"""What a storage event says: payloads of the inbox become changes with paths that can be trusted.

Pure parsing. A path that could lead out of a root is refused, with the reason; what cannot be
understood becomes a rescan of the smallest subtree that surely holds it. Which job a change
concerns is decided in `routing`, and what is true is seen only at the source.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from sync_assets.ledger.inbox import UNPARSED

MAXIMUM_PATH_BYTES = 4_096
EVERYTHING = "/"

_PATH_FIELD = re.compile(
    r'"(?:source_file|destination_file|path|destination)"\s*:\s*"(.*?)"\s*[,}\]]', re.DOTALL
)
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_MILLISECONDS_FROM = 100_000_000_000


class ChangeKind(StrEnum):
    """What a sender says has happened; `update` also stands for actions nobody knows."""

    CREATE = "create"
    DELETE = "delete"
    RENAME = "rename"
    UPDATE = "update"
    RESCAN = "rescan"


_KINDS = {
    **{kind: kind for kind in (ChangeKind.CREATE, ChangeKind.DELETE, ChangeKind.RENAME)},
    "created": ChangeKind.CREATE,
    "deleted": ChangeKind.DELETE,
    "removed": ChangeKind.DELETE,
    "remove": ChangeKind.DELETE,
    "move": ChangeKind.RENAME,
    "moved": ChangeKind.RENAME,
    "renamed": ChangeKind.RENAME,
    "rescan": ChangeKind.RESCAN,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a storage.

    Attributes:
        kind: What happened.
        path: Where, absolute, in the sender's terms.
        destination: Where it is now; for a rename.
        is_directory: Whether it is a directory; None where the sender does not say.
        occurred_at: When, where the sender says so.
    """

    kind: ChangeKind
    path: str
    destination: str | None = None
    is_directory: bool | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MountChange:
    """A drive was mounted or unmounted.

    Attributes:
        mount_point: Where.
        is_mounted: Which of both.
        occurred_at: When, where the sender says so.
    """

    mount_point: str
    is_mounted: bool
    occurred_at: datetime | None = None


@dataclass(slots=True)
class Parsed:
    """What one event says.

    Attributes:
        changes: What happened to files and directories, in order.
        mounts: What happened to drives.
        rejected: Why parts of it are refused.
    """

    changes: list[Change] = field(default_factory=list)
    mounts: list[MountChange] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


class UnusablePathError(ValueError):
    """A path that nothing may be done with."""


def is_known_form(payload: Mapping[str, Any]) -> bool:
    """Tell whether every part of a payload has a form that `parse_event` understands.

    Args:
        payload: The payload of an inbox event.
    """
    if UNPARSED in payload:
        return False
    items = payload.get("data", [payload])
    if not isinstance(items, list) or not items:
        return False
    fields = {"source_file", "destination_file", "path", "mount_point"}
    return all(isinstance(item, Mapping) and not fields.isdisjoint(item) for item in items)


def parse_event(payload: Mapping[str, Any]) -> Parsed:
    """Read the payload of an inbox event.

    Args:
        payload: CloudDrive2's form (a list `data`), the simple form (`path`, `action`, `is_dir`,
            `destination`), or a body that was stored as text.

    Returns:
        What it says. What has none of the forms asks for a rescan of everything.
    """
    parsed = Parsed()
    text = payload.get(UNPARSED)
    if isinstance(text, str):
        parsed.changes += _rescans(text)
        return parsed
    occurred_at = _time(payload.get("event_time", payload.get("occurred_at")))
    items = payload.get("data", payload)
    if not isinstance(items, list) or not items:
        # An object where a list should be is one item; what is none asks for a rescan.
        items = [items]
    for item in items:
        _parse_item(item, occurred_at, parsed)
    return parsed


def checked_path(value: Any) -> str:
    """Return a path that stays where it says it is.

    Args:
        value: What a sender calls a path.

    Returns:
        The path: absolute, without empty segments and without a slash at its end.

    Raises:
        UnusablePathError: It is relative, empty, leads upwards, or no file can have it.
    """
    if not isinstance(value, str) or not value:
        message = "a path is missing"
        raise UnusablePathError(message)
    if _PLACEHOLDER.fullmatch(value):
        message = f"the sender did not fill in {value}: mend its template"
        raise UnusablePathError(message)
    if not value.startswith("/"):
        message = f"the path {value!r} is not absolute"
        raise UnusablePathError(message)
    if "\0" in value or not _is_encodable(value):
        message = f"the path {value!r} holds a character that no file name has"
        raise UnusablePathError(message)
    segments = [segment for segment in value.split("/") if segment]
    # Decoded as often as the laxest of servers might.
    if any(
        {segment, unquote(segment), unquote(unquote(segment))} & {".", ".."} for segment in segments
    ):
        message = f"the path {value!r} leads upwards"
        raise UnusablePathError(message)
    return "/" + "/".join(segments)


def _parse_item(item: Any, occurred_at: datetime | None, parsed: Parsed) -> None:
    if not isinstance(item, Mapping):
        parsed.changes.append(Change(ChangeKind.RESCAN, EVERYTHING))
        return
    if "mount_point" in item:
        _parse_mount(item, occurred_at, parsed)
        return
    path = item.get("source_file", item.get("path"))
    destination = item.get("destination_file", item.get("destination")) or None
    if path is None and destination is None:
        parsed.changes.append(Change(ChangeKind.RESCAN, EVERYTHING))
        return
    kind = _KINDS.get(str(item.get("action", "")).strip().lower(), ChangeKind.UPDATE)
    is_directory = _flag(item.get("is_dir", item.get("is_directory")))
    # The two ends of a rename are checked apart: one that leads astray must not hide the other.
    ends: list[str | None] = []
    for end in (path, destination):
        try:
            ends.append(None if end is None else checked_path(end))
        except UnusablePathError as error:
            parsed.rejected.append(str(error))
            ends.append(None)
    source, target = ends
    if kind is ChangeKind.RENAME and source and target:
        parsed.changes.append(Change(kind, source, target, is_directory, occurred_at))
    elif kind is ChangeKind.RENAME and target:
        parsed.changes.append(Change(ChangeKind.CREATE, target, None, is_directory, occurred_at))
    elif source:
        alone = ChangeKind.DELETE if kind is ChangeKind.RENAME else kind
        parsed.changes.append(Change(alone, source, None, is_directory, occurred_at))


def _parse_mount(item: Mapping[str, Any], occurred_at: datetime | None, parsed: Parsed) -> None:
    action = str(item.get("action", "")).strip().lower()
    succeeded = _flag(item.get("status")) is not False
    try:
        mount_point = checked_path(item["mount_point"])
    except UnusablePathError as error:
        parsed.rejected.append(str(error))
        return
    if action == "mount":
        parsed.mounts.append(MountChange(mount_point, succeeded, occurred_at))
    elif action != "unmount":
        parsed.rejected.append(
            f"the action {action!r} of {mount_point} is neither mount nor unmount"
        )
    elif succeeded:
        parsed.mounts.append(MountChange(mount_point, is_mounted=False, occurred_at=occurred_at))


def _rescans(text: str) -> list[Change]:
    """Find the smallest subtrees that surely hold what a body without form is about.

    What precedes a broken character is a beginning of the true path, so that the directory it
    names is an ancestor of the true one.
    """
    found = set()
    for match in _PATH_FIELD.finditer(text):
        beginning, _, _ = match.group(1).partition("\\")
        directory = beginning.rpartition("/")[0]
        try:
            found.add(checked_path(directory))
        except UnusablePathError:
            continue
    return [Change(ChangeKind.RESCAN, path) for path in sorted(found) or [EVERYTHING]]


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())


def _time(value: Any) -> datetime | None:
    text = str(value).strip()
    try:
        if text.isascii() and text.replace(".", "", 1).isdigit():
            seconds = float(text)
            divisor = 1_000 if seconds >= _MILLISECONDS_FROM else 1
            return datetime.fromtimestamp(seconds / divisor, UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    # A local time without its zone says nothing.
    return moment.astimezone(UTC) if moment.tzinfo else None


def _is_encodable(text: str) -> bool:
    try:
        return len(text.encode()) <= MAXIMUM_PATH_BYTES
    except UnicodeEncodeError:
        return False
