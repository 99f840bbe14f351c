"""Whether a file at a storage is the local one: by checksum, by content, or by its size."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync_assets.relay.models import VerifiedBy
from sync_assets.relay.rclone.storage import Entry, Storage
from sync_assets.relay.uploading.local import LocalFile, digest_of
from sync_assets.relay.uploading.transfer import Transfer
from sync_assets.relay.verified_files import Fingerprint, VerifiedFiles

_STRENGTH = (VerifiedBy.SIZE, VerifiedBy.HASH, VerifiedBy.CONTENT)


@dataclass(frozen=True)
class Proof:
    """What proves that a file is the local one.

    Attributes:
        verified_by: The kind of proof.
        text: The checksum or size.
    """

    verified_by: VerifiedBy
    text: str


class Verifier:
    """Compares the files of one upload.

    Args:
        storage: The storage.
        transfer: What stops it.
        verified_files: The files that need not be read again.
        read_back: Whether files are read back where the storage has no checksums.
    """

    def __init__(
        self,
        storage: Storage,
        transfer: Transfer,
        verified_files: VerifiedFiles,
        *,
        read_back: bool,
    ) -> None:
        self._storage = storage
        self._transfer = transfer
        self._verified_files = verified_files
        self._read_back = read_back
        self._digests: dict[str, dict[str, str]] = {}
        self._fingerprints: dict[str, Fingerprint | None] = {}
        self._read_as: dict[str, Proof] = {}

    def expect(self, file: LocalFile, each_block: Callable[[], None]) -> dict[str, str]:
        """Return the checksums of a local file by name, after reading it at most once.

        Args:
            file: The file.
            each_block: Called again and again; what it raises ends the reading.

        Raises:
            SourceLostError: It is not what was downloaded.
        """
        if file.name not in self._digests:
            fingerprint = Fingerprint.at(file.path)
            hash_type = self._storage.hash_type()
            is_own = hash_type is None or hash_type in hashlib.algorithms_available
            names = {"sha256"} if hash_type is None or not is_own else {hash_type}
            digests = digest_of(file, frozenset(names), self._verified_files, each_block)
            if hash_type is not None and not is_own:
                digests[hash_type] = self._storage.local_hash(file.path, hash_type)
            self._digests[file.name] = digests
            self._fingerprints[file.name] = fingerprint
        return self._digests[file.name]

    def require_unchanged(self, file: LocalFile) -> None:
        """Make sure that a file that was copied is what was downloaded, to its end.

        Args:
            file: The file.

        Raises:
            SourceLostError: It is not.
        """
        if self._fingerprints.get(file.name) != Fingerprint.at(file.path):
            self._digests.pop(file.name, None)
        self.expect(file, self._transfer.require)

    def proof_by_hash(self, file: LocalFile, entry: Entry) -> Proof | None:
        """Compare checksums; None where they differ, or the storage has none.

        Args:
            file: The local file.
            entry: The other.
        """
        for name, value in entry.hashes.items():
            if self._differs_in_size(file, entry):
                return None
            if self.expect(file, self._transfer.require).get(name) == value.lower():
                return Proof(VerifiedBy.HASH, f"{name}={value.lower()}")
        return None

    def proof_of_own(self, file: LocalFile, path: str, entry: Entry) -> Proof | None:
        """Compare a file that this upload has brought.

        Args:
            file: The local file.
            path: Where the other is.
            entry: The other.

        Returns:
            The best proof that there is: by checksum; else by content, where that is wanted or the
            size is not known; else by size. None where they differ.
        """
        if self._differs_in_size(file, entry):
            return None
        if entry.hashes:
            return self.proof_by_hash(file, entry)
        if self._read_back or entry.size_bytes is None:
            # Read once: moving it within the storage does not change it.
            if file.name not in self._read_as:
                proof = self._proof_by_content(file, path)
                if proof is None:
                    return None
                self._read_as[file.name] = proof
            return self._read_as[file.name]
        return Proof(VerifiedBy.SIZE, f"size={entry.size_bytes}")

    def proof_of_foreign(self, file: LocalFile, path: str, entry: Entry) -> Proof | None:
        """Compare a file that may be anybody's: an equal size proves nothing.

        Args:
            file: The local file.
            path: Where the other is.
            entry: The other.

        Returns:
            The proof; None where they differ.
        """
        if self._differs_in_size(file, entry):
            return None
        if entry.hashes:
            return self.proof_by_hash(file, entry)
        return self._proof_by_content(file, path)

    def _proof_by_content(self, file: LocalFile, path: str) -> Proof | None:
        expected = self.expect(file, self._transfer.require)
        if "sha256" not in expected:
            expected = digest_of(
                file, frozenset({"sha256"}), self._verified_files, self._transfer.require
            )
        found = self._storage.content_hash(path)
        if found != expected["sha256"]:
            return None
        return Proof(VerifiedBy.CONTENT, f"sha256={found}")

    def _differs_in_size(self, file: LocalFile, entry: Entry) -> bool:
        return entry.size_bytes is not None and entry.size_bytes != file.size_bytes


def weakest(proofs: Sequence[Proof]) -> Proof:
    """Return what is proved of all of several files.

    Args:
        proofs: The proof of each, at least one.
    """
    found = min(proofs, key=lambda proof: _STRENGTH.index(proof.verified_by))
    return found if len(proofs) == 1 else Proof(found.verified_by, f"{len(proofs)} files")
