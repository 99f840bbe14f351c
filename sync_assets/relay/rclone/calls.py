"""The calls that bring files to a storage: what rclone's methods take, and why."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sync_assets.relay.rclone.rpc import MethodCall, new_group

TO_NEW_PATHS: Mapping[str, Any] = {"NoCheckDest": True}
"""The configuration of copies to where nothing can be, so that rclone need not look."""
TO_FREE_PATHS: Mapping[str, Any] = {"IgnoreExisting": True}
"""The configuration of moves that leave alone what has a file's name already."""


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


def move_steps(remote: str, moves: Sequence[tuple[str, str]]) -> list[list[MethodCall]]:
    """Return the calls that move files, and then tell what was moved: see `TO_FREE_PATHS`.

    Nothing else tells whether a call has moved anything.

    Args:
        remote: The storage.
        moves: Where each file is, and where it is to be; as many as rclone remembers, at most 100:
            https://rclone.org/rc/#core-transferred
    """
    group = new_group()
    calls: list[MethodCall] = [
        ("operations/movefile", {**move_parameters(remote, path, to), "_group": group})
        for path, to in moves
    ]
    return [calls, [("core/transferred", {"group": group}), ("core/stats", {"group": group})]]
