"""A folder of a storage that rclone knows: what lies there, and how it gets there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_assets.relay.rclone.calls import (
    TO_FREE_PATHS,
    TO_NEW_PATHS,
    copy_parameters,
    move_parameters,
    move_steps,
)
from sync_assets.relay.rclone.rpc import MethodCall, RcloneClient, RcloneRefusedError

_NOT_THERE = 404
_MOVES_AT_ONCE = 4
SMALL_BYTES = 1024 * 1024
"""Up to here a file is there before a job for it could be looked at twice."""
# Cheapest to compute here first; with SHA-256 the ledger knows it already.
_PREFERRED_HASHES = ("sha256", "sha1", "md5")
_WEBDAV = "webdav"


@dataclass(frozen=True)
class Entry:
    """A file of a storage.

    Attributes:
        size_bytes: Its size; None where the storage does not tell.
        hashes: Its checksums in lower-case hexadecimal, by their names.
    """

    size_bytes: int | None
    hashes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Movement:
    """What has come of moving a file within a storage.

    Attributes:
        is_known: Whether it is known to be moved; otherwise look whether it still is where it was.
        entry: The file that is at its new place now; None for none.
    """

    is_known: bool
    entry: Entry | None = None


class Storage:
    """A folder of a storage; paths are relative to it, with slashes.

    Args:
        client: Gives a connection to rclone.
        remote: The folder as rclone names it, such as `onedrive:Media`.
    """

    def __init__(self, client: Callable[[], RcloneClient], remote: str) -> None:
        self._client = client
        self._remote = remote
        self._known_information: dict[str, Any] | None = None
        self._tells_sizes = False
        self._spares_folders: bool | None = None
        self._known_kind: str | None = None

    def connect(self) -> None:
        """Start rclone, if it does not run; the storage is not asked anything.

        Raises:
            SyncError: It does not start.
        """
        self._client()

    def hash_type(self) -> str | None:
        """Return the kind of checksum by which files are compared; None where there is none.

        Raises:
            RcloneRefusedError: The storage cannot be used.
            RcloneUnreachableError: rclone is gone.
        """
        known = self._information().get("Hashes") or []
        preferred = [each for each in _PREFERRED_HASHES if each in known]
        return next(iter([*preferred, *known]), None)

    def entry(self, path: str) -> Entry | None:
        """Return the file at a path, with its checksum; None where there is none.

        Args:
            path: The path.

        Raises:
            RcloneRefusedError: The storage cannot tell.
            RcloneUnreachableError: rclone is gone.
        """
        return self._entry(self._client().call("operations/stat", **self._look_at(path)))

    def has_sizes_only(self) -> bool:
        """Tell whether a file can be compared by its size and by nothing better.

        rclone does that itself at the end of each copy. False until a size was seen.

        Raises:
            RcloneRefusedError: The storage cannot be used.
            RcloneUnreachableError: rclone is gone.
        """
        return self._tells_sizes and self.hash_type() is None

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder at a path.

        Args:
            path: The path.

        Raises:
            RcloneRefusedError: The storage cannot tell.
            RcloneUnreachableError: rclone is gone.
        """
        try:
            found = self._list(path)
        except RcloneRefusedError:
            # Some storages refuse to list a file.
            if self.entry(path) is None:
                raise
            return False
        if found is None:
            return False
        # Object storages list whatever does not exist as empty, and have no empty folders.
        if not found and not self._information()["Features"].get("CanHaveEmptyDirectories"):
            return False
        # Others list a file as if it were a folder.
        return self.entry(path) is None

    def spares_folders(self, file: str) -> bool:
        """Tell whether rclone refuses to move a file to where a folder is.

        It looks at the place before it moves anything, and sees that a folder is there with most
        storages, not with all: https://pkg.go.dev/github.com/rclone/rclone/fs#Fs (`NewObject`).
        So it is asked once, without effect, to move a file to where its own folder is.

        Args:
            file: A file that is there.

        Raises:
            RcloneUnreachableError: rclone is gone.
        """
        if self._spares_folders is None:
            parameters: dict[str, Any] = {
                **move_parameters(self._remote, file, folder_of(file).rstrip("/")),
                "_config": {"DryRun": True, **TO_FREE_PATHS},
            }
            try:
                self._client().call("operations/movefile", **parameters)
                self._spares_folders = False
            except RcloneRefusedError as error:
                if not _is_about_folder(error):
                    # The storage has said something else: it is asked again.
                    return False
                self._spares_folders = True
        return self._spares_folders

    def names_in(self, path: str) -> Sequence[str]:
        """Return the paths of what lies in a folder; nothing where there is none.

        Args:
            path: The folder.

        Raises:
            RcloneRefusedError: The storage cannot tell.
            RcloneUnreachableError: rclone is gone.
        """
        return [item["Path"] for item in self._list(path.rstrip("/")) or ()]

    def copy(
        self,
        file: Path,
        size_bytes: int,
        path: str,
        *,
        is_new: bool,
        meanwhile: Callable[[str | None], None],
    ) -> None:
        """Copy a local file to a path.

        Args:
            file: The file.
            size_bytes: Its size.
            path: The path.
            is_new: Whether nothing can be there, so that rclone need not look.
            meanwhile: Called again and again, with the group of the job; with None for a small
                file, which has none. What it raises stops the copy.

        Raises:
            RcloneRefusedError: It failed; a part may be there.
            RcloneUnreachableError: rclone is gone; a part may be there.
        """
        parameters = copy_parameters(file, self._remote, path)
        if is_new:
            parameters["_config"] = TO_NEW_PATHS
        if size_bytes <= SMALL_BYTES:
            self._client().call(
                "operations/copyfile", meanwhile=lambda: meanwhile(None), **parameters
            )
        else:
            self._client().run("operations/copyfile", meanwhile=meanwhile, **parameters)

    def copy_each(
        self, copies: Sequence[tuple[Path, str]], *, meanwhile: Callable[[], None]
    ) -> list[RcloneRefusedError | None]:
        """Copy small local files to new paths, one after the other, with one request.

        Args:
            copies: The files with their paths, at which nothing can be.
            meanwhile: Called again and again; what it raises stops all.

        Returns:
            For each why it failed, in which case a part may be there; None where it did not.

        Raises:
            RcloneRefusedError: Nothing was copied.
            RcloneUnreachableError: rclone is gone; any of them may be there, or a part.
        """
        steps = [
            [("operations/copyfile", copy_parameters(file, self._remote, path))]
            for file, path in copies
        ]
        results = self._client().call_steps(
            steps, at_once=1, configuration=TO_NEW_PATHS, meanwhile=meanwhile
        )
        return [each if isinstance(each, RcloneRefusedError) else None for (each,) in results]

    def progress(self, group: str) -> tuple[int, int]:
        """Return how many bytes of a copy are there, and how many come per second.

        Args:
            group: The group of its job.
        """
        stats = self._client().call("core/stats", group=group)
        moving = stats.get("transferring") or [{}]
        return int(stats.get("bytes") or 0), int(moving[0].get("speedAvg") or 0)

    def move(self, path: str, to: str) -> Movement:
        """Move a file within the storage, unless there is a file at its new place.

        What becomes of a folder there, `spares_folders` says.

        Args:
            path: Where it is.
            to: Where it is to be.

        Raises:
            RcloneRefusedError: It failed.
            RcloneUnreachableError: rclone is gone; it may have had its effect.
        """
        (movement,) = self.move_each([(path, to)])
        if isinstance(movement, RcloneRefusedError):
            raise movement
        return movement

    def move_each(self, moves: Sequence[tuple[str, str]]) -> list[Movement | RcloneRefusedError]:
        """Move files within the storage, some at a time, with one request: see `move`.

        Args:
            moves: Where each is, and where it is to be; at most 100.

        Returns:
            What has become of each.

        Raises:
            RcloneRefusedError: None was moved, or nobody can tell.
            RcloneUnreachableError: rclone is gone; any of them may be moved.
        """
        steps = move_steps(self._remote, moves)
        if self._looks_by_itself():
            return self._move_each_seen(moves, steps)
        looks = self._looks([to for _, to in moves])
        moved, (transferred, _), found = self._move([*steps, looks])
        known = _sizes_in(transferred)
        return [
            self._movement(each, entry, is_known=path in known)
            for (path, _), each, entry in zip(moves, moved, found, strict=True)
        ]

    def _move_each_seen(
        self, moves: Sequence[tuple[str, str]], steps: Sequence[Sequence[MethodCall]]
    ) -> list[Movement | RcloneRefusedError]:
        """Move files, and look at those only that rclone has not seen at their new places."""
        moved, (transferred, statistics) = self._move(steps)
        known = _sizes_in(transferred)
        seen = known if _has_seen_all(known, statistics) else {}
        unseen = [to for path, to in moves if path not in seen]
        found = dict(zip(unseen, self._look_at_each(unseen), strict=True))
        return [
            Movement(is_known=True, entry=Entry(seen[path]))
            if path in seen
            else self._movement(each, found[to], is_known=path in known)
            for (path, to), each in zip(moves, moved, strict=True)
        ]

    def delete(self, path: str) -> None:
        """Remove a file; one that is not there stays so.

        Args:
            path: The file.
        """
        self._unless_missing("operations/deletefile", path)

    def delete_folder(self, path: str) -> None:
        """Remove a folder with all that is in it; one that is not there stays so.

        Args:
            path: The folder.
        """
        self._unless_missing("operations/purge", path)

    def content_hash(self, path: str) -> str:
        """Read a file back, and return its SHA-256 in lower-case hexadecimal.

        Args:
            path: The file.
        """
        return self._hash(self._remote, path, "sha256", download=True)

    def local_hash(self, file: Path, hash_type: str) -> str:
        """Return a local file's checksum of a kind that rclone alone computes.

        Args:
            file: The file.
            hash_type: The kind, such as `quickxor`.
        """
        return self._hash(str(file.parent), file.name, hash_type, download=False)

    def _information(self) -> dict[str, Any]:
        if self._known_information is None:
            self._known_information = self._client().call("operations/fsinfo", fs=self._remote)
        return self._known_information

    def _looks_by_itself(self) -> bool:
        """Tell whether rclone looks at each file that it has moved, and sees all that we would see.

        It says how large each was before, and how large all of them are at their new places. With
        WebDAV it looks; with other storages it may repeat what it knew before:
        https://pkg.go.dev/github.com/rclone/rclone/fs#Mover
        """
        return self.has_sizes_only() and self._kind() == _WEBDAV

    def _kind(self) -> str:
        """Return rclone's name of the kind of the storage; empty where no configuration tells."""
        if self._known_kind is None:
            name, _, _ = self._remote.partition(":")
            self._known_kind = str(self._client().call("config/get", name=name).get("type", ""))
        return self._known_kind

    def _move(
        self, steps: Sequence[Sequence[MethodCall]]
    ) -> list[list[dict[str, Any] | RcloneRefusedError]]:
        return self._client().call_steps(steps, at_once=_MOVES_AT_ONCE, configuration=TO_FREE_PATHS)

    def _movement(
        self,
        moved: Mapping[str, Any] | RcloneRefusedError,
        found: Mapping[str, Any] | RcloneRefusedError,
        *,
        is_known: bool,
    ) -> Movement | RcloneRefusedError:
        if isinstance(moved, RcloneRefusedError):
            return Movement(is_known=False) if _is_about_folder(moved) else moved
        if isinstance(found, RcloneRefusedError):
            return Movement(is_known=False) if _is_about_folder(found) else found
        return Movement(is_known, self._entry(found))

    def _look_at_each(self, paths: Sequence[str]) -> Sequence[dict[str, Any] | RcloneRefusedError]:
        if not paths:
            return ()
        (found,) = self._move([self._looks(paths)])
        return found

    def _looks(self, paths: Sequence[str]) -> list[MethodCall]:
        return [("operations/stat", self._look_at(path)) for path in paths]

    def _look_at(self, path: str) -> dict[str, Any]:
        """Return what `operations/stat` takes to look at a file."""
        hash_type = self.hash_type()
        # Only files: else rclone lists the folder that the path is in.
        options: dict[str, Any] = {"filesOnly": True, "noModTime": True, "noMimeType": True}
        if hash_type is not None:
            options |= {"showHash": True, "hashTypes": [hash_type]}
        return {"fs": self._remote, "remote": path, "opt": options}

    def _list(self, path: str) -> Sequence[Mapping[str, Any]] | None:
        """Return what lies in a folder; None where there is none."""
        options = {"noModTime": True, "noMimeType": True}
        try:
            answer = self._client().call(
                "operations/list", fs=self._remote, remote=path, opt=options
            )
        except RcloneRefusedError as error:
            if _is_missing(error):
                return None
            raise
        return answer["list"]

    def _entry(self, answer: Mapping[str, Any]) -> Entry | None:
        item = answer.get("item")
        if item is None:
            return None
        size = item["Size"]
        hashes = {name: value for name, value in (item.get("Hashes") or {}).items() if value}
        self._tells_sizes = self._tells_sizes or size >= 0
        return Entry(size if size >= 0 else None, hashes)

    def _hash(self, remote: str, path: str, hash_type: str, *, download: bool) -> str:
        answer = self._client().call(
            "operations/hashsumfile", fs=remote, remote=path, hashType=hash_type, download=download
        )
        return str(answer["hash"]).lower()

    def _unless_missing(self, method: str, path: str) -> None:
        try:
            self._client().call(method, fs=self._remote, remote=path)
        except RcloneRefusedError as error:
            if not _is_missing(error):
                raise


