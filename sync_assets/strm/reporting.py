"""What each STRM job last did: its stages' results, kept in the ledger for `/health`."""

from collections.abc import Mapping
from typing import Any

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus, read_results
from sync_assets.ops.health import report_result
from sync_assets.settings import Settings
from sync_assets.strm.job_run import StageResult

DOMAIN = "strm"
FIRST_STAGE = "listing"
_SEVERITY = (ResultStatus.OK, ResultStatus.DEGRADED, ResultStatus.FAILED)


class Reporter:
    """Keeps a job's result: the worst of its stages, and their numbers.

    A stage replaces only what the same stage reported before. The first one begins anew: that a
    later stage works again does not mean that the source could be looked at.

    Args:
        settings: The configuration.
        ledger: The ledger.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger

    def succeeded(self, run_id: str, job: str, stage: str, result: StageResult) -> None:
        """Report what a stage did for a job.

        Args:
            run_id: The Dagster run.
            job: The job's name.
            stage: The stage's name.
            result: What it did.
        """
        waits = result.numbers.get("waiting", 0) > 0
        status = ResultStatus.DEGRADED if result.failures or waits else ResultStatus.OK
        report = {"status": status, "failed": len(result.failures), **result.numbers}
        self._report(run_id, job, stage, report)

    def failed(self, run_id: str, job: str, stage: str, error: Exception) -> None:
        """Report that a stage could not do its work for a job.

        Args:
            run_id: The Dagster run.
            job: The job's name.
            stage: The stage's name.
            error: What it raised.
        """
        text = str(error) if isinstance(error, SyncError) else type(error).__name__
        self._report(run_id, job, stage, {"status": ResultStatus.FAILED, "error": text})

    def _report(self, run_id: str, job: str, stage: str, report: Mapping[str, Any]) -> None:
        stages = {} if stage == FIRST_STAGE else dict(self._last_stages(job))
        stages[stage] = dict(report)
        report_result(
            self._ledger,
            self._settings,
            Result(
                domain=DOMAIN,
                partition=job,
                status=max(
                    (ResultStatus(each["status"]) for each in stages.values()), key=_SEVERITY.index
                ),
                added=_total(stages, "created", "updated", "metadata_copied", "metadata_updated"),
                skipped=_total(
                    stages, "unchanged", "foreign", "metadata_unchanged", "metadata_foreign"
                ),
                failed=_total(stages, "failed"),
                run_id=run_id,
                detail={"stages": stages},
            ),
        )

    def _last_stages(self, job: str) -> Mapping[str, Mapping[str, Any]]:
        with self._ledger.read() as connection:
            results = read_results(connection)
        last = [each for each in results if (each.domain, each.partition) == (DOMAIN, job)]
        return last[0].detail.get("stages", {}) if last else {}


def _total(stages: Mapping[str, Mapping[str, Any]], *names: str) -> int:
    return sum(stage.get(name, 0) for stage in stages.values() for name in names)
