"""What every kind of target can do."""

from typing import Protocol

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.models import Reason
from sync_assets.relay.uploading.outcomes import UploadOutcome
from sync_assets.relay.uploading.transfer import Transfer


class Target(Protocol):
    """A place where files are kept. Its methods are called in threads."""

    @property
    def lost_answer(self) -> Reason | None:
        """Why an upload that a killed worker had begun is not begun again; None where it is."""
        ...

    def path(self, row: AnyRow) -> str:
        """Return where an upload goes, without asking the target.

        Args:
            row: The upload, with its download and medium.
        """
        ...

    def send(self, row: AnyRow, transfer: Transfer) -> UploadOutcome:
        """Bring a file to the target, and prove that it is there.

        Args:
            row: The upload, whose `remote_path` is what `path` returned.
            transfer: Where progress goes, and what stops it.

        Raises:
            StoppedError: It was stopped.
        """
        ...

    def remove_part(self, row: AnyRow) -> None:
        """Remove what is there of an upload that did not come to its end.

        Args:
            row: The upload.

        Raises:
            SyncError: It is not removed.
        """
        ...

    def still_has(self, row: AnyRow) -> bool:
        """Tell whether what was published is still there.

        Args:
            row: The upload, which is completed.

        Raises:
            SyncError: The target cannot be asked.
        """
        ...

    def announced_path(self, path: str) -> str | None:
        """Return what the STRM jobs call a published file; None where they are not told.

        Args:
            path: Where it was published.
        """
        ...
