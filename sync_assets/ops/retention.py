"""Remove what is old: finished runs of Dagster with their files, and our own JSON lines.

Dagster itself purges ticks only (`dagster.yaml`). The ledger's rows have their own retention,
with the lifecycles that know which of them are finished.
"""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import dagster as dg
from dagster import DagsterEventType, DagsterRunStatus

from sync_assets.settings import Settings

_logger = logging.getLogger(__name__)

_FINISHED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_RECORDS_PER_QUERY = 500


@dataclass(frozen=True)
class PruneResult:
    """What one pruning did.

    Attributes:
        runs_removed: Runs that were removed.
        runs_kept: Old runs that stay, because an asset's latest materialization is theirs.
        log_files_removed: Days of JSON lines that were removed.
        bytes_freed: Size of all removed files.
    """

    runs_removed: int
    runs_kept: int
    log_files_removed: int
    bytes_freed: int


def prune(instance: dg.DagsterInstance, settings: Settings, now: datetime) -> PruneResult:
    """Remove finished runs and logs that are older than the configuration says.

    Removing a run removes the materializations it made. A run that holds the latest one of any
    asset or partition therefore stays, whatever its age: without it, the partition would count
    as missing and be made again.

    Args:
        instance: The Dagster instance, with its storage below `settings.dagster_home`.
        settings: How long things are kept, and where they are.
        now: The present time.

    Returns:
        What was removed and what was kept.
    """
    cutoff = now - timedelta(days=settings.retention.runs_days)
    old = {
        record.dagster_run.run_id
        for record in instance.get_run_records(
            dg.RunsFilter(statuses=_FINISHED, updated_before=cutoff)
        )
    }
    kept = old & _runs_of_latest_materializations(instance, cutoff) if old else set()
    removed = old - kept
    for run_id in sorted(removed):
        instance.delete_run(run_id)
    freed = sum(_remove(path) for path in _run_files(instance, settings, removed, cutoff))
    first_day = (now.astimezone(UTC) - timedelta(days=settings.retention.logs_days)).date()
    old_logs = [path for path, day in _log_files(settings) if day < first_day]
    freed += sum(_remove(path) for path in old_logs)
    result = PruneResult(len(removed), len(kept), len(old_logs), freed)
    _logger.info("Retention: %s", result)
    return result


def _runs_of_latest_materializations(instance: dg.DagsterInstance, before: datetime) -> set[str]:
    runs = set()
    for key in instance.all_asset_keys():
        latest = instance.get_latest_materialization_event(key)
        if latest is not None:
            runs.add(latest.run_id)
        by_partition = instance.get_latest_storage_id_by_partition(
            key, DagsterEventType.ASSET_MATERIALIZATION
        )
        storage_ids = sorted(by_partition.values())
        for start in range(0, len(storage_ids), _RECORDS_PER_QUERY):
            wanted = storage_ids[start : start + _RECORDS_PER_QUERY]
            # Only old ones can belong to old runs; the others need not be read.
            found = instance.fetch_materializations(
                dg.AssetRecordsFilter(
                    asset_key=key, storage_ids=wanted, before_timestamp=before.timestamp()
                ),
                limit=len(wanted),
            )
            runs.update(record.run_id for record in found.records)
    return runs


def _run_files(
    instance: dg.DagsterInstance, settings: Settings, removed: set[str], cutoff: datetime
) -> Iterator[Path]:
    """Find the files of removed runs, which Dagster leaves, also of runs removed before a crash."""
    home = settings.dagster_home
    for path in [*(home / "history" / "runs").glob("*.db*"), *(home / "storage").glob("*")]:
        run_id = path.name.partition(".")[0]
        if not _is_run_id(run_id):
            continue
        abandoned = path.lstat().st_mtime < cutoff.timestamp() and not instance.has_run(run_id)
        if run_id in removed or abandoned:
            yield path


def _log_files(settings: Settings) -> Iterator[tuple[Path, date]]:
    for path in (settings.home / "logs").glob("*.jsonl"):
        try:
            yield path, date.fromisoformat(path.stem)
        except ValueError:  # a file of somebody else's
            continue


def _is_run_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _remove(path: Path) -> int:
    """Remove a file or a directory and return its size; one that is gone already is no error."""
    try:
        if not path.is_dir():
            size = path.lstat().st_size
            path.unlink()
            return size
        size = sum(file.lstat().st_size for file in path.rglob("*"))
        shutil.rmtree(path)
    except FileNotFoundError:
        return 0
    return size
