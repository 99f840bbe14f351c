"""What has become of queued episodes: the relay's downloads, seen from the watchlist.

A file is put into the library and the STRM jobs are told before the episode counts as downloaded,
so that a crash in between repeats both, which changes nothing.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection, or_, select

from sync_assets import relay, strm
from sync_assets.ledger import Ledger
from sync_assets.ledger.lifecycle import StateConflictError, UnknownSubjectError
from sync_assets.ledger.schema import watchlist_episodes
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import DownloadState
from sync_assets.settings import Settings
from sync_assets.settings.watchlist_templates import valid_folder_template
from sync_assets.watchlist import episodes, items, releases
from sync_assets.watchlist.deciding import number_of
from sync_assets.watchlist.item_numbering import Numbering
from sync_assets.watchlist.models import OPEN_EPISODES, EpisodeState
from sync_assets.watchlist.naming import EpisodeFile, folder_of, name_of
from sync_assets.watchlist.placing import PlacingError, find_file, place
from sync_assets.watchlist.queueing import episode_file, failed
from sync_assets.watchlist.taking_in import numbering_of

_E = EpisodeState
_FOLLOWED = (*OPEN_EPISODES, _E.FAILED)
_ENDED = (DownloadState.COMPLETED, DownloadState.FAILED, DownloadState.CANCELLED)
_CANCELLED = "Its download was cancelled in the relay. Want it to have it after all."
_NOT_IN_BATCH = "The batch that was downloaded does not hold it. Retry it to take another release."

_logger = logging.getLogger(__name__)


@dataclass
class FollowReport:
    """What was seen.

    Attributes:
        downloaded: Episodes whose file is here now.
        failed: Episodes whose download failed.
        item_ids: The items of episodes that changed.
        problems: What did not work, and stopped nothing else.
    """

    downloaded: int = 0
    failed: int = 0
    item_ids: set[int] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def has_news(connection: Connection) -> bool:
    """Whether a download of any episode has come to an end, and the episode does not know it.

    Args:
        connection: A transaction of the ledger.
    """
    rows = _followed(connection)
    progress = relay.state_of(connection, {row.media_id for row in rows})
    return any(_is_news(row, progress.get(row.media_id)) for row in rows)


class Follower:
    """Brings episodes to where their downloads are.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        run_id: The Dagster run, for the history.
    """

    def __init__(self, settings: Settings, ledger: Ledger, *, run_id: str | None) -> None:
        self._settings = settings
        self._library = settings.watchlist.library.directory
        self._ledger = ledger
        self._run_id = run_id
        self._report = FollowReport()

    def follow(self) -> FollowReport:
        """Follow all downloads of episodes.

        Raises:
            LedgerUnavailableError: The ledger cannot be written.
        """
        with self._ledger.read() as connection:
            rows = _followed(connection)
            progress = relay.state_of(connection, {row.media_id for row in rows})
            unplaced = _unplaced(connection) if self._library is not None else ()
        for row in unplaced:
            with suppress(StateConflictError, UnknownSubjectError):
                self._place_after_all(row)
        for row in rows:
            # A user or another run was faster, or the item is deleted: nothing is to be done.
            with suppress(StateConflictError, UnknownSubjectError):
                self._bring(row, progress.get(row.media_id))
        return self._report

    def _bring(self, row: AnyRow, progress: relay.Progress | None) -> None:
        if progress is not None and progress.state is DownloadState.COMPLETED:
            self._complete(row, Path(progress.path or ""))
        elif progress is None or progress.state in _ENDED:
            if row.state != _E.FAILED:
                self._end(row, progress)
        else:
            is_loading = progress.state is DownloadState.DOWNLOADING
            state = _E.DOWNLOADING if is_loading else _E.QUEUED
            if row.state != state or progress.reason not in (None, row.reason):
                self._move(row, state, progress.reason)

    def _end(self, row: AnyRow, progress: relay.Progress | None) -> None:
        if progress is None:
            self._move(row, _E.WANTED, "The relay has forgotten its download.", media_id=None)
        elif progress.state is DownloadState.FAILED:
            self._fail(row, progress.reason or "Its download failed.")
        else:
            is_here = row.path is not None
            self._move(row, _E.DOWNLOADED if is_here else _E.SKIPPED, _CANCELLED)

    def _complete(self, row: AnyRow, downloaded: Path) -> None:
        with self._ledger.read() as connection:
            item = items.get(connection, row.item_id)
            release = releases.get(connection, row.release_id) if row.release_id else None
        is_batch = release is not None and release.number != release.last_number
        source = find_file(downloaded, number_of(row), _numbering(item, release), is_batch=is_batch)
        if source is None and downloaded.exists():
            self._leave(row)
            return
        path, reason = downloaded, None
        if source is not None:
            path, reason = self._placed(item, row, release, source)
        self._tell(row, path)
        version = release.version if release is not None else row.version
        resolution = release.resolution if release is not None else row.resolution
        self._move(
            row,
            _E.DOWNLOADED,
            reason,
            path=str(path),
            downloaded_at=utc_now(),
            version=version,
            resolution=resolution,
            not_before=None,
            attempts=0,
        )
        self._report.downloaded += 1

    def _place_after_all(self, row: AnyRow) -> None:
        """Put a file into the library that could not be put there when it came."""
        source = Path(row.path)
        if source.is_relative_to(self._library or "") or not source.is_file():
            return
        with self._ledger.read() as connection:
            item = items.get(connection, row.item_id)
            release = releases.get(connection, row.release_id) if row.release_id else None
        path, reason = self._placed(item, row, release, source)
        if reason is None:
            self._tell(row, path)
            self._move(row, _E.DOWNLOADED, None, path=str(path))

    def _placed(
        self, item: AnyRow, row: AnyRow, release: AnyRow | None, source: Path
    ) -> tuple[Path, str | None]:
        """Put a file into the library; return where it is, and why it is not there."""
        if self._library is None:
            return source, None
        templates = self._settings.watchlist.library
        file = episode_file(item, row, release)
        own = Path(row.path) if row.path else None
        is_ours = own is not None and own.is_relative_to(self._library)
        try:
            folder = _folder(item.folder_template or templates.folder_template, file)
            target = self._library / folder / name_of(templates.file_template, file, source.suffix)
            place(source, target, own=own if is_ours else None)
        except PlacingError as error:
            self._report.problems.append(f"{item.title}: {error.message}")
            _logger.warning("Episode %d of item %d: %s", row.id, item.id, error)
            return source, str(error)
        return target, None

    def _tell(self, row: AnyRow, path: Path) -> None:
        if self._settings.strm.jobs:
            event_id = f"watchlist-{row.id}-{row.media_id}"
            strm.notify(self._ledger, str(path), "create", is_directory=False, event_id=event_id)

    def _fail(self, row: AnyRow, reason: str) -> None:
        with self._ledger.write() as connection:
            current = episodes.get(connection, row.id)
            if current.state not in OPEN_EPISODES:
                return
            if row.release_id is not None:
                releases.failed(connection, row.release_id, reason)
            failed(connection, current, reason, self._settings.watchlist, run_id=self._run_id)
        self._report.failed += 1
        self._report.item_ids.add(row.item_id)

    def _leave(self, row: AnyRow) -> None:
        """Give an episode up that is not in the batch: the same batch would come again."""
        attempts = self._settings.watchlist.choosing.max_attempts
        self._move(row, _E.FAILED, _NOT_IN_BATCH, attempts=attempts, not_before=None, media_id=None)
        self._report.failed += 1

    def _move(self, row: AnyRow, state: EpisodeState, reason: str | None, **changes: Any) -> None:
        with self._ledger.write() as connection:
            episodes.move(
                connection,
                row.id,
                state,
                expected={EpisodeState(row.state)},
                run_id=self._run_id,
                reason=reason,
                **changes,
            )
        self._report.item_ids.add(row.item_id)


def _followed(connection: Connection) -> Sequence[AnyRow]:
    columns = watchlist_episodes.c
    query = select(watchlist_episodes).where(
        columns.state.in_(_FOLLOWED),
        or_(columns.state != _E.FAILED, columns.media_id.is_not(None)),
    )
    return connection.execute(query.order_by(columns.id)).all()


def _unplaced(connection: Connection) -> Sequence[AnyRow]:
    """Return the episodes whose file may not be in the library, as their reason says."""
    columns = watchlist_episodes.c
    query = select(watchlist_episodes).where(
        columns.state == _E.DOWNLOADED, columns.reason.is_not(None)
    )
    return connection.execute(query.order_by(columns.id)).all()


def _folder(template: str, file: EpisodeFile) -> PurePosixPath:
    try:
        return folder_of(valid_folder_template(template), file)
    except ValueError as error:
        raise PlacingError(
            f"The folder template {template!r} {error}.", remedy="Correct it in the item."
        ) from error


def _is_news(row: AnyRow, progress: relay.Progress | None) -> bool:
    if row.state == _E.FAILED:
        return progress is not None and progress.state is DownloadState.COMPLETED
    return progress is None or progress.state in _ENDED


def _numbering(item: AnyRow, release: AnyRow | None) -> Numbering:
    """Return how the files of a release are numbered: as the item, in the release's season."""
    own = numbering_of(item)
    season = release.season if release is not None and release.season is not None else own.season
    return Numbering(season, own.offset)