def _sizes_in(transferred: Mapping[str, Any] | RcloneRefusedError) -> Mapping[str, int]:
    """Return the files that rclone says it has moved, by their paths before, with their sizes."""
    if isinstance(transferred, RcloneRefusedError):
        return {}
    found = transferred["transferred"] or ()
    return {each["name"]: each["size"] for each in found if not each["error"]}


def _has_seen_all(
    sizes: Mapping[str, int], statistics: Mapping[str, Any] | RcloneRefusedError
) -> bool:
    """Tell whether the files that rclone has moved are as large, together, at their new places."""
    if isinstance(statistics, RcloneRefusedError):
        return False
    seen = statistics["serverSideMoves"], statistics["serverSideMoveBytes"]
    return seen == (len(sizes), sum(sizes.values()))


def _is_missing(error: RcloneRefusedError) -> bool:
    return error.status == _NOT_THERE or "not found" in error.text


def _is_about_folder(error: RcloneRefusedError) -> bool:
    return "is a directory not a file" in error.text


def folder_of(path: str) -> str:
    """Return a path's folder with a slash at its end; empty for none.

    Args:
        path: The path.
    """
    head, slash, _ = path.rpartition("/")
    return head + slash


def joined(segments: Sequence[str]) -> str:
    """Return the path of some segments, without the empty ones.

    Args:
        segments: The segments.
    """
    return "/".join(each for each in segments if each)
