"""What must be true of the STRM pipeline: the listing is whole, and deleting is safe."""

from collections.abc import Collection, Mapping, Sequence

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG

from sync_assets.errors import ItemFailure
from sync_assets.failures import failure_table
from sync_assets.lake import Lake
from sync_assets.lake.resources import LakeResource
from sync_assets.strm.deleting.approval import APPROVAL_JOB
from sync_assets.strm.listing import listing_table
from sync_assets.strm.listing.listing_table import ASSET as LISTING
from sync_assets.strm.models import Decision
from sync_assets.strm.pipeline import ORPHANS


def build_checks(jobs: Collection[str]) -> list[dg.AssetChecksDefinition]:
    """Build the checks.

    Args:
        jobs: The configured jobs; what a removed one left in the lake counts no more.
    """

    @dg.asset_check(
        asset=dg.AssetKey(LISTING),
        description="Every folder of every job could be listed whole. Where one could not, its "
        "part of the library is protected from deletion.",
    )
    def listing_is_complete(lake: LakeResource) -> dg.AssetCheckResult:
        """Check that no directory of the last listings failed or was truncated."""
        opened = lake.open()
        incomplete = []
        for job in _stored(opened, LISTING, jobs):
            for path, error in listing_table.incomplete(
                opened.batches(LISTING, partition=job, columns=listing_table.STATUS_COLUMNS)
            ):
                remedy = "It is protected from deletion. Give this user access to it."
                incomplete.append(ItemFailure(f"{job}: {path}", error, remedy))
        return dg.AssetCheckResult(
            passed=not incomplete,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "incomplete": len(incomplete),
                **(
                    {
                        "items": dg.MetadataValue.md(
                            failure_table(incomplete, all_are_in="the table in the lake")
                        )
                    }
                    if incomplete
                    else {}
                ),
            },
        )

    @dg.asset_check(
        asset=dg.AssetKey(ORPHANS),
        blocking=True,
        description="No deletion is waiting for approval: none was beyond a job's limits. While "
        "one is, nothing that depends on the orphans of that job runs.",
    )
    def deletion_is_safe(
        context: dg.AssetCheckExecutionContext, lake: LakeResource
    ) -> dg.AssetCheckResult:
        """Check that no job has a deletion plan that waits for approval.

        The check sees all jobs, so that the run of one never shows green over the plan of
        another. It is an error, which ends the run and blocks what follows, only in a run of the
        job that waits: the other jobs go on, with a warning. What was written before must be told
        all the same, which is why `orphans` itself tells the media servers when it leaves a plan.
        """
        opened = lake.open()
        waiting = {}
        for job in _stored(opened, ORPHANS, jobs):
            table = opened.table(ORPHANS, partition=job, columns=["plan_id", "decision", "reason"])
            rows = [row for row in table.to_pylist() if row["decision"] == Decision.WAITING]
            if rows:
                waiting[job] = (rows[0]["plan_id"], len(rows), rows[0]["reason"])
        partition = context.run.tags.get(PARTITION_NAME_TAG)
        is_of_this_run = partition is None or partition in waiting
        severity = dg.AssetCheckSeverity.ERROR if is_of_this_run else dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(
            passed=not waiting,
            severity=severity,
            description=f"Launch {APPROVAL_JOB} for the job with the plan's id to approve it."
            if waiting
            else None,
            metadata={
                "waiting": sum(count for _, count, _ in waiting.values()),
                **({"plans": dg.MetadataValue.md(_plan_table(waiting))} if waiting else {}),
            },
        )

    return [listing_is_complete, deletion_is_safe]


def _stored(lake: Lake, asset: Sequence[str], jobs: Collection[str]) -> list[str]:
    return [job for job in lake.partitions(asset) if job in jobs]


def _plan_table(waiting: Mapping[str, tuple[str, int, str]]) -> str:
    rows = [
        f"| {job} | {count} | {reason} | `{plan_id}` |"
        for job, (plan_id, count, reason) in waiting.items()
    ]
    return "\n".join(["| job | files | why | approved_plan |", "|---|---|---|---|", *rows])
