"""Several small files to one rclone target: some copies with one request, all moves with another.

A request to rclone takes as long as a small file itself. Whatever does not go as usual is done for
its upload alone, as `Sending` does it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.rclone.rpc import RcloneRefusedError, RcloneUnreachableError
from sync_assets.relay.rclone.storage import Movement
from sync_assets.relay.uploading.local import LocalFile
from sync_assets.relay.uploading.outcomes import (
    Postponed,
    Published,
    Refused,
    UploadOutcome,
    refusals_of_target,
)
from sync_assets.relay.uploading.sending import DAMAGED, Context, Sending
from sync_assets.relay.uploading.transfer import StoppedError, Transfer, take_slot

_COPIES_AT_ONCE = 8

Result = TypeVar("Result")


class Attempt(Protocol):
    """Whatever says what it means for an upload when something that is done for it fails."""

    def __call__(
        self, row: AnyRow, transfer: Transfer, do: Callable[[], Result], /
    ) -> Result | UploadOutcome:
        """Return the result, or what becomes of the upload."""
        ...


@dataclass(frozen=True)
class _Upload:
    row: AnyRow
    transfer: Transfer
    sending: Sending

    @property
    def file(self) -> LocalFile:
        return self.sending.files[0]

    @property
    def name(self) -> str:
        return self.sending.names[0]


class SendingTogether:
    """First attempts of several uploads, each of a single small file.

    Args:
        context: What all uploads to their target share.
        uploads: The uploads; they use one slot.
        attempt: Says what it means for an upload when something fails.
    """

    def __init__(
        self,
        context: Context,
        uploads: Sequence[tuple[AnyRow, Transfer]],
        attempt: Attempt,
    ) -> None:
        self._context = context
        self._uploads = uploads
        self._attempt = attempt
        self._outcomes: dict[int, UploadOutcome] = {}

    def run(self) -> Mapping[int, UploadOutcome]:
        """Upload them, and publish them; return what has become of each."""
        arrived = self._copy(self._begin())
        if not refusals_of_target(self._outcomes):
            # Else it is kept until those that wait for it know that the target takes nothing.
            self._uploads[0][1].end()
        self._publish(arrived)
        return self._outcomes

    def _begin(self) -> Sequence[_Upload]:
        begun = take_slot([transfer for _, transfer in self._uploads])
        uploads = []
        for row, transfer in self._uploads:
            if not any(transfer is each for each in begun):
                self._outcomes[row.id] = transfer.stopped_with
                continue
            sending = self._attempt(row, transfer, partial(Sending, self._context, row, transfer))
            if isinstance(sending, Sending):
                uploads.append(_Upload(row, transfer, sending))
            else:
                self._outcomes[row.id] = sending
        return uploads

    def _copy(self, uploads: Sequence[_Upload]) -> Sequence[_Upload]:
        """Copy the files under temporary names; return the uploads whose file is there."""
        if not uploads:
            return ()

        arrived: list[_Upload] = []
        for at in range(0, len(uploads), _COPIES_AT_ONCE):
            some = uploads[at : at + _COPIES_AT_ONCE]
            errors = self._copy_some(some)
            arrived += [
                each
                for each, error in zip(some, errors, strict=True)
                if self._has_arrived(each, error)
            ]
            failed = [each for each, error in zip(some, errors, strict=True) if error is not None]
            reason = self._reason_to_wait(failed)
            if reason is not None:
                left = uploads[at + len(some) :]
                self._outcomes |= dict.fromkeys((each.row.id for each in left), reason)
                break
        return arrived

    def _reason_to_wait(self, failed: Sequence[_Upload]) -> UploadOutcome | None:
        """Return what becomes of those that were not tried yet; None where they can be."""
        for each in failed:
            outcome = self._outcomes[each.row.id]
            if isinstance(outcome, Postponed):
                return replace(outcome, is_attempt=False)
            if isinstance(outcome, Refused) and outcome.is_of_target:
                return outcome
        return None

    def _copy_some(self, uploads: Sequence[_Upload]) -> Sequence[Exception | None]:
        def require_any() -> None:
            if all(each.transfer.is_stopped for each in uploads):
                raise StoppedError

        copies = [(each.file.path, each.sending.part) for each in uploads]
        try:
            return self._context.storage.copy_each(copies, meanwhile=require_any)
        except (RcloneRefusedError, RcloneUnreachableError, StoppedError) as error:
            return [error] * len(uploads)

    def _has_arrived(self, upload: _Upload, error: Exception | None) -> bool:
        def check() -> bool:
            if error is not None:
                raise error
            return upload.sending.has_arrived(upload.file)

        found = self._attempt(upload.row, upload.transfer, check)
        if found is not True:
            self._outcomes[upload.row.id] = DAMAGED if found is False else found
        return found is True

    def _publish(self, uploads: Sequence[_Upload]) -> None:
        """Move the files to their names: together, where nobody else is about to take these."""
        for each in uploads:
            self._leave_out_if_stopped(each)
        uploads = [each for each in uploads if each.row.id not in self._outcomes]
        names = [f"{self._context.settings.remote}/{each.name}" for each in uploads]
        with self._context.claims.claim_free(names) as is_free:
            free = [each for each, has_name in zip(uploads, is_free, strict=True) if has_name]
            for upload, movement in zip(free, self._move(free), strict=True):
                self._take(upload, movement)
        for upload in uploads:
            if upload.row.id not in self._outcomes:
                publish = partial(upload.sending.publish, looks=True)
                self._settle(upload, publish)

    def _leave_out_if_stopped(self, upload: _Upload) -> None:
        outcome = self._attempt(upload.row, upload.transfer, upload.transfer.require)
        if outcome is not None:
            self._outcomes[upload.row.id] = outcome

    def _move(self, uploads: Sequence[_Upload]) -> Sequence[Movement | Exception]:
        storage = self._context.storage
        try:
            if uploads and storage.spares_folders(uploads[0].sending.part):
                return storage.move_each([(each.sending.part, each.name) for each in uploads])
        except (RcloneRefusedError, RcloneUnreachableError) as error:
            return [error] * len(uploads)
        return [Movement(is_known=False)] * len(uploads)

    def _take(self, upload: _Upload, movement: Movement | Exception) -> None:
        """Take what has come of moving a file; nothing where it is to be looked at alone."""

        def finish() -> UploadOutcome:
            if isinstance(movement, Exception):
                raise movement
            proof = upload.sending.proof_of(upload.file, upload.name, movement)
            if proof is None:
                return DAMAGED
            size_bytes = upload.file.size_bytes
            return Published(proof.verified_by, proof.text, upload.name, size_bytes)

        if isinstance(movement, Exception) or movement.is_known:
            self._settle(upload, finish)

    def _settle(self, upload: _Upload, do: Callable[[], UploadOutcome]) -> None:
        self._outcomes[upload.row.id] = self._attempt(upload.row, upload.transfer, do)
