"""The runs of an event job that have not finished, by what Dagster says."""

import dagster as dg

from sync_assets.launching import ActiveRun

# Not NOT_STARTED: such a run may be the remains of a crash, which nothing ever starts.
_QUEUED = (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING)


def active_runs(instance: dg.DagsterInstance, job_name: str) -> list[ActiveRun]:
    """Return the runs of a job that are queued or at work.

    Args:
        instance: Dagster's instance.
        job_name: The job.
    """
    statuses = [*_QUEUED, dg.DagsterRunStatus.STARTED]
    runs = instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=statuses))
    return [ActiveRun(run.run_id, run.status not in _QUEUED) for run in runs]
