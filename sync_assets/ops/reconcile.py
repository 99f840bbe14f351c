"""Report the runs whose process is gone, which Dagster itself would keep as started for ever.

After a power loss such a run holds its pool, and every later one waits in the queue. Only for
runs on this machine: with another launcher than the default one, that launcher watches its own.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
import psutil
from dagster import DagsterEventType, DagsterRunStatus

_logger = logging.getLogger(__name__)

_UNFINISHED = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]

# Between the start of a process and the event that names it; a clock that was set moves both.
_CLOCK_TOLERANCE_SECONDS = 5.0


@dataclass(frozen=True)
class RunProcess:
    """A process that a run named as its own.

    Attributes:
        process_id: Its id at that time.
        named_at: When, in seconds since 1970.
    """

    process_id: int
    named_at: float

    def is_alive(self) -> bool:
        """Tell whether that process still runs, and not another one under its id."""
        try:
            process = psutil.Process(self.process_id)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.create_time() <= self.named_at + _CLOCK_TOLERANCE_SECONDS
        except psutil.NoSuchProcess:
            return False


def reconcile(instance: dg.DagsterInstance, now: datetime) -> list[str]:
    """Report runs as failed, or canceled where that was asked, whose process is gone.

    To be called while no code server runs, so that none is just being started.

    Args:
        instance: The Dagster instance.
        now: The present time.

    Returns:
        The ids of the runs that were reported.
    """
    if not isinstance(instance.run_launcher, dg.DefaultRunLauncher):
        return []
    reported = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=_UNFINISHED)):
        run = record.dagster_run
        if _may_be_alive(instance, record, now):
            continue
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "Its process is gone.")
        else:
            instance.report_run_failed(
                run, "Its process is gone: killed, or the machine went down. Run it again."
            )
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        _logger.warning("Run %s of %s: its process is gone", run.run_id, run.job_name)
        reported.append(run.run_id)
    return reported


def _may_be_alive(instance: dg.DagsterInstance, record: dg.RunRecord, now: datetime) -> bool:
    run = record.dagster_run
    processes = _processes(instance, run.run_id)
    if processes:
        return any(process.is_alive() for process in processes)
    # Started from the shell, a run is there a moment before its process names itself.
    changed = record.update_timestamp.timestamp()
    just_begun = run.status is DagsterRunStatus.STARTED and now.timestamp() - changed < 30
    return just_begun and changed > psutil.boot_time()


def _processes(instance: dg.DagsterInstance, run_id: str) -> list[RunProcess]:
    processes = []
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        # Steps may have processes of their own; the run lives and dies with the one above them.
        if event is None or event.step_key is not None:
            continue
        value = event.engine_event_data.metadata.get("pid")
        if value is not None and str(value.value).isdigit():
            processes.append(RunProcess(int(str(value.value)), entry.timestamp))
    return processes
