"""One upload to an rclone target: copied under a name of its own, verified, moved, verified."""

from dataclasses import dataclass
from pathlib import Path

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.models import Reason, ReasonCode
from sync_assets.relay.rclone.storage import Movement, Storage
from sync_assets.relay.uploading.claims import Claims
from sync_assets.relay.uploading.local import LocalFile, local_files
from sync_assets.relay.uploading.outcomes import Postponed, Published, Refused, UploadOutcome
from sync_assets.relay.uploading.paths import candidates, part_path
from sync_assets.relay.uploading.transfer import Transfer
from sync_assets.relay.uploading.verifying import Proof, Verifier, weakest
from sync_assets.relay.verified_files import VerifiedFiles
from sync_assets.settings.relay_targets import RcloneTargetSettings

DAMAGED = Postponed(Reason(ReasonCode.WRONG_CHECKSUM, "It arrived damaged. It is uploaded again."))
_NAME_TAKEN = Reason(
    ReasonCode.NAME_TAKEN,
    "Another file has its name at the target, and also the name that it would have instead. Move "
    "one of them away there, then retry the upload.",
)


@dataclass(frozen=True)
class Context:
    """What all uploads to one target share.

    Attributes:
        settings: The target.
        storage: The storage.
        claims: The names that uploads are about to take.
        verified_files: The files that need not be read again.
    """

    settings: RcloneTargetSettings
    storage: Storage
    claims: Claims
    verified_files: VerifiedFiles


class Sending:
    """One upload, from the first look to the last.

    Args:
        context: What all uploads to its target share.
        row: The upload.
        transfer: Where progress goes, and what stops it.

    Attributes:
        files: The local files.
        names: Where it may be published, by preference.
        part: Its temporary name until then.

    Raises:
        SourceLostError: Its local files are gone, or have another size.
    """

    def __init__(self, context: Context, row: AnyRow, transfer: Transfer) -> None:
        self._settings = context.settings
        self._storage = context.storage
        self._claims = context.claims
        self._row = row
        self._transfer = transfer
        self.files = local_files(row)
        self._is_folder = Path(row.download_path).is_dir()
        self._verifier = Verifier(
            context.storage, transfer, context.verified_files, read_back=context.settings.read_back
        )
        self.names = candidates(row.remote_path, row.part_id, is_folder=self._is_folder)
        self.part = part_path(row.remote_path, row.part_id, is_folder=self._is_folder)
        self._done_bytes = 0

    def run(self) -> UploadOutcome:
        """Upload what is not there, and publish it.

        Raises:
            SourceLostError: A local file is gone, or is not what was downloaded.
            RcloneRefusedError: The storage does not take it.
            RcloneUnreachableError: rclone is gone.
            StoppedError: Somebody has stopped it.
        """
        with self._transfer.slot():
            is_there = self._bring()
        if not is_there:
            return DAMAGED
        # Before the first attempt nothing of this upload can be there.
        return self.publish(looks=self._is_folder or not self._transfer.is_first)

    def publish(self, *, looks: bool) -> UploadOutcome:
        """Move what is there under temporary names to the first name that is not taken.

        Args:
            looks: Whether something may be published already.

        Raises:
            SourceLostError: A local file is gone, or is not what was downloaded.
            RcloneRefusedError: The storage does not do it.
            RcloneUnreachableError: rclone is gone.
            StoppedError: Somebody has stopped it.
        """
        for name in self.names:
            with self._claims.claim(f"{self._settings.remote}/{name}"):
                outcome = self._publish(name, looks=looks)
            if outcome is not None:
                return outcome
        return Refused(_NAME_TAKEN)

    def has_arrived(self, file: LocalFile) -> bool:
        """Tell whether a file is under its temporary name as it is here; remove it otherwise.

        Args:
            file: The file, which was copied a moment ago.

        Raises:
            SourceLostError: It changed while it was copied.
            RcloneRefusedError: The storage cannot tell.
            RcloneUnreachableError: rclone is gone.
            StoppedError: Somebody has stopped it.
        """
        part = at(self.part, file)
        self._transfer.require()
        self._verifier.require_unchanged(file)
        if not self._is_the_same(file, part):
            self._storage.delete(part)
            return False
        self._done_bytes += file.size_bytes
        self._transfer.report(self._done_bytes, 0)
        return True

    def proof_of(self, file: LocalFile, name: str, movement: Movement) -> Proof | None:
        """Prove that a file has its name now; None where another one may have it.

        Args:
            file: The file.
            name: The name.
            movement: What has come of moving it there.

        Raises:
            RcloneRefusedError: The storage cannot tell.
            RcloneUnreachableError: rclone is gone.
        """
        if movement.entry is None:
            return None
        # Where nobody knows who has put it there, its size alone proves nothing.
        prove = (
            self._verifier.proof_of_own if movement.is_known else self._verifier.proof_of_foreign
        )
        return prove(file, name, movement.entry)

    def _bring(self) -> bool:
        """Copy what is not there, under temporary names; tell whether all is the same there."""
        published = self._look()
        for file in self.files:
            if file.name in published:
                self._done_bytes += file.size_bytes
            elif not self._copy(file):
                return False
        return True

    def _look(self) -> frozenset[str]:
        """Return which files are published already, by a worker that was killed then."""
        if self._transfer.is_first:
            return frozenset()
        for name in self.names:
            found = self._found(name)
            if found is not None:
                return frozenset(found)
        return frozenset()

    def _found(self, name: str) -> dict[str, Proof] | None:
        """Return the files that lie at a name already; None where others do."""
        found = {}
        if self._is_folder and self._storage.entry(name) is not None:
            return None
        for file in self.files:
            path = at(name, file)
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
        part = at(self.part, file)
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
        return self.has_arrived(file)

    def _is_the_same(self, file: LocalFile, part: str) -> bool:
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
        if not found and not self._is_folder and self._is_folder_there(name):
            return None
        proofs = list(found.values())
        for file in self.files:
            part, path = at(self.part, file), at(name, file)
            if file.name in found:
                self._storage.delete(part)
                continue
            movement = self._storage.move(part, path)
            if not movement.is_known and self._storage.entry(part) is not None:
                # A file has the name, over which rclone moves nothing: it may be the same one.
                return None if looks else self._publish(name, looks=True)
            proof = self.proof_of(file, path, movement)
            if proof is None:
                return DAMAGED
            proofs.append(proof)
        if self._is_folder:
            self._storage.delete_folder(self.part)
        proof = weakest(proofs)
        size = sum(file.size_bytes for file in self.files)
        return Published(proof.verified_by, proof.text, name, size)

    def _is_folder_there(self, name: str) -> bool:
        """Tell whether a folder has the name; rclone refuses by itself to move anything over it.

        Not with every storage: some would replace it, with all that is in it.
        """
        return not self._storage.spares_folders(self.part) and self._storage.is_folder(name)


def at(base: str, file: LocalFile) -> str:
    """Return where a file of an upload lies, whose own path is `base`."""
    return f"{base}/{file.name}" if file.name else base
