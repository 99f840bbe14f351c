"""The executor of every job: all steps in one process, and all partitions where none is named.

`dagster job execute -j strm_full` names no partition, and Dagster then refuses to run an asset
that depends on a partitioned one. What its user means is "everything": such a run becomes one run
per partition, one after the other in the same process, so that each fails or succeeds alone. Where
partitions are days, what its user means is "now": such a run is one of the present day.
"""

import gc
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

import dagster as dg
from dagster._core.events import DagsterEvent
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from sync_assets.errors import SyncError

STARTED_BY_TAG = "sync/started_by"

_ALLOCATIONS_BETWEEN_COLLECTIONS = 20_000


class PartitionRunsFailedError(SyncError):
    """Of the runs that a run without a partition started, some failed."""


def unnamed_partitions(job: dg.JobDefinition, run: dg.DagsterRun) -> Sequence[str]:
    """Return the partitions that a run is for although it names none.

    Args:
        job: What is run.
        run: The run.

    Returns:
        The keys; of days or months the present one. Empty where the run names its partitions, or
        its assets do not all have the same ones.
    """
    if run.tags.keys() & {PARTITION_NAME_TAG, ASSET_PARTITION_RANGE_START_TAG}:
        return ()
    partitions = job.partitions_def
    if isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        present = partitions.get_last_partition_key()
        return [present] if present else ()
    if type(partitions) is not dg.StaticPartitionsDefinition:
        return ()
    return partitions.get_partition_keys()


class AllPartitionsExecutor(InProcessExecutor):
    """Runs all steps in one process, for all partitions where the run names none."""

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        """Run the plan for the last partition, after runs of their own for the others."""
        with _definitions_left_alone():
            yield from self._execute(plan_context, execution_plan)

    def _execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        run = plan_context.dagster_run
        keys = unnamed_partitions(plan_context.job.get_definition(), run)
        if not keys:
            yield from super().execute(plan_context, execution_plan)
            return
        failed = [key for key in keys[:-1] if not _run_partition(plan_context, key)]
        own_tag = {PARTITION_NAME_TAG: keys[-1]}
        plan_context.instance.add_run_tags(run.run_id, own_tag)
        tagged_run = run.with_tags({**run.tags, **own_tag})
        own_context = PlanOrchestrationContext(
            plan_data=plan_context.plan_data._replace(dagster_run=tagged_run),
            log_manager=plan_context.log,
            executor=self,
            output_capture=plan_context.output_capture,
        )
        yield from super().execute(own_context, execution_plan)
        if failed:
            raise PartitionRunsFailedError(
                f"The runs of these partitions failed: {', '.join(failed)}.",
                remedy="Look at their own runs; the other partitions went on.",
            )


@contextmanager
def _definitions_left_alone() -> Generator[None]:
    """Keep the garbage collector from looking at all definitions again and again.

    They are a million objects that stay until the end of the process: without this a long scan
    spends an eighth of its time on them.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _run_partition(plan_context: PlanOrchestrationContext, key: str) -> bool:
    """Run the same job for one partition, as a run of its own; tell whether it succeeded."""
    run = plan_context.dagster_run
    plan_context.log.info("Running partition %s first, in a run of its own", key)
    with dg.execute_job(
        plan_context.reconstructable_job,
        instance=plan_context.instance,
        run_config=dict(plan_context.run_config),
        tags={**run.tags, PARTITION_NAME_TAG: key, STARTED_BY_TAG: run.run_id},
    ) as result:
        return result.success


@dg.executor(name="in_process_all_partitions")
def all_partitions_executor(_: dg.InitExecutorContext) -> AllPartitionsExecutor:
    """Run all steps in one process, for all partitions where the run names none."""
    return AllPartitionsExecutor(retries=RetryMode.ENABLED)
