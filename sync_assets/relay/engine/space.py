"""How much of the disk downloads may use."""

import shutil
from collections.abc import Callable
from pathlib import Path

from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import DownloadState, ReasonCode


class Space:
    """The free space where downloads lie.

    Args:
        root: The folder of all downloads.
        threshold_bytes: What is to stay free.
        free_bytes: Tells how much is free where a path is.
    """

    def __init__(
        self,
        root: Path,
        threshold_bytes: int,
        free_bytes: Callable[[Path], int] | None = None,
    ) -> None:
        self._root = root
        self._threshold_bytes = threshold_bytes
        self._free_bytes = free_bytes or (lambda path: shutil.disk_usage(path).free)

    def is_enough(self, row: AnyRow | None = None) -> bool:
        """Tell whether there is space to go on.

        Args:
            row: A download whose missing bytes must have room; None for any.
        """
        missing = 0
        if row is not None:
            missing = max(0, (row.total_bytes or row.expected_bytes or 0) - row.completed_bytes)
        return self._free_bytes(self._root) - missing >= self._threshold_bytes

    def lets_go_on(self, row: AnyRow) -> bool:
        """Tell whether a download waits for space, and has some now.

        Args:
            row: The download.
        """
        return (
            row.state == DownloadState.PAUSED
            and row.reason_code == ReasonCode.DISK_FULL
            and (row.not_before is None or row.not_before <= utc_now())
            and self.is_enough(row)
        )
