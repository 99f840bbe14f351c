"""The loop that drives downloads to rest.

The ledger says what is wanted, aria2 says what is, and each step brings them together: intent is
written before aria2 is told, and what aria2 says is written after. Nothing is remembered between
two steps that a new worker could not find out.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from sync_assets.addresses import AddressGuard
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import downloads
from sync_assets.relay.aria2.rpc import Aria2Client, Aria2RefusedError, Aria2UnreachableError, Call
from sync_assets.relay.aria2.tasks import NOT_ENDED, Task, TaskStatus, look_at
from sync_assets.relay.engine.adding import Adding
from sync_assets.relay.engine.examining import Examiner, TelegramGateway
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.engine.looking import AT_WORK, Aria2Source, Step, look, most_at_work
from sync_assets.relay.engine.outcomes import (
    DISK_FULL,
    PAUSED_IN_ARIA2,
    REMOVED,
    GiveUp,
    Outcome,
    Removed,
)
from sync_assets.relay.engine.reach import Reach
from sync_assets.relay.engine.settling import DownloadReport, Settling
from sync_assets.relay.engine.space import Space
from sync_assets.relay.engine.starting import Starter
from sync_assets.relay.engine.sweeping import Sweeper
from sync_assets.relay.models import Command, DownloadKind, DownloadState
from sync_assets.relay.resting import drive_to_rest
from sync_assets.relay.verified_files import VerifiedFiles
from sync_assets.settings.relay import RelaySettings

_PROGRESS_SECONDS = 0.5
# A smaller one is read in no time when it is there.
_READ_ALONG_BYTES = 64 * 1024 * 1024
_ONE_FILE = (DownloadKind.HTTP, DownloadKind.TELEGRAM)
_RUNNING = (DownloadState.WAITING, DownloadState.DOWNLOADING)


class Downloader:
    """Drives downloads.

    Args:
        settings: The configuration of the relay.
        ledger: The ledger.
        aria2: Where aria2 is.
        gateway: Gives Telegram's files; None without a bot.
        guards: What judges the addresses of downloads, by their source; others are trusted.
        run_id: The Dagster run, for the history.
        verified_files: Learns which files were verified; None where nobody else wants to know.
        free_bytes: Tells how much space is left where a path is.
    """

    def __init__(  # noqa: PLR0913 - all but three are named
        self,
        settings: RelaySettings,
        ledger: Ledger,
        aria2: Aria2Source,
        *,
        gateway: TelegramGateway | None,
        guards: Mapping[str, AddressGuard],
        run_id: str | None,
        verified_files: VerifiedFiles | None = None,
        free_bytes: Callable[[Path], int] | None = None,
    ) -> None:
        root = settings.download_directory
        self._settings = settings
        self._ledger = ledger
        self._aria2 = aria2
        self._folders = DownloadFolders(root, trusts_length=settings.connections_per_download == 1)
        self._space = Space(root, settings.disk_free_threshold_bytes, free_bytes)
        self._reach = Reach(guards, timeout_seconds=settings.timeout_seconds)
        gateway_url = gateway.url if gateway else None
        self._adding = Adding(settings, self._folders, gateway_url, self._reach)
        self._examiner = Examiner(
            self._folders,
            gateway,
            self._reach,
            verified_files or VerifiedFiles(),
            timeout_seconds=settings.timeout_seconds,
        )
        # With one connection, and nothing kept in memory first, aria2 writes a file in its order.
        self._reads_along = settings.connections_per_download == 1 and not aria2.keeps_tasks
        self._settling = Settling(settings, ledger, self._folders, run_id=run_id)
        self._starter = Starter(self._adding, self._folders, self._settling)
        self._sweeper = Sweeper(ledger, self._folders)
        self._progress_at = 0.0
        self._is_hungry = False
        self._has_at_work = False
        self._most_due = most_at_work(settings.concurrency)
        self._is_first_step = True

    def prepare(self) -> None:
        """Let aria2 start, where it will be wanted: see `Driver`."""
        with self._ledger.read() as connection:
            is_wanted = downloads.due_count(connection, disk_has_space=True) > 0
        if is_wanted:
            self._aria2.prepare()

    @property
    def report(self) -> DownloadReport:
        """What was done so far."""
        return self._settling.report

    def __enter__(self) -> Self:
        """Make the folder of downloads."""
        self._folders.root.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of what is being examined."""
        self._examiner.close()
        self._reach.close()

    def run(
        self, *, seconds: float, between_steps: Callable[[], bool] | None = None
    ) -> DownloadReport:
        """Work until nothing moves any more, or the time is over.

        Args:
            seconds: The time.
            between_steps: Called after each step, for what is to be done meanwhile; tells whether
                it has made new work.

        Returns:
            What was done.

        Raises:
            Aria2StartError: aria2 does not start.
            Aria2UnreachableError: A configured aria2 does not answer.
            LedgerUnavailableError: The ledger cannot be written.
        """
        drive_to_rest([self], seconds=seconds, between_steps=between_steps)
        return self.report

    @property
    def is_busy(self) -> bool:
        """Nothing here would have to begin again: see `Driver`."""
        return False

    @property
    def is_hungry(self) -> bool:
        """Whether aria2 had nothing to do a moment ago: see `Driver`."""
        return self._is_hungry

    @property
    def has_news(self) -> bool:
        """Whether an examination has ended: see `Driver`."""
        return self._examiner.has_news

    @property
    def is_waiting(self) -> bool:
        """Whether aria2 had anything to do a moment ago, or something is being examined."""
        return self._has_at_work or self._examiner.is_waiting

    def finish(self) -> None:
        """Whatever is under way goes on in the next run: see `Driver`."""

    def step(self) -> bool:
        """Bring ledger and aria2 together once.

        Returns:
            Whether anything moves, so that another step is wanted soon.
        """
        with self._ledger.read() as connection:
            rows = downloads.open_downloads(connection, most_due=self._most_due)
        if not rows:
            self._is_hungry = self._has_at_work = False
            return self._sweep_at_rest()
        step = look(self._aria2, rows)
        try:
            self._bring_together(step, rows)
            is_sweeping = self._sweep(step.client, step.session)
        except Aria2UnreachableError:
            # It has ended since that look: the next one starts a private one again, and fails
            # where a configured one is gone. What was found out until then is true.
            self._settling.write()
            return True
        return is_sweeping or self._is_moving()

    def _sweep(self, client: Aria2Client, session: str) -> bool:
        return self._aria2.keeps_tasks and self._sweeper.sweep(client, session)

    def _sweep_at_rest(self) -> bool:
        if not self._aria2.keeps_tasks:
            return False
        try:
            client = self._aria2.client()
            return self._sweep(client, look_at(client, ())[0])
        except (Aria2UnreachableError, Aria2RefusedError):
            # No download needs it now; one that does says so.
            return False

    def _bring_together(self, step: Step, rows: Sequence[AnyRow]) -> None:
        writes_progress = time.monotonic() - self._progress_at >= _PROGRESS_SECONDS
        if writes_progress:
            self._progress_at = time.monotonic()
        for row in self._without_space(step, rows):
            self._consider(step, row, writes_progress=writes_progress)
        self._is_first_step = False
        ready = self._starter.ready(step.starting)
        self._settling.start(ready)
        self._settling.write()
        # What aria2 still holds of an earlier attempt would refuse the gid of the next one.
        step.client.multicall([Call("aria2.removeDownloadResult", (gid,)) for gid in step.forget])
        self._starter.start(step.client, ready)
        self._is_hungry = not step.had_at_work
        self._has_at_work = step.at_work > 0
        begun = len(ready) + sum(self._has_begun(step, row) for row in rows)
        most = most_at_work(self._settings.concurrency)
        # Half of its queue may be done by then.
        self._most_due = begun + max(most // 2, most - step.at_work)

    def _has_begun(self, step: Step, row: AnyRow) -> bool:
        """Tell whether a download is under way that is due as far as the ledger knows."""
        is_known = row.gid in step.tasks or self._examiner.has(row)
        return is_known and row.state == DownloadState.PENDING

    def _without_space(self, step: Step, rows: Sequence[AnyRow]) -> list[AnyRow]:
        """Pause what runs where space is short, let it go on where there is some; return others."""
        is_enough = self._space.is_enough()
        others = []
        for row in rows:
            task = step.tasks.get(row.gid)
            if row.command is not None:
                others.append(row)
            elif not is_enough and task is not None and task.status in AT_WORK:
                self._try(step, "aria2.forcePause", row)
                self._settling.move(row, DownloadState.PAUSED, DISK_FULL)
            elif self._space.lets_go_on(row):
                self._try(step, "aria2.unpause", row)
                self._settling.move(row, DownloadState.PENDING, not_before=None)
            else:
                others.append(row)
        return others

    def _consider(self, step: Step, row: AnyRow, *, writes_progress: bool) -> None:
        task = step.tasks.get(row.gid)
        if _is_under_way(task):
            # Started again meanwhile, aria2 has brought it back: what was examined is written anew.
            self._examiner.drop(row)
        if row.command is not None:
            self._obey(step, row, task)
        elif self._examiner.has(row):
            outcome = self._examiner.take(row)
            if outcome is not None:
                self._settle(step, row, outcome)
        elif task is None:
            self._look_for(step, row)
        elif self._reach.is_cut_off(row) and task.status is TaskStatus.ERROR:
            # Its proxy has ended with an earlier worker: that was no failed attempt.
            self._settling.move(row, DownloadState.PENDING)
            step.forget.append(row.gid)
        elif task.status is TaskStatus.ACTIVE:
            self._progress(step, row, task, is_due=writes_progress)
        else:
            self._follow(step, row, task, is_due=writes_progress)

    def _obey(self, step: Step, row: AnyRow, task: Task | None) -> None:
        """Tell aria2 what a user wants."""
        command = Command(row.command)
        if command is Command.CANCEL:
            if _is_under_way(task):
                # It still writes for a moment: its files are removed when it is seen to be gone.
                self._try(step, "aria2.forceRemove", row)
                return
            self._examiner.drop(row)
            step.forget.append(row.gid)
            self._folders.discard(row)
        elif command is Command.PAUSE:
            if task is not None and task.status in AT_WORK:
                # It is active for a moment yet, which must not be taken for somebody's resuming.
                self._try(step, "aria2.forcePause", row)
                return
        else:
            self._try(step, "aria2.unpause", row)
        self._settling.add(lambda connection: downloads.heard(connection, row))

    def _progress(self, step: Step, row: AnyRow, task: Task, *, is_due: bool) -> None:
        columns: dict[str, Any] = {
            "completed_bytes": task.completed_bytes,
            # The first one stays: another one means that the file has changed at its origin.
            "total_bytes": row.total_bytes or task.total_bytes or None,
            "bytes_per_second": task.bytes_per_second,
            "aria2_session": step.session,
        }
        if (
            self._reads_along
            and row.media_kind in _ONE_FILE
            and task.total_bytes >= _READ_ALONG_BYTES
        ):
            self._examiner.read_along(row)
        if row.state != DownloadState.DOWNLOADING:
            self._settling.move(row, DownloadState.DOWNLOADING, not_before=None, **columns)
        elif is_due and any(getattr(row, name) != value for name, value in columns.items()):
            self._settling.add(
                lambda connection: downloads.set_progress(connection, row.id, **columns)
            )

    def _follow(self, step: Step, row: AnyRow, task: Task, *, is_due: bool) -> None:
        """Write what aria2 says of a task that is not active."""
        match task.status:
            case TaskStatus.WAITING if is_due and row.state != DownloadState.WAITING:
                # A small file is there before anybody could see that it waits.
                self._settling.move(row, DownloadState.WAITING, aria2_session=step.session)
            case TaskStatus.PAUSED if row.state != DownloadState.PAUSED:
                self._settling.move(row, DownloadState.PAUSED, PAUSED_IN_ARIA2)
            case TaskStatus.COMPLETE:
                self._examiner.examine_complete(row, task)
            case TaskStatus.ERROR:
                self._examiner.examine_error(row, task)
            case TaskStatus.REMOVED:
                self._settle(step, row, Removed(REMOVED))

    def _look_for(self, step: Step, row: AnyRow) -> None:
        """Find out about a download that aria2 does not know."""
        finished = self._folders.finished_file(row)
        if finished is not None and row.state != DownloadState.PAUSED:
            self._examiner.examine_file(row, finished)
        elif row.state in _RUNNING and row.aria2_session == step.session:
            # Only somebody else can have removed it: this aria2 has not been started again.
            self._settle(step, row, Removed(REMOVED))
        elif row.state in _RUNNING:
            self._settling.move(row, DownloadState.PENDING)
        elif row.state == DownloadState.PENDING:
            self._prepare(step, row)

    def _prepare(self, step: Step, row: AnyRow) -> None:
        refusal = self._adding.refusal(row)
        if refusal is not None:
            self._settle(step, row, GiveUp(refusal))
        elif self._adding.needs_torrent(row):
            self._examiner.fetch_torrent(row)
        elif not step.has_room(self._settings.concurrency, is_first=self._is_first_step):
            return
        elif not self._space.is_enough(row):
            self._settling.move(row, DownloadState.PAUSED, DISK_FULL)
        else:
            step.starting.append(row)

    def _settle(self, step: Step, row: AnyRow, outcome: Outcome) -> None:
        self._settling.settle(row, outcome)
        step.forget.append(row.gid)

    def _try(self, step: Step, method: str, row: AnyRow) -> None:
        # A task that has just ended cannot be paused: the next look at it says how it ended.
        with suppress(Aria2RefusedError):
            step.client.call(method, row.gid)

    def _is_moving(self) -> bool:
        if self._examiner.is_busy:
            return True
        with self._ledger.read() as connection:
            return downloads.due_count(connection, disk_has_space=False) > 0

    def seconds_until_due(self) -> float | None:
        """Return how long until the first download that is put off is due; None for none."""
        with self._ledger.read() as connection:
            due = downloads.next_due(connection)
        return None if due is None else max(0.0, (due - utc_now()).total_seconds())


def _is_under_way(task: Task | None) -> bool:
    return task is not None and task.status in NOT_ENDED
