"""The last result of every domain and partition: what `/health` and `health.json` report."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.schema import results
from sync_assets.ledger.types import utc_now


class ResultStatus(StrEnum):
    """How a domain's last work ended."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """How a domain's last work on a partition ended.

    Attributes:
        domain: Such as `strm`.
        partition: Such as a job's or an account's name; empty where there is none.
        status: Whether all, some or none of it worked.
        added: Items that are new or changed.
        skipped: Items left as they were.
        failed: Items that did not work.
        run_id: The Dagster run.
        finished_at: When it ended, UTC.
        detail: Further facts, JSON-serialisable, never secret.
    """

    domain: str
    partition: str
    status: ResultStatus
    added: int = 0
    skipped: int = 0
    failed: int = 0
    run_id: str | None = None
    finished_at: datetime = field(default_factory=utc_now)
    detail: Mapping[str, Any] = field(default_factory=dict)


def record_result(connection: Connection, result: Result) -> None:
    """Remember a result as the last one of its domain and partition, and in the history.

    Args:
        connection: A writing transaction of the ledger.
        result: What to remember.
    """
    identity = (results.c.domain == result.domain, results.c.partition == result.partition)
    previous = connection.execute(select(results.c.status).where(*identity)).scalar()
    counts = {"added": result.added, "skipped": result.skipped, "failed": result.failed}
    values = {
        "status": result.status,
        "finished_at": result.finished_at,
        "run_id": result.run_id,
        "detail": dict(result.detail),
        **counts,
    }
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(results)
        .values(domain=result.domain, partition=result.partition, **values)
        .on_conflict_do_update(index_elements=["domain", "partition"], set_=values)
    )
    append_events(
        connection,
        [
            Event(
                "result",
                f"{result.domain}/{result.partition}".rstrip("/"),
                previous_state=previous,
                state=result.status,
                run_id=result.run_id,
                detail={**counts, **result.detail},
            )
        ],
    )


def fail_results_of_run(connection: Connection, run_id: str, error: str) -> int:
    """Mark what a run last reported as failed: it ended without saying so itself.

    Args:
        connection: A writing transaction of the ledger.
        run_id: The Dagster run.
        error: Why it failed.

    Returns:
        How many results were not marked as failed already.
    """
    reported = [
        result
        for result in read_results(connection)
        if result.run_id == run_id and result.status is not ResultStatus.FAILED
    ]
    for result in reported:
        detail = {**result.detail, "error": error}
        record_result(connection, replace(result, status=ResultStatus.FAILED, detail=detail))
    return len(reported)


def read_results(connection: Connection) -> list[Result]:
    """Return the last result of every domain and partition, in their order.

    Args:
        connection: A transaction of the ledger.
    """
    query = select(results).order_by(results.c.domain, results.c.partition)
    results_found = []
    for row in connection.execute(query).mappings():
        values: dict[str, Any] = dict(row)
        values["status"] = ResultStatus(values["status"])
        results_found.append(Result(**values))
    return results_found
