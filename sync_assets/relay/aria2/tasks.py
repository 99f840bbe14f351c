"""aria2's tasks: what it says of one, in our terms."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

from sync_assets.relay.aria2.rpc import Aria2Client, Aria2RefusedError, Call

_KEYS = (
    "gid",
    "status",
    "completedLength",
    "totalLength",
    "downloadSpeed",
    "errorCode",
    "errorMessage",
)
_KEYS_WITH_FILES = (*_KEYS, "files")
_MOST_TASKS = 10_000
CONTROL_SUFFIX = ".aria2"
"""What the name of the file in which aria2 keeps its progress ends with."""


class TaskStatus(StrEnum):
    """A task's status, by aria2's own names."""

    ACTIVE = "active"
    WAITING = "waiting"
    PAUSED = "paused"
    ERROR = "error"
    COMPLETE = "complete"
    REMOVED = "removed"


NOT_ENDED = (TaskStatus.ACTIVE, TaskStatus.WAITING, TaskStatus.PAUSED)
"""The statuses of a task that has not ended."""


class ErrorCode(IntEnum):
    """aria2's exit codes, as its manual numbers them; only those that are told apart here."""

    OK = 0
    UNKNOWN = 1
    TIMEOUT = 2
    NOT_FOUND = 3
    MAX_NOT_FOUND = 4
    TOO_SLOW = 5
    NETWORK = 6
    UNFINISHED = 7
    NO_RESUME = 8
    DISK_FULL = 9
    PIECE_LENGTH = 10
    SAME_FILE = 11
    SAME_TORRENT = 12
    FILE_EXISTS = 13
    RENAME = 14
    OPEN_FILE = 15
    CREATE_FILE = 16
    FILE_IO = 17
    CREATE_FOLDER = 18
    NAME_RESOLUTION = 19
    BAD_RESPONSE = 22
    REDIRECTS = 23
    UNAUTHORISED = 24
    BENCODE = 25
    BAD_TORRENT = 26
    BAD_MAGNET = 27
    BAD_OPTION = 28
    OVERLOADED = 29
    REMOVED = 31
    CHECKSUM = 32


@dataclass(frozen=True)
class Task:
    """A task of aria2.

    Attributes:
        gid: Its id, which is the download's.
        status: What it does.
        completed_bytes: How much it has.
        total_bytes: How much there is; 0 where that is not known.
        bytes_per_second: How fast it is.
        error_code: Why it ended; 0 where it has not, or ended well.
        error_message: The same in words; may hold a link.
        paths: Its files, where they were asked for.
    """

    gid: str
    status: TaskStatus
    completed_bytes: int
    total_bytes: int
    bytes_per_second: int
    error_code: int
    error_message: str
    paths: tuple[Path, ...]


def look_at(
    client: Aria2Client, gids: Iterable[str], *, with_files: Collection[str] = ()
) -> tuple[str, dict[str, Task]]:
    """Ask what has become of tasks, all in one call.

    Args:
        client: The connection.
        gids: The tasks.
        with_files: Those of them whose files are wanted, which takes several times as long.

    Returns:
        What tells this start of aria2 from the next, and the tasks that it knows.

    Raises:
        Aria2UnreachableError: No answer came.
        Aria2RefusedError: aria2 does not accept the secret.
    """
    wanted = {gid: _KEYS_WITH_FILES if gid in with_files else _KEYS for gid in gids}
    session, *answers = client.multicall(
        [
            Call("aria2.getSessionInfo"),
            *(Call("aria2.tellStatus", asked) for asked in wanted.items()),
        ]
    )
    if isinstance(session, Aria2RefusedError):
        raise session
    found = {
        gid: _task(answer)
        for gid, answer in zip(wanted, answers, strict=True)
        if not isinstance(answer, Aria2RefusedError)
    }
    return session["sessionId"], found


def tasks_below(client: Aria2Client, root: Path) -> dict[str, TaskStatus]:
    """Ask which tasks write below a folder, or did.

    Args:
        client: The connection.
        root: The folder.

    Returns:
        The status of each, by its gid.

    Raises:
        Aria2UnreachableError: No answer came.
        Aria2RefusedError: aria2 does not accept the secret.
    """
    keys = ("gid", "status", "dir")
    answers = client.multicall(
        [
            Call("aria2.tellActive", (keys,)),
            Call("aria2.tellWaiting", (0, _MOST_TASKS, keys)),
            Call("aria2.tellStopped", (0, _MOST_TASKS, keys)),
        ]
    )
    found = {}
    for answer in answers:
        if isinstance(answer, Aria2RefusedError):
            raise answer
        for task in answer:
            if Path(task["dir"]).is_relative_to(root):
                found[task["gid"]] = TaskStatus(task["status"])
    return found


def _task(answer: Mapping[str, Any]) -> Task:
    return Task(
        gid=answer["gid"],
        status=TaskStatus(answer["status"]),
        completed_bytes=int(answer.get("completedLength", 0)),
        total_bytes=int(answer.get("totalLength", 0)),
        bytes_per_second=int(answer.get("downloadSpeed", 0)),
        error_code=int(answer.get("errorCode") or 0),
        error_message=answer.get("errorMessage") or "",
        paths=tuple(Path(each["path"]) for each in answer.get("files", ()) if each["path"]),
    )
