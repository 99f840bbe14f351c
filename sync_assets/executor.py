"""The executor of every job: all steps in one process, and all partitions where none is named.

`dagster job execute -j strm_full` names no partition, and Dagster then refuses to run an asset
that depends on a partitioned one. What its user means is "everything": this executor gives such
a run the tags that a run over the whole range of partitions has.
"""

from collections.abc import Iterator

import dagster as dg
from dagster._core.events import DagsterEvent
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)


def whole_range_tags(job: dg.JobDefinition, run: dg.DagsterRun) -> dict[str, str]:
    """Return the tags that make a run cover all partitions.

    Args:
        job: What is run.
        run: The run.

    Returns:
        The tags; empty where the run names its partitions, or its assets do not all have the
        same fixed ones.
    """
    if run.tags.keys() & {PARTITION_NAME_TAG, ASSET_PARTITION_RANGE_START_TAG}:
        return {}
    partitions = job.partitions_def
    if type(partitions) is not dg.StaticPartitionsDefinition:
        return {}
    keys = partitions.get_partition_keys()
    if not keys:
        return {}
    return {ASSET_PARTITION_RANGE_START_TAG: keys[0], ASSET_PARTITION_RANGE_END_TAG: keys[-1]}


class WholeRangeExecutor(InProcessExecutor):
    """Runs all steps in one process, on all partitions where the run names none."""

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        """Run the plan."""
        run = plan_context.dagster_run
        tags = whole_range_tags(plan_context.job.get_definition(), run)
        if tags:
            plan_context.instance.add_run_tags(run.run_id, tags)
            tagged_run = run.with_tags({**run.tags, **tags})
            plan_context = PlanOrchestrationContext(
                plan_data=plan_context.plan_data._replace(dagster_run=tagged_run),
                log_manager=plan_context.log,
                executor=self,
                output_capture=plan_context.output_capture,
            )
        yield from super().execute(plan_context, execution_plan)


@dg.executor(name="in_process_whole_range")
def whole_range_executor(_: dg.InitExecutorContext) -> WholeRangeExecutor:
    """Run all steps in one process, on all partitions where the run names none."""
    return WholeRangeExecutor(retries=RetryMode.ENABLED)
