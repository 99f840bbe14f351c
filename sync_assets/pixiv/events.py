"""The event stream of a run: files with one line of JSON per event, read while they grow.

gallery-dl opens and closes a file for each line, so that a killed run leaves whole lines. A line
in `skip` says that a file is present as much as one in `after` does: after a kill between the
renaming of a file and its line, the next run knows it only as skipped.
"""

import json
import logging
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sync_assets.errors import SyncError
from sync_assets.pixiv.models import BookmarkState, FileFact, ListedWork, Visibility

_LIMITS = (
    (re.compile(r"(\d+): Deleted"), BookmarkState.DELETED),
    (re.compile(r"(\d+): 'My pixiv' locked"), BookmarkState.LOCKED),
    (re.compile(r"(\d+): 'limit_sanity_level' warning"), BookmarkState.LIMITED),
)
_GENERATIVE = 2

_logger = logging.getLogger(__name__)


class EventStream:
    """Reads the events of a run, each once.

    Args:
        directory: The directory of the run.

    Attributes:
        damaged: How many lines were no events: a full disk cuts a line in its middle.
    """

    def __init__(self, directory: Path) -> None:
        self.damaged = 0
        self._directory = directory
        self._positions: dict[str, int] = {}

    def read(self, event: str) -> list[dict[str, Any]]:
        """Return the whole lines of an event that were written since the last call."""
        try:
            with (self._directory / f"{event}.jsonl").open("rb") as file:
                file.seek(self._positions.get(event, 0))
                content = file.read()
        except FileNotFoundError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._positions[event] = self._positions.get(event, 0) + len(whole)
        return list(self._parsed(whole))

    def _parsed(self, whole: bytes) -> Iterator[dict[str, Any]]:
        for line in whole.split(b"\n")[:-1]:
            try:
                yield json.loads(line)
            except ValueError:
                self.damaged += 1
                _logger.warning("%s holds a line that is cut off; it is left out", self._directory)

    def files(self) -> Iterator[FileFact]:
        """Return the files that are new in the stream, whether downloaded or already there."""
        for event, is_new in (("after", True), ("skip", False)):
            for line in self.read(event):
                yield FileFact(
                    work_id=int(line["id"]),
                    page=int(line["num"]),
                    version=version_of(line.get("date_url")),
                    path=str(line["_path"]),
                    is_new=is_new,
                )


def listed_works(directory: Path, log: str, visibility: Visibility) -> list[ListedWork]:
    """Return the bookmarks that a list pass saw, in the order of the list.

    Args:
        directory: The directory of the run.
        log: What gallery-dl wrote to its log, which says why a work has no files.
        visibility: The list.

    Raises:
        SyncError: Some of what it saw could not be written down.
    """
    stream = EventStream(directory)
    versions: dict[int, str] = {}
    for line in stream.read("prepare"):
        work_id = int(line["id"])
        versions[work_id] = max(versions.get(work_id, ""), version_of(line.get("date_url")))
    limits = {int(found[1]): state for pattern, state in _LIMITS for found in pattern.finditer(log)}
    works = {}
    for line in stream.read("post"):
        work_id = int(line["id"])
        works[work_id] = ListedWork(
            work_id=work_id,
            visibility=visibility,
            state=limits.get(work_id, BookmarkState.AVAILABLE),
            fields=work_fields(line),
            version=versions.get(work_id, ""),
            frames=frames_of(line),
        )
    if stream.damaged:
        raise SyncError(
            f"{stream.damaged} lines of the list in {directory} are cut off: nothing was changed.",
            remedy="Free space on the disk of the home; the next round lists again.",
        )
    return list(works.values())


def frames_of(line: dict[str, Any]) -> Sequence[dict[str, Any]] | None:
    """Return the frames of an ugoira from the line of its post; None where it has none."""
    frames = line.get("frames") or line.get("_ugoira_frame_data")
    if not frames:
        return None
    return [{"file": str(each["file"]), "delay": int(each["delay"])} for each in frames]


def work_fields(line: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of the table of bookmarks from the line of a post."""
    user = line.get("user") or {}
    series = line.get("series") or {}
    own_tags = line.get("tags_bookmark")
    return {
        "title": _text(line.get("title")),
        "caption": _text(line.get("caption")),
        "type": line.get("type") or "",
        "user_id": int(user.get("id") or 0),
        "user_name": _text(user.get("name")),
        "user_account": _text(user.get("account")),
        "tags": [_text(tag) for tag in line.get("tags") or ()],
        "bookmark_tags": None if own_tags is None else [_text(tag) for tag in own_tags],
        "page_count": int(line.get("page_count") or 0),
        "width": int(line.get("width") or 0),
        "height": int(line.get("height") or 0),
        "rating": line.get("rating") or "",
        "is_ai": line.get("illust_ai_type") == _GENERATIVE,
        "sanity_level": int(line.get("sanity_level") or 0),
        "total_view": int(line.get("total_view") or 0),
        "total_bookmarks": int(line.get("total_bookmarks") or 0),
        "series_id": int(series["id"]) if series.get("id") else None,
        "series_title": _text(series["title"]) if series.get("title") else None,
        "created_at": _moment(line.get("date")),
    }


def _text(value: Any) -> str:
    """Return a text that files and databases take: no half surrogate pairs, no NUL."""
    joined = str(value or "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", "")


def _moment(text: str | None) -> datetime | None:
    """Return a date of gallery-dl's; None where it could not make one out itself."""
    try:
        return datetime.strptime(text or "", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def version_of(date_url: str | None) -> str:
    """Return the digits of the date in a file's address: `20240501120000`; empty without one."""
    return re.sub(r"\D", "", date_url or "")[:14]
