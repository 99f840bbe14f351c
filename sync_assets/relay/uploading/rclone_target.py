"""A target that rclone reaches: copied under a name of its own, verified, moved, verified."""

from collections.abc import Sequence
from pathlib import Path

from sync_assets.errors import SyncError
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.models import Reason, ReasonCode
from sync_assets.relay.rclone.failures import failure_of
from sync_assets.relay.rclone.rpc import RcloneRefusedError, RcloneUnreachableError
from sync_assets.relay.rclone.storage import Storage
from sync_assets.relay.uploading.claims import Claims
from sync_assets.relay.uploading.local import LocalFile, SourceLostError, local_files
from sync_assets.relay.uploading.outcomes import (
    Postponed,
    Published,
    Refused,
    SourceLost,
    UploadOutcome,
)
from sync_assets.relay.uploading.paths import candidates, part_path, remote_path
from sync_assets.relay.uploading.transfer import StoppedError, Transfer
from sync_assets.relay.uploading.verifying import Proof, Verifier, weakest
from sync_assets.settings.relay_targets import RcloneTargetSettings

_NAME_TAKEN = Reason(
    ReasonCode.NAME_TAKEN,
    "Another file has its name at the target, and also the name that it would have instead. Move "
    "one of them away there, then retry the upload.",
)
_DAMAGED = Reason(ReasonCode.WRONG_CHECKSUM, "It arrived damaged. It is uploaded again.")
_RCLONE_GONE = Reason(ReasonCode.RCLONE_ERROR, "rclone has ended, and is started again.")


class RcloneTarget:
    """A folder of a storage that rclone knows.

    Args:
        settings: The target.
        storage: The storage.
        claims: The names that uploads are about to take.
    """

    lost_answer: Reason | None = None

    def __init__(self, settings: RcloneTargetSettings, storage: Storage, claims: Claims) -> None:
        self._settings = settings
        self._storage = storage
        self._claims = claims

    def path(self, row: AnyRow) -> str:
        """See `Target`."""
        return remote_path(self._settings.path, row)

    def announced_path(self, path: str) -> str | None:
        """See `Target`."""
        root = self._settings.strm_root
        return None if root is None else f"{root}/{path}"

    def send(self, row: AnyRow, transfer: Transfer) -> UploadOutcome:
        """See `Target`."""
        try:
            return _Sending(self._settings, self._storage, self._claims, row, transfer).run()
        except SourceLostError as error:
            return SourceLost(error.reason)
        except RcloneUnreachableError:
            return Postponed(_RCLONE_GONE)
        except RcloneRefusedError as error:
            failure = failure_of(error.text)
            if not failure.is_final:
                return Postponed(failure.reason)
            self._try_to_remove_part(row)
            return Refused(failure.reason, is_of_target=failure.is_of_target)
        except StoppedError:
            self._try_to_remove_part(row)
            raise

    def remove_part(self, row: AnyRow) -> None:
        """See `Target`."""
        self._storage.delete(part_path(row.remote_path, row.part_id, is_folder=False))
        if row.download_checksum is None:
            self._storage.delete_folder(part_path(row.remote_path, row.part_id, is_folder=True))

    def still_has(self, row: AnyRow) -> bool:
        """See `Target`."""
        entry = self._storage.entry(row.remote_path)
        if entry is None:
            return row.download_checksum is None and self._storage.is_folder(row.remote_path)
        return entry.size_bytes in (None, row.total_bytes)

    def names_in(self, folder: str) -> Sequence[str]:
        """Return the paths of what lies in a folder below the remote.

        Args:
            folder: The folder.

        Raises:
            SyncError: The target cannot be asked.
        """
        return self._storage.names_in(folder)

    def _try_to_remove_part(self, row: AnyRow) -> None:
        try:
            self.remove_part(row)
        except SyncError:
            # A storage that takes nothing may also remove nothing: it is replaced, or removed,
            # with the next attempt or when somebody cancels the upload.
            return


