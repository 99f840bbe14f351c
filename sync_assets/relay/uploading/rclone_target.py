"""A target that rclone reaches."""

from collections.abc import Callable, Mapping, Sequence

from sync_assets.errors import SyncError
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.models import Reason, ReasonCode
from sync_assets.relay.rclone.failures import failure_of
from sync_assets.relay.rclone.rpc import RcloneRefusedError, RcloneUnreachableError
from sync_assets.relay.rclone.storage import SMALL_BYTES, Storage
from sync_assets.relay.uploading.claims import Claims
from sync_assets.relay.uploading.local import SourceLostError
from sync_assets.relay.uploading.outcomes import (
    Postponed,
    Published,
    Refused,
    SourceLost,
    UploadOutcome,
)
from sync_assets.relay.uploading.paths import part_path, remote_path
from sync_assets.relay.uploading.sending import Context, Sending
from sync_assets.relay.uploading.sending_together import Result, SendingTogether
from sync_assets.relay.uploading.transfer import StoppedError, Transfer
from sync_assets.relay.verified_files import VerifiedFiles
from sync_assets.settings.relay_targets import RcloneTargetSettings

_RCLONE_GONE = Reason(ReasonCode.RCLONE_ERROR, "rclone has ended, and is started again.")


class RcloneTarget:
    """A folder of a storage that rclone knows.

    Args:
        settings: The target.
        storage: The storage.
        claims: The names that uploads are about to take.
        verified_files: The files that need not be read again.
    """

    lost_answer: Reason | None = None

    def __init__(
        self,
        settings: RcloneTargetSettings,
        storage: Storage,
        claims: Claims,
        verified_files: VerifiedFiles,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._context = Context(settings, storage, claims, verified_files)
        self.takes_files = False

    def prepare(self) -> None:
        """See `Target`."""
        self._storage.connect()

    def path(self, row: AnyRow) -> str:
        """See `Target`."""
        return remote_path(self._settings.path, row)

    def announced_path(self, path: str) -> str | None:
        """See `Target`."""
        root = self._settings.strm_root
        return None if root is None else f"{root}/{path}"

    def sends_together(self, row: AnyRow) -> bool:
        """See `Target`."""
        is_single_file = row.download_checksum is not None
        is_small = row.download_completed_bytes <= SMALL_BYTES
        # One that may not take anything is asked once, not many times.
        return self.takes_files and is_single_file and is_small

    def send(self, row: AnyRow, transfer: Transfer) -> UploadOutcome:
        """See `Target`."""
        outcome = self._attempt(row, transfer, lambda: Sending(self._context, row, transfer).run())
        self.takes_files = self.takes_files or isinstance(outcome, Published)
        return outcome

    def send_together(
        self, uploads: Sequence[tuple[AnyRow, Transfer]]
    ) -> Mapping[int, UploadOutcome]:
        """See `Target`."""
        return SendingTogether(self._context, uploads, self._attempt).run()

    def _attempt(
        self, row: AnyRow, transfer: Transfer, do: Callable[[], Result]
    ) -> Result | UploadOutcome:
        """Say what it means for an upload when something that is done for it fails."""
        try:
            return do()
        except SourceLostError as error:
            return SourceLost(error.reason)
        except RcloneUnreachableError:
            return Postponed(_RCLONE_GONE)
        except RcloneRefusedError as error:
            failure = failure_of(error.text)
            if not failure.is_final:
                return Postponed(failure.reason)
            self._try_to_remove_part(row)
            if failure.is_of_target:
                self.takes_files = False
            return Refused(failure.reason, is_of_target=failure.is_of_target)
        except StoppedError:
            if transfer.had_slot:
                self._try_to_remove_part(row)
            return transfer.stopped_with

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
