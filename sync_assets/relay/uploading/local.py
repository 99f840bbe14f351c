"""The local files of an upload: whether they are still what was downloaded."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.models import Reason, ReasonCode
from sync_assets.relay.verified_files import VerifiedFiles

_BLOCK_BYTES = 256 * 1024

MISSING = Reason(
    ReasonCode.FILE_MISSING,
    "The local file is gone. Retry the download, which fetches it again; the upload follows.",
)
DAMAGED = Reason(
    ReasonCode.WRONG_CHECKSUM,
    "The local file is not the one that was downloaded. Retry the download, which fetches it "
    "again; the upload follows.",
)


class SourceLostError(Exception):
    """The local file cannot be uploaded.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self.reason = reason


@dataclass(frozen=True)
class LocalFile:
    """A file that is to be uploaded.

    Attributes:
        path: Where it is.
        name: Its path below the folder that is uploaded; empty for a single file.
        size_bytes: Its size.
        sha256: Its SHA-256 in lower-case hexadecimal, as it was when it was downloaded; None for
            the files of a folder, whose torrent verified them.
    """

    path: Path
    name: str
    size_bytes: int
    sha256: str | None


def local_files(row: AnyRow) -> Sequence[LocalFile]:
    """Return the files of an upload.

    Args:
        row: The upload, with its download.

    Raises:
        SourceLostError: They are gone, or have another size.
    """
    source = Path(row.download_path)
    try:
        if source.is_dir():
            found = sorted(each for each in source.rglob("*") if each.is_file())
            files = [
                LocalFile(each, each.relative_to(source).as_posix(), each.stat().st_size, None)
                for each in found
            ]
        else:
            checksum = row.download_checksum
            sha256 = checksum.removeprefix("sha-256=") if checksum else None
            files = [LocalFile(source, "", source.stat().st_size, sha256)]
    except OSError:
        raise SourceLostError(MISSING) from None
    expected = row.download_completed_bytes
    if sum(each.size_bytes for each in files) != expected:
        raise SourceLostError(DAMAGED if files else MISSING)
    return files


def digest_of(
    file: LocalFile,
    names: frozenset[str],
    verified_files: VerifiedFiles,
    each_block: Callable[[], None],
) -> dict[str, str]:
    """Make sure that a file is still what was downloaded; read it once, if it must be read at all.

    Args:
        file: The file.
        names: The checksums that are wanted, by names that `hashlib` knows.
        verified_files: The files whose SHA-256 is known.
        each_block: Called between blocks; what it raises ends the reading.

    Returns:
        The checksums in lower-case hexadecimal, by name.

    Raises:
        SourceLostError: It is gone, or is another file.
    """
    if file.sha256 is None:
        return _read(file.path, names, each_block)
    if verified_files.is_untouched(file.path, file.sha256):
        found = _read(file.path, names - {"sha256"}, each_block)
        if verified_files.is_untouched(file.path, file.sha256):
            return {**found, "sha256": file.sha256}
    found = _read(file.path, names | {"sha256"}, each_block)
    if found["sha256"] != file.sha256:
        raise SourceLostError(DAMAGED)
    return found


def _read(path: Path, names: frozenset[str], each_block: Callable[[], None]) -> dict[str, str]:
    if not names:
        return {}
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    # One that stays: new memory for each block takes as long as its checksum.
    block = memoryview(bytearray(_BLOCK_BYTES))
    try:
        with path.open("rb", buffering=0) as opened:
            while length := opened.readinto(block):
                each_block()
                for digest in digests.values():
                    digest.update(block[:length])
    except OSError:
        raise SourceLostError(MISSING) from None
    return {name: digest.hexdigest() for name, digest in digests.items()}
