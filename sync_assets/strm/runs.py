"""Run a stage of the pipeline for each selected job: glue between Dagster and the engine.

One job's failure does not stop the others. A run of one job fails at once; a run of several goes
on, leaves the failed ones out of its later stages, and fails at its end.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from sync_assets.errors import SyncError
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.results import Result, ResultStatus, read_results
from sync_assets.logs import stage
from sync_assets.ops.health import report_result
from sync_assets.settings import Settings
from sync_assets.strm.models import ItemFailure
from sync_assets.strm.pipeline import JobRun, StageResult
from sync_assets.strm.waiting import LEASE_NAME

DOMAIN = "strm"
LEASE_WAIT_SECONDS = 60.0
FAILURES_SHOWN = 50


class Stage:
    """One stage of the pipeline, for all selected jobs.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        lake: The lake.
        is_last: Whether the run ends with this stage.
    """

    def __init__(
        self, settings: Settings, ledger: Ledger, lake: Lake, *, is_last: bool = False
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._lake = lake
        self._is_last = is_last

    def run(
        self, context: dg.AssetExecutionContext, work: Callable[[JobRun], StageResult]
    ) -> dg.MaterializeResult:
        """Do the work of one asset.

        Args:
            context: The asset's context; its partitions are the selected jobs.
            work: What the asset does for one job; it raises `SyncError`.

        Returns:
            The asset's result; each partition has its own metadata.

        Raises:
            dagster.Failure: Every selected job failed, or, at the last stage, any of them.
        """
        names = self._selected(context)
        failed = self._failed_before(context.run.run_id)
        for name in names:
            if name in failed:
                continue
            error = self._run_job(context, name, work)
            if error is not None:
                failed[name] = error
        if failed and (self._is_last or len(failed) == len(names)):
            raise _failure(failed)
        return dg.MaterializeResult()

    def _selected(self, context: dg.AssetExecutionContext) -> Sequence[str]:
        require_jobs(self._settings)
        return context.partition_keys

    def _run_job(
        self,
        context: dg.AssetExecutionContext,
        name: str,
        work: Callable[[JobRun], StageResult],
    ) -> str | None:
        """Run the stage for one job; return what went wrong, if anything did."""
        purpose = f"STRM job {name} of run {context.run.run_id}"
        asset = context.asset_key.to_user_string()
        started_at = time.monotonic()
        try:
            with (
                stage(context, asset, partition=name) as logged,
                hold_lease(
                    self._ledger, LEASE_NAME, purpose=purpose, wait_seconds=LEASE_WAIT_SECONDS
                ) as lease,
            ):
                job_settings = self._settings.strm.jobs[name]
                result = work(JobRun(name, job_settings, lease, self._ledger, self._lake))
                logged.update(result.numbers)
        except SyncError as error:
            self._report(context.run.run_id, name, StageResult(), error=error)
            context.add_asset_metadata({"error": str(error)}, partition_key=name)
            return str(error)
        self._report(context.run.run_id, name, result)
        seconds = time.monotonic() - started_at
        context.add_asset_metadata(_metadata(result, seconds), partition_key=name)
        return None

    def _report(
        self, run_id: str, name: str, result: StageResult, *, error: SyncError | None = None
    ) -> None:
        """Add what this stage did to the job's last result."""
        earlier = last_result(self._ledger, name)
        detail: dict[str, Any] = {}
        if earlier is not None and earlier.run_id == run_id:
            detail = {key: value for key, value in earlier.detail.items() if key != "error"}
        detail |= result.numbers
        failed = detail.get("failed_items", 0) + len(result.failures)
        detail["failed_items"] = failed
        if error is not None:
            status = ResultStatus.FAILED
            detail["error"] = str(error)
        else:
            status = ResultStatus.DEGRADED if failed else ResultStatus.OK
        report_result(
            self._ledger,
            self._settings,
            Result(
                domain=DOMAIN,
                partition=name,
                status=status,
                added=detail.get("created", 0) + detail.get("updated", 0),
                skipped=detail.get("unchanged", 0) + detail.get("foreign", 0),
                failed=failed,
                run_id=run_id,
                detail=detail,
            ),
        )

    def _failed_before(self, run_id: str) -> dict[str, str]:
        """Return the jobs that an earlier stage of this run could not do."""
        with self._ledger.read() as connection:
            results = read_results(connection)
        return {
            each.partition: str(each.detail.get("error", ""))
            for each in results
            if each.domain == DOMAIN
            and each.run_id == run_id
            and each.status is ResultStatus.FAILED
        }


def require_jobs(settings: Settings) -> None:
    """Make sure that any job is configured.

    Args:
        settings: The whole configuration.

    Raises:
        dagster.Failure: None is.
    """
    if not settings.strm.jobs:
        raise dg.Failure(
            description="No STRM job is configured. Add a table [strm.jobs.NAME] to "
            "sync.toml; sync.example.toml shows one.",
            allow_retries=False,
        )


def last_result(ledger: Ledger, name: str) -> Result | None:
    """Return the last result of a job, if it has any.

    Args:
        ledger: The ledger.
        name: The job's name.
    """
    with ledger.read() as connection:
        results = read_results(connection)
    return next(
        (each for each in results if each.domain == DOMAIN and each.partition == name), None
    )


def _failure(failed: Mapping[str, str]) -> dg.Failure:
    lines = "\n\n".join(f"{name}: {error}" for name, error in failed.items())
    return dg.Failure(
        description=f"{len(failed)} STRM job(s) failed.\n\n{lines}", allow_retries=False
    )


def _metadata(result: StageResult, seconds: float) -> dict[str, Any]:
    metadata: dict[str, Any] = dict(result.numbers)
    metadata["failed"] = len(result.failures)
    metadata["seconds"] = round(seconds, 3)
    if result.failures:
        metadata["failures"] = dg.MetadataValue.md(failure_table(result.failures))
    metadata.update(result.notes)
    return metadata


def failure_table(failures: Sequence[ItemFailure]) -> str:
    """Return a Markdown table of failures, the first ones where there are many."""
    rows = [
        f"| {_cell(each.path)} | {_cell(each.error)} | {_cell(each.remedy)} |"
        for each in failures[:FAILURES_SHOWN]
    ]
    hidden = len(failures) - len(rows)
    more = [f"\n{hidden} more; the table in the lake has all of them."] if hidden > 0 else []
    return "\n".join(["| item | what went wrong | what to do |", "|---|---|---|", *rows, *more])


def _cell(text: str) -> str:
    printable = "".join(character if character.isprintable() else "�" for character in text)
    return printable.replace("|", "\\|")
