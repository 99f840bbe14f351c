"""What every kind of target can do."""

from collections.abc import Mapping, Sequence
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

    @property
    def takes_files(self) -> bool:
        """Whether it has taken a file, and refused none since."""
        ...

    def prepare(self) -> None:
        """Do what takes time before the first upload, without asking the target.

        Raises:
            SyncError: It cannot be used; the first upload says the same.
        """
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

    def sends_together(self, row: AnyRow) -> bool:
        """Tell whether an upload is better sent together with others than alone.

        Args:
            row: The upload, at its first attempt.
        """
        ...

    def send_together(
        self, uploads: Sequence[tuple[AnyRow, Transfer]]
    ) -> Mapping[int, UploadOutcome]:
        """Bring several files to the target, and prove that they are there.

        Args:
            uploads: The uploads, each of which is sent together and has its first attempt.

        Returns:
            What has become of each, by its id.

        Raises:
            StoppedError: All were stopped.
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
