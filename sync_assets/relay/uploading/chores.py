"""What is done beside the uploads, one after the other: parts and local files are removed."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import uploads
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.uploading.cleaning import clean
from sync_assets.relay.uploading.outcomes import Cleaned, PartRemoved, RemoteMissing
from sync_assets.relay.uploading.settling import UploadSettling
from sync_assets.relay.uploading.targets import Target
from sync_assets.settings.relay import RelaySettings

_MOST_AT_ONCE = 500

_logger = logging.getLogger(__name__)


class Chores:
    """Removes what uploads have left at their targets, and local files that all targets have.

    Args:
        settings: The configuration of the relay.
        ledger: The ledger.
        targets: The targets that can be used, by name.
        folders: Where downloads lie.
        settling: Takes what is to be written.
        run_id: The Dagster run, for the history.
    """

    def __init__(  # noqa: PLR0913 - the last one is named
        self,
        settings: RelaySettings,
        ledger: Ledger,
        targets: Mapping[str, Target],
        folders: DownloadFolders,
        settling: UploadSettling,
        *,
        run_id: str | None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._targets = targets
        self._folders = folders
        self._settling = settling
        self._run_id = run_id
        self._thread = ThreadPoolExecutor(1, "clean")
        self._removals: dict[int, Future[PartRemoved]] = {}
        self._cleanings: dict[int, Future[Cleaned | RemoteMissing]] = {}

    @property
    def is_busy(self) -> bool:
        """Whether anything is being removed."""
        return bool(self._removals or self._cleanings)

    @property
    def has_news(self) -> bool:
        """Whether something was removed, which is to be written."""
        return bool(_done(self._removals) or _done(self._cleanings))

    @property
    def is_waiting(self) -> bool:
        """Whether a removal is still to end."""
        futures = (*self._removals.values(), *self._cleanings.values())
        return any(not each.done() for each in futures)

    def close(self) -> None:
        """Wait for what is being removed; what was not begun is left to the next worker."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def remove_part(self, row: AnyRow) -> None:
        """Remove what an upload has left at its target.

        Args:
            row: The upload, which is not under way.
        """
        if row.id in self._removals:
            return
        target = self._targets.get(row.target)
        if target is None or row.remote_path is None:
            # Nobody can be asked any more.
            self._settling.add(partial(uploads.part_removed, upload_id=row.id))
            return
        self._removals[row.id] = self._thread.submit(_remove_part, target, row)

    def clean(self) -> None:
        """Remove the local files that all required targets have, some at a time."""
        with self._ledger.read() as connection:
            cleanable = uploads.cleanable(connection, most=_MOST_AT_ONCE + len(self._cleanings))
            found = [each for each in cleanable if each.id not in self._cleanings]
            if not found:
                return
            rows = uploads.uploads_of(connection, [download.id for download in found])
        own: defaultdict[int, list[AnyRow]] = defaultdict(list)
        for row in rows:
            own[row.download_id].append(row)
        for download in found:
            self._cleanings[download.id] = self._thread.submit(
                clean, download, own[download.id], self._targets.get, self._folders
            )

    def settle(self) -> frozenset[int]:
        """Take what has ended, to be written; return the uploads whose parts that is about."""
        removed = _done(self._removals)
        for upload_id in removed:
            self._settle_removal(upload_id, self._removals.pop(upload_id))
        for download_id in _done(self._cleanings):
            self._settle_cleaning(download_id, self._cleanings.pop(download_id))
        return frozenset(removed)

    def _settle_removal(self, upload_id: int, removal: Future[PartRemoved]) -> None:
        if removal.cancelled():
            return
        error = removal.exception()
        if error is None:
            self._settling.add(partial(uploads.part_removed, upload_id=upload_id))
            return
        _logger.warning("Upload %d has left a part at its target: %s", upload_id, error)
        later = self._much_later()
        self._settling.add(partial(uploads.put_off_removal, upload_id=upload_id, not_before=later))

    def _settle_cleaning(self, download_id: int, cleaning: Future[Cleaned | RemoteMissing]) -> None:
        if cleaning.cancelled():
            return
        error = cleaning.exception()
        if error is not None:
            _logger.warning("The file of download %d is kept for now: %s", download_id, error)
            later = self._much_later()
            self._settling.add(
                partial(uploads.postpone_cleaning, download_id=download_id, not_before=later)
            )
            return
        outcome = cleaning.result()
        if isinstance(outcome, Cleaned):
            self._settling.clean(download_id)
            return
        missing = outcome.upload_id
        self._settling.add(
            partial(uploads.mark_missing_remote, upload_id=missing, run_id=self._run_id)
        )

    def _much_later(self) -> datetime:
        return utc_now() + timedelta(seconds=self._settings.retry_backoff_max_seconds)


def _remove_part(target: Target, row: AnyRow) -> PartRemoved:
    target.remove_part(row)
    return PartRemoved()


def _done(futures: Mapping[int, Future]) -> list[int]:
    return [key for key, future in futures.items() if future.done()]
