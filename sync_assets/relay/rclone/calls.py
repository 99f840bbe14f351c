"""The calls that bring files to a storage: what rclone's methods take, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync_assets.relay.rclone.rpc import MethodCall, new_group

TO_NEW_PATHS: Mapping[str, Any] = {"NoCheckDest": True}
"""The configuration of copies to where nothing can be, so that rclone need not look."""
TO_FREE_PATHS: Mapping[str, Any] = {"IgnoreExisting": True}
"""The configuration of moves that leave alone what has a file's name already."""


@dataclass(frozen=True)
class Move:
    """A file that is to be moved within a storage.

    Attributes:
        path: Where it is.
        to: Where it is to be.
        size_bytes: Its size, with which it was compared where it is.
    """

    path: str
    to: str
    size_bytes: int


def copy_parameters(file: Path, remote: str, path: str) -> dict[str, Any]:
    """Return what `operations/copyfile` takes to copy a local file.

    Args:
        file: The file.
        remote: The storage.
        path: The path there.
    """
    return {
        # One file system for all, which rclone keeps: it makes each anew that it meets.
        "srcFs": file.anchor,
        "srcRemote": file.relative_to(file.anchor).as_posix(),
        "dstFs": remote,
        "dstRemote": path,
    }


def move_parameters(remote: str, path: str, to: str) -> dict[str, Any]:
    """Return what `operations/movefile` takes to move a file within a storage.

    Args:
        remote: The storage.
        path: Where it is.
        to: Where it is to be.
    """
    return {"srcFs": remote, "srcRemote": path, "dstFs": remote, "dstRemote": to}


def move_steps(remote: str, moves: Sequence[Move]) -> list[list[MethodCall]]:
    """Return the calls that move files, and then tell what was moved: see `TO_FREE_PATHS`.

    Args:
        remote: The storage.
        moves: The files; as many as rclone remembers, at most 100:
            https://rclone.org/rc/#core-transferred
    """
    group = new_group()
    calls: list[MethodCall] = [
        ("operations/movefile", {**move_parameters(remote, each.path, each.to), "_group": group})
        for each in moves
    ]
    # Nothing else tells whether a call has moved anything, and what rclone has seen then.
    return [calls, [("core/transferred", {"group": group}), ("core/stats", {"group": group})]]
