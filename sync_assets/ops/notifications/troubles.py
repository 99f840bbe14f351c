"""What has failed, and what works again: read from the last result of every domain and partition.

Results are compared with what was told, rather than told as they come: nothing is missed while
nobody looks, and the same failure is one trouble however often it happens.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from sync_assets.ledger.results import Result, ResultStatus, read_results
from sync_assets.ops.health import configured_partitions
from sync_assets.ops.notifications.outbox import begin_trouble, end_trouble, open_troubles
from sync_assets.settings import Settings
from sync_assets.settings.notifications import NotificationKind

JOB_PREFIX = f"{NotificationKind.FAILURES}/job/"


def compare_results(
    connection: Connection, settings: Settings, is_under_way: Callable[[str], bool]
) -> None:
    """Tell of what has failed since, and of what works again.

    Args:
        connection: A writing transaction of the ledger.
        settings: The configuration; what is not configured any more is of no interest.
        is_under_way: Tells whether a Dagster run has not ended: only at its end it is sure that
            something works again, as a later stage may fail.
    """
    configured = configured_partitions(settings)
    known = {trouble.key: trouble for trouble in open_troubles(connection)}
    for result in read_results(connection):
        partitions = configured.get(result.domain, frozenset())
        if not partitions or (result.partition and result.partition not in partitions):
            continue
        key = f"result/{result.domain}/{result.partition}"
        if result.status is ResultStatus.FAILED:
            kind = _kind(result)
            begin_trouble(connection, kind, key, _title(result), _reason(result.detail))
            continue
        over = [known[name] for kind in NotificationKind if (name := f"{kind}/{key}") in known]
        if over and not (result.run_id and is_under_way(result.run_id)):
            for trouble in over:
                end_trouble(connection, trouble, f"{_name(result)} works again")


def begin_job_trouble(connection: Connection, job: str, partition: str, run_id: str) -> None:
    """Tell that a run has failed without any domain saying so.

    Args:
        connection: A writing transaction of the ledger.
        job: The job.
        partition: The run's partition; empty where it has none.
        run_id: The Dagster run.
    """
    has_said_so = any(
        result.run_id == run_id and result.status is ResultStatus.FAILED
        for result in read_results(connection)
    )
    if not has_said_so:
        name = f"{job} {partition}".rstrip()
        text = f"Run {run_id} ended before it was done. Its log is in the Dagster UI."
        key = f"job/{job}/{partition}"
        begin_trouble(connection, NotificationKind.FAILURES, key, f"{name} failed", text)


def _kind(result: Result) -> NotificationKind:
    # Domains say so of an account that only its user can connect again.
    return NotificationKind.ACCOUNTS if "remedy" in result.detail else NotificationKind.FAILURES


def _title(result: Result) -> str:
    what = "must be connected" if "remedy" in result.detail else "failed"
    return f"{_name(result)} {what}"


def _name(result: Result) -> str:
    return f"{result.domain} {result.partition}".rstrip()


def _reason(detail: Mapping[str, Any]) -> str:
    """Return what went wrong: said of the whole, or of the stages that failed."""
    if "error" in detail:
        return str(detail["error"])
    stages = detail.get("stages", {})
    failed = (f"{name}: {stage['error']}" for name, stage in stages.items() if "error" in stage)
    return "\n".join(failed)
