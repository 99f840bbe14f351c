"""What takes time and must not hold up the loop: hashing, asking origins, fetching torrents."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.aria2.tasks import Task
from sync_assets.relay.engine.adding import fetch_torrent, saved_torrent
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.engine.growing_files import GrowingFiles
from sync_assets.relay.engine.outcomes import (
    CHANGED,
    NEEDS_PROBE,
    UNREACHABLE,
    Completed,
    Outcome,
    TryAgain,
    outcome_of_error,
)
from sync_assets.relay.engine.probing import probe
from sync_assets.relay.engine.reach import Reach
from sync_assets.relay.models import DownloadKind, Reason, ReasonCode
from sync_assets.relay.verification import Expected, VerificationError, verify
from sync_assets.relay.verified_files import VerifiedFiles

_logger = logging.getLogger(__name__)


class TelegramGateway(Protocol):
    """Whatever lets aria2 fetch what Telegram holds."""

    def url(self, media_id: int) -> str:
        """Return the address of a medium."""
        ...

    def take_failure(self, media_id: int) -> Outcome | None:
        """Return why the last request for a medium failed, once; None where it did not."""
        ...


class Examiner:
    """Examines downloads in threads, one examination of each at a time.

    Args:
        folders: Where downloads lie.
        gateway: Gives Telegram's files; None without a bot.
        reach: How far downloads may reach.
        verified_files: Learns what was verified.
        timeout_seconds: How long an origin may be silent.
    """

    def __init__(
        self,
        folders: DownloadFolders,
        gateway: TelegramGateway | None,
        reach: Reach,
        verified_files: VerifiedFiles,
        *,
        timeout_seconds: float,
    ) -> None:
        self._folders = folders
        self._gateway = gateway
        self._reach = reach
        self._verified_files = verified_files
        self._timeout_seconds = timeout_seconds
        self._growing_files = GrowingFiles()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="relay-examine")
        self._examined: dict[str, Future[Outcome]] = {}

    @property
    def is_busy(self) -> bool:
        """Whether anything is being examined, or was and is to be settled."""
        return bool(self._examined)

    @property
    def has_news(self) -> bool:
        """Whether something was examined and is to be settled."""
        return any(each.done() for each in self._examined.values())

    @property
    def is_waiting(self) -> bool:
        """Whether an examination is still to end."""
        return any(not each.done() for each in self._examined.values())

    def close(self) -> None:
        """Let go of what is being examined; the next worker examines it again."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._growing_files.close()

    def has(self, row: AnyRow) -> bool:
        """Tell whether a download is being examined, or was and is to be settled.

        Args:
            row: The download.
        """
        return row.gid in self._examined

    def take(self, row: AnyRow) -> Outcome | None:
        """Return what an examination has found, once; None where it goes on.

        Args:
            row: The download.
        """
        examination = self._examined[row.gid]
        if not examination.done():
            return None
        self.drop(row)
        error = examination.exception()
        if error is None:
            return examination.result()
        # A mistake of ours, or something that nobody foresaw: of this download, not of all.
        _logger.error("Download %d cannot be examined", row.id, exc_info=error)
        text = f"It cannot be examined ({type(error).__name__}). The run's log says more."
        return TryAgain(Reason(ReasonCode.FILE_ERROR, text))

    def drop(self, row: AnyRow) -> None:
        """Forget an examination.

        Args:
            row: The download.
        """
        self._examined.pop(row.gid, None)

    def read_along(self, row: AnyRow) -> None:
        """Read what comes of a download while it comes, so that less is to be read at its end.

        Args:
            row: The download, with its medium: one file, written from its beginning to its end.
        """
        self._growing_files.read_along(self._folders.file(row))

    def examine_complete(self, row: AnyRow, task: Task) -> None:
        """Find out whether what aria2 calls complete is what was wanted.

        Args:
            row: The download, with its medium.
            task: Its task.
        """
        if row.media_torrent is not None:
            self._submit(row, lambda: self._torrent(row, task))
        elif row.media_kind == DownloadKind.MAGNET:
            self._submit(row, lambda: saved_torrent(self._folders.folder(row)))
        else:
            file = self._folders.file(row)
            self._submit(row, lambda: self._verified(file, row, task.total_bytes))

    def examine_file(self, row: AnyRow, file: Path) -> None:
        """Find out whether a file that aria2 knows nothing of any more is what was wanted.

        Args:
            row: The download, with its medium.
            file: The file.
        """
        self._submit(row, lambda: self._verified(file, row, row.total_bytes))

    def examine_error(self, row: AnyRow, task: Task) -> None:
        """Find out what an error means.

        Args:
            row: The download, with its medium.
            task: Its task.
        """
        self._submit(row, lambda: self._error(row, task))

    def fetch_torrent(self, row: AnyRow) -> None:
        """Fetch a download's torrent.

        Args:
            row: The download, with its medium.
        """
        timeout, transport = self._timeout_seconds, self._reach.transport(row)
        self._submit(
            row,
            lambda: fetch_torrent(row.media_link, timeout_seconds=timeout, transport=transport),
        )

    def _submit(self, row: AnyRow, examination: Callable[[], Outcome]) -> None:
        self._examined[row.gid] = self._pool.submit(examination)

    def _torrent(self, row: AnyRow, task: Task) -> Outcome:
        if not task.paths or not all(path.exists() for path in task.paths):
            # The result of its magnet, which a worker was killed before it could remove.
            reason = Reason(ReasonCode.FILE_MISSING, "Its files are not there. Nothing to do.")
            return TryAgain(reason, at_once=True)
        folder = self._folders.folder(row)
        tops = {path.relative_to(folder).parts[0] for path in task.paths}
        path = folder / next(iter(tops)) if len(tops) == 1 else folder
        return Completed(str(path), self._folders.size(path), None)

    def _error(self, row: AnyRow, task: Task) -> Outcome:
        if row.total_bytes and task.total_bytes and row.total_bytes != task.total_bytes:
            return TryAgain(CHANGED, discard=True, at_once=True)
        if row.media_kind == DownloadKind.TELEGRAM and self._gateway is not None:
            return self._gateway.take_failure(row.media_id) or outcome_of_error(task)
        outcome = outcome_of_error(task)
        # A connection that the guard refused is one that failed, to aria2.
        may_be_refused = self._reach.is_guarded(row) and outcome == TryAgain(UNREACHABLE)
        needs_probe = task.error_code in NEEDS_PROBE or may_be_refused
        if row.media_kind == DownloadKind.HTTP and needs_probe:
            return probe(
                row.media_link,
                timeout_seconds=self._timeout_seconds,
                transport=self._reach.transport(row),
            )
        return outcome

    def _verified(self, path: Path, row: AnyRow, reported_bytes: int | None) -> Outcome:
        expected = Expected(
            row.expected_bytes, reported_bytes, row.expected_checksum, row.media_mime
        )
        begun = None
        try:
            begun = self._growing_files.take(path)
            verified = verify(path, expected, begun)
        except VerificationError as error:
            return TryAgain(error.reason, discard=True)
        except OSError as error:
            text = f"The file cannot be read or kept: {error.strerror}. Check the disk."
            return TryAgain(Reason(ReasonCode.FILE_ERROR, text), discard=True)
        finally:
            if begun is not None:
                begun.close()
        if verified.fingerprint is not None:
            sha256 = verified.checksum.removeprefix("sha-256=")
            self._verified_files.remember(path, verified.fingerprint, sha256)
        return Completed(str(path), verified.size_bytes, verified.checksum)
