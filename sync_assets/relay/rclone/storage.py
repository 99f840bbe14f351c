"""A folder of a storage that rclone knows: what lies there, and how it gets there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_assets.relay.rclone.rpc import RcloneClient, RcloneRefusedError

_NOT_THERE = 404
_SMALL_BYTES = 1024 * 1024
# Cheapest to compute here first; with SHA-256 the ledger knows it already.
_PREFERRED_HASHES = ("sha256", "sha1", "md5")


@dataclass(frozen=True)
class Entry:
    """A file of a storage.

    Attributes:
        size_bytes: Its size; None where the storage does not tell.
        hashes: Its checksums in lower-case hexadecimal, by their names.
    """

    size_bytes: int | None
    hashes: dict[str, str] = field(default_factory=dict)


class Storage:
    """A folder of a storage; paths are relative to it, with slashes.

    Args:
        client: Gives a connection to rclone.
        remote: The folder as rclone names it, such as `onedrive:Media`.
    """

    def __init__(self, client: Callable[[], RcloneClient], remote: str) -> None:
        self._client = client
        self._remote = remote
        self._hash_type: str | None = None
        self._knows_hash_type = False

    def hash_type(self) -> str | None:
        """Return the kind of checksum by which files are compared; None where there is none.

        Raises:
            RcloneRefusedError: The storage cannot be used.
            RcloneUnreachableError: rclone is gone.
        """
        if not self._knows_hash_type:
            known = self._client().call("operations/fsinfo", fs=self._remote).get("Hashes") or []
            preferred = [each for each in _PREFERRED_HASHES if each in known]
            self._hash_type = next(iter([*preferred, *known]), None)
            self._knows_hash_type = True
        return self._hash_type

    def entry(self, path: str) -> Entry | None:
        """Return the file at a path, with its checksum; None where there is none.

        Args:
            path: The path.

        Raises:
            RcloneRefusedError: The storage cannot tell.
            RcloneUnreachableError: rclone is gone.
        """
        hash_type = self.hash_type()
        # Only files: else rclone lists the folder that the path is in.
        options: dict[str, Any] = {"filesOnly": True, "noModTime": True, "noMimeType": True}
        if hash_type is not None:
            options |= {"showHash": True, "hashTypes": [hash_type]}
        answer = self._client().call("operations/stat", fs=self._remote, remote=path, opt=options)
        item = answer.get("item")
        if item is None:
            return None
        size = item["Size"]
        hashes = {name: value for name, value in (item.get("Hashes") or {}).items() if value}
        return Entry(size if size >= 0 else None, hashes)

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder at a path.

        Args:
            path: The path, at which there is no file: some storages list a file as a folder of it.

        Raises:
            RcloneRefusedError: The storage cannot tell.
            RcloneUnreachableError: rclone is gone.
        """
        options = {"noModTime": True, "noMimeType": True}
        try:
            self._client().call("operations/list", fs=self._remote, remote=path, opt=options)
        except RcloneRefusedError as error:
            if _is_missing(error) or "is a file" in error.text:
                return False
            raise
        return True

    def names_in(self, path: str) -> Sequence[str]:
        """Return the paths of what lies in a folder; nothing where there is none.

        Args:
            path: The folder.

        Raises:
            RcloneRefusedError: The storage cannot tell.
            RcloneUnreachableError: rclone is gone.
        """
        options = {"noModTime": True, "noMimeType": True}
        try:
            answer = self._client().call(
                "operations/list", fs=self._remote, remote=path.rstrip("/"), opt=options
            )
        except RcloneRefusedError as error:
            if _is_missing(error):
                return []
            raise
        return [item["Path"] for item in answer["list"]]

    def copy(self, file: Path, path: str, *, meanwhile: Callable[[str], None]) -> None:
        """Copy a local file to a path.

        Args:
            file: The file.
            path: The path.
            meanwhile: See `RcloneClient.run`; not called for a small file.

        Raises:
            RcloneRefusedError: It failed; a part may be there.
            RcloneUnreachableError: rclone is gone; a part may be there.
        """
        parameters = {
            "srcFs": str(file.parent),
            "srcRemote": file.name,
            "dstFs": self._remote,
            "dstRemote": path,
        }
        if file.stat().st_size <= _SMALL_BYTES:
            # There before a job for it could be looked at twice.
            self._client().call("operations/copyfile", **parameters)
        else:
            self._client().run("operations/copyfile", meanwhile=meanwhile, **parameters)

    def progress(self, group: str) -> tuple[int, int]:
        """Return how many bytes of a copy are there, and how many come per second.

        Args:
            group: The group of its job.
        """
        stats = self._client().call("core/stats", group=group)
        moving = stats.get("transferring") or [{}]
        return int(stats.get("bytes") or 0), int(moving[0].get("speedAvg") or 0)

    def move(self, path: str, to: str) -> None:
        """Move a file within the storage; what lies at its new place would be replaced.

        Args:
            path: Where it is.
            to: Where it is to be.

        Raises:
            RcloneRefusedError: It failed.
            RcloneUnreachableError: rclone is gone; it may have had its effect.
        """
        remote = self._remote
        self._client().call(
            "operations/movefile", srcFs=remote, srcRemote=path, dstFs=remote, dstRemote=to
        )

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


def _is_missing(error: RcloneRefusedError) -> bool:
    return error.status == _NOT_THERE or "not found" in error.text


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
