"""The event stream of a run: files with one line of JSON per event, read while they grow.

gallery-dl opens and closes a file for each line, so that a killed run leaves whole lines. A line
in `skip` says that a file is present as much as one in `after` does: after a kill between the
renaming of a file and its line, the next run knows it only as skipped.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sync_assets.pixiv.models import BookmarkState, FileFact, ListedWork, Visibility

_LIMITS = (
    (re.compile(r"(\d+): Deleted"), BookmarkState.DELETED),
    (re.compile(r"(\d+): 'My pixiv' locked"), BookmarkState.LOCKED),
    (re.compile(r"(\d+): 'limit_sanity_level' warning"), BookmarkState.LIMITED),
)
_GENERATIVE = 2


class EventStream:
    """Reads the events of a run, each once.

    Args:
        directory: The directory of the run.
    """

    def __init__(self, directory: Path) -> None:
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
        return [json.loads(line) for line in whole.splitlines()]

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
    created_at = line.get("date")
    return {
        "title": line.get("title") or "",
        "caption": line.get("caption") or "",
        "type": line.get("type") or "",
        "user_id": int(user.get("id") or 0),
        "user_name": user.get("name") or "",
        "user_account": user.get("account") or "",
        "tags": [str(tag) for tag in line.get("tags") or ()],
        "bookmark_tags": line.get("tags_bookmark"),
        "page_count": int(line.get("page_count") or 0),
        "width": int(line.get("width") or 0),
        "height": int(line.get("height") or 0),
        "rating": line.get("rating") or "",
        "is_ai": line.get("illust_ai_type") == _GENERATIVE,
        "sanity_level": int(line.get("sanity_level") or 0),
        "total_view": int(line.get("total_view") or 0),
        "total_bookmarks": int(line.get("total_bookmarks") or 0),
        "series_id": int(series["id"]) if series.get("id") else None,
        "series_title": series.get("title"),
        "created_at": created_at
        and datetime.strptime(created_at, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC),
    }


def version_of(date_url: str | None) -> str:
    """Return the digits of the date in a file's address: `20240501120000`; empty without one."""
    return re.sub(r"\D", "", date_url or "")[:14]