class _Sending:
    """One upload, from the first look to the last."""

    def __init__(
        self,
        settings: RcloneTargetSettings,
        storage: Storage,
        claims: Claims,
        row: AnyRow,
        transfer: Transfer,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._claims = claims
        self._row = row
        self._transfer = transfer
        self._files = local_files(row)
        self._is_folder = Path(row.download_path).is_dir()
        self._verifier = Verifier(storage, transfer, read_back=settings.read_back)
        self._names = candidates(row.remote_path, row.part_id, is_folder=self._is_folder)
        self._part = part_path(row.remote_path, row.part_id, is_folder=self._is_folder)
        self._done_bytes = 0

    def run(self) -> UploadOutcome:
        """Upload what is not there, and publish it."""
        with self._transfer.slot():
            is_there = self._bring()
        if not is_there:
            return Postponed(_DAMAGED)
        # Before the first attempt nothing of this upload can be there.
        looks = self._is_folder or not self._transfer.is_first
        for name in self._names:
            with self._claims.claim(f"{self._settings.remote}/{name}"):
                outcome = self._publish(name, looks=looks)
            if outcome is not None:
                return outcome
        return Refused(_NAME_TAKEN)

    def _bring(self) -> bool:
        """Copy what is not there, under temporary names; tell whether all is the same there."""
        published = self._look()
        for file in self._files:
            if file.name in published:
                self._done_bytes += file.size_bytes
            elif not self._copy(file):
                return False
        return True

    def _look(self) -> frozenset[str]:
        """Return which files are published already, by a worker that was killed then."""
        if self._transfer.is_first:
            return frozenset()
        for name in self._names:
            found = self._found(name)
            if found is not None:
                return frozenset(found)
        return frozenset()

    def _found(self, name: str) -> dict[str, Proof] | None:
        """Return the files that lie at a name already; None where others do."""
        found = {}
        if self._is_folder and self._storage.entry(name) is not None:
            return None
        for file in self._files:
            path = _at(name, file)
            entry = self._storage.entry(path)
            if entry is None:
                continue
            proof = self._verifier.proof_of_foreign(file, path, entry)
            if proof is None:
                return None
            found[file.name] = proof
        return found

    def _copy(self, file: LocalFile) -> bool:
        """Copy a file under its temporary name; tell whether it is the same there."""
        part = _at(self._part, file)
        # Nobody else knows the name, so that the first attempt need not look.
        there = None if self._transfer.is_first else self._storage.entry(part)
        if there is not None:
            if self._verifier.proof_by_hash(file, there) is not None:
                self._done_bytes += file.size_bytes
                return True
            self._storage.delete(part)

        def meanwhile(group: str | None) -> None:
            self._transfer.require()
            if group is None:
                return
            self._report(group)
            # Reads the file while rclone does: it is in the memory then.
            self._verifier.expect(file, lambda: self._report(group))

        self._transfer.require()
        is_new = self._transfer.is_first
        self._storage.copy(file.path, file.size_bytes, part, is_new=is_new, meanwhile=meanwhile)
        self._transfer.require()
        self._verifier.expect(file, self._transfer.require)
        if not self._has_arrived(file, part):
            self._storage.delete(part)
            return False
        self._done_bytes += file.size_bytes
        self._transfer.report(self._done_bytes, 0)
        return True

    def _has_arrived(self, file: LocalFile, part: str) -> bool:
        looks = self._settings.read_back or "ignore-size" in self._settings.options
        if not looks and self._storage.has_sizes_only():
            # rclone has compared them, and what is published is compared again.
            return True
        entry = self._storage.entry(part)
        return entry is not None and self._verifier.proof_of_own(file, part, entry) is not None

    def _report(self, group: str) -> None:
        self._transfer.require()
        if self._transfer.is_report_due():
            copied, speed = self._storage.progress(group)
            self._transfer.report(self._done_bytes + copied, speed)

    def _publish(self, name: str, *, looks: bool) -> UploadOutcome | None:
        """Move everything to its name, unless that is taken; return None then."""
        found = self._found(name) if looks else {}
        if found is None:
            return None
        if not found and not self._is_folder and self._storage.is_folder(name):
            return None
        proofs = list(found.values())
        for file in self._files:
            part, path = _at(self._part, file), _at(name, file)
            if file.name in found:
                self._storage.delete(part)
                continue
            is_moved, entry = self._storage.move(part, path)
            if not is_moved and self._storage.entry(part) is not None:
                # A file has the name, over which rclone moves nothing: it may be the same one.
                return None if looks else self._publish(name, looks=True)
            # Where nobody knows who has put it there, its size alone proves nothing.
            prove = self._verifier.proof_of_own if is_moved else self._verifier.proof_of_foreign
            proof = None if entry is None else prove(file, path, entry)
            if proof is None:
                return Postponed(_DAMAGED)
            proofs.append(proof)
        if self._is_folder:
            self._storage.delete_folder(self._part)
        proof = weakest(proofs)
        size = sum(file.size_bytes for file in self._files)
        return Published(proof.verified_by, proof.text, name, size)


def _at(base: str, file: LocalFile) -> str:
    return f"{base}/{file.name}" if file.name else base
